"""Write-backs as the pages show them: without personal values, in the words of people and of their system."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from console import freshness, letters, refusing
from console.records import HIDDEN
from console.web.sides import worded
from state import outbox, overwritten
from state.changes import IN_DOUBT, Item, OutboxStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from console.web.desk import Visit
    from state.held import Decision
    from state.overwritten import Standing
    from state.written import Written


class Value(NamedTuple):
    """A value for people, and how its system writes it; empty where that is the same."""

    told: Any
    source: str


def shown(visit: Visit, item: Item, chosen: Mapping[tuple[int, str], Decision] | None = None) -> dict[str, Any]:
    """A write-back without personal values; a value that somebody has ``chosen`` instead says who and why."""
    hidden = letters.personal(visit.desk.settings, item)
    changes = []
    for change in item.changes:
        pairs = ((change.old, change.source_old), (change.new, change.source_new))
        told = [_told_both(visit, item.entity, change.field, *pair, hidden) for pair in pairs]
        changes.append((change.field, *told, change.reason))
    return {
        "id": item.id,
        "record": f"{item.system}:{item.stream}:{item.number or item.source_id}",
        "named": f"{item.system}:{item.stream}:{item.source_id}" if item.number else "",
        "number": item.number or item.source_id,
        "changes": changes,
        "chosen": _chosen(visit, item, chosen or {}),
        "contested": any(change.contested for change in item.changes),
        "ticks": item.status is OutboxStatus.PLANNED,
        "doubtful": item.status in IN_DOUBT,
        "state": item.status.value,
        "attempts": item.attempts,
        "message": letters.said(item, hidden),
        "since": "",
    }


def _chosen(visit: Visit, item: Item, chosen: Mapping[tuple[int, str], Decision]) -> dict[str, str]:
    """Field → who chose its value, and why."""
    found = {change.field: chosen.get((item.record_id, change.field)) for change in item.changes}
    return {
        name: visit.texts(
            "operating.plans.chosen_because" if made.reason else "operating.plans.chosen",
            name=made.decided_by,
            reason=made.reason,
        )
        for name, made in found.items()
        if made is not None
    }


def listed(visit: Visit, connection: Connection, items: Sequence[Written]) -> list[dict[str, Any]]:
    """Write-backs that were sent, with what became of them and what stands now where they replaced something."""
    standing = overwritten.standing(connection, [item.item for item in items])
    return [_listed(visit, item, standing.get(item.item.id)) for item in items]


def not_planned_anew(visit: Visit, count: int, system: str) -> str:
    """That so many write-backs to a system met a changed record, and what becomes of them."""
    return visit.texts.counted("operating.written.conflicts", count, system=system)


def _listed(visit: Visit, item: Written, standing: Standing | None) -> dict[str, Any]:
    moment = item.item.sent_at or item.item.done_at
    refused = refusing.put_back(visit.desk.settings, item.item.system, item.item.stream, overwritten.lost(item.item))
    return {
        **shown(visit, item.item),
        **_became(visit, item.item),
        "system": item.item.system,
        "by": item.by,
        "large_by": item.large_by,
        "replaced": _replaced(item.item),
        "can_return": standing == "ours" and not overwritten.is_erased(item.item) and not refused,
        "refuses": standing == "ours" and refused,
        "stands_again": standing == "again",
        "at": "" if moment is None else freshness.when(visit.desk.settings, moment)[:16],
    }


def _became(visit: Visit, item: Item) -> dict[str, str]:
    """What an attempt came to, also once it was planned anew or a person has decided; and what happened since."""
    if item.became is None:
        return {"since": _told_since(visit, "conflict", item)} if item.status is OutboxStatus.CONFLICT else {}
    said = letters.said(replace(item, message=item.became_said), letters.personal(visit.desk.settings, item))
    return {"state": item.became.value, "message": said, "since": _told_since(visit, _since(item), item)}


def _since(item: Item) -> str:
    """What happened to a write-back after its last attempt, by ``operating.written.since``."""
    decided = {outbox.RETRIED: "taken_up", letters.STANDS: "stands"}
    if item.message in decided:
        return decided[item.message]
    if item.status is OutboxStatus.DISCARDED:
        return "discarded"
    if item.status is OutboxStatus.SUPERSEDED and item.message not in ("", item.became_said):
        return "closed"
    return "anew"


def _told_since(visit: Visit, key: str, item: Item) -> str:
    reason = visit.plain(letters.said(item, letters.personal(visit.desk.settings, item)))
    return visit.texts(f"operating.written.since.{key}", system=item.system, reason=reason)


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
