"""Statuses that changed against their legal order, noted as the versions of a record arrive."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy.engine import Connection

from mappings.model import ENTITIES, columns
from mappings.statuses import is_out_of_order
from state import bulk, schema

_COLUMNS = ("record_id", "was", "became", "at")


def note(connection: Connection, entity: str, rows: Sequence[bulk.Row], at: int) -> None:
    """Compare the statuses of canonical rows that are to replace stored ones; before they are written.

    Of each record the last such change is kept, with the instant (microseconds) at which we saw it.
    """
    if not rows:
        return
    place = _place(entity)
    table, ids = schema.canonical[entity], [row[0] for row in rows]
    before: dict[int, str | None] = dict(bulk.select(connection, table, "record_id", ids, ("record_id", "status")))
    found = [
        (row[0], old, row[place], at)
        for row in rows
        if (old := before.get(row[0])) is not None and is_out_of_order(entity, old, row[place])
    ]
    if found:
        bulk.upsert(connection, schema.out_of_order, _COLUMNS, found, ("record_id",))


@cache
def _place(entity: str) -> int:
    """Where the status stands in a row, behind the record's id."""
    return 1 + [column.name for column in columns(ENTITIES[entity])].index("status")
