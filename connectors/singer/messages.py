"""Singer messages, and what names a record and its version.

The messages are those of singer-io/getting-started, docs/SPEC.md (0.3.0), and those that came after it:
ACTIVATE_VERSION (singer-python) and BATCH (Singer SDK). Types are written in any case; unknown ones are passed over.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors.contract import RawRecord, RejectedRecord
from connectors.errors import ContractError
from connectors.keys import joined
from connectors.rawjson import readable, shape

DELETED_AT = "_sdc_deleted_at"
"""Set by taps that read a change log, in a record that is gone from the source."""

_NOTHING = msgspec.Raw()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NO_KEY = "is missing, or cannot name a record"
_NO_NAME = re.compile('["\\\\\x00-\x1f]')


class Message(msgspec.Struct):
    """One line of a tap, its record or state left as it was written."""

    type: str
    stream: str | None = None
    record: msgspec.Raw = _NOTHING
    value: msgspec.Raw = _NOTHING
    key_properties: list[str] | None = None
    bookmark_properties: list[str] | str | None = None


_decoder = msgspec.json.Decoder(Message)


def read(line: bytes) -> Message | None:
    """The message on a line; ``None`` if the line is no message."""
    try:
        if b"\\ud" in line or b"\\uD" in line:
            line = readable(line)
        return _decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ContractError):
        return None


def read_loosely(line: bytes) -> dict[str, Any] | None:
    """The message on a line as Python writes JSON, with NaN and Infinity, which are none; ``None`` if it is none."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("type"), str) else None


class Identity:
    """Finds out which record a JSON object is, and which version of it."""

    def __init__(self, keys: Sequence[str], cursor_field: str | None) -> None:
        self.keys = tuple(keys)
        self.cursor_field = cursor_field
        names = tuple(dict.fromkeys((*keys, DELETED_AT, *([cursor_field] if cursor_field else []))))
        places = {name: f"field_{number}" for number, name in enumerate(names)}
        kind: Any = dict[str, object]
        self._get: Callable[[Any, str], Any] = dict.get
        if _NO_NAME.search("".join(names)):  # a name that a struct cannot have: read the whole object
            places = {name: name for name in names}
        else:
            fields = [(place, object, None) for place in places.values()]
            kind = msgspec.defstruct("Head", fields, rename={place: name for name, place in places.items()})
            self._get = getattr
        self._keys = [places[name] for name in keys]
        self._version = places[cursor_field] if cursor_field else None
        self._deleted = places[DELETED_AT]
        self._decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind, float_hook=str)

    def of(self, body: bytes) -> tuple[RawRecord | RejectedRecord, bool]:
        """The record, or why it is none, and whether it is gone from the source."""
        try:
            head = self._decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return RejectedRecord("", body, "", "is not a JSON object"), False
        key = joined([self._get(head, place) for place in self._keys])
        if key is None:
            return RejectedRecord("", body, ", ".join(self.keys), _NO_KEY), False
        version = version_of(self._get(head, self._version)) if self._version else None
        return RawRecord(key, body, version), self._get(head, self._deleted) is not None

    def rejected(self, record: Any, line: bytes, reason: str) -> RejectedRecord:
        """A record that is no JSON, under its key if it shows one."""
        fields = record if isinstance(record, dict) else {}
        return RejectedRecord(joined([fields.get(name) for name in self.keys]) or "", line, "", reason)


def version_of(value: Any) -> int | None:
    """An integer as it is, a time in microseconds since the epoch (UTC if it names no zone); ``None`` for all else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if -(2**63) <= value < 2**63 else None
    if not isinstance(value, str) or value.isdigit():
        return None
    try:
        moment = datetime.fromisoformat(value)
        return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
    except (ValueError, OverflowError):
        return None


def state_in(message: Message, line: bytes) -> str | None:
    """A state as it was written; ``None`` for a state that says nothing. Raises ``ContractError`` if there is none."""
    value = bytes(message.value)
    try:
        text = value.decode()
    except UnicodeDecodeError:
        text = ""
    if not text:
        raise ContractError("The tap sent a state without a value.", remedy="Report it to the tap.", sample=shape(line))
    return None if text == "null" else text
