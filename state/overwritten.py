"""Values of others that a write-back replaced: each is kept and can be restored."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Literal

from sqlalchemy import and_, func, or_, select
from sqlalchemy.engine import Connection

from mappings.errors import ERASED
from state import audit, chains, pruned, schema
from state.held import Decision, keep_decision
from state.outbox import FieldChange, Item, OutboxStatus, PlanError, item_of

_MARK = '%"contested": true%'
Standing = Literal["ours", "again", "other"]
"""What stands where a write-back replaced something: what it wrote, what it replaced, or something else."""

_REPLACED = or_(schema.outbox.c.status == OutboxStatus.APPLIED.value, schema.outbox.c.unsettled == 1)
"""What was carried out, or may have been."""
REPLACING = and_(_REPLACED, schema.outbox.c.changes.like(_MARK))
"""Write-backs that replaced such values, or may have."""


def lost(item: Item) -> list[FieldChange]:
    """The changes of a write-back that replaced (``item.unsettled``: may have) what somebody else had written."""
    return [change for change in item.changes if change.contested]


def replaced(item: Item) -> bool:
    """Whether a write-back replaced such a value, or may have (``item.unsettled``)."""
    return bool(lost(item)) and (item.status is OutboxStatus.APPLIED or bool(item.unsettled))


def is_erased(item: Item) -> bool:
    """Whether what it replaced was about a person and is gone: it cannot be restored."""
    return any(ERASED in str(value) for change in lost(item) for value in (change.old, change.source_old))


def standing(connection: Connection, items: Iterable[Item]) -> dict[int, Standing]:
    """What stands now where these write-backs replaced something, by their ids; those of lost records are left out."""
    asked = [item for item in items if replaced(item)]
    rows = chains.rows(connection, {item.record_id for item in asked})
    found: dict[int, Standing] = {}
    for item in asked:
        row = rows.get(item.record_id)
        if row is None or row["deleted"]:
            continue
        values = [(row.get(change.field), change) for change in lost(item)]
        if any(value == change.new for value, change in values):
            found[item.id] = "ours"
        else:
            found[item.id] = "again" if all(value == change.old for value, change in values) else "other"
    return found


def of_systems(connection: Connection, systems: Collection[str], limit: int, offset: int) -> tuple[list[Item], int]:
    """Some of those of these systems, the last first, and how many there are."""
    table = schema.outbox
    which = (REPLACING, table.c.system.in_(list(systems)))
    rows = connection.execute(select(table).where(*which).order_by(table.c.id.desc()).limit(limit).offset(offset))
    found = [item_of(row) for row in rows]
    return found, connection.execute(select(func.count()).select_from(table).where(*which)).scalar_one()


def listing(connection: Connection, system: str | None = None, limit: int = 50) -> list[Item]:
    """Write-backs that replaced such values, the last first."""
    table = schema.outbox
    query = select(table).where(REPLACING)
    if system is not None:
        query = query.where(table.c.system == system)
    return [item_of(row) for row in connection.execute(query.order_by(table.c.id.desc()).limit(limit))]


def one(connection: Connection, item_id: int) -> Item:
    """The write-back with this number; raises ``PlanError`` if it replaced nothing."""
    table = schema.outbox
    row = connection.execute(select(table, _REPLACED.label("replaced")).where(table.c.id == item_id)).first()
    gone = pruned.removed(connection, "writes") if row is None else None
    if gone is not None:
        raise PlanError(
            f"There is no write-back {item_id} any more, or never was: {gone.removed} old ones were pruned.",
            "One that replaced somebody's value never is: `ltc overwritten list` shows them all.",
        )
    item = item_of(row) if row is not None and row.replaced else None
    if item is None or not lost(item):
        raise PlanError(f"Write-back {item_id} replaced nothing.", "`ltc overwritten list` shows the ones that did.")
    return item


def unsaid(actor: str) -> str:
    """The reason that is kept for who gave none."""
    return f"restored by {actor}"


def restore(connection: Connection, item: Item, changes: Sequence[FieldChange], actor: str, reason: str = "") -> None:
    """Ask for the values that these changes of a write-back replaced; the next plan writes them, and nobody takes them
    away again until the owner's value changes. Raises ``PlanError`` if they were erased.
    """
    if is_erased(item):
        raise PlanError(f"What write-back {item.id} replaced was about a person and has been erased.")
    for change in changes:
        kept = {"number": item.number, "source_field": change.source_field, "source_value": change.source_old}
        why = reason or unsaid(actor)
        decision = Decision(item.record_id, change.field, "restore", change.old, change.new, kept, actor, why)
        keep_decision(connection, decision)
    named = {"system": item.system, "stream": item.stream, "source_id": item.source_id}
    fields = [change.field for change in changes]
    audit.append(connection, actor, "overwritten value restored", {**named, "fields": fields, "reason": reason})
