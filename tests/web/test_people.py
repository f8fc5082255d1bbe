"""The page of members: what admins change there holds at once, is in the audit, and leaves an admin."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

import pytest
import yaml

from settings.model import Settings
from settings.sign_in import SignIn
from state import audit, members
from state.members import Role
from state.store import Store
from tests.web.conftest import PASSWORD, Browser

pytestmark = pytest.mark.slow

SignedIn = Callable[[Role], Browser]


def test_an_invitation_is_shown_once_and_lets_in(
    as_role: SignedIn, browser: Callable[..., Browser], desk: Store
) -> None:
    root = as_role(Role.ADMIN)
    page = root.post(
        "/members/invite", name="Zhao.Lei", scope="some", **{"role.operator": "1", "system.erp": "1", "system.crm": "1"}
    )
    link = re.search(r"http://[^<]+(/welcome/[\w-]+)", page.text)
    assert page.status_code == 200
    assert link
    assert f'data-copy="{link.group(0)}"' in page.text
    assert "/welcome/" not in root.get("/members").text
    zhao = browser()
    assert zhao.client.post(link.group(1), data={"password": PASSWORD, "again": PASSWORD}).status_code == 303
    with desk.reading() as connection:
        found = members.find(connection, "zhao.lei")
        entry = next(item for item in audit.entries(connection, actor="a.admin") if item.action == "member invited")
    assert (found.roles, found.systems) == (frozenset({Role.OPERATOR}), frozenset({"crm", "erp"}))
    assert entry.detail == {"member": "zhao.lei", "roles": ["operator"], "systems": ["crm", "erp"]}
    row = next(part for part in root.get("/members").text.split("<tr>") if "zhao.lei" in part)
    for said in ("operator", "crm, erp", "a password", "active", "20"):
        assert said in row


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": "new", "scope": "all"}, "at least one role"),
        ({"name": "<b>", "scope": "all", "role.viewer": "1"}, "cannot be a name"),
        ({"name": "Li Manager", "scope": "all", "role.viewer": "1"}, "spaces and other signs are not possible"),
        ({"name": "new", "scope": "some", "role.viewer": "1"}, "at least one system"),
        ({"name": "new", "scope": "some", "role.viewer": "1", "system.gone": "1"}, "does not name one of these"),
        ({"name": "a.admin", "scope": "all", "role.viewer": "1"}, "is the only admin"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    as_role: SignedIn, desk: Store, sent: dict[str, str], said: str
) -> None:
    page = as_role(Role.ADMIN).post("/members/invite", **sent)
    assert (page.status_code, said in page.text, "<b></" in page.text) == (422, True, False)
    with desk.reading() as connection:
        assert [(item.name, item.roles) for item in members.listing(connection)] == [
            ("a.admin", frozenset({Role.ADMIN}))
        ]


def test_whoever_ticks_a_system_limits_the_invitation_to_it_and_reads_that_beside_the_link(
    as_role: SignedIn, desk: Store
) -> None:
    root = as_role(Role.ADMIN)
    for sent, scope, limit in (({"system.crm": "1"}, "crm", {"crm"}), ({}, "all systems", None)):
        page = root.post("/members/invite", name="li.wei", scope="all", **{"role.operator": "1", **sent}).text
        assert f"li.wei sees and acts on: {scope}<" in page
        with desk.reading() as connection:
            assert members.find(connection, "li.wei").systems == limit


def test_a_newly_ticked_system_limits_a_member_and_boxes_ticked_before_do_not_keep_one_limited(
    as_role: SignedIn, desk: Store
) -> None:
    root = as_role(Role.ADMIN)
    as_role(Role.VIEWER)
    for sent, limit in (({"system.crm": "1"}, {"crm"}), ({"system.crm": "1"}, None), ({"system.erp": "1"}, {"erp"})):
        assert root.post("/members/a.viewer/systems", scope="all", **sent).status_code == 303
        with desk.reading() as connection:
            assert members.find(connection, "a.viewer").systems == limit


def test_roles_and_systems_hold_with_the_next_click_and_are_in_the_audit(as_role: SignedIn, desk: Store) -> None:
    root, viewer = as_role(Role.ADMIN), as_role(Role.VIEWER)
    assert viewer.post("/runs", kind="sync").status_code == 403
    assert root.post("/members/a.viewer/roles", **{"role.operator": "1"}).status_code == 303
    assert root.post("/members/a.viewer/systems", scope="some", **{"system.erp": "1"}).status_code == 303
    assert viewer.post("/runs", kind="pull", system="crm").status_code == 404
    assert "forms" not in viewer.get("/systems").text
    assert root.post("/members/a.viewer/systems", scope="all").status_code == 303
    with desk.reading() as connection:
        first, second, third = reversed([e for e in audit.entries(connection) if e.action == "member changed"])
    assert (first.actor, first.detail["roles before"], first.detail["roles"]) == ("a.admin", ["viewer"], ["operator"])
    assert (second.detail["systems before"], second.detail["systems"]) == ("all", ["erp"])
    assert third.detail["systems"] == "all"


def test_what_admins_change_about_themselves_is_in_the_audit_under_their_name(as_role: SignedIn, desk: Store) -> None:
    root = as_role(Role.ADMIN)
    assert "This is you" in root.get("/members/a.admin").text
    assert root.post("/members/a.admin/roles", **{"role.admin": "1", "role.approver": "1"}).status_code == 303
    with desk.reading() as connection:
        entry = next(item for item in audit.entries(connection) if item.action == "member changed")
    assert (entry.actor, entry.detail["member"], entry.detail["roles"]) == ("a.admin", "a.admin", ["admin", "approver"])


def test_the_last_admin_stays_one(as_role: SignedIn, desk: Store, member: Callable[..., str]) -> None:
    root = as_role(Role.ADMIN)
    answer = root.post("/members/a.admin/roles", **{"role.viewer": "1"})
    assert (answer.status_code, "is the only admin" in answer.text) == (422, True)
    assert root.post("/members/a.admin/deactivate").status_code == 422
    assert "/members/a.admin/deactivate" not in root.get("/members/a.admin").text
    member("second", Role.ADMIN)
    assert root.post("/members/a.admin/roles", **{"role.viewer": "1"}).status_code == 303
    assert root.get("/members").status_code == 403


def test_whoever_is_deactivated_is_out_at_once(as_role: SignedIn, desk: Store) -> None:
    root, viewer = as_role(Role.ADMIN), as_role(Role.VIEWER)
    assert root.post("/members/a.viewer/deactivate").status_code == 303
    assert viewer.get("/findings").status_code == 303
    page = root.get("/members/a.viewer").text
    assert "no access" in page
    assert "Make a one-time link" in page
    assert root.post("/members/a.viewer/readmit").status_code == 422


def test_nobody_but_an_admin_sees_or_changes_members(as_role: SignedIn, desk: Store) -> None:
    for role in (Role.VIEWER, Role.FINANCE, Role.APPROVER, Role.OPERATOR):
        somebody = as_role(role)
        assert '"/members"' not in somebody.get("/findings").text
        assert somebody.get("/members").status_code == 403
        assert somebody.post(f"/members/a.{role}/roles", **{"role.admin": "1"}).status_code == 403
    with desk.reading() as connection:
        assert all(Role.ADMIN not in item.roles for item in members.listing(connection))


def test_the_mark_of_the_session_is_asked_for(as_role: SignedIn) -> None:
    root = as_role(Role.ADMIN)
    assert root.client.post("/members/invite", data={"name": "x", "role.admin": "1", "scope": "all"}).status_code == 400


def test_a_member_that_is_not_there_has_no_page(as_role: SignedIn) -> None:
    root = as_role(Role.ADMIN)
    assert root.get("/members/nobody").status_code == 404
    assert root.post("/members/nobody/deactivate").status_code == 404


def test_roles_are_told_in_the_person_s_language(as_role: SignedIn) -> None:
    root = as_role(Role.ADMIN)
    root.post("/language", locale="zh-CN")
    assert "<td>管理员</td>" in root.get("/members").text


def test_the_page_says_how_people_sign_in_with_the_company_s_account(as_role: SignedIn, given: Settings) -> None:
    root = as_role(Role.ADMIN)
    page = root.get("/members").text
    assert "No identity provider is set up" in page
    assert "/sign-in/provider/back</code>" in page
    example = re.findall(r"<pre[^>]*><code>(.*?)</code></pre>", page, re.DOTALL)[0]
    parsed = yaml.safe_load(unescape(example))["workbench"]["sign_in"]
    given.workbench.sign_in = SignIn.model_validate(parsed)
    page = root.get("/members").text
    assert "id.example.com</code>" in page
    assert ("By ltc.yaml people sign in through" in page, "No identity provider" in page) == (True, False)
    assert "Whether it answers is not known here" in page
    missing = "✗ Nobody can sign in through it yet:"
    given.workbench.sign_in = given.workbench.sign_in.model_copy(update={"client_secret": "${env:NOWHERE_TO_BE_FOUND}"})
    assert missing in root.get("/members").text
    given.workbench.sign_in = given.workbench.sign_in.model_copy(update={"client_secret": None})
    assert missing not in root.get("/members").text


def test_the_page_speaks_chinese(browser: Callable[..., Browser], member: Callable[..., str]) -> None:
    root = browser()
    root.sign_in(member("root", Role.ADMIN))
    root.post("/language", locale="zh-CN")
    page = root.post("/members/invite", name="x", scope="all").text
    assert "请至少选择一个角色" in page
    assert "最近登录" in page


def test_a_refused_invitation_keeps_what_was_ticked_and_a_change_is_confirmed(as_role: SignedIn) -> None:
    root = as_role(Role.ADMIN)
    as_role(Role.VIEWER)
    sent = {"name": "Li Manager", "scope": "some", "role.operator": "1", "system.erp": "1"}
    page = root.post("/members/invite", **sent).text
    for name in ("role.operator", "system.erp"):
        assert f'name="{name}" value="1" checked' in page
    assert 'value="some" checked' in page
    assert "To take all access away" not in root.post("/members/invite", name="new", scope="all").text
    assert root.post("/members/a.viewer/roles", **{"role.finance": "1"}).status_code == 303
    page = root.get("/members/a.viewer").text
    assert "The change to a.viewer was saved." in page
    assert "Take all access from a.viewer …</summary>" in page
    assert '<button class="grave">Yes, take all access away</button>' in page
