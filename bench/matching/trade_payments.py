"""Payments of trade customers: alone or in runs, with what goes wrong in them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from bench.matching.chance import Weights
from bench.matching.model import Item, Payer, Receipt
from bench.matching.office import END, FIRST, LEVEL, Office

_SWAPPED = 2
_FACTOR_FEES = (50, 75, 100, 150)


@dataclass(frozen=True)
class Habits:
    """How a payer pays all year."""

    run: int
    """Days from one payment run to the next; 0 pays each invoice alone."""
    late: bool
    takes_discount: bool
    currency: str
    withheld: int
    """Hundredths of a per cent."""
    bank_fee: bool
    factor_fee: int


Planned = tuple[int, bool, Item]


def pay(office: Office, payer: Payer, planned: list[Planned], credits: list[Item], habits: Habits) -> None:
    """Pay what is planned, with credit notes deducted or refunded."""
    chance, rates = office.chance, office.profile
    kept = [credit for credit in credits if chance.happens(rates.credit_netted)]
    _refund(office, payer, [credit for credit in credits if credit not in kept])
    planned.sort(key=lambda one: (one[0], one[1]))
    if payer.why == "factor":
        fee = chance.pick(_FACTOR_FEES)
        habits = Habits(habits.run, habits.late, False, office.currency, 0, False, fee)
    troubles = _troubles(office, single=False), _troubles(office, single=True)
    groups = (
        (list(group) for _, group in groupby(planned, key=lambda one: one[0])) if habits.run else ([p] for p in planned)
    )
    for group in groups:
        day = group[0][0]
        items = [(item, taken and habits.factor_fee == 0) for _, taken, item in group]
        due = sum(item.remaining for item, _ in items)
        netted: list[Item] = []
        for credit in [one for one in kept if one.issued < day]:
            if any(credit.party == item.party for item, _ in items) and -credit.open < due // 2:
                netted.append(credit)
                kept.remove(credit)
                due += credit.open
        _payment(office, payer, day, items, netted, habits, troubles[len(items) == 1])


def _troubles(office: Office, single: bool) -> Weights[str]:
    """What may happen to a payment of one or of several items; nothing to most."""
    rates = office.profile
    common = ("partial_payment", "short_payment", "missing_credit", "rounding", "overpayment", "late_interest")
    shares = {name: getattr(rates, name) for name in (*common, "deposit_on_account")}
    if single:
        shares |= {"instalments": rates.instalments, "wrong_number": rates.wrong_number}
    return Weights({"": 1 - sum(shares.values()), **shares})


def _payment(
    office: Office,
    payer: Payer,
    day: int,
    items: list[tuple[Item, bool]],
    credits: list[Item],
    habits: Habits,
    troubles: Weights[str],
) -> None:
    """One payment."""
    chance = office.chance
    trouble = chance.draw(troubles)
    special = habits.currency != office.currency or habits.withheld or habits.factor_fee
    first = items[0][0]
    if special and trouble not in ("", "deposit_on_account"):
        trouble = ""
    if trouble == "instalments" and not items[0][1] and not credits:
        _instalments(office, payer, day, first)
        return
    receipt = office.transfer(payer, habits.currency, day, "trade")
    if habits.currency != office.currency:
        _in_another_currency(office, receipt, [item for item, _ in items])
        return
    for item, taken in items:
        owed = item.remaining
        receipt.settle(item, owed)
        if taken and owed == item.amount:
            kind = "discount" if day <= item.until else "short_payment"
            receipt.differ(item, kind, -_share(item.amount, item.discount), by_terms=True)
            receipt.events.append("discount" if day <= item.until else "discount_late")
        if habits.withheld:
            receipt.differ(item, "withholding_tax", -_share(owed, habits.withheld))
        if habits.factor_fee:
            receipt.differ(item, "fee", -_share(owed, habits.factor_fee))
    if habits.withheld:
        receipt.events.append("withholding")
    for credit in credits:
        receipt.settle(credit, credit.open)
        receipt.events.append("credit_netted")
    if trouble == "partial_payment":
        _in_part(office, payer, receipt)
    elif trouble == "deposit_on_account":
        _advance(office, payer, day)
    elif trouble == "wrong_number":
        _misnamed(office, receipt, first)
    elif trouble:
        _trouble(office, receipt, trouble)
    if habits.bank_fee and receipt.gross > 20_000 * LEVEL[office.market]:
        _bank_fee(office, receipt)


def _share(amount: int, hundredths: int) -> int:
    """That share of an amount, rounded half up."""
    return (amount * hundredths + 5_000) // 10_000


def _trouble(office: Office, receipt: Receipt, trouble: str) -> None:
    """A payment of too little or too much; its exact amount is a difference of the truth."""
    chance = office.chance
    item = max((row.item for row in receipt.rows), key=lambda one: one.open)
    owed = receipt.gross
    if trouble == "rounding":
        change = -(owed % 100) if owed % 100 and chance.happens(0.5) else chance.pick((-3, -2, -1, -1, 1, 1, 2))
        receipt.differ(item, "rounding", change)
    elif trouble == "overpayment":
        more = _swapped_digits(owed) if chance.happens(0.4) else 0
        receipt.differ(item, "overpayment", more or (10_000 - owed % 10_000 if owed % 10_000 else 10_000))
    elif trouble == "late_interest":
        if receipt.day <= item.due:
            return
        receipt.differ(item, "surcharge", max(50, item.open * (receipt.day - item.due) * 9 // 36_500))
        receipt.extra = (
            chance.pick(("incl. interest", "+ interest", "")) if office.market != "dach" else "inkl. Verzugszinsen"
        )
    else:
        less = max(100, item.open * chance.between(1, 15) // 100)
        receipt.differ(item, "short_payment", -(less - less % 100 if less > 10_000 else less))
        if trouble == "missing_credit":
            receipt.extra = "missing_credit"
    receipt.events.append(trouble)


def _swapped_digits(amount: int) -> int:
    """How much more is paid where two neighbouring digits are swapped; 0 where that gives no more."""
    digits = str(amount)
    for place in range(len(digits) - 1):
        if digits[place] < digits[place + 1]:
            swapped = digits[:place] + digits[place + 1] + digits[place] + digits[place + _SWAPPED :]
            return int(swapped) - amount
    return 0


def _in_part(office: Office, payer: Payer, receipt: Receipt) -> None:
    """Pay a part of the last invoice; the rest follows for most."""
    chance = office.chance
    row = [row for row in receipt.rows if row.applied > 0][-1]
    item = row.item
    if any(difference.item is item for difference in receipt.differences) or item.open < 10_000:
        return
    part = item.remaining + row.applied
    part = part * chance.between(30, 70) // 100 // 100 * 100
    receipt.gross -= row.applied - part
    item.settled -= row.applied - part
    row.applied = part
    receipt.events.append("partial_payment")
    day = receipt.day + chance.between(10, 45)
    if day <= END and chance.happens(0.65):
        rest = office.transfer(payer, receipt.currency, day, "trade")
        rest.habit = "numbers"
        rest.events.append("rest_of_partial")
        rest.settle(item, item.remaining)


def _instalments(office: Office, payer: Payer, day: int, item: Item) -> None:
    """Pay an invoice in monthly parts with a surcharge: at the end, or in each part, which then says so."""
    chance = office.chance
    count = chance.between(3, 6)
    owed, surcharge = item.remaining, max(count, _share(item.remaining, chance.pick((100, 200, 300))))
    at_the_end = chance.happens(0.5)
    for place in range(count):
        if day + 30 * place > END:
            return
        receipt = office.transfer(payer, office.currency, day + 30 * place, "trade")
        receipt.habit = "numbers"
        receipt.extra = f"{place + 1}/{count}"
        receipt.events.append("instalments")
        last = place == count - 1
        receipt.settle(item, item.remaining if last else owed // count)
        more = surcharge // count
        if last:
            more = surcharge if at_the_end else surcharge - more * (count - 1)
        elif at_the_end:
            continue
        receipt.differ(item, "surcharge", more)
        receipt.extra += f" incl. surcharge {more / 100:.2f}"


def _in_another_currency(office: Office, receipt: Receipt, items: list[Item]) -> None:
    """Pay the items at the payer's bank's rate, up to 1 % off the day's; the distance is a difference."""
    chance = office.chance
    owed = sum(item.remaining for item in items)
    for item in items:
        applied = item.remaining
        receipt.settle(item, applied)
        receipt.gross += office.exchange.convert(applied, item.currency, receipt.currency, receipt.day) - applied
    off = receipt.gross * chance.between(-100, 60) // 10_000
    receipt.differ(None, "fx", off)
    receipt.events.append("fx")
    if chance.happens(0.5):
        receipt.extra = f"{office.currency} {owed / 100:.2f}"


def _bank_fee(office: Office, receipt: Receipt) -> None:
    """Charges on the way; a few banks tell them."""
    chance = office.chance
    fee = chance.between(500, 3500) * LEVEL[office.market]
    receipt.events.append("bank_fee")
    if chance.happens(0.3):
        receipt.fee = fee
    else:
        receipt.differ(None, "fee", -fee)


def _misnamed(office: Office, receipt: Receipt, item: Item) -> None:
    """Let the text name an invoice that the customer has paid before."""
    own = [one for one in office.items[-300:] if one.party == item.party]
    if sum(one.open == item.open for one in own) > 1:
        return  # nobody could tell which is meant, or whether it is a second payment
    earlier = [one for one in own if one.rows and not one.remaining and one.last < receipt.day]
    if earlier:
        receipt.named = [earlier[-1]]
        receipt.habit = "wrong_number"
        receipt.events.append("wrong_number")


def _advance(office: Office, payer: Payer, day: int) -> None:
    """A round sum before any invoice, for an order that nobody has billed yet."""
    receipt = office.transfer(payer, office.currency, day, "trade")
    receipt.habit, receipt.kind = "order", "deposit"
    receipt.events.append("deposit_on_account")
    receipt.differ(None, "deposit", office.chance.between(5, 80) * 10_000 * LEVEL[office.market])


def _refund(office: Office, payer: Payer, credits: list[Item]) -> None:
    """Pay credit notes out."""
    for credit in credits:
        day = credit.issued + office.chance.between(5, 30)
        if day > END:
            continue
        receipt = office.transfer(payer, office.currency, day, "trade")
        receipt.habit = "numbers"
        receipt.events += ["refund", "by_machine"]
        receipt.settle(credit, credit.open)


def pay_on_account(office: Office, payer: Payer, items: list[Item]) -> None:
    """Round sums every month without a word about invoices: the law lets them settle the oldest debt first.

    § 366 BGB and article 560 of the Civil Code of the People's Republic of China: what is due, then what was due first.
    """
    chance = office.chance
    step = 10_000 * LEVEL[office.market]
    day = FIRST + chance.between(20, 50)
    while day <= END:
        owing = [item for item in sorted(items, key=lambda one: one.due) if item.issued < day and item.remaining]
        total = sum(item.remaining for item in owing)
        given = total * chance.between(50, 95) // 100 // step * step
        if given:
            receipt = office.transfer(payer, office.currency, day, "trade")
            receipt.habit = chance.pick(("name", "nothing", "customer_number"))
            receipt.events.append("rolling")
            for item in owing:
                if given == receipt.gross:
                    break
                receipt.settle(item, min(item.remaining, given - receipt.gross))
        day += chance.between(25, 35)
