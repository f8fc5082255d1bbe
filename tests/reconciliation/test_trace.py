"""The whole chain of any record, by anything people call it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciliation.engine import reconcile
from reconciliation.trace import Chain, trace
from state.store import Store
from tests.reconciliation.books import AS_OF, Books, linked, settings
from tests.reconciliation.deals import Deal


def _fill(store: Store) -> Books:
    books = Books(store)
    Deal(1).set("invoice", net_amount=1100).set("payment", reference_text="Transfer 4711").write(books)
    Deal(2).write(books)
    known: dict[str, Any] = {"company_name": "A", "email": "a@a.example", "received_at": AS_OF}
    books.add("lead", "F-1", system="forms", number="L-1", status="converted", **known)
    books.add("lead", "C-1", status="converted", lead_ref="no:L-1", opportunity_ref="id:OP-1")
    return books


@pytest.fixture
def traced(sqlite_store: Store) -> Store:
    linked(_fill(sqlite_store))
    return sqlite_store


def _chain(store: Store, needle: str) -> Chain:
    (chain,) = trace(store, settings(), needle)
    return chain


WHOLE = ["C-1", "F-1", "OP-1", "Q-1", "SO-1", "DN-1", "INV-1", "PAY-1"]


def test_any_number_or_id_gives_the_whole_chain(traced: Store) -> None:
    for needle in ("L-1", "C-1", "Q-1", " so-1 ", "DN-1", "INV-1", "PAY-1", "transfer 4711", "Deal 1"):
        chain = _chain(traced, needle)
        assert [record.source_id for record in chain.records] == WHOLE
        asked = next(record for record in chain.records if record.record_id in chain.found)
        called = (asked.source_id, asked.number, asked.name)
        assert needle.strip().lower() in [str(name).lower() for name in called]


def test_records_carry_status_dates_money_and_states(traced: Store) -> None:
    records = {record.source_id: record for record in _chain(traced, "SO-1").records}
    order = records["SO-1"]
    assert (order.system, order.status, order.party) == ("erp", "completed", "客户1 Ltd")
    assert order.amounts == {"gross_amount": "1356.00", "net_amount": "1200.00"}
    assert order.dates["order_date"] == "2026-09-23"
    assert order.states == {
        "delivery_state": "delivered",
        "billing_state": "partly_invoiced",
        "payment_state": "paid",
    }
    assert records["F-1"].dates["received_at"] == "2026-10-31T10:00:00Z"


def test_links_carry_their_evidence_and_findings_their_sentence(store: Store) -> None:
    _fill(store).save()
    reconcile(store, settings(), "run-1")
    chain = _chain(store, "SO-1")
    assert [record.source_id for record in chain.records] == WHOLE
    by_method = {(link.kind, link.method) for link in chain.links}
    assert by_method == {("follows", "number"), ("follows", "reference"), ("same_as", "number")}
    assert {"field": "quote_ref", "value": "no:Q-1", "candidates": 1} in [link.evidence for link in chain.links]
    (finding,) = chain.findings
    assert finding["check"] == "order_invoice_amount"
    assert "SO-1" in finding["explanation"]
    assert chain.as_dict()["records"][0]["system"] == "crm"


def test_a_customer_gives_the_chains_of_its_documents(traced: Store) -> None:
    chains = trace(traced, settings(), "客户2 Ltd")
    assert [record.source_id for record in chains[0].records] == ["P-2", "P-2", "P-2"]
    assert [record.source_id for record in chains[1].records] == ["OP-2", "Q-2", "SO-2", "DN-2", "INV-2", "PAY-2"]


def test_what_nobody_knows_gives_nothing(traced: Store) -> None:
    assert trace(traced, settings(), "SO-999") == []
    assert trace(traced, settings(), " ") == []
