"""Which values of a record are about a person, and a record without them: what an erasure leaves of it.

What nothing maps goes, too: nobody knows what is in there. What stays are ids, references, statuses, dates and amounts.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any

from mappings import paths
from mappings.engine import decode
from mappings.errors import ERASED
from mappings.model import ENTITIES, Kind, columns

if TYPE_CHECKING:
    from mappings.conditions import Condition
    from mappings.definition import Definition
    from mappings.engine import StreamMapping
    from mappings.expression import Expression

PERSONAL: dict[str, frozenset[str]] = {
    "party": frozenset({"email", "phone", "address_line"}),
    "contact": frozenset({"first_name", "last_name", "email", "phone"}),
    "lead": frozenset({"contact_name", "email", "phone"}),
}
"""Canonical fields about a person, by the entities that may be one; a mapping's ``personal`` adds to them.

Of a party that is an organisation only these, since its name is a company's.
"""
Path = tuple[str, ...]

_UNREADABLE = (ValueError, RecursionError)
_NEVER = ("system", "source_id", "number", "status", "source_status", "currency", "kind", "url", "owner_ref")


@dataclass(frozen=True, slots=True)
class Parts:
    """The fields and paths of one stream's records that are about a person, and those that are not."""

    fields: frozenset[str]
    """Canonical fields to be erased: the personal ones, and texts made of the same source values."""
    dropped: tuple[Path, ...]
    kept: tuple[Path, ...]
    """Those of ids, references, statuses and amounts stay even if a personal field reads them, too."""
    required: tuple[Path, ...]
    """Where a mapping that requires an erased text finds a placeholder."""


@cache
def parts(mapping: StreamMapping, organisation: bool = False) -> Parts:
    """What of a stream's records is about a person; entities that are none have no such fields."""
    definition = mapping.definition
    known = PERSONAL.get(definition.entity)
    kinds = {column.name: column.kind for column in columns(ENTITIES[definition.entity])}
    if known is None:
        return Parts(frozenset(), (), (), ())
    named = {name for name in known | (frozenset() if organisation else definition.personal) if name in kinds}
    personal = {name: item for name, item in definition.fields.items() if name in named}
    dropped = tuple(_general(path) for item in personal.values() for path in item.sources)
    always, others = _sources(definition, kinds, named)
    touched = {
        name
        for name, item in others.items()
        if kinds[name] is Kind.TEXT and any(_overlap(_general(path), dropped) for path in item.sources)
    }
    kept = [_general(path) for name, item in others.items() if name not in touched for path in item.sources]
    required = tuple(
        _general(personal[name].sources[0])
        for name in definition.required
        if name in personal and kinds[name] is Kind.TEXT and personal[name].sources
    )
    return Parts(frozenset(named | touched), dropped, (*always, *kept), required)


def _sources(
    definition: Definition, kinds: dict[str, Kind], named: set[str]
) -> tuple[tuple[Path, ...], dict[str, Expression]]:
    """The paths that must stay, and the other fields, which may share a path with a personal one."""
    always: list[str] = []
    others: dict[str, Expression] = {}
    for name, item in definition.fields.items():
        if name not in named and (name in _NEVER or kinds[name] is not Kind.TEXT):
            always += item.sources
        elif name not in named:
            others[name] = item
    if definition.status:
        always += definition.status.expression.sources
        always += _of_conditions(item.condition for item in definition.status.refinements)
    always += _of_conditions(definition.skip)
    for name, write in definition.write.items():
        if name not in named:
            always.append(write.read)
        always += _of_conditions([write.when] if write.when is not None else [])
    return tuple(_general(path) for path in always if path != paths.SOURCE_ID), others


def _of_conditions(conditions: Iterable[Condition]) -> list[str]:
    return [path for condition in conditions for path in condition.expression.sources]


def _general(path: str) -> Path:
    return tuple("*" if isinstance(step, int) else step for step in paths.parse(path))


def _overlap(path: Path, others: Iterable[Path]) -> bool:
    return any(path[: len(other)] == other or other[: len(path)] == path for other in others)


def _under(path: Path, others: Iterable[Path]) -> bool:
    return any(path[: len(other)] == other for other in others)


def without_person(mapping: StreamMapping, body: bytes, organisation: bool = False) -> bytes:
    """A record's bytes without what is about a person; an empty object where they are none of a known form."""
    found = parts(mapping, organisation)
    try:
        document = decode(body)
    except _UNREADABLE:
        document = None
    if type(document) is not dict:
        return b"{}"
    left = _reduced(document, (), found)
    document = left if type(left) is dict else {}
    for path in found.required:
        _put(document, path)
    return encode(document)


def _reduced(value: Any, path: Path, found: Parts) -> Any:
    """What may stay of a value; ``None`` if nothing does. Lists keep their places."""
    if type(value) is dict:
        left = {key: _reduced(item, (*path, key), found) for key, item in value.items()}
        return {key: item for key, item in left.items() if item is not None} or None
    if type(value) is list:
        items = [_reduced(item, (*path, "*"), found) for item in value]
        return [{} if item is None else item for item in items] if any(item is not None for item in items) else None
    return value if _under(path, found.kept) else None


def _put(document: dict[str, Any], path: Path) -> None:
    """Put the placeholder where a mapping looks for a required text."""
    here = document
    for step in path[:-1]:
        below = here.setdefault(step, {})
        if type(below) is not dict:
            return
        here = below
    if path[-1] != "*":
        here.setdefault(path[-1], ERASED)


def values(mapping: StreamMapping, body: bytes, organisation: bool = False) -> set[str]:
    """The texts and numbers of a record, as the source has them, that are about a person."""
    dropped = parts(mapping, organisation).dropped
    try:
        document = decode(body)
    except _UNREADABLE:
        return set()
    return {str(leaf) for path, leaf in leaves(document) if _under(path, dropped)}


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every text and number of a record with its path; items of lists are ``*``."""
    if type(value) is dict:
        for key, item in value.items():
            yield from leaves(item, (*path, key))
    elif type(value) is list:
        for item in value:
            yield from leaves(item, (*path, "*"))
    elif value is not None and type(value) is not bool:
        yield path, value


def encode(value: Any) -> bytes:
    """A decoded record as JSON again, its numbers digit by digit as they were."""
    return "".join(_written(value)).encode()


def _written(value: Any) -> Iterator[str]:
    if type(value) is dict:
        for place, (key, item) in enumerate(value.items()):
            yield f"{',' if place else '{'}{json.dumps(key, ensure_ascii=False)}:"
            yield from _written(item)
        yield "}" if value else "{}"
    elif type(value) is list:
        for place, item in enumerate(value):
            yield "," if place else "["
            yield from _written(item)
        yield "]" if value else "[]"
    elif isinstance(value, Decimal):
        yield str(value)
    else:
        yield json.dumps(value, ensure_ascii=False)
