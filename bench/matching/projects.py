"""Projects: one order with a deposit, stage invoices and a final invoice, each paid by transfer."""

from __future__ import annotations

from bench.matching import names
from bench.matching.numbers import purchase_order
from bench.matching.office import END, FIRST, LAST, LEVEL, Office

_SHARES = ((30, 70), (30, 40, 30), (20, 30, 30, 20), (50, 50))
_VAT = {"dach": 119, "uk": 120, "us": 100, "cn": 113}


def add(office: Office) -> None:
    """One project: a deposit is asked for before work begins; stages may have equal amounts."""
    chance, rates = office.chance, office.profile
    payer = office.payer(names.company(chance, office.market), rates.bank_party_known)
    total = max(200_000, round(chance.spread(1_500_000, 0.8))) // 1000 * 1000 * LEVEL[office.market]
    total = total * _VAT[office.market] // 100
    day = chance.between(FIRST, LAST - 30)
    order = office.order(day - 5)
    own = purchase_order(chance, 2 if office.market == "cn" else chance.pick((0, 1, 3)))
    left = total
    shares = chance.pick(_SHARES)
    for place, share in enumerate(shares):
        amount = left if place == len(shares) - 1 else total * share // 100
        left -= amount
        item = office.item("invoice" if place else "deposit", payer.parties[0], amount, day, 14)
        item.order, item.purchase_order = order, own
        paid = day + chance.between(3, 25)
        if paid > END or chance.happens(rates.unpaid):
            return
        receipt = office.transfer(payer, office.currency, paid, "project")
        receipt.settle(item, amount)
        day = paid + chance.between(15, 60)
        if day > LAST:
            return
