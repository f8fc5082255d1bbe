"""An admin changes a mapping without having read anything, in a real browser."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import settings
from console.web.app import workbench
from state.members import Role
from state.store import Store, open_store
from tests.browser.conftest import Somebody
from tests.console import deal
from tests.console.company import write
from tests.web.admin.test_mappings import LEAD, OWN, PEOPLE
from tests.web.conftest import served

pytestmark = pytest.mark.browser


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A CRM with a mapping of the site's own."""
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "crm.yaml").write_text(OWN)
    crm = {"connector": "salesforce", "roles": ["crm"], "config": {}, "mapping": "mappings/crm.yaml"}
    path = write(tmp_path, {"crm": crm}, store=f"sqlite:///{tmp_path / 'ltc.db'}")
    open_store(f"sqlite:///{tmp_path / 'ltc.db'}").close()
    records = {f"00Q{n}": json.dumps({**LEAD, "Id": f"00Q{n}", "campaign": "Fair"}).encode() for n in range(1, 40)}
    deal.land(path, "crm", "lead", records)
    return path


@pytest.fixture
def store(config: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as opened:
        yield opened


@pytest.fixture
def site(config: Path, store: Store) -> Iterator[str]:
    with served(workbench(store, settings.load(config))) as address:
        yield address


def test_a_suggestion_is_seen_before_it_is_saved(somebody: Callable[..., Somebody], config: Path) -> None:
    anna = somebody(Role.ADMIN)
    anna.page.set_default_timeout(120_000)
    anna.page.goto("/mappings")
    anna.page.get_by_role("link", name="crm · lead").click()
    anna.reads("Tried on a record")
    assert anna.complaints() == []
    anna.page.get_by_role("button", name="Preview the suggestion for Campaign").click()
    anna.reads("39 would be read differently")
    assert anna.complaints() == []
    anna.picture("mapping-preview-en")
    shown = anna.page.content().lower()
    assert [word for word in PEOPLE if word.lower() in shown] == []
    anna.page.get_by_role("button", name="Save").click()
    anna.reads("Saved. The new mapping is used for records that come or change from now on")
    assert "campaign: campaign" in (config.parent / "mappings" / "crm.yaml").read_text()
    anna.page.set_viewport_size({"width": 360, "height": 740})
    anna.page.goto("/mappings/crm/lead?edit=status")
    assert anna.complaints() == []
    assert anna.page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_word_gets_its_status_from_a_list_and_a_change_that_is_not_right_is_mended(
    somebody: Callable[..., Somebody], config: Path
) -> None:
    strange = {f"00Q{n}": json.dumps({**LEAD, "Id": f"00Q{n}", "Status": "Eingefroren"}).encode() for n in (77, 78)}
    deal.land(config, "crm", "lead", strange)
    li = somebody(Role.ADMIN, locale="zh-CN")
    li.page.set_default_timeout(30_000)
    li.page.goto("/mappings/crm/lead?edit=status#edit")
    li.page.get_by_label("“Eingefroren”对应的状态").wait_for()
    assert li.complaints() == []
    li.page.get_by_label("“Eingefroren”对应的状态").select_option(label="培育中")
    li.page.get_by_role("button", name="预览", exact=True).first.click()
    li.reads("多个来源值对应同一状态：Eingefroren、Parked")
    li.page.get_by_label("回写“Parked”").check()
    li.page.get_by_role("button", name="预览", exact=True).first.click()
    li.reads("2 条将解除隔离")
    assert li.complaints() == []
    li.page.get_by_role("button", name="返回修改").click()
    assert li.page.get_by_label("“Eingefroren”对应的状态").input_value() == "nurturing"
    li.page.get_by_role("button", name="预览", exact=True).first.click()
    li.page.get_by_role("button", name="保存").click()
    li.reads("已保存")
    li.reads("仍是旧映射的结果")
    assert li.complaints() == []
    for width in (320, 1400):
        li.page.set_viewport_size({"width": width, "height": 900})
        for page in ("?edit=status", "?edit=campaign", ""):
            li.page.goto(f"/mappings/crm/lead{page}")
            assert li.complaints() == []
            assert li.page.evaluate("document.documentElement.scrollWidth") <= width
