"""Outstanding findings summed in the database by all that a first page shows: stage, department, severity, age."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.engine import Connection

from state.schema import finding as table

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
        )
        .where(table.c.status != "resolved")
        .group_by(*columns)
    )
    return [Total(*row[:4], *(int(value) for value in row[4:])) for row in connection.execute(query)]


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
