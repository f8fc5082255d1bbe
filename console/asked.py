"""Fields of which ltc.yaml says that a person decides: what their records are called, and which are decided already."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console import letters
from state import held, named

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.changes import Item
    from state.held import Decision, Held

ASKED = ("ask",)
"""Why a wish waits for a person."""
CHOICES = ("write", "keep")
"""What they decide."""


def names(connection: Connection, settings: Settings, items: Sequence[Held | Item]) -> dict[int, str]:
    """What records without a number are called, by id; personal names are left out."""
    unnamed = [item for item in items if not item.number]
    streams = {(item.system, item.stream) for item in unnamed}
    told = {place for place in streams if not letters.personal_fields(settings, *place, ["name"])}
    wanted = {item.record_id: item.entity for item in unnamed if (item.system, item.stream) in told}
    return named.titles(connection, wanted)


def under_way(connection: Connection, items: Sequence[Held]) -> dict[str, Decision]:
    """What was decided about these, and no plan has taken up yet, by their ids."""
    made = held.decided(connection, [item.record_id for item in items])
    found = ((item, made.get((item.record_id, item.field))) for item in items)
    return {
        item.id: decision
        for item, decision in found
        if decision is not None and decision.choice in CHOICES and (decision.old, decision.new) == (item.old, item.new)
    }


def waiting(connection: Connection, systems: Sequence[str], most: int) -> int:
    """How many of these systems wait for a person and are not decided, counted among the first ``most``."""
    found = held.some(connection, systems, ASKED, most)
    return len(found) - len(under_way(connection, found))
