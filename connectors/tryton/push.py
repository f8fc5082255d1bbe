"""Write the payment state of orders: ``payment_note`` becomes the marked line in the sale's comment.

Each batch is read, compared, written in one transaction under Tryton's own lock (``_timestamp``) and read back. If
Tryton refuses a batch, its orders are written one by one, so that each gets its own outcome.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from connectors.contract import OVERTAKEN, Change, Outcome, PushResult, RawRecord
from connectors.errors import TransientError
from connectors.rawjson import parse
from connectors.redact import without_values
from connectors.tryton.errors import Refused, Stale
from connectors.tryton.note import write_note
from connectors.tryton.records import PAYMENT_NOTE, records
from connectors.tryton.rpc import Rpc
from connectors.tryton.streams import Stream

_BATCH = 50
_STATE = re.compile(r"[a-z_]+", re.ASCII)


@dataclass(slots=True)
class _Write:
    """A change that is to be sent, with the record as it was read a moment ago."""

    change: Change
    comment: str
    timestamp: str
    outcome: Outcome = Outcome.APPLIED
    message: str = ""

    @property
    def id(self) -> int:
        return int(self.change.source_id)


class _Shown(msgspec.Struct):
    """The parts of a sale that a write depends on."""

    comment: str | None = None
    payment_note: str | None = None
    timestamp: str = msgspec.field(default="", name="_timestamp")


_shown = msgspec.json.Decoder(_Shown)


def push_notes(rpc: Rpc, stream: Stream, changes: Sequence[Change]) -> Iterator[PushResult]:
    """One result per change, in order."""
    for batch in _batches(changes):
        yield from _push(rpc, stream, batch)


def _batches(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """Batches in which no record comes twice."""
    batch: dict[str, Change] = {}
    for change in changes:
        if len(batch) == _BATCH or change.source_id in batch:
            yield list(batch.values())
            batch = {}
        batch[change.source_id] = change
    if batch:
        yield list(batch.values())


def _push(rpc: Rpc, stream: Stream, batch: Sequence[Change]) -> Iterator[PushResult]:
    try:
        before = _read(rpc, stream, [change.source_id for change in batch])
    except TransientError as error:
        for change in batch:
            yield PushResult(change.source_id, Outcome.RETRY, error.message)
        return
    decided: dict[str, PushResult] = {}
    writes: list[_Write] = []
    for change in batch:
        result = _decide(change, before.get(change.source_id))
        if isinstance(result, _Write):
            writes.append(result)
        else:
            decided[change.source_id] = result
    if writes:
        _send(rpc, stream, writes)
        decided |= _read_back(rpc, stream, writes)
    for change in batch:
        yield decided[change.source_id]


def _decide(change: Change, record: RawRecord | None) -> PushResult | _Write:
    wanted = change.values.get(PAYMENT_NOTE) or None
    if set(change.values) != {PAYMENT_NOTE} or (wanted and not _STATE.fullmatch(str(wanted))):
        return PushResult(change.source_id, Outcome.REJECTED, f"Only {PAYMENT_NOTE}, one word, can be written.")
    if record is None:
        return PushResult(change.source_id, Outcome.REJECTED, "The order is not in Tryton any more.")
    shown = parse(record.body, _shown)
    note = shown.payment_note
    if note == wanted:
        return PushResult(change.source_id, Outcome.UNCHANGED, record=record)
    if change.is_overtaken(record):
        return PushResult(change.source_id, Outcome.CONFLICT, OVERTAKEN, record)
    if PAYMENT_NOTE in change.expected and note != (change.expected[PAYMENT_NOTE] or None):
        return PushResult(change.source_id, Outcome.CONFLICT, f"Tryton shows {note or 'no payment state'} now.", record)
    return _Write(change, write_note(shown.comment, wanted), shown.timestamp)


def _send(rpc: Rpc, stream: Stream, writes: Sequence[_Write]) -> None:
    """Write in one call; what Tryton refuses together is tried one by one. Sets each write's outcome."""
    params = [part for write in writes for part in ([write.id], {"comment": write.comment})]
    timestamps = {f"{stream.model},{write.id}": write.timestamp for write in writes}
    try:
        rpc.call(stream.model, "write", *params, safe=False, context={"_timestamp": timestamps})
    except (Refused, Stale) as error:
        if len(writes) > 1:
            for write in writes:
                _send(rpc, stream, [write])
            return
        refused = isinstance(error, Refused)
        writes[0].outcome = Outcome.REJECTED if refused else Outcome.CONFLICT
        shown = writes[0].change.body
        writes[0].message = without_values(error.reason, shown) if isinstance(error, Refused) else error.message
    except TransientError as error:
        for write in writes:
            write.outcome = Outcome.UNKNOWN if error.sent else Outcome.RETRY
            write.message = error.message


def _read_back(rpc: Rpc, stream: Stream, writes: Sequence[_Write]) -> dict[str, PushResult]:
    """The records as Tryton shows them now; settles writes whose answer was lost if they arrived."""
    try:
        after = _read(rpc, stream, [write.change.source_id for write in writes])
    except TransientError:
        after = {}
    results = {}
    for write in writes:
        record = after.get(write.change.source_id)
        arrived = record is not None and parse(record.body, _shown).comment == write.comment
        if write.outcome is Outcome.UNKNOWN and arrived:
            write.outcome, write.message = Outcome.APPLIED, ""
        results[write.change.source_id] = PushResult(write.change.source_id, write.outcome, write.message, record)
    return results


def _read(rpc: Rpc, stream: Stream, ids: Sequence[str]) -> dict[str, RawRecord]:
    domain: list[Any] = [["id", "in", [int(number) for number in ids]]]
    result = rpc.call(stream.model, "search_read", domain, 0, None, None, list(stream.fields))
    return {record.source_id: record for record in records(result)}
