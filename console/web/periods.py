"""Periods: who closed, approved and reopened each month; closing and approving after a look at what it does; the report
of a month as a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from console import closable, closes, closing_steps
from console.commands.period import MONTH
from console.report import SUFFIXES, TYPES, content
from console.web.access import Right
from console.web.admin import reopening
from console.web.desk import Approver, ApproverForm, Decider, DeciderForm, Reader, Visit, see
from reconciliation import adjustments, closing, report
from reconciliation.rules import Rules
from reconciliation.tieouts import DoesNotFootError
from state import activity, periods
from state.failures import StoreError
from state.periods import CLOSED, Close, PeriodError
from sync.closing import close_period

if TYPE_CHECKING:
    from console.report.figures import Report

router = APIRouter()
_SHOWN = 12
"""Months to choose from that are shown at once; those before them are folded away."""
_COLUMNS = {
    "period": "",
    "revision": "",
    "status": "",
    "closed": "close_reason",
    "approved": "",
    "reopened": "reason",
}
"""What is shown of each close → the reason that stands below it, so that the table is no wider than a screen."""


@router.get("/periods")
def listing(visit: Reader) -> Response:
    """All closes, and what is to be done next."""
    return _page(visit)


@router.get("/periods/close")
def ask_close(visit: Decider, period: str = "") -> Response:
    """What closing a month will do, before it is done."""
    return _closing(visit, _month(period))


@router.post("/periods/close")
def close(visit: Decider, sent: DeciderForm) -> Response:
    """Reconcile, and freeze a month."""
    desk, month, reason = visit.desk, _month(sent.get("period", "")), sent.get("reason", "").strip()[:1000]
    try:
        close_period(desk.store, desk.settings, month, visit.member.name, reason)
    except PeriodError as error:
        if error.why == "undecided":
            return _closing(visit, month, 422, visit.refusal(error))
        return _page(visit, 422, visit.refusal(error))
    except StoreError as error:
        return _page(visit, 422, f"{error.message} {error.remedy}".strip())
    except DoesNotFootError as error:
        return _page(visit, 500, f"{error} {visit.texts('period.unsound')}")
    desk.notes.keep(visit, visit.texts("closing.said.closed", period=month))
    return see("/periods")


@router.get("/periods/{period}/approve")
def ask_approve(visit: Approver, period: str) -> Response:
    """What a close has frozen and what approving it will do, before it is done."""
    month = _month(period)
    with visit.desk.store.reading() as connection:
        found = next((item for item in periods.standing(connection) if item.period == month), None)
        if found is None or found.status != CLOSED:
            raise HTTPException(404)
        frozen, findings = closable.frozen(connection, found)
        intact = periods.is_intact(connection, found)
        steps = closing_steps.steps(connection, visit.desk.settings, month, found.closed_by)
        worth = closing_steps.worth(connection, visit.desk.settings, month)
        admins = reopening.admins(connection)
    return visit.page(
        "period_approve",
        close=found,
        closed=closes.done(found, "closed", visit.desk.settings.business_day_zone),
        month=frozen,
        findings=findings,
        intact=intact,
        steps=[step for step in steps if step.left],
        worth=worth,
        reopeners=visit.desk.settings.reconciliation.periods.reopen,
        admins=admins,
        following=adjustments.after(found.period),
        forms=tuple(TYPES),
    )


@router.post("/periods/{period}/approve")
def approve(visit: Approver, _sent: ApproverForm, period: str) -> Response:
    """Sign a close as another person than who made it."""
    desk = visit.desk
    return _done(
        visit, "approved", lambda: closing.approve(desk.store, desk.settings, _month(period), visit.member.name)
    )


@router.get("/periods/{period}/reopen")
def ask_reopen(visit: Decider, period: str) -> Response:
    """What opening a month again will do, before it is done."""
    return _reopening(visit, _month(period))


@router.post("/periods/{period}/reopen")
def reopen(visit: Decider, sent: DeciderForm, period: str) -> Response:
    """Open a month again, with a reason that stays visible."""
    desk, month, reason = visit.desk, _month(period), sent.get("reason", "").strip()[:1000]
    if not reason:
        return _reopening(visit, month, 422, visit.texts("refused.reopen_reason"))
    return _done(visit, "reopened", lambda: closing.reopen(desk.store, desk.settings, month, visit.member.name, reason))


@router.get("/report/{form}")
def download(
    visit: Reader, form: str, period: str | None = None, revision: Annotated[int | None, Query(ge=1)] = None
) -> Response:
    """The report as a file, of now or of a month; with ``revision`` as that close of it froze it."""
    if form not in TYPES:
        raise HTTPException(404)
    desk, month = visit.desk, None if period is None else _month(period)
    reopened = None if month is None or revision is None else _reopened(visit, month, revision)
    try:
        data = report.build(desk.store, desk.settings, None, visit.texts.locale, month, reopened)
    except PeriodError as error:
        return _page(visit, 422, visit.refusal(error))
    return saved_report(data, form, visit.texts.locale, "" if reopened is None else f"-{reopened}-withdrawn")


def _reopened(visit: Visit, month: str, revision: int) -> int | None:
    """The close of a month that was reopened, ``None`` for one that stands; raises ``HTTPException`` 404."""
    with visit.desk.store.reading() as connection:
        found = [item for item in periods.closes(connection) if (item.period, item.revision) == (month, revision)]
    if not found:
        raise HTTPException(404)
    return None if found[0].stands else revision


def saved_report(data: Report, form: str, locale: str, which: str = "") -> Response:
    """The report as a file to be saved; ``which`` of several ends its name."""
    named = {"Content-Disposition": f'attachment; filename="ltc-report-{data["period"]}{which}{SUFFIXES[form]}"'}
    return Response(content(data, form, locale), media_type=TYPES[form], headers=named)


def _page(visit: Visit, status: int = 200, problem: str = "") -> Response:
    settings, person = visit.desk.settings, visit.member.name
    with visit.desk.store.reading() as connection:
        found = periods.closes(connection)
        choices = closable.months(connection, settings)
        month, steps = closing_steps.read(connection, settings)
        checkers = closing_steps.checkers(connection, settings)
        under_way = activity.closing(connection)
        admins = reopening.admins(connection)
    last = next((item for item in reversed(found) if item.stands), None)
    waits = last is not None and last.status == CLOSED
    approves = last is not None and waits and closing.may_approve(settings, last, person)
    reopens = last is not None and closing.may_reopen(settings, last, person)
    return visit.page(
        "periods",
        status,
        columns=_COLUMNS,
        rows=[
            (item, dict(zip(closes.COLUMNS, closes.row(item, visit.texts, settings.business_day_zone), strict=True)))
            for item in found
        ],
        coming=closing.next_period(found),
        last=last,
        choices=[] if under_way else choices,
        folded=_SHOWN,
        under_way=under_way,
        since=under_way and closes.signed(under_way.by, under_way.since, settings.business_day_zone),
        reopeners=settings.reconciliation.periods.reopen,
        admins=admins,
        waits=waits,
        approves=approves and visit.may(Right.APPROVE),
        reopens=reopens and visit.may(Right.DECIDE),
        forms=tuple(TYPES),
        now=Rules.of(settings).period,
        open_again=sorted({item.period for item in found} - {item.period for item in found if item.stands}),
        month=month,
        steps=steps,
        checkers=checkers,
        problem=problem,
    )


def _closing(visit: Visit, month: str, status: int = 200, problem: str = "") -> Response:
    """The page before a close; the list with the reason where this month cannot be closed now."""
    settings, person = visit.desk.settings, visit.member.name
    with visit.desk.store.reading() as connection:
        chosen = next((item for item in closable.months(connection, settings) if item.period == month), None)
        first = not periods.closes(connection)
        admins = reopening.admins(connection)
        steps = closing_steps.steps(connection, settings, month, person)
        checkers = closing_steps.checkers(connection, settings, person)
        worth = closing_steps.worth(connection, settings, month)
        under_way = activity.closing(connection)
    if under_way is not None and not problem:
        return _page(visit)
    if chosen is None:
        return _page(visit, 422, visit.texts("closing.not_now", period=month))
    return visit.page(
        "period_close",
        status,
        month=chosen,
        first=first,
        following=adjustments.after(month),
        steps=steps,
        checkers=checkers,
        reopeners=settings.reconciliation.periods.reopen,
        admins=admins,
        worth=worth,
        undecided=next(step for step in steps if step.name == "errors"),
        problem=problem,
    )


def _reopening(visit: Visit, month: str, status: int = 200, problem: str = "") -> Response:
    """The page before a month is opened again; raises ``HTTPException`` 404 where this person cannot do so."""
    settings = visit.desk.settings
    with visit.desk.store.reading() as connection:
        last = next((item for item in reversed(periods.closes(connection)) if item.stands), None)
    if last is None or last.period != month or not closing.may_reopen(settings, last, visit.member.name):
        raise HTTPException(404)
    zone = settings.business_day_zone
    return visit.page(
        "period_reopen",
        status,
        close=last,
        closed=closes.done(last, "closed", zone),
        approved=closes.done(last, "approved", zone),
        following=adjustments.after(month),
        forms=tuple(TYPES),
        problem=problem,
    )


def _done(visit: Visit, what: str, step: Callable[[], Close]) -> Response:
    try:
        close = step()
    except PeriodError as error:
        return _page(visit, 422, visit.refusal(error))
    except StoreError as error:
        return _page(visit, 422, f"{error.message} {error.remedy}".strip())
    following = adjustments.after(close.period)
    visit.desk.notes.keep(visit, visit.texts(f"closing.said.{what}", period=close.period, following=following))
    return see("/periods")


def _month(text: str) -> str:
    if not MONTH.fullmatch(text):
        raise HTTPException(400)
    return text
