"""Read query results as Arrow, in bounded batches, for the reconciliation engine."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv
from sqlalchemy import BigInteger, Integer, LargeBinary, SmallInteger
from sqlalchemy.engine import Connection

from state.schema import metadata

_BATCH_ROWS = 20_000
_FETCHED_ROWS = 500
_POSTGRES_TYPES = {16: pa.bool_(), 17: pa.binary(), 20: pa.int64(), 21: pa.int64(), 23: pa.int64(), 701: pa.float64()}


def arrow(
    connection: Connection, sql: str, parameters: Sequence[Any] = (), *, types: Mapping[str, pa.DataType] | None = None
) -> pa.Table:
    """All rows of a query; see ``reader`` for the arguments."""
    return reader(connection, sql, parameters, types=types).read_all()


def reader(
    connection: Connection, sql: str, parameters: Sequence[Any] = (), *, types: Mapping[str, pa.DataType] | None = None
) -> pa.RecordBatchReader:
    """The rows of a query as a stream of record batches, bounded in memory; use it before the connection goes.

    ``sql`` marks its parameters with ``?`` on both databases. A result column that bears the name of a stored column
    has that column's type (int64, string or binary); others are taken from ``types``, or from the database's answer
    (SQLite: from the first batch, string if it is all null).
    """
    source = _from_sqlite if connection.dialect.name == "sqlite" else _from_postgres
    return source(connection, sql, parameters, dict(types or {}))


def _from_sqlite(
    connection: Connection, sql: str, parameters: Sequence[Any], types: dict[str, pa.DataType]
) -> pa.RecordBatchReader:
    driver: Any = connection.connection.driver_connection
    cursor = driver.execute(sql, tuple(parameters))
    names = [entry[0] for entry in cursor.description]
    first = _columns(cursor, len(names))
    kinds = [
        types.get(name) or _stored_types().get(name) or _guess(values)
        for name, values in zip(names, first, strict=True)
    ]
    schema = pa.schema(list(zip(names, kinds, strict=True)))

    def batches() -> Iterator[pa.RecordBatch]:
        columns = first
        while columns[0]:
            arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)
            columns = _columns(cursor, len(names))

    return pa.RecordBatchReader.from_batches(schema, batches())


def _columns(cursor: Any, width: int) -> list[list[Any]]:
    """The next rows, column by column; empty at the end.

    They are fetched so few at a time that the garbage collector, which counts rows, is not woken by them.
    """
    columns: list[list[Any]] = [[] for _ in range(width)]
    while len(columns[0]) < _BATCH_ROWS and (rows := cursor.fetchmany(_FETCHED_ROWS)):
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.extend(values)
    return columns


def _guess(values: Sequence[Any]) -> pa.DataType:
    kind = pa.infer_type(values)
    return pa.string() if pa.types.is_null(kind) else kind


def _from_postgres(
    connection: Connection, sql: str, parameters: Sequence[Any], types: dict[str, pa.DataType]
) -> pa.RecordBatchReader:
    driver: Any = connection.connection.driver_connection
    statement = sql.replace("%", "%%").replace("?", "%s")
    with driver.cursor() as cursor:
        described = cursor.execute(f"SELECT * FROM ({statement}) AS shape LIMIT 0", tuple(parameters)).description
    schema = pa.schema(
        [
            (entry.name, types.get(entry.name) or _POSTGRES_TYPES.get(entry.type_code, pa.string()))
            for entry in described
        ]
    )
    if any(pa.types.is_binary(kind) for kind in schema.types):
        return _rows_from_postgres(driver, statement, tuple(parameters), schema)
    return _csv_from_postgres(driver, statement, tuple(parameters), schema)


def _rows_from_postgres(
    driver: Any, statement: str, parameters: tuple[Any, ...], schema: pa.Schema
) -> pa.RecordBatchReader:
    """Row by row in Python: only for bytes, which COPY writes as text."""

    def batches() -> Iterator[pa.RecordBatch]:
        with driver.cursor(name="frames") as cursor:
            cursor.execute(statement, parameters)
            while rows := cursor.fetchmany(_BATCH_ROWS):
                arrays = [
                    pa.array(values, kind) for values, kind in zip(zip(*rows, strict=True), schema.types, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _csv_from_postgres(
    driver: Any, statement: str, parameters: tuple[Any, ...], schema: pa.Schema
) -> pa.RecordBatchReader:
    """COPY as CSV into Arrow's own parser: no Python object per value."""

    def batches() -> Iterator[pa.RecordBatch]:
        with (
            driver.cursor() as cursor,
            cursor.copy(f"COPY ({statement}) TO STDOUT (FORMAT csv)", parameters or None) as copy,
        ):
            blocks = _whole_rows(copy)
            for block in blocks:
                table = arrow_csv.read_csv(
                    io.BytesIO(block),
                    read_options=arrow_csv.ReadOptions(column_names=schema.names, block_size=len(block) + 1),
                    parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
                    convert_options=arrow_csv.ConvertOptions(
                        column_types=schema,
                        null_values=[""],
                        true_values=["t"],
                        false_values=["f"],
                        strings_can_be_null=True,
                        quoted_strings_can_be_null=False,
                    ),
                )
                yield from table.to_batches()

    return pa.RecordBatchReader.from_batches(schema, batches())


def _whole_rows(copy: Any, size: int = 1 << 22) -> Iterator[bytes]:
    """Collect the messages of a COPY, each one row, into blocks of about ``size`` bytes."""
    parts: list[bytes] = []
    held = 0
    for part in copy:
        parts.append(bytes(part))
        held += len(part)
        if held >= size:
            yield b"".join(parts)
            parts, held = [], 0
    if parts:
        yield b"".join(parts)


@cache
def _stored_types() -> dict[str, pa.DataType]:
    """Arrow type of each column name that means the same type wherever it is stored."""
    found: dict[str, set[pa.DataType]] = {}
    for table in metadata.tables.values():
        for column in table.columns:
            kind = pa.string()
            if isinstance(column.type, Integer | BigInteger | SmallInteger):
                kind = pa.int64()
            elif isinstance(column.type, LargeBinary):
                kind = pa.binary()
            found.setdefault(column.name, set()).add(kind)
    return {name: kinds.pop() for name, kinds in found.items() if len(kinds) == 1}
