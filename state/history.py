"""Earlier versions of records, and canonical rows by record: what judging a write-back needs to look at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.engine import Connection

from state import bulk, schema
from state.bodies import unpack
from state.writes import Origin, RecordState

_MOST_VERSIONS = 200

_record, _stream = schema.record, schema.stream
_ALIVE = (
    select(func.count())
    .select_from(_record.join(_stream, _stream.c.id == _record.c.stream_id))
    .where(_stream.c.system == bindparam("of_system"), _stream.c.name == bindparam("named"))
    .where(_record.c.state != RecordState.DELETED.value)
)


class Version(NamedTuple):
    """One version of a record; ``first_seen_at`` in microseconds, ``body`` empty for a deletion."""

    seq: int
    body: bytes
    origin: int
    first_seen_at: int


class Times(NamedTuple):
    """When a record was last changed, in microseconds: by the source's clock (may be unknown), and first seen by us."""

    changed_at: int | None
    seen_at: int


class Changed(NamedTuple):
    """A record, when it was last changed, and whether that was by a write of ours."""

    record_id: int
    system: str
    stream: str
    source_id: str
    times: Times
    by_us: bool


def versions(connection: Connection, record_id: int) -> Iterator[Version]:
    """A record's versions, the newest first; at most the last few hundred."""
    table = schema.landing
    query = select(table.c.seq, table.c.body, table.c.origin, table.c.first_seen_at)
    query = query.where(table.c.record_id == record_id).order_by(table.c.seq.desc()).limit(_MOST_VERSIONS)
    for row in connection.execute(query):
        yield Version(row.seq, unpack(connection, record_id, row.seq, row.body), row.origin, row.first_seen_at)


def changed(connection: Connection, records: Iterable[Any]) -> list[Changed]:
    """The last change of these records (tables with system, entity and source_id); unknown ones are left out."""
    record, stream, landing = schema.record, schema.stream, schema.landing
    found = []
    for ref in records:
        if not isinstance(ref, dict) or ref.get("entity") not in schema.canonical or "source_id" not in ref:
            continue
        rows = schema.canonical[ref["entity"]]
        query = (
            select(
                *(record.c.id, stream.c.system, stream.c.name, record.c.source_id),
                *(rows.c.source_updated_at, landing.c.first_seen_at, landing.c.origin),
            )
            .join(record, record.c.id == rows.c.record_id)
            .join(stream, stream.c.id == record.c.stream_id)
            .join(landing, (landing.c.record_id == record.c.id) & (landing.c.seq == record.c.seq))
            .where(stream.c.system == ref.get("system"), record.c.source_id == ref["source_id"])
        )
        for row in connection.execute(query):
            times = Times(row.source_updated_at, row.first_seen_at)
            found.append(Changed(row.id, row.system, row.name, row.source_id, times, row.origin == Origin.WRITTEN))
    return found


def rows(connection: Connection, entity: str, record_ids: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Canonical rows as stored, by record."""
    table = schema.canonical[entity]
    names = [column.name for column in table.columns]
    found = bulk.select(connection, table, "record_id", sorted(set(record_ids)))
    return {row[0]: dict(zip(names, row, strict=True)) for row in found}


def alive(connection: Connection, system: str, stream: str) -> int:
    """How many records of a stream are not deleted."""
    return int(connection.execute(_ALIVE, {"of_system": system, "named": stream}).scalar_one())
