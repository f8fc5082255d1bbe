"""Amounts between minor units and people's decimals, and the currency table that DuckDB rules use."""

from __future__ import annotations

from decimal import Decimal

from mappings.currencies import EXPONENTS

NO_CURRENCY = "XXX"
"""ISO 4217 for "no currency": what a document without one is counted under."""


def places(currency: str | None) -> int:
    """Decimals of a currency; 2 where it is unknown."""
    return EXPONENTS.get(currency or "", 2)


def text(minor: int | None, currency: str | None) -> str | None:
    """Minor units as plain decimal text with the currency's decimals: 12345 CNY is ``123.45``."""
    return None if minor is None else f"{Decimal(minor).scaleb(-places(currency)):f}"


def minor_tolerance(absolute: dict[str, Decimal]) -> dict[str, int]:
    """The absolute tolerance in minor units, for the currencies that the settings name."""
    return {code: int(value.scaleb(places(code))) for code, value in absolute.items()}
