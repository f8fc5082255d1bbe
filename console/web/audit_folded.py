"""Decisions taken on many findings at once: one line of the audit page, which opens to the findings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from state.audit import Entry

_AT_ONCE = 5_000_000
"""Microseconds between two rows of one decision; its rows are appended by one transaction."""
_FINDING = "finding "


def folded(entries: Sequence[Entry]) -> list[list[Entry]]:
    """Entries, the newest first, in groups: rows of one decision on several findings together, any other alone."""
    groups: list[list[Entry]] = []
    for item in entries:
        if groups and _same(groups[-1][-1], item):
            groups[-1].append(item)
        else:
            groups.append([item])
    return groups


def shared(entries: Sequence[Entry]) -> dict[str, object]:
    """What the rows of a group have in common."""
    return {name: value for name, value in entries[0].detail.items() if name != "finding"}


def _same(newer: Entry, older: Entry) -> bool:
    return (
        older.id + 1 == newer.id
        and (older.actor, older.action) == (newer.actor, newer.action)
        and older.action.startswith(_FINDING)
        and newer.at - older.at <= _AT_ONCE
        and not (older.erased or newer.erased)
        and shared([older]) == shared([newer])
    )
