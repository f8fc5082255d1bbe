"""Suggestions of a mapping: taken with one click, each left out again before it is saved, and why there are none."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mappings.engine import load
from tests.console import deal
from tests.web.admin.sending import form
from tests.web.admin.test_mappings import (  # noqa: F401 - fixtures of a CRM with a mapping of its own
    LEAD,
    OWN,
    PAGE,
    anna,
    as_role,
    at_once,
    config,
    file,
    posted,
    text_of,
)
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow

BARE = "version: 1\nconnector: salesforce\nstreams:\n  lead:\n    entity: lead\n    fields: {}\n"
FORM = {"公司名称": "北风电子有限公司", "来源渠道": "展会", "活动名称": "春季展会", "备注": "x", "Land": "中国"}


@pytest.fixture
def chinese(config: Path) -> Path:  # noqa: F811
    """Leads with Chinese columns that nothing maps yet."""
    file(config).write_text(BARE)
    deal.land(config, "crm", "lead", {f"00Q{n}": json.dumps(FORM).encode() for n in range(1, 9)})
    return config


def _buttons(page: str, name: str) -> set[str]:
    return set(re.findall(rf'name="{name}" value="(\w+)"', page))


def test_all_sure_suggestions_are_taken_with_one_click_and_each_can_be_left_out_before_saving(
    anna: Browser,  # noqa: F811
    chinese: Path,
) -> None:
    assert "Take all above 80 %" in anna.get(PAGE).text
    looked = posted(anna, "preview", kind="several", which="sure")
    assert {"company_name", "source", "campaign"} <= _buttons(looked.text, "without")
    less = anna.post(f"{PAGE}/preview", **form(looked.text, f"{PAGE}/save"), without="campaign")
    assert "campaign" in _buttons(less.text, "with")
    assert "campaign" not in _buttons(less.text, "without")
    assert file(chinese).read_text() == BARE
    assert anna.post(f"{PAGE}/save", **form(less.text, f"{PAGE}/save")).status_code == 303
    filled = load(file(chinese)).stream("lead").definition.fields
    assert {"company_name", "source"} <= set(filled)
    assert "campaign" not in filled


def test_a_suggestion_that_was_left_out_is_taken_back_in(anna: Browser, chinese: Path) -> None:  # noqa: F811
    looked = posted(anna, "preview", kind="several", field="source")
    more = anna.post(f"{PAGE}/preview", **form(looked.text, f"{PAGE}/save"), **{"with": "campaign"})
    assert {"source", "campaign"} <= _buttons(more.text, "without")
    assert form(more.text, f"{PAGE}/save")["field"] == "source,campaign"


def test_leaving_the_last_suggestion_out_leads_back_to_the_mapping(anna: Browser, chinese: Path) -> None:  # noqa: F811
    answer = posted(anna, "preview", kind="several", field="source", without="source")
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)


def test_where_nothing_is_suggested_the_page_says_why(anna: Browser, config: Path) -> None:  # noqa: F811
    empty = text_of(anna.get("/mappings/crm/account"))
    assert "No record of crm is stored or was read yet, so there is nothing to suggest from. Run a sync" in empty
    file(config).write_text(BARE)
    deal.land(config, "crm", "lead", {f"00Q{n}": json.dumps({"Zzz": "red"}).encode() for n in range(1, 9)})
    assert "None of the source's fields that nothing reads has a name or values like" in text_of(anna.get(PAGE))
    file(config).write_text(BARE.replace("fields: {}", "fields: {source: Zzz}"))
    assert "The mapping already reads everything that the records hold" in text_of(anna.get(PAGE))
