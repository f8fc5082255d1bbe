"""New form leads become CRM leads: planned, shown, made once, whatever happens in between."""

from __future__ import annotations

import pytest

from tests.creation.company import LEAD
from tests.creation.conftest import Company

pytestmark = pytest.mark.slow


def test_nothing_is_created_without_a_rule(firm: Company) -> None:
    firm.rules()
    assert firm.sync().status == "done"
    assert firm.made("crm") == []
    assert firm.rows() == []


def test_a_new_form_lead_becomes_a_crm_lead_once(both: Company) -> None:
    result = both.sync()
    assert result.status == "done", result.problems
    made = both.made("crm")
    assert (made[0]["name"], made[0]["company"], made[0]["email"]) == ("Li Na", "Firm 1", "lead1@firm1.cn")
    assert {item["state"] for item in made} == {"Open"}
    assert len({item["key"] for item in made}) == len(made) == 3
    assert both.statuses() == dict.fromkeys(("f1", "f2", "f3"), "applied")
    for _ in range(3):
        assert both.sync().status == "done"
    assert len(both.made("crm")) == 3


def test_a_new_record_is_held_and_linked_at_once_and_no_news_when_it_is_read(both: Company) -> None:
    both.sync()
    links = "SELECT method, decision, decided_by FROM link WHERE kind = 'same_as'"
    assert both.rows(links) == [("created", "confirmed", "ltc")] * 3
    assert both.rows("SELECT count(*) FROM leads WHERE system = 'crm' AND deleted = 0") == [(3,)]
    pulled = next(item for item in both.sync().outcomes if (item.system, item.stream) == ("crm", "lead"))
    assert (pulled.counts["new"], pulled.counts["changed"]) == (0, 0)
    assert both.sync().changed_nothing


def test_what_is_to_be_created_is_shown_and_waits_for_a_person(firm: Company) -> None:
    firm.rules(LEAD, push="plan")
    (plan,) = firm.sync().new_records
    assert (plan.system, [item.origin.source_id for item in plan.items]) == ("crm", ["f1", "f2", "f3"])
    assert plan.items[0].reason == "The lead f1 is not in crm yet."
    assert firm.made("crm") == []
    assert firm.push(push="plan").new_records == [plan]
    result = firm.push(plan_id=plan.id, actor="Li Na")
    assert (result.status, len(firm.made("crm"))) == ("done", 3)
    approved = firm.rows("SELECT actor, action FROM audit WHERE action LIKE 'plan %' ORDER BY id")
    assert approved == [("Li Na", "plan approved"), ("Li Na", "plan applied")]
