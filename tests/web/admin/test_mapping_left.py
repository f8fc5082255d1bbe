"""What a mapping leaves of the source: named before and after a change, with what happens to it and a way to map it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.console import deal
from tests.web.admin.test_mappings import (  # noqa: F401 - fixtures of a CRM with a mapping of its own
    LEAD,
    PAGE,
    anna,
    as_role,
    at_once,
    config,
    field,
    file,
    posted,
    text_of,
)
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

NOTE = "stays in the raw record and gets into no canonical one: no check, report or write-back sees it."


def _named(page: str) -> str:
    return " ".join(page.split()).replace("`", "").replace(" ,", ",").partition("Not mapped")[2].partition(NOTE)[0]


def test_source_fields_that_no_field_is_filled_from_are_named_each_with_the_way_to_map_it(
    anna: Browser,  # noqa: F811
    config: Path,  # noqa: F811
) -> None:
    page = anna.get(PAGE)
    assert "(3): Region__c, Fair_Contact__c, Score__c" in _named(text_of(page))
    assert NOTE in text_of(page)
    unread = page.text.partition('id="unread"')[2].partition("</p>")[0]
    (way,) = re.findall(r'href="([^"]+)"><code>Region__c', unread)
    assert "<option selected>Region__c</option>" in anna.get(way.replace("&amp;", "&")).text
    assert 'aria-label="Map Region__c">Map it</a>' in page.text


def test_what_is_left_is_named_in_the_preview_of_a_change_and_once_it_is_saved(
    anna: Browser,  # noqa: F811
    config: Path,  # noqa: F811
) -> None:
    looked = text_of(posted(anna, "preview", **field("campaign", "Region__c")))
    assert "after this change (2): Fair_Contact__c, Score__c" in _named(looked)
    saved = posted(anna, "save", **field("campaign", "Region__c"))
    assert "(2): Fair_Contact__c, Score__c" in _named(text_of(anna.get(saved.headers["location"])))


def test_of_many_source_fields_the_first_are_named_and_the_number_of_the_others(
    anna: Browser,  # noqa: F811
    config: Path,  # noqa: F811
) -> None:
    body = json.dumps({**LEAD, "Id": "00Q9", **{f"X{n}": n for n in range(20)}}).encode()
    deal.land(config, "crm", "lead", {"00Q9": body})
    named = _named(text_of(anna.get(f"{PAGE}?record=00Q9")))
    assert "(23)" in named
    assert "and 11 more" in named
    anna.post("/language", locale="zh-CN", next=PAGE)
    chinese = " ".join(text_of(anna.get(PAGE)).split())
    assert "，另有 11 个" in chinese
    assert "未映射的内容只保留在原始记录中，不进入标准记录" in chinese


def test_where_everything_is_mapped_the_page_says_so(anna: Browser, config: Path) -> None:  # noqa: F811
    file(config).write_text(
        "version: 1\nconnector: salesforce\nstreams:\n  lead:\n    entity: lead\n    fields: {campaign: Region__c}\n"
    )
    deal.land(config, "crm", "lead", {f"00Q{n}": json.dumps({"Region__c": "Lazio"}).encode() for n in range(1, 6)})
    assert "Every field that these records hold is mapped." in text_of(anna.get(PAGE))
