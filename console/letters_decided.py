"""Many dead letters at once: which there are, and trying again or discarding some of them in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from console import written
from state import creations, outbox

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from sqlalchemy.engine import Connection

    from state.changes import Item
    from state.creations import Creation


class Decided(NamedTuple):
    """What became of them."""

    done: list[Item | Creation]
    left: list[Item | Creation]
    """Records that were made and deleted since: they are not made again, and can only be discarded."""


def listed(
    connection: Connection, system: str | None, touches: Callable[[str], bool], until: int | None = None
) -> list[Item | Creation]:
    """The dead letters of a system, or of all of them, whose systems the person may see (``touches``).

    ``until``: without those that came on the list later, in microseconds.
    """
    found: list[Item | Creation] = [
        *outbox.dead_letters(connection, system),
        *creations.dead_letters(connection, system),
    ]
    return [item for item in found if touches(item.system) and (until is None or (item.done_at or 0) <= until)]


def of_ids(found: Iterable[Item | Creation], ids: Collection[str]) -> list[Item | Creation]:
    """Those of ``found`` that have one of these ids."""
    wanted = {id.lower() for id in ids}
    return [item for item in found if item.letter in wanted]


def decide(connection: Connection, letters: Iterable[Item | Creation], actor: str, reason: str | None) -> Decided:
    """Discard dead letters for a reason, or (``None``) let the next plan take them up again.

    Raises ``PlanError`` if the reason is empty.
    """
    done: list[Item | Creation] = []
    left: list[Item | Creation] = []
    for letter in letters:
        if reason is None and letter.status in creations.SETTLED:  # only of a record to be created
            left.append(letter)
            continue
        written.decide(connection, letter, actor, reason)
        done.append(letter)
    return Decided(done, left)
