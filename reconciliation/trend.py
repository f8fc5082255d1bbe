"""Month by month: from leads to money received, and how findings came and went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reconciliation import adjustments, gathering
from state import finding_totals
from state.finding_totals import Moved
from state.prospects import Came
from state.tieouts import TieOut

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from reconciliation.rules import Rules

STEPS = {
    "quote": ("quote_order", "left"),
    "order": ("order_invoice", "left"),
    "delivery": ("order_delivery", "right"),
    "invoice": ("order_invoice", "right"),
    "payment": ("invoice_payment", "right"),
}
"""Step → the tie-out and the side of it whose documents it counts, as the river does."""
MOST = 24
"""Months."""


class Prospects(NamedTuple):
    """What came in: ``won`` are those of the opportunities that have been won since."""

    leads: int
    opportunities: int
    won: int


@dataclass(frozen=True, slots=True)
class Trend:
    """Months as ``YYYY-MM``, one after the other without a gap, the oldest first; each list has a place for each."""

    months: list[str]
    money: dict[str, dict[str, list[int]]]
    """Currency → step → money of the documents of that month, without what is excluded, in minor units."""
    findings: list[Moved]
    prospects: list[Prospects]


def trend(connection: Connection, split: Iterable[TieOut], came: Mapping[str, Iterable[Came]], rules: Rules) -> Trend:
    """The months up to the one of today in which any document was; ``split``: the tie-outs by period, ``came`` as in
    ``reconciliation.river``."""
    today = rules.period
    moved: dict[tuple[str, str, str], int] = {}
    for item in split:
        for step, (name, side) in STEPS.items():
            if item["name"] == name and item["period"]:
                parts = item["movement"]
                amount = parts[side]["amount"] - parts[f"excluded_{side}"]["amount"]
                key = item["currency"], step, item["period"]
                moved[key] = moved.get(key, 0) + amount
    since = min((period for (_, _, period), amount in moved.items() if amount and period <= today), default=today)
    months = [today]
    while len(months) < MOST and months[0] > since:
        months.insert(0, adjustments.before(months[0]))
    money = {
        currency: {step: [moved.get((currency, step, month), 0) for month in months] for step in STEPS}
        for currency in sorted({currency for currency, _, period in moved if period in months})
    }
    begins = [gathering.month(month, rules.timezone)[0] for month in months]
    found = [_prospects(came, month) for month in months]
    return Trend(months, money, finding_totals.moved(connection, begins), found)


def _prospects(came: Mapping[str, Iterable[Came]], month: str) -> Prospects:
    leads = [item for item in came["lead_opportunity"] if item.month == month]
    deals = [item for item in came["opportunity_quote"] if item.month == month]
    received, created = (sum(item.count for item in rows) for rows in (leads, deals))
    return Prospects(received, created, sum(item.won for item in deals))
