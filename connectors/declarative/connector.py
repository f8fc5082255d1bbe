"""The connector that a manifest describes: a class of its own for each file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from connectors.budget import Allowance, Priority
from connectors.contract import (
    Change,
    CheckLine,
    Connector,
    Cursor,
    Deletes,
    Delivery,
    Inbound,
    NewRecord,
    Page,
    PushResult,
    RawRecord,
    Reply,
    StreamSpec,
    Webhooks,
    WebhookSpec,
    Window,
)
from connectors.declarative.client import PATIENCE, Client
from connectors.declarative.creating import Creator
from connectors.declarative.load import load
from connectors.declarative.manifest import Manifest, Stream
from connectors.declarative.pulling import Lister, Puller
from connectors.declarative.pushing import Singles, Writer
from connectors.declarative.receiving import Receiver
from connectors.declarative.records import Reader
from connectors.declarative.rules import Deletes as DeletesRule
from connectors.declarative.settings import DeclaredConfig, config_model
from connectors.declarative.tokens import Tokens
from connectors.declarative.webhook import SETTING, Webhook
from connectors.declarative.zones import settled
from connectors.errors import ConnectorError, RecordError
from connectors.retry import RetryPolicy


class Declared(Connector[DeclaredConfig]):
    """A system as its manifest says. Subclasses are made by ``connector_of``."""

    manifest: ClassVar[Manifest]
    patience: ClassVar[RetryPolicy] = PATIENCE

    def __init__(self, config: DeclaredConfig) -> None:
        super().__init__(config)
        self._told = settled(self.manifest, config.plain())
        self._client = Client(self.manifest, config, self.stats, lambda: self.services)

    @property
    def tokens(self) -> Tokens | None:
        """The system's OAuth tokens; ``None`` where it has none."""
        return self._client.tokens

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def streams(self) -> Sequence[StreamSpec]:
        """The manifest's streams."""
        return [_spec(name, stream, self.manifest.webhook) for name, stream in self.manifest.streams.items()]

    def check(self) -> Iterable[CheckLine]:
        """Reads one record of each stream."""
        for name, stream in self._told.streams.items():
            writes = None if stream.update is not None else False
            try:
                found = Lister(self._told, name, self._client, None).first().found
                Puller(self._told, name, self._client, None).first_deleted()
            except ConnectorError as error:
                yield CheckLine(name, False, error.message, error.remedy, can_read=False, can_write=writes)
                continue
            if found.rejected:
                bad = found.rejected[0]
                detail = f"A record's `{bad.field}` {bad.reason}."
                yield CheckLine(name, False, detail, "Correct key or version in the manifest.", True, writes)
            else:
                # Whether our key may write shows only when something is written.
                yield CheckLine(name, True, "readable" if found.order else "readable, empty so far", "", True, writes)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """See ``connectors.declarative.pulling``."""
        return Puller(self._told, stream, self._client, self.config.page_size).pull(cursor, window)

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """Every id that the list shows, whenever it changed."""
        for answer, _ in Lister(self._told, stream, self._client, self.config.page_size).walk({}):
            yield [record.source_id for record in answer.found.records] + [
                record.source_id for record in answer.found.rejected if record.source_id
            ]

    def allowances(self) -> Sequence[Allowance]:
        """By the manifest's ``limits``."""
        return self._client.allowances

    def webhook(self) -> WebhookSpec | None:
        """By the manifest's ``webhook``."""
        said = self.manifest.webhook
        return WebhookSpec(said.signature, said.handshake) if said is not None else None

    def challenge(self, request: Inbound) -> Reply | None:
        """By the manifest's ``webhook.handshake``."""
        receiver = self._receiver
        return receiver.challenge(request, self._webhook_secrets) if receiver is not None else None

    def receive(self, request: Inbound) -> Delivery:
        """See ``connectors.declarative.webhook``."""
        receiver = self._receiver
        if receiver is None:
            return super().receive(request)
        return receiver.receive(request, self._webhook_secrets, datetime.now(UTC))

    @cached_property
    def _receiver(self) -> Receiver | None:
        webhook, streams = self._told.webhook, self._told.streams
        if webhook is None:
            return None
        return Receiver(
            webhook, {event.stream: Reader(streams[event.stream]) for event in webhook.events}, self.config.plain()
        )

    @property
    def _webhook_secrets(self) -> Any:
        return getattr(self.config, SETTING)

    @property
    def reads_single_records(self) -> bool:
        """Whether the manifest says how one record is read."""
        return any(stream.one is not None for stream in self._told.streams.values())

    def fetch(self, stream: str, ids: Sequence[str]) -> Iterator[Sequence[RawRecord]]:
        """One call for each record."""
        singles = self._singles(stream)
        for source_id in ids:
            try:
                record = singles.read(source_id).record
            except RecordError:
                continue
            if record is not None:
                yield [record]

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """See ``connectors.declarative.pushing``."""
        said = self._told.streams[stream]
        if said.update is None:
            raise NotImplementedError(f"{self.name} does not accept changes to {stream}")
        yield from Writer(said, said.update, self._singles(stream, Priority.WRITE), self._client).apply(changes)

    def find(self, stream: str, keys: Sequence[str]) -> dict[str, Sequence[RawRecord]]:
        """See ``connectors.declarative.creating``."""
        return {**self._creator(stream).find(keys)}

    def create(self, stream: str, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """See ``connectors.declarative.creating``."""
        yield from self._creator(stream).create(records)

    def _singles(self, stream: str, priority: Priority = Priority.READ) -> Singles:
        said = self._told.streams[stream]
        if said.one is None:
            raise NotImplementedError(f"{self.name} does not read single records of {stream}")
        return Singles(said, said.one, self._client, priority)

    def _creator(self, stream: str) -> Creator:
        said = self._told.streams[stream]
        if said.create is None:
            raise NotImplementedError(f"{self.name} does not create records in {stream}")
        return Creator(said, said.create, self._client)


def connector_of(path: Path) -> type[Declared]:
    """The connector class of a manifest file. Raises ``ManifestError``."""
    manifest = load(path)
    settles = [stream.incremental.settle for stream in manifest.streams.values() if stream.incremental]
    members: dict[str, Any] = {
        "__doc__": manifest.about or f"{manifest.name}, by its manifest.",
        "__module__": __name__,
        "name": manifest.name,
        "manifest": manifest,
        "permissions": manifest.permissions,
        "Config": config_model(manifest),
        "settle_seconds": max(settles, default=Connector.settle_seconds),
        "answer_seconds": manifest.webhook.answer_within if manifest.webhook else Connector.answer_seconds,
    }
    return type(f"Declared_{manifest.name.replace('-', '_')}", (Declared,), members)


def _spec(name: str, stream: Stream, webhook: Webhook | None) -> StreamSpec:
    if isinstance(stream.deletes, DeletesRule):
        deletes = Deletes.TOMBSTONES
    else:
        deletes = Deletes.SWEEP if stream.deletes == "sweep" else Deletes.NONE
    above = (stream.parent.stream,) if stream.parent is not None else ()
    dated = stream.incremental is not None and stream.version is not None
    brings = webhook.brings(name) if webhook is not None else None
    return StreamSpec(
        name,
        stream.entity,
        cursor_field=stream.version.field if dated and stream.version is not None else None,
        deletes=deletes,
        writable=tuple(stream.fields),
        depends_on=tuple(dict.fromkeys((*above, *stream.depends_on))),
        creatable=stream.create.key if stream.create is not None else None,
        refuses_doubles=stream.create.unique if stream.create is not None else False,
        webhooks=Webhooks.NONE if brings is None else Webhooks.RECORD if brings else Webhooks.HINT,
    )
