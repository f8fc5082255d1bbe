"""Where something speaks against the nearest match a person chooses; where nothing does the oldest are paid first."""

from __future__ import annotations

import pytest

from settings.cash import shipped
from tests.reconciliation.cash.world import World

BOLDER = [
    rule.model_copy(update={"chance": 0.001}) if rule.name in ("whole_balance", "sum_of_items") else rule
    for rule in shipped()
]
"""As a site may have it that is less careful about sums than what is shipped."""


def test_what_is_beyond_a_named_item_is_no_overpayment_where_the_list_breaks_off() -> None:
    world = World()
    item = world.item("25312000020000001149", "27841.50")
    world.item("25312000020000001243", "83478.53", day=2)
    for text, settled in (("25312000020000001149 und 25312", {}), ("25312000020000001149", {item: 2_784_150})):
        world.receipts.clear()
        receipt = world.receipt("40000.00", text)
        assert world.apply().settled(receipt) == settled


@pytest.mark.parametrize(("other", "settled"), [("thank you", True), ("invoice INV-1000", False)])
def test_of_equal_items_none_is_chosen_because_another_open_receipt_names_the_other(other: str, settled: bool) -> None:
    world = World()
    items = [world.item(f"INV-{1000 + n}", "305.69", day=n * 10 - 20) for n in range(2)]
    world.item("CN-1", "-12.54", day=8)
    receipt = world.receipt("305.69", day=10)
    world.receipt("70.24", other, day=16)
    outcome = world.apply()
    assert outcome.settled(receipt) == ({items[0]: 30_569} if settled else {})
    assert settled or outcome.suggestions(receipt)


@pytest.mark.parametrize(("days", "settled"), [((40, 41), 2), ((40, 40), 0)])
def test_two_payments_of_one_day_for_two_equal_items_are_in_no_order(days: tuple[int, int], settled: int) -> None:
    world = World()
    for n in range(2):
        world.item(f"INV-{n}", "757.75", day=20 * n - 10)
    for day in days:
        world.receipt("757.75", day=day)
    assert len(world.apply().settled()) == settled


def test_an_equal_item_of_the_month_that_a_later_payment_names_may_be_that_ones() -> None:
    world = World()
    items = [world.item(f"INV-{n}", "4975.60", day=10 * n) for n in range(2)]
    first = world.receipt("4975.60", day=60)
    assert world.apply().settled(first) == {items[0]: 497_560}
    second = world.receipt("4975.60", "3/26 invoices", day=61)
    outcome = world.apply()
    assert outcome.settled() == {}
    assert outcome.suggestions(first)
    assert outcome.suggestions(second)


@pytest.mark.parametrize(("text", "settled"), [("inv 6434", True), ("inv 8082", False)])
def test_an_item_whose_number_ends_otherwise_than_the_text_says_is_not_paid_by_its_amount(
    text: str, settled: bool
) -> None:
    world = World()
    item = world.item("INV-0316434", "19.00")
    receipt = world.receipt("19.00", text)
    assert world.apply().settled(receipt) == ({item: 1_900} if settled else {})


def test_a_little_is_not_missing_from_an_item_that_an_earlier_receipt_is_over() -> None:
    world = World()
    wrong = world.item("INV-0304368", "30.49")
    for earlier in (False, True):
        if earlier:
            world.receipt("30.49", "Acct 73265", day=10)
        receipt = world.receipt("28.50", "INV-0304368", day=20, receipt_id=2000 + earlier)
        assert (wrong in world.apply().settled(receipt)) is not earlier
        world.receipts.clear()


def test_a_part_that_is_nearly_an_invoice_less_a_credit_note_of_the_order_is_no_rounding() -> None:
    for other, settled in ((["PO-45517"], False), ([], True)):
        world = World()
        world.item("INV-0408721", "4285.10", other=["PO-45517"])
        world.item("CN-0401336", "-2142.55", day=5, other=other)
        receipt = world.receipt("2142.00", "PO-45517" + ("" if other else " CN-0401336 INV-0408721"))
        assert bool(world.apply().settled(receipt)) is settled


@pytest.mark.parametrize(("name", "settled"), [("Heike Schneider", False), ("Karin Wolf", True)])
def test_a_stranger_who_names_anothers_number_pays_it_unless_his_namesake_owes_just_that(
    name: str, settled: bool
) -> None:
    world = World()
    named = world.item("RE-2501-11754", "29.00", party="B")
    own = world.item("RE-2501-11756", "29.00", party="H")
    world.parties += [("H", "4711", "Heike Schneider"), ("H2", "4712", "Heike Schneider"), ("B", "4713", "Bernd Vogt")]
    receipt = world.receipt("29.00", "RgNr. RE-2501-11754", party=None, name=name)
    outcome = world.apply()
    assert outcome.settled(receipt) == ({named: 2_900} if settled else {})
    assert own not in outcome.settled(receipt)


def test_money_that_goes_out_and_names_an_open_credit_note_takes_back_no_payment() -> None:
    for number in ("GS-1826", "GS-9999"):
        world = World()
        paid = world.item("RE-15839", "1000.00", other=["4500619620"])
        world.receipt("1000.00", "RE-15839", day=5)
        world.item("GS-1826", "-307.96", day=6)
        back = world.receipt("-78.96", f"4500619620, {number}", day=20)
        assert (paid in world.apply().settled(back)) is (number != "GS-1826")


def test_what_is_too_much_for_an_order_is_a_surcharge_only_if_the_text_says_so() -> None:
    for text, settled in (("", False), (" incl. interest", True)):
        world = World()
        for n in range(2):
            world.item(f"INV-{n}000", 1000 * (n + 1), other=[f"PO-1199{n}"])
            world.receipt(1006 * (n + 1), f"PO-1199{n}{text}", day=20 + n)
        assert bool(world.apply().differences(1001)) is settled


def test_the_digits_of_a_month_are_not_the_end_of_an_orders_number() -> None:
    world = World()
    world.item("INV-0300815", "465.09", day=-300, other=["4500601125"])
    world.item("INV-0319488", "465.09", day=-92, other=["4500601085"])
    world.receipt("400.00", day=-60)  # something is open before it, so that the amount alone is not enough
    receipt = world.receipt("465.09", "11/25 invoices", day=-50)
    assert 1 not in world.apply().settled(receipt)


def test_a_number_that_is_nearly_that_of_a_later_item_does_not_name_it() -> None:
    for day, settled in ((100, False), (0, True)):
        world = World()
        item = world.item("INV-0318044", "408.70", day=day, other=["B25/159"])
        world.item("INV-0300001", "408.70", day=-30, party="A")
        world.receipt("390.00", day=10)
        receipt = world.receipt("408.70", "TRN 25159", day=20)
        assert (item in world.apply().settled(receipt)) is settled


def test_numbers_with_a_slash_are_a_list_and_one_of_them_is_not_all() -> None:
    world = World()
    item = world.item("INV-411140", "2620.74", other=["B25/2213"])
    world.item("INV-410983", "884.01", other=["B25/5491"])
    receipt = world.receipt("2010.01", "B55/4971;B25/2213")
    outcome = world.apply()
    assert item not in outcome.settled(receipt)


def test_a_discount_is_not_taken_for_granted_where_an_equal_item_no_longer_allows_it_and_a_number_was_not_read() -> (
    None
):
    for text, settled in (("RgNr. 250501824", False), ("", True)):
        world = World()
        world.item("RE-2505-01842", "66.22", day=-20, discount="0.03", until=-6)
        later = world.item("RE-2505-02670", "66.22", day=10, discount="0.03", until=24)
        receipt = world.receipt("64.23", text, day=20)
        assert (later in world.apply().settled(receipt)) is settled


def test_a_period_that_was_missed_is_paid_with_the_next_and_those_after_it_are_clear() -> None:
    world = World()
    items = [world.item(f"INV-{n}", "299.00", day=30 * n, due=30 * n + 14) for n in range(6)]
    first = [world.receipt("299.00", day=30 * n + 10) for n in range(2)]
    both = world.receipt("598.00", day=100)
    last = [world.receipt("299.00", day=30 * n + 10) for n in range(4, 6)]
    paid = world.apply(BOLDER).settled()
    assert set(paid) == {
        *zip(first, items[:2], strict=True),
        (both, items[2]),
        (both, items[3]),
        *zip(last, items[4:], strict=True),
    }


@pytest.mark.parametrize("earlier", [False, True])
def test_a_sum_takes_the_oldest_of_equal_items_unless_an_earlier_receipt_may_have(earlier: bool) -> None:
    world = World()
    old = world.item("INV-1", "220.52", day=-60, due=-30)
    world.item("INV-2", "220.52", day=0, due=19)
    large = world.item("INV-3", "18381.67", day=0, due=19)
    if earlier:
        world.receipt("215.00", day=-10)
    receipt = world.receipt("18602.19", day=20)
    outcome = world.apply(BOLDER)
    assert outcome.settled(receipt) == ({} if earlier else {old: 22_052, large: 1_838_167})


def test_several_named_items_paid_short_are_suggested_the_oldest_first() -> None:
    world = World()
    items = [world.item(f"INV-{n}000", amount, day=n) for n, amount in ((1, 500), (2, 400), (3, 300))]
    receipt = world.receipt(1013, "INV-1000, INV-2000, INV-3000")
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert outcome.suggestions(receipt)[0] == dict(zip(items, (50_000, 40_000, 11_300), strict=True))


def test_nothing_is_suggested_for_several_named_items_where_the_money_does_not_reach_the_newest() -> None:
    world = World()
    for n, amount in ((1, 500), (2, 400), (3, 300)):
        world.item(f"INV-{n}000", amount, day=n)
    receipt = world.receipt(850, "INV-1000, INV-2000, INV-3000")
    assert all(len(option) < 3 for option in world.apply().suggestions(receipt))


@pytest.mark.parametrize(("paid", "settles"), [(900, "both"), (1000, "invoice"), (994, "invoice"), (940, "neither")])
def test_a_credit_note_of_the_order_that_is_named_is_netted_only_if_that_is_nearer_to_what_was_paid(
    paid: int, settles: str
) -> None:
    world = World()
    invoice = world.item("INV-0304301", 1000, other=["4500514681"])
    credit = world.item("CN-0300415", -100, day=5, other=["4500514681"])
    receipt = world.receipt(paid, "order 4500514681")
    outcome = world.apply()
    both, alone = {invoice: 100_000, credit: -10_000}, {invoice: 100_000}
    assert outcome.settled(receipt) == {"both": both, "invoice": alone, "neither": {}}[settles]
    if settles == "invoice":
        assert sum(outcome.differences(receipt).values()) == 100 * (paid - 1000)


def test_a_credit_note_that_is_named_by_its_own_number_is_netted_whatever_was_paid() -> None:
    world = World()
    invoice = world.item("INV-0304301", 1000)
    credit = world.item("CN-0300415", -100, day=5)
    receipt = world.receipt(994, "INV-0304301 less CN-0300415")
    assert world.apply().settled(receipt) == {invoice: 100_000, credit: -10_000}


@pytest.mark.parametrize(("smallest", "settled"), [(20, False), (50, True)])
def test_what_is_missing_is_no_fee_where_it_is_all_of_an_item(smallest: int, settled: bool) -> None:
    world = World()
    for n in range(3):
        world.item(f"INV-1000{n}", 1020 + n)
        world.receipt(1000 + n, f"INV-1000{n}", day=10 + n)
    items = [world.item("INV-20001", 1000), world.item("INV-20002", smallest)]
    receipt = world.receipt(980 + smallest, "INV-20001, INV-20002", day=30)
    assert set(world.apply().settled(receipt)) == (set(items) if settled else set())


def test_the_digits_of_a_month_behind_the_word_for_invoices_are_no_number_either() -> None:
    world = World()
    world.item("INV250411025", 29, day=-30, due=-16)
    later = world.item("INV250416460", 29, day=0, due=14)
    for text in ("Invoices 10/25", "10/25 invoices"):
        receipt = world.receipt(29, text, day=20)
        assert 1 not in world.apply().settled(receipt), text
    assert later


def test_what_went_out_and_names_an_invoice_takes_back_no_open_payment_that_names_another() -> None:
    world = World()
    first = world.item("9000504803", 299, day=0)
    second = world.item("9000510140", 299, day=90)
    world.receipt(299, "Invoice 9000504803", day=3)
    world.receipt(-302, "Payment 9000504803", day=10, fee=3)
    again = world.receipt(299, "9000504803", day=25)
    world.receipt(299, "Invoice 9000510140", day=93)
    world.receipt("-307.10", "Invoice 9000510140", day=100, fee="8.10")
    outcome = world.apply()
    assert outcome.settled(again) == {first: 29_900}
    assert sum(amount for (_, item), amount in outcome.settled().items() if item == second) == 0


def test_a_discount_and_a_credit_note_of_the_order_are_not_sure_while_something_is_left_over() -> None:
    for paid, settled in (("1065.72", False), ("1065.67", True)):
        world = World()
        world.item("INV250408461", "311.58", other=["SO0407103"], discount="0.02", until=25)
        world.item("INV250408318", "775.89", other=["SO0406779"], discount="0.02", until=10)
        world.item("CN250400889", "-15.57", day=19, other=["SO0407103"])
        receipt = world.receipt(paid, "Order SO0406779, SO0407103", day=20)
        assert bool(world.apply().settled(receipt)) is settled, paid


def test_an_old_item_of_the_amount_is_not_sure_where_newer_ones_come_to_it_less_their_discounts() -> None:
    for discount, settled in (("0.03", False), (None, True)):
        world = World()
        old = world.item("INV-0401545", "751.92", day=-60, due=-30)
        world.item("INV-0404944", "541.99", day=8, discount=discount, until=22)
        world.item("INV-0404943", "233.19", day=8, discount=discount, until=22)
        receipt = world.receipt("751.92", "Batch", day=17)
        assert (old in world.apply().settled(receipt)) is settled


def test_interest_is_not_sure_where_a_credit_note_of_the_order_would_make_more_of_it() -> None:
    for credit, settled in ((True, False), (False, True)):
        world = World()
        world.item("RE-2505-03235", "9786.01", other=["PO-58733"])
        world.item("RE-2505-03321", "5710.00", other=["PO-29662"])
        if credit:
            world.item("GS-2505-00462", "-467.90", day=10, other=["PO-58733"])
        receipt = world.receipt("15516.01", "PO-58733 PO-29662 inkl. Verzugszinsen", day=45)
        assert bool(world.apply().settled(receipt)) is settled
