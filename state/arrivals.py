"""Records that webhooks brought, kept as they came until they are landed; sealed where the store has a key."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import count
from typing import NamedTuple

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from connectors.contract import RawRecord
from state import bulk
from state.bodies import packer, unpack
from state.clock import now_us
from state.schema import arrival

_COLUMNS = ("id", "system", "stream", "source_id", "version", "body", "at")
_WAITING = (
    select(arrival.c.id, arrival.c.source_id, arrival.c.version, arrival.c.body)
    .where(arrival.c.system == bindparam("of_system"), arrival.c.stream == bindparam("of_stream"))
    .order_by(arrival.c.id)
    .limit(bindparam("count"))
)
SEQ = -1
"""Stands for the number of the version where a body is sealed; versions in landing are counted from 1."""
_numbers = count()


class Waiting(NamedTuple):
    """A record that is to be landed."""

    id: str
    record: RawRecord


def keep(connection: Connection, system: str, came: Iterable[tuple[str, RawRecord]]) -> None:
    """Keep records of these streams, in the order in which they came. Raises ``KeyUnusable``."""
    now, pack = now_us(), packer(connection)
    rows = []
    for stream, record in came:
        name = _id(now)
        body = pack(place(name), SEQ, record.body)
        rows.append((name, system, stream, record.source_id, record.version, body, now))
    bulk.insert(connection, arrival, _COLUMNS, rows)


def waiting(connection: Connection, system: str, stream: str, number: int) -> list[Waiting]:
    """The next records of a stream that are to be landed, first come first. Raises ``KeyUnusable``."""
    rows = connection.execute(_WAITING, {"of_system": system, "of_stream": stream, "count": number})
    return [
        Waiting(row.id, RawRecord(row.source_id, unpack(connection, place(row.id), SEQ, row.body), row.version))
        for row in rows
    ]


def done(connection: Connection, landed: Sequence[Waiting]) -> None:
    """These were landed."""
    bulk.delete(connection, arrival, "id", [item.id for item in landed])


def place(name: str) -> int:
    """The number of the record that a body is sealed for; it stays where it is put."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big", signed=True)


def _id(now: int) -> str:
    """Unique, and greater than those of records that came before: of one process surely, of others by the clock."""
    return f"{now:016x}{next(_numbers) % 0x1000000:06x}{secrets.token_hex(4)}"
