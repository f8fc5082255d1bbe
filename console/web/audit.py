"""The audit: who did what, when, and to which system; for those who operate, and of decisions for those who decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query
from starlette.responses import Response

from console import audited
from console.web import audit_decided, audit_details, audit_folded
from console.web.access import Right
from console.web.desk import Auditor, Visit
from state import audit
from state.clock import from_us, now, to_us

if TYPE_CHECKING:
    from console.web.audit_decided import Known
    from state.audit import Chosen, Entry

router = APIRouter()

SIZE = 50
_LONGEST = 200
_LAST_PAGE = 1_000_000

Text = Annotated[str, Query(max_length=_LONGEST)]


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
    asked = {"who": who, "what": what, "since": since, "until": until, "system": system}
    begin, end = _instant(visit, since, late=False), _instant(visit, until, late=True)
    wrong = (since and begin is None) or (until and end is None)
    chosen: Chosen = {"actor": who or None, "action": what or None, "system": system or None}
    operates = visit.may(Right.OPERATE)
    theirs = audited.seen(visit.member.name, operates=operates, limit=visit.limit)
    chosen |= {"since": begin, "before": end, **theirs}
    with visit.desk.store.reading() as connection:
        found = audit.entries(connection, limit=SIZE, offset=(page - 1) * SIZE, **chosen)
        count = audit.count(connection, **chosen)
        people, actions = audit.known(connection, **theirs)
        known = audit_decided.known(connection, found)
    last = max(1, -(-count // SIZE))
    return visit.page(
        "audit",
        422 if wrong else 200,
        problem=visit.texts("audit.page.no_time") if wrong else "",
        asked=asked,
        operates=operates,
        people=people,
        actions=sorted((_action(visit, name), name) for name in actions),
        rows=[_row(visit, items, known) for items in audit_folded.folded(found)],
        count=count,
        place=page,
        last=last,
        at_page=lambda number: f"/audit?{urlencode({**_given(asked), 'page': number})}",
        hour=f"/audit?{urlencode({**_given(asked), 'since': _ago(visit, timedelta(hours=1)), 'until': ''})}",
    )


def _given(asked: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in asked.items() if value}


def _ago(visit: Visit, time: timedelta) -> str:
    """A moment of the past as the form writes it."""
    return f"{(now() - time).astimezone(visit.desk.settings.business_day_zone):%Y-%m-%dT%H:%M}"


def _instant(visit: Visit, text: str, *, late: bool) -> int | None:
    """A day, or a minute of it, in the zone of business days; ``late``: its end. ``None`` for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=visit.desk.settings.business_day_zone)
        end = timedelta(days=1) if len(text) == len("2026-11-29") else timedelta(minutes=1)
        return to_us(moment + end if late else moment)
    except (ValueError, OverflowError):
        return None


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
