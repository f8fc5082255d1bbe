"""Write-backs in the workbench: approved or rejected in part, exactly as ticked."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re

import pytest

from settings.model import Settings
from state import pauses, rejections
from state.changes import Plan
from state.members import Role
from state.pauses import WHOLE
from state.store import Store
from sync import job
from tests.jobs.toy import ToySystem
from tests.web.conftest import Browser
from tests.web.toy_company import Opens, crm, erp, finished, olaf, plan, settings, systems, toys  # noqa: F401


def ticks(browser: Browser, plan: Plan, *without: int) -> dict[str, str]:
    """The form's fields as the page has them, without some ticks."""
    page = browser.get("/plans").text
    (shown,) = re.findall(r'name="shown" value="([^"]+)"', page)
    boxes = re.findall(r'name="(item\.\d+)"', page)
    assert len(boxes) == len(shown.split(".")) == len(plan.open_items)
    left_out = {f"item.{plan.items[n].id}" for n in without}
    return {"shown": shown, **{name: "yes" for name in boxes if name not in left_out}}


def test_a_plan_is_shown_field_by_field_and_carried_out_as_shown(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    viewer, browser = olaf(Role.VIEWER), olaf(Role.OPERATOR)
    page = browser.get("/plans").text
    assert "Delivery state" in page
    assert "Write what is ticked of these 7 to crm" in page
    assert "order SO-1 in erp says so" in page
    assert "Write what" not in viewer.get("/plans").text
    assert 'type="checkbox"' not in viewer.get("/plans").text
    assert browser.post("/plans/0123456789abcdef/apply").status_code == 404
    assert crm.writes == []
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan)).status_code == 303
    finished(browser)
    assert len(crm.writes) == 7
    assert "Nothing is waiting" in browser.get("/plans").text


def test_what_is_ticked_is_written_and_the_rest_is_rejected_with_the_reason(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    sent = ticks(browser, plan, 0, 3)
    refused = browser.post(f"/plans/{plan.id}/apply", **sent)
    assert (refused.status_code, "Say why" in refused.text) == (422, True)
    assert browser.post(f"/plans/{plan.id}/apply", **sent, reason="In dispute").status_code == 303
    assert "2 rejected, 5 being written to crm." in browser.get("/runs").text
    assert "2 rejected" not in finished(browser)
    rejected = {plan.items[0].source_id, plan.items[3].source_id}
    assert {item[1] for item in crm.writes} == {item.source_id for item in plan.items} - rejected
    page = browser.get("/plans").text
    assert page.count("In dispute") == 2
    assert "Nothing is waiting" in page
    job.run_sync(sqlite_store, settings)
    assert len(crm.writes) == 5


def unticked(page: str) -> list[int]:
    """The writes whose box has no tick."""
    boxes = re.findall(r'<input type="checkbox" form="plan-[^>]*name="item\.(\d+)" value="yes"( checked)?', page)
    return [int(id) for id, ticked in boxes if not ticked]


def test_a_page_that_says_what_is_wrong_keeps_the_ticks_and_the_reason(
    olaf: Opens, sqlite_store: Store, settings: Settings, plan: Plan
) -> None:
    settings.writing.limits.changes = 1
    browser = olaf(Role.OPERATOR)
    assert unticked(browser.get("/plans").text) == []
    sent, left_out = ticks(browser, plan, 0, 3), [plan.items[0].id, plan.items[3].id]
    assert unticked(browser.post(f"/plans/{plan.id}/apply", **sent).text) == left_out
    assert unticked(browser.post(f"/plans/{plan.id}/reject", **sent).text) == left_out
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "anna", "release weekend")
    refused = browser.post(f"/plans/{plan.id}/apply", **sent, reason='In "dispute"', approve="yes")
    assert (refused.status_code, unticked(refused.text)) == (409, left_out)
    assert 'value="In &#34;dispute&#34;"' in refused.text
    assert 'name="approve" value="yes" checked' in refused.text
    assert 'name="paused" value="yes" checked' not in refused.text
    stale = browser.post("/plans/" + plan.id + "/reject", **{**sent, "shown": f"{sent['shown']}.999"}, reason="so")
    assert (stale.status_code, unticked(stale.text)) == (422, left_out)


def test_what_was_rejected_is_written_after_all_if_somebody_says_so(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR)
    assert browser.post(f"/plans/{plan.id}/reject", **ticks(browser, plan, 0), reason="Later").status_code == 303
    with sqlite_store.reading() as connection:
        (item,) = rejections.listing(connection)
    assert browser.post("/rejections/0123456789/take-back").status_code == 404
    assert browser.post(f"/rejections/{item.held.id}/take-back").status_code == 303
    finished(browser)
    job.run_sync(sqlite_store, settings)
    assert len(crm.writes) == 7


def test_only_rejecting_writes_nothing(olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan) -> None:
    browser = olaf(Role.OPERATOR)
    everything = browser.post(f"/plans/{plan.id}/reject", **ticks(browser, plan), reason="why")
    assert (everything.status_code, "Everything is ticked" in everything.text) == (422, True)
    assert browser.post(f"/plans/{plan.id}/reject", **ticks(browser, plan, 1), reason="why").status_code == 303
    assert "these 6 to crm" in browser.get("/plans").text
    stale = browser.post(f"/plans/{plan.id}/apply", **ticks_of(plan), reason="why")
    assert stale.status_code == 422
    assert crm.writes == []


def ticks_of(plan: Plan) -> dict[str, str]:
    """What an old page sends: everything shown, only the first ticked."""
    numbers = [item.id for item in plan.items]
    return {"shown": ".".join(map(str, numbers)), f"item.{numbers[0]}": "yes"}


@pytest.mark.parametrize("shown", ["1;2", "one", "9" * 20, ".".join(["1"] * 151), "-1"])
def test_a_forged_form_rejects_nothing(olaf: Opens, sqlite_store: Store, plan: Plan, shown: str) -> None:
    assert olaf(Role.OPERATOR).post(f"/plans/{plan.id}/reject", shown=shown, reason="why").status_code == 400


def test_records_of_another_plan_cannot_be_rejected_with_this_one(olaf: Opens, sqlite_store: Store, plan: Plan) -> None:
    refused = olaf(Role.OPERATOR).post(f"/plans/{plan.id}/reject", shown="999", reason="why")
    assert (refused.status_code, "no longer what you have seen" in refused.text) == (422, True)


def test_a_plan_for_what_is_paused_waits_until_somebody_says_so(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "anna", "release weekend")
    browser = olaf(Role.OPERATOR)
    assert "release weekend" in browser.get("/plans").text
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan)).status_code == 409
    assert browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan), paused="yes").status_code == 303
    finished(browser)
    assert len(crm.writes) == 7


def test_a_plan_larger_than_allowed_is_written_only_if_somebody_approves(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    settings.writing.limits.changes = 1
    browser = olaf(Role.OPERATOR)
    assert "Larger than allowed: 7 records" in browser.get("/plans").text
    browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan))
    assert "larger than allowed" in finished(browser)
    assert crm.writes == []
    browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan), approve="yes")
    finished(browser)
    assert len(crm.writes) == 7


def test_who_is_limited_to_another_system_neither_sees_nor_touches_it(
    olaf: Opens, sqlite_store: Store, plan: Plan
) -> None:
    browser = olaf(Role.OPERATOR, "erp")
    assert plan.id not in browser.get("/plans").text
    for action in ("apply", "reject"):
        assert browser.post(f"/plans/{plan.id}/{action}", **ticks_of(plan), reason="why").status_code == 404
    with sqlite_store.transaction() as connection:
        rejections.reject(connection, plan.id, [plan.items[0].id], "because", "anna")
        (item,) = rejections.listing(connection)
    assert "because" not in browser.get("/plans").text
    assert browser.post(f"/rejections/{item.held.id}/take-back").status_code == 404


def test_what_is_paused_is_told_once_and_what_to_do(
    olaf: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "anna", "release weekend")
    browser = olaf(Role.OPERATOR)
    page = browser.post(f"/plans/{plan.id}/apply", **ticks(browser, plan)).text
    assert page.count("release weekend") == 1
    assert "crm is paused. Tick “Also what is paused”" in page
    labels = re.findall(r'data-label="([^"]+)"', page.partition("<tbody>")[2].partition("</tr>")[0])
    assert labels == ["Write", "Record", "Field", "Shows", "Shall show", "Because"]
