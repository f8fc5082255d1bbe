"""Canonical rows as new records are made of them: money and numbers as ``Decimal``, instants as text, bare ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from mappings.convert import EXACT
from mappings.currencies import EXPONENTS
from mappings.model import ENTITIES, LINES, Column, Kind, columns
from state.clock import from_us

_ROUNDING = Context(prec=EXACT.prec, rounding=ROUND_HALF_UP)


class Refused(Exception):
    """A record that should be made cannot be; the text is a sentence that says why and what to do."""


def record(entity: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a canonical row that hold something."""
    return _natural(columns(ENTITIES[entity]), row, row.get("currency"))


def line(entity: str, row: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    """The fields of a document's line that hold something."""
    return _natural(columns(LINES[entity].model), row, currency)


def _natural(known: Sequence[Column], row: Mapping[str, Any], currency: str | None) -> dict[str, Any]:
    found = {column.name: _value(column.kind, row.get(column.name), currency) for column in known}
    return {name: value for name, value in found.items() if value not in (None, "")}


def _value(kind: Kind, value: Any, currency: str | None) -> Any:
    if value is None:
        return None
    if kind is Kind.MONEY:
        return Decimal(value).scaleb(-EXPONENTS.get(str(currency), 2))
    if kind is Kind.NUMBER:
        return Decimal(value)
    if kind is Kind.INSTANT:
        return from_us(value).isoformat().replace("+00:00", "Z")
    if kind is Kind.FLAG:
        return bool(value)
    if kind in (Kind.REF, Kind.REFS):
        return ", ".join(part.partition(":")[2] for part in str(value).splitlines())
    return value


def rounded(amount: Decimal, currency: str | None) -> Decimal:
    """An amount in the currency's decimals, halves away from zero."""
    return amount.quantize(Decimal(1).scaleb(-EXPONENTS.get(str(currency), 2)), context=_ROUNDING)


def share(amount: Decimal, part: Decimal, whole: Decimal, currency: str | None) -> Decimal:
    """``amount * part / whole`` in the currency's decimals."""
    return rounded(_ROUNDING.divide(_ROUNDING.multiply(amount, part), whole), currency)


def times(*factors: Decimal) -> Decimal:
    """The exact product."""
    product = Decimal(1)
    for factor in factors:
        product = EXACT.multiply(product, factor)
    return product
