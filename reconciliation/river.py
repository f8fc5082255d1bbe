"""From leads to money, period by period: what came to each hand-off, what went on, what was lost or stands open.

A document belongs to the period of its own date, as in the tie-outs and closes: see ``docs/decisions.md``. Tie-outs
say what is open at the end of a period; of leads, opportunities and quotes, which nobody closes, it is known what has
become of them until now. Amounts are in minor units.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from reconciliation import adjustments, gathering
from reconciliation.money import NO_CURRENCY
from state import figures, periods, prospects, tieouts
from state.prospects import LOST, ON, OPEN, UNLINKED, Came, Listed, Months, Sources

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from reconciliation.rules import Rules
    from state.tieouts import TieOut

LEADS = "lead_opportunity"
"""Counted without money."""
WITHOUT_CLOSE = (LEADS, "opportunity_quote", "quote_accepted")
"""Hand-offs of which no tie-out tells."""
TIED = (
    *("quote_order", "order_delivery", "order_invoice", "invoice_payment"),
    *("payment_payout", "payout_bank"),
)
LOSES = {"order_delivery": "dead_orders", "invoice_payment": "bad_debts"}
"""Hand-off → what is lost of what should be handed on."""
ENTITIES = {
    LEADS: "lead",
    "opportunity_quote": "opportunity",
    "quote_accepted": "quote",
    "order_delivery": "order",
    "invoice_payment": "invoice",
}
"""Hand-off → the kind of record that is ``listed``."""
_WHAT = {
    LEADS: "leads",
    "opportunity_quote": "opportunities",
    "quote_accepted": "quotes",
    **{what: what for what in LOSES.values()},
}
WHOLE = "all"
"""The period of everything, also of what has no date or one to come."""
_YEARS_BEFORE = 2
_PERIOD = re.compile(r"([0-9]{4})(?:-(?:(0[1-9]|1[0-2])|Q([1-4])))?")


@dataclass(frozen=True, slots=True)
class Flow:
    """What belongs together counts once."""

    count: int = 0
    amount: int = 0

    def plus(self, other: Flow) -> Flow:
        """Both together."""
        return Flow(self.count + other.count, self.amount + other.amount)


@dataclass(frozen=True, slots=True)
class Handoff:
    """One hand-off in a period.

    Of ``WITHOUT_CLOSE``, ``came`` is of the period, and the rest says what has become of it until now: it led ``on``,
    was ``lost``, is ``open``, or is said to have led on and nothing is linked (``unlinked``). Of ``TIED``, ``came`` and
    ``on`` are the documents of the period on the left and on the right; ``open`` and ``unlinked`` are what of either
    side had no counterpart, or one that differs, at the end of the period. ``lost``: cancelled orders, invoices that
    were written off; ``None`` where there is no such thing.
    """

    name: str
    came: Flow
    on: Flow
    lost: Flow | None
    open: Flow
    unlinked: Flow


class Span(NamedTuple):
    """A period by its name (``2026-10``, ``2026-Q4``, ``2026``), with its first and last month, or ``WHOLE``."""

    name: str
    first: str = ""
    last: str = "9999-12"

    @property
    def kind(self) -> str:
        """month, quarter, year or all."""
        return {7: "quarter" if "Q" in self.name else "month", 4: "year"}.get(len(self.name), WHOLE)

    @property
    def earlier(self) -> Span | None:
        """The period of the same length right before it."""
        if self.kind == WHOLE:
            return None
        return span(_name(self.kind, adjustments.before(self.first)))


def _name(kind: str, month: str) -> str:
    """The period of a kind that a month belongs to."""
    return {"month": month, "quarter": f"{month[:4]}-Q{(int(month[5:]) + 2) // 3}", "year": month[:4]}[kind]


def span(name: str) -> Span | None:
    """The period of a name; ``None`` if it is none."""
    if name == WHOLE:
        return Span(WHOLE)
    found = _PERIOD.fullmatch(name)
    if found is None or name < "0002":
        return None
    year, month, quarter = found.groups()
    if month:
        return Span(name, name, name)
    if quarter:
        return Span(name, f"{year}-{int(quarter) * 3 - 2:02d}", f"{year}-{int(quarter) * 3:02d}")
    return Span(name, f"{year}-01", f"{year}-12")


@dataclass(frozen=True, slots=True)
class River:
    """All periods; made by ``river``."""

    months: list[str]
    """Those that can be asked for, the oldest first, without a gap; the last is that of today."""
    newest: str
    """The last of them in which anything was."""
    came: Mapping[str, list[Came]]
    """Hand-off of ``WITHOUT_CLOSE``, or what is lost → what came."""
    tied: Mapping[tuple[str, str], TieOut]
    """Tie-out and currency → all documents, as of now."""
    split: Mapping[tuple[str, str], Mapping[str, TieOut]]
    """Tie-out and currency → period → the documents of it and what stood at its end, the oldest first."""

    def spans(self, kind: str) -> list[Span]:
        """The months, quarters or years in which something was, the newest first."""
        names = dict.fromkeys(_name(kind, month) for month in reversed(self.months))
        found = (span(name) for name in names)
        return [item for item in found if item is not None]

    def find(self, name: str) -> Span | None:
        """The period of a name, if it can be asked for."""
        wanted = span(name)
        return wanted if wanted and (wanted.kind == WHOLE or wanted in self.spans(wanted.kind)) else None

    @property
    def currencies(self) -> list[str]:
        """Those in which there is anything."""
        named = {
            item.currency or NO_CURRENCY for what, rows in self.came.items() if "lead" not in what for item in rows
        }
        return sorted({*named, *(currency for _, currency in self.tied)})

    def handoffs(self, chosen: Span, currency: str) -> list[Handoff]:
        """Every hand-off of which there is anything in any period; leads, which have no money, in every currency."""
        return [
            *(self._fates(name, chosen, currency) for name in WITHOUT_CLOSE if self.came.get(name)),
            *(self._tied(name, chosen, currency) for name in TIED if any(name == known for known, _ in self.tied)),
        ]

    def _fates(self, name: str, chosen: Span, currency: str) -> Handoff:
        rows = self._of(name, chosen, "" if name == LEADS else currency)
        by_fate = {fate: _sum(item for item in rows if item.fate == fate) for fate in (ON, LOST, OPEN, UNLINKED)}
        return Handoff(name, _sum(rows), by_fate[ON], by_fate[LOST], by_fate[OPEN], by_fate[UNLINKED])

    def _tied(self, name: str, chosen: Span, currency: str) -> Handoff:
        gone = _sum(self._of(LOSES[name], chosen, currency)) if name in LOSES else None
        key = (name, currency)
        if chosen.kind == WHOLE:
            item = self.tied.get(key)
            return _read(name, [item] if item else [], item, gone)
        split = self.split.get(key, {})
        known = list(split)
        until = bisect_right(known, chosen.last)
        stood = split[known[until - 1]]["to_date"] if until else None
        moved = [split[month]["movement"] for month in known[:until] if month >= chosen.first]
        return _read(name, moved, stood, gone)

    def _of(self, name: str, chosen: Span, currency: str) -> list[Came]:
        return [
            item
            for item in self.came.get(name, ())
            if (chosen.kind == WHOLE or chosen.first <= item.month <= chosen.last)
            and (name == LEADS or (item.currency or NO_CURRENCY) == currency)
        ]


def river(connection: Connection, rules: Rules) -> River:
    """Everything up to the month of today; the months that can be asked for go back to the January two years ago."""
    today = rules.period
    window, sources = _window(today), _sources(rules)
    came = {name: prospects.came(connection, what, sources, _months(rules)) for name, what in _WHAT.items()}
    split = _split(connection)
    tied = {(item["name"], item["currency"]): item for item in tieouts.latest(connection) if item["name"] in TIED}
    had = {item.month for rows in came.values() for item in rows}
    had |= {month for (name, _), items in split.items() if name in TIED for month in items if _moved(items[month])}
    known = sorted(month for month in had if window[0] <= month <= today) or [today]
    return River([month for month in window if month >= known[0]], known[-1], came, tied, split)


def _moved(item: TieOut) -> bool:
    return any(item["movement"][side]["count"] for side in ("left", "right"))


def listed(
    connection: Connection, rules: Rules, name: str, chosen: Span, currency: str, fate: str, most: int
) -> list[Listed]:
    """The records behind a figure of ``WITHOUT_CLOSE``, or of what was lost of ``LOSES``, the newest first."""
    return prospects.listed(
        connection,
        _WHAT[LOSES.get(name, name)],
        _sources(rules),
        _months(rules),
        span=None if chosen.kind == WHOLE else (chosen.first, chosen.last),
        currency="" if name == LEADS or currency == NO_CURRENCY else currency,
        fate=fate,
        most=most,
    )


def _window(today: str) -> list[str]:
    found = [today]
    while found[0] > f"{int(today[:4]) - _YEARS_BEFORE:04d}-01":
        found.insert(0, adjustments.before(found[0]))
    return found


def _months(rules: Rules) -> Months:
    begins = [(month, gathering.month(month, rules.timezone)[0]) for month in _window(rules.period)]
    return Months(begins, gathering.month(rules.period, rules.timezone)[1])


def _sources(rules: Rules) -> Sources:
    return Sources(*(rules.systems(role) for role in Sources._fields))


def _split(connection: Connection) -> dict[tuple[str, str], dict[str, TieOut]]:
    """The tie-outs by period; of a closed one as its close froze them."""
    found: dict[tuple[str, str], dict[str, TieOut]] = {}
    closed = {close.period: close for close in periods.standing(connection)}
    items = [item for item in figures.standing(connection, "period").values() if item["period"] not in closed]
    for close in closed.values():
        items += periods.figures(connection, close, "period").get("period", [])
    for item in sorted(items, key=lambda entry: str(entry["period"])):
        found.setdefault((item["name"], item["currency"]), {})[item["period"]] = item
    return found


def _read(name: str, moved: Iterable[TieOut], stood: TieOut | None, gone: Flow | None) -> Handoff:
    sides = {"left": Flow(), "right": Flow()}
    for item in moved:
        for side in sides:
            out = Flow(-item[f"excluded_{side}"]["count"], -item[f"excluded_{side}"]["amount"])
            sides[side] = sides[side].plus(Flow(item[side]["count"], item[side]["amount"])).plus(out)
    left, right = (
        Flow(stood[f"unmatched_{side}"]["count"], stood[f"unmatched_{side}"]["amount"]) if stood else Flow()
        for side in sides
    )
    return Handoff(name, sides["left"], sides["right"], gone, left, right)


def _sum(rows: Iterable[Came]) -> Flow:
    found = Flow()
    for item in rows:
        found = found.plus(Flow(item.count, item.amount))
    return found
