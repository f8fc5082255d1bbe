"""Take in a request of a system's webhook: verified, and read as the manifest says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import SecretStr

from connectors.contract import Arrival, Delivery, Inbound, Notice, RawRecord, Reply
from connectors.declarative.records import FALSE, Reader, Selection, key_of
from connectors.declarative.webhook import SETTING, Event, Webhook
from connectors.errors import ContractError, WebhookRefused
from connectors.expressions import Expression, ExpressionError
from connectors.handshakes import answer
from connectors.places import document
from connectors.signatures import identify, verify

Secrets = SecretStr | Iterable[SecretStr] | None


class Receiver:
    """Takes the requests of one system's webhook in; ``readers``: stream → what makes records of its rows."""

    def __init__(self, webhook: Webhook, readers: Mapping[str, Reader], config: Mapping[str, Any]) -> None:
        self._webhook = webhook
        self._kinds = [_Kind(event, readers[event.stream]) for event in webhook.events]
        self._config = dict(config)

    def challenge(self, request: Inbound, secrets: Secrets) -> Reply | None:
        """See ``Connector.challenge``."""
        handshake = self._webhook.handshake
        return answer(handshake, secrets, request, setting=SETTING) if handshake is not None else None

    def receive(self, request: Inbound, secrets: Secrets, now: datetime) -> Delivery:
        """See ``Connector.receive``."""
        verify(self._webhook.signature, secrets, request, now, setting=SETTING)
        content = document(request.body)
        told = {**content, "config": self._config} if isinstance(content, dict) else content
        name = identify(self._webhook.signature, request)
        try:
            kind = next((kind for kind in self._kinds if kind.fits(told)), None)
            if kind is None:
                return Delivery(name)
            notices, arrivals = kind.read(request.body)
        except (ExpressionError, ContractError):
            # Its text may hold what stands in the request.
            raise WebhookRefused(
                "The request does not look as the manifest says.", remedy="Correct `webhook` in the manifest."
            ) from None
        return Delivery(name, notices, arrivals)


class _Kind:
    """One kind of request, ready to be read."""

    def __init__(self, event: Event, reader: Reader) -> None:
        self._event = event
        self._reader = reader
        self._when = Expression(event.when) if event.when is not None else None
        self._items = Selection(event.items) if event.items is not None else None
        self._record = Selection(event.record) if event.record is not None else None
        self._ids = [Expression(part) for part in event.ids] if event.source_id is not None else []
        self._deleted = Expression(event.deleted) if event.deleted is not None else None
        self._at = Expression(event.at) if event.at is not None else None

    def fits(self, told: Any) -> bool:
        """Whether a request is of this kind; one that lacks what the condition looks at is not."""
        try:
            return self._when is None or self._when.of(told) not in FALSE
        except ExpressionError:
            return False

    def read(self, body: bytes) -> tuple[list[Notice], list[Arrival]]:
        """What a request says. Raises ``ExpressionError`` and ``ContractError``."""
        notices: list[Notice] = []
        arrivals: list[Arrival] = []
        for item in self._items.slices(body) if self._items is not None else [body]:
            if self._record is not None:
                self._brought(self._record.slice(item), notices, arrivals)
            else:
                notices += self._told(document(item))
        return notices, arrivals

    def _told(self, item: Any) -> list[Notice]:
        key = key_of(self._ids, item)
        if key is None:
            return []
        if self._deleted is None or self._deleted.of(item) in FALSE:
            return [Notice(self._event.stream, key)]
        version = self._reader.version_of(self._at.of(item)) if self._at is not None else None
        return [Notice(self._event.stream, key, deleted=True, version=version)]

    def _brought(self, row: bytes | None, notices: list[Notice], arrivals: list[Arrival]) -> None:
        if row is None:
            raise ContractError("The request holds no record where the manifest says.")
        found = self._reader.rows([row])
        arrivals += [Arrival(self._event.stream, record) for record in found.records]
        # What cannot be used is kept all the same, and shown as such.
        arrivals += [Arrival(self._event.stream, RawRecord(item.source_id, item.body)) for item in found.rejected]
        notices += [Notice(self._event.stream, key, deleted=True) for key in found.deleted]
