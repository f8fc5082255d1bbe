"""Where most of a period's money is lost, open or not linked: hand-offs of the river, over all currencies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from console.report import figures, tables
from reconciliation import money
from reconciliation.river import LEADS

if TYPE_CHECKING:
    from console.i18n import Texts
    from console.report.figures import Report
    from reconciliation.river import Flow, Handoff

MOST = 5
"""Rows that are shown."""
SIDES = ("lost", "open", "unlinked")


@dataclass(frozen=True, slots=True)
class Part:
    """The money of one currency, in words; ``address``: its documents, empty where nobody keeps which they were."""

    amount: str
    address: str
    says: str


@dataclass(frozen=True, slots=True)
class Row:
    """One side of a hand-off over all currencies: ``base`` and ``not_due`` (what of it is not due yet, empty where
    that is nothing or not known) in the base currency; ``findings`` is the address of those about it now, where the
    documents of a currency are not known."""

    name: str
    side: str
    count: str
    base: str
    not_due: str
    parts: Sequence[Part]
    findings: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The most money first; ``unknown``: amounts that no row has, since their currency has no rate, in words."""

    rows: Sequence[Row]
    unknown: Sequence[str]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a side of a hand-off in one currency: its documents, and minor units of it not due yet."""

    address: str
    not_due: int


def ranking(
    currencies: Mapping[str, Sequence[Handoff]],
    known: Mapping[tuple[str, str, str], Known],
    stages: Mapping[str, str],
    report: Report,
    rates: tables.Rates,
    words: Texts,
) -> Ranking:
    """``currencies``: the hand-offs of the period in each; ``known`` by hand-off, side and currency; ``stages`` of the
    findings about each hand-off. Leads, which have no money, are left out."""
    found: dict[tuple[str, str], dict[str, Flow]] = {}
    for currency, items in currencies.items():
        for name, side, flow in _sides(items):
            found.setdefault((name, side), {})[currency] = flow
    ranked, unknown = [], dict[str, Decimal]()
    for (name, side), flows in found.items():
        worths = {currency: _worth(flow.amount, currency, report, rates) for currency, flow in flows.items()}
        for currency, worth in worths.items():
            if worth is None:
                unknown[currency] = unknown.get(currency, Decimal(0)) + _major(flows[currency].amount, currency)
        counted = {currency: worth for currency, worth in worths.items() if worth is not None}
        if total := sum(counted.values(), Decimal(0)):
            chosen = {currency: flows[currency] for currency in counted}
            ranked.append((total, _row(name, side, total, chosen, known, stages, report, rates, words)))
    ranked.sort(key=lambda item: -abs(item[0]))
    return Ranking(
        [row for _, row in ranked[:MOST]],
        [f"{figures.money(amount, currency)} {currency}" for currency, amount in sorted(unknown.items())],
    )


def _sides(items: Sequence[Handoff]) -> Iterator[tuple[str, str, Flow]]:
    for item in items:
        for side in SIDES:
            flow: Flow | None = getattr(item, side)
            if item.name != LEADS and flow is not None and flow.amount:
                yield item.name, side, flow


def _row(
    name: str,
    side: str,
    total: Decimal,
    flows: Mapping[str, Flow],
    known: Mapping[tuple[str, str, str], Known],
    stages: Mapping[str, str],
    report: Report,
    rates: tables.Rates,
    words: Texts,
) -> Row:
    base = report["base_currency"]
    called, what = words(f"flow.handoff.{name}"), words(f"flow.side.{side}")
    about = {currency: known[name, side, currency] for currency in flows}
    parts = []
    for currency, flow in flows.items():
        amount = f"{figures.money(_major(flow.amount, currency), currency)} {currency}"
        parts.append(Part(amount, about[currency].address, words.listed((called, what, amount))))
    not_due = sum(
        (_worth(item.not_due, currency, report, rates) or Decimal(0) for currency, item in about.items()), Decimal(0)
    )
    stage = stages.get(name, "")
    elsewhere = bool(stage) and not all(part.address for part in parts)
    return Row(
        called,
        what,
        f"{sum(flow.count for flow in flows.values()):,}",
        figures.money(total, base),
        figures.money(not_due, base) if not_due else "",
        parts,
        f"/findings?stage={stage}" if elsewhere else "",
    )


def _worth(amount: int, currency: str, report: Report, rates: tables.Rates) -> Decimal | None:
    return tables.worth(money.text(amount, currency) or "0", currency, report, rates)


def _major(amount: int, currency: str) -> Decimal:
    return Decimal(money.text(amount, currency) or 0)
