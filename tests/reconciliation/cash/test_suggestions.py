"""Which suggestion comes first, and what is not suggested because it would hardly be right."""

from __future__ import annotations

import pytest

from tests.reconciliation.cash.world import World


def test_of_a_namesakes_equal_items_the_one_of_the_receipts_day_comes_first() -> None:
    world = World()
    world.parties = [("A", "C-1", "Thomas Wood"), ("B", "C-2", "Thomas Wood")]
    items = [world.item(f"INV-{n}", "29.00", day=30 * n, due=30 * n + 14) for n in range(3)]
    receipt = world.receipt("29.00", party=None, name="THOMAS WOOD", day=60)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert outcome.suggestions(receipt)[0] == {items[2]: 2_900}


def test_of_equal_items_the_one_that_the_payer_would_pay_now_comes_first() -> None:
    world = World()
    for n in range(6):  # always ten days late
        world.item(f"INV-{n}", 100 + n, day=-90 + n, due=-60 + n)
        world.receipt(100 + n, f"INV-{n}", day=-50 + n)
    other = world.item("INV-20", 500, day=-20, due=18)
    meant = world.item("INV-21", 500, day=-25, due=10)
    world.receipt(620, day=19)  # something is open before it, so that nothing is sure
    receipt = world.receipt(500, day=20)
    found = world.apply().suggestions(receipt)
    assert [set(option) for option in found[:2]] == [{meant}, {other}]


def test_a_set_of_equal_amounts_is_suggested_of_those_that_are_due_about_then() -> None:
    world = World()
    world.item("INV-1", "220.52", day=-60, due=-30)
    late = world.item("INV-2", "220.52", day=0, due=19)
    large = world.item("INV-3", "1838.16", day=0, due=19)
    world.receipt("215.00", day=-10)  # it may have paid the first, so that nothing is sure
    receipt = world.receipt("2058.68", day=20)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert set(outcome.suggestions(receipt)[0]) == {late, large}


@pytest.mark.parametrize(("equals", "suggested"), [(1, 1), (3, 3), (4, 0)])
def test_more_than_three_items_of_just_the_amount_are_no_suggestion(equals: int, suggested: int) -> None:
    world = World()
    for n in range(equals):
        world.item(f"INV-{n}", 75, party=f"P{n}")
    receipt = world.receipt(75, "thank you", party=None)
    assert len(world.apply().suggestions(receipt)) == suggested


def test_an_item_of_just_the_amount_comes_before_a_part_of_the_one_that_is_named() -> None:
    world = World()
    world.item("INV-0304301", 3502.95)
    meant = world.item("INV-0304300", 978.35)
    receipt = world.receipt(978.35, "INV-0304301")
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert outcome.suggestions(receipt)[0] == {meant: 97_835}


def test_what_was_paid_before_is_not_suggested_for_something_else() -> None:
    world = World()
    world.item("INV-0416310", "43.90")
    other = world.item("INV-0416311", "116.43")
    world.receipt("43.90", "Invoice INV-0416310", day=20)
    again = world.receipt("43.90", "Invoice INV-0416310", day=24)
    outcome = world.apply()
    assert outcome.suggestions(again) == []
    assert outcome.left(again) == (4_390, "duplicate?")
    assert other not in outcome.settled(again)


@pytest.mark.parametrize(
    ("text", "amount", "suggested"),
    [
        ("INV-101010 batch 533525", 130, True),
        ("INV-101010 batch 533525 thank you", 130, True),
        ("INV-101010 batch 533525 INV-1", 130, False),
        ("INV-101010, INV-101020, INV-999999", 360, False),
        ("INV-101010, 20771", 130, False),
    ],
)
def test_an_excess_is_no_overpayment_where_the_text_may_name_more(text: str, amount: int, suggested: bool) -> None:
    world = World()
    named = [world.item("INV-101010", 100), world.item("INV-101020", 200)]
    receipt = world.receipt(amount, text)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert ({named[0]: 10_000} in outcome.suggestions(receipt)) is suggested
    assert bool(outcome.suggestions(receipt)) is suggested


def test_other_items_that_make_up_just_the_amount_come_before_a_surcharge_that_nothing_says() -> None:
    world = World()
    named = world.item("INV-0402040", 1955, other=["4500269404"])
    others = [world.item(f"INV-04026{n}", amount, day=n) for n, amount in ((1, 60), (2, 35), (3, 60))]
    receipt = world.receipt(2050, "4500269404/4500647")
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert set(outcome.suggestions(receipt)[0]) == {named, *others[:2]}


@pytest.mark.parametrize(
    ("text", "suggested"),
    [
        ("Credit note 11205", False),
        ("Gutschrift 317209117", False),
        ("退货退款", False),
        ("保险理赔款", False),
        ("thank you", True),
    ],
)
def test_money_that_others_pay_back_is_not_suggested_for_a_customers_item(text: str, suggested: bool) -> None:
    world = World()
    world.item("INV-0414863", "721.60", party="B")
    stranger = world.receipt("721.60", text, party=None, name="Evans Instruments Limited")
    assert bool(world.apply().suggestions(stranger)) is suggested


def test_somebody_whom_nobody_knows_hardly_pays_a_little_of_an_item_that_is_named_badly() -> None:
    world = World()
    world.item("INV-0404436", "16597.78")
    receipt = world.receipt("336.44", "delivery 0404436", party=None, name="Williams Foods LLP")
    assert world.apply().suggestions(receipt) == []
    exact = world.receipt("336.44", "INV-0404436", party=None, name="Williams Foods LLP", day=21)
    assert world.apply().suggestions(exact)


@pytest.mark.parametrize(("others", "suggested"), [(0, True), (1, False)])
def test_an_amount_less_a_discount_that_is_over_is_suggested_for_the_one_item_it_fits(
    others: int, suggested: bool
) -> None:
    world = World()
    item = world.item("RE-1", "5000.35", discount="0.03", until=14)
    for n in range(others):
        world.item(f"RE-1{n}", "5000.35", discount="0.03", until=15)
    world.item("RE-2", 710)
    receipt = world.receipt("4850.34", day=60)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert (outcome.suggestions(receipt)[:1] == [{item: 500_035}]) is suggested


def test_of_equal_items_that_a_whole_sum_may_be_for_those_come_first_that_are_paid_now() -> None:
    world = World()
    equals = [world.item(f"SUB-{month}", 79, day=30 * month, due=30 * month + 14) for month in range(8)]
    receipt = world.receipt(158, day=212)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert set(outcome.suggestions(receipt)[0]) == set(equals[-2:])
