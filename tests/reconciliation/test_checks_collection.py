"""Money that does not settle what it seems to: currencies, allocations, failures, refunds, chargebacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciliation import report
from state.findings import Finding
from tests.reconciliation.books import SYSTEMS
from tests.reconciliation.cases import Case, amounts, judged
from tests.reconciliation.deals import Deal, ago

ROLES = {**SYSTEMS, "cards": "payments"}
NOTE = {"kind": "credit_note", "status": "paid", "net_amount": 100, "gross_amount": 113, "open_amount": 0}


def unpaid(deal: Deal, due: int = -9) -> Deal:
    return deal.drop("payment").set("invoice", status="issued", open_amount=1356, due_date=ago(due))


def failed(deal: Deal, days: int, prefix: str = "TRY") -> Deal:
    """A card payment of the invoice that did not go through."""
    fields: dict[str, Any] = {
        "status": "failed",
        "received_on": ago(days),
        "system": "cards",
        "invoice_ref": f"no:INV-{deal.n}",
    }
    return deal.pay(prefix, 1356, **fields, order_refs=[])


def refunded(deal: Deal, amount: int) -> Deal:
    """A credit note over 113, and money given back for it."""
    deal.set("invoice", net_amount=1300, gross_amount=1469)
    deal.set("payment", amount=1469, lines=[{"invoice_ref": f"id:INV-{deal.n}", "amount": 1469}])
    deal.also("invoice", "CN", **NOTE, corrects_ref=f"no:INV-{deal.n}")
    return deal.pay("REF", amount, f"id:CN-{deal.n}", kind="refund", direction="out")


def disputed(deal: Deal, status: str, days: int = 5, **fields: Any) -> Deal:
    given = {"kind": "chargeback", "direction": "out", "status": status, "received_on": ago(days), "system": "cards"}
    return deal.pay("DIS", 1356, **{**given, "order_refs": [], "invoice_ref": f"no:INV-{deal.n}", **fields})


CASES: dict[str, Case] = {
    "paid in another currency": (
        lambda d: unpaid(d).pay("PX", 190, f"id:INV-{d.n}", currency="USD", order_refs=[]),
        {"payment_currency_differs": 19000},
    ),
    "allocated beyond what came": (
        lambda d: d.set(
            "payment", amount=1000, lines=[{"invoice_ref": f"id:INV-{d.n}", "amount": 1356}], unapplied_amount=0
        ),
        {"payment_over_allocated": 35600},
    ),
    "allocated by half": (
        lambda d: d.pay("PY", 500, kind="overpayment", unapplied_amount=0, order_refs=[]),
        {},
    ),
    "a card that was refused": (lambda d: failed(unpaid(d), 3), {"payment_failed": 135600}),
    "refused twice is told of once": (
        lambda d: failed(failed(unpaid(d), 6), 3, "TRYB"),
        {"payment_failed": 135600},
    ),
    "refused and paid later": (lambda d: failed(d, 8), {}),
    "refused long ago": (lambda d: failed(unpaid(d), 31), {}),
    "refused and overdue": (lambda d: failed(unpaid(d, 4), 3), {"invoice_overdue": 135600}),
    "given back as credited": (lambda d: refunded(d, 113), {}),
    "more given back than ever came": (lambda d: refunded(d, 1600), {"refund_exceeds_payment": 13100}),
    "disputed and not answered": (lambda d: disputed(d, "pending"), {"chargeback_open": 135600}),
    "disputed today": (lambda d: disputed(d, "pending", 0), {}),
    "disputed and won": (lambda d: disputed(d, "cancelled"), {}),
    "lost, and the invoice still paid": (
        lambda d: disputed(d, "received", unapplied_amount=0),
        {"chargeback_not_booked": 135600},
    ),
    "lost, and the invoice open again": (
        lambda d: disputed(d, "received", unapplied_amount=0).set(
            "invoice", status="issued", open_amount=1356, due_date=ago(-9)
        ),
        {"payment_underpaid": 135600},
    ),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    systems = {name: {"connector": "none", "roles": [role]} for name, role in ROLES.items()}
    return judged(sqlite_template, tmp_path_factory.mktemp("money"), CASES, systems=systems)


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_findings_and_no_others(case: str, found: dict[str, list[Finding]]) -> None:
    assert amounts(found[case]) == CASES[case][1]


@pytest.mark.parametrize(
    ("case", "english", "chinese"),
    [
        ("paid in another currency", "Payment PX", "币种为 CNY 的发票"),
        ("allocated beyond what came", "CNY 1,356.00 of it are allocated", "已核销 CNY 1,356.00"),
        ("more given back than ever came", "CNY 1,469.00 came in and CNY 1,600.00 went out", "付出 CNY 1,600.00"),
    ],
)
def test_the_sentence_says_what_is_wrong(
    case: str, english: str, chinese: str, found: dict[str, list[Finding]]
) -> None:
    (finding,) = found[case]
    assert english in report.explain(finding, "en")["explanation"]
    assert chinese in report.explain(finding, "zh-CN")["explanation"]
