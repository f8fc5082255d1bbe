"""Where each stream's next pull starts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.engine import Connection

from state import bulk, runs
from state.clock import now_us
from state.schema import cursor as table

_WRITE = (
    'INSERT INTO "cursor" (stream_id, "cursor", complete, covered_until, updated_at, run_id, fence) '
    "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (stream_id) DO UPDATE SET "
    '"cursor" = excluded."cursor", complete = excluded.complete, covered_until = excluded.covered_until, '
    "updated_at = excluded.updated_at, run_id = excluded.run_id, fence = excluded.fence "
    'WHERE "cursor".fence <= excluded.fence'
)


@dataclass(frozen=True, slots=True)
class StoredCursor:
    """A stream's progress; ``cursor`` belongs to the connector, instants are microseconds since the epoch."""

    cursor: dict[str, Any]
    complete: bool
    """False while a pull is under way or was cut off: the next one goes on from ``cursor``."""
    covered_until: int | None
    """End of the window of the last pull that finished."""
    updated_at: int


_READ = select(table.c.cursor, table.c.complete, table.c.covered_until, table.c.updated_at).where(
    table.c.stream_id == bindparam("stream")
)


def read(connection: Connection, stream_id: int) -> StoredCursor | None:
    """The stream's cursor, or ``None`` before its first page."""
    row = connection.execute(_READ, {"stream": stream_id}).first()
    return None if row is None else StoredCursor(json.loads(row[0]), bool(row[1]), row[2], row[3])


def write(
    connection: Connection,
    stream_id: int,
    cursor: dict[str, Any],
    *,
    complete: bool,
    covered_until: int | None,
    run_id: str,
    fence: int,
) -> None:
    """Set the cursor in the transaction of the page that it covers.

    ``fence`` is the token of the lease under which the page was read. Raises ``LeaseHeld`` if a page was committed
    under a later lease: this one was taken over while its worker hung.
    """
    values = (stream_id, json.dumps(cursor, sort_keys=True), int(complete), covered_until, now_us(), run_id, fence)
    mark = "?" if connection.dialect.name == "sqlite" else "%s"
    written = connection.exec_driver_sql(_WRITE.replace("?", mark), values).rowcount
    if written != 1:
        raise runs.taken_over("this stream")


def forget(connection: Connection, stream_id: int) -> None:
    """Let the stream's next pull start from nothing."""
    bulk.delete(connection, table, "stream_id", [stream_id])
