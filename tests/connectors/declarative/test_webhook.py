"""What a manifest's webhook tells: which records are worth a look, which it brings, which are gone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Delivery, Inbound, Notice, Webhooks
from connectors.declarative.load import ManifestError
from connectors.errors import WebhookRefused
from connectors.signatures import Signature, sign
from tests.connectors.declarative.conftest import Connect

SECRET = "desk-webhook-secret"
SIGNATURE = {"scheme": "hmac-sha256", "header": "X-Desk-Signature", "id": {"field": "event"}}
EVENTS: list[dict[str, Any]] = [
    {"when": "kind == 'order.deleted'", "stream": "order", "source_id": "id", "deleted": "`true`", "at": "time"},
    {"when": "starts_with(kind, 'orders.')", "stream": "order", "items": "rows", "source_id": "id"},
    {"when": "kind == 'order'", "stream": "order", "record": "order"},
]


def webhook(**changes: Any) -> dict[str, Any]:
    return {"webhook": {"signature": SIGNATURE, "events": EVENTS, **changes}}


def tell(connect: Connect, **told: Any) -> Delivery:
    body = json.dumps({"event": "e-1", **told}).encode()
    signature = sign(Signature.model_validate(SIGNATURE), SECRET, Inbound({}, {}, body))
    connector = connect({"webhook_secret": SECRET}, webhook())
    return connector.receive(Inbound({"x-desk-signature": signature}, {}, body))


def test_a_request_names_several_records_to_be_read(connect: Connect) -> None:
    delivery = tell(connect, kind="orders.changed", rows=[{"id": 4}, {"id": 5}, {"name": "no id"}])

    assert delivery.id == "e-1"
    assert delivery.notices == [Notice("order", "4"), Notice("order", "5")]


def test_a_deletion_comes_with_its_time_on_the_scale_of_the_records(connect: Connect) -> None:
    delivery = tell(connect, kind="order.deleted", id=4, time=1_790_000_000_123)

    assert delivery.notices == [Notice("order", "4", deleted=True, version=1_790_000_000_123_000)]


def test_a_record_that_is_brought_has_the_bytes_of_the_list(connect: Connect) -> None:
    delivery = tell(connect, kind="order", order={"id": 7, "changed": 1_790_000_000_000, "amount": 1.10})

    (arrival,) = delivery.arrivals
    assert arrival.record.body == b'{"id":7,"changed":1790000000000,"amount":1.1}'
    assert arrival.record.version == 1_790_000_000_000_000


def test_what_no_event_fits_is_taken_in_and_tells_nothing(connect: Connect) -> None:
    assert tell(connect, kind="ping") == Delivery("e-1")
    assert tell(connect, other=1) == Delivery("e-1")


def test_a_request_that_does_not_look_as_the_manifest_says_is_refused(connect: Connect) -> None:
    with pytest.raises(WebhookRefused, match="manifest"):
        tell(connect, kind="order", order=["no record"])


def test_a_question_is_answered_before_anything_is_told(connect: Connect) -> None:
    handshake = {"method": "GET", "query": "challenge", "token": {"query": "verify"}}
    connector = connect({"webhook_secret": SECRET}, webhook(handshake=handshake))

    reply = connector.challenge(Inbound({}, {"challenge": "4711", "verify": SECRET}, b"", "GET"))

    assert reply is not None
    assert reply.body == b"4711"
    with pytest.raises(WebhookRefused):
        connector.challenge(Inbound({}, {"challenge": "4711", "verify": "guess"}, b"", "GET"))


def test_streams_say_whether_a_webhook_brings_their_records(connect: Connect) -> None:
    hints = webhook(events=EVENTS[:2], answer_within=12)

    assert [connect({}, top).streams()[0].webhooks for top in (hints, webhook(), {})] == [
        Webhooks.HINT,
        Webhooks.RECORD,
        Webhooks.NONE,
    ]
    assert connect({}, hints).answer_seconds == 12


def test_a_system_without_a_webhook_takes_none(connect: Connect) -> None:
    with pytest.raises(WebhookRefused, match="no webhooks"):
        connect().receive(Inbound({}, {}, b"{}"))


@pytest.mark.parametrize(
    ("event", "complaint"),
    [
        ({"stream": "invoice", "source_id": "id"}, "no stream 'invoice'"),
        ({"stream": "order"}, "either source_id"),
        ({"stream": "order", "record": "order", "deleted": "gone"}, "deleted goes with source_id"),
    ],
)
def test_an_event_that_cannot_work_is_refused_with_its_line(
    connect: Connect, tmp_path: Path, event: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(ManifestError, match=complaint):
        connect({}, webhook(events=[event]))


def test_what_is_told_of_must_be_readable(connect: Connect) -> None:
    with pytest.raises(ManifestError, match="needs one"):
        connect({}, webhook(events=EVENTS[:1]), one=None, update=None, writable=None)
