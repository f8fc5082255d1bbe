"""Cash application on records of systems: from the books to figures, decisions and the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from reconciliation import report
from reconciliation.engine import reconcile
from state import cash, figures
from tests.reconciliation.books import Books, settings
from tests.reconciliation.conftest import Company

pytestmark = pytest.mark.slow

_SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "report-schema.json").read_text(encoding="utf-8"))


def _customer(books: Books, key: str, name: str) -> None:
    for system in ("erp", "books"):
        books.add("party", key, system=system, number=f"C-{key}", name=name, tax_id=f"91310000{key:0>10}")


def _invoice(books: Books, number: str, amount: Any, *, party: str = "1", **fields: Any) -> int:
    values = {"kind": "invoice", "status": "issued", "issue_date": "2026-09-01", "due_date": "2026-10-01", **fields}
    return books.add(
        "invoice", number, number=number, party_ref=f"id:{party}", net_amount=amount, gross_amount=amount, **values
    )


def _payment(books: Books, key: str, amount: Any, text: str = "", *, party: str | None = "1", **fields: Any) -> int:
    values = {"kind": "payment", "direction": "in", "status": "received", "received_on": "2026-10-05", **fields}
    ref = None if party is None else f"id:{party}"
    return books.add("payment", key, party_ref=ref, amount=amount, reference_text=text, **values)


def _found(books: Books) -> dict[int, Any]:
    books.save()
    reconcile(books.store, settings(), "run-1")
    with books.store.reading() as connection:
        return {int(key): value for key, value in figures.standing(connection, cash.KIND).items()}


def test_a_payer_whom_the_rules_recognise_by_name_is_shown(books: Books) -> None:
    _customer(books, "1", "Acme")
    _invoice(books, "INV-20260001", "1200.50")
    payment = _payment(books, "P1", "70", "thanks", party=None, payer_name="ACME", unapplied_amount="70")
    found = _found(books)[payment]
    assert (found["customer_number"], found["customer"]) == ("C-1", "Acme")


def test_a_payment_that_the_books_have_not_applied_is_matched_with_the_invoice_it_names(books: Books) -> None:
    _customer(books, "1", "Acme")
    invoice = _invoice(books, "INV-20260001", "1200.50")
    payment = _payment(books, "P1", "1200.50", "货款 INV-20260001", unapplied_amount="1200.50")
    found = _found(books)[payment]
    assert [(entry["item"], entry["applied"], entry["rule"]) for entry in found["applied"]] == [
        (invoice, 120_050, "exact_reference")
    ]
    assert (found["left"], found["class"]) == (0, None)
    assert found["applied"][0]["record"]["number"] == "INV-20260001"
    assert (found["customer_number"], found["customer"]) == ("C-1", "Acme")


def test_what_the_source_applied_stands_and_only_the_rest_is_matched(books: Books) -> None:
    _customer(books, "1", "Acme")
    done = _invoice(books, "INV-20260001", 1000)
    rest = _invoice(books, "INV-20260002", 300)
    payment = _payment(
        books,
        "P1",
        1300,
        "INV-20260001 INV-20260002",
        unapplied_amount=300,
        lines=[{"invoice_ref": "no:INV-20260001", "amount": 1000}],
    )
    found = _found(books)[payment]
    assert found["amount"] == 30_000
    assert [entry["item"] for entry in found["applied"]] == [rest]
    assert done != rest


def test_a_payment_that_is_wholly_applied_is_no_business_of_the_rules(books: Books) -> None:
    _customer(books, "1", "Acme")
    _invoice(books, "INV-20260001", 1000, status="paid")
    _payment(books, "P1", 1000, invoice_ref="no:INV-20260001", unapplied_amount=0)
    assert _found(books) == {}


def test_the_customer_is_the_same_in_every_system(books: Books) -> None:
    """The processor calls him otherwise than the books do; they share a tax id."""
    _customer(books, "1", "Acme")
    books.add("party", "cus_9", system="erp", name="Acme Inc.", number="X9", tax_id="913100000000000001")
    invoice = _invoice(books, "INV-20260001", "777.13")
    payment = _payment(books, "P1", "777.13", party="1", unapplied_amount="777.13")
    found = _found(books)[payment]
    assert [entry["item"] for entry in found["applied"]] == [invoice]
    assert found["applied"][0]["rule"] == "party_amount_date"


def test_an_order_number_leads_to_the_invoices_of_the_order(books: Books) -> None:
    _customer(books, "1", "Acme")
    books.add(
        "order",
        "SO1",
        number="SO-00342",
        customer_po_number="4500017",
        status="completed",
        party_ref="id:1",
        net_amount=500,
        gross_amount=500,
    )
    invoice = _invoice(books, "INV-20260001", 500, order_refs=["no:SO-00342"])
    by_order = _payment(books, "P1", 500, "payment SO-00342", unapplied_amount=500)
    assert [entry["item"] for entry in _found(books)[by_order]["applied"]] == [invoice]


def test_an_order_that_the_text_names_and_the_records_know_is_no_list_of_two(books: Books) -> None:
    _customer(books, "1", "Acme")
    order: dict[str, Any] = {
        "number": "SO-00342",
        "status": "completed",
        "net_amount": 100_000,
        "gross_amount": 100_000,
    }
    books.add("order", "SO1", party_ref="id:1", **order)
    invoice = _invoice(books, "INV-20260001", 100_000, order_refs=["no:SO-00342"])
    fields: dict[str, Any] = {"unapplied_amount": 99_985, "order_refs": ["no:SO-00342"]}
    short = _payment(books, "P1", 99_985, "order SO-00342", **fields)
    found = _found(books)[short]
    assert [(entry["item"], entry["rule"]) for entry in found["applied"]] == [(invoice, "fee_or_short_payment")]


def test_a_refund_takes_a_payment_back(books: Books) -> None:
    _customer(books, "1", "Acme")
    _invoice(books, "INV-20260001", 500)
    paid = _payment(books, "P1", 500, "INV-20260001", unapplied_amount=500)
    refund = _payment(
        books, "P2", 500, "chargeback INV-20260001", kind="chargeback", direction="out", received_on="2026-10-20"
    )
    found = _found(books)
    assert found[paid]["applied"][0]["applied"] == 50_000
    assert (found[refund]["amount"], found[refund]["applied"][0]["applied"]) == (-50_000, -50_000)


def test_what_people_decide_holds_in_every_run_until_it_is_undone(books: Books) -> None:
    _customer(books, "1", "Acme")
    named = _invoice(books, "INV-20260001", 500)
    meant = _invoice(books, "INV-20260002", 500)
    payment = _payment(books, "P1", 500, "INV-20260001", unapplied_amount=500)
    assert [entry["item"] for entry in _found(books)[payment]["applied"]] == [named]
    with books.store.transaction() as connection:
        cash.pin(connection, payment, [(meant, 50_000, 50_000)], [], "wang", "told by phone")
    pinned = _found(books)[payment]["applied"]
    assert [(entry["item"], entry["decision"]) for entry in pinned] == [(meant, "pinned")]
    assert pinned[0]["evidence"] == {"decided_by": "wang"}
    with books.store.transaction() as connection:
        assert cash.undo(connection, payment, "wang") == 1
        cash.cut(connection, payment, [named], "wang", "not theirs")
    assert _found(books)[payment]["applied"] == []
    with books.store.transaction() as connection:
        cash.undo(connection, payment, "wang")
    assert [entry["item"] for entry in _found(books)[payment]["applied"]] == [named]


def test_a_receipt_may_settle_nothing_and_be_what_a_person_says_until_that_is_undone(books: Books) -> None:
    _customer(books, "1", "Acme")
    payment = _payment(books, "P1", 500, "thank you", unapplied_amount=500)
    assert _found(books)[payment]["left"] == 50_000
    with books.store.transaction() as connection:
        cash.pin(connection, payment, [], [(None, "to_refund", 50_000)], "wang", "paid twice")
    found = _found(books)[payment]
    assert (found["left"], found["class"], found["applied"]) == (0, None, [])
    assert found["differences"] == [{"item": None, "kind": "to_refund", "amount": 50_000}]
    with books.store.transaction() as connection:
        cash.undo(connection, payment, "wang")
        cash.pin(connection, payment, [], [(None, "deposit", 70_000)], "wang", "more than came in")
    found = _found(books)[payment]
    assert (found["left"], found["class"]) == (50_000, "decision_outdated")


def test_a_decision_that_no_longer_fits_is_told(books: Books) -> None:
    _customer(books, "1", "Acme")
    invoice = _invoice(books, "INV-20260001", 500)
    payment = _payment(books, "P1", 500, "cheque", unapplied_amount=500)
    _found(books)
    with books.store.transaction() as connection:
        cash.pin(connection, payment, [(invoice, 50_000, 50_000)], [], "wang")
    _invoice(books, "INV-20260001", 500, status="void")
    found = _found(books)[payment]
    assert (found["applied"], found["class"]) == ([], "decision_outdated")


def test_nothing_is_written_where_nothing_changed(books: Books) -> None:
    _customer(books, "1", "Acme")
    _invoice(books, "INV-20260001", 500)
    _payment(books, "P1", 500, "INV-20260001", unapplied_amount=500)
    _found(books)
    with books.store.reading() as connection:
        before = connection.exec_driver_sql("SELECT count(*) FROM figure").scalar()
    _found(books)
    with books.store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM figure").scalar() == before


@pytest.mark.parametrize(("locale", "said"), [("en", "Unknown payer"), ("zh-CN", "付款人不明")])
def test_the_report_tells_what_is_not_applied_and_adds_up(books: Books, locale: str, said: str) -> None:
    _customer(books, "1", "Acme")
    _invoice(books, "INV-20260001", 1000)
    _payment(books, "P1", 1010, "INV-20260001", unapplied_amount=1010)
    _payment(books, "P2", "77.70", party=None, unapplied_amount="77.70")
    _found(books)
    made = report.build(books.store, settings(), locale=locale)
    Draft202012Validator(_SCHEMA).validate(made)
    (total,) = made["cash"]["totals"]
    assert total == {
        "currency": "CNY",
        "receipts": 2,
        "amount": "1087.70",
        "applied": "1000.00",
        "differences": "0.00",
        "left": "87.70",
    }
    stranger = next(item for item in made["cash"]["receipts"] if item["amount"] == "77.70")
    assert stranger["class_text"] == said
    assert stranger["action"]
    before = report.build(books.store, settings(), locale=locale, period="2026-09")
    assert before["cash"] == {"totals": [], "receipts": []}, "it came in after that month"


def test_rules_of_ltc_yaml_are_obeyed(books: Books) -> None:
    _customer(books, "1", "Acme")
    invoice = _invoice(books, "INV-20260001", 500)
    payment = _payment(books, "P1", 500, "INV-20260001", unapplied_amount=500)
    books.save()
    suggest = settings(reconciliation={"cash": {"rules": [{"name": "exact_reference", "decision": "suggest"}]}})
    reconcile(books.store, suggest, "run-1")
    with books.store.reading() as connection:
        found = figures.standing(connection, cash.KIND)[str(payment)]
    assert found["applied"] == []
    assert [entry["item"] for entry in found["suggestions"][0]["applied"]] == [invoice]
    off = settings(reconciliation={"cash": {"enabled": False}})
    reconcile(books.store, off, "run-2")
    with books.store.reading() as connection:
        assert figures.standing(connection, cash.KIND) == {}


def test_who_pays_for_whom_is_said_in_ltc_yaml(books: Books) -> None:
    _customer(books, "1", "Acme")
    _customer(books, "2", "Mother of Acme")
    invoice = _invoice(books, "INV-20260001", 500)
    payment = _payment(books, "P1", 300, "INV-20260001", party="2", unapplied_amount=300)
    assert _found(books)[payment]["applied"] == []
    told = settings(reconciliation={"cash": {"related": [{"payer": "C-2", "customer": "C-1", "why": "parent"}]}})
    reconcile(books.store, told, "run-2")
    with books.store.reading() as connection:
        found = figures.standing(connection, cash.KIND)[str(payment)]
    assert [(entry["item"], entry["applied"]) for entry in found["applied"]] == [(invoice, 30_000)]


def test_the_demo_company_keeps_its_findings_and_its_cash_adds_up(company: Company) -> None:
    made = report.build(company.store, settings())
    assert len([item for item in made["findings"] if item["status"] != "resolved"]) == len(made["findings"])
    for receipt in made["cash"]["receipts"]:
        assert receipt["class"] or receipt["applied"]
