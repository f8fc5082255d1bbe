"""What payments of named items and names of payers prove, and what stands against them."""

from __future__ import annotations

import pytest

from tests.reconciliation.cash.world import World


def test_what_is_missing_from_the_one_item_that_is_named_stays_open_whatever_its_reason() -> None:
    world = World()
    item = world.item("INV-1001", 10_000)
    receipt = world.receipt(9_000, "INV-1001")  # a tenth may be a tax that is withheld, for the first time
    assert world.apply().settled(receipt) == {item: 900_000}


@pytest.mark.parametrize(("credit", "settled"), [("-3000.00", True), ("-500.00", False)])
def test_only_a_credit_note_of_about_what_is_missing_may_have_been_taken_off(credit: str, settled: bool) -> None:
    world = World()
    item = world.item("INV-1001", 10_000)
    world.item("CN-7001", credit, day=5)
    receipt = world.receipt("8417.00", "INV-1001", day=20)
    assert (item in world.apply().settled(receipt)) is settled


@pytest.mark.parametrize(("again", "settled"), [(False, True), (True, False)])
def test_an_order_whose_other_item_was_paid_by_just_that_is_paid_twice_not_in_part(again: bool, settled: bool) -> None:
    world = World()
    amount = "507.43" if again else "600.00"
    first = world.item("INV-1001", amount, other=["PO-45006"])
    other = world.item("INV-1002", "4757.71", other=["PO-45006"], day=5)
    world.receipt(amount, "INV-1001", day=10)
    receipt = world.receipt("507.43", "PO-45006", day=20)
    outcome = world.apply()
    assert (other in outcome.settled(receipt)) is settled
    assert first not in outcome.settled(receipt)


def test_a_damaged_number_is_read_where_the_item_less_its_discount_is_the_amount() -> None:
    world = World()
    item = world.item("INV250301971", "8645.00", discount="0.02", until=10)
    receipt = world.receipt("8472.10", "INV2850301971", day=5)
    outcome = world.apply()
    assert outcome.settled(receipt) == {item: 864_500}
    assert outcome.differences(receipt) == {"discount": -17_290}


def test_the_discount_of_an_item_that_a_list_names_wrongly_is_taken_off_as_well() -> None:
    world = World()
    items = [world.item(f"INV25030{n}", amount, discount="0.02", until=10) for n, amount in ((2009, 1000), (2117, 963))]
    receipt = world.receipt("1923.74", "INV250302009+INV250902117", day=5)
    assert set(world.apply().settled(receipt)) == set(items)


@pytest.mark.parametrize(("equal", "settled"), [(False, True), (True, False)])
def test_an_item_beside_the_named_ones_is_not_chosen_where_it_has_an_equal(equal: bool, settled: bool) -> None:
    world = World()
    world.item("INV-100200", "1000.00")
    other = world.item("INV-100300", "731.49", day=2, discount="0.02", until=12)
    if equal:
        world.item("INV-100100", "731.49", day=1)
    receipt = world.receipt("1716.86", "INV-100200", day=10)
    assert (other in world.apply().settled(receipt)) is settled


def test_what_is_issued_after_the_payment_is_not_among_what_it_pays_without_naming_it() -> None:
    for day, settled in ((9, True), (13, False)):
        world = World()
        world.item("INV-100200", "1000.00")
        other = world.item("INV-100300", "731.49", day=day)
        receipt = world.receipt("1731.49", "INV-100200", day=10)
        assert (other in world.apply().settled(receipt)) is settled


@pytest.mark.parametrize(("smallest", "settled"), [("117.32", False), ("1279.32", True)])
def test_a_little_is_missing_from_several_items_only_if_it_is_little_of_each(smallest: str, settled: bool) -> None:
    world = World()
    one, other = world.item("INV-6085", "5414.82"), world.item("INV-9175", smallest, day=2)
    receipt = world.receipt(f"{5414.82 + float(smallest) - 34:.2f}", "INV-6085, INV-9175", day=30)
    assert ({one, other} == set(world.apply().settled(receipt))) is settled


def test_the_year_of_a_month_is_not_the_end_of_a_number() -> None:
    world = World()
    other = world.item("RE-7001", "1350.97", day=20, other=["4500902026"])
    meant = world.item("RE-7002", "1350.97", day=-30)
    receipt = world.receipt("1350.97", "Rechnungen 01/2026", day=40)
    outcome = world.apply()
    assert other not in outcome.settled(receipt)
    assert meant in outcome.settled(receipt) or outcome.suggestions(receipt)


def test_an_equal_item_is_not_paid_by_what_has_the_digits_of_one_that_is_settled() -> None:
    for text, settled in (("00006085", False), ("", True)):
        world = World()
        world.item("25312000020000006085", 1043)
        world.receipt(1043, "25312000020000006085", day=10)
        other = world.item("25312000020000004219", 1043, day=2)
        receipt = world.receipt(1043, text, day=20)
        assert (other in world.apply().settled(receipt)) is settled


def test_of_equal_items_none_is_chosen_where_another_receipt_names_the_order_of_one() -> None:
    for text, settled in (("Order PO-73746", False), ("", True)):
        world = World()
        oldest = world.item("INV-1043", "3783.04", other=["PO-73746"])
        world.item("INV-1223", "3783.04", day=3, other=["PO-18609"])
        receipt = world.receipt("3783.04", "outstanding balance", day=30)
        world.receipt("3632.04", text, day=33)
        assert (oldest in world.apply().settled(receipt)) is settled


def test_bare_digits_of_a_strangers_order_do_not_keep_a_payer_from_paying_what_he_owes() -> None:
    world = World()
    world.item("RE-17636", "166.81", party="B", other=["B25/5859"])
    item = world.item("RE-14612", "478.66")
    receipt = world.receipt("478.66", "offene Rechnungen Zahllauf 255859", day=20)
    assert world.apply().settled(receipt) == {item: 47_866}


def test_an_umlaut_that_a_bank_spells_out_is_the_same_name() -> None:
    world = World()
    item = world.item("RE-14612", "478.66", party="K")
    world.parties.append(("K", "4711", "Uwe Köhler"))
    receipt = world.receipt("478.66", party=None, name="UWE KOEHLER")
    assert world.apply().settled(receipt) == {item: 47_866}


@pytest.mark.parametrize(("name", "settled"), [("Nordwind Handel AG", True), ("Somebody Else", False)])
def test_one_payment_tells_whose_account_it_is_if_the_payer_bears_the_customers_name(name: str, settled: bool) -> None:
    world = World()
    world.item("INV-100200", 100, party="N")
    silent = world.item("INV-100300", "555.55", party="N")
    world.parties += [("N", "4711", "Nordwind Handel AG"), ("N2", "4712", "Nordwind Handel GmbH")]
    world.item("INV-100400", "555.55", party="N2")
    world.receipt(100, "INV-100200", party=None, name=name, account="DE1", day=10)
    receipt = world.receipt("555.55", party=None, name=name, account="DE1", day=20)
    assert world.apply().settled(receipt) == ({silent: 55_555} if settled else {})


def test_an_amount_alone_is_suggested_first_for_the_customer_whose_name_has_something_of_the_payers() -> None:
    world = World()
    nearer = world.item("INV-1", "75.31", party="N", day=15)
    named = world.item("INV-2", "75.31", party="M")
    world.parties += [("N", "4710", "Nordwind Pumpen"), ("M", "4711", "Meyer Druck")]
    receipt = world.receipt("75.31", "thank you", party=None, name="Meyer Huber Tools", day=45)
    assert [list(option) for option in world.apply().suggestions(receipt)] == [[named], [nearer]]


@pytest.mark.parametrize(
    ("amount", "own", "suggested"), [(500, True, True), (500, False, False), ("500.40", False, True)]
)
def test_whole_hundreds_of_a_known_payer_are_suggested_for_what_he_owes_alone(
    amount: int | str, own: bool, suggested: bool
) -> None:
    world = World()
    for day in (2, 3):
        world.item(f"INV-100{day}", amount, party="A" if own else "B", day=day)
    receipt = world.receipt(amount, "INV-9009", day=20)
    assert bool(world.apply().suggestions(receipt)) is suggested


def test_money_of_a_stranger_is_suggested_for_what_it_equals_and_money_of_the_bank_is_not() -> None:
    world = World()
    item = world.item("INV-1002", "731.49")
    world.receipt("88.10", party=None, name="Somebody", day=5)
    stranger = world.receipt("731.49", party=None, name="Wang Li", day=20)
    assert world.apply().suggestions(stranger) == [{item: 73_149}]
    world = World()
    world.item("INV-1002", "731.49")
    world.receipt("88.10", party=None, name="Somebody", day=5)
    of_the_bank = world.receipt("731.49", party=None, day=20)
    assert world.apply().suggestions(of_the_bank) == []
