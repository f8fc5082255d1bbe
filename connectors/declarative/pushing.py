"""Write fields of a record: read it, compare it with what the change was planned from, write, look at it again.

Where the manifest's request carries the version or the ETag that was just read, the system itself refuses what somebody
changed in between. A write without an answer is looked for before anything is sent again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec

from connectors.budget import Priority
from connectors.contract import OVERTAKEN, Change, Outcome, PushResult, RawRecord
from connectors.declarative.client import Client
from connectors.declarative.failures import Conflict, Missing
from connectors.declarative.manifest import Stream
from connectors.declarative.records import Reader, Selection
from connectors.declarative.requests import One, Update
from connectors.declarative.values import same
from connectors.errors import ConnectorError, ContractError, RecordError, TransientError, unsent_over_quota
from connectors.expressions import Expression, ExpressionError
from connectors.rawjson import decode
from connectors.redact import without_values

_FAILURES_IN_A_ROW = 2


@dataclass(frozen=True, slots=True)
class Shown:
    """One record as the source shows it now, and what a conditional write may refer to."""

    body: bytes
    record: RawRecord | None
    """``None`` if it says that it is deleted."""
    etag: str | None
    last_modified: str | None


class Singles:
    """Reads one record at a time."""

    def __init__(self, stream: Stream, one: One, client: Client, priority: Priority = Priority.READ) -> None:
        self._priority = priority
        self._one = one
        self._client = client
        self._reader = Reader(stream)
        self._place = Selection(one.record)

    def read(self, source_id: str) -> Shown:
        """The record now. Raises any ``ConnectorError``; ``Missing`` if there is none."""
        response = self._client.send(self._one, {"id": source_id}, priority=self._priority)
        return self.in_answer(response, self._place)

    def in_answer(self, response: httpx.Response, place: Selection) -> Shown:
        """The record at a place of an answer. Raises ``ContractError``, and ``Missing`` if there is none."""
        row = place.slice(response.content)
        if row is None:
            raise Missing("The record does not exist any more.")
        return Shown(row, self._reader.one(row), response.headers.get("etag"), response.headers.get("last-modified"))

    @property
    def as_listed(self) -> bool:
        """Whether what is read is what the list shows, byte for byte as far as the source keeps to it."""
        return self._one.as_listed


class Writer:
    """Applies changes to the records of one stream."""

    def __init__(self, stream: Stream, update: Update, singles: Singles, client: Client) -> None:
        self._update = update
        self._singles = singles
        self._client = client
        self._places = {name: Expression(place) for name, place in stream.fields.items()}
        self._place = Selection(update.record) if update.record is not None else None
        self._version = Expression(stream.version.field) if stream.version else None
        # A write under an idempotency key, which the source keeps, can be sent again without harm.
        self._repeatable = "idempotency_key" in update.names

    def apply(self, changes: Sequence[Change]) -> Iterator[PushResult]:
        """One result per change, in order; after two failures in a row the rest are left for the next run.

        Raises ``AuthError``, ``QuotaError`` and ``ContractError``.
        """
        failures = 0
        for change in changes:
            if failures >= _FAILURES_IN_A_ROW:
                yield PushResult(change.source_id, Outcome.RETRY, "The system did not answer the changes before.")
                continue
            with unsent_over_quota():
                result = self._one(change)
            failures = failures + 1 if result.outcome in (Outcome.RETRY, Outcome.UNKNOWN) else 0
            yield result

    def _one(self, change: Change) -> PushResult:
        strange = sorted(set(change.values) - set(self._places))
        if strange:
            reason = f"`{strange[0]}` is not listed under `writable` for this stream in the manifest."
            return PushResult(change.source_id, Outcome.REJECTED, reason)
        try:
            before = self._singles.read(change.source_id)
            settled = self._compare(change, before)
            return settled if settled is not None else self._write(change, before)
        except Conflict as error:
            return PushResult(change.source_id, Outcome.CONFLICT, error.message)
        except RecordError as error:
            return PushResult(change.source_id, Outcome.REJECTED, without_values(str(error), change.body))
        except TransientError as error:
            return PushResult(change.source_id, Outcome.RETRY, str(error))

    def _compare(self, change: Change, shown: Shown) -> PushResult | None:
        """``UNCHANGED`` or ``CONFLICT`` where the record says so already."""
        if shown.record is None:
            return PushResult(change.source_id, Outcome.REJECTED, "The record is deleted.")
        fields = decode(shown.body)
        told = shown.record if self._singles.as_listed else None
        if self._shows(fields, change.values):
            return PushResult(change.source_id, Outcome.UNCHANGED, record=told)
        if change.unsure and (shown.record.version != change.version or (told and change.is_overtaken(told))):
            return PushResult(change.source_id, Outcome.CONFLICT, OVERTAKEN, told)
        for name, expected in change.expected.items():
            found = self._value(fields, name)
            if not same(found, expected) and not same(found, change.values.get(name, expected)):
                message = f"`{name}` was changed in the system since we read it."
                return PushResult(change.source_id, Outcome.CONFLICT, message, told)
        return None

    def _write(self, change: Change, before: Shown) -> PushResult:
        fields = decode(before.body)
        values = {name: value for name, value in change.values.items() if not same(self._value(fields, name), value)}
        plain = msgspec.json.decode(before.body)
        variables = {
            "id": change.source_id,
            "record": plain,
            "values": values,
            "version": self._of(self._version, plain) if self._version else None,
            "etag": before.etag,
            "last_modified": before.last_modified,
            "idempotency_key": change.idempotency_key,
        }
        self._refuse_unconditional(variables)
        try:
            answer = self._client.send(self._update, variables, safe=self._repeatable, priority=Priority.WRITE)
        except TransientError as error:
            if not error.sent:
                raise
            return self._settle(change, error)
        return self._after(change, before, answer)

    def _refuse_unconditional(self, variables: dict[str, Any]) -> None:
        """A condition that the manifest asks for and the answer does not give would be left out without a word."""
        for name in ("etag", "last_modified", "version"):
            if name in self._update.names and variables[name] is None:
                raise ContractError(
                    f"The system did not tell the {name} that a write depends on; nothing was sent.",
                    remedy="Correct `update` in the manifest: what it refers to comes from `one`.",
                )

    def _after(self, change: Change, before: Shown, answer: httpx.Response) -> PushResult:
        """What became of a write that was answered."""
        singles, key = self._singles, change.source_id
        try:
            shown = singles.in_answer(answer, self._place) if self._place else singles.read(key)
        except ConnectorError:
            return PushResult(key, Outcome.UNKNOWN, "The system accepted the change and shows nothing of it.")
        told = shown.record if self._singles.as_listed else None
        if shown.record is not None and self._shows(decode(shown.body), change.values):
            return PushResult(change.source_id, Outcome.APPLIED, record=told)
        if shown.body == before.body or _is_older(shown, before):
            # It may have been read from a copy that lags behind, or the change was ignored: the next run sees which.
            return PushResult(change.source_id, Outcome.UNKNOWN, "The system accepted the change but shows it not yet.")
        message = "The system accepted the change but the record does not show it."
        return PushResult(change.source_id, Outcome.REJECTED, message, told)

    def _settle(self, change: Change, lost: TransientError) -> PushResult:
        """The write may have been carried out: read the record to find out."""
        try:
            shown = self._singles.read(change.source_id)
        except ConnectorError:
            return PushResult(change.source_id, Outcome.UNKNOWN, str(lost))
        if shown.record is not None and self._shows(decode(shown.body), change.values):
            told = shown.record if self._singles.as_listed else None
            return PushResult(change.source_id, Outcome.APPLIED, record=told)
        return PushResult(change.source_id, Outcome.UNKNOWN, f"{lost.message} The record does not show it so far.")

    def _shows(self, fields: Any, values: dict[str, Any]) -> bool:
        return all(same(self._value(fields, name), value) for name, value in values.items())

    def _value(self, fields: Any, name: str) -> Any:
        return self._of(self._places[name], fields) if name in self._places else fields.get(name)

    def _of(self, expression: Expression, fields: Any) -> Any:
        try:
            return expression.of(fields)
        except ExpressionError as error:
            raise ContractError(f"The manifest does not fit the record: {error}.") from None


def _is_older(shown: Shown, before: Shown) -> bool:
    """Whether what is read after a write is from before it."""
    after, held = shown.record, before.record
    if after is None or held is None or after.version is None or held.version is None:
        return False
    return after.version <= held.version
