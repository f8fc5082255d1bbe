"""The space that a database takes: how much of it is free inside, and giving that back to the machine."""

from __future__ import annotations

from sqlalchemy import text

from state import failures
from state.store import Store


def free_bytes(store: Store) -> int | None:
    """Bytes inside the file that hold nothing and are used again before it grows; ``None`` on PostgreSQL."""
    if store.dialect != "sqlite":
        return None
    with store.reading() as connection:
        pages = connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def compact(store: Store) -> None:
    """Write the database anew without what was deleted, so that nothing of it is left in the files.

    Others wait meanwhile; it takes as much space again until it is done. Raises ``StoreError``.
    """
    with failures.translated(store.name), store.engine.connect() as connection:
        if store.dialect == "sqlite":
            raw = connection.connection.driver_connection
            assert raw is not None  # noqa: S101 - a connection that is open
            raw.execute("VACUUM")
            raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            connection = connection.execution_options(isolation_level="AUTOCOMMIT")
            connection.execute(text("VACUUM (FULL, ANALYZE)"))
