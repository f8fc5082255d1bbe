"""A schedule in a form says the same as ltc.yaml, in fields and in words, and what is in no field stays cron."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from console.i18n import texts
from console.web.admin import timing
from console.web.admin.timing import Timing


@pytest.mark.parametrize(
    ("chosen", "written", "english", "chinese"),
    [
        (Timing("interval", "15"), {"interval": "15m"}, "every 15 minutes", "每 15 分钟"),
        (Timing("interval", "1", "h"), {"interval": "60m"}, "every hour", "每小时"),
        (Timing("interval", "90s"), {"interval": "90s"}, "every 90 seconds", "每 90 秒"),
        (
            Timing("interval", "1", "h", "22", "6"),
            {"cron": "0 22-23,0-6 * * *"},
            "every hour from 22:00 to 06:00 of the next day",
            "每天 22:00 至次日 06:00，每小时",
        ),
        (
            Timing("interval", "15", "m", "6", "21"),
            {"cron": "*/15 6-21 * * *"},
            "every 15 minutes from 06:00 to 21:45",
            "每天 06:00 至 21:45，每 15 分钟",
        ),
        (
            Timing("interval", "2", "h", "23", "6"),
            {"cron": "0 23,1,3,5 * * *"},
            "every 2 hours from 23:00 to 05:00 of the next day",
            "每天 23:00 至次日 05:00，每 2 小时",
        ),
        (Timing("cron", cron="5 3 * * *"), {"cron": "5 3 * * *"}, "daily at 03:05", "每天 03:05"),
        (Timing("cron", cron="0 3 1 * *"), {"cron": "0 3 1 * *"}, "0 3 1 * *", "0 3 1 * *"),
        (Timing(), None, "by hand", "手动"),
    ],
)
def test_a_schedule_is_written_and_said(
    chosen: Timing, written: dict[str, str] | None, english: str, chinese: str
) -> None:
    assert chosen.problem() is None
    assert chosen.written() == written
    assert chosen.said(texts("en")) == english
    assert chosen.said(texts("zh-CN")) == chinese
    again = timing.of(written)
    assert (again.written(), again.said(texts("en"))) == (written, english)


@pytest.mark.parametrize(
    ("given", "every"),
    [
        ({"cron": "0 22-23,0-6 * * *"}, "interval"),
        ({"cron": "*/15 6-21 * * *"}, "interval"),
        ({"cron": "*/7 6-21 * * *"}, "cron"),
        ({"cron": "*/15 6-21 * * 1-5"}, "cron"),
        ({"cron": "*/15 * * * *"}, "cron"),
        ({"cron": "0 8,20 * * *"}, "cron"),
        ({"cron": "30 6-21 * * *"}, "cron"),
        ({"cron": "*/15 6,9 * * *"}, "cron"),
        ({"cron": "@daily"}, "cron"),
    ],
)
def test_what_the_fields_do_not_say_stays_a_cron_expression(given: dict[str, str], every: str) -> None:
    found = timing.of(given)
    assert found.every == every
    assert found.written() == given


@pytest.mark.parametrize(
    ("cron", "said"),
    [
        ("*/15 * * * *", "every 15 minutes"),
        ("0 */6 * * *", "every 6 hours"),
        ("*/1 * * * *", "every minute"),
        ("*/7 * * * *", "*/7 * * * *"),
        ("*/0 * * * *", "*/0 * * * *"),
        ("30 */6 * * *", "30 */6 * * *"),
        ("*/15 * * * 1-5", "*/15 * * * 1-5"),
        ("7,22,37,52 * * * *", "at 7, 22, 37, 52 minutes past each hour"),
        ("0 8,20 * * *", "daily at 08:00, 20:00"),
    ],
)
def test_an_expression_that_is_regular_all_day_is_told_in_words(cron: str, said: str) -> None:
    assert timing.of({"cron": cron}).said(texts("en")) == said


def test_an_entry_that_is_meant_as_before_stays_as_it_is_written() -> None:
    entry: dict[str, Any] = {"schedule": {"interval": 900}}
    timing.put(entry, timing.of(entry["schedule"]))
    assert entry == {"schedule": {"interval": 900}}
    timing.put(entry, Timing("interval", "1", "d"))
    assert entry == {"schedule": {"interval": "24h"}}
    timing.put(entry, Timing())
    assert entry == {}


@pytest.mark.parametrize(
    ("wrong", "where", "why"),
    [
        (Timing("sometimes"), "every", "no_choice"),
        (Timing("interval", ""), "interval", "empty_interval"),
        (Timing("interval", "soon"), "interval", "no_interval"),
        (Timing("interval", "59", "s"), "interval", "no_interval"),
        (Timing("interval", "15", "m", "6"), "start", "no_hours"),
        (Timing("interval", "15", "m", "6", "24"), "start", "no_hours"),
        (Timing("interval", "7", "m", "6", "9"), "interval", "no_step"),
        (Timing("interval", "1", "d", "6", "9"), "interval", "no_step"),
        (Timing("cron", cron="every hour"), "cron", "no_cron"),
        (Timing("cron", cron="0 22-6 * * *"), "cron", "cron_backwards"),
        (Timing("cron", cron="0 25 * * *"), "cron", "cron_field"),
    ],
)
def test_what_is_wrong_is_said_of_the_field_it_is_in(wrong: Timing, where: str, why: str) -> None:
    assert wrong.problem() == (where, why)


def test_the_next_times_go_over_midnight() -> None:
    night = Timing("interval", "1", "h", "22", "0")
    found = night.coming(datetime(2026, 5, 1, 21, 30, tzinfo=UTC), 4)
    assert [f"{time:%d %H:%M}" for time in found] == ["01 22:00", "01 23:00", "02 00:00", "02 22:00"]
    assert Timing("interval", "15").coming(datetime(2026, 5, 1, tzinfo=UTC), 4) == []
