"""Findings from run to run: the same finding, what changed about it, and what people decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from reconciliation import report
from reconciliation.engine import reconcile
from state import findings, handling
from state.findings import Finding, FindingError
from state.schema import figure, finding_event
from state.store import Store
from tests.reconciliation.books import AS_OF, Books, settings
from tests.reconciliation.deals import Deal, ago

pytestmark = pytest.mark.slow


def _only(store: Store) -> Finding:
    with store.reading() as connection:
        (found,) = findings.listing(connection)
    return found


def _events(store: Store) -> list[str]:
    with store.reading() as connection:
        return list(connection.execute(select(finding_event.c.event).order_by(finding_event.c.id)).scalars())


def test_a_finding_opens_changes_clears_and_comes_back_as_the_same_one(store: Store) -> None:
    books = Books(store)
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    first = reconcile(store, settings(), "run-1")
    assert first.roll_forward == {"opening": 0, "new": 1, "cleared": 0, "closing": 1}
    opened = _only(store)
    unchanged = reconcile(store, settings(), "run-1b")
    assert not unchanged.wrote
    assert unchanged.roll_forward == {"opening": 1, "new": 0, "cleared": 0, "closing": 1}
    with store.reading() as connection:
        assert set(connection.execute(select(figure.c.run_id)).scalars()) == {"run-1"}

    Deal(1).set("invoice", net_amount=1000).write(books)
    books.save()
    second = reconcile(store, settings(), "run-2")
    assert (second.changed, second.roll_forward["new"]) == (1, 0)
    changed = _only(store)
    assert (changed.id, changed.amount, changed.first_seen_at) == (opened.id, 20000, opened.first_seen_at)

    Deal(1).write(books)
    books.save()
    third = reconcile(store, settings(), "run-3")
    assert third.roll_forward == {"opening": 1, "new": 0, "cleared": 1, "closing": 0}

    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    fourth = reconcile(store, settings(), "run-4")
    assert fourth.roll_forward == {"opening": 0, "new": 1, "cleared": 0, "closing": 1}
    assert (_only(store).id, _only(store).status, _only(store).resolved_at) == (opened.id, "open", None)
    assert _events(store) == ["opened", "changed", "resolved", "reopened"]
    with store.reading() as connection:
        history = findings.history(connection, opened.id)
    assert history[1].detail["amount"] == [10000, 20000]
    of_the_month = {"opening": 0, "new": 2, "reopened": 1, "cleared": 1, "closing": 1}
    assert report.build(store, settings())["roll_forward"] == of_the_month


def test_the_identity_comes_from_the_source_not_from_the_store(sqlite_store: Store, books: Books) -> None:
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    reconcile(books.store, settings(), "run-1")
    ids = {_only(books.store).id}
    with books.store.transaction() as connection:
        for table in ("finding", "finding_record", "finding_event", "link", "record"):
            connection.exec_driver_sql(f"DELETE FROM {table}")
        for table in ("parties", "opportunities", "quotes", "orders", "deliveries", "invoices", "payments"):
            connection.exec_driver_sql(f"UPDATE {table} SET record_id = record_id + 1000")
        for table in ("quote_lines", "order_lines", "delivery_lines", "payment_allocations"):
            connection.exec_driver_sql(f"UPDATE {table} SET record_id = record_id + 1000")
    reconcile(books.store, settings(), "run-2")
    assert {_only(books.store).id} == ids


def test_what_people_decided_is_kept_until_a_waiver_ends_on_its_day(store: Store) -> None:
    books = Books(store)
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    reconcile(store, settings(), "run-1")
    with store.transaction() as connection:
        found = handling.assign(connection, _only(store).id[:8], "wang", "lin")
        handling.explain(connection, found.id, "rest follows next month", "wang")
        handling.waive(connection, found.id, "agreed", "chen", ago(-3), "wang")
    Deal(1).set("invoice", net_amount=1050).write(books)
    books.save()
    reconcile(store, settings(as_of=AS_OF + timedelta(days=3)), "run-2")
    kept = _only(store)
    assert (kept.status, kept.assignee, kept.reason, kept.approver) == ("waived", "wang", "agreed", "chen")
    assert kept.amount == 15000
    result = reconcile(store, settings(as_of=AS_OF + timedelta(days=4)), "run-3")
    assert (_only(store).status, _only(store).waived_until) == ("open", None)
    assert result.roll_forward == {"opening": 1, "new": 0, "cleared": 0, "closing": 1}
    assert _events(store) == ["opened", "assigned", "explained", "waived", "changed", "expired"]


def test_decisions_need_a_reason_a_second_person_and_an_open_finding(books: Books) -> None:
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    reconcile(books.store, settings(), "run-1")
    found = _only(books.store)
    with books.store.transaction() as connection:
        with pytest.raises(FindingError, match="reason"):
            handling.explain(connection, found.id, "  ", "wang")
        with pytest.raises(FindingError, match="Somebody else"):
            handling.waive(connection, found.id, "agreed", "wang", ago(-3), "wang")
        with pytest.raises(FindingError, match="no finding"):
            handling.assign(connection, "zzzz", "wang", "lin")
    off = settings(reconciliation={"checks": {"order_invoice_amount": {"enabled": False}}})
    assert reconcile(books.store, off, "run-2").cleared == 1
    with books.store.transaction() as connection:
        assert findings.history(connection, found.id)[-1].detail == {"because": "check_off"}
        with pytest.raises(FindingError, match="resolved"):
            handling.assign(connection, found.id, "wang", "lin")


def test_what_is_cleared_because_its_system_was_removed_says_so(books: Books) -> None:
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    reconcile(books.store, settings(), "run-1")
    found = _only(books.store)
    other = settings(systems={"ledger": {"connector": "none", "roles": ["accounting"]}})
    del other.systems["books"]
    reconcile(books.store, other, "run-2")
    with books.store.reading() as connection:
        last = findings.history(connection, found.id)[-1]
    assert (last.event, last.detail) == ("resolved", {"because": "system_removed", "system": "books"})


def test_age_counts_from_the_day_the_fault_began_and_base_amounts_use_the_rates(books: Books) -> None:
    deal = Deal(1).drop("payment").set("invoice", status="issued", open_amount=1356, due_date=ago(40))
    for entity in ("opportunity", "quote", "order", "invoice"):
        deal.set(entity, currency="USD")
    deal.write(books)
    books.save()
    reconcile(books.store, settings(), "run-1")
    (shown,) = report.build(books.store, settings())["findings"]
    assert (shown["age_days"], shown["since"], shown["amount"]) == (40, str(ago(40)), "1356.00")
    assert shown["base_amount"] == "9627.60"


def test_a_report_as_of_an_earlier_instant_shows_what_stood_then(books: Books) -> None:
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    reconcile(books.store, settings(), "run-1")
    Deal(1).write(books)
    books.save()
    later = AS_OF + timedelta(days=2)
    reconcile(books.store, settings(as_of=later), "run-2")
    assert report.build(books.store, settings(as_of=later))["findings"] == []
    (then,) = report.build(books.store, settings(), as_of=AS_OF + timedelta(days=1))["findings"]
    assert then["check"] == "order_invoice_amount"
