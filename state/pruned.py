"""What retention has removed so far, so that whoever misses it is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from state import bulk, schema
from state.schema import pruned as table

DAY_US = 86_400 * 1_000_000

ALL = "all"
"""Stands for a prune that came to its end."""


class Pruned(NamedTuple):
    """What was removed of one kind so far; instants in microseconds."""

    before: int
    """Of what ended before this instant, some or all is gone."""
    removed: int
    at: int


def is_due(connection: Connection, now: int) -> bool:
    """Whether the last prune that came to its end is a day ago (``now`` in microseconds), or there was none."""
    last = done(connection).get(ALL)
    return last is None or now - last.at >= DAY_US or last.at > now


def done(connection: Connection) -> dict[str, Pruned]:
    """What was removed so far, by kind as in ``state.retention.Counts``."""
    query = select(table.c.kind, table.c.before, table.c.removed, table.c.at)
    return {row.kind: Pruned(row.before, row.removed, row.at) for row in connection.execute(query)}


def removed(connection: Connection, kind: str) -> Pruned | None:
    """What was removed of one kind; ``None`` if nothing ever was."""
    found = done(connection).get(kind)
    return found if found is not None and found.removed else None


def older_versions(connection: Connection, record_ids: Sequence[int]) -> dict[int, int]:
    """How many versions of these records were pruned; records that have all of them are left out."""
    if removed(connection, "landing") is None:
        return {}
    landing = schema.landing
    found: dict[int, int] = {}
    for start in range(0, len(record_ids), 500):
        some = record_ids[start : start + 500]
        query = select(landing.c.record_id, func.count(), func.max(landing.c.seq))
        query = query.where(landing.c.record_id.in_(some)).group_by(landing.c.record_id)
        for record_id, number, newest in connection.execute(query):
            if newest > number:
                found[record_id] = newest - number
    return found


def position(connection: Connection, kind: str) -> int:
    """Where the next prune of this kind goes on; 0 is from the start."""
    return connection.execute(select(table.c.position).where(table.c.kind == kind)).scalar() or 0


def note(connection: Connection, kind: str, before: int, number: int, now: int, position: int = 0) -> None:
    """Keep what was removed; ``before`` never falls, since what is gone stays gone."""
    row = connection.execute(select(table).where(table.c.kind == kind)).first()
    if row is not None:
        number += row.removed
        before = max(before, row.before) if number > row.removed else row.before
    elif not number:
        before = 0
    columns = ("kind", "before", "removed", "at", "position")
    bulk.upsert(connection, table, columns, [(kind, before, number, now, position)], ("kind",))
