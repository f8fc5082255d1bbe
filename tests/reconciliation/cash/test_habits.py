"""What a payer usually pays on a day: the days of his earlier payments tell, and credit notes always count."""

from __future__ import annotations

from datetime import date, timedelta

from reconciliation.cash.groups import Item, Receipt
from reconciliation.cash.habits import Habit

_DAY = date(2026, 3, 1)


def _item(item_id: int, rest: int, due: int, discount: int = 0) -> Item:
    return Item(item_id, rest, _DAY, _DAY + timedelta(due), discount, _DAY + timedelta(14), f"INV-{item_id}")


def test_only_what_is_due_as_long_as_the_payer_usually_waits_is_paid_now() -> None:
    receipt = Receipt(1, "A", "EUR", 500, _DAY + timedelta(40))
    items = [_item(1, 100, 0), _item(2, 200, 38), _item(3, 300, 80), _item(4, -50, 0)]
    found = Habit((0, 5), None, 2, None).due_now(receipt, items, deducted=False)
    assert [item.item_id for item in found] == [2, 4]


def test_days_after_the_invoice_count_where_a_discount_is_deducted() -> None:
    receipt = Receipt(1, "A", "EUR", 500, _DAY + timedelta(9))
    items = [_item(1, 100, 30, discount=2), _item(2, 200, 8)]
    assert [item.item_id for item in Habit((0, 5), (7, 10), 2, 8).due_now(receipt, items, deducted=True)] == [1, 2]
    assert [item.item_id for item in Habit((0, 5), None, 2, None).due_now(receipt, items, deducted=True)] == [2]
