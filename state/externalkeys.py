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
    found: dict[str, Carrier] = {}
    for start in range(0, len(keys), _MANY):
        query = (
            select(table.c.key, record.c.id, record.c.source_id, record.c.state)
            .join(record, record.c.id == table.c.record_id)
            .join(known, known.c.id == record.c.stream_id)
            .where(known.c.system == system, known.c.name == stream, table.c.key.in_(keys[start : start + _MANY]))
            .order_by(record.c.id)
        )
        for row in connection.execute(query):
            carrier = Carrier(row.key, row.id, row.source_id, row.state == RecordState.DELETED.value)
            known_one = found.get(row.key)
            if known_one is None or (known_one.deleted and not carrier.deleted):
                found[row.key] = carrier
    return found
