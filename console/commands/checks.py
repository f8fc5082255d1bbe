"""``ltc checks``: the rules that reconciliation applies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from reconciliation.checks import Check


@click.group("checks")
def command() -> None:
    """Show the checks that are applied to every chain, and add checks of your own.

    \b
    Examples:
      ltc checks list
      ltc checks new quote_without_owner
      ltc checks test
    """


@command.command("list")
@jobs.json_option
@pass_app
def listing(app: App, as_json: bool) -> int:
    """List every check: hand-off, responsible department, severity, parameters, and what it says.

    Severity and parameters are those of ltc.yaml (`reconciliation.checks`) where it sets them.

    \b
    Examples:
      ltc checks list
      ltc --lang zh-CN checks list
    """
    from reconciliation import checks, words
    from reconciliation.checks import own

    lang = words.language(app.locale)
    given = app.settings.reconciliation if app.config.exists() else None
    set_here = given.checks if given else {}
    ours = own.load(given.checks_folder) if given else {}
    found = [*checks.catalogue(), *ours.values()]
    shown = [_as_dict(item, set_here.get(item.id, {}), lang) | {"own": item.id in ours} for item in found]
    if as_json:
        emit_json(shown)
        return 0
    names = ("check", "stage", "department", "severity", "parameters", "sentence")
    table([app.texts(f"checks.columns.{name}") for name in names], [_row(app, item) for item in shown])
    say(app.texts("checks.count", count=len(shown)))
    return 0


@command.command("new")
@click.argument("name")
@click.option("--python", is_flag=True, help="Write it in Python, for a query that has to be put together.")
@pass_app
def new(app: App, name: str, python: bool) -> int:
    """Write a check of your own, NAME.sql, and its test, NAME.test.yaml, to be filled in.

    They go into the folder that ltc.yaml names as `reconciliation.checks_folder`; without one, into the folder
    `checks` beside it, and the line for ltc.yaml is shown. What is there is not overwritten.

    \b
    Examples:
      ltc checks new quote_without_owner
      ltc checks new quote_without_owner --python
    """
    from console import own_checks, scaffold
    from reconciliation import checks
    from reconciliation.checks import own
    from settings import load

    if not own.NAME.fullmatch(name):
        raise click.UsageError(f"{name!r} is no name for a check: 3 to 60 small letters, digits and underscores.")
    if checks.get(name) is not None:
        raise click.UsageError(f"ltc comes with a check {name!r}. Give yours another name, such as acme_{name}.")
    named = load(app.config).reconciliation.checks_folder if app.config.exists() else None  # it need not be there yet
    folder = named or app.config.absolute().parent / "checks"
    made = own_checks.files(name, python)
    there = [path for path in (own.file_of(folder, name), *(folder / file for file in made)) if path and path.exists()]
    if there:
        raise FileExistsError(f"{there[0]} is there already.")
    for path in scaffold.write(folder, made):
        say(app.texts("checks.written", path=path))
    if named is None:
        say(app.texts("checks.set", folder=folder.name))
    say(app.texts("checks.try", name=name))
    return 0


@command.command("test")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@jobs.json_option
@pass_app
def test(app: App, names: tuple[str, ...], as_json: bool) -> int:
    """Try checks of your own on the records of their test files; all of them, or those named.

    Nothing is read from the store or from a system. Exit code 1 if a case comes out otherwise, or a check has no test.

    \b
    Examples:
      ltc checks test
      ltc checks test quote_without_owner
      ltc checks test --json
    """
    from reconciliation.checks import own, trial

    folder = app.settings.reconciliation.checks_folder
    if folder is None:
        raise click.UsageError(app.texts("checks.no_folder"))
    known = own.load(folder)
    for name in names:
        if name not in known:
            raise click.UsageError(f"There is no check {name!r} in {folder}. There are: {', '.join(known) or '–'}.")
    tried: list[trial.Tried] = []
    for name in names or tuple(known):
        path = trial.test_file(folder, name)
        if path.is_file():
            tried += trial.cases(known[name], path)
        else:
            tried.append(trial.Tried(name, "", app.texts("checks.no_test", file=path.name)))
    wrong = sum(1 for item in tried if item.wrong)
    if as_json:
        emit_json([{"check": item.check, "case": item.case, "ok": not item.wrong, "why": item.wrong} for item in tried])
    else:
        for item in tried:
            say(f"{'✗' if item.wrong else '✓'} {item.check}: {item.case}".rstrip(": "))
            if item.wrong:
                say(f"    {item.wrong}")
        say(app.texts("checks.tried", count=len(tried), wrong=wrong))
    return 1 if wrong else 0


@command.command("tables")
@click.argument("name", required=False, metavar="[TABLE]")
@jobs.json_option
@pass_app
def tables(app: App, name: str | None, as_json: bool) -> int:
    """Show the tables that the query of a check can look at, or the columns of one.

    \b
    Examples:
      ltc checks tables
      ltc checks tables quotes
      ltc checks tables --json
    """
    from reconciliation import words
    from reconciliation.checks.tables import tables as readable

    found = readable()
    if name is not None and name not in found:
        raise click.UsageError(f"There is no table {name!r}. `ltc checks tables` shows them.")
    lang = words.language(app.locale)
    chosen = {name: found[name]} if name else found
    if as_json:
        emit_json({key: {"about": item.about[lang], "columns": item.columns} for key, item in chosen.items()})
    elif name:
        table([app.texts("checks.columns.column"), app.texts("checks.columns.type")], list(found[name].columns.items()))
    else:
        rows = [(key, item.about[lang], app.texts.listed(item.columns)) for key, item in found.items()]
        table([app.texts(f"checks.columns.{column}") for column in ("table", "about", "column")], rows)
    return 0


def _as_dict(item: Check, changed: dict[str, Any], lang: str) -> dict[str, Any]:
    parameters = {**item.parameters, **changed}
    severity, enabled = parameters.pop("severity", item.severity), parameters.pop("enabled", True)
    return {
        "id": item.id,
        "title": item.title[lang],
        "stage": item.stage,
        "department": item.department,
        "severity": severity,
        "enabled": enabled,
        "parameters": parameters,
        "needs": [f"{role}.{entity}" for role, entity in item.needs],
        "sentence": item.sentence[lang],
        "action": item.action[lang],
    }


def _row(app: App, item: dict[str, Any]) -> tuple[Any, ...]:
    texts = app.texts
    severity = texts.name("findings.severity", item["severity"]) if item["enabled"] else texts("checks.off")
    parameters = texts.listed(texts.pair(name, value) for name, value in item["parameters"].items())
    places = (texts.name("summary.stage", item["stage"]), texts.name("summary.department", item["department"]))
    return (item["id"], *places, severity, parameters or None, item["sentence"])
