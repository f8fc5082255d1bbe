"""What people see and do: overview, findings, trace; in both languages, with nothing left untranslated."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
from sqlalchemy import text

from console.i18n import texts
from state import audit, findings
from state.members import Role
from state.store import Store
from tests.console.deal import EMAIL, PHONE
from tests.web.conftest import Browser
from tests.web.toy_company import plain


@pytest.fixture
def anna(as_role: Callable[[Role], Browser]) -> Browser:
    return as_role(Role.FINANCE)


def of_check(store: Store, check: str) -> str:
    with store.reading() as connection:
        return findings.listing(connection, check_id=check)[0].id


def listed(browser: Browser, query: str) -> list[str]:
    return re.findall(r'<a href="/findings/([0-9a-f]+)["?]', browser.get(f"/findings?{query}").text)


def test_the_overview_shows_the_figures_of_the_report_and_leads_to_the_findings(anna: Browser) -> None:
    page = anna.get("/").text
    assert "Lead to cash" in page
    assert 'class="river"' in page
    stage = re.search(r'href="(/findings\?stage=quote&amp;department=[a-z_]+)"', page)
    assert stage is not None
    assert len(listed(anna, unescape(stage.group(1)).partition("?")[2])) == 1


def test_every_page_says_in_which_zone_its_times_are(anna: Browser) -> None:
    for address in ("/", "/findings", "/systems", "/account", "/quarantine"):
        assert "Times are in the time zone Asia/Shanghai" in anna.get(address).text, address


def test_the_overview_begins_with_the_findings_of_the_most_money(anna: Browser, desk: Store) -> None:
    page = anna.get("/").text
    begin, end = page.index('id="largest"'), page.index('id="river"')
    assert begin < end
    shown = re.findall(r'<a href="/findings/([0-9a-f]+)\?order=amount">', page[begin:end])
    with desk.reading() as connection:
        amounts = {item.id: abs(item.base_amount or 0) for item in findings.listing(connection)}
    with_money = sorted((amount for amount in amounts.values() if amount), reverse=True)
    assert shown
    assert [amounts[id] for id in shown] == with_money[:5]
    assert "Nobody yet" in page[begin:end]


def test_the_tables_of_the_period_have_a_page_of_their_own(anna: Browser) -> None:
    page = anna.get("/").text
    assert 'href="/figures"' in page
    assert 'id="receivables_by_currency"' in page
    assert 'id="period_tie_outs"' not in page
    figures = anna.get("/figures").text
    parts = re.findall(r'<a href="#(\w+)">', figures.partition('class="within"')[2].partition("</nav>")[0])
    assert "period_tie_outs" in parts
    for id in parts:
        assert f'<section id="{id}">' in figures
    assert '<a href="/trace?text=INV-2">INV-2</a>' in figures


def test_the_overview_is_made_again_when_something_was_decided(anna: Browser, desk: Store) -> None:
    before = anna.get("/").text
    assert anna.get("/").text == before
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/explain", reason="Approved by telephone")
    with desk.transaction() as connection:
        connection.execute(text("UPDATE finding SET severity = 'info' WHERE id = :id"), {"id": id})
    anna.post(f"/findings/{id}/comment", text="again")
    assert anna.get("/").text != before


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"quote_without_approval", "invoice_overdue", "invoice_exceeds_order"}),
        ("text=Q-1", {"quote_without_approval"}),
        ("text=q-1", {"quote_without_approval"}),
        ("text=200.00", {"invoice_exceeds_order"}),
        ("severity=info", set()),
        ("stage=quote", {"quote_without_approval"}),
        ("check=invoice_overdue", {"invoice_overdue"}),
        ("status=resolved", set()),
        ("text=%25", set()),
        ("text='; DROP TABLE finding --", set()),
    ],
)
def test_findings_are_found_by_what_they_are_about(anna: Browser, desk: Store, query: str, found: set[str]) -> None:
    shown = set()
    with desk.reading() as connection:
        for id in listed(anna, query):
            shown.add(findings.find(connection, id).check_id)
    assert found <= shown
    assert bool(found) == bool(shown)


def test_the_largest_come_first_where_amounts_order(anna: Browser, desk: Store) -> None:
    ids = listed(anna, "order=amount")
    with desk.reading() as connection:
        amounts = [abs(findings.find(connection, id).base_amount or 0) for id in ids]
    assert amounts == sorted(amounts, reverse=True)
    assert len(set(amounts)) > 1


def test_a_page_beyond_the_last_is_empty_and_no_error(anna: Browser) -> None:
    assert "Nothing was found" in anna.get("/findings?page=99").text
    for wrong in ("-3", "0", "x", "", "9" * 30):
        assert anna.get(f"/findings?page={wrong}").status_code == 400


def test_a_finding_shows_both_sides_and_marks_the_amounts_that_differ(anna: Browser, desk: Store) -> None:
    page = anna.get(f"/findings/{of_check(desk, 'invoice_exceeds_order')}").text
    rows = re.findall(r'<tr( class="differs")?><th scope="row">([^<]+)', page)
    marked = {name.strip() for mark, name in rows if mark}
    assert "Net amount" in marked
    assert "Currency" not in marked
    assert "Number" not in marked
    assert "1,000.00" in page
    assert "1,200.00" in page


def test_a_finding_that_is_not_there_is_no_page(anna: Browser) -> None:
    assert anna.get("/findings/ffffffffffff").status_code == 404
    assert "There is no such page" in anna.get("/findings/ffffffffffff").text


def test_what_is_decided_here_is_in_the_history_under_the_members_name(anna: Browser, desk: Store) -> None:
    id = of_check(desk, "quote_without_approval")
    for address, fields in (
        ("assign", {"to": "wang.min", "outside": "yes", "due": "2026-12-24"}),
        ("explain", {"reason": "Approved by telephone"}),
        ("comment", {"text": "Paper follows <b>soon</b>"}),
    ):
        assert anna.post(f"/findings/{id}/{address}", **fields).status_code == 303
    with desk.reading() as connection:
        found = findings.find(connection, id)
        actors = [(item.event, item.actor) for item in findings.history(connection, id)][1:]
    assert (found.status, found.assignee, found.due_on) == ("explained", "wang.min", "2026-12-24")
    assert actors == [(event, "a.finance") for event in ("assigned", "explained", "commented")]
    page = anna.get(f"/findings/{id}").text
    assert "Paper follows &lt;b&gt;soon&lt;/b&gt;" in page
    assert "Approved by telephone" in page


@pytest.mark.parametrize(
    ("address", "fields", "said"),
    [
        ("assign", {"to": " "}, "Say who takes care of it"),
        ("assign", {"to": "wang.min", "outside": "yes", "due": "31.12.2026"}, "That is no day"),
        ("explain", {"reason": ""}, "An explanation needs a reason"),
        ("comment", {"text": ""}, "A comment needs words"),
    ],
)
def test_what_cannot_be_decided_is_said_where_it_was_tried(
    anna: Browser, desk: Store, address: str, fields: dict[str, str], said: str
) -> None:
    id = of_check(desk, "quote_without_approval")
    answer = anna.post(f"/findings/{id}/{address}", **fields)
    assert answer.status_code == 422
    assert said in answer.text
    with desk.reading() as connection:
        assert findings.find(connection, id).status == "open"


def test_a_waiver_is_asked_for_by_one_and_approved_by_another(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    id = of_check(desk, "quote_without_approval")
    assert anna.post(f"/findings/{id}/waiver", reason="Policy F-12", until="2026-12-31").status_code == 303
    li = as_role(Role.APPROVER)
    page = li.get(f"/findings/{id}").text
    assert "a.finance asks that it be accepted until 2026-12-31" in page
    assert "Approve the waiver" not in anna.get(f"/findings/{id}").text
    assert li.post(f"/findings/{id}/waiver/approve").status_code == 303
    with desk.reading() as connection:
        found = findings.find(connection, id)
        last = findings.history(connection, id)[-1]
        did = audit.entries(connection, action="finding waived")
    assert (found.status, found.approver, found.waived_until) == ("waived", "a.approver", "2026-12-31")
    assert (last.event, last.actor) == ("waived", "a.finance")
    assert "a.approver approved what a.finance asked for" in li.get(f"/findings/{id}").text
    assert [(item.actor, item.detail["asked_by"]) for item in did] == [("a.approver", "a.finance")]
    assert "Approve the waiver" not in li.get(f"/findings/{id}").text
    assert "may have been decided meanwhile" in li.post(f"/findings/{id}/waiver/approve").text


def test_what_is_waived_is_said_on_the_overview_and_in_the_trace(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    id = of_check(desk, "invoice_exceeds_order")
    assert "them waived" not in anna.get("/").text
    assert "waived" not in anna.get("/trace?text=SO-1").text
    anna.post(f"/findings/{id}/waiver", reason="Policy F-12", until="2026-12-31")
    as_role(Role.APPROVER).post(f"/findings/{id}/waiver/approve")
    page = anna.get("/").text
    cards = page.partition('<section class="cards"')[2].partition("</section>")[0]
    assert "warnings · 1 of them waived</p>" in cards
    assert "several findings · 200.00 of it waived</p>" in cards
    trace = anna.get("/trace?text=SO-1").text
    assert re.search(rf'<a href="/findings/{id}">[^<]+</a> <span class="quiet">\(waived\)</span>:', trace)


def test_nobody_approves_what_they_asked_for_themselves(as_role: Callable[[Role], Browser], desk: Store) -> None:
    id = of_check(desk, "quote_without_approval")
    li = as_role(Role.APPROVER)
    li.post(f"/findings/{id}/waiver", reason="Policy F-12", until="2026-12-31")
    assert "Approve the waiver" not in li.get(f"/findings/{id}").text
    answer = li.post(f"/findings/{id}/waiver/approve")
    assert (answer.status_code, "Somebody else must approve" in answer.text) == (422, True)


def test_a_waiver_that_is_declined_can_be_asked_for_again(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    id = of_check(desk, "quote_without_approval")
    assert "That day has passed" in anna.post(f"/findings/{id}/waiver", reason="so", until="2026-10-30").text
    anna.post(f"/findings/{id}/waiver", reason="Policy F-12", until="2026-12-31")
    li = as_role(Role.APPROVER)
    assert li.post(f"/findings/{id}/waiver/decline", reason="").status_code == 422
    assert li.post(f"/findings/{id}/waiver/decline", reason="Too much money").status_code == 303
    page = anna.get(f"/findings/{id}").text
    assert "Too much money" in page
    assert "Ask for a waiver" in page
    with desk.reading() as connection:
        assert findings.find(connection, id).status == "open"


def test_a_trace_shows_the_chain_across_the_systems_and_marks_what_was_asked(anna: Browser) -> None:
    page = anna.get("/trace?text=SO-1").text
    read = plain(page)
    places = [read.index(word) for word in ("Opportunity", "Quote Q-1", "Order SO-1", "Invoice INV-1")]
    assert places == sorted(places)
    assert re.search(r'class="record asked">\s*<p><b>Order SO-1', page)
    assert "Nothing" not in page
    assert "nothing-like-it" in anna.get("/trace?text=nothing-like-it").text


def test_a_trace_shows_how_long_each_step_took(anna: Browser) -> None:
    course = anna.get("/trace?text=SO-1").text.partition('<ol class="course"')[2].partition("</ol>")[0]
    steps = [" ".join(re.sub(r"<[^>]+>", " ", step).split()) for step in course.split("<li>")[1:]]
    told = {step.split()[0]: step for step in steps}
    assert told["Quote"].startswith("Quote 2026-09-01")
    assert told["Order"].startswith("Order 2026-09-02 +1 days")
    assert told["Invoice"].startswith("Invoice 2026-09-03")
    assert told["Payment"].startswith("Payment 2026-09-20 +17 days")


def test_personal_values_are_on_no_page(anna: Browser, desk: Store) -> None:
    with desk.reading() as connection:
        ids = [item.id for item in findings.listing(connection)]
    pages = ["/", "/findings", "/trace?text=SO-1", *(f"/findings/{id}" for id in ids)]
    seen = "\n".join(anna.get(page).text for page in pages)
    assert [value for value in (EMAIL, PHONE, "Maria Rossi") if value in seen] == []


def test_in_chinese_nothing_of_the_workbench_is_english(anna: Browser, desk: Store) -> None:
    anna.post("/language", locale="zh-CN", next="/")
    id = of_check(desk, "invoice_exceeds_order")
    english = {
        value
        for key, value in texts("en").words.items()
        if key.startswith(("web.", "field.", "section.", "column.", "severity.", "stage.", "department."))
        and len(value) > 3
        and value not in ("SKU",)
    }
    found = []
    for address in ("/", "/findings", f"/findings/{id}", "/trace?text=SO-1", "/nothing-here", "/welcome/x"):
        page = anna.get(address).text
        shown = re.findall(r'(?:>|placeholder="|aria-label=")([^<>"]+)', page)
        found += [(address, words) for words in map(str.strip, map(unescape, shown)) if words in english]
    assert found == []


def test_scripts_and_styles_are_kept_for_ever_under_the_address_that_names_their_content(
    as_role: Callable[[Role], Browser],
) -> None:
    finance = as_role(Role.FINANCE)
    found = re.findall(r'(?:href|src)="(/assets/[^"]+)"', finance.get("/").text)
    assert len(found) > 1
    for address in found:
        answer = finance.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert "immutable" not in finance.get(address.partition("?")[0]).headers["cache-control"]
