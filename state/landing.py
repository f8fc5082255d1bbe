"""Land a page: keep every version of every record, and the canonical rows of the current one, in one transaction.

A record is recognised by the hash of its raw bytes before anything is parsed; only new and changed ones are mapped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from mappings.compiler import Mapped
from mappings.errors import ERASED, MappingError
from state import bulk, erasure, externalkeys, schema
from state.bodies import load_body, packer
from state.clock import now_us
from state.failures import StoreError
from state.sealing import keys_of
from state.writes import REFUSED_BY_CONNECTOR, Origin, RecordState, Stream, Writes

__all__ = [
    "Counts",
    "Head",
    "Origin",
    "RecordState",
    "Stream",
    "apply",
    "delete",
    "heads",
    "land_written",
    "load_body",
    "open_stream",
    "stream_id",
]


class Raw(Protocol):
    """A record as the source sent it; ``connectors.contract.RawRecord`` is one."""

    @property
    def source_id(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def version(self) -> int | None: ...


class Refused(Protocol):
    """A record the connector could not use; ``connectors.contract.RejectedRecord`` is one."""

    @property
    def source_id(self) -> str: ...
    @property
    def body(self) -> bytes: ...
    @property
    def field(self) -> str: ...
    @property
    def reason(self) -> str: ...


class Mapper(erasure.Mapper, Protocol):
    """Maps the records of one stream; ``mappings.engine.StreamMapping`` is one."""

    @property
    def fingerprint(self) -> str: ...
    def map(self, system: str, source_id: str, body: bytes, /) -> Mapped: ...


class Head(NamedTuple):
    """What we hold of a record: its id with us and its current version."""

    id: int
    hash: bytes
    version: int | None
    seq: int
    state: int


@dataclass(slots=True)
class Counts:
    """What landing did; every record received is new, changed, unchanged, stale or revived."""

    pulled: int = 0
    new: int = 0
    changed: int = 0
    unchanged: int = 0
    stale: int = 0
    """Older than what we hold: not applied."""
    revived: int = 0
    """Was deleted, is back."""
    deleted: int = 0
    rejected: int = 0
    """Of the new, changed and revived: could not be mapped and went to quarantine."""
    skipped: int = 0
    """Of the new, changed and revived: none of our business, by the mapping."""
    withheld: int = 0
    """Of the new, changed and revived: about a person who was erased, and kept without what is personal."""

    def add(self, other: Counts) -> None:
        """Count another page in."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_dict(self) -> dict[str, int]:
        """For ``stream_run.counts``."""
        found = {name: getattr(self, name) for name in self.__slots__}
        if not self.withheld:
            del found["withheld"]
        return found

    @property
    def written(self) -> int:
        """Records that caused a write."""
        return self.new + self.changed + self.revived + self.deleted


_STREAM = select(schema.stream.c.id, schema.stream.c.entity).where(
    schema.stream.c.system == bindparam("of_system"), schema.stream.c.name == bindparam("called")
)


def stream_id(connection: Connection, system: str, name: str, entity: str) -> int:
    """The store's number of a stream, given out when it is first asked for.

    Raises ``StoreError`` if its records were mapped to another entity before.
    """
    named = {"of_system": system, "called": name}
    row = connection.execute(_STREAM, named).first()
    if row is None:
        mine = (system, name, entity)
        bulk.upsert(connection, schema.stream, ("system", "name", "entity"), [mine], ("system", "name"))
        row = connection.execute(_STREAM, named).one()
    if row.entity != entity:
        raise StoreError(
            f"The records of {system}.{name} were mapped to {row.entity}; the mapping now says {entity}.",
            f"Run `ltc replay --system {system} --stream {name}`.",
        )
    return int(row.id)


def open_stream(connection: Connection, system: str, name: str, entity: str) -> Stream:
    """The stream as ``apply`` takes it; see ``stream_id``."""
    return Stream(stream_id(connection, system, name, entity), system, name, entity)


_HEADS = "SELECT source_id, id, hash, version, seq, state FROM record WHERE stream_id = "
_MOST_MARKS = 30_000


def heads(connection: Connection, stream_id: int, ids: Sequence[str]) -> dict[str, Head]:
    """What we hold of these source ids, in one query; unknown ids are left out."""
    if not ids:
        return {}
    if connection.dialect.name == "sqlite":
        found: list[Any] = []
        for start in range(0, len(ids), _MOST_MARKS):
            part = ids[start : start + _MOST_MARKS]
            marks = ",".join("?" * len(part))
            sql = f"{_HEADS}? AND source_id IN ({marks})"
            found += connection.exec_driver_sql(sql, (stream_id, *part)).fetchall()
    else:
        sql = f"{_HEADS}%s AND source_id = ANY(%s)"
        found = list(connection.exec_driver_sql(sql, (stream_id, list(ids))).fetchall())
    keys = keys_of(connection)
    if not keys.ids:
        return {row[0]: Head(*row[1:]) for row in found}
    return {row[0]: Head(row[1], keys.hash_in(row[2]), *row[3:]) for row in found}


def apply(
    connection: Connection,
    stream: Stream,
    mapper: Mapper,
    records: Sequence[Raw],
    *,
    run_id: str,
    deleted_ids: Sequence[str] = (),
    rejected: Sequence[Refused] = (),
    origin: Origin = Origin.PULLED,
) -> Counts:
    """Land one page in the caller's transaction and return what it did.

    Several versions of one record in a page all land, the newest is mapped. Deletions come last.
    """
    counts = Counts(pulled=len(records) + len(rejected))
    for wave in _waves(records):
        _land(connection, stream, mapper, wave, run_id, origin, counts)
    if rejected:
        refusing = _Refusing(rejected)
        _land(connection, stream, refusing, refusing.records, run_id, origin, counts)
    if deleted_ids:
        counts.deleted += delete(connection, stream, deleted_ids, run_id=run_id)
    return counts


def land_written(
    connection: Connection, stream: Stream, mapper: Mapper, records: Sequence[Raw], *, run_id: str
) -> Counts:
    """Land records read back after our own write, so that pulling them again is not news."""
    return apply(connection, stream, mapper, records, run_id=run_id, origin=Origin.WRITTEN)


def delete(connection: Connection, stream: Stream, ids: Sequence[str], *, run_id: str) -> int:
    """Mark records as gone from the source; returns how many we held alive. Unknown ids are passed over."""
    now = now_us()
    writes = Writes()
    for head in heads(connection, stream.id, list(dict.fromkeys(ids))).values():
        if head.state != RecordState.DELETED:
            seq = head.seq + 1
            writes.superseded.append((head.id, head.seq, now))
            writes.landing.append((head.id, seq, b"", b"", head.version, Origin.DELETION.value, run_id, now))
            writes.heads.append((head.id, b"", head.version, seq, RecordState.DELETED.value))
            writes.gone.append((head.id, 1))
            writes.released.append(head.id)
    writes.write(connection, stream, "", run_id, now)
    return len(writes.heads)


@dataclass(frozen=True, slots=True)
class _Plain:
    source_id: str
    body: bytes
    version: int | None = None


def _storable(record: Raw) -> Raw:
    """The record under an id that every database can hold; its body is refused by the mapping if need be."""
    if "\0" not in record.source_id:
        return record
    return _Plain(record.source_id.replace("\0", "\N{REPLACEMENT CHARACTER}"), record.body, record.version)


class _Refusing:
    """The mapper of records that the connector already refused; those without an id go by their hash."""

    fingerprint = REFUSED_BY_CONNECTOR

    def __init__(self, refused: Sequence[Refused]) -> None:
        named = {item.source_id or f"?{blake2b(item.body, digest_size=16).hexdigest()}": item for item in refused}
        self._refused = {
            source_id.replace("\0", "\N{REPLACEMENT CHARACTER}"): item for source_id, item in named.items()
        }
        self.records = [_Plain(source_id, item.body) for source_id, item in self._refused.items()]

    def map(self, _system: str, source_id: str, body: bytes, /) -> Mapped:
        item = self._refused[source_id]
        raise MappingError(item.field, f"<{len(body)} bytes>", item.reason)

    def personal_fields(self, _organisation: bool = False, /) -> frozenset[str]:
        return frozenset()

    def personal_values(self, _body: bytes, _organisation: bool = False, /) -> set[str]:
        return set()

    def without_person(self, _body: bytes, _organisation: bool = False, /) -> bytes:
        return b"{}"


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()


def _waves(records: Sequence[Raw]) -> list[Sequence[Raw]]:
    """The records such that each id occurs once a wave, older versions in earlier waves."""
    if not records:
        return []
    ids = {record.source_id for record in records}
    if any("\0" in source_id for source_id in ids):
        records = [_storable(record) for record in records]
    if len(ids) == len(records):
        return [records]
    versions: dict[str, list[Raw]] = {}
    for record in records:
        versions.setdefault(record.source_id, []).append(record)
    waves: list[list[Raw]] = []
    for same in versions.values():
        if all(record.version is not None for record in same):
            same.sort(key=lambda record: record.version or 0)
        for place, record in enumerate(same):
            if place == len(waves):
                waves.append([])
            waves[place].append(record)
    return list(waves)


def _land(
    connection: Connection,
    stream: Stream,
    mapper: Mapper,
    records: Sequence[Raw],
    run_id: str,
    origin: Origin,
    counts: Counts,
) -> None:
    held = heads(connection, stream.id, [record.source_id for record in records])
    fresh = _next_ids(connection, len(records) - len(held))
    now, source = now_us(), origin.value
    writes = Writes(watches=origin is not Origin.WRITTEN)
    arriving = _Arriving(connection, stream, mapper, writes, counts)
    pack = packer(connection)
    unchanged = 0
    carried: list[tuple[str, int]] = []
    for record in records:
        source_id, body, version = record.source_id, record.body, record.version
        digest = blake2b(body, digest_size=16).digest()
        head = held.get(source_id)
        if head is None:
            record_id, seq = next(fresh), 1
            counts.new += 1
        elif head.hash == digest and head.version == version:  # the usual case when a source sends too much
            unchanged += 1
            continue
        else:
            if not _is_news(head, digest, version, writes, counts):
                continue
            record_id, seq = head.id, head.seq + 1
            writes.superseded.append((record_id, head.seq, now))
        carried += [(key, record_id) for key in externalkeys.keys_in(body)]
        state, body = arriving.map(record_id, source_id, body, head is not None)
        writes.landing.append((record_id, seq, digest, pack(record_id, seq, body), version, source, run_id, now))
        if head is not None:
            writes.heads.append((record_id, digest, version, seq, state))
            if head.state == RecordState.DELETED and state == RecordState.REJECTED:
                writes.gone.append((record_id, 0))  # back, though only its old row can be shown
        else:
            writes.new.append((record_id, stream.id, source_id, digest, version, seq, state))
    counts.unchanged += unchanged
    writes.write(connection, stream, mapper.fingerprint, run_id, now)
    externalkeys.note(connection, carried)


def _is_news(head: Head, digest: bytes, version: int | None, writes: Writes, counts: Counts) -> bool:
    alive = head.state != RecordState.DELETED
    newer = version is None or head.version is None or version >= head.version
    if alive and head.hash == digest:
        counts.unchanged += 1
        if version is not None and version != head.version and newer:
            writes.heads.append((head.id, digest, version, head.seq, head.state))
        return False
    if not newer:
        counts.stale += 1
        return False
    if alive:
        counts.changed += 1
    else:
        counts.revived += 1
    return True


class _Arriving:
    """Maps the records of a page into its writes, those of erased persons without what is personal."""

    def __init__(self, connection: Connection, stream: Stream, mapper: Mapper, writes: Writes, counts: Counts) -> None:
        self._connection = connection
        self._stream = stream
        self._mapper = mapper
        self._writes = writes
        self._counts = counts
        self._erased = erasure.tombstones(connection)

    def map(self, record_id: int, source_id: str, body: bytes, known: bool) -> tuple[int, bytes]:
        """Map one record; returns its state and the bytes to keep of it."""
        row: tuple[Any, ...] = ()
        lines: list[tuple[Any, ...]] = []
        refused: MappingError | None = None
        try:
            row, lines = self._mapper.map(self._stream.system, source_id, body)
        except MappingError as error:
            refused = error
        if self._erased is not None:
            body, row, refused = self._withhold(self._erased, (record_id, source_id), body, row, refused)
        if refused is not None:
            self._counts.rejected += 1
            self._writes.quarantined[record_id] = (source_id, refused)
            return RecordState.REJECTED.value, body
        self._keep(record_id, row, lines, known)
        return RecordState.LIVE.value, body

    def _keep(self, record_id: int, row: tuple[Any, ...], lines: list[tuple[Any, ...]], known: bool) -> None:
        writes = self._writes
        if known:
            writes.released.append(record_id)
            writes.stale_lines.append(record_id)
        if not row:
            self._counts.skipped += 1
            if known:
                writes.removed.append(record_id)
            return
        (writes.replaced if known else writes.added).append((record_id, *row, 0))
        for line in lines:
            writes.lines.append((record_id, *line))

    def _withhold(
        self,
        erased: erasure.Tombstones,
        arrived: tuple[int, str],
        body: bytes,
        row: tuple[Any, ...],
        refused: MappingError | None,
    ) -> tuple[bytes, tuple[Any, ...], MappingError | None]:
        stream = self._stream
        record = erasure.of_record(stream.system, stream.name, arrived[1])
        found = erasure.recognised(erased, self._mapper, record, stream.entity, body, row)
        if not found:
            return body, row, refused
        for erasure_id in found - erased.matching([record]):  # from now on it is recognised whatever else of it changes
            erasure.remember(self._connection, erasure_id, [record])
            erasure.note_records(self._connection, erasure_id, [arrived[0]])
        self._counts.withheld += 1
        body, row = erasure.withheld(self._mapper, stream.entity, body, row)
        return body, row, refused and MappingError(refused.field, ERASED, "cannot be mapped")


def _next_ids(connection: Connection, count: int) -> Iterator[int]:
    """Record ids that nobody else gets."""
    if count <= 0:
        return iter(())
    if connection.dialect.name == "sqlite":
        last = connection.exec_driver_sql("SELECT coalesce(max(id), 0) FROM record").scalar_one()
        return iter(range(last + 1, last + 1 + count))
    sql = "SELECT nextval('record_ids') FROM generate_series(1, %s)"
    return iter([row[0] for row in connection.exec_driver_sql(sql, (count,)).fetchall()])
