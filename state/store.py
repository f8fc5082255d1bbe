"""Open the database, bring it to the newest schema, and hand out connections; every failure is a ``StoreError``."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import URL, create_engine, event, make_url, text
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from state import failures, sqlite
from state.clock import now_us
from state.failures import StoreError
from state.migrations import HEAD
from state.sealing import OPTION, PLAIN, Keys, is_registered, register

__all__ = ["Store", "StoreError", "open_store"]

_BUSY_SECONDS = 30
_CONNECT_SECONDS = 10
_STILL_SECONDS = 300
"""So long a transaction may stand still before PostgreSQL ends it: a worker that hangs must not hold up the others."""
_LOCAL = ("", "localhost", "127.0.0.1", "::1")
_HIDDEN: Any = {"hide_parameters": True}
"""For engines: neither log nor error shows the values that a statement was given."""
_VERSION_SQL = "SELECT version_num FROM alembic_version"


class Renewable(Protocol):
    """A right to work that may have been lost; ``state.runs.Lease`` is one."""

    def renew(self, connection: Connection, /) -> None: ...


class Store:
    """One database at the newest schema. Make it with ``open_store``; safe to share between threads."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect: str = engine.dialect.name
        """``sqlite`` or ``postgresql``."""
        self.name: str = engine.url.render_as_string(hide_password=True)
        """What to call this database in messages: its address without the password."""
        self._writers = threading.Lock() if self.dialect == "sqlite" else None
        """Threads of this process write to SQLite one after the other, rather than poll for its lock."""

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection whose work is committed at the end of the block, or not at all.

        On SQLite the write lock is taken at once, so that what the block reads is what it changes.
        Raises ``StoreError``.
        """
        writers = self._writers
        if writers is not None and not writers.acquire(timeout=_BUSY_SECONDS):
            raise failures.locked(self.name)
        try:
            with failures.translated(self.name), self.engine.connect() as connection:
                connection.info["writing"] = True
                try:
                    with connection.begin():
                        yield connection
                finally:
                    connection.info["writing"] = False
        finally:
            if writers is not None:
                writers.release()

    def fenced(self, lease: Renewable) -> Store:
        """This store, but every transaction holds only while ``lease`` is ours; else it raises ``LeaseHeld``."""
        return _Fenced(self, lease)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one consistent state; nothing it does is kept.

        Raises ``StoreError``.
        """
        with failures.translated(self.name), self.engine.connect() as connection:
            if self.dialect == "postgresql":
                # It cannot write, and ends with a commit: after a rollback the driver forgets what it has prepared.
                only = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
                with only.begin():
                    yield only
                return
            with connection.begin() as transaction:
                yield connection
                transaction.rollback()

    def close(self) -> None:
        """Release all connections; safe to call twice."""
        self.engine.dispose()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class _Fenced(Store):
    """A store for work under a lease: what comes after a takeover is not committed."""

    def __init__(self, store: Store, lease: Renewable) -> None:
        super().__init__(store.engine)
        self._writers = store._writers
        self._lease = lease

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that begins with a look at the lease."""
        with super().transaction() as connection:
            self._lease.renew(connection)
            yield connection


def open_store(url: str, create: bool = True, keys: Keys = PLAIN) -> Store:
    """Open the database at ``url`` and migrate it to the newest schema.

    ``url`` is ``sqlite:///path`` or ``postgresql+psycopg://…``; ``keys`` seal and open what landing keeps. With
    ``create=False`` a database that is not there yet is an error. Raises ``StoreError``, ``KeyUnusable`` if it holds
    what none of the keys opens.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        engine = _sqlite(parsed, create)
    else:
        engine = _postgresql(parsed)
    engine.update_execution_options(**{OPTION: keys})
    store = Store(engine)
    try:
        _bring_up_to_date(store, create)
        _register(store)
    except BaseException:
        store.close()
        raise
    return store


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        parsed.get_dialect()
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise StoreError(
            "The store's address in ltc.yaml is not one we know.",
            "Write `store: sqlite:///ltc.db` or `store: postgresql+psycopg://user@host/database`.",
        ) from error
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "sqlite+pysqlite", "postgresql+psycopg"):
        raise StoreError(
            f"The store cannot be kept in {parsed.drivername}.",
            "Write `store: sqlite:///ltc.db` or `store: postgresql+psycopg://user@host/database`.",
        )
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise StoreError("The store must be a file, so that it outlives a run.", "Write `store: sqlite:///ltc.db`.")
    return parsed


def _sqlite(url: URL, create: bool) -> Engine:
    path = Path(url.database or "")
    if not create and not path.exists():
        raise StoreError(f"There is no database at {path} yet.", "Run `ltc sync` to create and fill it.")
    if not path.parent.is_dir():
        raise StoreError(f"The folder {path.parent} of the database does not exist.", "Create it, or correct `store`.")
    patience = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
    engine = _quiet(create_engine(url.set(drivername=sqlite.DRIVER), connect_args=patience, **_HIDDEN))
    engine.url = url

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _record: Any) -> None:
        connection.isolation_level = None  # transactions are ours, not the driver's
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",  # what was noted before a send must outlive a power cut, too
            "foreign_keys=ON",
            "cache_size=-16384",
        ):
            connection.execute(f"PRAGMA {pragma}")

    return engine


def tls(url: URL) -> dict[str, str]:
    """How the server of an address is verified: by certificate and name, unless the address itself says something else.

    What the environment says (``PGSSLMODE``) does not count. A socket and loopback need no TLS.
    """
    named = url.query.get("host") or url.host or os.environ.get("PGHOST") or ""
    hosts = named.split(",") if isinstance(named, str) else named
    if "sslmode" in url.query or all(host.startswith(("/", "@")) or host in _LOCAL for host in hosts):
        return {}
    given: dict[str, str] = {"sslmode": "verify-full"}
    if "sslrootcert" not in url.query and not os.environ.get("PGSSLROOTCERT"):
        import certifi

        given["sslrootcert"] = os.environ.get("SSL_CERT_FILE") or certifi.where()
    return given


def _quiet(engine: Engine) -> Engine:
    """Rows hold personal data, so SQLAlchemy's log never shows them, however much it is told to show."""
    logger = logging.getLogger("sqlalchemy.engine.Engine")
    if _no_rows not in logger.filters:
        logger.addFilter(_no_rows)
    return engine


def _no_rows(record: logging.LogRecord) -> bool:
    return not str(record.msg).startswith("Row ")


def _postgresql(url: URL) -> Engine:
    engine = _quiet(create_engine(url, connect_args={"connect_timeout": _CONNECT_SECONDS, **tls(url)}, **_HIDDEN))

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.execute(f"SET lock_timeout = '{_BUSY_SECONDS}s'")
        connection.execute(f"SET idle_in_transaction_session_timeout = '{_STILL_SECONDS}s'")
        connection.commit()

    return engine


def _bring_up_to_date(store: Store, create: bool) -> None:
    version = _version(store)
    if version == HEAD:
        return
    if version is None and not create:
        raise StoreError(f"{store.name} holds no data of ours yet.", "Run `ltc sync` to create and fill it.")
    _refuse_newer(store, version)
    from state.migrations import upgrade  # alembic takes longer to import than a run with nothing to do takes

    with store.transaction() as connection:
        if store.dialect == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('ltc schema'))"))
        upgrade(connection)


def _register(store: Store) -> None:
    """Refuse a store whose keys are not at hand; note a key that is used for the first time."""
    with store.reading() as connection:
        if is_registered(connection):
            return
    with store.transaction() as connection:
        register(connection, now_us())


def _refuse_newer(store: Store, version: str | None) -> None:
    if version is not None and version > HEAD:
        raise StoreError(
            f"{store.name} was written by a newer version of ltc (schema {version}; this one knows {HEAD}).",
            "Update ltc-sync on this machine.",
        )


def _version(store: Store) -> str | None:
    with store.reading() as connection:
        found: Callable[..., Any] = connection.exec_driver_sql
        if store.dialect == "sqlite":
            known = found("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").first()
        else:
            known = found("SELECT 1 WHERE to_regclass('alembic_version') IS NOT NULL").first()
        version = found(_VERSION_SQL).scalar() if known else None
        return None if version is None else str(version)
