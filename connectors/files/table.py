"""From a row of cells to a record: the header is checked once, each row by its width, its key and its version."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from connectors.contract import RawRecord, RejectedRecord
from connectors.errors import ContractError
from connectors.files.config import Limits, StreamConfig, VersionConfig
from connectors.files.pulling import Item, told
from connectors.files.spool import Refused, Spool
from connectors.keys import joined

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SHOWN = 20
_DATA = re.compile(r"\d{4}|@|^[\d.,:/ -]+$|.{60}", re.ASCII)


def names_of(cells: Sequence[Any], limits: Limits) -> list[str]:
    """The columns' names, without empty ones at the end. Raises ``Refused`` for what is no header."""
    names = ["" if cell is None else str(cell).strip() for cell in cells]
    while names and not names[-1]:
        names.pop()
    if not names:
        raise Refused("has no header: set `header_row` if it is further down")
    if len(names) > limits.columns:
        raise Refused(f"has {len(names)} columns, more than `limits: {{columns: …}}` allows")
    for place, name in enumerate(names, 1):
        if not name:
            raise Refused(f"has no name for column {place}")
        if names.index(name) < place - 1:
            which = "" if _look_like_data(names) else f" `{name}`"
            raise Refused(f"has two columns{which} of one name: {names.index(name) + 1} and {place}")
    return names


def require(names: Sequence[str], stream: StreamConfig, file: str) -> None:
    """Raise ``ContractError`` if a column that names a row or tells its version is not there."""
    needed = [*stream.key, *([stream.version.column] if stream.version else [])]
    missing = [name for name in needed if name not in names]
    if missing:
        shown = ", ".join(names[:_SHOWN]) + (", …" if len(names) > _SHOWN else "")
        if _look_like_data(names):
            shown = f"{len(names)} that look like data and not like names"
        raise ContractError(
            f"{file} has no column {', '.join(f'`{name}`' for name in missing)}; it has {shown}.",
            remedy="Correct the file, or `key`, `version`, `header_row` and `delimiter` of the stream.",
        )


def _look_like_data(names: Sequence[str]) -> bool:
    """Whether a header may be a row of data, which is not to be shown in a message."""
    return any(_DATA.search(name) for name in names)


class Table:
    """Makes records of the rows of one file."""

    def __init__(self, spool: Spool, stream: StreamConfig, limits: Limits, header: Sequence[Any]) -> None:
        """Raises ``Refused`` and ``ContractError`` for a header that cannot be used."""
        self.names = names_of(header, limits)
        require(self.names, stream, spool.entry.name)
        self._file = spool.entry.name
        self._key = [self.names.index(name) for name in stream.key]
        self._key_names = ", ".join(stream.key)
        self._rule = stream.version
        self._version_at = self.names.index(stream.version.column) if stream.version else -1
        self._version = spool.entry.changed_us

    def item(self, row: int, cells: Sequence[Any], *, ragged: bool = False) -> Item | None:
        """The record of a row; ``None`` for one without a value. ``ragged``: empty cells at its end may be missing."""
        width = len(self.names)
        if not any(cell is not None and cell != "" for cell in cells):
            return None
        cells = list(cells)
        while len(cells) > width and cells[-1] in (None, ""):
            cells.pop()
        if ragged:
            cells += [None] * (width - len(cells))
        if len(cells) != width:
            return self.rejected(row, cells, "", f"has {len(cells)} cells where the header has {width}")
        for name, cell in zip(self.names, cells, strict=True):
            if isinstance(cell, float) and not math.isfinite(cell):
                return self.rejected(row, list(map(str, cells)), name, "is no number that JSON knows")
        key = joined([cells[place] for place in self._key])
        if key is None:
            return self.rejected(row, cells, self._key_names, "is empty or cannot name a row")
        version = self._version
        if self._rule is not None:
            try:
                version = version_of(cells[self._version_at], self._rule)
            except ValueError as error:
                return self.rejected(row, cells, self._rule.column, str(error))
        return RawRecord(key, _ENCODER.encode(dict(zip(self.names, cells, strict=True))), version)

    def rejected(self, row: int, cells: Any, field: str, reason: str) -> RejectedRecord:
        """A row that cannot be used."""
        return rejected(self._file, row, cells, field, reason)


def rejected(file: str, row: int, cells: Any, field: str, reason: str) -> RejectedRecord:
    """A row that cannot be used, under the name of its file and its number."""
    return RejectedRecord(f"row {row} of {file}", told(file, row, cells), field, f"{reason} (row {row} of {file})")


def version_of(cell: Any, rule: VersionConfig) -> int:
    """A cell as a version: whole numbers as they are, times in microseconds since the epoch (UTC).

    Raises ``ValueError`` with the reason.
    """
    if rule.format == "integer":
        number = cell if isinstance(cell, int) else int(cell) if isinstance(cell, str) and _is_whole(cell) else None
        if number is None or isinstance(cell, bool) or abs(number) >= 2**63:
            raise ValueError("is no whole number")
        return number
    if not isinstance(cell, str) or not cell.strip():
        raise ValueError("is no time" if cell not in (None, "") else "is empty, so nobody knows how new the row is")
    text = cell.strip()
    try:
        found = datetime.fromisoformat(text) if rule.format == "iso" else datetime.strptime(text, rule.format)  # noqa: DTZ007
    except ValueError:
        raise ValueError(f"is no time of the format {rule.format}") from None
    if found.tzinfo is None:
        if rule.zone is None:
            raise ValueError("names no time zone: set `zone` under `version`")
        found = found.replace(tzinfo=ZoneInfo(rule.zone))
    return (found - _EPOCH) // datetime.resolution


def _is_whole(text: str) -> bool:
    digits = text.strip().removeprefix("-")
    return digits.isascii() and digits.isdigit()


def plain(value: Decimal) -> Decimal:
    """The number without an exponent and without zeros at its end."""
    whole = value == value.to_integral_value()
    return value.quantize(Decimal(1)) if whole and value.adjusted() < 28 else value.normalize()
