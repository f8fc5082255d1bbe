"""The first matching of a system: how its records were linked to those of the others, and which keys are not unique.

A person looks at it before anything is written to the system. A key that stands for several records (two customers with
one tax id, two orders with one number) would have us write to the wrong one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from state import locks
from state import matching as stored
from state.outbox import PlanError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.store import Store

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Matched:
    """The live records of one entity of a system, and by which method they were linked."""

    entity: str
    records: int
    linked: int
    methods: dict[str, int]
    """Method → records linked by it; a record may be linked by several."""


@dataclass(frozen=True, slots=True)
class Matching:
    """How a system's records were matched with those of the others."""

    system: str
    entities: list[Matched]
    doubles: list[stored.Double] = field(default_factory=list)
    """Keys that are not unique."""


def matching(connection: Connection, system: str) -> Matching:
    """How the records of a system were matched, by the links of the last reconciliation."""
    methods = stored.methods(connection, system)
    linked = stored.linked(connection, system)
    entities = [
        Matched(entity, count, linked.get(entity, 0), methods.get(entity, {}))
        for entity, count in sorted(stored.records(connection, system).items())
    ]
    return Matching(system, entities, stored.doubles(connection, system))


def accept(store: Store, systems: Iterable[str], actor: str) -> list[Matching]:
    """Let these systems be written to from now on; raises ``PlanError`` naming the keys that are not unique."""
    found = []
    with store.transaction() as connection:
        for system in systems:
            seen = matching(connection, system)
            if seen.doubles:
                named = "; ".join(str(double) for double in seen.doubles[:_SHOWN])
                more = f"; and {len(seen.doubles) - _SHOWN} more" if len(seen.doubles) > _SHOWN else ""
                raise PlanError(
                    f"{system} stays read only: these keys are not unique: {named}{more}.",
                    "Mend them in the source, decide with `ltc links confirm` or `ltc links cut`, or keep a record out "
                    "with `ltc lock RECORD`; then accept again.",
                )
            if not seen.entities:
                raise PlanError(f"{system} stays read only: nothing was read from it yet.", "Run `ltc sync` first.")
            locks.accept(connection, system, actor, {item.entity: asdict(item) for item in seen.entities})
            found.append(seen)
    return found


def as_dict(found: Matching) -> dict[str, Any]:
    """A matching as JSON-able data."""
    return {
        "system": found.system,
        "entities": [asdict(item) for item in found.entities],
        "not_unique": [item._asdict() for item in found.doubles],
    }
