"""What Odoo's records mean in the canonical model."""

from __future__ import annotations

from typing import Any

import pytest

from mappings.engine import load
from mappings.model import ENTITIES, LINES, columns
from tests.connectors.odoo.conftest import Company, Connect, Held, Time

MAPPING = load("odoo")


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


def test_a_customer(company: Company, mapped: Any) -> None:
    company.database.add("res.partner", name="Wang Fang", is_company=False, active=False)

    first, second = mapped("party")

    expected = {
        "number": "C-1",
        "name": "Möller GmbH",
        "tax_id": "DE123",
        "kind": "organisation",
        "email": "info@moeller.example",
        "domain": "moeller.example",
        "country": "DE",
        "city": None,
        "phone": None,
        "status": "active",
    }
    assert shown(first, expected) == expected
    assert (second["kind"], second["status"], second["tax_id"]) == ("person", "archived", None)


@pytest.mark.parametrize(
    ("lines", "days"),
    [
        ([{"delay_type": "days_after", "nb_days": 30}], 30),
        ([{"delay_type": "days_after", "nb_days": 0}], 0),
        ([{"delay_type": "days_after_end_of_month", "nb_days": 10}], None),
        ([{"delay_type": "days_after", "nb_days": 10}, {"delay_type": "days_after", "nb_days": 60}], None),
    ],
)
def test_terms_are_days_only_where_they_are_so_simple(
    lines: list[dict[str, Any]], days: int | None, company: Company, mapped: Any
) -> None:
    term = company.database.add("account.payment.term", name="Terms", line_ids=[[0, 0, line] for line in lines])
    company.database.set("res.partner", company.customer, {"property_payment_term_id": term})
    (row,) = mapped("party")
    assert row["payment_terms_days"] == days


@pytest.mark.parametrize(("limit", "shows", "minor"), [(50000, True, 5000000), (50000, False, None), (0, True, None)])
def test_a_credit_limit_counts_where_the_company_has_switched_limits_on(
    limit: float, shows: bool, minor: int | None, company: Company, mapped: Any
) -> None:
    company.database.set("res.partner", company.customer, {"credit_limit": limit, "show_credit_limit": shows})
    (row,) = mapped("party")
    assert (row["credit_limit"], row["currency"], row["payment_terms_days"]) == (minor, "CNY", None)


def test_a_product(company: Company, mapped: Any) -> None:
    (row,) = mapped("product")

    expected = {"sku": "PT-100", "name": "Pump", "unit": "Units", "kind": "goods", "status": "active"}
    assert shown(row, expected) == expected


def test_an_order_with_its_lines_but_not_its_notes(company: Company, mapped: Any) -> None:
    contact = company.database.add("res.partner", name="Li", is_company=False, parent_id=company.customer)
    key = company.order(
        partner_id=contact, state="sale", client_order_ref="PO-9", commitment_date="2026-10-20 00:00:00"
    )

    (row,) = mapped("order")

    expected = {
        "source_id": str(key),
        "number": "S00001",
        "status": "confirmed",
        "source_status": "sale",
        "currency": "CNY",
        "quote_ref": "no:S00001",
        "party_ref": f"id:{company.customer}",
        "customer_po_number": "PO-9",
        "order_date": "2026-10-01",
        "promised_delivery_date": "2026-10-20",
        "net_amount": 123450,
        "tax_amount": 16049,
        "gross_amount": 139499,
        "delivery_state": "none",
        "source_updated_at": 1790841600000000,
    }
    assert shown(row, expected) == expected
    (line,) = row["lines"]
    of_line = {
        "line_no": 1,
        "sku": "PT-100",
        "product_ref": f"id:{company.product}",
        "quantity": "2",
        "unit": "Units",
        "unit_price": "617.25",
        "discount_rate": "0",
        "net_amount": 123450,
        "tax_amount": 16049,
    }
    assert shown(line, of_line) == of_line


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"state": "sale"}, "confirmed"),
        ({"state": "sale", "delivery_status": "pending", "invoice_status": "to invoice"}, "confirmed"),
        ({"state": "sale", "delivery_status": "partial", "invoice_status": "to invoice"}, "in_progress"),
        ({"state": "sale", "delivery_status": "started", "invoice_status": "invoiced"}, "in_progress"),
        ({"state": "sale", "delivery_status": "full", "invoice_status": "invoiced"}, "in_progress"),
        ({"state": "sale", "delivery_status": "full", "invoice_status": "invoiced", "locked": True}, "completed"),
        ({"state": "cancel"}, "cancelled"),
    ],
)
def test_an_order_s_status(company: Company, mapped: Any, values: dict[str, Any], status: str) -> None:
    company.order(**values)

    (row,) = mapped("order")

    assert row["status"] == status


@pytest.mark.parametrize(
    ("state", "status"), [("draft", "draft"), ("sent", "sent"), ("sale", "ordered"), ("cancel", "cancelled")]
)
def test_a_quote_s_status(company: Company, mapped: Any, state: str, status: str) -> None:
    company.order(state=state)

    (row,) = mapped("quote")

    assert row["status"] == status


def test_the_key_of_a_draft_of_ours_is_no_order_number_of_the_customer(company: Company, mapped: Any) -> None:
    company.order(client_order_ref="ltc-0123456789abcdef01234567", origin="Q-7")

    (row,) = mapped("order")

    assert (row["status"], row["customer_po_number"], row["quote_ref"]) == ("draft", None, "no:Q-7")


@pytest.mark.parametrize(
    ("values", "lead", "opportunity"),
    [
        ({}, "new", None),
        ({"stage_id": 2}, "working", None),
        ({"active": False, "probability": 0.0}, "disqualified", None),
        ({"type": "opportunity", "date_conversion": "2026-10-01 09:00:00"}, "converted", "open"),
        ({"type": "opportunity", "date_conversion": "2026-10-01 09:00:00", "probability": 100.0}, "converted", "won"),
        ({"type": "opportunity", "active": False, "probability": 0.0}, None, "lost"),
    ],
)
def test_what_becomes_of_a_lead(
    company: Company, mapped: Any, values: dict[str, Any], lead: str | None, opportunity: str | None
) -> None:
    key = company.lead(**values)

    leads, opportunities = mapped("lead"), mapped("opportunity")

    assert [row["status"] for row in leads] == ([lead] if lead else [])
    assert [row["status"] for row in opportunities] == ([opportunity] if opportunity else [])
    if lead == "converted":
        assert leads[0]["opportunity_ref"] == opportunities[0]["lead_ref"] == f"id:{key}"
    elif opportunities:
        assert opportunities[0]["lead_ref"] is None


def test_a_delivery(company: Company, mapped: Any) -> None:
    order = company.order(state="sale")
    company.database.add(
        "stock.picking",
        name="WH/OUT/00001",
        state="done",
        sale_id=order,
        partner_id=company.customer,
        date_done="2026-10-05 10:00:00",
        move_ids=[[0, 0, {"product_id": company.product, "quantity": 2, "product_uom": company.unit}]],
    )
    company.database.add("stock.picking", name="WH/IN/1", state="done", sale_id=order, picking_type_code="incoming")
    company.database.add("stock.picking", name="WH/IN/2", state="assigned", picking_type_code="incoming")

    goods, back = mapped("delivery")

    expected = {
        "number": "WH/OUT/00001",
        "status": "delivered",
        "kind": "outbound",
        "order_refs": f"id:{order}",
        "party_ref": f"id:{company.customer}",
        "delivered_on": "2026-10-05",
    }
    assert shown(goods, expected) == expected
    assert shown(goods["lines"][0], {"sku": "PT-100", "quantity": "2"}) == {"sku": "PT-100", "quantity": "2"}
    assert (back["status"], back["kind"]) == ("returned", "return")


@pytest.mark.parametrize(
    ("state", "paid", "status"),
    [
        ("draft", "not_paid", "draft"),
        ("posted", "not_paid", "issued"),
        ("posted", "in_payment", "issued"),
        ("posted", "partial", "partly_paid"),
        ("posted", "paid", "paid"),
        ("posted", "reversed", "reversed"),
        ("posted", "blocked", "disputed"),
        ("cancel", "not_paid", "void"),
    ],
)
def test_an_invoice_s_status(company: Company, mapped: Any, state: str, paid: str, status: str) -> None:
    invoice(company, state=state, payment_state=paid)

    (row,) = mapped("invoice")

    assert row["status"] == status


def invoice(company: Company, **values: Any) -> int:
    given = {
        "name": "INV/2026/00001",
        "state": "posted",
        "commercial_partner_id": company.customer,
        "currency_id": company.database.company_currency,
        "invoice_origin": "S00001, S00002",
        "invoice_date": "2026-10-06",
        "amount_untaxed": 100,
        "amount_tax": 13,
        "amount_total": 113,
        "amount_residual": 113,
        "invoice_line_ids": [
            [0, 0, {"product_id": company.product, "quantity": 1, "price_unit": 100, "display_type": "product"}],
            [0, 0, {"name": "Thanks", "display_type": "line_note"}],
        ],
    }
    return company.database.add("account.move", **{**given, **values})


def test_an_invoice_its_credit_note_and_its_payment(company: Company, mapped: Any) -> None:
    billed = invoice(company)
    invoice(company, name=False, state="draft", move_type="out_refund", reversed_entry_id=billed, invoice_origin=False)
    invoice(company, move_type="in_invoice")
    paying = {"state": "paid", "partner_id": company.customer, "currency_id": company.database.company_currency}
    company.database.add(
        "account.payment",
        **paying,
        amount=50,
        date="2026-10-07",
        memo="INV 1",
        reconciled_invoice_ids=[[6, 0, [billed]]],
        reconciled_invoices_count=1,
    )
    company.database.add("account.payment", **paying, amount=9, payment_type="outbound", partner_type="supplier")

    first, second = mapped("invoice")
    (payment,) = mapped("payment")

    expected = {
        "number": "INV/2026/00001",
        "kind": "invoice",
        "order_refs": "no:S00001\nno:S00002",
        "party_ref": f"id:{company.customer}",
        "issue_date": "2026-10-06",
        "due_date": None,
        "gross_amount": 11300,
        "sent_to_customer": 0,
    }
    assert shown(first, expected) == expected
    assert [line["net_amount"] for line in first["lines"]] == [10000]
    assert (second["number"], second["kind"], second["corrects_ref"]) == (None, "credit_note", f"id:{billed}")
    expected = {
        "status": "received",
        "kind": "payment",
        "direction": "in",
        "amount": 5000,
        "received_on": "2026-10-07",
        "reference_text": "INV 1",
        "invoice_ref": f"id:{billed}",
    }
    assert shown(payment, expected) == expected


@pytest.mark.parametrize(
    ("stream", "status", "field", "word"),
    [
        ("order", "confirmed", "state", "sale"),
        ("order", "submitted", "state", "sent"),
        ("order", "cancelled", "state", "cancel"),
        ("lead", "disqualified", "active", False),
        ("lead", "new", "active", True),
        ("opportunity", "lost", "active", False),
    ],
)
def test_statuses_go_back_to_odoo_s_words(stream: str, status: str, field: str, word: Any) -> None:
    assert MAPPING.stream(stream).reverse("status", status) == (field, word)
