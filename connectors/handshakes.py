"""Questions that sources ask before they send anything to a webhook, to make sure that the address is ours.

    {method: GET, query: hub.challenge, token: {query: hub.verify_token}}       Meta
    {query: validationToken}                                                    Microsoft: Business Central, Graph
    {field: "type == 'url_verification' && challenge", token: {field: token}, reply: challenge}     Feishu, Slack

What stands at ``query`` or ``field`` is sent back, as plain text or under the name ``reply`` in a JSON object. Xero has
no question of its own: it sends events, some of them wrongly signed, and looks at the answers.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from typing import Literal

import msgspec
from pydantic import SecretStr, model_validator

from connectors.contract import Inbound, Reply
from connectors.errors import WebhookRefused
from connectors.places import Place
from connectors.signatures import secrets_of
from connectors.words import Part, Query

_LONGEST = 4096
"""Characters; whoever asks gets back what they sent, so it must be no way to let us say much."""


class Handshake(Part):
    """How a source asks: exactly one of ``query`` and ``field`` holds what it wants to read in the answer."""

    method: Literal["GET", "POST"] = "POST"
    query: str | None = None
    """A parameter of the address."""
    field: Query | None = None
    """A JMESPath expression over the JSON of the body."""
    token: Place | None = None
    """Where a word of ours stands that the source was told; without it everybody gets an answer."""
    reply: str | None = None
    """The name in a JSON object that the answer stands under; without it the answer is plain text."""

    @model_validator(mode="after")
    def _one(self) -> Handshake:
        if (self.query is None) == (self.field is None):
            raise ValueError("needs exactly one of query and field")
        return self


def answer(
    handshake: Handshake,
    secrets: SecretStr | Iterable[SecretStr] | None,
    request: Inbound,
    *,
    setting: str = "webhook_secret",
) -> Reply | None:
    """The answer to the question that a request asks, ``None`` if it asks none.

    Raises ``WebhookRefused`` if its token is none of ``secrets``; ``setting`` names them.
    """
    if request.method != handshake.method:
        return None
    asked = _asked(handshake, request)
    if not asked:
        return None
    if handshake.token is not None:
        _compare(handshake.token.text(request), secrets_of(secrets), setting)
    if len(asked) > _LONGEST or not asked.isprintable():
        raise WebhookRefused("The question is not one that a source would ask.")
    if handshake.reply is None:
        return Reply(asked.encode())
    return Reply(msgspec.json.encode({handshake.reply: asked}), "application/json")


def _asked(handshake: Handshake, request: Inbound) -> str:
    if handshake.query is not None:
        return request.query.get(handshake.query, "")
    try:
        return Place(field=handshake.field).text(request)
    except WebhookRefused:
        return ""  # no JSON: whatever it is, it is no question


def _compare(shown: str, known: list[SecretStr], setting: str) -> None:
    if not known:
        raise WebhookRefused(f"`{setting}` is not set.", remedy="Set it to the word that the source was told.")
    same = [hmac.compare_digest(shown.encode(errors="replace"), item.get_secret_value().encode()) for item in known]
    if not any(same):
        raise WebhookRefused("The token is wrong.", remedy=f"Compare `{setting}` with what the source was told.")
