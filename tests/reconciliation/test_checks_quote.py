"""Quotes: their validity, what their sellers may offer, whether they add up, and the order line by line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from reconciliation import report
from state.findings import Finding
from tests.reconciliation.books import AS_OF, line
from tests.reconciliation.cases import Case, amounts, judged
from tests.reconciliation.deals import Deal, ago

GOODS = [line("PUMP", 10, 100), line("VALVE", 4, 50)]


def quoted(deal: Deal, status: str = "sent", **fields: object) -> Deal:
    """An open opportunity with a quote and nothing after it."""
    deal.drop("order", "delivery", "invoice", "payment")
    deal.set("opportunity", status="open", expected_close_date=ago(-20), source_updated_at=AS_OF)
    return deal.set("quote", status=status, issue_date=ago(10), **fields)


def won(deal: Deal, **fields: object) -> Deal:
    return quoted(deal, "accepted", **fields).set("opportunity", status="won", expected_close_date=ago(1))


def ordered(deal: Deal, quote: dict[str, object], order: dict[str, object]) -> Deal:
    """A quote and its order, not delivered yet."""
    deal.drop("delivery", "invoice", "payment").set("quote", lines=[GOODS[0] | quote, GOODS[1]])
    running = {"status": "in_progress", "promised_delivery_date": ago(-9), "order_date": ago(10)}
    return deal.set("order", lines=[GOODS[0] | order, GOODS[1]], **running)


LIMITS = {"quote_over_authority": {"limit": 1000, "owners": {"berta": 5000}}}
CASES: dict[str, Case] = {
    # validity
    "valid until eight days ago": (lambda d: quoted(d, valid_until=ago(8)), {"quote_expired_open": 120000}),
    "valid until a week ago": (lambda d: quoted(d, valid_until=ago(7)), {}),
    "expired and said to be": (lambda d: quoted(d, "expired", valid_until=ago(80)), {}),
    "expired and the deal is lost": (
        lambda d: quoted(d, valid_until=ago(80)).set("opportunity", status="lost"),
        {},
    ),
    "a draft of two months": (lambda d: quoted(d, "draft").set("quote", issue_date=ago(60)), {"quote_stale": 120000}),
    "a draft not yet of two months": (lambda d: quoted(d, "draft").set("quote", issue_date=ago(59)), {}),
    "approved, never sent, expired": (
        lambda d: quoted(d, "approved", valid_until=ago(30)).set("quote", issue_date=ago(90)),
        {"quote_expired_open": 120000},
    ),
    "ordered the day after it expired": (
        lambda d: d.set("quote", valid_until=ago(39)),
        {"quote_order_expired": 120000},
    ),
    "ordered on its last day": (lambda d: d.set("quote", valid_until=ago(38)), {}),
    # authority
    "above the limit and not approved": (
        lambda d: quoted(d, approval_state="not_required", owner_ref="anna"),
        {"quote_over_authority": 120000},
    ),
    "within the seller's own limit": (
        lambda d: quoted(d, approval_state="not_required", owner_ref="berta"),
        {},
    ),
    "above the limit and approved": (lambda d: quoted(d, owner_ref="anna"), {}),
    "at the limit": (
        lambda d: quoted(d, approval_state=None, net_amount=1000, lines=GOODS[:1]),
        {},
    ),
    "above the limit only in base currency": (
        lambda d: quoted(d, approval_state=None, currency="USD", net_amount=200, lines=GOODS[1:]),
        {"quote_over_authority": 20000},
    ),
    "above the limit and its approval is pending": (
        lambda d: won(d, approval_state="pending"),
        {"quote_without_approval": 120000},
    ),
    "a discount of forty per cent": (
        lambda d: quoted(
            d,
            owner_ref="berta",
            approval_state="not_required",
            net_amount=800,
            lines=[line("PUMP", 10, 100, discount_rate="0.4") | {"net_amount": 600}, GOODS[1]],
        ),
        {"quote_discount_over_limit": 40000},
    ),
    "a discount of thirty per cent": (
        lambda d: quoted(
            d,
            owner_ref="berta",
            approval_state="not_required",
            net_amount=900,
            lines=[line("PUMP", 10, 100, discount_rate="0.3") | {"net_amount": 700}, GOODS[1]],
        ),
        {},
    ),
    "a discount that was approved": (
        lambda d: quoted(
            d,
            net_amount=800,
            lines=[line("PUMP", 10, 100, discount_rate="0.4") | {"net_amount": 600}, GOODS[1]],
        ),
        {},
    ),
    # products and sums
    "a product that the ERP does not know": (
        lambda d: quoted(d, lines=[GOODS[0], line("GADGET", 4, 50)]),
        {"quote_product_unknown": 20000},
    ),
    "lines that come to less": (
        lambda d: quoted(d, lines=[GOODS[0], line("VALVE", 3, 50)]),
        {"quote_total_differs": 5000},
    ),
    "lines that are off by their rounding": (
        lambda d: quoted(d, lines=[GOODS[0], line("VALVE", 4, "50.015")]),
        {},
    ),
    "a draft may still be wrong": (lambda d: quoted(d, "draft", lines=GOODS[:1]), {}),
    # the order, line by line
    "another unit": (lambda d: ordered(d, {"unit": "piece"}, {"unit": "箱"}), {"quote_order_lines": 0}),
    "the same unit by another word": (lambda d: ordered(d, {"unit": "Each"}, {"unit": "件"}), {}),
    "a unit that nobody knows": (lambda d: ordered(d, {"unit": "piece"}, {"unit": "rack"}), {}),
    "another discount": (
        lambda d: (
            ordered(
                d,
                {"discount_rate": "0.1", "net_amount": 900},
                {"discount_rate": "0.2", "net_amount": 800},
            )
            .set("order", net_amount=1000)
            .set("quote", net_amount=1100)
            .set("opportunity", expected_amount=1100)
        ),
        {"quote_order_lines": 10000},
    ),
    "another tax": (
        lambda d: ordered(d, {"tax_rate": "0.13"}, {"tax_rate": "0.06"}),
        {"quote_order_lines": 7000},
    ),
    "the same tax, once as a rate and once as money": (
        lambda d: ordered(d, {"tax_rate": "0.13"}, {"tax_amount": "130.02"}),
        {},
    ),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    def with_products(deal: Deal) -> Any:
        deal.documents["product"] = [
            {"source_id": f"{sku}-{deal.n}", "sku": sku.lower(), "name": sku, "kind": "goods", "status": "active"}
            for sku in ("PUMP", "VALVE", "HOSE")
        ]

    cases: dict[str, Any] = {
        name: (lambda d, change=change: (with_products(d), change(d)), {}) for name, (change, _) in CASES.items()
    }
    folder = tmp_path_factory.mktemp("quotes")
    return judged(
        sqlite_template,
        folder,
        cases,
        reconciliation={"checks": {**LIMITS, "product_duplicate_sku": {"enabled": False}}},
    )


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_findings_and_no_others(case: str, found: dict[str, list[Finding]]) -> None:
    assert amounts(found[case]) == CASES[case][1]


@pytest.mark.parametrize(
    ("case", "english", "chinese"),
    [
        ("above the limit and not approved", "may offer up to CNY 1,000.00 alone", "权限为 CNY 1,000.00"),
        ("a discount of forty per cent", "gives 40 % on PUMP", "对 PUMP 给予 40 % 折扣"),
        ("another unit", "PUMP: unit C62 quoted, XCT ordered", "PUMP 计量单位：报价 C62，订单 XCT"),
        ("another discount", "PUMP: discount 10 % quoted, 20 % ordered", "PUMP 折扣：报价 10 %，订单 20 %"),
        ("another tax", "PUMP: tax 130.00 quoted, 60.00 ordered", "PUMP 税额：报价 130.00，订单 60.00"),
    ],
)
def test_the_sentence_says_what_is_wrong(
    case: str, english: str, chinese: str, found: dict[str, list[Finding]]
) -> None:
    (finding,) = found[case]
    assert english in report.explain(finding, "en")["explanation"]
    assert chinese in report.explain(finding, "zh-CN")["explanation"]
