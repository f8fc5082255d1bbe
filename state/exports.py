"""What reconciliations found, some at a time and in one fixed order: for exports, however much there is.

Whoever asks holds the view of the store (``Store.reading``): all parts are of the same moment.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.engine import Connection, Row

from state import cash
from state import findings as stored_findings
from state.findings import STANDING, Finding
from state.links import Link
from state.schema import figure, finding, link

SIZE = 2_000
"""Rows that are in memory at a time."""


def links(connection: Connection) -> Iterator[list[Link]]:
    """All links, cut and suggested ones among them, by kind and records."""
    query = select(*(link.c[name] for name in Link.__dataclass_fields__))
    for rows in _some(connection, query.order_by(link.c.kind, link.c.left_id, link.c.right_id)):
        yield [Link(*row) for row in rows]


def findings(connection: Connection, statuses: Sequence[str] = STANDING) -> Iterator[list[Finding]]:
    """The findings of these statuses, by id."""
    query = select(finding.c.id).where(finding.c.status.in_(statuses)).order_by(finding.c.id)
    for rows in _some(connection, query):
        yield stored_findings.of_ids(connection, [row.id for row in rows])


def receipts(connection: Connection) -> Iterator[list[Any]]:
    """What became of each receipt, as the last reconciliation kept it (``state.cash``)."""
    newest = select(func.max(figure.c.id)).where(figure.c.kind == cash.KIND).group_by(figure.c.key)
    query = select(figure.c.value).where(figure.c.id.in_(newest), figure.c.value != "").order_by(figure.c.id)
    for rows in _some(connection, query):
        yield [json.loads(row.value) for row in rows]


def _some(connection: Connection, query: Select[Any]) -> Iterator[Sequence[Row[Any]]]:
    return connection.execute(query, execution_options={"yield_per": SIZE}).partitions()
