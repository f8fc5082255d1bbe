"""Hold the findings of a report against the faults that were planted: all of them, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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
    """Match each planted fault with one finding of its check that names all its document numbers.

    ``findings`` are those of a report in the public format.
    """
    left = [(finding["check"], _names(finding)) for finding in findings]
    missed = []
    for fault in faults:
        wanted = set(fault.numbers)
        match = next((item for item in left if item[0] == fault.check and wanted <= item[1]), None)
        if match is None:
            missed.append(fault)
        else:
            left.remove(match)
    return Verdict(len(faults) - len(missed), missed, [(check, tuple(sorted(names))) for check, names in left])


def _names(finding: dict[str, Any]) -> set[str]:
    return {str(record["number"]) for record in finding["records"] if record.get("number")}
