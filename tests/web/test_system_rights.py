"""Rights per system: whoever is limited to some neither sees nor changes what belongs to another one."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from pathlib import Path

import pytest

from console.web.api.application import PATH
from settings.model import Settings
from state import members, runs
from state.members import MemberError, Role
from state.store import Store
from sync import job
from tests.console.company import data, ltc
from tests.web.test_access import ADDRESSED, TABLE
from tests.web.toy_company import Opens, crm, erp, olaf, plain, settings, systems, toys  # noqa: F401

pytestmark = pytest.mark.slow

OF_A_SYSTEM = [(method, path) for method, path in TABLE if "/systems/{name}" in path or "/{system}" in path]
EVERYBODY_S = ("/", "/findings", "/cash", "/links", "/trace?text=x", "/periods")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.ADMIN])
def test_every_page_of_another_system_is_not_there(olaf: Opens, role: Role) -> None:
    somebody = olaf(role, "erp")
    assert len(OF_A_SYSTEM) >= 5
    seen = {}
    for method, path in OF_A_SYSTEM:
        address = path.format(**ADDRESSED | {"name": "crm", "system": "crm", "stream": "deal"})
        answer = somebody.get(address) if method == "GET" else somebody.post(address, reason="why", since="2026-10-01")
        seen[method, path] = answer.status_code
    assert set(seen.values()) <= {403, 404}, seen


def test_a_run_that_could_write_nothing_is_not_told_to_those_of_other_systems(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    planned = job.run_sync(sqlite_store, settings, push="plan")
    settings.writing.limits.changes = 1
    refused = job.run_push(sqlite_store, settings, plan_id=planned.plans[0].id, actor="anna")
    assert [(item.system, "larger than allowed" in item.message) for item in refused.problems] == [("crm", True)]
    theirs, others = olaf(Role.OPERATOR, "crm"), olaf(Role.OPERATOR, "erp")
    assert "larger than allowed" in theirs.get(f"/runs/{refused.run_id}").text
    assert others.get(f"/runs/{refused.run_id}").status_code == 404
    assert refused.run_id not in others.get("/runs").text
    assert others.post(f"/runs/{refused.run_id}/stop").status_code == 404


def test_of_a_run_about_several_systems_only_the_own_part_and_its_messages_are_told(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    job.run_sync(sqlite_store, settings, push="plan")
    settings.writing.limits.changes = 1
    both = job.run_push(sqlite_store, settings, push="apply").run_id
    theirs, others = (olaf(Role.OPERATOR, name).get(f"/runs/{both}") for name in ("crm", "erp"))
    assert "larger than allowed" in theirs.text
    assert others.status_code == 200
    assert "crm" not in others.text
    assert "larger than allowed" not in others.text


def test_the_api_tells_as_little_as_the_pages(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    planned = job.run_sync(sqlite_store, settings, push="plan").plans[0].id
    settings.writing.limits.changes = 1
    ours = job.run_push(sqlite_store, settings, plan_id=planned).run_id
    both = job.run_push(sqlite_store, settings, push="apply").run_id
    others = olaf(Role.OPERATOR, "erp")
    assert others.get(f"{PATH}/runs/{ours}").status_code == 404
    listed = others.get(f"{PATH}/runs").json()
    assert ours not in [item["id"] for item in listed["items"]]
    assert listed["total"] == len(listed["items"])
    told = others.get(f"{PATH}/runs/{both}").json()
    assert (told["problems"], told["systems"]) == ([], ["erp"])
    for path in ("plans", "rejections", "dead-letters"):
        assert "crm" not in others.get(f"{PATH}/{path}").text


def test_nobody_stops_a_run_that_is_yet_to_reach_another_system(olaf: Opens, sqlite_store: Store) -> None:
    asked = runs.Asked("anna", "by_hand", ("erp", "crm"))
    with runs.running(sqlite_store, "pull", asked=asked) as run:
        with sqlite_store.transaction() as connection:
            runs.start_stream(connection, run.id, "erp", "order", "pull")
        assert olaf(Role.OPERATOR, "erp").post(f"/runs/{run.id}/stop").status_code == 404
        assert olaf(Role.OPERATOR, "erp", "crm").post(f"/runs/{run.id}/stop").status_code == 409  # not at work here


def test_what_is_of_the_whole_company_is_seen_by_everybody(
    olaf: Opens, sqlite_store: Store, settings: Settings
) -> None:
    job.run_sync(sqlite_store, settings)
    limited, unlimited = olaf(Role.OPERATOR, "erp"), olaf(Role.OPERATOR)
    for address in EVERYBODY_S:
        assert limited.get(address).status_code == 200
    counts = [re.search(r'role="status">([^<]+)', who.get("/findings").text) for who in (limited, unlimited)]
    assert counts[0]
    assert counts[1]
    assert counts[0].group(1) == counts[1].group(1)
    assert limited.post("/runs", kind="reconcile").status_code == 303


def test_a_limit_to_systems_that_are_gone_leaves_nothing(olaf: Opens, sqlite_store: Store, settings: Settings) -> None:
    job.run_sync(sqlite_store, settings)
    somebody = olaf(Role.OPERATOR, "sold")
    page = plain(somebody.get("/systems").text)
    assert "deal" not in page
    assert "order" not in page
    assert somebody.post("/runs", kind="pull").status_code == 404  # never: all


def test_a_limit_is_kept_by_a_new_link_and_lifted_only_by_name(store: Store) -> None:
    with store.transaction() as connection:
        members.invite(connection, "anna", [Role.OPERATOR], "test", ["erp", "crm", "erp"])
        members.invite(connection, "anna", [Role.VIEWER], "test")
        anna = members.find(connection, "anna")
        assert anna.systems == frozenset({"crm", "erp"})
        assert (anna.may_touch("erp"), anna.may_touch("books")) == (True, False)
        with pytest.raises(MemberError, match="No system was named"):
            members.set_systems(connection, "anna", [], "test")
        assert members.set_systems(connection, "anna", None, "test").may_touch("books")


def test_the_command_line_limits_and_shows(config: Path) -> None:
    invited = ltc(config, "members", "invite", "li.na", "--role", "operator", "--system", "erp", "--system", "crm")
    assert invited.exit_code == 0, invited.output
    assert "crm, erp" in ltc(config, "members", "list").stdout
    assert data(ltc(config, "members", "systems", "li.na", "--all", "--json"))["systems"] is None
    assert data(ltc(config, "members", "systems", "li.na", "erp", "--json"))["systems"] == ["erp"]
    unknown = ltc(config, "members", "systems", "li.na", "nothing")
    assert (unknown.exit_code, "names no system 'nothing'" in unknown.stderr) == (2, True)
    assert ltc(config, "members", "systems", "li.na").exit_code == 2
