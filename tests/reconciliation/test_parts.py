"""What is written in parts is what would be written at once, in however many parts."""

from __future__ import annotations

from typing import Any

import pytest

from reconciliation import parts
from reconciliation.engine import reconcile
from reconciliation.session import Database, in_memory
from tests.reconciliation.books import Books, settings
from tests.reconciliation.deals import Deal

pytestmark = pytest.mark.slow

_KEPT = {
    "link": "kind, left_id, right_id, left_entity, right_entity, method, score, evidence, decision",
    "agreed": "record_id, field, value",
    "finding": "id, status, amount, params",
}


def test_all_rows_come_in_their_order_in_parts_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    with in_memory() as connection:
        session = Database(connection)
        for size in (1, 7, 100, 1000):
            monkeypatch.setattr(parts, "_ROWS", size)
            found = list(parts.parts(session, "SELECT (range * 37) % 100 AS n FROM range(100)", "n"))
            assert [row[0] for part in found for row in part] == list(range(100))
            assert max(map(len, found)) == min(size, 100)
        assert list(parts.parts(session, "SELECT 1 AS n WHERE false", "n")) == []


def test_links_and_agreements_are_the_same_in_many_parts(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2, 3):
        Deal(number).set("order", payment_state="paid").write(books)
    whole = _reconciled(books)
    assert len(whole["link"]) > 10
    assert whole["agreed"]
    _forget(books)
    monkeypatch.setattr(parts, "_ROWS", 2)
    assert _reconciled(books) == whole


def test_links_that_go_and_change_are_told_apart_in_many_parts(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "_ROWS", 2)
    Deal(1).write(books)
    whole = _reconciled(books)
    with books.store.transaction() as connection:
        connection.exec_driver_sql("UPDATE link SET score = 1")
        connection.exec_driver_sql("UPDATE link SET kind = 'same_as' WHERE right_entity = 'delivery'")
        connection.exec_driver_sql("DELETE FROM link WHERE right_entity = 'invoice'")
    assert _reconciled(books) == whole


def _reconciled(books: Books) -> dict[str, list[tuple[Any, ...]]]:
    books.save()
    reconcile(books.store, settings(), "run-1")
    with books.store.reading() as connection:
        return {
            table: [
                tuple(row) for row in connection.exec_driver_sql(f"SELECT {columns} FROM {table} ORDER BY {columns}")
            ]
            for table, columns in _KEPT.items()
        }


def _forget(books: Books) -> None:
    with books.store.transaction() as connection:
        for table in ("link", "linker_memory", "agreed"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
