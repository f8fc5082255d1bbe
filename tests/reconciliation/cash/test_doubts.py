"""What makes a match sure although the text is poor, and what makes it doubtful although an amount fits."""

from __future__ import annotations

from tests.reconciliation.cash.world import World


def test_some_of_the_months_that_the_text_names_are_paid_if_no_other_set_comes_to_it() -> None:
    world = World()
    first = world.item("INV-1", "240575.13", day=1)
    world.item("INV-2", "22602.77", day=3)
    second = world.item("INV-3", "87386.31", day=35)
    world.item("INV-4", "99110.49", day=36)
    receipt = world.receipt("327961.44", "Rechnungen 03/2026 Rechnungen 04/2026", day=60)
    outcome = world.apply()
    assert outcome.settled(receipt) == {first: 24_057_513, second: 8_738_631}
    assert outcome.evidence(receipt)[0]["month"] == "2026-03, 2026-04"


def test_a_set_without_one_of_the_named_months_is_not_taken_for_them() -> None:
    world = World()
    for place, amount in enumerate(("240575.13", "87386.31", "22602.77")):
        world.item(f"INV-{place}", amount, day=1 + place)
    world.item("INV-9", "99110.49", day=36)
    receipt = world.receipt("327961.44", "Rechnungen 03/2026 Rechnungen 04/2026", day=60)
    assert world.apply().rule(receipt) != "named_period"


def test_an_equal_item_is_doubtful_while_another_comes_to_it_less_its_discount() -> None:
    world = World()
    equal = world.item("INV-1", "98.00", day=0)
    discounted = world.item("INV-2", "100.00", day=15, discount="0.02", until=25)
    receipt = world.receipt("98.00", day=20)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert [set(option) for option in outcome.suggestions(receipt)[:2]] == [{equal}, {discounted}]


def test_of_equal_items_those_that_earlier_receipts_may_have_paid_are_not_suggested_first() -> None:
    world = World()
    items = [world.item(f"INV-{n}", "19.00", day=30 * n) for n in range(3)]
    world.receipt("38.00", day=40)
    receipt = world.receipt("19.00", day=70)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert outcome.suggestions(receipt)[0] == {items[2]: 1_900}


def test_in_another_currency_the_last_digits_of_the_payers_own_numbers_are_enough() -> None:
    world = World()
    world.rate("USD", 0, "0.9")
    world.rate("USD", 20, "0.9")
    items = [world.item(f"INV-040{n}", amount, currency="USD") for n, amount in ((1046, 500), (1139, 300))]
    receipt = world.receipt("718.00", "inv 1046+1139", day=20)
    outcome = world.apply()
    assert outcome.settled(receipt) == {items[0]: 50_000, items[1]: 30_000}
    assert outcome.differences(receipt) == {"fx": -200}


def test_a_little_less_than_one_item_of_which_the_last_digits_are_named_is_settled() -> None:
    world = World()
    item = world.item("INV-0402334", "331.00")
    other = world.item("INV-0402335", "731.00")
    receipt = world.receipt("318.76", "inv 02334")
    outcome = world.apply()
    assert outcome.settled(receipt) == {item: 33_100}
    assert other not in outcome.settled(receipt)


def test_a_part_is_booked_on_an_item_with_a_lapsed_discount_unless_a_credit_note_is_open() -> None:
    settled = []
    for credit in (False, True):
        world = World()
        item = world.item("INV-1000", "1000.00", discount="0.02", until=5)
        if credit:
            world.item("CN-1", "-30.00", day=3)
        receipt = world.receipt("910.00", "INV-1000")
        settled.append(world.apply().settled(receipt) == {item: 91_000})
    assert settled == [True, False]
