"""What pydantic finds wrong in a file, told with its line, in the words of YAML, with an example of right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from yamlfiles.reading import Located

_SHAPES = {
    "dict_type": "must be a table of `key: value` lines",
    "model_type": "must be a table of `key: value` lines",
    "model_attributes_type": "must be a table of `key: value` lines",
    "list_type": "must be a list, like [a, b]",
    "tuple_type": "must be a list, like [a, b]",
    "string_type": "must be a text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "decimal_parsing": "must be a number",
    "decimal_type": "must be a number",
}
"""What pydantic says in the words of Python, said in those of YAML."""


class Problem(NamedTuple):
    """``where`` is ``file:line``, ``what`` the reason, ``example`` how it looks when right (may be empty)."""

    where: str
    what: str
    example: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"\n    for example: {self.example}" if self.example else "")


def problems(
    error: ValidationError,
    top: Located,
    model: type[BaseModel],
    *,
    prefix: tuple[Any, ...] = (),
    known: Sequence[str] = (),
    examples: Mapping[str, str] | None = None,
    synonyms: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Each problem pydantic found in ``top``, which ``model`` describes, in the order of the file.

    ``prefix`` is where the part of the file begins that was validated; ``known`` are that part's settings if ``model``
    does not know them. ``examples`` holds an example of right for some keys, ``synonyms`` other words for a key.
    """
    found = []
    for item in error.errors():
        keys = (*prefix, *(key for key in item["loc"] if key != "[key]"))
        named = [str(key) for key in keys[len(prefix) :] if str(key) in (examples or {})]
        example = (examples or {})[named[-1]] if named else ""
        found.append(Problem(place(top, keys), _what(item, keys, model, known, synonyms or {}), example))
    return sorted(found, key=lambda problem: _line(problem.where))


def place(top: Located, keys: tuple[Any, ...]) -> str:
    """``file:line`` of the entry at ``keys``, or of the closest entry above it that exists."""
    here: Any = top
    found = top.here
    for key in keys:
        if isinstance(here, list) and isinstance(key, int) and key < len(here):
            here = here[key]
            found = here.here if isinstance(here, Located) else found
            continue
        if not isinstance(here, Located) or key not in here:
            break
        found = here.at(key)
        here = here[key]
    return found


def _what(
    item: Any, keys: tuple[Any, ...], model: type[BaseModel], known: Sequence[str], synonyms: Mapping[str, str]
) -> str:
    name = ".".join(str(key) for key in keys)
    if item["type"] == "missing":
        return f"`{name}` is missing."
    if item["type"] == "extra_forbidden":
        possible, given = [*_siblings(keys, model), *known], str(keys[-1])
        same = synonyms.get(given.casefold())
        meant = same if same in possible else next(iter(difflib.get_close_matches(given, possible, 1)), None)
        return f"`{name}` is not known here." + (f" Did you mean `{meant}`?" if meant else "")
    if item["type"] in ("literal_error", "enum"):
        choices = _choices(str(item.get("ctx", {}).get("expected", "")))
        meant = _near(str(item.get("input")), choices)
        if len(choices) == 1:
            return f"`{name}` must be {choices[0]}."
        return f"`{name}` must be one of {', '.join(choices)}." + (f" Did you mean `{meant}`?" if meant else "")
    reason = _SHAPES.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")
    return f"`{name}`: {reason}."


def _choices(expected: str) -> list[str]:
    """The words of an enumeration, as pydantic lists them: ``'off', 'plan' or 'auto'``."""
    found = re.findall(r"'([^']*)'|\b(\d+)\b", expected)
    return [word or number for word, number in found]


def _near(given: str, choices: Sequence[str]) -> str | None:
    """The word that was most likely meant: one that begins so, or is written nearly so."""
    small = {word.lower(): word for word in choices}
    begun = [word for key, word in small.items() if len(given) > 1 and key.startswith(given.lower())]
    return next(iter([*begun, *(small[key] for key in difflib.get_close_matches(given.lower(), small, 1))]), None)


def _siblings(keys: tuple[Any, ...], top: type[BaseModel]) -> list[str]:
    model: Any = top
    for key in keys[:-1]:
        if isinstance(model, type) and issubclass(model, BaseModel) and key in model.model_fields:
            model = _model_in(model.model_fields[key].annotation)
    if isinstance(model, type) and issubclass(model, BaseModel):
        return list(model.model_fields)
    return []


def _model_in(annotation: Any) -> Any:
    """The pydantic model inside an annotation: itself, the value of a dict, one side of a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in getattr(annotation, "__args__", ()):
        found = _model_in(part)
        if found is not None:
            return found
    return None


def _line(where: str) -> int:
    tail = where.rpartition(":")[2]
    return int(tail) if tail.isdigit() else 0
