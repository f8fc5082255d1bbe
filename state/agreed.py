"""The last value of each written field on which its owner and the target agreed: the base of a three-way comparison."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from state import bulk, exact
from state.clock import now_us
from state.schema import agreed as table

_MANY = 500
_OF_RECORDS = select(table.c.record_id, table.c.field, table.c.value).where(
    table.c.record_id.in_(bindparam("ids", expanding=True))
)


def read(connection: Connection, record_ids: Iterable[int]) -> dict[tuple[int, str], Any]:
    """What was agreed on, by record and field; a field that never was is left out."""
    found: dict[tuple[int, str], Any] = {}
    ids = sorted(set(record_ids))
    for start in range(0, len(ids), _MANY):
        for row in connection.execute(_OF_RECORDS, {"ids": ids[start : start + _MANY]}):
            found[row.record_id, row.field] = exact.load(row.value)
    return found


def write(connection: Connection, values: Sequence[tuple[int, str, Any]]) -> None:
    """Note that target and owner agree: rows of record, field, canonical value."""
    now = now_us()
    rows = {(record_id, field): (record_id, field, exact.dump(value), now) for record_id, field, value in values}
    bulk.upsert(connection, table, ("record_id", "field", "value", "at"), list(rows.values()), ("record_id", "field"))
