"""The ``create`` section of a stream: what a record is made of that does not exist yet in the source.

Each source field is given by the canonical field it shows (read backwards through the mapping of that field where that
has a table), by a constant, or by the target system's own id of the customer or the product.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from mappings import expression
from mappings.convert import EXACT
from mappings.errors import MappingError, MappingFileError, Unusable, shown
from mappings.model import ENTITIES, LINES, columns
from mappings.transforms import TRANSFORMS
from yamlfiles.reading import Located, is_one_of

if TYPE_CHECKING:
    from mappings.definition import Definition
    from mappings.expression import Expression

PARTY, PRODUCT = "party", "product"
"""Names in a row to be made under which the target system's own ids of customer and product are given."""

_KEYS = ("key", "fields", "lines")
_SOURCES = ("field", "first", "value", PARTY, PRODUCT)
_OPTIONS = ("do", "values", "default", "most")
_BACKWARDS: dict[str, Callable[[Decimal], Decimal]] = {
    "percent": lambda value: EXACT.multiply(value, 100),
    "negate": EXACT.minus,
}
"""Transforms that change the value itself, not only how it is written, the other way round."""


@dataclass(frozen=True)
class Part:
    """One source field of the record to be made. ``names``: canonical fields; the first that holds something counts."""

    source: str
    names: tuple[str, ...] = ()
    constant: Any = None
    values: Mapping[str, Any] = field(default_factory=dict)
    do: tuple[str, ...] = ()
    default: Any = None
    most: int | None = None
    """A text is cut to so many characters."""
    where: str = ""


@dataclass(frozen=True)
class Create:
    """How records are created in one stream."""

    key: str
    """Source field for the external key."""
    parts: tuple[Part, ...]
    into: str = ""
    """Source field for the lines; empty: none are sent."""
    line_parts: tuple[Part, ...] = ()

    def names(self, source: str) -> tuple[str, ...]:
        """The canonical fields that a source field shows; empty for a constant."""
        return next((part.names for part in self.parts if part.source == source), ())

    def needs(self, name: str) -> bool:
        """Whether the record needs the target system's id of the customer (``PARTY``) or of products (``PRODUCT``)."""
        return any(name in part.names for part in (*self.parts, *self.line_parts))


def parse(spec: Any, where: str, definition: Definition) -> Create:
    """Check the section; raises ``MappingFileError`` with file, line, stream and field."""
    stream = definition.stream
    if not isinstance(spec, Located):
        raise MappingFileError(where, f"`create` of {stream} needs `key:` and `fields:`.")
    _only(spec, _KEYS, stream)
    key = spec.get("key")
    if not isinstance(key, str) or not key:
        remedy = "It carries the external key by which the record is found again."
        raise MappingFileError(spec.at("key"), f"`create.key` of {stream} must be a source field.", remedy)
    entity = definition.entity
    known = {*(column.name for column in columns(ENTITIES[entity])), PARTY} - {"system", "source_id"}
    reader = _Reader(stream, known, {**definition.fields}, _tables(definition))
    parts = reader.parts(spec.get("fields"), spec.at("fields"), "create.fields")
    taken = next((part for part in parts if part.source == key), None)
    if taken is not None:
        raise MappingFileError(taken.where, f"`{key}` of {stream} carries the external key and nothing else.")
    given = spec.get("lines")
    if given is None:
        return Create(key, parts)
    at = spec.at("lines")
    if entity not in LINES:
        raise MappingFileError(at, f"{entity} ({stream}) has no lines.", f"Those that do: {', '.join(LINES)}.")
    if not isinstance(given, Located) or not isinstance(given.get("into"), str):
        raise MappingFileError(at, f"`create.lines` of {stream} needs `into:` and `fields:`.")
    _only(given, ("into", "fields"), stream)
    of_line = {*(column.name for column in columns(LINES[entity].model)), PRODUCT}
    read = dict(definition.lines.fields) if definition.lines else {}
    lines = _Reader(stream, of_line, read, {}).parts(given.get("fields"), given.at("fields"), "create.lines.fields")
    return Create(key, parts, given["into"], lines)


def _tables(definition: Definition) -> dict[str, Mapping[str, Any]]:
    """Canonical → source words, where writing back has them already."""
    found: dict[str, Mapping[str, Any]] = {name: item.values for name, item in definition.write.items() if item.values}
    if definition.status is not None and definition.status.reverse:
        found["status"] = {**definition.status.reverse, **found.get("status", {})}
    return found


def _only(spec: Located, keys: Sequence[str], stream: str) -> None:
    for key in spec:
        if key not in keys:
            known = f"Known: {', '.join(keys)}."
            raise MappingFileError(spec.at(key), f"`{key}` is not known in `create` of {stream}.", known)


class _Reader:
    """Reads the parts of a record, or those of a line."""

    def __init__(
        self, stream: str, known: set[str], fields: dict[str, Expression], tables: dict[str, Mapping[str, Any]]
    ) -> None:
        self._stream = stream
        self._known = known
        self._fields = fields
        self._tables = tables

    def parts(self, spec: Any, where: str, name: str) -> tuple[Part, ...]:
        """All of them."""
        if not isinstance(spec, Located) or not spec:
            raise MappingFileError(where, f"`{name}` of {self._stream} must be a table: source field → its value.")
        return tuple(
            self._part(str(source), item, spec.at(source)) for source, item in spec.items() if item is not None
        )

    def _part(self, source: str, item: Any, where: str) -> Part:
        if isinstance(item, str):
            return Part(source, (self._name(item, source, where),), values=self._table(item, where), where=where)
        given = [key for key in _SOURCES if isinstance(item, Located) and key in item]
        if len(given) != 1:
            forms = f"{{{'}, {'.join(f'{key}: …' for key in _SOURCES)}}}"
            text = f"`{source}` of {self._stream} must be a canonical field, or one of {forms}."
            raise MappingFileError(where, text)
        kind = given[0]
        _only(item, (kind, *_OPTIONS), self._stream)
        if kind == "value":
            if isinstance(item[kind], dict | list):
                raise MappingFileError(
                    item.at(kind), f"`{source}` of {self._stream}: a constant is one word or number."
                )
            return Part(source, constant=item[kind], where=where)
        return self._of_row(source, item, kind, where)

    def _of_row(self, source: str, item: Located, kind: str, where: str) -> Part:
        named = item[kind] if kind == "first" else [kind if kind in (PARTY, PRODUCT) else item[kind]]
        if not isinstance(named, list) or not named:
            raise MappingFileError(
                item.at(kind), f"`{source}` of {self._stream}: `first` is a list of canonical fields."
            )
        names = tuple(self._name(name, source, item.at(kind)) for name in named)
        values = item.get("values")
        if values is not None and not isinstance(values, dict):
            text = f"`{source}` of {self._stream}: `values` must be a table: canonical value → source value."
            raise MappingFileError(item.at("values"), text)
        most = item.get("most")
        if most is not None and (type(most) is not int or most < 1):
            raise MappingFileError(item.at("most"), f"`{source}` of {self._stream}: `most` is a number of characters.")
        table = values if values is not None else self._table(names[0], where) if len(names) == 1 else {}
        do = expression.transforms(item, item.at) if item.get("do") else ()
        return Part(source, names, None, dict(table), do, item.get("default"), most, where)

    def _name(self, name: Any, source: str, where: str) -> str:
        if is_one_of(name, self._known):
            return str(name)
        near = difflib.get_close_matches(str(name), self._known, 1)
        remedy = f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(sorted(self._known))}."
        raise MappingFileError(where, f"`{source}` of {self._stream}: there is no field `{name}` here.", remedy)

    def _table(self, name: str, where: str) -> Mapping[str, Any]:
        """The words of a canonical field, from writing it back or from reading it."""
        if name in self._tables:
            return self._tables[name]
        read = self._fields.get(name)
        if read is None or read.values is None:
            return {}
        found: dict[str, Any] = dict(read.write)
        for source, canonical in read.values.items():
            if source is None or canonical is None or str(canonical) in read.write:
                continue
            if str(canonical) in found:
                text = f"`{name}` of {self._stream}: several source values stand for `{canonical}`."
                raise MappingFileError(where, text, f"Say which one in the field: `write: {{{canonical}: {source}}}`.")
            found[str(canonical)] = source
        return found


def made(
    definition: Definition, create: Create, row: Mapping[str, Any], lines: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The source fields of a new record but its key: those that there is a value for.

    ``row`` and ``lines`` are by canonical field, with money and numbers as ``Decimal`` in major units, days and
    instants as ISO text, references without their scheme, and ids of the target system under ``PARTY`` and ``PRODUCT``.
    Raises ``MappingError`` for a value that the source has no word for.
    """
    values = dict(_shown(create.parts, row, definition.fields, definition.personal))
    if create.into:
        read = definition.lines.fields if definition.lines else {}
        values[create.into] = [dict(_shown(create.line_parts, line, read, definition.personal)) for line in lines]
    return values


def _shown(
    parts: Sequence[Part], row: Mapping[str, Any], fields: Mapping[str, Expression], personal: frozenset[str]
) -> Iterator[tuple[str, Any]]:
    for part in parts:
        value = _value(part, row, fields, personal) if part.names else part.constant
        if value not in (None, ""):
            yield part.source, value


def _value(part: Part, row: Mapping[str, Any], fields: Mapping[str, Expression], personal: frozenset[str]) -> Any:
    name = next((name for name in part.names if row.get(name) not in (None, "")), None)
    if name is None:
        return part.default
    value = row[name]
    hidden = name in personal
    if part.values:
        if value not in part.values:
            reason = f"has no counterpart in {part.source}; known: {', '.join(part.values)}"
            raise MappingError(name, shown(value, hidden), reason)
        value = part.values[value]
    try:
        for step in reversed(fields[name].do) if name in fields and isinstance(value, Decimal) else ():
            value = _BACKWARDS[step](value) if step in _BACKWARDS else value
        for step in part.do:
            value = TRANSFORMS[step](value)
    except (Unusable, TypeError, ArithmeticError) as error:
        raise MappingError(name, shown(value, hidden), str(error)) from error
    return value[: part.most] if part.most and isinstance(value, str) else value
