"""What invoices and customers mean in the canonical model, and what goes back."""

from __future__ import annotations

import json

import pytest

from mappings.engine import MappingError, decode
from sandbox.stripe import StripeServer
from tests.connectors.stripe.conftest import (
    Connect,
    push_one,
    record_of,
)
from tests.connectors.stripe.rows import MAPPING, as_dict, mapped, shown


def test_an_invoice_with_its_lines(stripe: StripeServer, connect: Connect) -> None:
    customer = stripe.account.customer("Wang")
    stripe.account.invoice(
        customer["id"],
        [("Gauge", 100_000, 10), ("Freight", 5_050, 1)],
        tax=13_657,
        description="for SO-00001",
        due_date=1_796_083_200,
        metadata={"delivery_numbers": "14, 15", "sent_to_customer": "true"},
    )

    (row,) = mapped(stripe, connect(stripe), "invoice")

    expected = {
        "number": "LTC-0001",
        "kind": "invoice",
        "status": "issued",
        "source_status": "open",
        "currency": "USD",
        "net_amount": 105_050,
        "tax_amount": 13_657,
        "gross_amount": 118_707,
        "open_amount": 118_707,
        "order_refs": "no:SO-00001",
        "delivery_numbers": "14, 15",
        "sent_to_customer": 1,
        "party_ref": f"id:{customer['id']}",
        "issue_date": "2026-10-31",
        "due_date": "2026-12-01",
    }
    assert shown(row, expected) == expected
    assert [(line["description"], line["quantity"], line["net_amount"]) for line in row["lines"]] == [
        ("Gauge", "10", 100_000),
        ("Freight", "1", 5_050),
    ]


@pytest.mark.parametrize(
    ("draft", "paid", "credited", "end", "expected"),
    [
        (True, 0, 0, "", "draft"),
        (False, 0, 0, "", "issued"),
        (False, 4_000, 0, "", "partly_paid"),
        (False, 0, 4_000, "", "partly_paid"),
        (False, 10_000, 0, "", "paid"),
        (False, 0, 0, "void", "void"),
        (False, 0, 0, "uncollectible", "written_off"),
    ],
)
def test_an_invoices_status(
    stripe: StripeServer, connect: Connect, draft: bool, paid: int, credited: int, end: str, expected: str
) -> None:
    invoice = stripe.account.invoice(stripe.account.customer("Wang")["id"], draft=draft)
    if credited:
        stripe.account.credit(invoice["id"], credited)
    if paid:
        stripe.account.pay(invoice["id"], paid)
    if end:
        stripe.account.end_invoice(invoice["id"], end)

    (row,) = mapped(stripe, connect(stripe), "invoice")

    assert row["status"] == expected


def test_a_credit_note_corrects_its_invoice(stripe: StripeServer, connect: Connect) -> None:
    invoice = stripe.account.invoice(stripe.account.customer("Wang")["id"])
    stripe.account.credit(invoice["id"], 4_000)

    (row,) = mapped(stripe, connect(stripe), "credit_note")

    assert (row["kind"], row["status"], row["corrects_ref"]) == ("credit_note", "paid", f"id:{invoice['id']}")
    assert (row["number"], row["gross_amount"], row["open_amount"]) == ("LTC-0001-CN-01", 4_000, 0)


def test_a_customer(stripe: StripeServer, connect: Connect) -> None:
    address = {
        "city": "上海",
        "country": "CN",
        "line1": "南京路 1",
        "line2": None,
        "postal_code": "200000",
        "state": None,
    }
    stripe.account.customer(
        "上海仪表有限公司",
        " Billing@Yibiao.example",
        phone="+86 138 0013 8000",
        address=address,
        metadata={"customer_number": "C0007"},
    )

    (row,) = mapped(stripe, connect(stripe), "customer")

    expected = {
        "name": "上海仪表有限公司",
        "status": "active",
        "email": "billing@yibiao.example",
        "domain": "yibiao.example",
        "phone": "+8613800138000",
        "country": "CN",
        "city": "上海",
        "postal_code": "200000",
        "external_ref": "no:C0007",
    }
    assert shown(row, expected) == expected


def test_a_status_that_nobody_knows_is_refused_with_the_known_ones(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)
    body = json.loads(record_of(connect(stripe), "payment", charge["id"]).body)

    with pytest.raises(MappingError) as caught:
        as_dict("payment", charge["id"], json.dumps({**body, "status": "frozen"}).encode())

    assert caught.value.field == "status"
    assert "succeeded" in caught.value.reason


def test_what_is_written_back_is_read_back(stripe: StripeServer, connect: Connect) -> None:
    stream = MAPPING.stream("invoice")
    invoice = stripe.account.invoice(stripe.account.customer("Wang")["id"])
    connector = connect(stripe)
    values = dict([stream.reverse("delivery_numbers", "14, 15"), stream.reverse("sent_to_customer", True)])

    result = push_one(connector, invoice, values, stream="invoice")

    assert values == {"metadata.delivery_numbers": "14, 15", "metadata.sent_to_customer": True}
    assert result.record is not None
    row = as_dict("invoice", invoice["id"], result.record.body)
    assert (row["delivery_numbers"], row["sent_to_customer"]) == ("14, 15", 1)
    document = decode(result.record.body)
    assert stream.source_value("delivery_numbers", document) == "14, 15"
    assert set(values) <= {field for spec in connector.streams() for field in spec.writable}


@pytest.mark.parametrize(
    ("status", "numbers", "sent"),
    [("draft", True, False), ("open", True, True), ("paid", True, True), ("void", False, False)],
)
def test_only_invoices_that_somebody_looks_at_are_written(status: str, numbers: bool, sent: bool) -> None:
    stream = MAPPING.stream("invoice")

    assert stream.may_write("delivery_numbers", {"status": status}) is numbers
    assert stream.may_write("sent_to_customer", {"status": status}) is sent
