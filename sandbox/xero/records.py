"""What the stand-in's books hold, and the figures that Xero computes from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


def smallest_unit(currency: str) -> Decimal:
    """The smallest amount of a currency that the demo company uses."""
    return Decimal(1) if currency == "JPY" else Decimal("0.01")


@dataclass(slots=True)
class Contact:
    """A customer; ``status`` ACTIVE or ARCHIVED."""

    id: str
    name: str
    updated: datetime
    email: str = ""
    tax_number: str = ""
    account_number: str = ""
    phone: str = ""
    country: str = ""
    city: str = ""
    status: str = "ACTIVE"


@dataclass(slots=True)
class Line:
    """A line of a document; prices without tax."""

    id: str
    description: str
    quantity: Decimal
    unit_amount: Decimal
    tax_rate: Decimal = Decimal(0)
    item_code: str = ""

    def net(self, currency: str) -> Decimal:
        """Quantity times price, rounded to the currency."""
        return (self.quantity * self.unit_amount).quantize(smallest_unit(currency))

    def tax(self, currency: str) -> Decimal:
        """Tax on the net amount, rounded to the currency."""
        return (self.quantity * self.unit_amount * self.tax_rate).quantize(smallest_unit(currency))


@dataclass(slots=True)
class Document:
    """An invoice (ACCREC, ACCPAY) or a credit note (ACCRECCREDIT)."""

    id: str
    type: str
    number: str
    contact_id: str
    issued: date
    due: date
    currency: str
    updated: datetime
    lines: list[Line] = field(default_factory=list)
    reference: str = ""
    status: str = "AUTHORISED"
    sent: bool = False

    @property
    def is_credit_note(self) -> bool:
        """Whether it takes money off other documents."""
        return self.type == "ACCRECCREDIT"

    @property
    def net(self) -> Decimal:
        """Sum of the lines without tax."""
        return sum((line.net(self.currency) for line in self.lines), Decimal(0))

    @property
    def tax(self) -> Decimal:
        """Sum of the lines' tax."""
        return sum((line.tax(self.currency) for line in self.lines), Decimal(0))

    @property
    def total(self) -> Decimal:
        """With tax."""
        return self.net + self.tax


@dataclass(slots=True)
class Credit:
    """Money on account: RECEIVE-OVERPAYMENT or RECEIVE-PREPAYMENT."""

    id: str
    type: str
    contact_id: str
    received: date
    currency: str
    total: Decimal
    updated: datetime
    reference: str = ""
    status: str = "AUTHORISED"

    @property
    def is_prepayment(self) -> bool:
        """Whether it belongs to the list of prepayments."""
        return self.type.endswith("PREPAYMENT")


PAYMENT_TYPES = {
    "ACCREC": "ACCRECPAYMENT",
    "ACCPAY": "ACCPAYPAYMENT",
    "ACCRECCREDIT": "ARCREDITPAYMENT",
    "RECEIVE-OVERPAYMENT": "AROVERPAYMENTPAYMENT",
    "RECEIVE-PREPAYMENT": "ARPREPAYMENTPAYMENT",
}
"""Type of what is paid → type of the payment."""


@dataclass(slots=True)
class Payment:
    """Money that settles an invoice, or pays out a credit note, overpayment or prepayment (``target_id``)."""

    id: str
    target_id: str
    paid: date
    amount: Decimal
    updated: datetime
    reference: str = ""
    status: str = "AUTHORISED"


@dataclass(slots=True)
class Allocation:
    """A part of a credit note, overpayment or prepayment (``source_id``) that is set off against an invoice."""

    id: str
    source_id: str
    invoice_id: str
    amount: Decimal
    made: date


@dataclass(slots=True)
class Snapshot:
    """All of it, as it is saved."""

    contacts: list[Contact]
    documents: list[Document]
    credits: list[Credit]
    payments: list[Payment]
    allocations: list[Allocation]
