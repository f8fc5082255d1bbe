"""Records that nobody writes to, and systems whose first matching a person has accepted."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import audit, bulk
from state.clock import now_us
from state.schema import acceptance, record, record_lock, stream

_LOCKED = select(record_lock.c.record_id)


class Lock(NamedTuple):
    """A record that nobody writes to; ``locked_at`` in microseconds."""

    record_id: int
    system: str
    stream: str
    source_id: str
    locked_by: str
    locked_at: int
    reason: str


def lock(connection: Connection, record_id: int, actor: str, reason: str = "") -> None:
    """Let nobody write to a record until it is unlocked."""
    row = (record_id, actor, now_us(), reason)
    bulk.upsert(connection, record_lock, ("record_id", "locked_by", "locked_at", "reason"), [row], ("record_id",))
    audit.append(connection, actor, "record locked", {"record": record_id, "reason": reason})


def unlock(connection: Connection, record_id: int, actor: str) -> bool:
    """Let it be written to again; returns whether it was locked."""
    if not bulk.delete(connection, record_lock, "record_id", [record_id]):
        return False
    audit.append(connection, actor, "record unlocked", {"record": record_id})
    return True


def locked(connection: Connection) -> list[Lock]:
    """All locks, by system and record."""
    query = (
        select(
            record_lock.c.record_id,
            stream.c.system,
            stream.c.name,
            record.c.source_id,
            *(record_lock.c[name] for name in ("locked_by", "locked_at", "reason")),
        )
        .join(record, record.c.id == record_lock.c.record_id)
        .join(stream, stream.c.id == record.c.stream_id)
        .order_by(stream.c.system, stream.c.name, record.c.source_id)
    )
    return [Lock(*row) for row in connection.execute(query)]


def locked_ids(connection: Connection) -> set[int]:
    """The records that nobody writes to."""
    return set(connection.execute(_LOCKED).scalars())


def accept(connection: Connection, system: str, actor: str, detail: dict[str, Any]) -> None:
    """Note that a person has seen and accepted a system's first matching: from now on it may be written to."""
    row = (system, actor, now_us(), json.dumps(detail, ensure_ascii=False, sort_keys=True))
    columns = ("system", "accepted_by", "accepted_at", "detail")
    bulk.upsert(connection, acceptance, columns, [row], ("system",))
    audit.append(connection, actor, "first matching accepted", {"system": system, **detail})


def accepted(connection: Connection, systems: Iterable[str]) -> set[str]:
    """Those of the systems that may be written to."""
    query = select(acceptance.c.system).where(acceptance.c.system.in_(list(systems)))
    return set(connection.execute(query).scalars())
