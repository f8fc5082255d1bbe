"""From an answer to raw records: each with the bytes that were sent, its key and its version.

Where a manifest names a place by field names alone (``data.items``), the records are cut out of the answer as they
stand, but for white space between their parts, which many systems set differently in lists and in single answers. Any
other expression, and fields that are left out, need them to be written anew (keys sorted, numbers exact).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from connectors.contract import RawRecord, RejectedRecord
from connectors.declarative.manifest import Stream
from connectors.declarative.rules import Deletes
from connectors.declarative.times import iso_of
from connectors.errors import ContractError
from connectors.expressions import Expression, ExpressionError
from connectors.keys import joined
from connectors.rawjson import decode, parse, shape

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*|\[\d+\])*")
_STEP = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|\[\d+\]")
_tables = msgspec.json.Decoder(dict[str, msgspec.Raw])
_lists = msgspec.json.Decoder(list[msgspec.Raw])
_anything = msgspec.json.Decoder()
_sorted = msgspec.json.Encoder(order="sorted", decimal_format="number")
_NO_KEY = "is missing, or cannot name a record"
FALSE: tuple[Any, ...] = (None, False, 0, "", [], {})
"""What counts as no in a condition."""


class Selection:
    """Where in an answer something stands."""

    def __init__(self, text: str) -> None:
        self._expression = Expression(text)
        self._steps = _steps(text)

    def slice(self, body: bytes) -> bytes | None:
        """What stands there, as JSON; ``None`` if nothing does. Raises ``ContractError``."""
        if self._steps is None:
            found = self.of(decode(body))
            return None if found is None else _sorted.encode(found)
        here: bytes | None = body
        for step in self._steps:
            here = _inner(here, step) if here is not None else None
        return None if here is None or bytes(here).strip() == b"null" else bytes(here)

    def of(self, document: Any) -> Any:
        """Its value in a decoded answer. Raises ``ContractError``."""
        try:
            return self._expression.of(document)
        except ExpressionError as error:
            raise ContractError(f"The manifest does not fit the answer: {error}.") from None

    def slices(self, body: bytes) -> list[bytes]:
        """The items of the list that stands there. Raises ``ContractError`` if no list does."""
        found = self.slice(body)
        if found is None or found[:1] != b"[":
            raise ContractError(
                f"The answer has no list at `{self._expression.text}`.",
                remedy="Correct `records` in the manifest, or look at the answer: a 200 may hold an error.",
                sample=shape(body),
            )
        return [bytes(item) for item in parse(found, _lists)]


def _steps(text: str) -> list[str] | None:
    if text == "@":
        return []
    return _STEP.findall(text) if _PLAIN.fullmatch(text) else None


def _inner(body: bytes, step: str) -> bytes | None:
    """One step into a JSON text; ``None`` if it leads nowhere."""
    opening = body.lstrip()[:1]
    if step.startswith("["):
        items = parse(body, _lists) if opening == b"[" else []
        number = int(step[1:-1])
        return bytes(items[number]) if number < len(items) else None
    found = parse(body, _tables).get(step) if opening == b"{" else None
    return None if found is None else bytes(found)


def require_object(row: bytes) -> None:
    """Raises ``ContractError`` for a row that is no JSON object."""
    if not row.startswith(b"{"):
        raise ContractError("A record is not a JSON object.", remedy="Correct `records`.", sample=shape(row))


@dataclass(frozen=True, slots=True)
class Found:
    """One answer's records."""

    records: list[RawRecord]
    rejected: list[RejectedRecord]
    deleted: list[str]
    order: list[tuple[Any, str]]
    """What the list is ordered by, as the source writes it, and id, of every row in its order, deleted ones too."""


class Reader:
    """Makes raw records of the rows of one stream."""

    def __init__(self, stream: Stream, ordered_by: str | None = None) -> None:
        self._keys = [Expression(key) for key in stream.keys]
        self._version = Expression(stream.version.field) if stream.version else None
        self._ordered_by = Expression(ordered_by) if ordered_by else self._version
        self._times = stream.version.reading if stream.version and stream.version.format != "number" else None
        self._place = stream.version.field if stream.version else ""
        self._instant = stream.version.instant if stream.version else None
        self._without = frozenset(stream.without)
        condition = stream.deletes.when if isinstance(stream.deletes, Deletes) else None
        self._deleted = Expression(condition) if condition is not None else None
        self._rows = Selection(stream.records)

    def read(self, body: bytes, parent: Mapping[str, Any] | None = None) -> Found:
        """The records of a list's answer; ``parent`` are fields that each of them gets. Raises ``ContractError``."""
        return self.rows(self._rows.slices(body), parent)

    def rows(self, rows: Sequence[bytes], parent: Mapping[str, Any] | None = None) -> Found:
        """The records of rows that were cut out already. Raises ``ContractError``."""
        found = Found([], [], [], [])
        for row in rows:
            self._take(row, parent, found)
        return found

    def one(self, row: bytes, *, deleted: bool = False) -> RawRecord | None:
        """The record of a single row; ``None`` if it says that it is deleted, unless these are wanted as well.

        Raises ``ContractError``.
        """
        found = Found([], [], [], [])
        self._take(row, None, found, deleted=deleted)
        if found.rejected:
            raise ContractError(f"The record's `{found.rejected[0].field}` {found.rejected[0].reason}.")
        return found.records[0] if found.records else None

    def _take(self, row: bytes, parent: Mapping[str, Any] | None, found: Found, *, deleted: bool = False) -> None:
        require_object(row)
        row = self._kept(_extended(row, parent))
        fields = parse(row, _anything)
        key = key_of(self._keys, fields)
        if key is None:
            found.rejected.append(RejectedRecord("", row, ", ".join(item.text for item in self._keys), _NO_KEY))
            return
        written = self._version.of(fields) if self._version else None
        found.order.append((self._ordered_by.of(fields) if self._ordered_by else None, key))
        try:
            version = self._number(written)
        except ValueError as error:
            found.rejected.append(RejectedRecord(key, row, self._place, str(error)))
            return
        if self._instant is not None and version is not None:
            row = _extended(row, {self._instant: iso_of(version)})
        if not deleted and self._deleted is not None and self._deleted.of(fields) not in FALSE:
            found.deleted.append(key)
        else:
            found.records.append(RawRecord(key, row, version))

    def _kept(self, row: bytes) -> bytes:
        if not self._without:
            return _without_white_space(row)
        kept = {name: value for name, value in decode(row).items() if name not in self._without}
        return _sorted.encode(kept)

    def version_of(self, written: Any) -> int | None:
        """A version as it stands elsewhere, ``None`` if it cannot be read."""
        try:
            return self._number(written)
        except ValueError:
            return None

    def _number(self, written: Any) -> int | None:
        """The version as a number that grows. Raises ``ValueError``."""
        if self._version is None:
            return None
        if written is None:
            raise ValueError("is missing")
        if self._times is not None:
            try:
                return self._times.parse(written)
            except ValueError:
                raise ValueError(f"is no instant written as {self._times.format}") from None
        try:
            return int(Decimal(str(written)))
        except (ArithmeticError, ValueError):
            raise ValueError("is no number") from None


def key_of(keys: Sequence[Expression], fields: Any) -> str | None:
    """A record's id, of one part or of several; ``None`` if a part is missing or is nothing that can name a record."""
    parts = [item.of(fields) for item in keys]
    return None if any(isinstance(part, bool | float | Decimal) for part in parts) else joined(parts)


def _without_white_space(row: bytes) -> bytes:
    """The same JSON without white space between its parts. Raises ``ContractError`` if it is cut off, or none."""
    try:
        return msgspec.json.format(row, indent=-1)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise ContractError(
            "The answer is not valid JSON.",
            remedy="Check the base URL; a proxy or login page may have answered.",
            sample=shape(row),
        ) from None


def _extended(row: bytes, fields: Mapping[str, Any] | None) -> bytes:
    """The row with further fields at its beginning; what it has by itself comes after, and wins."""
    if not fields:
        return row
    added = _sorted.encode(dict(fields))[1:-1]
    rest = row[1:].lstrip()
    return b"{" + added + (b"}" if rest.startswith(b"}") else b"," + rest)


def keys_of(rows: Sequence[bytes], key: str) -> list[str]:
    """The values of one field of each row, or the rows themselves if they are plain ids. Raises ``ContractError``."""
    expression = Expression(key)
    found = []
    for row in rows:
        value = parse(row, _anything)
        picked = expression.of(value) if isinstance(value, dict) else value
        if picked is None or isinstance(picked, dict | list | bool):
            raise ContractError("A deleted id cannot be read.", remedy="Correct `deletes.key`.", sample=shape(row))
        found.append(str(picked))
    return found
