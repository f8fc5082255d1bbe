"""``ltc dead-letters``: write-backs that need a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.outbox import Item


@click.group("dead-letters")
def command() -> None:
    """Write-backs that the source refused for good, or that were tried too often.

    \b
    Examples:
      ltc dead-letters list
      ltc dead-letters retry 17
      ltc dead-letters discard 17 --reason "Invoice was voided by hand"
    """


@command.command("list")
@click.option("--system", metavar="NAME", help="Only this system.")
@jobs.json_option
@pass_app
def listing(app: App, system: str | None, as_json: bool) -> int:
    """List them with what was to be written and what the source said.

    \b
    Examples:
      ltc dead-letters list
      ltc dead-letters list --system books --json
    """
    from state import outbox

    app.systems((system,) if system else ())
    with app.store.reading() as connection:
        found = outbox.dead_letters(connection, system)
    if as_json:
        emit_json([_as_dict(item) for item in found])
    elif not found:
        say(app.texts("dead_letters.none"))
    else:
        names = ("id", "system", "stream", "record", "fields", "state", "attempts", "message")
        table([app.texts(f"dead_letters.columns.{name}") for name in names], [_row(app, item) for item in found])
    return 0


@command.command("retry")
@click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
@pass_app
def retry(app: App, ids: tuple[int, ...]) -> int:
    """Let the next plan take them up again, if they are still wanted.

    \b
    Examples:
      ltc dead-letters retry 17 18
    """
    from state import outbox

    with app.store.transaction() as connection:
        found = [outbox.retry(connection, item_id, app.actor) for item_id in ids]
    for item in found:
        say(app.texts("dead_letters.retried", id=item.id, record=_record(item)))
    return 0


@command.command("discard")
@click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
@click.option("--reason", required=True, metavar="TEXT", help="Why they are not needed; kept in the audit.")
@pass_app
def discard(app: App, ids: tuple[int, ...], reason: str) -> int:
    """Take them off the list for good; they come back only if the wish or the record changes.

    \b
    Examples:
      ltc dead-letters discard 17 --reason "Invoice was voided by hand"
    """
    from state import outbox

    if not reason.strip():
        raise click.UsageError("A dead letter is discarded with a reason: `--reason TEXT`.")
    with app.store.transaction() as connection:
        found = [outbox.discard(connection, item_id, reason, app.actor) for item_id in ids]
    for item in found:
        say(app.texts("dead_letters.discarded", id=item.id, record=_record(item)))
    return 0


def _record(item: Item) -> str:
    return f"{item.system}:{item.number}" if item.number else f"{item.system}:{item.stream}:{item.source_id}"


def _row(app: App, item: Item) -> tuple[Any, ...]:
    fields = ", ".join(f"{change.field}: {change.old or '–'} → {change.new or '–'}" for change in item.changes)
    state = app.texts(f"dead_letters.state.{item.status.value}")
    return (
        str(item.id),
        item.system,
        item.stream,
        item.number or item.source_id,
        fields,
        state,
        item.attempts,
        item.message,
    )


def _as_dict(item: Item) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "id": item.id,
        "system": item.system,
        "stream": item.stream,
        "entity": item.entity,
        "source_id": item.source_id,
        "number": item.number,
        "status": item.status,
        "attempts": item.attempts,
        "message": item.message,
        "created_at": from_us(item.created_at),
        "sent_at": None if item.sent_at is None else from_us(item.sent_at),
        "plan": item.plan_id,
        "changes": [
            {"field": change.field, "old": change.old, "new": change.new, "reason": change.reason}
            for change in item.changes
        ],
    }
