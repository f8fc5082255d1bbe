"""What programs may write through the API, and how Xero answers: created, changed, or refused with reasons."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

from sandbox.xero.books import DATELESS, Books, BooksError
from sandbox.xero.records import Allocation, Document, Line, Payment

Json = dict[str, Any]

MAX_REFERENCE = 255
_LOCKED = "This document cannot be edited as it has a payment or credit note allocated to it."
_CLOSED = "Invoice not of valid status for modification"


class Writer:
    """Carries out writes on the books; every method raises ``BooksError`` where Xero refuses."""

    def __init__(self, books: Books) -> None:
        self._books = books
        self.changed: Counter[str] = Counter()
        """Document → how often the API has changed it."""

    def invoice(self, given: Json, document_id: str | None = None) -> Document:
        """Create or change an invoice."""
        key = document_id or given.get("InvoiceID")
        if key is None:
            known = next((d for d in self._sales() if d.number == given.get("InvoiceNumber")), None)
            key = known.id if known is not None else None
        if key is None:
            return self.create(given, "InvoiceNumber")
        if key not in self._books.documents:
            raise BooksError("The document could not be found.")
        return self._change(self._books.documents[key], given)

    def new_invoice(self, given: Json) -> Document:
        """Create an invoice, whatever there is."""
        return self.create(given, "InvoiceNumber")

    def credit_note(self, given: Json) -> Document:
        """Create a credit note."""
        return self.create({"Type": "ACCRECCREDIT", **given}, "CreditNoteNumber")

    def create(self, given: Json, number_field: str) -> Document:
        """A new document."""
        contact = (given.get("Contact") or {}).get("ContactID")
        number = (
            given.get(number_field) or f"{'CN' if number_field.startswith('Credit') else 'INV'}-{uuid.uuid4().hex[:6]}"
        )
        problems = []
        if contact not in self._books.contacts:
            problems.append("A Contact must be specified for this type of transaction")
        if not given.get("LineItems"):
            problems.append("One or more line items must be specified")
        if any(document.number == number for document in self._sales()):
            problems.append("Invoice # must be unique.")
        if problems:
            raise BooksError(*problems)
        fields: Json = {"status": given.get("Status", "DRAFT"), "reference": given.get("Reference", "")}
        for name, target in (("Date", "issued"), ("DueDate", "due")):
            if given.get(name):
                fields[target] = date.fromisoformat(given[name][:10])
        if given.get("CurrencyCode"):
            fields["currency"] = given["CurrencyCode"]
        lines = [_line(item) for item in given["LineItems"]]
        return self._books.create(given["Type"], number, str(contact), lines, **fields)

    def payment(self, given: Json) -> Payment:
        """Record a payment of an invoice, or pay out a credit note, overpayment or prepayment."""
        for kind in ("Invoice", "CreditNote", "Prepayment", "Overpayment"):
            target = (given.get(kind) or {}).get(f"{kind}ID")
            if target is not None and (target in self._books.documents or target in self._books.credits):
                paid = date.fromisoformat(given["Date"][:10]) if given.get("Date") else None
                return self._books.pay(target, Decimal(str(given["Amount"])), paid, given.get("Reference", ""))
        raise BooksError("Payment must be applied to an existing document.")

    def delete_payment(self, payment_id: str, given: Json) -> Payment:
        """Take a payment back; the status may come alone or wrapped in ``Payments``."""
        (wrapped,) = given.get("Payments") or [given]
        if wrapped.get("Status") != "DELETED":
            raise BooksError("Payments cannot be updated, only deleted.")
        return self._books.delete_payment(payment_id)

    def allocation(self, source_id: str, given: Json) -> Allocation:
        """Set a credit note off against an invoice."""
        invoice_id = (given.get("Invoice") or {}).get("InvoiceID")
        if invoice_id not in self._books.documents:
            raise BooksError("The invoice could not be found.")
        made = date.fromisoformat(given["Date"][:10]) if given.get("Date") else None
        return self._books.allocate(source_id, str(invoice_id), Decimal(str(given["Amount"])), made)

    def _sales(self) -> list[Document]:
        return [document for document in self._books.documents.values() if document.status not in ("VOIDED", "DELETED")]

    def _change(self, document: Document, given: Json) -> Document:
        wanted = _wanted(given)
        changed = {name: value for name, value in wanted.items() if getattr(document, name) != value}
        status = given.get("Status", document.status)
        if document.status in ("PAID", "VOIDED", "DELETED"):
            locked = (_LOCKED,) if self._books.is_touched(document) else ()
            raise BooksError(_CLOSED, *locked)
        if self._books.is_touched(document) and not DATELESS.issuperset(changed):
            raise BooksError(_LOCKED)
        if len(wanted.get("reference", "")) > MAX_REFERENCE:
            raise BooksError("Reference exceeds the maximum length of 255 characters")
        if changed.get("sent") and document.status != "AUTHORISED" and status != "AUTHORISED":
            raise BooksError("SentToContact can only be set on invoices that have been approved")
        self._books.edit(document.id, **changed)
        self.changed[document.id] += bool(changed)
        if status != document.status:
            self._books.set_status(document.id, status)
        return document


def _wanted(given: Json) -> Json:
    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "Reference": ("reference", str),
        "SentToContact": ("sent", bool),
        "DueDate": ("due", lambda text: date.fromisoformat(text[:10])),
        "InvoiceNumber": ("number", str),
    }
    wanted = {target: read(given[name]) for name, (target, read) in readers.items() if given.get(name) is not None}
    if given.get("LineItems"):
        wanted["lines"] = [_line(item) for item in given["LineItems"]]
    return wanted


def _line(given: Json) -> Line:
    quantity, price = Decimal(str(given.get("Quantity", 1))), Decimal(str(given.get("UnitAmount", 0)))
    net = quantity * price
    tax = Decimal(str(given.get("TaxAmount", 0)))
    return Line(
        id=given.get("LineItemID") or str(uuid.uuid4()),
        description=given.get("Description", ""),
        quantity=quantity,
        unit_amount=price,
        tax_rate=tax / net if net else Decimal(0),
        item_code=given.get("ItemCode", ""),
    )
