"""The report as CSV: one file a table, in a zip; for programs that read neither JSON nor workbooks.

UTF-8 with a mark, so that spreadsheets read Chinese right; amounts as plain numbers with a point. A text that a
spreadsheet might take for a formula has an apostrophe before it. The same report always gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import zipfile
from decimal import Decimal
from pathlib import Path

from console.i18n import texts
from console.report import figures
from console.report.book import is_risky
from console.report.figures import Report
from console.report.tables import Cell, Table, tables

_NO_TIME = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16


def write(report: Report, path: Path, locale: str) -> None:
    """Write the zip. Raises ``OSError``."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for table in tables(report, texts(locale)):
            entry = zipfile.ZipInfo(f"{table.name}.csv", _NO_TIME)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = _READABLE
            file.writestr(entry, _text(table).encode("utf-8-sig"))


def _text(table: Table) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    links = any(cell.url for row in table.rows for cell in row)
    writer.writerow([*(head.replace("\n", " ") for head in table.heads), *(["url"] if links else [])])
    for row in table.rows:
        url = next((cell.url for cell in row if cell.url), "")
        writer.writerow([*(_plain(cell) for cell in row), *([_safe(url)] if links else [])])
    return out.getvalue()


def _plain(cell: Cell) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return f"{value:.{figures.decimals(cell.currency)}f}"
    return str(value) if isinstance(value, int) else _safe(value)


def _safe(text: str) -> str:
    return f"'{text}" if is_risky(text) else text
