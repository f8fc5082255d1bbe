"""The Salesforce connector: streams, check, pull, push."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

import msgspec
from pydantic import BaseModel

from connectors.budget import Allowance
from connectors.contract import (
    Change,
    CheckLine,
    Connector,
    Cursor,
    NewRecord,
    Page,
    PushResult,
    RawRecord,
    StreamSpec,
    Window,
)
from connectors.errors import ContractError
from connectors.rawjson import parse
from connectors.retry import RetryPolicy
from connectors.salesforce import soql
from connectors.salesforce.checking import check_stream
from connectors.salesforce.client import Client
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.creating import Create
from connectors.salesforce.errors import Refused, as_contract
from connectors.salesforce.pulling import Pull
from connectors.salesforce.pushing import Push
from connectors.salesforce.records import Reader
from connectors.salesforce.streams import Stream, streams


class _Id(msgspec.Struct):
    Id: str


_id = msgspec.json.Decoder(_Id)


class Salesforce(Connector[SalesforceConfig]):
    """An org, reached with OAuth client credentials through simple-salesforce."""

    name: ClassVar[str] = "salesforce"
    Config: ClassVar[type[BaseModel]] = SalesforceConfig
    permissions: ClassVar[tuple[str, ...]] = (
        "OAuth client credentials flow with the scope api, and a run-as user who may",
        "read Product2, Account, Contact, Opportunity, Quote, QuoteLineItem and Lead",
        "edit the LTC_… fields of Opportunity and Quote, to write back",
        "create Lead, to create leads",
    )

    def __init__(self, config: SalesforceConfig, *, policy: RetryPolicy | None = None) -> None:
        super().__init__(config)
        self._client = Client(config, self.stats, policy=policy, services=lambda: self.services)
        self._streams = streams(config)
        self._creates: dict[str, Create] = {}

    def close(self) -> None:
        """Release connections; safe to call twice."""
        self._client.close()

    def allowances(self) -> Sequence[Allowance]:
        """Our own; how many calls a day the org has, only its answers tell."""
        return [self._client.allowance]

    def streams(self) -> Sequence[StreamSpec]:
        """Products, accounts, contacts, opportunities, quotes with lines, leads."""
        return [stream.spec for stream in self._streams.values()]

    def check(self) -> Iterable[CheckLine]:
        """One line per stream."""
        for stream in self._streams.values():
            yield check_stream(self._client, stream)

    def pull(self, stream: str, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """What changed since ``cursor``: two calls if nothing did, one for changes and one for deletions."""
        try:
            yield from Pull(self._client, self.config, self._stream(stream), cursor, window).pages()
        except Refused as error:
            raise as_contract(error, stream) from error

    def ids(self, stream: str) -> Iterator[Sequence[str]]:
        """All ids that are not deleted; finds records that were purged before their deletion was noticed."""
        chosen, limit, last = self._stream(stream), self.config.page_size, ""
        reader = Reader(self._client, chosen)
        while True:
            where = f" WHERE Id > {soql.quoted(last)}" if last else ""
            rows, done = reader.plain(f"SELECT Id FROM {chosen.object}{where} ORDER BY Id LIMIT {limit}")
            found = [parse(row, _id).Id for row in rows]
            if found:
                yield found
                last = found[-1]
            if not found or (done and len(found) < limit):
                return

    def push(self, stream: str, changes: Sequence[Change]) -> Iterator[PushResult]:
        """One conditional PATCH per record that does not show the wanted values yet."""
        yield from Push(self._client, self._stream(stream)).results(changes)

    def find(self, stream: str, keys: Sequence[str]) -> dict[str, Sequence[RawRecord]]:
        """By query, in the recycle bin too; 50 keys a call."""
        found = self._create(stream).find(keys)
        return {key: [row.record for row in rows] for key, rows in found.items()}

    def create(self, stream: str, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """One POST per record whose key no record carries; the key's field must be unique."""
        yield from self._create(stream).results(records)

    def _create(self, name: str) -> Create:
        chosen = self._stream(name)
        if chosen.spec.creatable is None:
            raise ContractError(f"Salesforce creates no records in {name}.", remedy="Take the rule out of ltc.yaml.")
        if name not in self._creates:
            self._creates[name] = Create(self._client, chosen, chosen.spec.creatable)
        return self._creates[name]

    def _stream(self, name: str) -> Stream:
        return self._streams[name]
