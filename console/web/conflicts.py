"""What waits for a person where ltc.yaml says ``ask`` and somebody else wrote: on the page of plans, decided here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import asked, freshness, letters
from console.asked import ASKED, CHOICES
from console.records import HIDDEN
from console.web import runs
from console.web.admin import ownership
from console.web.desk import Operator, OperatorForm, Visit, see
from console.web.sides import worded
from state import held
from state.changes import PlanError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.held import Decision, Held

router = APIRouter()

LONGEST_REASON = 1000
_SHOWN = 100


@router.post("/conflicts/{id}/decide")
def decide(visit: Operator, sent: OperatorForm, id: str) -> Response:
    """Let the owner's value be written, or leave what is there; a plan is made at once unless a run is going on."""
    choice, reason = sent.get("choice", ""), sent.get("reason", "").strip()[:LONGEST_REASON]
    if choice not in CHOICES:
        raise HTTPException(400)
    with visit.desk.store.transaction() as connection:
        found = waiting(connection, id)
        if found is None:
            raise HTTPException(404)
        visit.touch(found.system)
        held.decide(connection, found, choice, visit.member.name, reason)
    runs.worker(visit).start("plan", visit.member.name, system=found.system)
    visit.desk.notes.keep(visit, visit.texts(f"operating.conflicts.{choice}_done", system=found.system))
    return see("/plans")


def waiting(connection: Connection, id: str) -> Held | None:
    """The one with this whole id, if it waits for a person."""
    try:
        found = held.one(connection, id)
    except PlanError:
        return None
    return found if found.id == id and found.why in ASKED else None


def told(visit: Visit, connection: Connection) -> dict[str, Any]:
    """Those that this person may see, as the page of plans shows them."""
    found = [item for item in held.listing(connection, why=ASKED) if visit.may_touch(item.system)]
    shown = found[:_SHOWN]
    called, done = asked.names(connection, visit.desk.settings, shown), asked.under_way(connection, shown)
    rows = [_row(visit, item, called.get(item.record_id), done.get(item.id)) for item in shown]
    fields = [
        visit.texts.name("entity", entity) + visit.texts("joined.within") + visit.texts.name("field", name)
        for entity, _, name in (item.partition(".") for item in ownership.asked(visit.desk.settings))
    ]
    return {"conflicts": rows, "conflict_count": len(found), "asked": visit.texts.listed(fields)}


def _row(visit: Visit, item: Held, called: str | None, decided: Decision | None) -> dict[str, Any]:
    personal = letters.personal_fields(visit.desk.settings, item.system, item.stream, [item.field])
    values = {"old": item.old, "new": item.new, "agreed": item.agreed}
    return {
        "id": item.id,
        "system": item.system,
        "number": item.number or item.source_id,
        "called": item.number or called or item.source_id,
        "decided": decided,
        "field": item.field,
        "since": freshness.when(visit.desk.settings, item.since)[:16],
        **{
            name: HIDDEN if personal and value is not None else worded(item.entity, item.field, value, visit)
            for name, value in values.items()
        },
    }
