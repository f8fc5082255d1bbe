"""Reads records by query: each one's bytes as received, with all its lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.budget import Priority
from connectors.contract import RawRecord
from connectors.errors import ContractError
from connectors.rawjson import parse, shape
from connectors.salesforce import soql
from connectors.salesforce.client import Client
from connectors.salesforce.errors import Refused, as_contract
from connectors.salesforce.streams import Lines, Stream

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Answer(msgspec.Struct):
    done: bool
    records: list[msgspec.Raw]
    nextRecordsUrl: str | None = None


class _Part(msgspec.Struct):
    done: bool = True


class _Head(msgspec.Struct):
    Id: str
    SystemModstamp: str
    IsDeleted: bool = False
    QuoteLineItems: _Part | None = None


class _Field(msgspec.Struct):
    name: str


class _Describe(msgspec.Struct):
    fields: list[_Field]


_answer = msgspec.json.Decoder(_Answer)
_head = msgspec.json.Decoder(_Head)
_described = msgspec.json.Decoder(_Describe)
_parts = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Row:
    """One record of an answer."""

    record: RawRecord
    stamp: str
    """``SystemModstamp`` as a literal."""
    deleted: bool


@dataclass(frozen=True, slots=True)
class Batch:
    """One query's rows; ``last`` says that nothing matching follows; ``date`` is the answer's HTTP date."""

    rows: list[Row]
    last: bool
    date: str


class Reader:
    """Queries of one stream.

    ``missing`` are the optional fields that the org turned out to lack; it is found out when a query is refused for
    one, with one describe call.
    """

    def __init__(
        self,
        client: Client,
        stream: Stream,
        missing: frozenset[str] = frozenset(),
        priority: Priority = Priority.READ,
    ) -> None:
        self._client = client
        self._stream = stream
        self._priority = priority
        self.missing = missing

    def batch(self, tail: str, limit: int | None = None, *, with_deleted: bool = False) -> Batch:
        """Records of the stream; ``tail`` is what follows the object's name in the query."""
        try:
            body, date = self._query(soql.select(self._stream, self.missing) + tail, with_deleted)
        except Refused as error:
            if error.code != "INVALID_FIELD" or not self._learn_missing():
                raise as_contract(error, self._stream.name) from error
            return self.batch(tail, limit, with_deleted=with_deleted)
        answer = parse(body, _answer)
        rows = [self._row(raw) for raw in answer.records]
        return Batch(rows, answer.done and (limit is None or len(rows) < limit), date)

    def plain(self, query: str, *, with_deleted: bool = False) -> tuple[list[bytes], bool]:
        """The rows of any query as received, and whether they are all."""
        try:
            body, _ = self._query(query, with_deleted)
        except Refused as error:
            raise as_contract(error, self._stream.name) from error
        answer = parse(body, _answer)
        return [bytes(raw) for raw in answer.records], answer.done

    def by_ids(self, ids: Sequence[str]) -> Batch:
        """Certain records as they are now; deleted ones are left out."""
        return self.batch(soql.by_ids(ids))

    def _query(self, query: str, with_deleted: bool) -> tuple[bytes, str]:
        answer = self._client.get("queryAll/" if with_deleted else "query/", {"q": query}, self._priority)
        return answer.body, answer.date

    def _row(self, raw: msgspec.Raw) -> Row:
        body = bytes(raw)
        head = parse(body, _head)
        try:
            moment = soql.instant(head.SystemModstamp)
        except ValueError as error:
            raise _undocumented(body) from error
        lines = self._stream.lines
        if lines is not None and head.QuoteLineItems is not None and not head.QuoteLineItems.done:
            body = self._with_all_lines(body, lines)
        return Row(RawRecord(head.Id, body, (moment - _EPOCH) // _MICROSECOND), soql.literal(moment), head.IsDeleted)

    def _with_all_lines(self, body: bytes, lines: Lines) -> bytes:
        """Put the lines that did not fit into the answer behind those that did."""
        parts = parse(body, _parts)
        given = bytes(parts[lines.relationship])
        first, answer = parse(given, _parts), parse(given, _answer)
        found = answer.records
        while not answer.done and answer.nextRecordsUrl:
            answer = parse(self._client.get(answer.nextRecordsUrl, None, self._priority).body, _answer)
            found = [*found, *answer.records]
        first.pop("nextRecordsUrl", None)
        first["done"] = msgspec.Raw(b"true")
        first["records"] = msgspec.Raw(msgspec.json.encode(found))
        parts[lines.relationship] = msgspec.Raw(msgspec.json.encode(first))
        return msgspec.json.encode(parts)

    def _learn_missing(self) -> bool:
        """Ask which optional fields the org lacks; true if that is news."""
        answer = self._client.get(f"sobjects/{self._stream.object}/describe", None, self._priority)
        present = {field.name for field in parse(answer.body, _described).fields}
        missing = frozenset(name for name in self._stream.optional if name not in present)
        news = not missing <= self.missing
        self.missing = missing
        return news


def _undocumented(body: bytes) -> ContractError:
    return ContractError(
        "Salesforce answered a query in a form it does not document.",
        remedy="Report it with the sample.",
        sample=shape(body),
    )
