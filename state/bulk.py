"""Write many rows at once: driver-level ``executemany`` on SQLite, COPY on PostgreSQL.

Rows are tuples in the order of ``column_names``, values as stored (``state.schema``). All of it happens in the
connection's transaction. A key may occur only once in the rows of one call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, LargeBinary, SmallInteger, Table, Text
from sqlalchemy import Integer as SqlInteger
from sqlalchemy.engine import Connection

Row = tuple[Any, ...]

_MOST_MARKS = 30_000


def insert(connection: Connection, table: Table, column_names: Sequence[str], rows: Sequence[Row]) -> None:
    """Add rows whose keys are known to be new."""
    if not rows:
        return
    columns = tuple(column_names)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_insert_sql(table, columns), list(rows))
    else:
        _copy(connection, _quoted(table.name), table, columns, rows)


def upsert(
    connection: Connection, table: Table, column_names: Sequence[str], rows: Sequence[Row], keys: Sequence[str]
) -> None:
    """Add rows, or replace the other columns of those whose ``keys`` exist."""
    if not rows:
        return
    columns = tuple(column_names)
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_upsert_sql(table, columns, tuple(keys)), list(rows))
    else:
        staging = _stage(connection, table, columns, rows)
        source = f"SELECT {_list(columns)} FROM {staging}"
        connection.exec_driver_sql(_upsert_sql(table, columns, tuple(keys), source))


def update(
    connection: Connection, table: Table, column_names: Sequence[str], rows: Sequence[Row], keys: Sequence[str]
) -> None:
    """Set the other columns of the rows that have these ``keys``; keys that do not exist are passed over."""
    if not rows:
        return
    columns = tuple(column_names)
    if connection.dialect.name == "sqlite":
        statement, ordered = _update_sql(table, columns, tuple(keys))
        connection.exec_driver_sql(statement, [ordered(row) for row in rows])
    else:
        staging = _stage(connection, table, columns, rows)
        sets = ", ".join(f"{_quoted(name)} = s.{_quoted(name)}" for name in columns if name not in keys)
        where = " AND ".join(f"t.{_quoted(name)} = s.{_quoted(name)}" for name in keys)
        connection.exec_driver_sql(f"UPDATE {_quoted(table.name)} t SET {sets} FROM {staging} s WHERE {where}")


def select(
    connection: Connection, table: Table, key_column: str, keys: Sequence[Any], column_names: Sequence[str] = ()
) -> list[Row]:
    """Every row whose ``key_column`` is one of ``keys``: these columns, else all, in the table's order."""
    found: list[Row] = []
    sql = _select_sql(table, key_column, tuple(column_names))
    if connection.dialect.name == "sqlite":
        for start in range(0, len(keys), _MOST_MARKS):
            part = tuple(keys[start : start + _MOST_MARKS])
            marks = ",".join("?" * len(part))
            found += map(tuple, connection.exec_driver_sql(f"{sql} IN ({marks})", part))
    else:
        found += map(tuple, connection.exec_driver_sql(f"{sql} = ANY(%s)", (list(keys),)))
    return found


def delete(connection: Connection, table: Table, key_column: str, keys: Iterable[Any]) -> int:
    """Remove every row whose ``key_column`` is one of ``keys``; returns how many rows went."""
    wanted = list(keys)
    if not wanted:
        return 0
    statement = f"DELETE FROM {_quoted(table.name)} WHERE {_quoted(key_column)}"
    if connection.dialect.name == "sqlite":
        result = connection.exec_driver_sql(f"{statement} = ?", [(key,) for key in wanted])
    else:
        result = connection.exec_driver_sql(f"{statement} = ANY(%s)", (wanted,))
    return result.rowcount


@cache
def _insert_sql(table: Table, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {_quoted(table.name)} ({_list(columns)}) VALUES ({_marks(columns)})"


@cache
def _update_sql(table: Table, columns: tuple[str, ...], keys: tuple[str, ...]) -> tuple[str, Callable[[Row], Row]]:
    """For SQLite: the statement, and what brings a row into the order of its marks."""
    values = [name for name in columns if name not in keys]
    sets = ", ".join(f"{_quoted(name)} = ?" for name in values)
    where = " AND ".join(f"{_quoted(name)} = ?" for name in keys)
    order = itemgetter(*(columns.index(name) for name in (*values, *keys)))
    return f"UPDATE {_quoted(table.name)} SET {sets} WHERE {where}", order


@cache
def _select_sql(table: Table, key_column: str, columns: tuple[str, ...]) -> str:
    wanted = columns or [column.name for column in table.columns]
    return f"SELECT {_list(wanted)} FROM {_quoted(table.name)} WHERE {_quoted(key_column)}"


@cache
def _upsert_sql(table: Table, columns: tuple[str, ...], keys: tuple[str, ...], source: str = "") -> str:
    sets = ", ".join(f"{_quoted(name)} = excluded.{_quoted(name)}" for name in columns if name not in keys)
    action = f"UPDATE SET {sets}" if sets else "NOTHING"
    source = source or f"VALUES ({_marks(columns)})"
    return f"INSERT INTO {_quoted(table.name)} ({_list(columns)}) {source} ON CONFLICT ({_list(keys)}) DO {action}"


def _stage(connection: Connection, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> str:
    """Put rows into a temporary table of this session and return its name."""
    session: dict[Any, Any] = connection.info.setdefault("staging", {})
    transaction = id(connection.get_transaction())
    staging: str
    staging, last_used = session.get((table.name, columns), (f"staging_{len(session)}", None))
    connection.exec_driver_sql(  # it is gone if the transaction that made it was rolled back
        f"CREATE TEMP TABLE IF NOT EXISTS {staging} ON COMMIT DELETE ROWS "
        f"AS SELECT {_list(columns)} FROM {_quoted(table.name)} WHERE false"
    )
    if last_used == transaction:
        connection.exec_driver_sql(f"TRUNCATE {staging}")
    session[table.name, columns] = (staging, transaction)
    _copy(connection, staging, table, columns, rows)
    return staging


def _copy(connection: Connection, target: str, table: Table, columns: tuple[str, ...], rows: Sequence[Row]) -> None:
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {target} ({_list(columns)}) FROM STDIN") as copy:
        copy.set_types(_types(table, columns))
        for row in rows:
            copy.write_row(row)


@cache
def _types(table: Table, columns: tuple[str, ...]) -> list[str]:
    names = {BigInteger: "int8", SmallInteger: "int2", SqlInteger: "int4", LargeBinary: "bytea", Text: "text"}
    return [next(names[kind] for kind in type(table.c[name].type).__mro__ if kind in names) for name in columns]


def _marks(columns: Sequence[str]) -> str:
    return ", ".join("?" * len(columns))


def _list(columns: Sequence[str]) -> str:
    return ", ".join(_quoted(name) for name in columns)


def _quoted(name: str) -> str:
    return f'"{name}"'
