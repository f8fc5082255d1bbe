"""``ltc findings list`` of a customer: only what is about them, with what each department has of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import update

from state.schema import finding
from state.store import open_store
from tests.console import deal
from tests.console.company import data, ltc


@pytest.fixture(scope="module")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("findings"))


@pytest.fixture
def config(filled: Path, tmp_path: Path) -> Path:
    shutil.copy(filled, tmp_path / "ltc.db")
    with open_store(f"sqlite:///{tmp_path / 'ltc.db'}") as store, store.transaction() as connection:
        theirs = finding.c.check_id.in_(("invoice_overdue", "invoice_exceeds_order"))
        connection.execute(update(finding).values(customer="Other"))
        connection.execute(update(finding).where(theirs).values(customer="Pumps & Co", amount=12_345, currency="EUR"))
    return deal.config(tmp_path, "sqlite:///ltc.db")


def test_findings_of_a_customer_are_listed_with_count_and_money_of_each_department(config: Path) -> None:
    found = data(ltc(config, "findings", "list", "--customer", "pumps", "--json"))
    assert {item["check"] for item in found} == {"invoice_overdue", "invoice_exceeds_order"}
    shown = ltc(config, "findings", "list", "--customer", " pumps ").stdout
    sums = shown[shown.rindex("Money") :]
    assert {name for name in ("Finance", "Sales", "EUR 246.90") if name in sums} == {"Finance", "EUR 246.90"}
    assert "Money" not in ltc(config, "findings", "list").stdout


def test_customer_and_department_are_asked_for_together(config: Path) -> None:
    of_finance = data(ltc(config, "findings", "list", "--customer", "Pumps", "--department", "finance", "--json"))
    assert len(of_finance) == 2
    assert data(ltc(config, "findings", "list", "--customer", "Pumps", "--department", "sales", "--json")) == []
    assert data(ltc(config, "findings", "list", "--customer", "100%", "--json")) == []
