"""Any earlier report again, to the byte: whatever records, decisions, settings and closes came after it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciliation import closing, report
from reconciliation.engine import reconcile
from settings.model import Settings
from state import clock, findings, handling
from state.periods import PeriodError
from state.store import Store
from tests.reconciliation.books import Books, settings
from tests.reconciliation.deals import Deal

pytestmark = pytest.mark.slow


class Clock:
    """The time of the whole process; every look at it takes a millisecond."""

    def __init__(self) -> None:
        self.now = datetime(2026, 10, 20, 1, 0, tzinfo=UTC)

    def read(self) -> int:
        self.now += timedelta(milliseconds=1)
        return clock.to_us(self.now) * 1000

    def days(self, number: int) -> None:
        self.now += timedelta(days=number)


@pytest.fixture
def time() -> Iterator[Clock]:
    found = Clock()
    with clock.simulated(found.read):
        yield found


def going(**changes: Any) -> Settings:
    """Settings with which time goes on."""
    return settings(as_of=None, **changes)


def as_bytes(built: dict[str, Any]) -> bytes:
    return json.dumps(built, ensure_ascii=False).encode()


class Issued:
    """Reports as they were issued, with the settings of their day."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.reports: list[dict[str, Any]] = []

    def issue(self, found: Settings, **wanted: Any) -> dict[str, Any]:
        built = report.build(self.store, found, **wanted)
        self.reports.append(built)
        return built

    def again(self, found: Settings, first: dict[str, Any]) -> dict[str, Any]:
        then = datetime.fromisoformat(first["as_of"])
        return report.build(self.store, found, as_of=then, locale=first["locale"], period=first["period"])


def some_days(store: Store, time: Clock) -> tuple[Issued, Settings]:
    """Three weeks in which everything changes that may change; the settings of the last day, too."""
    issued, books = Issued(store), Books(store)
    Deal(1).set("invoice", net_amount=1100).drop("payment").write(books)
    Deal(2).write(books)
    books.save()
    reconcile(store, going(), "run-1")
    issued.issue(going())
    with store.reading() as connection:
        one = findings.listing(connection)[0].id

    time.days(1)  # people decide, the data stays
    with store.transaction() as connection:
        handling.assign(connection, one, "wang", "lin", due=date(2026, 10, 30))
        handling.comment(connection, one, "was called", "wang")
        handling.attach(connection, one, "letter.pdf", b"Dear all", "wang")
    issued.issue(going(), locale="zh-CN")

    time.days(1)  # the amount changes, another finding comes, one goes
    Deal(1).set("invoice", net_amount=1000).drop("payment").write(books)
    Deal(3).set("invoice", net_amount=900).write(books)
    books.save()
    reconcile(store, going(), "run-2")
    issued.issue(going(), period="2026-09")

    time.days(12)  # a month later, with other settings
    other = going(
        timezone="Europe/Berlin",
        company="ACME",
        reconciliation={"materiality": {"base": "500"}, "findings": {"owners": {"finance": "li"}}},
    )
    Deal(1).write(books)
    books.save()
    reconcile(store, other, "run-3")
    issued.issue(other)

    time.days(1)
    closing.close(store, other, "2026-10", "wang", "close-1", {}, "so")
    issued.issue(other, period="2026-10")
    closing.approve(store, other, "2026-10", "li")
    issued.issue(other, period="2026-10")

    time.days(3)  # a document of the closed month changes
    Deal(2).set("invoice", gross_amount=1400).write(books)
    books.save()
    reconcile(store, other, "run-4")
    assert issued.issue(other)["adjustments"]
    return issued, other


def test_reports_of_several_days_come_again_byte_for_byte(store: Store, time: Clock) -> None:
    issued, last = some_days(store, time)
    assert len({as_bytes(built) for built in issued.reports}) == len(issued.reports) == 7
    assert [built.get("company") for built in issued.reports] == [None] * 3 + ["ACME"] * 4
    for first in issued.reports:
        assert as_bytes(issued.again(last, first)) == as_bytes(first)
        assert as_bytes(issued.again(going(base_currency="EUR", company="Beta"), first)) == as_bytes(first)


def test_the_files_of_reports_come_again_byte_for_byte(sqlite_store: Store, time: Clock, tmp_path: Path) -> None:
    from console.report import html, xlsx

    issued, last = some_days(sqlite_store, time)
    for first in (issued.reports[0], issued.reports[4], issued.reports[6]):
        again = issued.again(last, first)
        for name, built in (("first", first), ("again", again)):
            xlsx.write(built, tmp_path / f"{name}.xlsx", first["locale"])
        assert html.render(again, first["locale"]) == html.render(first, first["locale"])
        assert (tmp_path / "again.xlsx").read_bytes() == (tmp_path / "first.xlsx").read_bytes()


def test_what_is_written_while_a_report_is_made_is_in_none_or_in_both(store: Store, time: Clock) -> None:
    books = Books(store)
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    reconcile(store, going(), "run-1")
    first = report.build(store, going())
    with store.reading() as connection:
        one = findings.listing(connection)[0].id
    with store.transaction() as connection:  # stamped after the report, whatever its clock says
        handling.explain(connection, one, "agreed", "wang")
    then = datetime.fromisoformat(first["as_of"])
    assert as_bytes(report.build(store, going(), as_of=then)) == as_bytes(first)
    assert report.build(store, going())["findings"][0]["status"] == "explained"


def test_a_clock_that_was_set_back_does_not_change_what_was_reported(store: Store, time: Clock) -> None:
    books = Books(store)
    Deal(1).set("invoice", net_amount=1100).write(books)
    books.save()
    reconcile(store, going(), "run-1")
    first = report.build(store, going())
    time.days(-5)
    Deal(1).write(books)
    books.save()
    reconcile(store, going(), "run-2")
    assert report.build(store, going())["findings"] == []
    time.days(6)
    then = datetime.fromisoformat(first["as_of"])
    assert as_bytes(report.build(store, going(), as_of=then)) == as_bytes(first)


def test_a_report_of_the_future_is_refused(store: Store, time: Clock) -> None:
    with pytest.raises(PeriodError, match="has not come yet"):
        report.build(store, going(), as_of=time.now + timedelta(days=1))
