"""Build the demo company's year: customers, leads, deals in every stage, planted faults; same seed, same world."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random

from sandbox.world import bank, cards, faults, leads, lookalikes, payouts, shown
from sandbox.world.deals import Deal, Documents, at, exponent, render
from sandbox.world.names import CURRENCY, Customer, NameBook
from sandbox.world.processor import Processor
from sandbox.world.records import (
    BookContact,
    CrmAccount,
    CrmContact,
    ErpParty,
    Fault,
    Product,
    SalesLine,
    World,
)

AS_OF = datetime(2026, 10, 31, 10, 0, tzinfo=UTC)
"""The evening of the last business day of the year shown, 18:00 in Shanghai."""
TODAY = AS_OF.date()
SEED = 7
CUSTOMERS = 260

_PER_CNY = {"CNY": Decimal(1), "USD": Decimal("0.14"), "EUR": Decimal("0.125"), "JPY": Decimal("21")}

_PRODUCTS = (
    ("PT-100", "压力变送器 Pressure transmitter", "860"),
    ("PT-250", "防爆压力变送器 Ex pressure transmitter", "1480"),
    ("TT-110", "温度变送器 Temperature transmitter", "640"),
    ("TT-310", "多点温度计 Multipoint thermometer", "2350"),
    ("FM-050", "电磁流量计 DN50 Magnetic flow meter", "3200"),
    ("FM-100", "电磁流量计 DN100 Magnetic flow meter", "4600"),
    ("LV-020", "雷达液位计 Radar level gauge", "5200"),
    ("LV-040", "超声波液位计 Ultrasonic level gauge", "2900"),
    ("VC-015", "调节阀 DN15 Control valve", "3900"),
    ("VC-050", "调节阀 DN50 Control valve", "7800"),
    ("PL-1200", "可编程控制器 PLC", "5600"),
    ("PL-1240", "可编程控制器扩展 PLC I/O module", "1350"),
    ("HM-070", "7 寸触摸屏 HMI panel 7in", "2100"),
    ("HM-120", "12 寸触摸屏 HMI panel 12in", "3950"),
    ("DR-075", "变频器 0.75 kW Drive", "1680"),
    ("DR-220", "变频器 2.2 kW Drive", "2640"),
    ("DR-750", "变频器 7.5 kW Drive", "5200"),
    ("SN-IO8", "远程 I/O 站 Remote I/O", "1950"),
    ("GW-400", "物联网网关 IoT gateway", "3300"),
    ("CB-010", "屏蔽电缆 10 m Shielded cable", "180"),
    ("CB-050", "屏蔽电缆 50 m Shielded cable", "760"),
    ("PS-240", "开关电源 240 W Power supply", "520"),
    ("AN-CO2", "二氧化碳分析仪 CO2 analyser", "8900"),
    ("AN-PH1", "pH 分析仪 pH analyser", "3700"),
)

# How many deals of each healthy kind the year has.
_HEALTHY = {
    "open": 105,
    "open_quoted": 45,
    "erp_quotation": 8,
    "lost": 95,
    "lost_quoted": 50,
    "won_fresh": 4,
    "cancelled": 8,
    "running": 34,
    "running_partly": 10,
    "delivered_fresh": 6,
    "invoiced_open": 38,
    "paid": 215,
    "paid_in_two": 22,
    "credited_and_rebilled": 4,
    "excess_refunded": 3,
}


class _Planner:
    """Makes deals; every random choice of the year goes through its one generator."""

    def __init__(self, rng: Random, customers: list[Customer], products: list[Product]) -> None:
        self._rng = rng
        self._customers = customers
        self._products = products
        self.deals: list[Deal] = []

    def add(self, recipe: str, plan: Callable[[Deal], None]) -> Deal:
        """A new deal with lines and a customer; ``plan`` sets its dates from the end backwards."""
        customer = self._rng.choice(self._customers)
        deal = Deal(
            key=f"D{len(self.deals) + 1:04d}",
            customer=customer,
            recipe=recipe,
            lines=self._lines(customer),
            opened_on=TODAY,
            stage="Qualification",
            closed_on=TODAY,
        )
        plan(deal)
        self.deals.append(deal)
        return deal

    def days(self, low: int, high: int) -> timedelta:
        """A random number of days."""
        return timedelta(days=self._rng.randint(low, high))

    def _lines(self, customer: Customer) -> list[SalesLine]:
        made = []
        for product in self._rng.sample(self._products, self._rng.choice((1, 2, 2, 3, 4))):
            price = product.list_price * _PER_CNY[customer.currency] * Decimal(self._rng.choice(("1", "0.95", "0.9")))
            made.append(
                SalesLine(
                    sku=product.sku,
                    description=product.name,
                    quantity=Decimal(self._rng.randint(2, 40)),
                    unit=product.unit,
                    unit_price=price.quantize(exponent(customer.currency)),
                    tax_rate=customer.tax_rate,
                )
            )
        return made

    # Stages, each building on the one before; a stage is planned from its own date back to the first contact.

    def open(self, deal: Deal) -> None:
        """Talking to the customer."""
        deal.opened_on = TODAY - self.days(3, 120)
        deal.stage = self._rng.choice(("Prospecting", "Qualification", "Needs Analysis", "Value Proposition"))
        deal.closed_on = TODAY + self.days(10, 90)

    def open_quoted(self, deal: Deal) -> None:
        """A quote is out or in the making."""
        deal.quoted_on = TODAY - self.days(2, 40)
        deal.opened_on = deal.quoted_on - self.days(5, 40)
        deal.stage = self._rng.choice(("Proposal/Price Quote", "Negotiation/Review"))
        deal.closed_on = TODAY + self.days(5, 60)
        deal.quote_status = self._rng.choice(("Draft", "In Review", "Approved", "Presented", "Presented"))

    def erp_quotation(self, deal: Deal) -> None:
        """Entered in the ERP ahead of the customer's yes."""
        self.open_quoted(deal)
        deal.quote_status = "Presented"
        deal.stage = "Negotiation/Review"
        assert deal.quoted_on is not None
        deal.order_state = "quotation"
        deal.ordered_on = min(TODAY, deal.quoted_on + timedelta(days=1))
        deal.promised_on = TODAY + self.days(20, 60)

    def lost(self, deal: Deal) -> None:
        """Gone before a quote."""
        deal.closed_on = TODAY - self.days(5, 330)
        deal.opened_on = deal.closed_on - self.days(10, 60)
        deal.stage = "Closed Lost"

    def lost_quoted(self, deal: Deal) -> None:
        """Gone after a quote."""
        self.lost(deal)
        deal.quoted_on = deal.closed_on - self.days(3, 8)
        deal.quote_status = self._rng.choice(("Denied", "Rejected"))

    def won(self, deal: Deal, closed_on: date) -> None:
        """The customer accepted."""
        deal.closed_on = closed_on
        deal.quoted_on = closed_on - self.days(4, 25)
        deal.opened_on = deal.quoted_on - self.days(6, 50)
        deal.stage = "Closed Won"
        deal.quote_status = "Accepted"

    def won_fresh(self, deal: Deal) -> None:
        """Accepted yesterday or today; the order is not entered yet."""
        self.won(deal, TODAY - self.days(0, 1))

    def won_earlier(self, deal: Deal) -> None:
        """Accepted long enough ago that an order should exist."""
        self.won(deal, TODAY - self.days(9, 40))

    def cancelled(self, deal: Deal) -> None:
        """The customer stepped back before the order was processed."""
        self.lost_quoted(deal)
        deal.quote_status = "Rejected"
        assert deal.quoted_on is not None
        deal.order_state = "cancelled"
        deal.ordered_on = deal.quoted_on + timedelta(days=1)
        deal.promised_on = deal.ordered_on + self.days(20, 40)

    def ordered(self, deal: Deal, ordered_on: date) -> None:
        """The ERP works on it."""
        self.won(deal, ordered_on - self.days(0, 2))
        deal.order_state = "processing"
        deal.ordered_on = ordered_on
        deal.promised_on = ordered_on + self.days(20, 45)

    def running(self, deal: Deal) -> None:
        """Nothing shipped, promise not due."""
        self.ordered(deal, TODAY - self.days(1, 17))
        deal.shipments = [None]

    def running_partly(self, deal: Deal) -> None:
        """The first part shipped, promise not due."""
        self.ordered(deal, TODAY - self.days(8, 17))
        deal.shipments = [TODAY - self.days(1, 6), None]

    def delivered(self, deal: Deal, delivered_on: date) -> None:
        """Everything shipped."""
        self.ordered(deal, delivered_on - self.days(12, 30))
        assert deal.ordered_on is not None
        deal.promised_on = delivered_on + self.days(0, 6)
        deal.shipments = [delivered_on]
        if self._rng.random() < 0.12:
            deal.shipments = [delivered_on - self.days(2, 8), delivered_on]

    def delivered_fresh(self, deal: Deal) -> None:
        """Shipped within the days accounting has for the invoice."""
        self.delivered(deal, TODAY - self.days(0, 3))

    def invoiced(self, deal: Deal, invoiced_on: date) -> None:
        """Billed one to three days after delivery."""
        self.delivered(deal, invoiced_on - self.days(1, 3))
        deal.invoiced_on = invoiced_on

    def invoiced_open(self, deal: Deal) -> None:
        """Billed and not due."""
        self.invoiced(deal, TODAY - self.days(1, min(26, deal.customer.terms_days - 2)))

    def paid(self, deal: Deal) -> None:
        """Billed and settled."""
        self.invoiced(deal, TODAY - self.days(deal.customer.terms_days + 2, 325))
        assert deal.invoiced_on is not None
        paid_on = min(TODAY, deal.invoiced_on + self.days(8, deal.customer.terms_days + 2))
        deal.payments = [(paid_on, deal.gross)]

    def overdue(self, deal: Deal) -> None:
        """Billed, due long ago, nothing paid; one in each ageing bucket."""
        days = (4, 18, 37, 52, 75, 130)[sum(made.recipe == deal.recipe for made in self.deals)]
        self.invoiced(deal, TODAY - timedelta(days=deal.customer.terms_days + days))

    def paid_in_two(self, deal: Deal) -> None:
        """Settled by a deposit on the invoice and the rest."""
        self.paid(deal)
        (paid_on, amount) = deal.payments[0]
        first = (amount * Decimal("0.3")).quantize(exponent(deal.currency))
        earlier = max(deal.invoiced_on or paid_on, paid_on - timedelta(days=12))
        deal.payments = [(earlier, first), (paid_on, amount - first)]


def build_world(seed: int = SEED) -> World:
    """The whole company; a pure function of ``seed``."""
    rng = Random(seed)
    book = NameBook(rng)
    customers = [book.customer(number) for number in range(1, CUSTOMERS + 1)]
    products = [Product(sku, name, "piece", Decimal(price)) for sku, name, price in _PRODUCTS]
    planner = _Planner(rng, customers[:-4], products)
    for recipe, count in _HEALTHY.items():
        plan = getattr(planner, _PLANS.get(recipe, recipe))
        for _ in range(count):
            planner.add(recipe, plan)
    for broken in faults.RECIPES:
        for _ in range(broken.copies):
            planner.add(broken.name, getattr(planner, broken.base))
    _number(planner.deals)
    documents = [render(deal, stagger) for stagger, deal in enumerate(planner.deals)]
    planted: list[Fault] = []
    faults.heal_and_plant(documents, planted, rng, TODAY)
    world = _assemble(seed, customers, products, documents, planted)
    people = {account.key: book.person(account.country, _domain(account)) for account in world.crm_accounts}
    world.crm_contacts = [
        CrmContact(
            key=f"{account.key}-1",
            account_key=account.key,
            first_name=people[account.key].first_name,
            last_name=people[account.key].last_name,
            email=people[account.key].email,
            phone=people[account.key].phone,
            created_at=account.created_at,
            updated_at=account.updated_at,
        )
        for account in world.crm_accounts
    ]
    leads.add(world, book, rng, TODAY)
    faults.plant_deleted_accounts(world)
    shown.settle(world, documents)
    cards.add(world, TODAY)
    payouts.add(world, TODAY)
    bank.add(world, TODAY)
    lookalikes.add(world, TODAY)
    return world


_PLANS = {"credited_and_rebilled": "paid", "excess_refunded": "paid"}


def _domain(account: CrmAccount) -> str:
    return account.website.removeprefix("https://www.")


def _number(deals: list[Deal]) -> None:
    """Document numbers in the order in which people made the documents."""

    def numbered(attribute: str, day: Callable[[Deal], date | None], prefix: str) -> None:
        made = sorted((d for d in deals if day(d) is not None), key=lambda d: (day(d), d.key))
        for number, deal in enumerate(made, 1):
            setattr(deal, attribute, f"{prefix}{number:05d}")

    numbered("quote_number", lambda d: d.quoted_on, "Q-")
    numbered("order_number", lambda d: d.ordered_on, "SO-")
    without = faults.never_billed(deals)
    numbered("invoice_number", lambda d: None if d.key in without else d.invoiced_on, "INV-")


def _assemble(
    seed: int, customers: list[Customer], products: list[Product], documents: list[Documents], planted: list[Fault]
) -> World:
    orders = sorted((d.order for d in documents if d.order), key=lambda order: order.number)
    return World(
        seed=seed,
        as_of=AS_OF,
        products=products,
        form_leads=[],
        crm_accounts=[_account(customer, index) for index, customer in enumerate(customers)],
        crm_contacts=[],
        crm_leads=[],
        crm_opportunities=[d.opportunity for d in documents if d.opportunity],
        crm_quotes=[quote for d in documents for quote in d.quotes],
        erp_parties=[_party(customer) for customer in customers],
        erp_orders=orders,
        book_contacts=[_contact(customer, index) for index, customer in enumerate(customers)],
        book_invoices=[invoice for d in documents for invoice in d.invoices],
        book_payments=[payment for d in documents for payment in d.payments],
        processor=Processor(),
        bank_lines=[],
        faults=planted,
    )


def _account(customer: Customer, index: int) -> CrmAccount:
    created = at(date(2025, 9, 1) + timedelta(days=index % 60), 2, index)
    return CrmAccount(
        key=customer.key,
        name=customer.name,
        tax_id=customer.tax_id,
        email=f"info@{customer.domain}",
        phone=customer.phone,
        website=f"https://www.{customer.domain}",
        country=customer.country,
        city=customer.city,
        postal_code=customer.postal_code,
        street=customer.street,
        created_at=created,
        updated_at=created,
    )


def _party(customer: Customer) -> ErpParty:
    # The ERP's clerks drop the legal form now and then; the tax id is what ties the two together.
    name = customer.short_name if customer.key.endswith("5") else customer.name
    return ErpParty(
        key=customer.key,
        name=name,
        tax_id=customer.tax_id,
        email=f"info@{customer.domain}",
        phone=customer.phone,
        country=customer.country,
        city=customer.city,
        postal_code=customer.postal_code,
        street=customer.street,
    )


def _contact(customer: Customer, index: int) -> BookContact:
    return BookContact(
        key=customer.key,
        name=customer.name,
        tax_number=customer.tax_id,
        email=f"billing@{customer.domain}",
        account_number=customer.key,
        phone=customer.phone,
        country=customer.country,
        city=customer.city,
        updated_at=at(date(2025, 10, 1), 2, index),
    )


__all__ = ["AS_OF", "CURRENCY", "SEED", "build_world"]
