"""Plans by their id, and taking back what was rejected of them: what the pages and the API share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from state import held, history, outbox, rejections
from state.changes import OutboxStatus, PlanError
from sync import create
from sync.values import same

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Set

    from sqlalchemy.engine import Connection

    from state.changes import Item
    from state.store import Store


def system_of(store: Store, systems: Collection[str], id: str) -> str | None:
    """The system that a plan writes to, or creates records in; ``None`` if it is none of ``systems``."""
    with store.reading() as connection:
        try:
            system = outbox.load(connection, id).system
        except PlanError:
            system = next((plan.system for plan in create.stored_plans(store, systems) if plan.id == id), "")
    return system if system in systems else None


def streams_of(connection: Connection, id: str) -> list[str]:
    """The streams that a plan still writes to; none of a plan of new records."""
    try:
        return sorted({item.stream for item in outbox.load(connection, id).open_items})
    except PlanError:
        return []


def out_of_date(connection: Connection, items: Iterable[Item]) -> set[int]:
    """Those whose record does not show any more what the plan says that it shows, by their ids: not to be written.

    What was sent already is settled by the next run, whatever its record shows.
    """
    found: set[int] = set()
    by_entity: dict[str, list[Item]] = {}
    for item in items:
        if item.status is OutboxStatus.PLANNED:
            by_entity.setdefault(item.entity, []).append(item)
    for entity, ours in by_entity.items():
        rows = history.rows(connection, entity, [item.record_id for item in ours])
        for item in ours:
            row = rows.get(item.record_id, {})
            if any(change.field in row and not same(row[change.field], change.old) for change in item.changes):
                found.add(item.id)
    return found


def reject(connection: Connection, id: str, writes: Set[int], reason: str, actor: str) -> str | None:
    """Take writes out of a plan for good; the plan of what is left: itself without ``writes``, ``None`` if nothing is.

    Raises ``PlanError`` and ``LeaseHeld`` as ``rejections.reject``.
    """
    return rejections.reject(connection, id, writes, reason, actor) if writes else id


def take_back(connection: Connection, systems: Collection[str], id: str, actor: str) -> str | None:
    """Let what was rejected be written after all; the system of it, ``None`` if it is of none of ``systems``.

    The next planning has it again.
    """
    found = next((item for item in rejections.listing(connection) if item.held.id == id), None)
    if found is None or found.held.system not in systems:
        return None
    held.decide(connection, found.held, "write", actor)
    return found.held.system
