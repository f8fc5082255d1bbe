"""Data push of Jiandaoyun: signatures, replays, which rows a request is about, and reading them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.contract import Delivery, Notice
from connectors.errors import WebhookRefused
from connectors.jiandaoyun.webhook import OLDEST_SECONDS, signature
from sandbox.jiandaoyun import APP_ID, LEAD_ENTRY_ID
from tests.connectors.jiandaoyun.conftest import Connect

SECRET = "jdy-demo-secret"
NONCE, TIMESTAMP = "0f5ade", "1767225600"
BODY = (
    '{"op":"data_update","opTime":1767225600123,"data":{"_id":"65a1b2c3d4e5f60718293a4b","appId":"app1",'
    '"entryId":"frm1","_widget_1":"华东商机","amount":1200.5}}'
).encode()
VECTOR = "03d4942ac939edbbddbc52be70e8650f2b3bd555"


def push(op: str = "data_update", *, age: float = 0, secret: str = SECRET, **data: Any) -> tuple[Any, Any, bytes]:
    """Headers, query and body of a push about a row of the lead form, signed ``age`` seconds ago."""
    about = {"_id": "65a1b2c3d4e5f60718293a4b", "appId": APP_ID, "entryId": LEAD_ENTRY_ID, **data}
    body = json.dumps({"op": op, "opTime": 1767225600123, "data": about}).encode()
    timestamp = str(int(datetime.now(UTC).timestamp() - age))
    signed = signature(secret, NONCE, timestamp, body)
    return {"x-jdy-signature": signed, "x-jdy-deliverid": "d1"}, {"nonce": NONCE, "timestamp": timestamp}, body


def test_the_signature_is_that_of_the_published_rule() -> None:
    assert signature(SECRET, NONCE, TIMESTAMP, BODY) == VECTOR
    written_anew = json.dumps(json.loads(BODY)).encode()
    assert signature(SECRET, NONCE, TIMESTAMP, written_anew) == "0c87707cf6af5ed0b8f50c38d81cdc1285d30949"


@pytest.mark.parametrize("op", ["data_create", "data_update", "data_recover"])
def test_a_change_names_the_row(connect: Connect, op: str) -> None:
    wanted = Delivery("d1", [Notice("lead", "65a1b2c3d4e5f60718293a4b")])
    assert connect(webhook_secret=SECRET).receive(*push(op)) == wanted


def test_a_removal_says_when(connect: Connect) -> None:
    told = connect(webhook_secret=SECRET).receive(*push("data_remove"))
    assert told.notices == [Notice("lead", "65a1b2c3d4e5f60718293a4b", True, 1767225600123000)]


def test_events_about_no_row_and_forms_that_are_not_synced_tell_of_nothing(connect: Connect) -> None:
    connector = connect(webhook_secret=SECRET)
    assert connector.receive(*push("form_update")).notices == []
    assert connector.receive(*push(entryId="another")).notices == []
    assert connector.receive(*push(_id=7)).notices == []


@pytest.mark.parametrize(
    "wrong",
    [
        push(secret="guessed"),
        push(age=OLDEST_SECONDS + 60),
        push(age=-3600),
        ({}, *push()[1:]),
        (push()[0], {}, push()[2]),
        (push()[0], push()[1], push()[2] + b" "),
    ],
    ids=["another secret", "too old", "from the future", "no signature", "no time", "another body"],
)
def test_a_forged_or_stale_request_is_refused(connect: Connect, wrong: tuple[Any, Any, bytes]) -> None:
    with pytest.raises(WebhookRefused):
        connect(webhook_secret=SECRET).receive(*wrong)


def test_without_a_secret_nothing_is_believed(connect: Connect) -> None:
    connector = connect()
    assert not any(spec.webhooks for spec in connector.streams())
    with pytest.raises(WebhookRefused, match="webhook_secret"):
        connector.receive(*push(secret=""))


def signed(body: bytes) -> tuple[Any, Any, bytes]:
    """The headers, the query and the body of a request with any body, correctly signed now."""
    headers, query, _ = push()
    headers["x-jdy-signature"] = signature(SECRET, NONCE, query["timestamp"], body)
    return headers, query, body


@pytest.mark.parametrize("body", [b"", b"{", b"\xff"])
def test_what_is_no_json_is_refused_even_if_it_is_signed(connect: Connect, body: bytes) -> None:
    with pytest.raises(WebhookRefused, match="no JSON"):
        connect(webhook_secret=SECRET).receive(*signed(body))


@pytest.mark.parametrize("body", [b"[]", b'{"data": 1}', b'{"data": {}, "op": 1}'])
def test_json_of_another_shape_tells_of_nothing(connect: Connect, body: bytes) -> None:
    assert connect(webhook_secret=SECRET).receive(*signed(body)).notices == []


def test_rows_are_read_by_the_hundred_with_the_bytes_of_a_pull(connect: Connect, leads: list[str], clock: Any) -> None:
    connector = connect()
    pulled = {raw.source_id: raw for part in connector.pull("lead", None, clock.window()) for raw in part.records}
    before = connector.stats.calls
    batches = list(connector.fetch("lead", [*leads[:150], "6" * 24]))
    assert connector.stats.calls - before == 2
    assert [raw for batch in batches for raw in batch] == [pulled[name] for name in leads[:150]]
