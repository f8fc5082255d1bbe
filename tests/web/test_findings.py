"""The list of findings: filters, groups, the page of one and its neighbours, and views that members keep."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from types import SimpleNamespace
from typing import cast

import pytest
from sqlalchemy import text, update

from console import exporting
from console.i18n import texts
from console.web.commands import linked
from console.web.desk import Visit
from reconciliation import checks as checks_of
from settings.model import Settings
from state import audit, findings, handling, schema
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_pages import listed, of_check


@pytest.fixture
def anna(as_role: Callable[[Role], Browser]) -> Browser:
    return as_role(Role.FINANCE)


def checks(store: Store, browser: Browser, query: str) -> set[str]:
    with store.reading() as connection:
        return {findings.find(connection, id).check_id for id in listed(browser, query)}


def test_filters_of_who_age_amount_and_system_choose(anna: Browser, desk: Store) -> None:
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/assign", to="a.finance")
    assert listed(anna, "assignee=@me") == [id]
    assert listed(anna, "assignee=a.finance") == [id]
    assert id not in listed(anna, "assignee=-")
    assert checks(desk, anna, "least=1,000.00&most=1000") == {"quote_without_approval"}
    assert "could not be read" in anna.get("/findings?least=much").text
    assert listed(anna, "system=books")
    assert id not in listed(anna, "system=books")
    every = set(listed(anna, "order=age"))
    assert set().union(*(listed(anna, f"age={age}") for age in ("0-7", "8-30", "31-60", "61-90", "90%2B"))) == every
    assert listed(anna, "customer=ACME+S.r.l.")
    assert listed(anna, "waits=waiver") == []
    anna.post(f"/findings/{id}/waiver", reason="Policy F-12", until="2026-12-31")
    assert listed(anna, "waits=waiver") == [id]


def by_column(file: str) -> list[dict[str, str]]:
    """The rows of the file of a list, by the names of its values."""
    head, *rows = csv.reader(io.StringIO(file.removeprefix("\ufeff")))
    assert len(head) == len(exporting.COLUMNS["list"])
    return [dict(zip(exporting.COLUMNS["list"], row, strict=True)) for row in rows]


def test_a_list_is_taken_along_as_a_file_as_it_is_filtered_and_ordered(anna: Browser) -> None:
    query = "?severity=error&order=amount"
    page = anna.get(f"/findings{query}").text
    link = re.search(r'href="(/findings\.csv[^"]*)" download', page)
    assert link
    answer = anna.get(unescape(link[1]))
    assert answer.headers["content-type"].startswith("text/csv")
    assert re.search(r'filename="ltc-findings-error-\d{4}-\d\d-\d\d\.csv"', answer.headers["content-disposition"])
    assert answer.text.startswith("\ufeffFinding,What is wrong,Severity,")
    rows = by_column(answer.text)
    assert [row["id"] for row in rows] == re.findall(r'href="/findings/([0-9a-f]{20,40})\?', page)
    assert {(row["severity"], row["severity_text"]) for row in rows} == {("error", "Error")}
    named = next(row for row in rows if row["customer"])
    assert re.search(rf'href="/findings\?[^"]*customer=[^"]*">{re.escape(named["customer"])}</a>', page)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", named["first_seen"])
    assert re.fullmatch(r"[A-Z][a-z]+ [a-z]+ [^;{]+(; [A-Z][a-z]+ [a-z]+ [^;{]+)*", named["records"])
    ordered = by_column(anna.get("/findings.csv?order=amount").text)
    assert [row["id"] for row in ordered] == listed(anna, "order=amount")


def test_the_file_of_a_list_has_heads_in_words_and_what_was_said_and_attached(anna: Browser, desk: Store) -> None:
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/comment", text="Asked Li Wei")
    with desk.transaction() as connection:
        handling.attach(connection, id, "proof.txt", b"so it is", "a.finance")
    [row] = [row for row in by_column(anna.get("/findings.csv").text) if row["id"] == id]
    assert (row["comments"], row["attachments"]) == ("a.finance: Asked Li Wei", "proof.txt")
    anna.post("/language", locale="zh-CN")
    assert anna.get("/findings.csv").text.startswith("\ufeff问题编号,问题,级别,")


@pytest.mark.parametrize(
    "query", ["stage=x", "age=%00", "group=nothing", "order='", "text=%0a", "assignee=" + "x" * 5000]
)
def test_what_nobody_can_ask_for_is_passed_over(anna: Browser, query: str) -> None:
    assert anna.get(f"/findings?{query}").status_code == 200


@pytest.mark.parametrize("by", ["stage", "department", "check", "severity", "customer", "assignee", "age", "system"])
def test_each_group_leads_to_just_its_findings(anna: Browser, by: str) -> None:
    page = anna.get(f"/findings?group={by}&severity=error").text
    rows = re.findall(
        r'<a href="(/findings\?[^"]+)">([^<]+)</a>(?:<br><a.*?</a>)?</th><td class="number">(\d+)</td>', page
    )
    assert rows
    for address, name, count in rows:
        assert name.strip()
        query = unescape(address).partition("?")[2]
        assert "group=" not in query
        assert len(listed(anna, query)) == int(count)


def test_a_finding_leads_to_the_next_of_the_list_it_was_found_in(anna: Browser) -> None:
    line = listed(anna, "severity=error&order=amount")
    page = anna.get(f"/findings/{line[0]}?severity=error&order=amount").text
    assert f'rel="next" href="/findings/{line[1]}?severity=error&amp;order=amount"' in page
    assert 'rel="prev"' not in page
    assert 'href="/findings?severity=error&amp;order=amount" accesskey="l"' in page
    answer = anna.post(f"/findings/{line[0]}/comment?severity=error&order=amount&next=//evil.example", text="seen")
    assert answer.headers["location"] == f"/findings/{line[0]}?severity=error&order=amount"


def test_a_finding_shows_what_it_was_found_by_and_where_to_open_the_records(anna: Browser, desk: Store) -> None:
    id = of_check(desk, "invoice_exceeds_order")
    record = schema.finding_record
    with desk.transaction() as connection:
        mine = record.c.finding_id == id
        connection.execute(update(record).where(mine, record.c.n == 1).values(url="https://erp.example/so/1"))
        connection.execute(update(record).where(mine, record.c.n == 2).values(url="javascript:alert(1)"))
    page = anna.get(f"/findings/{id}").text
    assert "What it was found by" in page
    assert re.search(r"<dt>Billed</dt><dd>[A-Z]{3} 1,200\.00</dd>", page)
    assert 'href="https://erp.example/so/1"' in page
    assert "javascript:" not in page
    assert "{&#34;" not in page


def test_findings_of_the_same_check_and_customer_are_a_click_away(anna: Browser, desk: Store) -> None:
    id = of_check(desk, "invoice_exceeds_order")
    with desk.transaction() as connection:
        connection.execute(text("UPDATE finding SET check_id = 'of_tomorrow', customer = 'ACME S.r.l.'"))
        others = connection.execute(text("SELECT count(*) FROM finding")).scalar_one() - 1
    page = anna.get(f"/findings/{id}").text
    found = re.search(r'<a href="/findings\?([^"]+)">(\d+) more of this check with this customer', page)
    assert found is not None
    assert int(found.group(2)) == others
    assert len(listed(anna, unescape(found.group(1)))) == others + 1


def test_a_finding_is_assigned_to_a_member_or_to_somebody_else_on_purpose(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    as_role(Role.VIEWER)
    id = of_check(desk, "quote_without_approval")
    page = anna.get(f"/findings/{id}").text
    assert '<datalist id="people"><option value="a.finance"></option><option value="a.viewer"></option>' in page
    refused = anna.post(f"/findings/{id}/assign", to="a.viever <b>", due="2026-12-24")
    assert (refused.status_code, "is called a.viever &lt;b&gt;." in refused.text) == (422, True)
    assert 'name="to" value="a.viever &lt;b&gt;"' in refused.text
    assert 'name="due" value="2026-12-24"' in refused.text
    for sent, owner in (
        ({"to": " A.Viewer "}, "a.viewer"),
        ({"to": "the auditor", "outside": "yes"}, "the auditor"),
        ({"to": "nobody at all", "me": "yes"}, "a.finance"),
    ):
        assert anna.post(f"/findings/{id}/assign", **sent).status_code == 303
        with desk.reading() as connection:
            assert findings.find(connection, id).assignee == owner


def test_what_was_done_is_said_once_and_only_to_whoever_did_it(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    id, vera = of_check(desk, "quote_without_approval"), as_role(Role.VIEWER)
    for action, fields, said in (
        ("assign", {"me": "yes"}, "Assigned to a.finance."),
        ("comment", {"text": "seen"}, "The comment is kept."),
        ("explain", {"reason": "by telephone"}, "The explanation is kept."),
        ("waiver", {"reason": "so", "until": "2026-12-31"}, "The waiver is asked for."),
    ):
        answer = anna.post(f"/findings/{id}/{action}", **fields)
        assert answer.headers["location"] == f"/findings/{id}"
        assert said not in vera.get(f"/findings/{id}").text
        assert said in anna.get(f"/findings/{id}").text
        assert said not in anna.get(f"/findings/{id}").text


def test_a_waiver_is_asked_for_once_and_not_of_what_is_waived(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    id, li = of_check(desk, "quote_without_approval"), as_role(Role.APPROVER)
    assert "Ask for a waiver" in anna.get(f"/findings/{id}").text
    anna.post(f"/findings/{id}/waiver", reason="so", until="2026-12-31")
    assert "Ask for a waiver" not in anna.get(f"/findings/{id}").text
    li.post(f"/findings/{id}/waiver/approve")
    page = anna.get(f"/findings/{id}").text
    assert ("waived" in page, "Ask for a waiver" in page) == (True, False)


def test_on_a_narrow_screen_each_cell_says_what_it_is(anna: Browser) -> None:
    page = anna.get("/findings?severity=error").text
    row = page.partition('<table class="findings cards">')[2].partition("<tbody>")[2].partition("</tr>")[0]
    assert re.findall(r'data-label="([^"]+)"', row) == ["Records", "Amount", "Age", "Taken care of by"]
    assert re.search(r'data-label="Age">[\d,]+ days</td>', row)
    assert '<details class="fold" open>' in page
    assert '<details class="fold">' in anna.get("/findings?text=INV").text


def test_what_to_do_leads_to_the_page_where_it_is_done_and_names_no_command() -> None:
    for locale in ("en", "zh-CN"):
        visit = SimpleNamespace(texts=texts(locale), lang=locale)
        for check in checks_of.catalogue():
            said = str(linked(cast(Visit, visit), check.action[visit.texts.locale[:2]]))
            assert "`" not in said
            assert "ltc" not in said
    assert linked(cast(Visit, visit), "<b> `ltc cash list` `ltc keys make`") == (
        '&lt;b&gt;“<a href="/cash">收款核销</a>”<code>ltc keys make</code>'
    ), "quotes have no blanks around them in Chinese"


@pytest.mark.parametrize("id", ["%00", "%27", "x" * 300, "g" * 20])
def test_what_can_be_no_id_is_not_there(anna: Browser, id: str) -> None:
    assert anna.get(f"/findings/{id}/attachments/{'0' * 64}").status_code == 404
    assert anna.post(f"/findings/{id}/comment", text="so").status_code == 404
    assert anna.post(f"/findings/views/{id}/delete").status_code in (404, 422)


def view_id(page: str) -> str:
    found = re.search(r"view=([0-9a-f]{16})", page)
    assert found is not None
    return found.group(1)


def test_a_view_is_kept_opens_first_and_is_let_go_again(anna: Browser, desk: Store) -> None:
    kept = anna.post("/findings/views", name=" Big  <b> ", severity="error", order="amount", first="1")
    assert kept.status_code == 303
    assert "severity=error&order=amount&view=" in kept.headers["location"]
    opened = anna.client.get("/findings")
    assert (opened.status_code, opened.headers["location"]) == (303, kept.headers["location"])
    assert "Big &lt;b&gt;" in anna.get("/findings/views").text
    assert anna.client.get("/findings?order=severity").status_code == 200
    anna.client.get(kept.headers["location"])
    page = anna.get("/findings/views").text
    mark = re.search(r'name="csrf" value="([^"]+)"', page)
    assert mark is not None
    anna.client.post("/findings/views/none/first", data={"csrf": mark.group(1)})
    assert anna.client.get("/findings").status_code == 200
    id = view_id(page)
    assert anna.post(f"/findings/views/{id}/change", name="Large").status_code == 303
    assert "Large" in anna.get("/findings").text
    assert anna.post(f"/findings/views/{id}/delete").status_code == 303
    assert "Large" not in anna.get("/findings").text
    with desk.reading() as connection:
        actions = [entry.action for entry in audit.entries(connection, limit=3)]
    assert actions == ["view deleted", "view changed", "view saved"]


def test_others_see_what_is_shared_and_only_its_maker_or_an_admin_changes_it(
    anna: Browser, as_role: Callable[[Role], Browser]
) -> None:
    anna.post("/findings/views", name="Mine", stage="quote")
    anna.post("/findings/views", name="Ours", stage="billing", shared="1")
    page = anna.get("/findings/views").text
    ids = dict(re.findall(r'view=([0-9a-f]{16})">([^<]+)</a>', page))
    ours, mine = ({name: id for id, name in ids.items()}[name] for name in ("Ours", "Mine"))
    vera, root = as_role(Role.VIEWER), as_role(Role.ADMIN)
    seen = vera.get("/findings/views").text
    assert "Ours" in seen
    assert "Mine" not in seen
    for id in (ours, mine, "0" * 16):
        assert vera.post(f"/findings/views/{id}/change", name="Theirs").status_code == 422
        assert vera.post(f"/findings/views/{id}/delete").status_code == 422
    assert vera.post(f"/findings/views/{mine}/first").status_code == 422
    assert vera.post(f"/findings/views/{ours}/first").status_code == 303
    assert root.post(f"/findings/views/{mine}/delete").status_code == 422
    assert root.post(f"/findings/views/{ours}/change", name="All of us", shared="1").status_code == 303
    assert vera.client.get("/findings").headers["location"].startswith("/findings?stage=billing&view=")
    assert root.post(f"/findings/views/{ours}/change", name="All of us").status_code == 303
    assert vera.client.get("/findings").status_code == 200


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\u202eb"])
def test_a_view_needs_a_name(anna: Browser, name: str) -> None:
    assert anna.post("/findings/views", name=name, stage="quote").status_code == 422


def test_the_amount_of_what_is_listed_stands_on_top_and_follows_the_filter(anna: Browser, desk: Store) -> None:
    with desk.reading() as connection:
        amounts = {item.id: item.base_amount or 0 for item in findings.listing(connection)}
    for query in ("", "severity=warning"):
        whole = f"{sum(amounts[id] for id in listed(anna, query)) / 100:,.2f}"
        page = anna.get(f"/findings?{query}").text
        assert f"<b>{whole} CNY</b>" in page.partition("</section>")[0].partition('role="status"')[2][:300]


def test_findings_of_at_least_an_age_are_found_and_those_of_unknown_day_by_when_they_were_seen(
    anna: Browser, desk: Store
) -> None:
    every = checks(desk, anna, "")
    with desk.reading() as connection:
        known = findings.listing(connection)
    dated = {item.check_id for item in known if item.since and item.since <= "2026-10-01"}
    undated = {item.check_id for item in known if not item.since}
    found = checks(desk, anna, "older=30")
    assert dated <= found
    assert not undated & found
    buckets = [set(listed(anna, f"age={age.replace('+', '%2B')}")) for age in ("31-60", "61-90", "90+")]
    assert set(listed(anna, "older=31")) == set.union(*buckets) != set()
    assert listed(anna, "older=31&age=8-30") == []
    assert checks(desk, anna, "older=0") == checks(desk, anna, "older=x") == every


def test_the_name_of_the_file_tells_lists_apart_but_not_what_was_typed(anna: Browser) -> None:
    def name(query: str) -> str:
        said = anna.get(f"/findings.csv?{query}").headers["content-disposition"]
        found = re.fullmatch(r'attachment; filename="ltc-findings-(?:(.*)-)?20[-0-9]{8}[.]csv"', said)
        assert found is not None, said
        return found[1] or ""

    assert name("order=amount") == ""
    assert name("department=sales") == "sales"
    assert name("status=open&department=sales&system=crm") == "crm-sales-open"
    searched, other = name("text=ACME&status=open"), name("text=acme+pumps&status=open")
    assert (searched != other, name("status=open&text=ACME&order=amount") == searched) == (True, True)
    assert all(re.fullmatch(r"open-filtered-[0-9a-f]{6}", said) for said in (searched, other))
    assert len({name(f"{by}=5") for by in ("older", "least", "most", "customer", "text")}) == 5
    assert name("system=a%22%0d%0a../b") == ""
    assert re.fullmatch("a_.._b-filtered-[0-9a-f]{6}", name("system=a%22;../b"))
    assert name("system=a%22;../b") != name("system=a;../b"), "what cannot be written tells them apart all the same"


def test_open_without_a_choice_is_what_the_overview_counts_and_what_nobody_decided_on_is_called_so(
    anna: Browser, desk: Store
) -> None:
    id = of_check(desk, "quote_without_approval")
    anna.post(f"/findings/{id}/assign", to="a.finance")
    counted = re.search(r'<h2>Open findings</h2>\s*<p class="figure">(\d+)</p>', anna.get("/").text)
    every = by_column(anna.get("/findings.csv?order=severity").text)
    assert counted is not None
    assert len(listed(anna, "order=severity")) == len(every) == int(counted[1])
    assert {row["status_text"] for row in every if row["id"] == id} == {"assigned"}
    undecided = listed(anna, "status=open")
    assert id not in undecided
    assert {row["status_text"] for row in every if row["id"] in undecided} == {"undecided"}
    page = anna.get("/findings?order=severity").text
    assert '<option value="">open: all that are not resolved</option>' in page
    assert '<option value="open">undecided</option>' in page
    anna.post("/language", locale="zh-CN")
    page = anna.get("/findings?order=severity").text
    assert '<option value="">未解决（含已指派、已说明、已豁免）</option>' in page
    assert '<option value="open">未处理</option>' in page


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en", "Order books SO-1; Invoice books SO-1 (i1); Invoice books SO-1 (i2); Customer crm A1"),
        ("zh-CN", "订单 books SO-1; 发票 books SO-1 (i1); 发票 books SO-1 (i2); 客户 crm A1"),
    ],
)
def test_records_of_a_file_are_told_apart_by_kind_and_where_that_is_the_same_by_id(
    given: Settings, locale: str, told: str
) -> None:
    named = [("order", "books", "o1", "SO-1"), ("invoice", "books", "i1", "SO-1"), ("invoice", "books", "i2", "SO-1")]
    records = [
        {"entity": entity, "system": system, "source_id": id, "number": number}
        for entity, system, id, number in (*named, ("party", "crm", "A1", None))
    ]
    codes = {"severity": "error", "stage": "billing", "department": "finance", "status": "open"}
    row = {**codes, "first_seen": "2026-10-01T00:00:00Z", "records": records}
    assert exporting.for_reading(row, given, texts(locale))["records"] == told


def test_systems_to_choose_from_say_what_they_are(anna: Browser) -> None:
    assert '<option value="books">books (Accounting' in anna.get("/findings?order=severity").text
    anna.post("/language", locale="zh-CN")
    assert '<option value="books">books（财务' in anna.get("/findings?order=severity").text


def test_findings_are_filtered_and_grouped_by_the_kind_of_their_records(anna: Browser, desk: Store) -> None:
    with desk.reading() as connection:
        about = {item.id: {record.entity for record in item.records} for item in findings.listing(connection)}
    invoices = {id for id, kinds in about.items() if "invoice" in kinds}
    assert invoices
    assert invoices != {*about}
    assert set(listed(anna, "kind=invoice")) == invoices
    both = {id for id, kinds in about.items() if kinds & {"payment"}} & set(listed(anna, "system=books"))
    assert set(listed(anna, "kind=payment&system=books")) <= both
    grouped = anna.get("/findings?group=kind").text
    assert re.search(rf'href="/findings\?kind=invoice">Invoice</a>.*?{len(invoices)}', grouped, re.DOTALL)
    assert "A finding about records of two kinds counts in both." in grouped
    assert [item["id"] for item in anna.get("/api/v1/findings?kind=invoice").json()["items"]]
    assert len(anna.get("/api/v1/findings?kind=invoice").json()["items"]) == len(invoices)
    assert anna.get("/api/v1/findings?kind=x").status_code == 422
    anna.post("/language", locale="zh-CN")
    assert '<option value="invoice" selected>发票</option>' in anna.get("/findings?kind=invoice").text
