"""Answers that are not what Stripe documents: whatever is odd in them, the connector says so in its own errors."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from connectors.contract import Change, Cursor
from connectors.errors import ConnectorError
from connectors.stripe.connector import Stripe
from sandbox.stripe import StripeServer
from tests.connectors.published import Clock
from tests.connectors.stripe.conftest import EVERY_STREAM, Connect, busy_account, window

ODD: tuple[Any, ...] = (None, True, 0, -1, 10**30, 1.5, "", "\ud83d", [], {}, [[]], {"id": 5}, "po_1/../x")
WAYS = ("pull", "events", "fetch", "push", "check")
ROUNDS = 12


def spoilt(dice: random.Random, value: Any) -> Any:
    """The value with something missing, doubled, or of another kind, somewhere in it."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        name, choice = dice.choice(list(value)), dice.random()
        if choice < 0.15:
            return {key: item for key, item in value.items() if key != name}
        return {**value, name: dice.choice(ODD) if choice < 0.4 else spoilt(dice, value[name])}
    if isinstance(value, list) and value and dice.random() < 0.9:
        place, choice = dice.randrange(len(value)), dice.random()
        if choice < 0.15:
            return value[:place] + value[place + 1 :]
        if choice < 0.3:
            return [*value, value[place]]
        return [*value[:place], spoilt(dice, value[place]), *value[place + 1 :]]
    return dice.choice(ODD)


def spoiler(seed: str) -> Callable[[bytes], bytes]:
    """Spoils answers, the same way every time."""
    dice = random.Random(seed)
    return lambda body: json.dumps(spoilt(dice, json.loads(body))).encode()


def work(connector: Stripe, server: StripeServer, way: str, stream: str, made: dict[str, Any], clock: Clock) -> None:
    """One of the things that a connector is asked to do."""
    now = int(clock.now.timestamp())
    cursors: dict[str, Cursor | None] = {"pull": None, "events": {"since": now - 1000, "known": [], "read": now}}
    if way in cursors:
        for number, _ in enumerate(connector.pull(stream, cursors[way], window(server))):
            assert number < 50
    elif way == "fetch":
        list(connector.fetch(stream, [made[stream]["id"]]))
    elif way == "push" and stream != "credit_note":
        list(connector.push(stream, [Change(made[stream]["id"], {"metadata.order_number": "SO-1"}, {}, "ltc-1")]))
    else:
        list(connector.check())


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("stream", EVERY_STREAM)
def test_a_spoilt_answer_is_an_error_of_ours_or_does_no_harm(
    bulk: StripeServer, connect: Connect, clock: Clock, stream: str, way: str
) -> None:
    made = busy_account(bulk)
    said: list[str] = []
    for number in range(ROUNDS):
        bulk.faults.corrupt("", times=2, skip=number % 3, change=spoiler(f"{stream} {way} {number}"))
        try:
            work(connect(bulk), bulk, way, stream, made, clock)
        except ConnectorError as error:
            said.append(str(error))
        bulk.faults.clear()
    assert [text for text in said if len(text) > 1000 or "wang@example.com" in text] == []


@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[]", b'{"data":5}', b'{"data":[', b"\xff\xfe"])
def test_what_is_no_list_stops_the_stream_and_is_shown_without_its_values(
    bulk: StripeServer, connect: Connect, body: bytes
) -> None:
    bulk.faults.answer("GET /v1/charges", 200, body, times=10)

    with pytest.raises(ConnectorError) as caught:
        list(connect(bulk).pull("payment", None, window(bulk)))

    assert "busy" not in str(caught.value)
