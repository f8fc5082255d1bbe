"""Periods: who closed, approved and reopened each month; closing the next one; the report of a month as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import closes, closing_steps
from console.closable import months
from console.commands.period import MONTH
from console.report import SUFFIXES, TYPES, content
from console.web.desk import Approver, ApproverForm, Decider, DeciderForm, Reader, Visit, see
from reconciliation import closing, report
from reconciliation.tieouts import DoesNotFootError
from state import finding_pages, periods
from state.failures import StoreError
from state.finding_pages import Wanted
from state.periods import CLOSED, Close, PeriodError
from sync.closing import close_period

if TYPE_CHECKING:
    from console.report.figures import Report

router = APIRouter()


@router.get("/periods")
def listing(visit: Reader) -> Response:
    """All closes, and what is to be done next."""
    return _page(visit)


@router.post("/periods/close")
def close(visit: Decider, sent: DeciderForm) -> Response:
    """Reconcile, and freeze a month."""
    month = _month(sent.get("period", ""))
    desk = visit.desk
    return _done(visit, lambda: close_period(desk.store, desk.settings, month, visit.member.name))


@router.post("/periods/{period}/approve")
def approve(visit: Approver, _sent: ApproverForm, period: str) -> Response:
    """Sign a close as another person than who made it."""
    desk = visit.desk
    return _done(visit, lambda: closing.approve(desk.store, desk.settings, _month(period), visit.member.name))


@router.post("/periods/{period}/reopen")
def reopen(visit: Decider, sent: DeciderForm, period: str) -> Response:
    """Open a month again, with a reason that stays visible."""
    desk, reason = visit.desk, sent.get("reason", "").strip()[:1000]
    return _done(visit, lambda: closing.reopen(desk.store, desk.settings, _month(period), visit.member.name, reason))


@router.get("/report/{form}")
def download(visit: Reader, form: str, period: str | None = None) -> Response:
    """The report as a file, of now or of a month."""
    if form not in TYPES:
        raise HTTPException(404)
    desk, month = visit.desk, None if period is None else _month(period)
    try:
        data = report.build(desk.store, desk.settings, locale=visit.texts.locale, period=month)
    except PeriodError as error:
        return _page(visit, 422, visit.refusal(error))
    return saved_report(data, form, visit.texts.locale)


def saved_report(data: Report, form: str, locale: str) -> Response:
    """The report as a file to be saved."""
    named = {"Content-Disposition": f'attachment; filename="ltc-report-{data["period"]}{SUFFIXES[form]}"'}
    return Response(content(data, form, locale), media_type=TYPES[form], headers=named)


def _page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        found = periods.closes(connection)
        choices = months(connection, visit.desk.settings)
        errors = finding_pages.number(connection, Wanted(severity="error", status="open"))
        month, steps = closing_steps.read(connection, visit.desk.settings, visit.member.name)
    zone = visit.desk.settings.business_day_zone
    standing = [item for item in found if item.stands]
    return visit.page(
        "periods",
        status,
        columns=closes.COLUMNS,
        rows=[closes.row(item, visit.texts, zone) for item in found],
        coming=closing.next_period(found),
        last=standing[-1] if standing else None,
        choices=choices,
        errors=errors,
        waits=bool(standing) and standing[-1].status == CLOSED,
        forms=tuple(TYPES),
        month=month,
        steps=steps,
        problem=problem,
    )


def _done(visit: Visit, step: Callable[[], Close]) -> Response:
    try:
        step()
    except PeriodError as error:
        return _page(visit, 422, visit.refusal(error))
    except StoreError as error:
        return _page(visit, 422, f"{error.message} {error.remedy}".strip())
    except DoesNotFootError as error:
        return _page(visit, 500, f"{error} {visit.texts('period.unsound')}")
    return see("/periods")


def _month(text: str) -> str:
    if not MONTH.fullmatch(text):
        raise HTTPException(400)
    return text
