"""Records of a stream as they were received and as they were mapped: to see whether their mapping has changed since."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import and_, exists, func, select
from sqlalchemy.engine import Connection

from state import bulk, schema
from state.bodies import unpack
from state.schema import erased_record, landing, record, stream
from state.writes import RecordState


class AsMapped(NamedTuple):
    """A record's raw bytes, and the canonical row and lines that are stored of it (no row: the mapping skipped it)."""

    source_id: str
    body: bytes
    row: tuple[Any, ...]
    lines: list[tuple[Any, ...]]


def spread(connection: Connection, system: str, name: str, most: int) -> tuple[list[AsMapped], int]:
    """All records of a stream, or ``most`` that are spread over all of them; and how many there are.

    Those that are deleted or in quarantine are left out, and those that a person was erased from.
    """
    erased = exists().where(erased_record.c.record_id == record.c.id)
    found = select(record.c.id).join(stream, stream.c.id == record.c.stream_id)
    found = found.where(
        and_(stream.c.system == system, stream.c.name == name, record.c.state == RecordState.LIVE.value, ~erased)
    )
    count = int(connection.execute(select(func.count()).select_from(found.subquery())).scalar_one())
    every = max(1, -(-count // most))
    chosen = found.where(record.c.id % every == 0) if every > 1 else found
    ids = list(connection.execute(chosen.order_by(record.c.id.desc()).limit(most)).scalars())
    return (_read(connection, system, name, ids) if ids else []), count


def streams(connection: Connection, system: str) -> list[str]:
    """The streams of a system that there is something of, by name."""
    query = select(stream.c.name).where(stream.c.system == system).order_by(stream.c.name)
    return list(connection.execute(query).scalars())


def _read(connection: Connection, system: str, name: str, ids: list[int]) -> list[AsMapped]:
    query = select(stream.c.entity).where(stream.c.system == system, stream.c.name == name)
    entity = connection.execute(query).scalar_one()
    rows = {row[0]: row[1:-1] for row in bulk.select(connection, schema.canonical[entity], "record_id", ids)}
    lines: dict[int, list[tuple[Any, ...]]] = {}
    if entity in schema.lines:
        for row in bulk.select(connection, schema.lines[entity], "record_id", ids):
            lines.setdefault(row[0], []).append(row[1:])
    bodies = (
        select(record.c.id, record.c.seq, record.c.source_id, landing.c.body)
        .join(landing, (landing.c.record_id == record.c.id) & (landing.c.seq == record.c.seq))
        .where(record.c.id.in_(ids))
    )
    return [
        AsMapped(
            item.source_id,
            unpack(connection, item.id, item.seq, item.body),
            rows.get(item.id, ()),
            lines.get(item.id, []),
        )
        for item in connection.execute(bodies)
    ]
