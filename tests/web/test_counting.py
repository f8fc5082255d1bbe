"""The counts of records on the pages: as good as the last run, and nobody waits for those that time made old."""

from __future__ import annotations

import time
from threading import Event
from typing import TYPE_CHECKING

from console.web import counting
from console.web.counting import Counting
from state import queries, runs
from state.store import Store
from tests.reconciliation.books import Books

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.engine import Connection


def _count(counts: Counting, store: Store) -> int:
    with store.reading() as connection:
        return sum(counts.of(connection).values())


def _three_orders(store: Store) -> None:
    books = Books(store)
    for number in range(3):
        books.add("order", f"SO-{number}", number=f"SO-{number}")
    books.save()


def test_counts_are_those_after_the_last_run(sqlite_store: Store) -> None:
    counts = Counting(sqlite_store)
    assert _count(counts, sqlite_store) == 0
    with runs.running(sqlite_store, "pull") as run:
        _three_orders(sqlite_store)
        run.finish("done")
    assert _count(counts, sqlite_store) == 3


def test_nobody_waits_for_counts_that_time_made_old(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counting(sqlite_store)
    shown, may_go_on, counted = Event(), Event(), queries.counted

    def slowly(connection: Connection) -> queries.Held:
        found = counted(connection)
        shown.set()
        assert may_go_on.wait(30)
        return found

    monkeypatch.setattr(counting, "_GOOD_SECONDS", 0)
    assert _count(counts, sqlite_store) == 0
    _three_orders(sqlite_store)
    monkeypatch.setattr(queries, "counted", slowly)
    assert _count(counts, sqlite_store) == 0  # at once, while somebody else counts
    assert shown.wait(30)
    assert _count(counts, sqlite_store) == 0
    monkeypatch.setattr(queries, "counted", counted)
    may_go_on.set()
    late = time.monotonic() + 30
    while _count(counts, sqlite_store) != 3:
        assert time.monotonic() < late
