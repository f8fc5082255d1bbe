"""Tryton's rows as raw records, and instants as Tryton writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from connectors.contract import RawRecord
from connectors.errors import ContractError
from connectors.rawjson import parse, shape
from connectors.tryton.note import read_note

PAYMENT_NOTE = "payment_note"
"""A field of our own beside Tryton's: read from and written into the marked line of ``comment``."""
KEY = "key"
"""The same for the key of a sale that we created; only ever written."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class _Stamp(msgspec.Struct):
    year: int
    month: int
    day: int
    hour: int
    minute: int
    second: int
    microsecond: int


class _Head(msgspec.Struct):
    id: int
    last_modified_at: _Stamp


_rows = msgspec.json.Decoder(list[msgspec.Raw])
_head = msgspec.json.Decoder(_Head)
_whole = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_sorted = msgspec.json.Encoder(order="sorted", decimal_format="number")


def records(result: bytes) -> list[RawRecord]:
    """The rows of a ``search_read``; a record's version is its ``last_modified_at`` in microseconds.

    The keys of each row are sorted: Tryton's order of keys differs from one server process to the next, so the same
    record would look changed after each restart. Values, numbers included, stay exactly as sent. A row with a comment
    also gets ``payment_note``, the payment state its marked line shows.

    What else is not as documented stays as it is, for the mapping to refuse: one such row costs only itself. Raises
    ``ContractError`` for rows without id or stamp.
    """
    return [_record(bytes(row)) for row in parse(result, _rows)]


def _record(row: bytes) -> RawRecord:
    head = parse(row, _head)
    stamp = head.last_modified_at
    try:
        moment = datetime(
            stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second, stamp.microsecond, UTC
        )
    except (ValueError, OverflowError) as error:
        raise ContractError("A row's last_modified_at is no instant.", sample=shape(row)) from error
    fields = {name: _live(value) for name, value in parse(row, _whole).items()}
    if "comment" in fields:
        comment = fields["comment"]
        fields[PAYMENT_NOTE] = read_note(comment) if isinstance(comment, str | None) else comment
    if "contact_mechanisms." in fields:
        contacts = fields["contact_mechanisms."]
        fields["email"] = _contact(contacts, "email")
        fields["phone"] = _contact(contacts, "phone") or _contact(contacts, "mobile")
    return RawRecord(str(head.id), _sorted.encode(fields), to_us(moment))


def _live(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    return [part for part in value if not (isinstance(part, dict) and part.get("active") is False)]


def _contact(contacts: Any, kind: str) -> Any:
    """The first contact of a kind; contacts that are none stand for it themselves."""
    if not isinstance(contacts, list) or not all(isinstance(contact, dict) for contact in contacts):
        return contacts
    return next((contact.get("value") for contact in contacts if contact.get("type") == kind), None)


def to_us(moment: datetime) -> int:
    """Microseconds since the epoch of an aware instant."""
    return (moment - _EPOCH) // _MICROSECOND


def wire(us: int) -> dict[str, Any]:
    """An instant as Tryton takes it: its parts, UTC."""
    moment = _EPOCH + us * _MICROSECOND
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(moment, part) for part in parts}}
