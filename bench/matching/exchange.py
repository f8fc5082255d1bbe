"""Dated rates of exchange: a seeded random walk around plausible levels of 2025."""

from __future__ import annotations

from bench.matching.chance import Chance

BASE = "EUR"
_LEVELS = {BASE: 1.0, "USD": 0.893, "GBP": 1.176, "CNY": 0.1242, "CHF": 1.064, "JPY": 0.0061}
_ONE = 10**10
_UNITS = {"JPY": 1}


class Exchange:
    """Euros for one unit of a currency, in ten-thousand-millionths, for every day of a range."""

    def __init__(self, seed: str, first: int, last: int) -> None:
        chance = Chance(f"{seed}/exchange")
        self.first = first
        self.rates: dict[str, list[int]] = {}
        for currency, level in _LEVELS.items():
            value, walk = level, []
            for _ in range(first, last + 1):
                walk.append(round(value * _ONE))
                moved = 0.0 if currency == BASE else (chance.random() - 0.5) * 0.012
                value *= (1 + moved) * (level / value) ** 0.01
            self.rates[currency] = walk

    def convert(self, amount: int, source: str, target: str, day: int) -> int:
        """Minor units of one currency in those of another at the rate of a day, halves away from zero."""
        place = day - self.first
        top = abs(amount) * self.rates[source][place] * _UNITS.get(target, 100)
        bottom = self.rates[target][place] * _UNITS.get(source, 100)
        found = (2 * top + bottom) // (2 * bottom)
        return found if amount >= 0 else -found
