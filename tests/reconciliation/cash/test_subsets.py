"""Sets of amounts that add up: all of them, best first, in bounded work; what was not looked at is said."""

from __future__ import annotations

import random
import time
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from reconciliation.cash.subsets import Found, SubsetSums

AMOUNTS = st.lists(st.integers(-8, 15), max_size=9)
WIDE = 10**12
Brute = dict[tuple[int, ...], list[tuple[int, ...]]]


def _brute(amounts: list[int], target: int, tolerance: int, largest: int) -> Brute:
    """Sets by their amounts, each with all the choices of items that come to them."""
    found: Brute = {}
    places = [place for place, amount in enumerate(amounts) if amount]
    for size in range(1, largest + 1):
        for chosen in combinations(places, size):
            if abs(sum(amounts[place] for place in chosen) - target) <= tolerance:
                found.setdefault(tuple(sorted(amounts[place] for place in chosen)), []).append(chosen)
    return found


@given(AMOUNTS, st.integers(-10, 40), st.integers(0, 3), st.integers(1, 9))
def test_every_set_that_adds_up_is_found_once_with_the_number_of_its_choices(
    amounts: list[int], target: int, tolerance: int, largest: int
) -> None:
    found = SubsetSums(amounts).find(target, tolerance=tolerance, largest=largest, most=10_000)
    expected = _brute(amounts, target, tolerance, largest)
    got = {tuple(sorted(amounts[place] for place in one.members)): one for one in found.solutions}
    assert found.exhausted
    assert len(got) == len(found.solutions)
    assert got.keys() == expected.keys()
    for key, one in got.items():
        assert one.ways == len(expected[key])
        assert one.members == min(expected[key]), "of equal amounts the oldest are taken"
        assert one.off == abs(sum(key) - target)


@given(AMOUNTS, st.integers(-10, 40), st.randoms(use_true_random=False))
def test_the_order_of_the_amounts_changes_nothing_but_positions(
    amounts: list[int], target: int, rng: random.Random
) -> None:
    shuffled = amounts.copy()
    rng.shuffle(shuffled)

    def values(order: list[int]) -> list[tuple[int, ...]]:
        found = SubsetSums(order).find(target, most=10_000)
        return sorted(tuple(sorted(order[place] for place in one.members)) for one in found.solutions)

    assert values(amounts) == values(shuffled)


def test_a_credit_note_is_a_member_like_any_other() -> None:
    found = SubsetSums([100_000, 30_000, -12_000]).find(88_000)
    assert [one.members for one in found.solutions] == [(0, 2)]
    assert not found.several


def test_what_a_greedy_walk_by_date_misses_is_found() -> None:
    """100 against 30, 60 and 40: taking what fits in order takes 30 and 60 and fails."""
    found = SubsetSums([30, 60, 40]).find(100)
    assert [one.members for one in found.solutions] == [(1, 2)]
    assert found.exhausted


def test_of_equal_amounts_the_oldest_is_taken_and_the_choice_is_told() -> None:
    found = SubsetSums([500, 700, 500, 500]).find(1200)
    assert [one.members for one in found.solutions] == [(0, 1)]
    assert found.solutions[0].ways == 3
    assert found.several


def test_fewer_members_come_first_and_closer_sums_before_them() -> None:
    found = SubsetSums([40, 60, 100, 99]).find(100, tolerance=1)
    assert [one.members for one in found.solutions] == [(2,), (0, 1), (3,)]
    assert [one.off for one in found.solutions] == [0, 0, 1]


def test_several_solutions_end_the_search_and_are_not_called_all() -> None:
    rng = random.Random(7)
    amounts = [rng.randrange(1, 1000) for _ in range(40)]
    found = SubsetSums(amounts).find(2_500)
    assert found.several
    assert len(found.solutions) == 5
    assert not found.exhausted
    assert all(sum(amounts[place] for place in one.members) == 2_500 for one in found.solutions)


def test_where_the_bound_cuts_the_search_it_says_how_far_it_went() -> None:
    rng = random.Random(7)
    amounts = [rng.randrange(1, WIDE) for _ in range(60)]
    whole = sum(amounts[:30])
    found = SubsetSums(amounts).find(whole)
    assert (found.solutions, found.exhausted) == ((), False)
    assert 3 <= found.complete_to < 30
    assert SubsetSums(amounts, budget=10).find(sum(amounts[:2])) == Found((), 0, False)


def test_groups_above_sixteen_are_not_left_alone() -> None:
    rng = random.Random(11)
    amounts = [rng.randrange(1, WIDE) for _ in range(17)]
    found = SubsetSums(amounts).find(sum(amounts[2:16]))
    assert [one.members for one in found.solutions] == [tuple(range(2, 16))]
    assert found.exhausted


def test_forty_items_up_to_a_million_millions_take_some_fifty_milliseconds() -> None:
    rng = random.Random(3)
    amounts = [rng.randrange(1, WIDE) * rng.choice([1, 1, 1, -1]) for _ in range(40)]
    chosen = sorted(rng.sample(range(40), 6))
    spent = []
    for _ in range(5):
        began = time.thread_time()
        found = SubsetSums(amounts).find(sum(amounts[place] for place in chosen), largest=6)
        spent.append(time.thread_time() - began)
    assert [one.members for one in found.solutions] == [tuple(chosen)]
    assert found.exhausted
    assert min(spent) < 0.15, f"{min(spent):.3f} s; 0.03 to 0.05 on the machine it was written on"


def test_a_thousand_items_stay_within_the_bound() -> None:
    rng = random.Random(5)
    amounts = [rng.randrange(1, WIDE) for _ in range(1000)]
    began = time.thread_time()
    found = SubsetSums(amounts).find(amounts[3])
    assert [one.members for one in found.solutions] == [(3,)]
    assert not found.exhausted
    assert time.thread_time() - began < 1


def test_amounts_of_zero_take_no_part() -> None:
    found = SubsetSums([0, 5, 0]).find(5)
    assert [one.members for one in found.solutions] == [(1,)]
    assert SubsetSums([]).find(5) == Found((), 0, True)
