"""Questions of sources: answered to those who know the word, and never with more than they sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from connectors.contract import Inbound, Reply
from connectors.errors import WebhookRefused
from connectors.handshakes import Handshake, answer

META = Handshake.model_validate({"method": "GET", "query": "hub.challenge", "token": {"query": "hub.verify_token"}})
MICROSOFT = Handshake.model_validate({"query": "validationToken"})
FEISHU = Handshake.model_validate(
    {"field": "type == 'url_verification' && challenge", "token": {"field": "token"}, "reply": "challenge"}
)
WORDS = [SecretStr("our-word"), SecretStr("next-word")]


def get(**query: str) -> Inbound:
    """A question in the address."""
    return Inbound({}, query, b"", "GET")


def post(body: Any = None, **query: str) -> Inbound:
    """A question in the body, or in the address of a POST."""
    return Inbound({}, query, b"" if body is None else json.dumps(body).encode())


def hub(token: str, challenge: str = "1158201444") -> Inbound:
    """Meta's question."""
    return get(**{"hub.mode": "subscribe", "hub.verify_token": token, "hub.challenge": challenge})


def test_meta_gets_its_challenge_back_if_it_knows_the_word() -> None:
    for word in ("our-word", "next-word"):
        assert answer(META, WORDS, hub(word)) == Reply(b"1158201444", "text/plain")
    for word in ("", "our-wor", "another", "\udcff"):
        with pytest.raises(WebhookRefused, match="token is wrong"):
            answer(META, WORDS, hub(word))


def test_microsoft_gets_its_token_back() -> None:
    assert answer(MICROSOFT, None, post(validationToken="abc 123")) == Reply(b"abc 123")


def test_feishu_gets_json() -> None:
    asked = {"type": "url_verification", "token": "our-word", "challenge": "ajls384k"}
    assert answer(FEISHU, WORDS, post(asked)) == Reply(b'{"challenge":"ajls384k"}', "application/json")
    with pytest.raises(WebhookRefused):
        answer(FEISHU, WORDS, post({**asked, "token": "x"}))


def test_what_is_no_question_is_left_to_others() -> None:
    assert answer(META, WORDS, get(**{"hub.mode": "subscribe"})) is None
    assert answer(META, WORDS, post({"object": "page"}, **{"hub.challenge": "1"})) is None
    assert answer(MICROSOFT, None, get(validationToken="x")) is None
    assert answer(MICROSOFT, None, post({"value": []})) is None
    others: list[Any] = [{"type": "event", "challenge": "x"}, [], {"type": "url_verification"}, None]
    for body in others:
        assert answer(FEISHU, WORDS, post(body)) is None
    assert answer(FEISHU, WORDS, Inbound({}, {}, b"\xff{")) is None


def test_without_a_word_of_ours_nobody_is_answered() -> None:
    for known in (None, [], [SecretStr("")]):
        with pytest.raises(WebhookRefused, match="`verify_token` is not set"):
            answer(META, known, hub(""), setting="verify_token")


@pytest.mark.parametrize("asked", ["x" * 5000, "a\nb", "a\0b", "\x1b[2J"])
def test_a_question_that_would_let_us_say_anything_is_refused(asked: str) -> None:
    with pytest.raises(WebhookRefused):
        answer(MICROSOFT, None, post(validationToken=asked))


def test_a_question_stands_in_one_place() -> None:
    for spec in ({}, {"query": "a", "field": "b"}):
        with pytest.raises(ValidationError, match="exactly one of query and field"):
            Handshake.model_validate(spec)
