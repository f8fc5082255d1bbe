"""Map what we already hold again: records in quarantine after a mapping change, or a whole stream from landing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, exists, func, select, update
from sqlalchemy.engine import Connection

from mappings.errors import MappingError
from state import bulk, corrections, erasure, order_states, schema
from state.bodies import unpack
from state.clock import now_us
from state.landing import Counts, Mapper
from state.writes import REFUSED_BY_CONNECTOR, RecordState, Stream, Writes

_BATCH = 1000


class Held(NamedTuple):
    """A record as we hold it: the raw bytes of its newest version that is not a deletion.

    Where people have put texts in the place of values of that version (``state.corrections``), they are in it.
    """

    id: int
    source_id: str
    state: int
    body: bytes


_record, _landing, _quarantine = schema.record, schema.landing, schema.quarantine
_newest_body = _landing.c.seq == _record.c.seq - case((_record.c.state == RecordState.DELETED.value, 1), else_=0)
_held = select(_record.c.id, _record.c.source_id, _record.c.state, _landing.c.body, _landing.c.seq).join(
    _landing, (_landing.c.record_id == _record.c.id) & _newest_body
)
_beyond_mapping = exists().where(_quarantine.c.record_id == _record.c.id, _quarantine.c.mapping == REFUSED_BY_CONNECTOR)
_next_of_stream = (
    _held.where(_record.c.stream_id == bindparam("stream"), _record.c.id > bindparam("after"), ~_beyond_mapping)
    .order_by(_record.c.id)
    .limit(bindparam("count"))
)


_waiting = (
    select(_quarantine.c.record_id)
    .where(
        _quarantine.c.system == bindparam("of_system"),
        _quarantine.c.stream == bindparam("of_stream"),
        _quarantine.c.mapping != bindparam("tried"),
        _quarantine.c.mapping != REFUSED_BY_CONNECTOR,
    )
    .limit(_BATCH)
)


def held(connection: Connection, stream: Stream, after: int, count: int = _BATCH) -> list[Held]:
    """The next records of a stream, by record id."""
    rows = connection.execute(_next_of_stream, {"stream": stream.id, "after": after, "count": count})
    return _as_held(connection, rows.all())


def is_refused_by_another_mapping(connection: Connection, stream: Stream, mapping: str) -> bool:
    """Whether the stream has quarantined records that ``mapping`` (a fingerprint) has not tried yet."""
    return connection.execute(_waiting, _asked(stream, mapping)).first() is not None


def refused_by_another_mapping(connection: Connection, stream: Stream, mapping: str) -> Iterator[list[Held]]:
    """Batches of the stream's quarantined records that ``mapping`` (a fingerprint) has not tried yet.

    Each batch must be mapped again before the next is asked for.
    """
    while ids := connection.execute(_waiting, _asked(stream, mapping)).scalars().all():
        rows = connection.execute(_held.where(_record.c.id.in_(ids)).order_by(_record.c.id))
        yield _as_held(connection, rows.all())


def _as_held(connection: Connection, rows: Sequence[Any]) -> list[Held]:
    """Rows of ``_held``, in the order of their ids."""
    if not rows:
        return []
    texts = corrections.between(connection, rows[0].id, rows[-1].id)
    found = []
    for row in rows:
        body, own = unpack(connection, row.id, row.seq, row.body), texts.get((row.id, row.seq))
        found.append(Held(row.id, row.source_id, row.state, corrections.corrected(body, own) if own else body))
    return found


def _asked(stream: Stream, mapping: str) -> dict[str, str]:
    return {"of_system": stream.system, "of_stream": stream.name, "tried": mapping}


def remap(connection: Connection, stream: Stream, mapper: Mapper, records: Sequence[Held], *, run_id: str) -> Counts:
    """Map records again and replace what the old mapping made of them; the landing stays as it is."""
    now = now_us()
    writes = Writes()
    counts = Counts(pulled=len(records))
    states: list[bulk.Row] = []
    erased = erasure.tombstones(connection)
    for record in records:
        deleted = record.state == RecordState.DELETED
        try:
            row, lines = mapper.map(stream.system, record.source_id, record.body)
        except MappingError as error:
            counts.rejected += 1
            if not deleted:
                writes.quarantined[record.id] = (record.source_id, error)
                states.append((record.id, RecordState.REJECTED.value))
            continue
        if erased is not None and erased.matching([erasure.of_record(stream.system, stream.name, record.source_id)]):
            hidden = mapper.personal_fields(erasure.is_organisation(stream.entity, row))
            row = erasure.without_fields(stream.entity, row, hidden)
        counts.changed += 1
        writes.released.append(record.id)
        writes.stale_lines.append(record.id)
        if record.state == RecordState.REJECTED:
            states.append((record.id, RecordState.LIVE.value))
        if row:
            writes.replaced.append((record.id, *row, int(deleted)))
            writes.lines += [(record.id, *line) for line in lines]
        else:
            counts.skipped += 1
            writes.removed.append(record.id)
    bulk.update(connection, schema.record, ("id", "state"), states, ("id",))
    writes.write(connection, stream, mapper.fingerprint, run_id, now)
    order_states.note_remapped(connection)
    return counts


def change_entity(connection: Connection, system: str, name: str, entity: str) -> None:
    """Let a stream's records become another entity: takes out their old canonical rows; map the stream again after."""
    table = schema.stream
    row = connection.execute(select(table).where(table.c.system == system, table.c.name == name)).first()
    if row is None or row.entity == entity:
        return
    ids = select(_record.c.id).where(_record.c.stream_id == row.id)
    for old in (schema.canonical[row.entity], schema.lines.get(row.entity)):
        if old is not None:
            connection.execute(old.delete().where(old.c.record_id.in_(ids)))
    order_states.note_remapped(connection)
    connection.execute(update(table).where(table.c.id == row.id).values(entity=entity))


def count(connection: Connection, stream: Stream) -> int:
    """How many records of a stream we hold, deleted ones included."""
    query = select(func.count()).select_from(_record).where(_record.c.stream_id == stream.id)
    return int(connection.execute(query).scalar_one())
