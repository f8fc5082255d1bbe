"""Which invoices are paid by card, what else happens at the card processor, and the faults planted there."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sandbox.world import bank
from sandbox.world.deals import at, exponent, line_gross
from sandbox.world.processor import CardRefund, Charge, Dispute, Movement
from sandbox.world.records import BookInvoice, BookPayment, Fault, World, native_id

RATE = Decimal("0.029")
FIXED = {"CNY": Decimal(2), "EUR": Decimal("0.25"), "USD": Decimal("0.30"), "JPY": Decimal(40)}
"""What a card payment costs by contract: a share of the amount, and so much beside it."""
_DISPUTE_FEE = {"CNY": Decimal(100), "EUR": Decimal(15), "USD": Decimal(15), "JPY": Decimal(1500)}
_EVERY = {"CNY": 8}
"""Of so many payments in a currency one is made by card; of the others every second."""
_UNKNOWN = ((33, "Spare seals, paid by phone", "EUR", "486.20"), (8, "Sample kit at the fair", "USD", "1290.00"))
"""Days ago, text, currency and amount of card payments that belong to no document."""
_WON_AFTER = timedelta(days=40)


def add(world: World, today: date) -> None:
    """Fill the processor's charges, refunds, disputes and movements; the faults are appended to those of the world."""
    invoices = {invoice.key: invoice for invoice in world.book_invoices}
    for payment in _by_card(world, today):
        assert payment.invoice_key is not None
        _charge(world, payment, invoices[payment.invoice_key])
    picker = _Picker(world, today)
    _decline(world, picker, today)
    _refund_what_is_credited(world, invoices)
    _refund_what_is_not(world, picker)
    _dispute(world, picker, today)
    _overcharge(world, picker)
    _hold(world, picker)
    _pay_for_nothing(world, today)


class _Picker:
    """Gives each charge once: the first to whoever asks first, of invoices that were paid in one sum."""

    def __init__(self, world: World, today: date) -> None:
        self._today = today
        paid = [payment.invoice_key for payment in world.book_payments]
        alone = {payment.key for payment in world.book_payments if paid.count(payment.invoice_key) == 1}
        credited = {invoice.corrects_key for invoice in world.book_invoices}
        keys = {payment.key for payment in world.book_payments if payment.invoice_key not in credited}
        self._left = [charge for charge in world.processor.charges if charge.payment_key in alone & keys]

    def take(self, currency: str, days: int) -> Charge:
        """The latest charge in a currency that is at least so many days old."""
        last = self._today - timedelta(days=days)
        fits = [item for item in self._left if item.currency == currency and item.made_at.date() <= last]
        found = max(fits, key=lambda item: item.made_at)
        self._left.remove(found)
        return found


def _by_card(world: World, today: date) -> list[BookPayment]:
    """Payments of ordinary deals, and those of which a part was credited and goes back the same way."""
    planted = {number for fault in world.faults for text in fault.numbers for number in text.split()}
    never = {payment.key for payment in bank.never_came(world, today)}
    refunded = {payment.invoice_key for payment in world.book_payments if payment.kind == "refund"}
    excess = {invoice.corrects_key for invoice in world.book_invoices if invoice.key in refunded}
    seen: dict[str, int] = {}
    found = []
    for payment in sorted(world.book_payments, key=lambda item: (item.paid_on, item.key)):
        if payment.kind != "payment" or payment.key in never or planted & set(payment.reference.split()):
            continue
        seen[payment.currency] = seen.get(payment.currency, 0) + 1
        if payment.invoice_key in excess or seen[payment.currency] % _EVERY.get(payment.currency, 2) == 0:
            found.append(payment)
    return found


def _charge(world: World, payment: BookPayment, invoice: BookInvoice) -> Charge:
    made = Charge(
        id=f"ch_{native_id('charge', payment.key, 24)}",
        contact_key=payment.contact_key,
        made_at=at(payment.paid_on, 5, len(world.processor.charges)),
        amount=payment.amount,
        currency=payment.currency,
        fee=usual_fee(payment.amount, payment.currency),
        text=f"{invoice.number} {invoice.reference}",
        invoice_number=invoice.number,
        order_number=invoice.reference,
        payment_key=payment.key,
    )
    return _take(world, made)


def usual_fee(amount: Decimal, currency: str) -> Decimal:
    """By contract, rounded to the currency's smallest unit."""
    return (amount * RATE).quantize(exponent(currency), ROUND_HALF_UP) + FIXED[currency]


def _take(world: World, charge: Charge) -> Charge:
    world.processor.charges.append(charge)
    if not charge.is_declined:
        _move(world, "charge", charge.id, charge, charge.amount, charge.fee)
    return charge


def _move(
    world: World, category: str, source_id: str, charge: Charge, amount: Decimal, fee: Decimal, days: int = 0
) -> None:
    world.processor.movements.append(
        Movement(
            id=f"txn_{native_id(category, source_id, 24)}",
            category=category,
            source_id=source_id,
            made_at=charge.made_at + timedelta(days=days),
            amount=amount,
            fee=fee,
            currency=charge.currency,
        )
    )


def _decline(world: World, picker: _Picker, today: date) -> None:
    """Cards that were declined: two were tried again the next day, on two invoices nothing has come since."""
    for currency in ("EUR", "USD"):
        paid = picker.take(currency, 200)
        day = paid.made_at.date() - timedelta(days=1)
        _take(world, replace(paid, **_declined("before", paid.id, day)))
    for invoice in _never_paid(world, today):
        amount = sum((line_gross(line, invoice.currency) for line in invoice.lines), Decimal(0))
        made = Charge(
            **_declined("alone", invoice.key, max(invoice.issue_date, today - timedelta(days=3))),
            contact_key=invoice.contact_key,
            amount=amount,
            currency=invoice.currency,
            text=f"{invoice.number} {invoice.reference}",
            invoice_number=invoice.number,
            order_number=invoice.reference,
        )
        _take(world, made)
        _plant(world, "payment_failed", (made.text, invoice.number), "the card was declined, nothing came since", made)


def _declined(kind: str, key: str, day: date) -> dict[str, Any]:
    return {
        "id": f"ch_{native_id(f'declined {kind}', key, 24)}",
        "made_at": at(day, 4),
        "fee": Decimal(0),
        "payment_key": "",
        "is_declined": True,
    }


def _never_paid(world: World, today: date) -> list[BookInvoice]:
    """Two open invoices that are not due, of customers who have no other."""
    open_ = bank.not_due(world, today)
    owing = [invoice.contact_key for invoice in open_]
    return [invoice for invoice in open_ if owing.count(invoice.contact_key) == 1][-2:]


def _refund_what_is_credited(world: World, invoices: dict[str, BookInvoice]) -> None:
    """Refunds of accounting whose invoice was paid by card: healthy, they go back to the card."""
    charges = {charge.invoice_number: charge for charge in world.processor.charges}
    for payment in world.book_payments:
        note = invoices.get(payment.invoice_key or "")
        if payment.kind == "refund" and note is not None and note.corrects_key is not None:
            charge = charges[invoices[note.corrects_key].number]
            days = (payment.paid_on - charge.made_at.date()).days
            _refund(world, charge, payment.amount, days, payment.key)


def _refund_what_is_not(world: World, picker: _Picker) -> None:
    for currency, share in (("EUR", "0.12"), ("USD", "0.10")):
        charge = picker.take(currency, 80)
        amount = (charge.amount * Decimal(share)).quantize(exponent(currency))
        made = _refund(world, charge, amount, 5)
        story = "given back at Stripe, and accounting does not know"
        _plant(world, "refund_without_credit_note", (made.id,), story, charge, amount)


def _refund(world: World, charge: Charge, amount: Decimal, days: int, payment_key: str = "") -> CardRefund:
    made_at = charge.made_at + timedelta(days=days)
    made = CardRefund(f"re_{native_id('refund', charge.id, 24)}", charge.id, made_at, amount, payment_key)
    world.processor.refunds.append(made)
    _move(world, "refund", made.id, charge, -amount, Decimal(0), days)
    return made


def _dispute(world: World, picker: _Picker, today: date) -> None:
    """One that was won, two that were lost and never booked, two that wait for an answer."""
    _disputed(world, picker.take("EUR", 120), "won", 20)
    for currency in ("EUR", "USD"):
        charge = picker.take(currency, 60)
        made = _disputed(world, charge, "lost", 24)
        names = (made.id, charge.invoice_number)
        story = "the dispute was lost and the money taken back, the invoice still counts as paid"
        _plant(world, "chargeback_not_booked", names, story, charge)
    for currency, ago in (("USD", 12), ("JPY", 3)):
        charge = picker.take(currency, ago + 5)
        made = _disputed(world, charge, "needs_response", (today - charge.made_at.date()).days - ago)
        _plant(world, "chargeback_open", (made.id,), "the dispute waits for an answer", charge)


def _disputed(world: World, charge: Charge, status: str, days: int) -> Dispute:
    key = f"dp_{native_id('dispute', charge.id, 24)}"
    made = Dispute(key, charge.id, charge.made_at + timedelta(days=days), charge.amount, status)
    world.processor.disputes.append(made)
    _move(world, "dispute", key, charge, -charge.amount, _DISPUTE_FEE[charge.currency], days)
    if status == "won":
        _move(world, "dispute_reversal", key, charge, charge.amount, Decimal(0), days + _WON_AFTER.days)
    return made


def _overcharge(world: World, picker: _Picker) -> None:
    for currency in ("EUR", "JPY"):
        charge = picker.take(currency, 20)
        usual, charge.fee = charge.fee, usual_fee(charge.amount * 2, currency)
        next(item for item in world.processor.movements if item.source_id == charge.id).fee = charge.fee
        story = "Stripe took twice its rate"
        _plant(world, "fee_unexpected", (charge.text,), story, charge, charge.fee - usual)


def _hold(world: World, picker: _Picker) -> None:
    for currency in ("EUR", "USD"):
        charge = picker.take(currency, 15)
        next(item for item in world.processor.movements if item.source_id == charge.id).is_held = True
        _plant(world, "payment_not_paid_out", (charge.text,), "Stripe holds it back, it is in no payout", charge)


def _pay_for_nothing(world: World, today: date) -> None:
    for ago, text, currency, amount in _UNKNOWN:
        paid = Decimal(amount)
        key = f"ch_{native_id('unknown charge', text, 24)}"
        made = Charge(key, "", at(today - timedelta(days=ago), 6), paid, currency, usual_fee(paid, currency), text)
        _take(world, made)
        _plant(world, "payment_without_invoice", (text,), "a card payment that belongs to no invoice", made)


def _plant(
    world: World, check: str, numbers: tuple[str, ...], story: str, charge: Charge, amount: Decimal | None = None
) -> None:
    """A fault about a charge; what is at stake is its amount unless another is given."""
    stake = charge.amount if amount is None else amount
    world.faults.append(Fault(check, numbers, story, stake, charge.currency))
