"""What earlier syncs have already written back, and the share of it that has become outdated since."""

from __future__ import annotations

from decimal import Decimal

from sandbox.world.deals import Documents
from sandbox.world.records import World

_OUTDATED = 9
"""Every so many deals moved on after the systems were last brought up to date."""


def settle(world: World, documents: list[Documents]) -> None:
    """Fill the written-back fields of the CRM, the ERP and the forms, except for the deals that moved on."""
    opportunities = {opportunity.key: opportunity for opportunity in world.crm_opportunities}
    for lead in world.crm_leads:
        if lead.opportunity_key is None or lead.form_key is None:
            continue
        form = world.form_leads[int(lead.form_key.removeprefix("L-")) - 1]
        if form.status == "已转化":
            form.conversion_note = conversion_note(opportunities[lead.opportunity_key].name)
    for number, made in enumerate(documents):
        _unmark_some(made, number)
        order = made.order
        if order is None or number % _OUTDATED == 0 or order.state not in ("processing",):
            continue
        delivery, billing, payment = _delivery_state(made), _billing_state(made), _payment_state(made)
        order.payment_note = payment
        if made.opportunity is not None:
            made.opportunity.order_number = order.number
            made.opportunity.delivery_status = delivery
            made.opportunity.billing_status = billing
            made.opportunity.payment_status = payment
        for quote in made.quotes:
            quote.order_number, quote.delivery_status, quote.payment_status = order.number, delivery, payment


def _unmark_some(made: Documents, number: int) -> None:
    """Some invoices that the CRM knows to have been e-mailed are not marked as sent in accounting."""
    mailed = made.opportunity is not None and made.opportunity.invoice_sent_on is not None
    if mailed and number % 2 and made.invoice.status == "AUTHORISED":
        made.invoice.sent = False


def conversion_note(opportunity_name: str) -> str:
    """The text that shows a form's reader what became of the lead."""
    return f"已转化 → 商机 {opportunity_name}"


def _delivery_state(made: Documents) -> str:
    assert made.order
    shipped = [delivery.shipped_on is not None for delivery in made.order.deliveries]
    if shipped and all(shipped):
        return "delivered"
    return "partly_delivered" if any(shipped) else "not_delivered"


def _billing_state(made: Documents) -> str:
    assert made.order
    billed = sum(
        (
            (1 if invoice.kind == "invoice" else -1) * line.quantity * line.unit_price
            for invoice in made.invoices
            for line in invoice.lines
        ),
        Decimal(0),
    )
    ordered = sum((line.quantity * line.unit_price for line in made.order.lines), Decimal(0))
    if not made.invoices:
        return "not_invoiced"
    if billed > ordered:
        return "over_invoiced"
    return "invoiced" if billed == ordered else "partly_invoiced"


def _payment_state(made: Documents) -> str:
    invoices = [invoice for invoice in made.invoices if invoice.kind == "invoice"]
    if invoices and all(invoice.status == "PAID" for invoice in invoices):
        return "paid"
    if any(payment.kind == "payment" for payment in made.payments):
        return "partly_paid"
    return "unpaid"
