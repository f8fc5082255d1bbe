"""The values that a field may take, as a form offers them: those that the mapping of its stream, or we, know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from mappings.model import ENTITIES, Kind, columns
from mappings.states import STATES

if TYPE_CHECKING:
    from mappings.engine import StreamMapping
    from settings.model import Settings


class Allowed(NamedTuple):
    """One value: in our terms, and the source's own word for it."""

    canonical: Any
    source: Any


def to_write(settings: Settings, system: str, stream: str, field: str) -> list[Allowed]:
    """What can be written into a canonical field; empty where any value can, or the mapping cannot be read."""
    mapper = _mapper(settings, system, stream)
    if mapper is None or field not in mapper.definition.write:
        return []
    table: dict[str, Any] = dict(mapper.definition.write[field].values)
    if field == "status" and mapper.definition.status:
        table = {**mapper.definition.status.reverse, **table}
    if not table:
        table = {word: word for word in STATES.get(field, ())}
    if not table and _kind(mapper.definition.entity, field) is Kind.FLAG:
        return [Allowed(True, True), Allowed(False, False)]
    return [Allowed(canonical, source) for canonical, source in table.items() if canonical is not None]


def to_read(settings: Settings, system: str, stream: str, field: str) -> list[Allowed]:
    """What the source may say where a canonical field is read; empty where it may say anything."""
    mapper = _mapper(settings, system, stream)
    if mapper is None:
        return []
    table: Mapping[Any, Any] = {}
    if field == "status":
        table = mapper.definition.status.table if mapper.definition.status else {}
    elif field in mapper.definition.fields:
        table = mapper.definition.fields[field].values or {}
    return [Allowed(canonical, source) for source, canonical in table.items() if source is not None]


def listed(settings: Settings, system: str, stream: str, path: str, text: str) -> tuple[str, str, Allowed] | None:
    """The kind of record, the canonical field and the value that a text means at a path of the source.

    ``None`` unless the mapping lists the words there and the text is one of them: anything else may be personal.
    """
    mapper = _mapper(settings, system, stream)
    if mapper is None:
        return None
    definition = mapper.definition
    read = {name: item.sources for name, item in definition.fields.items()}
    if definition.status:
        read["status"] = definition.status.expression.sources
    names = [name for name, sources in read.items() if path in sources]
    if not names or frozenset(mapper.personal) & set(names):
        return None
    found = (value for value in to_read(settings, system, stream, names[0]) if value.source == text)
    return next(((definition.entity, names[0], value) for value in found), None)


def _kind(entity: str, field: str) -> Kind | None:
    return next((column.kind for column in columns(ENTITIES[entity]) if column.name == field), None)


def _mapper(settings: Settings, system: str, stream: str) -> StreamMapping | None:
    from mappings.errors import MappingFileError
    from sync.systems import SystemUnusable, mapping_for

    try:
        return mapping_for(settings, system).stream(stream)
    except (MappingFileError, SystemUnusable, KeyError):
        return None
