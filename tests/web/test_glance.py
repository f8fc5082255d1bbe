"""What the overview says of the systems in a line: what needs a look, with the way there, or that all is up to date."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re

from connectors import retry
from settings.model import Schedule, Settings
from state import clock, pauses, queries, schema
from state.clock import from_us, now_us
from state.members import Role
from state.pauses import WHOLE
from state.store import Store
from sync import job
from tests.jobs.toy import ToySystem
from tests.web.conftest import Browser
from tests.web.toy_company import Opens, crm, erp, olaf, plain, settings, systems, toys  # noqa: F401


def line(browser: Browser) -> str:
    """The line as HTML."""
    return browser.get("/").text.partition('<p class="glance')[2].partition("</p>")[0].partition(">")[2]


def test_all_systems_are_up_to_date_as_of_the_stream_that_was_read_least_lately(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.VIEWER)
    assert plain(line(browser)) == "Not read yet: crm , erp"
    job.run_sync(sqlite_store, settings)
    assert re.fullmatch(
        r"All systems are up to date as of \d{4}-\d\d-\d\d \d\d:\d\d\. Show the systems", plain(line(browser))
    )
    settings.as_of = None  # no other day stands on the page
    assert re.fullmatch(r"All systems are up to date as of \d\d:\d\d\. Show the systems", plain(line(browser)))
    tomorrow = now_us() + 24 * 3_600_000_000
    with clock.simulated(lambda: tomorrow * 1000):
        said = line(olaf(Role.OPERATOR))  # the other session has ended
    assert re.search(r"as of \d{4}-\d\d-\d\d \d\d:\d\d\.", said)  # of another day the day is said


def test_what_is_late_failed_rests_or_is_paused_is_named_with_the_way_to_it(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    browser = olaf(Role.VIEWER)
    job.run_sync(sqlite_store, settings)
    settings.systems["erp"].schedule = Schedule(interval=60)
    crm.server.faults.answer("/deal", 401, times=10)
    with retry.no_waiting():
        for _ in range(3):
            job.run_pull(sqlite_store, settings, systems=["crm"])
    later = now_us() + 30 * 60_000_000
    with clock.simulated(lambda: later * 1000):
        assert plain(line(browser)).startswith("Failed: crm Late: erp")
        assert "Nothing carries the schedules out: how to start it" in plain(line(olaf(Role.OPERATOR)))
        job.run_pull(sqlite_store, settings, systems=["erp"], unattended=True)
        assert "nothing brings newer ones" not in line(browser)
    assert plain(line(browser)) == "Failed: crm Resting after failures: crm"
    assert '<a href="/systems/crm">crm</a>' in line(browser)
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "erp", WHOLE, "olaf", "stocktaking")
    assert "Paused: erp" in plain(line(browser))  # at once, though the figures around it are kept


def test_a_system_that_no_schedule_has_read_yet_is_named_beside_the_time_of_the_data(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    for name in ("crm", "erp"):
        settings.systems[name].schedule = Schedule(interval=86_400)
    job.run_sync(sqlite_store, settings)
    job.run_pull(sqlite_store, settings, systems=["crm"], unattended=True)
    said = plain(line(olaf(Role.OPERATOR)))
    assert said.startswith("Nothing has run by their schedule yet: erp how to start it All systems are up to date")
    job.run_pull(sqlite_store, settings, systems=["erp"], unattended=True)
    assert "by their schedule" not in line(olaf(Role.OPERATOR))


def test_a_system_whose_last_read_was_stopped_is_not_up_to_date(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    job.run_sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        part = schema.stream_run
        connection.execute(part.update().where(part.c.system == "crm").values(status="interrupted"))
    assert plain(line(olaf(Role.VIEWER))) == "Stopped before the end: crm"


def test_of_a_system_that_is_read_well_it_is_said_that_writing_to_it_fails(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    browser = olaf(Role.VIEWER)
    job.run_sync(sqlite_store, settings, push="plan")
    assert "All systems are up to date" in line(browser)
    crm.server.faults.answer("PATCH /deal/", 401, times=100)
    with retry.no_waiting():
        job.run_push(sqlite_store, settings, push="apply")
    assert plain(line(browser)) == "Writing fails: crm"
    assert "All systems are up to date" in line(olaf(Role.VIEWER, "erp")), "it is none of theirs"


def test_after_a_restore_the_systems_that_are_not_read_yet_are_named(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.VIEWER)
    job.run_sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        connection.execute(schema.counter.insert().values(name="restored", value=now_us()))
    assert plain(line(browser)) == "Restored from a backup and not read since, so that nothing is written: crm , erp"
    later = now_us() + 30 * 60_000_000
    with clock.simulated(lambda: later * 1000):
        job.run_sync(sqlite_store, settings)
        assert "All systems are up to date" in line(browser)


def test_of_a_system_whose_streams_are_paused_these_are_named_and_lead_to_it(olaf: Opens, sqlite_store: Store) -> None:
    browser = olaf(Role.VIEWER)
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "erp", "order", "olaf", "stocktaking")
    assert "Paused: erp.order" in plain(line(browser))
    assert '<a href="/systems/erp">erp.order</a>' in line(browser)
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "erp", WHOLE, "olaf", "stocktaking")
    assert plain(line(browser)).endswith("Paused: erp")


def test_what_is_due_and_has_not_begun_is_named_at_once(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    browser = olaf(Role.VIEWER)
    job.run_sync(sqlite_store, settings)
    settings.systems["erp"].schedule = Schedule(interval=60)
    later = now_us() + 90_000_000
    with clock.simulated(lambda: later * 1000):
        assert plain(line(browser)) == "Not read again since it was due: erp"


def test_records_in_quarantine_are_counted_beside_it(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.edit("deal", "d1", {"stage": "frozen"})
    job.run_sync(sqlite_store, settings)
    assert re.search(r'Records in quarantine: <a href="/quarantine">\d+</a>', line(olaf(Role.VIEWER)))


def test_who_is_limited_to_a_system_is_told_of_that_alone(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    job.run_sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "olaf", "release")
    assert "crm" not in line(olaf(Role.OPERATOR, "erp"))
    assert "crm" in line(olaf(Role.OPERATOR))


def test_who_does_not_operate_is_told_in_grey_that_data_may_be_old_and_whom_to_ask(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    browser = olaf(Role.FINANCE)
    job.run_sync(sqlite_store, settings)
    settings.systems["erp"].schedule = Schedule(interval=60)
    later = now_us() + 30 * 60_000_000
    with sqlite_store.reading() as connection:
        read = min(item.last_success or 0 for item in queries.streams(connection, {}))
    at = f"{from_us(read).astimezone(settings.business_day_zone):%Y-%m-%d %H:%M}"
    old = f"The data are as of {at}: nothing brings newer ones by itself at the moment."
    with clock.simulated(lambda: later * 1000):
        assert f'<span class="quiet">{old} Ask whoever runs LTC Sync.</span>' in line(browser)
        olaf(Role.OPERATOR, "erp")  # of one system only
        olaf(Role.ADMIN)
        assert f'<span class="quiet">{old} Ask admin.</span>' in line(browser)
        assert "how to start" not in line(browser)
        browser.post("/language", locale="zh-CN")
        assert f"数据截至 {at}：目前没有自动同步。 请联系 admin。" in line(browser)
