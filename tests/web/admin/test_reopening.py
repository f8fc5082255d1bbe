"""An admin says in the browser who may open an approved month again; ltc.yaml is what a text editor would have made."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path

import settings
from state.members import Role
from tests.web.admin.sending import form
from tests.web.conftest import Browser

ADDRESS = "/settings/periods"
ENDS = "# the end\n"


def save(admin: Browser, *names: str, why: str = "") -> None:
    """Tick exactly these people, look at the change, and save it."""
    shown = form(admin.get(ADDRESS).text, ADDRESS)
    sent = {name: value for name, value in shown.items() if not name.startswith("reopen.")}
    ticks = {f"reopen.{name}": "on" for name in names}
    looked = admin.post(ADDRESS, **{**sent, **ticks, "do": "preview"})
    assert looked.status_code == 200, looked.text
    again = form(looked.text, ADDRESS)
    assert {name for name in again if name.startswith("reopen.")} == set(ticks)
    assert admin.post(ADDRESS, **{**again, "why": why, "do": "save"}).status_code == 303


def test_who_may_reopen_is_ticked_saved_with_comments_kept_and_taken_back(
    as_role: Callable[[Role], Browser], config: Path
) -> None:
    admin, li = as_role(Role.ADMIN), as_role(Role.APPROVER)
    as_role(Role.VIEWER)
    head = "# ours\n"
    before = head + config.read_text() + ENDS
    config.write_text(before)
    page = admin.get(ADDRESS).text
    assert 'name="reopen.a.approver"' in page
    assert 'name="reopen.a.viewer"' not in page, "who may not decide cannot reopen"
    assert f'href="{ADDRESS}"' in admin.get("/settings").text
    save(admin, "a.approver", why="Audit of 2026")
    after = config.read_text()
    added = "reconciliation:\n  periods:\n    reopen: [a.approver]\n"
    assert (after.startswith(head), after.count(added), after.replace(added, "")) == (True, 1, before)
    assert settings.load(config).reconciliation.periods.reopen == ["a.approver"]
    assert "only a.approver can open a month again" in li.get("/periods").text
    assert "Audit of 2026" in admin.get("/settings/history").text
    number = re.findall(r"/settings/history/(\d+)", admin.get("/settings/history").text)[0]
    address = f"/settings/history/{number}/undo"
    undone = admin.post(address, do="save", **form(admin.get(f"/settings/history/{number}").text, address))
    assert undone.status_code == 303
    assert config.read_text() == before
    assert "nobody is named who may" in li.get("/periods").text


def test_nobody_ticked_takes_the_entry_out(as_role: Callable[[Role], Browser], config: Path) -> None:
    admin = as_role(Role.ADMIN)
    config.write_text(
        config.read_text() + "reconciliation:\n  periods:\n    makers: [wang.min]  # maker\n    reopen: [gone.cfo]\n"
    )
    page = unescape(admin.get(ADDRESS).text)
    assert 'name="reopen.gone.cfo" checked' in page
    assert "no member who may decide: being named is of no use" in page
    save(admin)
    assert config.read_text().endswith("reconciliation:\n  periods:\n    makers: [wang.min]  # maker\n")


def test_it_warns_where_the_only_person_named_closes_months(as_role: Callable[[Role], Browser], config: Path) -> None:
    admin, anna = as_role(Role.ADMIN), as_role(Role.FINANCE)
    as_role(Role.APPROVER)
    anna.post("/periods/close", period="2026-09", reason="so")
    shown = form(admin.get(ADDRESS).text, ADDRESS)
    told = "Only a.finance is named, who closes months"
    assert told not in admin.get(ADDRESS).text
    alone = admin.post(ADDRESS, **{**shown, "reopen.a.finance": "on", "do": "preview"}).text
    assert told in alone
    both = {"reopen.a.finance": "on", "reopen.a.approver": "on"}
    assert told not in admin.post(ADDRESS, **{**shown, **both, "do": "preview"}).text
    assert told not in admin.post(ADDRESS, **{**shown, "reopen.a.approver": "on", "do": "preview"}).text
    asked = {**shown, "reopen.a.finance": "on", "do": "language:zh-CN"}
    assert "仅指定了 a.finance，而此人负责关账" in admin.post(ADDRESS, **asked).text


def test_who_decides_on_closes_sees_in_the_audit_that_who_may_reopen_was_changed(
    as_role: Callable[[Role], Browser],
) -> None:
    admin, anna, li = as_role(Role.ADMIN), as_role(Role.FINANCE), as_role(Role.APPROVER)
    save(admin, "a.approver", "a.finance", why="Audit of 2026")
    save(admin, "a.finance")
    for reader in (anna, li):
        page = unescape(re.sub(r"(?:<[^>]+>|\s)+", " ", reader.get("/audit").text))
        assert "Who may close, approve or reopen months changed who may reopen: a.finance" in page
        assert "who could reopen before: a.approver, a.finance" in page or "a.finance, a.approver" in page
        assert "Audit of 2026" in page
        assert "Settings changed" not in page
    anna.post("/language", locale="zh-CN")
    assert "可重新打开的人员" in anna.get("/audit").text
