"""XLSX: the cells of one sheet, row by row, after a look at whether the file is what it says and not a bomb.

The file is a ZIP archive of XML. openpyxl reads its XML through defusedxml, which refuses entities; how much the
archive unpacks to is checked here.
"""

from __future__ import annotations

import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import IO, Any

from connectors.contract import RejectedRecord
from connectors.files.config import Limits, StreamConfig
from connectors.files.pulling import Item
from connectors.files.spool import Refused, Spool
from connectors.files.table import Table, plain

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,  # XML that is none
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    EOFError,
    OSError,
    RuntimeError,  # a part that is encrypted
)
"""What zipfile and openpyxl raise for files that are not what they should be."""
_MOST_ROWS = 1_048_576
_MOST_PARTS = 5000
_MOST_SHARED_BYTES = 128 * 1024 * 1024
"""Everything but the sheets themselves is held in memory."""
_DIGITS = ".15g"
"""Excel shows and computes with 15 digits; what a file says beyond them is an artefact of binary fractions."""


def rows(spool: Spool, stream: StreamConfig, limits: Limits) -> Iterator[Item]:
    """The rows of the sheet. Raises ``Refused`` and ``ContractError``."""
    table: Table | None = None
    for number, cells in _rows(spool.file, stream, limits):
        if number < stream.header_row:
            continue
        if number == stream.header_row:
            table = Table(spool, stream, limits, [_value(cell) for cell in cells])
        elif table is not None:
            item = _item(table, number, cells)
            if item is not None:
                yield item
    if table is None:
        raise Refused(f"has no row {stream.header_row}, where the header should be")


def header_of(spool: Spool, stream: StreamConfig, limits: Limits) -> list[str]:
    """The names of its columns, as they are. Raises ``Refused``."""
    for number, cells in _rows(spool.file, stream, limits):
        if number == stream.header_row:
            return ["" if cell.value is None else str(_value(cell)).strip() for cell in cells]
    raise Refused(f"has no row {stream.header_row}, where the header should be")


def _item(table: Table, number: int, cells: Sequence[Any]) -> Item | None:
    wrong = next((place for place, cell in enumerate(cells) if cell.data_type == "e" and cell.value), None)
    values = [_value(cell) for cell in cells]
    if wrong is not None and wrong < len(table.names):
        refused: RejectedRecord = table.rejected(number, values, table.names[wrong], f"is the error {values[wrong]}")
        return refused
    return table.item(number, values, ragged=True)


def _rows(file: IO[bytes], stream: StreamConfig, limits: Limits) -> Iterator[tuple[int, Sequence[Any]]]:
    with _opened(file, limits) as book:
        sheet = book.worksheets[0] if stream.sheet is None and book.worksheets else None
        if stream.sheet is not None:
            if stream.sheet not in book.sheetnames:
                raise Refused(f"has no sheet `{stream.sheet}`; it has {', '.join(book.sheetnames[:10])}")
            sheet = book[stream.sheet]
        if sheet is None or not hasattr(sheet, "reset_dimensions"):
            raise Refused("has no sheet with cells")
        sheet.reset_dimensions()  # what the file says of its own size is often wrong
        for number, cells in enumerate(sheet.iter_rows(), 1):
            if number > _MOST_ROWS:
                raise Refused(f"has a row beyond {_MOST_ROWS}, the last one that Excel has")
            yield number, cells


@contextmanager
def _opened(file: IO[bytes], limits: Limits) -> Iterator[Any]:
    """Turn everything that broken files raise into ``Refused``."""
    import openpyxl
    from defusedxml.common import DefusedXmlException

    book = None
    try:
        _inspect(file, limits)
        file.seek(0)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it tells of styles and extensions that other programs write
            book = openpyxl.load_workbook(file, read_only=True, data_only=True, keep_links=False)
        yield book
    except _BROKEN as error:
        if isinstance(error, DefusedXmlException) or isinstance(error.__cause__, DefusedXmlException):
            raise Refused("holds XML entities, which no spreadsheet program writes") from None
        raise Refused("is no complete XLSX file: it may be cut off, or damaged") from None
    finally:
        if book is not None:
            book.close()


def _inspect(file: IO[bytes], limits: Limits) -> None:
    """Whether it is an archive, and unpacks to no more than it may. What lies about its size is cut off by zipfile."""
    file.seek(0)
    if file.read(8) == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        raise Refused("is locked by a password, or an old .xls file; save it as an open .xlsx")
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        shared = sum(part.file_size for part in parts if not part.filename.startswith("xl/worksheets/"))
        if len(parts) > _MOST_PARTS or unpacked > limits.unpacked_mb * 1024 * 1024 or shared > _MOST_SHARED_BYTES:
            raise Refused(f"unpacks to {unpacked} bytes, more than `limits: {{unpacked_mb: …}}` allows")


def _value(cell: Any) -> Any:
    """A cell as JSON can carry it."""
    value = cell.value
    if isinstance(value, float):
        return plain(Decimal(format(value, _DIGITS)))
    if isinstance(value, datetime):
        from openpyxl.styles.numbers import is_datetime

        kind = is_datetime(cell.number_format)
        return value.date().isoformat() if kind == "date" and value.time() == time() else value.isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, timedelta):
        return str(value)
    return value
