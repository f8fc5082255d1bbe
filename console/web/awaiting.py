"""What waits for the one who looks: findings that are theirs, waivers and a month to approve,

links and receipts to decide, write-backs to let go, dead letters.
"""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

from console import asked
from console.web.access import Right
from reconciliation.closing import may_approve
from state import awaiting, cash, cash_standing, news, periods
from state.periods import CLOSED

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.web.desk import Visit

_PEOPLE = 200
_MOST = 100
"""More than so many links or receipts are not counted."""
_MINE = "/findings?assignee=%40me&status=assigned"


class Awaiting:
    """Looks each time, but at what is many (findings, receipts) only once it has changed; safe between threads."""

    def __init__(self) -> None:
        self._lock, self._looking = Lock(), Lock()
        self._findings: OrderedDict[str, tuple[int, int, int]] = OrderedDict()
        self._receipts: tuple[int, list[int]] = (-1, [])

    def lines(self, visit: Visit) -> list[tuple[str, str]]:
        """Sentences, each with the page where it is decided; none for whoever has nothing to decide."""
        if visit.session is None:
            return []
        approves, operates, decides = (visit.may(right) for right in (Right.APPROVE, Right.OPERATE, Right.DECIDE))
        found: list[tuple[str, str]] = []
        with visit.desk.store.reading() as connection:
            _, mine, waivers = self._count(connection, visit.member.name)
            if mine:
                found.append((visit.texts("deciding.waits.assigned", count=f"{mine:,}"), _MINE))
            if approves and waivers:
                found.append((visit.texts("deciding.waits.waivers", count=f"{waivers:,}"), "/findings?waits=waiver"))
            if approves and (month := _month(connection, visit)):
                found.append((visit.texts("deciding.waits.month", month=month), f"/periods/{month}/approve"))
            if decides and (count := self._unsettled(connection)):
                found.append((visit.texts("deciding.waits.receipts", count=_number(count)), "/cash"))
            if decides and (count := awaiting.links(connection, _MOST + 1)):
                found.append((visit.texts("deciding.waits.links", count=_number(count)), "/links"))
            if operates and (count := awaiting.writes(connection, visit.systems)):
                found.append((visit.texts("deciding.waits.writes", count=f"{count:,}"), "/plans"))
            if operates and (count := awaiting.unanswered(connection, visit.systems)):
                found.append((visit.texts("deciding.waits.unanswered", count=f"{count:,}"), "/plans"))
            if operates and (count := asked.waiting(connection, visit.systems, _MOST + 1)):
                found.append((visit.texts("deciding.waits.conflicts", count=_number(count)), "/plans#conflicts"))
            if operates and (count := awaiting.dead_letters(connection, visit.systems)):
                found.append((visit.texts("deciding.waits.dead_letters", count=f"{count:,}"), "/dead-letters"))
        return found

    def _count(self, connection: Connection, person: str) -> tuple[int, int, int]:
        """The version of the findings, how many are assigned to a person, and the waivers that others ask for."""
        version = news.findings_version(connection)
        with self._lock:
            known = self._findings.get(person)
        if known is None or known[0] != version:
            known = version, awaiting.assigned(connection, person), awaiting.waivers(connection, person)
            with self._lock:
                self._findings[person] = known
                self._findings.move_to_end(person)
                while len(self._findings) > _PEOPLE:
                    self._findings.popitem(last=False)
        return known

    def _unsettled(self, connection: Connection) -> int:
        """Receipts of which something is left and that nobody has decided; at most one more than ``_MOST``."""
        version = news.figures_version(connection)
        with self._looking:  # all pages ask after a reconciliation: one looks, the others wait for it
            if self._receipts[0] != version:
                self._receipts = version, cash.unsettled(connection)
            receipts = self._receipts[1]
        return cash_standing.undecided(connection, receipts, _MOST + 1)


def _number(count: int) -> str:
    return f"{_MOST}+" if count > _MOST else str(count)


def _month(connection: Connection, visit: Visit) -> str | None:
    """The month that somebody else has closed and this person may approve."""
    standing = periods.standing(connection)
    if not standing or standing[-1].status != CLOSED:
        return None
    return standing[-1].period if may_approve(visit.desk.settings, standing[-1], visit.member.name) else None
