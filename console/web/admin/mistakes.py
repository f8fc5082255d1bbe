"""What a connector's own model finds wrong with settings: at which field of the form, in words, and what to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from console import described
from console.web.admin.fields import PREFIX, Field, Row
from console.web.admin.shapes import NAME
from settings.secrets import holder

_NUMBERS = ("int_type", "int_parsing", "int_from_float", "int_parsing_size")
_KEYS = {
    "missing": "missing",
    "greater_than": "above",
    "greater_than_equal": "at_least",
    "less_than": "below",
    "less_than_equal": "at_most",
    **dict.fromkeys(_NUMBERS, "whole"),
    **dict.fromkeys(("float_type", "float_parsing", "decimal_type", "decimal_parsing", "finite_number"), "number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "flag"),
    "string_type": "text",
    "string_too_short": "short",
    "string_too_long": "long",
    "too_short": "few",
    "too_long": "many",
    **dict.fromkeys(("dict_type", "model_type", "model_attributes_type"), "table"),
    **dict.fromkeys(("list_type", "tuple_type", "set_type", "frozen_set_type"), "list"),
    **dict.fromkeys(("url_parsing", "url_type", "url_scheme", "url_syntax_violation"), "address"),
    **dict.fromkeys(("path_type", "string_unicode"), "text"),
}
"""What pydantic calls a mistake → the key of our words for it (``admin.wrong``)."""


class Step(NamedTuple):
    """One name on the way to a field: that of a setting, or of a row, which is the person's ``own``."""

    name: str
    own: bool = False


_NAME = Step("name")
"""The field with the name of a row."""


@dataclass
class Mistake:
    """One thing that is wrong. ``place`` is that of the field (or row) of the form, empty for the whole of it."""

    place: str
    names: tuple[Step, ...]
    """What leads there."""
    key: str = ""
    """Of the words; empty where the model itself says it in a sentence, or ``problem`` has it."""
    values: dict[str, Any] = field(default_factory=dict)
    sentence: str = ""
    line: int | None = None
    """Of a list: which line, from 1."""
    example: str = ""
    problem: str = ""
    """What was wrong before the model looked at it (``admin.problem``)."""

    @property
    def anchor(self) -> str:
        """Where on the page it is."""
        return f"{PREFIX}{self.place}" if self.place else ""


def found(model: type[BaseModel], config: Mapping[str, Any], fields: list[Field]) -> list[Mistake]:
    """What a connector's model finds wrong with a ``config``, secrets left aside; values are not shown.

    A model looks at the whole only once each part is right. So what is wrong is left out, and it looks again for what
    is wrong with other fields.
    """
    given = described.without_references(dict(config))
    made: list[Mistake] = []
    for again in (False, True):
        errors = _errors(model, given)
        more = [_mistake(item, fields, model) for item in errors]
        places = {item.place for item in made}
        made += [item for item in more if not again or (item.place and item.sentence and item.place not in places)]
        given = _without(given, [item["loc"] for item in errors])
    return [item for n, item in enumerate(made) if item not in made[:n]]


def _errors(model: type[BaseModel], given: Any) -> list[Any]:
    try:
        model.model_validate(given)
    except ValidationError as error:
        return list(error.errors(include_input=False))
    return []


def _without(given: Any, places: list[Any]) -> Any:
    """The same without what is at these places, as far as they lead through tables."""
    if not isinstance(given, dict):
        return given
    kept = {}
    for name, value in given.items():
        within = [place[1:] for place in places if place and place[0] == name]
        if () not in within:
            kept[name] = _without(value, within) if within else value
    return kept


def beside(typed: list[Mistake], found: list[Mistake]) -> list[Mistake]:
    """What a model ``found`` wrong beside what could not be read: not the same again, and nothing that it said of a
    whole of which a part could not be read."""
    places = {item.place for item in typed}
    return [
        item
        for item in found
        if item.place not in places
        and not (item.sentence and any(not item.place or f"{place}.".startswith(f"{item.place}.") for place in places))
    ]


def typed(fields: list[Field], names: tuple[Step, ...] = ()) -> Iterator[Mistake]:
    """What was typed and could not be read, field by field."""
    for item in fields:
        here = (*names, Step(item.name))
        if item.problem:
            yield Mistake(item.place, here, problem=item.problem)
        yield from typed(item.fields, here)
        for row in item.rows:
            within = (*here, Step(row.name or str(row.number + 1), own=True))
            if row.problem:
                yield Mistake(row.place, (*within, _NAME), problem=row.problem)
            yield from typed(row.fields, within)


def _mistake(item: Any, fields: list[Field], model: type[BaseModel]) -> Mistake:
    steps = list(item["loc"])
    place, names, rest, at = _way(steps, fields)
    made = Mistake(place, names)
    made.line = rest[0] + 1 if rest and isinstance(rest[0], int) and at is not None and at.kind == "list" else None
    made.example = at.example or at.sample if at is not None and at.problem == "" else ""
    kind, context = item["type"], item.get("ctx", {})
    if kind == "extra_forbidden":
        known = at.model.model_fields if at is not None and at.model is not None else model.model_fields
        near = get_close_matches(str(steps[-1]), known, 1)
        made.key, made.values = "unknown_near" if near else "unknown", {"name": str(steps[-1]), "near": "".join(near)}
    elif kind in ("literal_error", "enum"):
        made.key, made.values = "choice", {"choices": _choices(context.get("expected", ""))}
    elif kind == "string_pattern_mismatch":
        pattern = str(context.get("pattern"))
        made.key, made.values = ("name", {}) if pattern == NAME else ("pattern", {"pattern": pattern})
    elif kind in _KEYS:
        made.key, made.values = _KEYS[kind], {name: str(value) for name, value in context.items()}
    else:
        made.sentence = str(item["msg"]).removeprefix("Value error, ")
        made.example = "" if made.example and made.example in made.sentence else made.example
        named = made.sentence.partition(" ")[0]
        if not rest and named in {field.name for field in (at.fields if at is not None else fields)}:
            made.place, made.names = f"{place}.{named}".removeprefix("."), (*names, Step(named))
    return made


def of_reference(message: str, config: Mapping[str, Any], fields: list[Field]) -> Mistake | None:
    """That the reference to a secret which ``message`` names leads nowhere, at its field; ``None`` if none has it."""
    keys = holder(config, message)
    place, names, _, _ = _way(list(keys), fields)
    return Mistake(place, names, sentence=message) if place else None


def _way(steps: list[Any], fields: list[Field]) -> tuple[str, tuple[Step, ...], list[Any], Field | None]:
    """The place of the field that a mistake is about, the names that lead there, what is left of the way, the field."""
    place = ""
    names: list[Step] = []
    at: Field | None = None
    here, rest = fields, list(steps)
    while rest:
        step = rest[0]
        if at is not None and at.kind == "rows":
            row = _row(at, step)
            if row is None:
                break
            place, here = row.place, row.fields
            names.append(Step(row.name or str(row.number + 1), own=True))
            if rest[1:2] == ["[key]"]:
                return place, (*names, _NAME), [], None
            at, rest = None, rest[1:]
            continue
        known = next((item for item in here if item.name == step), None)
        if known is None:
            break
        at, here, place = known, known.fields, known.place
        names.append(Step(known.name))
        rest = rest[1:]
    return place, tuple(names), rest, at


def _row(item: Field, step: Any) -> Row | None:
    if isinstance(step, int) and not item.is_table:
        return item.rows[step] if step < len(item.rows) else None
    return next((row for row in item.rows if row.name == step), None)


def _choices(expected: str) -> str:
    """The words that pydantic offers, without its marks."""
    return expected.replace("' or '", "', '").replace("'", "")
