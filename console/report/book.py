"""A workbook in progress: sheets with heads that stay in sight, texts that stay texts, amounts in their decimals."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import xlsxwriter
from xlsxwriter.utility import xl_range

from console.i18n import Texts
from console.report import figures
from console.report.tables import Cell

_RISKY = ("=", "+", "-", "@", "|", "%")
"""A text that begins so (after spaces, or in full width, too) may become a formula when somebody edits the cell."""
_UNSEEN = " \t\r\n\x0b\x0c\u00a0\u200b\u200c\u200d\u2060\ufeff\u3000"
_LONGEST_TEXT, _LONGEST_URL, _MOST_LINKS = 32_000, 2_000, 60_000
TOP = 3
"""The row of the column heads: above it title, date and a blank line."""


def is_risky(text: str) -> bool:
    """Whether a spreadsheet might take the text for a formula."""
    return text.startswith(("\t", "\r", "\n")) or normalize("NFKC", text.lstrip(_UNSEEN)[:1]).startswith(_RISKY)


class Column(NamedTuple):
    """A column of a sheet: its head and its width in characters."""

    head: str
    width: int


class Book:
    """A workbook with its formats; texts are always written as texts."""

    def __init__(self, path: Path, words: Texts) -> None:
        options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
        self.book: Any = xlsxwriter.Workbook(str(path), options)
        self.words = words
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._links = 0

    def format(self, **properties: Any) -> Any:
        """A format with these properties, made once."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self.book.add_format({"valign": "top", **properties})
        return self._formats[key]

    def sheet(self, name: str, subtitle: str, columns: Sequence[Column], top: int = TOP) -> Any:
        """A sheet with title, heads and widths; heads stay in sight unless they stand further down, at ``top``."""
        sheet = self.book.add_worksheet(name)
        self.text(sheet, 0, 0, name, bold=True, font_size=14)
        self.text(sheet, 1, 0, subtitle, font_color="#5B6675")
        look = {"bold": True, "bg_color": "#EEF1F6", "bottom": 1, "text_wrap": True}
        for n, column in enumerate(columns):
            self.text(sheet, top, n, column.head, **look)
            sheet.set_column(n, n, column.width)
        sheet.freeze_panes(TOP + 1 if top == TOP else TOP, 1)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        if top == TOP:
            sheet.repeat_rows(TOP)
        sheet.set_footer("&L&A&R&P / &N")
        return sheet

    def text(self, sheet: Any, row: int, column: int, value: Any, **look: Any) -> None:
        """Write a text as text, whatever it begins with."""
        shown = "" if value is None else str(value)[:_LONGEST_TEXT]
        if is_risky(shown):
            look["quote_prefix"] = True
        sheet.write_string(row, column, shown, self.format(**look))

    def count(self, sheet: Any, row: int, column: int, value: int, **look: Any) -> None:
        """Write a whole number."""
        sheet.write_number(row, column, value, self.format(num_format="#,##0", **look))

    def money(self, sheet: Any, row: int, column: int, amount: Any, currency: str | None, **look: Any) -> None:
        """Write an amount with its currency's decimals; nothing for none."""
        if amount is not None:
            sheet.write_number(row, column, Decimal(amount), self.format(num_format=number_format(currency), **look))

    def link(self, sheet: Any, row: int, column: int, url: str, text: str) -> None:
        """Write a text that leads to an address."""
        if len(url) > _LONGEST_URL or self._links >= _MOST_LINKS:
            self.text(sheet, row, column, text)
            return
        self._links += 1
        look = self.format(font_color="#1F5EFF", underline=1)
        if is_risky(text):
            look = self.format(font_color="#1F5EFF", underline=1, quote_prefix=True)
        sheet.write_url(row, column, url, look, string=text[:255])

    def cell(self, sheet: Any, row: int, column: int, cell: Cell, **look: Any) -> None:
        """Write a value as what it is."""
        value = cell.value
        if value is None:
            return
        if isinstance(value, str):
            if cell.url is not None:
                self.link(sheet, row, column, cell.url, value)
            else:
                self.text(sheet, row, column, value, **look)
        elif cell.currency is not None:
            self.money(sheet, row, column, value, cell.currency, **look)
        else:
            self.count(sheet, row, column, int(value), **look)

    def formula(
        self, sheet: Any, row: int, column: int, formula: str, value: Any, currency: str | None = None, **look: Any
    ) -> None:
        """Write a formula with the value it has now; an amount with ``currency``, else a whole number."""
        shape = number_format(currency) if currency else "#,##0"
        shown = float(value) if isinstance(value, Decimal) else value
        sheet.write_formula(row, column, f"={formula}", self.format(num_format=shape, **look), shown)

    def total(self, sheet: Any, row: int, column: int, first: int, value: Any, currency: str | None = None) -> None:
        """Write the sum of the rows in sight from ``first`` to the one above, with its value."""
        cells = xl_range(first, column, max(row - 1, first), column)
        self.formula(sheet, row, column, f"SUBTOTAL(109,{cells})", value, currency, bold=True, top=1)


def number_format(currency: str | None) -> str:
    """Excel's format of an amount: JPY has no decimals, KWD three; negative ones in red."""
    places = figures.decimals(currency)
    shape = "#,##0" + ("." + "0" * places if places else "")
    return f"{shape};[Red]-{shape}"
