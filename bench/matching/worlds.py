"""A world in DuckDB: what the matching may see, and apart from it the truth."""

from __future__ import annotations

from pathlib import Path

import duckdb

from bench.matching.tables import SCHEMAS, SEEN

ANSWERS = {
    "applications": "receipt_id BIGINT, item_id BIGINT, applied BIGINT, rule VARCHAR, score INTEGER, decision VARCHAR, "
    "rank INTEGER, evidence VARCHAR",
    "differences": "receipt_id BIGINT, item_id BIGINT, kind VARCHAR, amount BIGINT",
    "residue": "receipt_id BIGINT, amount BIGINT, class VARCHAR, next_step VARCHAR",
}
"""The tables that a contestant fills, as the contract says."""


def connect(memory: str = "4GB") -> duckdb.DuckDBPyConnection:
    """An empty database with two threads and that much memory."""
    return duckdb.connect(":memory:", config={"threads": 2, "memory_limit": memory})


def load_seen(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Bring what the matching may see, ordered by ids that say nothing, so that the order says nothing either."""
    orders = {"open_items": "item_id", "receipts": "receipt_id"}
    for name in SEEN:
        order = f"ORDER BY {orders[name]}" if name in orders else ""
        connection.execute(f"CREATE TABLE {name} AS FROM read_parquet('{folder / name}.parquet') {order}")


def load_truth(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Bring the truth."""
    for name in SCHEMAS:
        if name not in SEEN:
            connection.execute(f"CREATE TABLE {name} AS FROM read_parquet('{folder / name}.parquet')")
