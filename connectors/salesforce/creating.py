"""Create records once: look for the key, POST, and look again where the answer does not tell.

Not by upsert: where two of us are at it, an upsert by external id would change the record that the first one made,
and whatever a person has made of it since. A POST is refused for a key that is taken, as the field is unique.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from connectors.budget import Priority
from connectors.contract import NewRecord, Outcome, PushResult, RawRecord
from connectors.errors import ConnectorError, ContractError, TransientError, unsent_over_quota
from connectors.rawjson import parse
from connectors.salesforce import soql
from connectors.salesforce.client import Client
from connectors.salesforce.describing import describe, lacking_for_keys
from connectors.salesforce.errors import Refused
from connectors.salesforce.records import Reader, Row
from connectors.salesforce.streams import Stream

_AT_ONCE = 50
_encode = msgspec.json.Encoder(decimal_format="number").encode


class _Made(msgspec.Struct):
    id: str


_made = msgspec.json.Decoder(_Made)
_shown = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str | None)


class Create:
    """Creates records in one stream, one result each, in order; ``key`` is the field with the external key."""

    def __init__(self, client: Client, stream: Stream, key: str) -> None:
        self._client = client
        self._stream = stream
        self._key = key
        self._reader = Reader(client, stream, priority=Priority.WRITE)
        self._checked = False

    def find(self, keys: Sequence[str]) -> dict[str, list[Row]]:
        """The records with these keys, those in the recycle bin too; raises ``ContractError`` if nothing keeps a record
        from being made twice.
        """
        self._check()
        found: dict[str, list[Row]] = {}
        for start in range(0, len(keys), _AT_ONCE):
            wanted = ", ".join(soql.quoted(key) for key in keys[start : start + _AT_ONCE])
            batch = self._reader.batch(f" WHERE {self._key} IN ({wanted}) ORDER BY Id", with_deleted=True)
            for row in batch.rows:
                key = parse(bytes(parse(row.record.body, _shown).get(self._key, b"null")), _text)
                if key is not None:
                    found.setdefault(key, []).append(row)
        return found

    def results(self, records: Sequence[NewRecord]) -> Iterator[PushResult]:
        """Look for all of them at once, then make those that are not there one by one."""
        with unsent_over_quota():
            there = self.find([record.key for record in records])
        for record in records:
            found = there.get(record.key)
            with unsent_over_quota():
                result = _found(record, found) if found else self._made(record)
            yield result

    def _check(self) -> None:
        """Ask once whether the field for the key is as it must be."""
        if self._checked:
            return
        said = lacking_for_keys(describe(self._client, self._stream.object), self._stream.object, self._key)
        if said:
            raise ContractError(
                f"Nothing can be created in {self._stream.object}: {said[0]}.", remedy=said[1], stream=self._stream.name
            )
        self._checked = True

    def _made(self, record: NewRecord) -> PushResult:
        body = _encode(record.values)
        try:
            answer = self._client.call("POST", f"sobjects/{self._stream.object}", body=body, safe=False)
            source_id = parse(answer.body, _made).id
        except Refused as error:
            found = self.find([record.key]).get(record.key) if error.code == "DUPLICATE_VALUE" else None
            return (
                _found(record, found) if found else PushResult("", Outcome.REJECTED, error.about(body), key=record.key)
            )
        except TransientError as error:
            if not error.sent:
                return PushResult("", Outcome.RETRY, str(error), key=record.key)
            return self._settled(record, error)
        except ContractError as error:  # made perhaps, but the answer cannot be read
            return self._settled(record, error)
        return PushResult(source_id, Outcome.APPLIED, record=self._after(source_id), key=record.key)

    def _after(self, source_id: str) -> RawRecord | None:
        """The record as it was made; a failure to read it does not unmake it."""
        try:
            rows = self._reader.by_ids([source_id]).rows
        except ConnectorError:
            return None
        return next((row.record for row in rows if row.record.source_id == source_id), None)

    def _settled(self, record: NewRecord, error: ConnectorError) -> PushResult:
        """Find out what became of a request without an answer."""
        try:
            found = self.find([record.key]).get(record.key)
        except ConnectorError:
            found = None
        if not found:
            return PushResult("", Outcome.UNKNOWN, str(error), key=record.key)
        row = found[0]
        said = "No answer; looked for and found."
        return PushResult(row.record.source_id, Outcome.APPLIED, said, _living(row), record.key)


def _found(record: NewRecord, rows: Sequence[Row]) -> PushResult:
    row = next((row for row in rows if not row.deleted), rows[0])
    said = "It is in the recycle bin." if row.deleted else ""
    return PushResult(row.record.source_id, Outcome.UNCHANGED, said, _living(row), record.key)


def _living(row: Row) -> RawRecord | None:
    return None if row.deleted else row.record
