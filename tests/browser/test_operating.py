"""What IT does in a real browser: start a sync, look at a system, pause it, write back a part of a plan."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from connectors import retry
from console.web.app import workbench
from settings.model import Schedule, Settings
from state import api_tokens, clock, outbox, quarantine, runs
from state.clock import now_us
from state.members import Role
from state.store import Store
from sync import job
from tests.browser.conftest import Somebody
from tests.jobs import company
from tests.jobs.conftest import crm, erp, systems, toys  # noqa: F401
from tests.jobs.toy import ToySystem
from tests.web.conftest import served

pytestmark = pytest.mark.browser


@pytest.fixture
def settings(toys: None, crm: ToySystem, erp: ToySystem, tmp_path: Path) -> Settings:
    """The toy company; what is to be written waits for approval."""
    return company.settings_for(tmp_path, {"crm": crm.url, "erp": erp.url}, crm="plan", erp="off")


@pytest.fixture
def store(sqlite_store: Store) -> Store:
    """An empty one, instead of the demo company's."""
    return sqlite_store


@pytest.fixture
def site(store: Store, settings: Settings) -> Iterator[str]:
    app = workbench(store, settings)
    with served(app) as address, retry.no_waiting():
        yield address
        app.state.worker.wait(30)


def test_it_runs_a_sync_pauses_a_system_and_writes_back_a_part_of_a_plan(
    somebody: Callable[..., Somebody], crm: ToySystem
) -> None:
    olaf = somebody(Role.OPERATOR)
    page = olaf.page
    page.get_by_role("link", name="Systems").click()
    page.get_by_role("button", name="Sync now").click()
    page.wait_for_url("**/runs/*")
    expect(page.get_by_text("running", exact=True)).to_have_count(0, timeout=30_000)
    olaf.reads("crm.deal pull began")
    olaf.picture("run-en")

    page.goto("/systems/crm")
    olaf.picture("system-en")
    page.get_by_label("Why (others will ask)").fill("Release weekend")
    page.get_by_role("button", name="Pause", exact=True).click()
    olaf.reads("crm is paused since")
    page.get_by_role("button", name="Resume crm").click()
    expect(page.get_by_text("crm is paused since")).to_have_count(0)

    page.goto("/plans")
    only_ticked = page.get_by_role("button", name="Write only what is ticked")
    expect(only_ticked).to_be_disabled()
    page.get_by_role("checkbox", name="Select Deal 1").check()
    expect(only_ticked).to_be_enabled()
    page.get_by_label("Why what is ticked is not to be written").fill("In dispute")
    olaf.picture("plan-en")
    page.get_by_role("button", name="Reject what is ticked").click()
    page.get_by_role("button", name="Tick all on this page").click()
    only_ticked.click()
    expect(page.get_by_text("running", exact=True)).to_have_count(0, timeout=30_000)
    assert {item[1] for item in crm.writes} == {f"d{n}" for n in range(2, 8)}
    page.goto("/plans")
    olaf.reads("In dispute")


def test_the_page_of_a_run_asks_more_slowly_once_it_is_no_longer_young_and_sees_its_end(
    somebody: Callable[..., Somebody], store: Store
) -> None:
    page = somebody(Role.VIEWER).page
    with runs.running(store, "pull") as run:
        began = now_us()
        page.goto(f"/runs/{run.id}")
        expect(page.locator("#live")).to_have_attribute("hx-trigger", "every 1s")
        with clock.simulated(lambda: (began + 11_000_000) * 1000):
            expect(page.locator("#live")).to_have_attribute("hx-trigger", "every 3s")
    expect(page.get_by_text("running", exact=True)).to_have_count(0, timeout=10_000)


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
    somebody: Callable[..., Somebody], store: Store, settings: Settings, crm: ToySystem, look: str
) -> None:
    crm.edit("deal", "d7", {"stage": "frozen"})
    run = job.run_sync(store, settings, push="plan").run_id
    with store.transaction() as connection:
        (plan,) = outbox.open_plans(connection)
        outbox.outcome(connection, plan.items[0].id, outbox.OutboxStatus.REJECTED, "the CRM says no")
        letter, record = outbox.dead_letters(connection)[0].letter, quarantine.listing(connection)[0].record_id
    settings.systems["erp"].schedule = Schedule(interval=900)  # which nothing carries out
    olaf = somebody(Role.OPERATOR, phone=look == "phone", dark=look == "dark")
    addresses = [
        "/systems#carrying",
        "/systems/crm",
        "/systems/crm/backfill?since=2026-10-01",
        "/monitoring",
        "/runs",
        f"/runs/{run}",
        "/plans",
        "/plans/written",
        "/audit",
        "/account",
        "/account/api",
        "/systems/crm/deleted?stream=deal",
    ]
    addresses += [f"/dead-letters/{letter}", f"/quarantine/{record}", "/quarantine", "/dead-letters"]
    addresses.append("/systems/crm/matching")
    with store.transaction() as connection:
        api_tokens.create(connection, f"{Role.OPERATOR}.1", "the nightly export of all findings", [], "test", 30)
    wrong = []
    for address in addresses:
        settings.writing.first_run = "read_only" if address.endswith("/matching") else "write"
        olaf.page.goto(address)
        if address == "/systems#carrying":
            expect(olaf.page.get_by_text("prefect worker start")).to_be_visible()
        wrong += [f"{address}: {complaint}" for complaint in olaf.complaints()]
        if look == "phone":
            olaf.page.set_viewport_size({"width": 360, "height": 800})
            needed = olaf.page.evaluate("document.documentElement.scrollWidth")
            wrong += [f"{address}: {needed} pixels wide"] if needed > 360 else []
    assert wrong == []
