"""What of the audit somebody may see: all of it, what is about their systems, or what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from state import audit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from state.audit import Chosen, Entry

DECISIONS = ("finding ", "cash ", "link ", "period ", "order ")
"""How the actions begin that are decisions about figures, which are of the whole company."""

OF_RUNS = (audit.RUN_STARTED, audit.RUN_STOPPED)
"""Actions that are about a run, which may be one of several systems."""


def limited(item: Entry, may_touch: Callable[[str], bool]) -> dict[str, Any]:
    """The detail of an entry; of a run only those of its systems that are somebody's."""
    if item.action not in OF_RUNS or "systems" not in item.detail:
        return item.detail
    return {**item.detail, "systems": [name for name in item.detail["systems"] if may_touch(name)]}


def seen(name: str, *, operates: bool, limit: Sequence[str] | None) -> Chosen:
    """What a member may see; ``limit`` are the systems of one who is limited to some.

    Who decides and does not operate sees decisions and nothing about settings, members, runs or plans, unless they did
    it themselves. No limit to some systems hides findings, cash, links, periods and shares.
    """
    if not operates:
        return {"decisions": (name, DECISIONS)}
    return {"limited": None if limit is None else (name, limit)}
