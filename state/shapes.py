"""What the records of each stream look like, what of it has changed, and the records that are held back for that."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from mappings.compiler import Mapped
from mappings.errors import MappingError
from state import audit, bulk, erasure, schema
from state.bodies import load_body
from state.clock import now_us
from state.landing import Mapper
from state.writes import REFUSED_BY_CONNECTOR, RecordState, Stream, Writes

_TRY_AGAIN = "accepted"
"""Stands in ``quarantine.mapping`` for records that are to be tried again, whatever mapping refused them."""


class Kind(StrEnum):
    """What may happen to a field."""

    NEW = "new"
    VANISHED = "vanished"
    RETYPED = "retyped"


class Status(StrEnum):
    """What became of that."""

    NOTED = "noted"
    """Told; it stops nothing."""
    OPEN = "open"
    """Records are held back, or the stream is stopped, until a person has decided."""
    ACCEPTED = "accepted"


class Key(NamedTuple):
    """By what one change is told from another."""

    path: str
    kind: Kind
    type: str


@dataclass(frozen=True, slots=True)
class Drift:
    """One field that is new, gone or of another type."""

    path: str
    kind: Kind
    type: str = ""
    """Of a new or retyped one."""
    before: str = ""
    """The types it had."""
    fields: tuple[str, ...] = ()
    """Canonical fields that depend on it."""
    status: Status = Status.OPEN

    @property
    def key(self) -> Key:
        """See ``Key``: a field may be new, or gone, only once, and become each other type."""
        return Key(self.path, self.kind, self.type if self.kind is Kind.RETYPED else "")


@dataclass(frozen=True, slots=True)
class Listed:
    """A change with where and when it was met; instants in microseconds."""

    system: str
    stream: str
    drift: Drift
    since: int
    run_id: str
    decided_by: str | None
    decided_at: int | None
    reason: str | None


@dataclass(slots=True)
class Watched:
    """How often there was something at a path that the mapping reads."""

    seen: int = 0
    filled: int = 0
    missing: int = 0
    """Records since there was something last; they are not in ``seen`` yet."""
    lost: dict[int, int] = field(default_factory=dict)
    """Those of them that speak for its being gone: record id → the version before, 0 for a new record."""


@dataclass(slots=True)
class Shape:
    """What is known of a stream's records."""

    known: dict[str, set[str]] = field(default_factory=dict)
    watched: dict[str, Watched] = field(default_factory=dict)
    drifts: dict[Key, Drift] = field(default_factory=dict)

    def open(self, kind: Kind) -> list[Drift]:
        """What waits for a person."""
        return [item for item in self.drifts.values() if item.kind is kind and item.status is Status.OPEN]


class Loss(NamedTuple):
    """A record that is to be held back, the version it is shown in meanwhile (0: none), and why."""

    record_id: int
    source_id: str
    base_seq: int
    error: MappingError


_shape, _drift, _stream, _quarantine = schema.shape, schema.drift, schema.stream, schema.quarantine
_SHAPE = select(_shape.c.known, _shape.c.watched).where(_shape.c.stream_id == bindparam("of_stream"))
_DRIFTS = select(_drift).where(_drift.c.stream_id == bindparam("of_stream"))
_HELD = select(_quarantine.c.source_id).where(
    _quarantine.c.system == bindparam("of_system"), _quarantine.c.stream == bindparam("of_stream")
)
_SHAPE_COLUMNS = ("stream_id", "known", "watched", "updated_at")
_DRIFT_COLUMNS = ("stream_id", "path", "kind", "type", "before", "fields", "status", "since", "run_id")
_KEYS = ("stream_id", "path", "kind", "type")


def load(connection: Connection, stream_id: int) -> Shape:
    """The shape of a stream; empty before its first record."""
    row = connection.execute(_SHAPE, {"of_stream": stream_id}).first()
    found = Shape(drifts=drifts(connection, stream_id))
    if row is not None:
        found.known = {path: set(types) for path, types in json.loads(row.known).items()}
        for path, (seen, filled, missing, lost) in json.loads(row.watched).items():
            found.watched[path] = Watched(seen, filled, missing, {int(key): base for key, base in lost.items()})
    return found


def drifts(connection: Connection, stream_id: int) -> dict[Key, Drift]:
    """What changed in a stream's records, whatever was decided on it."""
    found = [_drift_of(row) for row in connection.execute(_DRIFTS, {"of_stream": stream_id})]
    return {item.key: item for item in found}


def save(connection: Connection, stream_id: int, shape: Shape) -> None:
    """Keep what a page taught, in the transaction that lands it."""
    known = {path: sorted(types) for path, types in shape.known.items()}
    watched = {path: (item.seen, item.filled, item.missing, item.lost) for path, item in shape.watched.items()}
    row = (stream_id, json.dumps(known, ensure_ascii=False), json.dumps(watched, ensure_ascii=False), now_us())
    bulk.upsert(connection, _shape, _SHAPE_COLUMNS, [row], ("stream_id",))


def note(connection: Connection, stream_id: int, found: Sequence[Drift], run_id: str) -> list[Drift]:
    """Note changes, and return those that were not noted before; the others stay as they are."""
    if not found:
        return []
    before = drifts(connection, stream_id)
    rows = {item.key: item for item in found if item.key not in before}
    now = now_us()
    bulk.insert(
        connection,
        _drift,
        _DRIFT_COLUMNS,
        [
            (stream_id, *_names(item), item.before, json.dumps(item.fields), item.status.value, now, run_id)
            for item in rows.values()
        ],
    )
    return list(rows.values())


def listing(
    connection: Connection, *, system: str | None = None, stream: str | None = None, accepted: bool = False
) -> list[Listed]:
    """What changed, the newest first; ``accepted``: also what people have accepted."""
    query = select(_drift, _stream.c.system, _stream.c.name).join(_stream, _stream.c.id == _drift.c.stream_id)
    if not accepted:
        query = query.where(_drift.c.status != Status.ACCEPTED.value)
    for column, value in ((_stream.c.system, system), (_stream.c.name, stream)):
        if value is not None:
            query = query.where(column == value)
    order = (_drift.c.since.desc(), _stream.c.system, _stream.c.name, _drift.c.path, _drift.c.kind, _drift.c.type)
    return [
        Listed(
            *(row.system, row.name, _drift_of(row), row.since, row.run_id),
            *(row.decided_by, row.decided_at, row.reason),
        )
        for row in connection.execute(query.order_by(*order))
    ]


def accept(connection: Connection, stream: Stream, path: str | None, actor: str, reason: str) -> list[Drift]:
    """Take what changed (at one path, else all of it) for how records look from now on; returns it.

    The records that are in quarantine are tried again by the next pull or replay.
    """
    shape = load(connection, stream.id)
    chosen = [
        item
        for item in shape.drifts.values()
        if item.status is not Status.ACCEPTED and (path is None or item.path == path)
    ]
    now = now_us()
    for item in chosen:
        shape.known.setdefault(item.path, set()).update({item.type} - {"", "null"})
        if item.kind is Kind.VANISHED and item.path in shape.watched:
            shape.watched[item.path] = Watched()
        row = {"status": Status.ACCEPTED.value, "decided_by": actor, "decided_at": now, "reason": reason}
        where = [_drift.c[name] == value for name, value in zip(_KEYS, (stream.id, *_names(item)), strict=True)]
        connection.execute(update(_drift).where(*where).values(**row))
    if chosen:
        save(connection, stream.id, shape)
        held = (_quarantine.c.system == stream.system, _quarantine.c.stream == stream.name)
        ours = _quarantine.c.mapping != REFUSED_BY_CONNECTOR
        connection.execute(update(_quarantine).where(*held, ours).values(mapping=_TRY_AGAIN))
        changes = [{"path": item.path, "kind": item.kind.value, "type": item.type} for item in chosen]
        named = {"system": stream.system, "stream": stream.name}
        audit.append(connection, actor, "drift accepted", {**named, "changes": changes, "reason": reason})
    return chosen


def known_stream(connection: Connection, system: str, name: str) -> Stream | None:
    """A stream that the store knows."""
    row = connection.execute(select(_stream).where(_stream.c.system == system, _stream.c.name == name)).first()
    return None if row is None else Stream(row.id, row.system, row.name, row.entity)


def in_quarantine(connection: Connection, stream: Stream) -> frozenset[str]:
    """The source ids of a stream's records that are there, for whatever reason."""
    asked = {"of_system": stream.system, "of_stream": stream.name}
    return frozenset(connection.execute(_HELD, asked).scalars())


def hold(connection: Connection, stream: Stream, mapper: Mapper, losses: Collection[Loss], run_id: str) -> None:
    """Put landed records into quarantine; they show the last version before that can be mapped, or nothing."""
    writes = Writes()
    erased = erasure.tombstones(connection)
    for loss in losses:
        writes.quarantined[loss.record_id] = (loss.source_id, loss.error)
        writes.stale_lines.append(loss.record_id)
        row, lines = _before(connection, stream, mapper, loss)
        mark = erasure.of_record(stream.system, stream.name, loss.source_id)
        if row and erased is not None and erased.matching([mark]):
            hidden = mapper.personal_fields(erasure.is_organisation(stream.entity, row))
            row = erasure.without_fields(stream.entity, row, hidden)
        if row:
            writes.replaced.append((loss.record_id, *row, 0))
            writes.lines += [(loss.record_id, *line) for line in lines]
        else:
            writes.removed.append(loss.record_id)
    states = [(loss.record_id, RecordState.REJECTED.value) for loss in losses]
    bulk.update(connection, schema.record, ("id", "state"), states, ("id",))
    writes.write(connection, stream, mapper.fingerprint, run_id, now_us())


def alive(connection: Connection, record_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Those of these records that are neither deleted nor in quarantine, with their source ids."""
    table = schema.record
    query = select(table.c.id, table.c.source_id).where(
        table.c.id.in_(record_ids), table.c.state == RecordState.LIVE.value
    )
    return [(row.id, row.source_id) for row in connection.execute(query)]


def base_of(connection: Connection, record_id: int, seq: int) -> tuple[int, bytes]:
    """The newest version with a body up to this one, and its bytes; 0 if there is none."""
    while seq > 0:
        try:
            body = load_body(connection, record_id, seq)
        except KeyError:  # it has outlived its retention
            return 0, b""
        if body:
            return seq, body
        seq -= 1
    return 0, b""


def _before(connection: Connection, stream: Stream, mapper: Mapper, loss: Loss) -> Mapped:
    seq, body = base_of(connection, loss.record_id, loss.base_seq)
    while seq:
        try:
            return mapper.map(stream.system, loss.source_id, body)
        except MappingError:
            seq, body = base_of(connection, loss.record_id, seq - 1)
    return Mapped((), [])


def _drift_of(row: Any) -> Drift:
    known = (row.path, Kind(row.kind), row.type, row.before)
    return Drift(*known, tuple(json.loads(row.fields)), Status(row.status))


def _names(item: Drift) -> tuple[str, str, str]:
    return (item.path, item.kind.value, item.type)
