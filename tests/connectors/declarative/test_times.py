"""Instants as systems write them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from connectors.declarative.times import TimeFormat, to_us

NAIVE = TimeFormat("%Y-%m-%d %H:%M:%S.%f", "Europe/Berlin")


def us(hour: int, minute: int) -> int:
    """On the morning on which clocks were put back from three to two, at one o'clock UTC."""
    return to_us(datetime(2026, 10, 25, hour, minute, tzinfo=UTC))


def test_a_span_over_the_hour_that_is_repeated_begins_before_it() -> None:
    # 02:48 summer time to 02:10 winter time: all that was written from 02:00 to 02:10 for the second time is inside.
    assert NAIVE.write(us(0, 48), us(1, 10)) == "2026-10-25 01:48:00.000000"
    assert NAIVE.write(us(1, 10)) == "2026-10-25 02:10:00.000000"


def test_any_other_span_begins_where_it_begins() -> None:
    assert NAIVE.write(us(0, 10), us(0, 48)) == "2026-10-25 02:10:00.000000"
    assert NAIVE.write(us(1, 10), us(5, 0)) == "2026-10-25 02:10:00.000000"
    spring = to_us(datetime(2026, 3, 29, 0, 30, tzinfo=UTC)), to_us(datetime(2026, 3, 29, 1, 30, tzinfo=UTC))
    assert NAIVE.write(*spring) == "2026-03-29 01:30:00.000000"


def test_a_pattern_that_names_a_part_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        TimeFormat("%H:%M:%M")
