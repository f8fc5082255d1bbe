"""The pipeline: dates that passed, deals that lie idle, deals without money, deals that are there twice."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from state.findings import Finding
from tests.reconciliation.books import AS_OF
from tests.reconciliation.cases import Case, amounts, judged
from tests.reconciliation.deals import Deal, ago


def pipeline(deal: Deal, **fields: object) -> Deal:
    """An open opportunity and nothing after it."""
    deal.drop("quote", "order", "delivery", "invoice", "payment")
    at = {"expected_close_date": ago(-20), "source_updated_at": AS_OF, "source_created_at": AS_OF}
    return deal.set("opportunity", **{"status": "open", **at, **fields})


def offered(deal: Deal, status: str = "sent", **fields: object) -> Deal:
    """An open opportunity whose quote is out."""
    deal.drop("order", "delivery", "invoice", "payment").set("quote", status=status, issue_date=ago(5))
    return deal.set("opportunity", status="open", expected_close_date=ago(-20), source_updated_at=AS_OF, **fields)


def twins(deal: Deal, days: int = 0, **fields: object) -> Deal:
    pipeline(deal)
    return deal.also("opportunity", "OB", **{"source_created_at": AS_OF - timedelta(days=days), **fields})


CASES: dict[str, Case] = {
    "open and on its way": (pipeline, {}),
    "expected fifteen days ago": (
        lambda d: pipeline(d, expected_close_date=ago(15)),
        {"opportunity_close_date_past": 120000},
    ),
    "on hold past its date": (
        lambda d: pipeline(d, expected_close_date=ago(15), status="on_hold"),
        {"opportunity_close_date_past": 120000},
    ),
    "expected fourteen days ago": (lambda d: pipeline(d, expected_close_date=ago(14)), {}),
    "past its date and its order runs": (
        lambda d: d.set("opportunity", status="open", expected_close_date=ago(90)),
        {"status_opportunity_order": 120000},
    ),
    "untouched for 121 days": (
        lambda d: pipeline(d, source_updated_at=AS_OF - timedelta(days=121)),
        {"opportunity_stale": 120000},
    ),
    "untouched for 120 days": (lambda d: pipeline(d, source_updated_at=AS_OF - timedelta(days=120)), {}),
    "on hold rests on purpose": (
        lambda d: pipeline(d, status="on_hold", source_updated_at=AS_OF - timedelta(days=300)),
        {},
    ),
    "idle and past its date is one finding": (
        lambda d: pipeline(d, expected_close_date=ago(90), source_updated_at=AS_OF - timedelta(days=300)),
        {"opportunity_close_date_past": 120000},
    ),
    "negotiated without an amount": (
        lambda d: pipeline(d, expected_amount=None, stage="negotiate"),
        {"opportunity_without_amount": None},
    ),
    "quoted without an amount": (lambda d: offered(d, expected_amount=0), {"opportunity_without_amount": 120000}),
    "a first talk needs no amount": (lambda d: pipeline(d, expected_amount=None, stage="qualify"), {}),
    "two of one customer over the same amount": (
        lambda d: twins(d, days=30),
        {"opportunity_duplicate": 120000},
    ),
    "two of one customer a season apart": (lambda d: twins(d, days=31), {}),
    "two of one customer over different amounts": (lambda d: twins(d, expected_amount=1201), {}),
    "one of the two is lost": (lambda d: twins(d, status="lost"), {}),
    "lost though the customer accepted": (
        lambda d: offered(d, status="accepted").set("opportunity", status="lost"),
        {"status_opportunity_quote": 120000},
    ),
    "lost with a quote that was refused": (
        lambda d: offered(d, status="rejected").set("opportunity", status="lost"),
        {},
    ),
    "lost, accepted, and the order runs": (
        lambda d: d.set("opportunity", status="lost"),
        {"status_opportunity_order": 120000},
    ),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    return judged(sqlite_template, tmp_path_factory.mktemp("opportunities"), CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_findings_and_no_others(case: str, found: dict[str, list[Finding]]) -> None:
    assert amounts(found[case]) == CASES[case][1]
