"""Dead letters as the command and the workbench show and edit them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from console.records import HIDDEN

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.held import Decision
    from state.outbox import Item
    from state.store import Store


_GONE = re.compile(r"\b(does not exist|not found|no longer exists|HTTP 404|HTTP 410)\b", re.IGNORECASE)
LONGEST_VALUE, LONGEST_REASON = 2000, 1000
"""Characters."""


STANDS = "a person chose the value that stands there"
"""Message of a dead letter that was closed with nothing to be sent."""


class Edited(NamedTuple):
    """What people chose to be written instead, and whether all of it stands there already."""

    decided: list[Decision]
    stands: bool


class Unfit(Exception):
    """A value cannot be written in that place; the text is a sentence's end: ``field: what is wrong``."""


def personal(settings: Settings, item: Item) -> frozenset[str]:
    """The fields of a write-back that hold personal values: all of them where the mapping cannot be read."""
    return personal_fields(settings, item.system, item.stream, [change.field for change in item.changes])


def personal_fields(settings: Settings, system: str, stream: str, fields: Iterable[str]) -> frozenset[str]:
    """Those of the canonical fields of a stream that hold personal values; all where the mapping cannot be read."""
    from console import mappings_kept
    from mappings.errors import MappingFileError
    from sync.systems import SystemUnusable

    found = frozenset(fields)
    try:
        return found & frozenset(mappings_kept.mapping_for(settings, system).stream(stream).personal)
    except (MappingFileError, SystemUnusable, KeyError):
        return found


def said(item: Item, hidden: frozenset[str]) -> str:
    """What the source said of it, without the values of hidden fields."""
    message = item.message
    values = {
        str(value)
        for change in item.changes
        if change.field in hidden
        for value in (change.old, change.new, change.source_old, change.source_new)
        if value not in (None, "")
    }
    for value in sorted(values, key=len, reverse=True):
        message = message.replace(value, HIDDEN)
    return message


def is_gone(message: str) -> bool:
    """Whether what a source said means that the record is not there any more: looking for deletions mends that."""
    return _GONE.search(message) is not None


def chosen(connection: Connection, items: Iterable[Item]) -> dict[tuple[int, str], Decision]:
    """What people have chosen to be written instead of what the owner wants, by record and field."""
    from state import held

    listed = list(items)
    decided = held.decided(connection, [item.record_id for item in listed])
    values = {(item.record_id, change.field): change.new for item in listed for change in item.changes}
    return {
        place: made
        for place, made in decided.items()
        if made.choice == "instead" and place in values and made.value == values[place]
    }


def edit(store: Store, settings: Settings, item: Item, values: Mapping[str, str], actor: str, reason: str) -> Edited:
    """Have these canonical values written instead, until the owners' values change, and retry the dead letter.

    Where all of it stands there already, the dead letter is closed: there is nothing to be sent.
    Raises ``Unfit`` for a value or a field that cannot be written, ``PlanError`` if it is none any more.
    """
    from state import held, history, outbox
    from sync.values import same

    decided = [_instead(settings, item, name, text, actor, reason.strip()) for name, text in values.items()]
    with store.transaction() as connection:
        for decision in decided:
            held.instead(connection, decision, item)
        outbox.retry(connection, item.id, actor)
        row = history.rows(connection, item.entity, [item.record_id]).get(item.record_id, {})
        whole = {change.field for change in item.changes} == values.keys()
        stands = whole and all(made.field in row and same(row[made.field], made.value) for made in decided)
        if stands:
            outbox.outcome(connection, item.id, outbox.OutboxStatus.SUPERSEDED, STANDS)
    return Edited(decided, stands)


def _instead(settings: Settings, item: Item, name: str, text: str, actor: str, reason: str) -> Decision:
    from console import allowed
    from mappings.errors import MappingError, MappingFileError
    from mappings.model import canonical_value
    from state.held import Decision
    from sync.systems import mapping_for

    change = next((change for change in item.changes if change.field == name), None)
    if change is None:
        raise Unfit(f"{name}: is none of its fields")
    try:
        wanted: Any = canonical_value(item.entity, name, text)
        mapping_for(settings, item.system).stream(item.stream).reverse(name, wanted)
    except MappingError as error:
        raise Unfit(str(error)) from None
    except (ValueError, KeyError) as error:
        raise Unfit(f"{name}: {error}") from None
    except MappingFileError as error:
        raise Unfit(f"{name}: {error.message}") from None
    known = [value.canonical for value in allowed.to_write(settings, item.system, item.stream, name)]
    if wanted is not None and known and wanted not in known:
        raise Unfit(f"{name}: is none of its values; known: {', '.join(map(str, known))}")
    return Decision(item.record_id, name, "instead", change.old, change.new, wanted, actor, reason)
