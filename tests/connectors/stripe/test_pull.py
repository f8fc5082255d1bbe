"""Pulling the whole list: nothing lost while it is read, whatever happens meanwhile."""

from __future__ import annotations

import json

import pytest

from connectors.contract import Cursor
from sandbox.stripe import StripeServer
from tests.connectors.published import Clock
from tests.connectors.stripe.conftest import (
    EVERY_STREAM,
    Connect,
    busy_account,
    ids,
    pages,
    pull,
    window,
)


@pytest.mark.parametrize("stream", EVERY_STREAM)
def test_every_stream_is_read_once_and_then_costs_one_call(stripe: StripeServer, connect: Connect, stream: str) -> None:
    made = busy_account(stripe)
    connector = connect(stripe)
    records, cursor = pull(connector, stripe, stream=stream)
    stripe.forget()

    again, after = pull(connector, stripe, cursor, stream)

    assert made[stream]["id"] in ids(records)
    assert (again, after) == ([], cursor)
    assert [request.path for request in stripe.requests()] == ["/v1/events"]


@pytest.mark.parametrize("stream", EVERY_STREAM)
def test_an_empty_account_is_pulled(stripe: StripeServer, connect: Connect, stream: str) -> None:
    connector = connect(stripe)
    nothing, cursor = pull(connector, stripe, stream=stream)
    made = busy_account(stripe)

    found, _ = pull(connector, stripe, cursor, stream)

    assert nothing == []
    assert made[stream]["id"] in ids(found)


def test_ten_thousand_payments_of_one_second_are_read_while_more_come_in(bulk: StripeServer, connect: Connect) -> None:
    quiet = bulk.account.tell
    bulk.account.tell = lambda *_args, **_fields: {}  # type: ignore[method-assign]  # older than any event
    made = {bulk.account.charge(100 + number)["id"] for number in range(10_000)}
    bulk.account.tell = quiet  # type: ignore[method-assign]
    calls = []

    def customer_pays(kind: str) -> None:
        calls.append(kind)
        if kind == "charge" and len(calls) % 10 == 0:
            made.add(bulk.account.charge(5)["id"])

    bulk.api.on_page = customer_pays
    found = pages(connect(bulk), bulk)

    read = [record.source_id for page in found for record in page.records]
    assert set(read) == made
    assert len(made) > 10_000
    assert max(len(page.records) for page in found) <= 100


def test_a_change_while_the_list_is_read_is_found_by_its_event(stripe: StripeServer, connect: Connect) -> None:
    charges = [stripe.account.charge(1_000 + number) for number in range(150)]
    oldest, newest = charges[0], charges[-1]
    refunded: list[str] = []

    def refund_one_already_read(kind: str) -> None:
        # The second page of the list: the newest is behind us.
        if kind == "charge" and len(stripe.requests("/v1/charges")) == 2 and not refunded:
            refunded.append(stripe.account.refund(newest["id"], 400)["id"])

    stripe.api.on_page = refund_one_already_read
    records, _ = pull(connect(stripe), stripe)

    last = {record.source_id: json.loads(record.body) for record in records}
    assert last[newest["id"]]["amount_refunded"] == 400
    assert oldest["id"] in last


def test_a_pull_goes_on_after_any_page(bulk: StripeServer, connect: Connect, clock: Clock) -> None:
    """Cut after each page in turn: what the pages before it delivered and what the next pull delivers is everything."""
    for number in range(350):
        bulk.account.charge(1_000 + number)
    everything = {charge["id"] for charge in bulk.account.all("charge")}
    connector = connect(bulk)
    number = 0
    while True:
        got: set[str] = set()
        cursor: Cursor | None = None
        for place, page in enumerate(connector.pull("payment", None, window(bulk))):
            got |= {record.source_id for record in page.records}
            cursor = json.loads(json.dumps(page.cursor))
            if place == number:
                break
        else:
            break
        rest, _ = pull(connector, bulk, cursor)
        assert got | set(ids(rest)) == everything
        assert len(got) + len(rest) == 350  # nothing is read twice
        number += 1
    assert number >= 7


def test_after_a_gap_of_more_than_thirty_days_the_whole_list_is_read_again(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    charges = [stripe.account.charge(1_000) for _ in range(3)]
    connector = connect(stripe)
    _, cursor = pull(connector, stripe)
    stripe.account.refund(charges[0]["id"])
    clock.pass_(days=31)

    found, _ = pull(connector, stripe, cursor)

    assert set(ids(found)) == {charge["id"] for charge in charges}
    assert any(json.loads(record.body)["refunded"] for record in found)


def test_a_list_that_was_begun_long_ago_is_begun_anew(stripe: StripeServer, connect: Connect, clock: Clock) -> None:
    charges = [stripe.account.charge(1_000) for _ in range(150)]
    connector = connect(stripe)
    first = next(page for page in connector.pull("payment", None, window(stripe)) if page.records)
    stripe.account.refund(charges[-1]["id"])
    clock.pass_(days=31)

    found, _ = pull(connector, stripe, first.cursor)

    last = {record.source_id: json.loads(record.body) for record in found}
    assert last[charges[-1]["id"]]["refunded"]
    assert len(last) == 150


def test_the_customer_that_a_page_ends_with_may_be_deleted_before_the_next(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    made = []
    for number in range(250):
        made.append(stripe.account.customer(f"C{number}")["id"])
        if number % 50 == 49:
            clock.pass_(seconds=1)
    connector = connect(stripe)
    first = next(page for page in connector.pull("customer", None, window(stripe)) if page.records)
    stripe.account.delete_customer(first.records[-1].source_id)

    rest = pages(connector, stripe, first.cursor, "customer")

    read = {record.source_id for page in [first, *rest] for record in page.records}
    assert read == set(made)
    assert first.records[-1].source_id in {name for page in rest for name in page.deleted_ids}


def test_a_full_pull_reads_everything_again(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(1_000)
    connector = connect(stripe)
    _, cursor = pull(connector, stripe)

    found, after = pull(connector, stripe, cursor, full=True)

    assert len(found) == 1
    assert after == cursor
