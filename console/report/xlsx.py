"""The report as a workbook: what is summed is a formula over the rows it comes from, with the value it has now.

Every sheet of rows is a table of ``console.report.tables``; the sums over them are ``SUMIFS``, ``COUNTIFS`` and
``SUBTOTAL``, so that they follow when somebody corrects a row. The same report always gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import xlsxwriter.exceptions
from xlsxwriter.utility import xl_range_abs, xl_rowcol_to_cell

from console.i18n import Texts, texts
from console.report import figures, tables
from console.report.book import TOP, Book, Column, number_format
from console.report.cards import Card, cards, of_month
from console.report.figures import Item, Report
from console.report.tables import BUCKETS, MOVED, Cell, Table

FIRST = TOP + 1
"""The first row of what a sheet shows."""


def write(report: Report, path: Path, locale: str) -> None:
    """Write the workbook. Raises ``OSError`` if the file cannot be written (open in Excel, for instance)."""
    words = texts(locale)
    book = Book(path, words)
    made = datetime.fromisoformat(report["as_of"]).replace(tzinfo=None)
    company = report.get("company", "")
    told = {"title": words("report.title"), "company": company, "comments": report["schema"], "created": made}
    book.book.set_properties(told)
    sheets: tuple[tuple[Callable[[Book, Report, str], None], str], ...] = (
        *((_summary, ""), (_periods, "period_tie_outs"), (_movements, "movements"), (_adjustments, "adjustments")),
        *((_settled, "settled"), (_ageing, "receivables_ageing"), (_receivables, "receivables"), (_cash, "cash")),
        *((_tie_outs, "tie_outs"), (_findings, "findings"), (_finding_ages, "ageing"), (_open_items, "open_items")),
        (_sign_offs, "sign_offs"),
    )
    for fill, what in sheets:
        fill(book, report, _subtitle(report, words, what))
    try:
        book.book.close()
    except xlsxwriter.exceptions.FileCreateError as error:
        reason = error.args[0] if error.args else error
        raise reason if isinstance(reason, OSError) else OSError(str(reason)) from error


def _subtitle(report: Report, words: Texts, what: str) -> str:
    """What a sheet shows, of which time; on the summary, as of when and of which month all of it is."""
    signed = report.get("sign_off")
    at = figures.local_time({**report, "as_of": signed["closed_at"] if signed else report["as_of"]})
    named = {"period": report["period"], "day": report["receivables"]["as_at"], "at": at}
    whole = (figures.as_of(report, words), words("report.period", period=report["period"]))
    about = (words(f"sheet_note.{what}", **named),) if what else whole
    first = filter(None, [report.get("company", ""), figures.withdrawn(report, words)])
    return " · ".join((*first, *about, words("report.base", currency=report["base_currency"])))


def _sheet(book: Book, table: Table, subtitle: str, more: Sequence[Column] = (), wrapped: Sequence[int] = ()) -> Any:
    """A sheet with the rows of a table; ``more`` columns follow them."""
    columns = [Column(head, width) for head, width in zip(table.heads, table.widths, strict=True)]
    sheet = book.sheet(table.title, subtitle, [*columns, *more])
    for row, cells in enumerate(table.rows, FIRST):
        for column, cell in enumerate(cells):
            look = {"text_wrap": True} if column in wrapped else {}
            book.cell(sheet, row, column, cell, **look)
    last = FIRST + max(len(table.rows), 1) - 1
    sheet.autofilter(TOP, 0, last, len(columns) + len(more) - 1)
    return sheet


def _at(words: Texts, section: str, column: int, rows: int) -> str:
    """The cells of a column in another sheet."""
    name = words(f"section.{section}").replace("'", "''")
    return f"'{name}'!{xl_range_abs(FIRST, column, FIRST + max(rows, 1) - 1, column)}"


# -- the sheets


def _summary(book: Book, report: Report, subtitle: str) -> None:
    """The figures of the month; behind them everything until its day, with who has to act, counted over findings."""
    words, base = book.words, report["base_currency"]
    month = list(of_month(report, words))
    top = TOP + 1 + sum(len(card.get("amounts", [card])) for card in month) + 2
    names = (("stage", 24), ("department", 24), ("errors", 11), ("warnings", 11), ("infos", 11), ("base_amount", 20))
    heads = [Column(words(f"column.{name}", currency=base), width) for name, width in names]
    sheet = book.sheet(words("section.summary"), subtitle, heads, top)
    book.text(sheet, TOP, 0, words("section.of_month", period=report["period"]), bold=True)
    row = FIRST
    for card in month:
        row = _card(book, sheet, row, card)
    book.text(sheet, top - 1, 0, words("section.of_day", at=figures.local_time(report)), bold=True)
    outstanding = figures.tally(report["findings"])
    row = _who_has_to_act(book, sheet, report, outstanding, top + 1) + 1
    for said in figures.remarks(outstanding, base, words):
        book.text(sheet, row, 0, said)
        row += 1
    told = {words("card.agreement"), words("card.movement")}  # what is not in the table above
    for card in (card for card in cards(report, outstanding, words) if card["title"] in told):
        row = _card(book, sheet, row, card)


def _who_has_to_act(book: Book, sheet: Any, report: Report, outstanding: figures.Tally, first: int) -> int:
    """Findings by stage and department, from the row ``first`` on, and their sums. Returns the row after them."""
    words, base, count = book.words, report["base_currency"], len(report["findings"])
    severities, stages, departments = (_at(words, "findings", column, count) for column in (0, 1, 2))
    amounts = _at(words, "findings", _BASE_AMOUNT, count)
    row = first
    for stage, department, found in outstanding.by_stage:
        book.text(sheet, row, 0, words.name("stage", stage))
        book.text(sheet, row, 1, words.name("department", department))
        own = f"{stages},$A{row + 1},{departments},$B{row + 1}"
        for n, severity in enumerate(figures.SEVERITIES):
            formula = f'COUNTIFS({own},{severities},"{words.name("severity", severity)}")'
            book.formula(sheet, row, 2 + n, formula, found.counts[severity])
        book.formula(sheet, row, 5, f"SUMIFS({amounts},{own})", found.base, base)
        row += 1
    everything = outstanding.total
    book.text(sheet, row, 0, words("column.total"), bold=True, top=1)
    book.text(sheet, row, 1, "", top=1)
    for n, severity in enumerate(figures.SEVERITIES):
        book.total(sheet, row, 2 + n, first, everything.counts[severity])
    book.total(sheet, row, 5, first, everything.base, base)
    return row + 1


def _card(book: Book, sheet: Any, row: int, card: Card) -> int:
    """One figure; of money a row for each currency, with its amount as a number. Returns the row after it."""
    book.text(sheet, row, 0, card["title"])
    if "amounts" not in card:
        book.text(sheet, row, 1, f"{card['figure']}  ({card['note']})" if card["note"] else card["figure"])
        return row + 1
    for currency, amount in card["amounts"]:
        book.text(sheet, row, 1, currency)
        book.cell(sheet, row, 5, Cell(amount, currency))
        row += 1
    return row


def _tie_outs(book: Book, report: Report, subtitle: str) -> None:
    items = figures.tie_outs(report)
    _tied(book, tables.tie_outs(report, book.words), subtitle, [(item["currency"], item) for item in items], 2)


def _periods(book: Book, report: Report, subtitle: str) -> None:
    table = tables.period_tie_outs(report, book.words)
    base = report["base_currency"]
    ordered = sorted(report["period_tie_outs"], key=lambda item: figures.order(item["name"], item["currency"], base))
    items = [(item["currency"], item[which]) for item in ordered for which in ("movement", "to_date")]
    _tied(book, table, subtitle, items, 3)


def _tied(book: Book, table: Table, subtitle: str, items: Sequence[tuple[str, Item]], start: int) -> None:
    """Count and amount of every part; the control columns are formulas that must come to nothing."""
    words = book.words
    more = [
        *(Column(words(f"column.control_{side}"), 12) for side in ("left", "right")),
        Column(words("column.foots"), 10),
    ]
    sheet = _sheet(book, table, subtitle, more)
    sheet.freeze_panes(FIRST, start)
    for row, (currency, parts) in enumerate(items, FIRST):
        rests = []
        for n, side in enumerate(("left", "right")):
            cells = [xl_rowcol_to_cell(row, start + 8 * n + 2 * part + 1) for part in range(4)]
            matched = Decimal(parts["matched"][f"{side}_amount"])
            whole = Decimal(parts[side]["amount"])
            rest = (
                whole - matched - sum(Decimal(parts[f"{name}_{side}"]["amount"]) for name in ("unmatched", "excluded"))
            )
            formula = f"ROUND({cells[0]}-{cells[1]}-{cells[2]}-{cells[3]},{figures.decimals(currency)})"
            book.formula(sheet, row, start + 16 + n, formula, rest, currency)
            rests.append(rest)
        book.text(sheet, row, start + 18, words("report.does_not" if any(rests) else "report.adds_up"))


def _movements(book: Book, report: Report, subtitle: str) -> None:
    """Closing and what is open now are formulas over what came before them."""
    table = tables.movements(report, book.words)
    sheet = _sheet(book, table, subtitle)
    for row, cells in enumerate(table.rows, FIRST):
        at = {name: xl_rowcol_to_cell(row, 3 + n) for n, name in enumerate(MOVED)}
        added = f"{at['documents']}+{at['adjustments']}"
        closing, open_now = (cells[3 + MOVED.index(name)] for name in ("closing", "open_now"))
        places = figures.decimals(closing.currency)
        closes = f"ROUND({at['opening']}+{added},{places})"
        stays = f"ROUND({at['open_before']}+{added}-{at['settled']},{places})"
        book.formula(sheet, row, 3 + MOVED.index("closing"), closes, closing.value, closing.currency, bold=True)
        book.formula(sheet, row, 3 + MOVED.index("open_now"), stays, open_now.value, open_now.currency, bold=True)


def _adjustments(book: Book, report: Report, subtitle: str) -> None:
    """The difference is a formula."""
    table = tables.adjustments(report, book.words)
    sheet = _sheet(book, table, subtitle)
    last = len(table.heads) - 1
    for row, cells in enumerate(table.rows, FIRST):
        old, new = (xl_rowcol_to_cell(row, column) for column in (last - 2, last - 1))
        currency = cells[last].currency
        formula = f"ROUND({new}-{old},{figures.decimals(currency)})"
        book.formula(sheet, row, last, formula, cells[last].value, currency)


def _settled(book: Book, report: Report, subtitle: str) -> None:
    _sheet(book, tables.settled(report, book.words), subtitle)


def _ageing(book: Book, report: Report, subtitle: str) -> None:
    """Each customer's money by age is summed over the sheet of open documents; below, the same for each currency."""
    words = book.words
    table = tables.ageing(report, words)
    count = len(report["receivables"]["items"])
    lines, buckets, currencies, amounts = (_at(words, "receivables", column, count) for column in (0, 7, 8, 9))
    sheet = _sheet(book, table, subtitle)
    names = (*BUCKETS, "credits")
    for row, cells in enumerate(table.rows, FIRST):
        currency = str(cells[4].value)
        book.formula(sheet, row, 5, f"COUNTIFS({lines},$A{row + 1})", cells[5].value)
        for n, name in enumerate(names):
            formula = f'SUMIFS({amounts},{lines},$A{row + 1},{buckets},"{words(f"column.due_{name}")}")'
            book.formula(sheet, row, 6 + n, formula, cells[6 + n].value, currency)
        own = "+".join(xl_rowcol_to_cell(row, 6 + n) for n in range(len(names)))
        rounded = f"ROUND({own},{figures.decimals(currency)})"
        book.formula(sheet, row, 6 + len(names), rounded, cells[6 + len(names)].value, currency, bold=True)
    row = FIRST + max(len(table.rows), 1) + 1
    for whole in report["receivables"]["ageing"]:
        currency = whole["currency"]
        book.text(sheet, row, 0, words("column.total"), bold=True)
        book.text(sheet, row, 4, currency, bold=True)
        book.formula(sheet, row, 5, f'COUNTIFS({currencies},"{currency}")', whole["documents"], None, bold=True)
        for n, name in enumerate((*names, "total")):
            column = xl_range_abs(FIRST, 6 + n, FIRST + max(len(table.rows), 1) - 1, 6 + n)
            own = xl_range_abs(FIRST, 4, FIRST + max(len(table.rows), 1) - 1, 4)
            formula = f'SUMIFS({column},{own},"{currency}")'
            book.formula(sheet, row, 6 + n, formula, Decimal(whole[name]), currency, bold=True)
        row += 1


def _receivables(book: Book, report: Report, subtitle: str) -> None:
    _sheet(book, tables.receivables(report, book.words), subtitle)


def _cash(book: Book, report: Report, subtitle: str) -> None:
    """Each receipt foots; below, the sums of each currency."""
    words = book.words
    table = tables.cash(report, words)
    sheet = _sheet(book, table, subtitle, wrapped=(9, 10, 11))
    for row, cells in enumerate(table.rows, FIRST):  # applied is what is neither a difference nor left
        amount, differences, left = (xl_rowcol_to_cell(row, column) for column in (5, 7, 8))
        currency = str(cells[4].value)
        formula = f"ROUND({amount}-{differences}-{left},{figures.decimals(currency)})"
        book.formula(sheet, row, 6, formula, cells[6].value, currency)
    row = FIRST + max(len(table.rows), 1) + 1
    for whole in report["cash"]["totals"]:
        currency = whole["currency"]
        book.text(sheet, row, 0, words("column.total"), bold=True)
        book.text(sheet, row, 4, currency, bold=True)
        own = xl_range_abs(FIRST, 4, FIRST + max(len(table.rows), 1) - 1, 4)
        for column, name in enumerate(tables.CASH, 5):
            amounts = xl_range_abs(FIRST, column, FIRST + max(len(table.rows), 1) - 1, column)
            formula = f'SUMIFS({amounts},{own},"{currency}")'
            book.formula(sheet, row, column, formula, Decimal(whole[name]), currency, bold=True)
        row += 1


_AMOUNT, _BASE_AMOUNT, _AGE = 8, 10, 12
"""Columns of the findings."""


def _findings(book: Book, report: Report, subtitle: str) -> None:
    words = book.words
    table = tables.findings(report, words)
    sheet = _sheet(book, table, subtitle, wrapped=(4, 5, 6, 19, 22, 23))
    if table.rows:
        last = FIRST + len(table.rows)
        book.text(sheet, last, 0, words("column.total"), bold=True, top=1)
        base = report["base_currency"]
        book.total(sheet, last, _BASE_AMOUNT, FIRST, figures.tally(report["findings"]).total.base, base)


def _finding_ages(book: Book, report: Report, subtitle: str) -> None:
    """Stages down, ages across, counted over the sheet of findings: how many, and money in the base currency."""
    words, base, count = book.words, report["base_currency"], len(report["findings"])
    columns = [Column(words("column.stage"), 24)]
    for name, _, _ in figures.BUCKETS:
        days = words("ageing.days", range=figures.days(name))
        columns += [Column(f"{days}\n{words('column.findings')}", 11), Column(f"{days}\n{base}", 17)]
    columns += [Column(words("column.findings"), 11), Column(words("column.base_amount", currency=base), 19)]
    sheet = book.sheet(words("section.ageing"), subtitle, columns)
    stages, amounts, ages = (_at(words, "findings", column, count) for column in (1, _BASE_AMOUNT, _AGE))
    by_stage: dict[str, list[Item]] = {}
    for item in report["findings"]:
        by_stage.setdefault(item["stage"], []).append(item)
    row = FIRST
    whole = figures.tally(report["findings"])
    for stage in whole.stages:
        book.text(sheet, row, 0, words.name("stage", stage))
        found = figures.tally(by_stage[stage]).by_age
        for n, (name, first, last) in enumerate(figures.BUCKETS):
            until = "" if last is None else f',{ages},"<={last}"'
            own = f'{stages},$A{row + 1},{ages},">={first}"{until}'
            book.formula(sheet, row, 1 + 2 * n, f"COUNTIFS({own})", found[name].count)
            book.formula(sheet, row, 2 + 2 * n, f"SUMIFS({amounts},{own})", found[name].base, base)
        _across(book, sheet, row, list(found.values()), base)
        row += 1
    if row > FIRST:
        book.text(sheet, row, 0, words("column.total"), bold=True, top=1)
        for n, found_in in enumerate((*whole.by_age.values(), whole.total)):
            book.total(sheet, row, 1 + 2 * n, FIRST, found_in.count)
            book.total(sheet, row, 2 + 2 * n, FIRST, found_in.base, base)


def _across(book: Book, sheet: Any, row: int, ages: Sequence[figures.Sum], base: str) -> None:
    last = 1 + 2 * len(ages)
    counts, amounts = (
        "+".join(xl_rowcol_to_cell(row, 1 + offset + 2 * n) for n in range(len(ages))) for offset in (0, 1)
    )
    book.formula(sheet, row, last, counts, sum(item.count for item in ages), bold=True)
    whole = sum((item.base for item in ages), Decimal(0))
    book.formula(sheet, row, last + 1, f"ROUND({amounts},{figures.decimals(base)})", whole, base, bold=True)


def _open_items(book: Book, report: Report, subtitle: str) -> None:
    _sheet(book, tables.open_items(report, book.words), subtitle)


def _sign_offs(book: Book, report: Report, subtitle: str) -> None:
    _sheet(book, tables.sign_offs(report, book.words), subtitle)


__all__ = ["number_format", "write"]
