"""Seeded draws that give the same values on every version of Python, and ids that tell nothing."""

from __future__ import annotations

import math
import random
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Generic, TypeVar

T = TypeVar("T")

_BITS = 40
_MASK = (1 << _BITS) - 1


class Weights(Generic[T]):
    """Values with weights, to draw from; weights need not add up to 1."""

    def __init__(self, weights: Mapping[T, float]) -> None:
        self.values = tuple(weights)
        self.bounds = tuple(accumulate(weights.values()))


class Chance:
    """Draws from one seed. Built on ``random.Random.random`` alone, whose sequence Python guarantees."""

    def __init__(self, seed: str) -> None:
        self.random = random.Random(seed).random

    def happens(self, share: float) -> bool:
        """True in that share of the calls."""
        return self.random() < share

    def between(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return low + int(self.random() * (high - low + 1))

    def pick(self, values: Sequence[T]) -> T:
        """One of the values, all as likely."""
        return values[int(self.random() * len(values))]

    def draw(self, weights: Weights[T]) -> T:
        """One of the values by its weight."""
        return weights.values[bisect(weights.bounds, self.random() * weights.bounds[-1])]

    def spread(self, middle: float, sigma: float) -> float:
        """A log-normal value with that median."""
        radius = math.sqrt(-2.0 * math.log(1.0 - self.random()))
        return middle * math.exp(sigma * radius * math.cos(2.0 * math.pi * self.random()))

    def digits(self, count: int) -> str:
        """That many digits."""
        return f"{int(self.random() * 10**count):0{count}d}"


def scrambled(number: int) -> int:
    """A bijection of the numbers below 2**40 without visible order, so that ids carry no hint of the truth."""
    number = (number * 0x9E3779B97F + 0x5D588B656C) & _MASK
    number ^= number >> 21
    number = (number * 0xD6E8FEB867) & _MASK
    return number ^ (number >> 19)
