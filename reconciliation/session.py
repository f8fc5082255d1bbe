"""A DuckDB database to compute in: what rules need of it, and one over a connection of one's own."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


MEMORY_LIMIT = "2GB"
"""What does not fit goes to a temporary folder."""
THREADS = 1


_BY_ITSELF: dict[str, str | bool | int | float | list[str]] = {
    "threads": THREADS,
    "memory_limit": MEMORY_LIMIT,
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "preserve_insertion_order": False,
}


@contextmanager
def in_memory() -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database for the block, which neither reads nor loads anything by itself."""
    import duckdb  # heavy, and a run without news does not need it

    with (
        tempfile.TemporaryDirectory(prefix="ltc-") as spill,
        duckdb.connect(":memory:", config={**_BY_ITSELF, "temp_directory": spill}) as connection,
    ):
        yield connection


def lasting() -> duckdb.DuckDBPyConnection:
    """An empty database that lives as long as somebody holds it, for little: it has no folder to spill to."""
    import duckdb

    return duckdb.connect(":memory:", config={**_BY_ITSELF, "temp_directory": ""})


class Session(Protocol):
    """A DuckDB database with the tables; a ``Frame`` is one."""

    def run(self, sql: str) -> None:
        """Execute statements."""

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""

    def value(self, sql: str) -> Any:
        """The first column of the first row, ``None`` without rows."""

    def take(self, name: str, data: pa.Table, select: str) -> None:
        """Make table ``name`` of Arrow data, which the ``select`` calls ``incoming``."""


class Database:
    """A session over a connection of one's own."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def run(self, sql: str) -> None:
        """Execute statements."""
        self._connection.execute(sql)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self._connection.execute(sql).fetchall()

    def value(self, sql: str) -> Any:
        """The first column of the first row, ``None`` without rows."""
        rows = self._connection.execute(sql).fetchall()  # a result that is not read to its end blocks the connection
        return rows[0][0] if rows else None

    def take(self, name: str, data: pa.Table, select: str) -> None:
        """Make table ``name`` of Arrow data, which the ``select`` calls ``incoming``."""
        self._connection.register("incoming", data)
        try:
            self._connection.execute(f"CREATE OR REPLACE TABLE {name} AS {select}")
        finally:
            self._connection.unregister("incoming")
