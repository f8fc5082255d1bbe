"""The river: what came, went on, was lost, stands open in each period, of a small company and of the demo's."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from reconciliation import closing, river
from reconciliation.engine import reconcile
from reconciliation.river import TIED, Flow, Handoff, River, Span
from reconciliation.rules import Rules
from state import tieouts
from state.store import Store
from tests.reconciliation.books import Books, line, settings
from tests.reconciliation.conftest import Company

pytestmark = pytest.mark.slow


def day(month: int, number: int = 10) -> date:
    return date(2026, month, number)


def at(month: int, number: int = 10, hour: int = 4) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


def deal(books: Books, name: str, month: int, amount: int, **statuses: str) -> None:
    """An order of a month with its opportunity and quote; invoice and payment come in the month after."""
    said = {"quote": "ordered", "order": "completed", "invoice": "paid", "payment": "received", **statuses}
    goods = [line("PUMP", 1, amount)]
    money: dict[str, Any] = {"net_amount": amount, "gross_amount": amount}
    books.add("opportunity", f"o{name}", status="won", source_created_at=at(month), expected_amount=amount)
    quote: dict[str, Any] = {"number": f"Q-{name}", "opportunity_ref": f"id:o{name}", "issue_date": day(month)}
    books.add("quote", f"q{name}", status=said["quote"], lines=goods, **quote, **money)
    order: dict[str, Any] = {"number": f"SO-{name}", "quote_ref": f"no:Q-{name}", "order_date": day(month)}
    books.add("order", f"s{name}", status=said["order"], lines=goods, **order, **money)
    sent: dict[str, Any] = {"order_refs": [f"no:SO-{name}"], "lines": [{"line_no": 1, "sku": "PUMP", "quantity": 1}]}
    books.add("delivery", f"d{name}", status="delivered", delivered_on=day(month), kind="delivery", **sent)
    if said["invoice"]:
        bill: dict[str, Any] = {"number": f"INV-{name}", "order_refs": [f"no:SO-{name}"], "issue_date": day(month + 1)}
        books.add("invoice", f"i{name}", kind="invoice", status=said["invoice"], **bill, **money)
    if said["payment"]:
        paid: dict[str, Any] = {"kind": "payment", "direction": "in", "received_on": day(month + 1, 20)}
        used = [{"invoice_ref": f"id:i{name}", "amount": amount}]
        paid |= {"invoice_ref": f"id:i{name}", "amount": amount, "unapplied_amount": 0, "lines": used}
        books.add("payment", f"p{name}", status=said["payment"], **paid)


def of(store: Store, **changes: Any) -> River:
    with store.reading() as connection:
        return river.river(connection, Rules.of(settings(**changes)))


def read(found: River, period: str, currency: str = "CNY") -> dict[str, Handoff]:
    chosen = found.find(period)
    assert chosen is not None
    return {item.name: item for item in found.handoffs(chosen, currency)}


def fill(store: Store) -> Books:
    """Three deals of August and September, of which one is not invoiced and one not paid, and what came to nothing."""
    books = Books(store)
    deal(books, "1", 8, 1000)
    deal(books, "2", 9, 500, payment="")
    deal(books, "3", 9, 70, invoice="", payment="", order="in_progress")
    books.add("quote", "q9", number="Q-9", status="rejected", issue_date=day(9), net_amount=40)
    books.add("quote", "q8", number="Q-8", status="superseded", issue_date=day(9), net_amount=41)
    books.add("quote", "q7", number="Q-7", status="sent", issue_date=day(9), net_amount=42)
    books.add("order", "s9", number="SO-9", status="cancelled", order_date=day(9), net_amount=33)
    for name, status, amount in (("o7", "lost", 11), ("o8", "won", 12), ("o9", "on_hold", 13)):
        books.add("opportunity", name, status=status, source_created_at=at(9), expected_amount=amount)
    books.save()
    reconcile(store, settings(), "run-1")
    return books


@pytest.fixture
def small(sqlite_store: Store) -> Store:
    fill(sqlite_store)
    return sqlite_store


def test_documents_count_in_the_period_of_their_own_date(small: Store) -> None:
    found = of(small)
    assert found.months == ["2026-08", "2026-09", "2026-10"]
    august, september = read(found, "2026-08"), read(found, "2026-09")
    assert (august["quote_order"].came, august["quote_order"].on) == (Flow(1, 100_000), Flow(1, 100_000))
    assert (august["order_invoice"].came, august["order_invoice"].on) == (Flow(1, 100_000), Flow())
    assert (september["order_invoice"].came, september["order_invoice"].on) == (Flow(2, 57_000), Flow(1, 100_000))
    assert september["order_delivery"].on == Flow(2, 57_000)


def test_open_is_what_stood_open_at_the_end_of_the_period(small: Store) -> None:
    found = of(small)
    assert read(found, "2026-08")["order_invoice"].open == Flow(1, 100_000)
    assert read(found, "2026-09")["order_invoice"].open == Flow(2, 57_000)
    assert read(found, "2026-10")["order_invoice"].open == Flow(1, 7_000)
    assert read(found, "2026-10")["invoice_payment"].open == Flow(1, 50_000)
    assert read(found, "2026-09")["invoice_payment"].open == Flow()


def test_before_there_is_an_order_it_is_said_what_became_of_what_came(store: Store) -> None:
    fill(store)
    september = read(of(store), "2026-09")
    assert september["opportunity_quote"] == Handoff(
        "opportunity_quote", Flow(5, 60_600), Flow(2, 57_000), Flow(1, 1_100), Flow(1, 1_300), Flow(1, 1_200)
    )
    assert september["quote_accepted"] == Handoff(
        "quote_accepted", Flow(4, 65_200), Flow(2, 57_000), Flow(1, 4_000), Flow(1, 4_200), Flow()
    )
    assert september["order_delivery"].lost == Flow(1, 3_300)
    assert september["quote_order"].lost is None


def test_a_quarter_a_year_and_everything_are_the_sum_of_their_months(small: Store) -> None:
    found = of(small)
    months = [read(found, month) for month in found.months]
    quarter, year, whole = read(found, "2026-Q3"), read(found, "2026"), read(found, "all")
    for name in whole:
        for side in ("came", "on"):
            flows = [getattr(month[name], side) for month in months]
            assert getattr(quarter[name], side) == flows[0].plus(flows[1])
            assert getattr(year[name], side) == getattr(whole[name], side) == flows[0].plus(flows[1]).plus(flows[2])
        assert year[name].open == whole[name].open


def test_a_closed_month_stays_as_its_close_froze_it(sqlite_store: Store) -> None:
    books = fill(sqlite_store)
    closing.close(sqlite_store, settings(), "2026-08", "li", "run-2", {}, "so")
    before = read(of(sqlite_store), "2026-08")
    late: dict[str, Any] = {"number": "SO-LATE", "order_date": day(8), "net_amount": 900, "gross_amount": 900}
    books.add("order", "late", status="in_progress", **late)
    books.save()
    reconcile(sqlite_store, settings(), "run-3")
    assert read(of(sqlite_store), "2026-08")["order_invoice"] == before["order_invoice"]
    assert read(of(sqlite_store), "all")["order_invoice"].came == Flow(4, 247_000)


def test_a_lead_of_marketing_and_its_twin_in_the_crm_are_one(store: Store) -> None:
    books = Books(store)
    anna: dict[str, Any] = {"email": "anna@acme.example", "company_name": "ACME", "received_at": at(9)}
    books.add("lead", "f1", system="forms", number="L-1", status="converted", **anna)
    books.add("lead", "l1", status="converted", opportunity_ref="id:o1", **anna)
    books.add("opportunity", "o1", status="open", source_created_at=at(9), expected_amount=1)
    other: dict[str, Any] = {"received_at": at(9)}
    books.add("lead", "f2", system="forms", status="disqualified", email="b@b.example", **other)
    books.add("lead", "l3", status="converted", email="c@c.example", **other)
    books.add("lead", "l4", status="working", email="d@d.example", **other)
    books.add("lead", "l5", status="working", email="e@e.example", deleted=True, **other)
    books.add("lead", "l6", status="new", email="f@f.example", received_at=at(9, 30, 17))  # October in Shanghai
    books.save()
    reconcile(store, settings(), "run-1")
    leads = read(of(store), "2026-09")["lead_opportunity"]
    assert leads == Handoff("lead_opportunity", Flow(4), Flow(1), Flow(1), Flow(1), Flow(1))
    assert read(of(store), "2026-10")["lead_opportunity"].came == Flow(1)


def test_a_period_has_one_before_it_and_only_those_with_something_are_found(small: Store) -> None:
    found = of(small)
    chains = {"2026-01": "2025-12", "2026-Q1": "2025-Q4", "2026-Q3": "2026-Q2", "2026": "2025"}
    assert {name: _earlier(name) for name in chains} == chains
    assert Span("all").earlier is None
    for name in ("2026-07", "2026-11", "2025", "2026-Q5", "2026-13", "0000", "9999-12", "x", "2026-10 ", "", "٢٠٢٦"):
        assert found.find(name) is None, name
    assert [item.name for item in found.spans("quarter")] == ["2026-Q4", "2026-Q3"]


def test_the_figures_of_the_demo_foot_with_its_tie_outs(company: Company) -> None:
    found = of(company.store)
    with company.store.reading() as connection:
        ties = {(item["name"], item["currency"]): item for item in tieouts.latest(connection)}
    assert len(found.months) > 6
    checked = 0
    for currency in found.currencies:
        whole = read(found, "all", currency)
        months = [read(found, month, currency) for month in found.months]
        for name in TIED:
            item = ties.get((name, currency))
            if item is None:
                continue
            for side, cell, rest in (("left", "came", "open"), ("right", "on", "unlinked")):
                amount = item[side]["amount"] - item[f"excluded_{side}"]["amount"]
                assert getattr(whole[name], cell).amount == amount
                assert getattr(whole[name], rest).amount == item[f"unmatched_{side}"]["amount"]
                if "payout" not in name:  # what is on its way counts in its month, and takes no part as of now
                    assert sum(getattr(month[name], cell).amount for month in months) == amount
                    assert getattr(months[-1][name], rest) == getattr(whole[name], rest)
                checked += 1
        assert whole["quote_accepted"].on.amount == whole["quote_order"].came.amount
        for fates in (whole["lead_opportunity"], whole["opportunity_quote"], whole["quote_accepted"]):
            parts = [fates.on, fates.lost or Flow(), fates.open, fates.unlinked]
            assert fates.came == Flow(sum(part.count for part in parts), sum(part.amount for part in parts))
    assert checked >= 4 * 2 * 4
    assert read(found, "all")["lead_opportunity"].on.count > 0


def _earlier(name: str) -> str:
    found = river.span(name)
    assert found is not None
    assert found.earlier is not None
    return found.earlier.name
