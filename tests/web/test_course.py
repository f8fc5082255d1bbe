"""The head of a trace: how many documents of each kind in how many systems, on which days; and the ways from each."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import settings
from state import links
from state.members import Role
from state.store import Store, open_store
from tests.console import deal
from tests.reconciliation.books import Books
from tests.web.conftest import Browser
from tests.web.toy_company import plain


def fill(path: Path) -> None:
    """An invoice in two payments, each in the books and, a day before, at the ERP; a lead in two systems."""
    with open_store(settings.load(path).store) as store:
        books = Books(store)
        money: dict[str, Any] = {"currency": "EUR", "status": "succeeded"}
        ids = {
            "lead": books.add("lead", "l1", system="crm", company_name="Oberland", status="converted"),
            "twin": books.add("lead", "l2", system="books", company_name="Oberland", status="converted"),
            "invoice": books.add(
                "invoice",
                "i9",
                number="INV-9",
                status="issued",
                issue_date=date(2026, 9, 1),
                gross_amount=700,
                party_ref="id:c1",
            ),
            "customer": books.add("party", "c1", system="books", name="Oberland AG"),
            "elsewhere": books.add("party", "c2", system="erp", name="Oberland Werke"),
        }
        for name, system, day in (
            ("first", "books", 4),
            ("first_there", "erp", 3),
            ("second", "books", 21),
            ("second_there", "erp", 20),
        ):
            named = {**money, "party_ref": "id:c2"} if system == "erp" else money
            ids[name] = books.add(
                "payment", name, system=system, number=f"P-{name}", received_on=date(2026, 9, day), amount=350, **named
            )
        books.save()
        with store.transaction() as connection:
            for kind, left, right in (
                ("same_as", "lead", "twin"),
                ("follows", "lead", "invoice"),
                ("follows", "invoice", "first"),
                ("follows", "invoice", "second"),
                ("same_as", "first", "first_there"),
                ("same_as", "second", "second_there"),
            ):
                links.decide(connection, kind, ids[left], ids[right], "confirmed", "bela")


@pytest.fixture(scope="session")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("course"), fill)


@pytest.fixture
def page(as_role: Callable[[Role], Browser], desk: Store) -> str:
    return as_role(Role.FINANCE).get("/trace?text=INV-9").text


def test_a_document_in_two_systems_counts_once_and_each_has_its_day(page: str) -> None:
    course = page.partition('<ol class="course"')[2].partition("</ol>")[0]
    steps = {step.split()[0]: step for step in map(plain, course.split("<li>")[1:])}
    assert steps["Payment"] == "Payment × 2 2026-09-03 2026-09-20 +2 days in 2 systems: erp, books"
    assert steps["Invoice"] == "Invoice 2026-09-01 books"
    assert steps["Lead"].startswith("Lead ")
    assert "×" not in steps["Lead"]
    assert "in 2 systems: " in steps["Lead"]


def test_each_document_of_a_chain_leads_to_its_own_trace_and_says_beside_its_status_what_was_asked_for(
    page: str,
) -> None:
    assert '<b>Payment <a href="/trace?text=P-second">P-second</a></b>' in page
    asked = re.search(r'<div class="record asked">(.*?)</div>', page, re.DOTALL)
    assert asked is not None
    assert re.search(
        r'<b>Invoice INV-9</b> · books: issued\s*<span class="pill info">what you searched for</span></p>', asked[1]
    )


def test_the_customer_that_a_document_names_is_one_click_away(page: str, as_role: Callable[[Role], Browser]) -> None:
    way = re.search(r'Customer: <a href="(/customers/\d+)">Oberland AG</a>', page)
    assert way is not None
    assert "Oberland AG" in as_role(Role.FINANCE).get(way[1]).text


def test_two_customers_that_a_chain_names_stand_apart(page: str) -> None:
    assert re.search(r'Oberland AG</a>, <a href="/customers/\d+">Oberland Werke</a>', page)
