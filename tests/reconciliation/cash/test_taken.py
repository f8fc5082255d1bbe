"""Money whose invoice somebody has given to another receipt: it is not to be refunded."""

from __future__ import annotations

import pytest

from tests.reconciliation.cash.world import World


def step(world: World, receipt: int) -> tuple[str, str]:
    """Of what class what is left of a receipt is, and what to do next."""
    return next((row[2], row[3]) for row in world.apply().residue_rows if row[0] == receipt)


def given_away(text: str, amount: object = 100, taker: str | None = None) -> tuple[World, int, int]:
    """A's only invoice, decided to be paid by another's receipt; then A pays."""
    world = World()
    item = world.item("INV-00283", 100)
    other = world.receipt(100, "thanks", party=taker, name="Wang Li")
    world.pins = [(other, item, 10_000, 10_000)]
    return world, item, world.receipt(amount, text, party="A", day=25)


@pytest.mark.parametrize(
    ("text", "amount"), [("INV-00283", 70), ("Rechnung INV O0283", 70), ("inv 00283 rest", 170), ("no number", 100)]
)
@pytest.mark.parametrize("taker", [None, "B"])
def test_who_paid_what_was_given_to_another_is_not_refunded(text: str, amount: int, taker: str | None) -> None:
    world, _, receipt = given_away(text, amount, taker)
    assert step(world, receipt) == ("taken_by_decision", "check_decision")


def test_money_that_has_nothing_to_do_with_the_decision_is_judged_as_before() -> None:
    world, _, receipt = given_away("thank you", 33)
    assert step(world, receipt) == ("nothing_open", "refund_or_keep")


def test_a_decision_for_a_receipt_of_the_customer_or_who_pays_for_it_takes_nothing_away() -> None:
    world, _, receipt = given_away("", 100, taker="A")
    assert step(world, receipt)[0] == "nothing_open"
    world, _, receipt = given_away("", 100, taker="B")
    world.related = [("B", "A", "decided")]
    assert step(world, receipt)[0] == "nothing_open"


def test_what_was_cut_by_a_person_is_not_asked_about_again() -> None:
    world, item, receipt = given_away("INV-00283")
    world.forbidden = [(receipt, item)]
    assert step(world, receipt)[0] == "nothing_open"


def test_nothing_is_refunded_while_an_invoice_is_open_that_the_text_names() -> None:
    world = World()
    items = [world.item("INV-00283", 100), world.item("INV-00284", 50)]
    first = world.receipt(100, "INV-00283")
    second = world.receipt(70, "Rechnung INV O0283", day=25)
    world.pins = [(first, items[0], 10_000, 10_000), (second, items[1], 5_000, 5_000)]
    assert step(world, second) == ("left_by_decision", "decide_rest")
    world.pins = [(first, items[0], 10_000, 10_000), (world.receipt(50), items[1], 5_000, 5_000)]
    assert step(world, second) == ("already_settled", "ask_payer")
    world.receipts[1] = (*world.receipts[1][:-1], "thank you")
    assert step(world, second) == ("nothing_open", "refund_or_keep")


def test_what_a_person_left_of_a_receipt_is_for_people_to_decide_and_no_overpayment() -> None:
    world = World()
    item, _ = world.item("INV-1", 100), world.item("INV-2", 500)
    receipt = world.receipt(130, "thanks", party="A", day=25)
    world.pins = [(receipt, item, 10_000, 10_000)]
    assert world.apply().left(receipt) == (3_000, "left_by_decision")
    assert step(world, receipt) == ("left_by_decision", "decide_rest")
