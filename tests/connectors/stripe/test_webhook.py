"""Webhooks: what is Stripe's own and new is taken, everything else refused."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from connectors.contract import Delivery, Inbound, Notice, Webhooks
from connectors.errors import WebhookRefused
from connectors.stripe import webhook
from connectors.stripe.config import StripeConfig
from sandbox.stripe import StripeServer
from sandbox.stripe.store import Json
from sandbox.stripe.webhooks import Endpoint
from tests.connectors.published import START, Clock
from tests.connectors.stripe.conftest import Connect

SECRET = "whsec_test_secret"


def config(*secrets: str, **more: Any) -> StripeConfig:
    return StripeConfig(api_key="sk_test_x", webhook_secret=list(secrets) or SECRET, **more)


def received(settings: StripeConfig, body: bytes, headers: dict[str, str], now: datetime = START) -> Delivery:
    return webhook.delivery(settings, Inbound(headers, {}, body), now)


def told(server: StripeServer, event: Json, settings: StripeConfig | None = None, *secrets: str) -> Delivery:
    """What a delivery of this event says."""
    body, headers = Endpoint(server.account, "", list(secrets) or [SECRET]).request(event)
    return received(settings or config(), body, headers)


def newest(server: StripeServer) -> Json:
    return server.account.all("event")[0]


def test_the_published_vector_is_accepted() -> None:
    body = b'{"id":"evt_test","object":"event","type":"invoice.paid"}'
    signed = "t=1700000000,v1=02b5890a3376a18a176fde670ba47bc920bc30c6ae0deb7adf58049a4ead9aff"
    at = datetime.fromtimestamp(1_700_000_000, UTC)
    with pytest.raises(WebhookRefused, match="no event"):  # the signature fits; the body shows no object
        received(config(), body, {"stripe-signature": signed}, at)
    with pytest.raises(WebhookRefused, match="signature"):
        received(config(), body + b" ", {"stripe-signature": signed}, at)


def test_a_payment_is_told_of(stripe: StripeServer) -> None:
    charge = stripe.account.charge(1_000)

    found = told(stripe, newest(stripe))

    assert list(found.notices) == [Notice("payment", charge["id"])]
    assert found.id == newest(stripe)["id"]


def test_a_refund_and_a_dispute_tell_of_the_payment_too(stripe: StripeServer) -> None:
    charge = stripe.account.charge(1_000)
    refund = stripe.account.refund(charge["id"], 100)
    assert list(told(stripe, newest(stripe)).notices) == [
        Notice("refund", refund["id"]),
        Notice("payment", charge["id"]),
    ]
    dispute = stripe.account.dispute(charge["id"])
    assert list(told(stripe, newest(stripe)).notices) == [
        Notice("dispute", dispute["id"]),
        Notice("payment", charge["id"]),
    ]


def test_a_deleted_customer_is_told_as_deleted(stripe: StripeServer, connect: Connect) -> None:
    customer = stripe.account.customer("Wang")
    stripe.account.delete_customer(customer["id"])

    assert list(told(stripe, newest(stripe)).notices) == [Notice("customer", customer["id"], deleted=True)]
    assert [record for batch in connect(stripe).fetch("customer", [customer["id"]]) for record in batch] == []


def test_what_is_no_record_of_ours_is_taken_and_says_nothing(stripe: StripeServer) -> None:
    event = stripe.account.tell("plan.created", {"id": "plan_1", "object": "plan"})

    assert list(told(stripe, event).notices) == []


def test_one_of_several_signatures_is_enough_while_a_secret_is_replaced(stripe: StripeServer) -> None:
    stripe.account.charge(1_000)
    event = newest(stripe)

    assert told(stripe, event, config("whsec_new"), "whsec_old", "whsec_new").notices
    assert told(stripe, event, config("whsec_old", "whsec_new"), "whsec_old").notices
    with pytest.raises(WebhookRefused):
        told(stripe, event, config("whsec_new"), "whsec_old")


@pytest.mark.parametrize(
    "header",
    ["", "t=1793440800", "v1=00", "t=1793440800,v1=00", "t=x,v1=00", "t=1793440800,v0=00", "t=,v1="],
)
def test_a_forged_signature_is_refused(stripe: StripeServer, header: str) -> None:
    stripe.account.charge(1_000)
    body, _ = Endpoint(stripe.account, "", [SECRET]).request(newest(stripe))

    with pytest.raises(WebhookRefused):
        received(config(), body, {"stripe-signature": header})


def test_a_changed_body_or_time_is_refused(stripe: StripeServer) -> None:
    stripe.account.charge(1_000)
    body, headers = Endpoint(stripe.account, "", [SECRET]).request(newest(stripe))

    with pytest.raises(WebhookRefused):
        received(config(), body.replace(b"1000", b"9000"), headers)
    later = {"stripe-signature": headers["stripe-signature"].replace("t=17", "t=18")}
    with pytest.raises(WebhookRefused):
        received(config(), body, later)


@pytest.mark.parametrize(("age", "accepted"), [(299, True), (301, False), (-299, True), (-301, False)])
def test_a_request_is_good_for_five_minutes(stripe: StripeServer, age: int, accepted: bool) -> None:
    stripe.account.charge(1_000)
    at = int(START.timestamp()) - age
    body, headers = Endpoint(stripe.account, "", [SECRET]).request(newest(stripe), at)

    if accepted:
        assert received(config(), body, headers).notices
    else:
        with pytest.raises(WebhookRefused, match="old"):
            received(config(), body, headers)


def test_events_of_other_accounts_and_of_the_other_mode_are_none_of_ours(stripe: StripeServer) -> None:
    stripe.account.charge(1_000)
    event = newest(stripe)
    body, headers = Endpoint(stripe.account, "", [SECRET], connected="acct_1Other").request(event)

    assert received(config(), body, headers).notices == []
    assert received(config(account="acct_1Other"), body, headers).notices
    live = StripeConfig(api_key="rk_live_x", webhook_secret=SECRET)
    assert told(stripe, event, live).notices == []


def test_without_a_secret_nothing_is_taken(stripe: StripeServer, connect: Connect) -> None:
    stripe.account.charge(1_000)
    connector = connect(stripe)
    body, headers = Endpoint(stripe.account, "", [SECRET]).request(newest(stripe))

    assert {spec.webhooks for spec in connector.streams()} == {Webhooks.NONE}
    assert {spec.webhooks for spec in connect(stripe, webhook_secret=SECRET).streams()} == {Webhooks.HINT}
    with pytest.raises(WebhookRefused, match="webhook_secret"):
        connector.receive(Inbound(headers, {}, body))


class _Receiver(BaseHTTPRequestHandler):
    """Somebody's endpoint: fails as often as it is told to, then takes what comes."""

    failures = 0
    taken: list[tuple[bytes, dict[str, str]]] = []  # noqa: RUF012 - the server makes the instances

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        cls = type(self)
        status = 500 if cls.failures > 0 else 200
        cls.failures -= 1
        if status == 200:
            cls.taken.append((body, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def receiver() -> Iterator[str]:
    _Receiver.failures, _Receiver.taken = 0, []
    server = HTTPServer(("127.0.0.1", 0), _Receiver)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hooks/stripe"
    server.shutdown()
    server.server_close()
    thread.join()


def test_deliveries_that_are_repeated_shuffled_and_retried_tell_of_every_payment(
    stripe: StripeServer, receiver: str, clock: Clock
) -> None:
    endpoint = stripe.endpoint(receiver, SECRET)
    made = {stripe.account.charge(1_000 + number)["id"] for number in range(8)}
    _Receiver.failures = 5

    first = endpoint.deliver(duplicates=1, shuffled=7)
    clock.pass_(hours=1)
    second = endpoint.deliver()

    assert [attempt.status for attempt in first[:5]] == [500] * 5
    assert endpoint.open == 0
    found = [
        received(config(), body, headers, clock.now if place >= 11 else START)
        for place, (body, headers) in enumerate(_Receiver.taken)
    ]
    assert {notice.source_id for delivery in found for notice in delivery.notices} == made
    assert len({delivery.id for delivery in found}) == 8
    assert len(found) == len(first) - 5 + len(second)


def test_events_that_nobody_takes_are_given_up_after_three_days(
    stripe: StripeServer, receiver: str, clock: Clock
) -> None:
    endpoint = stripe.endpoint(receiver, SECRET)
    stripe.account.charge(1_000)
    _Receiver.failures = 100
    endpoint.deliver()
    assert endpoint.open == 1
    assert stripe.account.all("event")[0]["pending_webhooks"] == 1
    clock.pass_(days=4)

    assert endpoint.open == 0
