"""The Xero connector: its streams, what ``ltc check`` says about them, pull and push."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import msgspec
from pydantic import BaseModel

from connectors.budget import Allowance
from connectors.contract import (
    Change,
    CheckLine,
    Connector,
    Cursor,
    Delivery,
    Inbound,
    NewRecord,
    Page,
    PushResult,
    RawRecord,
    StreamSpec,
    Webhooks,
    WebhookSpec,
    Window,
)
from connectors.errors import ConnectorError
from connectors.rawjson import parse
from connectors.retry import RetryPolicy
from connectors.xero.answers import listing
from connectors.xero.config import XeroConfig
from connectors.xero.creating import Creator
from connectors.xero.pulling import Pace, Puller
from connectors.xero.pushing import Pusher
from connectors.xero.session import PATIENCE, ScopeMissing, Session
from connectors.xero.streams import SOURCES, SPECS, TOLD, Source

_MOST_IDS = 40
"""In one address, which they make 1,500 characters long."""


class Xero(Connector[XeroConfig]):
    """One Xero organisation through a custom connection."""

    name: ClassVar[str] = "xero"
    Config: ClassVar[type[BaseModel]] = XeroConfig
    patience: ClassVar[RetryPolicy] = PATIENCE
    settle_seconds: ClassVar[float] = 5.0
    permissions: ClassVar[tuple[str, ...]] = (
        *("accounting.contacts.read", "accounting.payments.read", "accounting.banktransactions.read"),
        *("accounting.settings.read", "accounting.invoices, or to read only accounting.invoices.read"),
    )
    never_takes: ClassVar[Mapping[str, tuple[tuple[str, Any], ...]]] = {"invoice": (("SentToContact", False),)}

    def __init__(self, config: XeroConfig) -> None:
        super().__init__(config)
        self._session = Session(config, self.stats, lambda: self.services)

    def close(self) -> None:
        """Release connections; safe to call twice."""
        self._session.close()

    def allowances(self) -> Sequence[Allowance]:
        """Of the organisation and our app."""
        return [self._session.allowance]

    def streams(self) -> Sequence[StreamSpec]:
        """Contacts first, then what refers to them."""
        if not self.config.webhook_secret:
            return SPECS
        return [replace(spec, webhooks=Webhooks.HINT) if spec.name in TOLD.values() else spec for spec in SPECS]

    def check(self) -> Iterable[CheckLine]:
        """One line for the organisation, then one per stream."""
        try:
            organisation = _described(self._session.get("/Organisation"))
        except ScopeMissing as error:
            yield CheckLine("organisation", False, error.message, f"{error.remedy} Scope: accounting.settings.read.")
        except ConnectorError as error:
            yield CheckLine("organisation", False, error.message, error.remedy, can_read=False)
            for spec in SPECS:
                yield CheckLine(spec.name, False, "Not tried: the organisation cannot be reached.", error.remedy, False)
            return
        else:
            yield CheckLine("organisation", True, organisation, can_read=True)
        for spec in SPECS:
            yield self._check_stream(spec, SOURCES[spec.name])

    def _check_stream(self, spec: StreamSpec, source: Source) -> CheckLine:
        writable = self._may_write(source) if spec.writable else None
        try:
            self._session.get(source.path, {**source.params, "page": "1", "pageSize": "1"})
        except ScopeMissing as error:
            remedy = f"{error.remedy} Scope: {source.scopes[0]}.read."
            return CheckLine(spec.name, False, error.message, remedy, False, writable)
        except ConnectorError as error:
            return CheckLine(spec.name, False, error.message, error.remedy, False, writable)
        if writable is False:
            remedy = f"To write back, add the scope {source.scopes[0]} in Xero and to `scopes`."
            return CheckLine(spec.name, True, "Can be read, not written.", remedy, True, False)
        created = "; drafts can be created" if writable and spec.creatable else ""
        detail = f"Can be read and written{created}." if writable else "Can be read."
        return CheckLine(spec.name, True, detail, can_read=True, can_write=writable)

    def _may_write(self, source: Source) -> bool:
        return not self._session.granted.isdisjoint(source.scopes)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """See ``Connector.pull``; one call if nothing changed."""
        config = self.config
        pace = Pace(
            config.page_size,
            config.overlap_seconds,
            self.settle_seconds,
            config.recheck_hours if stream == "invoice" else 0.0,
        )
        yield from Puller(self._session, SOURCES[stream], pace).pull(cursor, window)

    def webhook(self) -> WebhookSpec:
        """See ``connectors.xero.webhook``."""
        from connectors.xero.webhook import SIGNATURE

        return WebhookSpec(SIGNATURE)

    def receive(self, request: Inbound) -> Delivery:
        """See ``connectors.xero.webhook``."""
        from connectors.xero import webhook  # most runs take no webhooks in, and it takes time to import

        return webhook.delivery(self.config.webhook_secret, self.config.tenant_id, request, datetime.now(UTC))

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        """Contacts and invoices, one call for some dozens, as lists show them."""
        if stream not in TOLD.values():
            raise NotImplementedError(f"xero does not read single records of {stream}")
        source = SOURCES[stream]
        for start in range(0, len(ids), _MOST_IDS):
            part = ids[start : start + _MOST_IDS]
            params = {**source.params, "IDs": ",".join(part), "page": "1", "pageSize": str(len(part))}
            yield listing(self._session.get(source.path, params) or b"{}", source.element, source.id_field).records

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """Write invoice fields; see ``connectors.xero.pushing``."""
        if stream != "invoice":
            raise NotImplementedError(f"xero does not accept changes to {stream}")
        yield from Pusher(self._session).push(changes)

    def find(self, stream: str, keys: Sequence[str]) -> dict[str, Sequence[RawRecord]]:
        """Invoices by the key in their reference; see ``connectors.xero.creating``."""
        return {**self._creator(stream).find(keys)}

    def create(self, stream: str, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """Draft sales invoices, one call each; see ``connectors.xero.creating``."""
        yield from self._creator(stream).create(records)

    def _creator(self, stream: str) -> Creator:
        if stream != "invoice":
            raise NotImplementedError(f"xero does not create records in {stream}")
        return Creator(self._session)


class _Organisation(msgspec.Struct):
    Name: str = "The organisation"
    BaseCurrency: str = "?"


class _Organisations(msgspec.Struct):
    Organisations: list[_Organisation] = []


_organisations = msgspec.json.Decoder(_Organisations)


def _described(body: bytes | None) -> str:
    """Raises ``ContractError``."""
    found = parse(body or b"{}", _organisations).Organisations or [_Organisation()]
    return f"{found[0].Name} ({found[0].BaseCurrency}) can be reached."
