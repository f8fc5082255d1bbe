"""Webhooks of Xero: intent to receive, which records a request is about, and reading them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.contract import Inbound, Notice, Webhooks
from connectors.errors import WebhookRefused
from connectors.signatures import sign
from connectors.xero.webhook import SIGNATURE
from sandbox.xero import XeroServer
from tests.connectors.xero.conftest import Connect, add_contact, add_invoice, add_many, answered, pull

KEY = "xero-test-signing-key"
INTENT = b'{"events":[],"firstEventSequence":0,"lastEventSequence":0,"entropy":"S0m3r4Nd0mt3xt"}'


def signed(body: bytes, key: str = KEY) -> Inbound:
    """A request with this body."""
    return Inbound({"x-xero-signature": sign(SIGNATURE, key, Inbound({}, {}, body))}, {}, body)


def telling(*events: Any) -> Inbound:
    """A request about these events: category, id, organisation."""
    about = [
        {
            "resourceUrl": f"https://api.xero.com/api.xro/2.0/{category}/{record}",
            "resourceId": record,
            "eventDateUtc": "2026-10-31T09:59:00.000",
            "eventType": "UPDATE",
            "eventCategory": category,
            "tenantId": tenant,
            "tenantType": "ORGANISATION",
        }
        for category, record, tenant in events
    ]
    held = {"events": about, "firstEventSequence": 1, "lastEventSequence": len(about), "entropy": "ABC"}
    return signed(json.dumps(held).encode())


def test_intent_to_receive_is_taken_if_it_is_rightly_signed_and_refused_if_not(
    xero: XeroServer, connect: Connect
) -> None:
    connector = connect(xero, webhook_secret=KEY)
    right = Inbound({"x-xero-signature": "QU7w+/OmMvpGwsvnnp3wgjtuDg4PZFlubPaLoq5i4+E="}, {}, INTENT)
    taken = connector.receive(right)
    assert (taken.notices, taken.arrivals, taken.reply) == ([], (), None)
    assert 0 < len(taken.id) <= 255
    for wrong in (signed(INTENT, "another"), Inbound({}, {}, INTENT), Inbound(right.headers, {}, INTENT + b" ")):
        with pytest.raises(WebhookRefused):
            connector.receive(wrong)


def test_events_name_the_records_of_our_organisation_once(xero: XeroServer, connect: Connect) -> None:
    connector, ours = connect(xero, webhook_secret=["next", KEY]), xero.access.tenant_id
    told = connector.receive(
        telling(
            *(("INVOICE", "i1", ours), ("CONTACT", "c1", ours), ("INVOICE", "i1", ours)),
            *(("INVOICE", "i2", "another"), ("CREDITNOTE", "n1", ours), ("SUBSCRIPTION", "s1", ours)),
        )
    )
    assert told.notices == [Notice("invoice", "i1"), Notice("contact", "c1")]


def test_the_same_request_has_the_same_id_and_another_has_another(xero: XeroServer, connect: Connect) -> None:
    connector, ours = connect(xero, webhook_secret=KEY), xero.access.tenant_id
    first, again = (connector.receive(telling(("INVOICE", "i1", ours))).id for _ in range(2))
    assert first == again != connector.receive(telling(("INVOICE", "i2", ours))).id


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"events": 1}', b'{"events": [1, {"eventCategory": ["INVOICE"], "resourceId": 7}]}']
)
def test_json_of_another_shape_tells_of_nothing(xero: XeroServer, connect: Connect, body: bytes) -> None:
    assert connect(xero, webhook_secret=KEY).receive(signed(body)).notices == []


def test_what_is_told_of_is_read_with_the_bytes_of_a_pull(xero: XeroServer, connect: Connect) -> None:
    connector = connect(xero, webhook_secret=KEY)
    contact, invoice = add_contact(xero), add_invoice(xero)
    add_invoice(xero, "INV-00002")
    for stream, record in (("contact", contact.id), ("invoice", invoice.id)):
        (pulled,) = [raw for raw in pull(connector, xero, stream=stream)[0] if raw.source_id == record]
        (batch,) = connector.fetch(stream, [record, "00000000-0000-4000-8000-999999999999"])
        assert batch == [pulled]


def test_many_are_read_by_the_dozen(bulk: XeroServer, connect: Connect) -> None:
    connector = connect(bulk, webhook_secret=KEY)
    made = add_many(bulk, 100, lambda number: bulk.books.clock())
    before = len(answered(bulk))
    found = [raw.source_id for batch in connector.fetch("invoice", [item.id for item in made]) for raw in batch]
    assert sorted(found) == sorted(item.id for item in made)
    assert len(answered(bulk)) - before == 3


def test_without_a_key_nothing_is_believed_or_promised(xero: XeroServer, connect: Connect) -> None:
    connector = connect(xero)
    assert all(spec.webhooks is Webhooks.NONE for spec in connector.streams())
    with pytest.raises(WebhookRefused, match="webhook_secret"):
        connector.receive(signed(INTENT))
    told = {spec.name for spec in connect(xero, webhook_secret=KEY).streams() if spec.webhooks is Webhooks.HINT}
    assert told == {"contact", "invoice"}
