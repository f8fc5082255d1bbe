"""How right a set of pairs is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from time import perf_counter, process_time
from typing import Any, NamedTuple

Pair = tuple[int, int]


class Score(NamedTuple):
    """Precision, recall and F1 of a set of pairs, shares of one."""

    precision: float
    recall: float
    f1: float
    pairs: int

    def shown(self) -> dict[str, float]:
        """For JSON, to four digits."""
        return {name: round(value, 4) for name, value in self._asdict().items()}


def score(found: Iterable[Pair], truth: set[Pair]) -> Score:
    """Compare found pairs with true ones."""
    pairs = set(found)
    right = len(pairs & truth)
    precision, recall = right / max(len(pairs), 1), right / max(len(truth), 1)
    return Score(precision, recall, 2 * precision * recall / max(precision + recall, 1e-9), len(pairs))


def best(weights: Mapping[Pair, float], truth: set[Pair]) -> tuple[Score, float]:
    """The best F1 that any threshold gives, and the highest recall at a precision of 99 %; ties are taken together."""
    ordered = sorted(weights.items(), key=lambda item: -item[1])
    top, at_99 = Score(0.0, 0.0, 0.0, 0), 0.0
    right = 0
    for place, (pair, weight) in enumerate(ordered, 1):
        right += pair in truth
        if place < len(ordered) and ordered[place][1] == weight:
            continue
        precision, recall = right / place, right / max(len(truth), 1)
        f1 = 2 * precision * recall / max(precision + recall, 1e-9)
        if f1 > top.f1:
            top = Score(precision, recall, f1, place)
        if precision >= 0.99:
            at_99 = max(at_99, recall)
    return top, at_99


class Timed(NamedTuple):
    """What came out, and what it cost."""

    result: Any
    seconds: float
    cpu_seconds: float


def timed(work: Callable[[], Any]) -> Timed:
    """Do it once."""
    begun, cpu = perf_counter(), process_time()
    result = work()
    return Timed(result, round(perf_counter() - begun, 2), round(process_time() - cpu, 2))
