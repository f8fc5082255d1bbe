"""A delivery becomes an invoice: its quantities at the prices of its order, and never what was invoiced already."""

from __future__ import annotations

from typing import Any

import pytest

from tests.creation.company import INVOICE
from tests.creation.conftest import Company

pytestmark = pytest.mark.slow

LINES = [
    {"sku": "P-1", "qty": "3", "price": "33.335", "net": "100.01"},
    {"sku": "S-1", "qty": "1", "price": "50", "net": "50.00"},
]


@pytest.fixture
def firm(firm: Company) -> Company:
    return ordered(firm)


@pytest.fixture
def both(both: Company) -> Company:
    return ordered(both)


def ordered(firm: Company) -> Company:
    """An order of a customer that accounting knows; nothing is delivered yet."""
    firm.rules(INVOICE)
    firm.erp.edit("party", "c9", {"name": "Acme", "tax": "913100005588776612"})
    firm.books.edit("party", "b7", {"name": "Acme", "tax": "913100005588776612"})
    order = {"number": "SO-1", "party": "c9", "net": "150.01", "state": "confirmed", "lines": LINES}
    firm.erp.edit("order", "o1", order)
    return firm


def deliver(firm: Company, source_id: str, day: str, **quantities: str) -> None:
    lines = [{"sku": sku.replace("_", "-"), "qty": quantity} for sku, quantity in quantities.items()]
    values = {"number": source_id.upper(), "order": "SO-1", "party": "c9", "day": day, "state": "done", "lines": lines}
    firm.erp.edit("delivery", source_id, values)


def bill(firm: Company, source_id: str, net: str, day: str, **values: Any) -> None:
    usual = {"number": source_id.upper(), "order": "SO-1", "party": "b7", "net": net, "day": day, "state": "issued"}
    firm.books.edit("invoice", source_id, {**usual, **values})


def message(firm: Company) -> str:
    ((status, said),) = firm.rows("SELECT status, message FROM creation")
    assert status == "rejected"
    return str(said)


def test_a_whole_delivery_becomes_a_draft_invoice_over_the_orders_lines(both: Company) -> None:
    deliver(both, "d1", "2026-10-02", P_1="3", S_1="1")
    assert both.sync().status == "done"
    (made,) = both.made("books")
    assert made.pop("key").startswith("ltc-")
    assert made == {
        "party": "b7",
        "order": "SO-1",
        "delivery": "D1",
        "state": "draft",
        "day": "2026-10-02",
        "net": "150.01",
        "currency": "CNY",
        "lines": LINES,
    }
    assert both.sync().status == "done"
    assert len(both.made("books")) == 1


def test_partial_deliveries_are_invoiced_each_for_itself(both: Company) -> None:
    deliver(both, "d1", "2026-10-02", P_1="1")
    assert both.sync().status == "done"
    deliver(both, "d2", "2026-10-05", P_1="2", S_1="1")
    assert both.sync().status == "done"
    first, second = both.made("books")
    assert (first["net"], first["lines"]) == ("33.34", [{"sku": "P-1", "qty": "1", "price": "33.335", "net": "33.34"}])
    assert second["net"] == "116.67"
    both.sync()
    assert len(both.made("books")) == 2


def test_two_deliveries_at_once_make_two_invoices(firm: Company) -> None:
    deliver(firm, "d1", "2026-10-02", P_1="1")
    deliver(firm, "d2", "2026-10-05", P_1="2")
    firm.sync()
    assert sorted(item["delivery"] for item in firm.made("books")) == ["D1", "D2"]


def test_a_delivery_under_way_is_not_invoiced(firm: Company) -> None:
    deliver(firm, "d1", "2026-10-02", P_1="3")
    firm.erp.edit("delivery", "d1", {"state": "planned"})
    firm.sync()
    assert firm.rows() == []


def test_what_people_have_invoiced_is_not_invoiced_again(firm: Company) -> None:
    bill(firm, "i1", "150.01", "2026-10-03")
    deliver(firm, "d1", "2026-10-02", P_1="3", S_1="1")
    firm.sync()
    assert firm.rows() == []


def test_a_void_invoice_does_not_count(firm: Company) -> None:
    bill(firm, "i1", "150.01", "2026-10-03", state="void")
    deliver(firm, "d1", "2026-10-02", P_1="3", S_1="1")
    firm.sync()
    assert len(firm.made("books")) == 1


def test_an_older_invoice_over_exactly_what_was_delivered_before_leaves_the_rest_to_us(firm: Company) -> None:
    deliver(firm, "d1", "2026-10-02", P_1="1")
    bill(firm, "i1", "33.34", "2026-10-03")
    deliver(firm, "d2", "2026-10-05", P_1="2")
    firm.sync()
    assert [item["delivery"] for item in firm.made("books")] == ["D2"]


def test_an_invoice_that_may_be_for_either_needs_a_person(firm: Company) -> None:
    bill(firm, "i1", "20.00", "2026-10-03")
    deliver(firm, "d1", "2026-10-02", P_1="1")
    firm.sync()
    assert message(firm).startswith("Order SO-1 was invoiced by hand in part (20.00 of 33.34 delivered)")


@pytest.mark.parametrize(
    ("delivered", "said"),
    [
        ({"P_1": "4"}, "4 of P-1 were delivered, 3 are on order SO-1"),
        ({"X_1": "1"}, "X-1 was delivered and is not on order SO-1"),
        ({}, "The delivery has no lines with a quantity"),
    ],
)
def test_what_the_order_gives_no_price_for_needs_a_person(firm: Company, delivered: dict[str, str], said: str) -> None:
    deliver(firm, "d1", "2026-10-02", **delivered)
    firm.sync()
    assert message(firm).startswith(said)


def test_a_product_at_two_prices_delivered_in_part_needs_a_person(firm: Company) -> None:
    lines = [
        {"sku": "P-1", "qty": "1", "price": "10", "net": "10"},
        {"sku": "P-1", "qty": "1", "price": "9", "net": "9"},
    ]
    firm.erp.edit("order", "o1", {"lines": lines, "net": "19.00"})
    deliver(firm, "d1", "2026-10-02", P_1="1")
    firm.sync()
    assert message(firm) == "P-1 is on order SO-1 at several prices and was delivered in part. Invoice it by hand."


def test_a_delivery_without_an_order_needs_a_person(firm: Company) -> None:
    deliver(firm, "d1", "2026-10-02", P_1="1")
    firm.erp.edit("delivery", "d1", {"order": "SO-7"})
    firm.sync()
    assert message(firm) == "The delivery names no order that is known: enter its number."
