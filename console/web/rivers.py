"""The river on the overview: from leads to money in a period that is chosen, beside the one before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from console.report import TYPES, figures, svg, tables
from console.report.figures import Report, Step, Tally
from console.web import worst_leaks
from console.web.worst_leaks import Known, Ranking
from reconciliation import behind, money
from reconciliation.river import LEADS, TIED, WHOLE, WITHOUT_CLOSE, Flow, Handoff, River, Span
from state.prospects import FATES, LOST

if TYPE_CHECKING:
    from markupsafe import Markup

    from console.i18n import Texts

_STAGES = {
    "lead": (LEADS, "came"),
    "opportunity": ("opportunity_quote", "came"),
    "quote": ("quote_accepted", "came"),
    "order": ("order_invoice", "came"),
    "delivery": ("order_delivery", "on"),
    "invoice": ("order_invoice", "on"),
    "payment": ("invoice_payment", "on"),
    "payout": ("payment_payout", "on"),
}
"""Stage → the hand-off and the side of it whose documents it counts."""
_FINDINGS = {
    LEADS: "lead",
    "opportunity_quote": "opportunity",
    "quote_accepted": "quote",
    "quote_order": "order",
    "order_delivery": "delivery",
    "order_invoice": "billing",
    "invoice_payment": "collection",
    "payment_payout": "payout",
}
"""Hand-off → the stage of the findings about it."""
_SIDES = ("came", "on", "lost", "open", "unlinked")
_TIED_SIDES = {"open": "left", "unlinked": "right"}
"""What does not agree of a hand-off → the side of its tie-out."""
_SPRING = Decimal("0.03")
"""Leads have no money: the river begins with this part of its greatest width."""
_MULTIPLE = 10
"""What is more than so many times as much is said so, without a percentage."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A figure of the period and what it was in the one before; ``change`` is of the money, else of the count,
    ``address`` where the records behind it are listed, and ``parts`` what of it is no fault: not due yet, matched."""

    count: str
    amount: str
    before: str
    change: str
    address: str
    parts: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Tab:
    """The river in one currency. ``rows``: the name of a hand-off, a cell for each side, the findings about it."""

    currency: str
    chart: Markup
    stages: Sequence[tuple[str, Cell]]
    rows: Sequence[tuple[str, Sequence[Cell | None], str, int]]


@dataclass(frozen=True, slots=True)
class Asides:
    """What is known of the documents behind the tie-outs of now, by their keys (``behind.key``)."""

    waits: Mapping[str, Any]
    """What of them is not due yet: its count and amount."""
    missing: Mapping[str, int]
    """What the other side lacks of the others, in minor units."""
    matched: Mapping[str, Any]
    """What of that came in, is matched here and not booked yet: the count of its documents and the amount."""

    @classmethod
    def of(cls, kept: Mapping[str, Mapping[str, Any]]) -> Asides:
        """Of what the last reconciliation kept."""
        waits, missing, matched = (
            {key: item[name] for key, item in kept.items() if name in item}
            for name in ("not_due", "missing", "matched")
        )
        return cls(waits, missing, matched)

    def known(self, address: str, key: str, past: bool) -> Known:
        """What the ranking needs of a part; ``past``: whether it is of a period that ended long ago."""
        matched: int = self.matched.get(key, {}).get("amount", 0)
        missing = None if past else self.missing.get(key)
        if missing is None:
            return Known(address, self.not_due(key), None)
        return Known(address, self.not_due(key), missing - matched, matched)

    def not_due(self, key: str) -> int:
        """What is not due yet, in minor units."""
        amount: int = self.waits.get(key, {}).get("amount", 0)
        return amount

    def said(self, key: str, currency: str, words: Texts) -> Sequence[str]:
        """In words: what is not due yet, with its money, and how many receipts, or their invoices, are matched."""
        found = []
        if waiting := self.waits.get(key, {}).get("count"):
            amount = figures.money(_major(self.waits[key]["amount"], currency), currency)
            found.append(words("tie_outs.behind.not_due", count=f"{waiting:,}", amount=amount))
        if matched := self.matched.get(key, {}).get("count"):
            side = key.split()[1]
            found.append(words(f"flow.matched.{side}", count=f"{matched:,}"))
        return found


def shown(
    river: River,
    chosen: Span,
    report: Report,
    found: Tally,
    words: Texts,
    asides: Asides,
    rates: tables.Rates = tables.NO_RATES,
) -> dict[str, Any]:
    """What ``overview_river.html.j2`` shows; ``report`` is that of now, ``found`` are its findings."""
    base = report["base_currency"]
    earlier = chosen.earlier
    before = earlier if earlier is not None and river.find(earlier.name) else None
    siblings = river.spans(chosen.kind) if chosen.kind != WHOLE else []
    place = siblings.index(chosen) if chosen in siblings else 0
    counts = Counter[str]()
    for stage, _, sums in found.by_stage:
        counts[stage] += sums.count
    currencies = sorted(river.currencies, key=lambda name: (name != base, name))
    return {
        "chosen": chosen,
        "governs": words("flow.governs", period=report["period"]),
        "state": _state(chosen, report, words),
        "before": before,
        "later": siblings[place - 1] if place else None,
        "unfinished": chosen.kind != WHOLE and chosen.last >= river.months[-1],
        "choices": [(kind, river.spans(kind)) for kind in ("month", "quarter", "year")],
        "sides": _SIDES,
        "months": [month for month in river.months if chosen.first <= month <= chosen.last],
        "forms": tuple(TYPES),
        "present": report["period"],
        "base": base,
        "worst": _worst(river, chosen, before, currencies, counts, report, rates, asides, words),
        "tabs": [_tab(river, chosen, before, currency, counts, words, asides) for currency in currencies],
    }


def _state(chosen: Span, report: Report, words: Texts) -> str:
    """Whether what is shown may still change: which months of the period are closed."""
    if chosen.kind == WHOLE:
        return ""
    stands = {item["period"]: item["status"] for item in report["periods"] if item["status"] != "reopened"}
    closed = [period for period in sorted(stands) if chosen.first <= period <= chosen.last]
    if chosen.kind == "month":
        return words(f"flow.state.{stands.get(chosen.name, 'open')}", period=chosen.name)
    return words("flow.state.some" if closed else "flow.state.none", period=chosen.name, closed=words.listed(closed))


def _tab(
    river: River,
    chosen: Span,
    before: Span | None,
    currency: str,
    counts: Counter[str],
    words: Texts,
    asides: Asides,
) -> Tab:
    now = {item.name: item for item in river.handoffs(chosen, currency)}
    everything = {item.name: item for item in river.handoffs(Span(WHOLE), currency)}
    then = {item.name: item for item in river.handoffs(before, currency)} if before else {}
    stages = {stage: place for stage, place in _STAGES.items() if place[0] in now}
    cells = [
        (words(f"flow.stage.{stage}"), _cell(now[name], then.get(name), side, chosen, currency, words))
        for stage, (name, side) in stages.items()
    ]
    rows = [
        (
            words(f"flow.handoff.{name}"),
            [_cell(item, then.get(name), side, chosen, currency, words, everything[name], asides) for side in _SIDES],
            _FINDINGS.get(name, ""),
            counts[_FINDINGS.get(name, "")],
        )
        for name, item in now.items()
    ]
    return Tab(currency, _chart(now, list(stages), currency, words), [(n, c) for n, c in cells if c], rows)


def _worst(
    river: River,
    chosen: Span,
    before: Span | None,
    currencies: Sequence[str],
    counts: Counter[str],
    report: Report,
    rates: tables.Rates,
    asides: Asides,
    words: Texts,
) -> Ranking:
    handoffs = {currency: river.handoffs(chosen, currency) for currency in currencies}
    then = {currency: river.handoffs(before, currency) for currency in currencies} if before else None
    known = {}
    # What of a document was due, and there, when a period ended long ago nobody knows any more.
    past = chosen.kind != WHOLE and chosen.last < river.newest
    for currency, items in handoffs.items():
        everything = {item.name: item for item in river.handoffs(Span(WHOLE), currency)}
        for item in items:
            for side in worst_leaks.SIDES:
                address, key = _place(item, side, chosen, currency, everything[item.name])
                known[item.name, side, currency] = asides.known(address, key, past)
    about = {name: (stage, counts[stage]) for name, stage in _FINDINGS.items()}
    return worst_leaks.ranking(handoffs, then, known, about, report, rates, words)


def _place(item: Handoff, side: str, chosen: Span, currency: str, everything: Handoff | None) -> tuple[str, str]:
    """Where the records behind a figure are listed, and its key of ``behind`` where it is of the tie-outs of now."""
    flow = getattr(item, side)
    if not flow or not flow.count:
        return "", ""
    if side in FATES if item.name in WITHOUT_CLOSE else side == LOST:
        named = {"handoff": item.name, "fate": side, "period": chosen.name, "currency": currency}
        return f"/river?{urlencode(named)}", ""
    if side in _TIED_SIDES and item.name in TIED and everything and flow == getattr(everything, side):
        tied = {"name": item.name, "side": _TIED_SIDES[side], "currency": currency, "part": behind.UNMATCHED}
        return f"/tie-outs?{urlencode(tied)}", behind.key(item.name, tied["side"], currency, behind.UNMATCHED)
    return "", ""


def _cell(
    item: Handoff,
    then: Handoff | None,
    side: str,
    chosen: Span,
    currency: str,
    words: Texts,
    everything: Handoff | None = None,
    asides: Asides | None = None,
) -> Cell | None:
    """``everything`` is the same hand-off as of now: what stands as it does now leads to its documents, with what
    ``asides`` know of them."""
    flow, earlier = getattr(item, side), getattr(then, side) if then else None
    if flow is None:
        return None
    priced = item.name != LEADS
    said, was = _said(flow, currency, priced), _said(earlier, currency, priced) if earlier else ("", "")
    before = words("flow.before", figures=" · ".join(filter(None, was))) if earlier else ""
    address, key = _place(item, side, chosen, currency, everything)
    parts = asides.said(key, currency, words) if key and asides is not None else ()
    return Cell(*said, before, _change(flow, earlier, priced, words) if earlier else "", address, parts)


def _said(flow: Flow, currency: str, priced: bool) -> tuple[str, str]:
    return f"{flow.count:,}", figures.money(_major(flow.amount, currency), currency) if priced else ""


def _change(flow: Flow, earlier: Flow, priced: bool, words: Texts) -> str:
    """Against nearly nothing a percentage tells nobody anything."""
    now, then = (flow.amount, earlier.amount) if priced else (flow.count, earlier.count)
    if abs(now) > _MULTIPLE * abs(then):
        return words("flow.multiple") if now > 0 and then > 0 else ""
    return f"{Decimal(now - then) / abs(then) * 100:+,.1f} %" if then else ""


def _major(amount: int, currency: str) -> Decimal:
    return Decimal(money.text(amount, currency) or 0)


def _chart(now: dict[str, Handoff], stages: Sequence[str], currency: str, words: Texts) -> Markup:
    amounts = {stage: _major(getattr(now[_STAGES[stage][0]], _STAGES[stage][1]).amount, currency) for stage in stages}
    widths = dict(amounts)
    # Goods without services, and money with tax, are as wide as their part of what they are about.
    for stage, whole, name in (
        ("delivery", "order", "order_delivery"),
        ("payment", "invoice", "invoice_payment"),
        ("payout", "payment", "payment_payout"),
    ):
        if stage in widths and whole in widths and now[name].came.amount > 0:
            widths[stage] = widths[whole] * now[name].on.amount / now[name].came.amount
    if "lead" in widths:
        widths["lead"] = max(widths.values()) * _SPRING
    names = {stage: words(f"flow.stage.{stage}") for stage in stages}
    says = words.clauses(
        f"{names[stage]} {now[LEADS].came.count:,}" if stage == "lead" else f"{names[stage]} {_text(amount, currency)}"
        for stage, amount in amounts.items()
    )
    return svg.river([Step(stage, amounts[stage], widths[stage], None) for stage in stages], (), says)


def _text(amount: Decimal, currency: str) -> str:
    return f"{figures.money(amount, currency)} {currency}"
