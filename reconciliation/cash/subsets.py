"""Which of some open amounts add up to a target: exactly, in bounded work, and saying how far was looked.

The amounts are split in two halves; each half lists the sums of its sets by size, and sums of one half are looked up
in the other. Sets are looked at by size, so that what is found first has the fewest members. Equal amounts are
interchangeable: of them the first ones (the caller's oldest) are taken, and ``ways`` says how many choices there were.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import comb, log2

BUDGET = 100_000
"""Sums that one half lists at most: about 40 ms of work for a search, and some 10 MB."""
_COLLECTED = 1_000
"""Solutions of one size that are looked at before the best of them are taken."""


@dataclass(frozen=True, slots=True, order=True)
class Solution:
    """A set that adds up; ordered by how far it is off, by size, then oldest first."""

    off: int
    """How far its sum is from the target, without sign."""
    size: int
    members: tuple[int, ...]
    """Positions in the caller's order, ascending."""
    ways: int
    """In how many ways equal amounts could be chosen for it; 1: it is these items and no others."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, best first."""

    solutions: tuple[Solution, ...]
    complete_to: int
    """Every set of at most this many members was looked at."""
    exhausted: bool
    """Whether every set that was asked for was looked at and every solution is listed."""

    @property
    def several(self) -> bool:
        """Whether there is surely more than one solution."""
        return len(self.solutions) > 1 or any(solution.ways > 1 for solution in self.solutions)


class SubsetSums:
    """Signed amounts in minor units, oldest first; make it once and ask for as many targets as needed.

    Amounts of zero take no part. The answers do not depend on anything but the amounts and their order.
    """

    def __init__(self, amounts: Sequence[int], budget: int = BUDGET) -> None:
        self._budget = budget
        classes: dict[int, list[int]] = {}
        for position, amount in enumerate(amounts):
            if amount:
                classes.setdefault(amount, []).append(position)
        self._count = sum(map(len, classes.values()))
        self._alike = {position: members for members in classes.values() for position in members}
        halves: tuple[list[int], list[int]] = ([], [])
        weights = [0.0, 0.0]
        for amount in sorted(classes, key=lambda value: (-len(classes[value]), -abs(value), value)):
            side = 0 if weights[0] <= weights[1] else 1
            halves[side].extend(classes[amount])
            weights[side] += log2(len(classes[amount]) + 1)
        self._halves = tuple(_Half(amounts, positions) for positions in halves)
        ordered = sorted(amount for amount in amounts if amount)
        self._least = list(accumulate(ordered, initial=0))
        self._most = list(accumulate(reversed(ordered), initial=0))

    def find(self, target: int, *, tolerance: int = 0, largest: int | None = None, most: int = 5) -> Found:
        """Sets of one to ``largest`` members (default: any number) whose sum is the target, give or take ``tolerance``.

        At most ``most`` are listed; the search ends with the size at which there are that many.
        """
        wanted = self._count if largest is None else min(largest, self._count)
        solutions: list[Solution] = []
        complete, cut = 0, False
        for size in range(1, wanted + 1):
            if not (self._least[size] - tolerance <= target <= self._most[size] + tolerance):
                complete = size
                continue
            if not all(half.reaches(size, self._budget) for half in self._halves):
                break
            new = list(self._of_size(size, target, tolerance))
            cut = cut or len(new) > _COLLECTED
            solutions += new
            complete = size
            if len(solutions) >= most:
                break
        solutions.sort()
        exhausted = complete == wanted and not cut and len(solutions) <= most
        return Found(tuple(solutions[:most]), complete, exhausted)

    def _of_size(self, size: int, target: int, tolerance: int) -> Iterator[Solution]:
        left, right = self._halves
        listed = 0
        for there in range(size + 1):
            for a, b in _pairs(left.sums(size - there), right.sums(there), target, tolerance):
                members = sorted((*left.members(size - there, a), *right.members(there, b)))
                off = abs(left.sums(size - there)[a] + right.sums(there)[b] - target)
                yield Solution(off, size, tuple(members), self._ways(members))
                listed += 1
                if listed > _COLLECTED:
                    return

    def _ways(self, members: Sequence[int]) -> int:
        ways = 1
        chosen = set(members)
        for alike in {id(self._alike[member]): self._alike[member] for member in members}.values():
            ways *= comb(len(alike), sum(position in chosen for position in alike))
        return ways


class _Half:
    """The sums of all sets of some amounts by size; of equal amounts, which stand together, the first come first.

    Sets of one size are listed by their last member, so a set is known by its place in the list.
    """

    def __init__(self, amounts: Sequence[int], positions: Sequence[int]) -> None:
        self._positions = positions
        self._amounts = [amounts[position] for position in positions]
        self._levels: list[list[int]] = [[0]]
        self._starts: list[list[int]] = []
        """Of each size from 1, where the sets with each last member start."""
        self._origins: list[list[int]] = []
        """Of each size from 1 and each last member, where the rests of its sets start among those one smaller."""
        self._listed = 1

    def reaches(self, size: int, budget: int) -> bool:
        """Whether the sets of up to that size are listed, listing them if the budget allows."""
        while len(self._levels) <= min(size, len(self._amounts)):
            spans = self._spans(len(self._levels))
            if self._listed + sum(end - start for start, end in spans) > budget:
                return False
            self._grow(spans)
        return True

    def sums(self, size: int) -> list[int]:
        """The sums of all sets of one size; none if there are not so many amounts."""
        return self._levels[size] if size < len(self._levels) else []

    def members(self, size: int, place: int) -> Iterator[int]:
        """The positions of the set at a place of the list of its size."""
        while size:
            starts = self._starts[size - 1]
            last = bisect_right(starts, place) - 1
            yield self._positions[last]
            place = self._origins[size - 1][last] + place - starts[last]
            size -= 1

    def _spans(self, size: int) -> list[tuple[int, int]]:
        """Of each last member, which sets one smaller it is added to: those that end before it.

        A later one of equal amounts is added only to sets that end with the one before it.
        """
        if size == 1:
            return [
                (0, 0 if place and self._amounts[place] == self._amounts[place - 1] else 1)
                for place in range(len(self._amounts))
            ]
        starts = [*self._starts[size - 2], len(self._levels[size - 1])]
        return [
            (starts[place - 1] if place and amount == self._amounts[place - 1] else 0, starts[place])
            for place, amount in enumerate(self._amounts)
        ]

    def _grow(self, spans: Sequence[tuple[int, int]]) -> None:
        before = self._levels[-1]
        level: list[int] = []
        starts, origins = [], []
        for amount, (start, end) in zip(self._amounts, spans, strict=True):
            starts.append(len(level))
            origins.append(start)
            level += [total + amount for total in before[start:end]]
        self._levels.append(level)
        self._starts.append(starts)
        self._origins.append(origins)
        self._listed += len(level)


def _pairs(left: Sequence[int], right: Sequence[int], target: int, tolerance: int) -> Iterator[tuple[int, int]]:
    """Places of sums, one of each side, that add up to the target within the tolerance; in the order of the lists."""
    if not left or not right:
        return
    width = tolerance + 1
    around = (0,) if not tolerance else (-1, 0, 1)
    wanted = {(target - total) // width + step for total in right for step in around}
    near: dict[int, list[int]] = {}
    for place, total in enumerate(left):
        if total // width in wanted:
            near.setdefault(total // width, []).append(place)
    if not near:
        return
    for place, total in enumerate(right):
        for step in around:
            for other in near.get((target - total) // width + step, ()):
                if abs(left[other] + total - target) <= tolerance:
                    yield other, place
