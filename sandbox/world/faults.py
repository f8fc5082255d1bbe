"""The planted faults, one recipe each, and the healthy deals that only look odd; what each must lead to is recorded."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import NamedTuple

from sandbox.world.deals import Deal, Documents, at, exponent, line_gross
from sandbox.world.rates import in_currency
from sandbox.world.records import BookInvoice, BookPayment, Fault, SalesLine, World, bank_reference

Plant = Callable[[Documents, int, date], Fault]


class Recipe(NamedTuple):
    """``copies`` deals that start like the healthy plan ``base`` and are then broken by ``plant``."""

    name: str
    base: str
    copies: int
    plant: Plant


def _won_without_quote(documents: Documents, index: int, today: date) -> Fault:
    assert documents.opportunity
    documents.quotes.clear()
    return _fault("opportunity_won_without_quote", documents, "won although the customer never accepted a quote")


def _won_without_order(documents: Documents, index: int, today: date) -> Fault:
    return _fault("opportunity_won_without_order", documents, "won weeks ago, and nobody entered the order")


def _quote_amount(documents: Documents, index: int, today: date) -> Fault:
    assert documents.opportunity
    more = (Decimal(1000), Decimal(-250), Decimal(4800))[index]
    documents.opportunity.amount += more
    story = "the deal's amount was never brought up to the accepted quote"
    return _fault("opportunity_quote_amount", documents, story, amount=abs(more))


def _approval(documents: Documents, index: int, today: date) -> Fault:
    documents.quote.approval = ("pending", "pending", "rejected")[index]
    return _fault("quote_without_approval", documents, "accepted by the customer before it was approved", "quote")


def _order_lines(documents: Documents, index: int, today: date) -> Fault:
    assert documents.order
    order, first = documents.order, documents.order.lines[0]
    story = (
        "one piece more than quoted",
        "a lower price than quoted",
        "another product than quoted",
        "another currency",
    )
    quoted = documents.quote
    differ = (first.unit_price, 10 * first.quantity, Decimal(0), documents.deal.net)[index]
    if index == 0:
        quoted.lines[0] = replace(quoted.lines[0], quantity=first.quantity - 1)
    elif index == 1:
        quoted.lines[0] = replace(quoted.lines[0], unit_price=first.unit_price + 10)
    elif index == 2:
        quoted.lines[0] = replace(quoted.lines[0], sku="AN-CO2" if first.sku != "AN-CO2" else "AN-PH1")
    else:
        quoted.currency = "USD" if order.currency != "USD" else "EUR"
    assert documents.opportunity
    documents.opportunity.amount = sum((line.quantity * line.unit_price for line in quoted.lines), Decimal(0))
    documents.opportunity.currency = quoted.currency
    return _fault("quote_order_lines", documents, f"the order was entered with {story[index]}", "order", differ)


def _no_quote(documents: Documents, index: int, today: date) -> Fault:
    assert documents.order
    documents.opportunity = None
    documents.quotes.clear()
    documents.order.quote_number = ""
    return _fault("order_without_quote", documents, "entered in the ERP after a phone call, with no quote", "order")


def _cancelled(documents: Documents, index: int, today: date) -> Fault:
    """A cancelled order that was delivered (0), billed (1), billed and paid (2)."""
    assert documents.order
    assert documents.opportunity
    order = documents.order
    documents.opportunity.stage, documents.opportunity.probability = "Closed Lost", 0
    documents.quote.status = "Rejected"
    order.state = "cancelled"
    if index == 0:
        order.cancelled_after_delivery = True
        documents.invoices.clear()
        documents.payments.clear()
    else:
        order.deliveries.clear()
        documents.invoice.status = "AUTHORISED"
        documents.invoice.due_date = today + timedelta(days=10)
        if index == 1:
            documents.payments.clear()
        else:
            documents.invoice.status = "PAID"
    story = ("delivered", "billed", "billed and paid")[index]
    return _fault("order_cancelled_but_active", documents, f"cancelled in the ERP, yet {story}", "order")


def _late(documents: Documents, index: int, today: date) -> Fault:
    assert documents.order
    order = documents.order
    order.promised_date = today - timedelta(days=5 + 9 * index)
    order.order_date = min(order.order_date, order.promised_date - timedelta(days=12))
    waiting = [delivery.quantities for delivery in order.deliveries if delivery.shipped_on is None]
    worth = sum((order.lines[line].unit_price * of for part in waiting for line, of in part.items()), Decimal(0))
    return _fault("delivery_late", documents, "past its promised date and not fully delivered", "order", worth)


def _not_invoiced(documents: Documents, index: int, today: date) -> Fault:
    documents.invoices.clear()
    documents.payments.clear()
    return _fault("order_delivered_not_invoiced", documents, "delivered long ago and never billed", "order")


def _invoice_amount(documents: Documents, index: int, today: date) -> Fault:
    """Billed too little (0), too much (1), in another currency (2)."""
    invoice = documents.invoice
    first = invoice.lines[0]
    net, currency = documents.deal.net, invoice.currency
    if index == 0:
        invoice.lines[0] = replace(first, quantity=first.quantity - 1)
    elif index == 1:
        invoice.lines[0] = replace(first, unit_price=first.unit_price + 15)
    else:
        invoice.currency = "EUR" if currency != "EUR" else "USD"
    billed = in_currency(net, invoice.currency, currency).quantize(exponent(currency))
    differ = (first.unit_price, 15 * first.quantity, abs(billed - net))[index]
    _repay(documents)
    story = ("one piece short", "at too high a price", "in the wrong currency")[index]
    return _fault("order_invoice_amount", documents, f"billed {story}", "order", differ)


def _duplicate_invoice(documents: Documents, index: int, today: date) -> Fault:
    first = documents.invoice
    day = today - timedelta(days=6 + index)
    second = replace(
        first,
        key=f"{first.key}2",
        number=f"INV-9{index + 1:04d}",
        issue_date=day,
        due_date=today + timedelta(days=20),
        status="AUTHORISED",
        lines=[replace(line) for line in first.lines],
        updated_at=at(day, 7, 30 + index),
    )
    documents.invoices.append(second)
    numbers, gross = (first.number, second.number), documents.deal.gross
    return Fault("invoice_duplicate", numbers, "the same order billed twice", gross, first.currency)


def _overdue(documents: Documents, index: int, today: date) -> Fault:
    days = (today - documents.invoice.due_date).days
    story = f"{days} days past due and nothing paid"
    return _fault("invoice_overdue", documents, story, "invoice", documents.deal.gross)


def _underpaid(documents: Documents, index: int, today: date) -> Fault:
    invoice, payment = documents.invoice, documents.payments[0]
    less = (payment.amount * Decimal("0.08")).quantize(exponent(payment.currency))
    payment.amount -= less
    invoice.status = "AUTHORISED"
    return _fault("payment_underpaid", documents, "the customer paid 8 % too little", "invoice", less)


def _overpaid(documents: Documents, index: int, today: date) -> Fault:
    paid = documents.payments[0]
    extra = _loose(documents, "overpayment", paid.paid_on, Decimal(150 + 70 * index), paid.reference)
    return _of_money("payment_overpaid", extra, "paid more than was billed; the rest is still ours to give back")


def _loose_payment(documents: Documents, index: int, today: date) -> Fault:
    """Money that names no document; the deal itself is settled."""
    day = today - timedelta(days=12 + 8 * index)
    text = ("往来款", "payment on account", "货款")[index]
    extra = _loose(documents, "prepayment", day, Decimal(5200 + 1313 * index), text)
    extra.reference += f" {bank_reference(extra.key)}"  # typed off the statement
    return _of_money("payment_without_invoice", extra, "money came in that names no invoice")


def _duplicate_payment(documents: Documents, index: int, today: date) -> Fault:
    paid = documents.payments[0]
    extra = _loose(documents, "prepayment", paid.paid_on + timedelta(days=2), paid.amount, paid.reference)
    return _of_money("payment_duplicate", extra, "the customer's bank sent the same transfer twice")


def _refund(documents: Documents, index: int, today: date) -> Fault:
    day = documents.payments[0].paid_on + timedelta(days=9)
    extra = _loose(documents, "refund", day, Decimal(320 + 45 * index), f"refund {documents.deal.order_number}")
    return _of_money("refund_without_credit_note", extra, "money sent back without a credit note")


def _open_with_order(documents: Documents, index: int, today: date) -> Fault:
    assert documents.opportunity
    documents.opportunity.stage = ("Negotiation/Review", "Proposal/Price Quote", "Closed Lost")[index]
    documents.opportunity.probability = (75, 60, 0)[index]
    return _fault("status_opportunity_order", documents, "the order runs, the CRM does not know it was won")


def _quote_refused(documents: Documents, index: int, today: date) -> Fault:
    documents.quote.status = ("Denied", "Draft")[index]
    documents.quote.approval = "not_required"
    return _fault(
        "status_quote_order", documents, "the order runs on a quote that the CRM shows as refused or draft", "quote"
    )


def _billed_too_early(documents: Documents, index: int, today: date) -> Fault:
    deal = documents.deal
    documents.invoices.append(
        BookInvoice(
            key=f"{deal.key}-I",
            number=f"INV-8{index + 1:04d}",
            kind="invoice",
            contact_key=deal.customer.key,
            reference=deal.order_number,
            issue_date=today - timedelta(days=4),
            due_date=today + timedelta(days=26),
            currency=deal.currency,
            lines=[replace(line) for line in deal.lines],
            status="AUTHORISED",
            updated_at=at(today - timedelta(days=4), 7, index),
        )
    )
    return _fault("status_order_invoice", documents, "billed while the order is still a quotation in the ERP", "order")


def _deleted_deal(documents: Documents, index: int, today: date) -> Fault:
    assert documents.opportunity
    documents.opportunity.deleted = True
    documents.quote.deleted = True
    return _fault(
        "deleted_elsewhere", documents, "the deal and its quote were deleted in the CRM, the order runs", "quote"
    )


RECIPES: tuple[Recipe, ...] = (
    Recipe("fault_won_without_quote", "won_earlier", 3, _won_without_quote),
    Recipe("fault_won_without_order", "won_earlier", 3, _won_without_order),
    Recipe("fault_quote_amount", "paid", 3, _quote_amount),
    Recipe("fault_approval", "running", 3, _approval),
    Recipe("fault_order_lines", "running", 4, _order_lines),
    Recipe("fault_no_quote", "paid", 3, _no_quote),
    Recipe("fault_cancelled", "paid", 3, _cancelled),
    Recipe("fault_late", "running_partly", 2, _late),
    Recipe("fault_late_unshipped", "running", 2, _late),
    Recipe("fault_not_invoiced", "paid", 4, _not_invoiced),
    Recipe("fault_invoice_amount", "paid", 3, _invoice_amount),
    Recipe("fault_duplicate_invoice", "paid", 2, _duplicate_invoice),
    Recipe("fault_overdue", "overdue", 6, _overdue),
    Recipe("fault_underpaid", "paid", 3, _underpaid),
    Recipe("fault_overpaid", "paid", 2, _overpaid),
    Recipe("fault_loose_payment", "paid", 3, _loose_payment),
    Recipe("fault_duplicate_payment", "paid", 2, _duplicate_payment),
    Recipe("fault_refund", "paid", 2, _refund),
    Recipe("fault_open_with_order", "paid", 3, _open_with_order),
    Recipe("fault_quote_refused", "paid", 2, _quote_refused),
    Recipe("fault_billed_too_early", "erp_quotation", 2, _billed_too_early),
    Recipe("fault_deleted_deal", "paid", 1, _deleted_deal),
)


def never_billed(deals: list[Deal]) -> set[str]:
    """Keys of the deals whose invoice is taken away: no number is ever given out for it."""
    cancelled = [deal.key for deal in deals if deal.recipe == "fault_cancelled"]
    return {deal.key for deal in deals if deal.recipe == "fault_not_invoiced"} | set(cancelled[:1])


def heal_and_plant(documents: list[Documents], planted: list[Fault], rng: Random, today: date) -> None:
    """Turn each deal into what its recipe says; faults are appended to ``planted``."""
    plants = {recipe.name: recipe.plant for recipe in RECIPES}
    seen: dict[str, int] = {}
    for deal_documents in documents:
        recipe = deal_documents.deal.recipe
        index = seen.get(recipe, 0)
        seen[recipe] = index + 1
        if recipe in plants:
            planted.append(plants[recipe](deal_documents, index, today))
        elif recipe == "credited_and_rebilled":
            _credit_and_rebill(deal_documents, index)
        elif recipe == "excess_refunded":
            _refund_excess(deal_documents, index)
        if deal_documents.invoices and rng.random() < 0.3 and deal_documents.opportunity:
            deal_documents.opportunity.invoice_sent_on = deal_documents.invoice.issue_date


def plant_deleted_accounts(world: World) -> None:
    """Two customers without deals are deleted in the CRM and alive in ERP and accounting."""
    for account in world.crm_accounts[-2:]:
        account.deleted = True
        world.faults.append(
            Fault("deleted_elsewhere", (account.key,), "deleted in the CRM, alive in ERP and accounting")
        )


def _credit_and_rebill(documents: Documents, index: int) -> None:
    """A wrong invoice, fully credited, and the right one: healthy, and nothing to report."""
    right = documents.invoice
    wrong_lines = [replace(line) for line in right.lines]
    wrong_lines[0] = replace(wrong_lines[0], quantity=wrong_lines[0].quantity + 2)
    wrong = replace(right, key=f"{right.key}-wrong", number=f"INV-7{index + 1:04d}", lines=wrong_lines, status="PAID")
    credit = replace(
        wrong,
        key=f"{right.key}-credit",
        number=f"CN-{index + 1:04d}",
        kind="credit_note",
        lines=[replace(line) for line in wrong_lines],
        corrects_key=wrong.key,
    )
    documents.invoices.extend((wrong, credit))


def _refund_excess(documents: Documents, index: int) -> None:
    """Billed and paid two pieces too many; credited and paid back."""
    invoice, deal = documents.invoice, documents.deal
    first = invoice.lines[0]
    excess = replace(first, quantity=Decimal(2))
    invoice.lines[0] = replace(first, quantity=first.quantity + 2)
    _repay(documents)
    day = documents.payments[-1].paid_on + timedelta(days=6)
    credit = replace(
        invoice,
        key=f"{invoice.key}-credit",
        number=f"CN-9{index + 1:03d}",
        kind="credit_note",
        issue_date=day,
        due_date=day,
        lines=[excess],
        corrects_key=invoice.key,
        status="PAID",
        updated_at=at(day, 7, index),
    )
    documents.invoices.append(credit)
    documents.payments.append(
        BookPayment(
            key=f"{deal.key}-R",
            kind="refund",
            contact_key=deal.customer.key,
            invoice_key=credit.key,
            paid_on=day,
            amount=_gross([excess], deal.currency),
            currency=deal.currency,
            reference=f"{credit.number} {deal.order_number}",
            updated_at=at(day, 8, index),
        )
    )


def _gross(lines: list[SalesLine], currency: str) -> Decimal:
    return sum((line_gross(line, currency) for line in lines), Decimal(0))


def _repay(documents: Documents) -> None:
    """Let the payment follow a changed invoice, so that only the invoice is wrong."""
    invoice, payment = documents.invoice, documents.payments[0]
    payment.amount, payment.currency = _gross(invoice.lines, invoice.currency), invoice.currency


def _loose(documents: Documents, kind: str, day: date, amount: Decimal, reference: str) -> BookPayment:
    deal = documents.deal
    made = BookPayment(
        key=f"{deal.key}-{kind}",
        kind=kind,
        contact_key=deal.customer.key,
        invoice_key=None,
        paid_on=day,
        amount=amount,
        currency=deal.currency,
        reference=reference,
        updated_at=at(day, 8, 0),
    )
    documents.payments.append(made)
    return made


def _of_money(check: str, payment: BookPayment, story: str) -> Fault:
    return Fault(check, (payment.reference,), story, payment.amount, payment.currency)


def _fault(
    check: str, documents: Documents, story: str, about: str = "opportunity", amount: Decimal | None = None
) -> Fault:
    """The finding must name the deal's document of that kind, opportunities by their name, and say its net amount.

    ``amount`` is what it must say instead.
    """
    deal = documents.deal
    number = {
        "opportunity": f"{deal.customer.short_name} – {deal.lines[0].description}",
        "quote": deal.quote_number,
        "order": deal.order_number,
        "invoice": deal.invoice_number,
    }[about]
    return Fault(check, (number,), story, deal.net if amount is None else amount, deal.currency)
