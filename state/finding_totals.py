"""Findings summed in the database for a first page: what is outstanding, and what came and went month by month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.engine import Connection

from state import findings
from state.schema import finding as table
from state.schema import finding_event

BASE = "base"
"""Stands for the base currency among the limits of materiality."""


class Total(NamedTuple):
    """Findings that are alike; ``base`` is their money in minor units of the base currency."""

    stage: str
    department: str
    severity: str
    age: int
    """Place of the bucket, the youngest first."""
    number: int
    base: int
    unconverted: int
    """With money in a currency that has no rate."""
    immaterial: int
    overdue: int
    waived: int
    waived_base: int
    """Money of the waived ones, as ``base``."""


class Moved(NamedTuple):
    """Findings that were new and that were cleared in a span of time, and how many stood at its end."""

    new: int
    cleared: int
    standing: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What sorts findings as of a day. ``ages`` are the ends of the buckets of age but for the last, the youngest
    first: the earliest day that still belongs to it, and the microsecond with which that day begins."""

    today: str
    ages: Sequence[tuple[str, int]]
    materiality: Mapping[str, int]
    """Minor units by currency, or ``BASE``: what is below is immaterial."""


def totals(connection: Connection, limits: Limits) -> list[Total]:
    """The outstanding findings, each in one of the totals."""
    columns = (table.c.stage, table.c.department, table.c.severity, _age(limits))
    query = (
        select(
            *columns,
            func.count(),
            func.coalesce(func.sum(table.c.base_amount), 0),
            _count(and_(table.c.base_amount.is_(None), table.c.amount.is_not(None))),
            _count(_immaterial(limits.materiality)),
            _count(and_(table.c.due_on < limits.today, table.c.status != "waived")),
            _count(table.c.status == "waived"),
            func.coalesce(func.sum(case((table.c.status == "waived", table.c.base_amount), else_=0)), 0),
        )
        .where(table.c.status != "resolved")
        .group_by(*columns)
    )
    return [Total(*row[:4], *(int(value) for value in row[4:])) for row in connection.execute(query)]


def moved(connection: Connection, begins: Sequence[int]) -> list[Moved]:
    """What came and went from each of these stamps (microseconds, rising) to the next, the last one up to now.

    Counted back from what stands now, so that it does not matter which old events retention has removed.
    """
    event = finding_event
    place = case(*((event.c.at >= begin, n) for n, begin in reversed(list(enumerate(begins)))), else_=-1)
    gone = case((event.c.event == "resolved", 1), else_=0)
    query = (
        select(place, gone, func.count())
        .where(event.c.event.in_(("opened", "reopened", "resolved")), event.c.at >= min(begins))
        .group_by(place, gone)
    )
    counts = {(int(row[0]), int(row[1])): int(row[2]) for row in connection.execute(query)}
    stand = findings.outstanding(connection)
    found: list[Moved] = []
    for number in reversed(range(len(begins))):
        new, cleared = counts.get((number, 0), 0), counts.get((number, 1), 0)
        found.insert(0, Moved(new, cleared, stand))
        stand -= new - cleared
    return found


def _age(limits: Limits) -> ColumnElement[int]:
    """By the day since when the data shows it, else by when it was first seen."""
    known = table.c.since.is_not(None) & (table.c.since != "")
    return case(
        *(
            (or_(and_(known, table.c.since >= day), and_(~known, table.c.first_seen_at >= instant)), place)
            for place, (day, instant) in enumerate(limits.ages)
        ),
        else_=len(limits.ages),
    )


def _immaterial(limits: Mapping[str, int]) -> ColumnElement[bool]:
    """Below the limit of its own currency, or where that has none below that of the base currency."""
    own = {currency: limit for currency, limit in limits.items() if currency != BASE}
    below = [
        and_(table.c.amount.is_not(None), table.c.currency == currency, func.abs(table.c.amount) < limit)
        for currency, limit in own.items()
    ]
    if BASE in limits:
        without = or_(table.c.amount.is_(None), table.c.currency.is_(None), table.c.currency.not_in(list(own)))
        below.append(and_(without, table.c.base_amount.is_not(None), func.abs(table.c.base_amount) < limits[BASE]))
    return or_(false(), *below)


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)
