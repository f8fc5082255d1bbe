"""Write fields of invoices: read, compare, send what differs, read back; forty invoices at a time.

Xero has no version to write against, so the comparison is field by field, right before the write. A lost answer is
settled by sending the same request under the same idempotency key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.budget import Priority
from connectors.contract import OVERTAKEN, Change, Outcome, PushResult, RawRecord
from connectors.errors import ContractError, QuotaError, TransientError, unsent_over_quota
from connectors.rawjson import decode, shape
from connectors.redact import without_values
from connectors.xero.answers import listing, sentence, validation_messages
from connectors.xero.reference import MAX_LENGTH, read_numbers, write_numbers
from connectors.xero.session import Refused, Session
from connectors.xero.streams import INVOICE_FIELDS, SOURCES

BATCH = 40
"""Invoices in one call: fewer than the 50 that Xero takes, and their ids still make a short address."""

_SOURCE = SOURCES["invoice"]


@dataclass(frozen=True, slots=True)
class _Write:
    """A change that is to be sent: its place among the results, and Xero's fields with their new values."""

    place: int
    source_id: str
    key: str
    fields: dict[str, Any]
    body: bytes
    """The record it was planned from."""


class Pusher:
    """Writes to invoices over one session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def push(self, changes: Sequence[Change]) -> Iterator[PushResult]:
        """One result per change, in order."""
        for start in range(0, len(changes), BATCH):
            with unsent_over_quota():
                results = self._batch(changes[start : start + BATCH])
            yield from results

    def _batch(self, changes: Sequence[Change]) -> list[PushResult]:
        try:
            held = self._read([change.source_id for change in changes])
        except TransientError as error:
            return [PushResult(change.source_id, Outcome.RETRY, str(error)) for change in changes]
        results: dict[int, PushResult] = {}
        send: list[_Write] = []
        for place, change in enumerate(changes):
            judged = _judge(change, held.get(change.source_id))
            if isinstance(judged, PushResult):
                results[place] = judged
            else:
                send.append(_Write(place, change.source_id, change.idempotency_key, judged, change.body))
        if send:
            results.update(self._send(send))
        return [results[place] for place in range(len(changes))]

    def _read(self, ids: Sequence[str]) -> dict[str, RawRecord]:
        """The invoices exactly as the list shows them, so that their bytes equal those of a later pull."""
        params = {**_SOURCE.params, "IDs": ",".join(ids), "page": "1", "pageSize": str(max(len(ids), 1))}
        body = self._session.get(_SOURCE.path, params, priority=Priority.WRITE)
        found = listing(body or b"{}", _SOURCE.element, _SOURCE.id_field)
        return {record.source_id: record for record in found.records}

    def _send(self, writes: Sequence[_Write]) -> dict[int, PushResult]:
        document = {"Invoices": [{"InvoiceID": write.source_id, **write.fields} for write in writes]}
        try:
            answer = self._session.post(
                _SOURCE.path, document, _key(writes), {"summarizeErrors": "false", "unitdp": "4"}
            )
            refusals = _refusals(answer, len(writes))
        except Refused as refused:
            if len(writes) > 1:
                # Xero refused the request as a whole: find out which invoice is the reason.
                return {write.place: self._send_alone(write) for write in writes}
            if any("idempotency key" in message.lower() for message in refused.messages):
                # The same key was just used for another content; Xero forgets it within minutes.
                return {writes[0].place: PushResult(writes[0].source_id, Outcome.RETRY, refused.message)}
            refusals = [sentence(refused.messages) or refused.message]
        except TransientError as error:
            outcome = Outcome.UNKNOWN if error.sent else Outcome.RETRY
            return {write.place: PushResult(write.source_id, outcome, str(error)) for write in writes}
        taken = [write.source_id for write, refusal in zip(writes, refusals, strict=True) if not refusal]
        records = self._read_back(taken)
        return {
            write.place: _result(write, refusal, records.get(write.source_id))
            for write, refusal in zip(writes, refusals, strict=True)
        }

    def _send_alone(self, write: _Write) -> PushResult:
        """One of several that are tried one by one: that the quota ends must not hide what became of the others."""
        try:
            return self._send([write])[write.place]
        except QuotaError as error:
            return PushResult(write.source_id, Outcome.RETRY, str(error))

    def _read_back(self, ids: Sequence[str]) -> dict[str, RawRecord]:
        if not ids:
            return {}
        try:
            return self._read(ids)
        except (TransientError, QuotaError):
            # The write is confirmed; its new version comes with the next pull.
            return {}


def _judge(change: Change, record: RawRecord | None) -> PushResult | dict[str, Any]:
    """The result of a change that must not be sent, or the fields to send."""

    def no(outcome: Outcome, message: str) -> PushResult:
        return PushResult(change.source_id, outcome, message, record)

    for name, value in change.values.items():
        if name not in INVOICE_FIELDS:
            return no(Outcome.REJECTED, f"{name} of an invoice cannot be written.")
        if name == "SentToContact" and not value:
            return no(Outcome.REJECTED, "An invoice that was sent cannot be marked as not sent.")
    if record is None:
        return no(Outcome.REJECTED, "Xero does not show this invoice.")
    shown = decode(record.body)
    wanted = _fields(change, shown)
    if all(_same(shown.get(name), value) for name, value in wanted.items()):
        return no(Outcome.UNCHANGED, "")
    if change.is_overtaken(record):
        return no(Outcome.CONFLICT, OVERTAKEN)
    for name, value in change.expected.items():
        if not (_shows(shown, name, value) or (name in change.values and _shows(shown, name, change.values[name]))):
            return no(Outcome.CONFLICT, f"{name} was changed in Xero since it was read.")
    if len(wanted.get("Reference") or "") > MAX_LENGTH:
        return no(Outcome.REJECTED, f"The reference would be longer than {MAX_LENGTH} characters.")
    return wanted


def _fields(change: Change, shown: dict[str, Any]) -> dict[str, Any]:
    """Xero's own fields for the change."""
    fields: dict[str, Any] = {}
    for name, value in change.values.items():
        if name == "DeliveryNumbers":
            fields["Reference"] = write_numbers(fields.get("Reference", shown.get("Reference")), value)
        elif name == "SentToContact":
            fields[name] = True
        else:
            fields[name] = value
    return fields


def _shows(shown: dict[str, Any], name: str, value: Any) -> bool:
    """Whether the invoice shows a value."""
    return _same(read_numbers(shown.get("Reference")) if name == "DeliveryNumbers" else shown.get(name), value)


def _same(left: Any, right: Any) -> bool:
    """Xero leaves out empty texts and flags that are not set."""
    return (left or None) == (right or None)


def _key(writes: Sequence[_Write]) -> str:
    """The change's own key; for several, one that stands for exactly these."""
    if len(writes) == 1:
        return writes[0].key
    joined = "\n".join(write.key for write in writes)
    return "batch-" + hashlib.blake2b(joined.encode(), digest_size=20).hexdigest()


def _refusals(body: bytes, count: int) -> list[str]:
    """Per invoice the reason for which Xero refused it, empty if it took it: a 200 may hold errors."""
    answer = decode(body)
    elements = answer.get(_SOURCE.element) if isinstance(answer, dict) else None
    if not isinstance(elements, list) or len(elements) != count:
        raise ContractError("Xero did not answer for each invoice that was sent.", sample=shape(body))
    found = []
    for element in elements:
        messages = validation_messages(element)
        failed = messages or element.get("HasErrors") or element.get("StatusAttributeString") == "ERROR"
        found.append((sentence(messages) or "Xero gives no reason.") if failed else "")
    return found


def _result(write: _Write, refusal: str, record: RawRecord | None) -> PushResult:
    if refusal:
        reason = without_values(refusal, write.body)
        return PushResult(write.source_id, Outcome.REJECTED, f"Xero refused it: {reason}")
    if record is not None:
        shown = decode(record.body)
        if not all(_same(shown.get(name), value) for name, value in write.fields.items()):
            return PushResult(
                write.source_id, Outcome.CONFLICT, "Xero shows another value right after the write.", record
            )
    return PushResult(write.source_id, Outcome.APPLIED, record=record)
