"""The headline figures of a report: of its month first, then of everything until its day."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from console.report import figures
from console.report.tables import BUCKETS, NO_RATES, Rates, worth

if TYPE_CHECKING:
    from console.i18n import Texts
    from console.report.figures import Report, Tally


Card = dict[str, Any]

_MOVED = {
    "invoiced": ("invoice_payment", "left"),
    "net": ("order_invoice", "right"),
    "received": ("invoice_payment", "right"),
}
"""What a month comes to → the tie-out and the side of it that counts it."""


def cards(report: Report, found: Tally, words: Texts) -> Iterator[Card]:
    """``title``, ``figure``, ``note`` and ``tone`` (``good``, ``bad`` or nothing) of each; of a sum of money also

    ``amounts``, the base currency first.
    """
    everything, base = found.total, report["base_currency"]
    counts = everything.counts
    aside = found.aside
    errors, warnings = f"{counts['error']:,}", f"{counts['warning']:,}"
    outstanding = _card(words, "findings", f"{everything.count:,}", errors=errors, warnings=warnings)
    outstanding["tone"] = "bad" if counts["error"] else "good"
    about = _card(words, "money", figures.money(everything.base, base), currency=base)
    if aside.waived:  # they count, too, and nobody has to act on them
        outstanding["note"] += f" · {words('card.findings_waived', count=f'{aside.waived:,}')}"
    if aside.waived_base:
        about["note"] += f" · {words('card.money_waived', amount=figures.money(aside.waived_base, base))}"
    yield from (outstanding, about)
    yield _agreement(words, "agreement", report["tie_outs"])
    moved = report["roll_forward"]
    movement = _card(words, "movement", f"{moved['closing'] - moved['opening']:+,}")
    yield movement | {"note": moved_note(report, words)}


def moved_note(report: Report, words: Texts) -> str:
    """How findings came and went, and since when, where that is not the first of the month."""
    moved = report["roll_forward"]
    back = moved.get("reopened", 0)
    numbers = {**moved, "new": moved["new"] - back, "reopened": back}
    key = "card.movement_back_note" if back else "card.movement_note"
    note = words(key, **{name: f"{number:,}" for name, number in numbers.items()})
    closed = _close_before(report)
    if closed is None:
        return note
    at = datetime.fromisoformat(closed["closed_at"]).astimezone(ZoneInfo(report["timezone"]))
    return words("card.movement_since", period=closed["period"], day=f"{at:%Y-%m-%d}", note=note)


def _close_before(report: Report) -> Mapping[str, Any] | None:
    """The close of the month before, by which findings are counted from its instant on."""
    year, month = (int(part) for part in report["period"].split("-"))
    before = f"{year - (month == 1):04d}-{month - 1 or 12:02d}"
    closes = [item for item in report["periods"] if item["period"] == before and not item["reopened_at"]]
    return closes[-1] if closes else None


def of_month(report: Report, words: Texts) -> Iterator[Card]:
    """As ``cards``, of the report's month alone: what was billed, what came in, what was owed in the end, what agrees,
    and which findings began by then."""
    base, today = report["base_currency"], _day(report)
    end = min(_last_day(report), today)
    for name, place in _MOVED.items():
        moved = {
            item["currency"]: Decimal(item["documents"])
            for item in report["movements"]
            if (item["tie_out"], item["side"]) == place
        }
        card = _sum(words, name, moved, base)
        back = _paid_back(report) if name == "received" else []
        if back:
            card["note"] += f" · {words('card.month_back', amounts=words.listed(back))}"
        yield card
    owed = {item["currency"]: Decimal(item["total"]) for item in report["receivables"]["ageing"]}
    yield _sum(words, "owed", owed, base, day=report["receivables"]["as_at"])
    at_end = [item["to_date"] for item in report["period_tie_outs"]]
    yield _agreement(words, "month_agreement", at_end)
    begun = [item for item in report["findings"] if not began_later(item, report)]
    found = figures.tally(begun).total
    yield _card(
        words,
        "month_findings",
        f"{found.count:,}",
        day=end.isoformat(),
        errors=f"{found.counts['error']:,}",
        later=f"{len(report['findings']) - found.count:,}",
    )


def _paid_back(report: Report) -> list[str]:
    """What was refunded or charged back in the month, by currency."""
    sums = [
        (item["currency"], Decimal(item["movement"]["back"]["right_amount"]))
        for item in report["period_tie_outs"]
        if item["name"] == "invoice_payment"
    ]
    return [f"{currency} {figures.money(amount, currency)}" for currency, amount in sums if amount]


def _sum(words: Texts, name: str, amounts: dict[str, Decimal], base: str, **values: str) -> Card:
    """Money in the base currency, and in the others that have any documents; nothing in one is said, too."""
    foreign = sorted(currency for currency in amounts if currency != base)
    others = words.listed(f"{currency} {figures.money(amounts[currency], currency)}" for currency in foreign)
    about = [words(f"card.month_{name}_note", **values)] if values else []
    about.append(
        words("card.month_others", currency=base, others=others) if others else words("card.in", currency=base)
    )
    figure = figures.money(amounts.get(base, Decimal(0)), base)
    known = [(currency, amounts[currency]) for currency in foreign]
    sums = [(base, amounts.get(base, Decimal(0))), *known]
    return _card(words, f"month_{name}", figure) | {"note": " · ".join(about), "amounts": sums}


def month_first(report: Report) -> list[Mapping[str, Any]]:
    """The findings, the gravest first, but those that began only after the end of the report's month last."""
    return sorted(figures.gravest(report["findings"]), key=lambda item: began_later(item, report))


def began_later(item: Mapping[str, Any], report: Report) -> bool:
    """Whether a finding began only after the end of the report's month."""
    today = _day(report)
    began: int = item["age_days"]
    return began < (today - min(_last_day(report), today)).days


def later_note(report: Report, words: Texts) -> str:
    """How many findings began after the report's month, and that they come last; empty if none."""
    count = sum(began_later(item, report) for item in report["findings"])
    return words.counted("report.began_later", count, day=_last_day(report).isoformat()) if count else ""


def _last_day(report: Report) -> date:
    year, month = (int(part) for part in report["period"].split("-"))
    return date(year, month, monthrange(year, month)[1])


def _day(report: Report) -> date:
    """The day by which ages are counted: that of the close, of a month that is closed."""
    signed = report.get("sign_off")
    at = signed["closed_at"] if signed else report["as_of"]
    return datetime.fromisoformat(at).astimezone(ZoneInfo(report["timezone"])).date()


def owed_now(report: Report, words: Texts, rates: Rates = NO_RATES) -> Card:
    """What customers owe in all currencies, and how much of it is overdue, in the base currency, for a page.

    ``leads`` to the documents that are overdue. What has no rate is named.
    """
    base, ageing = report["base_currency"], report["receivables"]["ageing"]
    owed, late, unknown = Decimal(0), Decimal(0), []
    for item in ageing:
        currency = item["currency"]
        overdue = sum((Decimal(item[name]) for name in BUCKETS if name != "not_due"), Decimal(0))
        worths = [worth(str(amount), currency, report, rates) for amount in (item["total"], overdue)]
        if worths[0] is None:
            unknown.append(f"{currency} {figures.money(item['total'], currency)}")
        else:
            owed, late = owed + worths[0], late + (worths[1] or 0)
    card = _card(words, "owed", figures.money(owed, base), currency=base, overdue=figures.money(late, base))
    if unknown:
        card["note"] += f" · {words('card.owed_unknown', amounts=words.listed(unknown))}"
    return card | {"leads": ("/figures?owed=overdue", words("overview.only_overdue"))}


def _agreement(words: Texts, name: str, items: Iterable[Mapping[str, Any]]) -> Card:
    agreement = figures.agreement(items)
    return _card(words, name, agreement.share) | {"note": agreement.said(f"card.{name}_note", words)}


def _card(words: Texts, name: str, figure: str, **values: str) -> Card:
    note = words(f"card.{name}_note", **values) if values else ""
    return {"title": words(f"card.{name}"), "figure": figure, "note": note, "tone": ""}
