"""How many records of a stream were changed since an instant, and how many calls its pulls have needed."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from state.schema import canonical, record, stream, stream_run
from state.writes import RecordState

_PULLS = 50
"""So many pulls are looked at; the last ones tell best what the next one needs."""


class Window(NamedTuple):
    """The records of a stream that we hold, as their source dates their last change."""

    held: int
    since: int
    """Changed at or after the instant."""
    undated: int
    """Without a time of change: nobody can tell."""


class Pace(NamedTuple):
    """What a pull brought: records, and the calls that this took."""

    records: int
    calls: int


def count(connection: Connection, system: str, name: str, since: int) -> Window:
    """What a stream holds of the time since an instant (microseconds); nothing if it was never pulled."""
    row = connection.execute(select(stream.c.id, stream.c.entity).where(_named(system, name))).first()
    if row is None:
        return Window(0, 0, 0)
    table = canonical[row.entity]
    query = (
        select(func.count(), func.count(table.c.source_updated_at), func.count().filter(_after(table, since)))
        .select_from(record.outerjoin(table, table.c.record_id == record.c.id))
        .where(record.c.stream_id == row.id, record.c.state != RecordState.DELETED.value)
    )
    held, dated, found = connection.execute(query).one()
    return Window(held, found, held - dated)


def pulls(connection: Connection, system: str, name: str) -> list[Pace]:
    """Each of the last pulls of a stream that brought anything, the newest first."""
    table = stream_run
    query = (
        select(table.c.counts)
        .where(table.c.system == system, table.c.stream == name, table.c.direction == "pull")
        .where(table.c.status == "done")
        .order_by(table.c.started_at.desc())
        .limit(_PULLS)
    )
    counted = map(json.loads, connection.execute(query).scalars())
    return [Pace(item["pulled"], item["calls"]) for item in counted if item.get("pulled") and item.get("calls")]


def _named(system: str, name: str) -> Any:
    return (stream.c.system == system) & (stream.c.name == name)


def _after(table: Any, since: int) -> Any:
    return table.c.source_updated_at >= since
