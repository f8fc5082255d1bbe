"""The requests that a manifest's system sends to a webhook: what they say, and how they are signed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from conformance.generic.documents import Impossible, document, merged
from conformance.needs import Need
from connectors.contract import Inbound
from connectors.declarative.webhook import Event, Webhook
from connectors.places import Place
from connectors.signatures import Timestamp, sign

_SECRETS = {"text": "kit-webhook-secret-0123456789", "hex": "6b6974" * 8, "base64": "a2l0a2l0a2l0a2l0a2l0a2l0"}
_json = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Told:
    """What a request is about."""

    stream: str
    key: list[int]
    shown: Mapping[str, Any]
    event: Literal["changed", "deleted", "unknown"]


class Signer:
    """Makes and signs requests."""

    def __init__(self, webhook: Webhook) -> None:
        self._webhook = webhook
        signature = webhook.signature
        coded = "base64" if signature.scheme == "standard-webhooks" else signature.key
        self.secret = signature.key_prefix + _SECRETS[coded]
        self.signs = signature.scheme != "shared-key"
        """Whether there is a signature, or the secret itself is sent."""
        self.can = {Need.WEBHOOK_TIME} if signature.timestamp is not None else set()
        if signature.id is not None:
            self.can.add(Need.DELIVERY_ID)
        if any(event.deleted is not None for event in webhook.events):
            self.can.add(Need.DELETION_EVENT)

    def tells_of(self, stream: str, parts: int) -> bool:
        """Whether requests about a stream can be made, whose key has so many parts."""
        told = Told(stream, [1] * parts, {"id": 1}, "changed")
        try:
            self._body(told)
        except (Impossible, ValueError):
            return False
        return self._webhook.signature.scheme != "ed25519"

    def request(self, told: Told, delivery: str, secret: str | None, at: datetime | None) -> Inbound:
        """A request signed at that time, with this secret or the right one."""
        signature, moment = self._webhook.signature, at or datetime.now(UTC)
        headers: dict[str, str] = {"content-type": "application/json"}
        query: dict[str, str] = {}
        body = self._body(told)
        for place, text in self._placed(delivery, moment):
            if place.field is not None:
                body = merged(body, document(place.field, text))
            else:
                _put(place, text, headers, query)
        request = Inbound(headers, query, _json.encode(body))
        signed = sign(signature, self.secret if secret is None else secret, request)
        if signature.field is not None:
            return replace(request, body=_json.encode(merged(body, document(signature.field, signed))))
        _put(signature.place, signed, headers, query)
        return Inbound(headers, query, request.body)

    def _placed(self, delivery: str, moment: datetime) -> list[tuple[Place, str]]:
        signature = self._webhook.signature
        found: list[tuple[Place, str]] = []
        if signature.timestamp is not None:
            found.append((signature.timestamp, _written(signature.timestamp, moment)))
        if signature.nonce is not None:
            found.append((signature.nonce, f"nonce-{delivery}"))
        ids = signature.id if isinstance(signature.id, tuple) else [signature.id] if signature.id else []
        return [*found, *((place, f"{delivery}-{number}") for number, place in enumerate(ids))]

    def _body(self, told: Told) -> Any:
        if told.event == "unknown":
            return {"type": "kit.something.else", "event": "kit.something.else"}
        for event in self._webhook.events:
            always = event.deleted is not None and event.deleted.startswith("`")
            fits = event.deleted is not None if told.event == "deleted" else not always
            if event.stream == told.stream and fits:
                return _about(event, told)
        raise Impossible(f"no event tells of {told.stream}")


def _about(event: Event, told: Told) -> Any:
    parts: list[Any] = []
    if event.when is not None:
        parts.append(document(event.when, True))
    if event.record is not None:
        parts.append(document(event.record, dict(told.shown)))
    else:
        parts += [document(place, part) for place, part in zip(event.ids, told.key, strict=True)]
    if event.deleted is not None and not event.deleted.startswith("`"):
        parts.append(document(event.deleted, told.event == "deleted"))
    whole = merged(*parts)
    return document(event.items, [whole]) if event.items is not None else whole


def _put(place: Place, text: str, headers: dict[str, str], query: dict[str, str]) -> None:
    holder, name = (headers, place.header) if place.header is not None else (query, place.query or "")
    if place.part is None:
        holder[name] = text
    else:
        holder[name] = ",".join(filter(None, (holder.get(name), f"{place.part}={text}")))


def _written(place: Timestamp, moment: datetime) -> str:
    if place.unit == "iso":
        return moment.isoformat()
    return str(int(moment.timestamp() * (1000 if place.unit == "milliseconds" else 1)))
