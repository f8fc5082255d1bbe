"""The lists that we read from Xero, and how each is asked for."""

from __future__ import annotations

from dataclasses import dataclass, field

from connectors.contract import Deletes, StreamSpec

INVOICE_FIELDS = ("Reference", "SentToContact", "DeliveryNumbers")
"""What may be written to an invoice; ``DeliveryNumbers`` is a part of its reference (``connectors.xero.reference``)."""

KEY_FIELD = "Key"
"""Where the mapping puts the key of an invoice that is created; a part of its reference, like ``DeliveryNumbers``."""
KEY_START = "ltc-"

_EVERY_STATUS = "DRAFT,SUBMITTED,AUTHORISED,PAID,VOIDED,DELETED"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a stream comes from: path and list element, id field, parameters of every call, scopes that allow it."""

    path: str
    id_field: str
    scopes: tuple[str, ...]
    params: dict[str, str] = field(default_factory=dict)

    @property
    def element(self) -> str:
        """The list's name in the answer."""
        return self.path[1:]


SPECS = (
    StreamSpec("contact", "party", "UpdatedDateUTC", Deletes.TOMBSTONES),
    StreamSpec(
        "invoice", "invoice", "UpdatedDateUTC", Deletes.TOMBSTONES, INVOICE_FIELDS, ("contact",), creatable=KEY_FIELD
    ),
    StreamSpec("credit_note", "invoice", "UpdatedDateUTC", Deletes.TOMBSTONES, (), ("contact", "invoice")),
    StreamSpec("payment", "payment", "UpdatedDateUTC", Deletes.TOMBSTONES, (), ("invoice", "credit_note")),
    StreamSpec("overpayment", "payment", "UpdatedDateUTC", Deletes.TOMBSTONES, (), ("contact",)),
    StreamSpec("prepayment", "payment", "UpdatedDateUTC", Deletes.TOMBSTONES, (), ("contact",)),
)
"""Xero deletes nothing: a record that is gone for people carries the status DELETED, VOIDED or ARCHIVED."""

TOLD = {"CONTACT": "contact", "INVOICE": "invoice"}
"""The streams that webhooks tell of, by Xero's name of the event's category. Payments are not told of; of credit notes
there is no list by ids that would show them as a pull does: both come with the next pull."""

_OLD = "accounting.transactions"
_MONEY = ("accounting.payments", "accounting.banktransactions", _OLD)
_EXACT_PRICES = {"unitdp": "4"}

SOURCES: dict[str, Source] = {
    "contact": Source("/Contacts", "ContactID", ("accounting.contacts",), {"includeArchived": "true"}),
    # Voided and deleted invoices are asked for by name: whether Xero shows them otherwise is not documented.
    "invoice": Source(
        "/Invoices", "InvoiceID", ("accounting.invoices", _OLD), {"Statuses": _EVERY_STATUS, **_EXACT_PRICES}
    ),
    "credit_note": Source("/CreditNotes", "CreditNoteID", ("accounting.invoices", _OLD), _EXACT_PRICES),
    "payment": Source("/Payments", "PaymentID", ("accounting.payments", _OLD)),
    "overpayment": Source("/Overpayments", "OverpaymentID", _MONEY, _EXACT_PRICES),
    "prepayment": Source("/Prepayments", "PrepaymentID", _MONEY, _EXACT_PRICES),
}
