"""The audit page: who did what, when and to which system, for those who operate; limited people see only their part."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text

from console.web import audit_export
from state import audit, chains, findings, handling, links, named
from state.clock import now_us, simulated
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.reading import english
from tests.web.toy_company import Opens, crm, erp, olaf, plain, settings, systems, toys  # noqa: F401

HOUR = 3_600_000_000


def did(store: Store, who: str, what: str, ago: int = 0, **detail: object) -> None:
    """Something that somebody did so many hours ago."""
    at = (now_us() - ago * HOUR) * 1000
    with simulated(lambda: at), store.transaction() as connection:
        audit.append(connection, who, what, detail)


@pytest.fixture
def some(sqlite_store: Store) -> None:
    did(sqlite_store, "anna", "paused", 30, system="crm", reason="old news")
    did(sqlite_store, "anna", "resumed", system="crm")
    did(sqlite_store, "wang.min", "paused", system="erp", reason="release")


def test_the_newest_comes_first_with_its_detail(olaf: Opens, some: None) -> None:
    page = plain(olaf(Role.ADMIN).get("/audit").text)
    assert "wang.min Paused system: erp · reason: release" in page
    assert page.index("release") < page.index("old news")


@pytest.mark.parametrize("asked", ["who=anna", "system=crm", "what=resumed", "until=2000-01-01", "since=2999-01-01"])
def test_what_does_not_fit_is_left_out(olaf: Opens, some: None, asked: str) -> None:
    page = olaf(Role.OPERATOR).get(f"/audit?{asked}")
    assert page.status_code == 200
    assert "release" not in page.text
    assert ("Entries: 0" in page.text) == ("20" in asked or "29" in asked)


def test_the_last_hour_is_one_link_away_and_keeps_the_person(olaf: Opens, some: None) -> None:
    browser = olaf(Role.OPERATOR)
    page = browser.get("/audit?who=anna").text
    assert "old news" in page
    found = re.search(r'<a href="([^"]+)">The last hour', page)
    assert found
    hour = browser.get(unescape(found.group(1))).text
    assert "Resumed" in hour
    assert "old news" not in hour
    assert "release" not in hour


def test_a_time_that_is_none_is_said_and_chooses_nothing(olaf: Opens, some: None) -> None:
    page = olaf(Role.OPERATOR).get("/audit?since=yesterday")
    assert (page.status_code, "That is no time" in page.text, "release" in page.text) == (422, True, True)


def test_fifty_are_on_a_page_and_the_next_keeps_the_filter(olaf: Opens, sqlite_store: Store) -> None:
    for number in range(51):
        did(sqlite_store, "anna", "paused", system="crm", reason=f"number {number:02}")
    browser = olaf(Role.OPERATOR)
    page = browser.get("/audit?who=anna").text
    assert ("number 01" in page, "number 00" in page, "Page 1 of 2" in page) == (True, False, True)
    found = re.search(r'rel="next" href="([^"]+)"', page)
    assert found
    last = browser.get(unescape(found.group(1))).text
    assert ("number 00" in last, "number 01" in last, "wang.min" in last) == (True, False, False)


def test_who_is_limited_sees_their_systems_and_what_they_did(olaf: Opens, sqlite_store: Store, some: None) -> None:
    did(sqlite_store, "anna", "run stopped", run="r-1")
    did(sqlite_store, "anna", "paused", system="crm", reason='forged "system": "erp"')
    did(sqlite_store, "anna", "large plan approved", systems=["erp"])
    browser = olaf(Role.OPERATOR, "erp")
    page = browser.get("/audit").text
    assert "release" in page
    assert "operator.erp" in page  # signed in
    for hidden in ("anna", "crm", "r-1", "forged", "large plan"):
        assert hidden not in page
    assert "Entries: 0" in browser.get("/audit?system=crm").text
    assert browser.get("/audit?who=anna").text.count("<tbody>") == 0


def test_what_holds_for_all_streams_of_a_system_says_so(olaf: Opens, sqlite_store: Store) -> None:
    did(sqlite_store, "anna", "paused", system="crm", stream="*", reason="release")
    page = plain(olaf(Role.OPERATOR).get("/audit").text)
    assert "stream: all" in page
    assert "*" not in page


def test_who_started_a_run_is_told_with_its_page_and_only_the_systems_of_who_looks(
    olaf: Opens, sqlite_store: Store
) -> None:
    told: Any = {"run": "r-1", "kind": "sweep", "because": "by_hand", "systems": ["crm", "erp"]}
    did(sqlite_store, "anna", "run started", **told)
    page = olaf(Role.OPERATOR).get("/audit").text
    assert 'href="/runs/r-1"' in page
    assert "anna Run started" in plain(page)
    assert "what was run: Search for deletions · systems: crm, erp · how it began: started by hand · run: r-1" in plain(
        page
    )
    assert "systems: crm, erp" in plain(page)
    theirs = plain(olaf(Role.OPERATOR, "erp").get("/audit").text)
    assert "systems: erp" in theirs
    assert "crm" not in theirs


def test_personal_values_are_hidden_and_what_was_erased_is_said(olaf: Opens, sqlite_store: Store) -> None:
    did(sqlite_store, "anna", "link cut", field="email", value="mia@example.com", evidence={"phone": "0815"})
    with sqlite_store.transaction() as connection:
        number = audit.append(connection, "anna", "dead letter edited", {"reason": "for Mia"})
        audit.erase(connection, [number])
    page = olaf(Role.ADMIN).get("/audit").text
    for hidden in ("mia@example.com", "0815", "for Mia"):
        assert hidden not in page
    assert "taken away by an erasure" in page


def test_others_neither_see_it_nor_are_led_to_it(olaf: Opens) -> None:
    browser = olaf(Role.VIEWER)
    assert browser.get("/audit").status_code == 403
    assert "/audit" not in browser.get("/systems").text
    assert 'href="/audit"' in olaf(Role.OPERATOR).get("/systems").text


@pytest.mark.parametrize("role", [Role.FINANCE, Role.APPROVER])
def test_who_decides_sees_decisions_of_everybody_and_what_they_did_and_is_led_there(
    olaf: Opens, sqlite_store: Store, some: None, role: Role
) -> None:
    for what in ("finding waived", "cash cut", "link confirmed", "period closed", "order shared"):
        did(sqlite_store, "maria", what, reason=f"why {what}")
    did(sqlite_store, "maria", "settings changed", file="ltc.yaml")
    did(sqlite_store, "maria", "member invited", member="secret.name")
    browser = olaf(role, "erp")  # no limit to some systems hides decisions
    assert 'href="/audit"' in browser.get("/").text
    page = browser.get("/audit").text
    for what in ("finding waived", "cash cut", "link confirmed", "period closed", "order shared"):
        assert f"why {what}" in page
    assert f"{role}.erp" in page  # signed in
    for hidden in ("wang.min", "Paused", "ltc.yaml", "secret.name", "Run stopped"):
        assert hidden not in page
    for asked in ("who=wang.min", "what=paused", "system=erp", "what=settings+changed"):
        assert "<tbody>" not in browser.get(f"/audit?{asked}").text


def test_an_entry_says_first_what_it_is_about_then_why_and_digests_last_with_its_number_named(
    olaf: Opens, sqlite_store: Store
) -> None:
    digest = "5f" * 32
    did(sqlite_store, "anna", "period closed", figures=digest, period="2026-09", reason="all seen to", revision=2)
    with sqlite_store.reading() as connection:
        [entry] = audit.entries(connection, limit=1, actor="anna")
    page = plain(olaf(Role.OPERATOR).get("/audit?who=anna").text)
    assert "period: 2026-09 · revision: 2 · reason: all seen to · digest of the figures: 5f5f5f5f5f…" in page
    assert re.search(rf"\d\d:\d\d:\d\d No\. {entry.id} anna", page)
    assert "The number of an entry is its place in the chain that ltc audit verify checks" in page


@pytest.mark.parametrize("role", [Role.ADMIN, Role.OPERATOR, Role.FINANCE])
def test_the_menu_leads_whoever_may_see_it_to_the_audit(olaf: Opens, role: Role) -> None:
    menu = olaf(role).get("/").text.partition("<nav")[2].partition("</nav>")[0]
    assert 'href="/audit"' in menu
    assert 'href="/audit"' not in olaf(Role.VIEWER).get("/").text


def test_a_decision_about_a_link_of_customers_names_them_and_leads_to_their_pages(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    with desk.transaction() as connection:
        query = "SELECT left_id, right_id FROM link WHERE left_entity = 'party'"
        pair = connection.execute(text(query)).one()
        links.decide(connection, "same_as", pair.left_id, pair.right_id, "cut", "anna", "Another branch")
    page = as_role(Role.FINANCE).get("/audit?who=anna").text
    for called, id in (("record", pair.left_id), ("other record", pair.right_id)):
        named_ = rf'>{called}: </span><a href="/customers/{id}">[a-z]+ ACME S\.r\.l\.</a>'
        assert re.search(named_, page), page
    assert "kind: same as · record: " in plain(page)


def test_details_are_told_in_words(olaf: Opens, sqlite_store: Store) -> None:
    digest = "5f" * 32
    did(sqlite_store, "anna", "settings changed", change=7, file="ltc.yaml", before=digest, after="6a" * 32)
    did(sqlite_store, "anna", "api token created", expires_at=1_800_000_000_000_000, scopes=["read"])
    did(sqlite_store, "anna", "backfill started", since="2026-09-30T16:00:00+00:00")
    checks = {f"check {number}": "passed" for number in range(50)}
    tested: dict[str, Any] = {"connector": "shop", "grade": "A", "passed": 40, "applicable": 41}
    tested |= {"checks": checks, "why": {}}
    did(sqlite_store, "anna", "connector tested", **tested)
    did(sqlite_store, "anna", "large plan approved", exceeds=["7 records"], systems=["crm", "erp"])
    admin = olaf(Role.ADMIN).get("/audit").text
    assert digest not in admin
    assert '<a href="/settings/history/7">5f5f5f5f5f…</a>' in admin
    assert "5f5f5f5f5f" not in olaf(Role.OPERATOR).get("/audit").text, "it says nothing without the history"
    assert "2027-01-15 16:00" in plain(admin)  # in Shanghai
    assert "from: 2026-10-01 00:00" in plain(admin).replace("since:", "from:")
    assert '<a href="/kit/shop">shop: grade A, 40 of 41 checks passed</a>' in admin
    assert "check 12" not in admin
    assert "systems: crm, erp" in plain(admin)
    assert "/settings/history" not in olaf(Role.OPERATOR).get("/audit").text


def test_what_is_left_of_a_plan_is_not_a_side_in_chinese(olaf: Opens, sqlite_store: Store) -> None:
    did(sqlite_store, "anna", "write-backs rejected", left="1f", plan="2f")
    did(sqlite_store, "anna", "plan applied", result="applied", applied=3, planned=1)
    did(sqlite_store, "anna", "link cut", left=1, right=2)
    browser = olaf(Role.OPERATOR)
    browser.post("/language", locale="zh-CN")
    page = plain(browser.get("/audit").text)
    assert "剩余： 1f" in page
    assert "结果： 已执行" in page
    assert "已写入： 3" in page
    assert "左" not in page


def test_it_is_told_in_chinese(olaf: Opens, some: None) -> None:
    browser = olaf(Role.OPERATOR)
    browser.post("/language", locale="zh-CN")
    page = plain(browser.get("/audit").text)
    assert "wang.min 暂停 系统： erp · 原因： release" in page


def test_an_order_is_told_by_its_number_with_its_chain_and_a_record_that_is_gone_by_its_id_without_commas(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    with desk.reading() as connection:
        records = named.records(connection, chains.find(connection, "SO-1"))
        order = next(number for number, item in records.items() if item["entity"] == "order")
    did(desk, "anna", "order shared", order=order, expires_at=now_us())
    did(desk, "anna", "record locked", record=8_372_111)
    page = as_role(Role.FINANCE).get("/audit").text
    assert re.search(r'order: </span><a href="/trace\?text=SO-1">erp SO-1</a>', page)
    page = as_role(Role.OPERATOR).get("/audit").text
    assert "record: </span>8372111" in page


def test_one_decision_on_several_findings_is_one_line_that_opens_to_their_titles(
    as_role: Callable[[Role], Browser], desk: Store
) -> None:
    with desk.transaction() as connection:
        found = findings.standing(connection)
        for item in found:
            handling.assign(connection, item.id, "wang.min", "anna")
        handling.comment(connection, found[0].id, "I look at it", "anna")
    assert len(found) > 1
    page = as_role(Role.FINANCE).get("/audit?who=anna").text
    assert page.count("Finding assigned</td>") == 1
    assert f"<summary>{len(found)} findings</summary>" in page
    assert "assigned to: wang.min" in plain(page)
    for item in found:
        assert re.search(rf'<a href="/findings/{item.id}">(?!{item.id[:10]})[^<]+</a>', page)
    assert not re.search(r">[0-9a-f]{10}…<", page)
    alone = re.search(rf'finding: </span><a href="/findings/{found[0].id}">([^<]+)</a>', page)
    assert alone
    assert " " in alone.group(1)


def test_what_ltc_calls_by_codes_has_chinese_words(olaf: Opens, sqlite_store: Store) -> None:
    matched = {"entity": "invoice", "records": 1334, "linked": 334, "methods": {"number": 334}}
    none = {"entity": "delivery", "records": 258, "linked": 0, "methods": {}}
    did(sqlite_store, "anna", "first matching accepted", system="crm", invoice=matched, delivery=none)
    did(sqlite_store, "anna", "api token created", token="t1", scopes=["read", "operate"])
    did(sqlite_store, "anna", "conflict decided", system="crm", field="delivery_state", choice="keep")
    did(sqlite_store, "anna", "overwritten value restored", system="crm", fields=["delivery_state", "billing_state"])
    did(sqlite_store, "anna", "link confirmed", kind="same_as", left=1, right=2)
    did(sqlite_store, "anna", "period reopened", period="2026-09", was="approved")
    change = {"path": "total", "kind": "retyped", "type": "text"}
    did(sqlite_store, "anna", "drift accepted", system="crm", stream="deal", changes=[change])
    did(sqlite_store, "anna", "run started", run="r-1", kind="reconcile", because="by_hand", systems=[])
    did(sqlite_store, "anna", "store pruned", removed={"leases": 2, "plans": 0}, altogether={"leases": 12, "plans": 0})
    browser = olaf(Role.OPERATOR)
    browser.post("/language", locale="zh-CN")
    page = browser.get("/audit?who=anna").text
    told = plain(page)
    assert "发票： 1,334 条记录，已关联 334 条；依据：编号一致 334" in told
    assert re.search("发货单： 258 条记录，已关联 0 条(?!；)", told)
    assert "权限： 读取、运维" in told
    assert "字段： 交付状态 " in told
    assert "字段： 交付状态、开票状态" in told
    assert "已清理： 已终止进程的租约 2 · 累计： 已终止进程的租约 12 " in told
    for word in ("同一对象", "已批准", "类型改变"):
        assert word in told
    for code in ("delivery_state", "same_as", "approved", "retyped", "methods", "linked"):
        assert code not in told
    assert not re.search("系统：(</span>)? *</td>", page)
    assert not re.search("[\u4e00-\u9fff]:", told)
    assert english(page, ("LTC Sync",)) == []


def test_addresses_are_hidden_and_counts_of_them_are_not(olaf: Opens, sqlite_store: Store) -> None:
    matched = {"email": 17, "phone": 3}
    did(sqlite_store, "anna", "links suggested again", methods=matched, email="li@example.com", phone=8613912345678)
    page = plain(olaf(Role.OPERATOR).get("/audit").text)
    assert "17" in page
    assert "li@example.com" not in page
    assert "13912345678" not in page


def test_the_audit_is_taken_along_as_a_file_with_its_filters(
    olaf: Opens, sqlite_store: Store, some: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_export, "_AT_ONCE", 1)
    did(sqlite_store, "anna", "paused", 1, system="crm", reason="=1+1")
    browser = olaf(Role.OPERATOR)
    link = re.search(r'href="(/audit\.csv[^"]*)" download', browser.get("/audit?who=anna").text)
    assert link is not None
    answer = browser.get(unescape(link[1]))
    assert answer.headers["content-type"].startswith("text/csv")
    assert re.search(r'filename="ltc-audit-\d{4}-\d\d-\d\d\.csv"', answer.headers["content-disposition"])
    head, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert head[:6] == ["Number", "Time", "Time zone", "Who", "What was done", "Details"]
    assert [(row[3], row[4], row[5]) for row in rows] == [
        ("anna", "Paused", "system: crm · reason: =1+1"),
        ("anna", "Resumed", "system: crm"),
        ("anna", "Paused", "system: crm · reason: old news"),
    ]
    assert "release" not in answer.text
    assert browser.get("/audit.csv?since=yesterday").status_code == 422
    limited = olaf(Role.OPERATOR, "erp").get("/audit.csv").text
    assert "release" in limited
    assert "old news" not in limited
    browser.post("/language", locale="zh-CN")
    assert browser.get("/audit.csv").text.startswith("\ufeff编号,时间,时区,操作人,")
