"""Conditions on a record: ``{path: Type, in: [Internal]}``, for ``skip`` and ``refine``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mappings import convert, expression
from mappings.errors import MappingFileError, Unusable
from mappings.expression import Emitter, Expression
from mappings.model import Column, Kind

TESTS = ("in", "not_in", "empty", "above", "below")


@dataclass(frozen=True, slots=True)
class Condition:
    """A test of one value of the record."""

    expression: Expression
    test: str
    wanted: Any


def parse(spec: Any, where: str) -> Condition:
    """Check a condition; raises ``MappingFileError``."""
    given = [key for key in TESTS if isinstance(spec, dict) and key in spec]
    if len(given) != 1:
        raise MappingFileError(where, f"a condition needs `path` and exactly one of {', '.join(TESTS)}.")
    source = type(spec)(spec.here) if hasattr(spec, "here") else {}
    for key, item in spec.items():
        if key not in TESTS:
            source[key] = item
    test, wanted = given[0], spec[given[0]]
    found = expression.parse(Column("condition", Kind.TEXT, ""), source, where, source_only=True)
    if test in ("in", "not_in"):
        if not isinstance(wanted, list) or any(isinstance(item, dict | list) for item in wanted):
            raise MappingFileError(where, f"`{test}` must be a list of source values.")
        wanted = frozenset(convert.text(item) for item in wanted)
    elif test in ("above", "below"):
        try:
            wanted = convert.decimal(str(wanted))
        except Unusable:
            raise MappingFileError(where, f"`{test}` must be a number.") from None
    return Condition(found, test, wanted)


def holds(test: str, wanted: Any, value: Any) -> bool:
    """Whether a value passes the test; a list passes ``in`` if one of its items does."""
    if test == "empty":
        return (value is None or value in ("", [], {})) is bool(wanted)
    if test in ("in", "not_in"):
        items = value if type(value) is list else [value]
        return any(convert.text(item) in wanted for item in items) is (test == "in")
    if value is None or value == "":
        return False
    number = convert.decimal(value)
    return bool(number > wanted if test == "above" else number < wanted)


def emit(emitter: Emitter, conditions: list[Condition]) -> str:
    """Source that is true if one of the conditions holds."""
    return " or ".join(
        f"holds({condition.test!r}, {emitter.constant(condition.wanted)}, {emitter.source(condition.expression)})"
        for condition in conditions
    )
