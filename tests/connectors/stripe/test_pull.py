"""Pulling: the whole list once, then what events tell of, and nothing lost in between."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.contract import Cursor
from connectors.errors import AuthError, ContractError, TransientError
from sandbox.stripe import StripeServer
from tests.connectors.stripe.conftest import Clock, Connect, ids, pages, pull, record_of, window

EVERY_STREAM = ("customer", "invoice", "credit_note", "payment", "refund", "dispute", "payout")


def busy_account(server: StripeServer) -> dict[str, Any]:
    """One object of every stream."""
    account = server.account
    customer = account.customer("Wang", "wang@example.com")
    invoice = account.invoice(customer["id"], [("Gauge", 10_000, 1)])
    note = account.credit(invoice["id"], 1_000)
    charge = account.pay(invoice["id"])
    refund = account.refund(charge["id"], 500)
    dispute = account.dispute(account.charge(7_000)["id"])
    payout = account.pay_out()
    return {
        "customer": customer,
        "invoice": invoice,
        "credit_note": note,
        "payment": charge,
        "refund": refund,
        "dispute": dispute,
        "payout": payout,
    }


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
def test_an_object_has_the_same_bytes_from_a_list_and_by_its_id(
    stripe: StripeServer, connect: Connect, stream: str
) -> None:
    busy_account(stripe)
    connector = connect(stripe)
    records, _ = pull(connector, stripe, stream=stream)

    assert records
    for record in records:
        assert record_of(connector, stream, record.source_id).body == record.body
        assert b"receipt_url" not in record.body
        assert b"invoice_pdf" not in record.body


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


def test_a_full_pull_reads_everything_again(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(1_000)
    connector = connect(stripe)
    _, cursor = pull(connector, stripe)

    found, after = pull(connector, stripe, cursor, full=True)

    assert len(found) == 1
    assert after == cursor


def test_refunds_of_an_account_without_events_for_refunds_are_found_by_their_charge(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    charge = stripe.account.charge(1_000)
    connector = connect(stripe)
    _, cursor = pull(connector, stripe, stream="refund")
    stripe.account.tells_of_refunds = False
    clock.pass_(minutes=1)
    refund = stripe.account.refund(charge["id"], 300)

    found, _ = pull(connector, stripe, cursor, "refund")

    assert ids(found) == [refund["id"]]


def test_a_dispute_changes_the_payment_that_it_is_about(stripe: StripeServer, connect: Connect, clock: Clock) -> None:
    charge = stripe.account.charge(1_000)
    connector = connect(stripe)
    _, cursor = pull(connector, stripe)
    clock.pass_(minutes=1)
    stripe.account.dispute(charge["id"])

    (record,), _ = pull(connector, stripe, cursor)

    assert json.loads(record.body)["disputed"] is True


def test_the_fee_of_a_payment_that_settles_later_comes_with_its_event(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    charge = stripe.account.charge(10_000, settle=False)
    connector = connect(stripe)
    (unsettled,), cursor = pull(connector, stripe)
    clock.pass_(minutes=1)
    stripe.account.settle(charge["id"])

    (settled,), _ = pull(connector, stripe, cursor)

    assert json.loads(unsettled.body)["balance_transaction"] is None
    assert json.loads(settled.body)["balance_transaction"]["fee"] == 320


def test_an_invoice_has_all_its_lines(stripe: StripeServer, connect: Connect, clock: Clock) -> None:
    customer = stripe.account.customer("Wang")
    lines = [(f"Part {number}", 100 + number, 1) for number in range(230)]
    invoice = stripe.account.invoice(customer["id"], lines)
    connector = connect(stripe)

    (record,), _ = pull(connector, stripe, stream="invoice")

    shown = json.loads(record.body)["lines"]
    assert [line["description"] for line in shown["data"]] == [text for text, _, _ in lines]
    assert shown["has_more"] is False
    assert record_of(connector, "invoice", invoice["id"]).body == record.body


def test_a_payout_is_summed_up_once_stripe_knows_what_is_in_it(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    account = stripe.account
    charges = [account.charge(10_000, fee=320) for _ in range(120)]
    account.refund(charges[0]["id"], 4_000)
    account.dispute(charges[1]["id"])
    won = account.dispute(charges[2]["id"])
    account.close_dispute(won["id"], won=True)
    payout = account.pay_out(complete=False)
    connector = connect(stripe)
    (unknown,), cursor = pull(connector, stripe, stream="payout")
    clock.pass_(minutes=1)
    account.reconcile(payout["id"])

    (known,), _ = pull(connector, stripe, cursor, "payout")

    assert "ltc_composition" not in json.loads(unknown.body)
    assert json.loads(known.body)["ltc_composition"] == {
        "transactions": 124,
        "gross": 1_200_000,
        "refunds": -4_000,
        "chargebacks": -10_000,
        "other": 0,
        "fees": 120 * 320 + 2 * 1_500,
        "net": payout["amount"],
    }


def test_nobody_knows_what_is_in_a_payout_by_hand(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(10_000)
    stripe.account.pay_out_by_hand(5_000)

    (record,), _ = pull(connect(stripe), stripe, stream="payout")

    assert "ltc_composition" not in json.loads(record.body)
    assert stripe.requests("balance_transactions") == []


def test_a_payout_that_was_paid_may_fail_days_later(stripe: StripeServer, connect: Connect, clock: Clock) -> None:
    stripe.account.charge(10_000)
    payout = stripe.account.pay_out()
    stripe.account.move_payout(payout["id"], "paid")
    connector = connect(stripe)
    _, cursor = pull(connector, stripe, stream="payout")
    clock.pass_(days=4)
    stripe.account.move_payout(payout["id"], "failed")

    (record,), _ = pull(connector, stripe, cursor, "payout")

    assert json.loads(record.body)["status"] == "failed"


def test_changed_objects_are_read_several_at_once_if_asked_for(
    bulk: StripeServer, connect: Connect, clock: Clock
) -> None:
    connector = connect(bulk, concurrency=4)
    _, cursor = pull(connector, bulk)
    clock.pass_(minutes=10)
    made = [bulk.account.charge(1_000)["id"] for _ in range(60)]

    found, _ = pull(connector, bulk, cursor)

    assert sorted(ids(found)) == sorted(made)


def test_a_page_that_breaks_off_is_asked_for_again(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(1_000)
    stripe.faults.break_off("GET /v1/charges")
    stripe.faults.answer("GET /v1/charges", 429, {"error": {"type": "invalid_request_error", "code": "rate_limit"}})
    stripe.faults.answer("GET /v1/charges", 503)

    found, _ = pull(connect(stripe), stripe)

    assert len(found) == 1
    assert stripe.faults.armed == 0


def test_a_list_that_never_goes_on_stops_the_stream(bulk: StripeServer, connect: Connect) -> None:
    page = {"object": "list", "has_more": True, "data": [{"id": "ch_1", "created": 1}]}
    bulk.faults.answer("GET /v1/charges", 200, page, times=50)

    with pytest.raises(ContractError):
        pull(connect(bulk), bulk)

    assert bulk.faults.armed == 48


def test_an_event_about_what_has_no_id_yet_is_passed_over(stripe: StripeServer, connect: Connect, clock: Clock) -> None:
    connector = connect(stripe)
    _, cursor = pull(connector, stripe, stream="invoice")
    clock.pass_(minutes=1)
    stripe.account.tell("invoice.upcoming", {"id": None, "object": "invoice"})
    invoice = stripe.account.invoice(stripe.account.customer("Wang")["id"])

    found, _ = pull(connector, stripe, cursor, "invoice")

    assert ids(found) == [invoice["id"]]


def test_a_failure_that_stripe_says_not_to_repeat_is_not_repeated(stripe: StripeServer, connect: Connect) -> None:
    stripe.faults.answer("GET /v1/charges", 500, headers={"stripe-should-retry": "false"}, times=5)

    with pytest.raises(TransientError):
        pull(connect(stripe), stripe)

    assert stripe.faults.armed == 4


def test_a_wrong_key_stops_the_system_and_is_not_shown(stripe: StripeServer, connect: Connect) -> None:
    with pytest.raises(AuthError) as caught:
        pull(connect(stripe, api_key="sk_test_somebody_elses"), stripe)

    assert "somebody" not in str(caught.value)
    assert len(stripe.requests()) == 1


def test_a_connected_account_and_the_version_go_with_every_call(stripe: StripeServer, connect: Connect) -> None:
    stripe.access.accounts.add("acct_1Other")
    pull(connect(stripe, account="acct_1Other"), stripe)

    sent = {(request.headers["stripe-account"], request.headers["stripe-version"]) for request in stripe.requests()}
    assert sent == {("acct_1Other", "2023-08-16")}
