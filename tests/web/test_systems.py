"""What IT sees and does: streams, runs started in the browser, write-backs, dead letters."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from httpx import Client

from connectors import retry
from console.web.app import workbench
from settings.model import Settings
from state import members, outbox, runs
from state.members import Role
from state.store import Store
from sync import job
from tests.jobs.conftest import crm, erp, settings, systems, toys  # noqa: F401 - fixtures
from tests.jobs.toy import ToySystem
from tests.web.conftest import Browser, served

SECONDS = 30


@pytest.fixture
def olaf(sqlite_store: Store, settings: Settings, kept_password: str) -> Iterator[Callable[[Role], Browser]]:
    """Opens the browser of somebody with a role, over the toy company."""
    app = workbench(sqlite_store, settings)
    with served(app) as address, ExitStack() as opened, retry.no_waiting():

        def signed_in(role: Role) -> Browser:
            with sqlite_store.transaction() as connection:
                members.accept(connection, members.invite(connection, role, [role], "test"), kept_password)
            browser = Browser(opened.enter_context(Client(base_url=address, headers={"origin": address})))
            assert browser.sign_in(role).status_code == 303
            return browser

        yield signed_in
        app.state.worker.wait(SECONDS)


def finished(browser: Browser) -> str:
    """The page of the newest run, once it has ended."""
    for _ in range(600):
        page = browser.get("/runs").text
        if 'http-equiv="refresh"' not in page:
            return browser.get("/runs/" + re.findall(r'href="/runs/([^"]+)"', page)[0]).text
    raise AssertionError("the run does not end")


def test_a_sync_that_is_started_here_reads_and_writes_and_its_run_is_shown(
    olaf: Callable[[Role], Browser],
    sqlite_store: Store,
    crm: ToySystem,
) -> None:
    browser = olaf(Role.OPERATOR)
    assert "Sync now" in browser.get("/systems").text
    assert browser.post("/runs", kind="sync").headers["location"] == "/runs"
    page = finished(browser)
    assert "applied 7" in page
    assert len(crm.writes) == 7
    streams = browser.get("/systems").text
    assert re.search(r"<td>crm</td>\s*<td>deal</td>", re.sub(r"<td[^>]*>", "<td>", streams))


def test_what_failed_is_said_with_what_to_do(olaf: Callable[[Role], Browser], crm: ToySystem) -> None:
    crm.server.faults.answer("/deal", 401, times=10)
    browser = olaf(Role.OPERATOR)
    browser.post("/runs", kind="pull", system="crm")
    assert "✗ crm.deal: " in finished(browser)
    assert "✗ crm.deal" in browser.get("/systems").text


def test_what_another_process_is_at_is_said(olaf: Callable[[Role], Browser], sqlite_store: Store) -> None:
    browser = olaf(Role.OPERATOR)
    with runs.lease(sqlite_store, "the sync", owner="elsewhere:1:2/3"):
        browser.post("/runs", kind="sync")
        for _ in range(600):
            page = browser.get("/systems").text
            if 'role="alert"' in page:
                break
        assert "The sync is being worked on by another process" in page


def test_one_run_at_a_time_is_started_here(olaf: Callable[[Role], Browser], sqlite_store: Store) -> None:
    browser = olaf(Role.OPERATOR)
    with sqlite_store.transaction():  # the run has to wait
        assert browser.post("/runs", kind="sync").status_code == 303
        refused = browser.post("/runs", kind="pull")
    assert refused.status_code == 409
    assert "is running already" in refused.text


@pytest.mark.parametrize("fields", [{"kind": "forget"}, {"kind": "push"}, {"kind": "pull", "system": "nobody"}, {}])
def test_nothing_else_is_started(olaf: Callable[[Role], Browser], fields: dict[str, str]) -> None:
    assert olaf(Role.OPERATOR).post("/runs", **fields).status_code == 400


def test_a_plan_is_shown_field_by_field_and_carried_out_as_shown(
    olaf: Callable[[Role], Browser],
    sqlite_store: Store,
    settings: Settings,
    crm: ToySystem,
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    viewer, browser = olaf(Role.VIEWER), olaf(Role.OPERATOR)
    page = browser.get("/plans").text
    assert "Delivery state" in page
    assert "Write these 7 to crm" in page
    assert "Write these" not in viewer.get("/plans").text
    address = re.findall(r'action="(/plans/[^"]+/apply)"', page)[0]
    assert browser.post("/plans/0123456789abcdef/apply").status_code == 404
    assert crm.writes == []
    assert browser.post(address).status_code == 303
    finished(browser)
    assert len(crm.writes) == 7
    assert "Nothing is waiting" in browser.get("/plans").text


def test_a_dead_letter_is_tried_again_or_discarded_with_a_reason(
    olaf: Callable[[Role], Browser],
    sqlite_store: Store,
    settings: Settings,
    crm: ToySystem,
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    with sqlite_store.transaction() as connection:
        (plan,) = outbox.open_plans(connection)
        for item in plan.items[:2]:
            outbox.outcome(connection, item.id, outbox.OutboxStatus.REJECTED, "the CRM says no")
    browser = olaf(Role.OPERATOR)
    page = browser.get("/dead-letters").text
    assert page.count("the CRM says no") == 2
    first, second = re.findall(r'action="/dead-letters/([0-9a-f]+)/retry"', page)
    refused = browser.post(f"/dead-letters/{first}/discard", reason=" ")
    assert refused.status_code == 422
    assert "discarded with a reason" in refused.text
    assert browser.post(f"/dead-letters/{first}/discard", reason="Voided by hand").status_code == 303
    assert browser.post(f"/dead-letters/{second}/retry").status_code == 303
    assert browser.post(f"/dead-letters/{second}/retry").status_code == 422
    assert "No write-back needs a person" in browser.get("/dead-letters").text
