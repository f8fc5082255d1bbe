"""Fill the books with the demo company's accounting."""

from __future__ import annotations

import uuid
from datetime import timedelta

from sandbox.world.records import BookInvoice, BookPayment, SalesLine, World, bank_reference, native_id
from sandbox.xero.books import Books
from sandbox.xero.records import Allocation, Contact, Credit, Document, Line, Payment


def xero_id(kind: str, key: str) -> str:
    """The id in Xero of a record of the world; ``kind`` is the name of its stream."""
    return str(uuid.UUID(native_id(f"xero-{kind}", key, 32)))


def fill(books: Books, world: World) -> None:
    """Put the world's contacts, documents and payments into empty books."""
    for contact in world.book_contacts:
        books.add(
            Contact(
                id=xero_id("contact", contact.key),
                name=contact.name,
                updated=contact.updated_at,
                email=contact.email,
                tax_number=contact.tax_number,
                account_number=contact.account_number,
                phone=contact.phone,
                country=contact.country,
                city=contact.city,
            )
        )
    by_key = {invoice.key: invoice for invoice in world.book_invoices}
    for invoice in world.book_invoices:
        books.add(_document(invoice, by_key))
    for payment in world.book_payments:
        _add_payment(books, payment, by_key)
    for note in world.book_invoices:
        if note.corrects_key is not None:
            _allocate(books, note, by_key[note.corrects_key])


def document_id(invoice: BookInvoice) -> str:
    """The id of an invoice or credit note."""
    return xero_id(invoice.kind, invoice.key)


def _document(invoice: BookInvoice, by_key: dict[str, BookInvoice]) -> Document:
    reference = invoice.reference
    if invoice.corrects_key is not None:
        # Xero ties a credit note to an invoice only where it is set off; clerks name the invoice in the reference.
        reference = f"{reference} {by_key[invoice.corrects_key].number}".strip()
    if invoice.delivery_numbers:
        reference = f"{reference} | DN {invoice.delivery_numbers}"
    return Document(
        id=document_id(invoice),
        type="ACCREC" if invoice.kind == "invoice" else "ACCRECCREDIT",
        number=invoice.number,
        contact_id=xero_id("contact", invoice.contact_key),
        issued=invoice.issue_date,
        due=invoice.due_date,
        currency=invoice.currency,
        updated=invoice.updated_at,
        lines=[_line(f"{invoice.key}-{number}", line) for number, line in enumerate(invoice.lines, 1)],
        reference=reference,
        # Paid or not follows from the payments.
        status="AUTHORISED" if invoice.status == "PAID" else invoice.status,
        sent=invoice.sent,
    )


def _line(key: str, line: SalesLine) -> Line:
    return Line(
        id=xero_id("line", key),
        description=line.description,
        quantity=line.quantity,
        unit_amount=line.unit_price,
        tax_rate=line.tax_rate,
        item_code=line.sku,
    )


def _add_payment(books: Books, payment: BookPayment, by_key: dict[str, BookInvoice]) -> None:
    if payment.kind in ("prepayment", "overpayment"):
        books.add(_credit(payment, payment.kind, xero_id(payment.kind, payment.key)))
        return
    if payment.invoice_key is None:
        # Money sent back without a credit note: in Xero, the refund of a prepayment, which is used up by it.
        target = xero_id("prepayment", payment.key)
        source = _credit(payment, "prepayment", target)
        source.received, source.reference = payment.paid_on - timedelta(days=1), bank_reference(f"{payment.key} in")
        books.add(source)
    else:
        target = document_id(by_key[payment.invoice_key])
    books.add(
        Payment(
            id=xero_id("payment", payment.key),
            target_id=target,
            paid=payment.paid_on,
            amount=payment.amount,
            updated=payment.updated_at,
            reference=payment.reference,
        )
    )


def _credit(payment: BookPayment, kind: str, credit_id: str) -> Credit:
    return Credit(
        id=credit_id,
        type=f"RECEIVE-{kind.upper()}",
        contact_id=xero_id("contact", payment.contact_key),
        received=payment.paid_on,
        currency=payment.currency,
        total=payment.amount,
        updated=payment.updated_at,
        reference=payment.reference,
    )


def _allocate(books: Books, note: BookInvoice, corrected: BookInvoice) -> None:
    """Set a credit note off against what is still due of its invoice; what was paid out is gone already."""
    source, invoice = books.documents[document_id(note)], books.documents[document_id(corrected)]
    amount = min(books.remaining(source), books.due(invoice))
    if amount > 0:
        books.add(Allocation(xero_id("allocation", note.key), source.id, invoice.id, amount, note.issue_date))
