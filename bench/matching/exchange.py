"""Dated rates of exchange: a seeded random walk around plausible levels of 2025."""

from __future__ import annotations

from bench.matching.chance import Chance

_LEVELS = {"EUR": 1_000_000, "USD": 1_120_000, "GBP": 850_000, "CNY": 8_050_000, "CHF": 940_000, "JPY": 164_000_000}
_UNITS = {"JPY": 1}


class Exchange:
    """Units of a currency for one euro, in millionths, for every day of a range."""

    def __init__(self, seed: str, first: int, last: int) -> None:
        chance = Chance(f"{seed}/exchange")
        self._first = first
        self.rates: dict[str, list[int]] = {}
        for currency, level in _LEVELS.items():
            walk = [level]
            for _ in range(first, last):
                moved = 0.0 if currency == "EUR" else (chance.random() - 0.5) * 0.012
                walk.append(round(walk[-1] * (1 + moved) * (level / walk[-1]) ** 0.01))
            self.rates[currency] = walk

    def convert(self, amount: int, source: str, target: str, day: int) -> int:
        """Minor units of one currency in those of another at the rate of a day, halves away from zero."""
        place = day - self._first
        top = abs(amount) * self.rates[target][place] * _UNITS.get(target, 100)
        bottom = self.rates[source][place] * _UNITS.get(source, 100)
        found = (2 * top + bottom) // (2 * bottom)
        return found if amount >= 0 else -found
