"""Service cases: what they stand in the way of, the urgent ones, and those nobody works on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciliation import report
from state.findings import Finding
from tests.reconciliation.books import AS_OF
from tests.reconciliation.cases import Case, amounts, judged
from tests.reconciliation.deals import Deal, ago


def case(deal: Deal, opened: int = 2, touched: int = 1, **fields: Any) -> Deal:
    """A case of the deal's customer, opened and last changed so many days ago."""
    at = {"opened_at": AS_OF - timedelta(days=opened), "source_updated_at": AS_OF - timedelta(days=touched)}
    made = {"source_id": f"C-{deal.n}", "number": f"C-{deal.n}", "status": "open", "priority": "low", **at}
    deal.documents["service_case"] = [made | fields]
    return deal


def overdue(deal: Deal, days: int = 4) -> Deal:
    return deal.drop("payment").set("invoice", status="issued", open_amount=1356, due_date=ago(days))


def of_customer(deal: Deal, **fields: Any) -> Deal:
    """The desk knows the customer by its tax id."""
    deal.documents["party"].append({**deal.documents["party"][0], "system": "desk"})
    return case(deal, party_ref=f"id:P-{deal.n}", **fields)


CASES: dict[str, Case] = {
    "about an overdue invoice": (
        lambda d: case(overdue(d), invoice_ref=f"no:INV-{d.n}"),
        {"service_case_blocks_payment": 135600},
    ),
    "about the order of an overdue invoice": (
        lambda d: case(overdue(d), order_ref=f"ext:SO-{d.n}", priority="Urgent", opened=9),
        {"service_case_blocks_payment": 135600},
    ),
    "of a customer with an overdue invoice, opened before it was due": (
        lambda d: of_customer(overdue(d), opened=10),
        {"service_case_blocks_payment": 135600},
    ),
    "of a customer with an overdue invoice, opened after": (
        lambda d: of_customer(overdue(d), opened=2),
        {"invoice_overdue": 135600},
    ),
    "about an invoice that is not due yet": (lambda d: case(overdue(d, -3), invoice_ref=f"no:INV-{d.n}"), {}),
    "settled, and the invoice still overdue": (
        lambda d: case(overdue(d), invoice_ref=f"no:INV-{d.n}", status="resolved"),
        {"invoice_overdue": 135600},
    ),
    "urgent for four days": (lambda d: case(d, priority="HIGH", opened=4), {"service_case_urgent": None}),
    "urgent for three days": (lambda d: case(d, priority="紧急", opened=3), {}),
    "urgent and idle is one finding": (
        lambda d: case(d, priority="urgent", opened=40, touched=30),
        {"service_case_urgent": None},
    ),
    "nobody answers for fifteen days": (lambda d: case(d, opened=40, touched=15), {"service_case_stale": None}),
    "answered a fortnight ago": (lambda d: case(d, opened=40, touched=14), {}),
    "closed": (lambda d: case(d, opened=400, touched=300, status="closed", priority="urgent"), {}),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    return judged(sqlite_template, tmp_path_factory.mktemp("cases"), CASES)


@pytest.mark.parametrize("name", CASES)
def test_a_case_has_its_findings_and_no_others(name: str, found: dict[str, list[Finding]]) -> None:
    assert amounts(found[name]) == CASES[name][1]


def test_the_sentence_names_the_money_that_waits(found: dict[str, list[Finding]]) -> None:
    (finding,) = found["about an overdue invoice"]
    assert "CNY 1,356.00 of the customer are overdue (INV-" in report.explain(finding, "en")["explanation"]
    assert "该客户逾期 CNY 1,356.00（INV-" in report.explain(finding, "zh-CN")["explanation"]
