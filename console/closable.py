"""The months that can be closed now, each with what was billed and received in it, and what a close has frozen."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciliation import adjustments, closing, money
from reconciliation.rules import Rules
from state import figures, periods
from state.periods import CLOSED, Close

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings

MOST = 24
"""Months to choose from before the first close."""
_FIGURES = {
    "invoiced": ("invoice_payment", "left"),
    "net": ("order_invoice", "right"),
    "received": ("invoice_payment", "right"),
}
"""What a month is known by → the tie-out and the side of it that counts it."""


class Amounts(NamedTuple):
    """A month in one currency, as decimal text: ``invoiced`` with tax and ``net`` without it, less credit notes;
    ``received``, less what was refunded or charged back (``back``; nothing where a close does not tell it)."""

    currency: str
    invoiced: str | None
    net: str | None
    received: str | None
    back: str | None


class Month(NamedTuple):
    """A ``YYYY-MM`` and what it came to in each currency."""

    period: str
    amounts: list[Amounts]


def months(connection: Connection, settings: Settings) -> list[Month]:
    """The newest first; none while a close waits for approval or the next month is not over.

    Before the first close it is each month that is over, back to the first with a document, at most ``MOST``.
    """
    closes, today = periods.closes(connection), Rules.of(settings).period
    standing = [item for item in closes if item.stands]
    if standing and standing[-1].status == CLOSED:
        return []
    moved = _moved(figures.standing(connection, "period").values())
    coming = closing.next_period(closes)
    if coming is not None:
        return [_month(coming, moved)] if coming < today else []
    last = adjustments.before(today)
    first = min((period for period, _, _ in moved if period), default=last)
    found = [last]
    while len(found) < MOST and found[-1] > first:
        found.append(adjustments.before(found[-1]))
    return [_month(period, moved) for period in found]


def frozen(connection: Connection, item: Close) -> tuple[Month, int]:
    """A month as its close has frozen it, and how many findings stood then."""
    found = periods.figures(connection, item)
    return _month(item.period, _moved(found.get("period", ()))), len(found.get("finding", ()))


def _moved(items: Iterable[dict[str, Any]]) -> dict[tuple[str, str, str], int]:
    """Minor units by month, currency and what they are."""
    moved: dict[tuple[str, str, str], int] = {}
    names = {place: name for name, place in _FIGURES.items()}
    for item in items:
        for side in ("left", "right"):
            name = names.get((item["name"], side))
            if name and item["period"]:
                parts, key = item["movement"], (item["period"], item["currency"])
                amount = parts[side]["amount"] - parts[f"excluded_{side}"]["amount"]
                moved[*key, name] = moved.get((*key, name), 0) + amount
                if name == "received":
                    moved[*key, "back"] = moved.get((*key, "back"), 0) + parts.get("back", {}).get("right_amount", 0)
    return moved


def _month(period: str, moved: dict[tuple[str, str, str], int]) -> Month:
    def amount(currency: str, name: str) -> str | None:
        return money.text(moved.get((period, currency, name), 0), currency)

    def in_currency(currency: str) -> Amounts:
        back = amount(currency, "back") if moved.get((period, currency, "back")) else None
        invoiced, net, received = (amount(currency, name) for name in _FIGURES)
        return Amounts(currency, invoiced, net, received, back)

    return Month(
        period, [in_currency(one) for one in sorted({currency for month, currency, _ in moved if month == period})]
    )
