"""The overview: the sums that the database makes are those of the report."""

from __future__ import annotations

import json
from concurrent.futures import wait as ended
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from typing import Any

import pytest
from sqlalchemy import delete, update

from console.i18n import texts
from console.report import figures
from console.web import trends
from console.web.overview import Latest, tally
from console.web.present import Present
from reconciliation import gathering, report, trend
from reconciliation.gathering import Moment
from reconciliation.rules import Rules
from settings.model import Settings
from state.finding_totals import moved
from state.findings import outstanding
from state.prospects import Came
from state.schema import finding, finding_event
from state.store import Store

CAME = {
    "lead_opportunity": [
        *(Came("2026-09", "", "on", 2, 0, 0), Came("2026-09", "", "lost", 1, 0, 0)),
        *(Came("2026-12", "", "open", 1, 0, 0), Came("", "", "open", 7, 0, 0)),
    ],
    "opportunity_quote": [Came("2026-09", "CNY", "on", 3, 900, 2), Came("2026-09", "USD", "open", 1, 5, 0)],
}


@pytest.mark.parametrize("zone", ["Asia/Shanghai", "America/New_York"])
@pytest.mark.parametrize("materiality", [{}, {"base": "5000"}, {"CNY": "10000.005", "USD": "1"}, {"EUR": "3"}])
def test_the_database_sums_findings_as_the_report_does(
    desk: Store, given: Settings, zone: str, materiality: dict[str, str]
) -> None:
    now = datetime(2027, 1, 20, 23, 30, tzinfo=UTC)
    basis = {"base_currency": "CNY", "timezone": zone, "materiality": materiality, "owners": {}, "own_checks": {}}
    with desk.reading() as connection:
        parts = gathering.gather(connection, Rules.of(given), Moment(0))
        rows = report.render({**parts, "basis": basis, "head": {**parts["head"], "as_of": _us(now)}}, "en")["findings"]
        assert len(rows) > 3
        assert tally(connection, basis, now) == figures.tally(rows)


def test_ages_and_due_days_are_counted_to_the_day(desk: Store, given: Settings) -> None:
    now = datetime(2027, 1, 20, 3, tzinfo=UTC)
    basis = {"base_currency": "CNY", "timezone": "Asia/Shanghai", "materiality": {}, "owners": {}, "own_checks": {}}
    with desk.transaction() as connection:
        for since, due in (("2027-01-13", "2027-01-19"), ("2027-01-12", "2027-01-20"), ("2026-10-22", None)):
            connection.execute(update(finding).values(since=since, due_on=due))
            found = tally(connection, basis, now)
            ages = {name for name, of_age in found.by_age.items() if of_age.count}
            assert ages == {figures.bucket((now.date() - datetime.fromisoformat(since).date()).days)}
            assert found.aside.overdue == (found.total.count if due == "2027-01-19" else 0)


def test_the_overview_follows_what_people_decide(desk: Store, given: Settings) -> None:
    latest = Latest(desk, Present(given))
    before = latest.of("en").sums.total.count
    with desk.transaction() as connection:
        connection.execute(update(finding).values(status="resolved"))
        connection.execute(
            finding_event.insert().values(finding_id="x", at=1, event="commented", actor="li", detail="{}")
        )
    assert before > 0
    assert latest.of("en").sums.total.count == 0


def test_while_the_figures_of_a_reconciliation_are_made_all_of_the_page_is_from_before_it(
    desk: Store, given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    latest, released = Latest(desk, Present(given)), Event()
    before, make = latest.of("en"), latest._make
    monkeypatch.setattr(latest, "_make", lambda *of: make(*of) if released.wait(30) else None)
    with desk.transaction() as connection:
        connection.execute(update(finding).values(status="waived"))
        said = {"event": "changed", "actor": "ltc", "detail": "{}", "run_id": "run-2"}
        connection.execute(finding_event.insert().values(finding_id="x", at=1, **said))
    during = latest.of("en")
    assert during == replace(before, older=True), "no part of it is newer than another"
    released.set()
    ended(latest._being_made.values())
    after = latest.of("en")
    assert (before.sums.aside.waived, after.older, after.sums.aside.waived) == (0, False, after.sums.total.count)


def _us(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def test_findings_of_the_last_months_are_counted_back_from_now(desk: Store) -> None:
    with desk.transaction() as connection:
        stand = outstanding(connection)
        connection.execute(delete(finding_event))
        said = [("opened", 5), ("opened", 15), ("resolved", 15), ("reopened", 25), ("commented", 25), ("opened", 25)]
        rows = [{"finding_id": "x", "at": at, "event": event, "actor": "ltc", "detail": "{}"} for event, at in said]
        connection.execute(finding_event.insert(), rows)
        assert moved(connection, [10, 20, 30]) == [(1, 1, stand - 2), (2, 0, stand), (0, 0, stand)]


def test_the_trend_has_every_month_between_the_first_and_this_one(desk: Store, given: Settings) -> None:
    split = [_tie_out("2026-08", 500), _tie_out("2026-11", 700), _tie_out("2027-02", 9)]
    with desk.reading() as connection:
        rules = replace(Rules.of(given), as_of=datetime(2026, 12, 5, tzinfo=UTC))
        found = trend.trend(connection, split, CAME, rules)
    assert found.months == ["2026-08", "2026-09", "2026-10", "2026-11", "2026-12"]
    assert found.money["CNY"]["order"] == [400, 0, 0, 600, 0]
    assert found.money["CNY"]["invoice"] == [500, 0, 0, 700, 0]
    assert found.prospects == [(0, 0, 0), (3, 4, 2), (0, 0, 0), (0, 0, 0), (1, 0, 0)]


def _tie_out(period: str, amount: int) -> dict[str, Any]:
    nothing, left_out = {"amount": 0}, {"amount": 100}
    parts = {"left": {"amount": amount}, "right": {"amount": amount}}
    movement = {**parts, "excluded_left": left_out, "excluded_right": nothing}
    return {"name": "order_invoice", "currency": "CNY", "period": period, "movement": movement}


def test_the_legend_of_a_chart_has_the_decimals_of_its_currency_and_counts_have_none(
    desk: Store, given: Settings
) -> None:
    split = [_tie_out("2026-08", 500), {**_tie_out("2026-09", 7), "currency": "JPY"}]
    with desk.reading() as connection:
        found = trend.trend(connection, split, CAME, Rules.of(given))
    charts = trends.shown(found, "CNY", texts("en"))
    places = {chart.unit: json.loads(chart.data)["places"] for chart in charts}
    assert {name: places[name] for name in ("CNY", "JPY", "")} == {"CNY": 2, "JPY": 0, "": 0}
