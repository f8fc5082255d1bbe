"""Records that are deleted in their source: which, and since when we know."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import and_, select
from sqlalchemy.engine import Connection

from state import schema
from state.writes import RecordState


class Deleted(NamedTuple):
    """One of them; ``at`` is when a pull or a search showed that it is gone (microseconds)."""

    stream: str
    source_id: str
    at: int
    run_id: str


def listing(connection: Connection, system: str, stream: str | None, limit: int) -> list[Deleted]:
    """Those of a system, or of one of its streams, the last first."""
    record, landing, known = schema.record, schema.landing, schema.stream
    query = (
        select(known.c.name, record.c.source_id, landing.c.first_seen_at, landing.c.run_id)
        .select_from(
            record.join(known, known.c.id == record.c.stream_id).join(
                landing, and_(landing.c.record_id == record.c.id, landing.c.seq == record.c.seq)
            )
        )
        .where(known.c.system == system, record.c.state == RecordState.DELETED.value)
        .order_by(landing.c.first_seen_at.desc(), record.c.id.desc())
        .limit(limit)
    )
    if stream is not None:
        query = query.where(known.c.name == stream)
    return [Deleted(*row) for row in connection.execute(query)]
