"""Whether a store can be worked with now: reachable, at the schema that this code wants, writable, room to grow."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from sqlalchemy.exc import DBAPIError

from state.migrations import HEAD
from state.store import Store

LEAST_FREE = 64 * 1024 * 1024
"""Bytes; with less on its disk SQLite soon cannot write."""


class Room(NamedTuple):
    """Bytes that a store takes, and that its disk has left; ``None`` where the disk is that of a server."""

    size: int
    free: int | None


def problems(store: Store) -> list[str]:
    """Why the store cannot be worked with, a sentence each; empty if it can. Raises ``StoreError``."""
    with store.reading() as connection:
        standby = store.dialect == "postgresql" and connection.exec_driver_sql("SELECT pg_is_in_recovery()").scalar()
        try:
            version = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
        except DBAPIError as error:
            if getattr(error.orig, "sqlite_errorname", "SQLITE_ERROR") != "SQLITE_ERROR":
                raise
            version = None  # there is no such table
    found = []
    if version != HEAD:
        known = "holds no data of ours" if version is None else f"is at schema {version}"
        found.append(f"The store {known}; this version of ltc works with schema {HEAD}. Restart it.")
    if standby or (store.dialect == "sqlite" and not os.access(_path(store), os.W_OK)):
        found.append("The store is read-only.")
    free = room(store).free if store.dialect == "sqlite" else None
    if free is not None and free < LEAST_FREE:
        found.append(f"The disk of the store is full: {free // 1_048_576} MiB are left.")
    return found


def room(store: Store) -> Room:
    """What the store takes, the log that is not yet in its file included. Raises ``StoreError``."""
    if store.dialect == "postgresql":
        with store.reading() as connection:
            size = connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one()
        return Room(int(size), None)
    path = _path(store)
    files = [path, path.with_name(f"{path.name}-wal")]
    return Room(sum(file.stat().st_size for file in files if file.exists()), shutil.disk_usage(path.parent).free)


def _path(store: Store) -> Path:
    return Path(store.engine.url.database or "")
