"""A webhook's signature and first question in words, for the person who sets it up at the source."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from connectors.contract import WebhookSpec
    from connectors.handshakes import Handshake
    from connectors.places import Place
    from connectors.signatures import Signature
    from console.i18n import Texts


def rows(texts: Texts, webhook: WebhookSpec, answer_seconds: float) -> list[tuple[str, str]]:
    """What there is to know about a webhook, and how it is."""
    signature, at = webhook.signature, webhook.signature.timestamp
    found = [("signature", _signature(texts, signature))]
    if signature.scheme != "shared-key":
        found.append(("signed", signature.signed))
    if signature.nonce is not None:
        found.append(("nonce", _place(texts, signature.nonce)))
    if at is not None:
        oldest = texts("connectors.webhook.seconds", seconds=f"{at.tolerance_seconds:g}")
        found.append(("oldest", f"{oldest} ({_place(texts, at)})"))
    found.append(("id", _id(texts, signature)))
    found.append(("question", _question(texts, webhook.handshake)))
    found.append(("answer", texts("connectors.webhook.seconds", seconds=f"{answer_seconds:g}")))
    return [(texts.name("connectors.webhook.rows", name), text) for name, text in found]


def _signature(texts: Texts, signature: Signature) -> str:
    parts = [signature.scheme, _place(texts, signature.place)]
    if signature.scheme not in ("shared-key", "standard-webhooks"):
        parts.append(signature.encoding)
    return texts.listed([*parts, *([f"{signature.prefix}…"] if signature.prefix else [])])


def _id(texts: Texts, signature: Signature) -> str:
    if signature.id is None:
        return texts("connectors.webhook.hash")
    places = signature.id if isinstance(signature.id, tuple) else (signature.id,)
    return " + ".join(_place(texts, place) for place in places)


def _question(texts: Texts, handshake: Handshake | None) -> str:
    if handshake is None:
        return texts("connectors.webhook.no_question")
    asked = "query" if handshake.query is not None else "field"
    place = texts.name("connectors.webhook.place", asked).format(name=handshake.query or handshake.field)
    token = [] if handshake.token is None else [f"{_place(texts, handshake.token)} = webhook_secret"]
    return texts.listed([handshake.method, place, *token])


def _place(texts: Texts, place: Place) -> str:
    kind = "header" if place.header is not None else "query" if place.query is not None else "field"
    text = texts.name("connectors.webhook.place", kind).format(name=place.header or place.query or place.field)
    return texts.listed([text, f"{place.part}=…"]) if place.part is not None else text
