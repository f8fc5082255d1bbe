"""The expected number of accidental hits, held against simulated payments that belong to none of the open items."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from math import exp, log, sqrt
from typing import NamedTuple

import pytest

from reconciliation.cash.chance import LIMIT, Chance
from reconciliation.cash.subsets import SubsetSums

LARGEST = 4


def _business(rng: random.Random) -> int:
    """Widely spread amounts between companies, around 2,500.00."""
    return round(exp(rng.gauss(log(250_000), 1.2)))


def _consumer(rng: random.Random) -> int:
    """A few pieces at prices that end in .00, .50, .90, .95 or .99, some with postage."""
    price = rng.randrange(5, 150) * 100 + rng.choice([0, 50, 90, 95, 99, 99])
    return rng.choice([1, 1, 1, 2, 3]) * price + rng.choice([0, 0, 490, 590])


def _small(rng: random.Random) -> int:
    """Small invoices between 10.00 and 150.00."""
    return rng.randrange(1_000, 15_000)


def _round(rng: random.Random) -> int:
    """Whole units, around 3,000."""
    return round(exp(rng.gauss(log(3_000), 1.0))) * 100


class Trials(NamedTuple):
    """Per cent of strangers that equal a set of at most 2, 3, 4 items, and per cent that were expected to."""

    number: int
    hits: dict[int, float]
    expected: dict[int, float]


@cache
def _strangers(kind: Callable[[random.Random], int], items: int, number: int) -> Trials:
    rng = random.Random(f"{kind.__name__} {items}")
    hits, expected = dict.fromkeys((2, 3, 4), 0.0), dict.fromkeys((2, 3, 4), 0.0)
    for _ in range(number):
        own = [kind(rng) for _ in range(items)]
        target = sum(kind(rng) for _ in range(rng.choice([1, 1, 2, 3])))
        found = SubsetSums(own).find(target, largest=LARGEST, most=1)
        chances = Chance(own).expected(target, LARGEST)
        for size in hits:
            hits[size] += 100 / number * bool(found.solutions and found.solutions[0].size <= size)
            expected[size] += 100 / number * (1 - exp(-chances[size - 1]))
    return Trials(number, hits, expected)


@pytest.mark.parametrize("items", [10, 20, 40])
@pytest.mark.parametrize("kind", [_business, _consumer, _small, _round])
def test_as_many_strangers_hit_by_accident_as_the_formula_expects(
    kind: Callable[[random.Random], int], items: int
) -> None:
    trials = _strangers(kind, items, 400)
    for size, measured in trials.hits.items():
        expected = trials.expected[size]
        noise = 3 * sqrt(max(expected, 0.25) * 100 / trials.number)  # three standard deviations, per cent
        assert measured <= 1.3 * expected + noise, f"sets of {size}: expected {expected:.2f} %, it was {measured:.2f} %"
        assert expected <= 1.5 * measured + noise, f"sets of {size}: expected {expected:.2f} %, it was {measured:.2f} %"


def test_a_sum_alone_proves_nothing_among_forty_items() -> None:
    """The published finding: 1.4 % of strangers for widely spread amounts, 41 % for consumers', 48 % for small ones."""
    assert 0.3 < _strangers(_business, 40, 400).hits[4] < 4
    assert 30 < _strangers(_consumer, 40, 400).hits[4] < 55
    assert 35 < _strangers(_small, 40, 400).hits[4] < 60


def test_no_stranger_is_matched_automatically() -> None:
    rng = random.Random(2026)
    automatic, hits = 0, 0
    for _ in range(6_000):
        own = [_business(rng) * 10 for _ in range(rng.randrange(1, 9))]
        target = sum(_business(rng) * 10 for _ in range(rng.choice([1, 1, 2, 3])))
        chances = Chance(own).expected(target, LARGEST)
        found = SubsetSums(own).find(target, largest=LARGEST, most=1)
        allowed = [size for size, chance in enumerate(chances, 1) if chance < LIMIT]
        automatic += bool(allowed)
        hits += bool(found.solutions and found.solutions[0].size in allowed)
    assert automatic > 500, "the test would show nothing"
    assert hits == 0


def test_a_true_sum_of_two_large_odd_amounts_among_few_is_sure_enough() -> None:
    own = [1_234_567_89, 345_678_12, 98_765_43, 7_654_321_55]
    assert Chance(own).expected(1_234_567_89 + 345_678_12, 2)[-1] < LIMIT


def test_the_same_sum_in_round_amounts_is_not() -> None:
    own = [1_234_000_00, 346_000_00, 99_000_00, 7_654_000_00]
    assert Chance(own).expected(1_234_000_00 + 346_000_00, 2)[-1] > 100 * LIMIT


def test_a_tolerance_multiplies_the_risk_by_its_width() -> None:
    rng = random.Random(1)
    chance = Chance([_business(rng) for _ in range(40)])
    exact, near = chance.expected(500_000, 4)[-1], chance.expected(500_000, 4, tolerance=10)[-1]
    assert 15 < near / exact < 27


def test_more_items_and_larger_sets_are_a_larger_risk() -> None:
    rng = random.Random(1)
    own = [_business(rng) for _ in range(40)]
    few, many = Chance(own[:10]).expected(500_000, 4), Chance(own).expected(500_000, 4)
    assert list(many) == sorted(many)
    assert all(less < more for less, more in zip(few, many, strict=True))


def test_credit_notes_and_refunds_count_like_invoices() -> None:
    own = [100_000, 250_030, -30_010, 88_001]
    mirrored = [-amount for amount in own]
    assert Chance(own).expected(320_020, 3) == pytest.approx(Chance(mirrored).expected(-320_020, 3), rel=0.2)
    assert Chance(own).expected(320_020, 3)[1] > 0


def test_nothing_open_is_no_risk() -> None:
    assert Chance([]).expected(100, 3) == (0.0, 0.0, 0.0)


def test_sets_that_nobody_can_count_any_more_are_a_risk_that_grows_and_ends() -> None:
    many = Chance([100 + place for place in range(400)]).expected(5_000, 12)
    assert list(many) == sorted(many)
    assert 1 < many[-1] < float("inf")
