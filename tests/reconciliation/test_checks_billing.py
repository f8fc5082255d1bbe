"""Bills: nothing that was done is left out, in its period, line by line, to the right customer, without a gap."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciliation import report
from state.findings import Finding
from tests.reconciliation.books import AS_OF, line
from tests.reconciliation.cases import Case, amounts, judged
from tests.reconciliation.deals import Deal, ago

OPEN = {"status": "issued", "open_amount": 1356, "due_date": ago(-9)}
LINES = [line("PUMP", 10, 100), line("VALVE", 4, 50)]
LAST_YEAR = {"source_updated_at": AS_OF - timedelta(days=300)}
NOTE = {"kind": "credit_note", "status": "paid", "net_amount": 1200, "gross_amount": 1356, "open_amount": 0}


def partly(deal: Deal, days: int, **invoice: Any) -> Deal:
    """Six pumps of ten were delivered; whatever of it is billed."""
    deal.set("order", status="in_progress", promised_delivery_date=ago(-9), order_date=ago(days + 5))
    deal.set("delivery", delivered_on=ago(days), lines=[{"sku": "PUMP", "quantity": 6}])
    deal.drop("payment")
    return deal.set("invoice", **{**OPEN, **invoice}) if invoice else deal.drop("invoice")


def services(deal: Deal, days: int, **fields: Any) -> Deal:
    """An order of installation work."""
    deal.documents["product"] = [
        {"source_id": f"WORK-{deal.n}", "sku": f"WORK{deal.n}", "name": "Installation", "kind": "service"}
    ]
    work = [line(f"WORK{deal.n}", 12, 100)]
    deal.drop("delivery", "invoice", "payment").set("quote", lines=work)
    at = {"status": "confirmed", "promised_delivery_date": None, "order_date": ago(days), "lines": work}
    return deal.set("order", **{**at, **fields})


def shown(deal: Deal, **fields: Any) -> Deal:
    """An open invoice, and what it looks like."""
    return deal.drop("payment").set("invoice", **{**OPEN, **fields})


def crossing(deal: Deal, delivered: int, billed: int) -> Deal:
    """Delivered and billed so many days ago (31 October: 31 is the last of September)."""
    deal.set("order", order_date=ago(delivered + 9), promised_delivery_date=ago(delivered))
    return deal.set("delivery", delivered_on=ago(delivered)).set("invoice", issue_date=ago(billed))


def undelivered(deal: Deal, days: int, **fields: Any) -> Deal:
    """Billed so many days ago, and nothing has gone out."""
    deal.drop("delivery", "payment").set("invoice", **{**OPEN, "issue_date": ago(days), **fields})
    return deal.set("order", status="in_progress", promised_delivery_date=ago(-9))


def lined(deal: Deal, order: dict[str, Any] | None = None, *invoice: dict[str, Any]) -> Deal:
    """Order and invoice with these lines; the sums stay as they are."""
    if order:
        deal.set("order", lines=[LINES[0] | order, LINES[1]])
    return deal.set("invoice", lines=list(invoice) or LINES)


def numbered(deal: Deal, *numbers: str, **fields: Any) -> Deal:
    """Further invoices that bill nothing and are void, only for their numbers."""
    for number in numbers:
        void = {"status": "void", "order_refs": [], "net_amount": 0, "gross_amount": 0}
        deal.also("invoice", f"I{number}", number=f"R{deal.n}/{number}", **{**void, **fields})
    return deal


def stranger(deal: Deal, systems: tuple[str, ...]) -> Deal:
    for system in systems:
        deal.also("party", "PX", system=system, number=None, name=f"Other {deal.n}", tax_id=f"9999000{deal.n:08d}")
    return deal.set("invoice", party_ref=f"id:PX-{deal.n}")


def terms(deal: Deal, *days: int | None) -> Deal:
    """What CRM, ERP and accounting have as the customer's days to pay; the invoice allows fifteen."""
    for party, number in zip(deal.documents["party"], days, strict=True):
        party["payment_terms_days"] = number
    return shown(deal, issue_date=ago(6), due_date=ago(-9))


def credited(deal: Deal, *amounts: int) -> Deal:
    """The invoice is corrected by credit notes of these gross amounts; the order was cancelled."""
    deal.drop("delivery", "payment").set("order", status="cancelled").set("quote", status="rejected")
    deal.set("opportunity", status="lost").set("invoice", status="reversed", open_amount=0)
    for number, amount in enumerate(amounts):
        more = {"gross_amount": amount, "net_amount": amount}
        deal.also("invoice", f"CN{number}", **{**NOTE, **more}, corrects_ref=f"no:INV-{deal.n}")
    return deal


def left_over(deal: Deal, days: int, **fields: Any) -> Deal:
    """An open invoice, and a credit note of 300 that nobody has set off."""
    shown(deal)
    note = {**NOTE, "status": "issued", "gross_amount": 300, "net_amount": 300, "open_amount": 300}
    return deal.also("invoice", "CN", **{**note, "issue_date": ago(days), "order_refs": [], **fields})


CASES: dict[str, Case] = {
    # leakage
    "six of ten delivered a month ago and not billed": (
        lambda d: partly(d, 30),
        {"order_partly_delivered_not_invoiced": 60000},
    ),
    "six of ten delivered and half of it billed": (
        lambda d: partly(d, 30, net_amount=300, gross_amount=339, open_amount=339),
        {"order_partly_delivered_not_invoiced": 30000},
    ),
    "six of ten delivered last week": (lambda d: partly(d, 7), {}),
    "six of ten delivered and billed": (
        lambda d: partly(d, 30, net_amount=600, gross_amount=678, open_amount=678),
        {},
    ),
    "services ordered forty-five days ago": (lambda d: services(d, 45), {"order_service_not_invoiced": 120000}),
    "services ordered lately": (lambda d: services(d, 44), {}),
    "services completed long ago": (
        lambda d: services(d, 60, status="completed", source_updated_at=AS_OF - timedelta(days=30)),
        {"order_delivered_not_invoiced": 120000},
    ),
    "a draft of a fortnight": (
        lambda d: numbered(d, "1", status="draft", issue_date=ago(14), net_amount=50, gross_amount=56),
        {"invoice_draft_stale": 5600},
    ),
    "a draft of last week": (
        lambda d: numbered(d, "1", status="draft", issue_date=ago(7), net_amount=50, gross_amount=56),
        {},
    ),
    "a draft instead of the invoice": (
        lambda d: d.drop("payment").set("invoice", status="draft"),
        {"order_delivered_not_invoiced": 120000},
    ),
    "issued and not sent": (
        lambda d: shown(d, sent_to_customer=False),
        {"invoice_not_sent": 135600},
    ),
    "not sent and paid all the same": (lambda d: d.set("invoice", sent_to_customer=False), {}),
    "not marked, though the CRM knows the day": (
        lambda d: shown(d, sent_to_customer=False).set("opportunity", invoice_sent_on=ago(17)),
        {},
    ),
    "no due date": (lambda d: shown(d, due_date=None), {"invoice_without_due_date": 135600}),
    "no due date and paid": (lambda d: d.set("invoice", due_date=None), {}),
    # cut-off
    "delivered in September, billed six days after": (
        lambda d: crossing(d, 33, 27),
        {"invoice_in_later_period": 120000},
    ),
    "delivered in September, billed five days after": (lambda d: crossing(d, 33, 28), {}),
    "delivered and billed late in one month": (lambda d: crossing(d, 29, 2), {}),
    "delivered in one month and billed in the next, long ago": (lambda d: crossing(d, 200, 150), {}),
    "billed in September, delivered in October": (
        lambda d: crossing(d, 20, 35),
        {"invoice_in_earlier_period": 120000},
    ),
    "a deposit in September": (
        lambda d: (
            crossing(d, 20, 35)
            .set("invoice", kind="deposit", net_amount=300, gross_amount=339)
            .also("invoice", "REST", kind="invoice", net_amount=900, gross_amount=1017, issue_date=ago(18))
            .put("payment", [d.money("PAY", 339, f"id:INV-{d.n}"), d.money("PAYB", 1017, f"id:REST-{d.n}")])
        ),
        {},
    ),
    "billed a month ago, not delivered": (lambda d: undelivered(d, 30), {"invoice_before_delivery": 120000}),
    "billed last week, not delivered": (lambda d: undelivered(d, 7), {}),
    "billed a month ago and late": (
        lambda d: undelivered(d, 30).set("order", promised_delivery_date=ago(9)),
        {"delivery_late": 120000},
    ),
    # documents
    "a bill for nothing that was ordered": (
        lambda d: d.also("invoice", "IX", order_refs=[], **OPEN),
        {"invoice_without_order": 135600},
    ),
    "billed to somebody else": (lambda d: stranger(d, ("erp", "books")), {"invoice_party_differs": 135600}),
    "billed to somebody whom the ERP does not know": (lambda d: stranger(d, ("books",)), {}),
    "due later than agreed": (
        lambda d: terms(d, None, 10, 15),
        {"invoice_terms_differ": 135600, "party_terms_differ": None},
    ),
    "due as agreed": (lambda d: terms(d, None, 15, 99) and terms(d, None, 15, 15), {}),
    "only accounting has terms": (lambda d: terms(d, None, None, 30), {"invoice_terms_differ": 135600}),
    "net and tax that do not make gross": (
        lambda d: d.set("invoice", tax_amount=150),
        {"invoice_total_differs": 600},
    ),
    "net and tax that make gross": (lambda d: d.set("invoice", tax_amount=156), {}),
    "three numbers are missing": (lambda d: numbered(d, "0001", "0005"), {"invoice_number_gap": None}),
    "no number is missing": (lambda d: numbered(d, "0001", "0002", "0003"), {}),
    "a deleted invoice holds its place": (
        lambda d: numbered(numbered(d, "0001", "0003"), "0002", deleted=True),
        {},
    ),
    "another series": (lambda d: numbered(d, "0001", "0901"), {}),
    # lines
    "the lines of the order": (lambda d: lined(d), {}),
    "a valve billed as two pumps": (
        lambda d: lined(d, None, line("PUMP", 12, 100)),
        {"order_invoice_lines": 120000},
    ),
    "other prices, the same sum": (
        lambda d: lined(d, None, line("PUMP", 10, 90), line("VALVE", 4, 75)),
        {"order_invoice_lines": 120000},
    ),
    "a line without a product": (lambda d: lined(d, None, line(None, 1, 1200)), {}),
    "split into two lines": (
        lambda d: lined(d, None, line("pump", 6, 100), line("PUMP", 4, 100), line("VALVE", 4, 50)),
        {},
    ),
    "another tax rate on a line": (
        lambda d: lined(d, {"tax_rate": "0.06"}, LINES[0] | {"tax_amount": 130}, LINES[1]),
        {"order_invoice_lines": 100000},
    ),
    "another tax in all": (lambda d: d.set("order", gross_amount=1272), {"order_invoice_tax": 8400}),
    "a tax that is off by rounding": (lambda d: d.set("order", gross_amount="1355.98"), {}),
    # credits and write-offs
    "billed more than ordered before delivery": (
        lambda d: (
            d.drop("delivery", "payment")
            .set("order", status="in_progress", promised_delivery_date=ago(-9))
            .set("invoice", **{**OPEN, "net_amount": 1500, "gross_amount": 1695, "open_amount": 1695})
        ),
        {"invoice_exceeds_order": 30000},
    ),
    "a credit note for nothing": (
        lambda d: d.also("invoice", "CX", **NOTE, order_refs=[], issue_date=ago(7)),
        {"credit_note_without_invoice": 135600},
    ),
    "a credit note of yesterday": (lambda d: d.also("invoice", "CX", **NOTE, order_refs=[], issue_date=ago(1)), {}),
    "credited in two parts, too much": (lambda d: credited(d, 1000, 400), {"credit_note_exceeds_invoice": 4400}),
    "credited in two parts": (lambda d: credited(d, 1000, 356), {}),
    "a credit of two months that nobody used": (
        lambda d: left_over(d, 60, corrects_ref="no:elsewhere"),
        {"credit_note_unused": 30000, "credit_note_without_invoice": 30000},
    ),
    "a credit of last month": (lambda d: left_over(d, 5), {}),
    "an invoice written off": (
        lambda d: d.drop("payment").set("invoice", status="written_off", open_amount=1356),
        {"write_off_large": 135600},
    ),
    "the small rest of an invoice written off": (
        lambda d: d.set("invoice", status="written_off", open_amount=56),
        {},
    ),
    "written off last year": (
        lambda d: d.drop("payment").set("invoice", status="written_off", open_amount=1356, **LAST_YEAR),
        {},
    ),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Finding]]:
    def sent(deal: Deal) -> Any:
        deal.set("invoice", sent_to_customer=True)

    cases: dict[str, Any] = {
        name: (lambda d, change=change: (sent(d), change(d)), {}) for name, (change, _) in CASES.items()
    }
    limits = {"checks": {"write_off_large": {"amount": 1356}}}
    return judged(sqlite_template, tmp_path_factory.mktemp("bills"), cases, reconciliation=limits)


@pytest.mark.parametrize("case", CASES)
def test_a_case_has_its_findings_and_no_others(case: str, found: dict[str, list[Finding]]) -> None:
    assert amounts(found[case]) == CASES[case][1]


@pytest.mark.parametrize(
    ("case", "english", "chinese"),
    [
        ("three numbers are missing", "3 numbers between", "缺少 3 个号码"),
        (
            "a valve billed as two pumps",
            "PUMP: quantity 10 ordered, 12 billed; VALVE: ordered (4) but not billed",
            "PUMP 数量：订单 10，发票 12",
        ),
        ("other prices, the same sum", "PUMP: price 100 ordered, 90 billed", "PUMP 单价：订单 100，发票 90"),
        ("another tax rate on a line", "PUMP: tax 60.00 ordered, 130.00 billed", "PUMP 税额：订单 60.00，发票 130.00"),
        ("due later than agreed", "15 days after its date; 10 were agreed", "即开票后 15 天；约定为 10 天"),
    ],
)
def test_the_sentence_says_what_is_wrong(
    case: str, english: str, chinese: str, found: dict[str, list[Finding]]
) -> None:
    first, *_ = CASES[case][1]
    (finding,) = (item for item in found[case] if item.check_id == first)
    assert english in report.explain(finding, "en")["explanation"]
    assert chinese in report.explain(finding, "zh-CN")["explanation"]
