"""Typeform's webhook: who is believed, and that it brings what the list will show."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.contract import Connector, Delivery, Inbound
from connectors.errors import WebhookRefused
from sandbox.typeform import SECRET, TypeformServer
from sandbox.typeform.server import signed
from tests.connectors.typeform.conftest import Connect, Held, Time

VECTOR = (
    b'{"event_id":"01EXAMPLE","event_type":"form_response","form_response":{"form_id":"lT4Z3j",'
    b'"token":"a3a12ec67a1365927098a606107fac15","submitted_at":"2026-01-01T00:00:00Z","answers":[]}}'
)
SIGNATURE = "sha256=+6cnJab/mMSnOqKhdd8XPl5yLp+wA6mTosqnf+gidGc="
"""Computed for the secret ``tf-demo-secret``."""


def tell(connector: Connector[Any], body: bytes, signature: str) -> Delivery:
    return connector.receive(Inbound({"typeform-signature": signature}, {}, body))


def test_a_request_that_typeform_signed_is_believed(connect: Connect) -> None:
    delivery = tell(connect(), VECTOR, SIGNATURE)

    (arrival,) = delivery.arrivals
    assert delivery.id == "01EXAMPLE"
    assert (arrival.stream, arrival.record.source_id) == ("response", "a3a12ec67a1365927098a606107fac15")
    assert arrival.record.version == 1_767_225_600_000_000


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        (VECTOR, ""),
        (VECTOR, signed("another", VECTOR)),
        (VECTOR, SIGNATURE.replace("sha256=", "")),
        (VECTOR.replace(b"[]", b"[ ]"), SIGNATURE),
    ],
)
def test_any_other_request_is_refused(connect: Connect, body: bytes, signature: str) -> None:
    with pytest.raises(WebhookRefused):
        tell(connect(), body, signature)


def test_without_a_secret_nothing_is_believed(connect: Connect) -> None:
    with pytest.raises(WebhookRefused, match="webhook_secret"):
        tell(connect(webhook_secret=None), VECTOR, SIGNATURE)


def test_two_secrets_are_good_while_one_replaces_the_other(connect: Connect) -> None:
    assert tell(connect(webhook_secret=["new-one", SECRET]), VECTOR, SIGNATURE).arrivals


def test_a_response_comes_with_the_bytes_that_the_list_shows(
    typeform: TypeformServer, connect: Connect, clock: Time
) -> None:
    answers = {"name": ("text", "Wang Fang"), "budget": ("number", 1.10), "topic": ("choice", {"label": "Pumps"})}
    token = typeform.submit(answers, hidden={"utm_source": "fair"})
    headers, body = typeform.webhook(token)
    connector = connect()

    (arrival,) = connector.receive(Inbound(headers, {}, body)).arrivals
    clock.pass_(minutes=1)
    held = Held(connector).pull(clock.window())

    assert arrival.record == held.records[token]


def test_another_form_and_another_kind_of_event_are_taken_in_and_tell_nothing(
    typeform: TypeformServer, connect: Connect
) -> None:
    token = typeform.submit()
    headers, body = typeform.webhook(token, form_id="other")
    partial = VECTOR.replace(b'"form_response",', b'"form_response_partial",')

    assert not connect().receive(Inbound(headers, {}, body)).arrivals
    assert not tell(connect(), partial, signed(SECRET, partial)).arrivals
    odd = b'{"event_id":"1","event_type":"form_response"}'
    assert not tell(connect(), odd, signed(SECRET, odd)).arrivals


def test_a_response_without_a_token_is_kept_to_be_shown_and_not_lost(connect: Connect) -> None:
    body = VECTOR.replace(b'"token":"a3a12ec67a1365927098a606107fac15",', b"")

    (arrival,) = tell(connect(), body, signed(SECRET, body)).arrivals

    assert arrival.record.source_id == ""
