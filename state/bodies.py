"""The raw bytes of records as ``landing.body`` keeps them: compressed, and sealed where the store has a key."""

from __future__ import annotations

import threading
from collections.abc import Callable

import zstandard
from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import schema
from state.sealing import KeyUnusable, keys_of
from state.writes import Origin


class _Codec(threading.local):
    """zstd contexts, kept from record to record; they must not be shared between threads."""

    def __init__(self) -> None:
        self.compress = zstandard.ZstdCompressor(level=1).compress
        self.decompress = zstandard.ZstdDecompressor().decompress


_codec = _Codec()


def packer(connection: Connection) -> Callable[[int, int, bytes], bytes]:
    """Makes bodies as ``landing.body`` keeps them, of record id, number of the version, and raw bytes.

    Raises ``KeyUnusable`` if the store's key was replaced since the store was opened.
    """
    compress, current = _codec.compress, keys_of(connection).current
    if current is None:
        return lambda _record_id, _seq, body: compress(body)
    _refuse_retired(connection, current.id)
    seal = current.seal
    return lambda record_id, seq, body: seal(record_id, seq, compress(body))


def pack(connection: Connection, record_id: int, seq: int, body: bytes) -> bytes:
    """One body as ``landing.body`` keeps it; see ``packer``."""
    return packer(connection)(record_id, seq, body)


def unpack(connection: Connection, record_id: int, seq: int, stored: bytes) -> bytes:
    """The body in ``landing.body`` of a record's version; a deletion has none.

    Raises ``StoreError`` if it was sealed for another one or changed.
    """
    if not stored:
        return b""
    key = keys_of(connection).key_of(stored)
    return _codec.decompress(stored if key is None else key.open(record_id, seq, stored))


def load_body(connection: Connection, record_id: int, seq: int | None = None) -> bytes:
    """The raw bytes of a record's version, by default the newest that is not a deletion; raises ``KeyError``."""
    table = schema.landing
    query = select(table.c.seq, table.c.body).where(table.c.record_id == record_id)
    if seq is None:
        query = query.where(table.c.origin != Origin.DELETION.value).order_by(table.c.seq.desc()).limit(1)
    else:
        query = query.where(table.c.seq == seq)
    row = connection.execute(query).first()
    if row is None:
        raise KeyError(f"record {record_id} has no version {seq or ''}".strip())
    return unpack(connection, record_id, row.seq, row.body)


def _refuse_retired(connection: Connection, key_id: str) -> None:
    """A worker that was started before ``ltc rekey`` would bring its old key back; the row is held until it commits."""
    query = select(schema.encryption_key.c.id).where(schema.encryption_key.c.id == key_id)
    if connection.dialect.name == "postgresql":
        query = query.with_for_update(read=True)
    if connection.execute(query).first() is None:
        raise KeyUnusable(
            f"The encryption key {key_id} was replaced while this process was at work.",
            "Nothing is half done: run the same command again, with the key that ltc.yaml names now.",
        )
