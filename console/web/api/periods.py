"""Periods: who closed, approved and reopened each month, and doing it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path

from console import closing_steps
from console.web.api.callers import Approver, Decider, Reader
from console.web.api.period_models import Checklist, Close, Closing, Periods, Reopening, Step
from console.web.api.values import Month
from console.web.problems import Refusal
from reconciliation import closing, sections
from state import periods
from state.periods import Close as Stored
from state.periods import PeriodError
from sync.closing import close_period as close_it

router = APIRouter(tags=["periods"])

Period = Annotated[Month, Path(description="A month")]


@router.get("/periods")
def list_periods(caller: Reader) -> Periods:
    """List all closes, those that were reopened too, and which month is next."""
    with caller.store.reading() as connection:
        found = periods.closes(connection)
    return Periods(items=[_close(item) for item in found], next=closing.next_period(found))


@router.get("/periods/checklist")
def get_checklist(caller: Reader) -> Checklist:
    """Tell what is to be seen to before the next month is closed, or approved."""
    with caller.store.reading() as connection:
        month, found = closing_steps.read(connection, caller.settings)
    return Checklist(period=month, items=[Step(**item._asdict()) for item in found])


@router.post("/periods/{period}/close")
def close_period(caller: Decider, period: Period, sent: Closing | None = None) -> Close:
    """Reconcile, and freeze a month; another person approves it. Takes as long as a reconciliation.

    While errors of the month or before are undecided, it needs a reason.
    """
    reason = (sent.reason if sent else None) or ""
    return _done(lambda: close_it(caller.store, caller.settings, period, caller.name, reason.strip()))


@router.post("/periods/{period}/approve")
def approve_period(caller: Approver, period: Period) -> Close:
    """Sign a close that somebody else made. Only for people who are signed in: no token approves."""
    return _done(lambda: closing.approve(caller.store, caller.settings, period, caller.name))


@router.post("/periods/{period}/reopen")
def reopen_period(caller: Decider, period: Period, sent: Reopening) -> Close:
    """Open a month again, with a reason that stays visible."""
    return _done(lambda: closing.reopen(caller.store, caller.settings, period, caller.name, sent.reason.strip()))


def _done(step: Callable[[], Stored]) -> Close:
    try:
        return _close(step())
    except PeriodError as error:
        raise Refusal.of(error) from None


def _close(item: Stored) -> Close:
    return Close(**sections.close(asdict(item)))
