"""What each system of the demo company holds, before it takes the vendor's shape.

Each system's folder in ``sandbox`` turns its part of ``World`` into the vendor's records. Keys are the world's own
and stable; a system derives its native ids from them (``native_id``). Amounts are ``Decimal`` major units, instants
aware UTC.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from sandbox.world.processor import Processor


def native_id(kind: str, key: str, length: int) -> str:
    """A stable lower-case hex id of ``length`` characters for a record of the world."""
    return hashlib.blake2b(f"{kind}:{key}".encode(), digest_size=32).hexdigest()[:length]


def bank_reference(key: str) -> str:
    """What the bank calls the transfer behind a payment."""
    return f"BK{native_id('transfer', key, 10).upper()}"


@dataclass(slots=True)
class FormLead:
    """A submitted marketing form (Jiandaoyun). Ids ascend with ``submitted_at``."""

    key: str
    submitted_at: datetime
    updated_at: datetime
    contact_name: str
    company_name: str
    email: str
    phone: str
    country: str  # ISO 3166-1 alpha-2
    source: str  # web, fair, referral, ads, wechat
    campaign: str
    status: str  # 待分配, 跟进中, 已转化, 无效
    conversion_note: str = ""


@dataclass(slots=True)
class CrmAccount:
    """A company in the CRM."""

    key: str
    name: str
    tax_id: str
    email: str
    phone: str
    website: str
    country: str
    city: str
    postal_code: str
    street: str
    created_at: datetime
    updated_at: datetime
    deleted: bool = False  # in the recycle bin


@dataclass(slots=True)
class CrmContact:
    """A person at a company in the CRM."""

    key: str
    account_key: str
    first_name: str
    last_name: str
    email: str
    phone: str
    created_at: datetime
    updated_at: datetime


@dataclass(slots=True)
class CrmLead:
    """A lead in the CRM."""

    key: str
    form_key: str | None  # FormLead it came from; kept in the CRM as an external id
    first_name: str
    last_name: str
    company: str
    email: str
    phone: str
    country: str
    source: str
    status: str  # Open - Not Contacted, Working - Contacted, Closed - Converted, Closed - Not Converted
    created_at: datetime
    updated_at: datetime
    converted_at: datetime | None = None
    account_key: str | None = None
    contact_key: str | None = None
    opportunity_key: str | None = None


@dataclass(slots=True)
class CrmOpportunity:
    """A deal in the CRM."""

    key: str
    account_key: str
    name: str
    stage: str  # Salesforce default stages
    amount: Decimal  # net of tax
    currency: str
    probability: int  # per cent
    close_date: date
    created_at: datetime
    updated_at: datetime
    order_number: str = ""  # written back
    delivery_status: str = ""  # written back
    billing_status: str = ""  # written back
    payment_status: str = ""  # written back
    invoice_sent_on: date | None = None  # day the sales assistant e-mailed the invoice
    deleted: bool = False  # in the recycle bin, with its quotes


@dataclass(slots=True)
class SalesLine:
    """One line of a quote, order or invoice."""

    sku: str
    description: str
    quantity: Decimal
    unit: str
    unit_price: Decimal
    tax_rate: Decimal  # fraction


@dataclass(slots=True)
class CrmQuote:
    """A quote in the CRM."""

    key: str
    opportunity_key: str
    number: str  # Q-…
    name: str
    status: str  # Salesforce words: Draft, In Review, Approved, Presented, Accepted, Rejected, Denied
    approval: str  # not_required, pending, approved, rejected (custom field)
    currency: str
    issue_date: date
    expiration_date: date
    lines: list[SalesLine]
    created_at: datetime
    updated_at: datetime
    order_number: str = ""  # written back
    delivery_status: str = ""  # written back
    payment_status: str = ""  # written back
    deleted: bool = False  # in the recycle bin


@dataclass(slots=True)
class Product:
    """Something the company sells."""

    sku: str
    name: str
    unit: str  # piece, hour
    list_price: Decimal  # base currency
    service: bool = False


@dataclass(slots=True)
class ErpParty:
    """A customer in the ERP."""

    key: str
    name: str
    tax_id: str
    email: str
    phone: str
    country: str
    city: str
    postal_code: str
    street: str


@dataclass(slots=True)
class ErpDelivery:
    """One shipment of an order; ``quantities`` maps line index (from 0) to the quantity shipped."""

    shipped_on: date | None  # None: still waiting in the warehouse
    quantities: dict[int, Decimal]


@dataclass(slots=True)
class ErpOrder:
    """A sales order in the ERP."""

    key: str
    number: str  # SO-…; the ERP assigns them in the order of this list, drafts have none
    party_key: str
    quote_number: str  # kept in the ERP's reference field; "" = none
    currency: str
    order_date: date
    promised_date: date
    state: str  # draft, quotation, processing, cancelled (done follows from full delivery)
    lines: list[SalesLine]
    deliveries: list[ErpDelivery] = field(default_factory=list)
    payment_note: str = ""  # payment state shown in the ERP, written back
    cancelled_after_delivery: bool = False


@dataclass(slots=True)
class BookContact:
    """A customer in accounting."""

    key: str
    name: str
    tax_number: str
    email: str
    account_number: str  # customer number, the ErpParty key's number
    phone: str
    country: str
    city: str
    updated_at: datetime


@dataclass(slots=True)
class BookInvoice:
    """A sales invoice or credit note in accounting (Xero)."""

    key: str
    number: str  # INV-… or CN-…
    kind: str  # invoice, credit_note
    contact_key: str
    reference: str  # order number(s) as the clerk typed them
    issue_date: date
    due_date: date
    currency: str
    lines: list[SalesLine]
    status: str  # DRAFT, SUBMITTED, AUTHORISED, PAID, VOIDED, DELETED
    updated_at: datetime
    sent: bool = True
    delivery_numbers: str = ""  # written back
    corrects_key: str | None = None


@dataclass(slots=True)
class BookPayment:
    """Money in (or a refund out) in accounting.

    ``kind`` payment settles ``invoice_key``; refund pays out of ``invoice_key`` (a credit note) or, without one, is
    money sent back with no document; prepayment and overpayment are money without an invoice to settle.
    """

    key: str
    kind: str  # payment, refund, prepayment, overpayment
    contact_key: str
    invoice_key: str | None
    paid_on: date
    amount: Decimal
    currency: str
    reference: str
    updated_at: datetime


@dataclass(slots=True)
class BankLine:
    """A booked line of one of the company's accounts; it has one for each currency."""

    reference: str  # the bank's own
    booked_on: date
    amount: Decimal
    currency: str
    outgoing: bool
    party: str  # the other side's name
    text: str


@dataclass(slots=True)
class Fault:
    """One planted fault and the finding it must lead to."""

    check: str
    numbers: tuple[str, ...]  # document numbers or keys that the finding must name
    story: str  # one sentence for docs
    amount: Decimal | None = None  # what the finding must say is at stake; None = whatever it says
    currency: str = ""


@dataclass(slots=True)
class World:
    """Everything the systems and the bank hold, and the faults planted in it."""

    seed: int
    as_of: datetime
    products: list[Product]
    form_leads: list[FormLead]
    crm_accounts: list[CrmAccount]
    crm_contacts: list[CrmContact]
    crm_leads: list[CrmLead]
    crm_opportunities: list[CrmOpportunity]
    crm_quotes: list[CrmQuote]
    erp_parties: list[ErpParty]
    erp_orders: list[ErpOrder]
    book_contacts: list[BookContact]
    book_invoices: list[BookInvoice]
    book_payments: list[BookPayment]
    processor: Processor
    bank_lines: list[BankLine]
    faults: list[Fault]
