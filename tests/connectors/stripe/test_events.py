"""Pulling what events tell of: every change, once, however many there are."""

from __future__ import annotations

import json

from connectors.contract import Cursor
from sandbox.stripe import StripeServer
from tests.connectors.published import Clock
from tests.connectors.stripe.conftest import (
    Connect,
    ids,
    pages,
    pull,
    window,
)


def test_objects_that_were_changed_are_read_again_however_old_they_are(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    old = stripe.account.charge(1_000)
    clock.pass_(days=100)
    connector = connect(stripe)
    _, cursor = pull(connector, stripe)
    clock.pass_(hours=1)
    stripe.account.update("charge", old["id"], {"metadata": {"order_number": "SO-00001"}})

    found, _ = pull(connector, stripe, cursor)

    assert [json.loads(record.body)["metadata"] for record in found] == [{"order_number": "SO-00001"}]


def test_hundreds_of_events_in_one_second_are_all_followed_and_each_object_is_read_once(
    bulk: StripeServer, connect: Connect, clock: Clock
) -> None:
    charges = [bulk.account.charge(1_000) for _ in range(120)]
    connector = connect(bulk)
    _, cursor = pull(connector, bulk)
    clock.pass_(minutes=10)
    for round_ in range(3):
        for charge in charges:
            bulk.account.update("charge", charge["id"], {"metadata": {"round": str(round_)}})
    bulk.forget()

    found, cursor = pull(connector, bulk, cursor)

    assert {record.source_id for record in found} == {charge["id"] for charge in charges}
    assert len(found) == len(bulk.requests("/v1/charges/")) == 120
    assert {json.loads(record.body)["metadata"]["round"] for record in found} == {"2"}
    assert pull(connector, bulk, cursor)[0] == []


def test_an_event_that_shows_late_is_found_within_the_overlap(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    late, early = stripe.account.charge(1_000), stripe.account.charge(2_000)
    connector = connect(stripe, overlap_seconds=300)
    _, cursor = pull(connector, stripe)
    clock.pass_(minutes=5)
    stripe.account.update("charge", early["id"], {"description": "now"})
    _, cursor = pull(connector, stripe, cursor)
    stripe.account.tell("charge.updated", late, created=stripe.account.now - 240)

    found, cursor = pull(connector, stripe, cursor)
    again, _ = pull(connector, stripe, cursor)

    assert ids(found) == [late["id"]]
    assert again == []


def test_a_walk_over_events_goes_on_after_any_page(bulk: StripeServer, connect: Connect, clock: Clock) -> None:
    charges = [bulk.account.charge(1_000) for _ in range(120)]
    connector = connect(bulk)
    _, start = pull(connector, bulk)
    clock.pass_(minutes=10)
    for charge in charges:
        bulk.account.update("charge", charge["id"], {"metadata": {"seen": "1"}})
        bulk.account.update("charge", charge["id"], {"metadata": {"seen": "2"}})
    for number in range(3):
        got: set[str] = set()
        cursor: Cursor = start
        for place, page in enumerate(connector.pull("payment", start, window(bulk))):
            got |= {record.source_id for record in page.records}
            cursor = json.loads(json.dumps(page.cursor))
            if place == number:
                break
        clock.pass_(minutes=10)
        extra = bulk.account.charge(5)
        bulk.forget()
        rest, final = pull(connector, bulk, cursor)
        assert ("starting_after" in bulk.requests("/v1/events")[0].query) is not page.complete
        assert got | set(ids(rest)) >= {charge["id"] for charge in charges} | {extra["id"]}
        assert pull(connector, bulk, final)[0] == []


def test_a_deleted_customer_is_reported_as_deleted(stripe: StripeServer, connect: Connect, clock: Clock) -> None:
    gone, stays = stripe.account.customer("Wang"), stripe.account.customer("Li")
    connector = connect(stripe)
    _, cursor = pull(connector, stripe, stream="customer")
    clock.pass_(minutes=1)
    stripe.account.update("customer", gone["id"], {"description": "goes"})
    stripe.account.delete_customer(gone["id"])

    found = pages(connector, stripe, cursor, "customer")

    assert [name for page in found for name in page.deleted_ids] == [gone["id"]]
    assert [record for page in found for record in page.records] == []
    assert stays["id"] not in str(found)


def test_a_draft_that_was_thrown_away_is_reported_as_deleted(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    draft = stripe.account.invoice(stripe.account.customer("Wang")["id"], draft=True)
    connector = connect(stripe)
    _, cursor = pull(connector, stripe, stream="invoice")
    clock.pass_(minutes=1)
    stripe.account.delete_invoice(draft["id"])

    found = pages(connector, stripe, cursor, "invoice")

    assert [list(page.deleted_ids) for page in found] == [[draft["id"]]]


def test_a_person_may_ask_for_all_changes_since_a_day(stripe: StripeServer, connect: Connect, clock: Clock) -> None:
    charge = stripe.account.charge(1_000)
    connector = connect(stripe)
    _, cursor = pull(connector, stripe)
    clock.pass_(days=2)
    later = stripe.account.charge(2_000)
    _, cursor = pull(connector, stripe, cursor)
    day_ago = clock.now.replace(hour=0)

    recent, moved = pull(connector, stripe, cursor, since=day_ago)
    older, _ = pull(connector, stripe, cursor, since=clock.now.replace(year=2025))

    assert ids(recent) == [later["id"]]
    assert pull(connector, stripe, moved)[0] == []
    assert set(ids(older)) == {charge["id"], later["id"]}


def test_changed_objects_are_read_several_at_once_if_asked_for(
    bulk: StripeServer, connect: Connect, clock: Clock
) -> None:
    connector = connect(bulk, concurrency=4)
    _, cursor = pull(connector, bulk)
    clock.pass_(minutes=10)
    made = [bulk.account.charge(1_000)["id"] for _ in range(60)]

    found, _ = pull(connector, bulk, cursor)

    assert sorted(ids(found)) == sorted(made)


def test_an_event_about_what_has_no_id_yet_is_passed_over(stripe: StripeServer, connect: Connect, clock: Clock) -> None:
    connector = connect(stripe)
    _, cursor = pull(connector, stripe, stream="invoice")
    clock.pass_(minutes=1)
    stripe.account.tell("invoice.upcoming", {"id": None, "object": "invoice"})
    invoice = stripe.account.invoice(stripe.account.customer("Wang")["id"])

    found, _ = pull(connector, stripe, cursor, "invoice")

    assert ids(found) == [invoice["id"]]


def test_a_quiet_account_that_is_pulled_daily_never_reads_its_list_again(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    stripe.account.charge(1_000)
    connector = connect(stripe)
    _, cursor = pull(connector, stripe)
    stripe.forget()
    for _ in range(40):
        clock.pass_(days=1)
        found, cursor = pull(connector, stripe, cursor)
        assert found == []

    assert stripe.requests("/v1/charges") == []
    assert len(stripe.requests("/v1/events")) == 40
