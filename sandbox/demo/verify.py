"""Hold the findings of a report against the faults that were planted: all of them, to the cent, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from sandbox.world.records import Fault


class Verdict(NamedTuple):
    """``missed``: planted and not found. ``extra``: found and not planted (check and document numbers)."""

    found: int
    missed: list[Fault]
    extra: list[tuple[str, tuple[str, ...]]]

    @property
    def exact(self) -> bool:
        """Everything was found, and nothing else."""
        return not self.missed and not self.extra


def verify(findings: Iterable[dict[str, Any]], faults: Sequence[Fault]) -> Verdict:
    """Match each planted fault with one finding of its check that names all its documents, and its amount if any.

    ``findings`` are those of a report in the public format.
    """
    left = list(findings)
    missed = []
    for fault in faults:
        match = next((finding for finding in left if _tells(finding, fault)), None)
        if match is None:
            missed.append(fault)
        else:
            left.remove(match)
    extra = [(finding["check"], tuple(sorted(_names(finding)))) for finding in left]
    return Verdict(len(faults) - len(missed), missed, extra)


def _tells(finding: dict[str, Any], fault: Fault) -> bool:
    if finding["check"] != fault.check or not set(fault.numbers) <= _names(finding):
        return False
    if fault.amount is None:
        return True
    return finding["currency"] == fault.currency and Decimal(finding["amount"]) == fault.amount


def _names(finding: dict[str, Any]) -> set[str]:
    return {str(record["number"]) for record in finding["records"] if record.get("number")}
