"""Limits of rules in minor units, as SQL and as numbers."""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal

from mappings.currencies import EXPONENTS
from settings.cash import ANY, Limit


def minor(limit: Limit, currency: str) -> int:
    """The limit in minor units of a currency, rounded down."""
    amount = limit.get(currency, limit.get(ANY, Decimal(0)))
    return int(amount.scaleb(EXPONENTS.get(currency, 2)).to_integral_value(ROUND_FLOOR))


def sql(limit: Limit, currency: str) -> str:
    """SQL for the limit in minor units of the currency in a column."""
    named = [(f"{currency} = '{code}'", minor(limit, code)) for code in sorted(limit) if code != ANY]
    by_places: dict[int, list[str]] = {}
    for code, places in sorted(EXPONENTS.items()):
        by_places.setdefault(places, []).append(f"'{code}'")
    others = [
        (f"{currency} IN ({', '.join(codes)})", minor({ANY: limit.get(ANY, Decimal(0))}, codes[0].strip("'")))
        for places, codes in sorted(by_places.items())
        if places != 2
    ]
    cases = " ".join(f"WHEN {condition} THEN {amount}" for condition, amount in (*named, *others))
    return f"CASE {cases} ELSE {minor({ANY: limit.get(ANY, Decimal(0))}, 'EUR')} END"
