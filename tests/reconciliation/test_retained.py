"""A report of a time whose findings were pruned says that it is incomplete."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

from rich.console import Console

from console.i18n import texts
from console.report import figures, html, terminal
from reconciliation import report
from settings.model import Settings
from state import findings, retention
from state.clock import now, now_us
from state.findings import Changes
from state.pruned import DAY_US
from state.store import Store

SETTINGS = Settings.model_validate({"version": 1, "systems": {"erp": {"connector": "tryton", "roles": ["erp"]}}})


def resolved(store: Store, id: str, days_ago: int) -> None:
    """A finding that stood open for a day and was resolved so many days ago."""
    at = now_us() - days_ago * DAY_US
    found = (id, "c", "order", "sales", "error", None, None, None, "{}", None)
    with store.transaction() as connection:
        findings.apply(connection, Changes(opened=[found]), id, at - DAY_US, at - DAY_US)
        findings.apply(connection, Changes(resolved=[id]), id, at, at)


def test_a_report_of_a_time_before_the_oldest_findings_says_that_it_is_incomplete(store: Store) -> None:
    resolved(store, "old", 100)
    resolved(store, "young", 10)
    long_ago, lately = now() - timedelta(days=100, hours=1), now() - timedelta(days=10, hours=1)
    assert [item["id"] for item in report.build(store, SETTINGS, long_ago)["findings"]] == ["old"]
    assert retention.prune(store, retention.Policy(findings_days=30)).findings == 1
    incomplete = report.build(store, SETTINGS, long_ago)
    assert incomplete["findings"] == []
    assert incomplete["pruned_before"].startswith(f"{now() - timedelta(days=30):%Y-%m-%d}")
    said = texts("en")("report.pruned", before=figures.local_time({**incomplete, "as_of": incomplete["pruned_before"]}))
    assert said in html.render(incomplete, "en")
    shown = StringIO()
    terminal.show(incomplete, "en", Console(file=shown, width=200))
    assert said in shown.getvalue()
    for whole in (report.build(store, SETTINGS, lately), report.build(store, SETTINGS)):
        assert "pruned_before" not in whole
    assert [item["id"] for item in report.build(store, SETTINGS, lately)["findings"]] == ["young"]
