"""Write back: read, compare, PATCH on condition that nobody changed the record since, read what came of it.

sObject Collections carry no condition per record, so each record is its own PATCH with ``If-Unmodified-Since``. That
header sees whole seconds; the comparison of the fields to be overwritten covers what it cannot see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from email.utils import format_datetime, parsedate_to_datetime
from itertools import islice
from typing import Any

import msgspec

from connectors.budget import Priority
from connectors.contract import OVERTAKEN, Change, Outcome, PushResult, RawRecord
from connectors.errors import ConnectorError, ContractError, TransientError, unsent_over_quota
from connectors.rawjson import decode, shape
from connectors.salesforce import soql
from connectors.salesforce.client import Client
from connectors.salesforce.errors import Conflict, Refused
from connectors.salesforce.records import Reader
from connectors.salesforce.streams import Stream

_AT_ONCE = 50
_encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(frozen=True, slots=True)
class _Seen:
    """A record as it was when we read it; ``date`` is the HTTP date of that answer."""

    record: RawRecord
    shown: dict[str, Any]
    modified_at: datetime
    """``LastModifiedDate`` to the second."""
    date: str

    @property
    def modified(self) -> str:
        """``LastModifiedDate`` as an HTTP date."""
        return format_datetime(self.modified_at, usegmt=True)

    @property
    def just_now(self) -> bool:
        """Changed in the very second we read it: a further change in that second would go unnoticed."""
        try:
            read = parsedate_to_datetime(self.date)
        except ValueError:
            return True
        return read.tzinfo is None or self.modified_at >= read


class Push:
    """Applies changes to one stream, one result each, in order."""

    def __init__(self, client: Client, stream: Stream) -> None:
        self._client = client
        self._stream = stream
        self._reader = Reader(client, stream, priority=Priority.WRITE)

    def results(self, changes: Sequence[Change]) -> Iterator[PushResult]:
        """Read a number of records at once, then write them one by one."""
        rest = iter(changes)
        while chunk := list(islice(rest, _AT_ONCE)):
            try:
                with unsent_over_quota():
                    seen = self._read([change.source_id for change in chunk])
            except TransientError as error:
                for change in chunk:
                    yield PushResult(change.source_id, Outcome.RETRY, str(error))
                continue
            for change in chunk:
                with unsent_over_quota():
                    result = self._one(change, seen.get(change.source_id))
                yield result

    def _read(self, ids: Sequence[str]) -> dict[str, _Seen]:
        batch = self._reader.by_ids(list(dict.fromkeys(ids)))
        return {row.record.source_id: _seen(row.record, batch.date) for row in batch.rows}

    def _one(self, change: Change, seen: _Seen | None) -> PushResult:
        try:
            if seen is not None and seen.just_now:
                seen = self._read([change.source_id]).get(change.source_id)
        except TransientError as error:
            return PushResult(change.source_id, Outcome.RETRY, str(error))
        if seen is None:
            message = "The record is deleted in Salesforce, or not visible."
            return PushResult(change.source_id, Outcome.REJECTED, message)
        decided = self._compared(change, seen)
        return decided or self._written(change, seen)

    def _compared(self, change: Change, seen: _Seen) -> PushResult | None:
        """The outcome if nothing is to be sent."""
        foreign = [name for name in change.values if name not in self._stream.spec.writable]
        if foreign:
            message = f"`{foreign[0]}` is not among the fields that are written to {self._stream.object}."
            return PushResult(change.source_id, Outcome.REJECTED, message, seen.record)
        unknown = [name for name in change.values if name not in seen.shown]
        if unknown:
            reason = Refused("INVALID_FIELD", tuple(unknown))
            return PushResult(change.source_id, Outcome.REJECTED, str(reason), seen.record)
        if _shows(seen.shown, change.values):
            return PushResult(change.source_id, Outcome.UNCHANGED, record=seen.record)
        if change.is_overtaken(seen.record):
            return PushResult(change.source_id, Outcome.CONFLICT, OVERTAKEN, seen.record)
        moved = [
            name
            for name, value in change.expected.items()
            if not any(_same(seen.shown.get(name), fine) for fine in (value, change.values.get(name, value)))
        ]
        if moved:
            message = f"Changed in Salesforce since it was read: {', '.join(moved)}."
            return PushResult(change.source_id, Outcome.CONFLICT, message, seen.record)
        return None

    def _written(self, change: Change, seen: _Seen) -> PushResult:
        source_id = change.source_id
        try:
            self._client.call(
                "PATCH",
                f"sobjects/{self._stream.object}/{source_id}",
                body=_encode(change.values),
                headers={"If-Unmodified-Since": seen.modified},
                safe=False,
            )
        except Conflict:
            return PushResult(
                source_id, Outcome.CONFLICT, "Somebody changed the record just now.", self._after(source_id)
            )
        except Refused as error:
            return PushResult(source_id, Outcome.REJECTED, error.about(seen.record.body))
        except TransientError as error:
            if not error.sent:
                return PushResult(source_id, Outcome.RETRY, str(error))
            return self._settled(change, seen, error)
        return PushResult(source_id, Outcome.APPLIED, record=self._after(source_id))

    def _after(self, source_id: str) -> RawRecord | None:
        """The record now; a failure to read it does not undo what was written."""
        try:
            seen = self._read([source_id]).get(source_id)
        except ConnectorError:
            return None
        return seen.record if seen else None

    def _settled(self, change: Change, before: _Seen, error: TransientError) -> PushResult:
        """Find out what became of a write without an answer."""
        source_id = change.source_id
        try:
            seen = self._read([source_id]).get(source_id)
        except ConnectorError:
            return PushResult(source_id, Outcome.UNKNOWN, str(error))
        if seen is None:
            return PushResult(source_id, Outcome.REJECTED, "The record was deleted in Salesforce.")
        if _shows(seen.shown, change.values):
            return PushResult(source_id, Outcome.APPLIED, "No answer; read back and found written.", seen.record)
        if all(_same(seen.shown.get(name), before.shown.get(name)) for name in change.values):
            return PushResult(source_id, Outcome.UNKNOWN, f"{error} It still shows the old values.", seen.record)
        return PushResult(source_id, Outcome.CONFLICT, "Somebody changed the record just now.", seen.record)


def _seen(record: RawRecord, date: str) -> _Seen:
    shown = decode(record.body)
    try:
        modified_at = soql.instant(shown.get("LastModifiedDate")).replace(microsecond=0)
    except ValueError as error:
        sample = shape(record.body)
        raise ContractError("LastModifiedDate is not an instant.", remedy="Report it.", sample=sample) from error
    return _Seen(record, shown, modified_at, date)


def _shows(shown: dict[str, Any], values: dict[str, Any]) -> bool:
    return all(_same(shown.get(name), value) for name, value in values.items())


def _same(shown: Any, value: Any) -> bool:
    """Empty text and nothing are one, numbers compare by value."""
    if shown in (None, "") or value in (None, ""):
        return shown in (None, "") and value in (None, "")
    numbers = (int, Decimal)
    if isinstance(shown, numbers) and isinstance(value, numbers) and not isinstance(shown, bool):
        return Decimal(shown) == Decimal(value)
    return bool(shown == value)
