"""Which runs can go on beside each other: as the leases of the store have it, one works on a system, one reconciles.

A sync can start beside one that reconciles: it pulls, and waits for its turn with the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from state.queries import RunRow

_RECONCILING = ("sync", "reconcile", "replay", "close")
"""Kinds of runs that reconcile, of which there is one at a time."""


class Going(NamedTuple):
    """A run at work, and what it works on."""

    run: str
    """Its id; empty in the moment before it has one."""
    kind: str
    systems: frozenset[str]

    @property
    def reconciles(self) -> bool:
        """Whether nothing else can be reconciled beside it."""
        return self.kind in _RECONCILING


def going(rows: Iterable[RunRow], all_systems: Sequence[str]) -> list[Going]:
    """The runs among these that are at work; one that does not say for which systems may work on all."""
    return [Going(item.id, item.doing, _systems(item, all_systems)) for item in rows if item.status == "running"]


def _systems(item: RunRow, all_systems: Sequence[str]) -> frozenset[str]:
    named = {*item.asked.systems, *item.counts}
    return frozenset(named or (() if item.kind in ("reconcile", "close") else all_systems))


def in_the_way(kind: str, systems: Iterable[str], at_work: Iterable[Going]) -> Going | None:
    """The run that keeps one of this ``kind`` for these ``systems`` from starting; ``None`` if it can start."""
    wanted = frozenset(systems)
    for item in at_work:
        if (kind in _RECONCILING and kind != "sync" and item.reconciles) or wanted & item.systems:
            return item
    return None


def to_wait_for(at_work: Iterable[Going]) -> Going | None:
    """The run whose end another one has to wait for with its reconciliation; ``None`` if it need not."""
    return next((item for item in at_work if item.reconciles), None)
