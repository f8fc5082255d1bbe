"""Blocks: pairs that share a key, within a budget."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import duckdb
import pytest

from reconciliation.frame import Frame
from reconciliation.linking import blocking
from reconciliation.linking.blocking import Refused
from reconciliation.rules import Rules


@pytest.fixture
def frame() -> Iterator[Frame]:
    connection = duckdb.connect(":memory:")
    yield Frame(connection, Rules({}, "UTC", "CNY", "en", datetime(2026, 1, 1, tzinfo=UTC)))
    connection.close()


def _keys(*sizes: int) -> str:
    """A query of one key for each size, which so many records of either side have."""
    rows = [
        f"('{'phone' if place else 'name'}', 'k{place}', {10_000 * place + number}, '{'ab'[number % 2]}')"
        for place, size in enumerate(sizes)
        for number in range(2 * size)
    ]
    return f"SELECT * FROM (VALUES {', '.join(rows)}) AS t (kind, key, record_id, side)"


def test_pairs_share_a_key_and_are_on_different_sides(frame: Frame) -> None:
    blocks = blocking.pairs(frame, _keys(3), budget=100, largest=100)
    assert (blocks.pairs, blocks.refused_pairs) == (9, 0)
    assert frame.value("SELECT count(*) FROM pair WHERE a_id % 2 = b_id % 2 OR a_id >= b_id") == 0
    assert frame.value("SELECT count(*) FROM pair") == 9


def test_what_would_explode_is_counted_before_and_refused(frame: Frame) -> None:
    blocks = blocking.pairs(frame, _keys(1, 2, 200), budget=10**9, largest=1000)
    assert blocks == blocking.Blocks(pairs=5, largest=4, refused_blocks=1, refused_pairs=40_000)
    assert frame.value("SELECT count(*) FROM pair") == 5


def test_what_is_refused_is_told_by_kind_with_who_has_it(frame: Frame) -> None:
    assert blocking.refused(frame) == []
    blocking.pairs(frame, _keys(100, 2, 200, 300), budget=10**9, largest=1000)
    assert blocking.refused(frame) == [
        Refused("phone", ["a", "b"], keys=2, pairs=130_000, largest=90_000),
        Refused("name", ["a", "b"], keys=1, pairs=10_000, largest=10_000),
    ]


def test_the_largest_blocks_go_first_when_all_together_are_too_much(frame: Frame) -> None:
    blocks = blocking.pairs(frame, _keys(*[1] * 50, *[3] * 10, 9), budget=150, largest=1000)
    assert blocks == blocking.Blocks(pairs=140, largest=9, refused_blocks=1, refused_pairs=81)
