"""What the shipped mapping makes of the real server's records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from connectors.contract import RawRecord
from connectors.tryton.connector import Tryton
from mappings.compiler import Mapped
from mappings.engine import Mapping, decode, load, unmapped
from mappings.model import ENTITIES, LINES, columns
from sandbox.tryton.client import Client

Pull = Callable[..., dict[str, RawRecord]]
Rows = list[dict[str, Any]]


@pytest.fixture(scope="session")
def mapping() -> Mapping:
    return load("tryton")


@pytest.fixture
def mapped(mapping: Mapping, connector: Tryton, pull: Pull) -> Callable[[str], Rows]:
    """A stream's canonical rows, each with its lines, in the order of their numbers."""

    def rows(stream: str) -> Rows:
        chosen = mapping.stream(stream)
        found = [chosen.map("erp", key, record.body) for key, record in pull(connector, stream).items()]
        return sorted((named(chosen.entity, item) for item in found), key=lambda row: row["number"] or "")

    return rows


def named(entity: str, item: Mapped) -> dict[str, Any]:
    row = dict(zip([column.name for column in columns(ENTITIES[entity])], item.row, strict=True))
    if entity in LINES:
        names = [column.name for column in columns(LINES[entity].model)]
        row["lines"] = [dict(zip(names, line, strict=True)) for line in item.lines]
    return row


def test_orders_carry_number_quote_state_dates_and_exact_money(mapped: Callable[[str], Rows]) -> None:
    draft, full, partly, quotation, cancelled = mapped("order")
    assert [row["status"] for row in (draft, full, partly, quotation, cancelled)] == [
        "draft", "in_progress", "in_progress", "submitted", "cancelled",
    ]  # fmt: skip
    assert (full["number"], full["quote_ref"], draft["number"], draft["quote_ref"]) == (
        "SO-00001",
        "no:Q-1",
        None,
        None,
    )
    assert (full["order_date"], full["promised_delivery_date"]) == ("2026-03-02", "2026-03-20")
    assert (full["currency"], full["net_amount"], full["tax_amount"], full["gross_amount"]) == (
        "CNY",
        42500,
        5525,
        48025,
    )
    assert (partly["currency"], partly["net_amount"], partly["gross_amount"]) == ("JPY", 7998, 7998)
    assert [row["delivery_state"] for row in (quotation, partly, full)] == [
        "not_delivered", "partly_delivered", "delivered",
    ]  # fmt: skip
    assert [row["payment_state"] for row in (full, partly)] == ["paid", None]
    assert full["source_status"] == "processing"
    assert full["source_updated_at"] >= full["source_created_at"] > 1_700_000_000_000_000


def test_order_lines_carry_sku_quantity_price_and_tax_rate(mapped: Callable[[str], Rows]) -> None:
    lines = mapped("order")[1]["lines"]
    shown = [
        (line["sku"], line["quantity"], line["unit_price"], line["net_amount"], line["tax_rate"]) for line in lines
    ]
    assert shown == [("AA-1", "10", "12.5", 12500, "0.13"), ("BB-2", "3", "100", 30000, "0.13")]


def test_deliveries_name_their_orders_even_one_made_by_hand(mapped: Callable[[str], Rows]) -> None:
    rows = sorted(mapped("delivery"), key=lambda row: (row["status"] == "planned", row["order_refs"]))
    full, first, made_by_hand, rest = rows
    assert (full["status"], full["delivered_on"], full["planned_date"]) == ("delivered", "2026-03-18", "2026-03-20")
    assert {line["sku"]: line["quantity"] for line in full["lines"]} == {"AA-1": "10", "BB-2": "3"}
    assert (first["status"], {line["sku"]: line["quantity"] for line in first["lines"]}) == (
        "delivered", {"AA-1": "1", "BB-2": "2"},
    )  # fmt: skip
    assert (rest["status"], rest["shipped_on"], rest["lines"][0]["quantity"]) == ("planned", None, "3")
    assert (made_by_hand["status"], made_by_hand["order_refs"]) == ("delivered", "no:SO-00004")


def test_parties_and_products_carry_their_keys(mapped: Callable[[str], Rows]) -> None:
    parties = {row["number"]: row for row in mapped("party")}
    assert parties["C1"]["phone"] == "+8613900000001"
    assert (parties["C1"]["email"], parties["C1"]["country"], parties["C1"]["city"]) == (
        "a@yuanda.example",
        "CN",
        "杭州",
    )
    assert (parties["C2"]["tax_id"], parties["C2"]["status"], parties["C2"]["domain"]) == (
        "T123", "active", "kitano.example",
    )  # fmt: skip
    products = mapped("product")
    assert [(row["sku"], row["kind"], row["list_price"]) for row in products] == [
        ("AA-1", "goods", "12.5"), ("BB-2", "goods", "100"),
    ]  # fmt: skip


def test_a_product_whose_template_is_archived_is_archived(mapped: Callable[[str], Rows], people: Client) -> None:
    unit = people.one("product.uom", [["name", "=", "Unit"]])
    old = people.create_one(
        "product.template", name="Old", default_uom=unit, products=[("create", [{"suffix_code": "ZZ-9"}])]
    )
    people.write("product.template", [old], {"active": False})
    assert {row["sku"]: row["status"] for row in mapped("product")} == {
        "AA-1": "active", "BB-2": "active", "ZZ-9": "archived",
    }  # fmt: skip


def test_a_customers_archived_address_and_e_mail_are_not_taken(mapped: Callable[[str], Rows], people: Client) -> None:
    for model, domain in (
        ("party.address", [["city", "=", "Kobe"]]),
        ("party.contact_mechanism", [["value", "=", "b@kitano.example"]]),
    ):
        people.write(model, [people.one(model, domain)], {"active": False})
    row = next(row for row in mapped("party") if row["number"] == "C2")
    assert (row["city"], row["email"], row["phone"]) == (None, None, "+81312345678")


def test_nothing_that_is_read_of_an_order_is_left_unmapped_but_tokens(
    mapping: Mapping, connector: Tryton, pull: Pull
) -> None:
    left = {path for record in pull(connector, "order").values() for path in unmapped(mapping, "order", record.body)}
    assert {path for path in left if not path.endswith("id")} == {
        "_timestamp", "comment", "line_lines..*.sequence",
    }  # fmt: skip


def test_the_payment_state_is_written_where_it_is_read(mapping: Mapping, connector: Tryton, pull: Pull) -> None:
    stream = mapping.stream("order")
    assert stream.reverse("payment_state", "partly_paid") == ("payment_note", "partly_paid")
    shown = [stream.source_value("payment_state", decode(record.body)) for record in pull(connector, "order").values()]
    assert sorted(map(str, shown)) == ["None", "None", "None", "None", "paid"]
