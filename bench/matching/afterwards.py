"""Payments made twice, and what is sent back of them."""

from __future__ import annotations

from collections import Counter

from bench.matching.model import IDENTIFYING, Receipt
from bench.matching.office import END, Office

_SENT_BACK = {
    "dach": "Erstattung Doppelzahlung",
    "uk": "refund paid twice",
    "us": "refund duplicate",
    "cn": "重复付款退回",
}
_HARMLESS = {"by_machine", "discount", "credit_netted"}


def repeat_some(office: Office) -> None:
    """Pay some receipts a second time, days later. The first one settles; the second settles nothing.

    Only payments that name what they pay, and, where people write, of an amount that the customer owes once: a second
    one without any reference is, by law, for the next open debt, and one with the number of a paid invoice may be for
    another of the same amount.
    """
    owed = Counter((item.party, item.open) for item in office.items)
    for first in list(office.receipts):
        if first.kind == "settles" and office.chance.happens(office.profile.duplicate) and _plain(first):
            once = all(owed[row.item.party, row.item.open] == 1 for row in first.rows)
            if once or "by_machine" in first.events:
                repeat(office, first)


def repeat(office: Office, first: Receipt) -> Receipt | None:
    """Pay a receipt a second time; nothing where that is after the end."""
    chance, payer = office.chance, first.payer
    day = first.day + chance.between(1, 20)
    if day > END or payer is None:
        return None
    second = Receipt(
        first.source, first.party, first.name, first.account, first.currency, 0, day, first.habit, "duplicate"
    )
    second.segment, second.payer = first.segment, payer
    second.gross = second.rest = first.gross
    second.fee, second.netted = first.fee, first.netted
    second.events = ["duplicate", *(event for event in first.events if event == "by_machine")]
    second.named, second.first = [row.item for row in first.rows], first
    office.receipts.append(second)
    day += chance.between(3, 25)
    if day <= END and chance.happens(office.profile.duplicate_refunded):
        back = Receipt(
            first.source, first.party, first.name, first.account, first.currency, 0, day, "numbers", "refund"
        )
        back.segment, back.payer = first.segment, payer
        back.gross = back.rest = -first.gross
        back.events = ["refund_of_duplicate", "by_machine"]
        back.named, back.offset = second.named, second
        back.extra = _SENT_BACK[office.market]
        office.receipts.append(back)
    return second


def _plain(receipt: Receipt) -> bool:
    """Whether it names items that it settles, alone and for the only time."""
    return (
        receipt.habit in IDENTIFYING
        and receipt.habit != "instruction"
        and receipt.gross > 0
        and _HARMLESS.issuperset(receipt.events)
        and all(row.item.rows == 1 for row in receipt.rows)
    )
