"""What the card processor pays out each week, the bank's lines for it, and the faults planted between the two."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sandbox.world.processor import Payout
from sandbox.world.records import BankLine, Fault, World, bank_reference, native_id

_THURSDAY = 3
_WAIT = timedelta(days=3)
"""So old a movement is before it is paid out."""
_TRAVEL = timedelta(days=4)
"""From the processor to the bank, over a weekend."""
_TRACED = ("EUR", "USD")
_PARTY = "Stripe Payments Europe, Ltd."
_MISSING = ("EUR", "JPY")
_KEPT = {"EUR": Decimal(15), "USD": Decimal(25)}
"""What a bank on the way kept of a payout."""
_UNEXPLAINED = {"USD": Decimal("42.50"), "JPY": Decimal(3000)}
"""What the processor paid too little, and tells no reason for."""


def add(world: World, today: date) -> None:
    """Fill the payouts and the bank's lines for them; the faults are appended to those of the world."""
    movements = world.processor.movements
    movements.sort(key=lambda item: (item.made_at, item.id))
    day = movements[0].made_at.date()
    while day <= today:
        if day.weekday() == _THURSDAY:
            for currency in sorted({item.currency for item in movements}):
                _pay_out(world, currency, day)
        day += timedelta(days=1)
    _plant(world, today)


def _pay_out(world: World, currency: str, day: date) -> None:
    """All that is open, whatever it comes to: below zero, the processor takes it from the account."""
    ready = [
        item
        for item in world.processor.movements
        if item.currency == currency and not item.payout_id and not item.is_held and item.made_at.date() <= day - _WAIT
    ]
    amount = sum((item.net for item in ready), Decimal(0))
    if not amount:
        return
    key = native_id("payout", f"{currency} {day}", 24)
    trace = f"T{native_id('trace', key, 14).upper()}" if currency in _TRACED else ""
    made = Payout(f"po_{key}", day, day + _TRAVEL, amount, currency, trace)
    world.processor.payouts.append(made)
    for item in ready:
        item.payout_id = made.id


def _plant(world: World, today: date) -> None:
    """Payouts that never arrived, arrived short, do not add up; all others are at the bank as they are."""
    open_ = [
        payout
        for payout in world.processor.payouts
        if payout.amount > 0 and payout.arrives_on < today - timedelta(days=20)
    ]

    def take(currency: str) -> Payout:
        payout = [item for item in open_ if item.currency == currency][-1]
        open_.remove(payout)
        return payout

    missing = [take(currency) for currency in _MISSING]
    for payout in missing:
        _fault(world, "payout_not_in_bank", payout, "Stripe paid it out, and the bank has never seen it", payout.amount)
    kept: dict[str, Decimal] = {}
    for currency, amount in _KEPT.items():
        payout = take(currency)
        kept[payout.id] = amount
        story = "a bank on the way kept a part of it"
        _fault(world, "payout_bank_amount", payout, story, amount, bank_reference(payout.id))
    for currency, amount in _UNEXPLAINED.items():
        payout = take(currency)
        payout.amount -= amount
        _fault(world, "payout_does_not_add_up", payout, "it is less than what it is made of", amount)
    for payout in world.processor.payouts:
        if payout not in missing and payout.arrives_on <= today:
            world.bank_lines.append(_line(payout, kept.get(payout.id, Decimal(0))))


def _fault(world: World, check: str, payout: Payout, story: str, amount: Decimal, *numbers: str) -> None:
    world.faults.append(Fault(check, (payout.id, *numbers), story, amount, payout.currency))


def _line(payout: Payout, kept: Decimal) -> BankLine:
    return BankLine(
        reference=bank_reference(payout.id),
        booked_on=payout.arrives_on,
        amount=abs(payout.amount) - kept,
        currency=payout.currency,
        outgoing=payout.amount < 0,
        party=_PARTY,
        text=f"STRIPE PAYOUT {payout.trace}".strip(),
    )
