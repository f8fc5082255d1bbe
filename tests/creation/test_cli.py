"""New records on the command line: shown, created, refused, taken up again, discarded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.console import company as console
from tests.creation.company import LEAD
from tests.creation.conftest import Company

pytestmark = pytest.mark.slow


class Line:
    """The command line on the company's store."""

    def __init__(self, firm: Company) -> None:
        self.firm = firm

    def __call__(self, *words: str, code: int = 0) -> str:
        found = console.ltc(self.firm.settings.path, *words)
        assert found.exit_code == code, found.output
        return found.stdout

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))


@pytest.fixture
def ltc(firm: Company, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Line:
    monkeypatch.setenv("COLUMNS", "300")
    firm.rules(LEAD, push="plan", store=sqlite_url)
    return Line(firm)


def test_the_plan_shows_what_is_to_be_created_and_apply_creates_it(ltc: Line) -> None:
    ltc("sync")
    shown = ltc("push", "--plan")
    assert "crm: new records, plan" in shown
    assert "forms:form:f1" in shown
    for value in ("company: Firm 1", "email: lead1@firm1.cn", "name: Li Na", "state: Open", "channel: form"):
        assert value in " ".join(shown.split())
    assert "The lead f1 is not in crm yet." in shown
    assert "3 new records are planned" in ltc("status")
    ltc("push", "--apply")
    assert len(ltc.firm.made("crm")) == 3
    assert "3 records were created downstream" in ltc("status")
    assert "There is no plan to carry out" in ltc("push", "--apply")


def test_programs_see_the_same(ltc: Line) -> None:
    ltc("sync")
    (plan,) = ltc.json("push", "--plan")["new_records"]
    assert (plan["system"], plan["exceeds"]) == ("crm", [])
    first = plan["records"][0]
    assert (first["rule"], first["stream"], first["status"]) == ("lead", "lead", "planned")
    assert first["origin"]["source_id"] == "f1"
    assert first["values"]["email"] == "lead1@firm1.cn"
    (created,) = ltc.json("push", "--apply")["created"]
    assert created == {"id": plan["id"], "system": "crm", "records": {"applied": 3}}


def test_a_chinese_installation_reads_it_in_chinese(ltc: Line) -> None:
    path = ltc.firm.settings.path
    path.write_text(path.read_text() + "locale: zh-CN\n")
    ltc("sync")
    shown = ltc("push", "--plan")
    assert "crm：新建记录" in shown
    assert "线索 f1 在 crm 中尚不存在。" in shown


def test_more_than_the_limit_needs_an_approval(ltc: Line, sqlite_url: str) -> None:
    ltc.firm.rules({**LEAD, "limit": 2}, push="plan", store=sqlite_url)
    ltc("sync")
    said = "3 new records by the rule `lead` (allowed: 2)"
    assert said in ltc("push", "--plan")
    assert said in ltc("push", "--apply", code=3)
    assert ltc.firm.made("crm") == []
    ltc("push", "--apply", "--approve")
    assert len(ltc.firm.made("crm")) == 3


def test_a_new_system_is_not_created_in_before_its_matching_is_accepted(ltc: Line, sqlite_url: str) -> None:
    ltc.firm.rules(LEAD, push="plan", store=sqlite_url, first_run="read_only")
    ltc.firm.crm.edit("lead", "l1", {"name": "Somebody", "state": "Open"})
    ltc("sync")
    assert "crm is new here and read only" in ltc("push", "--apply", code=3)
    assert ltc.firm.made("crm") == []
    ltc("push", "--accept-first", "crm")
    ltc("push", "--apply")
    assert len(ltc.firm.made("crm")) == 3


def test_a_refused_record_is_a_dead_letter_without_personal_values(ltc: Line) -> None:
    ltc.firm.crm.server.faults.answer("POST /lead", 422)
    ltc("sync")
    ltc("push", "--apply", code=3)
    (letter,) = ltc.json("dead-letters", "list")
    assert (letter["status"], letter["message"], letter["number"]) == ("rejected", "HTTP 422", None)
    shown = ltc("dead-letters", "show", letter["id"])
    assert "state: Open" in shown
    assert "email: •••" in shown
    for listed in (shown, ltc("dead-letters", "list"), json.dumps(letter)):
        assert "firm1.cn" not in listed
    assert "1 write-back needs somebody who operates the system" in ltc("status")


def test_retry_creates_it_and_discard_never_does(ltc: Line) -> None:
    ltc.firm.crm.server.faults.answer("POST /lead", 422, times=2)
    ltc("sync")
    ltc("push", "--apply", code=3)
    first, second = (item["id"] for item in ltc.json("dead-letters", "list"))
    ltc("push", "--plan")
    assert [item["id"] for item in ltc.json("dead-letters", "list")] == [first, second]
    ltc("dead-letters", "retry", first)
    ltc("dead-letters", "discard", second, "--reason", "A test")
    ltc("push", "--plan")
    ltc("push", "--apply")
    assert ltc.firm.statuses() == {"f1": "applied", "f2": "discarded", "f3": "applied"}
    ltc.firm.forms.edit("form", "f2", {"company": "Another"})
    ltc("sync")
    ltc("push", "--apply")
    assert len(ltc.firm.made("crm")) == 2
    assert ltc.json("dead-letters", "list") == []
    ltc("dead-letters", "retry", second)
    ltc("push", "--plan")
    ltc("push", "--apply")
    assert len(ltc.firm.made("crm")) == 3


def test_a_new_record_is_not_edited_but_its_origin(ltc: Line) -> None:
    ltc.firm.crm.server.faults.answer("POST /lead", 422)
    ltc("sync")
    ltc("push", "--apply", code=3)
    (letter,) = ltc.json("dead-letters", "list")
    ltc("dead-letters", "edit", letter["id"], "--set", "email=x@y.cn", code=2)
    ltc.firm.forms.edit("form", "f1", {"email": "new@firm1.cn"})
    ltc("sync")
    ltc("push", "--apply")
    assert "new@firm1.cn" in [item["email"] for item in ltc.firm.made("crm")]
    assert ltc.json("dead-letters", "list") == []


def test_check_says_whether_what_the_rules_want_can_be_created(ltc: Line, sqlite_url: str) -> None:
    ltc("check", "--system", "crm")
    ltc.firm.rules(LEAD, store=sqlite_url, config={"creatable": []})
    assert "toy does not create records in lead." in ltc("check", "--system", "crm", code=1)
    ltc.firm.rules({**LEAD, "to": "crm.party"}, store=sqlite_url)
    assert "crm.party holds records of kind party" in ltc("check", "--system", "crm", code=1)
