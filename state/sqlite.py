"""How SQLAlchemy begins a transaction on SQLite: by a statement of ours, as the driver is told to begin none itself."""

from __future__ import annotations

from typing import Any

from sqlalchemy.dialects import registry
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

DRIVER = "sqlite+ltc"
"""The dialect's name in an engine's address."""


class Dialect(SQLiteDialect_pysqlite):
    """Takes the write lock at once where ``connection.info["writing"]`` is true, so that what a transaction reads is
    what it changes.

    An engine's ``begin`` event could do the same (SQLAlchemy's own recipe), but an engine that has a listener looks for
    listeners at every statement: a tenth of what a small run takes.
    """

    supports_statement_cache = True

    def do_begin(self, dbapi_connection: Any) -> None:
        """Begin; the argument is the pool's proxy of the driver's connection."""
        writing = dbapi_connection.info.get("writing")
        dbapi_connection.driver_connection.execute("BEGIN IMMEDIATE" if writing else "BEGIN")


registry.register(DRIVER.replace("+", "."), __name__, Dialect.__name__)
