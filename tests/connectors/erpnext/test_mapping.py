"""What ERPNext's documents mean in the canonical model, and whole runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mappings.engine import load
from mappings.model import ENTITIES, LINES, columns
from sandbox.erpnext import ErpnextServer
from tests.connectors.declarative.firm import Firm
from tests.connectors.erpnext.conftest import Connect, Held, Time, order

MAPPING = load("erpnext")
CUSTOMER = "Möller GmbH"


def as_dict(stream: str, source_id: str, body: bytes) -> dict[str, Any]:
    """The canonical row by column; ``lines`` holds the lines."""
    mapper = MAPPING.stream(stream)
    found = mapper.map("erp", source_id, body)
    names = [column.name for column in columns(ENTITIES[mapper.entity])]
    line_names = [column.name for column in columns(LINES[mapper.entity].model)] if mapper.entity in LINES else []
    lines = [dict(zip(line_names, line, strict=True)) for line in found.lines]
    return {**dict(zip(names, found.row, strict=True)), "lines": lines}


@pytest.fixture
def mapped(connect: Connect, clock: Time) -> Any:
    """The canonical rows of a stream as it is now."""

    def rows(stream: str) -> list[dict[str, Any]]:
        clock.pass_(minutes=1)
        held = Held(connect(), stream).pull(clock.window())
        return [as_dict(stream, key, record.body) for key, record in held.records.items()]

    return rows


def shown(row: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in expected}


def test_a_customer_and_an_item(erpnext: ErpnextServer, mapped: Any) -> None:
    (customer,), (item,) = mapped("party"), mapped("product")

    expected = {
        "number": CUSTOMER,
        "tax_id": "DE123",
        "kind": "organisation",
        "email": "info@moeller.example",
        "status": "active",
    }
    assert shown(customer, expected) == expected
    expected = {"sku": "PT-100", "name": "Pump", "unit": "Nos", "kind": "goods", "status": "active"}
    assert shown(item, expected) == expected


def test_an_order_with_its_line(erpnext: ErpnextServer, mapped: Any) -> None:
    line = {"item_code": "PT-100", "qty": 2, "price_list_rate": 20, "discount_percentage": 5, "uom": "Nos"}
    line["prevdoc_docname"] = "SAL-QTN-2026-00009"
    name = order(erpnext, delivery_date="2026-10-20", po_no="PO-9", items=[line], delivery_status="Not Delivered")

    (row,) = mapped("order")

    expected = {
        "source_id": name,
        "number": name,
        "status": "draft",
        "source_status": "Draft",
        "currency": "EUR",
        "quote_ref": "id:SAL-QTN-2026-00009",
        "party_ref": f"id:{CUSTOMER}",
        "customer_po_number": "PO-9",
        "order_date": "2026-10-01",
        "promised_delivery_date": "2026-10-20",
        "net_amount": 3800,
        "tax_amount": 684,
        "gross_amount": 4484,
        "delivery_state": "not_delivered",
        "source_updated_at": 1_790_841_600_250_000,
    }
    assert shown(row, expected) == expected
    of_line = {"sku": "PT-100", "quantity": "2", "unit_price": "20", "discount_rate": "0.05", "net_amount": 3800}
    assert shown(row["lines"][0], of_line) == of_line


@pytest.mark.parametrize(
    ("doctype", "stream", "word", "status"),
    [
        ("Lead", "lead", "Lead", "new"),
        ("Lead", "lead", "Interested", "marketing_qualified"),
        ("Lead", "lead", "Replied", "working"),
        ("Lead", "lead", "Quotation", "converted"),
        ("Lead", "lead", "Lost Quotation", "disqualified"),
        ("Opportunity", "opportunity", "Replied", "open"),
        ("Opportunity", "opportunity", "Converted", "won"),
        ("Opportunity", "opportunity", "Lost", "lost"),
        ("Opportunity", "opportunity", "Closed", "cancelled"),
        ("Quotation", "quote", "Replied", "sent"),
        ("Quotation", "quote", "Partially Ordered", "ordered"),
        ("Quotation", "quote", "Lost", "rejected"),
        ("Quotation", "quote", "Expired", "expired"),
        ("Sales Order", "order", "On Hold", "on_hold"),
        ("Sales Order", "order", "To Pay", "confirmed"),
        ("Sales Order", "order", "To Deliver and Bill", "confirmed"),
        ("Sales Order", "order", "To Bill", "in_progress"),
        ("Sales Order", "order", "Completed", "completed"),
        ("Sales Order", "order", "Closed", "completed"),
        ("Sales Order", "order", "Cancelled", "cancelled"),
        ("Delivery Note", "delivery", "Draft", "planned"),
        ("Delivery Note", "delivery", "To Bill", "delivered"),
        ("Sales Invoice", "invoice", "Overdue", "issued"),
        ("Sales Invoice", "invoice", "Partly Paid and Discounted", "partly_paid"),
        ("Sales Invoice", "invoice", "Credit Note Issued", "reversed"),
        ("Sales Invoice", "invoice", "Cancelled", "void"),
        ("Issue", "case", "Replied", "waiting_customer"),
    ],
)
def test_the_words_of_each_document(
    erpnext: ErpnextServer, mapped: Any, doctype: str, stream: str, word: str, status: str
) -> None:
    name = document(erpnext, doctype)
    erpnext.site.derive(doctype, name, status=word)

    (row,) = mapped(stream)

    assert (row["status"], row["source_status"]) == (status, word)


def document(erpnext: ErpnextServer, doctype: str, **values: Any) -> str:
    item = {"item_code": "PT-100", "item_name": "Pump", "qty": 1, "rate": 100, "uom": "Nos"}
    given = {
        "customer": CUSTOMER,
        "currency": "EUR",
        "items": [item],
        "posting_date": "2026-10-06",
        "lead_name": "Wang",
    }
    return erpnext.site.add(doctype, **{**given, **values})


def test_an_order_that_is_partly_delivered_is_in_progress(erpnext: ErpnextServer, mapped: Any) -> None:
    name = document(erpnext, "Sales Order")
    erpnext.site.derive("Sales Order", name, status="To Deliver and Bill", per_delivered=40.0)

    (row,) = mapped("order")

    assert row["status"] == "in_progress"


def test_a_quotation_for_a_lead_has_no_customer(erpnext: ErpnextServer, mapped: Any) -> None:
    document(erpnext, "Quotation", quotation_to="Lead", party_name="CRM-LEAD-1", opportunity="CRM-OPP-1")
    document(erpnext, "Quotation", quotation_to="Customer", party_name=CUSTOMER)

    first, second = mapped("quote")

    assert (first["party_ref"], first["opportunity_ref"]) == (None, "id:CRM-OPP-1")
    assert second["party_ref"] == f"id:{CUSTOMER}"


def test_goods_that_come_back(erpnext: ErpnextServer, mapped: Any) -> None:
    sold = {"item_code": "PT-100", "qty": 2, "against_sales_order": "SO-1"}
    name = document(erpnext, "Delivery Note", items=[sold, {**sold, "item_code": "X"}])
    back = document(erpnext, "Delivery Note", is_return=1, items=[{**sold, "qty": -2}])
    for each in (name, back):
        erpnext.site.derive("Delivery Note", each, status="To Bill")

    first, second = mapped("delivery")

    assert (first["kind"], first["status"], first["order_refs"]) == ("outbound", "delivered", "id:SO-1")
    assert (second["kind"], second["status"], second["lines"][0]["quantity"]) == ("return", "returned", "2")


def test_an_invoice_its_credit_note_and_its_payment(erpnext: ErpnextServer, mapped: Any) -> None:
    line = {"item_code": "PT-100", "qty": 1, "rate": 100, "sales_order": "SO-1"}
    billed = document(erpnext, "Sales Invoice", items=[line], due_date="2026-11-05", outstanding_amount=118)
    document(erpnext, "Sales Invoice", items=[{**line, "qty": -1}], is_return=1, return_against=billed)
    erpnext.site.add(
        "Payment Entry",
        payment_type="Receive",
        party_type="Customer",
        party=CUSTOMER,
        paid_amount=50,
        received_amount=54.3,
        paid_from_account_currency="EUR",
        paid_to_account_currency="USD",
        posting_date="2026-10-07",
        reference_no="TX 1",
        unallocated_amount=10,
        references=[{"reference_doctype": "Sales Invoice", "reference_name": billed, "allocated_amount": 40}],
    )
    erpnext.site.add("Payment Entry", payment_type="Pay", party_type="Supplier", paid_amount=1)

    first, second = mapped("invoice")
    (payment,) = mapped("payment")

    expected = {
        "kind": "invoice",
        "order_refs": "id:SO-1",
        "issue_date": "2026-10-06",
        "due_date": "2026-11-05",
        "gross_amount": 11800,
        "open_amount": 11800,
    }
    assert shown(first, expected) == expected
    expected = {"kind": "credit_note", "corrects_ref": f"id:{billed}", "net_amount": 10000, "gross_amount": 11800}
    assert shown(second, expected) == expected
    expected = {
        "status": "pending",
        "kind": "payment",
        "direction": "in",
        "currency": "EUR",
        "amount": 5000,
        "unapplied_amount": 1000,
        "reference_text": "TX 1",
    }
    assert shown(payment, expected) == expected
    assert shown(payment["lines"][0], {"invoice_ref": "", "amount": 0}) == {
        "invoice_ref": f"id:{billed}",
        "amount": 4000,
    }


def test_a_refund_is_in_the_currency_of_the_customer_s_account(erpnext: ErpnextServer, mapped: Any) -> None:
    erpnext.site.add(
        "Payment Entry",
        payment_type="Pay",
        party_type="Customer",
        paid_amount=54.3,
        received_amount=50,
        paid_from_account_currency="USD",
        paid_to_account_currency="EUR",
    )

    (row,) = mapped("payment")

    assert shown(row, {"kind": "", "direction": "", "currency": "", "amount": 0}) == {
        "kind": "refund",
        "direction": "out",
        "currency": "EUR",
        "amount": 5000,
    }


@pytest.mark.parametrize(
    ("stream", "status", "field", "word"),
    [
        ("lead", "working", "status", "Open"),
        ("lead", "disqualified", "status", "Do Not Contact"),
        ("order", "confirmed", "docstatus", 1),
        ("order", "cancelled", "docstatus", 2),
    ],
)
def test_statuses_go_back_to_erpnext_s_words(stream: str, status: str, field: str, word: Any) -> None:
    assert MAPPING.stream(stream).reverse("status", status) == (field, word)


def test_everything_is_mapped_the_second_run_finds_no_news_and_then_what_was_deleted(
    erpnext: ErpnextServer, tmp_path: Path
) -> None:
    erpnext.site.clock = lambda: datetime.now(UTC) - timedelta(days=1)
    for doctype in ("Lead", "Opportunity", "Quotation", "Delivery Note", "Sales Invoice", "Issue"):
        document(erpnext, doctype, opportunity_from="Customer", quotation_to="Customer", party_name=CUSTOMER)
    orders = [order(erpnext) for _ in range(5)]
    paid = {"payment_type": "Receive", "party_type": "Customer", "party": CUSTOMER, "paid_amount": 5}
    accounts = {"received_amount": 5, "paid_from_account_currency": "EUR", "paid_to_account_currency": "EUR"}
    erpnext.site.add("Payment Entry", **paid, **accounts)
    firm = Firm(tmp_path, "erpnext", erpnext.config, ["crm", "erp"])

    first, second = firm.pull(), firm.pull()

    assert [(name, outcome.error) for name, outcome in first.items() if not outcome.ok] == []
    assert {name: outcome.counts["new"] for name, outcome in first.items()} == {
        "party": 1,
        "product": 1,
        "lead": 1,
        "opportunity": 1,
        "quote": 1,
        "order": 5,
        "delivery": 1,
        "invoice": 1,
        "payment": 1,
        "case": 1,
    }
    assert firm.rows("SELECT reason FROM quarantine") == []
    assert not any(outcome.counts["new"] + outcome.counts["changed"] for outcome in second.values())
    assert firm.rows("SELECT count(*), sum(net_amount) FROM orders") == [(5, 5 * 123450)]

    erpnext.site.clock = lambda: datetime.now(UTC)
    erpnext.site.remove("Sales Order", orders[2])
    assert firm.pull()["order"].counts["deleted"] == 1
    erpnext.site.remove("Lead", "CRM-LEAD-2026-00001")
    assert firm.sweep()["lead"].counts["deleted"] == 1
