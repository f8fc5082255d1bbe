"""Trade customers: who they are, who pays for them, what they are billed, and when they mean to pay it."""

from __future__ import annotations

from dataclasses import dataclass

from bench.matching import names, trade_payments
from bench.matching.chance import Weights
from bench.matching.model import Item, Payer
from bench.matching.numbers import purchase_order
from bench.matching.office import END, FIRST, LAST, LEVEL, Office
from bench.matching.trade_payments import Habits

_TERMS = {"dach": (14, 30, 30, 30), "uk": (30, 30, 30, 60), "us": (30, 30, 45, 60), "cn": (30, 30, 60, 90)}
_VAT = {"dach": 119, "uk": 120, "us": 100, "cn": 113}
_RUNS = Weights({7: 0.45, 14: 0.25, 30: 0.30})
_DISCOUNTS = ((200, 10), (200, 14), (300, 14))
_WITHHELD = (200, 500, 600, 1000)
_FOREIGN = ("EUR", "USD", "GBP", "CHF", "CNY", "JPY")


@dataclass(frozen=True)
class _Terms:
    days: int
    discount: int
    discount_days: int
    blanket: bool
    """One order number of the customer's for a whole quarter."""
    order_style: int
    in_blocks: bool


def add(office: Office) -> None:
    """The year of one trade payer and of those it pays for."""
    chance, rates = office.chance, office.profile
    payer = _payer(office)
    discount, within = chance.pick(_DISCOUNTS) if chance.happens(rates.discount_offered) else (0, 0)
    style = chance.pick((0, 0, 1, 3)) if office.market != "cn" else chance.pick((0, 2, 2, 2))
    in_blocks = chance.happens(rates.in_blocks)
    terms = _Terms(chance.pick(_TERMS[office.market]), discount, within, chance.happens(0.15), style, in_blocks)
    rolling = len(payer.parties) == 1 and chance.happens(rates.rolling)
    habits = _habits(office)
    # Money withheld or lost in exchange must not equal a credit note by chance.
    credited = not habits.withheld and habits.currency == office.currency
    items = [item for party in payer.parties for item in _billed(office, party, terms, rolling, credited)]
    if rolling:
        trade_payments.pay_on_account(office, payer, items)
        return
    for item in items:
        if item.kind == "credit_note":
            continue
        if chance.happens(rates.opened_before):
            item.open -= item.amount * chance.between(20, 70) // 100
    planned = [(day, taken, item) for item in items for day, taken in _plan(office, item, habits)]
    trade_payments.pay(office, payer, planned, [item for item in items if item.kind == "credit_note"], habits)


def _payer(office: Office) -> Payer:
    """A customer that pays for itself, or a parent, a factor or a person that pays."""
    chance, rates, market = office.chance, office.profile, office.market
    payer = office.payer(names.company(chance, market), rates.bank_party_known)
    why = chance.random()
    for name, share in (
        ("parent", rates.by_parent),
        ("factor", rates.by_factor),
        ("personal_account", rates.by_person),
    ):
        if why < share:
            _pays_for(office, payer, name)
            break
        why -= share
    return payer


def _pays_for(office: Office, payer: Payer, why: str) -> None:
    """Let another than the customer pay, known to the data or not."""
    chance, market = office.chance, office.market
    payer.why = why
    payer.account = names.account(chance, market)
    if why == "parent":
        root = payer.name.split(" ")[0] if market != "cn" else payer.name[2:4]
        for _ in range(chance.between(2, 5)):
            name = names.company(chance, market)
            payer.parties.append(office.party(f"{root} {name}" if market != "cn" else name[:2] + root + name[4:]))
    else:
        person = why == "personal_account"
        payer.name = names.person(chance, market) if person else f"{names.company(chance, market)} Factoring"
        payer.party = payer.parties[0] if person else office.party(payer.name)
    payer.habit = "numbers" if why == "factor" else payer.habit
    known = chance.happens(office.profile.relation_known)
    if why == "personal_account":
        payer.known = False  # a person is no customer of ours; what may be known is whose account it is
    elif not known and why == "factor":
        payer.known = False
    if known:
        by = payer.account if why == "personal_account" else payer.party
        office.related.extend((by, party, why) for party in payer.parties if party != by)


def _billed(office: Office, party: str, terms: _Terms, rolling: bool, credited: bool) -> list[Item]:
    """Invoices, credit notes and debit notes of one customer, in order of issue."""
    chance, rates, market = office.chance, office.profile, office.market
    count = min(250, max(1, round(chance.spread(9, 0.9))))
    days = sorted(chance.between(FIRST, LAST) for _ in range(count))
    if terms.in_blocks:
        days = [day - day % 7 for day in days if day - day % 7 >= FIRST]
    if rolling:
        days = sorted(set(days))  # no two due on one day: the law would split a payment between them
    scale = chance.spread(120_000, 1.1) * LEVEL[market]
    made: list[Item] = []
    amounts: list[int] = []
    blanket = [purchase_order(chance, terms.order_style) for _ in range(4)]
    for day in days:
        if amounts and chance.happens(rates.repeated_amount):
            amount = chance.pick(amounts)
        else:
            amount = max(500, round(chance.spread(scale, 0.9))) * _VAT[market] // 100
            amounts.append(amount)
        item = _invoice(office, party, amount, day, terms, blanket)
        made.append(item)
        if rolling:
            continue
        if chance.happens(rates.twin_invoice):
            made.append(_twin(office, item))
        if credited and chance.happens(rates.credit_note):
            made.append(_credit(office, item))
        if chance.happens(rates.debit_note):
            value = chance.between(500, 15_000) * LEVEL[market]
            made.append(office.item("debit_note", party, value, min(LAST, day + chance.between(20, 60)), 14))
    return made


def _invoice(office: Office, party: str, amount: int, day: int, terms: _Terms, blanket: list[str]) -> Item:
    chance = office.chance
    item = office.item("invoice", party, amount, day, terms.days)
    item.order = office.order(day - chance.between(1, 20))
    item.delivery = office.order(day - 1)
    own = blanket[min(3, (day - FIRST) // 92)]
    item.purchase_order = own if terms.blanket else purchase_order(chance, terms.order_style)
    if terms.discount:
        item.discount, item.until = terms.discount, day + terms.discount_days
    return item


def _twin(office: Office, item: Item) -> Item:
    """Another invoice that equals one in everything but its numbers."""
    twin = office.item("invoice", item.party, item.amount, item.issued, item.due - item.issued)
    twin.discount, twin.until, twin.purchase_order = item.discount, item.until, item.purchase_order
    twin.order, twin.delivery = office.order(item.issued - 1), office.order(item.issued - 1)
    return twin


def _credit(office: Office, item: Item) -> Item:
    chance = office.chance
    value = item.amount * chance.pick((5, 10, 10, 15, 20, 30, 50)) // 100
    credit = office.item("credit_note", item.party, -value, item.issued + chance.between(3, 25), 0)
    credit.order, credit.purchase_order = item.order, item.purchase_order
    return credit


def _habits(office: Office) -> Habits:
    """How a payer pays, drawn once for the year."""
    chance, rates = office.chance, office.profile
    foreign = ""
    if chance.happens(rates.fx):
        foreign = chance.pick([code for code in _FOREIGN if code != office.currency])
    return Habits(
        run=chance.draw(_RUNS) if chance.happens(rates.in_runs) else 0,
        late=chance.happens(rates.late),
        takes_discount=chance.happens(rates.discount_taken),
        currency=foreign or office.currency,
        withheld=chance.pick(_WITHHELD) if not foreign and chance.happens(rates.withholding) else 0,
        bank_fee=not foreign and chance.happens(rates.bank_fee),
        factor_fee=0,
    )


def _plan(office: Office, item: Item, habits: Habits) -> list[tuple[int, bool]]:
    """The day an item is to be paid and whether its discount is taken; nothing where it is not paid."""
    chance, rates = office.chance, office.profile
    if item.kind == "credit_note" or chance.happens(rates.unpaid):
        return []
    if item.discount and habits.takes_discount and item.open == item.amount:
        late = chance.happens(rates.discount_late)
        day = item.until + chance.between(2, 12) if late else item.until - chance.between(0, 4)
        if habits.run:
            day -= day % habits.run
        day -= max(0, day % 7 - 5)
        if day > item.issued:
            return [(day, True)]
    day = item.due + (max(1, round(chance.spread(11, 0.9))) if habits.late else -chance.between(0, 6))
    if habits.run:
        day += -day % habits.run
    day += (0, 0, 0, 0, 0, 2, 1)[(day - 1) % 7]
    return [(max(day, item.issued), False)] if day <= END else []
