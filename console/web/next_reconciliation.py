"""When what people decide takes effect: the next reconciliation by the schedule, or who starts one."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from console import freshness
from console.web.access import Right
from flows import catalogue
from settings import cron
from state import system_facts
from state.clock import from_us

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.engine import Connection

    from console.web.desk import Visit
    from settings.model import Settings

_GRACE = timedelta(minutes=15)
"""How long after its time nothing may have begun before it is no longer said that a schedule is carried out."""
_RECONCILE = ("reconcile", "sync")
"""Flows that reconcile, where they have a time of their own."""


def told(visit: Visit, connection: Connection) -> str:
    """When the next reconciliation is, and who may start one now, in the reader's language."""
    at = due(visit.desk.settings, system_facts.scheduled(connection).get(""))
    texts, who = visit.texts, "you" if visit.may(Right.OPERATE) else "others"
    if at is None:
        return texts(f"held.next.by_hand_{who}")
    shown = freshness.short(at, visit.desk.settings.business_day_zone)
    return f"{texts('held.next.due', at=shown)} {texts(f'held.next.sooner_{who}')}"


def due(settings: Settings, last: int | None) -> datetime | None:
    """The next time at which the schedules of ``ltc deploy`` reconcile; ``None`` where nothing carries them out.

    ``last``: when a run by a schedule began last, in microseconds.
    """
    if last is None:
        return None
    crons = [item.cron for item in catalogue.for_settings(settings) if item.flow in _RECONCILE and item.cron]
    now, zone = freshness.now(), settings.business_day_zone
    missed = [cron.next_due(given, from_us(last).astimezone(zone)) for given in crons]
    if any(time is not None and time + _GRACE < now for time in missed):
        return None
    times = [time for given in crons if (time := cron.next_due(given, now.astimezone(zone))) is not None]
    return min(times, default=None)
