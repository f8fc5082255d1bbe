"""Write-backs: what is to be written with its reason, carried out as ticked, and rejected with a reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import freshness, letters, planned, sentences
from console.records import HIDDEN
from console.web import runs
from console.web.desk import Operator, OperatorForm, Reader, Visit, see
from console.web.sides import worded
from state import outbox, pauses, rejections
from state.changes import Item, OutboxStatus, Plan, PlanError
from state.runs import LeaseHeld
from sync import create, gates

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.creations import CreationPlan
    from state.rejections import Rejected

router = APIRouter()

MOST_TICKS = 150
"""Records of a plan that are shown with a tick at once; a form may have 200 fields."""
_REJECTED = 200


@dataclass(frozen=True, slots=True)
class _Sent:
    """What somebody had filled in: a page that says what is wrong with it shows it again. ``unticked`` are writes."""

    system: str = ""
    unticked: frozenset[int] = frozenset()
    reason: str = ""
    approve: bool = False
    paused: bool = False

    @classmethod
    def of(cls, sent: dict[str, str], system: str) -> _Sent:
        """Raises ``HTTPException`` 400 for what is no form of ours."""
        boxes = [_numbers(name.removeprefix("item.")) for name in sent if name.startswith("item.")]
        unticked = frozenset(_numbers(sent.get("shown", "")).difference(*boxes))
        ticks = (sent.get(name) == "yes" for name in ("approve", "paused"))
        return cls(system, unticked, sent.get("reason", "")[: rejections.LONGEST_REASON], *ticks)


@router.get("/plans")
def plans(visit: Reader) -> Response:
    """What is to be written to each system, field by field, with the reason; and what was rejected."""
    return _page(visit)


@router.post("/plans/{id}/apply")
def apply(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Carry out exactly what is ticked, and reject the rest; without ticks on the page, exactly this plan."""
    given = _Sent.of(sent, _system_of(visit, id))
    if runs.worker(visit).is_at_work():
        return _page(visit, 409, visit.texts("web.refused.help.409"), given)
    with visit.desk.store.reading() as connection:
        waits = pauses.read(connection).among(given.system, planned.streams_of(connection, id))
    if waits is not None and not given.paused:
        return _page(visit, 409, runs.said_paused(visit, waits), given)
    try:
        with visit.desk.store.transaction() as connection:
            left = planned.reject(connection, id, given.unticked, given.reason, visit.member.name)
            count = planned.open_writes(connection, left)
    except (PlanError, LeaseHeld) as error:
        return _page(visit, 422, error.message, given)
    if given.unticked:
        visit.desk.notes.keep(visit, _told(visit, given, count))
    if left is None:
        return see("/plans")
    return runs.started(visit, "push", plan_id=left, approve=given.approve, paused=given.paused)


@router.post("/plans/{id}/reject")
def reject(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Only reject what is not ticked; what is left waits."""
    given = _Sent.of(sent, _system_of(visit, id))
    if not given.unticked:
        return _page(visit, 422, visit.texts("operating.plans.none_unticked"), given)
    try:
        with visit.desk.store.transaction() as connection:
            planned.reject(connection, id, given.unticked, given.reason, visit.member.name)
    except (PlanError, LeaseHeld) as error:
        return _page(visit, 422, error.message, given)
    visit.desk.notes.keep(visit, _told(visit, given))
    return see("/plans")


@router.post("/rejections/{id}/take-back")
def take_back(visit: Operator, _sent: OperatorForm, id: str) -> Response:
    """Let what was rejected be written after all; the next plan has it again."""
    with visit.desk.store.transaction() as connection:
        system = planned.take_back(connection, visit.systems, id, visit.member.name)
    if system is None:
        raise HTTPException(404)
    runs.worker(visit).start("plan", visit.member.name, system=system)  # else the next run plans it
    return see("/plans")


def _told(visit: Visit, given: _Sent, written: int = 0) -> str:
    """What was done with a plan of which something was rejected."""
    key = "written" if written else "rejected"
    texts = visit.texts
    return texts(f"deciding.plans.{key}", written=written, rejected=len(given.unticked), system=given.system)


def _numbers(text: str) -> set[int]:
    """Numbers separated by dots; anything else is no form of ours."""
    parts = [part for part in text.split(".") if part]
    if len(parts) > MOST_TICKS or not all(part.isascii() and part.isdigit() and len(part) < 16 for part in parts):
        raise HTTPException(400)
    return {int(part) for part in parts}


def _system_of(visit: Visit, id: str) -> str:
    """The system that a plan writes to; raises ``HTTPException`` 404."""
    system = planned.system_of(visit.desk.store, visit.systems, id)
    if system is None:
        raise HTTPException(404)
    return system


def _page(visit: Visit, status: int = 200, problem: str = "", given: _Sent | None = None) -> Response:
    filled = given or _Sent()
    settings = visit.desk.settings
    with visit.desk.store.reading() as connection:
        found = [plan for plan in outbox.open_plans(connection, visit.systems) if plan.open_items]
        rejected = [item for item in rejections.listing(connection) if visit.may_touch(item.held.system)]
        paused = pauses.read(connection)
        first = gates.read_only(connection, settings, visit.systems)
        shown = [_plan(visit, connection, plan, first, filled) for plan in found]
    for plan in shown:
        pause = paused.among(plan["system"], plan["streams"])
        plan["paused"] = pause and freshness.paused(pause, settings, visit.texts)
    new = [_creations(visit, plan) for plan in create.stored_plans(visit.desk.store, visit.systems)]
    return visit.page(
        "plans",
        status,
        plans=shown,
        new=new,
        rejected=[_rejection(visit, item) for item in rejected[:_REJECTED]],
        busy=given is None and runs.worker(visit).is_at_work(),
        problem=problem,
    )


def _plan(visit: Visit, connection: Connection, plan: Plan, first: list[str], filled: _Sent) -> dict[str, Any]:
    settings = visit.desk.settings
    items = plan.open_items[:MOST_TICKS]
    exceeds = () if plan.large_approved_by else gates.exceeds(settings, gates.size(connection, settings, plan))
    return {
        "id": plan.id,
        "system": plan.system,
        "count": len(plan.open_items),
        "whole": len(plan.open_items) <= MOST_TICKS,
        "items": [{**shown(visit, item), "ticked": item.id not in filled.unticked} for item in items],
        "given": filled if filled.system == plan.system else _Sent(),
        "shown": ".".join(str(item.id) for item in items if item.status is OutboxStatus.PLANNED),
        "streams": sorted({item.stream for item in plan.open_items}),
        "exceeds": sentences.listed(exceeds, visit.texts.locale),
        "first": plan.system in first,
    }


def shown(visit: Visit, item: Item) -> dict[str, Any]:
    """A write-back without personal values."""
    hidden = letters.personal(visit.desk.settings, item)
    changes = []
    for change in item.changes:
        name, values = change.field, (change.old, change.new)
        told = [HIDDEN if name in hidden else worded(item.entity, name, value, visit) for value in values]
        changes.append((name, *told, change.reason))
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


def _creations(visit: Visit, plan: CreationPlan) -> dict[str, Any]:
    exceeds = gates.exceeds_creations(visit.desk.settings, plan)
    return {
        "id": plan.id,
        "system": plan.system,
        "items": [
            {
                "stream": item.stream,
                "origin": f"{item.origin.system}:{item.number or item.origin.source_id}",
                "number": item.number or item.origin.source_id,
                "reason": item.reason,
            }
            for item in plan.items[:MOST_TICKS]
        ],
        "count": len(plan.items),
        "exceeds": sentences.listed(exceeds, visit.texts.locale),
    }


def _rejection(visit: Visit, item: Rejected) -> dict[str, Any]:
    wish = item.held
    personal = letters.personal_fields(visit.desk.settings, wish.system, wish.stream, [wish.field])
    return {
        "id": wish.id,
        "system": wish.system,
        "number": wish.number or wish.source_id,
        "field": wish.field,
        "old": HIDDEN if personal else worded(wish.entity, wish.field, wish.old, visit),
        "new": HIDDEN if personal else worded(wish.entity, wish.field, wish.new, visit),
        "by": item.decided_by,
        "at": freshness.when(visit.desk.settings, item.decided_at)[:16],
        "reason": item.reason,
    }
