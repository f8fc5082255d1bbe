"""Which of the formats a file is in, and what ``ltc check`` shows of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from connectors.files import csvfile, jsonlfile, parquetfile, xlsxfile
from connectors.files.config import Limits, StreamConfig
from connectors.files.pulling import Item, Reading
from connectors.files.spool import Refused, Spool

_ENDINGS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_SAMPLE_ROWS = 50


class Told(NamedTuple):
    """What a file looks like."""

    what: str
    header: list[str]


class TableReader:
    """Reads the files of one stream."""

    def __init__(self, stream: StreamConfig, limits: Limits) -> None:
        self._stream = stream
        self._limits = limits
        self.newest_only = stream.deletes == "sweep"
        self.way = stream.model_dump_json(exclude={"entity", "columns", "deletes", "pattern"})

    def read(self, spool: Spool, memory: Any) -> Reading:
        """See ``connectors.files.pulling``."""
        return Reading(self.items(spool), memory)

    def items(self, spool: Spool) -> Iterator[Item]:
        """The rows of a file. Raises ``Refused`` and ``ContractError``."""
        match format_of(spool, self._stream):
            case "xlsx":
                return xlsxfile.rows(spool, self._stream, self._limits)
            case "parquet":
                return parquetfile.rows(spool, self._stream, self._limits)
            case "jsonl":
                return jsonlfile.rows(spool, self._stream, self._limits)
            case _:
                return csvfile.rows(spool, self._stream, self._limits)

    def tell(self, spool: Spool) -> Told:
        """What the file is taken for, and why. Raises ``Refused``."""
        match format_of(spool, self._stream):
            case "xlsx":
                return Told("XLSX", xlsxfile.header_of(spool, self._stream, self._limits))
            case "parquet":
                return Told("Parquet", parquetfile.header_of(spool, self._limits))
            case "jsonl":
                return self._tell_lines(spool)
            case _:
                found = csvfile.dialect_of(spool, self._stream, self._limits)
                encoding, why = found.encoding
                what = f"CSV in {encoding} ({why}), delimiter {csvfile.shown(found.delimiter)} ({found.why})"
                return Told(f"{what}, {found.sampled} rows sampled", found.header)

    def _tell_lines(self, spool: Spool) -> Told:
        names: dict[str, None] = {}
        sampled = 0
        for number, line in jsonlfile.lines(spool, self._stream, self._limits):
            if number > _SAMPLE_ROWS:
                break
            try:
                found = msgspec.json.decode(line) if line else None
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            if isinstance(found, dict):
                sampled += 1
                names.update(dict.fromkeys(found))
        return Told(f"JSON lines, {sampled} records sampled", list(names))


def format_of(spool: Spool, stream: StreamConfig) -> str:
    """As configured, else by the file's ending, else by its first bytes."""
    if stream.format != "auto":
        return stream.format
    name = spool.entry.name.lower()
    by_ending = next((kind for ending, kind in _ENDINGS.items() if name.endswith(ending)), None)
    if by_ending is not None:
        return by_ending
    spool.file.seek(0)
    start = spool.file.read(4)
    if start.startswith(b"\x1f\x8b") or name.endswith((".gz", ".zip", ".7z", ".xls")):
        raise Refused("is of a kind that is not read; unpack it, or save it as CSV or XLSX")
    return {b"PK\x03\x04": "xlsx", b"PAR1": "parquet"}.get(start, "csv")


def drift(expected: Sequence[str], found: Sequence[str], than: str) -> str:
    """How a header differs, as a clause; empty if it does not."""
    missing = [f"`{name}`" for name in expected if name not in found]
    new = [f"`{name}`" for name in found if name not in expected]
    if missing and new:
        return f"{', '.join(missing)} missing and {', '.join(new)} new against {than}"
    if missing:
        return f"{', '.join(missing)} missing against {than}"
    return f"{', '.join(new)} new against {than}" if new else ""
