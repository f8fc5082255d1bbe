"""Subscribers: the same amount every month, by card, direct debit, standing order or transfer."""

from __future__ import annotations

from bench.matching import names
from bench.matching.chance import Weights
from bench.matching.consumers import take_back
from bench.matching.model import Item, Payer, Receipt
from bench.matching.office import END, FIRST, LEVEL, Office

_PLANS = Weights({900: 3, 1900: 4, 2900: 5, 4900: 5, 7900: 2, 9900: 4, 14900: 2, 29900: 2, 49900: 1})
_WAYS = Weights({"card": 0.50, "debit": 0.22, "standing_order": 0.14, "transfer": 0.14})
_CARD_TEXT = Weights({"numbers": 0.60, "customer_number": 0.25, "nothing": 0.15})
_MISSED = 0.02
"""Months not paid, and paid together with the next; of those paid by the customer's own doing."""
_BANK_COSTS = (300, 350, 500, 810)


def add(office: Office) -> None:
    """One subscription's year; half of them belong to companies."""
    chance, rates = office.chance, office.profile
    way = chance.draw(_WAYS)
    known = rates.processor_party_known if way == "card" else rates.bank_party_known
    maker = names.company if chance.happens(0.5) else names.person
    payer = office.payer(maker(chance, office.market), 1.0 if way == "debit" else known)
    text = chance.draw(_CARD_TEXT) if way == "card" else payer.habit
    if way == "standing_order":
        # Its text was written once, so it cannot name an invoice.
        text = payer.habit = chance.pick(("customer_number", "name", "nothing"))
    start, months = chance.between(0, 27), chance.between(4, 12)
    first = chance.between(0, 12 - months)
    amount = chance.draw(_PLANS) * LEVEL[office.market]
    raised = chance.between(3, 11) if chance.happens(0.2) else 99
    missed: Item | None = None
    for month in range(months):
        day = FIRST + start + round((first + month) * 30.4)
        item = office.item("invoice", payer.parties[0], amount + (amount // 10 if month >= raised else 0), day, 14)
        active = way in ("standing_order", "transfer")
        if active and missed is None and month + 1 < months and chance.happens(_MISSED):
            missed = item
            continue
        receipt = _paid(office, payer, item, way, text)
        if missed is not None and receipt is not None:
            receipt.settle(missed, missed.open)
            receipt.events.append("caught_up")
            missed = None


def _paid(office: Office, payer: Payer, item: Item, way: str, text: str) -> Receipt | None:
    chance, rates = office.chance, office.profile
    day = item.issued + {"card": 0, "debit": chance.between(3, 6), "standing_order": 2}.get(way, chance.between(1, 16))
    if day > END:
        return None
    if way == "card":
        receipt = office.charge(payer, day, text, "subscription")
        receipt.events.append("by_machine")
        receipt.settle(item, item.open)
        receipt.fee = office.processor_fee(receipt.gross)
        if chance.happens(rates.chargeback):
            take_back(office, payer, receipt, item)
        return receipt
    receipt = office.transfer(payer, office.currency, day, "subscription")
    if way == "debit":
        receipt.habit = "instruction"  # we wrote the text ourselves
        receipt.events.append("by_machine")
    elif way == "standing_order":
        receipt.habit = text
    receipt.settle(item, item.open)
    if way == "debit" and chance.happens(rates.debit_return):
        _returned(office, payer, receipt, item)
    return receipt


def _returned(office: Office, payer: Payer, receipt: Receipt, item: Item) -> None:
    """The debtor's bank takes a direct debit back, with costs; some pay by transfer after that."""
    chance = office.chance
    day = receipt.day + chance.between(2, 8)
    if day > END:
        return
    back = office.transfer(payer, office.currency, day, "subscription")
    back.habit = "instruction"
    back.events += ["debit_return", "by_machine"]
    back.settle(item, -item.open)
    back.fee = chance.pick(_BANK_COSTS) * LEVEL[office.market]
    day += chance.between(5, 20)
    if day <= END and chance.happens(office.profile.paid_again):
        again = office.transfer(payer, office.currency, day, "subscription")
        again.habit = "numbers"
        again.events.append("paid_again")
        again.settle(item, item.open)
