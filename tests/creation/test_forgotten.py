"""Erasure and retention empty what was to be created, and keep what guards against a second record."""

from __future__ import annotations

import pytest

from state.retention import Policy, preview, prune
from sync import forget
from tests.creation.company import LEAD
from tests.creation.conftest import Company

pytestmark = pytest.mark.slow


def erase(firm: Company) -> None:
    forget.erase(firm.store, firm.settings, ["lead1@firm1.cn"], "Li Na", "Request 7")


def contents(firm: Company) -> dict[str, str]:
    return dict(firm.rows("SELECT origin_source_id, content FROM creation"))


def test_an_erased_person_is_not_created_and_leaves_no_value(both: Company) -> None:
    both.rules(LEAD, push="plan")
    both.sync()
    assert "lead1@firm1.cn" in contents(both)["f1"]
    erase(both)
    assert contents(both)["f1"] == "{}"
    assert both.statuses()["f1"] == "discarded"
    both.rules(LEAD)
    both.sync()
    assert sorted(item["name"] for item in both.made("crm")) == ["Anna Weber", "Wang Wei"]


def test_a_person_erased_after_the_creation_is_not_created_again(both: Company) -> None:
    both.sync()
    erase(both)
    assert contents(both)["f1"] == "{}"
    both.sync()
    assert len(both.made("crm")) == 3
    assert both.statuses()["f1"] == "applied"


@pytest.mark.parametrize("acted", [False, True])
def test_what_is_in_doubt_about_an_erased_person_is_asked_for_and_never_sent(firm: Company, acted: bool) -> None:
    firm.crm.server.faults.cut("POST /lead", act=acted)
    firm.sync()
    erase(firm)
    firm.later(6)
    firm.sync()
    assert firm.statuses()["f1"] == ("applied" if acted else "discarded")
    assert len(firm.made("crm")) == 2 + acted


def test_retention_takes_the_values_and_leaves_the_row_that_guards(both: Company) -> None:
    both.sync()
    policy = Policy(writes_days=30)
    both.later(31 * 24 * 60)
    assert preview(both.store, policy).new_records == 3
    assert prune(both.store, policy).new_records == 3
    assert set(contents(both).values()) == {"{}"}
    assert prune(both.store, policy).new_records == 0
    both.forms.edit("form", "f1", {"company": "Renamed"})
    both.sync()
    assert len(both.made("crm")) == 3
