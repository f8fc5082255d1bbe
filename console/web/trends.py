"""The trend on the overview: months beside each other, as charts and as the tables of the same numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from console.report import figures
from reconciliation import money

if TYPE_CHECKING:
    from console.i18n import Texts
    from reconciliation.trend import Trend

_COLOURS = {"quote": "--info", "order": "--brand", "delivery": "--right", "invoice": "--left", "payment": "--good"}
_DASHES = {"invoice": [6, 4], "payment": [2, 3]}
"""What is nearly always as much as what was delivered lies upon it: it is seen through the gaps."""
_Looks = Sequence[dict[str, Any]]
_FEWEST = 2
"""Months without which there is no trend."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One chart for ``trend.html.j2``: ``data`` is what ``charts.js`` draws, ``rows`` the table, newest first."""

    kind: str
    note: str
    unit: str
    data: str
    names: list[str]
    rows: list[tuple[str, list[str]]]


def shown(trend: Trend, base: str, words: Texts) -> list[Chart]:
    """Leads and opportunities, money by currency with the base currency first, findings. Nothing for a single month."""
    if len(trend.months) < _FEWEST:
        return []
    currencies = sorted(trend.money, key=lambda name: (name != base, name))
    return [
        *([_prospects(trend, words)] if any(map(any, trend.prospects)) else []),
        *(_money(trend, currency, words) for currency in currencies),
        _findings(trend, words),
    ]


def _prospects(trend: Trend, words: Texts) -> Chart:
    looks: _Looks = ({"color": "--info", "bars": -1}, {"color": "--brand", "bars": 1}, {"color": "--good"})
    names = (words("trend.leads"), words("trend.opportunities"), words("trend.won"))
    return _counted("prospects", words("trend.prospects"), trend, trend.prospects, names, looks, words)


def _money(trend: Trend, currency: str, words: Texts) -> Chart:
    series, cells = [], []
    for step, minor in trend.money[currency].items():
        amounts = [Decimal(money.text(value, currency) or 0) for value in minor]
        look = {"color": _COLOURS[step], **({"dash": _DASHES[step]} if step in _DASHES else {})}
        series.append({"name": words(f"river.{step}"), "values": amounts, **look})
        cells.append([figures.money(amount, currency) for amount in amounts])
    return _chart("money", words("trend.money", currency=currency), currency, trend, series, cells, words)


def _findings(trend: Trend, words: Texts) -> Chart:
    looks: _Looks = ({"color": "--warning", "bars": -1}, {"color": "--agree", "bars": 1}, {"color": "--error"})
    names = (words("trend.new"), words("trend.cleared"), words("trend.standing"))
    first = next((month for month, counts in zip(trend.months, trend.findings, strict=True) if any(counts)), None)
    note = words("trend.findings")
    if first is not None and first != trend.months[0]:
        note += f" {words('trend.first', month=first)}"
    return _counted("findings", note, trend, trend.findings, names, looks, words)


def _counted(
    kind: str,
    note: str,
    trend: Trend,
    counts: Sequence[tuple[int, ...]],
    names: Sequence[str],
    looks: _Looks,
    words: Texts,
) -> Chart:
    columns = list(zip(*counts, strict=True))
    series = [
        {"name": name, "values": values, **look} for name, values, look in zip(names, columns, looks, strict=True)
    ]
    cells = [[f"{value:,}" for value in values] for values in columns]
    return _chart(kind, note, "", trend, series, cells, words)


def _chart(
    kind: str,
    note: str,
    unit: str,
    trend: Trend,
    series: Sequence[dict[str, Any]],
    cells: Sequence[list[str]],
    words: Texts,
) -> Chart:
    """``cells`` has a list for each of ``series``, a text for each month."""
    places = money.places(unit) if unit else 0
    data = {"labels": trend.months, "label": words("trend.month"), "unit": unit, "places": places, "series": series}
    rows = [(month, [column[n] for column in cells]) for n, month in enumerate(trend.months)]
    drawn = json.dumps(data, default=float)  # places on a screen; the table has the exact amounts
    return Chart(kind, note, unit, drawn, [item["name"] for item in series], rows[::-1])
