"""What went wrong in a run: said once for each system on the page of the run, with what to do and what is not lost."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from pathlib import Path

from connectors import retry
from settings.model import Settings
from state.members import Role
from state.store import Store
from sync import job
from tests.jobs.company import MAPPINGS
from tests.jobs.toy import ToySystem
from tests.web.conftest import Browser
from tests.web.toy_company import Opens, crm, erp, olaf, plain, settings, systems, toys  # noqa: F401


def run_page(browser: Browser) -> str:
    return browser.get("/runs/" + re.findall(r'href="/runs/([^"]+)"', browser.get("/runs").text)[0]).text


def test_what_failed_for_several_streams_of_a_system_is_said_once_with_the_way_on(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    settings.systems["crm"].config.update(streams=["lead", "deal", "task"], entities=["lead", "opportunity", "lead"])
    more = "".join(f"  {name}: {{entity: lead, fields: {{email: email}}}}\n" for name in ("lead", "task"))
    (Path(settings.path).parent / "crm.yaml").write_text(MAPPINGS["crm"] + more)
    crm.streams |= {"lead": {}, "task": {}}
    crm.server.faults.answer(".", 401, times=100)
    with retry.no_waiting():
        job.run_pull(sqlite_store, settings)
    page = run_page(olaf(Role.VIEWER))
    assert plain(page).count("✗") == 1, "crm did not let us in; erp was read"
    assert re.search(r"✗ crm\.lead pull: \S+ refused our credentials .HTTP 401.\. Not tried", plain(page))
    assert "Not tried because of it: deal, task." in plain(page)
    assert plain(page).count("Nothing is lost: what was not read is read at the next run. See crm") == 1
    assert '<a href="/systems/crm">See crm</a>' in page


def test_each_system_that_failed_is_said_for_itself_to_who_may_see_it(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    for system in (crm, erp):
        system.server.faults.answer(".", 401, times=100)
    with retry.no_waiting():
        job.run_sync(sqlite_store, settings)
    page = plain(run_page(olaf(Role.VIEWER)))
    assert (page.count("✗"), "See crm" in page, "See erp" in page) == (2, True, True)
    page = plain(run_page(olaf(Role.VIEWER, "erp")))
    assert (page.count("✗"), "See crm" in page, "See erp" in page) == (1, False, True)


def test_a_search_and_a_write_that_failed_say_what_becomes_of_the_rest(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    browser = olaf(Role.VIEWER)
    crm.server.faults.answer(".", 401, times=100)
    with retry.no_waiting():
        job.run_sweep(sqlite_store, settings)
        assert "deletions are looked for again the next time. See crm" in plain(run_page(browser))
        job.run_push(sqlite_store, settings, push="apply")
    page = plain(run_page(browser))
    assert "what was not written stays planned, and the next run tries it again" in page
    assert "failed to take 8 times waits as a dead letter; tries that did not reach the system do not count" in page


def test_what_failed_at_a_system_that_is_not_named_any_more_leads_to_no_page(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.answer(".", 401, times=100)
    with retry.no_waiting():
        job.run_pull(sqlite_store, settings)
    del settings.systems["crm"]
    page = run_page(olaf(Role.VIEWER))
    assert "✗ crm.deal pull" in plain(page)
    assert "See crm" not in page
