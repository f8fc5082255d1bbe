"""Payers who withhold the same share of tax from every payment: an amount less that names its item."""

from __future__ import annotations

import pytest

from tests.reconciliation.cash.world import World


def _withholding(payments: int, *, whole: int = 0, party: str = "A") -> World:
    """A payer who withheld a tenth from so many payments that name what they pay, and nothing from others."""
    world = World()
    for n in range(payments + whole):
        amount = 100 + 7 * n
        world.item(f"INV-0{party}{100 + n}", amount, party=party)
        paid = f"{amount * 0.9:.2f}" if n < payments else amount
        world.receipt(paid, f"INV-0{party}{100 + n}", party=party, day=10 + n)
    return world


@pytest.mark.parametrize(
    ("payments", "whole", "settled"),
    [(3, 0, True), (2, 0, False), (8, 2, True), (8, 3, False)],
)
def test_an_item_is_recognised_less_what_its_payer_always_withholds(payments: int, whole: int, settled: bool) -> None:
    world = _withholding(payments, whole=whole)
    item = world.item("INV-0304301", "5000.35")
    world.item("INV-0304302", "4400.00")
    receipt = world.receipt("4500.31", day=40)
    outcome = world.apply()
    assert outcome.settled(receipt) == ({item: 500_035} if settled else {})
    if settled:
        assert outcome.rule(receipt) == "withheld_amount"
        assert outcome.differences(receipt) == {"withholding_tax": -50_004}
        assert outcome.left(receipt) is None


def test_what_another_payer_withholds_says_nothing() -> None:
    world = _withholding(3)
    world.item("INV-0304301", "5000.35", party="B")
    receipt = world.receipt("4500.31", party="B", day=40)
    assert world.apply().settled(receipt) == {}


def test_an_item_of_the_whole_amount_goes_before_one_less_what_is_withheld() -> None:
    world = _withholding(3)
    world.item("INV-0304301", "5000.35")
    whole = world.item("INV-0304302", "4500.31")
    receipt = world.receipt("4500.31", day=40)
    assert world.apply().settled(receipt) == {whole: 450_031}


def test_of_several_items_that_come_to_it_a_person_chooses() -> None:
    world = _withholding(3)
    items = [world.item(f"INV-030430{n}", "5000.35", day=n) for n in range(2)]
    receipt = world.receipt("4500.31", day=40)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert {item for option in outcome.suggestions(receipt) for item in option} == set(items)


def test_of_an_orders_items_the_one_less_what_is_withheld_is_paid() -> None:
    world = _withholding(3)
    items = [
        world.item(f"INV-030430{n}", amount, other=["4500841958"]) for n, amount in enumerate(("2825.17", 900, 77))
    ]
    receipt = world.receipt("2542.65", "order 4500841958", day=40)
    assert world.apply().settled(receipt) == {items[0]: 282_517}


@pytest.mark.parametrize("text", ["INV-09999999", "invoice 4711"])
def test_a_text_that_may_name_something_else_is_not_overruled(text: str) -> None:
    world = _withholding(3)
    world.item("INV-0304301", "5000.35")
    receipt = world.receipt("4500.31", text, day=40)
    assert world.apply().settled(receipt) == {}


@pytest.mark.parametrize(("payments", "settled"), [(5, 5), (4, 0)])
def test_payments_that_name_nothing_show_what_is_withheld_if_there_are_many(payments: int, settled: int) -> None:
    world = World()
    for n in range(payments):
        amount = 1000 + 137 * n
        world.item(f"INV-0{n}", amount)
        world.receipt(f"{amount * 0.95:.2f}", day=40 + n)
    assert len(world.apply().settled()) == settled


def test_equal_payments_that_name_nothing_show_nothing() -> None:
    world = World()
    for n in range(6):
        world.item(f"INV-0{n}", 1000, day=n)
        world.receipt(950, day=40 + n)
    assert world.apply().settled() == {}
