"""The report on a terminal: what ties out, who has to act, and the gravest findings with what to do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any

from console.i18n import Texts, texts
from console.report import figures, tables
from console.report.cards import moved_note
from console.report.figures import Item, Report

if TYPE_CHECKING:
    from rich.console import Console

MOST_FINDINGS = 20
_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}
_WIDE = 160


def show(report: Report, locale: str, console: Console) -> None:
    """Print it; without a terminal in lines wide enough for every figure."""
    words = texts(locale)
    if not console.is_terminal:
        console.width = max(console.width, _WIDE)
    if "company" in report:
        _say(console, report["company"])
    _say(console, words("report.title"), "bold")
    at = figures.as_of(report, words)
    _say(console, f"{at} · {words('report.base', currency=report['base_currency'])}")
    _tie_outs(report, words, console)
    _movements(report, words, console)
    _receivables(report, words, console)
    _cash(report, words, console)
    _stages(report, words, console)
    _ages(report, words, console)
    _findings(report, words, console)


def _tie_outs(report: Report, words: Texts, console: Console) -> None:
    _heading(console, words("section.tie_outs"))
    if not report["tie_outs"]:
        _say(console, words("report.no_tie_outs"))
        return
    names = ("name", "currency", "left", "right", "matched", "unmatched_left", "unmatched_right")
    rows: list[list[str]] = []
    for name, group in groupby(figures.tie_outs(report), key=lambda item: str(item["name"])):
        items = list(group)
        agreement = figures.agreement(items)
        title = f"{words.name('tie_out', name)}  {agreement.share}"
        if agreement.waits:
            title += f" · {words('tie_outs.waiting', count=f'{agreement.waits:,}')}"
        for n, item in enumerate(items):
            sides = (item["left"], item["right"], {**item["matched"], "amount": item["matched"]["left_amount"]})
            parts = (*sides, item["unmatched_left"], item["unmatched_right"])
            rows.append([title if not n else "", item["currency"], *(_side(part, item["currency"]) for part in parts)])
    _table(console, [words(f"column.{name}") for name in names], rows, numbers=range(2, 7))


def _side(part: Item, currency: str) -> str:
    return f"{figures.money(part['amount'], currency)} ({part['count']:,})" if part["count"] else "–"


def _movements(report: Report, words: Texts, console: Console) -> None:
    """Of the period: what led from its opening to its closing; and what was changed in closed ones."""
    table = tables.movements(report, words)
    if table.rows:
        _heading(console, f"{table.title} · {words('report.period', period=report['period'])}")
        rows = [[_shown(cell) for cell in row] for row in table.rows]
        _table(console, table.heads, rows, numbers=range(3, 10))
    changed = tables.adjustments(report, words)
    if changed.rows:
        _heading(console, changed.title)
        rows = [[_shown(cell) for cell in row] for row in changed.rows]
        _table(console, changed.heads, rows, numbers=range(8, 11))


def _receivables(report: Report, words: Texts, console: Console) -> None:
    items = report["receivables"]["ageing"]
    if not items:
        return
    _heading(console, f"{words('section.receivables_ageing')} · {report['receivables']['as_at']}")
    aged = (*tables.BUCKETS, "credits", "total")
    heads = [words(f"column.{name}") for name in ("currency", *(f"due_{name}" for name in aged))]
    rows = [[item["currency"], *(figures.money(item[name], item["currency"]) for name in aged)] for item in items]
    _table(console, heads, rows, numbers=range(1, len(heads)))


def _cash(report: Report, words: Texts, console: Console) -> None:
    table = tables.cash_totals(report, words)
    if table.rows:
        _heading(console, table.title)
        _table(console, table.heads, [[_shown(cell) for cell in row] for row in table.rows], numbers=range(1, 6))
        _say(console, words("report.cash_list"))


def _shown(cell: tables.Cell) -> str:
    if isinstance(cell.value, Decimal):
        return figures.money(cell.value, cell.currency)
    return "" if cell.value is None else str(cell.value)


def _stages(report: Report, words: Texts, console: Console) -> None:
    base, outstanding = report["base_currency"], figures.tally(report["findings"])
    _heading(console, words("section.by_stage"))
    if not outstanding.total.count:
        _say(console, words("report.nothing_open"), "green")
        return
    heads = [words(f"column.{name}") for name in ("stage", "department", "errors", "warnings", "infos")]
    rows = [
        [words.name("stage", stage), words.name("department", department), *_counts(found, base)]
        for stage, department, found in outstanding.by_stage
    ]
    rows.append([words("column.total"), "", *_counts(outstanding.total, base)])
    _table(console, [*heads, words("column.base_amount", currency=base)], rows, numbers=range(2, 6))
    for remark in figures.remarks(outstanding, base, words):
        _say(console, remark)
    _say(console, words.pair(words("card.movement"), moved_note(report, words)))


def _counts(found: figures.Sum, base: str) -> list[str]:
    return [*(f"{found.counts[name]:,}" for name in figures.SEVERITIES), figures.money(found.base, base)]


def _ages(report: Report, words: Texts, console: Console) -> None:
    if not report["findings"]:
        return
    base = report["base_currency"]
    _heading(console, words("section.ageing"))
    heads = [words("column.age_days"), words("column.findings"), words("column.base_amount", currency=base)]
    rows = [
        [figures.days(name), f"{found.count:,}", figures.money(found.base, base)]
        for name, found in figures.tally(report["findings"]).by_age.items()
    ]
    _table(console, heads, rows, numbers=range(1, 3))


def _findings(report: Report, words: Texts, console: Console) -> None:
    findings = report["findings"]
    if not findings:
        return
    _heading(console, words("section.findings"))
    for item in figures.gravest(findings)[:MOST_FINDINGS]:
        amount = f"{item['currency'] or ''} {figures.money(item['amount'], item['currency'])}".strip()
        head = [words.name("severity", item["severity"]), words.name("department", item["department"])]
        head += [amount] if item["amount"] is not None else []
        head += [words("ageing.days", range=item["age_days"]), item["id"][:8]]
        _say(console, " · ".join(head), _COLOURS.get(item["severity"], ""))
        _say(console, f"  {item['explanation']}")
        if item["action"]:
            _say(console, f"  → {item['action']}")
    if len(findings) > MOST_FINDINGS:
        _say(console, words("report.more", count=f"{len(findings) - MOST_FINDINGS:,}"))


def _heading(console: Console, text: str) -> None:
    console.print()
    _say(console, text, "bold")


def _say(console: Console, text: str, style: str = "") -> None:
    """Print a text as it is: nothing in it is markup, and nothing steers the terminal."""
    from rich.text import Text

    console.print(Text(_printable(text), style=style), soft_wrap=True)


def _table(console: Console, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[int]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    right = set(numbers)
    table: Any = Table(box=SIMPLE_HEAD, pad_edge=False)
    for n, head in enumerate(heads):
        table.add_column(Text(head), justify="right" if n in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(_printable(text)) for text in row))
    console.print(table)


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "·" for char in text)
