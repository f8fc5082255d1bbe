"""``ltc connectors new``: the files of a connector to a system that nobody here has seen."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from console import scaffold
from console.context import App, pass_app
from console.output import say

_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")
_STREAM = re.compile(r"([a-z][a-z0-9_]{0,59})(?:=([a-z_]+))?:(/\S*)")


@click.command("new")
@click.argument("name")
@click.option("--base-url", metavar="URL", help="Where its API is, for example https://api.acme.example/v2.")
@click.option("--auth", type=click.Choice(scaffold.AUTHS), help="How it knows us.")
@click.option(
    "--stream",
    "streams",
    multiple=True,
    metavar="NAME[=ENTITY]:PATH",
    help="A list of records, for example order:/orders; may be given several times. ENTITY: if it is not the name.",
)
@click.option("--records", metavar="EXPRESSION", help="Where in the answer the records are; @ is the answer itself.")
@click.option("--key", metavar="FIELD", help="The field that names a record for ever.")
@click.option("--version-field", metavar="FIELD", help="The field that grows with every change, if there is one.")
@click.option(
    "--time-format", metavar="FORMAT", help="iso, seconds, milliseconds, number (no time), or a pattern of strftime."
)
@click.option("--paging", type=click.Choice(scaffold.PAGINGS), help="How a list is cut into pages.")
@click.option("--page-size", type=click.IntRange(1, 100_000), help="Records per page.")
@click.option("--since-param", metavar="NAME", help="The parameter that asks for what changed since a time.")
@click.option("--update", metavar="METHOD:PATH", help="How a record is changed, for example patch:/orders/{id}.")
@click.option("--writable", multiple=True, metavar="FIELD", help="A field that may be written; with --update.")
@click.option("--python", is_flag=True, help="A Python package instead of a manifest, for what no manifest can say.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path(), help="Where to write.")
@click.option("--force", is_flag=True, help="Overwrite files that are there already.")
@click.option("--yes", is_flag=True, help="Ask nothing: what is not given has its usual value.")
@pass_app
def command(app: App, name: str, python: bool, folder: Path, force: bool, yes: bool, **given: Any) -> int:
    """Write a manifest, its mapping and its test for a system of your own; asks for what is not given.

    Nothing is sent anywhere. The files are a beginning that passes `ltc connectors check`; the system's documentation
    says what to correct in it. docs/connectors/tutorial.md goes all the way.

    \b
    Examples:
      ltc connectors new acme
      ltc connectors new acme --base-url https://api.acme.example --stream order:/orders --version-field changed --yes
      ltc connectors new acme --stream order:/orders --update patch:/orders/{id} --writable status
      ltc connectors new acme --python --yes
    """
    if not _NAME.fullmatch(name):
        raise click.UsageError(f"{name!r} is no name for a connector: small letters, digits and -, at most 40.")
    answers = _answers(app, name, given, yes)
    if python:
        from console.scaffold_python import files

        made, test, connector = files(answers), f"pytest ltc-{name}-connector", name
    else:
        made, test, connector = scaffold.files(answers), f"ltc connectors test {folder / name}.yaml", f"{name}.yaml"
        _refuse_wrong(made, connector)
        made[scaffold.SCHEMA] = _schema()
    present = [folder / file for file in made if (folder / file).exists() and file != scaffold.SCHEMA]
    if present and not force:
        raise click.UsageError(f"{present[0]} is there already; --force overwrites it.")
    for path in scaffold.write(folder, made):
        say(app.texts("cli.init_written", path=path))
    say()
    say(app.texts("scaffold.snippet", config=app.config))
    say(scaffold.snippet(answers, connector if python else _beside(app.config, folder / connector)))
    say()
    say(app.texts("scaffold.next"))
    steps = [f"pip install -e {folder / f'ltc-{name}-connector'}"] if python else [_check(folder / connector)]
    for step in [*steps, f"ltc connectors try {name} {answers.streams[0].name} --limit 5", test]:
        say(f"  {step}")
    return 0


def _check(path: Path) -> str:
    return f"ltc connectors check {path}"


def _beside(config: Path, path: Path) -> str:
    """The manifest as ltc.yaml names it."""
    whole, folder = path.resolve(), config.resolve().parent
    return whole.relative_to(folder).as_posix() if whole.is_relative_to(folder) else whole.as_posix()


def _schema() -> str:
    from console.manifest_schema import encoded

    return encoded()


def _refuse_wrong(made: dict[str, str], name: str) -> None:
    """Raise ``ManifestError`` for answers that make no manifest, before anything is written."""
    from tempfile import TemporaryDirectory

    from connectors.declarative.load import load

    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_text(made[name], encoding="utf-8")
        try:
            load(path)
        except Exception as error:
            problems = getattr(error, "problems", None)
            if problems is None:
                raise
            raise click.UsageError("\n".join(problem.what for problem in problems)) from None


def _answers(app: App, name: str, given: dict[str, Any], yes: bool) -> scaffold.Answers:
    ask = _Questions(app, yes)
    base_url = ask("base_url", given["base_url"], f"https://api.{name}.example")
    auth = ask("auth", given["auth"], "bearer", scaffold.AUTHS)
    texts = [*given["streams"]] or [ask("streams", None, "order:/orders")]
    streams = tuple(_streams(text for item in texts for text in item.split()))
    records, key = ask("records", given["records"], "@"), ask("key", given["key"], "id")
    version = ask("version_field", given["version_field"], "")
    since = ask("since_param", given["since_param"], "")
    time_format = ask("time_format", given["time_format"], "iso") if version or since else "iso"
    paging = ask("paging", given["paging"], "page", scaffold.PAGINGS)
    update = ask("update", given["update"], "")
    writable = given["writable"] or (ask("writable", None, "status").split(",") if update else ())
    return scaffold.Answers(
        name=name,
        base_url=base_url,
        streams=streams,
        auth=auth,
        records=records,
        key=key,
        version_field=version or None,
        time_format=time_format,
        paging=paging,
        page_size=given["page_size"] or 100,
        since_param=since or None,
        update=_update(update) if update else None,
        writable=tuple(item.strip() for item in writable if item.strip()) if update else (),
    )


class _Questions:
    """Asks for what was not given, unless nothing is to be asked."""

    def __init__(self, app: App, yes: bool) -> None:
        self._app, self._yes = app, yes

    def __call__(self, key: str, given: str | None, usual: str, choices: tuple[str, ...] = ()) -> str:
        if given is not None or self._yes:
            return given if given is not None else usual
        kind = click.Choice(choices) if choices else str
        answer = click.prompt(self._app.texts.name("scaffold.ask", key), default=usual, type=kind, show_default=True)
        return str(answer).strip()


def _streams(texts: Iterable[str]) -> Iterable[scaffold.StreamAnswer]:
    from mappings.model import ENTITIES

    for text in texts:
        found = _STREAM.fullmatch(text)
        if found is None:
            raise click.UsageError(f"{text!r} is no stream. For example: order:/orders, or sale=order:/sales.")
        name, entity, path = found[1], found[2] or found[1], found[3]
        if entity not in ENTITIES:
            raise click.UsageError(
                f"There is no entity {entity!r}. Say what its records are, as in {name}=order:{path}. "
                f"Known: {', '.join(ENTITIES)}."
            )
        yield scaffold.StreamAnswer(name, entity, path)


def _update(text: str) -> tuple[str, str]:
    method, _, path = text.partition(":")
    if method.lower() not in scaffold.METHODS or not path.startswith("/") or "{id}" not in path:
        raise click.UsageError(f"{text!r} is no update. For example: patch:/orders/{{id}}, or put or post.")
    return method.lower(), path
