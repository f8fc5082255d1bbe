"""What records in quarantine are called, many at a time: by their mapping, and never by what is about a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console import mappings_kept
from mappings import paths
from mappings.engine import explain_some
from mappings.errors import MappingError, MappingFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy.engine import Connection

    from mappings.engine import Explained, Mapping, StreamMapping
    from settings.model import Settings
    from state.corrections import Correction
    from state.quarantine import Refused

_NAMES = ("number", "name", "company_name")
"""Canonical fields by which people know a record."""
_LARGEST = 64 * 1024
"""Bytes of a record's body as it is kept; a larger one is not read for its name."""
_LONGEST = 80
"""Characters of a name that are shown."""


def called(connection: Connection, settings: Settings, found: Sequence[Refused | Correction]) -> dict[int, str]:
    """Number and name of records in, or edited in, quarantine, by record id, as far as their mapping makes them.

    One whose number cannot be read any more has that of the last version that could be mapped. What is about a person,
    or cannot be told from it, is left out, and so is what only repeats the id.
    """
    from state import lookup
    from state.failures import StoreError

    try:
        bodies = lookup.bodies(connection, [item.record_id for item in found], _LARGEST)
    except StoreError:
        return {}  # the key of the store is not at hand; the list is of use without names
    told: dict[int, list[str]] = {}
    for (system, stream), items in _by_stream(found).items():
        mapping = _mapping(settings, system)
        if mapping is not None and stream in mapping.streams:
            for item in items:
                told[item.record_id] = _of(mapping, stream, item.source_id, bodies.get(item.record_id, b""))
    for record_id, number in _numbers(connection, [item for item in found if not told.get(item.record_id)]).items():
        told[record_id] = [number]
    return {item.record_id: text for item in found if (text := _joined(told.get(item.record_id, []), item.source_id))}


def _by_stream(found: Sequence[Refused | Correction]) -> dict[tuple[str, str], list[Refused | Correction]]:
    grouped: dict[tuple[str, str], list[Refused | Correction]] = {}
    for item in found:
        grouped.setdefault((item.system, item.stream), []).append(item)
    return grouped


def _of(mapping: Mapping, stream: str, source_id: str, body: bytes) -> list[str]:
    chosen = mapping.stream(stream)
    try:
        steps = {item.name: item for item in explain_some(mapping, stream, body, source_id, {*_NAMES, "kind"})}
    except MappingError:
        return []  # not even an object
    private = _private(chosen, steps.get("kind"))
    read = (steps[name] for name in _NAMES if name in steps and name not in private)
    hidden = [path for name in private if name in chosen.definition.fields for path in _sources(chosen, name)]
    return [str(item.value) for item in read if item.value and not item.error and not _touches(item, hidden)]


def _private(chosen: StreamMapping, kind: Explained | None) -> set[str]:
    """Canonical fields that are about a person in such a record, as far as its ``kind`` says that it is one."""
    from console.records import PERSONAL

    may_be_one = kind is not None and (kind.value == "person" or kind.error is not None)
    return {*chosen.personal, *PERSONAL, *(("name", "legal_name") if may_be_one else ())}


def _sources(chosen: StreamMapping, name: str) -> Iterable[str]:
    return map(paths.general, chosen.definition.fields[name].sources)


def _touches(item: Explained, hidden: Sequence[str]) -> bool:
    """Whether it shows what is hidden, read from the same place, or looks like somebody's address."""
    from console.mapped import is_address

    own = [paths.general(path) for path in paths.apart(item.path)]
    pairs = ((one, two) for one in own for two in hidden)
    within = any(one == two or one.startswith(f"{two}.") or two.startswith(f"{one}.") for one, two in pairs)
    return within or is_address(str(item.value))


def _numbers(connection: Connection, found: Sequence[Refused | Correction]) -> dict[int, str]:
    """Numbers of the versions that were mapped last."""
    from console.mapped import is_address
    from state import named

    known = named.records(connection, [item.record_id for item in found])
    numbers = {record_id: str(row["number"] or "") for record_id, row in known.items()}
    return {record_id: number for record_id, number in numbers.items() if number and not is_address(number)}


def _joined(parts: Sequence[str], source_id: str) -> str:
    text = " · ".join(dict.fromkeys(part for part in parts if part != source_id))
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _mapping(settings: Settings, system: str) -> Mapping | None:
    """The system's mapping; ``None`` if it cannot be read, or ltc.yaml does not name the system any more."""
    from sync.systems import SystemUnusable

    try:
        return mappings_kept.mapping_for(settings, system) if system in settings.systems else None
    except (MappingFileError, SystemUnusable):
        return None
