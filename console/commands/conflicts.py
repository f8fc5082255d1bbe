"""``ltc conflicts``: write-backs that would overwrite what somebody else wrote, and what people decide about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs
from console.context import App, pass_app
from console.output import emit_json, say, table

if TYPE_CHECKING:
    from state.held import Held

_FOR_PEOPLE = ("ask",)


@click.group("conflicts")
def command() -> None:
    """Fields that a write-back would overwrite although somebody else wrote there, where ltc.yaml says `ask`.

    \b
    Examples:
      ltc conflicts list
      ltc conflicts decide 3f9a20c1d7 --write
      ltc conflicts decide 3f9a20c1d7 --keep --reason "Agreed with the customer"
    """


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Everything that is not planned, and why: locked, decided …")
@click.option("--system", metavar="NAME", help="Only this system.")
@jobs.json_option
@pass_app
def listing(app: App, everything: bool, system: str | None, as_json: bool) -> int:
    """List what waits for a person: what the target shows, what the owner says, what they agreed on last.

    \b
    Examples:
      ltc conflicts list
      ltc conflicts list --all --system crm --json
    """
    from state import held

    app.systems((system,) if system else ())
    with app.store.reading() as connection:
        found = held.listing(connection, system, () if everything else _FOR_PEOPLE)
    if as_json:
        emit_json([_as_dict(item) for item in found])
        return 0
    if not found:
        say(app.texts("conflicts.none"))
        return 0
    names = ("id", "system", "record", "field", "old", "new", "agreed", "why")
    table([app.texts(f"conflicts.columns.{name}") for name in names], [_row(app, item) for item in found])
    if any(item.why in _FOR_PEOPLE for item in found):
        say(app.texts("conflicts.next"))
    return 0


@command.command("decide")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--write/--keep", "write", default=None, help="Write the owner's value, or keep what is there.")
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@pass_app
def decide(app: App, ids: tuple[str, ...], write: bool | None, reason: str) -> int:
    """Decide which value stays. It holds until the owner's value changes (--write: or the target's).

    \b
    Examples:
      ltc conflicts decide 3f9a20c1d7 --write
      ltc conflicts decide 3f9a20c1d7 8b01d2e4aa --keep --reason "Agreed with the customer"
    """
    from state import held

    if write is None:
        raise click.UsageError("Say which value stays: `--write` (the owner's) or `--keep` (what is there).")
    choice = "write" if write else "keep"
    with app.store.transaction() as connection:
        found = [held.one(connection, item_id) for item_id in ids]
        for item in found:
            held.decide(connection, item, choice, app.actor, reason.strip())
    for item in found:
        shown = {"old": _value(app, item.old), "new": _value(app, item.new), "record": _record(item)}
        say(app.texts(f"conflicts.decided.{choice}", id=item.id, **shown))
    return 0


def _record(item: Held) -> str:
    return f"{item.system}:{item.number}" if item.number else f"{item.system}:{item.stream}:{item.source_id}"


def _value(app: App, value: Any) -> str:
    return app.texts("conflicts.nothing") if value in (None, "") else str(value)


def _row(app: App, item: Held) -> tuple[Any, ...]:
    values = (_value(app, item.old), _value(app, item.new), _value(app, item.agreed))
    named = (item.id, item.system, item.number or item.source_id, f"{item.entity}.{item.field}")
    return (*named, *values, app.texts.name("push.held", item.why))


def _as_dict(item: Held) -> dict[str, Any]:
    from state.clock import from_us

    return {"id": item.id, **item._asdict(), "since": from_us(item.since)}
