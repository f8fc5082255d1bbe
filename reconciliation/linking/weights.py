"""How much each kind of agreement and disagreement weighs: learned from the records at hand, on top of what is known.

After Fellegi and Sunter (1969): a field that agrees or differs in some way weighs log2(m / u), m being how often that
happens among records of one party, u among records of two. u of an agreement is the frequency of the value and known
without learning; u of a disagreement is nearly one. So only m is learned, by expectation maximisation over the patterns
of the compared pairs (Winkler 1988), starting from and held by what is known as if from some hundred pairs: a few dozen
customers change little, a million decide by themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log, log2
from typing import NamedTuple

_PRIOR_PAIRS = 100.0
_PRIOR_OF_REST = 20.0
_ROUNDS = 20
_HOLD_FACTOR = 300.0
_HOLD_CONSTANT = 5.0
"""How firmly factors are held at one and the constant at zero: one decision says little, ten of a kind are heard."""
_STEPS = 60
_LN2 = log(2.0)
_LEAST = 1e-4


class Field(NamedTuple):
    """One thing that is compared; its levels with m as expected, from the most alike to the least."""

    name: str
    levels: Mapping[str, float]
    """Level → share of it among true pairs that have the field on both sides; they sum to one."""
    learned: bool = True


class Pattern(NamedTuple):
    """Pairs that compare alike: the level of each field (``None`` where one side has none), how many, what is known."""

    levels: tuple[str | None, ...]
    pairs: int
    expected: float
    """The share of true pairs among them by the weights before learning."""
    label: int | None
    """1 known to be the same, 0 known to be two, ``None`` unknown."""


def learn(fields: Sequence[Field], patterns: Sequence[Pattern]) -> dict[str, dict[str, float]]:
    """m of each field and level. Depends on the patterns, not on their order."""
    patterns = sorted(
        patterns, key=lambda item: (tuple(level or "" for level in item.levels), item.label or 0, item.pairs)
    )
    share = [float(item.label) if item.label is not None else item.expected for item in patterns]
    m = {field.name: dict(field.levels) for field in fields}
    for _ in range(_ROUNDS):
        m, rest = _count(fields, patterns, share, m)
        true = sum(part * item.pairs for part, item in zip(share, patterns, strict=True)) + 1.0
        total = sum(item.pairs for item in patterns) + 2.0
        prior = log(true / (total - true)) if total > true else 10.0
        share = [
            float(item.label) if item.label is not None else _share(prior + _evidence(fields, item, m, rest))
            for item in patterns
        ]
    return m


def _count(
    fields: Sequence[Field], patterns: Sequence[Pattern], share: Sequence[float], before: dict[str, dict[str, float]]
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]]:
    """m, and the like among the compared pairs that are two."""
    m: dict[str, dict[str, float]] = {}
    rest: dict[str, dict[str, float]] = {}
    for place, field in enumerate(fields):
        same = {level: _PRIOR_PAIRS * known for level, known in field.levels.items()}
        other = {level: _PRIOR_OF_REST / len(field.levels) for level in field.levels}
        for part, item in zip(share, patterns, strict=True):
            level = item.levels[place]
            if level is not None:
                same[level] += part * item.pairs
                other[level] += (1.0 - part) * item.pairs
        m[field.name] = _shares(same) if field.learned else before[field.name]
        rest[field.name] = _shares(other)
    return m, rest


def _shares(counts: dict[str, float]) -> dict[str, float]:
    total = sum(counts.values())
    return {level: max(count / total, _LEAST) for level, count in counts.items()}


def _evidence(
    fields: Sequence[Field], item: Pattern, m: dict[str, dict[str, float]], rest: dict[str, dict[str, float]]
) -> float:
    return sum(
        log(m[field.name][level] / rest[field.name][level])
        for field, level in zip(fields, item.levels, strict=True)
        if level is not None
    )


def _share(odds: float) -> float:
    return 1.0 / (1.0 + exp(-max(min(odds, 50.0), -50.0)))


def log_m(m: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    """log2 of each m, rounded so that the last digits of a sum do not matter."""
    return {name: {level: round(log2(value), 3) for level, value in levels.items()} for name, levels in m.items()}


def calibrate(evidence: Sequence[Sequence[float]], labels: Sequence[int], priors: Sequence[float]) -> list[float]:
    """How far to trust each field, from pairs that people decided: a factor a field, last what to add to all.

    ``evidence``: the weights in bits of the fields of each pair; ``priors``: the bits that stand before them. A
    logistic regression whose factors are held at one, and its constant at zero.
    """
    if not labels:
        return []
    size = len(evidence[0])
    begun = [1.0] * size + [0.0]
    holds = [_HOLD_FACTOR] * size + [_HOLD_CONSTANT]
    beta = begun
    rows = [
        ((*row, 1.0), label, prior)
        for row, label, prior in sorted(zip(map(tuple, evidence), labels, priors, strict=True))
    ]
    # A quarter is the most that p (1 - p) can be: with it each step is surely one upwards (Boehning and Lindsay 1988).
    bound = [
        [holds[one] * (one == two) + sum(x[one] * x[two] for x, _, _ in rows) * _LN2**2 / 4 for two in range(size + 1)]
        for one in range(size + 1)
    ]
    for _ in range(_STEPS):
        slope = [-hold * (value - start) for hold, value, start in zip(holds, beta, begun, strict=True)]
        for x, label, prior in rows:
            odds = prior + sum(value * factor for value, factor in zip(x, beta, strict=True))
            error = _LN2 * (label - _share(_LN2 * odds))
            slope = [known + error * value for known, value in zip(slope, x, strict=True)]
        beta = [value + change for value, change in zip(beta, _solve(bound, slope), strict=True)]
    factors = [round(min(max(value, 0.2), 2.0), 3) for value in beta[:-1]]
    return [*factors, round(beta[-1], 3)]


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gauss with pivots; the matrix is positive definite by its ridge."""
    size = len(right)
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    for place in range(size):
        pivot = max(range(place, size), key=lambda row: abs(rows[row][place]))
        rows[place], rows[pivot] = rows[pivot], rows[place]
        for below in range(place + 1, size):
            factor = rows[below][place] / rows[place][place]
            rows[below] = [value - factor * above for value, above in zip(rows[below], rows[place], strict=True)]
    found = [0.0] * size
    for place in reversed(range(size)):
        known = sum(rows[place][further] * found[further] for further in range(place + 1, size))
        found[place] = (rows[place][size] - known) / rows[place][place]
    return found
