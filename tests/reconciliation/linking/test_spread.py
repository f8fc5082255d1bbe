"""Work in parts: whoever does it, the same links are found, in any number of parts."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from reconciliation import spread
from reconciliation.frame import load
from reconciliation.linking import name_pairs, parties
from reconciliation.linking.run import link
from reconciliation.rules import Rules
from settings.parallel import Parallel
from tests.reconciliation.books import Books, settings
from tests.reconciliation.linking.crowds import spelled_otherwise


def _found(books: Books, **parallel: Any) -> list[tuple[Any, ...]]:
    """The links that are found in a store that knows of none."""
    rules = Rules.of(settings(reconciliation={"parallel": parallel}))
    with books.store.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM link")
        connection.exec_driver_sql("DELETE FROM linker_memory")
    with load(books.store, rules, links=False) as frame:
        link(frame, books.store, "run-1")
        return frame.rows("SELECT * FROM links ORDER BY ALL")


@pytest.fixture
def many_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a few records, as they would be of many in a store of millions."""
    for module in (name_pairs, parties):
        monkeypatch.setattr(module, "_BATCH", 40)


def test_processes_find_the_links_that_one_finds(books: Books, many_parts: None) -> None:
    spelled_otherwise(books, 120)
    books.save()
    alone = _found(books)
    assert {"likeness", "tax_id", "phone"} <= {value for row in alone for value in row}
    assert _found(books, runner="processes", workers=2) == alone


def test_processes_do_what_falls_into_parts_and_nobody_does_it_in_their_place() -> None:
    with spread.as_set(Parallel(runner="processes", workers=1)):
        (process,) = spread.over(_whose, [None])
    assert process != os.getpid()
    assert list(spread.over(_whose, [None])) == [os.getpid()]


def _whose(_: None) -> int:
    return os.getpid()


def test_what_comes_back_is_in_the_order_of_the_parts_whoever_is_quicker() -> None:
    assert list(spread.ahead(_Last, 2)(abs, range(-20, 0))) == list(range(20, 0, -1))


def test_no_more_parts_are_held_than_keep_the_workers_busy() -> None:
    taken: list[int] = []
    done = spread.ahead(_Last, 2)(abs, _noted(taken))
    next(done)
    assert len(taken) <= 6


def _noted(taken: list[int]) -> Iterator[int]:
    for number in range(100):
        taken.append(number)
        yield number


class _Last:
    """A future that does its work when it is asked for."""

    def __init__(self, work: Callable[[Any], Any], part: Any) -> None:
        self._work, self._part = work, part

    def result(self) -> Any:
        return self._work(self._part)


def test_an_address_without_dask_is_refused() -> None:
    with pytest.raises(ValueError, match="goes with runner: dask"):
        Parallel(address="tcp://here:8786")
