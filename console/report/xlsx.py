"""The report as a workbook: summary, tie-outs, findings, ageing, open items; totals are formulas with their values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from unicodedata import normalize

import xlsxwriter
import xlsxwriter.exceptions
from xlsxwriter.utility import xl_range, xl_rowcol_to_cell

from console.i18n import Texts, texts
from console.report import figures
from console.report.figures import Item, Report

_RISKY = ("=", "+", "-", "@", "|", "%")
"""A text that begins so (after spaces, or in full width, too) may become a formula when somebody edits the cell."""
_UNSEEN = " \t\r\n\x0b\x0c\u00a0\u200b\u200c\u200d\u2060\ufeff\u3000"
_LONGEST_TEXT, _LONGEST_URL, _MOST_LINKS = 32_000, 2_000, 60_000
_TOP = 3
"""The row of the column heads: above it title, date and a blank line."""


def is_risky(text: str) -> bool:
    """Whether a spreadsheet might take the text for a formula."""
    return text.startswith(("\t", "\r", "\n")) or normalize("NFKC", text.lstrip(_UNSEEN)[:1]).startswith(_RISKY)


class Column(NamedTuple):
    """A column of a sheet: its head and its width in characters."""

    head: str
    width: int


class _Book:
    """A workbook in progress with its formats; texts are always written as texts."""

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

    def sheet(self, name: str, subtitle: str, columns: Sequence[Column]) -> Any:
        """A sheet with title, heads that stay in sight, and widths."""
        sheet = self.book.add_worksheet(name)
        self.text(sheet, 0, 0, name, bold=True, font_size=14)
        self.text(sheet, 1, 0, subtitle, font_color="#5B6675")
        look = {"bold": True, "bg_color": "#EEF1F6", "bottom": 1, "text_wrap": True}
        for n, column in enumerate(columns):
            self.text(sheet, _TOP, n, column.head, **look)
            sheet.set_column(n, n, column.width)
        sheet.freeze_panes(_TOP + 1, 1)
        sheet.hide_gridlines(2)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        sheet.repeat_rows(_TOP)
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

    def link(self, sheet: Any, row: int, column: int, record: Item) -> None:
        """Write the record's address as a link, if it has one that a browser may open."""
        url = figures.link(record)
        if url is None:
            return
        if len(url) > _LONGEST_URL or self._links >= _MOST_LINKS:
            self.text(sheet, row, column, url)
            return
        self._links += 1
        look = self.format(font_color="#1F5EFF", underline=1)
        sheet.write_url(row, column, url, look, string=figures.label(record)[:255])

    def total(self, sheet: Any, row: int, column: int, first: int, value: Any, currency: str | None = None) -> None:
        """Write the sum of the rows in sight from ``first`` to the one above, with its value."""
        shape = number_format(currency) if currency else "#,##0"
        formula = f"=SUBTOTAL(109,{xl_range(first, column, max(row - 1, first), column)})"
        sheet.write_formula(row, column, formula, self.format(num_format=shape, bold=True, top=1), value)


def number_format(currency: str | None) -> str:
    """Excel's format of an amount: JPY has no decimals, KWD three; negative ones in red."""
    places = figures.decimals(currency)
    shape = "#,##0" + ("." + "0" * places if places else "")
    return f"{shape};[Red]-{shape}"


def write(report: Report, path: Path, locale: str) -> None:
    """Write the workbook. Raises ``OSError`` if the file cannot be written (open in Excel, for instance)."""
    words = texts(locale)
    book = _Book(path, words)
    book.book.set_properties({"title": words("report.title"), "comments": report["schema"]})
    subtitle = " · ".join(
        (
            figures.as_of(report, words),
            words("report.period", period=report["period"]),
            words("report.base", currency=report["base_currency"]),
        )
    )
    for fill in (_summary, _tie_outs, _findings, _ageing, _open_items):
        fill(book, report, subtitle)
    try:
        book.book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        reason = error.args[0] if error.args else error
        raise reason if isinstance(reason, OSError) else OSError(str(reason)) from error


def _heads(book: _Book, *columns: tuple[str, int], base: str = "") -> list[Column]:
    return [Column(book.words(f"column.{name}", currency=base), width) for name, width in columns]


def _summary(book: _Book, report: Report, subtitle: str) -> None:
    words, base = book.words, report["base_currency"]
    names = (("stage", 24), ("department", 24), ("errors", 11), ("warnings", 11), ("infos", 11), ("base_amount", 20))
    sheet = book.sheet(words("section.summary"), subtitle, _heads(book, *names, base=base))
    row = first = _TOP + 1
    for stage, department, found in figures.by_stage(report):
        book.text(sheet, row, 0, words.name("stage", stage))
        book.text(sheet, row, 1, words.name("department", department))
        for n, severity in enumerate(figures.SEVERITIES):
            book.count(sheet, row, 2 + n, found.counts[severity])
        book.money(sheet, row, 5, found.base, base)
        row += 1
    everything = figures.total(report)
    book.text(sheet, row, 0, words("column.total"), bold=True, top=1)
    book.text(sheet, row, 1, "", top=1)
    for n, severity in enumerate(figures.SEVERITIES):
        book.total(sheet, row, 2 + n, first, everything.counts[severity])
    book.total(sheet, row, 5, first, everything.base, base)
    row += 2
    if everything.unconverted:
        book.text(sheet, row, 0, words("report.unconverted", count=everything.unconverted, currency=base))
        row += 2
    agree, left, right = figures.agreement(report["tie_outs"])
    share = figures.percent(figures.agreeing(report["tie_outs"]))
    note = words("card.agreement_note", agree=f"{agree:,}", left=f"{left:,}", right=f"{right:,}")
    moved = words("card.movement_note", **{name: f"{number:,}" for name, number in report["roll_forward"].items()})
    for title, said in ((words("card.agreement"), f"{share}  ({note})"), (words("card.movement"), moved)):
        book.text(sheet, row, 0, title, bold=True)
        book.text(sheet, row, 1, said)
        row += 1


def _tie_outs(book: _Book, report: Report, subtitle: str) -> None:
    """Count and amount of every part; the control columns are formulas that must come to nothing."""
    words = book.words
    parts = ("left", "matched_left", "unmatched_left", "excluded_left")
    columns = _heads(book, ("name", 30), ("currency", 10))
    for side in ("left", "right"):
        for name in (part.replace("left", side) for part in parts):
            head = words(f"column.{name}")
            columns += [Column(f"{head}\n{words('column.count')}", 10), Column(f"{head}\n{words('column.amount')}", 18)]
        columns.append(Column(words(f"column.control_{side}"), 12))
    columns.append(Column(words("column.foots"), 10))
    sheet = book.sheet(words("section.tie_outs"), subtitle, columns)
    sheet.freeze_panes(_TOP + 1, 2)
    items = figures.tie_outs(report)
    for row, item in enumerate(items, _TOP + 1):
        book.text(sheet, row, 0, words.name("tie_out", item["name"]))
        book.text(sheet, row, 1, item["currency"])
        for start, side in ((2, "left"), (11, "right")):
            _side(book, sheet, row, start, item, side)
        book.text(sheet, row, 20, words("report.adds_up" if item["foots"] else "report.does_not"))
    sheet.autofilter(_TOP, 0, _TOP + max(len(items), 1), len(columns) - 1)


def _side(book: _Book, sheet: Any, row: int, start: int, item: Item, side: str) -> None:
    """The side, what agrees, what is open, what is excluded, and the control: side − agree − open − excluded."""
    matched = {"count": item["matched"]["count"], "amount": item["matched"][f"{side}_amount"]}
    parts = (item[side], matched, item[f"unmatched_{side}"], item[f"excluded_{side}"])
    for n, part in enumerate(parts):
        book.count(sheet, row, start + 2 * n, part["count"])
        book.money(sheet, row, start + 2 * n + 1, part["amount"], item["currency"])
    cells = [xl_rowcol_to_cell(row, start + 2 * n + 1) for n in range(4)]
    amounts = [Decimal(part["amount"]) for part in parts]
    rest = amounts[0] - sum(amounts[1:], Decimal(0))
    shape = book.format(num_format=number_format(item["currency"]))
    places = figures.decimals(item["currency"])
    formula = f"=ROUND({cells[0]}-{cells[1]}-{cells[2]}-{cells[3]},{places})"
    sheet.write_formula(row, start + 8, formula, shape, float(rest))


def _findings(book: _Book, report: Report, subtitle: str) -> None:
    words, base = book.words, report["base_currency"]
    names = (
        *(("severity", 10), ("stage", 13), ("department", 17), ("check", 28), ("what", 60), ("action", 50)),
        *(("records", 30), ("amount", 16), ("currency", 10), ("base_amount", 18), ("age_days", 10), ("since", 12)),
        *(("first_seen", 12), ("status", 11), ("assignee", 16), ("reason", 30), ("approver", 16)),
        *(("waived_until", 12), ("id", 24)),
    )
    sheet = book.sheet(words("section.findings"), subtitle, _heads(book, *names, base=base))
    findings = report["findings"]
    first = _TOP + 1
    for row, item in enumerate(findings, first):
        for column, value in enumerate(_described(item, words)):
            wrap = {"text_wrap": True} if column in (4, 5, 6, 15) else {}
            if value is not None:
                book.text(sheet, row, column, value, **wrap)
        book.money(sheet, row, 7, item["amount"], item["currency"])
        book.money(sheet, row, 9, item["base_amount"], base)
        book.count(sheet, row, 10, item["age_days"])
    last = first + len(findings)
    sheet.autofilter(_TOP, 0, max(last - 1, _TOP + 1), len(names) - 1)
    if findings:
        book.text(sheet, last, 0, words("column.total"), bold=True, top=1)
        book.total(sheet, last, 9, first, figures.total(report).base, base)


def _described(item: Item, words: Texts) -> Iterable[str | None]:
    """The texts of a finding's row; ``None`` where a number goes."""
    yield words.name("severity", item["severity"])
    yield words.name("stage", item["stage"])
    yield words.name("department", item["department"])
    yield item.get("title") or item["check"]
    yield item["explanation"]
    yield item["action"]
    yield "\n".join(figures.label(record) for record in item["records"])
    yield None
    yield item["currency"] or ""
    yield from (None, None)
    yield item.get("since") or ""
    yield item["first_seen"][:10]
    yield words.name("status", item["status"])
    for name in ("assignee", "reason", "approver", "waived_until"):
        yield item.get(name) or ""
    yield item["id"]


def _ageing(book: _Book, report: Report, subtitle: str) -> None:
    """Stages down, ages across: money in the base currency, and how many."""
    words, base = book.words, report["base_currency"]
    columns = _heads(book, ("stage", 24))
    for name, _, _ in figures.BUCKETS:
        days = words("ageing.days", range=figures.days(name))
        columns += [Column(f"{days}\n{words('column.findings')}", 11), Column(f"{days}\n{base}", 17)]
    columns += [Column(words("column.findings"), 11), Column(words("column.base_amount", currency=base), 19)]
    sheet = book.sheet(words("section.ageing"), subtitle, columns)
    row = first = _TOP + 1
    by_stage: dict[str, list[Item]] = {}
    for item in report["findings"]:
        by_stage.setdefault(item["stage"], []).append(item)
    for stage in dict.fromkeys(stage for stage, _, _ in figures.by_stage(report)):
        book.text(sheet, row, 0, words.name("stage", stage))
        ages = figures.by_age(by_stage[stage])
        for n, found in enumerate(ages.values()):
            book.count(sheet, row, 1 + 2 * n, found.count)
            book.money(sheet, row, 2 + 2 * n, found.base, base)
        _across(book, sheet, row, list(ages.values()), base)
        row += 1
    if row > first:
        book.text(sheet, row, 0, words("column.total"), bold=True, top=1)
        ages = figures.by_age(report["findings"])
        everything = figures.total(report)
        for n, found in enumerate((*ages.values(), everything)):
            book.total(sheet, row, 1 + 2 * n, first, found.count)
            book.total(sheet, row, 2 + 2 * n, first, found.base, base)


def _across(book: _Book, sheet: Any, row: int, ages: Sequence[figures.Sum], base: str) -> None:
    last = 1 + 2 * len(ages)
    sums = ((0, sum(item.count for item in ages), "#,##0"), (1, sum(item.base for item in ages), number_format(base)))
    for offset, value, shape in sums:
        cells = "+".join(xl_rowcol_to_cell(row, 1 + offset + 2 * n) for n in range(len(ages)))
        sheet.write_formula(row, last + offset, f"={cells}", book.format(num_format=shape, bold=True), float(value))


def _open_items(book: _Book, report: Report, subtitle: str) -> None:
    """One row for every record that a finding is about, with the way to it."""
    words = book.words
    names = (
        *(("number", 34), ("entity", 14), ("system", 14), ("link", 34), ("source_id", 38), ("check", 28)),
        *(("severity", 10), ("department", 17), ("amount", 16), ("currency", 10), ("age_days", 10), ("id", 24)),
    )
    sheet = book.sheet(words("section.open_items"), subtitle, _heads(book, *names))
    row = _TOP + 1
    for item in report["findings"]:
        for record in item["records"]:
            book.text(sheet, row, 0, figures.label(record))
            book.text(sheet, row, 1, words.name("entity", record["entity"]))
            book.text(sheet, row, 2, record["system"])
            book.link(sheet, row, 3, record)
            book.text(sheet, row, 4, record["source_id"])
            book.text(sheet, row, 5, item.get("title") or item["check"])
            book.text(sheet, row, 6, words.name("severity", item["severity"]))
            book.text(sheet, row, 7, words.name("department", item["department"]))
            book.money(sheet, row, 8, item["amount"], item["currency"])
            book.text(sheet, row, 9, item["currency"] or "")
            book.count(sheet, row, 10, item["age_days"])
            book.text(sheet, row, 11, item["id"])
            row += 1
    sheet.autofilter(_TOP, 0, max(row - 1, _TOP + 1), len(names) - 1)
