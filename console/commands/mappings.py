"""``ltc mappings``: what a mapping makes of a record, and what it leaves out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table
from console.records import printable

if TYPE_CHECKING:
    from console.mapped import Covered, Tested
    from mappings.engine import Mapping
    from state.lookup import Sample

_WIDE = 60


@click.group("mappings")
def command() -> None:
    """Try a mapping on a record, and see what it covers.

    \b
    Examples:
      ltc mappings test crm --stream opportunity
      ltc mappings coverage
      ltc mappings suggest crm opportunity
    """


@command.command("test")
@click.argument("source", metavar="[SYSTEM|FILE]", required=False)
@click.option("--stream", required=True, metavar="NAME", help="The stream whose records it is for.")
@click.option(
    "--file",
    "record_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A record as the source sends it (JSON). Default: the newest one that was pulled.",
)
@click.option("--id", "source_id", metavar="ID", help="The source's id of a record that was pulled; of FILE, its id.")
@click.option("--show-personal", is_flag=True, help="Show personal values instead of •••.")
@jobs.json_option
@pass_app
def test(
    app: App,
    source: str | None,
    stream: str,
    record_file: Path | None,
    source_id: str | None,
    show_personal: bool,
    as_json: bool,
) -> int:
    """Show a record as the source sends it and as it is stored, side by side, and what nothing maps.

    SYSTEM is a system of ltc.yaml, FILE a mapping file or the name of a shipped one. Exit code 1 if the record would
    be quarantined.

    \b
    Examples:
      ltc mappings test crm --stream opportunity
      ltc mappings test crm --stream opportunity --id 006KXgO0w9wH9OnYCK
      ltc mappings test mappings/our-crm.yaml --stream lead --file record.json --json
    """
    from console import mapped

    system, mapping = _chosen(app, source, stream)
    mapping.stream(stream)
    if record_file is not None:
        from state.lookup import Sample

        sample = Sample(source_id or record_file.stem, record_file.read_bytes())
    else:
        sample = _held(app, system, stream, source_id)
    tested = mapped.test(mapping, stream, system or mapping.connector, sample, show_personal, None)
    if as_json:
        emit_json(tested.as_dict())
    else:
        show(app, tested, mapping.where)
    return 0 if tested.refused is None else 1


@command.command("coverage")
@click.argument("source", metavar="[SYSTEM|FILE]", required=False)
@click.option(
    "--records",
    type=click.IntRange(0, 100_000),
    default=100,
    show_default=True,
    help="How many of the newest records of each stream to look through for what nothing maps.",
)
@jobs.json_option
@pass_app
def coverage(app: App, source: str | None, records: int, as_json: bool) -> int:
    """Show per stream which canonical fields and statuses a mapping reaches, and what it leaves in the records.

    Without a name: every system of ltc.yaml.

    \b
    Examples:
      ltc mappings coverage
      ltc mappings coverage crm --records 1000 --json
      ltc mappings coverage mappings/our-crm.yaml
    """
    from console import mapped

    chosen = [_chosen(app, source, None)] if source else [_chosen(app, name, None) for name in app.settings.systems]
    found: list[Covered] = []
    problem = ""
    for system, mapping in chosen:
        for name in mapping.streams:
            samples: list[Sample] = []
            if system is not None and records and not problem:
                samples, problem = _samples(app, system, name, records)
            found.append(mapped.cover(mapping, name, system or mapping.where, samples))
    if as_json:
        emit_json([item.as_dict() for item in found])
    else:
        _show_coverage(app, found, problem)
    return 0


def _chosen(app: App, source: str | None, stream: str | None) -> tuple[str | None, Mapping]:
    """The system (``None`` for a file) and its mapping; without a name the only system that has the stream."""
    from mappings.engine import load
    from sync.systems import mapping_for

    if source is not None and not (app.config.exists() and source in app.settings.systems):
        return None, load(source)
    if source is not None:
        return source, mapping_for(app.settings, source)
    having = [name for name in app.settings.systems if stream in mapping_for(app.settings, name).streams]
    if len(having) != 1:
        named = ", ".join(having) or "none"
        raise click.UsageError(f"Name the system: the stream {stream!r} is in {named} of those in {app.config}.")
    return having[0], mapping_for(app.settings, having[0])


def _held(app: App, system: str | None, stream: str, source_id: str | None) -> Sample:
    from state import lookup

    if system is None:
        raise click.UsageError("Give a record to try the file on: `--file record.json`. Or name a system of ltc.yaml.")
    with app.store.reading() as connection:
        found = lookup.newest(connection, system, stream, 1, source_id)
    if not found:
        which = f"record {source_id!r}" if source_id else "record"
        raise click.UsageError(
            f"No {which} of {system}.{stream} is held. Pull it with `ltc pull --system {system} --stream {stream}`, or "
            "give one with `--file record.json`."
        )
    return found[0]


def _samples(app: App, system: str, stream: str, count: int) -> tuple[list[Sample], str]:
    """The newest records, or why there are none to look at."""
    from state import lookup
    from state.failures import StoreError

    try:
        with app.store.reading() as connection:
            return lookup.newest(connection, system, stream, count), ""
    except StoreError as error:
        return [], error.message


def show(app: App, tested: Tested, where: str) -> None:
    """Print a record and what was made of it, side by side; ``where`` it or its mapping comes from."""
    from console.records import HIDDEN

    texts = app.texts
    named = {"where": where, "stream": tested.stream, "entity": tested.entity, "record": tested.source_id}
    say(texts("mappings.head", **named))
    rows = [(item.name, _cut(item.value), item.path or None, _cut(item.raw)) for item in tested.fields]
    table([texts(f"mappings.columns.{name}") for name in ("field", "value", "path", "raw")], rows)
    say()
    if tested.unmapped:
        say(texts("mappings.unmapped"))
        for path, value in tested.unmapped.items():
            say(printable(f"  {path}" + (f": {_cut(value)}" if tested.shows_personal else "")))
    else:
        say(texts("mappings.all_mapped"))
    if tested.hides:
        say(texts("mappings.hidden", hidden=HIDDEN))
    if tested.skipped:
        say(texts("mappings.skipped"))
    if tested.refused is not None:
        click.echo(texts("mappings.refused", **tested.refused), err=True)


def _show_coverage(app: App, found: list[Covered], problem: str) -> None:
    texts = app.texts
    names = ("stream", "entity", "fields", "statuses", "records", "unmapped")
    rows = [
        (
            f"{item.where}:{item.stream}",
            item.entity,
            f"{len(item.mapped)} / {len(item.mapped) + len(item.not_mapped)}",
            f"{len(item.statuses)} / {len(item.statuses) + len(item.statuses_not_reached)}",
            item.records,
            len(item.unmapped),
        )
        for item in found
    ]
    table([texts(f"mappings.coverage.{name}") for name in names], rows)
    say()
    for item in found:
        name = f"{item.where}:{item.stream}"
        if item.not_mapped:
            say(texts("mappings.not_filled", stream=name, fields=texts.listed(item.not_mapped)))
        if item.statuses_not_reached:
            say(texts("mappings.not_reached", stream=name, statuses=texts.listed(item.statuses_not_reached)))
        if item.unmapped:
            say(f"{name}: {texts('mappings.unmapped')}")
            say("  " + texts.listed(f"{path} ({count})" for path, count in item.unmapped.items()))
    if problem:
        say(texts("mappings.no_store", reason=problem))


def _cut(value: Any) -> str | None:
    if value is None:
        return None
    text = str(value)
    return text if len(text) <= _WIDE else f"{text[: _WIDE - 1]}…"


@command.command("suggest")
@click.argument("system")
@click.argument("streams", metavar="[STREAM]...", nargs=-1)
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="Records to look at.")
@click.option("--write", type=click.Path(path_type=Path, dir_okay=False), help="Write the proposal to this file.")
@click.option("--force", is_flag=True, help="Overwrite the file if it is there.")
@jobs.json_option
@pass_app
def suggest(
    app: App, system: str, streams: tuple[str, ...], limit: int, write: Path | None, force: bool, as_json: bool
) -> int:
    """Propose a mapping for a system from the names, types and values of some of its records, read now.

    Each line says how sure it is. With --write, what is less sure than 80 % is a comment for you to decide; a status is
    never guessed. Nothing is kept, and no value is shown but words that may be statuses.

    \b
    Examples:
      ltc mappings suggest acme
      ltc mappings suggest acme order --write acme.mapping.yaml
      ltc mappings suggest acme order --json
    """
    from console import suggesting

    app.systems((system,))
    if write is not None and write.exists() and not force:
        raise click.UsageError(f"{write} is there already; --force overwrites it.")
    name, found = suggesting.proposals(app, system, streams, limit)
    if write is not None:
        text = suggesting.text_of(name, found, app.settings.base_currency, app.texts)
        write.write_text(text, encoding="utf-8")
    if as_json:
        emit_json([suggesting.as_dict(item) for item in found])
        return 0
    suggesting.show(app, found)
    if write is not None:
        say(app.texts("cli.init_written", path=write))
    return 0
