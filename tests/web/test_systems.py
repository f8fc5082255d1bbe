"""What IT sees of the systems, and pausing, resuming and reading anew."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import os
import re
import time
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors import retry
from connectors.buckets import Bucket
from connectors.budget import Allowance, Quota
from connectors.contract import Deletes
from console import freshness
from console.i18n import texts
from settings.model import Schedule, Settings
from state import audit, budgetrows, circuits, clock, deployed, pauses, runs, schema
from state.clock import now_us, to_us
from state.members import Role
from state.pauses import WHOLE
from state.store import Store
from sync import job
from tests.jobs.company import MAPPINGS
from tests.jobs.toy import Toy, ToySystem
from tests.web.conftest import Browser
from tests.web.toy_company import (  # noqa: F401
    Opens,
    crm,
    erp,
    finished,
    olaf,
    plain,
    save_schedules,
    settings,
    systems,
    toys,
)

_DAY_NS = 86_400_000_000_000
QUOTA = Allowance("toy:1", calls=10, quota=Quota(calls=100, zone="UTC"), name="Toy Inc.")


def test_a_sync_that_is_started_here_reads_and_writes_and_its_run_is_shown(
    olaf: Opens, sqlite_store: Store, crm: ToySystem
) -> None:
    browser = olaf(Role.OPERATOR)
    assert "Sync now" in browser.get("/systems").text
    at_work = browser.post("/runs", kind="sync").headers["location"]
    assert re.fullmatch(r"/runs/\d{8}T\d{6}Z-[0-9a-f]{8}", at_work)
    assert "<h1>Run</h1>" in browser.get(at_work).text
    page = finished(browser)
    assert at_work.removeprefix("/runs/") in page
    assert "applied 7" in page
    assert len(crm.writes) == 7
    streams = browser.get("/systems").text
    assert re.search(r'<td><a href="/systems/crm">crm</a></td>\s*<td>deal\b', re.sub(r"<td[^>]*>", "<td>", streams))


def test_what_failed_is_said_with_what_to_do(olaf: Opens, crm: ToySystem) -> None:
    crm.server.faults.answer("/deal", 401, times=10)
    browser = olaf(Role.OPERATOR)
    browser.post("/runs", kind="pull", system="crm")
    assert "✗ crm.deal pull: " in finished(browser)
    assert "✗ crm.deal" in browser.get("/systems").text
    page = plain(browser.get("/systems/crm").text)
    assert "✗ crm.deal pull" in page
    assert "It refused our credentials" in page


def test_a_cause_is_told_once_with_its_time_and_what_was_not_tried_because_of_it(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    settings.systems["crm"].config.update(
        streams=["lead", "deal", "task"], entities=["lead", "opportunity", "lead"], timeout_seconds=0.1
    )
    more = "".join(f"  {name}: {{entity: lead, fields: {{email: email}}}}\n" for name in ("lead", "task"))
    (Path(settings.path).parent / "crm.yaml").write_text(MAPPINGS["crm"] + more)
    crm.streams |= {"lead": {}, "task": {}}
    crm.server.faults.hang(".", times=100)
    with retry.no_waiting():
        job.run_pull(sqlite_store, settings)
    browser = olaf(Role.VIEWER)
    for address in ("/systems", "/systems/crm"):
        page = plain(browser.get(address).text)
        assert page.count("✗") == 1
        assert re.search(r"✗ crm\.lead pull: \S+ did not answer in time\. \(\d{4}-\d\d-\d\d \d\d:\d\d\)", page)
        assert "Not tried because of it: deal, task." in page
        assert "→ Look whether the system works for people at all" in page
        assert "See the run" in page
    page = plain(browser.get("/systems/crm").text)
    assert "Nothing holds calls back" not in page
    assert "No allowance of the source is used up" in page
    assert "is tried up to 5 times and given up after 8 seconds at the latest" in page
    browser.post("/language", locale="zh-CN")
    page = plain(browser.get("/systems").text)
    assert "因此未尝试：deal、task。" in page
    assert "请查看该系统本身是否可用" in page


def test_what_rests_leads_to_its_page_where_it_is_asked_at_once(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, settings: Settings
) -> None:
    crm.server.faults.answer("/deal", 401, times=10)
    for _ in range(circuits.AFTER):
        job.run_pull(sqlite_store, settings, systems=["crm"])
    page = olaf(Role.OPERATOR).get("/systems").text
    assert re.search(r'crm rests until .* “<a href="/systems/crm">Sync now</a>” asks it at once', page)
    assert "Sync now</button>" in olaf(Role.OPERATOR, "crm").get("/systems/crm").text


def test_the_note_has_the_words_of_the_buttons_and_a_system_that_never_ran_is_not_called_never_in_chinese(
    olaf: Opens,
) -> None:
    browser = olaf(Role.OPERATOR)
    assert "Nothing holds calls back" in browser.get("/systems/crm").text
    browser.post("/language", locale="zh-CN")
    page = browser.get("/systems").text
    assert "“立即同步”：拉取、对账" in page
    assert "push: auto" not in page
    assert "`" not in page
    assert {row["状态"] for row in systems_shown(browser).values()} == {"尚未运行"}


def test_what_another_process_is_at_is_said(olaf: Opens, sqlite_store: Store) -> None:
    browser = olaf(Role.OPERATOR)
    with runs.lease(sqlite_store, "the sync", owner="elsewhere:1:2/3"):
        browser.post("/runs", kind="sync")
        for _ in range(600):
            page = browser.get("/systems").text
            if 'role="alert"' in page:
                break
        assert "The sync is being worked on by another process" in page


def test_a_system_is_shown_with_counts_schedule_and_who_works_on_it(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_sync(sqlite_store, settings)
    browser = olaf(Role.VIEWER)
    assert "Held then" not in browser.get("/systems/crm").text, "nothing was searched yet"
    crm.remove("deal", "d1")
    job.run_sweep(sqlite_store, settings, force=True)
    with runs.lease(sqlite_store, "stream crm.deal", owner="worker-7:4711:2/3"):
        page = plain(browser.get("/systems/crm").text)
    assert "deal Opportunity ok" in page
    assert "“Held then”, in brackets:" in page
    assert "(held then 6)" in page  # what the source listed, and what we hold of it
    assert "crm.deal: process 4711 on worker-7" in page
    assert "The connector names no limit" in page
    assert "not set up; changes are found by pulling" in page
    assert "Pause" not in page
    assert browser.get("/systems/nobody").status_code == 404


def test_what_the_source_allows_is_shown_with_what_is_left_and_when_it_comes_back(
    olaf: Opens, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "allowances", lambda _: [QUOTA])
    noon = time.time_ns() // _DAY_NS * _DAY_NS + _DAY_NS // 2  # so that no day begins meanwhile
    with clock.simulated(lambda: noon):
        _look_at_quotas(olaf(Role.VIEWER), sqlite_store)


def _look_at_quotas(browser: Browser, sqlite_store: Store) -> None:
    assert "Toy Inc. 10 in 1 s – 0 0 % 100 2 98" in plain(browser.get("/systems/crm").text)
    hour = now_us() - now_us() % 3_600_000_000
    with sqlite_store.transaction() as connection:
        budgetrows.load(connection, ["toy:1"])
        budgetrows.save(connection, {"toy:1": Bucket(spent=[(hour, 40)])}, now_us())
    assert "Toy Inc. 10 in 1 s – 40 40 % 100 2 58" in plain(browser.get("/systems/crm").text)  # two are kept for writes
    assert re.search(r"crm toy · CRM .*? 40 % of 100", plain(browser.get("/systems").text))
    with sqlite_store.transaction() as connection:
        budgetrows.save(connection, {"toy:1": Bucket(spent=[(hour, 99)])}, now_us())
    assert "The calls of the day are used up" in browser.get("/systems/crm").text
    with sqlite_store.transaction() as connection:
        budgetrows.save(connection, {"toy:1": Bucket(paused_until=now_us() + 60_000_000)}, now_us())
    assert "there were too many calls" in browser.get("/systems/crm").text


def test_what_is_wrong_in_ltc_yaml_is_said_on_the_system_s_page(olaf: Opens, settings: Settings) -> None:
    settings.systems["crm"].config["url"] = 7
    page = olaf(Role.VIEWER).get("/systems/crm")
    assert page.status_code == 200
    assert "✗ " in page.text
    assert "ltc.yaml" in page.text


def test_a_system_or_a_stream_is_paused_with_a_reason_and_everybody_sees_it(
    olaf: Opens, sqlite_store: Store, crm: ToySystem
) -> None:
    browser, viewer = olaf(Role.OPERATOR), olaf(Role.VIEWER)
    assert browser.post("/systems/crm/pause", reason=" ").status_code == 422
    assert browser.post("/systems/crm/pause", reason="Release", stream="nothing").status_code == 400
    assert browser.post("/systems/crm/pause", reason="Release <b>", stream="deal").status_code == 303
    for address in ("/systems", "/systems/crm"):
        assert "crm.deal is paused since" in viewer.get(address).text
        assert "Release &lt;b&gt;" in viewer.get(address).text
    assert "Resume" not in viewer.get("/systems/crm").text
    browser.post("/runs", kind="pull")
    finished(browser)
    assert crm.server.requests() == []
    assert browser.post("/systems/crm/resume", stream="deal").status_code == 303
    assert browser.post("/systems/crm/resume", stream="deal").status_code == 422
    with sqlite_store.reading() as connection:
        assert [item.actor for item in audit.entries(connection) if item.action in pauses.ACTIONS] == ["operator"] * 2


def test_a_run_of_what_is_paused_asks_first(olaf: Opens, sqlite_store: Store, crm: ToySystem) -> None:
    browser = olaf(Role.OPERATOR)
    browser.post("/systems/crm/pause", reason="Release")
    asked = browser.post("/runs", kind="pull", system="crm")
    assert asked.status_code == 409
    assert "to work on it all the same" in asked.text
    assert browser.post("/runs", kind="pull", system="crm", paused="yes").status_code == 303
    assert "deal" in finished(browser)
    assert crm.server.requests() != []


def test_a_window_is_read_anew_after_its_cost_was_shown(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_pull(sqlite_store, settings)
    browser, viewer = olaf(Role.OPERATOR), olaf(Role.VIEWER)
    page = plain(viewer.get("/systems/crm/backfill?stream=deal&since=2026-10-01").text)
    assert "deal 7 0 7 3" in page  # the toy does not date its records; three pages of three
    assert "Read it now" not in page
    assert browser.post("/systems/crm/backfill", stream="deal", since="2026-10-01").status_code == 303
    assert "unchanged" in finished(browser) or "deal" in finished(browser)
    with sqlite_store.reading() as connection:
        (said,) = [item for item in audit.entries(connection) if item.action == "backfill started"]
    assert (said.actor, said.detail["streams"]) == ("operator", ["deal"])


def test_each_system_has_a_row_before_it_was_ever_read(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    browser = olaf(Role.ADMIN)
    rows = systems_shown(browser)
    assert {name: row["State"] for name, row in rows.items()} == {"crm": "never", "erp": "never"}
    job.run_sync(sqlite_store, settings)
    rows = systems_shown(browser)
    assert {name: row["State"] for name, row in rows.items()} == {"crm": "ok", "erp": "ok"}
    assert int(rows["crm"]["Calls today"]) > 0
    assert rows["crm"]["Used of the day"] == "no daily limit known"
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "olaf", "release")
        pauses.pause(connection, "erp", "order", "olaf", "stocktaking")
    rows = systems_shown(browser)
    assert rows["crm"]["State"] == "paused"
    assert 'href="/settings/systems/new"' in browser.get("/systems").text


def systems_shown(browser: Browser) -> dict[str, dict[str, str]]:
    """The cells of each system's row on the page Systems."""
    table = browser.get("/systems").text.partition('<table class="cards">')[2].partition("</table>")[0]
    found = {}
    for row in table.split("<tr>")[2:]:
        cells = re.findall(r'data-label="([^"]+)">(.*?)</td>', row, re.S)
        name = re.search(r"<b>(.*?)</b>", row)
        assert name
        found[name[1]] = {label: plain(cell) for label, cell in cells}
    return found


def test_streams_say_in_the_language_of_the_page_what_kind_of_record_they_have(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    job.run_sync(sqlite_store, settings)
    browser = olaf(Role.VIEWER)
    browser.post("/language", locale="zh-CN", next="/")
    kind = texts("zh-CN").name("entity", "opportunity")
    for address in ("/systems", "/systems/crm"):
        assert f"deal {kind}" in plain(browser.get(address).text)


def test_who_does_not_operate_is_not_told_what_to_do_on_the_server(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    viewer, operator = olaf(Role.VIEWER), olaf(Role.OPERATOR)
    settings.systems["erp"].schedule = Schedule(interval=60)
    job.run_sync(sqlite_store, settings)

    def told(browser: Browser) -> tuple[bool, bool]:
        page = plain(browser.get("/systems").text)
        return "ltc deploy" in page or "docs/prefect.md" in page, "An admin" in page

    assert (told(viewer), told(operator)) == ((False, True), (True, False))
    job.run_sync(sqlite_store, settings, unattended=True)
    later = now_us() + 30 * 60_000_000
    with clock.simulated(lambda: later * 1000):
        assert told(viewer) == (False, True)


def test_a_time_that_has_passed_is_said_and_that_nothing_carries_the_schedules_out(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.OPERATOR)
    settings.systems["erp"].schedule = Schedule(interval=60)
    job.run_sync(sqlite_store, settings)
    page = plain(browser.get("/systems").text)
    assert "no run by a schedule has been seen yet" in page, "what somebody starts is no schedule"
    job.run_sync(sqlite_store, settings, unattended=True)
    due = re.compile(r"due since \d\d:\d\d")
    page = plain(browser.get("/systems").text)
    assert ("The last run by a schedule" in page, due.search(page)) == (True, None)
    for minutes, idle in ((2, False), (5, True), (30, True)):
        later = now_us() + minutes * 60_000_000
        with clock.simulated(lambda: later * 1000):  # noqa: B023 - it is over before the next
            page = plain(browser.get("/systems").text)
            assert due.search(systems_shown(browser)["erp"]["Next"])
            assert due.search(plain(browser.get("/systems/erp").text))
        assert ("Nothing carries the schedules out: no scheduled run since" in page) == idle
    with clock.simulated(lambda: later * 1000):
        job.run_pull(sqlite_store, settings, systems=["erp"])
        assert due.search(plain(browser.get("/systems").text)) is None


NOON, MINUTE = to_us(datetime(2026, 11, 30, 12, 0, tzinfo=ZoneInfo("Asia/Shanghai"))), 60_000_000
"""Microseconds, for tests of schedules."""


def after_noon(minutes: float) -> AbstractContextManager[None]:
    """Let it be so many minutes after that noon."""
    return clock.simulated(lambda: int((NOON + minutes * MINUTE) * 1000))


def shown_at(browser: Browser, minutes: float) -> dict[str, dict[str, str]]:
    """What the page shows of each system then; who was signed in before has been signed out long ago."""
    with after_noon(minutes):
        browser.sign_in("viewer")
        return systems_shown(browser)


def test_a_schedule_that_was_just_saved_is_not_due_at_a_time_before_it_was_saved(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.VIEWER)

    def said(minutes: float) -> str:
        return shown_at(browser, minutes)["erp"]["Next"]

    with after_noon(-2):
        job.run_pull(sqlite_store, settings, systems=["erp"])
    save_schedules(settings, NOON / 1e6 + 11, erp={"cron": "*/30 8-20 * * *"})
    never = "; nothing has run by its schedule yet how to start it"
    assert said(1) == never.removeprefix("; "), "nothing that is scheduled runs: no next time can be named"
    assert said(31) == f"due since 12:30{never}"
    with after_noon(30):
        job.run_pull(sqlite_store, settings, systems=["erp"], unattended=True)
    assert said(31) == "11-30 13:00"
    os.utime(settings.path, ((NOON + 62 * MINUTE) / 1e6,) * 2)
    assert said(63) == "due since 13:00", "it runs by its schedule, and a file that is saved hides nothing missed"


def test_the_next_run_is_no_promise_while_nothing_carries_the_schedule_of_the_system_out(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser, limited = olaf(Role.VIEWER), olaf(Role.VIEWER, "crm")
    day = to_us(datetime(2026, 11, 30, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai")))

    def said(hours: float) -> str:
        with clock.simulated(lambda: int((day + hours * 3_600_000_000) * 1000)):
            browser.sign_in("viewer")  # what was signed in before has ended long ago
            page = plain(browser.get("/systems/erp").text)
            shown = systems_shown(browser)["erp"]["Next"]
            assert shown in page
            return shown

    with clock.simulated(lambda: day * 1000):
        job.run_pull(sqlite_store, settings)
    save_schedules(settings, day / 1e6, erp={"cron": "0 14 * * *"}, crm={"interval": 86_400})
    with clock.simulated(lambda: day * 1000):
        job.run_pull(sqlite_store, settings, systems=["crm"], unattended=True)  # of another one
    for hours in (1, 5.02):  # it is not its time yet, or a moment ago
        assert said(hours).endswith("nothing has run by its schedule yet how to start it"), "whatever ran of others"
        assert "not carried out" not in plain(browser.get("/systems").text)
    assert "14:00" not in said(1), "no time that nothing is known to keep"
    assert said(6) == "due since 14:00; nothing has run by its schedule yet how to start it"
    with clock.simulated(lambda: int(day + 5.5 * 3_600_000_000) * 1000):
        job.run_pull(sqlite_store, settings, systems=["crm"], unattended=True)
    with clock.simulated(lambda: (day + 6 * 3_600_000_000) * 1000):
        browser.sign_in("viewer")
        page = plain(browser.get("/systems").text)
    assert "has begun yet of" not in page, "it is said as what is not carried out"
    assert "The schedules of these systems are not carried out: erp. An admin has to look at it." in page
    assert "not carried out" not in limited.get("/systems").text
    os.utime(settings.path, ((day + 5.5 * 3_600_000_000) / 1e6,) * 2)
    assert said(6) == "nothing has run by its schedule yet how to start it", "it was saved since: none is due"
    os.utime(settings.path, (day / 1e6, day / 1e6))
    with clock.simulated(lambda: (day + 5 * 3_600_000_000) * 1000):
        job.run_pull(sqlite_store, settings, systems=["erp"], unattended=True)
    assert said(6) == "12-01 14:00"
    with clock.simulated(lambda: (day + 40 * 3_600_000_000) * 1000):
        job.run_pull(sqlite_store, settings, systems=["erp"])  # by hand: it is fresh, and yet nothing is scheduled
    assert said(41) == "nothing by its schedule since 11-30 14:00 how to start it"


def test_a_read_by_hand_does_not_move_the_next_time_of_an_interval(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.VIEWER)
    save_schedules(settings, NOON / 1e6, erp={"interval": 180})
    for minutes, by_schedule in ((3, True), (5, False)):
        with after_noon(minutes):
            job.run_pull(sqlite_store, settings, systems=["erp"], unattended=by_schedule)
    assert shown_at(browser, 5.5)["erp"]["Next"] == "11-30 12:06"


def test_a_schedule_that_differs_from_what_was_deployed_has_no_next_time(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.OPERATOR)
    settings.systems["erp"].schedule = Schedule(interval=3600)
    with sqlite_store.transaction() as connection:
        deployed.keep(connection, {name: freshness.mark(name, settings) for name in settings.systems})
    job.run_sync(sqlite_store, settings, unattended=True)
    assert re.search(r"\d\d:\d\d", systems_shown(browser)["erp"]["Next"])
    settings.systems["erp"].schedule = Schedule(interval=1800)
    assert systems_shown(browser)["erp"]["Next"] == "not deployed as it is now how to start it"
    page = plain(browser.get("/systems").text)
    assert "not deployed as they are now: erp. They count once ltc deploy has been run again" in page
    with sqlite_store.transaction() as connection:
        deployed.keep(connection, {name: freshness.mark(name, settings) for name in settings.systems})
    assert "not deployed" not in plain(browser.get("/systems").text)


def test_a_scheduled_run_of_one_system_does_not_speak_for_those_of_which_none_was_ever_seen(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.OPERATOR)

    def said(minutes: float, address: str = "/systems") -> str:
        with after_noon(minutes):
            browser.sign_in("operator")
            return plain(browser.get(address).text)

    with after_noon(1):
        job.run_pull(sqlite_store, settings)
    save_schedules(settings, NOON / 1e6, erp={"cron": "*/30 * * * *"}, crm={"cron": "*/30 * * * *"})
    with after_noon(20):
        job.run_pull(sqlite_store, settings, systems=["crm"], unattended=True)
    early = said(25)
    assert "No run by a schedule has begun yet of: erp." in early
    assert "How schedules are carried out" in early, "the steps stay"
    with after_noon(33):
        job.run_pull(sqlite_store, settings, systems=["crm"], unattended=True)  # typed by hand, it looks the same
    page = said(34)
    assert "The schedules of these systems are not carried out: erp." in page
    assert "Nothing carries the schedules out: how to start it" in said(34, "/"), "the overview, of erp"
    assert "How schedules are carried out" in page
    with after_noon(35):
        job.run_pull(sqlite_store, settings, unattended=True)
    assert "not carried out" not in said(36)
    assert "has begun yet of" not in said(36)


def test_the_next_time_of_a_system_that_rests_is_not_within_its_rest(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    browser = olaf(Role.VIEWER)
    save_schedules(settings, NOON / 1e6, crm={"cron": "*/5 * * * *"})
    crm.server.faults.answer("/deal", 401, times=100)
    with after_noon(8), retry.no_waiting():
        for _ in range(circuits.AFTER + 1):
            job.run_pull(sqlite_store, settings, systems=["crm"], unattended=True)

    def said(minutes: float) -> str:
        shown = shown_at(browser, minutes)["crm"]["Next"]
        with after_noon(minutes):
            assert shown in plain(browser.get("/systems/crm").text)
        return shown

    with sqlite_store.reading() as connection:
        rest = (circuits.read(connection)["crm"].until - NOON) / MINUTE
    assert rest == pytest.approx(13, abs=0.1)
    assert said(9) == said(12) == "11-30 12:15", "12:10 lies within its rest"
    save_schedules(settings, NOON / 1e6 + 1, crm={"interval": 60})
    assert said(9) == "not before 11-30 12:13"


def test_pages_that_belong_to_the_systems_are_marked_so_in_the_navigation(olaf: Opens, settings: Settings) -> None:
    browser = olaf(Role.OPERATOR)
    assert '<a href="/systems" aria-current="page">' in browser.get("/systems").text
    for address in ("/runs", "/plans", "/dead-letters", "/quarantine", "/monitoring", "/systems/crm"):
        page = browser.get(address).text.partition("</nav>")[0]
        assert '<a href="/systems" aria-current="true">' in page, address
        assert page.count("aria-current") == 1, address


def test_the_row_of_a_system_names_the_streams_of_it_that_are_paused(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    job.run_pull(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", "deal", "anna", "release")
    assert systems_shown(olaf(Role.VIEWER))["crm"]["State"].endswith("paused: deal")


def test_what_failed_last_stays_on_the_pages_of_a_system_that_works_again(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    browser = olaf(Role.VIEWER)
    assert "Last failure none so far" in plain(browser.get("/systems/crm").text)
    crm.server.faults.answer("/deal", 401, times=2)
    with retry.no_waiting():
        job.run_pull(sqlite_store, settings, systems=["crm"])
    page = browser.get("/systems").text
    assert 0 < page.index("✗ crm.deal") < page.index("<table"), "what fails stands at the top"
    crm.server.faults.clear()
    job.run_pull(sqlite_store, settings, systems=["crm"])
    page = browser.get("/systems/crm").text
    assert "✗ crm.deal" not in page
    assert re.search(r"Last failure \d{4}-\d\d-\d\d \d\d:\d\d crm\.deal pull: .* refused our credentials", plain(page))
    assert '<a href="/runs?system=crm&amp;outcome=trouble">Runs that did not end well</a>' in page
    assert re.search(r"ok last failure \d{4}", systems_shown(browser)["crm"]["State"])
    assert "last failure" not in systems_shown(browser)["erp"]["State"]


def test_a_system_that_refuses_writes_rests_for_writing_alone(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    crm.server.faults.answer("PATCH /deal/", 401, times=100)
    with retry.no_waiting():
        for _ in range(circuits.AFTER):
            job.run_push(sqlite_store, settings, push="apply")
    browser = olaf(Role.VIEWER)
    page = plain(browser.get("/systems/crm").text)
    assert "Rest after failures It does not rest: it is asked as always. Writing rests" in page
    assert "State writing fails" in page
    assert systems_shown(browser)["crm"]["State"] == "writing fails"


def test_a_store_that_was_restored_says_so_until_everything_has_been_read_again(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.VIEWER)
    job.run_sync(sqlite_store, settings)
    said = re.compile(r"The store was restored from a backup\. \d+ streams have not been read")
    assert said.search(plain(browser.get("/plans").text)) is None
    assert not said.search(plain(browser.get("/systems").text))
    with sqlite_store.transaction() as connection:
        connection.execute(schema.counter.insert().values(name="restored", value=now_us()))
    assert said.search(plain(browser.get("/systems").text))
    assert said.search(plain(browser.get("/plans").text))
    later = now_us() + 30 * 60_000_000
    with clock.simulated(lambda: later * 1000):
        job.run_sync(sqlite_store, settings)
        assert not said.search(plain(browser.get("/systems").text))


def test_what_failed_at_a_system_that_is_not_named_any_more_is_not_a_present_failure(
    olaf: Opens, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.answer("/deal", 401, times=10)
    browser = olaf(Role.OPERATOR)
    browser.post("/runs", kind="pull", system="crm")
    finished(browser)
    assert "✗ crm.deal" in browser.get("/systems").text
    del settings.systems["crm"]
    page = browser.get("/systems").text
    assert "✗ crm" not in page
    assert "system removed" in page


def test_a_system_leads_to_its_settings_mappings_and_quarantine(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.edit("deal", "d1", {"stage": "frozen"})
    job.run_pull(sqlite_store, settings)
    page = olaf(Role.ADMIN).get("/systems/crm").text
    to_quarantine = 'href="/quarantine?system=crm&amp;stream=deal"'
    for link in ('href="/settings/systems/crm"', 'href="/mappings/crm/deal"', to_quarantine):
        assert link in page
    page = olaf(Role.VIEWER).get("/systems/crm").text
    assert "/settings" not in page
    assert "/mappings" not in page
    assert to_quarantine in page
    assert re.search(r"\bd1\s*<", olaf(Role.VIEWER).get("/quarantine?system=crm&stream=deal").text)
    assert not re.search(r"\bd1\s*<", olaf(Role.VIEWER).get("/quarantine?system=erp").text)


def test_what_is_paused_is_not_offered_to_be_paused_and_resuming_is_confirmed(olaf: Opens) -> None:
    browser = olaf(Role.OPERATOR)
    offered = re.compile(r'action="/systems/crm/pause">(.*?)</form>', re.S)
    browser.post("/systems/crm/pause", reason="Release", stream="deal")
    form = offered.search(browser.get("/systems/crm").text)
    assert form
    assert "<option>deal</option>" not in form[1]
    browser.post("/systems/crm/pause", reason="Release")
    assert not offered.search(browser.get("/systems/crm").text)
    assert 'action="/systems/crm/resume"' in browser.get("/systems").text
    browser.post("/systems/crm/resume", stream="")
    assert "crm goes on with the next run." in browser.get("/systems/crm").text


def test_a_wrong_day_is_said_beside_the_day_and_what_was_chosen_is_kept(olaf: Opens) -> None:
    page = olaf(Role.OPERATOR).get("/systems/crm/backfill?since=9999-12-31&stream=deal").text
    form = page.partition('action="/systems/crm/backfill">')[2].partition("</form>")[0]
    for kept in ("<option selected>deal</option>", 'value="9999-12-31"', "9999-12-31 has not come yet", "autofocus"):
        assert kept in form
    assert page.count("has not come yet") == 1


@pytest.mark.parametrize("since", ["", "yesterday", "1970-01-01", "9999-12-31"])
def test_only_a_day_that_can_be_meant_is_read_from(olaf: Opens, since: str) -> None:
    browser = olaf(Role.OPERATOR)
    refused = browser.get(f"/systems/crm/backfill?since={since}")
    said = {"9999-12-31": "9999-12-31 has not come yet", "1970-01-01": "1970-01-01 is too long ago"}
    assert (refused.status_code, said.get(since, "That is no day") in refused.text) == (422, True)
    assert browser.post("/systems/crm/backfill", since=since).status_code == 422
    assert browser.post("/systems/crm/backfill", since="2026-10-01", stream="nothing").status_code == 400


def test_what_is_paused_is_read_anew_only_on_demand(olaf: Opens, sqlite_store: Store) -> None:
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "olaf", "release")
    browser = olaf(Role.OPERATOR)
    assert "Also what is paused" in browser.get("/systems/crm/backfill?since=2026-10-01").text
    assert browser.post("/systems/crm/backfill", since="2026-10-01").status_code == 409
    assert browser.post("/systems/crm/backfill", since="2026-10-01", paused="yes").status_code == 303


def test_who_is_limited_to_a_system_sees_and_touches_only_that(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "olaf", "a secret reason")
    browser = olaf(Role.OPERATOR, "erp")
    page = browser.get("/systems").text
    assert "erp" in page
    assert "crm" not in page.replace("crm.", "crm")  # neither its streams nor that it is paused
    assert "a secret reason" not in page
    for address in ("/systems/crm", "/systems/crm/backfill?since=2026-10-01"):
        assert browser.get(address).status_code == 404
    for address in ("/systems/crm/pause", "/systems/crm/resume", "/systems/crm/backfill"):
        assert browser.post(address, reason="why", since="2026-10-01").status_code == 404
    assert browser.post("/runs", kind="pull", system="crm").status_code == 404
    crm.server.forget()
    assert browser.post("/runs", kind="pull", paused="yes").status_code == 303
    assert "order" in finished(browser)
    assert crm.server.requests() == []


def test_the_pages_are_there_in_chinese(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    browser = olaf(Role.OPERATOR)
    browser.post("/language", locale="zh-CN", next="/systems")
    assert "源系统限额" in browser.get("/systems/crm").text
    assert "驳回" in browser.get("/plans").text


def test_a_system_that_tells_of_deletions_is_not_searched_and_the_page_says_why(
    olaf: Opens, sqlite_store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = olaf(Role.OPERATOR)
    assert 'value="sweep"' in browser.get("/systems/crm").text
    real = Toy.streams
    monkeypatch.setattr(Toy, "streams", lambda self: [replace(one, deletes=Deletes.TOMBSTONES) for one in real(self)])
    page = browser.get("/systems/crm").text
    assert 'value="sweep"' not in page
    assert "crm tells of deletions itself" in page
    refused = browser.post("/runs", kind="sweep", system="crm")
    assert (refused.status_code, "crm tells of deletions itself" in refused.text) == (422, True)
    id = job.run_sweep(sqlite_store, settings).run_id
    assert "Nothing was searched" in browser.get(f"/runs/{id}").text


def test_deleted_records_are_listed_with_the_day_the_last_first(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_sync(sqlite_store, settings)
    for gone in ("d1", "d2"):
        crm.remove("deal", gone)
        job.run_sweep(sqlite_store, settings, systems=["crm"], force=True)
    browser = olaf(Role.VIEWER)
    assert 'href="/systems/crm/deleted?stream=deal">2</a>' in browser.get("/systems/crm").text
    page = browser.get("/systems/crm/deleted?stream=deal").text
    assert page.index(">d2</a>") < page.index(">d1</a>")
    assert "2 of 2, the last first" in page
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d deal d2", plain(page))
    assert "Nothing is deleted there" in browser.get("/systems/erp/deleted").text
    assert olaf(Role.VIEWER, "erp").get("/systems/crm/deleted").status_code == 404


def test_a_little_of_a_large_allowance_is_not_told_as_nothing(
    olaf: Opens, sqlite_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    large = replace(QUOTA, quota=Quota(calls=100_000, zone="UTC"))
    monkeypatch.setattr(Toy, "allowances", lambda _: [large])
    noon = time.time_ns() // _DAY_NS * _DAY_NS + _DAY_NS // 2
    with clock.simulated(lambda: noon):
        browser = olaf(Role.VIEWER)
        assert "0 % of 100,000" in plain(browser.get("/systems").text)
        hour = now_us() - now_us() % 3_600_000_000
        with sqlite_store.transaction() as connection:
            budgetrows.load(connection, ["toy:1"])
            budgetrows.save(connection, {"toy:1": Bucket(spent=[(hour, 238)])}, now_us())
        for address in ("/systems", "/systems/crm"):
            assert "&lt; 1 %" in browser.get(address).text


def test_the_first_matching_is_looked_at_and_accepted_on_its_page(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    settings.writing.first_run = "read_only"
    job.run_sync(sqlite_store, settings, push="plan")
    browser, viewer = olaf(Role.OPERATOR), olaf(Role.VIEWER)
    for address in ("/systems", "/systems/crm", "/plans"):
        assert 'href="/systems/crm/matching"' in browser.get(address).text
        assert "/matching" not in viewer.get(address).text
        assert "--accept-first" not in browser.get(address).text
    page = plain(browser.get("/systems/crm/matching").text)
    assert "Opportunity 7" in page
    assert "7 planned write-backs to crm wait" in page
    assert browser.post("/systems/crm/matching").headers["location"] == "/plans"
    assert "crm may be written to from now on" in browser.get("/plans").text
    assert browser.get("/systems/crm/matching").status_code == 404
    with sqlite_store.reading() as connection:
        [said] = [item for item in audit.entries(connection) if item.action == "first matching accepted"]
    assert (said.actor, said.detail["system"]) == ("operator", "crm")
    assert crm.writes == []


def test_a_first_matching_with_keys_that_are_not_unique_is_not_accepted(
    olaf: Opens, sqlite_store: Store, settings: Settings, erp: ToySystem
) -> None:
    settings.writing.first_run, settings.systems["erp"].push = "read_only", "plan"
    erp.edit("order", "o9", {"number": "SO-1", "state": "open", "delivery": "open"})
    job.run_sync(sqlite_store, settings, push="plan")
    browser = olaf(Role.OPERATOR)
    page = browser.get("/systems/erp/matching").text
    assert "These keys stand for several records" in page
    assert "SO-1" in page
    assert "<button>Accept" not in page
    refused = browser.post("/systems/erp/matching")
    assert (refused.status_code, "not unique" in refused.text) == (422, True)


def test_a_system_s_page_says_what_happens_while_it_is_down_and_who_is_told(olaf: Opens) -> None:
    page = plain(olaf(Role.OPERATOR).get("/systems/crm").text)
    assert "usually tried 5 times within 60 seconds, 3 times where nobody answers" in page
    assert "After 3 runs in a row that could not read it, it rests" in page
    assert "Write-backs that fail make only writing rest" in page
    assert "for 5 minutes, after each further failure twice as long, at most for 60 minutes" in page
    assert "the alert rule LtcSystemResting" in page
