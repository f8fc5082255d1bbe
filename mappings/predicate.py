"""A condition on canonical fields, as people write it: ``status != 'lost' and amount > 0``.

Names are fields of the entity (money in major units of the record's currency; ``amount``: its main amount), beside them
text in quotes, numbers, ``true``, ``false`` and ``null``; ``and``, ``or``, ``not``, comparisons, ``in ('a', 'b')`` and
brackets. It is read as an expression and walked by this module: nothing else can be said in it, nothing is executed.
"""

from __future__ import annotations

import ast
import difflib
import operator
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from mappings.currencies import EXPONENTS
from mappings.model import ENTITIES, Kind, columns
from mappings.statuses import STATUSES

AMOUNTS = {
    "opportunity": "expected_amount",
    "quote": "gross_amount",
    "order": "gross_amount",
    "invoice": "gross_amount",
}
"""What ``amount`` means where an entity has no field of that name."""

_WORDS = {"true": True, "false": False, "null": None, "True": True, "False": False, "None": None}
_TESTS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda left, right: left in right,
    ast.NotIn: lambda left, right: left not in right,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
}
_FOR_NOTHING = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
_LONGEST = 1_000

Value = Callable[[Mapping[str, Any]], Any]


class PredicateError(ValueError):
    """The condition cannot be used; the text says why."""


@dataclass(frozen=True)
class Predicate:
    """A condition on the records of one entity."""

    entity: str
    text: str
    _test: Value = field(repr=False, compare=False)

    def holds(self, row: Mapping[str, Any]) -> bool:
        """Whether a canonical row, by column as stored, meets it. Nothing is neither above nor below anything."""
        return bool(self._test(row))


def parse(entity: str, text: str) -> Predicate:
    """Check a condition; raises ``PredicateError``."""
    if len(text) > _LONGEST:
        raise PredicateError(f"a condition has at most {_LONGEST} characters")
    try:
        return Predicate(entity, text, _Reader(entity, text.strip()).value(_tree(text.strip())))
    except (RecursionError, MemoryError):
        raise PredicateError(f"{text!r} cannot be read as a condition") from None


def _tree(text: str) -> ast.expr:
    try:
        with warnings.catch_warnings(action="error"):  # `1or 2`: nobody means that
            return ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):  # ValueError: half a character, or a NUL
        raise PredicateError(f"{text!r} cannot be read as a condition") from None


class _Reader:
    """Turns the parts of an expression into functions of a row."""

    def __init__(self, entity: str, text: str) -> None:
        self.text = text
        self.entity = entity
        self.kinds = {column.name: column.kind for column in columns(ENTITIES[entity])}

    def value(self, node: ast.AST) -> Value:
        """The function that gives a part's value."""
        match node:
            case ast.BoolOp(op=ast.And(), values=parts):
                tests = [self.value(part) for part in parts]
                return lambda row: all(test(row) for test in tests)
            case ast.BoolOp(values=parts):
                tests = [self.value(part) for part in parts]
                return lambda row: any(test(row) for test in tests)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                test = self.value(part)
                return lambda row: not test(row)
            case ast.Compare(left=left, ops=ops, comparators=rest):
                return self._comparison([left, *rest], ops)
            case ast.Name(id=name) if name not in _WORDS:
                return self._field(name)
            case _:
                constant = self._constant(node)
                return lambda _: constant

    def _comparison(self, parts: list[ast.expr], ops: list[ast.cmpop]) -> Value:
        self._check_words(parts)
        values = [self.value(part) for part in parts]
        kinds = [type(op) for op in ops]

        def test(row: Mapping[str, Any]) -> bool:
            found = [value(row) for value in values]
            return all(_compare(kind, left, right) for kind, left, right in zip(kinds, found, found[1:], strict=False))

        return test

    def _check_words(self, parts: list[ast.expr]) -> None:
        """A status that there is none of would never be met, and nobody would notice."""
        if not any(isinstance(part, ast.Name) and part.id == "status" for part in parts):
            return
        for part in parts:
            for word in part.elts if isinstance(part, ast.Tuple | ast.List) else [part]:
                if isinstance(word, ast.Constant) and isinstance(word.value, str):
                    _known(word.value, list(STATUSES.get(self.entity, {})), f"no status of {self.entity}")

    def _field(self, name: str) -> Value:
        column = AMOUNTS.get(self.entity, name) if name == "amount" and name not in self.kinds else name
        _known(column, list(self.kinds), f"no field of {self.entity}")
        kind = self.kinds[column]
        if kind is Kind.MONEY:
            return lambda row: _major(row.get(column), row.get("currency"))
        if kind is Kind.NUMBER:
            return lambda row: None if row.get(column) is None else Decimal(str(row[column]))
        if kind is Kind.FLAG:
            return lambda row: None if row.get(column) is None else bool(row[column])
        return lambda row: row.get(column)

    def _constant(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=str() | bool() | None as value):
                return value
            case ast.Constant(value=int() | float()):
                return _number(ast.get_source_segment(self.text, node) or "")
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float()) as number):
                return _number(ast.get_source_segment(self.text, number) or "").copy_negate()  # `-` would round
            case ast.Name(id=name) if name in _WORDS:
                return _WORDS[name]
            case ast.Tuple(elts=items) | ast.List(elts=items):
                return tuple(self._constant(item) for item in items)
        said = ast.get_source_segment(self.text, node) if isinstance(node, ast.expr) else ""
        raise PredicateError(f"{said or self.text!r} cannot be said in a condition")


def _compare(kind: type[ast.cmpop], left: Any, right: Any) -> bool:
    if (left is None or right is None) and kind not in _FOR_NOTHING:
        return False
    try:
        return bool(_TESTS[kind](left, right))
    except TypeError:  # text against a number
        return False


def _number(text: str) -> Decimal:
    try:
        return Decimal(text.replace("_", ""))
    except InvalidOperation:
        raise PredicateError(f"{text} is no number") from None


def _major(value: Any, currency: Any) -> Decimal | None:
    return None if value is None else Decimal(int(value)).scaleb(-EXPONENTS.get(str(currency), 2))


def _known(word: str, known: list[str], what: str) -> None:
    if word not in known:
        meant = difflib.get_close_matches(word, known, 1)
        hint = f"did you mean {meant[0]!r}?" if meant else f"known: {', '.join(known)}"
        raise PredicateError(f"{word!r} is {what}; {hint}")
