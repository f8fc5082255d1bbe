"""The first page: what the last reconciliation came to, in the figures of the report."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as ended
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, HTTPException
from markupsafe import Markup
from starlette.responses import Response

from console.i18n import texts
from console.report import figures, html
from console.report.cards import cards, owed_now
from console.report.figures import BUCKETS, Aside, Report, Sum, Tally
from console.report.html import Ways
from console.web import close_lines, glance, rivers, trends
from console.web.desk import Reader, Visit
from console.web.rivers import Asides
from reconciliation import behind, gathering, money, report, river, trend
from reconciliation.gathering import Moment
from reconciliation.river import River
from reconciliation.rules import Rules
from reconciliation.sections import instant
from reconciliation.trend import Trend
from state import figures as stored
from state import finding_pages, finding_totals, findings, news, periods
from state.clock import now_us, to_us
from state.finding_pages import Wanted
from state.finding_totals import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy.engine import Connection

    from console.i18n import Texts
    from console.web.present import Present
    from state.store import Store

router = APIRouter()

_PATIENCE_SECONDS = 0.2
"""So long somebody waits for the figures of a reconciliation that has just ended; then those before it are shown."""
_WITHIN = {
    "largest": "overview.largest",
    "river": "flow.title",
    "worst": "flow.worst.short",
    "trend": "trend.title",
    "tie_outs": "section.tie_outs",
    "by_stage": "section.by_stage",
    "ageing": "overview.ages",
    html.OWED: "section.receivables_ageing",
}
"""The sections of the page, in its order, by their ids; those of which there is nothing are not drawn."""
_LARGEST = 5
"""Findings that the first page shows."""


@dataclass(frozen=True)
class _Made:
    seen: tuple[Any, ...]
    parts: dict[str, Any]
    report: dict[str, Any]
    river: River
    trend: Trend
    asides: Asides


@dataclass(frozen=True)
class Shown:
    """The report of now without its findings, their sums, and the periods before it; ``key`` changes with any of it but
    the instant of now, and ends with the language."""

    report: Report
    sums: Tally
    river: River
    trend: Trend
    asides: Asides
    key: tuple[Any, ...]
    older: bool = False
    """Whether all of it is from before a reconciliation that has just ended, whose figures are being made."""

    @property
    def ways(self) -> Ways:
        """Where the figures lead to; what is behind those that a close has frozen nobody keeps."""
        return Ways("/trace", "" if self.report["sign_off"] else "/tie-outs", "/customers")


class Latest:
    """The report of now in each language but for the findings themselves, of which it has the sums.

    What reconciliations came to is gathered once for each of them, in the background where there is an older one to
    show meanwhile, wholly: with the sums of then. The sums of findings, which change with every decision, are asked of
    the database.
    """

    def __init__(self, store: Store, present: Present) -> None:
        self._store, self._present = store, present
        self._made: dict[str, _Made] = {}
        self._being_made: dict[str, Future[_Made]] = {}
        self._tally: dict[tuple[Any, ...], tuple[tuple[Any, ...], Tally]] = {}
        self._drawn: dict[tuple[str, str], tuple[tuple[Any, ...], Markup]] = {}
        self._lock, self._adding_up = Lock(), Lock()
        self._maker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="overview")

    def of(self, locale: str) -> Shown:
        """What to show; raises ``StoreError``, ``DoesNotFootError``."""
        rules = Rules.of(self._present.settings)
        with self._store.reading() as connection:
            seen = _seen(connection, rules)
        made = self._made.get(locale)
        if made is None or made.seen != seen:
            made = self._anew(locale, seen, rules, made)
        return self._shown(locale, made, rules)

    def _shown(self, locale: str, made: _Made, rules: Rules) -> Shown:
        if "finding" in made.parts:
            sums = figures.tally(made.report["findings"])
            return Shown(made.report, sums, made.river, made.trend, made.asides, (made.seen, locale))
        seen, sums, older = self._sum(made, rules)
        now = {} if older or made.report["sign_off"] else {"as_of": instant(_now(rules))}
        whole = {**made.report, **now}
        return Shown(whole, sums, made.river, made.trend, made.asides, (seen, locale), older)

    def drawn(self, shown: Shown, part: str, draw: Callable[[], Markup]) -> Markup:
        """A part of the page, drawn anew only where it shows something else than the last one in its language.

        The parts are those of one page and of the periods that can be asked for, so that there are never many.
        """
        key = (shown.key[-1], part)
        kept = self._drawn.get(key)
        if kept is None or kept[0] != shown.key:
            kept = self._drawn[key] = (shown.key, draw())
        return kept[1]

    def _anew(self, locale: str, seen: tuple[Any, ...], rules: Rules, before: _Made | None) -> _Made:
        with self._lock:
            making = self._being_made.get(locale)
            if making is None or making.done():
                making = self._being_made[locale] = self._maker.submit(self._make, locale, seen, rules)
        whole = before is not None and ("finding" in before.parts or before.seen in self._tally)
        ended((making,), _PATIENCE_SECONDS if whole else None)
        return making.result() if before is None or not whole or making.done() else before

    def _make(self, locale: str, seen: tuple[Any, ...], rules: Rules) -> _Made:
        with self._store.reading() as connection:
            parts = gathering.outline(connection, rules, Moment(_now(rules)))
            course = river.river(connection, rules)
            kept = stored.standing(connection, behind.KIND)
            months = trend.trend(connection, stored.standing(connection, "period").values(), course.came, rules)
        whole = report.render(parts, locale) if "finding" in parts else report.outline(parts, locale)
        made = self._made[locale] = _Made(seen, parts, whole, course, months, Asides.of(kept))
        return made

    def _sum(self, made: _Made, rules: Rules) -> tuple[tuple[Any, ...], Tally, bool]:
        """The sums of the findings, what changes when they or what was made do, and whether they are older than now.

        While what was made is from before a reconciliation, so are they: figures of two states contradict each other.
        """
        with self._store.reading() as connection:
            kept = self._tally.get(made.seen)
            if kept is not None and _seen(connection, rules) != made.seen:
                return *kept, True
            seen = (*news.versions(connection), made.seen)
            if kept is None or kept[0] != seen:
                with self._adding_up:  # once for all who come after a decision
                    kept = self._tally.get(made.seen)
                    if kept is None or kept[0] != seen:
                        kept = (seen, tally(connection, made.parts["basis"], rules.as_of))
                        self._tally = {made.seen: kept}
            return *kept, False


def tally(connection: Connection, basis: dict[str, Any], now: datetime) -> Tally:
    """The outstanding findings as ``figures.tally`` would sum them; ``basis`` is that of the last reconciliation."""
    base, zone = basis["base_currency"], ZoneInfo(basis["timezone"])
    found = Tally()
    for item in finding_totals.totals(connection, _limits(basis, now.astimezone(zone))):
        amount = Decimal(money.text(item.base, base) or 0)
        one = Sum({item.severity: item.number}, amount, item.unconverted)
        waived = Decimal(money.text(item.waived_base, base) or 0)
        aside = Aside(item.immaterial, item.overdue, item.waived, waived)
        found.add(item.stage, item.department, BUCKETS[item.age][0], one, aside)
    return found


def _limits(basis: dict[str, Any], now: datetime) -> Limits:
    ends = []
    for _, _, last in BUCKETS:
        if last is not None:
            day = (now - timedelta(days=last)).date()
            begins = datetime.combine(day, datetime.min.time(), now.tzinfo)
            ends.append((day.isoformat(), to_us(begins)))
    material = {}
    for name, amount in basis["materiality"].items():
        currency = basis["base_currency"] if name == finding_totals.BASE else name
        material[name] = int(Decimal(amount).scaleb(money.places(currency)).to_integral_value("ROUND_CEILING"))
    return Limits(now.date().isoformat(), ends, material)


def _seen(connection: Connection, rules: Rules) -> tuple[Any, ...]:
    """What the report of now shows beside findings comes of this."""
    closes = tuple(periods.closes(connection))
    return (*news.figures(connection), closes, rules.today, rules.timezone, tuple(sorted(rules.rates.items())))


def _now(rules: Rules) -> int:
    return rules.fixed_at if rules.fixed_at is not None else now_us()


@router.get("/")
def overview(visit: Reader, period: str = "") -> Response:
    """The overview; ``period`` is the one that the river is of."""
    latest: Latest = visit.request.app.state.latest
    shown = latest.of(visit.texts.locale)
    words, rates = texts(visit.texts.locale), visit.desk.settings.reconciliation.rates
    chosen = shown.river.find(period or shown.river.newest)
    if chosen is None:
        raise HTTPException(404)

    def draw_top() -> Markup:
        return visit.part("overview_head", **_top(visit, shown, words))

    def draw_river() -> Markup:
        content = rivers.shown(shown.river, chosen, shown.report, shown.sums, words, shown.asides, rates)
        return visit.part("overview_river", **content)

    def draw_rest() -> Markup:
        content = html.overview(shown.report, shown.sums, words, shown.ways)
        charts = trends.shown(shown.trend, content["base"], words)
        sections = [section for section in content["period_sections"] if section["id"] == html.OWED]
        return visit.part("overview_body", findings_at="/findings", charts=charts, sections=sections, **content)

    top = latest.drawn(shown, "top", draw_top)
    flow = latest.drawn(shown, chosen.name, draw_river)
    body = latest.drawn(shown, "rest", draw_rest)
    drawn = top + flow + body
    return visit.page(
        "overview",
        within=[(id, words(name)) for id, name in _WITHIN.items() if f' id="{id}"' in drawn],
        glance=glance.of(visit),
        older=shown.older,
        top=top,
        river=flow,
        body=body,
        closes=close_lines.lines(shown.report, words, close_lines.done(visit)),
        **html.heading(shown.report, words),
    )


@router.get("/figures")
def figures_of_the_period(visit: Reader, owed: str = "") -> Response:
    """All tables of the report but the findings: the period, its tie-outs, what customers owe, what came in.

    With ``owed`` as ``overdue`` only the documents that are overdue, the longest first.
    """
    latest: Latest = visit.request.app.state.latest
    shown = latest.of(visit.texts.locale)
    words = texts(visit.texts.locale)
    rates = visit.desk.settings.reconciliation.rates
    late = owed == "overdue"
    if late:
        found = html.overdue(shown.report, words, shown.ways, rates)
        sections = [found] if found else []
    else:
        sections = list(html.period_sections(shown.report, words, shown.ways, rates))
    name = "overdue" if late else "figures"
    body = latest.drawn(shown, name, lambda: visit.part("all_figures_body", sections=sections))
    parts = [] if late else [(section["id"], section["title"]) for section in sections if section["title"]]
    closes = close_lines.lines(shown.report, words, close_lines.done(visit))
    heading = html.heading(shown.report, words)
    return visit.page("all_figures", parts=parts, late=late, body=body, closes=closes, **heading)


def _top(visit: Visit, shown: Shown, words: Texts) -> dict[str, Any]:
    """The headline figures, and the findings with the most money that nobody has waived."""
    rules = Rules.of(visit.desk.settings)
    with visit.desk.store.reading() as connection:
        ids = finding_pages.ids(connection, Wanted(order="amount", least=1, unwaived=True), _LARGEST)
        found = findings.of_ids(connection, ids)
    return {
        "cards": [
            *cards(shown.report, shown.sums, words),
            owed_now(shown.report, words, visit.desk.settings.reconciliation.rates),
        ],
        "largest": [report.shown(item, rules, visit.lang) for item in found],
        "base": shown.report["base_currency"],
    }
