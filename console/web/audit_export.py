"""The entries of the audit page with its filters as a file for a spreadsheet, in the words of the page."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import APIRouter, HTTPException
from starlette.responses import StreamingResponse

from console import exporting
from console.web import audit_decided, audit_details
from console.web.audit_asked import Asked, Text
from console.web.desk import Auditor, Visit
from state import audit
from state.audit import Chosen
from state.clock import from_us, now, now_us

router = APIRouter()

_AT_ONCE = 500


@router.get("/audit.csv")
def export(
    visit: Auditor, who: Text = "", what: Text = "", since: Text = "", until: Text = "", system: Text = ""
) -> StreamingResponse:
    """What the page with the same filters lists, an entry in each row, the newest first."""
    asked = Asked(who, what, since, until, system)
    if asked.wrong(visit):
        raise HTTPException(422)
    today = now().astimezone(visit.desk.settings.business_day_zone).date()
    named = {"Content-Disposition": f'attachment; filename="ltc-audit-{today:%Y-%m-%d}.csv"'}
    return StreamingResponse(_lines(visit, asked.chosen(visit)), media_type="text/csv; charset=utf-8", headers=named)


def _lines(visit: Visit, chosen: Chosen) -> Iterator[str]:
    yield "\ufeff"  # spreadsheets read Chinese right with it
    yield from exporting.as_csv(_rows(visit, chosen), "audit", visit.texts)


def _rows(visit: Visit, chosen: Chosen) -> Iterator[exporting.Row]:
    zone, done, present = visit.desk.settings.business_day_zone, 0, now_us()
    until = chosen.get("before")
    chosen["before"] = present if until is None else min(until, present)  # what is added meanwhile would move the rest
    with visit.desk.store.reading() as connection:
        while found := audit.entries(connection, limit=_AT_ONCE, offset=done, **chosen):
            known, done = audit_decided.known(connection, found), done + len(found)
            for item in found:
                parts = [] if item.erased else audit_details.told(visit, item, known)
                erased = visit.texts("audit.page.erased") if item.erased else ""
                yield {
                    "number": item.id,
                    "at": f"{from_us(item.at).astimezone(zone):%Y-%m-%d %H:%M:%S}",
                    "zone": zone.key,
                    "actor": item.actor,
                    "action_text": visit.texts.name("audit.action", item.action),
                    "detail_text": erased or _text(visit, parts),
                    "code": item.action,
                }


def _text(visit: Visit, parts: list[audit_decided.Part]) -> str:
    """A detail as the page shows it."""
    told = ""
    for part in parts:
        if part.name:
            told += f"{' · ' if told else ''}{visit.texts.pair(part.name, part.value)}"
        else:
            told += f"{visit.texts('joined.comma')}{part.value}"
    return told
