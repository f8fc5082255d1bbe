"""Amounts between minor units and people's decimals, and the currency table that DuckDB rules use."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from mappings.currencies import EXPONENTS

_RATE_PLACES = 10

NO_CURRENCY = "XXX"
"""ISO 4217 for "no currency": what a document without one is counted under."""


def places(currency: str | None) -> int:
    """Decimals of a currency; 2 where it is unknown."""
    return EXPONENTS.get(currency or "", 2)


def text(minor: int | None, currency: str | None) -> str | None:
    """Minor units as plain decimal text with the currency's decimals: 12345 CNY is ``123.45``."""
    return None if minor is None else f"{Decimal(minor).scaleb(-places(currency)):f}"


def factor(rate: Decimal, currency: str, base: str) -> tuple[int, int]:
    """What minor units of a currency are multiplied by, and divided by, to give minor units of the base currency.

    A rate counts to its tenth decimal.
    """
    exact = Fraction(round(rate, _RATE_PLACES)) * 10 ** places(base) / 10 ** places(currency)
    return exact.numerator, exact.denominator


def converted(amount: str, numerator: str, denominator: str) -> str:
    """SQL for an amount in the base currency: exact, then rounded to its minor unit, halves away from zero."""
    twice = f"(abs({amount}::HUGEINT) * {numerator} * 2 + {denominator}) // ({denominator} * 2)"
    return f"(sign({amount}) * ({twice}))::BIGINT"


def minor_tolerance(absolute: dict[str, Decimal]) -> dict[str, int]:
    """The absolute tolerance in minor units, for the currencies that the settings name."""
    return {code: int(value.scaleb(places(code))) for code, value in absolute.items()}
