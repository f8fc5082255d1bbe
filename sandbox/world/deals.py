"""One deal from first contact to money, as a plan of dates and amounts; ``render`` shows it as each system would."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from sandbox.world.names import Customer
from sandbox.world.records import (
    BookInvoice,
    BookPayment,
    CrmOpportunity,
    CrmQuote,
    ErpDelivery,
    ErpOrder,
    SalesLine,
)


@dataclass(slots=True)
class Deal:
    """What truly happened; a date that is ``None`` has not happened (yet)."""

    key: str
    customer: Customer
    recipe: str
    lines: list[SalesLine]
    opened_on: date
    stage: str
    closed_on: date
    quote_status: str | None = None
    quoted_on: date | None = None
    order_state: str | None = None
    ordered_on: date | None = None
    promised_on: date | None = None
    shipments: list[date | None] = field(default_factory=list)
    invoiced_on: date | None = None
    payments: list[tuple[date, Decimal]] = field(default_factory=list)
    quote_number: str = ""
    order_number: str = ""
    invoice_number: str = ""

    @property
    def currency(self) -> str:
        """ISO 4217."""
        return self.customer.currency

    @property
    def net(self) -> Decimal:
        """Value of all lines without tax."""
        return sum((line.quantity * line.unit_price for line in self.lines), Decimal(0))

    @property
    def gross(self) -> Decimal:
        """Value with tax, rounded per line as accounting does."""
        return sum((line_gross(line, self.currency) for line in self.lines), Decimal(0))

    @property
    def due_on(self) -> date | None:
        """When the invoice is due by the customer's terms."""
        return None if self.invoiced_on is None else self.invoiced_on + timedelta(days=self.customer.terms_days)


@dataclass(slots=True)
class Documents:
    """A deal's records in each system; faults are planted by changing them."""

    deal: Deal
    opportunity: CrmOpportunity | None = None
    quotes: list[CrmQuote] = field(default_factory=list)
    order: ErpOrder | None = None
    invoices: list[BookInvoice] = field(default_factory=list)
    payments: list[BookPayment] = field(default_factory=list)

    @property
    def quote(self) -> CrmQuote:
        """The only quote."""
        (quote,) = self.quotes
        return quote

    @property
    def invoice(self) -> BookInvoice:
        """The first invoice."""
        return self.invoices[0]


def exponent(currency: str) -> Decimal:
    """The smallest unit of the currencies the company uses."""
    return Decimal(1) if currency == "JPY" else Decimal("0.01")


def line_gross(line: SalesLine, currency: str) -> Decimal:
    """Net plus tax rounded to the currency's smallest unit."""
    net = line.quantity * line.unit_price
    return net + (net * line.tax_rate).quantize(exponent(currency))


def at(day: date, hour: int = 2, minute: int = 0) -> datetime:
    """An instant on that day in the company's morning, UTC."""
    return datetime(day.year, day.month, day.day, hour, minute % 60, tzinfo=UTC)


def render(deal: Deal, stagger: int) -> Documents:
    """The deal as its four systems show it; ``stagger`` (minutes) keeps instants of different deals apart."""
    documents = Documents(deal)
    documents.opportunity = _opportunity(deal, stagger)
    if deal.quote_status is not None:
        documents.quotes.append(_quote(deal, stagger))
    if deal.order_state is not None:
        documents.order = _order(deal)
    if deal.invoiced_on is not None:
        documents.invoices.append(_invoice(deal, stagger))
    for number, (paid_on, amount) in enumerate(deal.payments, 1):
        documents.payments.append(payment(documents, number, paid_on, amount))
    return documents


def payment(documents: Documents, number: int, paid_on: date, amount: Decimal) -> BookPayment:
    """A payment of the deal's first invoice."""
    deal = documents.deal
    return BookPayment(
        key=f"{deal.key}-P{number}",
        kind="payment",
        contact_key=deal.customer.key,
        invoice_key=documents.invoice.key,
        paid_on=paid_on,
        amount=amount,
        currency=deal.currency,
        reference=f"{documents.invoice.number} {deal.order_number}",
        updated_at=at(paid_on, 7, len(deal.key) + number),
    )


def _opportunity(deal: Deal, stagger: int) -> CrmOpportunity:
    product = deal.lines[0].description
    return CrmOpportunity(
        key=deal.key,
        account_key=deal.customer.key,
        name=f"{deal.customer.short_name} – {product}",
        stage=deal.stage,
        amount=deal.net,
        currency=deal.currency,
        probability={"Closed Won": 100, "Closed Lost": 0, "Negotiation/Review": 75, "Qualification": 20}.get(
            deal.stage, 50
        ),
        close_date=deal.closed_on,
        created_at=at(deal.opened_on, 3, stagger),
        updated_at=max(at(deal.opened_on, 3, stagger), _settled(deal, stagger)),
    )


def _settled(deal: Deal, stagger: int) -> datetime:
    """When the CRM last heard of the deal: at its close, or when a later step was written back."""
    days = [deal.ordered_on, deal.quoted_on, *(shipped for shipped in deal.shipments)]
    if deal.stage.startswith("Closed"):
        days.append(deal.closed_on)
    days.extend(paid_on for paid_on, _ in deal.payments)
    known = [day for day in days if day is not None]
    return at(max(known), 8, stagger) if known else at(deal.opened_on, 4, stagger)


def _quote(deal: Deal, stagger: int) -> CrmQuote:
    assert deal.quoted_on is not None
    assert deal.quote_status is not None
    approved = deal.quote_status in ("Approved", "Presented", "Accepted", "Denied")
    pending = "pending" if deal.quote_status == "In Review" else "not_required"
    return CrmQuote(
        key=f"{deal.key}-Q",
        opportunity_key=deal.key,
        number=deal.quote_number,
        name=f"{deal.quote_number} {deal.customer.short_name}",
        status=deal.quote_status,
        approval="approved" if approved else pending,
        currency=deal.currency,
        issue_date=deal.quoted_on,
        expiration_date=deal.quoted_on + timedelta(days=60),
        lines=[_copy(line) for line in deal.lines],
        created_at=at(deal.quoted_on, 3, stagger),
        updated_at=max(at(deal.quoted_on, 4, stagger), _settled(deal, stagger)),
    )


def _order(deal: Deal) -> ErpOrder:
    assert deal.ordered_on is not None
    assert deal.promised_on is not None
    assert deal.order_state is not None
    deliveries = [
        ErpDelivery(shipped_on, quantities)
        for shipped_on, quantities in zip(deal.shipments, split(deal.lines, len(deal.shipments)), strict=True)
    ]
    return ErpOrder(
        key=deal.key,
        number=deal.order_number,
        party_key=deal.customer.key,
        quote_number=deal.quote_number,
        currency=deal.currency,
        order_date=deal.ordered_on,
        promised_date=deal.promised_on,
        state=deal.order_state,
        lines=[_copy(line) for line in deal.lines],
        deliveries=deliveries,
    )


def split(lines: list[SalesLine], shipments: int) -> list[dict[int, Decimal]]:
    """Quantities per shipment: all in one, or half of the first line (at least 1) first and the rest after."""
    everything = {index: line.quantity for index, line in enumerate(lines)}
    if shipments == 0:
        return []
    if shipments == 1:
        return [everything]
    first = max(Decimal(1), lines[0].quantity // 2)
    rest = {index: quantity - (first if index == 0 else 0) for index, quantity in everything.items()}
    return [{0: first}, {index: quantity for index, quantity in rest.items() if quantity}]


def _invoice(deal: Deal, stagger: int) -> BookInvoice:
    assert deal.invoiced_on is not None
    assert deal.due_on is not None
    paid = sum((amount for _, amount in deal.payments), Decimal(0))
    last = max([deal.invoiced_on, *(paid_on for paid_on, _ in deal.payments)])
    return BookInvoice(
        key=f"{deal.key}-I",
        number=deal.invoice_number,
        kind="invoice",
        contact_key=deal.customer.key,
        reference=deal.order_number,
        issue_date=deal.invoiced_on,
        due_date=deal.due_on,
        currency=deal.currency,
        lines=[_copy(line) for line in deal.lines],
        status="PAID" if paid >= deal.gross else "AUTHORISED",
        updated_at=at(last, 7, stagger),
    )


def _copy(line: SalesLine) -> SalesLine:
    return SalesLine(line.sku, line.description, line.quantity, line.unit, line.unit_price, line.tax_rate)
