"""What a customer owes, and what of it receipts are matched with that accounting has not booked."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from reconciliation.engine import reconcile
from settings.model import Settings
from state import cash
from state.members import Role
from state.store import Store
from tests.console import deal, receipts
from tests.web.api.conftest import Program, program, token
from tests.web.conftest import Browser
from tests.web.test_customers import rows
from tests.web.toy_company import plain

__all__ = ["program", "token"]


@pytest.fixture(scope="session")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("customer-matched"), receipts.fill)


def acme(store: Store) -> int:
    """Its record in the accounting system."""
    with store.reading() as connection:
        query = text("SELECT record_id FROM parties WHERE system = 'books'")
        return int(connection.execute(query).scalar_one())


def numbered(store: Store, number: str) -> int:
    """The record of an invoice or payment."""
    query = "SELECT record_id FROM {} WHERE number = :number"
    with store.reading() as connection:
        found = [
            connection.execute(text(query.format(table)), {"number": number}).scalar()
            for table in ("invoices", "payments")
        ]
    return int(next(id for id in found if id is not None))


def matched(page: str) -> list[list[str]]:
    """The cells of the table of what is matched."""
    table = page.partition('<table id="matched">')[2].partition("</table>")[0]
    body = table.partition("<tbody>")[2]
    return [
        [plain(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)]
        for row in body.split("<tr>")[1:]
    ]


def test_what_receipts_are_matched_with_stands_beside_what_is_owed_per_invoice_and_in_total(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    page = as_role(Role.FINANCE).get(f"/customers/{acme(desk)}").text
    said = "Receipts are matched with 1,000.00 CNY here and not booked yet; once they are, 400.00 CNY is left."
    assert said in plain(page), "2,000.00 less 500.00 and 1,100.00 that it has to its credit"
    assert rows(page)["books"].endswith(" 1,000.00")
    [row] = matched(page)
    assert row[:5] == ["INV-20260001", "1,000.00 CNY", "1,000.00 CNY", "books P1", "2026-10-05"]
    assert row[5] == "More than what it names."
    assert "accounting has not entered that yet" in page


def test_what_a_person_matched_and_paid_short_says_who_and_what_explains_the_rest(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    receipt, invoice = numbered(desk, "P3"), numbered(desk, "INV-20260002")
    with desk.transaction() as connection:
        cash.pin(connection, receipt, [(invoice, 50_000, 50_000)], [], "li.wei", "told")
        cash.pin(
            connection,
            numbered(desk, "P2"),
            [(numbered(desk, "INV-20260003"), 13_845, 13_845)],
            [(numbered(desk, "INV-20260003"), "short_payment", -1_500)],
            "li.wei",
            "told",
        )
    reconcile(desk, given, "run-2")
    anna = as_role(Role.FINANCE)
    found = {row[0]: row for row in matched(anna.get(f"/customers/{acme(desk)}").text)}
    assert found["INV-20260002"][1:] == ["500.00 CNY", "500.00 CNY", "books P3", "2026-10-05", "decided by li.wei"]
    assert found["INV-20260003"][2] == "138.45 CNY short payment: -15.00 CNY"
    anna.post("/language", locale="zh-CN")
    page = plain(anna.get(f"/customers/{acme(desk)}").text)
    assert "1,638.45 CNY 已与收款匹配但尚未入账" in page
    assert "由 li.wei" in page


def test_where_nothing_is_matched_nothing_is_said_of_it(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    with desk.transaction() as connection:
        cash.cut(connection, numbered(desk, "P1"), [numbered(desk, "INV-20260001")], "li.wei", "another invoice")
    reconcile(desk, given, "run-2")
    page = as_role(Role.FINANCE).get(f"/customers/{acme(desk)}").text
    assert (matched(page), "Receipts are matched with" in page) == ([], False)
    assert rows(page)["books"].endswith(" 0.00")


def test_a_program_gets_what_is_matched_too(program: Program, desk: Store) -> None:
    found = program(Role.VIEWER).get(f"/customers/{acme(desk)}").json()
    [owed] = [item for item in found["owed"] if item["system"] == "books"]
    assert owed["matched_not_booked"] == "1000.00"
    [item] = found["matched"]
    assert (item["number"], item["open"], item["applied"]) == ("INV-20260001", "1000.00", "1000.00")
    assert (item["receipt_number"], item["received_on"], item["decision"]) == ("P1", "2026-10-05", "auto")
