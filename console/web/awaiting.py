"""What waits for the one who looks: waivers and a month to approve, write-backs to let go."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from console.web.access import Right
from state import awaiting, news, periods
from state.periods import CLOSED

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.web.desk import Visit

_PEOPLE = 200


class Awaiting:
    """Looks each time, but for waivers only once findings have changed: they are many; safe between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waivers: OrderedDict[str, tuple[int, int]] = OrderedDict()

    def lines(self, visit: Visit) -> list[tuple[str, str]]:
        """Sentences, each with the page where it is decided; none for whoever has nothing to decide."""
        approves, operates = visit.may(Right.APPROVE), visit.may(Right.OPERATE)
        if not approves and not operates:
            return []
        found: list[tuple[str, str]] = []
        with visit.desk.store.reading() as connection:
            if approves and (count := self._count(connection, visit.member.name)):
                found.append((visit.texts("deciding.waits.waivers", count=f"{count:,}"), "/findings?waits=waiver"))
            if approves and (month := _month(connection, visit)):
                found.append((visit.texts("deciding.waits.month", month=month), "/periods"))
            if operates and (count := awaiting.writes(connection, visit.systems)):
                found.append((visit.texts("deciding.waits.writes", count=f"{count:,}"), "/plans"))
        return found

    def _count(self, connection: Connection, person: str) -> int:
        version = news.findings_version(connection)
        with self._lock:
            known = self._waivers.get(person)
        if known is None or known[0] != version:
            known = version, awaiting.waivers(connection, person)
            with self._lock:
                self._waivers[person] = known
                self._waivers.move_to_end(person)
                while len(self._waivers) > _PEOPLE:
                    self._waivers.popitem(last=False)
        return known[1]


def _month(connection: Connection, visit: Visit) -> str | None:
    """The month that somebody else has closed and this person may approve."""
    standing, allowed = periods.standing(connection), visit.desk.settings.reconciliation.periods.checkers
    last = standing[-1] if standing else None
    if last is None or last.status != CLOSED or (allowed and visit.member.name not in allowed):
        return None
    return last.period if last.closed_by.casefold() != visit.member.name.casefold() else None
