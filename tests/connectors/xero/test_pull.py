"""What a pull from Xero delivers, whatever happens meanwhile."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.contract import Page
from connectors.errors import ContractError, TransientError
from connectors.rawjson import decode
from sandbox.xero import XeroServer
from tests.connectors.published import START, Clock
from tests.connectors.xero.conftest import (
    Connect,
    add_contact,
    add_invoice,
    add_many,
    answered,
    pull,
    push_one,
    window,
)


def test_a_first_pull_delivers_every_record_of_every_stream(xero: XeroServer, connect: Connect) -> None:
    invoice = add_invoice(xero)
    note = add_invoice(xero, "CN-0001", "20", type_="ACCRECCREDIT")
    xero.books.pay(invoice.id, Decimal(50))
    connector = connect(xero)

    counts = {spec.name: len(pull(connector, xero, stream=spec.name)[0]) for spec in connector.streams()}

    assert counts == {"contact": 1, "invoice": 1, "credit_note": 1, "payment": 1, "overpayment": 0, "prepayment": 0}
    (record,), _ = pull(connector, xero, stream="credit_note")
    assert record.source_id == note.id


def test_a_record_is_the_bytes_that_xero_sent_with_its_change_time_as_version(
    xero: XeroServer, connect: Connect
) -> None:
    invoice = add_invoice(xero, amount="1234.40")

    (record,), _ = pull(connect(xero), xero)

    assert record.version == round(invoice.updated.timestamp() * 1_000_000)
    assert b'"Total":1394.87,' in record.body
    assert decode(record.body)["LineItems"][0]["UnitAmount"] == Decimal("1234.4000")


def test_voided_and_deleted_invoices_are_delivered(xero: XeroServer, connect: Connect) -> None:
    xero.books.void(add_invoice(xero).id)
    xero.books.set_status(add_invoice(xero, "INV-00002", status="DRAFT").id, "DELETED")

    records, _ = pull(connect(xero), xero)

    assert sorted(json.loads(record.body)["Status"] for record in records) == ["DELETED", "VOIDED"]


def test_archived_contacts_are_delivered(xero: XeroServer, connect: Connect) -> None:
    xero.books.edit_contact(add_contact(xero).id, status="ARCHIVED")

    records, _ = pull(connect(xero), xero, stream="contact")

    assert json.loads(records[0].body)["ContactStatus"] == "ARCHIVED"


@pytest.mark.parametrize("inclusive", [True, False])
def test_the_next_pull_delivers_only_what_changed(
    xero: XeroServer, connect: Connect, clock: Clock, inclusive: bool
) -> None:
    xero.api.since_is_inclusive = inclusive
    for number in range(5):
        add_invoice(xero, f"INV-0000{number}")
    clock.pass_(hours=1)
    connector = connect(xero)
    _, cursor = pull(connector, xero)
    changed = xero.books.invoice("INV-00003")
    clock.pass_(minutes=1)
    xero.books.edit(changed.id, reference="SO-00099")
    clock.pass_(minutes=1)

    records, _ = pull(connector, xero, cursor)

    assert [record.source_id for record in records] == [changed.id]


def test_without_changes_each_stream_costs_one_call_and_keeps_its_cursor(
    xero: XeroServer, connect: Connect, clock: Clock
) -> None:
    add_invoice(xero)
    clock.pass_(hours=1)
    connector = connect(xero)
    cursors = {spec.name: pull(connector, xero, stream=spec.name)[1] for spec in connector.streams()}
    clock.pass_(hours=1)
    xero.forget()

    for stream, cursor in cursors.items():
        records, after = pull(connector, xero, cursor, stream)
        assert (records, after) == ([], cursor)

    assert len(answered(xero)) == len(cursors)


def test_ten_thousand_records_with_one_change_time_are_all_delivered(bulk: XeroServer, connect: Connect) -> None:
    made = add_many(bulk, 10_000, lambda _: START - timedelta(hours=2))

    records, _ = pull(connect(bulk), bulk)

    assert {record.source_id for record in records} == {document.id for document in made}
    assert len(answered(bulk)) == 10


def test_edits_while_paging_lose_nothing(bulk: XeroServer, connect: Connect, clock: Clock) -> None:
    made = add_many(bulk, 700, lambda number: START - timedelta(days=2) + timedelta(minutes=number))
    in_order = sorted(made, key=lambda document: document.updated)
    edited: list[str] = []

    def edit(resource: str, page: int) -> None:
        """Before each page, somebody changes the oldest records: in an order by change time all others move up."""
        if page > 1 and len(edited) < 60:
            clock.pass_(seconds=1)
            for document in in_order[len(edited) : len(edited) + 10]:
                bulk.books.edit(document.id, reference=f"changed before page {page}")
                edited.append(document.id)

    bulk.api.on_page = edit
    connector = connect(bulk, page_size=100)
    clock.pass_(minutes=10)

    records, cursor = pull(connector, bulk)

    assert edited
    assert {record.source_id for record in records} == {document.id for document in made}
    bulk.api.on_page = lambda _resource, _page: None
    clock.pass_(minutes=10)
    later, _ = pull(connector, bulk, cursor)
    assert set(edited) <= {record.source_id for record in later}
    held = {record.source_id: record for record in [*records, *later]}
    assert all(b"changed before page" in held[source_id].body for source_id in edited)


def test_new_records_while_paging_are_delivered_now_or_by_the_next_pull(
    bulk: XeroServer, connect: Connect, clock: Clock
) -> None:
    add_many(bulk, 250, lambda _: START - timedelta(days=1))
    added: list[str] = []

    def add(resource: str, page: int) -> None:
        clock.pass_(seconds=10)
        added.append(add_invoice(bulk, f"NEW-{page}").id)

    bulk.api.on_page = add
    connector = connect(bulk, page_size=100)
    records, cursor = pull(connector, bulk)
    bulk.api.on_page = lambda _resource, _page: None
    clock.pass_(minutes=10)
    later, _ = pull(connector, bulk, cursor)

    assert {*added} <= {record.source_id for record in [*records, *later]}
    assert len({record.source_id for record in [*records, *later]}) == 250 + len(added)


def test_a_commit_that_becomes_visible_late_is_delivered_by_the_next_pull(
    xero: XeroServer, connect: Connect, clock: Clock
) -> None:
    add_invoice(xero)
    connector = connect(xero)
    began = clock.pass_(hours=1)
    clock.pass_(seconds=90)
    _, cursor = pull(connector, xero)
    late = add_invoice(xero, "INV-00002", updated=began)

    records, _ = pull(connector, xero, cursor)

    assert late.id in {record.source_id for record in records}


def test_a_pull_that_was_cut_off_goes_on_at_its_last_page_and_then_with_what_changed_since(
    bulk: XeroServer, connect: Connect, clock: Clock
) -> None:
    made = add_many(bulk, 500, lambda _: START - timedelta(days=1))
    connector = connect(bulk, page_size=100)
    pages = connector.pull("invoice", None, window(bulk))
    first: list[Page] = [next(pages), next(pages)]
    clock.pass_(hours=1)
    changed = bulk.books.edit(made[0].id, reference="SO-00002")
    bulk.forget()

    records, _ = pull(connect(bulk, page_size=100), bulk, first[-1].cursor)

    assert len(answered(bulk)) == 3 + 1
    delivered = [record.source_id for page in first for record in page.records] + [r.source_id for r in records]
    assert {*delivered} == {document.id for document in made}
    assert changed.id in {record.source_id for record in records if b"SO-00002" in record.body}


def test_a_full_pull_reads_everything_again_whatever_the_cursor_says(
    xero: XeroServer, connect: Connect, clock: Clock
) -> None:
    add_invoice(xero)
    clock.pass_(hours=1)
    connector = connect(xero)
    _, cursor = pull(connector, xero)

    records, _ = pull(connector, xero, cursor, full=True)

    assert len(records) == 1


def test_a_later_since_does_not_skip_what_the_cursor_has_not_seen(
    xero: XeroServer, connect: Connect, clock: Clock
) -> None:
    connector = connect(xero, recheck_hours=0)
    _, cursor = pull(connector, xero)
    clock.pass_(hours=1)
    missed = add_invoice(xero)
    clock.pass_(days=1)
    add_invoice(xero, "INV-00002")
    clock.pass_(minutes=1)

    since_yesterday, moved = pull(connector, xero, cursor, since=clock() - timedelta(hours=2))
    records, _ = pull(connector, xero, moved)

    assert [json.loads(record.body)["InvoiceNumber"] for record in since_yesterday] == ["INV-00002"]
    assert missed.id in {record.source_id for record in records}


def test_the_cursor_never_passes_the_end_of_the_window_or_the_servers_clock(
    xero: XeroServer, connect: Connect, clock: Clock
) -> None:
    add_invoice(xero)
    ours_is_ahead = window(xero).until + timedelta(hours=3)

    (page,) = connect(xero).pull("invoice", None, type(window(xero))(until=ours_is_ahead))

    assert page.cursor["since"] == (clock() - timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_change_without_a_change_time_is_found_by_the_daily_recheck_of_open_invoices(
    xero: XeroServer, connect: Connect, clock: Clock
) -> None:
    invoice = add_invoice(xero)
    xero.books.pay(invoice.id, Decimal(50))
    clock.pass_(hours=1)
    connector = connect(xero, recheck_hours=24)
    _, cursor = pull(connector, xero)
    clock.pass_(hours=1)
    assert push_one(connector, invoice, {"SentToContact": True}, {}).outcome == "applied"

    soon, cursor = pull(connector, xero, cursor)
    clock.pass_(hours=24)
    next_day, cursor = pull(connector, xero, cursor)
    again, _ = pull(connector, xero, cursor)

    assert (soon, again) == ([], [])
    assert [json.loads(record.body)["SentToContact"] for record in next_day] == [True]


def test_a_smaller_page_than_asked_for_does_not_end_the_pull(
    bulk: XeroServer, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_many(bulk, 250, lambda _: START)
    monkeypatch.setattr("sandbox.xero.listing.MAX_PAGE_SIZE", 100)

    records, _ = pull(connect(bulk, page_size=1000), bulk)

    assert len(records) == 250


def test_a_list_without_paging_information_is_read_to_its_empty_page(bulk: XeroServer, connect: Connect) -> None:
    add_many(bulk, 250, lambda _: START)
    bulk.faults.corrupt("/Invoices", times=10, change=lambda body: body.replace(b'"pagination"', b'"other"'))

    records, _ = pull(connect(bulk, page_size=100), bulk)

    assert len({record.source_id for record in records}) == 250


def test_a_record_without_an_id_is_rejected_and_the_rest_delivered(xero: XeroServer, connect: Connect) -> None:
    add_invoice(xero)
    xero.faults.corrupt(
        "/Invoices", change=lambda body: body.replace(b'"Invoices":[', b'"Invoices":[{"Type":"ACCREC"},')
    )

    (page,) = connect(xero).pull("invoice", None, window(xero))

    assert len(page.records) == 1
    (rejected,) = page.rejected
    assert (rejected.field, rejected.body) == ("InvoiceID", b'{"Type":"ACCREC"}')


def test_half_an_answer_stops_the_stream_without_showing_its_values(xero: XeroServer, connect: Connect) -> None:
    add_invoice(xero)
    xero.faults.corrupt("/Invoices")

    with pytest.raises(ContractError) as caught:
        pull(connect(xero), xero)

    assert "not JSON" in str(caught.value)
    assert "Gauge" not in str(caught.value)


def test_a_server_that_is_down_for_a_moment_is_tried_again(xero: XeroServer, connect: Connect) -> None:
    add_invoice(xero)
    xero.faults.answer("/Invoices", 503, times=2)
    xero.faults.cut("/Invoices")

    records, _ = pull(connect(xero), xero)

    assert len(records) == 1
    assert xero.faults.armed == 0


def test_a_server_that_stays_down_is_a_transient_error(xero: XeroServer, connect: Connect) -> None:
    xero.faults.answer("/Invoices", 503, times=100)

    with pytest.raises(TransientError):
        pull(connect(xero), xero)


def test_nothing_modified_told_by_status_304_is_an_empty_pull(xero: XeroServer, connect: Connect) -> None:
    connector = connect(xero)
    _, cursor = pull(connector, xero)
    xero.faults.answer("/Invoices", 304)

    assert pull(connector, xero, cursor) == ([], cursor)
