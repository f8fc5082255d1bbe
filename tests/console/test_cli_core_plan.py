"""``ltc push`` and ``ltc status``: the plan is shown, exactly it is carried out, and what waits is told."""

from __future__ import annotations

import os
import re
import time
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors import retry
from settings.cron import next_due
from settings.load import load
from settings.model import Settings
from state.store import open_store
from tests.console.company import data, ltc
from tests.jobs.conftest import crm, erp, settings, systems, toys
from tests.jobs.toy import ToySystem

__all__ = ["crm", "erp", "settings", "systems", "toys"]


@pytest.fixture
def config(settings: Settings) -> Path:
    return settings.path


def test_the_plan_shows_each_field_from_what_to_what_and_why(config: Path, crm: ToySystem) -> None:
    ltc(config, "sync", "--push", "plan")
    result = ltc(config, "push", "--plan")
    assert result.exit_code == 0, result.output
    row = next(line for line in result.stdout.splitlines() if " d1 " in line)
    assert row.split()[:5] == ["deal", "d1", "delivery_state", "–", "delivered"]
    assert "order SO-1 in erp says so" in row
    assert crm.writes == []


def test_the_plan_as_json_names_source_fields_and_idempotency_keys(config: Path) -> None:
    ltc(config, "sync", "--push", "plan")
    plan = data(ltc(config, "push", "--json"))["plans"][0]
    assert (plan["system"], len(plan["changes"])) == ("crm", 7)
    change = plan["changes"][0]
    assert change["idempotency_key"]
    assert change["fields"][0]["source_field"] == "delivery"
    assert change["fields"][0]["new"] == "delivered"


def test_apply_writes_what_the_plan_showed_and_then_nothing_is_left(config: Path, crm: ToySystem) -> None:
    ltc(config, "sync", "--push", "plan")
    result = ltc(config, "push", "--apply")
    assert result.exit_code == 0, result.output
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}
    assert "Nothing is left to write back" in ltc(config, "push", "--plan").stdout
    written = len(crm.writes)
    assert ltc(config, "push", "--apply").exit_code == 0
    assert len(crm.writes) == written


def test_apply_refuses_a_plan_that_is_no_longer_what_is_wanted(config: Path, crm: ToySystem, erp: ToySystem) -> None:
    ltc(config, "sync", "--push", "plan")
    erp.edit("order", "o1", {"delivery": "partly_delivered"})
    ltc(config, "pull")
    with retry.no_waiting():
        result = ltc(config, "push", "--apply")
    assert result.exit_code == 1
    assert crm.writes == []
    assert "out of date" in result.stdout
    assert "ltc push --plan" in result.stdout


def test_the_summary_tells_what_is_planned_and_what_was_written(config: Path) -> None:
    planned = ltc(config, "sync", "--push", "plan").stdout
    assert "opportunity.delivery_state 7" in planned
    assert "ltc push --plan" in planned
    applied = ltc(config, "push", "--apply").stdout
    row = applied[applied.index("What was written") :].splitlines()[2]
    assert row.split() == ["crm", "7", "0", "0", "0", "0"]


def test_a_plan_is_not_carried_out_without_being_asked_for(config: Path, crm: ToySystem) -> None:
    ltc(config, "sync", "--push", "off")
    ltc(config, "push")
    assert crm.writes == []
    ltc(config, "sync", "--push", "apply")
    assert len(crm.writes) == 7


def test_status_tells_freshness_counts_and_what_waits_for_people(config: Path) -> None:
    ltc(config, "sync", "--push", "plan")
    found = data(ltc(config, "status", "--json"))
    streams = {(item["system"], item["stream"]): item for item in found["streams"]}
    deal = streams["crm", "deal"]
    assert (deal["state"], deal["held"], deal["quarantined"]) == ("ok", 7, 0)
    assert 0 <= deal["age_seconds"] < 60
    assert deal["behind_seconds"] >= deal["age_seconds"]
    assert (found["planned_writes"], found["dead_letters"], found["failing"]) == (7, 0, [])
    assert "7 planned changes" in ltc(config, "status").stdout


def test_status_tells_what_failed_and_what_to_do_until_it_works_again(config: Path, erp: ToySystem) -> None:
    ltc(config, "pull")
    text = config.read_text()
    config.write_text(text.replace(erp.url, "http://127.0.0.1:9"))
    with retry.no_waiting():
        assert ltc(config, "pull").exit_code == 3
    shown = ltc(config, "status").stdout
    assert next(line for line in shown.splitlines() if line.startswith("erp")).split()[2] == "FAILED"
    assert "✗ erp" in shown
    config.write_text(text)
    ltc(config, "pull")
    assert "✗" not in ltc(config, "status").stdout


def test_status_calls_late_what_its_schedule_should_have_read_and_nothing_did(config: Path) -> None:
    ltc(config, "pull")
    scheduled = config.read_text().replace("  erp:\n", "  erp:\n    schedule: {interval: 3600}\n", 1)
    config.write_text(scheduled)
    assert {item["state"] for item in data(ltc(config, "status", "--json"))["streams"]} == {"ok"}
    with open_store(load(config).store) as store, store.transaction() as connection:
        connection.exec_driver_sql(f"UPDATE stream_run SET started_at = started_at - {90 * 60 * 1_000_000}")

    def states() -> set[tuple[str, str]]:
        return {(item["system"], item["state"]) for item in data(ltc(config, "status", "--json"))["streams"]}

    assert states() == {("crm", "ok"), ("erp", "ok")}, "it was scheduled a moment ago: no time of it has passed"
    assert "not carried out" not in ltc(config, "status").stdout
    os.utime(config, (time.time() - 2 * 3_600,) * 2)
    assert states() == {("crm", "ok"), ("erp", "late")}
    shown = ltc(config, "status").stdout
    assert "1 stream is late" in shown
    row = next(line for line in shown.splitlines() if line.startswith("erp"))
    # nothing past is called the next
    assert re.search(r"due since (\d\d-\d\d )?\d\d:\d\d; nothing has run by its schedule yet\s*$", row)
    config.write_text(scheduled.replace("3600", "7200"))
    assert "late" not in ltc(config, "status").stdout


def test_status_says_of_what_is_held_that_its_system_is_no_longer_named(config: Path) -> None:
    ltc(config, "pull")
    text = config.read_text()
    config.write_text(text[: text.index("  erp:\n")] + text[text.index("timezone:") :])
    states = {(item["system"], item["state"]) for item in data(ltc(config, "status", "--json"))["streams"]}
    assert states == {("crm", "ok"), ("erp", "removed")}
    assert "system removed" in ltc(config, "status").stdout


def test_status_shows_when_the_schedule_has_a_system_read_next() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    now = datetime(2026, 10, 31, 10, 7, 30, tzinfo=shanghai)  # a Saturday
    expected = {
        "*/15 * * * *": datetime(2026, 10, 31, 10, 15, tzinfo=shanghai),
        "7,22 * * * *": datetime(2026, 10, 31, 10, 22, tzinfo=shanghai),
        "30 2 * * *": datetime(2026, 11, 1, 2, 30, tzinfo=shanghai),
        "0 9-17/4 * * mon-fri": datetime(2026, 11, 2, 9, 0, tzinfo=shanghai),
        "0 0 1 jan *": datetime(2027, 1, 1, 0, 0, tzinfo=shanghai),
        "0 0 29 2 *": datetime(2028, 2, 29, 0, 0, tzinfo=shanghai),
        "@daily": datetime(2026, 11, 1, 0, 0, tzinfo=shanghai),
    }
    assert {cron: next_due(cron, now) for cron in expected} == expected
    assert next_due("0 0 30 2 *", now) is None
    assert next_due("every morning", now) is None
