"""The stand-in follows Xero's published document and its rules; the rest of the tests rest on that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from sandbox.world.build import build_world
from sandbox.xero import XeroServer, seed, start, xero_id
from sandbox.xero.books import BooksError
from sandbox.xero.records import Credit
from tests.connectors.published import START, Clock, Exchange
from tests.connectors.xero.conftest import Connect, add_contact, add_invoice, pull
from tests.connectors.xero.openapi_check import OpenApiCheck


@pytest.fixture
def client(xero: XeroServer) -> Iterator[httpx.Client]:
    """Somebody else's program with a good token."""
    token = xero.access.token(
        "Basic TFRDLURFTU8tQ0xJRU5UOmx0Yy1kZW1vLXNlY3JldA==",
        b"grant_type=client_credentials&scope=accounting.contacts+accounting.transactions+accounting.settings",
    )
    headers = {
        "Authorization": f"Bearer {token['access_token']}",
        "xero-tenant-id": xero.access.tenant_id,
        "Accept": "application/json",
    }
    with httpx.Client(base_url=xero.base_url, headers=headers) as made:
        yield made


def new_invoice(contact_id: str, **fields: Any) -> dict[str, Any]:
    """What a program sends to create an invoice."""
    line = {"Description": "Gauge", "Quantity": 2, "UnitAmount": 50, "TaxAmount": 13, "AccountCode": "200"}
    base = {"Type": "ACCREC", "Contact": {"ContactID": contact_id}, "LineItems": [line], "Status": "AUTHORISED"}
    return {**base, "Date": "2026-10-01", "DueDate": "2026-10-31", "CurrencyCode": "CNY", **fields}


@pytest.mark.shared
def test_every_kind_of_call_is_as_xeros_document_says(
    shared_dir: Path, xero: XeroServer, openapi: OpenApiCheck, client: httpx.Client, connect: Connect
) -> None:
    openapi.checked.clear()
    contact = add_contact(xero)
    created = client.put("/Invoices", json={"Invoices": [new_invoice(contact.id, InvoiceNumber="INV-1")]}).json()
    invoice_id = created["Invoices"][0]["InvoiceID"]
    client.post(f"/Invoices/{invoice_id}", json={"Invoices": [{"Reference": "SO-00007"}]})
    note = client.put("/CreditNotes", json={"CreditNotes": [new_invoice(contact.id, Type="ACCRECCREDIT")]}).json()
    note_id = note["CreditNotes"][0]["CreditNoteID"]
    client.put(
        f"/CreditNotes/{note_id}/Allocations",
        json={"Allocations": [{"Amount": 60, "Date": "2026-10-05", "Invoice": {"InvoiceID": invoice_id}}]},
    )
    payment = {"Invoice": {"InvoiceID": invoice_id}, "Account": {"Code": "970"}, "Date": "2026-10-06", "Amount": 10}
    paid = client.put("/Payments", json={"Payments": [payment]}).json()["Payments"][0]
    client.post(f"/Payments/{paid['PaymentID']}", json={"Status": "DELETED"})
    add_money_on_account(xero, contact.id)
    for path in ("Contacts", "Invoices", "CreditNotes", "Payments", "Overpayments", "Prepayments", "Organisation"):
        assert client.get(f"/{path}").status_code == 200
        assert client.get(f"/{path}", params={"page": 1, "order": "UpdatedDateUTC ASC"}).status_code == 200
    assert client.get(f"/Invoices/{invoice_id}").json()["Invoices"][0]["Reference"] == "SO-00007"
    refused = client.put("/Invoices", json={"Invoices": [new_invoice("nobody")]})
    connector = connect(xero)
    for spec in connector.streams():
        pull(connector, xero, stream=spec.name)

    assert refused.status_code == 400
    assert refused.json()["Elements"][0]["ValidationErrors"]
    assert len(openapi.checked) >= 28
    assert openapi.problems == []


@pytest.mark.shared
def test_the_check_notices_an_answer_that_xeros_document_does_not_allow(
    shared_dir: Path, openapi: OpenApiCheck, bulk: XeroServer, connect: Connect
) -> None:
    add_invoice(bulk)
    (record,), _ = pull(connect(bulk), bulk)
    wrong = record.body.replace(b'"Type":"ACCREC"', b'"Type":"SALE"').replace(b'"Total":113.00', b'"Total":"113.00"')
    content, headers = b'{"Invoices":[' + wrong + b"]}", {"xero-tenant-id": "x"}
    answered = Exchange("GET", "/api.xro/2.0/Invoices", "page=1", headers, b"", 200, "application/json", content)

    openapi.check(answered)
    openapi.check(replace(answered, query="page=abc", content=b""))

    found, openapi.problems[:] = list(openapi.problems), []
    assert len(found) == 3
    assert "SALE" in found[0]


def add_money_on_account(xero: XeroServer, contact_id: str) -> None:
    """A prepayment that was paid back and an overpayment that was not."""
    for number, kind in enumerate(("RECEIVE-PREPAYMENT", "RECEIVE-OVERPAYMENT")):
        key = f"00000000-0000-4000-a000-{number:012x}"
        xero.books.add(Credit(key, kind, contact_id, START.date(), "CNY", Decimal(70), START, "SO-00009"))
    xero.books.pay("00000000-0000-4000-a000-000000000000", Decimal(70), reference="back")


def test_lists_without_a_page_come_without_lines(xero: XeroServer, client: httpx.Client) -> None:
    add_invoice(xero)

    assert client.get("/Invoices").json()["Invoices"][0]["LineItems"] == []
    assert len(client.get("/Invoices", params={"page": 1}).json()["Invoices"][0]["LineItems"]) == 1


def test_without_an_accept_header_the_answer_is_xml(xero: XeroServer, client: httpx.Client) -> None:
    assert client.get("/Invoices", headers={"Accept": "*/*"}).headers["content-type"].startswith("text/xml")


def test_lists_are_filtered_by_their_parameters(xero: XeroServer, client: httpx.Client) -> None:
    first, second = add_invoice(xero), add_invoice(xero, "INV-00002", status="DRAFT")

    def numbers(**params: Any) -> list[str]:
        answer = client.get("/Invoices", params={"page": 1, **params}).json()
        return [invoice["InvoiceNumber"] for invoice in answer["Invoices"]]

    assert numbers(IDs=second.id) == ["INV-00002"]
    assert numbers(InvoiceNumbers="INV-00001,INV-00009") == ["INV-00001"]
    assert numbers(Statuses="DRAFT,PAID") == ["INV-00002"]
    assert numbers(where='Type=="ACCREC" AND Status=="DRAFT"') == ["INV-00002"]
    assert numbers(order="InvoiceNumber DESC") == ["INV-00002", "INV-00001"]
    assert numbers(ContactIDs=first.contact_id, pageSize=1) == [numbers()[0]]
    assert client.get("/Invoices", params={"where": "Colour"}).json()["Type"] == "QueryParseException"


def test_a_paid_invoice_follows_its_payments(xero: XeroServer, clock: Clock) -> None:
    invoice = add_invoice(xero)
    clock.pass_(minutes=1)
    first = xero.books.pay(invoice.id, Decimal(50))
    assert (invoice.status, xero.books.due(invoice), invoice.updated) == ("AUTHORISED", Decimal("63.00"), clock())

    xero.books.pay(invoice.id, Decimal(63))
    assert invoice.status == "PAID"

    xero.books.delete_payment(first.id)
    assert (invoice.status, xero.books.due(invoice)) == ("AUTHORISED", Decimal("50.00"))


def test_xero_refuses_what_its_rules_forbid(xero: XeroServer) -> None:
    invoice = add_invoice(xero)
    xero.books.pay(invoice.id, Decimal(50))

    with pytest.raises(BooksError, match="exceeds the amount outstanding"):
        xero.books.pay(invoice.id, Decimal(64))
    with pytest.raises(BooksError, match="VOIDED cannot be applied"):
        xero.books.void(invoice.id)
    with pytest.raises(BooksError, match="not of valid status"):
        xero.books.void(add_invoice(xero, "INV-00002", status="DRAFT").id)


def test_marking_a_partly_paid_invoice_as_sent_does_not_move_its_change_time(xero: XeroServer, clock: Clock) -> None:
    invoice = add_invoice(xero)
    xero.books.pay(invoice.id, Decimal(50))
    before = clock()
    clock.pass_(minutes=1)

    assert xero.books.edit(invoice.id, sent=True).updated == before
    assert xero.books.edit(invoice.id, reference="SO-00002").updated == clock()


def test_an_idempotency_key_replays_its_answer_for_six_minutes(
    xero: XeroServer, client: httpx.Client, clock: Clock
) -> None:
    body = {"Invoices": [new_invoice(add_contact(xero).id)]}
    header = {"Idempotency-Key": "create-1"}
    first = client.put("/Invoices", json=body, headers=header)
    second = client.put("/Invoices", json=body, headers=header)
    other = client.put("/Invoices", json={"Invoices": []}, headers=header)
    clock.pass_(minutes=7)
    client.put("/Invoices", json=body, headers=header)

    assert first.content == second.content
    assert (other.status_code, other.json()["ErrorNumber"]) == (400, 10)
    assert len(xero.books.documents) == 2


def test_limits_are_told_and_kept(xero: XeroServer, client: httpx.Client, clock: Clock) -> None:
    xero.access.limits.minute = 2
    answers = [client.get("/Organisation") for _ in range(3)]
    clock.pass_(seconds=61)

    assert [answer.headers["x-minlimit-remaining"] for answer in answers] == ["1", "0", "0"]
    assert (answers[2].status_code, answers[2].headers["x-rate-limit-problem"]) == (429, "minute")
    assert 0 < int(answers[2].headers["retry-after"]) <= 60
    assert client.get("/Organisation").status_code == 200


def test_the_demo_company_is_in_the_books_to_the_cent() -> None:
    world = build_world()
    with start(world) as server:
        for invoice in world.book_invoices:
            document = server.books.documents[xero_id(invoice.kind, invoice.key)]
            assert (document.number, document.status) == (invoice.number, invoice.status)
        for payment in world.book_payments:
            if payment.kind in ("prepayment", "overpayment"):
                credit = server.books.credits[xero_id(payment.kind, payment.key)]
                assert server.books.remaining(credit) == payment.amount
        assert all(server.books.due(document) >= 0 for document in server.books.documents.values())


def test_the_books_can_be_saved_and_loaded(tmp_path: Path, xero: XeroServer, connect: Connect) -> None:
    seed(xero, build_world())
    before = {spec.name: pull(connect(xero), xero, stream=spec.name)[0] for spec in connect(xero).streams()}
    xero.save(tmp_path / "xero.json")
    xero.clear()
    xero.access.limits.minute = 100_000
    xero.load(tmp_path / "xero.json")

    after = {spec.name: pull(connect(xero), xero, stream=spec.name)[0] for spec in connect(xero).streams()}

    assert after == before
    assert json.loads((tmp_path / "xero.json").read_bytes())["contacts"]


def test_ids_are_the_same_every_time() -> None:
    assert xero_id("invoice", "D-1") == xero_id("invoice", "D-1")
    assert xero_id("invoice", "D-1") != xero_id("credit_note", "D-1")
