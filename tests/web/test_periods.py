"""A month is closed, approved by another and reopened in the browser; its report comes as a file."""

from __future__ import annotations

import io
import json
import re
import time
import zipfile
from collections.abc import Callable
from datetime import datetime
from html import unescape
from typing import Any

import openpyxl
import pytest
from sqlalchemy import select, update

from console import closing_steps
from console.i18n import texts
from console.report import figures, pdf
from console.report.cards import of_month
from console.web import periods as shown_periods
from reconciliation import adjustments, closing, report
from reconciliation.tieouts import DoesNotFootError
from settings.model import Settings
from state import audit, finding_pages, handling, periods
from state.clock import simulated, to_us
from state.members import Role
from state.schema import figure, finding, finding_event
from state.store import Store
from sync.closing import close_period
from tests.web.conftest import Browser


def test_a_month_is_closed_by_one_and_approved_by_another(as_role: Callable[[Role], Browser]) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    assert "any that is over may be the first" in anna.get("/periods").text
    assert anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow").status_code == 303
    page = li.get("/periods").text
    assert "2026-09 was closed by a.finance and waits for approval" in page
    assert 'href="/periods/2026-09/approve"' in page
    assert 'href="/periods/2026-09/approve"' not in anna.get("/periods").text
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
    assert "they cannot be closed one by one later" in page
    anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    assert "Look at it, and close" not in anna.get("/periods").text
    as_role(Role.APPROVER).post("/periods/2026-09/approve")
    page = anna.get("/periods").text
    assert ("2026-10 can be closed when it is over" in page, "Look at it, and close" in page) == (True, False)


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
    answer = anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    assert answer.status_code == 500
    assert "Nothing was closed" in answer.text
    assert "any that is over may be the first" in answer.text


def test_whoever_closed_a_month_does_not_approve_it(as_role: Callable[[Role], Browser]) -> None:
    li = as_role(Role.APPROVER)
    assert li.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow").status_code == 303
    answer = li.post("/periods/2026-09/approve")
    assert (answer.status_code, "Somebody else must approve it" in answer.text) == (422, True)
    assert li.post("/periods/2026-09/reopen", reason="Invoices were missing").status_code == 303
    assert "Invoices were missing" in li.get("/periods").text


def test_a_reopened_close_has_its_own_report_beside_that_of_the_one_that_stands(
    as_role: Callable[[Role], Browser], given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert given.as_of is not None
    passed = time.time_ns() - to_us(given.as_of) * 1000
    monkeypatch.setattr(given, "as_of", None)
    with simulated(lambda: time.time_ns() - passed):
        anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
        anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
        first = anna.get("/report/json?period=2026-09").content
        assert li.post("/periods/2026-09/reopen", reason="Invoices were missing").status_code == 303
        anna.post("/periods/close", period="2026-09", reason="Now all is there")
        assert li.post("/periods/2026-09/approve").status_code == 303
        page = unescape(anna.get("/periods").text)
        addresses = re.findall(r'href="(/report/json\?period=2026-09[^"]*)"', page)
        assert addresses == ["/report/json?period=2026-09&revision=1", "/report/json?period=2026-09"]
        answers = [anna.get(address) for address in addresses]
        assert _figures(answers[0].content) == _figures(first), "as it was before it was reopened"
        told = [json.loads(answer.content)["sign_off"] for answer in answers]
        assert [(item["revision"], item["approved_by"]) for item in told] == [(1, None), (2, "a.approver")]
        assert 'filename="ltc-report-2026-09-1-withdrawn.json"' in answers[0].headers["content-disposition"]
        assert anna.get("/report/json?period=2026-09&revision=3").status_code == 404


def _figures(content: bytes) -> dict[str, Any]:
    """A report without what it says of the closes."""
    return {name: value for name, value in json.loads(content).items() if name not in ("sign_off", "periods")}


@pytest.mark.parametrize("approved", [False, True])
def test_every_file_of_a_withdrawn_close_says_who_reopened_it_when_and_why_and_keeps_its_figures(
    as_role: Callable[[Role], Browser], given: Settings, monkeypatch: pytest.MonkeyPatch, approved: bool
) -> None:
    monkeypatch.setattr(given.reconciliation.periods, "reopen", ["a.approver"])
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    if approved:
        assert li.post("/periods/2026-09/approve").status_code == 303
    assert "WITHDRAWN" not in anna.get("/report/html?period=2026-09").text
    first = anna.get("/report/json?period=2026-09").content
    assert li.post("/periods/2026-09/reopen", reason="Invoices were missing").status_code == 303
    answers = {form: anna.get(f"/report/{form}?period=2026-09&revision=1") for form in ("json", "html", "xlsx", "csv")}
    assert all("ltc-report-2026-09-1-withdrawn." in one.headers["content-disposition"] for one in answers.values())
    told = json.loads(answers["json"].content)
    assert _figures(answers["json"].content) == _figures(first)
    assert (told["sign_off"]["status"], told["sign_off"]["reopened_by"]) == ("reopened", "a.approver")
    page = unescape(answers["html"].text)
    head = page.partition("</header>")[0]
    said = re.search(
        r"WITHDRAWN: close 1 of 2026-09 was reopened by a.approver, (2026-\S+ \S+ [^.]+)[.] Why: (.*?)[.]", head
    )
    assert said is not None
    assert said[2] == "Invoices were missing"
    assert f"Reopened by a.approver, {said[1]}" in head
    assert ("Approved by a.approver" in head) is approved
    book = openpyxl.load_workbook(io.BytesIO(answers["xlsx"].content))
    assert all("WITHDRAWN" in str(sheet["A2"].value) for sheet in book.worksheets)
    row = [cell.value for cell in next(book[book.sheetnames[-1]].iter_rows(min_row=5))]
    signs = zipfile.ZipFile(io.BytesIO(answers["csv"].content)).read("sign_offs.csv").decode()
    for text in (str(row), signs):
        assert (f"a.approver, {said[1]}" in text, "Invoices were missing" in text) == (True, True)


def test_the_pdf_of_a_withdrawn_close_says_so_above_its_figures_in_either_language(
    as_role: Callable[[Role], Browser], given: Settings, desk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    li = as_role(Role.APPROVER)
    li.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    li.post("/periods/2026-09/reopen", reason="Invoices were missing")
    said: list[str] = []
    say = pdf._Paper.say

    def noted(paper: Any, text: str, size: float = 9, grey: bool = False) -> None:
        said.append(text)
        say(paper, text, size, grey)

    monkeypatch.setattr(pdf._Paper, "say", noted)
    answer = li.get("/report/pdf?period=2026-09&revision=1")
    assert 'filename="ltc-report-2026-09-1-withdrawn.pdf"' in answer.headers["content-disposition"]
    assert "WITHDRAWN: close 1 of 2026-09 was reopened by a.approver" in said[1]
    assert any("Reopened by a.approver" in text and "Invoices were missing" in text for text in said[2:])
    data = report.build(desk, given, None, "zh-CN", "2026-09", 1)
    assert "已由 a.approver 于" in figures.withdrawn(data, texts("zh-CN"))


def test_approving_says_that_the_figures_of_the_close_never_change_and_how_the_month_opens_again(
    as_role: Callable[[Role], Browser],
) -> None:
    as_role(Role.FINANCE).post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    page = as_role(Role.APPROVER).get("/periods/2026-09/approve").text
    assert "They never change" not in page
    assert "The figures of this close never change; only who may reopen can open the month again" in page


def test_a_close_that_was_reopened_while_the_clock_stands_has_its_report_too(
    as_role: Callable[[Role], Browser],
) -> None:
    li = as_role(Role.APPROVER)
    li.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    first = li.get("/report/json?period=2026-09").content
    li.post("/periods/2026-09/reopen", reason="Invoices were missing")
    li.post("/periods/close", period="2026-09", reason="Now all is there")
    page = unescape(li.get("/periods").text)
    addresses = re.findall(r'href="(/report/json\?period=2026-09[^"]*)"', page)
    assert addresses == ["/report/json?period=2026-09&revision=1", "/report/json?period=2026-09"]
    assert _figures(li.get(addresses[0]).content) == _figures(first), "as it was before it was reopened"
    told = json.loads(li.get(addresses[1]).content)
    assert [item["status"] for item in told["periods"]] == ["reopened", "closed"]


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
    errors = steps(page)["Every error that began by its end is assigned, explained or waived"]
    assert int(errors) == shown(anna, "/findings?severity=error&status=open&until=2026-09-30") > 0
    li = as_role(Role.APPROVER)
    assert steps(anna.get("/periods").text)["Somebody else may approve the close (needed)"] == "✓ done"
    anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    page = anna.get("/periods").text
    assert ("2026-09 is closed. Somebody else approves it." in page, "Before 2026-" in page) == (True, False)
    li.post("/periods/2026-09/approve")
    page = li.get("/periods").text
    assert "2026-09 is approved. 2026-10 is the next to be closed." in page
    assert "Before 2026-10 is closed" in page
    assert "2026-09 is approved." not in li.get("/periods").text, "it is said once"


def test_who_may_approve_a_close_is_named_whoever_looks(as_role: Callable[[Role], Browser]) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    for looking in (anna, li):
        page = looking.get("/periods").text
        row = page.partition("Somebody else may approve the close")[2].partition("</tr>")[0]
        assert "May approve, unless they close it themselves: a.approver" in row
        assert "✓ done" in row
    row = li.get("/periods/close?period=2026-09").text.partition("Somebody else may approve the close")[2]
    assert "not yet" in row.partition("</tr>")[0], "nobody else than who would close it"


def test_before_a_month_is_approved_what_is_left_open_is_repeated_with_its_number_and_its_money(
    as_role: Callable[[Role], Browser],
) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    anna.post("/periods/close", period="2026-09", reason="so")
    page = li.get("/periods/2026-09/approve").text
    errors = shown(li, "/findings?severity=error&status=open&until=2026-09-30")
    row = page.partition("Every error that began by its end")[2].partition("</tr>")[0]
    assert f">{errors}</a>" in row
    assert re.search(r'<br>[1-9][\d,]*\.\d\d <span class="quiet">CNY</span>', row)
    assert "The month is over" not in page, "it is done"


def shown(browser: Browser, address: str) -> int:
    """How many findings a list shows."""
    return browser.get(address).text.count('<td><a href="/findings/')


def steps(page: str) -> dict[str, str]:
    """What to see to, and what stands beside it, without tags."""
    rows = re.findall(r'<tr[^>]*><th scope="row"[^>]*>(.*?)</th><td class="number"[^>]*>(.*?)</td>', page)
    return {re.sub(r"<br>.*|<[^>]+>", "", name): re.sub(r"<[^>]+>", "", value) for name, value in rows}


def test_errors_of_later_months_do_not_count_before_a_month_is_closed(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    anna, every = as_role(Role.FINANCE), "Every error that began by its end is assigned, explained or waived"
    left = int(steps(anna.get("/periods").text)[every])
    with desk.transaction() as connection:
        [id, *_] = finding_pages.ids(connection, closing.undecided("2026-09", given.timezone), 1)
        connection.execute(finding.update().where(finding.c.id == id).values(since="2026-10-01"))
    assert int(steps(anna.get("/periods").text)[every]) == left - 1
    assert shown(anna, "/findings?severity=error&status=open&until=2026-09-30") == left - 1
    assert shown(anna, "/findings?severity=error&status=open&until=2026-10-01") == left
    assert f"{left - 1} errors that began by the end of 2026-09" in anna.get("/periods/close?period=2026-09").text


def test_errors_without_a_day_count_where_they_were_first_found_on_the_page_and_in_the_report(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    anna, every = as_role(Role.FINANCE), "Every error that began by its end is assigned, explained or waived"
    left = int(steps(anna.get("/periods").text)[every])
    first, later = (to_us(datetime.fromisoformat(f"{day}T00:00:00+08:00")) for day in ("2026-09-30", "2026-10-01"))
    with desk.transaction() as connection:
        [one, other] = finding_pages.ids(connection, closing.undecided("2026-09", given.timezone), 2)
        for id, seen in ((one, first), (other, later)):
            connection.execute(finding.update().where(finding.c.id == id).values(since=None, first_seen_at=seen))
            events = finding_event.c.finding_id == id, finding_event.c.state.is_not(None)
            state = json.loads(connection.execute(select(finding_event.c.state).where(*events)).scalars().one())
            state |= {"since": None, "first_seen_at": seen}
            connection.execute(update(finding_event).where(*events).values(state=json.dumps(state)))
    assert given.timezone == "Asia/Shanghai"
    assert int(steps(anna.get("/periods").text)[every]) == left - 1
    assert shown(anna, "/findings?severity=error&status=open&until=2026-09-30") == left - 1
    data = report.build(desk, given, period="2026-09")
    [*_, card] = of_month(data, texts("en"))
    errors = re.search(r"errors: ([\d,]+)", card["note"])
    assert errors
    assert int(errors[1]) == left - 1
    assert "counts from the day on which it was first found" in anna.get("/periods").text


def test_receipts_of_later_months_do_not_count_before_a_month_is_closed(desk: Store, given: Settings) -> None:
    days = {1: "2026-09-30", 2: "2026-10-01", 3: None}
    with desk.transaction() as connection:
        for id, day in days.items():
            value = json.dumps({"left": 5, "currency": "CNY", "received_on": day})
            connection.execute(figure.insert().values(kind="cash", key=f"{id}", at=1, run_id="x", value=value))
        found = {item.name: item for item in closing_steps.steps(connection, given, "2026-09", "anna")}
    assert (found["receipts"].left, found["receipts"].of_month) == (2, True)
    assert found["receipts"].page == "/cash?until=2026-09-30"


def test_a_close_that_is_refused_is_no_run_that_failed(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    assert anna.post("/periods/close", period="2026-10").status_code == 422
    assert ">FAILED</td>" not in anna.get("/runs").text
    assert anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow").status_code == 303
    before = anna.get("/runs").text.count('<a href="/runs/')
    assert anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow").status_code == 422
    after = anna.get("/runs").text
    assert (">FAILED</td>" in after, after.count('<a href="/runs/')) == (False, before)


def test_a_close_under_way_is_shown_with_its_run_and_no_other_can_be_started(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = as_role(Role.FINANCE)
    pages: list[str] = []
    close = closing.close

    def look(*given: object) -> object:
        pages.extend(anna.get(address).text for address in ("/periods", "/periods/close?period=2026-09"))
        return close(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(closing, "close", look)
    assert "Look at it, and close" in anna.get("/periods").text
    close_period(desk, given, "2026-09", "li.wei", "The bank confirms tomorrow")
    for page in pages:
        said = r"A close of 2026-09 is running, started by li\.wei, 2026-\d\d-\d\d \d\d:\d\d"
        assert re.search(said, re.sub(r"<[^>]+>", "", page))
        run = re.search(r'href="(/runs/[^"]+)">Look at its run', page)
        assert run
        assert "Close" in anna.get(run[1]).text
        assert ("Look at it, and close" in page, 'action="/periods/close"' in page) == (False, False)
    assert len(pages) == 2
    assert "is running" not in anna.get("/periods").text


def test_the_month_to_close_stands_first_and_months_beyond_twelve_are_folded(
    as_role: Callable[[Role], Browser], monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = as_role(Role.FINANCE)
    assert "<details>" not in anna.get("/periods").text.partition("<h1>")[2]
    monkeypatch.setattr(shown_periods, "_SHOWN", 0)
    page = anna.get("/periods").text.partition("<h1>")[2]
    places = [page.index(text) for text in ("<h2>Before ", "What to see to", 'type="radio"')]
    assert places == sorted(places)
    assert '<a class="button" href="/periods/close?period=2026-09">' in page[: places[2]]
    assert re.search(r"<details><summary>Show the \d+ months before</summary>", page)


def test_before_a_month_is_closed_it_is_said_what_that_does_and_a_reason_is_asked_for_while_errors_are_undecided(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    anna = as_role(Role.FINANCE)
    page = anna.get("/periods/close?period=2026-09").text
    for said in ("figures of 2026-09 are frozen", "Somebody else approves it", "It is the first close"):
        assert said in page
    errors = shown(anna, "/findings?severity=error&status=open&until=2026-09-30")
    assert f"{errors} errors that began by the end of 2026-09 are undecided" in page
    assert '<textarea name="reason" rows="3" maxlength="1000" required>' in page
    for reason in ("", "  "):
        refused = anna.post("/periods/close", period="2026-09", reason=reason)
        assert (refused.status_code, "say why the month is closed all the same" in refused.text) == (422, True)
    assert anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow").status_code == 303
    assert "The bank confirms tomorrow" in anna.get("/periods").text
    with desk.reading() as connection:
        [told] = [item for item in audit.entries(connection) if item.action == "period closed"]
    assert (told.detail["undecided"], told.detail["reason"]) == (errors, "The bank confirms tomorrow")
    signed = json.loads(anna.get("/report/json?period=2026-09").content)["sign_off"]
    assert signed["close_reason"] == "The bank confirms tomorrow"


def test_without_undecided_errors_no_reason_is_asked_for(
    as_role: Callable[[Role], Browser], desk: Store, given: Settings
) -> None:
    anna = as_role(Role.FINANCE)
    with desk.transaction() as connection:
        for id in finding_pages.ids(connection, closing.undecided("2026-09", given.timezone), 1000):
            handling.explain(connection, id, "It is so", "anna")
    assert '<textarea name="reason"' not in anna.get("/periods/close?period=2026-09").text
    assert anna.post("/periods/close", period="2026-09").status_code == 303


def test_errors_that_only_the_close_itself_finds_need_a_reason_too(
    as_role: Callable[[Role], Browser], desk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = as_role(Role.FINANCE)
    monkeypatch.setattr(closing, "refuse", lambda *_: None)
    assert anna.post("/periods/close", period="2026-09").status_code == 422
    with desk.reading() as connection:
        assert periods.closes(connection) == []
    assert ">FAILED</td>" not in anna.get("/runs").text


@pytest.mark.parametrize("month", ["2026-10", "2030-01"])
def test_a_month_that_cannot_be_closed_has_no_page_to_close_it(as_role: Callable[[Role], Browser], month: str) -> None:
    answer = as_role(Role.FINANCE).get(f"/periods/close?period={month}")
    assert (answer.status_code, f"{month} cannot be closed now" in answer.text) == (422, True)


def test_before_a_month_is_approved_it_is_said_what_it_holds_and_that_nobody_can_open_it_again(
    as_role: Callable[[Role], Browser],
) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    assert li.get("/periods/2026-09/approve").status_code == 404
    anna.post("/periods/close", period="2026-09", reason="The bank confirms tomorrow")
    page = li.get("/periods/2026-09/approve").text
    for said in ("a.finance, 2026-", "The bank confirms tomorrow", "Nobody can open 2026-09 again"):
        assert said in page
    assert "since nobody is named who may" in page
    assert "ltc.yaml" not in page
    assert "2026-10 is the next to be closed" in page
    for name in (
        "Billed in the month, with tax",
        "Billed in the month, before tax",
        "Received in the month, less paid back",
    ):
        assert re.search(rf'<dt>{name}</dt><dd>[\d,]*\.\d\d <span class="quiet">CNY', page), name
    assert '<form class="stacked" method="post" action="/periods/2026-09/approve">' in page
    li.post("/periods/2026-09/approve")
    assert li.get("/periods/2026-09/approve").status_code == 404


def test_an_approved_month_is_offered_for_reopening_only_to_whom_the_settings_name(
    as_role: Callable[[Role], Browser], given: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, li, root = as_role(Role.FINANCE), as_role(Role.APPROVER), as_role(Role.ADMIN)
    anna.post("/periods/close", period="2026-09", reason="so")
    assert "Reopen 2026-09" in li.get("/periods").text
    assert "Who may is said in the settings, by: a.admin." in li.get("/periods/2026-09/approve").text
    li.post("/periods/2026-09/approve")
    page = li.get("/periods").text
    assert "Reopen 2026-09" not in page
    assert "nobody is named who may. Who may is said in the settings, by: a.admin." in page
    assert "ltc.yaml" not in page
    assert '<a href="/settings/periods">Say who may</a>' in root.get("/periods").text
    refused = li.post("/periods/2026-09/reopen", reason="Invoices were missing").text
    assert "Approved periods stay closed, since nobody is named" in refused
    assert "ltc.yaml" not in refused
    monkeypatch.setattr(given.reconciliation.periods, "reopen", ["a.approver"])
    assert "Reopen 2026-09" in li.get("/periods").text
    assert "only a.approver can open a month again" in anna.get("/periods").text
    assert "Reopen 2026-09" not in anna.get("/periods").text
    assert li.post("/periods/2026-09/reopen", reason="Invoices were missing").status_code == 303


def test_months_and_days_of_closes_do_not_break_within(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    assert '<th scope="row" class="day"><label class="tick"><input type="radio"' in anna.get("/periods").text
    anna.post("/periods/close", period="2026-09", reason="so")
    page = anna.get("/periods").text
    assert '<td class="day" data-label="Period">2026-09</td>' in page
    assert re.search(r'<td class="day" data-label="Closed by">a.finance, 2026-', page)


def test_links_to_reports_say_of_which_month_they_are(as_role: Callable[[Role], Browser]) -> None:
    anna = as_role(Role.FINANCE)
    anna.post("/periods/close", period="2026-09", reason="so")
    page = anna.get("/periods").text
    assert '<a href="/report/pdf?period=2026-09">PDF<span class="unseen"> 2026-09</span></a>' in page
    assert '<a href="/report/pdf">PDF<span class="unseen"> 2026-10</span></a>' in page
    assert "The report as it is now: 2026-10" in page


def test_headings_about_a_close_stand_apart_from_the_figures_above_them(as_role: Callable[[Role], Browser]) -> None:
    anna, li = as_role(Role.FINANCE), as_role(Role.APPROVER)
    pages = [anna.get("/periods/close?period=2026-09").text]
    anna.post("/periods/close", period="2026-09", reason="so")
    pages += [li.get(f"/periods/2026-09/{step}").text for step in ("approve", "reopen")]
    for page in pages:
        assert re.search(r"<section>\s*<h2>What will happen</h2>", page)
        assert page.count("<section>") == page.count("</section>")
