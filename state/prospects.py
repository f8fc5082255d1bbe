"""Leads and opportunities counted by the span of time in which they came in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import ColumnElement, Table, case, func, select
from sqlalchemy.engine import Connection

from state.schema import canonical


class Prospects(NamedTuple):
    """What came in: ``won`` are those of the opportunities that have been won since."""

    leads: int
    opportunities: int
    won: int


def prospects(
    connection: Connection, leads_of: Sequence[str], deals_of: Sequence[str], bounds: Sequence[int]
) -> list[Prospects]:
    """What came in between each of ``bounds`` (microseconds, rising) and the next.

    ``leads_of`` are the systems whose leads count, ``deals_of`` those whose opportunities do: what one system hands on
    to another would count twice.
    """
    lead, deal = canonical["lead"], canonical["opportunity"]
    came = func.coalesce(lead.c.received_at, lead.c.source_created_at)
    leads = _by_span(connection, lead, leads_of, came, bounds, None)
    deals = _by_span(connection, deal, deals_of, deal.c.source_created_at, bounds, None)
    won = _by_span(connection, deal, deals_of, deal.c.source_created_at, bounds, deal.c.status == "won")
    return [Prospects(leads.get(n, 0), deals.get(n, 0), won.get(n, 0)) for n in range(len(bounds) - 1)]


def _by_span(
    connection: Connection,
    table: Table,
    systems: Sequence[str],
    came: ColumnElement[int],
    bounds: Sequence[int],
    only: ColumnElement[bool] | None,
) -> dict[int, int]:
    span = case(*((came >= begin, n) for n, begin in reversed(list(enumerate(bounds[:-1])))), else_=-1)
    query = select(span, func.count()).where(
        table.c.system.in_(systems), table.c.deleted == 0, came >= bounds[0], came < bounds[-1]
    )
    if only is not None:
        query = query.where(only)
    return {int(row[0]): int(row[1]) for row in connection.execute(query.group_by(span))}
