"""Every page, and what comes of wrong forms, in Chinese: what people read is Chinese, what systems say is marked."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urljoin, urlsplit

import pytest

from settings.model import Settings
from state import outbox
from state.members import Role
from state.store import Store
from sync import job
from tests.jobs.toy import ToySystem
from tests.web.conftest import Browser
from tests.web.reading import english, forms, half_width, with_backticks
from tests.web.toy_company import Opens, crm, erp, olaf, settings, systems, toys  # noqa: F401

pytestmark = pytest.mark.slow

SAID = (
    "LTC Sync",  # our own name
    "ACME S.r.l.",  # a customer of the deal
    "Sales Order, Delivery Note, Sales Invoice, Payment Entry",  # what ERPNext and Salesforce call their documents
)
LEFT_ALONE = re.compile(
    r"/(sign-out|language|assets/.*|api/.*|report/.*|welcome/.*"  # no pages, or they end the session
    r"|account/(password|sessions).*|members/[^/]+/deactivate"
    r"|runs|plans/.*/apply|systems/[^/]+/backfill|kit/.*|.*/(replay|live)|rejections/.*)"  # they start something
)
MOST = 2
"""Addresses of one kind that are opened."""
ALSO = (
    "/runs",
    "/plans",
    "/dead-letters",
    "/quarantine",
    "/account",
    "/kit",
    "/mappings",
    "/findings/views",
    "/no-page",
)


def kind(address: str) -> str:
    parts = urlsplit(address)
    fields = sorted(re.findall(r"(\w+)=", parts.query))
    return re.sub(r"/([0-9a-f]{6,}|\d+)", "/…", parts.path) + "?" + ",".join(fields)


def read(browser: Browser, *more: str) -> Iterator[tuple[str, str]]:
    """Every page that can be reached, and what comes of each form when it is emptied and when it is filled wrongly."""
    waiting, opened, counts, sent = ["/", *ALSO, *more], set[str](), Counter[str](), set[tuple[str, str]]()
    while waiting:
        address = waiting.pop(0)
        if address in opened or counts[kind(address)] >= MOST:
            continue
        opened.add(address)
        counts[kind(address)] += 1
        answer = browser.get(address)
        if "html" not in answer.headers.get("content-type", ""):
            continue
        yield address, answer.text
        found, links = forms(answer.text)
        waiting += [link for link in (urljoin(address, item).partition("#")[0] for item in links) if allowed(link)]
        for action, fields in found:
            target = urljoin(address, action)
            for wrong in ("", "#?"):
                if not allowed(target) or LEFT_ALONE.fullmatch(urlsplit(target).path) or (kind(target), wrong) in sent:
                    continue
                sent.add((kind(target), wrong))
                filled = dict.fromkeys(fields, wrong) | {"csrf": fields.get("csrf", "")}
                yield f"POST {target} {wrong!r}", browser.client.post(target, data=filled).text


def allowed(address: str) -> bool:
    path = urlsplit(address).path
    return not re.fullmatch(r"/(assets|api|report|welcome)/.*|/findings/[^/]+/attachments/.*", path)


def in_chinese(browser: Browser) -> Browser:
    browser.post("/language", locale="zh-CN", next="/")
    return browser


def test_what_finance_and_admins_read_is_chinese(as_role: Callable[[Role], Browser]) -> None:
    somebody = in_chinese(as_role(Role.ADMIN))
    pages = list(read(somebody, "/trace?text=SO-1"))
    assert [(page, text) for page, body in pages for text in english(body, SAID)] == []
    assert [(page, text) for page, body in pages for text in with_backticks(body)] == []
    assert [(page, text) for page, body in pages for text in half_width(body)] == []


def test_what_it_reads_is_chinese(
    olaf: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    with sqlite_store.transaction() as connection:
        (plan,) = outbox.open_plans(connection)
        outbox.outcome(connection, plan.items[0].id, outbox.OutboxStatus.REJECTED, "It was refused by the CRM")
    crm.edit("deal", "d1", {"stage": "frozen"})
    erp.server.faults.answer("/order", 401, times=10)
    job.run_pull(sqlite_store, settings)
    somebody = in_chinese(olaf(Role.ADMIN))
    pages = list(read(somebody, "/systems/crm"))
    assert [(page, text) for page, body in pages for text in english(body, SAID)] == []
    assert [(page, text) for page, body in pages for text in with_backticks(body)] == []
    assert [(page, text) for page, body in pages for text in half_width(body)] == []


def test_half_width_punctuation_after_chinese_is_seen() -> None:
    page = "<p>系统: crm</p><p><b>问题</b>: 三个</p><p>按 “计划” 执行</p>"
    page += "<p>系统：crm，08:30；问题、单据</p><code>订单, 发票</code>"
    assert half_width(page) == ["系统: crm", "按 “计划” 执行", "问题: 三个"]


def test_english_is_seen_where_it_is_read_and_not_where_it_is_marked() -> None:
    said = "<p>Say why it is so</p><input placeholder='What is to be found'><button>Sign out</button>"
    marked = "<p lang='en'>It was refused by the CRM</p><code>ltc push plan</code><textarea>New lead one</textarea>"
    assert english(said) == ["Say why it is so", "What is to be found", "Sign out"]
    assert english(marked + "<p>由 LTC Sync 生成</p>") == []
