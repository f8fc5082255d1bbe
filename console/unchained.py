"""What was asked for and no chain shows: records that could not be understood, or that a mapping leaves out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo

    from sqlalchemy.engine import Connection

    from reconciliation.trace import Chain
    from state.quarantine import Refused


class Unchained(NamedTuple):
    """A record of which the trace cannot show what it is now."""

    record_id: int
    system: str
    stream: str
    source_id: str
    refused: Refused | None
    """Why it is in quarantine; ``None`` if it is not: its mapping leaves it out, or it is gone from its system."""
    older: bool
    """Whether the chain shows it as it was before."""

    def since(self, zone: tzinfo) -> str:
        """Since when it is in quarantine."""
        from state.clock import from_us

        return f"{from_us(self.refused.first_at).astimezone(zone):%Y-%m-%d %H:%M}" if self.refused else ""


def unchained(connection: Connection, chains: Sequence[Chain]) -> list[Unchained]:
    """The records of chains that are in quarantine, and those that were asked for and that no chain shows."""
    from state import quarantine
    from state.chains import identities

    shown = {record.record_id for chain in chains for record in chain.records}
    asked = {record_id for chain in chains for record_id in chain.found}
    refused = {item.record_id: item for item in quarantine.of_records(connection, shown | asked)}
    known = identities(connection, sorted((asked - shown) | refused.keys()))
    return [
        Unchained(one.record_id, one.system, one.stream, one.source_id, refused.get(id), id in shown)
        for id, one in sorted(known.items())
    ]
