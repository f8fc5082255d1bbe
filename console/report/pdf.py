"""The report as a PDF for the file: what was tied out and signed, with the findings; on A4, with its fonts inside.

Set with fpdf2 in Noto Sans SC, which has Latin and Chinese. The same report always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from fpdf import FPDF, FontFace
from fpdf.enums import MethodReturnValue, TableBordersLayout, TextEmphasis
from fpdf.fonts import TTFFont

from console.i18n import Texts, texts
from console.report import figures, tables
from console.report.cards import began_later, cards, later_note, month_first, moved_note, of_month
from console.report.figures import Item, Report
from console.report.tables import Cell

MOST_FINDINGS = 500
"""More make a file that nobody reads; the workbook holds all of them."""
_FONT = "noto"
_PADDING = 3.5
"""Millimetres around the text of a cell."""
_LINE = 4
"""Millimetres from one line of a table to the next."""
_HEAD, _ROW = 28, 5.5
"""Millimetres for the head of a section with its first rows, and for one more row."""
_OF_NOTE = 5
"""So many rows are as high as the note above a table."""
_MOST_LINES = 30
"""A cell that needs more goes on in further rows: a row that is higher than a page cannot be set."""
_SHORT = 120
"""No column is so narrow that a text of so few characters needs that many lines."""
_GREY, _PALE = (91, 102, 117), (238, 241, 246)


class _Paper(FPDF):
    """Pages with the report's name and the number of the page at their foot."""

    def __init__(self, foot: str) -> None:
        super().__init__(orientation="landscape", format="A4")
        from pylopdf_fonts_zh_cn import sans_path

        self._foot = foot
        self.set_margin(12)
        self.set_auto_page_break(True, margin=16)
        self.add_font(_FONT, fname=sans_path())
        self.set_font(_FONT, size=9)
        self.add_page()

    def finished(self) -> bytes:
        """The file; nothing can be added after it. fpdf2 leaves the font's file open."""
        try:
            return bytes(self.output())
        finally:
            for font in self.fonts.values():
                if isinstance(font, TTFFont):
                    font.ttfont.close()

    def footer(self) -> None:
        """Called by fpdf2 at the end of each page."""
        self.set_y(-12)
        self.set_font(_FONT, size=7)
        self.set_text_color(*_GREY)
        self.cell(w=0, h=5, text=self._foot)
        self.set_x(-30)
        self.cell(w=18, h=5, text=f"{self.page_no()}", align="R")
        self.set_text_color(0, 0, 0)

    def say(self, text: str, size: float = 9, grey: bool = False) -> None:
        """A paragraph."""
        self.set_font(_FONT, size=size)
        if grey:
            self.set_text_color(*_GREY)
        self.multi_cell(w=0, h=size * 0.55, text=printable(text), align="L", new_x="LMARGIN", new_y="NEXT")
        self.set_text_color(0, 0, 0)

    def head(self, text: str, rows: int = 0) -> None:
        """The head of a section, never alone at the end of a page; with so many ``rows``, if one page holds them."""
        whole = _HEAD + rows * _ROW
        if self.will_page_break(whole if whole <= self.eph else _HEAD):
            self.add_page()
        self.ln(4)
        self.say(text, 12)
        self.ln(1)

    def rows(
        self, heads: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[Cell]], amounts: Collection[int] = ()
    ) -> None:
        """A table with rows; numbers and the columns of ``amounts`` stand at the right, heads are repeated on each
        page. What is too long for one row goes on in the next."""
        self.set_font(_FONT, size=7)
        roomy = self._roomy(heads, widths, rows)
        look = FontFace(emphasis=TextEmphasis.NONE, fill_color=_PALE)
        layout = TableBordersLayout.HORIZONTAL_LINES
        with self.table(
            col_widths=roomy,
            borders_layout=layout,
            headings_style=look,
            line_height=_LINE,
            padding=0.6,
        ) as table:
            row = table.row()
            for n, head in enumerate(heads):
                row.cell(head, align="R" if n in amounts else _side(rows[0][n]))
            for cells in rows:
                for part in self._parts([shown(cell) for cell in cells], roomy):
                    row = table.row()
                    for n, (cell, text) in enumerate(zip(cells, part, strict=True)):
                        row.cell(text, align="R" if n in amounts else _side(cell), link=cell.url)

    def _parts(self, cells: Sequence[str], widths: Sequence[float]) -> Iterator[list[str]]:
        """The texts of a row, in as many rows as the longest needs; those that end before are empty there."""
        rest, first = list(cells), True
        while first or any(rest):
            part, first = [], False
            for n, text in enumerate(rest):
                if len(text) <= _SHORT and text.count("\n") < _MOST_LINES:
                    part.append(text)
                    rest[n] = ""
                    continue
                lines: Any = self.multi_cell(
                    w=max(widths[n] - _PADDING, 1), h=_LINE, text=text, dry_run=True, output=MethodReturnValue.LINES
                )
                fitting = len(lines) <= _MOST_LINES
                part.append(text if fitting else "\n".join(lines[:_MOST_LINES]))
                rest[n] = "" if fitting else "\n".join(lines[_MOST_LINES:])
            yield part

    def _roomy(self, heads: Sequence[str], widths: Sequence[int], rows: Sequence[Sequence[Cell]]) -> tuple[float, ...]:
        """The widths in mm, so wide that no word of a head and no number is torn; what is wider gives of its own."""
        least = [max(map(self.get_string_width, printable(head).split()), default=0.0) for head in heads]
        for cells in rows:
            for n, cell in enumerate(cells):
                if isinstance(cell.value, int | Decimal):
                    least[n] = max(least[n], self.get_string_width(shown(cell)))
        least = [width + _PADDING for width in least]
        whole = sum(widths)
        found = [self.epw * width / whole for width in widths]
        lacking = sum(max(need - have, 0) for need, have in zip(least, found, strict=True))
        spare = sum(max(have - need, 0) for need, have in zip(least, found, strict=True))
        part = min(lacking / spare, 1) if spare else 0
        return tuple(max(need, have) - max(have - need, 0) * part for need, have in zip(least, found, strict=True))


def write(report: Report, path: Path, locale: str) -> None:
    """Write the PDF. Raises ``OSError``."""
    path.write_bytes(render(report, locale))


def render(report: Report, locale: str) -> bytes:
    """The whole file."""
    words = texts(locale)
    paper = _Paper(f"{words('report.title')} · {report['period']} · {report['schema']}")
    paper.set_title(words("report.title"))
    paper.set_creator("LTC Sync")
    paper.set_creation_date(datetime.fromisoformat(report["as_of"]))
    if "company" in report:
        paper.set_author(printable(report["company"]))
        paper.say(report["company"], 11)
    paper.say(words("report.title"), 16)
    withdrawn = figures.withdrawn(report, words)
    if withdrawn:
        paper.say(withdrawn, 11)
    base = report["base_currency"]
    about = (figures.as_of(report, words), words("report.period", period=report["period"]))
    paper.say(" · ".join((*about, words("report.base", currency=base))), grey=True)
    _headline(paper, report, words)
    _signatures(paper, report, words)
    _tied(paper, report, words)
    for table in (tables.movements(report, words), tables.adjustments(report, words), tables.settled(report, words)):
        if table.rows:
            paper.head(table.title)
            paper.rows(table.heads, table.widths, table.rows)
    _owed(paper, report, words)
    _cash(paper, report, words)
    _findings(paper, report, words)
    return paper.finished()


def _side(cell: Cell) -> str:
    return "L" if isinstance(cell.value, str | None) else "R"


def shown(cell: Cell) -> str:
    """A value as people read it."""
    if cell.value is None:
        return ""
    if isinstance(cell.value, Decimal):
        return figures.money(cell.value, cell.currency)
    return f"{cell.value:,}" if isinstance(cell.value, int) else printable(cell.value)


def printable(text: str) -> str:
    """Without what would turn the direction of writing or hide something."""
    return "".join(char if char.isprintable() or char == "\n" else "·" for char in text)


def _headline(paper: _Paper, report: Report, words: Texts) -> None:
    """The headline figures side by side: of the month, then of everything until the report's day."""
    paper.head(words("section.of_month", period=report["period"]))
    _cards(paper, list(of_month(report, words)))
    paper.head(words("section.of_day", at=figures.local_time(report)))
    _cards(paper, list(cards(report, figures.tally(report["findings"]), words)))


def _cards(paper: _Paper, shown: Sequence[Item]) -> None:
    width, top, below = paper.epw / len(shown), paper.get_y(), paper.get_y()
    for place, card in enumerate(shown):
        for name, size, grey in (("title", 8, True), ("figure", 15, False), ("note", 7, True)):
            paper.set_xy(paper.l_margin + place * width, top if name == "title" else paper.get_y())
            paper.set_font(_FONT, size=size)
            paper.set_text_color(*(_GREY if grey else (0, 0, 0)))
            paper.multi_cell(
                w=width - 4, h=size * 0.5, text=printable(card[name]), align="L", new_x="LMARGIN", new_y="NEXT"
            )
        below = max(below, paper.get_y())
    paper.set_text_color(0, 0, 0)
    paper.set_y(below)


def _signatures(paper: _Paper, report: Report, words: Texts) -> None:
    """Who closed and approved it, with the hashes; or lines to sign on."""
    paper.head(words("section.sign_offs"))
    if all(item["period"] != report["period"] for item in report["periods"]):
        paper.say(words("report.not_closed", period=report["period"]))
        paper.ln(6)
        line = "_" * 40
        paper.say(f"{words('column.closed')} {line}      {words('column.approved')} {line}")
    for item in tables.shown_closes(report):
        said = [words.pair(_revision(item, words), words.name("period.status", item["status"]))]
        for what in ("closed", "approved", "reopened"):
            by = tables.signed(report, item, what)
            said += [f"{words(f'column.{what}')} {by}"] if by else []
        if item["close_reason"]:
            said.append(words.pair(words("column.close_reason"), item["close_reason"]))
        if item["reason"]:
            said.append(words.pair(words("period.columns.reason"), item["reason"]))
        paper.say(words.clauses(said))
        counted = words("joined.aside", text=f"{item['records']:,}")
        paper.say(words.pair(words("column.inputs_hash"), f"{item['inputs_hash']}{counted}"), 7, grey=True)
        paper.say(words.pair(words("column.figures_hash"), item["figures_hash"]), 7, grey=True)


def _tied(paper: _Paper, report: Report, words: Texts) -> None:
    """Amounts only: counts are in the workbook."""
    table = tables.period_tie_outs(report, words)
    if not table.rows:
        return
    paper.head(table.title)
    paper.say(words("period_note.tie_outs", period=report["period"]), 8, grey=True)
    paper.ln(1)
    chosen = [0, 1, 2, *range(4, 3 + 16, 2)]
    heads = [table.heads[column].split("\n")[0] for column in chosen]
    widths = [26, 10, 20, *([18] * 8)]
    paper.rows(heads, widths, [[row[column] for column in chosen] for row in table.rows])


def _owed(paper: _Paper, report: Report, words: Texts) -> None:
    aged = (*tables.BUCKETS, "credits", "total")
    rows = [
        [
            *(Cell(item["currency"]), Cell(item["documents"])),
            *(Cell(Decimal(item[name]), item["currency"]) for name in aged),
        ]
        for item in report["receivables"]["ageing"]
    ]
    if rows:
        paper.head(words("section.receivables_ageing"), _OF_NOTE + len(rows))
        paper.say(words("period_note.receivables", day=report["receivables"]["as_at"]), 8, grey=True)
        paper.ln(1)
        heads = [words(f"column.{name}") for name in ("currency", "documents", *(f"due_{name}" for name in aged))]
        paper.rows(heads, [10, 12, *([20] * len(aged))], rows)


def _cash(paper: _Paper, report: Report, words: Texts) -> None:
    """Sums for each currency, and what is left of which receipt."""
    totals, receipts = tables.cash_totals(report, words), tables.cash(report, words)
    if not totals.rows:
        return
    paper.head(totals.title)
    paper.say(words("period_note.cash"), 8, grey=True)
    paper.ln(1)
    paper.rows(totals.heads, [10, 12, 22, 22, 22, 22], totals.rows)
    if len(receipts.rows) > MOST_FINDINGS:
        paper.say(words("report.truncated", shown=MOST_FINDINGS, all=len(receipts.rows)), 8, grey=True)
    paper.ln(2)
    some = receipts.rows[:MOST_FINDINGS]
    widths = dict(zip(tables.CASH_IN_SHORT, (14, 30, 28, 10, 20, 20, 54, 26, 40), strict=True))
    columns = [column for column in widths if any(shown(row[column]) for row in some)]  # a wide one may be empty
    rows = [[row[column] for column in columns] for row in some]
    paper.rows([receipts.heads[column] for column in columns], [widths[column] for column in columns], rows)


def _findings(paper: _Paper, report: Report, words: Texts) -> None:
    base = report["base_currency"]
    paper.head(words("section.findings"))
    paper.say(words.pair(words("card.movement"), moved_note(report, words)))
    for said in figures.remarks(figures.tally(report["findings"]), base, words):
        paper.say(said, 8, grey=True)
    found = month_first(report)
    if not found:
        paper.say(words("report.nothing_open"))
        return
    if note := later_note(report, words):
        paper.say(note, 8, grey=True)
    if len(found) > MOST_FINDINGS:
        paper.say(words("report.truncated", shown=MOST_FINDINGS, all=len(found)), 8, grey=True)
    paper.ln(1)
    heads = ("severity", "department", "what", "records", "amount", "base_amount", "age_days", "status", "owner")
    paper.rows(
        [words(f"column.{name}", currency=base) for name in heads],
        [12, 18, 80, 26, 22, 20, 11, 20, 18],
        [_finding(item, words, base, began_later(item, report)) for item in found[:MOST_FINDINGS]],
        amounts=(4,),
    )


def _revision(item: Item, words: Texts) -> str:
    """Which close of which month."""
    return f"{item['period']}{words('joined.aside', text=item['revision'])}"


def _finding(item: Item, words: Texts, base: str, later: bool) -> list[Cell]:
    amount: Any = item["amount"]
    currency = item["currency"]
    own = "" if amount is None else f"{currency or ''} {figures.money(amount, currency)}".strip()
    notes = [item["reason"] or "", *(words.pair(note["by"], note["text"]) for note in item.get("comments", ()))]
    mark = words("report.later") if later else ""
    what = "\n".join(text for text in (mark, item["explanation"], *notes) if text)
    return [
        *(Cell(words.name("severity", item["severity"])), Cell(words.name("department", item["department"]))),
        *(Cell(what), Cell("\n".join(figures.label(record) for record in item["records"]))),
        *(Cell(own), Cell(None if item["base_amount"] is None else Decimal(item["base_amount"]), base)),
        *(Cell(item["age_days"]), Cell(words.name("status", item["status"])), Cell(item.get("owner"))),
    ]
