"""The books behind the stand-in: what people at the company do in Xero, and the statuses and figures that follow.

Every method is safe to call while the server runs. Ids are given by the caller or made up.
"""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sandbox.xero.records import Allocation, Contact, Credit, Document, Line, Payment, Snapshot

DATELESS = frozenset({"sent", "due"})
"""Changes of a partly paid document that leave its change time as it is: Xero's documented blind spot."""


class BooksError(Exception):
    """Xero's rules forbid it; ``messages`` are its reasons."""

    def __init__(self, *messages: str) -> None:
        super().__init__(" ".join(messages))
        self.messages = messages


def now() -> datetime:
    """This instant to the millisecond, as Xero keeps it."""
    moment = datetime.now(UTC)
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


class Books:
    """One organisation's contacts, sales documents and money."""

    def __init__(self, clock: Callable[[], datetime] = now) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.contacts: dict[str, Contact] = {}
        self.documents: dict[str, Document] = {}
        self.credits: dict[str, Credit] = {}
        self.payments: dict[str, Payment] = {}
        self.allocations: dict[str, Allocation] = {}
        self._payments_of: dict[str, list[Payment]] = defaultdict(list)
        self._taken_from: dict[str, list[Allocation]] = defaultdict(list)
        self._set_off: dict[str, list[Allocation]] = defaultdict(list)

    # -- what Xero computes

    def payments_of(self, target_id: str) -> list[Payment]:
        """The payments of a document or credit that were not deleted."""
        return [payment for payment in self._payments_of[target_id] if payment.status == "AUTHORISED"]

    def taken_from(self, source_id: str) -> list[Allocation]:
        """What was allocated from a credit note, overpayment or prepayment."""
        return self._taken_from[source_id]

    def set_off(self, invoice_id: str) -> list[Allocation]:
        """What was allocated to an invoice."""
        return self._set_off[invoice_id]

    def paid(self, target_id: str) -> Decimal:
        """Sum of the payments."""
        return sum((payment.amount for payment in self.payments_of(target_id)), Decimal(0))

    def credited(self, invoice_id: str) -> Decimal:
        """Sum of what was set off against an invoice."""
        return sum((allocation.amount for allocation in self.set_off(invoice_id)), Decimal(0))

    def due(self, document: Document) -> Decimal:
        """What is left to pay of an invoice."""
        if document.status in ("VOIDED", "DELETED"):
            return Decimal(0)
        return document.total - self.paid(document.id) - self.credited(document.id)

    def remaining(self, source: Document | Credit) -> Decimal:
        """What is left of a credit note, overpayment or prepayment."""
        if source.status in ("VOIDED", "DELETED"):
            return Decimal(0)
        used = sum((allocation.amount for allocation in self.taken_from(source.id)), Decimal(0))
        return source.total - used - self.paid(source.id)

    def is_touched(self, document: Document) -> bool:
        """Whether money was applied to a document: most of it can then not be edited."""
        return bool(self.payments_of(document.id) or self.set_off(document.id) or self.taken_from(document.id))

    # -- what people do

    def add(self, *records: Contact | Document | Credit | Payment | Allocation) -> None:
        """Put records into the books as they are; statuses of paid documents follow from the money."""
        with self.lock:
            for record in records:
                if isinstance(record, Contact):
                    self.contacts[record.id] = record
                elif isinstance(record, Document):
                    self.documents[record.id] = record
                elif isinstance(record, Credit):
                    self.credits[record.id] = record
                elif isinstance(record, Payment):
                    self.payments[record.id] = record
                    self._payments_of[record.target_id].append(record)
                    self._settle(record.target_id)
                else:
                    self.allocations[record.id] = record
                    self._taken_from[record.source_id].append(record)
                    self._set_off[record.invoice_id].append(record)
                    self._settle(record.source_id)
                    self._settle(record.invoice_id)

    def invoice(self, number: str) -> Document:
        """The document with that number."""
        return next(document for document in self.documents.values() if document.number == number)

    def create(
        self, type_: str, number: str, contact_id: str, lines: Iterable[Line], *, id: str | None = None, **fields: Any
    ) -> Document:
        """A new invoice or credit note, authorised unless ``status`` says otherwise."""
        with self.lock:
            today = self.clock().date()
            values = {"issued": today, "due": today, "currency": "CNY", "updated": self.clock(), **fields}
            document = Document(id or str(uuid.uuid4()), type_, number, contact_id, lines=list(lines), **values)
            self.add(document)
            return document

    def edit(self, document_id: str, **changes: Any) -> Document:
        """Change fields of a document (``reference``, ``sent``, ``due``, ``lines`` …) as a person in Xero."""
        with self.lock:
            document = self.documents[document_id]
            changed = {name: value for name, value in changes.items() if getattr(document, name) != value}
            for name, value in changed.items():
                setattr(document, name, value)
            if changed and not (self.is_touched(document) and DATELESS.issuperset(changed)):
                document.updated = self.clock()
            return document

    def edit_contact(self, contact_id: str, **changes: Any) -> Contact:
        """Change fields of a contact."""
        with self.lock:
            contact = self.contacts[contact_id]
            for name, value in changes.items():
                setattr(contact, name, value)
            contact.updated = self.clock()
            return contact

    def pay(self, target_id: str, amount: Decimal, paid: date | None = None, reference: str = "") -> Payment:
        """Record a payment. Raises ``BooksError`` where Xero refuses it."""
        with self.lock:
            target = self.documents.get(target_id) or self.credits[target_id]
            open_amount = (
                self.due(target)
                if isinstance(target, Document) and not target.is_credit_note
                else self.remaining(target)
            )
            if target.status != "AUTHORISED":
                raise BooksError("Payments can only be made against authorised documents.")
            if amount > open_amount:
                raise BooksError("The payment amount exceeds the amount outstanding on this document.")
            moment = self.clock()
            payment = Payment(str(uuid.uuid4()), target_id, paid or moment.date(), amount, moment, reference)
            self.add(payment)
            target.updated = moment
            return payment

    def delete_payment(self, payment_id: str) -> Payment:
        """Take a payment back."""
        with self.lock:
            payment = self.payments[payment_id]
            if payment.status == "DELETED":
                raise BooksError("This payment has already been deleted.")
            moment = self.clock()
            payment.status, payment.updated = "DELETED", moment
            target = self.documents.get(payment.target_id) or self.credits[payment.target_id]
            target.updated = moment
            self._settle(target.id)
            return payment

    def allocate(self, source_id: str, invoice_id: str, amount: Decimal, made: date | None = None) -> Allocation:
        """Set a credit note, overpayment or prepayment off against an invoice."""
        with self.lock:
            source = self.documents.get(source_id) or self.credits[source_id]
            invoice = self.documents[invoice_id]
            if amount > min(self.remaining(source), self.due(invoice)):
                raise BooksError("Credit Note cannot be allocated as amount is greater than amount outstanding")
            moment = self.clock()
            allocation = Allocation(str(uuid.uuid4()), source_id, invoice_id, amount, made or moment.date())
            self.add(allocation)
            source.updated = invoice.updated = moment
            return allocation

    def set_status(self, document_id: str, status: str) -> Document:
        """Move a document along Xero's lifecycle: approve, void, delete."""
        with self.lock:
            document = self.documents[document_id]
            if self.is_touched(document):
                raise BooksError(
                    f"The status {status} cannot be applied to the invoice because it has payments or credit notes "
                    "allocated to it."
                )
            if status not in _NEXT.get(document.status, ()):
                raise BooksError("Invoice not of valid status for modification")
            document.status, document.updated = status, self.clock()
            return document

    def void(self, document_id: str) -> Document:
        """Void an approved document."""
        return self.set_status(document_id, "VOIDED")

    # -- keeping

    def snapshot(self) -> Snapshot:
        """Everything, to be saved."""
        with self.lock:
            return Snapshot(
                *(
                    list(table.values())
                    for table in (self.contacts, self.documents, self.credits, self.payments, self.allocations)
                )  # type: ignore[arg-type]
            )

    def restore(self, snapshot: Snapshot) -> None:
        """Replace everything by what was saved."""
        with self.lock:
            for table in (self.contacts, self.documents, self.credits, self.payments, self.allocations):
                table.clear()
            for index in (self._payments_of, self._taken_from, self._set_off):
                index.clear()
            self.add(*snapshot.contacts, *snapshot.documents, *snapshot.credits)
            self.add(*snapshot.payments, *snapshot.allocations)

    def _settle(self, record_id: str) -> None:
        """AUTHORISED and PAID follow from the money."""
        record = self.documents.get(record_id) or self.credits[record_id]
        if record.status not in ("AUTHORISED", "PAID"):
            return
        is_bill = isinstance(record, Document) and not record.is_credit_note
        left = self.due(record) if is_bill else self.remaining(record)  # type: ignore[arg-type]
        record.status = "AUTHORISED" if left > 0 else "PAID"


_NEXT = {
    "DRAFT": ("SUBMITTED", "AUTHORISED", "DELETED"),
    "SUBMITTED": ("DRAFT", "AUTHORISED", "DELETED"),
    "AUTHORISED": ("VOIDED",),
}
