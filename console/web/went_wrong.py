"""What went wrong in a run, once for each system: what is the matter, what to do, and that nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console import freshness
from state.outbox import MAX_ATTEMPTS

if TYPE_CHECKING:
    from console.web.desk import Visit
    from state.queries import Attempt, RunRow

_WRITES = ("push", "create")
_UNKNOWN = "unknown"
"""The count of what was sent without an answer; it is said before what becomes of the rest."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One reason for which something failed."""

    place: str
    """What failed and where, for the message to follow; may be empty."""
    message: str
    remedy: str
    untried: tuple[str, ...] = ()
    """Streams that were not asked for because of it."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What went wrong at one system, or at none (``system`` is empty then)."""

    system: str
    has_page: bool
    causes: list[Cause] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """What becomes of what was not done, in sentences."""


def of(visit: Visit, run: RunRow, parts: list[Attempt]) -> list[Trouble]:
    """What went wrong in a run, of what this person sees; ``parts`` are what it did with each stream."""
    found: dict[str, Trouble] = {}

    def at(system: str) -> Trouble:
        return found.setdefault(system, Trouble(system, system in visit.systems))

    failed = [item for item in parts if item.message]
    for item in freshness.causes(failed):
        place = freshness.cause_place(item, visit.texts)
        at(item.system).causes.append(Cause(place, item.message, item.remedy, item.untried))
    for told in run.problems:
        if told.message not in {cause.message for cause in at(told.system).causes}:
            place = visit.texts("status.problem", where=told.system, message="") if told.system else ""
            at(told.system).causes.append(Cause(place, told.message, told.remedy))
    unanswered = [item for item in parts if item.counts.get(_UNKNOWN)]
    for part in unanswered:
        at(part.system)
    for system, trouble in found.items():
        left = {_left(item.direction) for item in failed if item.system == system}
        left.update(_UNKNOWN for item in unanswered if item.system == system)
        trouble.left.extend(visit.texts(f"went_wrong.left.{name}", most=MAX_ATTEMPTS) for name in sorted(left))
    return list(found.values())


def _left(direction: str) -> str:
    return "write" if direction in _WRITES else direction
