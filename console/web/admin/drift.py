"""For admins: take what has changed at the source for how its records look from now on."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console.web.desk import Administrator, AdministratorForm, see
from state import shapes
from state.runs import LeaseHeld
from sync import drift

router = APIRouter()


@router.post("/mappings/{system}/{stream}/accept")
def accept(visit: Administrator, sent: AdministratorForm, system: str, stream: str) -> Response:
    """Accept the change of one field, or all; the next pull or replay maps again what was held back."""
    visit.touch(system)
    with visit.desk.store.reading() as connection:
        known = shapes.known_stream(connection, system, stream)
    if known is None or system not in visit.desk.settings.systems:
        raise HTTPException(404)
    reason = sent.get("reason", "").strip()[:1000]
    if not reason:
        raise HTTPException(400)
    try:
        drift.accept(visit.desk.store, known, sent.get("path") or None, actor=visit.member.name, reason=reason)
    except LeaseHeld:
        return visit.page("refused", 409, what="409")
    return see(f"/mappings/{system}/{stream}?said=accepted")
