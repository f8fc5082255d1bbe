"""The rows of the shared budget: one account each, locked while somebody takes from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from sqlalchemy import bindparam, select, text, update
from sqlalchemy.engine import Connection

from connectors.buckets import Bucket
from state.schema import budget as table

_ENSURE = text("INSERT INTO budget (key, state, updated_at) VALUES (:key, '{}', 0) ON CONFLICT (key) DO NOTHING")
_THESE = table.c.key.in_(bindparam("keys", expanding=True))
_LOAD = select(table.c.key, table.c.state).where(_THESE).order_by(table.c.key)
_SAVE = update(table).where(table.c.key == bindparam("one"))
_SAVE = _SAVE.values(state=bindparam("present"), updated_at=bindparam("at"))
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Bucket).decode


def load(connection: Connection, keys: Sequence[str]) -> dict[str, Bucket]:
    """The rows, which nobody else changes until the transaction ends; those that are not there are made."""
    query = _LOAD.with_for_update() if connection.dialect.name == "postgresql" else _LOAD
    rows = connection.execute(query, {"keys": list(keys)}).all()
    if len(rows) < len(set(keys)):
        for key in sorted(set(keys)):
            connection.execute(_ENSURE, {"key": key})
        rows = connection.execute(query, {"keys": list(keys)}).all()
    return {row.key: _decode(row.state) for row in rows}


def save(connection: Connection, rows: Mapping[str, Bucket], now: int) -> None:
    """Write them back."""
    for key, row in rows.items():
        connection.execute(_SAVE, {"one": key, "present": _encode(row).decode(), "at": now})


def now_of_database(connection: Connection) -> int:
    """PostgreSQL's clock, in microseconds since the epoch."""
    asked = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint"
    return int(connection.exec_driver_sql(asked).scalar_one())
