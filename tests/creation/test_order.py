"""A won opportunity with an approved quote becomes an order, with the lines and amounts of the quote."""

from __future__ import annotations

from typing import Any

import pytest

from tests.creation.company import ORDER
from tests.creation.conftest import Company

pytestmark = pytest.mark.slow


@pytest.fixture
def firm(firm: Company) -> Company:
    return deal(firm)


@pytest.fixture
def both(both: Company) -> Company:
    return deal(both)


def deal(firm: Company) -> Company:
    """A customer that the ERP knows, and a deal of theirs that is won with an approved quote."""
    firm.rules(ORDER)
    firm.crm.edit("party", "a1", {"name": "Acme", "tax": "913100005588776612"})
    firm.erp.edit("party", "c9", {"name": "Acme", "tax": "913100005588776612"})
    firm.crm.edit("deal", "d1", {"name": "Pumps", "state": "won", "party": "a1", "at": "2026-09-01T08:00:00Z"})
    lines = [
        {"sku": "P-1", "qty": "3", "price": "33.335", "net": "100.01", "text": "Pump"},
        {"sku": "S-1", "qty": "1", "price": "49.99", "net": "49.99", "text": "Start-up"},
    ]
    quote(firm, "q1", net="150.00", lines=lines)
    return firm


def quote(firm: Company, source_id: str, **values: Any) -> None:
    usual = {"number": source_id.upper(), "deal": "d1", "party": "a1", "state": "approved", "day": "2026-09-10"}
    firm.crm.edit("quote", source_id, {**usual, **values})


def refusal(firm: Company) -> str:
    ((status, message),) = firm.rows("SELECT status, message FROM creation")
    assert status == "rejected"
    assert firm.made("erp") == []
    return str(message)


def test_it_becomes_a_draft_order_of_that_customer_with_the_quotes_lines(both: Company) -> None:
    assert both.sync().status == "done"
    (made,) = both.made("erp")
    assert made.pop("key").startswith("ltc-")
    assert made == {
        "party": "c9",
        "quote": "Q1",
        "state": "draft",
        "day": "2026-09-10",
        "net": "150.00",
        "lines": [
            {"sku": "P-1", "qty": "3", "price": "33.335", "net": "100.01", "text": "Pump"},
            {"sku": "S-1", "qty": "1", "price": "49.99", "net": "49.99", "text": "Start-up"},
        ],
    }
    assert both.sync().status == "done"
    assert len(both.made("erp")) == 1


@pytest.mark.parametrize("state", ["open", "lost"])
def test_a_deal_that_is_not_won_makes_none(firm: Company, state: str) -> None:
    firm.crm.edit("deal", "d1", {"state": state})
    firm.sync()
    assert firm.rows() == []


@pytest.mark.parametrize("state", ["draft", "rejected"])
def test_a_deal_without_an_approved_quote_makes_none(firm: Company, state: str) -> None:
    firm.crm.edit("quote", "q1", {"state": state})
    firm.sync()
    assert firm.rows() == []


def test_a_deal_that_has_an_order_makes_none(firm: Company) -> None:
    firm.erp.edit(
        "order", "o1", {"number": "SO-1", "quote": "Q1", "party": "c9", "net": "150.00", "state": "confirmed"}
    )
    firm.sync()
    assert firm.rows() == []


def test_one_that_was_created_before_the_rule_makes_none(firm: Company) -> None:
    firm.crm.edit("deal", "d1", {"at": "2025-12-31T15:59:59Z"})  # a second before midnight in Shanghai
    firm.sync()
    assert firm.rows() == []
    firm.crm.edit("deal", "d1", {"at": "2025-12-31T16:00:00Z"})
    firm.sync()
    assert len(firm.made("erp")) == 1


def test_one_that_does_not_say_when_it_was_created_makes_none(firm: Company) -> None:
    firm.crm.edit("deal", "d1", {"at": None})
    firm.sync()
    assert firm.rows() == []


def test_of_two_approved_quotes_the_accepted_one_counts(firm: Company) -> None:
    quote(firm, "q2", net="10.00", state="accepted", lines=[{"sku": "X", "qty": "1", "net": "10.00"}])
    firm.sync()
    assert [item["quote"] for item in firm.made("erp")] == ["Q2"]


def test_two_approved_quotes_need_a_person(firm: Company) -> None:
    quote(firm, "q2", net="10.00", lines=[{"sku": "X", "qty": "1", "net": "10.00"}])
    firm.sync()
    assert refusal(firm) == "It has several approved quotes: Q1, Q2. Mark one as accepted, or reject the others."


def test_a_customer_that_the_target_does_not_know_needs_a_person_and_goes_on_once_it_does(firm: Company) -> None:
    firm.erp.edit("party", "c9", {"name": "Somebody else", "tax": "913100001122334455"})
    firm.sync()
    assert refusal(firm) == ("The customer Acme is not known in erp. Create it there, or `ltc links confirm` it.")
    firm.erp.edit("party", "c10", {"name": "Acme Ltd", "tax": "913100005588776612"})
    firm.sync()
    assert [item["party"] for item in firm.made("erp")] == ["c10"]


def test_the_condition_of_the_rule_holds_back_others(firm: Company) -> None:
    firm.rules({**ORDER, "when": "name == 'Valves'"})
    firm.sync()
    assert firm.rows() == []
