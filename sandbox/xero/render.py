"""Records as Xero writes them in JSON: its field names, dates as ``/Date(ms+0000)/``, money as exact numbers."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.xero.books import Books
from sandbox.xero.records import PAYMENT_TYPES, Allocation, Contact, Credit, Document, Line, Payment

Json = dict[str, Any]

encode = msgspec.json.Encoder(decimal_format="number").encode
"""JSON with every Decimal as a number, digit for digit."""

_CENTS = Decimal("0.01")
_FOUR = Decimal("0.0001")


def stamp(moment: datetime | date) -> str:
    """``/Date(1439434356790+0000)/``."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return f"/Date({round(moment.timestamp() * 1000)}+0000)/"


def _twins(name: str, day: date) -> Json:
    return {f"{name}String": f"{day.isoformat()}T00:00:00", name: stamp(day)}


def _changed(moment: datetime) -> Json:
    return {"UpdatedDateUTC": stamp(moment), "UpdatedDateUTCString": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


class Renderer:
    """Renders records; ``full`` adds what Xero shows only in paged lists and single records (lines)."""

    def __init__(self, books: Books, *, full: bool = True, unit_places: int = 2) -> None:
        self._books = books
        self._full = full
        self._unit = _FOUR if unit_places == 4 else _CENTS

    def contact(self, contact: Contact) -> Json:
        """One contact."""
        street = {"AddressType": "STREET", "City": "", "Region": "", "PostalCode": "", "Country": ""}
        postal = {**street, "AddressType": "POBOX", "City": contact.city, "Country": contact.country}
        number = {"PhoneNumber": "", "PhoneAreaCode": "", "PhoneCountryCode": ""}
        return {
            "ContactID": contact.id,
            "AccountNumber": contact.account_number,
            "ContactStatus": contact.status,
            "Name": contact.name,
            "EmailAddress": contact.email,
            "BankAccountDetails": "",
            "TaxNumber": contact.tax_number,
            "Addresses": [street, postal],
            "Phones": [
                {"PhoneType": "DDI", **number},
                {"PhoneType": "DEFAULT", **number, "PhoneNumber": contact.phone},
                {"PhoneType": "FAX", **number},
                {"PhoneType": "MOBILE", **number},
            ],
            "UpdatedDateUTC": stamp(contact.updated),
            "ContactGroups": [],
            "IsSupplier": False,
            "IsCustomer": True,
            "ContactPersons": [],
            "HasAttachments": False,
            "HasValidationErrors": False,
        }

    def invoice(self, invoice: Document) -> Json:
        """One invoice."""
        books = self._books
        set_off = books.set_off(invoice.id)
        paid = {"FullyPaidOnDate": stamp(self._settled(invoice))} if invoice.status == "PAID" else {}
        return {
            "Type": invoice.type,
            "InvoiceID": invoice.id,
            "InvoiceNumber": invoice.number,
            "Reference": invoice.reference,
            "Payments": [self._short_payment(payment) for payment in books.payments_of(invoice.id)],
            "CreditNotes": [self._set_off(a, "CreditNote") for a in set_off if a.source_id in books.documents],
            "Prepayments": [self._set_off(a, "Prepayment") for a in set_off if self._is_prepayment(a.source_id)],
            "Overpayments": [self._set_off(a, "Overpayment") for a in set_off if self._is_overpayment(a.source_id)],
            "AmountDue": self._money(books.due(invoice)),
            "AmountPaid": self._money(books.paid(invoice.id)),
            "AmountCredited": self._money(books.credited(invoice.id)),
            "SentToContact": invoice.sent,
            "CurrencyRate": Decimal("1.000000"),
            "HasErrors": False,
            "IsDiscounted": False,
            "HasAttachments": False,
            **self._document(invoice),
            **_twins("DueDate", invoice.due),
            **paid,
        }

    def credit_note(self, note: Document) -> Json:
        """One credit note."""
        return {
            "CreditNoteID": note.id,
            "CreditNoteNumber": note.number,
            "Payments": [self._short_payment(payment) for payment in self._books.payments_of(note.id)],
            "ID": note.id,
            "CurrencyRate": Decimal("1.000000"),
            "Type": note.type,
            "Reference": note.reference,
            "SentToContact": note.sent,
            "RemainingCredit": self._money(self._books.remaining(note)),
            "Allocations": [self.allocation(allocation) for allocation in self._books.taken_from(note.id)],
            "HasAttachments": False,
            **self._document(note),
        }

    def credit(self, credit: Credit) -> Json:
        """One overpayment or prepayment."""
        kind = "Prepayment" if credit.is_prepayment else "Overpayment"
        # Xero has no reference of its own on prepayments: it shows their invoice number there.
        number = {"InvoiceNumber": credit.reference} if credit.is_prepayment else {}
        return {
            f"{kind}ID": credit.id,
            "ID": credit.id,
            "Type": credit.type,
            "Reference": credit.reference,
            **number,
            "CurrencyRate": Decimal("1.000000"),
            "RemainingCredit": self._money(self._books.remaining(credit)),
            "Allocations": [self.allocation(allocation) for allocation in self._books.taken_from(credit.id)],
            "Payments": [self._short_payment(payment) for payment in self._books.payments_of(credit.id)],
            "HasAttachments": False,
            "Contact": self._short_contact(credit.contact_id),
            **_twins("Date", credit.received),
            "Status": credit.status,
            "LineAmountTypes": "NoTax",
            "LineItems": [],
            "SubTotal": self._money(credit.total),
            "TotalTax": Decimal("0.00"),
            "Total": self._money(credit.total),
            **_changed(credit.updated),
            "CurrencyCode": credit.currency,
        }

    def payment(self, payment: Payment) -> Json:
        """One payment; what it pays is shown as ``Invoice`` whatever it is, told apart by the type there."""
        target = self._target(payment)
        kind = target.type if isinstance(target, Document) else target.type.replace("RECEIVE-", "AR")
        shown = {
            "Type": kind,
            "InvoiceID": target.id,
            "InvoiceNumber": target.number if isinstance(target, Document) else "",
            "Payments": [],
            "CreditNotes": [],
            "Prepayments": [],
            "Overpayments": [],
            "HasErrors": False,
            "IsDiscounted": False,
            "Contact": self._short_contact(target.contact_id),
            "LineItems": [],
            "CurrencyCode": target.currency,
        }
        return {
            "PaymentID": payment.id,
            "Date": stamp(payment.paid),
            "BankAmount": self._money(payment.amount),
            "Amount": self._money(payment.amount),
            "Reference": payment.reference,
            "CurrencyRate": Decimal("1.000000"),
            "PaymentType": PAYMENT_TYPES[target.type],
            "Status": payment.status,
            **_changed(payment.updated),
            "HasAccount": True,
            "IsReconciled": False,
            "Account": {"AccountID": "5690f1e8-1d02-4893-90c2-ee1a69eff942", "Code": "970"},
            "Invoice": shown,
            "HasValidationErrors": False,
        }

    def allocation(self, allocation: Allocation) -> Json:
        """One allocation, as its source shows it."""
        invoice = self._books.documents[allocation.invoice_id]
        return {
            "AllocationID": allocation.id,
            "Amount": self._money(allocation.amount),
            "Date": stamp(allocation.made),
            "Invoice": {"InvoiceID": invoice.id, "InvoiceNumber": invoice.number},
        }

    def _document(self, document: Document) -> Json:
        lines = [self._line(line, document.currency) for line in document.lines] if self._full else []
        return {
            "Contact": self._short_contact(document.contact_id),
            **_twins("Date", document.issued),
            "Status": document.status,
            "LineAmountTypes": "Exclusive",
            "LineItems": lines,
            "SubTotal": self._money(document.net),
            "TotalTax": self._money(document.tax),
            "Total": self._money(document.total),
            **_changed(document.updated),
            "CurrencyCode": document.currency,
        }

    def _line(self, line: Line, currency: str) -> Json:
        return {
            **({"ItemCode": line.item_code} if line.item_code else {}),
            "Description": line.description,
            "UnitAmount": line.unit_amount.quantize(self._unit),
            "TaxType": "OUTPUT" if line.tax_rate else "NONE",
            "TaxAmount": self._money(line.tax(currency)),
            "LineAmount": self._money(line.net(currency)),
            "AccountCode": "200",
            "Tracking": [],
            "Quantity": line.quantity.quantize(_FOUR),
            "LineItemID": line.id,
        }

    def _set_off(self, allocation: Allocation, kind: str) -> Json:
        source = self._target(allocation)
        number = {f"{kind}Number": source.number} if isinstance(source, Document) else {}
        return {
            f"{kind}ID": source.id,
            **number,
            "AppliedAmount": self._money(allocation.amount),
            "Date": stamp(allocation.made),
            "Total": self._money(source.total),
        }

    def _short_payment(self, payment: Payment) -> Json:
        return {
            "PaymentID": payment.id,
            "Date": stamp(payment.paid),
            "Amount": self._money(payment.amount),
            "Reference": payment.reference,
            "CurrencyRate": Decimal("1.000000"),
            "HasAccount": False,
            "HasValidationErrors": False,
        }

    def _short_contact(self, contact_id: str) -> Json:
        return {
            "ContactID": contact_id,
            "Name": self._books.contacts[contact_id].name,
            "Addresses": [],
            "Phones": [],
            "ContactGroups": [],
            "ContactPersons": [],
            "HasValidationErrors": False,
        }

    def _settled(self, invoice: Document) -> date:
        days = [payment.paid for payment in self._books.payments_of(invoice.id)]
        return max([*days, *(allocation.made for allocation in self._books.set_off(invoice.id)), invoice.issued])

    def _target(self, part: Payment | Allocation) -> Document | Credit:
        key = part.target_id if isinstance(part, Payment) else part.source_id
        return self._books.documents.get(key) or self._books.credits[key]

    def _is_prepayment(self, key: str) -> bool:
        return key in self._books.credits and self._books.credits[key].is_prepayment

    def _is_overpayment(self, key: str) -> bool:
        return key in self._books.credits and not self._books.credits[key].is_prepayment

    def _money(self, amount: Decimal) -> Decimal:
        return amount.quantize(_CENTS)
