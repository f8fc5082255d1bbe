"""The report as one HTML file that needs nothing else: no server, no network, no scripts from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console.i18n import Texts, texts
from console.pages_named import in_words
from console.report import figures, svg, tables
from console.report.cards import began_later, cards, later_note, month_first, of_month
from console.report.figures import Item, Report, Sum, Tally
from console.report.svg import Part
from console.report.tables import Cell, Table
from reconciliation import behind

MOST_FINDINGS = 2000
"""More make the page slow; the workbook and the JSON hold all of them."""

MOST_ROWS = 500
"""Of every other table."""

_MANY_COLUMNS = 8
OWED = "receivables_by_currency"
"""The section of what customers owe, by age, a row for each currency."""


class Ways(NamedTuple):
    """Where the figures of a page lead to; a file that stands alone has none of it."""

    trace: str = ""
    """The address of the page that traces customers and documents."""
    behind: str = ""
    """The address of the page of the documents behind a part of a tie-out."""
    customer: str = ""
    """The address that leads to the page of a customer."""


NOWHERE = Ways()
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
_SHORT = re.compile(r"\w{1,10}")
PAGE = Path(__file__).parent / "page"


def render(report: Report, locale: str) -> str:
    """The whole page. Every text of the report is escaped; only http(s) addresses become links."""
    words = texts(locale)
    pages = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters["money"] = figures.money
    pages.filters["named"] = lambda sentence: in_words(sentence, words)
    script = _file("script.js")
    # Only this script runs, so a text that got past the escaping would still do nothing.
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    pages.globals.update(t=words, style=_file("style.css"), script=script, script_hash=digest, figures=figures)
    return pages.get_template("report.html.j2").render(_content(report, words))


def _file(name: str) -> Markup:
    return Markup((PAGE / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file


def _content(report: Report, words: Texts) -> dict[str, Any]:
    findings = report["findings"]
    found = figures.tally(findings)
    return {
        **overview(report, found, words),
        "at": figures.local_time(report),
        "month_cards": list(of_month(report, words)),
        "findings_at": "",
        "findings": month_first(report)[:MOST_FINDINGS],
        "began_later": lambda item: began_later(item, report),
        "later_note": later_note(report, words),
        "left_out": len(findings) > MOST_FINDINGS,
        "choices": _choices(found, words),
    }


def overview(report: Report, found: Tally, words: Texts, ways: Ways = NOWHERE) -> dict[str, Any]:
    """What ``page/figures.html.j2`` shows: everything but the findings themselves, of which ``found`` is the sum."""
    return {
        **heading(report, words),
        "cards": list(cards(report, found, words)),
        "remarks": figures.remarks(found, report["base_currency"], words),
        "period_sections": list(period_sections(report, words, ways)),
        "rivers": list(_rivers(report, words)),
        "tie_outs": list(_tie_outs(report, words, ways)),
        "departments": list(_departments(found, words)),
        "ages": list(_ages(found, report["base_currency"], words)),
    }


def heading(report: Report, words: Texts) -> dict[str, Any]:
    """What stands above the figures: as of when and of which period they are, and who signed it."""
    return {
        "report": report,
        "company": report.get("company", ""),
        "base": report["base_currency"],
        "as_of": figures.as_of(report, words),
        "withdrawn": figures.withdrawn(report, words),
        "signed": _signed(report, words),
    }


def _signed(report: Report, words: Texts) -> list[str]:
    """Who signed the report's period, which others were reopened, and why; that nobody signed is said, too."""
    said = []
    if all(item["period"] != report["period"] for item in report["periods"]):
        said.append(words("report.not_closed", period=report["period"]))
    for item in tables.shown_closes(report):
        by = words("report.closed", period=item["period"], by=tables.signed(report, item, "closed"))
        approved, reopened = (tables.signed(report, item, what) for what in ("approved", "reopened"))
        parts = [by, f"{words('column.approved')} {approved}" if approved else words("report.waits")]
        if reopened:
            parts = [*(parts if approved else [by]), f"{words('column.reopened')} {reopened}"]
            parts.append(words.pair(words("period.columns.reason"), item["reason"]))
        if item["close_reason"]:
            parts.append(words.pair(words("column.close_reason"), item["close_reason"]))
        said.append(" · ".join((*parts, f"{words('column.inputs_hash')} {item['inputs_hash'][:16]}…")))
    return said


def period_sections(
    report: Report, words: Texts, ways: Ways = NOWHERE, rates: tables.Rates = tables.NO_RATES
) -> Iterator[dict[str, Any]]:
    """The period and what customers owe: tables that are left out where they are empty.

    Where there are rates, what customers owe is ordered and shown by its worth in the base currency.
    """
    tied = tables.period_tie_outs(report, words)
    amounts = [0, 1, 2, *range(4, 3 + 16, 2)]  # counts are in the workbook
    heads = tuple(tied.heads[n].split("\n")[0] for n in amounts)
    tied = tied._replace(heads=heads, rows=[tuple(row[n] for n in amounts) for row in tied.rows])
    notes = (
        *((tied, "tie_outs"), (tables.movements(report, words), "movements")),
        *((tables.adjustments(report, words), "adjustments"), (tables.settled(report, words), "settled")),
        *((_owed(report, words), "receivables"), (_customers(report, words, rates), "customers")),
        (_documents(report, words, rates), "documents"),
        *((tables.cash_totals(report, words), "cash"), (_receipts(report, words), None)),
    )
    for table, note in notes:
        if table.rows:
            yield _section(report, table, note, words, ways, rates)


def overdue(
    report: Report, words: Texts, ways: Ways = NOWHERE, rates: tables.Rates = tables.NO_RATES
) -> dict[str, Any] | None:
    """What customers owe that is overdue, document by document, the longest first; ``None`` if there is none."""
    items = [item for item in report["receivables"]["items"] if item["overdue_days"] > 0]
    table = _documents({**report, "receivables": {**report["receivables"], "items": items}}, words, rates)
    place = table.heads.index(words("column.overdue_days"))
    rows = sorted(table.rows, key=lambda row: -int(str(row[place].value)))
    numbered = [(Cell(number), *row[1:]) for number, row in enumerate(rows, 1)]
    return _section(report, table._replace(rows=numbered), "overdue", words, ways, rates) if rows else None


def _section(
    report: Report, table: Table, note: str | None, words: Texts, ways: Ways, rates: tables.Rates
) -> dict[str, Any]:
    named = {"period": report["period"], "day": report["receivables"]["as_at"], "currency": report["base_currency"]}
    rows = [_row(row, ways.trace) for row in table.rows[:MOST_ROWS]]
    if ways.customer and table.name in ("receivables_ageing", "receivables"):
        for cells in rows:
            if cells[_CUSTOMER]["trace"]:
                cells[_CUSTOMER]["trace"] = f"{ways.customer}?{urlencode({'text': cells[_CUSTOMER]['text']})}"
    return {
        "id": table.name,
        "title": table.title if note else None,
        "note": words(f"period_note.{note}", **named) if note else None,
        "heads": list(zip(table.heads, _numeric(table), strict=True)),
        "many": len(table.heads) > _MANY_COLUMNS,
        "rows": rows,
        "sums": _sums(report, words, rates) if table.name == "receivables_ageing" else [],
        "left_out": len(table.rows) - MOST_ROWS,
        "all": len(table.rows),
    }


def _documents(report: Report, words: Texts, rates: tables.Rates) -> Table:
    """What customers owe, document by document, numbered as they stand here."""
    table = tables.receivables(report, words, rates)
    return table._replace(rows=[(Cell(number), *row[1:]) for number, row in enumerate(table.rows, 1)])


_CUSTOMER = 1
"""The column of the customer in what is owed."""
_LAST = (5, 2, 3)
"""Of what each customer owes: how many documents, its number and its system, which are wanted least."""


def _amounts_first(cells: Sequence[Any]) -> tuple[Any, ...]:
    """The columns of what each customer owes in another order: who, the currency, all of it, then what makes it up."""
    first = (0, _CUSTOMER, 4, 12, *range(14, len(cells)))
    rest = (place for place in range(len(cells)) if place not in (*first, *_LAST))
    return tuple(cells[place] for place in (*first, *rest, *_LAST))


def _row(cells: Sequence[Cell], trace_at: str) -> list[dict[str, Any]]:
    """Where there is a page that traces, a cell leads to it, and beside it to its own system."""
    return [
        {
            "text": _shown(cell),
            "look": _look(cell),
            "trace": f"{trace_at}?{urlencode({'text': cell.called})}" if trace_at and cell.called else "",
            "url": cell.url,
        }
        for cell in cells
    ]


def _customers(report: Report, words: Texts, rates: tables.Rates) -> Table:
    """What each customer owes, by age, with what of it is matched but not booked; with rates, in the base currency."""
    table, matched = tables.ageing(report, words, rates), tables.matched(report)
    base = report["base_currency"]
    heads = (words("column.matched_not_booked"), *((words("column.due_base", currency=base),) if rates else ()))
    rows = [
        (*row, *_beyond(report, item, matched.get(tables.key(item), Decimal(0)), rates))
        for row, item in zip(table.rows, tables.owing(report, rates), strict=True)
    ]
    title, widths = words("section.receivables_by_customer"), (*table.widths, *(16,) * len(heads))
    return table._replace(
        title=title,
        heads=_amounts_first((*table.heads, *heads)),
        widths=_amounts_first(widths),
        rows=[_amounts_first(row) for row in rows],
    )


def _beyond(report: Report, item: Item, matched: Decimal, rates: tables.Rates) -> Iterator[Cell]:
    """What stands behind the total of a customer or of a currency."""
    yield Cell(matched, item["currency"])
    if rates:
        found = tables.worth(item["total"], item["currency"], report, rates)
        yield Cell("–" if found is None else found, report["base_currency"])


def _sums(report: Report, words: Texts, rates: tables.Rates) -> list[list[dict[str, Any]]]:
    """The last lines of what customers owe: all of each currency, the base currency first."""
    base = report["base_currency"]
    items = sorted(report["receivables"]["ageing"], key=lambda item: (item["currency"] != base, item["currency"]))
    matched: dict[str, Decimal] = {}
    for (currency, *_), amount in tables.matched(report).items():
        matched[currency] = matched.get(currency, Decimal(0)) + amount
    empty = Cell(None)
    return [
        _row(
            _amounts_first(
                (
                    *(empty, Cell(words("column.total")), empty, empty, *_aged(item)),
                    *_beyond(report, item, matched.get(item["currency"], Decimal(0)), rates),
                )
            ),
            "",
        )
        for item in items
    ]


def _receipts(report: Report, words: Texts) -> Table:
    """Without what is applied and what differs, which stands beside what it settles."""
    whole = tables.cash(report, words)
    rows = [tuple(row[n] for n in tables.CASH_IN_SHORT) for row in whole.rows]
    return whole._replace(heads=tuple(whole.heads[n] for n in tables.CASH_IN_SHORT), rows=rows)


_AGED = (*tables.BUCKETS, "credits", "total")
_NONE = tables.Unapplied(Decimal(0), Decimal(0))


def _aged(item: Item) -> tuple[Cell, ...]:
    """One currency: how many documents, and their money by age."""
    amounts = (Cell(Decimal(item[name]), item["currency"]) for name in _AGED)
    return Cell(item["currency"]), Cell(item["documents"]), *amounts


def _owed(report: Report, words: Texts) -> Table:
    """Each currency by age; of its credits what receipts are, matched here or loose."""
    split: dict[str, tables.Unapplied] = {}
    for (currency, *_), money in tables.unapplied(report).items():
        before = split.get(currency, _NONE)
        split[currency] = tables.Unapplied(before.matched + money.matched, before.loose + money.loose)
    names = ["currency", "documents", *(f"due_{name}" for name in _AGED)]
    rows = [_aged(item) for item in report["receivables"]["ageing"]]
    if split:  # beside the credits
        place = names.index("due_total")
        names[place:place] = ["credits_matched", "credits_loose"]
        rows = [
            (*row[:place], *(Cell(-amount, item["currency"]) for amount in split.get(item["currency"], _NONE)), row[-1])
            for row, item in zip(rows, report["receivables"]["ageing"], strict=True)
        ]
    heads = tuple(words(f"column.{name}") for name in names)
    return Table(OWED, words("section.receivables_ageing"), heads, (10,) * len(names), rows)


def _numeric(table: Table) -> list[bool]:
    return [not isinstance(cell.value, str | None) for cell in table.rows[0]]


def _look(cell: Cell) -> str:
    """What decides how wide a text stands: days and short words need no room to wrap."""
    if not isinstance(cell.value, str):
        return "text"
    return "day" if _DAY.fullmatch(cell.value) else "short" if _SHORT.fullmatch(cell.value) else "text"


def _shown(cell: Cell) -> str:
    if isinstance(cell.value, Decimal):
        return figures.money(cell.value, cell.currency)
    return "" if cell.value is None else f"{cell.value:,}" if isinstance(cell.value, int) else cell.value


def _rivers(report: Report, words: Texts) -> Iterator[dict[str, Any]]:
    for currency in figures.currencies(report):
        steps = figures.river(report, currency)
        names = [words(f"river.{step.name}") for step in steps]
        shown = [
            {
                "name": name,
                "amount": figures.money(step.amount, currency),
                "note": words("river.payment_note") if step.name == "payment" else "",
                "share": _share(step, words),
            }
            for step, name in zip(steps, names, strict=True)
        ]
        says = "; ".join(f"{item['name']} {item['amount']} {currency}" for item in shown)
        chart = svg.river(steps, names, says)
        if chart:
            yield {"currency": currency, "steps": shown, "chart": chart, "note": words("river.note", currency=currency)}


def _share(step: figures.Step, words: Texts) -> str:
    if step.share is None:
        return ""
    key = "river.of_billed" if step.name == "payment" else "river.of_before"
    return words(key, percent=figures.percent(step.share))


def _tie_outs(report: Report, words: Texts, ways: Ways) -> Iterator[dict[str, Any]]:
    for name, group in groupby(figures.tie_outs(report), key=lambda item: str(item["name"])):
        items = list(group)
        agreement = figures.agreement(items)
        sides = {f"{side}s": words(f"tie_outs.of_side.{name}.{side}") for side in ("left", "right")}
        yield {
            "name": words.name("tie_out", name),
            "differs": bool(agreement.left or agreement.right),
            "agree": agreement.said("tie_outs.agree_of", words, **sides),
            "heads": _heads(sides, words),
            "share": agreement.share,
            "sides": [
                words.pair(words.name("role", side["role"]), words.name("entity", side["entity"]))
                for side in (items[0]["left"], items[0]["right"])
            ],
            "about": words.name("tie_outs.about", name),
            "rows": [
                {"item": item, "chart": _tie_out_bar(item, sides, words), **_behind(item, ways)} for item in items
            ],
        }


def _heads(sides: Mapping[str, str], words: Texts) -> dict[str, str]:
    """The columns of a tie-out by what stands in them: its sides are called what they are."""
    found = {name: words(f"column.{name}") for name in ("matched", "excluded")}
    for side in ("left", "right"):
        what = sides[f"{side}s"]
        found[side] = what[:1].upper() + what[1:]
        found |= {f"{part}_{side}": words(f"tie_outs.{part}", what=what) for part in behind.PARTS}
    return found


def _behind(item: Item, ways: Ways) -> dict[str, dict[str, Any]]:
    """By ``PART_SIDE`` the address of the documents behind it, and how many of them are not due yet."""
    places = {}
    for part in behind.PARTS:
        for side in ("left", "right"):
            name = f"{part}_{side}"
            asked = {"name": item["name"], "side": side, "currency": item["currency"], "part": part}
            places[name] = f"{ways.behind}?{urlencode(asked)}" if ways.behind and item[name]["count"] else ""
    waits = {f"unmatched_{side}": figures.not_due(item, side) for side in ("left", "right")}
    return {"places": places, "waits": waits}


def _tie_out_bar(item: Item, sides: Mapping[str, str], words: Texts) -> Markup:
    """Both sides by positions, so that one large document does not hide many small ones."""
    agreement = figures.agreement([item])
    lengths = {"agree": 2 * agreement.agree, "left": agreement.left, "right": agreement.right}
    if agreement.waits:
        lengths["waits"] = sum(figures.not_due(item, side) for side in ("left", "right"))
    says = agreement.said("tie_outs.bar", words, currency=item["currency"], **sides)
    return svg.bar([Part(name, Decimal(size)) for name, size in lengths.items()], Decimal(sum(lengths.values())), says)


def _departments(outstanding: Tally, words: Texts) -> Iterator[dict[str, Any]]:
    """Who has to act: a department with all of its findings, and with those of each stage."""
    groups = outstanding.by_department
    most = max((whole.count for _, whole, _ in groups), default=0)
    for department, whole, stages in groups:
        name = words.name("department", department)
        rows = [
            {"key": stage, "name": words.name("stage", stage)}
            | _acting(found, most, words.name("stage", stage), name, words)
            for stage, found in stages
        ]
        every = _acting(whole, most, words("by_stage.all"), name, words)
        yield {"key": department, "name": name, **every, "rows": rows}


def _acting(found: Sum, most: int, stage: str, department: str, words: Texts) -> dict[str, Any]:
    """The findings of a row: how many, their money, and a bar of their severities."""
    counts = found.counts
    severities = {"errors": counts["error"], "warnings": counts["warning"], "infos": counts["info"]}
    says = words("by_stage.bar", stage=stage, department=department, **severities)
    return {"count": found.count, "base": found.base, "chart": _severity_bar(found, most, says)}


def _severity_bar(found: Sum, most: int, says: str) -> Markup:
    return svg.bar([Part(name, Decimal(found.counts[name])) for name in figures.SEVERITIES], Decimal(most), says)


def _ages(outstanding: Tally, base: str, words: Texts) -> Iterator[dict[str, Any]]:
    rows = outstanding.by_age
    most = max(found.count for found in rows.values())
    for name, found in rows.items():
        amount = figures.money(found.base, base)
        days = figures.days(name)
        says = words("ageing.bar", range=days, count=found.count, amount=amount, currency=base)
        yield {
            "key": name,
            "range": words("ageing.days", range=days),
            "count": found.count,
            "amount": amount,
            "chart": _severity_bar(found, most, says),
        }


def _choices(found: Tally, words: Texts) -> Mapping[str, Sequence[tuple[str, str]]]:
    """What the filters offer: only what is there."""
    there = {
        "stage": found.stages,
        "department": found.departments,
        "severity": [name for name in figures.SEVERITIES if found.total.counts.get(name)],
    }
    return {group: [(key, words.name(group, key)) for key in keys] for group, keys in there.items()}
