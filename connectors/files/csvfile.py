"""CSV: the dialect is found in a sample and shown; quoted line breaks, CRLF, CR and empty lines are read as meant."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import NamedTuple

from connectors.files.config import Limits, StreamConfig
from connectors.files.pulling import Item
from connectors.files.spool import Refused, Spool
from connectors.files.table import Table
from connectors.files.text import Encoding, detect

_DELIMITERS = (",", ";", "\t", "|")
_SHOWN = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SAMPLE_ROWS = 50
_SAMPLE_SIGNS = 256 * 1024
csv.field_size_limit(2**31 - 1)  # a cell may be as long as a row, which `_Lines` sees to


class Dialect(NamedTuple):
    """How a CSV file is written, and why we think so."""

    encoding: Encoding
    delimiter: str
    why: str
    header: list[str]
    sampled: int


def rows(spool: Spool, stream: StreamConfig, limits: Limits) -> Iterator[Item]:
    """The rows of the file. Raises ``Refused`` and ``ContractError``."""
    dialect = dialect_of(spool, stream, limits)
    with _text(spool, dialect.encoding) as text:
        table: Table | None = None
        for number, cells in _parsed(text, dialect.delimiter, limits):
            if number < stream.header_row:
                continue
            if number == stream.header_row:
                table = Table(spool, stream, limits, cells)
            elif table is not None and (item := table.item(number, cells)) is not None:
                yield item


def dialect_of(spool: Spool, stream: StreamConfig, limits: Limits) -> Dialect:
    """Look at the file. Raises ``Refused`` if it is no text, or has no row where the header should be."""
    encoding = detect(spool.file, stream.encoding)
    with _text(spool, encoding) as text:
        sample = text.read(_SAMPLE_SIGNS)
        complete = not text.read(1)
    known = None if stream.delimiter == "auto" else stream.delimiter
    tried = [_tried(sample, complete, delimiter, stream, limits) for delimiter in ([known] if known else _DELIMITERS)]
    best = max(tried, key=lambda found: found.score)
    if not best.rows:
        raise Refused(f"has no row {stream.header_row}, where the header should be")
    if known:
        why = "as configured"
    elif best.width < 2:
        why = "no delimiter found: one column"
    else:
        why = f"{best.alike} of {len(best.rows)} rows have {best.width} cells"
    return Dialect(encoding, best.delimiter, why, [cell.strip() for cell in best.rows[0]], len(best.rows) - 1)


def shown(delimiter: str) -> str:
    """A delimiter's name for people."""
    return _SHOWN.get(delimiter, delimiter)


class _Tried(NamedTuple):
    """What a sample looks like with one delimiter."""

    delimiter: str
    rows: list[list[str]]
    width: int
    alike: int
    keys: int

    @property
    def score(self) -> tuple[int, bool, float, int]:
        """The key's columns are the surest sign, then that rows are alike, then how many columns there are."""
        share = self.alike / len(self.rows) if self.rows else 0.0
        return self.keys, self.width > 1, share, self.width


def _tried(sample: str, complete: bool, delimiter: str, stream: StreamConfig, limits: Limits) -> _Tried:
    found: list[list[str]] = []
    # The rows before one that cannot be read tell as much.
    with suppress(Refused):
        parsed = _parsed(io.StringIO(sample, newline=""), delimiter, limits)
        for _, cells in islice(parsed, stream.header_row - 1, stream.header_row + _SAMPLE_ROWS):
            if any(cells):
                found.append(cells)
        if not complete and 1 < len(found) <= _SAMPLE_ROWS:
            found.pop()  # the sample may end in the middle of it
    if not found:
        return _Tried(delimiter, [], 0, 0, 0)
    width, alike = Counter(map(len, found)).most_common(1)[0]
    names = {cell.strip() for cell in found[0]}
    return _Tried(delimiter, found, width, alike, sum(name in names for name in stream.key))


@contextmanager
def _text(spool: Spool, encoding: Encoding) -> Iterator[io.TextIOWrapper]:
    spool.file.seek(0)
    # `newline=""` leaves line breaks to the csv module, which knows those within quotes.
    text = io.TextIOWrapper(spool.file, encoding.name, errors="strict", newline="")
    try:
        yield text
    finally:
        text.detach()  # or the file would be closed with it


def _parsed(text: io.TextIOBase, delimiter: str, limits: Limits) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of each row; an empty line is a row without cells. Raises ``Refused``."""
    lines = _Lines(text, int(limits.row_kb * 1024))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 0
    while True:
        lines.begin()
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Refused(f"cannot be read from row {number} on: {error}; look for a quotation mark there") from None
        yield number, cells


class _Lines:
    """Lines of a text, as long as one row does not get too long."""

    def __init__(self, text: io.TextIOBase, most: int) -> None:
        self._text = text
        self._most = most
        self._row = 0

    def begin(self) -> None:
        """A row begins."""
        self._row = 0

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = self._text.readline(self._most + 1)
        if not line:
            raise StopIteration
        self._row += len(line)
        if self._row > self._most:
            raise Refused("has a row longer than `limits: {row_kb: …}` allows; perhaps a quotation mark is not closed")
        return line
