"""What every form of the report shows, computed from its public format: sums, shares, ageing; exact decimals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo

from mappings.currencies import EXPONENTS

if TYPE_CHECKING:
    from console.i18n import Texts

Report = Mapping[str, Any]
"""A report in the public format ``ltc-report/1``."""
Item = Mapping[str, Any]

STAGES = (
    *("lead", "opportunity", "quote", "order", "delivery", "billing", "collection", "payout"),
    *("service", "master_data", "sync"),
)
SEVERITIES = ("error", "warning", "info")
TIE_OUTS = (
    *("quote_order", "order_delivery", "order_invoice", "invoice_payment", "payment_payout", "payout_bank"),
    *("status_crm_erp", "status_erp_accounting"),
)
BUCKETS: tuple[tuple[str, int, int | None], ...] = (
    ("0-7", 0, 7),
    ("8-30", 8, 30),
    ("31-60", 31, 60),
    ("61-90", 61, 90),
    ("90+", 91, None),
)
"""Ages in days, both ends inclusive."""


@dataclass(slots=True)
class Sum:
    """Findings counted by severity, and their money in the base currency."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SEVERITIES, 0))
    base: Decimal = Decimal(0)
    unconverted: int = 0
    """Findings with money in a currency that has no rate; it is not in ``base``."""

    @property
    def count(self) -> int:
        """All of them."""
        return sum(self.counts.values())

    def add(self, more: Sum) -> None:
        """Add others."""
        for severity, count in more.counts.items():
            self.counts[severity] = self.counts.get(severity, 0) + count
        self.base += more.base
        self.unconverted += more.unconverted


@dataclass(slots=True)
class Aside:
    """Of findings that are summed: those that it takes a word on."""

    immaterial: int = 0
    overdue: int = 0
    waived: int = 0
    waived_base: Decimal = Decimal(0)
    """Money of the waived ones in the base currency."""

    def add(self, more: Aside) -> None:
        """Add others."""
        self.immaterial += more.immaterial
        self.overdue += more.overdue
        self.waived += more.waived
        self.waived_base += more.waived_base


@dataclass(slots=True)
class Tally:
    """Findings summed in all the ways that reports show them."""

    total: Sum = field(default_factory=Sum)
    by_age: dict[str, Sum] = field(default_factory=lambda: {name: Sum() for name, _, _ in BUCKETS})
    """Every bucket is there."""
    aside: Aside = field(default_factory=Aside)
    _stages: dict[tuple[str, str], Sum] = field(default_factory=dict)

    def add(self, stage: str, department: str, age: str, found: Sum, aside: Aside) -> None:
        """Add findings of one stage, department and bucket of age."""
        for whole in (self.total, self.by_age[age], self._stages.setdefault((stage, department), Sum())):
            whole.add(found)
        self.aside.add(aside)

    @property
    def by_stage(self) -> list[tuple[str, str, Sum]]:
        """By stage and department, in the course of lead to cash."""
        return [(*key, self._stages[key]) for key in sorted(self._stages, key=lambda key: (_rank(STAGES, key[0]), key))]

    @property
    def by_department(self) -> list[tuple[str, Sum, list[tuple[str, Sum]]]]:
        """Each department with the sum of its findings, and with those of each stage, in the course of lead to cash."""
        found: dict[str, tuple[Sum, list[tuple[str, Sum]]]] = {}
        for stage, department, one in self.by_stage:
            whole, stages = found.setdefault(department, (Sum(), []))
            whole.add(one)
            stages.append((stage, one))
        return [(department, *one) for department, one in found.items()]

    @property
    def stages(self) -> list[str]:
        """Stages that have any, in the course of lead to cash."""
        return list(dict.fromkeys(stage for stage, _, _ in self.by_stage))

    @property
    def departments(self) -> list[str]:
        """Departments that have something to do, in the course of lead to cash."""
        return list(dict.fromkeys(department for _, department, _ in self.by_stage))


@dataclass(frozen=True, slots=True)
class Step:
    """One step of lead to cash in one currency; ``width`` is what the river shows, net of tax."""

    name: str
    amount: Decimal
    width: Decimal
    share: Decimal | None
    """Of the step before; ``None`` for the first, or where that is zero."""


def decimals(currency: str | None) -> int:
    """Decimals of a currency; 2 where it is unknown."""
    return EXPONENTS.get(currency or "", 2)


def money(amount: str | Decimal | None, currency: str | None) -> str:
    """An amount for people, without its currency: ``12,345.60``; – for none."""
    return "–" if amount is None else f"{Decimal(amount):,.{decimals(currency)}f}"


def local_time(report: Report) -> str:
    """The report's instant in its own time zone, to the minute."""
    zone = str(report.get("timezone") or "UTC")
    instant = datetime.fromisoformat(report["as_of"]).astimezone(ZoneInfo(zone))
    return f"{instant:%Y-%m-%d %H:%M} {zone}"


def as_of(report: Report, words: Texts) -> str:
    """The report's instant in words, and, where it is before the first finding that is kept, that some are missing.

    A close freezes what there is on its day, which is after the end of the period: it says what is of which of the two,
    and which close of the month it is, where the month was reopened before.
    """
    signed = report.get("sign_off")
    said = words("report.as_of", at=local_time(report))
    if signed:
        closed = local_time({**report, "as_of": signed["closed_at"]})
        said += f" · {words('report.of_close', at=closed, period=report['period'])}"
        if signed["revision"] > 1:
            said += f" ({words('report.revision', revision=signed['revision'])})"
    before = report.get("pruned_before")
    return f"{said} · {words('report.pruned', before=local_time({**report, 'as_of': before}))}" if before else said


def withdrawn(report: Report, words: Texts) -> str:
    """That the close whose figures these are was reopened, by whom, when and why; empty for all other reports."""
    signed = report.get("sign_off")
    if not signed or signed["reopened_at"] is None:
        return ""
    at = local_time({**report, "as_of": signed["reopened_at"]})
    names = {name: signed[name] for name in ("period", "revision")}
    return words("report.withdrawn", **names, by=signed["reopened_by"], at=at, reason=signed["reason"])


def remarks(found: Tally, base: str, words: Texts) -> list[str]:
    """What has to be known about the totals: money without a rate, findings that are waived, immaterial or late."""
    unconverted, aside = found.total.unconverted, found.aside
    said = [words.counted("report.unconverted", unconverted, currency=base)] if unconverted else []
    if aside.waived:
        amount = money(aside.waived_base, base)
        said.append(words("report.waived", count=f"{aside.waived:,}", amount=amount, currency=base))
    said += [words.counted("report.immaterial", aside.immaterial)] if aside.immaterial else []
    return said + ([words.counted("report.overdue", aside.overdue)] if aside.overdue else [])


def tally(findings: Iterable[Item]) -> Tally:
    """What findings of the public format come to."""
    found = Tally()
    for item in findings:
        one = Sum({item["severity"]: 1})
        if item["base_amount"] is not None:
            one.base = Decimal(item["base_amount"])
        else:
            one.unconverted = int(item["amount"] is not None)
        aside = Aside(int(not item.get("material", True)), int(bool(item.get("overdue"))))
        if item["status"] == "waived":
            aside.waived, aside.waived_base = 1, one.base
        found.add(item["stage"], item["department"], bucket(item["age_days"]), one, aside)
    return found


def gravest(findings: Iterable[Item]) -> list[Item]:
    """Errors first, and of each severity the most money first."""
    return sorted(
        findings,
        key=lambda item: (_rank(SEVERITIES, item["severity"]), -abs(Decimal(item["base_amount"] or 0)), item["id"]),
    )


def bucket(days: int) -> str:
    """The name of the bucket an age falls into."""
    return next(name for name, _, last in BUCKETS if last is None or days <= last)


def days(name: str) -> str:
    """A bucket for people: ``8–30``, ``> 90``."""
    return "> 90" if name == "90+" else name.replace("-", "–")


def tie_outs(report: Report) -> list[Item]:
    """Tie-outs in the course of lead to cash, the base currency first."""
    base = report["base_currency"]
    return sorted(report["tie_outs"], key=lambda item: order(item["name"], item["currency"], base))


def order(name: str, currency: str, base: str) -> tuple[Any, ...]:
    """Where a tie-out stands in the course of lead to cash, the base currency first."""
    return (_rank(TIE_OUTS, name), name, currency != base, currency)


def currencies(report: Report) -> list[str]:
    """Currencies of the tie-outs, the base currency first."""
    return list(dict.fromkeys(item["currency"] for item in sorted(tie_outs(report), key=_by_currency(report))))


def _by_currency(report: Report) -> Any:
    base = report["base_currency"]
    return lambda item: (item["currency"] != base, item["currency"])


class Agreement(NamedTuple):
    """Positions that agree, those on the left and on the right that do not, and those that are not due yet.

    One that has two sides which differ is among both the left and the right, so they must not be added up. One whose
    day is still to come ``waits``, and is in neither.
    """

    agree: int
    left: int
    right: int
    waits: int

    @property
    def share(self) -> str:
        """For people, the share of both sides' positions that agree, of those that are due; – if there are none."""
        return percent(proportion(2 * self.agree, 2 * self.agree + self.left + self.right))

    def said(self, key: str, words: Texts, **names: str) -> str:
        """In words: those that agree and do not as ``key`` says it, and then, if there are any, those not due yet."""
        counts = {name: f"{getattr(self, name):,}" for name in ("agree", "left", "right")}
        told = words(key, **counts, **names)
        return f"{told} · {words('tie_outs.waiting', count=f'{self.waits:,}')}" if self.waits else told


def agreement(items: Iterable[Item]) -> Agreement:
    """What all of these tie-outs come to."""
    agree = waits = 0
    sides = {"left": 0, "right": 0}
    for item in items:
        agree += item["matched"]["count"]
        waits += not_due(item, "left")
        for side in sides:
            sides[side] += item[f"unmatched_{side}"]["count"] - not_due(item, side)
    return Agreement(agree, **sides, waits=waits)


def not_due(item: Item, side: str) -> int:
    """How many unmatched positions of one side of a tie-out only wait for a day to come."""
    count: int = item[f"not_due_{side}"]["count"]
    return count


def proportion(part: int | Decimal, whole: int | Decimal) -> Decimal | None:
    """``part`` of ``whole`` as a fraction; ``None`` of nothing."""
    return Decimal(part) / Decimal(whole) if whole else None


def percent(fraction: Decimal | None) -> str:
    """A fraction for people; never 100 % while something is missing, nor 0 % while something is there."""
    if fraction is None:
        return "–"
    shown = f"{fraction * 100:.1f}"
    if shown == "100.0" and fraction < 1:
        return "99.9 %"
    return "0.1 %" if shown == "0.0" and fraction > 0 else f"{shown} %"


def river(report: Report, currency: str) -> list[Step]:
    """Accepted quotes to money received, in one currency.

    Payments include tax and invoices here do not, so the last step is as wide as the paid share of what was billed.
    """
    found = {item["name"]: item for item in report["tie_outs"] if item["currency"] == currency}
    amounts = [
        ("quote", _net(found.get("quote_order"), "left")),
        ("order", _net(found.get("order_delivery"), "left")),
        ("delivery", _net(found.get("order_delivery"), "right")),
        ("invoice", _net(found.get("order_invoice"), "right")),
    ]
    steps: list[Step] = []
    for name, amount in amounts:
        before = steps[-1].amount if steps else Decimal(0)
        steps.append(Step(name, amount, amount, proportion(amount, before)))
    billed, paid = (_net(found.get("invoice_payment"), side) for side in ("left", "right"))
    share = proportion(paid, billed)
    return [*steps, Step("payment", paid, steps[-1].amount * (share or 0), share)]


def _net(item: Item | None, side: str) -> Decimal:
    """One side without what is excluded."""
    if item is None:
        return Decimal(0)
    return Decimal(item[side]["amount"]) - Decimal(item[f"excluded_{side}"]["amount"])


def label(record: Item) -> str:
    """What to call a record: its number, else the source's id."""
    return str(record["number"] or record["source_id"])


def address(record: Item) -> tuple[str, str, str]:
    """Which record it is: its system, its entity and the source's id."""
    return record["system"], record["entity"], record["source_id"]


def link(record: Item) -> str | None:
    """The record's address in its own system, if it is one that a browser may open."""
    url = record.get("url")
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else None


def _rank(order: Sequence[str], name: str) -> int:
    return order.index(name) if name in order else len(order)
