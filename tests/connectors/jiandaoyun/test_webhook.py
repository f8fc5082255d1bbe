"""Data push of Jiandaoyun: signatures, replays, which rows a request is about, and reading them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.contract import Delivery, Inbound, Notice, Webhooks
from connectors.errors import WebhookRefused
from connectors.jiandaoyun.webhook import OLDEST_SECONDS, SIGNATURE
from connectors.signatures import sign
from sandbox.jiandaoyun import APP_ID, LEAD_ENTRY_ID
from tests.connectors.jiandaoyun.conftest import Connect

SECRET = "jdy-demo-secret"
ROW = "65a1b2c3d4e5f60718293a4b"


def signed(body: bytes, *, age: float = 0, secret: str = SECRET, delivery: str = "d1") -> Inbound:
    """A push with this body, signed ``age`` seconds ago."""
    query = {"nonce": "0f5ade", "timestamp": str(int(datetime.now(UTC).timestamp() - age))}
    headers = {"x-jdy-deliverid": delivery}
    headers["x-jdy-signature"] = sign(SIGNATURE, secret, Inbound(headers, query, body))
    return Inbound(headers, query, body)


def push(op: str = "data_update", *, age: float = 0, secret: str = SECRET, **data: Any) -> Inbound:
    """A push about a row of the lead form, signed ``age`` seconds ago."""
    about = {"_id": ROW, "appId": APP_ID, "entryId": LEAD_ENTRY_ID, **data}
    body = json.dumps({"op": op, "opTime": 1767225600123, "data": about}).encode()
    return signed(body, age=age, secret=secret)


@pytest.mark.parametrize("op", ["data_create", "data_update", "data_recover"])
def test_a_change_names_the_row(connect: Connect, op: str) -> None:
    wanted = Delivery("d1", [Notice("lead", "65a1b2c3d4e5f60718293a4b")])
    assert connect(webhook_secret=SECRET).receive(push(op)) == wanted


def test_a_removal_says_when(connect: Connect) -> None:
    told = connect(webhook_secret=SECRET).receive(push("data_remove"))
    assert told.notices == [Notice("lead", "65a1b2c3d4e5f60718293a4b", True, 1767225600123000)]


def test_while_a_secret_is_replaced_both_are_taken(connect: Connect) -> None:
    connector = connect(webhook_secret=["new", SECRET])
    for secret in ("new", SECRET):
        assert connector.receive(push(secret=secret)).notices == [Notice("lead", ROW)]
    with pytest.raises(WebhookRefused):
        connector.receive(push(secret="older"))


def test_events_about_no_row_and_forms_that_are_not_synced_tell_of_nothing(connect: Connect) -> None:
    connector = connect(webhook_secret=SECRET)
    assert connector.receive(push("form_update")).notices == []
    assert connector.receive(push(entryId="another")).notices == []
    assert connector.receive(push(_id=7)).notices == []


@pytest.mark.parametrize(
    "wrong",
    [
        push(secret="guessed"),
        push(age=OLDEST_SECONDS + 60),
        push(age=-3600),
        Inbound({}, push().query, push().body),
        Inbound(push().headers, {}, push().body),
        Inbound(push().headers, push().query, push().body + b" "),
    ],
    ids=["another secret", "too old", "from the future", "no signature", "no time", "another body"],
)
def test_a_forged_or_stale_request_is_refused(connect: Connect, wrong: Inbound) -> None:
    with pytest.raises(WebhookRefused):
        connect(webhook_secret=SECRET).receive(wrong)


def test_without_a_secret_nothing_is_believed(connect: Connect) -> None:
    connector = connect()
    assert not any(spec.webhooks is not Webhooks.NONE for spec in connector.streams())
    with pytest.raises(WebhookRefused, match="webhook_secret"):
        connector.receive(push(secret="anything"))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_refused_even_if_it_is_signed(connect: Connect, body: bytes) -> None:
    with pytest.raises(WebhookRefused, match="no JSON"):
        connect(webhook_secret=SECRET).receive(signed(body))


@pytest.mark.parametrize("body", [b"[]", b'{"data": 1}', b'{"data": {}, "op": 1}'])
def test_json_of_another_shape_tells_of_nothing(connect: Connect, body: bytes) -> None:
    assert connect(webhook_secret=SECRET).receive(signed(body)).notices == []


def test_rows_are_read_by_the_hundred_with_the_bytes_of_a_pull(connect: Connect, leads: list[str], clock: Any) -> None:
    connector = connect()
    pulled = {raw.source_id: raw for part in connector.pull("lead", None, clock.window()) for raw in part.records}
    before = connector.stats.calls
    batches = list(connector.fetch("lead", [*leads[:150], "6" * 24]))
    assert connector.stats.calls - before == 2
    assert [raw for batch in batches for raw in batch] == [pulled[name] for name in leads[:150]]
