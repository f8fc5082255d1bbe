"""Creating draft invoices: each once, by a key in its reference; nothing that is there is changed."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import NewRecord, Outcome, PushResult
from connectors.errors import AuthError, QuotaError
from connectors.rawjson import decode
from connectors.xero.connector import Xero
from sandbox.xero import XeroServer
from sandbox.xero.records import Document
from tests.connectors.published import Clock
from tests.connectors.xero.conftest import Connect, add_contact, add_invoice, pull

PUT = "PUT /api.xro/2.0/Invoices"
KEYS = [f"ltc-{number:024x}" for number in range(40)]
KEY = KEYS[0]


def draft(server: XeroServer, key: str = KEY, **values: Any) -> NewRecord:
    """What the mapping makes of a delivery: two and a half metres at 19.9901."""
    if not server.books.contacts:
        add_contact(server)
    line = {"ItemCode": "PT-100", "Description": "Cable", "Quantity": Decimal("2.5"), "UnitAmount": Decimal("19.9901")}
    given = {
        "ContactID": next(iter(server.books.contacts)),
        "Reference": "SO-00012",
        "DeliveryNumbers": "14",
        "Date": "2026-10-30",
        "CurrencyCode": "CNY",
        "LineAmountTypes": "Exclusive",
        "LineItems": [line],
        "Key": key,
        **values,
    }
    return NewRecord(key, {name: value for name, value in given.items() if value is not None}, f"idem-{key}")


def create(connector: Xero, *records: NewRecord) -> list[PushResult]:
    return list(connector.create("invoice", records))


def invoices(server: XeroServer) -> list[Document]:
    return list(server.books.documents.values())


def test_a_draft_is_made_with_its_key_and_comes_back_as_the_next_pull_shows_it(
    xero: XeroServer, connect: Connect, clock: Clock
) -> None:
    connector = connect(xero)
    (result,) = create(connector, draft(xero))
    assert (result.outcome, result.key) == (Outcome.APPLIED, KEY)
    (made,) = invoices(xero)
    assert (made.id, made.status, made.type) == (result.source_id, "DRAFT", "ACCREC")
    assert made.reference == f"SO-00012 | {KEY} | DN 14"
    (line,) = made.lines
    assert (line.quantity, line.unit_amount, line.item_code) == (Decimal("2.5"), Decimal("19.9901"), "PT-100")
    clock.pass_(minutes=10)
    (pulled,), _ = pull(connector, xero)
    assert result.record == pulled


def test_what_is_there_is_found_and_neither_made_again_nor_changed(xero: XeroServer, connect: Connect) -> None:
    (first,) = create(connect(xero), draft(xero))
    xero.books.edit(first.source_id, reference=f"Order of Mr Li {KEY}")
    (again,) = create(connect(xero), draft(xero))
    assert (again.outcome, again.source_id) == (Outcome.UNCHANGED, first.source_id)
    assert [document.reference for document in invoices(xero)] == [f"Order of Mr Li {KEY}"]
    assert len(xero.requests(PUT)) == 1


@pytest.mark.parametrize("status", ["DELETED", "VOIDED"])
def test_an_invoice_that_was_taken_away_is_not_made_again(xero: XeroServer, connect: Connect, status: str) -> None:
    (first,) = create(connect(xero), draft(xero))
    if status == "VOIDED":
        xero.books.set_status(first.source_id, "AUTHORISED")
    xero.books.set_status(first.source_id, status)
    (again,) = create(connect(xero), draft(xero))
    assert (again.outcome, again.source_id) == (Outcome.UNCHANGED, first.source_id)
    assert len(invoices(xero)) == 1


@pytest.mark.parametrize("count", [1, 3, 30])
def test_find_tells_the_invoices_of_few_and_of_many_keys(xero: XeroServer, connect: Connect, count: int) -> None:
    connector = connect(xero)
    add_invoice(xero)
    create(connector, *(draft(xero, key) for key in KEYS[: count - 1]))
    found = connector.find("invoice", KEYS[:count])
    assert sorted(found) == KEYS[: count - 1]
    assert all(KEYS[number] in decode(found[KEYS[number]][0].body)["Reference"] for number in range(count - 1))


def test_find_reads_every_page(bulk: XeroServer, connect: Connect) -> None:
    for number in range(1005):
        add_invoice(bulk, f"INV-{number:05d}", reference=f"SO-1 | ltc-{number:024x}")
    found = connect(bulk).find("invoice", [f"ltc-{number:024x}" for number in range(1005)])
    assert len(found) == 1005


def test_a_key_that_only_begins_alike_is_another(xero: XeroServer, connect: Connect) -> None:
    add_invoice(xero, reference=f"SO-1 | {KEY}f")
    assert connect(xero).find("invoice", [KEY]) == {}


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_lost_answer_is_settled_by_looking_and_nothing_is_made_twice(
    xero: XeroServer, connect: Connect, lost: str
) -> None:
    xero.faults.cut("^PUT", act=lost == "after", times=50)
    (result,) = create(connect(xero), draft(xero))
    assert result.outcome is (Outcome.APPLIED if lost == "after" else Outcome.UNKNOWN)
    assert len(invoices(xero)) == (1 if lost == "after" else 0)
    xero.faults.clear()
    (again,) = create(connect(xero), draft(xero))
    assert again.outcome is (Outcome.UNCHANGED if lost == "after" else Outcome.APPLIED)
    assert len(invoices(xero)) == 1


def test_a_request_is_repeated_under_the_same_idempotency_key(xero: XeroServer, connect: Connect) -> None:
    xero.faults.cut("^PUT", act=True)
    (result,) = create(connect(xero), draft(xero))
    assert result.outcome is Outcome.APPLIED
    assert [request.headers["idempotency-key"] for request in xero.requests(PUT)] == [f"idem-{KEY}"] * 2
    assert len(invoices(xero)) == 1


def test_an_answer_that_breaks_off_is_settled_by_looking(xero: XeroServer, connect: Connect) -> None:
    xero.faults.corrupt("^PUT", times=50)
    (result,) = create(connect(xero), draft(xero))
    assert result.outcome is Outcome.APPLIED
    assert len(invoices(xero)) == 1


def test_what_xero_refuses_is_rejected_in_its_words_and_the_others_are_made(xero: XeroServer, connect: Connect) -> None:
    results = create(connect(xero), draft(xero, ContactID=None), draft(xero, KEYS[1]))
    assert [result.outcome for result in results] == [Outcome.REJECTED, Outcome.APPLIED]
    assert "A Contact must be specified" in results[0].message
    (long,) = create(connect(xero), draft(xero, KEYS[2], Reference="x" * 240))
    assert long.outcome is Outcome.REJECTED
    assert "longer than 255" in long.message


def test_an_idempotency_key_that_xero_remembers_with_another_content_waits(xero: XeroServer, connect: Connect) -> None:
    create(connect(xero), draft(xero, ContactID=None))
    (corrected,) = create(connect(xero), draft(xero))
    assert corrected.outcome is Outcome.RETRY
    assert invoices(xero) == []


def test_the_minute_limit_is_waited_for_and_the_day_limit_stops(xero: XeroServer, connect: Connect) -> None:
    xero.faults.answer("^PUT", 429, headers={"retry-after": "1", "x-rate-limit-problem": "minute"})
    (result,) = create(connect(xero), draft(xero))
    assert result.outcome is Outcome.APPLIED
    xero.faults.answer("^PUT", 429, headers={"x-rate-limit-problem": "day"})
    with pytest.raises(QuotaError):
        create(connect(xero), draft(xero, KEYS[1]))
    assert len(invoices(xero)) == 1


def test_a_token_that_ends_is_renewed_and_a_missing_scope_stops(xero: XeroServer, connect: Connect) -> None:
    xero.faults.answer("^PUT", 401, {"Title": "Unauthorized", "Detail": "TokenExpired"})
    (result,) = create(connect(xero), draft(xero))
    assert result.outcome is Outcome.APPLIED
    reader = connect(xero, scopes=["accounting.contacts.read", "accounting.invoices.read"])
    with pytest.raises(AuthError, match="lacks a scope"):
        create(reader, draft(xero, KEYS[1]))
    line = next(line for line in connect(xero).check() if line.stream == "invoice")
    assert "drafts can be created" in line.detail
