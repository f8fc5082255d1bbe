"""Month by month: from leads to money received, and how findings came and went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciliation import adjustments, gathering
from state import finding_totals, prospects
from state.finding_totals import Moved
from state.prospects import Prospects
from state.tieouts import TieOut

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from reconciliation.rules import Rules

STEPS = {
    "quote": ("quote_order", "left"),
    "order": ("order_delivery", "left"),
    "delivery": ("order_delivery", "right"),
    "invoice": ("order_invoice", "right"),
    "payment": ("invoice_payment", "right"),
}
"""Step → the tie-out and the side of it whose documents it counts, as the river does."""
MOST = 24
"""Months."""


@dataclass(frozen=True, slots=True)
class Trend:
    """Months as ``YYYY-MM``, one after the other without a gap, the oldest first; each list has a place for each."""

    months: list[str]
    money: dict[str, dict[str, list[int]]]
    """Currency → step → money of the documents of that month, without what is excluded, in minor units."""
    findings: list[Moved]
    prospects: list[Prospects]


def trend(connection: Connection, split: Iterable[TieOut], rules: Rules) -> Trend:
    """The months up to the one of today in which any document was; ``split``: the tie-outs by period."""
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
    end = gathering.month(today, rules.timezone)[1]
    leads = rules.systems("marketing") or rules.systems("crm")
    found = prospects.prospects(connection, leads, rules.systems("crm"), [*begins, end])
    return Trend(months, money, finding_totals.moved(connection, begins), found)
