"""Write-backs as the pages show them: without personal values, in the words of people and of their system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from console import freshness, letters
from console.records import HIDDEN
from console.web.sides import worded
from state import overwritten
from state.changes import Item, OutboxStatus

if TYPE_CHECKING:
    from console.web.desk import Visit
    from state.written import Written


class Value(NamedTuple):
    """A value for people, and how its system writes it; empty where that is the same."""

    told: Any
    source: str


def shown(visit: Visit, item: Item) -> dict[str, Any]:
    """A write-back without personal values."""
    hidden = letters.personal(visit.desk.settings, item)
    changes = []
    for change in item.changes:
        pairs = ((change.old, change.source_old), (change.new, change.source_new))
        told = [_told_both(visit, item.entity, change.field, *pair, hidden) for pair in pairs]
        changes.append((change.field, *told, change.reason))
    return {
        "id": item.id,
        "record": f"{item.system}:{item.stream}:{item.source_id}",
        "number": item.number or item.source_id,
        "changes": changes,
        "contested": any(change.contested for change in item.changes),
        "ticks": item.status is OutboxStatus.PLANNED,
        "state": item.status.value,
        "attempts": item.attempts,
        "message": letters.said(item, hidden),
    }


def shown_written(visit: Visit, item: Written) -> dict[str, Any]:
    """A write-back that was sent, with what became of it."""
    moment = item.item.sent_at or item.item.done_at
    return {
        **shown(visit, item.item),
        "system": item.item.system,
        "by": item.by,
        "large_by": item.large_by,
        "replaced": _replaced(item.item),
        "can_return": overwritten.replaced(item.item) and not overwritten.is_erased(item.item),
        "at": "" if moment is None else freshness.when(visit.desk.settings, moment)[:16],
    }


def _replaced(item: Item) -> dict[str, str]:
    """The fields in which it replaced what somebody else had written, and how certain that is."""
    if not overwritten.replaced(item):
        return {}
    return {change.field: "perhaps" if item.unsettled else "certainly" for change in overwritten.lost(item)}


def _told_both(visit: Visit, entity: str, name: str, value: Any, source: Any, hidden: frozenset[str]) -> Value:
    if name in hidden:
        return Value(HIDDEN, "")
    told = worded(entity, name, value, visit)
    own = source if isinstance(source, str) and source not in (told, value) else ""
    return Value(told, own)
