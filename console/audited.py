"""What of the audit somebody may see: all of it, what is about their systems, or what was decided."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from state.audit import Chosen

DECISIONS = ("finding ", "cash ", "link ", "period ", "order ")
"""How the actions begin that are decisions about figures, which are of the whole company."""


def seen(name: str, *, operates: bool, limit: Sequence[str] | None) -> Chosen:
    """What a member may see; ``limit`` are the systems of one who is limited to some.

    Who decides and does not operate sees decisions and nothing about settings, members, runs or plans, unless they did
    it themselves. No limit to some systems hides findings, cash, links, periods and shares.
    """
    if not operates:
        return {"decisions": (name, DECISIONS)}
    return {"limited": None if limit is None else (name, limit)}
