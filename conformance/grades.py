"""The grade that a connector gets of its results.

A  95 % of the applicable checks or more are passed, and nothing grave failed
B  85 % or more, and nothing grave failed
C  70 % or more, whatever failed
D  less

A check is grave if its failure means that something is lost, doubled, overwritten or given away. A check on which the
kit itself broke counts as not passed: nothing is proved by it. What does not apply does not count, and an area of which
nothing applies is named beside the letter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from conformance.runner import Result, Status

_A, _B, _C = 95, 85, 70
"""Per cent."""


@dataclass(frozen=True, slots=True)
class Grade:
    """A letter, and what it is made of."""

    letter: str
    passed: int
    applicable: int
    failed: tuple[str, ...]
    """Names of the checks that were not passed."""
    grave: tuple[str, ...]
    """Those of them that are grave."""
    empty: tuple[str, ...]
    """Areas of which no check applies: the letter says nothing of them."""


def grade(results: Sequence[Result]) -> Grade:
    """Of the results of all checks."""
    counted = [result for result in results if result.status is not Status.NOT_APPLICABLE]
    bad = [result for result in counted if result.status is not Status.PASSED]
    passed = len(counted) - len(bad)
    share = 100 * passed / len(counted) if counted else 0.0
    grave = tuple(result.check.name for result in bad if result.check.grave)
    letter = "D"
    if share >= _C:
        letter = "C" if grave or share < _B else "B" if share < _A else "A"
    touched = {result.check.area for result in counted}
    empty = tuple(dict.fromkeys(result.check.area for result in results if result.check.area not in touched))
    return Grade(letter, passed, len(counted), tuple(result.check.name for result in bad), grave, empty)
