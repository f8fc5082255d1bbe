"""Each check fires when it should, is silent when it should not, and leaves one fault one finding."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciliation import report
from reconciliation.engine import reconcile
from state import findings
from state.findings import Finding
from state.store import open_store
from tests.reconciliation.books import AS_OF, Books, line, settings
from tests.reconciliation.cases import NUMBERS
from tests.reconciliation.deals import Change, Deal, ago

SMALL = [line("PUMP", 10, 100)]
UNPAID = {"status": "issued", "open_amount": 1356}


def credit(deal: Deal, net: int = 1200, gross: int = 1356, corrects: str = "INV") -> Deal:
    fields = {"kind": "credit_note", "status": "paid", "net_amount": net, "gross_amount": gross, "open_amount": 0}
    return deal.also("invoice", "CN", corrects_ref=f"no:{corrects}-{deal.n}", **fields)


def running(deal: Deal) -> Deal:
    """Confirmed, promised for later, nothing shipped."""
    return deal.drop("delivery", "invoice", "payment").set(
        "order", status="in_progress", promised_delivery_date=ago(-9), order_date=ago(10)
    )


def delivered(deal: Deal, days: int) -> Deal:
    return deal.drop("invoice", "payment").set("delivery", delivered_on=ago(days))


def alone(deal: Deal) -> Deal:
    """An order nobody quoted stays out of the other checks' way."""
    return deal.drop("opportunity", "quote", "delivery", "invoice", "payment")


def cancelled(deal: Deal) -> Deal:
    return deal.set("order", status="cancelled").set("quote", status="rejected").set("opportunity", status="lost")


CASES: dict[str, tuple[Change, set[str]]] = {
    "a healthy deal has no finding": (lambda d: d, set()),
    # opportunity
    "won without any quote": (
        lambda d: d.drop("quote", "order", "delivery", "invoice", "payment"),
        {"opportunity_won_without_quote"},
    ),
    "won while the quote is only sent": (
        lambda d: d.set("quote", status="sent").drop("order", "delivery", "invoice", "payment"),
        {"opportunity_won_without_quote"},
    ),
    "won three days ago and no order": (
        lambda d: d.drop("order", "delivery", "invoice", "payment").set("opportunity", expected_close_date=ago(3)),
        {"opportunity_won_without_order"},
    ),
    "won two days ago is too fresh": (
        lambda d: d.drop("order", "delivery", "invoice", "payment").set("opportunity", expected_close_date=ago(2)),
        set(),
    ),
    "won and its order was cancelled": (
        lambda d: d.set("order", status="cancelled").drop("delivery", "invoice", "payment"),
        {"opportunity_won_without_order"},
    ),
    "an order linked to the opportunity itself will do, but it follows from no quote": (
        lambda d: d.set("order", quote_ref=None, opportunity_ref=f"ext:OP-{d.n}"),
        {"order_without_quote"},
    ),
    # quote
    "opportunity off by more than the tolerance": (
        lambda d: d.set("opportunity", expected_amount="1200.06"),
        {"opportunity_quote_amount"},
    ),
    "opportunity off by the tolerance": (lambda d: d.set("opportunity", expected_amount="1200.05"), set()),
    "an amount with tax compares with gross": (
        lambda d: d.set("opportunity", expected_amount=1356, amount_includes_tax=True),
        set(),
    ),
    "opportunity in another currency": (
        lambda d: d.set("opportunity", currency="USD"),
        {"opportunity_quote_amount"},
    ),
    "two accepted quotes add up": (
        lambda d: (
            d.set("quote", net_amount=1000, lines=SMALL)
            .also("quote", "QB", net_amount=200, lines=[line("VALVE", 4, 50)])
            .set("order", net_amount=1000, lines=SMALL)
            .set("invoice", net_amount=1000)
            .set("delivery", lines=[{"sku": "PUMP", "quantity": 10}])
        ),
        set(),
    ),
    "accepted while approval is pending": (
        lambda d: d.set("quote", approval_state="pending"),
        {"quote_without_approval"},
    ),
    "accepted though approval was refused": (
        lambda d: d.set("quote", approval_state="rejected"),
        {"quote_without_approval"},
    ),
    "no approval needed": (lambda d: d.set("quote", approval_state="not_required"), set()),
    # order
    "another quantity": (
        lambda d: running(d).set("order", lines=[line("PUMP", 11, 100), line("VALVE", 4, 50)]),
        {"quote_order_lines"},
    ),
    "another price": (
        lambda d: running(d).set("order", lines=[line("PUMP", 10, 101), line("VALVE", 4, 50)]),
        {"quote_order_lines"},
    ),
    "another product": (
        lambda d: running(d).set("order", lines=[line("PUMP", 10, 100), line("HOSE", 4, 50)]),
        {"quote_order_lines"},
    ),
    "a product more": (
        lambda d: running(d).set("order", lines=[*d.documents["order"][0]["lines"], line("HOSE", 1, 1)]),
        {"quote_order_lines"},
    ),
    "another currency": (lambda d: running(d).set("order", currency="USD"), {"quote_order_lines"}),
    "the same in another order and split": (
        lambda d: running(d).set("order", lines=[line("valve", 4, 50), line("PUMP", 6, 100), line("PUMP", 4, 100)]),
        set(),
    ),
    "a price that differs within the tolerance": (
        lambda d: running(d).set("order", lines=[line("PUMP", 10, "100.005"), line("VALVE", 4, 50)]),
        set(),
    ),
    "a discount instead of a lower price": (
        lambda d: running(d).set(
            "order",
            lines=[line("PUMP", 10, 200, discount_rate="0.5") | {"net_amount": 1000}, line("VALVE", 4, 50)],
        ),
        set(),
    ),
    "one quote in two orders": (
        lambda d: (
            running(d)
            .set("order", lines=SMALL, net_amount=1000)
            .also("order", "SOB", lines=[line("VALVE", 4, 50)], net_amount=200)
        ),
        set(),
    ),
    "no quote": (
        lambda d: alone(d).set("order", quote_ref=None, status="confirmed", promised_delivery_date=ago(-5)),
        {"order_without_quote"},
    ),
    "a draft needs no quote": (lambda d: alone(d).set("order", quote_ref=None, status="draft"), set()),
    "a cancelled order needs no quote": (lambda d: alone(d).set("order", quote_ref=None, status="cancelled"), set()),
    "cancelled and at rest": (lambda d: cancelled(d).drop("delivery", "invoice", "payment"), set()),
    "cancelled but delivered": (
        lambda d: cancelled(d).drop("invoice", "payment"),
        {"order_cancelled_but_active"},
    ),
    "cancelled but billed": (
        lambda d: (
            cancelled(d).drop("delivery", "payment").set("invoice", status="issued", open_amount=1356, due_date=ago(-5))
        ),
        {"order_cancelled_but_active"},
    ),
    "cancelled but paid": (
        lambda d: cancelled(d).drop("delivery", "invoice", "payment").pay("ADV", 500, kind="advance"),
        {"order_cancelled_but_active", "payment_without_invoice"},
    ),
    "cancelled and the invoice credited": (
        lambda d: credit(cancelled(d).drop("delivery", "payment").set("invoice", status="reversed", open_amount=0)),
        set(),
    ),
    # delivery
    "three days late": (lambda d: running(d).set("order", promised_delivery_date=ago(3)), {"delivery_late"}),
    "two days late are granted": (lambda d: running(d).set("order", promised_delivery_date=ago(2)), set()),
    "partly delivered and late": (
        lambda d: (
            d.drop("invoice", "payment")
            .set("order", status="in_progress", promised_delivery_date=ago(9))
            .set("delivery", lines=[{"sku": "PUMP", "quantity": 4}])
        ),
        {"delivery_late"},
    ),
    "delivered late is not late any more": (
        lambda d: d.set("order", status="in_progress", promised_delivery_date=ago(30)),
        set(),
    ),
    # billing
    "delivered five days ago and not billed": (lambda d: delivered(d, 5), {"order_delivered_not_invoiced"}),
    "delivered four days ago": (lambda d: delivered(d, 4), set()),
    "only a draft invoice": (
        lambda d: d.drop("payment").set("invoice", status="draft"),
        {"order_delivered_not_invoiced"},
    ),
    "billed too little": (lambda d: d.set("invoice", net_amount=1100), {"order_invoice_amount"}),
    "billed too much": (lambda d: d.set("invoice", net_amount="1200.06"), {"order_invoice_amount"}),
    "billed within the tolerance": (lambda d: d.set("invoice", net_amount="1199.95"), set()),
    "billed in another currency": (
        lambda d: d.set("invoice", currency="EUR").set("payment", currency="EUR"),
        {"order_invoice_amount"},
    ),
    "billed in two parts": (
        lambda d: (
            d.set("invoice", net_amount=700, gross_amount=791)
            .set("payment", amount=791, lines=[{"invoice_ref": f"id:INV-{d.n}", "amount": 791}])
            .also("invoice", "INVB", net_amount=500, gross_amount=565)
            .pay("PAYB", 565, f"id:INVB-{d.n}")
        ),
        set(),
    ),
    "a wrong invoice, credited, and the right one": (
        lambda d: credit(
            d.also("invoice", "INVX", net_amount=1500, gross_amount=1695, status="reversed"), 1500, 1695, "INVX"
        ),
        set(),
    ),
    "one invoice for two orders": (
        lambda d: (
            d.also("quote", "QB")
            .also("order", "SOB", quote_ref=f"no:QB-{d.n}")
            .also("delivery", "DNB", order_refs=[f"no:SOB-{d.n}"])
            .set("opportunity", expected_amount=2400)
            .set("invoice", order_refs=[f"no:SO-{d.n}", f"no:SOB-{d.n}"], net_amount=2400, gross_amount=2712)
            .set("payment", amount=2712, lines=[{"invoice_ref": f"id:INV-{d.n}", "amount": 2712}])
        ),
        set(),
    ),
    "billed twice": (
        lambda d: d.also("invoice", "INVB", **UNPAID, due_date=ago(-9), issue_date=ago(2)),
        {"invoice_duplicate"},
    ),
    "billed twice and one credited": (
        lambda d: credit(d.also("invoice", "INVB", status="reversed", open_amount=0), corrects="INVB"),
        set(),
    ),
    # collection
    "due yesterday and unpaid": (
        lambda d: d.drop("payment").set("invoice", **UNPAID, due_date=ago(1)),
        {"invoice_overdue"},
    ),
    "due today": (lambda d: d.drop("payment").set("invoice", **UNPAID, due_date=ago(0)), set()),
    "partly paid and overdue": (
        lambda d: d.set("invoice", status="partly_paid", open_amount=100, due_date=ago(30)).set(
            "payment", amount=1256, lines=[{"invoice_ref": f"id:INV-{d.n}", "amount": 1256}]
        ),
        {"payment_underpaid"},
    ),
    "a few cents short": (
        lambda d: d.set("invoice", status="partly_paid", open_amount="0.05").set(
            "payment", amount="1355.95", lines=[{"invoice_ref": f"id:INV-{d.n}", "amount": "1355.95"}]
        ),
        set(),
    ),
    "paid too much": (lambda d: d.pay("OVR", 150, kind="overpayment", order_refs=[]), {"payment_overpaid"}),
    "paid too much and set off": (lambda d: d.pay("OVR", 150, kind="overpayment", unapplied_amount=0), set()),
    "money that names nothing": (
        lambda d: d.pay("ADV", 777, kind="advance", order_refs=[]),
        {"payment_without_invoice"},
    ),
    "paid twice": (lambda d: d.pay("DUP", 1356, kind="advance", received_on=ago(3)), {"payment_duplicate"}),
    "paid twice, eight days apart": (
        lambda d: d.pay("DUP", 1356, kind="advance", received_on=ago(-3)),
        {"payment_without_invoice"},
    ),
    "the same amount for another order": (
        lambda d: d.pay("DUP", 1356, kind="advance", order_refs=["no:SO-777777"]),
        {"payment_without_invoice"},
    ),
    "a failed payment is none": (lambda d: d.pay("BAD", 1356, status="failed"), set()),
    "money back without credit note": (
        lambda d: d.pay("REF", 50, kind="refund", direction="out", unapplied_amount=0),
        {"refund_without_credit_note"},
    ),
    "money back with credit note": (
        lambda d: credit(
            d.set("invoice", net_amount=1300, gross_amount=1469).set(
                "payment", amount=1469, lines=[{"invoice_ref": f"id:INV-{d.n}", "amount": 1469}]
            ),
            100,
            113,
        ).pay("REF", 113, f"id:CN-{d.n}", kind="refund", direction="out"),
        set(),
    ),
    # status
    "open while the order runs": (lambda d: d.set("opportunity", status="open"), {"status_opportunity_order"}),
    "lost while the order runs": (lambda d: d.set("opportunity", status="lost"), {"status_opportunity_order"}),
    "open while the order is two days old": (
        lambda d: running(d).set("opportunity", status="open").set("order", order_date=ago(2)),
        set(),
    ),
    "quote still draft": (lambda d: d.set("quote", status="draft"), {"status_quote_order"}),
    "quote refused": (lambda d: d.set("quote", status="rejected"), {"status_quote_order"}),
    "billed before it was confirmed": (
        lambda d: (
            d.set("order", status="submitted").drop("delivery", "payment").set("invoice", **UNPAID, due_date=ago(-5))
        ),
        {"status_order_invoice"},
    ),
    # master data
    "a customer deleted in the CRM": (lambda d: d.set("party", deleted=True), {"deleted_elsewhere"}),
    "a customer deleted and made anew": (
        lambda d: (d.set("party", deleted=True), d.also("party", "PN", deleted=False, number=None)),
        set(),
    ),
    "quote and opportunity deleted, the order runs": (
        lambda d: d.set("quote", deleted=True).set("opportunity", deleted=True),
        {"deleted_elsewhere"},
    ),
    "only the quote deleted": (lambda d: d.set("quote", deleted=True), {"deleted_elsewhere"}),
    "a quote deleted and entered again": (
        lambda d: d.set("quote", deleted=True).also("quote", "QN", number=f"Q-{d.n}", deleted=False),
        set(),
    ),
}


@pytest.fixture(scope="module")
def found(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[int, list[Finding]]]:
    """Findings by the number of the deal they are about; all cases live in one world."""
    path = tmp_path_factory.mktemp("checks") / "ltc.db"
    shutil.copy(sqlite_template, path)
    with open_store(f"sqlite:///{path}") as store:
        books = Books(store)
        for number, (change, _) in zip(NUMBERS, CASES.values(), strict=False):
            deal = Deal(number)
            change(deal)
            deal.write(books)
        books.save()
        reconcile(store, settings(), "run-1")
        by_deal: dict[int, list[Finding]] = {}
        with store.reading() as connection:
            for finding in findings.listing(connection):
                numbers = {int(record.source_id.rpartition("-")[2]) for record in finding.records}
                assert len(numbers) == 1, f"{finding.check_id} mixes deals {numbers}"
                by_deal.setdefault(numbers.pop(), []).append(finding)
        yield by_deal


@pytest.mark.parametrize(("number", "case"), list(zip(NUMBERS, CASES, strict=False)), ids=list(CASES))
def test_one_fault_is_one_finding(number: int, case: str, found: dict[int, list[Finding]]) -> None:
    assert {item.check_id for item in found.get(number, [])} == CASES[case][1]
    assert len(found.get(number, [])) == len(CASES[case][1])


def _of(found: dict[int, list[Finding]], case: str) -> Finding:
    (finding,) = found[NUMBERS[list(CASES).index(case)]]
    return finding


@pytest.mark.parametrize(
    ("case", "amount", "since"),
    [
        ("won without any quote", 120000, ago(40)),
        ("opportunity off by more than the tolerance", 6, ago(40)),
        ("another quantity", 0, ago(10)),
        ("partly delivered and late", 80000, ago(9)),
        ("delivered five days ago and not billed", 120000, ago(5)),
        ("billed too little", 10000, ago(20)),
        ("billed twice", 135600, ago(2)),
        ("due yesterday and unpaid", 135600, ago(1)),
        ("partly paid and overdue", 10000, ago(5)),
        ("paid too much", 15000, ago(5)),
        ("paid twice", 135600, ago(3)),
        ("money back without credit note", 5000, ago(5)),
    ],
)
def test_a_finding_carries_its_money_and_its_day(
    case: str, amount: int, since: object, found: dict[int, list[Finding]]
) -> None:
    finding = _of(found, case)
    assert (finding.amount, finding.currency, finding.since) == (amount, "CNY", str(since))


@pytest.mark.parametrize(
    ("case", "english", "chinese"),
    [
        ("another quantity", "PUMP: quantity 10 quoted, 11 ordered", "PUMP 数量：报价 10，订单 11"),
        ("another price", "PUMP: price 100 quoted, 101 ordered", "PUMP 单价：报价 100，订单 101"),
        ("a product more", "HOSE: ordered (1) but not quoted", "HOSE：订单中有（1），报价中无"),
        ("another currency", "currency CNY quoted, USD ordered", "币种：报价 CNY，订单 USD"),
        ("cancelled but delivered", "yet it was delivered", "但仍已交付"),
        ("billed in another currency", "EUR 1,200.00 net were invoiced", "实际开票不含税金额 EUR 1,200.00"),
        ("due yesterday and unpaid", "(1–30 days); CNY 1,356.00 are open", "逾期 1–30 天"),
        ("quote still draft", "is draft in the CRM", "“草稿”"),
        ("accepted while approval is pending", "its approval is pending", "审批状态为待审批"),
    ],
)
def test_the_sentence_says_what_is_wrong(
    case: str, english: str, chinese: str, found: dict[int, list[Finding]]
) -> None:
    finding = _of(found, case)
    assert english in report.explain(finding, "en")["explanation"]
    assert chinese in report.explain(finding, "zh-CN")["explanation"]


@pytest.mark.parametrize(
    ("changed", "amount", "currency", "said"),
    [
        ({}, 840_000, "CNY", "a difference of CNY 8,400.00."),
        ({"cash": {"rates": {"EUR": {ago(20): "7"}}}}, 720_000, "CNY", "a difference of CNY 7,200.00."),
        ({"cash": {"rates": {"EUR": {ago(29): "7", ago(17): "6"}}}}, 840_000, "CNY", "a difference of CNY 8,400.00."),
        ({"rates": {}}, 120_000, "CNY", "a difference of two currencies without a rate."),
    ],
)
def test_between_two_currencies_the_amount_is_the_difference_at_the_rate_of_the_invoices_day(
    books: Books, changed: dict[str, Any], amount: int, currency: str, said: str
) -> None:
    Deal(1).set("invoice", currency="EUR").set("payment", currency="EUR").write(books)
    books.save()
    reconcile(books.store, settings(reconciliation=changed), "run-1")
    with books.store.reading() as connection:
        (found,) = (item for item in findings.listing(connection) if item.check_id == "order_invoice_amount")
    assert (found.amount, found.currency) == (amount, currency)
    assert report.explain(found, "en")["explanation"].endswith(f"EUR 1,200.00 net were invoiced: {said}")


# -- leads


def _form(books: Books, key: str, hours: int, **fields: object) -> None:
    values: dict[str, Any] = {
        "company_name": f"Company {key}",
        "email": f"{key}@{key}.example",
        "status": "new",
        **fields,
    }
    books.add("lead", f"F-{key}", system="forms", number=key, received_at=AS_OF - timedelta(hours=hours), **values)


def _checks(books: Books, **changes: object) -> dict[str, list[Finding]]:
    books.save()
    reconcile(books.store, settings(**changes), "run-1")
    found: dict[str, list[Finding]] = {}
    with books.store.reading() as connection:
        for finding in findings.listing(connection):
            found.setdefault(finding.check_id, []).append(finding)
    return found


def test_leads_are_missed_after_their_hours_and_judged_once_each(books: Books) -> None:
    _form(books, "lost", 48)
    _form(books, "fresh", 47)
    _form(books, "refused", 500, status="disqualified")
    _form(books, "known", 500)
    books.add("lead", "L-1", status="new", lead_ref="no:known")
    _form(books, "byMail", 500, email="Anna@X.example ")
    books.add("lead", "L-2", status="new", email="anna@x.example")
    _form(books, "unreachable", 500, email=None)
    _form(books, "nameless", 500, company_name=" ")
    _form(books, "first", 400, email="twin@y.example", phone="+86 138 0000 1111")
    _form(books, "second", 300, email="other@y.example", phone="13800001111")
    _form(books, "third", 200, email="TWIN@y.example")
    found = _checks(books)
    names = {check: [str(item.records[0].number) for item in items] for check, items in found.items()}
    assert sorted(names["lead_not_in_crm"]) == ["first", "lost"]
    assert sorted(names["lead_incomplete"]) == ["nameless", "unreachable"]
    (twins,) = found["lead_duplicate"]
    assert [record.number for record in twins.records] == ["first", "second", "third"]
    assert set(found) == {"lead_not_in_crm", "lead_incomplete", "lead_duplicate"}


def test_a_duplicate_is_in_the_crm_if_any_copy_is(books: Books) -> None:
    _form(books, "first", 400, email="twin@y.example")
    _form(books, "second", 300, email="twin@y.example")
    books.add("lead", "L-1", status="new", lead_ref="no:second")
    assert set(_checks(books)) == {"lead_duplicate"}


def test_a_lead_deleted_in_the_crm_is_reported_once(books: Books) -> None:
    _form(books, "gone", 400)
    books.add("lead", "L-1", status="new", lead_ref="no:gone", deleted=True)
    assert set(_checks(books)) == {"deleted_elsewhere"}


# -- orders


def test_an_order_of_which_only_the_gross_amount_is_known_is_a_finding_over_that(books: Books) -> None:
    """A small in-house system often has one amount."""
    deal = alone(Deal(1)).set("order", quote_ref=None, status="confirmed", promised_delivery_date=ago(-5))
    deal.set("order", net_amount=None, tax_amount=None, gross_amount="123.45", lines=[]).write(books)

    (found,) = _checks(books)["order_without_quote"]

    assert (found.amount, found.params["amount_money"]) == (12345, 12345)


# -- settings of checks


def test_parameters_severity_and_switch_come_from_the_settings(books: Books) -> None:
    running(Deal(1)).set("order", promised_delivery_date=ago(4)).write(books)
    Deal(2).set("quote", approval_state="pending").write(books)
    Deal(3).set("opportunity", status="open").write(books)
    checks = {
        "delivery_late": {"grace_days": 4},
        "quote_without_approval": {"severity": "info"},
        "status_opportunity_order": {"enabled": False},
    }
    found = _checks(books, reconciliation={"checks": checks})
    assert {check: item[0].severity for check, item in found.items()} == {"quote_without_approval": "info"}


def test_a_relative_tolerance_widens_the_absolute_one(books: Books) -> None:
    Deal(1).set("opportunity", expected_amount=1206).write(books)
    tolerance = {"absolute": {"CNY": "0.05"}, "relative": "0.005"}
    assert _checks(books, reconciliation={"tolerance": tolerance}) == {}


def test_a_check_waits_until_its_records_were_pulled_completely(sqlite_store: object, books: Books) -> None:
    from state import bulk, schema

    Deal(1).drop("opportunity", "quote").set("order", quote_ref=None).write(books)
    with books.store.transaction() as connection:
        bulk.delete(connection, schema.cursor, "stream_id", [books.stream_id("crm", "quote")])
    books.save()
    result = reconcile(books.store, settings(), "run-1")
    assert result.skipped["order_without_quote"] == "the quote records of crm have not been pulled completely yet"
    assert result.opened == 0
