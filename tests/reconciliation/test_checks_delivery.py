"""Deliveries: for an order, no more than was ordered, not lost on the way, and credited when they come back."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciliation import report
from state.findings import Finding
from tests.reconciliation.cases import Case, amounts, judged
from tests.reconciliation.deals import Deal, ago


def goods(pump: int, valve: int) -> list[dict[str, object]]:
    return [{"sku": "PUMP", "quantity": pump}, {"sku": "VALVE", "quantity": valve}]


def returned(deal: Deal, days: int) -> Deal:
    """Two pumps came back."""
    back = {
        "kind": "return",
        "status": "returned",
        "delivered_on": ago(days),
        "lines": [{"sku": "PUMP", "quantity": 2}],
    }
    return deal.also("delivery", "RT", **back)


CREDIT = {"kind": "credit_note", "status": "paid", "net_amount": 200, "gross_amount": 226, "open_amount": 0}
CREDIT |= {"issue_date": ago(13)}


def unscheduled(deal: Deal, days: int, **fields: object) -> Deal:
    at = {"status": "confirmed", "promised_delivery_date": None, "order_date": ago(days)}
    return deal.drop("delivery", "invoice", "payment").set("order", **{**at, **fields})


CASES: dict[str, Case] = {
    "a delivery that names no order": (
        lambda d: d.also("delivery", "DX", order_refs=[], lines=goods(1, 0)),
        {"delivery_without_order": None},
    ),
    "one that is not out yet": (lambda d: d.also("delivery", "DX", order_refs=[], status="ready"), {}),
    "three valves too many": (
        lambda d: d.set("delivery", lines=goods(10, 7)),
        {"delivery_exceeds_order": 15000},
    ),
    "the surplus came back": (
        lambda d: (
            d.set("delivery", lines=goods(12, 4)).also(
                "delivery", "RT", kind="return", status="delivered", lines=[{"sku": "PUMP", "quantity": 2}]
            ),
            d.drop("invoice", "payment").set("order", status="in_progress"),
            d.set("delivery", delivered_on=ago(2)),
            d.documents["delivery"][1].update(delivered_on=ago(2)),
        ),
        {},
    ),
    "a product that nobody ordered": (
        lambda d: d.set("delivery", lines=[*goods(10, 4), {"sku": "HOSE", "quantity": 1}]),
        {"delivery_exceeds_order": 0},
    ),
    "two deliveries of one order": (
        lambda d: d.set("delivery", lines=goods(6, 0)).also("delivery", "D2", lines=goods(4, 4)),
        {},
    ),
    "back for a fortnight and not credited": (
        lambda d: returned(d, 14),
        {"delivery_return_not_credited": 20000},
    ),
    "back since yesterday": (lambda d: returned(d, 1), {}),
    "back and credited": (
        lambda d: (
            returned(d, 14)
            .also("invoice", "CN", **CREDIT, corrects_ref=f"no:INV-{d.n}")
            .also("invoice", "INVB", net_amount=200, gross_amount=226, open_amount=0)
            .pay("PAYB", 226, f"id:INVB-{d.n}")
        ),
        {},
    ),
    "back and not billed at all": (
        lambda d: returned(d, 14).drop("invoice", "payment").set("delivery", delivered_on=ago(2)),
        {},
    ),
    "shipped a month ago and not arrived": (
        lambda d: (
            d.drop("invoice", "payment")
            .set("order", status="in_progress", promised_delivery_date=ago(-3))
            .set("delivery", status="shipped", shipped_on=ago(30), delivered_on=None)
        ),
        {"delivery_in_transit_long": None},
    ),
    "shipped last week": (
        lambda d: (
            d.drop("invoice", "payment")
            .set("order", status="in_progress", promised_delivery_date=ago(-3))
            .set("delivery", status="shipped", shipped_on=ago(7), delivered_on=None)
        ),
        {},
    ),
    "never promised": (lambda d: unscheduled(d, 45), {"delivery_unscheduled": 120000}),
    "not promised yet": (lambda d: unscheduled(d, 44), {}),
    "promised": (lambda d: unscheduled(d, 45, promised_delivery_date=ago(-3)), {}),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    return judged(sqlite_template, tmp_path_factory.mktemp("deliveries"), CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_findings_and_no_others(case: str, found: dict[str, list[Finding]]) -> None:
    assert amounts(found[case]) == CASES[case][1]


@pytest.mark.parametrize(
    ("case", "english", "chinese"),
    [
        ("three valves too many", "VALVE: 4 ordered, 7 delivered", "VALVE：订货 4，交付 7"),
        ("a product that nobody ordered", "HOSE: not ordered, 1 delivered", "HOSE：未订货，交付 1"),
        ("back for a fortnight and not credited", "worth CNY 200.00 came back", "价值 CNY 200.00 的货物"),
    ],
)
def test_the_sentence_says_what_is_wrong(
    case: str, english: str, chinese: str, found: dict[str, list[Finding]]
) -> None:
    (finding,) = found[case]
    assert english in report.explain(finding, "en")["explanation"]
    assert chinese in report.explain(finding, "zh-CN")["explanation"]


def test_an_erp_whose_deliveries_name_no_orders_is_left_alone(sqlite_template: Path, tmp_path: Path) -> None:
    cases: dict[str, Case] = {
        str(number): (
            lambda d: d.drop("invoice", "payment").set("delivery", order_refs=[]).set("order", status="draft"),
            {},
        )
        for number in range(3)
    }
    found = judged(sqlite_template, tmp_path, cases)
    assert "delivery_without_order" not in {item.check_id for items in found.values() for item in items}
