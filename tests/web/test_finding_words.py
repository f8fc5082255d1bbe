"""Words of what findings say lead to the findings of those checks, in either language."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from console.web import finding_words
from state import finding_terms, schema
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_findings import checks
from tests.web.test_pages import listed


@pytest.fixture
def anna(as_role: Callable[[Role], Browser]) -> Browser:
    return as_role(Role.FINANCE)


def test_words_that_a_finding_says_find_it_and_others_do_not(anna: Browser, desk: Store) -> None:
    for words in ("overdue", "Overdue INVOICE", "overdue, finance", "逾期", "over 1,200.00 overdue"):
        assert "invoice_overdue" in checks(desk, anna, f"text={words}") or words.startswith("over "), words
    assert checks(desk, anna, "text=approval") == {"quote_without_approval"}
    assert checks(desk, anna, "text=未审批") <= {"quote_without_approval"}
    assert checks(desk, anna, "text=approval Q-1") == {"quote_without_approval"}
    assert listed(anna, "text=approval INV-1") == []
    assert listed(anna, "text=approval overdue") == []
    assert listed(anna, "text=approval&check=invoice_overdue") == []


def test_where_nothing_is_found_a_click_clears_the_filters(anna: Browser) -> None:
    page = anna.get("/findings?text=nothing-like-it&severity=error").text
    assert 'Nothing was found. <a href="/findings?order=severity">Clear the filters</a>' in page


@pytest.mark.parametrize("text", ["", "it", "to", "of", "342", "SO-342", "期", "zzzz", "  ", "{count}"])
def test_what_is_no_word_of_a_check_leads_to_none(text: str) -> None:
    assert finding_words.said(text, {}) == ((), ())


def test_departments_stages_and_own_checks_lead_to_checks_and_the_rest_is_left() -> None:
    words = {"title": {"en": "Zebra crossed", "zh": "斑马过街"}, "sentence": {"en": "{order}", "zh": "{order}"}}
    own = {"ours": words}
    assert finding_words.said("zebra ACMEX", own).ways == ((("ours",), "ACMEX"),)
    assert finding_words.said("斑马", own).ways == ((("ours",), ""),)
    assert (("ours",), "order") in finding_words.said("order zebra", own).ways
    assert all(rest for _, rest in finding_words.said("order zebra", own).ways)
    [(checks_of_logistics, rest)] = finding_words.said("logistics", {}).ways
    assert (bool(checks_of_logistics), "payment_repeated" in checks_of_logistics, rest) == (True, False, "")
    assert finding_words.said("物流", {}).ways == finding_words.said("Logistics", {}).ways


def test_words_that_a_sentence_fills_in_find_it_in_either_language(anna: Browser, desk: Store) -> None:
    with desk.transaction() as connection:
        table = schema.finding
        query = select(table.c.id).where(table.c.check_id == "invoice_overdue").limit(1)
        id = connection.execute(query).scalar_one()
        connection.execute(update(table).where(table.c.id == id).values(check_id="order_cancelled_but_active"))
        said = json.dumps({"order": "SO-77", "happened_words": ["invoiced", "paid"], "amount_money": 1})
        connection.execute(update(table).where(table.c.id == id).values(params=said))
        finding_terms.rebuild(connection)
    for text in ("invoiced and paid", "paid SO-77", "已开票、已收款", "已收款 SO-77", "cancelled paid"):
        assert listed(anna, f"text={text}") == [id], text
    for text in ("delivered and paid SO-77", "已交付 SO-77"):
        assert listed(anna, f"text={text}") == [], text
