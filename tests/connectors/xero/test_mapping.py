"""What Xero's records mean in the canonical model."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from connectors.xero.connector import Xero
from mappings.engine import MappingError, decode, load
from mappings.model import ENTITIES, LINES, columns
from sandbox.world.build import build_world
from sandbox.xero import XeroServer, seed
from sandbox.xero.books import Books
from sandbox.xero.records import Contact, Credit
from sandbox.xero.render import Renderer, encode
from tests.connectors.published import START
from tests.connectors.xero.conftest import Connect, add_contact, add_invoice, pull

MAPPING = load("xero")


def mapped(server: XeroServer, connector: Xero, stream: str) -> list[dict[str, Any]]:
    """Canonical rows of a stream by column; ``lines`` holds the lines."""
    records, _ = pull(connector, server, stream=stream, full=True)
    return [as_dict(stream, record.source_id, record.body) for record in records]


def as_dict(stream: str, source_id: str, body: bytes) -> dict[str, Any]:
    found = MAPPING.stream(stream).map("books", source_id, body)
    if found.skipped:
        return {}
    entity = MAPPING.stream(stream).entity
    names = [column.name for column in columns(ENTITIES[entity])]
    line_names = [column.name for column in columns(LINES[entity].model)] if entity in LINES else []
    lines = [dict(zip(line_names, line, strict=True)) for line in found.lines]
    return {**dict(zip(names, found.row, strict=True)), "lines": lines}


def test_an_invoice_with_its_line(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero, amount="1234.5", reference="SO-00001, SO-00002 Wang | DN 14, 15", sent=True)

    (row,) = mapped(xero, connect(xero), "invoice")

    expected = {
        "number": "INV-00001",
        "status": "issued",
        "source_status": "AUTHORISED",
        "kind": "invoice",
        "currency": "CNY",
        "order_refs": "no:SO-00001\nno:SO-00002",
        "delivery_numbers": "14, 15",
        "party_ref": f"id:{invoice.contact_id}",
        "issue_date": "2026-10-01",
        "due_date": "2026-10-31",
        "net_amount": 123450,
        "tax_amount": 16048,
        "gross_amount": 139498,
        "open_amount": 139498,
        "sent_to_customer": 1,
        "source_updated_at": round(invoice.updated.timestamp() * 1_000_000),
    }
    assert {name: row[name] for name in expected} == expected
    (line,) = row["lines"]
    shown = {name: line[name] for name in ("line_no", "sku", "quantity", "unit_price", "net_amount", "tax_amount")}
    assert shown == {
        "line_no": 1,
        "sku": "PT-100",
        "quantity": "1",
        "unit_price": "1234.5",
        "net_amount": 123450,
        "tax_amount": 16048,
    }


@pytest.mark.parametrize(
    ("status", "paid", "credited", "expected"),
    [
        ("DRAFT", 0, 0, "draft"),
        ("SUBMITTED", 0, 0, "in_review"),
        ("AUTHORISED", 0, 0, "issued"),
        ("AUTHORISED", 50, 0, "partly_paid"),
        ("AUTHORISED", 0, 50, "partly_paid"),
        ("AUTHORISED", 113, 0, "paid"),
        ("AUTHORISED", 63, 50, "paid"),
        ("AUTHORISED", 0, 113, "reversed"),
        ("VOIDED", 0, 0, "void"),
        ("DELETED", 0, 0, "void"),
    ],
)
def test_an_invoices_status(
    xero: XeroServer, connect: Connect, status: str, paid: int, credited: int, expected: str
) -> None:
    invoice = add_invoice(xero, status=status)
    if credited:
        note = add_invoice(xero, "CN-0001", "200", type_="ACCRECCREDIT")
        xero.books.allocate(note.id, invoice.id, Decimal(credited))
    if paid:
        xero.books.pay(invoice.id, Decimal(paid))

    (row,) = mapped(xero, connect(xero), "invoice")

    assert row["status"] == expected


def test_an_invoice_settled_by_a_prepayment_is_paid_not_reversed(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.books.add(credit(invoice.contact_id))
    xero.books.allocate("00000000-0000-4000-a000-000000000000", invoice.id, Decimal(113))

    (row,) = mapped(xero, connect(xero), "invoice")
    (advance,) = mapped(xero, connect(xero), "prepayment")

    assert row["status"] == "paid"
    assert (advance["amount"], advance["unapplied_amount"]) == (20000, 8700)
    assert advance["lines"][0]["invoice_ref"] == f"id:{invoice.id}"


def test_a_credit_note_and_what_it_corrects(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    note = add_invoice(xero, "CN-0001", "50", type_="ACCRECCREDIT", reference="SO-00001")
    xero.books.allocate(note.id, invoice.id, Decimal(50))

    (row,) = mapped(xero, connect(xero), "credit_note")

    assert (row["kind"], row["status"]) == ("credit_note", "partly_paid")
    assert (row["gross_amount"], row["open_amount"]) == (5650, 650)
    assert (row["corrects_ref"], row["order_refs"]) == ("no:INV-00001", "no:SO-00001")


def test_a_credit_note_that_was_paid_out_corrects_the_invoice_its_reference_names(
    xero: XeroServer, connect: Connect
) -> None:
    note = add_invoice(xero, "CN-0001", type_="ACCRECCREDIT", reference="SO-00001 INV-00031")
    xero.books.pay(note.id, Decimal(113), reference="CN-0001 SO-00001")

    (row,) = mapped(xero, connect(xero), "credit_note")
    (refund,) = mapped(xero, connect(xero), "payment")

    assert (row["status"], row["corrects_ref"]) == ("paid", "no:INV-00031")
    assert (refund["kind"], refund["direction"], refund["invoice_ref"]) == ("refund", "out", f"id:{note.id}")


def test_a_payment_is_allocated_to_its_invoice(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    xero.books.pay(invoice.id, Decimal(50), date(2026, 10, 9), "INV-00001 SO-00001")

    (row,) = mapped(xero, connect(xero), "payment")

    assert (row["kind"], row["direction"], row["status"]) == ("payment", "in", "received")
    assert (row["amount"], row["unapplied_amount"], row["received_on"]) == (5000, 0, "2026-10-09")
    assert (row["invoice_ref"], row["order_refs"]) == (f"id:{invoice.id}", "no:SO-00001")
    (line,) = row["lines"]
    assert (line["line_no"], line["invoice_ref"], line["amount"]) == (1, f"id:{invoice.id}", 5000)


def test_a_deleted_payment_is_reversed(xero: XeroServer, connect: Connect) -> None:
    xero.books.delete_payment(xero.books.pay(add_invoice(xero).id, Decimal(50)).id)

    assert mapped(xero, connect(xero), "payment")[0]["status"] == "reversed"


def test_money_sent_back_without_a_credit_note_names_no_invoice(xero: XeroServer, connect: Connect) -> None:
    xero.books.add(credit(add_contact(xero).id))
    xero.books.pay("00000000-0000-4000-a000-000000000000", Decimal(200), reference="refund SO-00007")

    (refund,) = mapped(xero, connect(xero), "payment")
    (advance,) = mapped(xero, connect(xero), "prepayment")

    assert (refund["kind"], refund["direction"], refund["amount"]) == ("refund", "out", 20000)
    assert (refund["invoice_ref"], refund["lines"], refund["order_refs"]) == (None, [], "no:SO-00007")
    assert (advance["kind"], advance["unapplied_amount"]) == ("advance", 0)


def test_an_overpayment_is_money_not_yet_applied(xero: XeroServer, connect: Connect) -> None:
    xero.books.add(credit(add_contact(xero).id, "RECEIVE-OVERPAYMENT"))

    (row,) = mapped(xero, connect(xero), "overpayment")

    assert (row["kind"], row["direction"], row["amount"], row["unapplied_amount"]) == (
        "overpayment",
        "in",
        20000,
        20000,
    )
    assert (row["status"], row["order_refs"], row["received_on"]) == ("received", "no:SO-00009", "2026-10-31")


def test_a_contact(xero: XeroServer, connect: Connect) -> None:
    contact = Contact("00000000-0000-4000-8000-000000000001", "上海仪表有限公司", START)
    contact.email, contact.tax_number, contact.account_number = "Billing@Yibiao.example ", "91310000MA1K", "C0007"
    contact.phone, contact.country, contact.city = "+86 138 0013 8000", "CN", "上海"
    xero.books.add(contact)

    (row,) = mapped(xero, connect(xero), "contact")

    expected = {
        "name": "上海仪表有限公司",
        "status": "active",
        "number": "C0007",
        "tax_id": "91310000MA1K",
        "email": "billing@yibiao.example",
        "domain": "yibiao.example",
        "phone": "+8613800138000",
        "country": "CN",
        "city": "上海",
        "external_ref": "no:C0007",
    }
    assert {name: row[name] for name in expected} == expected


def test_bills_and_payments_to_suppliers_are_none_of_our_business(xero: XeroServer, connect: Connect) -> None:
    bill = add_invoice(xero, "BILL-1", type_="ACCPAY")
    xero.books.pay(bill.id, Decimal(50))

    assert mapped(xero, connect(xero), "invoice") == [{}]
    assert mapped(xero, connect(xero), "payment") == [{}]


def test_lines_that_include_tax_have_no_net_figures(books_invoice: dict[str, Any]) -> None:
    inclusive = {**books_invoice, "LineAmountTypes": "Inclusive"}

    (line,) = as_dict("invoice", "id", encode(inclusive))["lines"]

    assert (line["unit_price"], line["net_amount"], line["tax_amount"]) == (None, None, 1300)


def test_a_status_that_nobody_knows_is_refused_with_the_known_ones(books_invoice: dict[str, Any]) -> None:
    with pytest.raises(MappingError) as caught:
        as_dict("invoice", "id", encode({**books_invoice, "Status": "FROZEN"}))

    assert caught.value.field == "status"
    assert "AUTHORISED" in caught.value.reason


def test_yen_have_no_decimals(books_invoice: dict[str, Any]) -> None:
    row = as_dict("invoice", "id", encode({**books_invoice, "CurrencyCode": "JPY"}))

    assert row["gross_amount"] == 113


def test_the_demo_companys_records_are_all_mapped(xero: XeroServer, connect: Connect) -> None:
    seed(xero, build_world())
    connector = connect(xero)

    rows = {spec.name: mapped(xero, connector, spec.name) for spec in connector.streams()}

    assert all(row["status"] for found in rows.values() for row in found)
    billed = sum(row["gross_amount"] for row in rows["invoice"] if row["status"] in ("issued", "partly_paid", "paid"))
    paid = sum(row["amount"] for row in rows["payment"] if row["kind"] == "payment")
    left = sum(row["open_amount"] for row in rows["invoice"])
    assert billed == paid + left


@pytest.mark.parametrize(
    ("shown", "numbers", "sent"),
    [
        ({}, True, True),
        ({"Status": "DRAFT"}, True, False),
        ({"AmountPaid": Decimal("50.00")}, False, True),
        ({"AmountCredited": Decimal("50.00")}, False, True),
        ({"Status": "PAID", "AmountPaid": Decimal("113.00")}, False, False),
        ({"Status": "VOIDED"}, False, False),
    ],
)
def test_only_what_xero_takes_is_written_back(
    books_invoice: dict[str, Any], shown: dict[str, Any], numbers: bool, sent: bool
) -> None:
    stream = MAPPING.stream("invoice")
    document = decode(encode({**books_invoice, **shown}))

    assert stream.may_write("delivery_numbers", document) is numbers
    assert stream.may_write("sent_to_customer", document) is sent


def test_the_reverse_names_the_connectors_fields(books_invoice: dict[str, Any]) -> None:
    stream = MAPPING.stream("invoice")
    document = {**books_invoice, "Reference": "SO-00001 | DN 14"}

    assert stream.reverse("delivery_numbers", "14, 15") == ("DeliveryNumbers", "14, 15")
    assert stream.source_value("delivery_numbers", document) == "14"
    assert stream.source_value("delivery_numbers", {"Reference": "SO-00001"}) is None
    assert stream.reverse("sent_to_customer", True) == ("SentToContact", True)


@pytest.fixture
def books_invoice(xero: XeroServer) -> dict[str, Any]:
    """An invoice as Xero writes it."""
    books: Books = xero.books
    return Renderer(books).invoice(add_invoice(xero))


def credit(contact_id: str, kind: str = "RECEIVE-PREPAYMENT") -> Credit:
    """200 on account."""
    key = "00000000-0000-4000-a000-000000000000"
    return Credit(key, kind, contact_id, START.date(), "CNY", Decimal(200), START, "SO-00009")
