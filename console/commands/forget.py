"""``ltc forget``: erase what is kept of a person, on request."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table
from console.records import address, one

if TYPE_CHECKING:
    from state.erasure import Erasure, Known
    from state.forget import Erased
    from state.persons import Found

_STDIN = "-"
_HERE = "."


@click.command("forget")
@click.argument("needles", metavar="[PERSON]...", nargs=-1)
@click.option("--keep", "kept", multiple=True, metavar="RECORD", help="Leave this record alone; may be given often.")
@click.option("--yes", is_flag=True, help="Erase. Without it only show what would be erased.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for instance the number of the request; with --yes.")
@click.option("--list", "only_list", is_flag=True, help="Who was erased, and where sources still have them.")
@click.option("--lift", metavar="ID", help="Let a person in again who was erased: with the next full pull.")
@click.option(
    "--again",
    is_flag=False,
    flag_value=_HERE,
    metavar="[FILE]",
    help="Erase again who was erased, or those of a FILE made by --export.",
)
@click.option("--export", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE", help="Write that file.")
@jobs.json_option
@pass_app
def command(
    app: App,
    needles: tuple[str, ...],
    kept: tuple[str, ...],
    yes: bool,
    reason: str,
    only_list: bool,
    lift: str | None,
    again: str | None,
    export: Path | None,
    as_json: bool,
) -> int:
    """Erase what is kept of a person: every version, every trace; ids, references and amounts stay.

    PERSON is an e-mail address, a phone number, a whole name, or a record as SYSTEM:STREAM:ID; several of them are one
    person. `-` reads them from standard input, a line each, so that they show nowhere. What is found is shown first:
    look at it, leave other people's records out with --keep, and add --yes.

    When a source sends the person again, what is personal is dropped on arrival, until --lift. Erase the person in the
    sources, too: the ones that still have the person are named.

    \b
    Examples:
      ltc forget anna.weber@example.com
      ltc forget anna.weber@example.com "Anna Weber" --keep crm:contact:003A --yes --reason "Request 17"
      ltc forget --list
      ltc forget --lift 5f0c2a91
      ltc forget --export erased.json
      ltc forget --again erased.json
    """
    asked = [bool(needles), only_list, lift is not None, again is not None, export is not None]
    if sum(asked) != 1:
        raise click.UsageError("Name a person, or give one of --list, --lift, --again, --export.")
    if only_list:
        return _list(app, as_json)
    if lift is not None:
        return _lift(app, lift)
    if again is not None:
        return _again(app, again, as_json)
    if export is not None:
        return _export(app, export)
    if yes and not reason.strip():
        raise click.UsageError("A person is erased with a reason: add --reason TEXT.")
    return _person(app, _read(needles), kept, reason.strip() if yes else None, as_json)


def _read(needles: tuple[str, ...]) -> list[str]:
    lines = sys.stdin.read().splitlines() if _STDIN in needles else []
    found = [text.strip() for text in (*(item for item in needles if item != _STDIN), *lines) if text.strip()]
    if not found:
        raise click.UsageError("Name a person: an e-mail address, a phone number, a name or a record.")
    return found


def _person(app: App, needles: list[str], kept: tuple[str, ...], reason: str | None, as_json: bool) -> int:
    from sync import forget

    with app.store.reading() as connection:
        left = [one(connection, text).record_id for text in kept]
    if reason is None:
        found = forget.preview(app.store, app.settings, needles, left)
    else:
        found = forget.erase(app.store, app.settings, needles, app.actor, reason, left)
        _compact(app)
    if as_json:
        emit_json(_as_dict(found))
    elif not found.records:
        say(app.texts("forget.nobody"))
    else:
        _show(app, found)
    return 0 if found.records else 1


def _compact(app: App) -> None:
    """What was erased must not be left in unused parts of the database's files."""
    from state import space
    from state.failures import StoreError

    try:
        space.compact(app.store)
    except StoreError as error:
        click.echo(app.texts("forget.not_compact", message=error.message), err=True)


def _show(app: App, found: Erased) -> None:
    texts = app.texts
    done = bool(found.erasure_id)
    say(texts.counted("forget.erased" if done else "forget.would", len(found.records)))
    names = ("record", "entity", "how", "fields", "in_source")
    rows = [(*_said(app, item), item.in_source) for item in found.records]
    table([texts(f"forget.columns.{name}") for name in names], rows)
    places = {name: number for name, number in found.rows.items() if number}
    others = texts.listed(f"{name} {number}" for name, number in sorted(places.items()))
    if others or found.versions or found.audit_rows:
        shown = {"rows": others or "–", "versions": found.versions, "audit": found.audit_rows}
        say(texts("forget.elsewhere", **shown))
    if not done:
        say(texts("forget.next"))
        return
    if found.still_in_source:
        systems = texts.listed(sorted({item.record.system for item in found.still_in_source}))
        say(texts("forget.still", systems=systems))
    say(texts("forget.done", id=found.erasure_id))


def _said(app: App, item: Found) -> tuple[str, str, str, str]:
    how = app.texts(f"forget.how.{item.how}")
    return address(item.record), item.record.entity, how, app.texts.listed(item.fields) or "–"


def _as_dict(found: Erased) -> dict[str, Any]:
    return {
        "erasure": found.erasure_id or None,
        "records": [
            {
                "system": item.record.system,
                "stream": item.record.stream,
                "entity": item.record.entity,
                "source_id": item.record.source_id,
                "found_by": item.how,
                "fields": list(item.fields),
                "in_source": item.in_source,
            }
            for item in found.records
        ],
        "rows": found.rows,
        "versions": found.versions,
        "audit_rows": found.audit_rows,
    }


def _listed(item: Erasure, held: list[Known]) -> dict[str, Any]:
    from state.clock import from_us
    from state.writes import RecordState

    records = [
        {
            "system": record.system,
            "stream": record.stream,
            "source_id": record.source_id,
            "in_source": record.state != RecordState.DELETED,
        }
        for record in held
    ]
    at, done_at = from_us(item.at), None if item.done_at is None else from_us(item.done_at)
    return {**item._asdict(), "at": at, "done_at": done_at, "records": records}


def _list(app: App, as_json: bool) -> int:
    from state.clock import from_us
    from state.writes import RecordState
    from sync import forget

    with app.store.reading() as connection:
        found = forget.still_held(connection)
    if as_json:
        emit_json([_listed(item, held) for item, held in found])
    elif not found:
        say(app.texts("forget.none"))
    else:
        zone = app.settings.business_day_zone
        rows = []
        for item, held in found:
            at = f"{from_us(item.at).astimezone(zone):%Y-%m-%d %H:%M}"
            alive = [record for record in held if record.state != RecordState.DELETED]
            where = app.texts.listed(f"{record.system}:{record.stream}:{record.source_id}" for record in alive) or "–"
            state = app.texts("forget.finished" if item.done_at else "forget.unfinished")
            rows.append((item.id, at, item.actor, item.reason, state, where))
        names = ("id", "at", "actor", "reason", "state", "still")
        table([app.texts(f"forget.columns.{name}") for name in names], rows)
    return 0


def _lift(app: App, erasure_id: str) -> int:
    from state import erasure

    with app.store.transaction() as connection:
        held = erasure.lift(connection, erasure_id, app.actor)
    systems = sorted({item.system for item in held})
    commands = app.texts.listed(f"`ltc pull --full --system {name}`" for name in systems) or "`ltc pull --full`"
    say(app.texts("forget.lifted", id=erasure_id, commands=commands))
    return 0


def _again(app: App, source: str, as_json: bool) -> int:
    from state import erasure
    from sync import forget

    if source == _HERE:
        with app.store.transaction() as connection:
            erasure.reopen(connection)
    else:
        forget.take_in(app.new_store, Path(source))
    done = forget.again(app.store, app.settings)
    if done:
        _compact(app)
    if as_json:
        emit_json([_as_dict(item) for item in done])
    else:
        say(app.texts("forget.again", count=len(done), records=sum(len(item.records) for item in done)))
    return 0


def _export(app: App, path: Path) -> int:
    from state.backup import refuse_existing
    from sync import forget

    refuse_existing(path)
    with app.store.reading() as connection:
        content = forget.export(connection)
    path.touch(mode=0o600)
    path.write_bytes(content)
    say(app.texts("forget.exported", path=path))
    return 0
