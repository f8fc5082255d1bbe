"""Cut Stripe's answers into raw records that are the same bytes wherever an object is read."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from connectors.contract import RejectedRecord
from connectors.errors import ContractError
from connectors.rawjson import parse, shape

_VOLATILE = ("receipt_url", "hosted_invoice_url", "invoice_pdf", "pdf")
"""Addresses that Stripe signs anew for each answer: they would make every reading a new version of the record. And
whoever has one sees the document without a password."""

Fields = dict[str, msgspec.Raw]


class Head(msgspec.Struct):
    """What every object has."""

    id: str
    created: int = 0
    deleted: bool = False


class _Listing(msgspec.Struct):
    data: list[msgspec.Raw]
    has_more: bool = False


class Event(msgspec.Struct):
    """What counts of an event: when, and about what."""

    id: str
    created: int
    type: str
    data: _Data
    account: str | None = None
    livemode: bool | None = None

    @property
    def about(self) -> _Subject:
        """The object that it shows."""
        return self.data.object

    @property
    def deletion(self) -> bool:
        """Whether it says that the object is gone."""
        return self.type.endswith(".deleted")


class _Data(msgspec.Struct):
    object: _Subject


class _Subject(msgspec.Struct):
    id: str | None = None
    """None of an invoice that is only announced."""
    object: str | None = None
    charge: Any = None

    @property
    def charge_id(self) -> str:
        """Of a refund or a dispute; empty if it has none."""
        found = self.charge.get("id") if isinstance(self.charge, dict) else self.charge
        return found if isinstance(found, str) else ""


class Rows(NamedTuple):
    """One page of a list."""

    rows: Sequence[bytes]
    more: bool


_heads = msgspec.json.Decoder(Head)
_listings = msgspec.json.Decoder(_Listing)
_fields = msgspec.json.Decoder(Fields)
_events = msgspec.json.Decoder(Event)
_encode = msgspec.json.Encoder().encode


def listing(body: bytes) -> Rows:
    """The objects of a list. Raises ``ContractError``."""
    found = parse(body, _listings)
    return Rows([bytes(row) for row in found.data], found.has_more)


def head(row: bytes) -> Head:
    """Raises ``ContractError`` for an object without an id."""
    return parse(row, _heads)


def event(body: bytes) -> Event:
    """Raises ``ContractError`` if it is none."""
    return parse(body, _events)


def fields(row: bytes) -> Fields:
    """An object's fields, each as it was written. Raises ``ContractError``."""
    return parse(row, _fields)


def written(object_fields: Fields) -> bytes:
    """The bytes of a record: the fields as they came, in their order, without what Stripe writes anew each time."""
    kept: dict[str, msgspec.Raw] = {}
    for name, value in object_fields.items():
        if name in _VOLATILE:
            continue
        inner = bytes(value)
        # Of an expanded charge the same addresses go.
        kept[name] = msgspec.Raw(written(fields(inner))) if name == "charge" and inner[:1] == b"{" else value
    return _encode(kept)


def encoded(value: Any) -> msgspec.Raw:
    """A value of ours as a field of a record."""
    return msgspec.Raw(_encode(value))


def unidentified(row: bytes) -> RejectedRecord:
    """A row that is no object with an id."""
    name = "unidentified-" + hashlib.blake2b(row, digest_size=8).hexdigest()
    return RejectedRecord(name, row, "id", "The record has no id.")


def no_way_on(body: bytes) -> ContractError:
    """A page that goes on but names nothing new to go on from."""
    return ContractError(
        "A list of Stripe's goes on and does not say where.", remedy="Report it with the sample.", sample=shape(body)
    )
