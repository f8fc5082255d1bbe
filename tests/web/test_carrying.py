"""How schedules come to be carried out: steps for who operates, where nothing carries them out, with the way there."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import html
import sys
from pathlib import Path

import pytest

from settings.model import Schedule, Settings
from state import clock
from state.clock import now_us
from state.members import Role
from state.store import Store
from sync import job
from tests.web.toy_company import Opens, crm, erp, olaf, plain, save_schedules, settings, systems, toys  # noqa: F401

STEPS = "How schedules are carried out"


def test_an_operator_reads_the_steps_where_nothing_carries_the_schedules_out(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.OPERATOR)
    assert STEPS not in browser.get("/systems").text, "nothing is scheduled"
    assert "How often each system is synced is set by an admin" in browser.get("/systems").text
    assert "is set by an admin" not in olaf(Role.ADMIN).get("/systems").text
    settings.systems["erp"].schedule = Schedule(interval=60)
    page = html.unescape(plain(browser.get("/systems").text))
    path, programs = Path(settings.path).absolute(), Path(sys.executable).parent
    for step in (
        "Each system is read at the times of its schedule",
        "With Prefect a server runs first, in a window or a service of its own.",
        f"{programs}/prefect server start --host 127.0.0.1",
        f"{programs}/ltc --config {path} deploy {programs}/prefect worker start --pool ltc",
        f"* * * * * {programs}/ltc --config {path} sync --unattended >> {path.parent}/sync.log 2>&1",
    ):
        assert step in page
    job.run_sync(sqlite_store, settings, unattended=True)
    assert STEPS in browser.get("/systems").text, "they stay, for who has to change something later"
    assert "has run by its schedule yet" not in browser.get("/systems").text


def test_each_system_has_a_line_for_cron_where_their_times_differ(olaf: Opens, settings: Settings) -> None:
    settings.systems["crm"].schedule = Schedule(cron="5 8 * * 1-5")
    settings.systems["erp"].schedule = Schedule(interval=1800)
    page = plain(olaf(Role.OPERATOR).get("/systems").text)
    for line in ("5 8 * * 1-5 {} sync --unattended --system crm", "*/30 * * * * {} sync --unattended --system erp"):
        program = f"{Path(sys.executable).parent}/ltc --config {Path(settings.path).absolute()}"
        assert line.format(program) in page
    settings.systems["crm"].schedule = Schedule(interval=1800)
    assert "--system crm" not in plain(olaf(Role.OPERATOR).get("/systems").text), "one line for all"


def test_an_operator_of_a_system_without_a_schedule_reads_none(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    save_schedules(settings, now_us() / 1e6, erp={"interval": 86_400})
    assert STEPS in olaf(Role.OPERATOR, "erp").get("/systems").text
    assert STEPS not in olaf(Role.OPERATOR, "crm").get("/systems").text


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.VIEWER])
def test_what_is_not_carried_out_leads_to_the_steps_for_who_may_take_them(
    olaf: Opens, sqlite_store: Store, settings: Settings, role: Role
) -> None:
    browser = olaf(role)
    job.run_sync(sqlite_store, settings)
    settings.systems["erp"].schedule = Schedule(interval=60)
    later = now_us() + 30 * 60_000_000
    with clock.simulated(lambda: later * 1000):
        pages = {address: browser.get(address).text for address in ("/", "/systems", "/systems/erp")}
    steps = role is Role.OPERATOR
    assert (STEPS in pages["/systems"]) == steps
    assert ('id="carrying"' in pages["/systems"]) == steps
    for address, page in pages.items():
        assert ('<a href="/systems#carrying">how to start it' in page) == steps, address
    assert ("nothing brings newer ones by itself at the moment." in pages["/"]) != steps
    assert "how to start it" not in pages["/"] or steps
