"""Webhooks of a simulated system: requests that get lost, come late, twice, out of order, or find nobody at home."""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from connectors.contract import Inbound
from sync import systems, webhooks
from tests.chaos import company
from tests.chaos.connector import signature
from tests.chaos.source import Source, Version, shown

if TYPE_CHECKING:
    from settings.model import Settings
    from tests.chaos.machine import Machine

_ATTEMPTS = 5
_AGAIN = 60
"""Seconds until a request that was not answered is sent again."""
_NOBODY_HOME = 0.1
_ANSWER_LOST = 0.1
_TWICE = 0.2


def install(machine: Machine, settings: Settings, source: Source, given: dict[str, Any]) -> None:
    """Let a system tell us of every version of its records, as badly as its traits say."""
    random = Random(f"{source.name} {given['seed']}")
    connector = systems.open_connector(settings, source.name)
    stream = company.STREAMS[source.name]
    sent = [0]

    def arrive(body: bytes, attempt: int) -> None:
        chance = random.random()
        if chance >= _NOBODY_HOME:
            signed = {"x-signature": signature(body)}
            webhooks.receive(machine.watching(), connector, source.name, [stream], Inbound(signed, {}, body))
        if chance < _NOBODY_HOME + _ANSWER_LOST and attempt < _ATTEMPTS:
            machine.call_us(_AGAIN, lambda: arrive(body, attempt + 1))

    def tell(told: str, source_id: str, version: Version) -> None:
        sent[0] += 1
        staged = source.webhooks.pop(0) if source.webhooks else -1
        if staged is None or (staged < 0 and random.random() < given["lost"]):
            return
        about = {"stream": told, "id": source_id, "deleted": version.values is None}
        about |= {"revision": version.revision, "stamp": version.stamp, "delivery": f"{source.name}-{sent[0]}"}
        if given.get("records") and version.values is not None:
            about["record"] = shown(source_id, version)
        body = json.dumps(about).encode()
        for _ in range(2 if random.random() < _TWICE else 1):
            machine.call_us(random.choice(given["late"]) if staged < 0 else staged, lambda: arrive(body, 1))

    source.tell = tell
