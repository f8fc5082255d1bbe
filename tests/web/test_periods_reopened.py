"""A month is opened again after a page that says what that does, and its closes are listed within a screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from settings.model import Settings
from state.members import Role
from tests.web.conftest import Browser


def test_before_a_month_is_opened_again_it_is_said_what_that_does_and_the_reason_is_asked_for(
    as_role: Callable[[Role], Browser], given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    assert li.get("/periods/2026-09/reopen").status_code == 404
    anna.post("/periods/close", period="2026-09", reason="so")
    assert 'href="/periods/2026-09/reopen"' in anna.get("/periods").text
    assert "So does its approval" not in anna.get("/periods/2026-09/reopen").text
    li.post("/periods/2026-09/approve")
    assert anna.get("/periods/2026-09/reopen").status_code == 404
    monkeypatch.setattr(given.reconciliation.periods, "reopen", ["a.approver"])
    first, _, rest = li.get("/periods").text.partition("All closes")
    assert 'reopen"' not in first, "it is not in the card of the month to close next"
    assert 'href="/periods/2026-09/reopen"' in rest
    assert 'name="reason"' not in first + rest
    page = li.get("/periods/2026-09/reopen").text
    assert "This close of 2026-09 ends." in page
    assert "So does its approval." in page
    assert "no adjustment of 2026-10 any more" in page
    assert 'name="reason" rows="3" maxlength="1000" required' in page
    refused = li.post("/periods/2026-09/reopen", reason=" ")
    assert (refused.status_code, "This close of 2026-09 ends." in refused.text) == (422, True)
    li.post("/language", locale="zh-CN")
    assert "批准随之失效" in li.get("/periods/2026-09/reopen").text
    assert li.post("/periods/2026-09/reopen", reason="Invoices were missing").status_code == 303


def test_after_a_reopening_only_the_month_of_the_button_is_offered_and_once(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    assert "Close another month first" in anna.get("/periods").text
    anna.post("/periods/close", period="2026-09", reason="so")
    anna.post("/periods/2026-09/reopen", reason="Invoices were missing")
    page = anna.get("/periods").text
    assert 'href="/periods/close?period=2026-09"' in page
    assert "Close another month first" not in page


def test_reasons_stand_below_who_closed_and_reopened_so_that_the_reports_are_on_the_screen(
    as_role: Callable[[Role], Browser],
) -> None:
    anna = as_role(Role.FINANCE)
    anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    anna.post("/periods/2026-09/reopen", reason="Invoices were missing")
    table = anna.get("/periods").text.partition("All closes")[2].partition("</table>")[0]
    heads = re.findall(r'<th scope="col">(.*?)</th>', table)
    assert len(heads) == 7
    for who, why in (("Closed by", "The bank confirms tomorrow"), ("Reopened by", "Invoices were missing")):
        cell = re.search(rf'data-label="{who}">a.finance, [0-9: -]+<br><span class="quiet">{why}</span>', table)
        assert cell, table


@pytest.mark.parametrize("address", ["/", "/figures"])
def test_above_figures_a_withdrawn_close_is_one_short_line_with_the_details_folded(
    as_role: Callable[[Role], Browser], address: str
) -> None:
    anna = as_role(Role.FINANCE)
    anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    anna.post("/periods/2026-09/reopen", reason="Invoices were missing")
    page = anna.get(address).text
    head = page[page.index('<div class="head">') :].partition("</div>\n")[0]
    found = re.search(r'<details class="quiet"><summary>(.*?)</summary>(.*?)</details>', page, re.DOTALL)
    assert found is not None
    assert found[1] == "Close 1 of 2026-09 is withdrawn: the month was opened again"
    facts = dict(re.findall(r"<dt>(.*?)</dt><dd>(.*?)</dd>", found[2]))
    assert facts["Reopened by"].startswith("a.finance, 2026-")
    assert facts["Why it was reopened"] == "Invoices were missing"
    assert facts["Closed in spite of errors"] == "The bank confirms tomorrow"
    assert re.fullmatch("[0-9a-f]{16}…", facts["SHA-256 of the inputs"])
    assert "Approved by" not in facts
    assert "2026-10 is not closed" in head
    assert "SHA-256" not in head.partition("<details")[0]


def test_the_report_of_a_month_that_was_opened_again_is_there_as_it_is_now(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    said = "2026-09, which was opened again, as it is now"
    anna.post("/periods/close", period="2026-09", reason="so")
    assert said not in anna.get("/periods").text
    anna.post("/periods/2026-09/reopen", reason="Invoices were missing")
    page = anna.get("/periods").text
    assert said in page
    assert 'href="/report/json?period=2026-09"' in page[page.index(said) :]
    assert anna.get("/report/json?period=2026-09").json()["sign_off"] is None


def test_the_page_before_a_close_says_who_may_open_the_month_again(as_role: Callable[[Role], Browser]) -> None:
    as_role(Role.ADMIN)
    page = as_role(Role.FINANCE).get("/periods/close?period=2026-09").text
    assert "Once approved, a month cannot be opened again, since nobody is named who may." in page
    assert "Who may is said in the settings, by: a.admin." in page
