"""What rules have matched by themselves: shown with its evidence, found by text, undone by a person for good."""

# ruff: noqa: F811 - fixtures of another file are imported

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from sqlalchemy import select, update

from reconciliation.engine import reconcile
from settings.model import Settings
from state import audit, cash_matched
from state.members import Role
from state.schema import canonical, figure
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_cash import anna, filled, known  # noqa: F401
from tests.web.toy_company import plain


def test_what_rules_matched_stands_with_rule_evidence_and_the_way_to_both_traces(anna: Browser) -> None:
    page = anna.get("/cash/matched").text
    assert '<a href="/trace?text=P1">P1</a> · 1,100.00 CNY' in page
    assert '<a href="/trace?text=INV-20260001">INV-20260001</a> <b>1,000.00</b> CNY' in page
    assert "More than what it names. named by: its number; number: INV-20260001" in plain(page)
    assert "overpayment" not in plain(page), "rules that come along say in words why they match"
    assert "P3" not in plain(page), "only suggested"
    assert 'href="/cash/matched"' in anna.get("/cash").text


@pytest.mark.parametrize("text", ["P1", "p1", "INV-20260001", "acme", "c-1", "wire of miller"])
def test_a_matched_receipt_is_found_by_what_is_shown_of_it(anna: Browser, desk: Store, text: str) -> None:
    with desk.transaction() as connection:
        connection.execute(update(canonical["payment"]).values(payer_name="Wire of MILLER"))
    assert shown(anna, text) == ["P1"]


@pytest.mark.parametrize("text", ["P3", "decision", "auto", "INV-20260002", "%"])
def test_what_is_not_shown_of_a_matched_receipt_does_not_find_it(anna: Browser, text: str) -> None:
    assert shown(anna, text) == []
    assert "No receipt that a rule has matched has this in it." in anna.get(f"/cash/matched?text={text}").text


def test_what_was_received_last_comes_first_and_of_many_each_is_found_by_its_own_number(
    anna: Browser, desk: Store
) -> None:
    older = known(desk, "P1"), known(desk, "P2"), known(desk, "P3")
    with desk.transaction() as connection:
        value = connection.execute(
            select(figure.c.value).where(figure.c.kind == "cash", figure.c.key == str(older[0]))
        ).scalar_one()
        for receipt, day in zip(older, ("2026-10-05", "2026-10-07", "2026-10-06"), strict=True):
            named = json.loads(value)
            named["record"]["number"] = f"P{receipt}"
            text = json.dumps(named, separators=(",", ":"))
            connection.execute(figure.insert().values(kind="cash", key=str(receipt), at=1, run_id="x", value=text))
            payment = canonical["payment"]
            connection.execute(update(payment).where(payment.c.record_id == receipt).values(received_on=day))
    assert shown(anna) == [f"P{older[place]}" for place in (1, 2, 0)]
    with patch.object(cash_matched, "LOOKED_AT", 1):
        assert shown(anna) == [f"P{older[2]}"]
        assert shown(anna, "INV-20260001") == [f"P{older[2]}"]
        assert shown(anna, "P1") == [f"P{older[0]}"], "its source calls it so"


def test_a_match_is_undone_with_a_reason_and_the_next_reconciliation_keeps_to_it(
    anna: Browser, desk: Store, given: Settings
) -> None:
    receipt = known(desk, "P1")
    refused = anna.post(f"/cash/{receipt}/unmatch", reason=" ")
    assert (refused.status_code, "Say why; the reason is kept" in refused.text) == (422, True)
    anna.post(f"/cash/{receipt}/unmatch", reason="Paid for a deposit")
    page = plain(anna.get("/cash/matched").text)
    assert "The match is undone" in page
    assert "Paid for a deposit Holds from the next reconciliation on." in page
    with desk.reading() as connection:
        assert "Paid for a deposit" in str(audit.entries(connection, limit=1))
    anna.post(f"/cash/{receipt}/unmatch", reason="Again")
    assert "somebody has decided about it" in anna.get("/cash/matched").text
    reconcile(desk, given, "run-2")
    assert shown(anna) == []
    assert "INV-20260001 does not settle it" in plain(anna.get("/cash/decided").text)
    anna.post(f"/cash/{receipt}/undo")
    reconcile(desk, given, "run-3")
    assert shown(anna) == ["P1"]


def test_who_only_looks_sees_what_was_matched_and_undoes_nothing(as_role: Callable[[Role], Browser]) -> None:
    page = as_role(Role.VIEWER).get("/cash/matched").text
    assert ("INV-20260001" in page, "/unmatch" in page) == (True, False)


def test_programs_read_and_undo_what_rules_matched(anna: Browser, desk: Store) -> None:
    found = anna.get("/api/v1/receipts/matched?text=acme").json()
    assert (found["total"], found["items"][0]["applied"][0]["rule"]) == (1, "overpayment")
    receipt = found["items"][0]["id"]
    assert receipt == known(desk, "P1")
    assert anna.get("/api/v1/receipts/matched?text=P3").json()["items"] == []


def shown(browser: Browser, text: str = "") -> list[str]:
    """The receipts on the page, in their order."""
    page = browser.client.get("/cash/matched", params={"text": text}).text
    return [plain(part.partition("·")[0]).removeprefix("books ") for part in page.split("<h2>")[1:]]


def test_a_rule_that_somebody_has_named_stands_with_its_name(anna: Browser, desk: Store) -> None:
    changed(desk, rule="our_overpayments")
    assert "Rule our_overpayments : " in plain(anna.get("/cash/matched").text)


@pytest.mark.parametrize(("doubt", "said"), [(0.0, "none"), (0.00034, "fewer than 0.01"), (0.037, "0.037")])
def test_what_else_might_explain_an_amount_is_told_in_words(
    anna: Browser, desk: Store, doubt: float, said: str
) -> None:
    changed(desk, rule="party_amount_date", evidence={"amount": "equal", "doubt": doubt})
    page = plain(anna.get("/cash/matched").text)
    assert f"The payer owes just this amount. amount: equal; other explanations to be expected: {said}" in page


def changed(store: Store, **values: Any) -> None:
    """Let what the rule matched say this."""
    with store.transaction() as connection:
        rows = connection.execute(select(figure.c.id, figure.c.value).where(figure.c.kind == "cash")).all()
        [(id, value)] = [(row.id, json.loads(row.value)) for row in rows if '"decision":"auto"' in row.value]
        value["applied"][0] |= values
        text = json.dumps(value, separators=(",", ":"))
        connection.execute(update(figure).where(figure.c.id == id).values(value=text))
