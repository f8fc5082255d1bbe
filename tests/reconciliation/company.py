"""The demo company's world as canonical records, the way the shipped mappings show it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.world.deals import line_gross
from sandbox.world.processor import Charge
from sandbox.world.records import BookPayment, SalesLine, World, bank_reference
from tests.reconciliation.books import Books

_LEAD = {"待分配": "new", "跟进中": "working", "已转化": "converted", "无效": "disqualified"}
_LEAD |= {
    "Open - Not Contacted": "new",
    "Working - Contacted": "working",
    "Closed - Converted": "converted",
    "Closed - Not Converted": "disqualified",
}
_QUOTE = {"Draft": "draft", "In Review": "in_review", "Approved": "approved", "Presented": "sent"}
_QUOTE |= {"Accepted": "accepted", "Rejected": "rejected", "Denied": "rejected"}
_STAGE = {"Prospecting": "qualify", "Qualification": "qualify", "Needs Analysis": "develop"}
_STAGE |= {"Value Proposition": "develop", "Proposal/Price Quote": "propose", "Negotiation/Review": "negotiate"}
_STAGE |= {"Closed Won": "close", "Closed Lost": "close"}
_ORDER = {"draft": "draft", "quotation": "submitted", "cancelled": "cancelled"}


def fill(books: Books, world: World) -> None:
    """Put the whole world into a store."""
    _leads(books, world)
    _parties(books, world)
    _sales(books, world)
    _orders(books, world)
    _accounting(books, world)
    books.save()


def fill_bank(books: Books, world: World) -> None:
    """The lines of the bank's statements, as money in a system called ``bank``; to be saved."""
    for line in world.bank_lines:
        invoices, orders = re.findall(r"\bINV-[\w-]*\d", line.text), re.findall(r"\bSO-\d+", line.text)
        if line.outgoing and not invoices and not orders:
            continue
        named = invoices[0] if len(invoices) == 1 else None
        books.add(
            "payment",
            line.reference,
            system="bank",
            number=line.reference,
            status="received",
            kind="refund" if line.outgoing else "payment",
            direction="out" if line.outgoing else "in",
            method="bank_transfer",
            currency=line.currency,
            amount=line.amount,
            received_on=line.booked_on,
            reference_text=line.text,
            payer_name=line.party,
            invoice_ref=f"no:{named}" if named else None,
            order_refs=[f"no:{number}" for number in orders],
            lines=[{"invoice_ref": f"no:{named}", "amount": line.amount}] if named else [],
        )


def fill_processor(books: Books, world: World) -> None:
    """What the card processor holds, as a system called ``shop``, mapped as the demo does it; to be saved."""
    shop = world.processor
    parties = {party.key: party for party in world.erp_parties}
    for key in sorted({charge.contact_key for charge in shop.charges} - {""}):
        party = parties[key]
        address: dict[str, Any] = {"country": party.country, "postal_code": party.postal_code, "city": party.city}
        ref = f"no:{key}"
        books.add("party", key, system="shop", name=party.name, external_ref=ref, status="active", **address)
    for charge in shop.charges:
        status = "failed" if charge.is_declined else "received"
        fee = None if charge.is_declined else charge.fee
        seen = {"fee_amount": fee, "reference_text": charge.text}
        _by_card(books, charge.id, charge, ("payment", "in"), charge.made_at, charge.amount, status, **seen)
    charges = {charge.id: charge for charge in shop.charges}
    for refund in shop.refunds:
        charge, kind = charges[refund.charge_id], ("refund", "out")
        _by_card(books, refund.id, charge, kind, refund.made_at, refund.amount, "received", number=refund.id)
    for dispute in shop.disputes:
        charge, kind = charges[dispute.charge_id], ("chargeback", "out")
        status = {"won": "cancelled", "lost": "received"}.get(dispute.status, "pending")
        _by_card(books, dispute.id, charge, kind, dispute.made_at, dispute.amount, status, number=dispute.id)
    for payout in shop.payouts:
        books.add(
            "payout",
            payout.id,
            system="shop",
            number=payout.id,
            status="paid" if payout.arrives_on <= world.as_of.date() else "in_transit",
            currency=payout.currency,
            amount=payout.amount,
            arrival_date=payout.arrives_on,
            bank_reference=payout.trace or None,
            descriptor="STRIPE",
            lines=[
                {"kind": item.category, "payment_ref": f"id:{item.source_id}", "amount": item.amount}
                | {"fee_amount": item.fee, "net_amount": item.net}
                for item in shop.movements
                if item.payout_id == payout.id
            ],
        )


def _by_card(
    books: Books,
    key: str,
    charge: Charge,
    kind: tuple[str, str],
    made_at: datetime,
    amount: Decimal,
    status: str,
    **fields: Any,
) -> None:
    books.add(
        "payment",
        key,
        system="shop",
        status=status,
        kind=kind[0],
        direction=kind[1],
        method="card" if kind[0] == "payment" else None,
        currency=charge.currency,
        amount=amount,
        received_on=made_at.date(),
        party_ref=f"id:{charge.contact_key}" if charge.contact_key else None,
        invoice_ref=f"no:{charge.invoice_number}" if charge.invoice_number else None,
        order_refs=[f"no:{charge.order_number}"] if charge.order_number else [],
        **fields,
    )


def _leads(books: Books, world: World) -> None:
    for form in world.form_leads:
        if form.status not in _LEAD:
            continue  # a status nobody knows: the record is in quarantine
        books.add(
            "lead",
            f"jdy-{form.key}",
            system="forms",
            number=form.key,
            status=_LEAD[form.status],
            contact_name=form.contact_name,
            company_name=form.company_name or None,
            email=form.email or None,
            phone=form.phone or None,
            received_at=form.submitted_at,
            conversion_note=form.conversion_note or None,
        )
    for lead in world.crm_leads:
        books.add(
            "lead",
            lead.key,
            status=_LEAD[lead.status],
            contact_name=f"{lead.first_name} {lead.last_name}",
            company_name=lead.company,
            email=lead.email,
            phone=lead.phone,
            owner_ref="sales",
            received_at=lead.created_at,
            source_created_at=lead.created_at,
            source_updated_at=lead.updated_at,
            lead_ref=f"no:{lead.form_key}" if lead.form_key else None,
            opportunity_ref=f"id:{lead.opportunity_key}" if lead.opportunity_key else None,
            party_ref=f"id:{lead.account_key}" if lead.account_key else None,
        )


def _parties(books: Books, world: World) -> None:
    for account in world.crm_accounts:
        books.add(
            "party",
            account.key,
            system="crm",
            deleted=account.deleted,
            name=account.name,
            tax_id=account.tax_id or None,
            email=account.email,
            phone=account.phone,
            country=account.country,
            postal_code=account.postal_code,
            city=account.city,
            status="active",
        )
    for party in world.erp_parties:
        books.add(
            "party",
            party.key,
            number=party.key,
            name=party.name,
            tax_id=party.tax_id or None,
            email=party.email,
            phone=party.phone,
            country=party.country,
            postal_code=party.postal_code,
            city=party.city,
            status="active",
        )
    for contact in world.book_contacts:
        books.add(
            "party",
            contact.key,
            system="books",
            number=contact.account_number,
            external_ref=f"no:{contact.account_number}",
            name=contact.name,
            tax_id=contact.tax_number or None,
            email=contact.email,
            phone=contact.phone,
            country=contact.country,
            city=contact.city,
            status="active",
        )
    for product in world.products:
        kind = "service" if product.service else "goods"
        known: dict[str, Any] = {"sku": product.sku, "name": product.name, "status": "active"}
        books.add("product", product.sku, unit="u", kind=kind, **known)
        books.add("product", product.sku, system="crm", unit=product.unit, **known)


def _sales(books: Books, world: World) -> None:
    for opportunity in world.crm_opportunities:
        status = {"Closed Won": "won", "Closed Lost": "lost"}.get(opportunity.stage, "open")
        books.add(
            "opportunity",
            opportunity.key,
            deleted=opportunity.deleted,
            name=opportunity.name,
            status=status,
            party_ref=f"id:{opportunity.account_key}",
            currency=opportunity.currency,
            expected_amount=opportunity.amount,
            expected_close_date=opportunity.close_date,
            stage=_STAGE[opportunity.stage],
            source_created_at=opportunity.created_at,
            source_updated_at=opportunity.updated_at,
            order_number=opportunity.order_number or None,
            delivery_state=opportunity.delivery_status or None,
            billing_state=opportunity.billing_status or None,
            payment_state=opportunity.payment_status or None,
            invoice_sent_on=opportunity.invoice_sent_on,
        )
    for quote in world.crm_quotes:
        net = _net(quote.lines)
        books.add(
            "quote",
            quote.key,
            deleted=quote.deleted,
            number=quote.number,
            status=_QUOTE[quote.status],
            approval_state=quote.approval,
            opportunity_ref=f"id:{quote.opportunity_key}",
            currency=quote.currency,
            issue_date=quote.issue_date,
            valid_until=quote.expiration_date,
            net_amount=net,
            tax_amount=_tax(quote.lines, quote.currency),
            gross_amount=net + _tax(quote.lines, quote.currency),
            owner_ref="sales",
            order_number=quote.order_number or None,
            delivery_state=quote.delivery_status or None,
            payment_state=quote.payment_status or None,
            lines=[{**shown, "unit": "piece"} for shown in _lines(quote.lines)],
        )


def _orders(books: Books, world: World) -> None:
    number = 0
    for order in world.erp_orders:
        done = all(delivery.shipped_on for delivery in order.deliveries) and bool(order.deliveries)
        status = _ORDER.get(order.state) or ("completed" if done else "in_progress")
        books.add(
            "order",
            order.key,
            number=order.number,
            status=status,
            party_ref=f"id:{order.party_key}",
            quote_ref=f"no:{order.quote_number}" if order.quote_number else None,
            currency=order.currency,
            order_date=order.order_date,
            promised_delivery_date=max(order.promised_date, order.order_date),
            net_amount=_net(order.lines),
            tax_amount=_tax(order.lines, order.currency),
            gross_amount=_net(order.lines) + _tax(order.lines, order.currency),
            payment_state=order.payment_note or None,
            lines=[
                {**shown, "unit": "u", "tax_rate": line.tax_rate}
                for shown, line in zip(_lines(order.lines), order.lines, strict=True)
            ],
        )
        if order.state == "cancelled" and not order.cancelled_after_delivery:
            continue
        for delivery in order.deliveries:
            number += 1
            books.add(
                "delivery",
                str(number),
                number=str(number),
                status="delivered" if delivery.shipped_on else "planned",
                kind="outbound",
                order_refs=[f"no:{order.number}"],
                shipped_on=delivery.shipped_on,
                delivered_on=delivery.shipped_on,
                lines=[
                    {"sku": order.lines[index].sku, "quantity": quantity}
                    for index, quantity in sorted(delivery.quantities.items())
                ],
            )


def _accounting(books: Books, world: World) -> None:
    paid = _settled(world)
    for invoice in world.book_invoices:
        gross = sum(line_gross(line, invoice.currency) for line in invoice.lines)
        settled = paid.get(invoice.key, Decimal(0))
        status = "paid" if settled >= gross else "partly_paid" if settled else "issued"
        corrected = next((other for other in world.book_invoices if other.key == invoice.corrects_key), None)
        books.add(
            "invoice",
            invoice.key,
            number=invoice.number,
            kind=invoice.kind,
            status="reversed" if invoice.key.endswith("-wrong") else status,
            party_ref=f"id:{invoice.contact_key}",
            order_refs=[f"no:{invoice.reference}"],
            corrects_ref=f"no:{corrected.number}" if corrected else None,
            currency=invoice.currency,
            issue_date=invoice.issue_date,
            due_date=invoice.due_date,
            net_amount=_net(invoice.lines),
            tax_amount=gross - _net(invoice.lines),
            gross_amount=gross,
            lines=[
                {**shown, "tax_amount": _tax([line], invoice.currency)}
                for shown, line in zip(_lines(invoice.lines), invoice.lines, strict=True)
            ],
            open_amount=gross - settled,
            sent_to_customer=invoice.sent,
        )
    for payment in world.book_payments:
        _payment(books, payment)


def _settled(world: World) -> dict[str, Decimal]:
    """What each document has been settled with, by money and by the credit notes that correct it."""
    by_key = {invoice.key: invoice for invoice in world.book_invoices}
    found: dict[str, Decimal] = {}
    for payment in world.book_payments:
        if payment.invoice_key and payment.kind in ("payment", "refund"):
            found[payment.invoice_key] = found.get(payment.invoice_key, Decimal(0)) + payment.amount
    for note in world.book_invoices:
        if note.corrects_key:
            corrected = by_key[note.corrects_key]
            due = sum(line_gross(line, corrected.currency) for line in corrected.lines)
            left = sum(line_gross(line, note.currency) for line in note.lines) - found.get(note.key, Decimal(0))
            amount = min(left, due - found.get(corrected.key, Decimal(0)))
            found[note.key] = found.get(note.key, Decimal(0)) + amount
            found[corrected.key] = found.get(corrected.key, Decimal(0)) + amount
    return found


def _payment(books: Books, payment: BookPayment) -> None:
    known: dict[str, Any] = {
        "status": "received",
        "currency": payment.currency,
        "party_ref": f"id:{payment.contact_key}",
        "amount": payment.amount,
        "received_on": payment.paid_on,
        "reference_text": payment.reference,
        "order_refs": [f"no:{word}" for word in payment.reference.split() if word.startswith("SO-")],
    }
    if payment.kind in ("prepayment", "overpayment"):
        kind = {"prepayment": "advance"}.get(payment.kind, payment.kind)
        books.add("payment", payment.key, kind=kind, direction="in", unapplied_amount=payment.amount, **known)
        return
    if payment.invoice_key is None:  # the refund of a prepayment that it used up
        came = bank_reference(f"{payment.key} in")
        day = payment.paid_on - timedelta(days=1)
        prepaid = {**known, "reference_text": came, "received_on": day, "order_refs": []}
        books.add("payment", f"{payment.key}-pre", kind="advance", direction="in", unapplied_amount=0, **prepaid)
    ref = f"id:{payment.invoice_key}" if payment.invoice_key else None
    books.add(
        "payment",
        payment.key,
        kind=payment.kind,
        direction="out" if payment.kind == "refund" else "in",
        unapplied_amount=0,
        invoice_ref=ref,
        lines=[{"invoice_ref": ref, "amount": payment.amount}] if ref else [],
        **known,
    )


def _net(lines: list[SalesLine]) -> Decimal:
    return sum((line.quantity * line.unit_price for line in lines), Decimal(0))


def _tax(lines: list[SalesLine], currency: str) -> Decimal:
    return sum((line_gross(line, currency) for line in lines), Decimal(0)) - _net(lines)


def _lines(lines: list[SalesLine]) -> list[dict[str, Any]]:
    return [
        {
            "sku": line.sku,
            "quantity": line.quantity,
            "unit_price": line.unit_price,
            "net_amount": line.quantity * line.unit_price,
        }
        for line in lines
    ]
