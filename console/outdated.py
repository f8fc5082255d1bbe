"""Which stored records were read by an older mapping: what is stored of them is not what the mapping makes of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from console import trial
from console.mapping_place import place_of
from console.trying import digest
from state import mapped
from state.lookup import Sample

if TYPE_CHECKING:
    from settings.model import Settings
    from state.mapped import AsMapped
    from state.store import Store

_MOST = 2000
"""Records of a stream that are looked at; where there are more, so many that are spread over all of them."""
_BYTES = 4_000_000


@dataclass(frozen=True, slots=True)
class Outdated:
    """How many of the stored records that were looked at were read by an older mapping; ``all`` is what is stored."""

    system: str
    stream: str
    count: int
    looked_at: int
    all: int

    @property
    def address(self) -> str:
        """Of the page of the stream's mapping."""
        return f"/mappings/{self.system}/{self.stream}"


class Stored(NamedTuple):
    """What is stored of a stream, to be compared with what its mapping makes of it."""

    records: list[AsMapped]
    all: int

    @property
    def samples(self) -> list[Sample]:
        """The records as they were received."""
        return [Sample(item.source_id, item.body) for item in self.records]

    def compared(self, system: str, stream: str, digests: Sequence[str]) -> Outdated:
        """With what ``console.trying.answer`` says of ``samples``."""
        stored = (digest(item.row, item.lines) for item in self.records)
        differ = sum(one != other for one, other in zip(stored, digests, strict=True))
        return Outdated(system, stream, differ, len(self.records), self.all)


def stored(store: Store, system: str, stream: str) -> Stored:
    """The records of a stream, or some of them where they are many or large."""
    with store.reading() as connection:
        found, count = mapped.spread(connection, system, stream, _MOST)
    left, kept = _BYTES, []
    for item in found:
        left -= len(item.body)
        if left >= 0:
            kept.append(item)
    return Stored(kept, count)


def of_file(store: Store, settings: Settings, file: str, systems: Iterable[str]) -> list[Outdated]:
    """Every stream of these systems whose mapping is this file and that has records read by an older one."""
    return [
        item
        for system in systems
        if system in settings.systems and place_of(settings, system).file == file
        for item in _of_system(store, settings, system)
        if item.count
    ]


def _of_system(store: Store, settings: Settings, system: str) -> list[Outdated]:
    """Of each stream; none where the mapping cannot be tried."""
    place = place_of(settings, system)
    with store.reading() as connection:
        names = mapped.streams(connection, system)
    held = {name: stored(store, system, name) for name in names}
    records = {name: item.samples for name, item in held.items()}
    try:
        found = trial.tried(system, place.source, {}, ("", ""), stored=records, zone=place.zone)["digests"]
    except trial.Broken:
        return []
    return [item.compared(system, name, found[name]) for name, item in held.items() if name in found]
