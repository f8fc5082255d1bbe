"""How many sets of a customer's own open amounts would equal a receipt by accident.

A receipt that belongs to none of the open items still equals some set of them now and then: more often the more sets
there are, the closer their sums lie together, and the rounder the amounts. The expected number of such hits of a
target T within a tolerance t, among the sets of at most k of the open amounts, is

    E = sum over sizes j of  density_j(T) * ending_j(T, t)

- ``density_j(T)``: sets of j members per minor unit near T. The sums of all sets of that size are counted (exactly, in
  buckets of T/256) in windows from T ± T/2 down to T ± T/64; the densest window counts, but narrower
  ones only if they hold at least eight sets.
- ``ending_j(T, t)``: how many of the 2t + 1 sums around T there would be per one of an arbitrary ending. Prices end in
  .00 or .99 and orders come to round thousands, so that sums keep to some endings: a hundred times the share of the
  sets of j members that end (modulo 100) as the targets do, or, if T is a multiple of 1,000, 10,000 …, that many times
  the share of sets whose members all are; whichever is more.

For a true stranger the chance of any hit is 1 - exp(-E) < E. ``tests/reconciliation/cash/test_chance.py`` holds this
against simulated strangers.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import comb

LIMIT = 1e-5
"""A match by sum alone is made automatically below this many expected accidental hits."""

_BUCKETS = 256
_WINDOWS = (2, 4, 8, 16, 32, 64)
"""Half widths as parts of the target."""
_ENOUGH = 8
_BITS = 64
_LITTLE = sys.byteorder == "little"
_ENDINGS = 100
_PRIOR = 5
"""Sets of evenly spread endings that the shares of endings start with, so that few amounts prove little."""
_ROUND = tuple(10**places for places in range(3, 10))


class Chance:
    """The open amounts (signed minor units) of one customer in one currency; make it once, ask for many targets.

    Independent of the order of the amounts.
    """

    def __init__(self, amounts: Sequence[int]) -> None:
        self._amounts = sorted(amount for amount in amounts if amount)
        self._endings: list[list[int]] = []

    def expected(self, target: int, largest: int, tolerance: int = 0) -> tuple[float, ...]:
        """Expected accidental hits of sets of at most 1, 2 … ``largest`` members, give or take ``tolerance``."""
        sizes = min(largest, len(self._amounts))
        while comb(len(self._amounts), sizes) >> _BITS - 2:
            sizes -= 1  # more sets than a counter holds: whatever is found among them says nothing
        densities = self._densities(abs(target), sizes) if target >= 0 else self._mirrored()._densities(-target, sizes)
        if sizes:
            self._ending_counts(sizes)  # all at once
        found, total = [], 0.0
        for size in range(1, sizes + 1):
            total += densities[size - 1] * self._ending(size, target, tolerance)
            found.append(total)
        for size in range(sizes + 1, largest + 1):
            total += comb(len(self._amounts), size)  # no more can hit than there are
            found.append(total)
        return tuple(found)

    def of_sums(self, sums: Sequence[int], target: int) -> float:
        """Expected accidental hits of a few given sums: those within half the target, spread over as much."""
        near = sum(abs(abs(total) - abs(target)) * 2 <= abs(target) for total in sums)
        size = min(2, len(self._amounts))
        return near / (abs(target) + 1) * (self._ending(size, target, 0) if size else 1.0)

    def _mirrored(self) -> Chance:
        return Chance([-amount for amount in self._amounts])

    def _densities(self, target: int, sizes: int) -> list[float]:
        """Sets per minor unit near the target, for each size from 1."""
        below = -sum(sorted(amount for amount in self._amounts if amount < 0)[:sizes])
        bucket = max(1, max(target, below) // _BUCKETS)
        top = (target + target // 2) // bucket + sizes + 1
        counts, base = _sums(self._amounts, sizes, bucket, top)
        densities = []
        for size in range(1, sizes + 1):
            # Each member lost half a bucket on average when it was rounded down.
            middle = base + (2 * target - size * (bucket - 1)) / (2 * bucket)
            best = 0.0
            for part in _WINDOWS:
                reach = target / part / bucket
                first, last = max(0, round(middle - reach)), round(middle + reach)
                inside = sum(counts[size][first : last + 1])
                if inside and (part == _WINDOWS[0] or inside >= _ENOUGH):
                    best = max(best, inside / ((last - first + 1) * bucket))
            densities.append(best)
        return densities

    def _ending(self, size: int, target: int, tolerance: int) -> float:
        """How many sums around the target there are for one of an arbitrary ending."""
        width = 2 * tolerance + 1
        best = float(width)
        if width < _ENDINGS:
            counts = self._ending_counts(size)
            same = sum(counts[(target + step) % _ENDINGS] for step in range(-tolerance, tolerance + 1))
            everything = comb(len(self._amounts), size)
            best = _ENDINGS * (same + _PRIOR * width / _ENDINGS) / (everything + _PRIOR)
        for unit in _ROUND:
            hit = (target + tolerance) // unit - (target - tolerance - 1) // unit
            members = sum(amount % unit == 0 for amount in self._amounts) if hit else 0
            if members < size:
                continue
            best = max(best, hit * unit * comb(members, size) / comb(len(self._amounts), size))
        return best

    def _ending_counts(self, size: int) -> list[int]:
        """How many sets of one size there are by the last two digits of their sum."""
        while len(self._endings) < size:
            self._endings = _endings(self._amounts, size)
        return self._endings[size - 1]


def _sums(amounts: Sequence[int], sizes: int, bucket: int, top: int) -> tuple[list[list[int]], int]:
    """How many sets of each size (from 0) there are by the bucket of their sum, and the place of bucket 0.

    A row of counters is one large integer, a field for each bucket: adding an amount to all sets is one shift and one
    addition.
    """
    steps = [amount // bucket for amount in amounts]
    base = -sum(sorted(step for step in steps if step < 0)[:sizes])
    everything = (1 << ((base + top + 1) * _BITS)) - 1
    rows = [1 << (base * _BITS)] + [0] * sizes
    for step in steps:
        if step > top + base:
            continue
        for size in range(sizes, 0, -1):
            before = rows[size - 1]
            if before:
                moved = before << (step * _BITS) if step >= 0 else before >> (-step * _BITS)
                rows[size] += moved & everything
    return [_fields(row, base + top + 1) for row in rows], base


def _endings(amounts: Sequence[int], sizes: int) -> list[list[int]]:
    """How many sets of each size from 1 there are by the last two digits of their sum."""
    everything = (1 << (_ENDINGS * _BITS)) - 1
    rows = [1] + [0] * sizes
    for amount in amounts:
        step = amount % _ENDINGS * _BITS
        for size in range(sizes, 0, -1):
            before = rows[size - 1]
            if before:
                moved = before << step
                rows[size] += (moved & everything) + (moved >> (_ENDINGS * _BITS))
    return [_fields(row, _ENDINGS) for row in rows[1:]]


def _fields(row: int, count: int) -> list[int]:
    return memoryview(row.to_bytes(count * _BITS // 8, sys.byteorder)).cast("Q").tolist()[:: 1 if _LITTLE else -1]
