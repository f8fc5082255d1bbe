"""A month is closed, approved by another and reopened in the browser; its report comes as a file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from reconciliation import adjustments
from reconciliation.tieouts import DoesNotFootError
from state.members import Role
from tests.web.conftest import Browser


def test_a_month_is_closed_by_one_and_approved_by_another(as_role: Callable[[Role], Browser]) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    assert "any that is over may be the first" in anna.get("/periods").text
    assert anna.post("/periods/close", period="2026-09").status_code == 303
    page = li.get("/periods").text
    assert "2026-09 was closed by a.finance and waits for approval" in page
    assert "Approve 2026-09" in page
    assert "Approve 2026-09" not in anna.get("/periods").text
    assert li.post("/periods/2026-09/approve").status_code == 303
    assert "2026-10 is the next to be closed" in anna.get("/periods").text
    told = json.loads(anna.get("/report/json?period=2026-09").content)
    assert told["periods"][0]["approved_by"] == "a.approver"


def test_the_months_that_can_be_closed_are_there_to_choose_with_their_figures(
    as_role: Callable[[Role], Browser],
) -> None:
    anna = as_role(Role.FINANCE)
    page = anna.get("/periods").text
    months = re.findall(r'<input type="radio" name="period" value="([^"]+)"', page)
    assert months[0] == "2026-09"
    assert "2026-10" not in months
    row = page.partition('value="2026-09"')[2].partition("</tr>")[0]
    assert re.search(r"[1-9][\d,]*\.\d\d <span", row)
    errors = anna.get("/findings?severity=error&status=open").text.count('<td><a href="/findings/')
    assert f"Errors that nobody has decided on: {errors}" in page.partition("Close the month")[0]
    assert '<input name="period"' not in page
    anna.post("/periods/close", period="2026-09")
    assert "Close the month" not in anna.get("/periods").text
    as_role(Role.APPROVER).post("/periods/2026-09/approve")
    page = anna.get("/periods").text
    assert ("2026-10 can be closed when it is over" in page, "Close the month" in page) == (True, False)


@pytest.mark.parametrize(
    ("address", "fields", "said"),
    [
        ("/periods/close", {"period": "2026-10"}, "is not over"),
        ("/periods/2026-09/approve", {}, "is not closed"),
        ("/periods/2026-09/reopen", {"reason": "so"}, "is not closed"),
    ],
)
def test_what_may_not_be_done_is_said_with_what_to_do(
    as_role: Callable[[Role], Browser], address: str, fields: dict[str, str], said: str
) -> None:
    answer = as_role(Role.APPROVER).post(address, **fields)
    assert answer.status_code == 422
    assert said in answer.text


def test_a_close_after_which_nothing_would_add_up_is_told_on_the_page_and_not_kept(
    as_role: Callable[[Role], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise DoesNotFootError("The movement of payment_payout right in JPY does not add up.")

    monkeypatch.setattr(adjustments, "refuse", refuse)
    anna = as_role(Role.FINANCE)
    answer = anna.post("/periods/close", period="2026-09")
    assert answer.status_code == 500
    assert "Nothing was closed" in answer.text
    assert "any that is over may be the first" in answer.text


def test_whoever_closed_a_month_does_not_approve_it(as_role: Callable[[Role], Browser]) -> None:
    li = as_role(Role.APPROVER)
    assert li.post("/periods/close", period="2026-09").status_code == 303
    answer = li.post("/periods/2026-09/approve")
    assert (answer.status_code, "Somebody else must approve it" in answer.text) == (422, True)
    assert li.post("/periods/2026-09/reopen", reason="Invoices were missing").status_code == 303
    assert "Invoices were missing" in li.get("/periods").text


@pytest.mark.parametrize(
    ("form", "begins"), [("xlsx", b"PK"), ("pdf", b"%PDF"), ("csv", b"PK"), ("json", b"{"), ("html", b"<!doctype")]
)
def test_the_report_comes_as_a_file(as_role: Callable[[Role], Browser], form: str, begins: bytes) -> None:
    answer = as_role(Role.VIEWER).get(f"/report/{form}")
    assert answer.content.startswith(begins)
    assert answer.headers["content-disposition"].startswith('attachment; filename="ltc-report-2026-10')


@pytest.mark.parametrize("address", ["/report/exe", "/report/json?period=2026-13", "/report/json?period=../etc"])
def test_what_is_no_report_is_refused(as_role: Callable[[Role], Browser], address: str) -> None:
    assert as_role(Role.VIEWER).get(address).status_code in (400, 404)


def test_what_is_to_be_seen_to_before_a_month_is_closed_stands_there(
    as_role: Callable[[Role], Browser],
) -> None:
    anna = as_role(Role.FINANCE)
    page = anna.get("/periods").text
    assert "Before 2026-09 is closed" in page
    assert steps(page)["The month is over (needed)"] == "✓ done"
    assert steps(page)["Somebody else may approve the close (needed)"] == "not yet"
    errors = steps(page)["Every error is assigned, explained or waived"]
    assert int(errors) == anna.get("/findings?severity=error&status=open").text.count('<td><a href="/findings/') > 0
    as_role(Role.APPROVER)
    assert steps(anna.get("/periods").text)["Somebody else may approve the close (needed)"] == "✓ done"
    anna.post("/periods/close", period="2026-09")
    assert "Before 2026-09 is closed" in anna.get("/periods").text


def steps(page: str) -> dict[str, str]:
    """What to see to, and what stands beside it, without tags."""
    rows = re.findall(r'<tr[^>]*><th scope="row">(.*?)</th><td class="number">(.*?)</td>', page)
    return {re.sub(r"<[^>]+>", "", name): re.sub(r"<[^>]+>", "", value) for name, value in rows}


def test_a_close_that_is_refused_is_no_run_that_failed(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    assert anna.post("/periods/close", period="2026-10").status_code == 422
    assert "FAILED" not in anna.get("/runs").text
    assert anna.post("/periods/close", period="2026-09").status_code == 303
    before = anna.get("/runs").text.count('<a href="/runs/')
    assert anna.post("/periods/close", period="2026-09").status_code == 422
    after = anna.get("/runs").text
    assert ("FAILED" in after, after.count('<a href="/runs/')) == (False, before)
