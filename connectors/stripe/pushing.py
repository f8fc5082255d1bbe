"""Write metadata of objects: read, compare, send what differs; one object at a time.

Stripe has neither a version nor an ETag to write against, so the comparison is made right before the write; keys that
are not named stay as they are. A request goes under the change's idempotency key, so it is sent again if its answer is
lost. If what Stripe keeps under the key is a failure (a 500 is kept for a day, too), the object is read: a change that
it does not show was not made, and is sent once more under a second key that follows from the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from connectors.contract import OVERTAKEN, Change, Outcome, PushResult, RawRecord
from connectors.errors import TransientError
from connectors.rawjson import decode
from connectors.redact import without_values
from connectors.stripe.reading import Reader, address
from connectors.stripe.session import Answer, KeyReused, Missing, NotAgain, Refused, Session
from connectors.stripe.streams import Source

PREFIX = "metadata."
_MOST_KEYS = 50
_LONGEST = 500
"""Characters of a value, and keys of an object (docs.stripe.com/metadata)."""
_SECOND = "-again"
_FAILURES_IN_A_ROW = 2


class Pusher:
    """Writes to the objects of one stream; ``writable`` are the fields that may be written."""

    def __init__(self, session: Session, source: Source, reader: Reader, writable: Sequence[str]) -> None:
        self._session = session
        self._source = source
        self._reader = reader
        self._writable = frozenset(writable)

    def push(self, changes: Sequence[Change]) -> Iterator[PushResult]:
        """One result per change, in order, as soon as it is known; after two failures in a row the rest are left."""
        failures = 0
        for change in changes:
            if failures >= _FAILURES_IN_A_ROW:
                yield PushResult(change.source_id, Outcome.RETRY, "Stripe did not answer the changes before.")
                continue
            result = self._push(change)
            failures = failures + 1 if result.outcome in (Outcome.RETRY, Outcome.UNKNOWN) else 0
            yield result

    def _push(self, change: Change) -> PushResult:
        refused = [name for name in change.values if name not in self._writable]
        if refused:
            return PushResult(change.source_id, Outcome.REJECTED, f"{refused[0]} cannot be written.")
        try:
            record = self._reader.one(change.source_id)
        except Missing:
            record = None
        except TransientError as error:
            return PushResult(change.source_id, Outcome.RETRY, str(error))
        return self._judged(change, record) or self._sent(change)

    def _judged(self, change: Change, record: RawRecord | None) -> PushResult | None:
        """The result of a change that must not be sent."""

        def no(outcome: Outcome, message: str = "") -> PushResult:
            return PushResult(change.source_id, outcome, message, record)

        if record is None:
            return no(Outcome.REJECTED, "Stripe does not show this object.")
        shown = _metadata(record)
        wanted = _wanted(change)
        if _shows(shown, wanted):
            return no(Outcome.UNCHANGED)
        if change.is_overtaken(record):
            return no(Outcome.CONFLICT, OVERTAKEN)
        for name, value in change.expected.items():
            if shown.get(_key(name), "") not in (_text(value), wanted.get(_key(name))):
                return no(Outcome.CONFLICT, f"{name} was changed in Stripe since it was read.")
        too_long = [key for key, value in wanted.items() if len(value) > _LONGEST]
        if too_long:
            return no(Outcome.REJECTED, f"{PREFIX}{too_long[0]} would be longer than {_LONGEST} characters.")
        if len({*shown, *(key for key, value in wanted.items() if value)}) > _MOST_KEYS:
            return no(Outcome.REJECTED, f"The object would have more than {_MOST_KEYS} keys of metadata.")
        return None

    def _sent(self, change: Change) -> PushResult:
        key = change.idempotency_key
        try:
            return self._taken(change, self._send(change, key))
        except NotAgain:
            return self._after_failure(change, key + _SECOND)
        except TransientError as error:
            return _unanswered(change, error)
        except Refused as refused:
            return _refusal(change, refused)

    def _after_failure(self, change: Change, key: str) -> PushResult:
        """Stripe keeps a failure under the key: look what became of the change, and send it anew if it was not made."""
        try:
            record = self._reader.one(change.source_id)
        except Missing:
            record = None
        except TransientError as error:
            return PushResult(change.source_id, Outcome.UNKNOWN, str(error))
        if record is not None and _shows(_metadata(record), _wanted(change)):
            return PushResult(change.source_id, Outcome.APPLIED, "Stripe failed after it was written.", record)
        try:
            return self._taken(change, self._send(change, key))
        except NotAgain as error:
            return PushResult(change.source_id, Outcome.RETRY, error.message)
        except TransientError as error:
            return _unanswered(change, error)
        except Refused as refused:
            return _refusal(change, refused)

    def _send(self, change: Change, key: str) -> Answer:
        form = [(f"metadata[{name}]", value) for name, value in _wanted(change).items()]
        form += [("expand[]", name) for name in self._source.expand]
        return self._session.post(address(self._source, change.source_id), form, key)

    def _taken(self, change: Change, answer: Answer) -> PushResult:
        """The result of a write that Stripe confirmed, with the record as the next pull will show it."""
        try:
            if answer.replayed:  # the object as it was then
                record = self._reader.one(change.source_id)
            else:
                record = self._reader.record(answer.body)
        except (TransientError, Missing):
            record = None  # the write is confirmed; the record comes with the next pull
        if record is not None and not _shows(_metadata(record), _wanted(change)):
            said = "Stripe shows another value right after the write."
            return PushResult(change.source_id, Outcome.CONFLICT, said, record)
        return PushResult(change.source_id, Outcome.APPLIED, record=record)


def _unanswered(change: Change, error: TransientError) -> PushResult:
    return PushResult(change.source_id, Outcome.UNKNOWN if error.sent else Outcome.RETRY, str(error))


def _refusal(change: Change, refused: Refused) -> PushResult:
    if isinstance(refused, KeyReused):
        # Stripe forgets the key after a day.
        return PushResult(change.source_id, Outcome.RETRY, refused.message)
    reason = without_values(refused.said, change.body) or "no reason given"
    return PushResult(change.source_id, Outcome.REJECTED, f"Stripe refused it: {reason}")


def _key(name: str) -> str:
    return name.removeprefix(PREFIX)


def _text(value: Any) -> str:
    """A value as metadata holds it: text; nothing removes the key."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _wanted(change: Change) -> dict[str, str]:
    return {_key(name): _text(value) for name, value in change.values.items()}


def _metadata(record: RawRecord) -> dict[str, str]:
    found = decode(record.body).get("metadata")
    return found if isinstance(found, dict) else {}


def _shows(shown: dict[str, str], wanted: dict[str, str]) -> bool:
    return all(shown.get(key, "") == value for key, value in wanted.items())
