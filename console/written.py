"""Write-backs as plain data, and decisions about dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console.letters import personal
from console.records import HIDDEN
from mappings.model import ENTITIES, Kind, columns
from reconciliation import money
from state import creations, outbox
from state.changes import FieldChange, Item

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.creations import Creation


def changes(settings: Settings, item: Item, currency: str | None) -> Iterator[tuple[FieldChange, object, object]]:
    """Each change of a write-back with its old and its new value in canonical terms, money as decimals.

    ``currency``: that of the record. Personal values are hidden.
    """
    hidden = personal(settings, item)
    for change in item.changes:
        old, new = (
            plain(item.entity, change.field, value, currency, hidden=change.field in hidden)
            for value in (change.old, change.new)
        )
        yield change, old, new


def plain(entity: str, field: str, value: Any, currency: str | None, *, hidden: bool) -> Any:
    """A canonical value of a kind of record: money as decimals, a ``hidden`` one as a sign that there is one."""
    if hidden:
        return None if value is None else HIDDEN
    kinds = {column.name: column.kind for column in columns(ENTITIES[entity])}
    return money.text(value, currency) if kinds.get(field) is Kind.MONEY else value


def put_back(connection: Connection, letter: Item | Creation, actor: str, reason: str) -> None:
    """Put a discarded dead letter back on the list; raises ``PlanError``."""
    if isinstance(letter, Item):
        outbox.put_back(connection, letter.id, reason, actor)
    else:
        creations.put_back(connection, letter, reason, actor)


def decide(connection: Connection, letter: Item | Creation, actor: str, reason: str | None) -> None:
    """Discard a dead letter for a reason, or (``None``) let the next plan take it up again; raises ``PlanError``."""
    if isinstance(letter, Item):
        if reason is None:
            outbox.retry(connection, letter.id, actor)
        else:
            outbox.discard(connection, letter.id, reason, actor)
    elif reason is None:
        creations.retry(connection, letter, actor)
    else:
        creations.discard(connection, letter, reason, actor)
