"""External keys: by which a record that we made is recognised, whatever store looks at it and however it got here."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import bulk, exact, schema
from state.writes import RecordState

PREFIX = "ltc-"
_MARK = PREFIX.encode()
_KEY = re.compile(rb"ltc-[0-9a-f]{24}(?![0-9a-f])")
_MANY = 500


class Carrier(NamedTuple):
    """A landed record that carries a key."""

    key: str
    record_id: int
    source_id: str
    deleted: bool


def external_key(rule: str, target: tuple[str, str], origin: tuple[str, str, str]) -> str:
    """28 characters made of nothing but rule, target (system, stream) and origin (system, stream, id).

    So they are the same in every store that is set up alike.
    """
    content = exact.dump([rule, *target, *origin]).encode()
    return PREFIX + hashlib.blake2b(content, digest_size=12).hexdigest()


def keys_in(body: bytes) -> set[str]:
    """The keys that a record's bytes show."""
    if _MARK not in body:
        return set()
    return {match.decode() for match in _KEY.findall(body)}


def note(connection: Connection, found: Iterable[tuple[str, int]]) -> None:
    """Keep which record carries which key."""
    rows = sorted(set(found))
    if rows:
        bulk.upsert(connection, schema.external_key, ("key", "record_id"), rows, ("key", "record_id"))


def carriers(connection: Connection, system: str, stream: str, keys: Sequence[str]) -> dict[str, Carrier]:
    """The landed records of a stream that carry these keys: of several a live one, and of these the oldest."""
    table, record, known = schema.external_key, schema.record, schema.stream
    streams = select(known.c.id).where(known.c.system == system, known.c.name == stream)
    rows: list[tuple[str, int]] = []
    for start in range(0, len(keys), _MANY):
        query = select(table.c.key, table.c.record_id).where(table.c.key.in_(keys[start : start + _MANY]))
        rows += [(row.key, row.record_id) for row in connection.execute(query)]
    ids = sorted({record_id for _, record_id in rows})
    there: dict[int, tuple[str, bool]] = {}
    for start in range(0, len(ids), _MANY):
        held = select(record.c.id, record.c.source_id, record.c.state)
        held = held.where(record.c.id.in_(ids[start : start + _MANY]), record.c.stream_id.in_(streams))
        for row in connection.execute(held):
            there[row.id] = (row.source_id, row.state == RecordState.DELETED.value)
    found: dict[str, Carrier] = {}
    for key, record_id in sorted(rows, key=lambda row: row[1]):
        if record_id in there:
            carrier = Carrier(key, record_id, *there[record_id])
            known_one = found.get(key)
            if known_one is None or (known_one.deleted and not carrier.deleted):
                found[key] = carrier
    return found
