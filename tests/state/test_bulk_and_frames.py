"""Bulk writes and Arrow reads."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sqlalchemy import text

from state import bulk, frames, schema
from state.store import Store

TABLE = schema.stream
COLUMNS = ("id", "system", "name", "entity")
HOSTILE = ["", "NULL", "\\N", "a\tb", "a\nb", 'qu"ote', "com,ma", "'; DROP TABLE stream; --", "订单 €", "{}", "?", "%s"]


def rows(store: Store) -> list[tuple[Any, ...]]:
    with store.reading() as connection:
        return [
            tuple(row) for row in connection.execute(text("SELECT id, system, name, entity FROM stream ORDER BY id"))
        ]


def test_any_text_comes_back_as_it_was_written(store: Store) -> None:
    written = [(number, "crm", value, "lead") for number, value in enumerate(HOSTILE, 1)]
    with store.transaction() as connection:
        bulk.insert(connection, TABLE, COLUMNS, written)
    assert rows(store) == written


def test_upsert_adds_and_replaces(store: Store) -> None:
    with store.transaction() as connection:
        bulk.upsert(connection, TABLE, COLUMNS, [(1, "crm", "a", "lead"), (2, "crm", "b", "lead")], ("id",))
        bulk.upsert(connection, TABLE, COLUMNS, [(2, "crm", "b", "order"), (3, "crm", "c", "lead")], ("id",))
    assert rows(store) == [(1, "crm", "a", "lead"), (2, "crm", "b", "order"), (3, "crm", "c", "lead")]


def test_upsert_works_again_after_a_transaction_was_rolled_back(store: Store) -> None:
    def fail() -> None:
        with store.transaction() as connection:
            bulk.upsert(connection, TABLE, COLUMNS, [(1, "crm", "a", "lead")], ("id",))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    with store.transaction() as connection:
        bulk.upsert(connection, TABLE, COLUMNS, [(2, "crm", "b", "lead")], ("id",))
    assert rows(store) == [(2, "crm", "b", "lead")]


def test_update_changes_only_rows_that_exist(store: Store) -> None:
    with store.transaction() as connection:
        bulk.insert(connection, TABLE, COLUMNS, [(1, "crm", "a", "lead")])
        bulk.update(connection, TABLE, ("id", "entity"), [(1, "order"), (9, "order")], ("id",))
    assert rows(store) == [(1, "crm", "a", "order")]


def test_delete_takes_rows_by_key(store: Store) -> None:
    with store.transaction() as connection:
        bulk.insert(connection, TABLE, COLUMNS, [(n, "crm", str(n), "lead") for n in range(5)])
        assert bulk.delete(connection, TABLE, "id", [1, 3, 99]) == 2
        assert bulk.delete(connection, TABLE, "name", ["4"]) == 1
        assert bulk.delete(connection, TABLE, "id", []) == 0
    assert [row[0] for row in rows(store)] == [0, 2]


def test_arrow_keeps_values_nulls_and_types(store: Store) -> None:
    lease = [("a", "", 2**62, 1), ("b", "x\ny", 0, 1), ("c", 'q"', -1, 1)]
    with store.transaction() as connection:
        bulk.insert(connection, schema.lease, ("name", "owner", "expires_at", "token"), lease)
    with store.reading() as connection:
        table = frames.arrow(
            connection,
            "SELECT name, owner, expires_at, CAST(NULL AS BIGINT) AS net_amount, count(*) OVER () AS n "
            "FROM lease WHERE name < ? ORDER BY name",
            ("c",),
        )
    assert table.to_pylist() == [
        {"name": "a", "owner": "", "expires_at": 2**62, "net_amount": None, "n": 2},
        {"name": "b", "owner": "x\ny", "expires_at": 0, "net_amount": None, "n": 2},
    ]
    assert table.schema.types == [pa.string(), pa.string(), pa.int64(), pa.int64(), pa.int64()]


def test_an_empty_result_has_its_columns_and_types(store: Store) -> None:
    with store.reading() as connection:
        table = frames.arrow(connection, "SELECT record_id, number, net_amount FROM orders")
    assert (table.num_rows, table.schema.types) == (0, [pa.int64(), pa.string(), pa.int64()])


def test_bytes_come_as_bytes(store: Store) -> None:
    rows = [(1, 1, "a", b"\x00\xff", None, 1, 0)]
    with store.transaction() as connection:
        bulk.insert(
            connection, schema.record, ("id", "stream_id", "source_id", "hash", "version", "seq", "state"), rows
        )
    with store.reading() as connection:
        assert frames.arrow(connection, "SELECT hash, version FROM record").to_pylist() == [
            {"hash": b"\x00\xff", "version": None}
        ]


def test_a_large_result_comes_in_batches(store: Store) -> None:
    many = [(number, "crm", f"{number}" + "x" * 300, "lead") for number in range(45_000)]
    with store.transaction() as connection:
        bulk.insert(connection, TABLE, COLUMNS, many)
    with store.reading() as connection:
        batches = list(frames.reader(connection, "SELECT id, name FROM stream ORDER BY id"))
    assert len(batches) > 1
    assert max(batch.num_rows for batch in batches) < 25_000
    assert pa.Table.from_batches(batches)["id"].to_pylist() == list(range(45_000))
