"""Consumers: shop orders at list prices, paid by processor when ordered or by transfer, some sent back."""

from __future__ import annotations

from bench.matching import names
from bench.matching.chance import Weights
from bench.matching.model import Item, Payer, Receipt
from bench.matching.office import END, FIRST, LAST, LEVEL, Office

PRICES = (
    990, 1290, 1490, 1499, 1590, 1990, 1999, 2290, 2490, 2499, 2900, 2990, 2999, 3490, 3900, 3990, 3999, 4490, 4900,
    4990, 4999, 5490, 5900, 5990, 6990, 7900, 7990, 8990, 9900, 9990, 12900, 14900, 14990, 19900, 24900, 29900, 39900,
    49900,
)  # fmt: skip
_POPULAR = Weights({price: 1 / (1 + place % 13) for place, price in enumerate(PRICES)})
_ORDERS = Weights({1: 0.62, 2: 0.22, 3: 0.10, 4: 0.06})
_POSTAGE = (0, 0, 390, 490, 590)
_CHARGE_TEXT = Weights({"order": 0.70, "numbers": 0.20, "nothing": 0.10})
"""What a shop gives the processor: its order number, its invoice number or nothing; undamaged, as machines write it."""


def add(office: Office) -> None:
    """One consumer's year."""
    chance, rates = office.chance, office.profile
    by_transfer = chance.happens(rates.consumer_transfer)
    known = rates.bank_party_known if by_transfer else rates.processor_party_known
    payer = office.payer(names.person(chance, office.market), known)
    for _ in range(chance.draw(_ORDERS)):
        ordered = chance.between(FIRST, LAST)
        price = chance.draw(_POPULAR) * chance.draw(_ORDERS) * LEVEL[office.market] + chance.pick(_POSTAGE)
        item = office.item("invoice", payer.parties[0], price, ordered + chance.between(0, 4), 14)
        item.order = office.order(ordered)
        if by_transfer:
            receipt = office.transfer(payer, office.currency, item.issued + chance.between(1, 20), "consumer")
        else:
            receipt = office.charge(payer, ordered, chance.draw(_CHARGE_TEXT), "consumer")
            receipt.events.append("by_machine")
        receipt.settle(item, item.open)
        if not by_transfer:
            receipt.fee = office.processor_fee(receipt.gross)
            if chance.happens(rates.chargeback):
                take_back(office, payer, receipt, item)
                continue
        if chance.happens(rates.consumer_return):
            _returned(office, payer, item, receipt)


def take_back(office: Office, payer: Payer, charge: Receipt, item: Item) -> None:
    """A chargeback: the money goes back with a fee, the invoice is open again; some pay it again."""
    chance = office.chance
    day = charge.day + chance.between(10, 60)
    if day > END:
        return
    back = office.charge(payer, day, charge.habit, charge.segment)
    back.events += ["chargeback", "by_machine"]
    back.settle(item, -item.open)
    back.fee = 1500 * LEVEL[office.market]
    day += chance.between(5, 30)
    if day <= END and chance.happens(office.profile.paid_again):
        again = office.transfer(payer, office.currency, day, charge.segment)
        again.events.append("paid_again")
        again.settle(item, item.open)


def _returned(office: Office, payer: Payer, item: Item, paid: Receipt) -> None:
    """A credit note over all or half of an invoice, and its refund by the way that the payment came."""
    chance = office.chance
    value = item.open if chance.happens(0.7) else item.open // 2
    day = max(item.issued, paid.day) + chance.between(5, 25)
    refunded = day + chance.between(1, 6)
    credit = office.item("credit_note", item.party, -value, day, 0)
    credit.order = item.order
    if refunded > END:
        return
    if paid.source == "payments":
        refund = office.charge(payer, refunded, chance.pick(("order", "numbers")), paid.segment)
    else:
        refund = office.transfer(payer, office.currency, refunded, paid.segment)
        refund.habit = "numbers"
    refund.events += ["refund", "by_machine"]
    refund.settle(credit, credit.open)
