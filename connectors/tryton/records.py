"""Tryton's rows as raw records, and instants as Tryton writes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from connectors.contract import RawRecord
from connectors.errors import ContractError
from connectors.rawjson import shape
from connectors.tryton.note import read_note

PAYMENT_NOTE = "payment_note"
"""A field of our own beside Tryton's: read from and written into the marked line of ``comment``."""

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

    Raises ``ContractError`` for rows without id or stamp.
    """
    try:
        rows: Sequence[msgspec.Raw] = _rows.decode(result)
        return [_record(bytes(row)) for row in rows]
    except msgspec.DecodeError as error:
        raise ContractError("Tryton's rows are not as documented.", sample=shape(result)) from error


def _record(row: bytes) -> RawRecord:
    head = _head.decode(row)
    stamp = head.last_modified_at
    moment = datetime(
        stamp.year, stamp.month, stamp.day, stamp.hour, stamp.minute, stamp.second, stamp.microsecond, UTC
    )
    fields = {name: _live(value) for name, value in _whole.decode(row).items()}
    if "comment" in fields:
        fields[PAYMENT_NOTE] = read_note(fields["comment"])
    if "contact_mechanisms." in fields:
        contacts = fields["contact_mechanisms."]
        fields["email"] = _contact(contacts, "email")
        fields["phone"] = _contact(contacts, "phone") or _contact(contacts, "mobile")
    return RawRecord(str(head.id), _sorted.encode(fields), to_us(moment))


def _live(value: Any) -> Any:
    return [part for part in value if part.get("active") is not False] if isinstance(value, list) else value


def _contact(contacts: list[dict[str, Any]], kind: str) -> Any:
    return next((contact["value"] for contact in contacts if contact["type"] == kind), None)


def to_us(moment: datetime) -> int:
    """Microseconds since the epoch of an aware instant."""
    return (moment - _EPOCH) // _MICROSECOND


def wire(us: int) -> dict[str, Any]:
    """An instant as Tryton takes it: its parts, UTC."""
    moment = _EPOCH + us * _MICROSECOND
    parts = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {"__class__": "datetime", **{part: getattr(moment, part) for part in parts}}
