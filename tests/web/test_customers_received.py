"""What came in of a customer in all: money that two systems have counts once, and nothing is said as nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import settings
from reconciliation.engine import reconcile
from state import schema
from state.members import Role
from state.store import Store, open_store
from tests.console import deal
from tests.reconciliation.books import Books
from tests.web.api.conftest import Program, program, token
from tests.web.conftest import Browser
from tests.web.test_customers import record, rows
from tests.web.toy_company import plain

__all__ = ["program", "token"]


def fill(path: Path) -> None:
    """A customer of the books and of the ERP, of whose money both have one payment; and one that never paid."""
    with open_store(settings.load(path).store) as store:
        books = Books(store)
        same: dict[str, Any] = {"name": "ACME S.r.l.", "country": "IT", "tax_id": "IT00743110157", "status": "active"}
        books.add("party", "c-1", system="books", **same)
        books.add("party", "s-1", system="erp", **same)
        books.add("party", "c-2", system="books", name="Never paid", status="active")
        for system, key, party, amount, kind in (
            ("books", "b1", "c-1", 100, "payment"),
            ("books", "b2", "c-1", 50, "payment"),
            ("books", "b3", "c-1", 20, "refund"),
            ("erp", "x1", "s-1", 100, "payment"),
            ("erp", "x2", "s-1", 7, "payment"),
        ):
            paid: dict[str, Any] = {
                "currency": "EUR",
                "status": "received",
                "direction": "out" if kind == "refund" else "in",
            }
            books.add("payment", key, system=system, party_ref=f"id:{party}", amount=amount, kind=kind, **paid)
        books.save()
        reconcile(store, settings.load(path), "run-1")
        left, right = sorted((record_of(store, "b1"), record_of(store, "x1")))
        ends = {"left_entity": "payment", "right_entity": "payment", "left_id": left, "right_id": right}
        with store.transaction() as connection:
            connection.execute(text("DELETE FROM link WHERE kind = 'same_as' AND left_entity = 'payment'"))
            how = {"method": "external_ref", "score": 1000, "evidence": "{}", "decision": "auto", "run_id": "run-1"}
            connection.execute(schema.link.insert().values(kind="same_as", **ends, **how))


def record_of(store: Store, source_id: str) -> int:
    with store.reading() as connection:
        query = text("SELECT record_id FROM payments WHERE source_id = :id")
        return int(connection.execute(query, {"id": source_id}).scalar_one())


@pytest.fixture(scope="session")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("customer-received"), fill)


def test_money_that_two_systems_have_counts_once_in_what_came_in_and_is_named_in_the_second(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    page = as_role(Role.FINANCE).get(f"/customers/{record(desk, 'c-1')}").text
    assert "Received in all: 157.00 EUR; refunded or charged back: 20.00 EUR" in plain(page)
    assert "2 107.00 EUR of it the same money as in another system 100.00 EUR" in rows(page)["Payment"]
    assert rows(page)["Payment"].count("the same money") == 1, "the books stand for it"


def test_a_link_that_only_waits_for_a_person_makes_no_payment_the_same_money(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    with desk.transaction() as connection:
        connection.execute(text("UPDATE link SET decision = 'suggested' WHERE left_entity = 'payment'"))
    page = as_role(Role.FINANCE).get(f"/customers/{record(desk, 'c-1')}").text
    assert "Received in all: 257.00 EUR" in plain(page)
    assert "the same money as" not in page


def test_of_a_customer_who_paid_nothing_it_is_said_that_it_is_nothing(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, address = as_role(Role.FINANCE), f"/customers/{record(desk, 'c-2')}"
    assert "Received in all: 0.00 CNY" in plain(anna.get(address).text)
    anna.post("/language", locale="zh-CN")
    assert "收款合计：0.00 CNY" in plain(anna.get(address).text)


def test_a_program_gets_what_came_in_too(program: Program, desk: Store) -> None:
    found = program(Role.VIEWER).get(f"/customers/{record(desk, 'c-1')}").json()
    assert found["received"] == [{"currency": "EUR", "received": "157.00", "given_back": "20.00"}]
    paid = {item["system"]: item["again"] for item in found["documents"] if item["kind"] == "payment"}
    assert paid == {"books": "0.00", "erp": "100.00"}
