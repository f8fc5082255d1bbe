"""The canonical lead-to-cash model: every entity, field by field.

A row is one system's view of one record; ``(system, entity, source_id)`` is its key. Units:

* ``Money``: integer minor units of ``currency`` (ISO 4217); the sign is never a direction, but in the lines of payouts.
* ``Number``: exact decimal (quantities, unit prices, rates as fractions: 0.13 is 13 %).
* ``Day``: a calendar date without zone (issue, due, posting).  ``Instant``: aware UTC.
* ``Ref``: a reference to another record as the source names it: ``id:<source id>`` in the same system,
  ``no:<document number>`` in any system, ``ext:<source id>`` of another system. ``Refs``: several.

Names and meanings follow the published vocabularies listed in ``docs/concepts.md``.
"""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from typing import Annotated, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from mappings import convert, states


class Kind(StrEnum):
    """How a field is stored: every kind is one SQL type on both databases."""

    TEXT = "text"  # TEXT
    MONEY = "money"  # BIGINT, minor units
    NUMBER = "number"  # TEXT, plain decimal notation
    INTEGER = "integer"  # BIGINT
    DAY = "day"  # TEXT, YYYY-MM-DD
    INSTANT = "instant"  # BIGINT, microseconds since the epoch, UTC
    FLAG = "flag"  # BIGINT, 0 or 1
    REF = "ref"  # TEXT, id:… no:… ext:…
    REFS = "refs"  # TEXT, several refs, one a line


Text = Annotated[str | None, Kind.TEXT]
Money = Annotated[int | None, Kind.MONEY]
Number = Annotated[Decimal | None, Kind.NUMBER]
Integer = Annotated[int | None, Kind.INTEGER]
Day = Annotated[date | None, Kind.DAY]
Instant = Annotated[datetime | None, Kind.INSTANT]
Flag = Annotated[bool | None, Kind.FLAG]
Ref = Annotated[str | None, Kind.REF]
Refs = Annotated[list[str] | None, Kind.REFS]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Record(_Model):
    """Fields of every entity."""

    entity: ClassVar[str]
    line_model: ClassVar[type[Line] | None] = None

    system: str = Field(description="Name of the system in ltc.yaml")
    source_id: str = Field(description="The source's own id")
    number: Text = Field(None, description="What people read on paper: quote, order or invoice number")
    status: Text = Field(None, description="Canonical status, see mappings/statuses.py")
    source_status: Text = Field(None, description="The source's own word, unchanged")
    currency: Text = Field(None, description="ISO 4217 code of all money of the record")
    owner_ref: Text = Field(None, description="Sales person or clerk as the source names them")
    source_created_at: Instant = Field(None, description="When the source says it was created")
    source_updated_at: Instant = Field(None, description="When the source says it was last changed")
    url: Text = Field(None, description="Deep link for people")


class Line(_Model):
    """Fields of every document line."""

    line_no: Integer = Field(None, description="Position, from 1")
    source_line_id: Text = Field(None, description="The source's id of the line")
    sku: Text = Field(None, description="Product code people use in every system")
    product_ref: Ref = Field(None, description="Product in the same system")
    description: Text = Field(None, description="Text on the line")
    quantity: Number = Field(None, description="In `unit`")
    unit: Text = Field(None, description="UN/ECE Rec 20 code where known, else the source's word")


class PricedLine(Line):
    """A line with money (quote, order, invoice)."""

    unit_price: Number = Field(None, description="Net price of one unit, major units of the currency")
    discount_rate: Number = Field(None, description="Fraction, 0.05 is 5 %")
    net_amount: Money = Field(None, description="Without tax")
    tax_amount: Money = Field(None, description="Tax of the line")
    tax_rate: Number = Field(None, description="Fraction")


class Party(Record):
    """A customer 客户/往来单位."""

    entity: ClassVar[str] = "party"
    name: Text = Field(None, description="Display name")
    legal_name: Text = Field(None, description="Registered name")
    tax_id: Text = Field(None, description="统一社会信用代码, VAT number, EIN")
    kind: Text = Field(None, description="organisation or person")
    email: Text = None
    phone: Text = Field(None, description="E.164 where it can be derived")
    domain: Text = Field(None, description="Web domain, lower case")
    country: Text = Field(None, description="ISO 3166-1 alpha-2")
    city: Text = None
    postal_code: Text = None
    address_line: Text = None
    external_ref: Ref = Field(None, description="The same party in another system, if the source keeps its key")
    payment_terms_days: Integer = Field(None, description="Days from invoice to due date, where terms are so simple")
    credit_limit: Money = Field(None, description="What may be owed at most; none if unlimited")


class Contact(Record):
    """A person at a party 联系人."""

    entity: ClassVar[str] = "contact"
    first_name: Text = None
    last_name: Text = None
    email: Text = None
    phone: Text = None
    party_ref: Ref = None


class Product(Record):
    """A product 产品/物料."""

    entity: ClassVar[str] = "product"
    sku: Text = None
    name: Text = None
    unit: Text = None
    kind: Text = Field(None, description="goods, service, subscription, shipping, discount, fee")
    list_price: Number = Field(None, description="Major units of the currency")


class Lead(Record):
    """Somebody who might buy 线索."""

    entity: ClassVar[str] = "lead"
    contact_name: Text = None
    company_name: Text = None
    email: Text = None
    phone: Text = None
    country: Text = None
    campaign: Text = None
    source: Text = Field(None, description="Channel: web, fair, referral, ads …")
    received_at: Instant = Field(None, description="When the form was submitted")
    converted_at: Instant = None
    lead_ref: Ref = Field(None, description="The same lead in the system it came from")
    opportunity_ref: Ref = None
    party_ref: Ref = None
    contact_ref: Ref = None
    disqualify_reason: Text = None
    conversion_note: Text = Field(None, description="What the source shows as the result of conversion (written back)")


class Opportunity(Record):
    """A deal in the making 商机."""

    entity: ClassVar[str] = "opportunity"
    name: Text = None
    party_ref: Ref = None
    lead_ref: Ref = None
    stage: Text = Field(None, description="qualify, develop, propose, negotiate, close")
    source_stage: Text = None
    probability: Number = Field(None, description="Fraction")
    expected_amount: Money = Field(None, description="Net of tax unless amount_includes_tax")
    amount_includes_tax: Flag = None
    expected_close_date: Day = None
    closed_at: Instant = None
    loss_reason: Text = None
    order_number: Text = Field(None, description="Order number the source shows (written back)")
    delivery_state: Text = Field(None, description="Delivery state the source shows (written back)")
    billing_state: Text = Field(None, description="Billing state the source shows (written back)")
    payment_state: Text = Field(None, description="Payment state the source shows (written back)")
    invoice_sent_on: Day = Field(None, description="Day the invoice was e-mailed to the customer from this system")


class Quote(Record):
    """An offer 报价单, with lines."""

    entity: ClassVar[str] = "quote"
    line_model: ClassVar[type[Line] | None] = PricedLine
    name: Text = None
    opportunity_ref: Ref = None
    party_ref: Ref = None
    issue_date: Day = None
    valid_until: Day = None
    net_amount: Money = None
    tax_amount: Money = None
    gross_amount: Money = None
    approval_state: Text = Field(None, description=states.listed("approval_state"))
    approved_at: Instant = None
    order_number: Text = Field(None, description="Order number the source shows (written back)")
    delivery_state: Text = Field(None, description="Delivery state the source shows (written back)")
    payment_state: Text = Field(None, description="Payment state the source shows (written back)")


class Order(Record):
    """A sales order 订单, with lines."""

    entity: ClassVar[str] = "order"
    line_model: ClassVar[type[Line] | None] = PricedLine
    quote_ref: Ref = None
    opportunity_ref: Ref = None
    party_ref: Ref = None
    customer_po_number: Text = None
    order_date: Day = None
    promised_delivery_date: Day = Field(None, description="Date that on-time delivery is measured against")
    net_amount: Money = None
    tax_amount: Money = None
    gross_amount: Money = None
    delivery_state: Text = Field(None, description=states.listed("delivery_state"))
    billing_state: Text = Field(None, description=states.listed("billing_state"))
    payment_state: Text = Field(None, description="Payment state the source shows (written back)")


class Delivery(Record):
    """Goods or services handed over 发货/交付, with lines."""

    entity: ClassVar[str] = "delivery"
    line_model: ClassVar[type[Line] | None] = Line
    order_refs: Refs = None
    party_ref: Ref = None
    kind: Text = Field(None, description="outbound, return, service")
    planned_date: Day = None
    shipped_on: Day = None
    delivered_on: Day = None
    tracking_number: Text = None


class Invoice(Record):
    """A bill 发票, or a credit note 红字发票, with lines."""

    entity: ClassVar[str] = "invoice"
    line_model: ClassVar[type[Line] | None] = PricedLine
    kind: Text = Field(None, description="invoice, credit_note, debit_note, proforma, deposit")
    order_refs: Refs = None
    party_ref: Ref = None
    corrects_ref: Ref = Field(None, description="The invoice a credit note corrects")
    issue_date: Day = None
    due_date: Day = None
    net_amount: Money = None
    tax_amount: Money = None
    gross_amount: Money = None
    open_amount: Money = Field(None, description="What the source says is left to pay")
    sent_to_customer: Flag = None
    delivery_numbers: Text = Field(None, description="Delivery numbers the source shows (written back)")


class Allocation(_Model):
    """The part of a payment that settles one document 核销."""

    line_no: Integer = None
    invoice_ref: Ref = None
    order_ref: Ref = None
    amount: Money = None


class Payment(Record):
    """Money received or given back 收款/回款, with allocations."""

    entity: ClassVar[str] = "payment"
    kind: Text = Field(None, description="payment, refund, chargeback, advance, overpayment, write_off")
    direction: Text = Field(None, description="in or out")
    method: Text = Field(None, description="bank_transfer, card, wallet, cash, cheque, other")
    party_ref: Ref = None
    amount: Money = None
    fee_amount: Money = None
    unapplied_amount: Money = Field(None, description="What the source says is not allocated")
    received_on: Day = None
    reference_text: Text = Field(None, description="附言: what cash application reads")
    end_to_end_id: Text = Field(None, description="The payer's own id of it, which banks pass on unchanged")
    payer_name: Text = Field(None, description="Who paid, or was paid, as the bank shows the name")
    external_ref: Ref = Field(None, description="The same payment in another system, if the source keeps its key")
    invoice_ref: Ref = Field(None, description="The invoice (or credit note) the source applied it to, if just one")
    order_refs: Refs = Field(None, description="Orders named in the reference")


class PayoutLine(_Model):
    """A movement that a payout is made of 结算明细. Amounts are positive where they add to the payout."""

    line_no: Integer = None
    source_line_id: Text = Field(None, description="The source's id of the movement")
    kind: Text = Field(
        None, description="charge, refund, dispute, dispute_reversal, fee, transfer, or adjustment for all else"
    )
    source_kind: Text = Field(None, description="The source's own word for the kind")
    payment_ref: Ref = Field(None, description="The payment, refund or chargeback that it is about")
    amount: Money = Field(None, description="Before the fee: a refund is negative, a fee that was given back positive")
    fee_amount: Money = Field(None, description="What the processor kept of it; negative where it gave back a fee")
    net_amount: Money = Field(None, description="amount less fee_amount")


class Payout(Record):
    """What a payment processor transfers to the bank 结算, with what it is made of where the source knows."""

    entity: ClassVar[str] = "payout"
    amount: Money = Field(None, description="What the bank gets; negative where the processor takes money back")
    gross_amount: Money = Field(None, description="Charges before fees, refunds and all else")
    fee_amount: Money = None
    arrival_date: Day = Field(None, description="When the processor expects it at the bank")
    bank_reference: Text = Field(None, description="What identifies this one payout at the bank: its trace id")
    descriptor: Text = Field(None, description="What bank statements show of every payout of this processor")


class ServiceCase(Record):
    """A customer's complaint or question 工单."""

    entity: ClassVar[str] = "service_case"
    party_ref: Ref = None
    order_ref: Ref = None
    invoice_ref: Ref = None
    subject: Text = None
    kind: Text = None
    priority: Text = None
    opened_at: Instant = None
    resolved_at: Instant = None


class LineTable(NamedTuple):
    """The child rows of an entity."""

    table: str
    model: type[BaseModel]


ENTITIES: dict[str, type[Record]] = {
    model.entity: model
    for model in (
        Party,
        Contact,
        Product,
        Lead,
        Opportunity,
        Quote,
        Order,
        Delivery,
        Invoice,
        Payment,
        Payout,
        ServiceCase,
    )
}
TABLES: dict[str, str] = {
    "party": "parties",
    "contact": "contacts",
    "product": "products",
    "lead": "leads",
    "opportunity": "opportunities",
    "quote": "quotes",
    "order": "orders",
    "delivery": "deliveries",
    "invoice": "invoices",
    "payment": "payments",
    "payout": "payouts",
    "service_case": "service_cases",
}
LINES: dict[str, LineTable] = {
    "quote": LineTable("quote_lines", PricedLine),
    "order": LineTable("order_lines", PricedLine),
    "delivery": LineTable("delivery_lines", Line),
    "invoice": LineTable("invoice_lines", PricedLine),
    "payment": LineTable("payment_allocations", Allocation),
    "payout": LineTable("payout_lines", PayoutLine),
}


class Column(NamedTuple):
    """One stored field."""

    name: str
    kind: Kind
    description: str


@cache
def columns(model: type[BaseModel]) -> tuple[Column, ...]:
    """The stored fields of an entity or line model, in the order of definition (``system``, ``source_id`` first)."""
    found = []
    for name, info in model.model_fields.items():
        kind = next((item for item in info.metadata if isinstance(item, Kind)), Kind.TEXT)
        found.append(Column(name, kind, info.description or ""))
    return tuple(found)


_NOT_KEPT = re.compile("[\0\ud800-\udfff]")
"""What no database keeps as text: NUL, and half a character."""


def canonical_value(entity: str, name: str, text: str) -> str | int | None:
    """A field's value, as stored, from what a person types; empty text is nothing.

    Raises ``ValueError`` if the field does not take it; money cannot be typed, as its currency is not known here.
    """
    kind = next(column.kind for column in columns(ENTITIES[entity]) if column.name == name)
    if not text:
        return None
    if _NOT_KEPT.search(text):
        raise ValueError("a sign in it cannot be kept")
    if kind is Kind.FLAG:
        words = {"true": 1, "yes": 1, "1": 1, "false": 0, "no": 0, "0": 0}
        if text.lower() not in words:
            raise ValueError(f"{text!r} is neither true nor false")
        return words[text.lower()]
    if kind is Kind.DAY:
        return date.fromisoformat(text).isoformat()
    if kind is Kind.NUMBER:
        return convert.number(text)
    if kind is Kind.INTEGER:
        return convert.integer(text)
    if kind in (Kind.MONEY, Kind.INSTANT):
        raise ValueError(f"{name} cannot be typed in")
    return text
