"""Writing metadata: conditional, once, whatever becomes of the answer."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.contract import Change, Outcome
from connectors.errors import AuthError
from sandbox.stripe import StripeServer
from sandbox.stripe.store import Json
from tests.connectors.published import Clock
from tests.connectors.stripe.conftest import Connect, pull, push_one, record_of

FIELD = "metadata.order_number"
WRITE = "POST /v1/charges/"


def metadata(server: StripeServer, charge: Json) -> dict[str, str]:
    found: dict[str, str] = server.account.get("charge", charge["id"])["metadata"]
    return found


def times_written(server: StripeServer, charge: Json) -> int:
    """How often the charge was really changed."""
    return sum(
        event["type"] == "charge.updated" and event["data"]["object"]["id"] == charge["id"]
        for event in server.account.all("event")
    )


def test_a_key_is_written_and_the_others_stay(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000, metadata={"shop": "7"})

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"}, {FIELD: None})

    assert result.outcome == Outcome.APPLIED
    assert metadata(stripe, charge) == {"shop": "7", "order_number": "SO-00001"}
    (sent,) = stripe.requests(WRITE)
    assert parse_qs(sent.body.decode())["metadata[order_number]"] == ["SO-00001"]
    assert sent.headers["idempotency-key"] == "ltc-change-1"


@pytest.mark.parametrize("stream", ["customer", "invoice", "payment", "refund", "dispute", "payout"])
def test_the_record_after_a_write_is_the_one_that_the_next_pull_shows(
    stripe: StripeServer, connect: Connect, clock: Clock, stream: str
) -> None:
    account = stripe.account
    customer = account.customer("Wang")
    invoice = account.invoice(customer["id"], [(f"Part {number}", 100, 1) for number in range(12)])
    charge = account.charge(1_000)
    refund, dispute = account.refund(charge["id"], 100), account.dispute(charge["id"])
    objects = {"customer": customer, "invoice": invoice, "payment": charge, "refund": refund, "dispute": dispute}
    objects["payout"] = account.pay_out()
    connector = connect(stripe)
    _, cursor = pull(connector, stripe, stream=stream)
    clock.pass_(minutes=10)

    result = push_one(connector, objects[stream], {FIELD: "SO-00001"}, stream=stream)
    echoes, _ = pull(connector, stripe, cursor, stream)

    assert result.outcome == Outcome.APPLIED
    assert result.record is not None
    assert [echo.body for echo in echoes] == [result.record.body]


def test_flags_and_numbers_are_written_as_text_and_nothing_removes_a_key(
    stripe: StripeServer, connect: Connect
) -> None:
    charge = stripe.account.charge(1_000, metadata={"reconciliation": "open"})
    connector = connect(stripe)

    push_one(connector, charge, {"metadata.sent_to_customer": True, "metadata.delivery_numbers": 14})
    assert metadata(stripe, charge) == {"reconciliation": "open", "sent_to_customer": "true", "delivery_numbers": "14"}
    (result,) = connector.push(
        "payment", [Change(charge["id"], {"metadata.reconciliation": None}, {"metadata.reconciliation": "open"}, "k2")]
    )

    assert result.outcome == Outcome.APPLIED
    assert "reconciliation" not in metadata(stripe, charge)


def test_what_is_shown_already_is_not_sent(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000, metadata={"order_number": "SO-00001"})

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"}, {FIELD: None})

    assert result.outcome == Outcome.UNCHANGED
    assert stripe.requests("POST") == []


def test_a_value_that_somebody_changed_meanwhile_is_a_conflict(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000, metadata={"order_number": "SO-00007"})

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"}, {FIELD: None})

    assert result.outcome == Outcome.CONFLICT
    assert FIELD in result.message
    assert stripe.requests("POST") == []
    assert metadata(stripe, charge) == {"order_number": "SO-00007"}


def test_an_answer_lost_after_the_write_leaves_it_written_once(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)
    stripe.faults.cut(WRITE, act=True)

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"}, {FIELD: None})

    assert result.outcome == Outcome.APPLIED
    assert times_written(stripe, charge) == 1
    assert len({request.headers["idempotency-key"] for request in stripe.requests(WRITE)}) == 1


def test_a_replayed_answer_is_not_taken_for_what_the_object_is_now(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)

    def somebody_writes() -> None:
        stripe.account.update("charge", charge["id"], {"metadata": {"order_number": "SO-00009"}})

    stripe.faults.cut(WRITE, act=True)
    stripe.faults.meanwhile(WRITE, somebody_writes)

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"}, {FIELD: None})

    assert result.outcome == Outcome.CONFLICT
    assert result.record is not None
    assert json.loads(result.record.body)["metadata"] == {"order_number": "SO-00009"}


def test_no_answer_at_all_is_unknown_and_the_next_run_finds_out(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)
    connector = connect(stripe)
    before = record_of(connector, "payment", charge["id"])
    stripe.faults.cut(WRITE, act=True, times=10)

    lost = push_one(connector, charge, {FIELD: "SO-00001"}, {FIELD: None}, body=before.body)
    stripe.faults.clear()
    found = push_one(connector, charge, {FIELD: "SO-00001"}, {FIELD: None}, body=before.body, unsure=True)

    assert lost.outcome == Outcome.UNKNOWN
    assert found.outcome == Outcome.UNCHANGED
    assert times_written(stripe, charge) == 1


def test_a_write_in_doubt_that_somebody_undid_is_a_conflict(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)
    connector = connect(stripe)
    before = record_of(connector, "payment", charge["id"])
    stripe.faults.cut(WRITE, act=True, times=10)
    push_one(connector, charge, {FIELD: "SO-00001"}, {FIELD: None}, body=before.body)
    stripe.faults.clear()
    stripe.account.update("charge", charge["id"], {"metadata": {"order_number": "", "note": "undone"}})

    result = push_one(connector, charge, {FIELD: "SO-00001"}, {FIELD: None}, body=before.body, unsure=True)

    assert result.outcome == Outcome.CONFLICT
    assert times_written(stripe, charge) == 2


@pytest.mark.parametrize("should_retry", ["", "false"])
def test_a_500_that_is_kept_after_the_write_is_settled_by_reading(
    stripe: StripeServer, connect: Connect, should_retry: str
) -> None:
    charge = stripe.account.charge(1_000)
    stripe.api.fail(act=True, should_retry=should_retry)

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"}, {FIELD: None})

    assert result.outcome == Outcome.APPLIED
    assert times_written(stripe, charge) == 1


def test_a_500_that_is_kept_without_a_write_is_followed_by_one_more_attempt_under_another_key(
    stripe: StripeServer, connect: Connect
) -> None:
    charge = stripe.account.charge(1_000)
    stripe.api.fail(act=False)

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"}, {FIELD: None})

    assert result.outcome == Outcome.APPLIED
    assert metadata(stripe, charge) == {"order_number": "SO-00001"}
    assert times_written(stripe, charge) == 1
    keys = list(dict.fromkeys(request.headers["idempotency-key"] for request in stripe.requests(WRITE)))
    assert keys == ["ltc-change-1", "ltc-change-1-again"]


def test_a_service_that_goes_on_failing_is_left_to_the_next_run(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)
    stripe.api.fail(act=False, times=2)

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"}, {FIELD: None})

    assert result.outcome == Outcome.RETRY
    assert times_written(stripe, charge) == 0


def test_a_service_that_is_down_is_not_asked_for_each_change(stripe: StripeServer, connect: Connect) -> None:
    charges = [stripe.account.charge(1_000) for _ in range(30)]
    stripe.faults.answer("", 503, times=10_000)

    results = list(
        connect(stripe).push(
            "payment", [Change(item["id"], {FIELD: "SO-1"}, {}, f"k-{item['id'][-4:]}") for item in charges]
        )
    )

    assert [result.outcome for result in results] == [Outcome.RETRY] * 30
    assert len(stripe.requests()) < 20


def test_a_locked_object_is_tried_again(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)
    stripe.access.locked[charge["id"]] = 2

    assert push_one(connect(stripe), charge, {FIELD: "SO-00001"}).outcome == Outcome.APPLIED


def test_an_object_that_stays_locked_is_left_to_the_next_run(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)
    stripe.faults.answer(WRITE, 429, {"error": {"code": "lock_timeout", "message": "locked"}}, times=50)

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"})

    assert (result.outcome, "holds the object" in result.message) == (Outcome.RETRY, True)


def test_a_key_in_use_elsewhere_is_in_doubt(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000)
    stripe.api.busy_keys.add("ltc-change-1")

    assert push_one(connect(stripe), charge, {FIELD: "SO-00001"}).outcome == Outcome.UNKNOWN


def test_a_key_that_was_used_for_something_else_waits_until_stripe_forgets_it(
    stripe: StripeServer, connect: Connect, clock: Clock
) -> None:
    charge, other = stripe.account.charge(1_000), stripe.account.charge(2_000)
    connector = connect(stripe)
    push_one(connector, other, {FIELD: "SO-00002"})

    refused = push_one(connector, charge, {FIELD: "SO-00001"})
    clock.pass_(hours=25)
    written = push_one(connector, charge, {FIELD: "SO-00001"})

    assert (refused.outcome, written.outcome) == (Outcome.RETRY, Outcome.APPLIED)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"status": "refunded"}, "status cannot be written"),
        ({"metadata.secret_plan": "x"}, "metadata.secret_plan cannot be written"),
        ({FIELD: "x" * 501}, "500 characters"),
    ],
)
def test_what_will_never_work_is_rejected_before_it_is_sent(
    stripe: StripeServer, connect: Connect, values: dict[str, Any], said: str
) -> None:
    result = push_one(connect(stripe), stripe.account.charge(1_000), values)

    assert result.outcome == Outcome.REJECTED
    assert said in result.message
    assert stripe.requests("POST") == []


def test_an_object_full_of_metadata_takes_no_further_key(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000, metadata={f"key{number}": "x" for number in range(50)})

    result = push_one(connect(stripe), charge, {FIELD: "SO-00001"})

    assert (result.outcome, "50 keys" in result.message) == (Outcome.REJECTED, True)


def test_objects_that_are_gone_are_rejected(stripe: StripeServer, connect: Connect) -> None:
    connector = connect(stripe)
    customer = stripe.account.customer("Wang")
    stripe.account.delete_customer(customer["id"])

    gone = push_one(connector, customer, {FIELD: "SO-00001"}, stream="customer")
    never = push_one(connector, {"id": "ch_nobody"}, {FIELD: "SO-00001"})

    assert [gone.outcome, never.outcome] == [Outcome.REJECTED, Outcome.REJECTED]


def test_stripes_reason_is_shown_without_what_the_record_says(stripe: StripeServer, connect: Connect) -> None:
    charge = stripe.account.charge(1_000, description="Wang Xiaoming")
    connector = connect(stripe)
    record = record_of(connector, "payment", charge["id"])
    said = "Charge of Wang Xiaoming cannot be changed"
    stripe.faults.answer(WRITE, 400, {"error": {"type": "invalid_request_error", "message": said}})

    result = push_one(connector, charge, {FIELD: "SO-00001"}, body=record.body)

    assert result.outcome == Outcome.REJECTED
    assert "cannot be changed" in result.message
    assert "Wang" not in result.message


def test_a_key_that_may_not_write_stops_the_system_and_names_the_permission(
    stripe: StripeServer, connect: Connect
) -> None:
    stripe.access.keys["rk_test_reader"] = frozenset({"rak_charge_read"})

    with pytest.raises(AuthError, match="rak_charge_write"):
        push_one(connect(stripe, api_key="rk_test_reader"), stripe.account.charge(1_000), {FIELD: "SO-00001"})


def test_credit_notes_take_nothing_from_us(stripe: StripeServer, connect: Connect) -> None:
    with pytest.raises(NotImplementedError):
        push_one(connect(stripe), {"id": "cn_1"}, {FIELD: "SO-00001"}, stream="credit_note")
