"""Read Xero's answers: lists cut into raw records, its date format, its error bodies."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from connectors.contract import RawRecord, RejectedRecord
from connectors.errors import ContractError
from connectors.rawjson import decode, parse, shape

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/")


def milliseconds(text: str) -> int:
    """Milliseconds since the epoch (UTC) of ``/Date(1439434356790+0000)/``; the offset is only for show.

    Raises ``ValueError`` for anything else.
    """
    match = _DATE.fullmatch(text)
    if match is None:
        raise ValueError("not a date of the form /Date(1439434356790+0000)/")
    return int(match[1])


def instant(text: str) -> datetime:
    """The instant of ``/Date(…)/``, aware UTC. Raises ``ValueError``."""
    return _EPOCH + timedelta(milliseconds=milliseconds(text))


class _Paging(msgspec.Struct):
    page: int
    pageSize: int
    pageCount: int


_envelope = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows = msgspec.json.Decoder(list[msgspec.Raw])
_paging = msgspec.json.Decoder(_Paging)
_text = msgspec.json.Decoder(str)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of a list: its records, and whether Xero says that this is the last page (``None``: it does not say)."""

    records: list[RawRecord]
    rejected: list[RejectedRecord]
    last: bool | None
    server_time: datetime | None

    @property
    def count(self) -> int:
        """How many rows the page had."""
        return len(self.records) + len(self.rejected)


def listing(body: bytes, element: str, id_field: str) -> Listing:
    """Cut the list ``element`` of an answer into records identified by ``id_field``.

    Raises ``ContractError`` if the answer has no such list.
    """
    try:
        envelope = parse(body, _envelope)
        rows = parse(bytes(envelope[element]), _rows)
        paging = parse(bytes(envelope["pagination"]), _paging) if "pagination" in envelope else None
        told = parse(bytes(envelope["DateTimeUTC"]), _text) if "DateTimeUTC" in envelope else None
        server_time = instant(told) if told else None
    except (ContractError, KeyError, ValueError, OverflowError) as error:
        raise ContractError(
            f"Xero's answer is not a list of {element}.", remedy="Report it with the sample.", sample=shape(body)
        ) from error
    records: list[RawRecord] = []
    rejected: list[RejectedRecord] = []
    head = _head_decoder(id_field)
    for row in rows:
        _sort_in(bytes(row), head, id_field, records, rejected)
    last = None if paging is None else paging.page >= paging.pageCount
    return Listing(records, rejected, last, server_time)


def _sort_in(
    body: bytes,
    head: msgspec.json.Decoder[Any],
    id_field: str,
    records: list[RawRecord],
    rejected: list[RejectedRecord],
) -> None:
    try:
        found = parse(body, head)
    except ContractError:
        anonymous = "unidentified-" + hashlib.blake2b(body, digest_size=8).hexdigest()
        rejected.append(RejectedRecord(anonymous, body, id_field, f"The record has no {id_field}."))
        return
    try:
        records.append(RawRecord(found.id, body, milliseconds(found.updated) * 1000))
    except ValueError:
        rejected.append(RejectedRecord(found.id, body, "UpdatedDateUTC", "It is not a date as Xero writes them."))


_HEADS: dict[str, msgspec.json.Decoder[Any]] = {}


def _head_decoder(id_field: str) -> msgspec.json.Decoder[Any]:
    if id_field not in _HEADS:
        head = msgspec.defstruct(
            "Head", [("id", str), ("updated", str, "")], rename={"id": id_field, "updated": "UpdatedDateUTC"}
        )
        _HEADS[id_field] = msgspec.json.Decoder(head)
    return _HEADS[id_field]


def error_messages(body: bytes) -> list[str]:
    """What Xero says is wrong, from an error answer (``Message``, ``Elements[].ValidationErrors[].Message``)."""
    try:
        answer = decode(body)
    except ContractError:
        return []
    if not isinstance(answer, dict):
        return []
    elements = answer.get("Elements")
    found = (
        [text for element in elements for text in validation_messages(element)] if isinstance(elements, list) else []
    )
    if not found and isinstance(answer.get("Message"), str):
        found = [answer["Message"]]
    return found


def validation_messages(element: Any) -> list[str]:
    """The validation errors of one element of an answer, each once and cut to a readable length."""
    errors = element.get("ValidationErrors") if isinstance(element, dict) else None
    texts = [error.get("Message") for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
    return list(dict.fromkeys(text[:200] for text in texts if isinstance(text, str)))


def sentence(messages: Sequence[str]) -> str:
    """Several messages as one readable line."""
    return " ".join(text if text.endswith((".", "!", "?")) else text + "." for text in messages)
