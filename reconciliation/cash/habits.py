"""When payers pay: how many days after the due date, or after the day of the invoice where they deduct a discount.

What a payer usually pays by a day are fewer items than all that are open, so that fewer sets of them could come to an
amount by accident.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from reconciliation.cash.groups import Item, Receipt
from reconciliation.session import Session

_LEAST = 5
"""Payments of whole items that make a habit."""
_OUTSIDE = 10
"""One of so many may lie outside on either side."""
_SLACK = 2
"""Days: banks do not work on Saturdays and Sundays."""

Days = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Habit:
    """Between how many days after the due date a payer pays, and after the day of the invoice what he discounts."""

    after_due: Days | None
    after_issue: Days | None
    mostly: int | None
    """The middle of the days after the due date."""
    mostly_discounted: int | None
    """The middle of the days after the day of the invoice, of what he discounts."""

    def due_now(self, receipt: Receipt, items: Sequence[Item], *, deducted: bool) -> list[Item]:
        """What the payer usually pays on the receipt's day, and all credit notes; with discount if ``deducted``."""
        return [item for item in items if item.rest < 0 or self._fits(receipt, item, deducted)]

    def _fits(self, receipt: Receipt, item: Item, deducted: bool) -> bool:
        if deducted and item.deduction(receipt):
            return _within(receipt.received_on, item.issued_on, self.after_issue)
        return _within(receipt.received_on, item.due_on or item.issued_on, self.after_due)


def habits(session: Session) -> dict[tuple[str, str], Habit]:
    """Payer and currency → when he pays, by what is settled so far; those with too few payments are left out."""
    found: dict[tuple[str, str], tuple[list[int], list[int]]] = {}
    for party, currency, discounted, days in session.rows(
        """
        WITH discounted AS (SELECT DISTINCT receipt_id, item_id FROM difference WHERE kind = 'discount')
        SELECT r.party, r.currency, d.item_id IS NOT NULL AS less,
            r.received_on - CASE WHEN less THEN x.issued_on ELSE coalesce(x.due_on, x.issued_on) END AS days
        FROM application a JOIN receipt r USING (receipt_id) JOIN item x ON x.item_id = a.item_id
        LEFT JOIN discounted d ON d.receipt_id = a.receipt_id AND d.item_id = a.item_id
        WHERE r.party IS NOT NULL AND a.applied > 0 AND a.applied = x.open AND days IS NOT NULL
        ORDER BY ALL
        """
    ):
        found.setdefault((party, currency), ([], []))[discounted].append(days)
    return {
        payer: Habit(_usual(due), _usual(issue), _middle(due), _middle(issue)) for payer, (due, issue) in found.items()
    }


def likeliest(receipt: Receipt, items: Sequence[Item], habit: Habit | None, *, deducted: bool = False) -> list[Item]:
    """Items that nothing tells apart, the oldest first of those that the payer would usually have paid by then.

    The others, and all of a payer without a habit, by how near their day is to when he mostly pays, or to the day on
    which they are due; with discount if ``deducted``.
    """

    def away(item: Item) -> tuple[bool, int]:
        since, days = item.due_on or item.issued_on, habit.mostly if habit else None
        usual = habit.after_due if habit else None
        if deducted and item.issued_on and habit and habit.mostly_discounted is not None:
            since, days, usual = item.issued_on, habit.mostly_discounted, habit.after_issue
        if not receipt.received_on or not since:
            return True, 0
        if _within(receipt.received_on, since, usual):
            return False, (since - receipt.received_on).days
        return True, abs((receipt.received_on - since).days - (days or 0))

    return sorted(items, key=away)


def likely_set(
    receipt: Receipt, members: Sequence[Item], items: Sequence[Item], habit: Habit | None, *, deducted: bool
) -> list[Item]:
    """A set of the same amounts out of ``items``, of equal ones the likeliest."""
    found: list[Item] = []
    for item in members:
        equals = [other for other in items if (other.rest, other.discount) == (item.rest, item.discount)]
        found.append(
            next(other for other in likeliest(receipt, equals, habit, deducted=deducted) if other not in found)
        )
    return found


def _usual(days: list[int]) -> Days | None:
    if len(days) < _LEAST:
        return None
    outside = len(days) // _OUTSIDE
    return days[outside] - _SLACK, days[-1 - outside] + _SLACK


def _middle(days: list[int]) -> int | None:
    return days[len(days) // 2] if len(days) >= _LEAST else None


def _within(received: date | None, since: date | None, days: Days | None) -> bool:
    if days is None or received is None or since is None:
        return False
    return days[0] <= (received - since).days <= days[1]
