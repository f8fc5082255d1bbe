"""The company's accounts at its bank: what accounting has booked, what it has not booked yet, and what nobody knows."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from sandbox.world.deals import exponent, line_gross
from sandbox.world.records import BankLine, BookInvoice, BookPayment, Fault, World, bank_reference

_MISSING = 2
"""So many payments are booked that never came."""
_UNKNOWN = ((9, "深圳市蓝海供应链有限公司", "服务费", "12800.00"), (21, "Harbour & Vale Ltd", "thank you", "3150.00"))
"""Days ago, payer, text and amount of money in CNY that nobody expects."""


def add(world: World, today: date) -> None:
    """Fill ``bank_lines``, by day; the faults are appended to those of the world."""
    names = {contact.key: contact.name for contact in world.book_contacts}
    missing = {payment.key for payment in never_came(world, today)}
    by_card = {charge.payment_key for charge in world.processor.charges}
    by_card |= {refund.payment_key for refund in world.processor.refunds}
    for payment in world.book_payments:
        if payment.key in by_card:
            continue  # it comes with a payout
        name = names[payment.contact_key]
        if payment.key not in missing:
            world.bank_lines.append(_line(payment, name))
            if payment.kind == "refund" and payment.invoice_key is None:  # what is sent back came in the day before
                reference, day = bank_reference(f"{payment.key} in"), payment.paid_on - timedelta(days=1)
                came = BankLine(reference, day, payment.amount, payment.currency, False, name, "advance")
                world.bank_lines.append(came)
        else:
            story = "booked by hand, and the bank has never seen it"
            number = (payment.reference,)
            world.faults.append(Fault("payment_not_in_bank", number, story, payment.amount, payment.currency))
    for days, payer, text, amount in _UNKNOWN:
        reference = bank_reference(f"unknown {days}")
        made = BankLine(reference, today - timedelta(days=days), Decimal(amount), "CNY", False, payer, text)
        world.bank_lines.append(made)
        story = "money at the bank that nobody can explain"
        world.faults.append(Fault("bank_line_unexplained", (reference,), story, made.amount, made.currency))
    world.bank_lines.extend(_not_booked(world, names, today))
    world.bank_lines.sort(key=lambda line: (line.booked_on, line.reference))


def _line(payment: BookPayment, name: str) -> BankLine:
    return BankLine(
        reference=bank_reference(payment.key),
        booked_on=payment.paid_on,
        amount=payment.amount,
        currency=payment.currency,
        outgoing=payment.kind == "refund",
        party=name,
        text=payment.reference,
    )


def never_came(world: World, today: date) -> list[BookPayment]:
    """Payments that are booked and never came: of ordinary deals, weeks ago."""
    planted = {number for fault in world.faults for text in fault.numbers for number in text.split()}
    plain = [
        payment
        for payment in world.book_payments
        if payment.kind == "payment"
        and payment.paid_on < today - timedelta(days=20)
        and not planted & set(payment.reference.split())
    ]
    alone = [item for item in plain if sum(other.invoice_key == item.invoice_key for other in plain) == 1]
    return sorted(alone, key=lambda payment: payment.paid_on)[-_MISSING:]


def not_due(world: World, today: date) -> list[BookInvoice]:
    """Open invoices that are not due yet and that no fault is about, by number."""
    planted = {number for fault in world.faults for text in fault.numbers for number in text.split()}
    return [
        invoice
        for invoice in sorted(world.book_invoices, key=lambda item: item.number)
        if invoice.status == "AUTHORISED"
        and invoice.due_date > today
        and not planted & {invoice.number, invoice.reference}
    ]


def _not_booked(world: World, names: dict[str, str], today: date) -> list[BankLine]:
    """Money of the last days that accounting has not looked at: for cash application, and nothing to report."""
    open_ones = not_due(world, today)
    by_customer: dict[tuple[str, str], list[BookInvoice]] = {}
    for invoice in open_ones:
        by_customer.setdefault((invoice.contact_key, invoice.currency), []).append(invoice)
    several = next(found for found in by_customer.values() if len(found) > 1)[:2]
    single = [found[0] for found in by_customer.values() if len(found) == 1]
    by_order, damaged, silent, short, stranger = single[:5]
    told = [
        (several, " + ".join(invoice.number for invoice in several), "", Decimal(0)),
        ([by_order], f"{by_order.reference} 货款", "", Decimal(0)),
        ([damaged], f"Rechnung {damaged.number.replace('-0', ' O', 1)}", "", Decimal(0)),
        ([silent], "payment", "", Decimal(0)),
        ([short], f"order {short.reference}", "", Decimal(15)),
        ([stranger], "货款", "王丽", Decimal(0)),
    ]
    made = []
    for ago, (invoices, text, payer, less) in enumerate(told):
        first = invoices[0]
        lines = [line for invoice in invoices for line in invoice.lines]
        amount = sum((line_gross(line, first.currency) for line in lines), Decimal(0)) - less
        made.append(
            BankLine(
                reference=bank_reference(f"not booked {first.key}"),
                booked_on=today - timedelta(days=ago % 4),
                amount=amount.quantize(exponent(first.currency)),
                currency=first.currency,
                outgoing=False,
                party=payer or names[first.contact_key],
                text=text,
            )
        )
    return made
