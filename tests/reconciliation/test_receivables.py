"""What customers owe: document by document, by age, and never more or less than was billed and not settled."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reconciliation import closing, report
from reconciliation.engine import reconcile
from tests.reconciliation.books import AS_OF, Books, settings
from tests.reconciliation.deals import Deal, ago

pytestmark = pytest.mark.slow


def owed(books: Books) -> dict[str, Any]:
    books.save()
    reconcile(books.store, settings(), "run-1")
    found: dict[str, Any] = report.build(books.store, settings())["receivables"]
    return found


def unpaid(number: int, due_days_ago: int) -> Deal:
    return Deal(number).drop("payment").set("invoice", status="issued", due_date=ago(due_days_ago), open_amount=1356)


def test_an_open_invoice_stands_in_the_bucket_of_its_days_after_the_due_date(books: Books) -> None:
    for number, days in enumerate((-3, 0, 1, 30, 31, 60, 61, 90, 91), 1):
        unpaid(number, days).write(books)
    [all_of_it] = owed(books)["ageing"]
    assert [all_of_it[name] for name in ("not_due", "1-30", "31-60", "61-90", "90+")] == [*(["2712.00"] * 4), "1356.00"]
    assert (all_of_it["documents"], all_of_it["total"]) == (9, "12204.00")


def test_a_part_payment_leaves_the_rest_and_currencies_stay_apart(books: Books) -> None:
    unpaid(1, 10).pay("PAY", 1000, "id:INV-1").write(books)
    dollars = unpaid(2, 10)
    for entity in ("opportunity", "quote", "order", "invoice"):
        dollars.set(entity, currency="USD")
    dollars.write(books)
    found = owed(books)
    assert [(row["currency"], row["1-30"]) for row in found["ageing"]] == [("CNY", "356.00"), ("USD", "1356.00")]
    assert [row["customer"] for row in found["customers"]] == ["客户1 Ltd", "客户2 Ltd"]
    assert {item["record"]["number"]: item["overdue_days"] for item in found["items"]} == {"INV-1": 10, "INV-2": 10}


def test_a_credit_note_takes_from_its_invoice_first_and_the_rest_is_a_credit(books: Books) -> None:
    for number, settled in ((1, None), (2, 1356)):
        deal = unpaid(number, 10)
        if settled:
            deal.pay("PAY", settled, f"id:INV-{number}")
        note = {"kind": "credit_note", "corrects_ref": f"no:INV-{number}", "net_amount": 100, "gross_amount": 113}
        deal.also("invoice", "CN", status="issued", **note).write(books)
    found = owed(books)
    amounts = {item["record"]["number"]: item["amount"] for item in found["items"]}
    assert amounts == {"INV-1": "1243.00", "CN-2": "-113.00"}
    [all_of_it] = found["ageing"]
    assert (all_of_it["1-30"], all_of_it["credits"], all_of_it["total"]) == ("1243.00", "-113.00", "1130.00")


def test_money_that_settles_nothing_and_what_was_overpaid_are_credits(books: Books) -> None:
    Deal(1).drop("payment").pay("PAY", 1400, "id:INV-1", unapplied_amount=44).write(books)
    Deal(2).pay("ADV", 500, kind="advance").write(books)
    found = owed(books)
    assert {item["kind"] for item in found["items"]} == {"payment", "invoice"}
    assert all(item["bucket"] == "credits" for item in found["items"])


def test_what_is_owed_is_what_the_tie_out_of_invoices_and_payments_leaves_open(company: Any) -> None:
    built = report.build(company.store, settings())
    ties = {item["currency"]: item for item in built["tie_outs"] if item["name"] == "invoice_payment"}
    for row in built["receivables"]["ageing"]:
        item = ties[row["currency"]]
        assert row["total"] == _difference(item["unmatched_left"]["amount"], item["unmatched_right"]["amount"])


def test_at_the_end_of_a_month_later_invoices_payments_and_credits_do_not_count(books: Books) -> None:
    store = books.store
    Deal(1).set("invoice", issue_date=date(2026, 9, 10), due_date=date(2026, 9, 20)).write(books)  # paid in October
    Deal(2).write(books)  # billed in October
    early = Deal(3).drop("payment")  # an advance of September for an invoice of October
    early.pay("ADV", 1356, "id:INV-3", received_on=date(2026, 9, 25)).write(books)
    noted = unpaid(4, 60).set("invoice", issue_date=date(2026, 8, 20))  # credited in October
    note = {"kind": "credit_note", "corrects_ref": "no:INV-4", "net_amount": 1200, "gross_amount": 1356}
    noted.also("invoice", "CN", status="issued", issue_date=date(2026, 10, 2), **note).write(books)
    books.save()
    found = settings(as_of=AS_OF)
    closing.close(store, found, "2026-09", "wang", "close-1", {}, "so")
    built = report.build(store, found, period="2026-09")
    [row] = built["receivables"]["ageing"]
    assert built["receivables"]["as_at"] == "2026-09-30"
    assert (row["1-30"], row["credits"], row["total"]) == ("2712.00", "-1356.00", "1356.00")
    [tie] = [item for item in built["period_tie_outs"] if item["name"] == "invoice_payment"]
    stands = tie["to_date"]
    assert row["total"] == _difference(stands["unmatched_left"]["amount"], stands["unmatched_right"]["amount"])
    assert report.build(store, found)["receivables"] == {
        "as_at": "2026-10-31",
        "ageing": [],
        "customers": [],
        "items": [],
    }


def _difference(left: str, right: str) -> str:
    return str(Decimal(left) - Decimal(right))
