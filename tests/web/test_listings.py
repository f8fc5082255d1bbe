"""Long lists of findings: nobody waits for their order, and what is kept of it is that of now."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from sqlalchemy import update

from console.web import listings
from console.web.listings import Listings
from state import finding_pages, handling
from state.finding_pages import Wanted
from state.schema import finding

if TYPE_CHECKING:
    import pytest
    from sqlalchemy.engine import Connection

    from state.store import Store

BY_AMOUNT = Wanted(order="amount")


def _ids(lists: Listings, store: Store, first: int = 0, size: int = 100) -> list[str]:
    with store.reading() as connection:
        return [item.id for item in lists.page(connection, BY_AMOUNT, first, size).findings]


def _counting(monkeypatch: pytest.MonkeyPatch) -> list[Wanted]:
    """The lists that the database is asked for, as it is asked."""
    asked: list[Wanted] = []
    number = finding_pages.number

    def counted(connection: Connection, wanted: Wanted) -> int:
        asked.append(wanted)
        return number(connection, wanted)

    monkeypatch.setattr(finding_pages, "number", counted)
    return asked


def _kept(lists: Listings, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until pages come without asking the database for their order."""
    asked = _counting(monkeypatch)
    late = time.monotonic() + 30
    while True:
        asked.clear()
        _ids(lists, store)
        if not asked:
            return
        assert time.monotonic() < late


def test_a_long_list_is_shown_at_once_and_kept(desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "_FEW", 2)
    lists = Listings(desk)
    with desk.reading() as connection:
        right = finding_pages.ids(connection, BY_AMOUNT, 100)
    assert len(right) > 3
    assert _ids(lists, desk) == right
    _kept(lists, desk, monkeypatch)
    assert _ids(lists, desk, 1, 2) == right[1:3]
    with desk.reading() as connection:
        assert lists.beside(connection, BY_AMOUNT, right[1]) == (right[0], right[2])
        assert lists.page(connection, BY_AMOUNT, 0, 1).count == len(right)


def test_a_short_list_is_read_once(desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = Listings(desk)
    asked = _counting(monkeypatch)
    first = _ids(lists, desk)
    assert _ids(lists, desk, 1, 2) == first[1:3]
    assert asked == [BY_AMOUNT]


def test_no_more_findings_are_kept_than_memory_is_meant_for(desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    lists = Listings(desk)
    asked = _counting(monkeypatch)
    monkeypatch.setattr(listings, "_IDS", len(_ids(lists, desk)))
    by_age = Wanted(order="age")
    with desk.reading() as connection:
        lists.page(connection, by_age, 0, 1)
    _ids(lists, desk)
    assert asked == [BY_AMOUNT, by_age, BY_AMOUNT]


def test_what_is_kept_is_forgotten_when_a_finding_changes(desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listings, "_FEW", 2)
    lists = Listings(desk)
    _kept(lists, desk, monkeypatch)
    last = _ids(lists, desk)[-1]
    with desk.transaction() as connection:
        connection.execute(update(finding).where(finding.c.id == last).values(base_amount=10**12))
        handling.comment(connection, last, "More than all others", "li")
    assert _ids(lists, desk)[0] == last
