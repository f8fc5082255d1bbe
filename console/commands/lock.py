"""``ltc lock`` and ``ltc unlock``: records that nobody writes to."""

from __future__ import annotations

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table
from console.records import address, one


@click.command("lock")
@click.argument("records", metavar="[RECORD]...", nargs=-1)
@click.option("--reason", default="", metavar="TEXT", help="Why; shown in the list and kept in the audit.")
@jobs.json_option
@pass_app
def lock(app: App, records: tuple[str, ...], reason: str, as_json: bool) -> int:
    """Let nobody write to these records; without any, list the locked ones.

    RECORD is SYSTEM:STREAM:ID, SYSTEM:NUMBER, or a number that only one record has. A locked record is read and
    reconciled as ever; what it should show is listed by `ltc conflicts list --all`.

    \b
    Examples:
      ltc lock crm:Q-00461 --reason "In dispute"
      ltc lock
      ltc lock --json
    """
    from state import locks

    if not records:
        return _list(app, as_json)
    with app.store.transaction() as connection:
        found = [one(connection, text) for text in records]
        for record in found:
            locks.lock(connection, record.record_id, app.actor, reason.strip())
    for record in found:
        say(app.texts("locks.locked", record=address(record)))
    return 0


@click.command("unlock")
@click.argument("records", metavar="RECORD...", nargs=-1, required=True)
@pass_app
def unlock(app: App, records: tuple[str, ...]) -> int:
    """Let these records be written to again.

    \b
    Examples:
      ltc unlock crm:Q-00461
    """
    from state import locks

    free = True
    with app.store.transaction() as connection:
        told = []
        for text in records:
            record = one(connection, text)
            done = locks.unlock(connection, record.record_id, app.actor)
            free = free and done
            told.append(app.texts("locks.unlocked" if done else "locks.not_locked", record=address(record)))
    for line in told:
        say(line)
    return 0 if free else 1


def _list(app: App, as_json: bool) -> int:
    from state import locks
    from state.clock import from_us

    with app.store.reading() as connection:
        found = locks.locked(connection)
    if as_json:
        emit_json([{**item._asdict(), "locked_at": from_us(item.locked_at)} for item in found])
    elif not found:
        say(app.texts("locks.none"))
    else:
        names = ("record", "by", "since", "reason")
        zone = app.settings.business_day_zone
        rows = [
            (
                f"{item.system}:{item.stream}:{item.source_id}",
                item.locked_by,
                f"{from_us(item.locked_at).astimezone(zone):%Y-%m-%d %H:%M}",
                item.reason,
            )
            for item in found
        ]
        table([app.texts(f"locks.columns.{name}") for name in names], rows)
    return 0
