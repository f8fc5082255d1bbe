"""The audit: who did what, when, and to which system; for those who operate, and of decisions for those who decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from console.web import audit_asked, audit_decided, audit_details, audit_folded
from console.web.access import Right
from console.web.audit_asked import Asked, Text
from console.web.desk import Auditor, Visit
from state import audit
from state.clock import from_us, now

if TYPE_CHECKING:
    from console.web.audit_decided import Known
    from state.audit import Entry

router = APIRouter()

SIZE = 50
_LAST_PAGE = 1_000_000


@router.get("/audit")
def listing(
    visit: Auditor,
    who: Text = "",
    what: Text = "",
    since: Text = "",
    until: Text = "",
    system: Text = "",
    page: Annotated[int, Query(ge=1, le=_LAST_PAGE)] = 1,
) -> Response:
    """What people and runs did, the newest first; of somebody who is limited, what is about their systems.

    Who decides and does not operate sees what was decided.
    """
    asked = Asked(who, what, since, until, system)
    wrong, chosen = asked.wrong(visit), asked.chosen(visit)
    with visit.desk.store.reading() as connection:
        found = audit.entries(connection, limit=SIZE, offset=(page - 1) * SIZE, **chosen)
        count = audit.count(connection, **chosen)
        people, actions = audit.known(connection, **audit_asked.theirs(visit))
        known = audit_decided.known(connection, found)
    last = max(1, -(-count // SIZE))
    return visit.page(
        "audit",
        422 if wrong else 200,
        problem=visit.texts("audit.page.no_time") if wrong else "",
        asked=asked,
        operates=visit.may(Right.OPERATE),
        people=people,
        actions=sorted((_action(visit, name), name) for name in actions),
        rows=[_row(visit, items, known) for items in audit_folded.folded(found)],
        count=count,
        place=page,
        last=last,
        at_page=lambda number: f"/audit?{urlencode({**asked.given(), 'page': number})}",
        hour=f"/audit?{urlencode({**asked.given(), 'since': _ago(visit, timedelta(hours=1)), 'until': ''})}",
        file=f"/audit.csv?{urlencode(asked.given())}",
    )


def _ago(visit: Visit, time: timedelta) -> str:
    """A moment of the past as the form writes it."""
    return f"{(now() - time).astimezone(visit.desk.settings.business_day_zone):%Y-%m-%dT%H:%M}"


def _row(visit: Visit, items: list[Entry], known: Known) -> dict[str, Any]:
    """An entry, or one line for a decision on several findings."""
    item, zone = items[0], visit.desk.settings.business_day_zone
    several = len(items) > 1
    told = replace(item, detail=audit_folded.shared(items)) if several else item
    return {
        "id": f"{items[-1].id}–{item.id}" if several else str(item.id),
        "at": f"{from_us(item.at).astimezone(zone):%Y-%m-%d %H:%M:%S}",
        "who": item.actor,
        "what": _action(visit, item.action),
        "folded": visit.texts("audit.told.findings", count=f"{len(items):,}") if several else "",
        "findings": [audit_decided.finding(visit, str(one.detail["finding"]), known) for one in items if several],
        "detail": [] if item.erased else audit_details.told(visit, told, known),
        "erased": item.erased,
    }


def _action(visit: Visit, name: str) -> str:
    return visit.texts.name("audit.action", name)
