"""The counts of records on the pages: as good as the last run, and nobody waits for those that time made old."""

from __future__ import annotations

import time
from threading import Event
from types import SimpleNamespace
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
    monkeypatch.setattr(counting, "_SHARE", 0)
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


def test_somebody_waits_for_a_moment_only_after_a_run(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    counts = Counting(sqlite_store)
    may_go_on, counted = Event(), queries.counted

    def slowly(connection: Connection) -> queries.Held:
        assert may_go_on.wait(30)
        return counted(connection)

    assert _count(counts, sqlite_store) == 0
    with runs.running(sqlite_store, "pull") as run:
        _three_orders(sqlite_store)
        run.finish("done")
    monkeypatch.setattr(queries, "counted", slowly)
    assert _count(counts, sqlite_store) == 0  # those before the run, while somebody else counts
    may_go_on.set()
    late = time.monotonic() + 30
    while _count(counts, sqlite_store) != 3:
        assert time.monotonic() < late


def test_what_takes_long_to_count_is_counted_less_often(sqlite_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now, times, counted = [0.0], [0], queries.counted

    def slowly(connection: Connection) -> queries.Held:
        now[0] += 2
        times[0] += 1
        return counted(connection)

    monkeypatch.setattr(counting, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(queries, "counted", slowly)
    counts = Counting(sqlite_store)
    for now[0] in (0.0, 20.0, 61.0):
        _count(counts, sqlite_store)
    assert times == [1]
    now[0] = 63.0
    _count(counts, sqlite_store)
    late = time.monotonic() + 30
    while times != [2]:
        assert time.monotonic() < late
