"""Rights per system: whoever is limited to some neither sees nor changes what belongs to another one."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import re
from pathlib import Path

import pytest

from settings.model import Settings
from state import members
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
