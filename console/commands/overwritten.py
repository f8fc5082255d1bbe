"""``ltc overwritten``: values of others that write-backs replaced, and bringing them back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.outbox import Item


@click.group("overwritten")
def command() -> None:
    """Values that somebody else had written and that a write-back replaced; none of them is lost.

    \b
    Examples:
      ltc overwritten list
      ltc overwritten restore 17
    """


@command.command("list")
@click.option("--system", metavar="NAME", help="Only this system.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@jobs.json_option
@pass_app
def listing(app: App, system: str | None, limit: int, as_json: bool) -> int:
    """List them, the last first: what was there, what was written instead, and why.

    \b
    Examples:
      ltc overwritten list
      ltc overwritten list --system crm --json
    """
    from state import overwritten

    app.systems((system,) if system else ())
    with app.store.reading() as connection:
        found = overwritten.listing(connection, system, limit)
    if as_json:
        emit_json([row for item in found for row in _as_dicts(item)])
    elif not found:
        say(app.texts("overwritten.none"))
    else:
        names = ("id", "system", "record", "field", "old", "new", "at", "reason")
        rows = [row for item in found for row in _rows(app, item)]
        table([app.texts(f"overwritten.columns.{name}") for name in names], rows)
    return 0


@command.command("restore")
@click.argument("item_id", metavar="ID", type=int)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@jobs.json_option
@pass_app
def restore(app: App, item_id: int, reason: str, as_json: bool) -> int:
    """Write what was there before back, now; it stays until the owner's value changes.

    \b
    Examples:
      ltc overwritten restore 17
      ltc overwritten restore 17 --reason "Agreed with the customer"
    """
    from state import overwritten
    from state.changes import STUCK

    with app.store.reading() as connection:
        item = overwritten.one(connection, item_id)
    result = jobs.run(app, "restore", "local", item_id=item_id, reason=reason.strip())
    if as_json or result.problems or result.failed:
        return jobs.finish(app, result, as_json)
    tried = [entry for plan in result.applied for entry in plan.items]
    done = any(entry.status.value in ("applied", "unchanged") for entry in tried)
    refused = next((entry for entry in tried if entry.status in STUCK), None)
    if refused is not None and not done:
        told = {"id": item.id, "record": _record(item), "why": refused.message, "letter": refused.letter}
        say(app.texts("overwritten.refused", **told))
        return 3
    for change in overwritten.lost(item):
        shown = {"id": item.id, "record": _record(item), "field": change.field, "old": change.source_old}
        say(app.texts("overwritten.restored" if done else "overwritten.not_restored", **shown))
    return 0 if done else 3


def _record(item: Item) -> str:
    return f"{item.system}:{item.number}" if item.number else f"{item.system}:{item.stream}:{item.source_id}"


def _rows(app: App, item: Item) -> list[tuple[Any, ...]]:
    from state.clock import from_us
    from state.overwritten import lost

    at = f"{from_us(item.done_at or 0).astimezone(app.settings.business_day_zone):%Y-%m-%d %H:%M}"
    record = item.number or item.source_id
    perhaps = f" {app.texts('overwritten.perhaps')}" if item.unsettled else ""
    return [
        (
            *(str(item.id), item.system, record, change.field, change.source_old, change.source_new, at),
            change.reason + perhaps,
        )
        for change in lost(item)
    ]


def _as_dicts(item: Item) -> list[dict[str, Any]]:
    from state.clock import from_us
    from state.overwritten import lost

    return [
        {
            "id": item.id,
            "system": item.system,
            "stream": item.stream,
            "entity": item.entity,
            "source_id": item.source_id,
            "number": item.number,
            "field": change.field,
            "old": change.old,
            "new": change.new,
            "source_old": change.source_old,
            "source_new": change.source_new,
            "at": from_us(item.done_at or 0),
            "reason": change.reason,
            "certain": not item.unsettled,
        }
        for change in lost(item)
    ]
