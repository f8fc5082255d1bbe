"""Whom the references of some records find, among what is stored and what was read just now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mappings import paths
from mappings.model import ENTITIES
from state import referred
from state.referred import OF_THE_SYSTEM

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

_NAMED_OTHERWISE = {"corrects": "invoice"}
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Beside:
    """Records of other streams of the system that were read just now: their entities with ids and numbers."""

    ids: dict[str, set[str]]
    numbers: dict[str, set[str]]

    @classmethod
    def of(cls, told: Iterable[Mapping[str, Any]]) -> Beside:
        """From what ``console.trying.answer`` says of them."""
        ids: dict[str, set[str]] = {}
        numbers: dict[str, set[str]] = {}
        for item in told:
            ids.setdefault(item["entity"], set()).update(item["ids"])
            numbers.setdefault(item["entity"], set()).update(item["numbers"])
        return cls(ids, numbers)

    def means(self, entity: str, ref: str) -> bool:
        """Whether a reference means one of them."""
        kind, _, value = ref.partition(":")
        if kind == "no":
            return entity not in OF_THE_SYSTEM and value in self.numbers.get(entity, ())
        return kind == "id" and value in self.ids.get(entity, ())


@dataclass(frozen=True, slots=True)
class Referring:
    """A reference field of some records: how many of them name a record, how many of these find it.

    ``nowhere``: no record of what it refers to is held at all, so that nothing can be said.
    """

    field: str
    entity: str
    named: int
    found: int
    nowhere: bool
    examples: tuple[tuple[str, str], ...]
    """Some that are found: what the source says, and what the record is called."""
    missing: tuple[str, ...]
    """Some that find nobody, as the source says them."""
    by_id: bool
    """Whether it is named by its id in the same system alone."""
    stands_in: tuple[str, str] | None = None
    """The stream and the field of it where what finds nobody stands: a name or a number, say."""


def target(entity: str, field: str) -> str | None:
    """What a reference field of an entity (``lines.NAME`` for one of its lines) refers to."""
    name = field.rpartition(".")[2].removesuffix("s").removesuffix("_ref")
    if name == "external":
        return entity
    name = _NAMED_OTHERWISE.get(name, name)
    return name if name in ENTITIES else None


def resolved(
    connection: Connection, system: str, entity: str, refs: Mapping[str, Mapping[str, int]], beside: Beside
) -> dict[str, Referring]:
    """Whom each field finds. ``refs``: field → reference → how many records name it."""
    return {
        field: _one(connection, system, of, field, counted, beside)
        for field, counted in refs.items()
        if counted and (of := target(entity, field)) is not None
    }


def _one(
    connection: Connection, system: str, entity: str, field: str, counted: Mapping[str, int], beside: Beside
) -> Referring:
    means = referred.found(connection, system, entity, counted)
    means |= {ref: _said(ref) for ref in counted if ref not in means and beside.means(entity, ref)}
    missing = [ref for ref in counted if ref not in means]
    return Referring(
        field,
        entity,
        sum(counted.values()),
        sum(count for ref, count in counted.items() if ref in means),
        not means and not beside.ids.get(entity) and not referred.has_any(connection, system, entity),
        tuple((_said(ref), means[ref]) for ref in counted if ref in means)[:_EXAMPLES],
        tuple(map(_said, missing))[:_EXAMPLES],
        entity in OF_THE_SYSTEM,
    )


def standing_in(missing: Iterable[str], documents: Mapping[str, Sequence[Any]]) -> tuple[str, str] | None:
    """The stream and its field that hold one of these values; ``documents`` are some records of each stream."""
    wanted = set(missing)
    for stream, records in documents.items():
        for record in records:
            for path, value in paths.leaves(record).items():
                if isinstance(value, (str, int)) and str(value) in wanted:
                    return stream, path
    return None


def _said(ref: str) -> str:
    return ref.partition(":")[2]
