"""Parts of numbers, on both databases: in any case, signs of patterns as they are, in a bounded number."""

from __future__ import annotations

from state import near
from state.store import Store
from tests.reconciliation.books import Books


def _found(store: Store, text: str) -> list[str]:
    with store.reading() as connection:
        return [item.called for item in near.near(connection, text) if item.by == near.NUMBER]


def test_numbers_are_found_by_any_part_that_has_a_digit(store: Store) -> None:
    books = Books(store)
    for n in range(30):
        books.add("order", f"o{n}", number=f"SO-2026-{n:04d}")
    books.add("invoice", "i1", number="INV_0007%")
    books.save()
    assert _found(store, "so-2026-0007") == _found(store, "6-0007") == ["SO-2026-0007"]
    assert _found(store, "_0007%") == ["INV_0007%"]
    assert sorted(_found(store, "0007")) == ["INV_0007%", "SO-2026-0007"]
    assert len(_found(store, "SO-2026")) == near.MOST
    for none in ("07", "SO-", "%%%1", "9999"):
        assert _found(store, none) == []
