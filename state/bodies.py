"""The raw bytes of records, compressed as ``landing.body`` keeps them."""

from __future__ import annotations

import threading

import zstandard
from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import schema
from state.writes import Origin


class _Codec(threading.local):
    """zstd contexts, kept from record to record; they must not be shared between threads."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=1).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


codec = _Codec()
"""``codec.compress`` for tight loops; elsewhere use ``pack`` and ``unpack``."""


def pack(body: bytes) -> bytes:
    """A body as ``landing.body`` keeps it."""
    return codec.compress(body)


def unpack(stored: bytes) -> bytes:
    """The body in ``landing.body``; a deletion has none."""
    return codec.decompress(stored) if stored else b""


def load_body(connection: Connection, record_id: int, seq: int | None = None) -> bytes:
    """The raw bytes of a record's version, by default the newest that is not a deletion; raises ``KeyError``."""
    table = schema.landing
    query = select(table.c.body).where(table.c.record_id == record_id)
    if seq is None:
        query = query.where(table.c.origin != Origin.DELETION.value).order_by(table.c.seq.desc()).limit(1)
    else:
        query = query.where(table.c.seq == seq)
    row = connection.execute(query).first()
    if row is None:
        raise KeyError(f"record {record_id} has no version {seq or ''}".strip())
    return unpack(row.body)
