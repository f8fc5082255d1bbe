"""A stream's part of a mapping file, checked: every name, status, table and path, each error with file and line."""

from __future__ import annotations

import dataclasses
import difflib
import re
from dataclasses import dataclass
from typing import Any

from mappings import conditions, convert, creation, expression
from mappings.conditions import Condition
from mappings.creation import Create
from mappings.errors import MappingFileError
from mappings.expression import Expression
from mappings.model import ENTITIES, LINES, Column, Kind, columns
from mappings.statuses import STATUSES
from yamlfiles.reading import Located, is_one_of

ERROR_NOTE = "error_note"
"""Stands in ``write`` for the field that shows why a record could not be written (``errors_to``); not canonical."""

_STREAM_KEYS = (
    *("entity", "skip", "fields", "status", "required", "personal", "lines", "write", "errors_to", "create"),
)
_STATUS_KEYS = ("path", "first", "const", "template", "do", "match", "values", "default", "write", "refine")
_FIXED = ("system", "source_id", "status")


@dataclass
class Refinement:
    """After the table: a record of status ``before`` for which ``condition`` holds has status ``after``."""

    before: str | None
    condition: Condition
    after: str


@dataclass
class Status:
    """The two-way status table."""

    expression: Expression
    table: dict[str | None, str]
    reverse: dict[str, str]
    refinements: list[Refinement] = dataclasses.field(default_factory=list)


@dataclass
class Lines:
    """The document's lines."""

    path: str
    fields: dict[str, Expression]
    skip: list[Condition]


@dataclass
class Write:
    """Where a canonical field is shown in the source, and how its value is written there."""

    field: str
    read: str
    match: re.Pattern[str] | None = None
    """The part of what ``read`` leads to that shows the value, where the source keeps more in one place."""
    when: Condition | None = None
    """The records that the source lets us write; ``None``: all."""
    do: tuple[str, ...] = ()
    values: dict[str, Any] = dataclasses.field(default_factory=dict)


@dataclass
class Definition:
    """One stream, ready to be compiled."""

    stream: str
    entity: str
    fields: dict[str, Expression]
    status: Status | None
    skip: list[Condition]
    required: tuple[str, ...]
    personal: frozenset[str]
    lines: Lines | None
    write: dict[str, Write]
    create: Create | None = None


def parse(stream: str, spec: Any, where: str) -> Definition:
    """Check a stream; raises ``MappingFileError``."""
    if not isinstance(spec, Located):
        raise MappingFileError(where, f"stream `{stream}` must have `entity:` and `fields:`.")
    _only(spec, _STREAM_KEYS)
    entity = spec.get("entity")
    if not isinstance(entity, str) or entity not in ENTITIES:
        raise MappingFileError(spec.at("entity"), f"there is no entity `{entity}`.", f"Known: {', '.join(ENTITIES)}.")
    known = {column.name: column for column in columns(ENTITIES[entity])}
    fields = _fields(spec.get("fields"), known, spec.at("fields"))
    status = _status(entity, spec["status"], spec.at("status")) if spec.get("status") is not None else None
    names = {*known, *(_line_columns(entity) if spec.get("lines") else ())}
    found = Definition(
        stream,
        entity,
        fields,
        status,
        _skip(spec),
        tuple(_names(spec, "required", {*known})),
        frozenset(_names(spec, "personal", names)),
        _lines(entity, spec["lines"], spec.at("lines")) if spec.get("lines") is not None else None,
        {**_write(spec, known, fields, status), **_errors_to(spec)},
    )
    if spec.get("create") is not None:
        found.create = creation.parse(spec["create"], spec.at("create"), found)
    return found


def _only(spec: Located, keys: tuple[str, ...]) -> None:
    for key in spec:
        if key not in keys:
            raise MappingFileError(spec.at(key), f"`{key}` is not known here.", f"Known: {', '.join(keys)}.")


def _fields(spec: Any, known: dict[str, Column], where: str) -> dict[str, Expression]:
    if not isinstance(spec, Located):
        raise MappingFileError(where, "`fields` must be a table: canonical field → path.")
    found = {}
    for name, item in spec.items():
        if item is None:
            continue  # a site's file takes a field out with null
        if name in _FIXED or name not in known:
            raise MappingFileError(spec.at(name), f"there is no field `{name}` here.", _did_you_mean(name, known))
        found[name] = expression.parse(known[name], item, spec.at(name))
    return found


def _did_you_mean(name: Any, known: Any) -> str:
    if name in _FIXED:
        return "`status` has its own section; `system` and `source_id` are set by ltc."
    near = difflib.get_close_matches(str(name), [item for item in known if item not in _FIXED], 1)
    return f"Did you mean `{near[0]}`?" if near else f"Known: {', '.join(sorted(set(known) - set(_FIXED)))}."


def _names(spec: Located, key: str, known: Any) -> list[str]:
    names = spec.get(key) or []
    if not isinstance(names, list):
        raise MappingFileError(spec.at(key), f"`{key}` must be a list of canonical fields.")
    for name in names:
        if not is_one_of(name, known):
            raise MappingFileError(spec.at(key), f"there is no field `{name}` here.", _did_you_mean(name, known))
    return names


def _skip(spec: Located) -> list[Condition]:
    given = spec.get("skip")
    if given is None:
        return []
    return [conditions.parse(item, spec.at("skip")) for item in (given if isinstance(given, list) else [given])]


def _line_columns(entity: str) -> dict[str, Column]:
    return {column.name: column for column in columns(LINES[entity].model)} if entity in LINES else {}


def _lines(entity: str, spec: Any, where: str) -> Lines:
    known = _line_columns(entity)
    if not known:
        raise MappingFileError(where, f"`{entity}` has no lines.", f"Those that do: {', '.join(LINES)}.")
    if not isinstance(spec, Located) or not isinstance(spec.get("path"), str):
        raise MappingFileError(where, "`lines` needs `path:` and `fields:`.")
    _only(spec, ("path", "fields", "skip"))
    return Lines(spec["path"], _fields(spec.get("fields"), known, spec.at("fields")), _skip(spec))


def _status(entity: str, spec: Any, where: str) -> Status:
    if not isinstance(spec, Located):
        raise MappingFileError(where, "`status` needs `path:` and `values:`.")
    _only(spec, _STATUS_KEYS)
    known = STATUSES[entity]

    def checked(status: Any, place: str) -> str:
        if not is_one_of(status, known):
            raise MappingFileError(place, f"`{status}` is no status of {entity}.", f"Known: {', '.join(known)}.")
        return str(status)

    source = Located(spec.here)
    for key, value in spec.items():
        if key not in ("values", "write", "refine", "default"):
            source.put(key, value, spec.at(key))
    found = expression.parse(Column("status", Kind.TEXT, ""), source, where, source_only=True)
    if found.how == "const":
        return Status(found, {str(found.const): checked(found.const, where)}, {})
    values = expression.table(spec.get("values"), spec.at("values"))
    for key, status in values.items():
        checked(status, spec["values"].at(key))
    if spec.get("default") is not None:
        values.setdefault(None, checked(spec["default"], spec.at("default")))
    return Status(found, values, _reverse(values, spec), _refinements(spec, checked))


def _refinements(spec: Located, checked: Any) -> list[Refinement]:
    found = []
    given = spec.get("refine") or []
    for item in given if isinstance(given, list) else [given]:
        if not isinstance(item, Located) or "when" not in item or "to" not in item:
            raise MappingFileError(spec.at("refine"), "`refine` is a list of `{from: …, when: {path: …}, to: …}`.")
        _only(item, ("from", "when", "to"))
        before = None if item.get("from") is None else checked(item["from"], item.at("from"))
        found.append(
            Refinement(before, conditions.parse(item["when"], item.at("when")), checked(item["to"], item.at("to")))
        )
    return found


def _reverse(values: dict[str | None, Any], spec: Located) -> dict[str, str]:
    """Canonical → source; a canonical status that several source values stand for needs an entry in ``write``."""
    chosen = spec.get("write") or Located(spec.here)
    if not isinstance(chosen, Located):
        raise MappingFileError(spec.at("write"), "`write` must be a table: canonical status → source value.")
    reverse: dict[str, list[str]] = {}
    for source, status in values.items():
        if source is not None:
            reverse.setdefault(str(status), []).append(source)
    for status, source in chosen.items():
        if status not in reverse:
            raise MappingFileError(chosen.at(status), f"no source value stands for `{status}`.")
        if isinstance(source, dict | list) or convert.text(source) not in reverse[status]:
            raise MappingFileError(
                chosen.at(status), f"`{source}` does not stand for `{status}`.", f"Known: {', '.join(reverse[status])}."
            )
        reverse[status] = [str(convert.text(source))]
    for status, sources in reverse.items():
        if len(sources) > 1:
            raise MappingFileError(
                spec.at("values"),
                f"`{status}` cannot be written back: {', '.join(sources)} all stand for it.",
                f"Say which one to write: `write: {{{status}: {sources[0]}}}`.",
            )
    return {status: sources[0] for status, sources in reverse.items()}


def _write(
    spec: Located, known: dict[str, Column], fields: dict[str, Expression], status: Status | None
) -> dict[str, Write]:
    found: dict[str, Write] = {}
    given = spec.get("write") or Located(spec.here)
    if not isinstance(given, Located):
        raise MappingFileError(spec.at("write"), "`write` must be a table: canonical field → source field.")
    for name, item in given.items():
        place = given.at(name)
        if item is None:
            continue
        if name not in known or name in ("system", "source_id"):
            raise MappingFileError(place, f"there is no field `{name}` here.", _did_you_mean(name, known))
        if known[name].kind is Kind.MONEY:
            raise MappingFileError(place, f"`{name}` is money, which is never written back.")
        if name == "status" and (status is None or not status.reverse):
            raise MappingFileError(place, "`status` cannot be written: there is no status table.")
        found[name] = _write_one(name, item, place, fields.get(name))
    return found


def _errors_to(spec: Located) -> dict[str, Write]:
    given = spec.get("errors_to")
    if given is None:
        return {}
    if not isinstance(given, str) or not given:
        raise MappingFileError(spec.at("errors_to"), "`errors_to` must be a source field.")
    return {ERROR_NOTE: Write(given, given)}


def _write_one(name: str, item: Any, place: str, read: Expression | None) -> Write:
    if isinstance(item, str):
        made = Write(item, item)
    elif isinstance(item, Located) and isinstance(item.get("field"), str):
        _only(item, ("field", "read", "match", "when", "do", "values"))
        shown_at = item.get("read") or item["field"]
        if not isinstance(shown_at, str):
            raise MappingFileError(item.at("read"), "`read` must be a path.")
        made = Write(item["field"], shown_at, do=expression.transforms(item, item.at))
        if item.get("match") is not None:
            made.match = expression.pattern(item["match"], item.at("match"), "match")
        if item.get("when") is not None:
            made.when = conditions.parse(item["when"], item.at("when"))
        values = item.get("values") or {}
        if not isinstance(values, dict):
            raise MappingFileError(item.at("values"), "`values` must be a table: canonical value → source value.")
        made.values = dict(values)
    else:
        raise MappingFileError(place, f"`{name}` must be a source field or `{{field: …}}`.")
    if read is not None and read.values is not None and not made.values:
        made.values = _reverse_values(read, place)
    return made


def _reverse_values(read: Expression, place: str) -> dict[str, Any]:
    reverse: dict[str, Any] = dict(read.write)
    for source, canonical in (read.values or {}).items():
        if source is None or canonical is None or is_one_of(canonical, read.write):
            continue
        if str(canonical) in reverse:
            raise MappingFileError(
                place,
                f"`{canonical}` cannot be written back: several source values stand for it.",
                f"Say which one in the field: `write: {{{canonical}: {source}}}`.",
            )
        reverse[str(canonical)] = source
    return reverse
