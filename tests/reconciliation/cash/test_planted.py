"""Each planted fault is found, with its exact amount.

The worlds come from the generator of the bench, which knows nothing of the matching.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from bench.matching import faults, worlds
from bench.matching.contestants import CONTESTANTS
from bench.matching.faults import PLANTS, Planted

Row = dict[str, Any]

EXPLAINED = {"discount": "discount", "rounding": "rounding"}
"""What the terms of the invoice or the tolerance explain."""
UNEXPLAINED = ("short_payment", "fee", "withholding_tax", "missing_credit")
"""What one payment alone does not tell apart: that money is missing is known, and how much."""
BEYOND = ("overpayment", "surcharge")


@dataclass
class Answer:
    """What the matching says about a world with one fault."""

    planted: Planted
    booked: list[Row]
    """Rows of the planted receipt that need no person."""
    first: list[Row]
    """Those, or the best suggestion where there are none."""
    differences: list[Row]
    """Those of the rows in ``first``."""
    residue: list[Row]
    settled: int
    """What is booked on the planted item by all receipts."""


@pytest.fixture
def answers() -> Iterator[Any]:
    """Plant a fault of a kind, match, and return what is said about it."""
    with worlds.connect() as connection:

        def rows(sql: str, *values: int) -> list[Row]:
            cursor = connection.execute(sql, values)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

        def ask(kind: str) -> Answer:
            planted = faults.plant(connection, kind)
            CONTESTANTS["engine"](connection)
            receipt = planted.receipt.receipt_id
            item = planted.item.item_id if planted.item else 0
            booked = rows("FROM applications WHERE receipt_id = ? AND decision IN ('auto', 'pinned')", receipt)
            best = rows("FROM applications WHERE receipt_id = ? AND decision = 'suggested' AND rank = 1", receipt)
            on_item = rows(
                "SELECT sum(applied) AS sum FROM applications WHERE item_id = ? AND decision IN ('auto', 'pinned')",
                item,
            )
            return Answer(
                planted,
                booked,
                booked or best,
                rows("FROM differences WHERE receipt_id = ?", receipt) if booked else _suggested(best),
                rows("FROM residue WHERE receipt_id = ?", receipt),
                on_item[0]["sum"] or 0,
            )

        yield ask


def _suggested(rows: list[Row]) -> list[Row]:
    """The differences of a suggestion, which only its evidence tells."""
    return [difference for row in rows for difference in json.loads(row["evidence"]).get("differences", ())]


def _items(rows: list[Row]) -> dict[int, int]:
    return {row["item_id"]: row["applied"] for row in rows}


@pytest.mark.parametrize("kind", EXPLAINED)
def test_a_difference_with_a_reason_is_booked_with_its_exact_amount(kind: str, answers: Any) -> None:
    answer = answers(kind)
    assert _items(answer.booked) == {answer.planted.item.item_id: answer.planted.item.open}
    assert [(row["kind"], row["amount"]) for row in answer.differences] == [(EXPLAINED[kind], answer.planted.amount)]


@pytest.mark.parametrize("kind", UNEXPLAINED)
def test_money_that_is_missing_is_shown_with_its_exact_amount(kind: str, answers: Any) -> None:
    answer = answers(kind)
    applied = _items(answer.first)
    assert answer.planted.item.item_id in applied
    opened = sum(row.item.open for row in answer.planted.receipt.rows)
    left_open = sum(applied.values()) - opened
    told = sum(row["amount"] for row in answer.differences)
    assert left_open + told == answer.planted.amount


@pytest.mark.parametrize("kind", BEYOND)
def test_money_beyond_what_was_owed_is_shown_with_its_exact_amount(kind: str, answers: Any) -> None:
    answer = answers(kind)
    assert _items(answer.first) == {answer.planted.item.item_id: answer.planted.item.open}
    beyond = [row["amount"] for row in (*answer.differences, *answer.residue)]
    assert beyond == [answer.planted.amount]


@pytest.mark.parametrize("kind", ["duplicate", "unknown_receipt", "lookalike"])
def test_money_that_settles_nothing_is_left_with_its_exact_amount(kind: str, answers: Any) -> None:
    answer = answers(kind)
    assert answer.booked == []
    assert sum(row["amount"] for row in answer.residue) == answer.planted.amount


def test_a_second_payment_is_told_as_one(answers: Any) -> None:
    assert [row["class"].rstrip("?") for row in answers("duplicate").residue] == ["duplicate"]


def test_a_payment_recorded_under_another_customer_is_not_booked_on_that_customers_items(answers: Any) -> None:
    answer = answers("wrong_party")
    assert _items(answer.first) == {answer.planted.item.item_id: answer.planted.amount}


def test_an_invoice_that_nobody_pays_stays_open(answers: Any) -> None:
    answer = answers("unpaid")
    assert answer.booked
    assert answer.settled == 0


def test_a_part_leaves_the_exact_rest_open(answers: Any) -> None:
    answer = answers("partial_payment")
    cash = sum(row["applied"] for row in answer.first) + sum(row["amount"] for row in answer.differences)
    assert list(_items(answer.first)) == [answer.planted.item.item_id]
    assert answer.planted.item.open - cash == answer.planted.amount


@pytest.mark.parametrize("kind", ["chargeback", "debit_return"])
def test_money_that_is_taken_back_opens_its_invoice_again(kind: str, answers: Any) -> None:
    answer = answers(kind)
    assert _items(answer.first) == {answer.planted.item.item_id: -answer.planted.amount}


def test_a_credit_note_is_taken_off_with_its_exact_amount(answers: Any) -> None:
    answer = answers("credit_netted")
    assert _items(answer.booked)[answer.planted.item.item_id] == answer.planted.amount
    assert len(answer.booked) == 2
    assert answer.differences == []


def test_a_netted_fee_leaves_the_invoice_paid_in_full(answers: Any) -> None:
    answer = answers("processor_fee")
    assert _items(answer.booked) == {answer.planted.item.item_id: answer.planted.item.open}


def test_of_two_equal_invoices_one_is_paid(answers: Any) -> None:
    answer = answers("twins")
    assert len(answer.first) == 1
    assert answer.first[0]["applied"] == answer.planted.amount


def test_a_parent_pays_for_its_subsidiaries(answers: Any) -> None:
    answer = answers("by_parent")
    assert len(answer.booked) == 2
    assert sum(row["applied"] for row in answer.booked) == answer.planted.amount


def test_every_kind_of_fault_has_its_test() -> None:
    tested = {*EXPLAINED, *UNEXPLAINED, *BEYOND}
    tested |= {"duplicate", "unknown_receipt", "lookalike", "wrong_party", "unpaid", "partial_payment"}
    tested |= {"chargeback", "debit_return", "credit_netted", "processor_fee", "twins", "by_parent"}
    assert tested == set(PLANTS)
