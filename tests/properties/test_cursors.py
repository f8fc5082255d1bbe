"""Nothing is lost at a cursor: whatever people do while we read, every version that is still shown arrives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors import retry
from connectors.contract import Cursor, Page, Window
from connectors.salesforce import soql
from connectors.salesforce.position import Position
from sandbox.jiandaoyun import JiandaoyunServer, start
from sandbox.salesforce import SalesforceServer
from sandbox.xero import XeroServer
from tests.properties import examples
from tests.properties.sources import BEGIN, LATER, Books, Crm, Erp, Forms, Source

_LARGEST_CURSOR = 700
"""Characters. A cursor that remembers records would grow beyond any number."""


class History:
    """What we hold after the pages that were committed, beside what the source shows."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.now = BEGIN
        self.shown: dict[int, int] = {}
        self.stamps: dict[int, datetime] = {}
        self.held: dict[str, tuple[int, int]] = {}
        self.cursor: Cursor | None = None
        self._pages: Iterator[Page] | None = None

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        self.source.at(self.now)

    def edit(self, key: int, late: float) -> None:
        """Somebody changes a record, or makes it; it carries a stamp of some seconds ago."""
        stamp = max(self.now - timedelta(seconds=late * self.source.latest), self.stamps.get(key, BEGIN))
        number = self.shown.get(key, 0) + 1
        self.source.edit(key, number, stamp)
        self.shown[key], self.stamps[key] = number, stamp

    def page(self) -> bool:
        """Read one page and commit it; true if the pull has ended with it."""
        if self._pages is None:
            window = Window(self.now - timedelta(seconds=self.source.settle()))
            self._pages = self.source.pull(self.cursor, window)
        page = next(self._pages)
        self._commit(page)
        if page.complete:
            self._pages = None
        return page.complete

    def _commit(self, page: Page) -> None:
        assert not page.rejected
        assert not page.deleted_ids
        for record in page.records:
            version, number = record.version or 0, self.source.read(record.body)
            if version >= self.held.get(record.source_id, (0, 0))[0]:
                self.held[record.source_id] = version, number
        written = json.dumps(page.cursor, allow_nan=False)
        assert len(written) <= _LARGEST_CURSOR
        self.cursor = json.loads(written)
        assert self.cursor == page.cursor

    def crash(self) -> None:
        """The process dies after the last committed page."""
        self._pages = None

    def pull(self) -> None:
        """A whole pull, or the rest of one."""
        for _ in range(200):
            if self.page():
                return
        raise AssertionError("a pull does not end")

    def check(self) -> None:
        """Everything that the source shows is held."""
        wanted = {self.source.source_id(key): number for key, number in self.shown.items()}
        assert {source_id: number for source_id, (_, number) in self.held.items()} == wanted


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("edit"), st.integers(0, 7), st.sampled_from((0.0, 0.0, 0.01, 0.5, 1.0))),
        st.tuples(st.just("tick"), st.sampled_from((0.0, 0.001, 0.5, 1.0, 4.0, 6.0, 40.0, 400.0, 4_000.0))),
        st.tuples(st.just("page")),
        st.tuples(st.just("page")),
        st.tuples(st.just("pull")),
        st.tuples(st.just("crash")),
    ),
    min_size=3,
    max_size=30,
)
PAGE_SIZES = st.integers(1, 4)


def _play(source: Source, steps: list[tuple[Any, ...]]) -> None:
    history = History(source)
    history.tick(60)
    for name, *arguments in steps:
        getattr(history, name)(*arguments)
    # Time passes, nobody edits any more: one pull finishes what was under way, the next one finds the rest.
    for _ in range(2):
        history.tick(LATER.total_seconds())
        history.pull()
    history.check()


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with retry.no_waiting():
        yield


@pytest.fixture(scope="module")
def forms() -> Iterator[JiandaoyunServer]:
    with start() as server:
        yield server


@pytest.fixture(scope="module")
def crm() -> Iterator[SalesforceServer]:
    with SalesforceServer() as server:
        yield server


@pytest.fixture(scope="module")
def books() -> Iterator[XeroServer]:
    with XeroServer() as server:
        yield server


@examples(60)
@given(steps=STEPS, page_size=PAGE_SIZES)
def test_jiandaoyun_loses_nothing(forms: JiandaoyunServer, steps: list[Any], page_size: int) -> None:
    source = Forms(forms, page_size)
    with source.connector:
        _play(source, steps)


@examples(60)
@given(steps=STEPS, page_size=PAGE_SIZES)
def test_salesforce_loses_nothing(crm: SalesforceServer, steps: list[Any], page_size: int) -> None:
    source = Crm(crm, page_size)
    with source.connector:
        _play(source, steps)


@examples(60)
@given(steps=STEPS, page_size=PAGE_SIZES)
def test_xero_loses_nothing(books: XeroServer, steps: list[Any], page_size: int) -> None:
    source = Books(books, page_size)
    with source.connector:
        _play(source, steps)


@examples(200)
@given(steps=STEPS, page_size=PAGE_SIZES)
def test_tryton_loses_nothing(steps: list[Any], page_size: int) -> None:
    source = Erp(page_size)
    with source.connector, _answering(source):
        _play(source, steps)


@contextmanager
def _answering(source: Erp) -> Iterator[None]:
    with patch.object(httpx.HTTPTransport, "handle_request", lambda _self, request: source.answer(request)):
        yield


@examples(30)
@given(steps=STEPS, page_size=PAGE_SIZES)
def test_a_form_that_does_not_tell_when_it_changed_is_read_completely(
    forms: JiandaoyunServer, steps: list[Any], page_size: int
) -> None:
    source = Forms(forms, page_size)
    with source.connector, patch.object(type(forms.form()), "touch", lambda _self, _moment: None):
        forms.form().modified_at = None  # type: ignore[assignment]
        _play(source, steps)


_INSTANTS = st.datetimes(timezones=st.just(UTC)).map(soql.literal)
_POSITIONS = st.builds(
    Position,
    since=st.none() | _INSTANTS,
    after=st.none() | st.tuples(_INSTANTS, st.text(min_size=1)),
    began=st.none() | _INSTANTS,
    with_bin=st.booleans(),
    deletes=st.none() | _INSTANTS,
    lines=st.none() | _INSTANTS,
    missing=st.lists(st.text(min_size=1)).map(tuple),
    asked=st.none() | _INSTANTS,
)


@examples(300)
@given(position=_POSITIONS)
def test_a_salesforce_position_survives_its_cursor(position: Position) -> None:
    assert Position.read(json.loads(json.dumps(position.cursor()))) == position
