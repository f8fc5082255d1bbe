"""What points at an item without naming it: the end of a number, a name that several bear, when a payer pays."""

from __future__ import annotations

from tests.reconciliation.cash.world import World


def test_the_last_digits_of_a_number_and_its_amount_are_enough_whoever_pays() -> None:
    world = World()
    item = world.item("INV-0403104", "4041.33", party="B")
    world.item("INV-0403105", "612.90", party="B")
    receipt = world.receipt("4041.33", "inv 03104")
    outcome = world.apply()
    assert outcome.settled(receipt) == {item: 404_133}
    assert outcome.rule(receipt) == "last_digits_and_amount"
    assert outcome.evidence(receipt)[0]["last_digits"] == 5


def test_a_wrong_digit_before_the_last_ones_does_not_matter_if_the_amount_agrees() -> None:
    world = World()
    item = world.item("25312000020000006419", "31899.70", party="B")
    receipt = world.receipt("31899.70", "发票号00706419")
    assert world.apply().settled(receipt) == {item: 3_189_970}


def test_last_digits_say_little_where_many_items_have_the_amount() -> None:
    world = World()
    for number in range(100, 140):
        world.item(f"INV-0403{number}", "19.90", party=f"P{number}")
    receipt = world.receipt("19.90", "inv 3104")
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert outcome.suggestions(receipt)[0] == {5: 1_990}, "it is the first to be shown"


def test_last_digits_are_doubtful_where_the_payer_owes_the_amount_himself() -> None:
    world = World()
    world.item("INV-0403104", "4041.33", party="B")
    own = world.item("INV-0409999", "4041.33", party="A")
    receipt = world.receipt("4041.33", "inv 03104 thanks")
    assert world.apply().settled(receipt) in ({}, {own: 404_133})


def test_of_the_customers_who_bear_a_name_the_one_who_owes_the_amount_has_paid() -> None:
    world = World()
    world.parties = [("A", "1", "Julia Schröder"), ("B", "2", "Julia Schroeder"), ("C", "3", "Julia Schröder")]
    world.item("INV-1001", "40.80", party="A")
    item = world.item("INV-1002", "53.89", party="C")
    receipt = world.receipt("53.89", party=None, name="JULIA SCHRÖDER", account="DE1")
    outcome = world.apply()
    assert outcome.settled(receipt) == {item: 5_389}
    assert outcome.rule(receipt) == "name_and_amount"
    assert outcome.evidence(receipt)[0]["customers_of_that_name"] == 2


def test_nobody_picks_among_namesakes_who_owe_the_same() -> None:
    world = World()
    world.parties = [("A", "1", "Julia Schröder"), ("C", "3", "Julia Schröder")]
    items = [world.item(f"INV-100{n}", "53.89", party=party) for n, party in enumerate("AC")]
    receipt = world.receipt("53.89", party=None, name="Julia Schröder")
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert [*outcome.suggestions(receipt)] == [{item: 5_389} for item in items]


def test_two_payments_of_one_name_and_amount_are_for_a_person_to_tell_apart() -> None:
    world = World()
    world.parties = [("A", "1", "Julia Schröder"), ("C", "3", "Julia Schröder")]
    world.item("INV-1001", "53.89", party="A")
    for account in ("DE1", "DE2"):
        world.receipt("53.89", party=None, name="Julia Schröder", account=account)
    assert world.apply().settled() == {}


def test_an_item_that_another_receipt_names_is_not_chosen_among_equal_ones() -> None:
    world = World()
    world.item("INV-1001", "165.40", day=0)
    free = world.item("INV-1002", "165.40", day=1)
    receipt = world.receipt("165.40", "open items", day=17)
    world.receipt("120.00", "INV-1001 less credit 517993", day=24)
    assert world.apply().settled(receipt) == {free: 16_540}


def test_an_earlier_receipt_that_credit_notes_bring_to_the_amount_is_in_the_way_of_equal_items() -> None:
    world = World()
    world.item("INV-1001", "1150.33", day=0)
    world.item("CN-1", "-572.54", day=3)
    world.item("INV-1002", "1150.33", day=18)
    world.receipt("500.00", day=25)
    receipt = world.receipt("1150.33", day=40)
    assert world.apply().settled(receipt) == {}


def test_what_is_paid_again_after_a_chargeback_is_found_by_the_last_digits_of_its_number() -> None:
    world = World()
    world.item("25312000020000003260", "693.00", day=0)
    again = world.item("25312000020000005421", "693.00", day=30)
    world.receipt("693.00", "25312000020000005421", day=31)
    world.receipt("-693.00", "25312000020000005421", day=35)
    receipt = world.receipt("693.00", "00005421", day=50)
    assert world.apply().settled(receipt) == {again: 69_300}


def test_stages_of_one_order_with_equal_amounts_are_paid_in_the_order_of_their_days() -> None:
    world = World()
    stages = [world.item(f"INV-100{n}", "3000.00", day=30 * n, other=["PO-777"]) for n in range(3)]
    receipts = [world.receipt("3000.00", "PO-777", day=30 * n + 12) for n in (0, 2, 3)]
    settled = world.apply().settled()
    assert settled == dict.fromkeys(zip(receipts, stages, strict=True), 300_000)


def test_of_equal_stages_none_is_chosen_while_a_receipt_without_text_may_have_paid_one() -> None:
    world = World()
    for n in range(2):
        world.item(f"INV-100{n}", "3000.00", day=0, other=["PO-777"])
    world.item("INV-2000", "500.00", day=0)
    world.receipt("3400.00", day=5)
    receipt = world.receipt("3000.00", "PO-777", day=12)
    assert world.apply().settled(receipt) == {}


def test_an_order_of_a_credit_note_does_not_stand_for_an_equal_invoice_whose_number_could_not_be_read() -> None:
    world = World()
    world.item("INV-1001", "10875.24", other=["HT-2025-5419"])
    world.item("INV-1002", "10875.24", other=["HT-2025-8518"], day=14)
    world.item("CN-1", "-1087.52", other=["HT-2025-5419"], day=17)
    receipt = world.receipt("9787.72", "HT-2025-B918;HT-2025-5419", day=30)
    assert world.apply().rule(receipt) not in ("exact_reference", "cleaned_reference")


def test_another_customer_who_names_exact_numbers_less_their_discount_pays_them() -> None:
    world = World()
    items = [
        world.item(f"INV-100{n}", amount, party="B", discount="0.02", until=10)
        for n, amount in enumerate(("6756.05", "1581.84"))
    ]
    receipt = world.receipt("8171.13", "INV-1000+INV-1001", party="A", day=8)
    assert set(world.apply().settled(receipt)) == set(items)


def test_last_digits_behind_a_word_for_invoices_name_an_item_of_which_a_part_is_paid() -> None:
    world = World()
    item = world.item("INV-0402334", "731.00")
    receipt = world.receipt("400.00", "inv 2334")
    assert world.apply().settled(receipt) == {item: 40_000}
    world = World()
    world.item("INV-0402334", "731.00")
    noise = world.receipt("400.00", "batch 2334")
    assert world.apply().settled(noise) == {}


def test_an_order_of_the_payers_own_that_is_paid_already_is_not_the_end_of_a_strangers_number() -> None:
    world = World()
    paid = world.item("9000520700", "34.90", other=["1000516724"])
    world.item("9000516724", "34.90", party="B", other=["1000513431"])
    first = world.receipt("34.90", "Order 1000516724", day=1)
    twice = world.receipt("34.90", "1000516724", day=18)
    back = world.receipt("-34.90", "Payment 9000520700 paid twice", day=25)
    outcome = world.apply()
    assert outcome.settled() == {(first, paid): 3_490}
    assert (outcome.differences(twice), outcome.differences(back)) == ({"refund": 3_490}, {"refund": -3_490})


def test_a_namesake_who_names_a_number_that_is_written_like_none_of_ours_pays_somebody_else() -> None:
    for text, settled in (("INV 684221336", False), ("INV 405002999", True), ("Danke", True)):
        world = World()
        world.parties = [(party, f"C-{party}", "Vogel Anlagenbau GmbH") for party in "AB"]
        item = world.item("RE-2505-02987", "827.69", other=["405002152"])
        world.item("RE-2505-03778", "302.99")
        receipt = world.receipt("827.69", text, party=None, name="Vogel Anlagenbau GmbH")
        assert (item in world.apply().settled(receipt)) is settled, text
