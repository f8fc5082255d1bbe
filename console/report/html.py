"""The report as one HTML file that needs nothing else: no server, no network, no scripts from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from console.i18n import Texts, texts
from console.report import figures, svg, tables
from console.report.cards import cards
from console.report.figures import Item, Report, Sum, Tally
from console.report.svg import Part
from console.report.tables import Cell, Table

MOST_FINDINGS = 2000
"""More make the page slow; the workbook and the JSON hold all of them."""

MOST_ROWS = 500
"""Of every other table."""

OWED = "receivables_by_currency"
"""The section of what customers owe, by age, a row for each currency."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
PAGE = Path(__file__).parent / "page"


def render(report: Report, locale: str) -> str:
    """The whole page. Every text of the report is escaped; only http(s) addresses become links."""
    words = texts(locale)
    pages = Environment(
        loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    pages.filters["money"] = figures.money
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
        "findings_at": "",
        "findings": findings[:MOST_FINDINGS],
        "left_out": len(findings) > MOST_FINDINGS,
        "choices": _choices(found, words),
    }


def overview(report: Report, found: Tally, words: Texts) -> dict[str, Any]:
    """What ``page/figures.html.j2`` shows: everything but the findings themselves, of which ``found`` is the sum."""
    return {
        **heading(report, words),
        "cards": list(cards(report, found, words)),
        "remarks": figures.remarks(found, report["base_currency"], words),
        "period_sections": list(period_sections(report, words)),
        "rivers": list(_rivers(report, words)),
        "tie_outs": list(_tie_outs(report, words)),
        "stages": list(_stages(found, words)),
        "ages": list(_ages(found, report["base_currency"], words)),
    }


def heading(report: Report, words: Texts) -> dict[str, Any]:
    """What stands above the figures: as of when and of which period they are, and who signed it."""
    return {
        "report": report,
        "base": report["base_currency"],
        "as_of": figures.as_of(report, words),
        "signed": _signed(report, words),
    }


def _signed(report: Report, words: Texts) -> list[str]:
    """Who signed the report's period; that nobody did is said, too."""
    closes = [item for item in report["periods"] if item["period"] == report["period"]]
    said = []
    for item in closes:
        by = words("report.closed", period=item["period"], by=tables.signed(report, item, "closed"))
        approved, reopened = (tables.signed(report, item, what) for what in ("approved", "reopened"))
        parts = [by, f"{words('column.approved')} {approved}" if approved else words("report.waits")]
        if reopened:
            parts = [by, f"{words('column.reopened')} {reopened}: {item['reason']}"]
        said.append(" · ".join((*parts, f"{words('column.inputs_hash')} {item['inputs_hash'][:16]}…")))
    return said or [words("report.not_closed", period=report["period"])]


def period_sections(report: Report, words: Texts) -> Iterator[dict[str, Any]]:
    """The period and what customers owe: tables that are left out where they are empty."""
    tied = tables.period_tie_outs(report, words)
    amounts = [0, 1, 2, *range(4, 3 + 16, 2)]  # counts are in the workbook
    heads = tuple(tied.heads[n].split("\n")[0] for n in amounts)
    tied = tied._replace(heads=heads, rows=[tuple(row[n] for n in amounts) for row in tied.rows])
    notes = (
        *((tied, "tie_outs"), (tables.movements(report, words), "movements")),
        *((tables.adjustments(report, words), "adjustments"), (tables.settled(report, words), "settled")),
        *((_owed(report, words), "receivables"), (tables.ageing(report, words), None)),
        *((tables.cash_totals(report, words), "cash"), (_receipts(report, words), None)),
    )
    for table, note in notes:
        if table.rows:
            yield {
                "id": table.name,
                "title": table.title if note else None,
                "note": words(f"period_note.{note}", period=report["period"], day=report["receivables"]["as_at"])
                if note
                else None,
                "heads": list(zip(table.heads, _numeric(table), strict=True)),
                "rows": [[(_shown(cell), cell, _look(cell)) for cell in row] for row in table.rows[:MOST_ROWS]],
                "left_out": len(table.rows) - MOST_ROWS,
                "all": len(table.rows),
            }


def _receipts(report: Report, words: Texts) -> Table:
    """Without what is applied and what differs, which stands beside what it settles."""
    whole = tables.cash(report, words)
    rows = [tuple(row[n] for n in tables.CASH_IN_SHORT) for row in whole.rows]
    return whole._replace(heads=tuple(whole.heads[n] for n in tables.CASH_IN_SHORT), rows=rows)


def _owed(report: Report, words: Texts) -> Table:
    aged = (*tables.BUCKETS, "credits", "total")
    names = ("currency", "documents", *(f"due_{name}" for name in aged))
    rows = [
        (
            *(Cell(item["currency"]), Cell(item["documents"])),
            *(Cell(Decimal(item[name]), item["currency"]) for name in aged),
        )
        for item in report["receivables"]["ageing"]
    ]
    heads = tuple(words(f"column.{name}") for name in names)
    return Table(OWED, words("section.receivables_ageing"), heads, (10,) * len(names), rows)


def _numeric(table: Table) -> list[bool]:
    return [not isinstance(cell.value, str | None) for cell in table.rows[0]]


def _look(cell: Cell) -> str:
    return "day" if isinstance(cell.value, str) and _DAY.fullmatch(cell.value) else "text"


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


def _tie_outs(report: Report, words: Texts) -> Iterator[dict[str, Any]]:
    for name, group in groupby(figures.tie_outs(report), key=lambda item: str(item["name"])):
        items = list(group)
        agree, left, right = figures.agreement(items)
        yield {
            "name": words.name("tie_out", name),
            "agree": words("tie_outs.agree_of", agree=f"{agree:,}", left=f"{left:,}", right=f"{right:,}"),
            "share": figures.percent(figures.agreeing(items)),
            "sides": [
                f"{words.name('role', side['role'])}: {words.name('entity', side['entity'])}"
                for side in (items[0]["left"], items[0]["right"])
            ],
            "rows": [{"item": item, "chart": _tie_out_bar(item, words)} for item in items],
        }


def _tie_out_bar(item: Item, words: Texts) -> Markup:
    """Both sides by positions, so that one large document does not hide many small ones."""
    agree, left, right = figures.agreement([item])
    parts = [Part("agree", Decimal(2 * agree)), Part("left", Decimal(left)), Part("right", Decimal(right))]
    says = words("tie_outs.bar", currency=item["currency"], agree=agree, left=left, right=right)
    return svg.bar(parts, Decimal(2 * agree + left + right), says)


def _stages(outstanding: Tally, words: Texts) -> Iterator[dict[str, Any]]:
    rows = outstanding.by_stage
    most = max((found.count for _, _, found in rows), default=0)
    for stage, department, found in rows:
        names = {"stage": words.name("stage", stage), "department": words.name("department", department)}
        counts = found.counts
        severities = {"errors": counts["error"], "warnings": counts["warning"], "infos": counts["info"]}
        says = words("by_stage.bar", **names, **severities)
        keys = {"stage_key": stage, "department_key": department}
        yield {**names, **keys, **severities, "base": found.base, "chart": _severity_bar(found, most, says)}


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
