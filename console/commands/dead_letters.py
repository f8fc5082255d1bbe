"""``ltc dead-letters``: write-backs and new records that need a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from console import jobs, new_records
from console.context import App, pass_app
from console.output import emit_json, say, table
from console.records import HIDDEN, printable

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.creations import Creation
    from state.outbox import FieldChange, Item


@click.group("dead-letters")
def command() -> None:
    """Write-backs and new records that the source refused for good, or that were tried too often.

    \b
    Examples:
      ltc dead-letters list
      ltc dead-letters show 3f9a20c1
      ltc dead-letters edit 3f9a20c1 --set delivery_state=delivered
      ltc dead-letters retry 3f9a20c1
      ltc dead-letters discard 3f9a20c1 --reason "Invoice was voided by hand"
      ltc dead-letters undiscard 3f9a20c1
    """


@command.command("list")
@click.option("--system", metavar="NAME", help="Only this system.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="The first so many.")
@click.option("--discarded", is_flag=True, help="Those that were discarded, the last first.")
@jobs.json_option
@pass_app
def listing(app: App, system: str | None, limit: int, discarded: bool, as_json: bool) -> int:
    """List them with what was to be written and what the source said.

    \b
    Examples:
      ltc dead-letters list
      ltc dead-letters list --system books --json
      ltc dead-letters list --discarded
    """
    from state import dead_letters, tried_again
    from state.changes import Item

    app.systems((system,) if system else ())
    with app.store.reading() as connection:
        read = dead_letters.discarded if discarded else dead_letters.page
        listed, count = read(connection, dead_letters.Which(system), limit=limit)
        found = tried_again.counted(connection, [item for item in listed if isinstance(item, Item)])
    made = [item for item in listed if not isinstance(item, Item)]
    if as_json:
        emit_json([*(_as_dict(item) for item in found), *(new_records.letter_dict(app, item) for item in made)])
    elif not (found or made):
        say(app.texts("dead_letters.none"))
    else:
        names = ("id", "system", "stream", "record", "fields", "state", "attempts", "message")
        rows = [*(_row(app, item) for item in found), *(new_records.letter_row(app, item) for item in made)]
        table([app.texts(f"dead_letters.columns.{name}") for name in names], rows)
        if count > len(listed):
            say(app.texts("dead_letters.cut", shown=f"{len(listed):,}", count=f"{count:,}"))
    return 0


@command.command("show")
@click.argument("letter_id", metavar="ID")
@jobs.json_option
@pass_app
def show(app: App, letter_id: str, as_json: bool) -> int:
    """Show one with everything that is known of it; personal values are hidden.

    \b
    Examples:
      ltc dead-letters show 3f9a20c1
      ltc dead-letters show 3f9a20c1 --json
    """
    from console import letters
    from state import creations, outbox, tried_again

    with app.store.reading() as connection:
        made = creations.letter(connection, letter_id)
        if made is not None:
            emit_json(new_records.letter_dict(app, made)) if as_json else new_records.show_letter(app, made)
            return 0
        [item] = tried_again.counted(connection, [outbox.letter(connection, letter_id)])
    found = _as_dict(item, letters.personal(app.settings, item))
    if as_json:
        emit_json(found)
        return 0
    for name in ("id", "system", "stream", "source_id", "number", "attempts", "created_at", "sent_at", "message"):
        say(f"{app.texts(f'dead_letters.fields.{name}')}: {_plain(found[name])}")
    for change in found["changes"]:
        values = f"{_plain(change['old'])} → {_plain(change['new'])}"
        source = f"{change['source_field']}: {_plain(change['source_old'])} → {_plain(change['source_new'])}"
        say(f"  {change['field']}: {values}  ({source})")
        say(f"    {change['reason']}")
    return 0


@command.command("edit")
@click.argument("letter_id", metavar="ID")
@click.option(
    "--set", "values", multiple=True, required=True, metavar="FIELD=VALUE", help="May be given several times."
)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@pass_app
def edit(app: App, letter_id: str, values: tuple[str, ...], reason: str) -> int:
    """Have another value written instead, in canonical terms, until its owner's value changes; then retry it.

    \b
    Examples:
      ltc dead-letters edit 3f9a20c1 --set delivery_state=delivered --reason "The CRM knows no returns"
    """
    from console import letters
    from state import creations, outbox

    with app.store.reading() as connection:
        made = creations.letter(connection, letter_id)
        if made is not None:
            origin = f"{made.origin.system}:{made.origin.stream}:{made.origin.source_id}"
            raise click.UsageError(app.texts("new_records.not_edited", id=letter_id, origin=origin))
        item = outbox.letter(connection, letter_id)
    given = dict(_set(item, text) for text in values)
    try:
        edited = letters.edit(app.store, app.settings, item, given, app.actor, reason)
    except letters.Unfit as error:
        raise click.UsageError(str(error)) from None
    for decision in edited.decided:
        shown = {"field": decision.field, "value": decision.value, "record": _record(item)}
        key = "dead_letters.stands" if edited.stands else "dead_letters.edited"
        say(app.texts(key, id=item.letter, **shown))
    return 0


def _set(item: Item, text: str) -> tuple[str, str]:
    """The field and the value that a person gives; raises ``click.UsageError``."""
    name, given, value = (part.strip() for part in text.partition("="))
    if not given or all(change.field != name for change in item.changes):
        known = ", ".join(f"{change.field}=VALUE" for change in item.changes)
        raise click.UsageError(f"{text!r} sets no field of this dead letter. It can be: {known}")
    return name, value


@command.command("retry")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--system", metavar="NAME", help="All of this system, instead of ids.")
@pass_app
def retry(app: App, ids: tuple[str, ...], system: str | None) -> int:
    """Let the next plan take them up again, if they are still wanted.

    \b
    Examples:
      ltc dead-letters retry 3f9a20c1 8b01d2e4
      ltc dead-letters retry --system books
    """
    return _decide(app, ids, system, None)


@command.command("discard")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--system", metavar="NAME", help="All of this system, instead of ids; asks first.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--reason", required=True, metavar="TEXT", help="Why they are not needed; kept in the audit.")
@pass_app
def discard(app: App, ids: tuple[str, ...], system: str | None, yes: bool, reason: str) -> int:
    """Take them off the list for good; they come back only if the wish or the record changes.

    \b
    Examples:
      ltc dead-letters discard 3f9a20c1 --reason "Invoice was voided by hand"
      ltc dead-letters discard --system books --reason "The books were closed"
    """
    if not reason.strip():
        raise click.UsageError("A dead letter is discarded with a reason: `--reason TEXT`.")
    return _decide(app, ids, system, reason, sure=yes)


@command.command("undiscard")
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--reason", default="", metavar="TEXT", help="Why; kept in the audit.")
@pass_app
def undiscard(app: App, ids: tuple[str, ...], reason: str) -> int:
    """Put discarded ones back on the list, as they were; nothing is written by it.

    \b
    Examples:
      ltc dead-letters undiscard 3f9a20c1 --reason "The invoice is needed after all"
    """
    from console import written
    from state import dead_letters

    with app.store.transaction() as connection:
        found = [dead_letters.discarded_one(connection, letter_id) for letter_id in dict.fromkeys(ids)]
        for item in found:
            written.put_back(connection, item, app.actor, reason)
    for item in found:
        say(app.texts("dead_letters.put_back", id=item.letter, record=_named(item)))
    return 0


def _decide(app: App, ids: tuple[str, ...], system: str | None, reason: str | None, *, sure: bool = True) -> int:
    """Discard for a reason, or (``None``) retry: these, none if one of them is not there, or all of a system."""
    from console import letters_decided, written

    if bool(ids) is (system is not None):
        raise click.UsageError("Give the ids of the dead letters, or --system NAME.")
    app.systems((system,) if system else ())
    if system is not None:
        with app.store.reading() as connection:
            found = letters_decided.listed(connection, system, lambda _: True)
        if found and not sure:
            click.confirm(app.texts.counted("dead_letters.sure", len(found), system=system), abort=True, err=True)
    left: list[Item | Creation] = []
    with app.store.transaction() as connection:
        if system is None:
            done = [_letter(connection, letter_id) for letter_id in dict.fromkeys(ids)]
            for item in done:
                written.decide(connection, item, app.actor, reason)
        else:
            asked = {item.letter for item in found}
            still = letters_decided.of_ids(letters_decided.listed(connection, system, lambda _: True), asked)
            done, left = letters_decided.decide(connection, still, app.actor, reason)
    said = "dead_letters.retried" if reason is None else "dead_letters.discarded"
    for item in done:
        say(app.texts(said, id=item.letter, record=_named(item)))
    for item in left:
        say(app.texts("dead_letters.left", id=item.letter, record=_named(item)))
    if not (done or left):
        say(app.texts("dead_letters.none"))
    return 0


def _letter(connection: Connection, letter_id: str) -> Item | Creation:
    """The write-back or the new record with this id; raises ``PlanError``."""
    from state import creations, outbox

    return creations.letter(connection, letter_id) or outbox.letter(connection, letter_id)


def _named(item: Item | Creation) -> str:
    from state.creations import Creation

    if isinstance(item, Creation):
        return f"{item.system}:{item.stream}, {item.origin.system}:{item.number or item.origin.source_id}"
    return _record(item)


def _plain(value: Any) -> str:
    return "–" if value in (None, "") else printable(str(value))


def _record(item: Item) -> str:
    return f"{item.system}:{item.number}" if item.number else f"{item.system}:{item.stream}:{item.source_id}"


def _row(app: App, item: Item) -> tuple[Any, ...]:
    fields = ", ".join(f"{change.field}: {_plain(change.old)} → {_plain(change.new)}" for change in item.changes)
    state = app.texts.name("dead_letters.state", item.status.value)
    return (
        item.letter,
        item.system,
        item.stream,
        item.number or item.source_id,
        fields,
        state,
        item.attempts,
        item.message,
    )


def _as_dict(item: Item, personal: frozenset[str] = frozenset()) -> dict[str, Any]:
    from state.clock import from_us

    return {
        "id": item.letter,
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
        "changes": [_change(change, change.field in personal) for change in item.changes],
    }


def _change(change: FieldChange, hidden: bool) -> dict[str, Any]:
    values = {name: getattr(change, name) for name in ("old", "new", "source_old", "source_new")}
    if hidden:
        values = {name: value if value in (None, "") else HIDDEN for name, value in values.items()}
    return {"field": change.field, "source_field": change.source_field, **values, "reason": change.reason}
