"""The settings of a connector as the fields of a form, those of models within models too, and what was filled in.

What is secret is never typed here: a form takes the name of the environment variable, file or block that holds it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from textwrap import dedent
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from console import checking
from console.web.admin import shapes
from console.web.admin.references import Allowed, Mistyped
from console.web.admin.typed import read, shown
from mappings.model import ENTITIES
from settings import literals
from settings.secrets import REFERENCE

PREFIX = "config."
_ENTITY = "entity"
"""Within the settings of a stream: which record of ours its records become."""
MOST_ROWS = 40
"""Of one table: a form has a greatest size."""
_DEEPEST = 5
"""Names in a place that has fields within it; deeper down YAML is typed."""


@dataclass
class Field:
    """One setting. ``kind`` is text, number, flag, choice, list, secret, table (typed as YAML), group (the settings of
    one model) or rows (those of a model for each entry of a table or list)."""

    name: str
    kind: str
    required: bool
    default: str = ""
    about: str = ""
    place: str = ""
    """Where it is in the form: ``sftp.host``, ``streams.0.pattern``."""
    choices: tuple[str, ...] = ()
    named: str = ""
    """The group of words that has a name for each choice; empty where a choice is its own name."""
    example: str = ""
    sample: str = ""
    """Of a table: how it looks."""
    asked: bool = False
    """Whether it is shown at once though it may be left out."""
    value: str = ""
    raw: Any = None
    """What stands in ltc.yaml, ``None`` for nothing."""
    was: str = ""
    """The same, as it is typed."""
    source: str = ""
    """Of a secret: one of ``references.KINDS``, or ``keep`` for what stands in the file as it is."""
    problem: str = ""
    is_set: bool | None = None
    """Of a secret: whether there is something at its place now."""
    model: type[BaseModel] | None = None
    """Of a group and of rows."""
    is_table: bool = False
    """Of rows: whether each has a name, because they are a table and no list."""
    plain_names: bool = False
    """Of a table: whether its names must be as ``shapes.NAME`` says."""
    fields: list[Field] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)

    @property
    def next_row(self) -> str:
        """The place of a row that is added."""
        return f"{self.place}.{max((row.number for row in self.rows), default=-1) + 1}"

    @property
    def is_given(self) -> bool:
        """Whether anything is filled in."""
        if self.kind == "group":
            return any(item.is_given for item in self.fields)
        if self.kind == "rows":
            return bool(self.rows)
        if self.kind == "secret":
            return self.source == "keep" or bool(self.value)
        return self.value not in ("", self.default) or (self.raw is not None and self.value == self.was)

    @property
    def is_open(self) -> bool:
        """Whether it is shown at once, and not among those that have usual values."""
        if self.required or self.asked or self.problem or self.kind == "secret":
            return True
        if self.kind == "group":
            return self.is_given or any(item.problem for item in walk(self.fields))
        return bool(self.rows if self.kind == "rows" else self.value)


@dataclass
class Row:
    """One entry of a table or a list of models. ``number`` stays the same while others are added and taken out."""

    place: str
    number: int
    name: str
    raw: Any
    """What stands in ltc.yaml; nothing but an empty table for a new one."""
    before: dict[str, Any]
    """The same as a table."""
    fields: list[Field]
    problem: str = ""
    """What is wrong with its name."""


def fields(
    model: type[BaseModel], system: str, config: Mapping[str, Any], place: str = "", *, fresh: bool = True
) -> list[Field]:
    """The form for a system's ``config`` as it stands in ltc.yaml, with what is set.

    ``place`` is where the model is within the whole; ``fresh``: a secret that is needed is given a name to begin with.
    """
    return [_field(name, item, system, config, f"{place}{name}", fresh) for name, item in model.model_fields.items()]


def walk(found: list[Field]) -> Iterator[Field]:
    """These fields, and those within them."""
    for item in found:
        yield item
        yield from walk(item.fields)
        for row in item.rows:
            yield from walk(row.fields)


def filled(found: list[Field], sent: Mapping[str, str], allowed: Allowed, system: str) -> None:
    """Put into the fields what was typed, and what is wrong with it; a secret that was typed is not kept."""
    for item in found:
        item.problem = ""
        if item.kind == "group":
            filled(item.fields, sent, allowed, system)
            if not item.required and not item.is_given:
                for within in walk(item.fields):
                    within.problem = "" if within.problem == "missing" else within.problem
        elif item.kind == "rows":
            _fill_rows(item, sent, allowed, system)
        else:
            _fill(item, sent, allowed)


def config(
    found: list[Field], before: Mapping[str, Any], allowed: Allowed, *, without_wrong: bool = False
) -> dict[str, Any]:
    """What ``config`` is with these fields; entries that have no field stay.

    Raises ``Mistyped`` for a bad one, unless it is made ``without_wrong`` ones, to look for what else is wrong.
    """
    made = dict(before)
    for item in found:
        if item.kind == "secret" and item.source == "keep":
            continue
        if without_wrong and item.problem and item.kind not in ("group", "rows"):
            made.pop(item.name, None)
            continue
        value = _value(item, allowed, without_wrong)
        if value is None:
            made.pop(item.name, None)
        else:
            made[item.name] = value
    return made


def rearranged(found: list[Field], do: str, system: str) -> bool:
    """Add a row or take one out, as a button named ``add:PLACE`` or ``drop:PLACE`` says; whether that was asked for."""
    wish, _, place = do.partition(":")
    if wish not in ("add", "drop"):
        return False
    for item in walk(found):
        if wish == "add" and item.kind == "rows" and item.place == place and len(item.rows) < MOST_ROWS:
            item.rows.append(_row(item, system, item.next_row))
            break
        if wish == "drop" and any(row.place == place for row in item.rows):
            item.rows = [row for row in item.rows if row.place != place]
            break
    return True


def _field(name: str, item: FieldInfo, system: str, config: Mapping[str, Any], place: str, fresh: bool) -> Field:
    shape = shapes.of(item)
    made = Field(name, shape.kind, item.is_required(), "", item.description or "", place, shape.choices)
    if name == _ENTITY and made.kind == "text" and "." in place:
        made.kind, made.choices, made.named = "choice", tuple(sorted(ENTITIES)), _ENTITY
    made.example = shown("list", (item.examples or [""])[0])
    made.asked = shape.asked
    value = config.get(name)
    if made.kind in ("group", "rows"):
        _nest(made, shape, item, value, system)
    if made.kind == "table":
        made.sample = shapes.sample(item)
    if made.kind not in ("secret", "group", "rows") and not made.required:
        made.default = shown(made.kind, item.get_default(call_default_factory=True))
    if name not in config:
        if made.kind == "secret":
            made.source, made.value = "env", checking.variable(system, name) if made.required and fresh else ""
        if made.kind == "table" and made.required:
            made.value = made.sample
        return made
    made.raw = value
    if made.kind == "secret":
        whole = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        made.source, made.value = (whole[1], whole[2]) if whole else ("keep", "")
    elif made.kind not in ("group", "rows"):
        made.value = made.was = shown(made.kind, value)
    return made


def _nest(made: Field, shape: shapes.Shape, item: FieldInfo, value: Any, system: str) -> None:
    """Give a field the fields within it; what stands in the file in another way than they can show is typed as YAML."""
    assert shape.model is not None  # noqa: S101 - of a group and of rows
    made.model, made.is_table, made.plain_names = shape.model, shape.named, shape.plain_names
    too_deep = made.place.count(".") > _DEEPEST
    if made.kind == "group":
        given = shapes.spelled(value, shape.model)
        if given is not None and not too_deep:
            fresh = made.required or value is not None
            made.fields = fields(shape.model, system, given, f"{made.place}.", fresh=fresh)
            return
    elif not too_deep and (made.required or not item.get_default(call_default_factory=True)):
        entries = shapes.entries(value, shape.model, named=made.is_table)
        if entries is not None and len(entries) <= MOST_ROWS:
            for number, (name, given, before) in enumerate(entries):
                made.rows.append(_row(made, system, f"{made.place}.{number}", name, given, before))
            if made.required and not entries:
                made.rows.append(_row(made, system, f"{made.place}.0"))
            return
    made.kind = "table"


def _row(item: Field, system: str, place: str, name: str = "", raw: Any = None, before: Any = None) -> Row:
    """A row as it stands in ltc.yaml (``raw``, as a table ``before``), or a new one."""
    assert item.model is not None  # noqa: S101 - of rows
    given: dict[str, Any] = before or {}
    number = int(place.rpartition(".")[2])
    return Row(
        place, number, name, raw if before is not None else {}, given, fields(item.model, system, given, f"{place}.")
    )


def _fill(item: Field, sent: Mapping[str, str], allowed: Allowed) -> None:
    value = sent.get(PREFIX + item.place, "").replace("\r\n", "\n")
    if item.kind == "table":
        value = dedent(value).strip("\n").rstrip()
    elif item.kind != "choice":  # a tab may be chosen
        value = value.strip()
    if item.kind == "secret":
        item.source = sent.get(f"{PREFIX}{item.place}.in", "env")
    try:
        read(item, value, allowed)
        item.value = value
    except Mistyped as error:
        item.problem = error.key
        item.value = "" if item.kind == "secret" or error.key == "secret_typed" else value


def _fill_rows(item: Field, sent: Mapping[str, str], allowed: Allowed, system: str) -> None:
    """The rows that the form had: each sends its name, or that it is there."""
    had = {row.number: row for row in item.rows}
    start, item.rows = f"{PREFIX}{item.place}.", []
    tails = [name.removeprefix(start) for name in sent if name.startswith(start)]
    for number in sorted({int(tail) for tail in tails if tail.isascii() and tail.isdigit() and len(tail) < 4}):
        place = f"{item.place}.{number}"
        row = had.get(number) or _row(item, system, place)
        row.name = sent[PREFIX + place].strip() if item.is_table else ""
        filled(row.fields, sent, allowed, system)
        row.problem = _wrong_name(row.name, [other.name for other in item.rows]) if item.is_table else ""
        if row.problem == "secret_typed":
            row.name = ""
        item.rows.append(row)
    if item.required and not item.rows:
        item.problem = "no_row"
    elif len(item.rows) > MOST_ROWS:
        item.problem = "many_rows"


def _wrong_name(name: str, others: list[str]) -> str:
    if not name:
        return "missing"
    if list(literals.found({"": name})):
        return "secret_typed"
    if not name.isprintable():
        return "one_line"
    return "row_twice" if name in others else ""


def _value(item: Field, allowed: Allowed, without_wrong: bool) -> Any:
    """What stands in ltc.yaml for a field; ``None`` for nothing. Raises ``Mistyped``."""
    if item.kind == "group":
        assert item.model is not None  # noqa: S101 - of a group
        before = shapes.spelled(item.raw, item.model) or {}
        if not item.required and not item.is_given:
            left = {key: value for key, value in before.items() if key not in item.model.model_fields}
            return left or (item.raw if item.raw == {} else None)
        made = config(item.fields, before, allowed, without_wrong=without_wrong)
        return item.raw if item.raw is not None and made == before else made
    if item.kind == "rows":
        if any(row.problem for row in item.rows) and not without_wrong:
            raise Mistyped("missing")
        found = [(row.name, _entry(row, allowed, without_wrong)) for row in item.rows]
        made_of = dict(found) if item.is_table else [entry for _, entry in found]
        return made_of if made_of or item.required or item.raw is not None else None
    return read(item, item.value, allowed)


def _entry(row: Row, allowed: Allowed, without_wrong: bool) -> Any:
    """A row as it stands in ltc.yaml."""
    made = config(row.fields, row.before, allowed, without_wrong=without_wrong)
    return row.raw if made == row.before else made
