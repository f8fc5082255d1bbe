"""Small worlds with one planted fault each, whose receipt, item and exact amount are known.

Around the fault some ordinary customers pay ordinary invoices, so that there is something to be mistaken for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from bench.matching import afterwards, consumers, generate, law, subscribers, worlds
from bench.matching.chance import Chance
from bench.matching.exchange import Exchange
from bench.matching.model import Item, Payer, Receipt
from bench.matching.office import END, FIRST, Office
from bench.matching.rates import profile
from bench.matching.tables import SCHEMAS, batch, rows_of

_DAY = FIRST + 120


@dataclass
class Planted:
    """A fault: what was planted, where, and of what amount in minor units."""

    kind: str
    receipt: Receipt
    item: Item | None
    amount: int
    """With the sign of ``truth_differences`` for a difference; what settles nothing for the others."""


Plant = Callable[[Office, Payer], Planted]


def _invoice(office: Office, payer: Payer, amount: int = 123_450, issued: int = _DAY) -> Item:
    item = office.item("invoice", payer.parties[0], amount, issued, 30)
    item.order, item.purchase_order = office.order(issued - 3), "4500" + office.chance.digits(6)
    return item


def _payment(office: Office, payer: Payer, day: int = _DAY + 28) -> Receipt:
    receipt = office.transfer(payer, office.currency, day, "trade")
    receipt.habit, receipt.source, receipt.party = "numbers", "bank", payer.party
    return receipt


def _difference(kind: str, amount: int, days: int = 28) -> Plant:
    """An invoice of 1,234.50 paid with that difference."""

    def plant(office: Office, payer: Payer) -> Planted:
        item, receipt = _invoice(office, payer), _payment(office, payer, _DAY + days)
        if kind == "discount":
            item.discount, item.until = 200, item.issued + 10
        receipt.settle(item, item.open)
        receipt.differ(item, kind, amount)
        return Planted(kind, receipt, item, amount)

    return plant


def _missing_credit(office: Office, payer: Payer) -> Planted:
    """Two invoices paid together, less a credit that was never issued and that the text names."""
    receipt = _payment(office, payer)
    items = [_invoice(office, payer), _invoice(office, payer, 87_615)]
    for item in items:
        receipt.settle(item, item.open)
    receipt.differ(items[0], "short_payment", -21_030)
    receipt.extra = "missing_credit"
    return Planted("missing_credit", receipt, items[0], -21_030)


def _processor_fee(office: Office, payer: Payer) -> Planted:
    """A charge that arrives less its fee: no difference at all, the invoice is paid."""
    item = _invoice(office, payer)
    receipt = office.charge(payer, item.issued + 1, "numbers", "consumer")
    receipt.events.append("by_machine")
    receipt.party = payer.party
    receipt.settle(item, item.open)
    receipt.fee = office.processor_fee(receipt.gross)
    return Planted("processor_fee", receipt, item, receipt.fee)


def _duplicate(office: Office, payer: Payer) -> Planted:
    """An invoice paid twice."""
    item, first = _invoice(office, payer), _payment(office, payer)
    first.settle(item, item.open)
    second = afterwards.repeat(office, first)
    assert second is not None
    return Planted("duplicate", second, item, second.gross)


def _wrong_party(office: Office, payer: Payer) -> Planted:
    """A payment that names one customer's invoice, recorded under another that owes other amounts."""
    item, receipt = _invoice(office, payer), _payment(office, payer)
    other = office.payer("Somebody Else Ltd", 1.0)
    _invoice(office, other, 99_999)
    receipt.source, receipt.party = "accounting", other.party
    receipt.settle(item, item.open)
    return Planted("wrong_party", receipt, item, item.open)


def _unknown_receipt(office: Office, payer: Payer) -> Planted:
    """Money of a stranger, with a number that is none of ours."""
    _invoice(office, payer)
    receipt = Receipt(
        "bank", None, "Rhein Wasser AG", "", office.currency, 48_211, _DAY + 20, "stranger", "wrong_account"
    )
    receipt.rest, receipt.text = receipt.gross, "Abschlag Mai Vertrag 77120036518"
    office.receipts.append(receipt)
    return Planted("unknown_receipt", receipt, None, receipt.gross)


def _lookalike(office: Office, payer: Payer) -> Planted:
    """Money of a stranger that has by chance the amount of an open invoice."""
    item = _invoice(office, payer)
    planted = _unknown_receipt(office, payer)
    planted.receipt.gross = planted.receipt.rest = item.open
    return Planted("lookalike", planted.receipt, item, item.open)


def _unpaid(office: Office, payer: Payer) -> Planted:
    """Of two invoices one is paid; the other must stay open."""
    left, item, receipt = _invoice(office, payer, 66_640), _invoice(office, payer), _payment(office, payer)
    receipt.settle(item, item.open)
    return Planted("unpaid", receipt, left, left.open)


def _partial_payment(office: Office, payer: Payer) -> Planted:
    """A part of an invoice."""
    item, receipt = _invoice(office, payer), _payment(office, payer)
    receipt.settle(item, 60_000)
    return Planted("partial_payment", receipt, item, item.open - 60_000)


def _taken_back(kind: str) -> Plant:
    """A payment that its payer's bank takes back: the invoice is open again."""

    def plant(office: Office, payer: Payer) -> Planted:
        item = _invoice(office, payer, 25_990)
        for sign in (1, -1):
            receipt = office.charge(payer, item.issued + 10 - sign * 5, "numbers", "consumer")
            receipt.events += ["by_machine"] if sign > 0 else [kind, "by_machine"]
            receipt.party = payer.party
            receipt.source = "payments" if kind == "chargeback" else "bank"
            receipt.settle(item, sign * item.open)
        return Planted(kind, receipt, item, item.open)

    return plant


def _credit_netted(office: Office, payer: Payer) -> Planted:
    """An invoice paid less a credit note."""
    item, receipt = _invoice(office, payer), _payment(office, payer)
    credit = office.item("credit_note", payer.parties[0], -23_450, _DAY + 10, 0)
    receipt.settle(item, item.open)
    receipt.settle(credit, credit.open)
    return Planted("credit_netted", receipt, credit, credit.open)


def _twins(office: Office, payer: Payer) -> Planted:
    """One payment without a word for either of two invoices that equal each other."""
    items = [_invoice(office, payer), _invoice(office, payer)]
    items[1].purchase_order = items[0].purchase_order
    receipt = _payment(office, payer)
    receipt.habit = "nothing"
    receipt.settle(items[0], items[0].open)
    return Planted("twins", receipt, items[0], items[0].open)


def _by_parent(office: Office, payer: Payer) -> Planted:
    """A parent pays the invoices of two subsidiaries; it is known to."""
    parties = [office.party("Nord Teile GmbH"), office.party("Süd Teile GmbH")]
    payer.parties, payer.why = [payer.party, *parties], "parent"
    office.related += [(payer.party, party, "parent") for party in parties]
    receipt = _payment(office, payer)
    for place, party in enumerate(parties):
        item = office.item("invoice", party, 50_000 + 7_310 * place, _DAY, 30)
        receipt.settle(item, item.open)
    return Planted("by_parent", receipt, receipt.rows[1].item, receipt.gross)


PLANTS: dict[str, Plant] = {
    "short_payment": _difference("short_payment", -23_450),
    "discount": _difference("discount", -2_469, days=9),
    "fee": _difference("fee", -1_500),
    "withholding_tax": _difference("withholding_tax", -12_345),
    "rounding": _difference("rounding", -3),
    "overpayment": _difference("overpayment", 6_550),
    "surcharge": _difference("surcharge", 917, days=60),
    "missing_credit": _missing_credit,
    "processor_fee": _processor_fee,
    "duplicate": _duplicate,
    "wrong_party": _wrong_party,
    "unknown_receipt": _unknown_receipt,
    "lookalike": _lookalike,
    "unpaid": _unpaid,
    "partial_payment": _partial_payment,
    "chargeback": _taken_back("chargeback"),
    "debit_return": _taken_back("debit_return"),
    "credit_netted": _credit_netted,
    "twins": _twins,
    "by_parent": _by_parent,
}


def plant(connection: duckdb.DuckDBPyConnection, kind: str, seed: int = 1) -> Planted:
    """Fill an empty database with a small world with one fault of that kind. Raises ``KeyError`` for another kind."""
    exchange = Exchange(str(seed), FIRST - 30, END + 60)
    office = Office(profile("clean"), "dach", 1, Chance(f"{seed}/{kind}"), exchange)
    for _ in range(20):
        consumers.add(office)
    for _ in range(3):
        subscribers.add(office)
    payer = office.payer("Westfalen Pumpenbau GmbH", 1.0)
    planted = PLANTS[kind](office, payer)
    law.obey(office)
    generate.finish(office)
    rows = rows_of(office) | {"rates": generate.rates_of(exchange)}
    for name in SCHEMAS:
        connection.register("incoming", batch(name, rows[name]))
        connection.execute(f"CREATE TABLE {name} AS FROM incoming")
        connection.unregister("incoming")
    for table, columns in worlds.ANSWERS.items():
        connection.execute(f"CREATE TABLE {table} ({columns})")
    return planted
