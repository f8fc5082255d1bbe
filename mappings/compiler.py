"""Turn a checked stream into one Python function from raw bytes to stored tuples.

The function's source is kept (``Compiled.source``) and reads like a mapping written by hand. For messages and
``ltc mappings test`` each field is also compiled on its own, from the same expressions.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from mappings import conditions, convert, expression, paths
from mappings.currencies import EXPONENTS, exponent
from mappings.definition import Definition, Lines, Status
from mappings.errors import Unusable
from mappings.expression import Emitter, Expression
from mappings.model import ENTITIES, LINES, columns


class Mapped(NamedTuple):
    """A mapped record: its canonical row and line rows, in the order of ``mappings.model.columns``.

    The row of a record that the mapping skips is empty.
    """

    row: tuple[Any, ...]
    lines: list[tuple[Any, ...]]

    @property
    def skipped(self) -> bool:
        """Whether the record is none of our business."""
        return not self.row


SKIPPED = Mapped((), [])

FieldFunction = Callable[[str, dict[str, Any], dict[str, Any] | None, int | None], Any]
"""One field alone: (source id, record, line, the currency's decimals) → value."""


@dataclass
class FieldCode:
    """One field on its own."""

    name: str
    paths: tuple[str, ...]
    value: FieldFunction
    raw: FieldFunction


@dataclass
class Compiled:
    """What the compiler made of a stream."""

    source: str
    record: Callable[..., Mapped]
    """(system, source id, body[, what is shown the decoded record before it is mapped])."""
    fields: list[FieldCode] = field(default_factory=list)
    line_fields: list[FieldCode] = field(default_factory=list)
    skips: FieldFunction | None = None
    skips_line: FieldFunction | None = None
    may_write: dict[str, FieldFunction] = field(default_factory=dict)


def line_items(value: Any) -> list[dict[str, Any]]:
    """The line objects at a document's line path: a list, one object, or nothing."""
    if value is None:
        return []
    items = value if type(value) is list else [value]
    if any(type(item) is not dict for item in items):
        raise Unusable("is not a list of objects")
    return items


def refuse_null() -> None:
    """A NUL character cannot be stored as text on every database."""
    raise Unusable("holds a NUL character")


def missing(name: str) -> None:
    """Raise for a required field without a value."""
    raise Unusable(f"is missing: {name} is required")


def status_of(table: dict[str | None, str], value: Any) -> str:
    """The canonical status of a source status; one that is not listed is ``Unusable``."""
    key = convert.text(value)
    try:
        return table[key]
    except KeyError:
        listed = ", ".join(known for known in table if known is not None)
        raise Unusable(f"is not a status the mapping knows: {listed}") from None


def unique_numbers(lines: list[tuple[Any, ...]]) -> None:
    """Refuse lines that share a mapped ``line_no``."""
    if len({line[0] for line in lines}) != len(lines):
        raise Unusable("two lines have the same line_no")


def _namespace() -> dict[str, Any]:
    helpers = (
        convert.text,
        convert.money,
        convert.number,
        convert.integer,
        convert.day,
        convert.instant,
        convert.flag,
        convert.ref,
        convert.refs,
        expression.first_of,
        expression.fill,
        expression.match_one,
        expression.find_all,
        expression.look_up,
        conditions.holds,
        paths.walk,
        exponent,
        convert.decode,
        line_items,
        refuse_null,
        missing,
        status_of,
        unique_numbers,
    )
    named = {getattr(helper, "__name__", "decode"): helper for helper in helpers}
    return {**named, "decode": convert.decode, "NONE": {}, "EXPONENTS": EXPONENTS, "Mapped": Mapped, "SKIPPED": SKIPPED}


def compile_stream(definition: Definition, zone: str = "UTC") -> Compiled:
    """The functions of a stream; ``zone`` is that of times that name none, where `local_instant` reads them."""
    namespace = _namespace() | {expression.ZONE: zone}
    emitter = Emitter(namespace)
    body = _record_body(definition, emitter)
    source = "def record(system, source_id, body, look=None):\n" + "".join(f"    {line}\n" for line in body)
    exec(compile(source, f"<mapping {definition.stream}>", "exec"), namespace)  # noqa: S102
    compiled = Compiled(source, namespace["record"])
    _field_functions(definition, compiled, namespace)
    return compiled


def _record_body(definition: Definition, emitter: Emitter) -> list[str]:
    skip = f"if {conditions.emit(emitter, definition.skip)}: return SKIPPED" if definition.skip else ""
    currency = definition.fields.get("currency")
    values = {"system": "system", "source_id": "source_id", "currency": "currency"}
    assignments = [f"currency = {emitter.value(currency)}"] if currency else ["currency = None"]
    assignments.append("exponent = EXPONENTS[currency] if currency in EXPONENTS else exponent_of(currency)")
    emitter.namespace["exponent_of"] = exponent
    if definition.status:
        assignments += _status_statements(definition.status, emitter)
        values |= {"status": "status", "source_status": "source_status"}
    for name, item in definition.fields.items():
        if name != "currency":
            values[name] = f"f_{name}"
            assignments.append(f"f_{name} = {emitter.value(item)}")
    checks = [f"if {values[name]} is None: missing({name!r})" for name in definition.required if name in values]
    row = ", ".join(values.get(column.name, "None") for column in columns(ENTITIES[definition.entity]))
    lines = _lines_statements(definition.lines, definition.entity, emitter) if definition.lines else []
    return [
        "if b'\\\\u0000' in body: refuse_null()",
        "d = decode(body)",
        "if type(d) is not dict: raise TypeError",
        "if look is not None: look(d)",
        *emitter.statements,
        *([skip] if skip else []),
        *assignments,
        *checks,
        *lines,
        f"return Mapped(({row}), {'lines' if definition.lines else '[]'})",
    ]


def _status_statements(status: Status, emitter: Emitter) -> list[str]:
    table = emitter.constant(status.table)
    statements = [
        f"raw_status = {emitter.source(status.expression)}",
        "source_status = text(raw_status)",
        f"status = status_of({table}, source_status)",
    ]
    for place, item in enumerate(status.refinements):
        before = f"status == {item.before!r} and " if item.before else ""
        test = conditions.emit(emitter, [item.condition])
        statements.append(f"{'elif' if place else 'if'} {before}{test}: status = {item.after!r}")
    return statements


def _lines_statements(lines: Lines, entity: str, emitter: Emitter) -> list[str]:
    line_emitter = Emitter(emitter.namespace, "l")
    skip = f"if {conditions.emit(line_emitter, lines.skip)}: continue" if lines.skip else ""
    values = {name: line_emitter.value(item) for name, item in lines.fields.items()}
    numbered = "line_no" in values
    values.setdefault("line_no", "n")
    row = ", ".join(values.get(column.name, "None") for column in columns(LINES[entity].model))
    return [
        "lines = []",
        "n = 0",
        f"for l in line_items({emitter.path(lines.path)}):",
        *(f"    {statement}" for statement in line_emitter.statements),
        *([f"    {skip}"] if skip else []),
        "    n += 1",
        f"    lines.append(({row}))",
        *(["unique_numbers(lines)"] if numbered else []),
    ]


def _field_functions(definition: Definition, compiled: Compiled, namespace: dict[str, Any]) -> None:
    for name, item in definition.fields.items():
        compiled.fields.append(_field(name, item, namespace, "d"))
    if definition.status:
        compiled.fields.append(_status_field(definition.status, namespace))
    if definition.skip:
        compiled.skips = _function(definition.stream, namespace, "d", lambda e: conditions.emit(e, definition.skip))
    for name, write in definition.write.items():
        if write.when is not None:
            compiled.may_write[name] = _test(name, namespace, write.when)
    if definition.lines:
        lines = definition.lines
        compiled.line_fields = [_field(name, item, namespace, "l") for name, item in lines.fields.items()]
        if lines.skip:
            compiled.skips_line = _function("lines", namespace, "l", lambda e: conditions.emit(e, lines.skip))


def _test(name: str, namespace: dict[str, Any], condition: conditions.Condition) -> FieldFunction:
    return _function(name, namespace, "d", lambda emitter: conditions.emit(emitter, [condition]))


def _field(name: str, item: Expression, namespace: dict[str, Any], scope: str) -> FieldCode:
    value = _function(name, namespace, scope, lambda emitter: emitter.value(item))
    raw = _function(name, namespace, scope, lambda emitter: emitter.raw(item))
    return FieldCode(name, item.sources, value, raw)


def _status_field(status: Status, namespace: dict[str, Any]) -> FieldCode:
    def statements(emitter: Emitter) -> str:
        body = _status_statements(status, emitter)
        emitter.statements += body
        return "status"

    value = _function("status", namespace, "d", statements)
    raw = _function("status", namespace, "d", lambda emitter: emitter.raw(status.expression))
    return FieldCode("status", status.expression.sources, value, raw)


def _function(name: str, namespace: dict[str, Any], scope: str, code: Callable[[Emitter], str]) -> FieldFunction:
    emitter = Emitter(namespace, scope)
    result = code(emitter)
    lines = [*emitter.statements, f"return {result}"]
    source = "def field(source_id, d, l, exponent):\n" + "".join(f"    {line}\n" for line in lines)
    own = dict(namespace)
    exec(compile(source, f"<mapping field {name}>", "exec"), own)  # noqa: S102
    made: FieldFunction = own["field"]
    return made
