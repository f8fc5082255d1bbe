"""A pull's span: where it begins and ends, after crashes, with ``--since`` and in full."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from connectors.contract import Cursor, Window
from connectors.span import Span, span_of

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def us(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def begun(cursor: Cursor | None, at: datetime = NOON, since: datetime | None = None, *, full: bool = False) -> Span:
    return span_of(cursor, Window(at, since, full), overlap=2 * MINUTE)


def ended(span: Span) -> Cursor:
    page = span.page([], None)
    assert page.complete
    return page.cursor


def test_a_first_pull_reads_everything_and_the_next_one_goes_back_by_the_overlap() -> None:
    first = begun(None)
    assert (first.since, first.place) == (0, None)
    assert begun(ended(first), NOON + 5 * MINUTE).since == us(NOON - 2 * MINUTE)


def test_a_span_that_was_broken_off_is_gone_on_with_in_its_own_bounds() -> None:
    page = begun(ended(begun(None)), NOON + 5 * MINUTE).page([], {"sheet": 3})
    assert not page.complete
    again = begun(page.cursor, NOON + 60 * MINUTE)
    assert (again.since, again.until, again.place) == (us(NOON - 2 * MINUTE), us(NOON + 5 * MINUTE), {"sheet": 3})
    assert begun(ended(again), NOON + 61 * MINUTE).since == us(NOON + 3 * MINUTE)


def test_since_an_earlier_time_reads_again_and_moves_on() -> None:
    span = begun(ended(begun(None)), NOON + 5 * MINUTE, NOON - 60 * MINUTE)
    assert span.since == us(NOON - 60 * MINUTE)
    assert begun(ended(span), NOON + 9 * MINUTE).since == us(NOON + 3 * MINUTE)


def test_since_a_later_time_leaves_what_lies_between_to_the_next_pull_also_if_it_breaks_off() -> None:
    known = ended(begun(None))
    span = begun(known, NOON + 60 * MINUTE, NOON + 30 * MINUTE)
    assert begun(ended(span), NOON + 61 * MINUTE).since == us(NOON - 2 * MINUTE)
    broken_off = begun(span.page([], 1).cursor, NOON + 61 * MINUTE)
    assert broken_off.place == 1
    assert begun(ended(broken_off), NOON + 62 * MINUTE).since == us(NOON - 2 * MINUTE)


def test_in_full_the_cursor_does_not_count() -> None:
    assert begun(begun(None).page([], 1).cursor, full=True) == begun(None)
