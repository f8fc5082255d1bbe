"""Orders: entered once, for the right customer, within credit, confirmed, and delivered as they say."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reconciliation import report
from state.findings import Finding
from tests.reconciliation.books import AS_OF, line
from tests.reconciliation.cases import Case, amounts, judged
from tests.reconciliation.deals import Deal, ago

PUMPS = [line("PUMP", 10, 100)]
FOUR = [{"sku": "PUMP", "quantity": 4}]


def running(deal: Deal, **fields: object) -> Deal:
    """Confirmed, promised for later, nothing shipped."""
    at = {"status": "in_progress", "promised_delivery_date": ago(-9), "order_date": ago(10)}
    return deal.drop("delivery", "invoice", "payment").set("order", **{**at, **fields})


def twice(deal: Deal, **fields: object) -> Deal:
    """The same order entered a second time for the same quote."""
    return running(deal).also("order", "SB", **fields)


def by_purchase_order(deal: Deal, second: str, **fields: object) -> Deal:
    """Two quotes of one deal, each with its order, both with the customer's number."""
    running(deal, customer_po_number="4500-77").also("quote", "QB")
    deal.set("opportunity", expected_amount=2400)
    return deal.also("order", "SB", quote_ref=f"no:QB-{deal.n}", customer_po_number=second, **fields)


def draft(deal: Deal, days: int, **fields: object) -> Deal:
    """An order that was never confirmed, and the deal still open."""
    deal.drop("delivery", "invoice", "payment").set("quote", status="sent")
    deal.set("opportunity", status="open", expected_close_date=ago(-20), source_updated_at=AS_OF)
    return deal.set("order", **{"status": "submitted", "order_date": ago(days), **fields})


def other_customer(deal: Deal, systems: tuple[str, ...]) -> Deal:
    """The order names another party, which these systems know."""
    for system in systems:
        deal.also("party", "PX", system=system, number=None, name=f"Other {deal.n}", tax_id=f"9999000{deal.n:08d}")
    return running(deal, party_ref=f"id:PX-{deal.n}")


def limited(deal: Deal, limit: int, currency: str = "CNY") -> Deal:
    """The ERP's party has a credit limit."""
    deal.documents["party"][1] |= {"credit_limit": limit, "currency": currency}
    return deal


def owing(deal: Deal, limit: int) -> Deal:
    """An open invoice of 1,356 and another running order of 1,000 net, 1,130 gross."""
    limited(deal, limit).drop("payment").set("invoice", status="issued", open_amount=1356, due_date=ago(-9))
    deal.also("quote", "QB", net_amount=1000, lines=PUMPS).set("opportunity", expected_amount=2200)
    more = {"net_amount": 1000, "gross_amount": 1130, "lines": PUMPS, "promised_delivery_date": ago(-9)}
    return deal.also("order", "SB", quote_ref=f"no:QB-{deal.n}", status="confirmed", order_date=ago(2), **more)


def cancelled(deal: Deal, *dropped: str) -> Deal:
    """Cancelled in the ERP, and lost in the CRM; what is not dropped went on all the same."""
    deal.set("order", status="cancelled").set("quote", status="rejected").set("opportunity", status="lost")
    return deal.drop(*dropped)


def billed(deal: Deal) -> Deal:
    """Its invoice is not due yet, and nothing is paid."""
    return deal.set("invoice", status="issued", open_amount=1356, due_date=ago(-5))


CASES: dict[str, Case] = {
    # twice
    "entered twice for one quote": (twice, {"order_duplicate": 120000}),
    "one quote in two orders of different size": (
        lambda d: twice(d, net_amount=200, lines=[line("VALVE", 4, 50)]).set("order", net_amount=1000, lines=PUMPS),
        {},
    ),
    "one of the two was cancelled": (lambda d: twice(d, status="cancelled"), {}),
    "one purchase order entered twice": (lambda d: by_purchase_order(d, " 4500-77 "), {"order_duplicate": 120000}),
    "a frame order drawn on later": (lambda d: by_purchase_order(d, "4500-77", order_date=ago(41)), {}),
    "two purchase orders": (lambda d: by_purchase_order(d, "4500-78"), {}),
    # sums
    "an order that does not add up": (
        lambda d: running(d, net_amount=1250),
        {"order_total_differs": 5000},
    ),
    # never confirmed
    "sixty days a draft": (lambda d: draft(d, 60), {"order_draft_stale": 120000}),
    "fifty-nine days a draft": (lambda d: draft(d, 59), {}),
    "on hold for a month": (
        lambda d: running(d, status="on_hold", source_updated_at=AS_OF - timedelta(days=30)),
        {"order_on_hold": 120000},
    ),
    "on hold since last week": (
        lambda d: running(d, status="on_hold", source_updated_at=AS_OF - timedelta(days=7)),
        {},
    ),
    # the customer
    "for another customer that both systems know": (
        lambda d: other_customer(d, ("crm", "erp")),
        {"order_party_differs": 120000},
    ),
    "for another customer that only the ERP knows": (lambda d: other_customer(d, ("erp",)), {}),
    "above the credit limit": (lambda d: owing(d, 2000), {"order_over_credit_limit": 48600}),
    "at the credit limit": (lambda d: owing(d, 2486), {}),
    "a limit in another currency": (lambda d: limited(owing(d, 0), 300, "USD"), {"order_over_credit_limit": 35600}),
    "no limit": (lambda d: owing(d, 0), {}),
    # cancelled, and it went on
    "cancelled but delivered": (
        lambda d: cancelled(d, "invoice", "payment"),
        {"order_cancelled_but_active": 120000},
    ),
    "cancelled but delivered and billed": (
        lambda d: billed(cancelled(d, "payment")),
        {"order_cancelled_but_active": 120000},
    ),
    "cancelled, and what was delivered came back": (
        lambda d: cancelled(d, "invoice", "payment").set("delivery", kind="return"),
        {},
    ),
    # delivery
    "delivered before it was confirmed": (
        lambda d: draft(d, 70).put("delivery", Deal(d.n).documents["delivery"]),
        {"status_delivery_order": 120000},
    ),
    "completed with a rest": (
        lambda d: d.drop("invoice", "payment").set("delivery", lines=[{"sku": "PUMP", "quantity": 10}]),
        {"status_order_delivery": 20000},
    ),
    "in progress with a rest": (
        lambda d: running(d).put("delivery", Deal(d.n).documents["delivery"]).set("delivery", lines=FOUR),
        {},
    ),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    return judged(sqlite_template, tmp_path_factory.mktemp("orders"), CASES)


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_findings_and_no_others(case: str, found: dict[str, list[Finding]]) -> None:
    assert amounts(found[case]) == CASES[case][1]


@pytest.mark.parametrize(
    ("case", "english", "chinese"),
    [
        ("entered twice for one quote", "name the same quote", "对应同一报价单"),
        ("one purchase order entered twice", "name the same purchase order number", "对应同一客户采购单号"),
        (
            "above the credit limit",
            "owes CNY 1,356.00 and has running orders over CNY 1,130.00",
            "信用额度为 CNY 2,000.00",
        ),
        ("for another customer that both systems know", "is for Other ", "的客户为 Other "),
    ],
)
def test_the_sentence_says_what_is_wrong(
    case: str, english: str, chinese: str, found: dict[str, list[Finding]]
) -> None:
    (finding,) = found[case]
    assert english in report.explain(finding, "en")["explanation"]
    assert chinese in report.explain(finding, "zh-CN")["explanation"]


@pytest.mark.parametrize(
    ("case", "english", "chinese"),
    [
        ("cancelled but delivered", "is cancelled, yet it was delivered.", "已取消，但仍已交付。"),
        (
            "cancelled but delivered and billed",
            "is cancelled, yet it was delivered and invoiced.",
            "已取消，但仍已交付、已开票。",
        ),
    ],
)
def test_of_a_cancelled_order_that_was_delivered_the_advice_is_to_take_back_the_goods_and_to_credit_what_was_invoiced(
    case: str, english: str, chinese: str, found: dict[str, list[Finding]]
) -> None:
    (finding,) = found[case]
    said, told = report.explain(finding, "en"), report.explain(finding, "zh-CN")
    assert (said["explanation"].endswith(english), told["explanation"].endswith(chinese)) == (True, True), (said, told)
    for advice in ("reinstate the order", "take back goods that were delivered", "credit what was invoiced"):
        assert advice in said["action"]
    for advice in ("恢复订单", "对已交付的货物安排退货", "对已开的发票红冲"):
        assert advice in told["action"]
    assert {record.entity for record in finding.records} >= {"order", "delivery"}, "what is to be taken back"
