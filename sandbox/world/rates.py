"""What one unit of each foreign currency of the demo company is in its base currency, CNY, on any day."""

from __future__ import annotations

from decimal import Decimal

RATES = {"USD": Decimal("7.15"), "EUR": Decimal("8.05"), "JPY": Decimal("0.0475")}


def in_currency(amount: Decimal, currency: str, wanted: str) -> Decimal:
    """An amount in another currency, not rounded."""
    return amount * RATES.get(currency, Decimal(1)) / RATES.get(wanted, Decimal(1))
