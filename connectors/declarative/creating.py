"""Make records that are to exist once, recognised by an external key that the source keeps in a field."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from connectors.budget import Priority
from connectors.contract import NewRecord, Outcome, PushResult, RawRecord
from connectors.declarative.client import Client
from connectors.declarative.failures import Conflict, Missing
from connectors.declarative.manifest import Stream
from connectors.declarative.pulling import listed
from connectors.declarative.pushing import Singles
from connectors.declarative.records import Reader, Selection, require_object
from connectors.declarative.requests import Create
from connectors.errors import ConnectorError, RecordError, TransientError, unsent_over_quota
from connectors.rawjson import decode
from connectors.redact import masked


class Creator:
    """Makes records of one stream."""

    def __init__(self, stream: Stream, create: Create, client: Client) -> None:
        self._create = create
        self._client = client
        self._reader = Reader(stream)
        self._places = Selection(create.records)
        self._singles = Singles(stream, stream.one, client, Priority.WRITE) if stream.details and stream.one else None

    def find(self, keys: Sequence[str]) -> dict[str, list[RawRecord]]:
        """See ``Connector.find``. What a source that knows no exact search shows besides is left out."""
        found: dict[str, list[RawRecord]] = {}
        for key in keys:
            response = listed(self._client, self._create.find, {"key": key}, None, Priority.WRITE)
            rows = self._places.slices(response.content)
            carrying = [row for row in rows if self._carries(row, key)]
            records = [record for row in carrying if (record := self._reader.one(row, deleted=True)) is not None]
            if records:
                found[key] = [self._whole(record) for record in records]
        return found

    def _carries(self, row: bytes, key: str) -> bool:
        require_object(row)
        return str(decode(row).get(self._create.key)) == key

    def _whole(self, found: RawRecord) -> RawRecord:
        """The record with all its fields, where a search shows parts of it only."""
        if self._singles is None:
            return found
        try:
            return self._singles.read(found.source_id).record or found
        except Missing:
            return found

    def create(self, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """See ``Connector.create``."""
        for record in records:
            with unsent_over_quota():
                result = self._one(record)
            yield result

    def _one(self, record: NewRecord) -> PushResult:
        try:
            known = self.find([record.key]).get(record.key)
            if known:
                return PushResult(known[0].source_id, Outcome.UNCHANGED, record=known[0], key=record.key)
            self._send(record)
        except Conflict as error:
            return self._looked_up(record, Outcome.UNKNOWN, error.message)
        except RecordError as error:
            return PushResult("", Outcome.REJECTED, masked(error.message), key=record.key)
        except TransientError as error:
            outcome = Outcome.UNKNOWN if error.sent else Outcome.RETRY
            return self._looked_up(record, outcome, error.message)
        return self._looked_up(record, Outcome.UNKNOWN, "The system accepted the record but does not show it so far.")

    def _send(self, record: NewRecord) -> None:
        variables = {"values": record.values, "key": record.key, "idempotency_key": record.idempotency_key}
        repeatable = "idempotency_key" in self._create.names
        self._client.send(self._create, variables, safe=repeatable, priority=Priority.WRITE)

    def _looked_up(self, record: NewRecord, otherwise: Outcome, message: str) -> PushResult:
        """The record that the request has made, if there is one now."""
        if otherwise is Outcome.RETRY:
            return PushResult("", otherwise, message, key=record.key)
        try:
            made = self.find([record.key]).get(record.key)
        except ConnectorError:
            made = None
        if made:
            return PushResult(made[0].source_id, Outcome.APPLIED, record=made[0], key=record.key)
        return PushResult("", otherwise, message, key=record.key)
