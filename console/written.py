"""Write-backs as plain data, and decisions about dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    kinds = {column.name: column.kind for column in columns(ENTITIES[item.entity])}
    hidden = personal(settings, item)
    for change in item.changes:
        old, new = change.old, change.new
        if change.field in hidden:
            old, new = (None if value is None else HIDDEN for value in (old, new))
        elif kinds.get(change.field) is Kind.MONEY:
            old, new = (money.text(value, currency) for value in (old, new))
        yield change, old, new


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
