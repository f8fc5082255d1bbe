"""What a page or a re-mapping writes, collected row by row and written table by table."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

from sqlalchemy import Table, select
from sqlalchemy.engine import Connection

from mappings.errors import MappingError
from state import bulk, schema, transitions
from state.sealing import Keys, keys_of


class RecordState(IntEnum):
    """What became of a record's current version."""

    LIVE = 0
    """Mapped, or skipped by the mapping."""
    REJECTED = 1
    """In quarantine; its canonical row, if there is one, is of the last version that could be mapped."""
    DELETED = 2
    """Gone from the source."""


class Origin(IntEnum):
    """How a version came to us."""

    PULLED = 0
    WRITTEN = 1
    """Our own write, read back."""
    DELETION = 2
    FETCHED = 3
    """Read by its id, which may show what lists do not show yet."""
    RECEIVED = 4
    """Brought by a webhook; lists may not show it yet either."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream of one system, as the store knows it."""

    id: int
    system: str
    name: str
    entity: str


REFUSED_BY_CONNECTOR = ""
"""Stands in ``quarantine.mapping`` where no mapping can help."""

_RECORD = ("id", "stream_id", "source_id", "hash", "version", "seq", "state")
_HEAD = ("id", "hash", "version", "seq", "state")
_SUPERSEDED = ("record_id", "seq", "last_seen_at")
_LANDING = ("record_id", "seq", "hash", "body", "version", "origin", "run_id", "first_seen_at")
_QUARANTINE = (
    *("record_id", "system", "stream", "source_id", "field", "value", "reason", "mapping", "run_id"),
    *("first_at", "last_at", "attempts"),
)
_DISCARDED = ("discarded_by", "discarded_at", "discard_reason", "discarded_mapping")


@dataclass(slots=True)
class Writes:
    """Rows to be written in bulk; a record occurs at most once in each list, but for its lines."""

    watches: bool = False
    """Whether statuses that change against their order are to be noted: versions of the source's own making arrive."""
    new: list[bulk.Row] = field(default_factory=list)
    heads: list[bulk.Row] = field(default_factory=list)
    landing: list[bulk.Row] = field(default_factory=list)
    superseded: list[bulk.Row] = field(default_factory=list)
    added: list[bulk.Row] = field(default_factory=list)
    """Canonical rows of new records; ``replaced`` those of records that may have one."""
    replaced: list[bulk.Row] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    """Records whose canonical row goes, because the mapping now skips them."""
    gone: list[bulk.Row] = field(default_factory=list)
    """Records deleted in the source, with 1."""
    lines: list[bulk.Row] = field(default_factory=list)
    stale_lines: list[int] = field(default_factory=list)
    """Records whose old lines go before ``lines`` are added."""
    quarantined: dict[int, tuple[str, MappingError]] = field(default_factory=dict)
    released: list[int] = field(default_factory=list)
    """Records that leave quarantine, if they are there."""

    def write(self, connection: Connection, stream: Stream, mapping: str, run_id: str, now: int) -> None:
        """Write everything in the caller's transaction; ``mapping`` is the fingerprint of the one that mapped."""
        keys = keys_of(connection)
        bulk.insert(connection, schema.record, _RECORD, _sealed(self.new, _RECORD, keys))
        bulk.update(connection, schema.record, _HEAD, _sealed(self.heads, _HEAD, keys), ("id",))
        bulk.update(connection, schema.landing, _SUPERSEDED, self.superseded, ("record_id", "seq"))
        bulk.insert(connection, schema.landing, _LANDING, _sealed(self.landing, _LANDING, keys))
        if self.watches:
            transitions.note(connection, stream.entity, self.replaced, now)
        self._write_canonical(connection, stream.entity)
        self._write_quarantine(connection, stream, mapping, run_id, now)

    def _write_canonical(self, connection: Connection, entity: str) -> None:
        table = schema.canonical[entity]
        bulk.insert(connection, table, _names(table), self.added)
        bulk.upsert(connection, table, _names(table), self.replaced, ("record_id",))
        bulk.update(connection, table, ("record_id", "deleted"), self.gone, ("record_id",))
        bulk.delete(connection, table, "record_id", self.removed)
        if entity in schema.lines:
            self._write_lines(connection, schema.lines[entity])

    def _write_lines(self, connection: Connection, table: Table) -> None:
        """Most changes of a document leave its lines alone, and reading them costs less than writing them anew."""
        same = self._same_lines(connection, table)
        bulk.delete(connection, table, "record_id", [key for key in self.stale_lines if key not in same])
        rows = [row for row in self.lines if row[0] not in same] if same else self.lines
        bulk.insert(connection, table, _names(table), rows)

    def _same_lines(self, connection: Connection, table: Table) -> set[int]:
        """The records among ``stale_lines`` whose stored lines are exactly the new ones."""
        if not self.stale_lines:
            return set()
        before: dict[int, list[bulk.Row]] = {}
        for row in bulk.select(connection, table, "record_id", self.stale_lines):
            before.setdefault(row[0], []).append(row)
        after: dict[int, list[bulk.Row]] = {key: [] for key in self.stale_lines}
        for row in self.lines:
            if row[0] in after:
                after[row[0]].append(row)
        return {key for key, rows in after.items() if set(rows) == set(before.get(key, ()))}

    def _write_quarantine(self, connection: Connection, stream: Stream, mapping: str, run_id: str, now: int) -> None:
        table = schema.quarantine
        bulk.delete(connection, table, "record_id", self.released)
        if not self.quarantined:
            return
        columns = [table.c[name] for name in ("record_id", "first_at", "attempts", *_DISCARDED)]
        query = select(*columns).where(table.c.record_id.in_(list(self.quarantined))).order_by(table.c.record_id)
        # Locked, so that nobody discards what is about to become another version.
        before = {row.record_id: row for row in connection.execute(query.with_for_update())}
        changed = {row[0] for row in self.landing}
        rows = []
        for record_id, (source_id, error) in self.quarantined.items():
            last = before.get(record_id)
            first_at, attempts = (last.first_at, last.attempts) if last is not None else (now, 0)
            stays = last is not None and last.discarded_mapping == mapping and record_id not in changed
            discarded = last[-len(_DISCARDED) :] if stays and last is not None else (None,) * len(_DISCARDED)
            known = (record_id, stream.system, stream.name, source_id)
            why = (error.field, error.value, error.reason)
            rows.append((*known, *why, mapping, run_id, first_at, now, attempts + 1, *discarded))
        bulk.upsert(connection, table, (*_QUARANTINE, *_DISCARDED), rows, ("record_id",))


def _sealed(rows: list[bulk.Row], names: tuple[str, ...], keys: Keys) -> list[bulk.Row]:
    """The rows with their hashes as they are stored."""
    if keys.current is None:
        return rows
    at, seal = names.index("hash"), keys.hash_out
    return [(*row[:at], seal(row[at]), *row[at + 1 :]) for row in rows]


def _names(table: Table) -> tuple[str, ...]:
    return tuple(column.name for column in table.columns)
