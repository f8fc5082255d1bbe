"""The store's own sequence of instants: when what it holds came to be, so that any earlier state can be shown again.

A stamp is taken inside the transaction that writes, one writer at a time, and never goes back. Whoever asks for the
present instant waits for those writers: nothing that has an earlier stamp is committed after that.
"""

from __future__ import annotations

from sqlalchemy import select, text
from sqlalchemy.engine import Connection

from state import bulk
from state.clock import now_us
from state.schema import counter
from state.store import Store

_NAME = "history"
_ONE_WRITER = text("SELECT pg_advisory_xact_lock(hashtext('ltc history'))")


def take(connection: Connection, at: int | None = None) -> int:
    """A stamp in microseconds for what this transaction writes.

    ``at`` is the instant that ltc.yaml fixes, else it is now: after every stamp and every report there was, even if the
    clock was set back.
    """
    _alone(connection)
    before = newest(connection)
    return _keep(connection, before, max(now_us(), before + 1) if at is None else max(at, before))


def done(at: int | None) -> int | None:
    """When something is done by the clock on the wall, to be kept beside its stamp: ``None`` unless ltc.yaml stops the
    clock at ``at``, since then the stamp does not tell."""
    return None if at is None else now_us()


def newest(connection: Connection) -> int:
    """The last stamp that was taken, or the last instant that was asked for; 0 before the first."""
    return connection.execute(select(counter.c.value).where(counter.c.name == _NAME)).scalar() or 0


def present(store: Store) -> int:
    """An instant by which everything that has an earlier stamp can be seen, and nothing else. Raises ``StoreError``."""
    with store.transaction() as connection:
        _alone(connection)
        before = newest(connection)
        return _keep(connection, before, max(now_us(), before))


def _keep(connection: Connection, before: int, stamp: int) -> int:
    if stamp != before:
        bulk.upsert(connection, counter, ("name", "value"), [(_NAME, stamp)], ("name",))
    return stamp


def _alone(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(_ONE_WRITER)  # SQLite has one writer at a time anyway
