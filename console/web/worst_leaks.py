"""Where most of a period's money is lost, open or not linked: hand-offs of the river, over all currencies."""

from __future__ import annotations

from collections import Counter
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

    Flows = Mapping[str, Flow]

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
    """One side of a hand-off over all currencies, in the base currency.

    ``whole`` is what its documents come to and ``before`` what those of the period before did; ``due`` what of it is
    due, and ``missing`` what the other side lacks of that, both empty where it is not known or not compared.
    ``findings`` is the address of those about it now, and ``found`` how many, where documents are not known.
    """

    name: str
    side: str
    count: str
    missing: str
    due: str
    whole: str
    before: str
    parts: Sequence[Part]
    findings: str
    found: str


@dataclass(frozen=True, slots=True)
class Ranking:
    """The most money first; ``unknown``: amounts that no row has, since their currency has no rate, in words.

    ``matched`` is money that came in and is matched here, which no row counts: it has only to be booked; empty if none.
    """

    rows: Sequence[Row]
    unknown: Sequence[str]
    matched: str = ""

    @property
    def listed(self) -> bool:
        """Whether the documents of every amount are known."""
        return all(part.address for row in self.rows for part in row.parts)

    @property
    def compared(self) -> bool:
        """Whether of any row it is known what is missing."""
        return any(row.missing for row in self.rows)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a side of a hand-off in one currency: its documents, and in minor units what of it is not due
    yet and what the other side lacks of the rest (``None``: nobody compares it, or keeps it), without what is
    ``matched`` and not booked yet."""

    address: str
    not_due: int
    missing: int | None
    matched: int = 0


@dataclass(frozen=True, slots=True)
class _Ranker:
    """What all rows are made with."""

    known: Mapping[tuple[str, str, str], Known]
    findings: Mapping[str, tuple[str, int]]
    report: Report
    rates: tables.Rates
    words: Texts

    def worth(self, amount: int, currency: str) -> Decimal | None:
        """In the base currency; ``None`` without a rate."""
        return tables.worth(money.text(amount, currency) or "0", currency, self.report, self.rates)

    def total(self, amounts: Mapping[str, int]) -> Decimal:
        """Of all currencies that have a rate."""
        return sum((self.worth(amount, currency) or Decimal(0) for currency, amount in amounts.items()), Decimal(0))

    def money(self, amount: Decimal) -> str:
        """In words."""
        return figures.money(amount, self.report["base_currency"])

    def matched(self) -> str:
        """The money that came in and is only not booked, in words; on the side of the money, so that it counts once."""
        found = Counter[str]()
        for (_, side, currency), item in self.known.items():
            found[currency] += item.matched if side == "unlinked" else 0
        total = self.total(found)
        return self.money(total) if total else ""

    def row(self, name: str, side: str, flows: Flows, earlier: Flows | None) -> tuple[Decimal, Row]:
        """The row, and the money by which it is ranked: what is missing of what is due, where that is known."""
        words = self.words
        called, what = words(f"flow.handoff.{name}"), words(f"flow.side.{side}")
        about = {currency: self.known[name, side, currency] for currency in flows}
        compared = all(item.missing is not None for item in about.values())
        missing = self.total({currency: item.missing or 0 for currency, item in about.items()})
        due = self.total({currency: flow.amount - about[currency].not_due for currency, flow in flows.items()})
        whole = self.total({currency: flow.amount for currency, flow in flows.items()})
        before = "" if earlier is None else self.money(self.total({key: flow.amount for key, flow in earlier.items()}))
        parts = []
        for currency, flow in flows.items():
            amount = f"{figures.money(_major(flow.amount, currency), currency)} {currency}"
            parts.append(Part(amount, about[currency].address, words.listed((called, what, amount))))
        stage, found = self.findings.get(name, ("", 0))
        elsewhere = bool(found) and not all(part.address for part in parts)
        return missing if compared else whole, Row(
            name=called,
            side=what,
            count=f"{sum(flow.count for flow in flows.values()):,}",
            missing=self.money(missing) if compared else "",
            due=self.money(due) if compared else "",
            whole=self.money(whole),
            before=before,
            parts=parts,
            findings=f"/findings?stage={stage}" if elsewhere else "",
            found=f"{found:,}",
        )


def ranking(
    currencies: Mapping[str, Sequence[Handoff]],
    before: Mapping[str, Sequence[Handoff]] | None,
    known: Mapping[tuple[str, str, str], Known],
    findings: Mapping[str, tuple[str, int]],
    report: Report,
    rates: tables.Rates,
    words: Texts,
) -> Ranking:
    """``currencies``: the hand-offs of the period in each, ``before`` those of the period before; ``known`` by
    hand-off, side and currency; ``findings`` about each hand-off now: their stage and number. Leads, which have no
    money, are left out."""
    ranker = _Ranker(known, findings, report, rates, words)
    earlier = None if before is None else _by_side(before)
    ranked, unknown = [], dict[str, Decimal]()
    for (name, side), flows in _by_side(currencies).items():
        counted = {}
        for currency, flow in flows.items():
            if ranker.worth(flow.amount, currency) is None:
                unknown[currency] = unknown.get(currency, Decimal(0)) + _major(flow.amount, currency)
            else:
                counted[currency] = flow
        if ranker.total({currency: flow.amount for currency, flow in counted.items()}):
            then = None if earlier is None else earlier.get((name, side), {})
            ranked.append(ranker.row(name, side, counted, then))
    ranked.sort(key=lambda item: -abs(item[0]))
    return Ranking(
        [row for _, row in ranked[:MOST]],
        [f"{figures.money(amount, currency)} {currency}" for currency, amount in sorted(unknown.items())],
        ranker.matched(),
    )


def _by_side(currencies: Mapping[str, Sequence[Handoff]]) -> dict[tuple[str, str], dict[str, Flow]]:
    found: dict[tuple[str, str], dict[str, Flow]] = {}
    for currency, items in currencies.items():
        for name, side, flow in _sides(items):
            found.setdefault((name, side), {})[currency] = flow
    return found


def _sides(items: Sequence[Handoff]) -> Iterator[tuple[str, str, Flow]]:
    for item in items:
        for side in SIDES:
            flow: Flow | None = getattr(item, side)
            if item.name != LEADS and flow is not None and flow.amount:
                yield item.name, side, flow


def _major(amount: int, currency: str) -> Decimal:
    return Decimal(money.text(amount, currency) or 0)
