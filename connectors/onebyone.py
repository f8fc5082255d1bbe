"""Write fields of records one by one: read, compare with what the change was planned from, write, say what came of it.

For sources that take one change a request and tell an answer for it. The connector reads one record and sends one
write; what may be sent, and what becomes of failures, is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from connectors.contract import OVERTAKEN, Change, Outcome, PushResult, RawRecord
from connectors.errors import QuotaError, RecordError, TransientError, unsent_over_quota
from connectors.rawjson import decode
from connectors.redact import without_values

Read = Callable[[str], RawRecord]
"""The record as the source shows it now; raises ``RecordError`` if there is none."""
Write = Callable[[Change, RawRecord], RawRecord | None]
"""Sends the change in one request that is not repeated (``safe=False``), on the condition that the record is still as
it was read where the source can be told so; returns the record if the answer shows it. Does nothing after the request
that may fail. Raises ``Stale`` if the source says that somebody was faster."""

_FAILURES_IN_A_ROW = 2


class Stale(RecordError):
    """The record was changed after we looked, so the source refused the write."""


def _top(record: RawRecord) -> Mapping[str, Any]:
    fields = decode(record.body)
    return fields if isinstance(fields, dict) else {}


def one_by_one(
    changes: Sequence[Change],
    writable: Sequence[str],
    read: Read,
    write: Write,
    *,
    shown: Callable[[RawRecord], Mapping[str, Any]] = _top,
) -> Iterator[PushResult]:
    """One result per change, in order; after two failures in a row the rest are left for the next run.

    ``shown`` tells the writable fields of a record, by default its JSON's own. Raises what is no matter of one record:
    ``AuthError``, ``QuotaError``, ``ContractError``.
    """
    failures = 0
    for change in changes:
        if failures == _FAILURES_IN_A_ROW:
            yield PushResult(change.source_id, Outcome.RETRY, "The source did not answer the changes before.")
            continue
        with unsent_over_quota():
            found = _looked(change, writable, read, shown)
        if isinstance(found, PushResult):
            result = found
        else:
            try:
                result = _written(change, found, write)
            except QuotaError as error:
                # Only whoever wrote `write` knows whether it does no more than send.
                yield PushResult(change.source_id, Outcome.UNKNOWN, error.message)
                error.sent = False
                raise
        failures = failures + 1 if result.outcome in (Outcome.RETRY, Outcome.UNKNOWN) else 0
        yield result


def _looked(
    change: Change, writable: Sequence[str], read: Read, shown: Callable[[RawRecord], Mapping[str, Any]]
) -> PushResult | RawRecord:
    """The record that the change is to be sent to, or what is clear without sending it."""

    def no(outcome: Outcome, message: str, record: RawRecord | None = None) -> PushResult:
        return PushResult(change.source_id, outcome, message, record)

    strange = sorted(set(change.values) - set(writable))
    if strange:
        return no(Outcome.REJECTED, f"`{strange[0]}` is not among the fields that are written.")
    try:
        record = read(change.source_id)
    except RecordError as error:
        return no(Outcome.REJECTED, without_values(error.message, change.body))
    except TransientError as error:
        return no(Outcome.RETRY, error.message)
    fields = shown(record)
    if all(fields.get(name) == value for name, value in change.values.items()):
        return no(Outcome.UNCHANGED, "", record)
    if change.is_overtaken(record):
        return no(Outcome.CONFLICT, OVERTAKEN, record)
    for name, expected in change.expected.items():
        if fields.get(name) not in (expected, change.values.get(name, expected)):
            return no(Outcome.CONFLICT, f"`{name}` was changed since it was read.", record)
    return record


def _written(change: Change, record: RawRecord, write: Write) -> PushResult:
    try:
        return PushResult(change.source_id, Outcome.APPLIED, record=write(change, record))
    except Stale as error:
        return PushResult(change.source_id, Outcome.CONFLICT, error.message)
    except RecordError as error:
        return PushResult(change.source_id, Outcome.REJECTED, without_values(error.message, change.body))
    except TransientError as error:
        return PushResult(change.source_id, Outcome.UNKNOWN if error.sent else Outcome.RETRY, error.message)
