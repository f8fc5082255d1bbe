"""The least that an engine must do at scale: reference to order, sums per order, a class for each order, written.

    python -m bench.matching.bare duckdb|polars|sqlite|postgres FOLDER [URL]

It matches by the exact reference alone, so it is fast and books damaged references wrongly. The last line of its output
is JSON: the counts of the classes, milliseconds of loading and of matching and its CPU, the peak of its memory in KiB.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.contestant import peak_kib

_COLUMNS = {
    "orders": "order_id BIGINT, number TEXT, party TEXT, amount BIGINT, ordered_on DATE",
    "invoices": "invoice_id BIGINT, order_number TEXT, amount BIGINT, issued_on DATE",
    "payments": "payment_id BIGINT, reference TEXT, amount BIGINT, received_on DATE",
}
_MATCH = """
CREATE TABLE result AS
SELECT o.order_id, o.number, i.billed, p.paid,
    CASE WHEN i.billed IS NULL THEN 'not_invoiced' WHEN p.paid IS NULL THEN 'unpaid' WHEN p.paid = i.billed THEN 'paid'
        WHEN abs(p.paid - i.billed) <= 100 THEN 'tolerance' WHEN p.paid < i.billed THEN 'under' ELSE 'over' END AS class
FROM orders o
LEFT JOIN (SELECT order_number, sum(amount) AS billed FROM invoices GROUP BY order_number) i
    ON i.order_number = o.number
LEFT JOIN (SELECT reference, sum(amount) AS paid FROM payments GROUP BY reference) p ON p.reference = o.number
"""
_LOST = """
SELECT 'reference_not_found', count(*) FROM payments p LEFT JOIN orders o ON o.number = p.reference
WHERE o.number IS NULL
"""
_COUNTS = f"SELECT class, count(*) FROM result GROUP BY class UNION ALL {_LOST}"


@dataclass(frozen=True)
class Timed:
    """What an engine needed, in seconds, and what it counted."""

    load: float
    match: float
    cpu: float
    """Of matching, without a server's."""
    counts: dict[str, int]


class _Clock:
    """Times the loading, then the matching."""

    def __init__(self) -> None:
        self._started = time.perf_counter()

    def loaded(self) -> None:
        self._loaded, self._cpu = time.perf_counter(), time.process_time()

    def matched(self, counts: dict[str, int]) -> Timed:
        now, cpu = time.perf_counter(), time.process_time()
        return Timed(self._loaded - self._started, now - self._loaded, cpu - self._cpu, counts)


def _duckdb(folder: Path, _url: str) -> Timed:
    import duckdb

    clock = _Clock()
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        for name in _COLUMNS:
            connection.execute(f"CREATE TABLE {name} AS FROM read_parquet('{folder / name}.parquet')")
        clock.loaded()
        connection.execute(_MATCH)
        counts = dict(connection.execute(_COUNTS).fetchall())
        return clock.matched(counts)


def _polars(folder: Path, _url: str) -> Timed:
    import polars as pl

    clock = _Clock()
    orders, invoices, payments = (pl.read_parquet(folder / f"{name}.parquet") for name in _COLUMNS)
    clock.loaded()
    billed = invoices.lazy().group_by("order_number").agg(pl.col("amount").sum().alias("billed"))
    paid = payments.lazy().group_by("reference").agg(pl.col("amount").sum().alias("paid"))
    off = pl.col("paid") - pl.col("billed")
    kind = (
        pl.when(pl.col("billed").is_null())
        .then(pl.lit("not_invoiced"))
        .when(pl.col("paid").is_null())
        .then(pl.lit("unpaid"))
        .when(off == 0)
        .then(pl.lit("paid"))
        .when(off.abs() <= 100)
        .then(pl.lit("tolerance"))
        .when(off < 0)
        .then(pl.lit("under"))
        .otherwise(pl.lit("over"))
    )
    result = (
        orders.lazy()
        .select("order_id", "number")
        .join(billed, left_on="number", right_on="order_number", how="left")
        .join(paid, left_on="number", right_on="reference", how="left")
        .with_columns(kind.alias("class"))
        .collect()
    )
    counts = dict(result.group_by("class").len().iter_rows())
    lost = payments.lazy().join(orders.lazy(), left_on="reference", right_on="number", how="anti")
    counts["reference_not_found"] = lost.select(pl.len()).collect().item()
    return clock.matched(counts)


def _sqlite(folder: Path, _url: str) -> Timed:
    clock = _Clock()
    connection = sqlite3.connect(":memory:")
    for name, columns in _COLUMNS.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
        marks = ", ".join("?" * len(columns.split(",")))
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", _rows(folder, name))
    connection.commit()
    clock.loaded()
    connection.execute(_MATCH)
    counts = dict(connection.execute(_COUNTS).fetchall())
    connection.commit()
    return clock.matched(counts)


def _postgres(folder: Path, url: str) -> Timed:
    import psycopg

    clock = _Clock()
    with psycopg.connect(url) as connection:
        for name, columns in _COLUMNS.items():
            connection.execute(f"CREATE TABLE {name} ({columns})")
            with connection.cursor().copy(f"COPY {name} FROM STDIN") as copy:
                for row in _rows(folder, name):
                    copy.write_row(row)
        connection.commit()
        for name in _COLUMNS:
            connection.execute(f"ANALYZE {name}")
        clock.loaded()
        connection.execute(_MATCH)
        counts: dict[str, int] = dict(connection.execute(_COUNTS).fetchall())
        connection.commit()
    return clock.matched(counts)


def _rows(folder: Path, name: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a file, its days as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for batch in pq.ParquetFile(folder / f"{name}.parquet").iter_batches(50_000):
        columns = [
            (column.cast(pa.string()) if pa.types.is_date(column.type) else column).to_pylist()
            for column in batch.columns
        ]
        yield from zip(*columns, strict=True)


ENGINES: dict[str, Callable[[Path, str], Timed]] = {
    "duckdb": _duckdb,
    "polars": _polars,
    "sqlite": _sqlite,
    "postgres": _postgres,
}


if __name__ == "__main__":
    timed = ENGINES[sys.argv[1]](Path(sys.argv[2]), (sys.argv[3:] or [""])[0])
    times = {"load_milliseconds": timed.load, "milliseconds": timed.match, "cpu_milliseconds": timed.cpu}
    figures = {name: round(1000 * seconds) for name, seconds in times.items()} | timed.counts
    sys.stdout.write(json.dumps({"counts": figures, "peak_kib": peak_kib()}) + "\n")
