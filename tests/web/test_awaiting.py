"""What waits for the one who looks stands on every page, and on nobody else's."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from collections.abc import Callable

from settings.model import Settings
from state.members import Role
from state.schema import creation
from state.store import Store
from sync import job
from tests.jobs.toy import ToySystem
from tests.web.conftest import Browser
from tests.web.test_pages import of_check
from tests.web.toy_company import Opens, crm, erp, olaf, plain, settings, systems, toys  # noqa: F401


def waits(browser: Browser, address: str = "/links") -> str:
    found = re.search(r'<p class="waits">.*?</p>', browser.get(address).text, re.DOTALL)
    return plain(found.group(0)) if found else ""


def test_an_approver_is_told_of_waivers_and_months_that_others_made(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, li, vera = as_role(Role.FINANCE), as_role(Role.APPROVER), as_role(Role.VIEWER)
    assert waits(li) == ""
    id, own = of_check(desk, "quote_without_approval"), of_check(desk, "invoice_overdue")
    anna.post(f"/findings/{id}/waiver", reason="so", until="2026-12-31")
    li.post(f"/findings/{own}/waiver", reason="mine", until="2026-12-31")
    assert waits(li) == "Waits for you: waivers to approve: 1"
    anna.post("/periods/close", period="2026-09", reason="so")
    assert waits(li, f"/findings/{id}") == "Waits for you: waivers to approve: 1 · 2026-09 to approve"
    assert (waits(anna), waits(vera)) == ("", "")
    li.post(f"/findings/{id}/waiver/approve")
    li.post("/periods/2026-09/approve")
    assert waits(li) == ""


def test_an_operator_is_told_of_the_write_backs_of_their_own_systems(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    assert waits(olaf(Role.OPERATOR)) == "Waits for you: write-backs to approve: 7"
    _one_to_create(sqlite_store, "erp")
    assert waits(olaf(Role.OPERATOR)) == "Waits for you: write-backs to approve: 8"
    assert waits(olaf(Role.OPERATOR, "erp")) == "Waits for you: write-backs to approve: 1"
    _one_to_create(sqlite_store, "erp", status="superseded")
    assert waits(olaf(Role.OPERATOR, "erp")) == ""
    assert waits(olaf(Role.VIEWER)) == ""


def test_an_operator_is_told_of_dead_letters_of_their_own_systems(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.answer("PATCH /deal/d2", 422)
    job.run_sync(sqlite_store, settings)
    _one_to_create(sqlite_store, "erp", status="dead")
    assert waits(olaf(Role.OPERATOR)) == "Waits for you: dead letters to take care of: 2"
    assert waits(olaf(Role.OPERATOR, "erp")) == "Waits for you: dead letters to take care of: 1"
    assert waits(olaf(Role.VIEWER)) == ""


def _one_to_create(store: Store, system: str, status: str = "planned") -> None:
    texts = ("rule", "stream", "entity", "origin_system", "origin_stream", "origin_entity", "origin_source_id")
    numbers = ("origin_id", "origin_seq", "round", "attempts", "created_at")
    row = dict.fromkeys((*texts, "key", "content", "reason", "message", "run_id"), "x") | dict.fromkeys(numbers, 1)
    with store.transaction() as connection:
        connection.execute(creation.delete())
        connection.execute(creation.insert().values(**row, system=system, status=status))


def test_whoever_takes_care_of_a_finding_is_told_until_it_is_explained(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna, vera = as_role(Role.FINANCE), as_role(Role.VIEWER)
    id = of_check(desk, "invoice_overdue")
    anna.post(f"/findings/{id}/assign", to="a.viewer")
    assert waits(vera) == "Waits for you: findings assigned to you: 1"
    assert 'href="/findings?assignee=%40me&amp;status=assigned"' in vera.get("/links").text
    assert f'href="/findings/{id}' in vera.get("/findings?assignee=%40me&status=assigned").text
    assert waits(anna) == ""
    anna.post(f"/findings/{id}/explain", reason="Paid in November")
    assert waits(vera) == ""


def test_the_month_that_waits_leads_to_the_page_that_approves_it(as_role: Callable[[Role], Browser]) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    anna.post("/periods/close", period="2026-09", reason="so")
    found = re.search(r'<a href="([^"]+)">2026-09 to approve</a>', li.get("/links").text)
    assert found is not None
    assert 'action="/periods/2026-09/approve"' in li.get(found[1]).text
