"""What a record holds: all of an object, the same bytes wherever it is read, payouts with their sums."""

from __future__ import annotations

import json

import pytest

from sandbox.stripe import StripeServer
from tests.connectors.published import Clock
from tests.connectors.stripe.conftest import (
    EVERY_STREAM,
    Connect,
    busy_account,
    ids,
    pull,
    record_of,
)


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
    made_of = json.loads(known.body)["ltc_composition"]
    lines = made_of.pop("lines")
    assert [line["id"] for line in lines] == sorted(line["id"] for line in lines)
    assert (len(lines), sum(line["net"] for line in lines)) == (124, payout["amount"])
    assert made_of == {
        "transactions": 124,
        "gross": 1_200_000,
        "refunds": -4_000,
        "chargebacks": -10_000,
        "other": 0,
        "fees": 120 * 320 + 2 * 1_500,
        "net": payout["amount"],
    }


def test_a_failed_payout_is_part_of_the_next_one_and_not_of_itself(stripe: StripeServer, connect: Connect) -> None:
    account = stripe.account
    account.charge(10_000, fee=320)
    failed = account.pay_out()
    account.move_payout(failed["id"], "failed")
    account.charge(5_000, fee=175)
    following = account.pay_out()
    connector = connect(stripe)

    made_of = {
        payout["id"]: json.loads(record_of(connector, "payout", payout["id"]).body)["ltc_composition"]
        for payout in (failed, following)
    }

    assert made_of[failed["id"]]["net"] == failed["amount"] == 9_680
    assert made_of[following["id"]]["net"] == following["amount"] == 9_680 + 4_825
    (back,) = [line for line in made_of[following["id"]]["lines"] if line["source"] == failed["id"]]
    assert (back["reporting_category"], back["amount"]) == ("payout_reversal", 9_680)


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
