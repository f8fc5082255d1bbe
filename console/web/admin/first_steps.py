"""What is to be done after a system was added: the mapping of each stream that is read, then the first sync."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from console import mapped
from console.mapping_place import place_of
from console.web.admin.mapping_seen import offered
from mappings.engine import load
from mappings.errors import MappingFileError

if TYPE_CHECKING:
    from console.web.desk import Visit

_NAMED = 8
"""Fields without a source that are named of each stream."""


class Step(NamedTuple):
    """One stream and how far its mapping is."""

    stream: str
    entity: str
    filled: int
    left: int
    """Canonical fields that nothing fills."""
    named: list[str]
    """The first of them, as people call them."""


def steps(visit: Visit, system: str) -> list[Step]:
    """Each stream that is read of a system."""
    settings = visit.desk.settings
    place, chosen = place_of(settings, system), settings.systems[system].streams
    try:
        mapping = load(place.source, place.zone) if place.source else None
    except MappingFileError:
        mapping = None
    if mapping is None:
        return [Step(spec.name, spec.entity, 0, 0, []) for spec in offered(settings, system)]
    found = []
    for name, stream in mapping.streams.items():
        if chosen and name not in chosen:
            continue
        covered = mapped.cover(mapping, name, system, [])
        named = [visit.texts.name("field", item.rpartition(".")[2]) for item in covered.not_mapped[:_NAMED]]
        found.append(Step(name, stream.entity, len(covered.mapped), len(covered.not_mapped), named))
    return found
