"""Deliver events to an endpoint as Stripe does: signed anew each time, until they are taken, in any order."""

from __future__ import annotations

import hashlib
import hmac
import random
from dataclasses import dataclass, field
from typing import Any

import httpx

from sandbox.stripe.render import encode
from sandbox.stripe.store import Json, Store, visible

GIVE_UP_DAYS = 3


@dataclass(slots=True)
class _Delivery:
    event: Json
    attempts: int = 0


@dataclass(slots=True)
class Attempt:
    """One request to the endpoint; ``status`` is 0 if nobody answered."""

    event_id: str
    type: str
    status: int


def signature(secret: str, body: bytes, at: int) -> str:
    """One ``v1`` of the header ``Stripe-Signature``."""
    return hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()


@dataclass
class Endpoint:
    """An address that events are sent to, from the moment it is made.

    ``secrets``: more than one while a secret is being replaced; each signs. ``connected`` names the account that events
    are said to be of, for an endpoint of a platform.
    """

    store: Store
    url: str
    secrets: list[str]
    connected: str | None = None
    attempts: list[Attempt] = field(default_factory=list)
    _open: list[_Delivery] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._seen = {event["id"] for event in self.store.all("event")}
        self.store.endpoints += 1

    def deliver(self, *, duplicates: int = 0, shuffled: int | None = None, limit: int | None = None) -> list[Attempt]:
        """Try every event that was not taken yet once (and again ``duplicates`` times); returns the attempts.

        ``shuffled`` is the seed of a random order. What nobody takes stays, for three days of the account's clock.
        """
        self._collect()
        todo = [item for item in self._open for _ in range(1 + duplicates)]
        if shuffled is not None:
            random.Random(shuffled).shuffle(todo)
        made = [self._send(item) for item in todo[:limit]]
        self.attempts += made
        return made

    @property
    def open(self) -> int:
        """How many events still wait to be taken."""
        self._collect()
        return len(self._open)

    def _collect(self) -> None:
        oldest = self.store.now - GIVE_UP_DAYS * 86_400
        for event in reversed(self.store.all("event")):
            if event["id"] not in self._seen:
                self._seen.add(event["id"])
                self._open.append(_Delivery(event))
        self._open = [item for item in self._open if item.event["created"] >= oldest]

    def request(self, event: Json, at: int | None = None) -> tuple[bytes, dict[str, str]]:
        """Body and headers of a delivery, signed now or at a given second."""
        shown: dict[str, Any] = visible(event)
        if self.connected:
            shown["account"] = self.connected
        body = encode(shown)
        at = self.store.now if at is None else at
        parts = [f"t={at}", *(f"v1={signature(secret, body, at)}" for secret in self.secrets), "v0=none"]
        headers = {"stripe-signature": ",".join(parts), "content-type": "application/json; charset=utf-8"}
        return body, headers

    def _send(self, item: _Delivery) -> Attempt:
        body, headers = self.request(item.event)
        item.attempts += 1
        try:
            status = httpx.post(self.url, content=body, headers=headers, timeout=10.0, trust_env=False).status_code
        except httpx.HTTPError:
            status = 0
        if 200 <= status < 300 and item in self._open:
            self._open.remove(item)
            item.event["pending_webhooks"] = max(0, item.event["pending_webhooks"] - 1)
        return Attempt(item.event["id"], item.event["type"], status)
