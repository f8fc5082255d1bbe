"""What users of other engines asked for or lost money by, and what reading two of them showed: each a test of ours.

The names say which: anchors of reconciliation, sections 1.1 (engines) and 2 (threads).
"""

from __future__ import annotations

import time

import pytest

from reconciliation.cash.tables import UnusableInputError
from settings.cash import CashRule
from state import cash
from state.store import Store
from tests.reconciliation.cash.world import World


def test_1_one_invoice_paid_by_three_transfers_with_a_fee_each_is_one_match() -> None:
    world = World()
    item = world.item("INV-3000", 3000)
    receipts = [world.receipt(990, "INV-3000", fee=10, day=20 + n) for n in range(3)]
    outcome = world.apply()
    assert outcome.settled() == {(receipt, item): 100_000 for receipt in receipts}
    assert [outcome.differences(receipt) for receipt in receipts] == [{"fee": -1000}] * 3
    assert outcome.residue_rows == []


def test_2_how_much_of_a_payment_goes_to_each_invoice_is_a_row_with_an_amount() -> None:
    world = World()
    items = [world.item("INV-1001", 100), world.item("INV-1002", 250), world.item("INV-1003", 75)]
    receipt = world.receipt(425, "INV-1001 INV-1002 INV-1003")
    assert world.apply().settled(receipt) == {items[0]: 10_000, items[1]: 25_000, items[2]: 7_500}


def test_2_a_person_may_divide_it_otherwise_and_no_run_moves_that() -> None:
    world = World()
    first, second = world.item("INV-1001", 100), world.item("INV-1002", 250)
    receipt = world.receipt(300, "INV-1001 INV-1002")
    world.pins = [(receipt, first, 5_000, 5_000), (receipt, second, 25_000, 25_000)]
    outcome = world.apply()
    assert outcome.settled(receipt) == {first: 5_000, second: 25_000}
    assert {row[6] for row in outcome.rows} == {"pinned"}


def test_3_five_invoices_with_a_discount_of_two_per_cent_of_which_the_customer_took_five_is_explained() -> None:
    world = World()
    items = [world.item(f"INV-{n}", 1000, discount="0.02", until=30) for n in range(1001, 1006)]
    allowed = world.receipt(4900, "INV-1001-1005", day=10)
    outcome = world.apply()
    assert outcome.settled(allowed) == dict.fromkeys(items, 100_000)
    assert outcome.differences(allowed) == {"discount": -10_000}
    world.receipts.clear()
    taken = world.receipt(4750, "INV-1001-1005", day=10, receipt_id=1)
    outcome = world.apply()
    assert outcome.settled(taken) == {}, "nobody allowed five per cent"
    assert outcome.left(taken) is not None


def test_4_the_limit_is_on_what_is_left_over_never_on_the_whole_amount() -> None:
    world = World()
    item = world.item("INV-45", 45)
    world.receipt("0.05", "INV-45")
    rounding = CashRule.model_validate({"name": "rounding", "tolerance": {"EUR": "0.10"}, "share": "1"})
    exact = CashRule.model_validate("exact_reference")
    outcome = world.apply([exact, rounding])
    assert outcome.settled() == {}, "45.00 are not written off with a limit of 0.10"
    close = world.receipt("44.92", "INV-45")
    outcome = world.apply([exact, rounding])
    assert outcome.settled(close) == {item: 4500}
    assert outcome.differences(close) == {"rounding": -8}


def test_5_full_with_a_difference_and_partial_are_two_explicit_choices() -> None:
    world = World()
    item = world.item("INV-1001", 1000)
    receipt = world.receipt(990, "INV-1001")
    full = world.apply()
    assert (full.settled(receipt), full.differences(receipt)) == ({item: 100_000}, {"short_payment": -1000})
    names = ["exact_reference", "partial_payment"]
    part = world.apply([CashRule.model_validate(name) for name in names])
    assert (part.settled(receipt), part.differences(receipt)) == ({item: 99_000}, {})


def test_6_never_more_is_allocated_than_came_in_or_is_open() -> None:
    world = World()
    items = [world.item(f"INV-{n}", 1025) for n in range(1001, 1005)]
    receipt = world.receipt(1000, " ".join(f"INV-{n}" for n in range(1001, 1005)))
    outcome = world.apply()
    assert sum(outcome.settled(receipt).values()) <= 100_000
    assert all(sum(option.values()) <= 100_000 for option in outcome.suggestions(receipt))
    world.receipts.clear()
    for n in range(4):
        world.receipt(800, "INV-1001", day=n, receipt_id=n + 1)
    applied = world.apply().settled()
    assert sum(amount for (_, item), amount in applied.items() if item == items[0]) <= 102_500


def test_7_one_cent_does_not_keep_an_item_open_for_ever() -> None:
    world = World()
    item, yen = world.item("INV-1001", "100.01"), world.item("INV-2001", 1001, currency="JPY")
    receipt, other = world.receipt(100, "INV-1001"), world.receipt(1000, "INV-2001", currency="JPY")
    outcome = world.apply()
    assert (outcome.settled(receipt), outcome.differences(receipt)) == ({item: 10_001}, {"rounding": -1})
    assert (outcome.settled(other), outcome.differences(other)) == ({yen: 1001}, {"rounding": -1})


def test_8_gross_fee_and_net_are_apart_and_nothing_looks_over_allocated() -> None:
    world = World()
    item = world.item("INV-1001", 100)
    receipt = world.receipt("97.10", "INV-1001", fee="2.90", party=None)
    outcome = world.apply()
    assert outcome.settled(receipt) == {item: 10_000}
    assert outcome.differences(receipt) == {"fee": -290}
    assert outcome.left(receipt) is None


def test_8_a_fee_that_is_charged_apart_is_not_netted() -> None:
    world = World()
    item = world.item("INV-1001", 100)
    receipt = world.receipt(100, "INV-1001", fee="2.90", netted=False)
    outcome = world.apply()
    assert (outcome.settled(receipt), outcome.differences(receipt)) == ({item: 10_000}, {})


def test_9_the_kind_of_a_difference_is_explicit() -> None:
    world = World()
    world.item("INV-1001", "100.50", discount="0.02", until=30)
    world.item("INV-1002", 100)
    discounted, charged = world.receipt("98.49", "INV-1001", day=5), world.receipt(88, "INV-1002 less charges")
    outcome = world.apply()
    assert outcome.differences(discounted) == {"discount": -201}
    assert outcome.differences(charged) == {"fee": -1200}


def test_10_a_match_and_the_difference_that_is_written_off_with_it_are_decided_together_or_not_at_all(
    sqlite_store: Store,
) -> None:
    def decide(stop: bool) -> None:
        with sqlite_store.transaction() as connection:
            cash.pin(connection, 1, [(2, 100_000, 100_000)], [(2, "fee", -500)], "li", "the bank's fee")
            if stop:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        decide(stop=True)
    assert _decided(sqlite_store) == []
    decide(stop=False)
    assert _decided(sqlite_store) == [(1, 2, 100_000, [(2, "fee", -500)])]


def test_10_what_was_decided_about_a_difference_is_in_the_very_next_figures() -> None:
    world = World()
    item, receipt = world.item("INV-1001", 1000), world.receipt(995, "thank you")
    world.pins = [(receipt, item, 100_000, 100_000)]
    world.pinned_differences = [(receipt, item, "fee", -500)]
    outcome = world.apply()
    assert outcome.settled(receipt) == {item: 100_000}
    assert outcome.differences(receipt) == {"fee": -500}
    assert outcome.left(receipt) is None


@pytest.mark.parametrize(("then", "now", "gain"), [("7.0", "7.2", 2000), ("7.2", "7.0", -2000)])
def test_11_exchange_differences_are_their_own_rows_for_parts_too_and_in_both_directions(
    then: str, now: str, gain: int
) -> None:
    world = World()
    item = world.item("INV-1001", 100, currency="USD", day=0)
    world.rate("USD", 0, then)
    world.rate("USD", 20, now)
    half, rest = (world.receipt(50, "INV-1001", currency="USD", day=day) for day in (20, 21))
    outcome = world.apply(base="CNY")
    assert outcome.settled() == {(half, item): 5_000, (rest, item): 5_000}
    assert outcome.gains == {(half, item): gain // 2, (rest, item): gain // 2}


def test_11_parts_of_an_item_are_valued_so_that_they_come_to_the_whole() -> None:
    world = World()
    item = world.item("INV-1001", "100.01", currency="USD")
    world.rate("USD", 0, "7.0777")
    receipts = [world.receipt(amount, "INV-1001", currency="USD", day=5) for amount in ("33.33", "33.34", "33.34")]
    outcome = world.apply(base="CNY")
    assert {key[1] for key in outcome.settled()} == {item}
    assert abs(sum(outcome.gains.values())) <= len(receipts), "the same rate then and now: nothing but rounding"


def test_14_applying_to_the_oldest_never_closes_invoices_against_invoices() -> None:
    world = World()
    items = [world.item(f"INV-{n}", 100, day=n) for n in (1, 2)]
    world.item("CN-1", -100, day=3)
    receipt = world.receipt(100, day=30)
    outcome = world.apply()
    for row in outcome.rows:
        assert (row[2] > 0) == (row[1] in items), "each item is settled with its own sign"
    assert sum(outcome.settled(receipt).values()) in (0, 10_000)


def test_14_money_that_goes_out_settles_no_invoice() -> None:
    world = World()
    world.item("INV-1001", 100)
    receipt = world.receipt(-100, "INV-1001")
    outcome = world.apply()
    assert outcome.settled() == {}
    assert outcome.left(receipt) == (-10_000, "money_out")


def test_15_of_a_credit_note_only_the_residual_is_used() -> None:
    world = World()
    invoice = world.item("INV-1001", 500)
    credit = world.item("CN-1001", -100, open=-90)
    receipt = world.receipt(410, "INV-1001 CN-1001")
    assert world.apply().settled(receipt) == {invoice: 50_000, credit: -9_000}


def test_17_thousands_of_receipts_take_seconds() -> None:
    world = World()
    for n in range(3000):
        world.item(f"INV-{n + 10000}", 100 + n, party=f"P{n % 200}")
        world.receipt(100 + n, f"Payment INV-{n + 10000}", party=f"P{n % 200}")
    began = time.thread_time()
    outcome = world.apply()
    assert outcome.summary.settled == 3000
    assert time.thread_time() - began < 20


def test_18_deciding_on_one_receipt_decides_on_no_other() -> None:
    """What a person matches teaches nothing behind their back: the backlog is judged as it was."""
    world = World()
    first, second = world.item(None, 100, party="A"), world.item(None, 200, party="A")
    one = world.receipt(100, party=None, name="Zhang San", account="DE1", day=20)
    other = world.receipt(200, party=None, name="Zhang San", account="DE1", day=21)
    before = world.apply()
    world.pins = [(one, first, 10_000, 10_000)]
    after = world.apply()
    assert before.settled() == {}
    assert after.settled() == {(one, first): 10_000}
    assert after.suggestions(other) == before.suggestions(other)
    assert second not in after.settled(other)


@pytest.mark.parametrize("text", ["", "thank you"])
def test_19_what_fits_more_than_one_thing_is_suggested_never_picked(text: str) -> None:
    world = World()
    one, two = world.item("INV-1001", 100, party="A"), world.item("INV-1002", 100, party="B")
    receipt = world.receipt(100, text, party=None)
    outcome = world.apply()
    assert outcome.settled() == {}
    assert sorted(outcome.suggestions(receipt), key=str) == [{one: 10_000}, {two: 10_000}]


def test_19_amount_currency_and_date_alone_are_never_a_match() -> None:
    """Fixed weights of amount 40, currency 30 and date 20 reach the threshold of 90 without any reference."""
    world = World()
    item = world.item("INV-1001", "8374.19")
    receipt = world.receipt("8374.19", party=None)
    outcome = world.apply()
    assert outcome.settled() == {}
    assert outcome.suggestions(receipt) == [{item: 837_419}]


def test_20_before_anything_is_created_a_set_that_covers_the_daily_sum_is_found() -> None:
    world = World()
    sales = [world.item(f"R-{n}", f"{1234567 + 91823 * n}.{n}7", party="shop", day=1) for n in range(1, 5)]
    total = sum(row[5] for row in world.items)
    receipt = world.receipt(total / 100, party="shop", day=2)
    outcome = world.apply()
    found = outcome.settled(receipt) or outcome.suggestions(receipt)[0]
    assert set(found) == set(sales)


def test_21_a_record_is_consumed_once() -> None:
    world = World()
    item = world.item("INV-1001", 100)
    first, second = world.receipt(100, "INV-1001", day=3), world.receipt(100, "INV-1001", day=4)
    outcome = world.apply()
    assert outcome.settled() == {(first, item): 10_000}
    assert outcome.left(second) == (10_000, "duplicate?")


def test_21_equal_amounts_that_are_no_duplicates_are_both_settled() -> None:
    world = World()
    items = [world.item("INV-1001", 100, day=0), world.item("INV-1002", 100, day=1)]
    receipts = [world.receipt(100, "INV-1001", day=3), world.receipt(100, "INV-1002", day=3)]
    assert world.apply().settled() == dict.fromkeys(zip(receipts, items, strict=True), 10_000)


def test_23_a_refund_has_the_sign_of_what_it_is() -> None:
    world = World()
    credit = world.item("CN-1001", "-30.00")
    refund = world.receipt("-30.00", "refund CN-1001")
    assert world.apply().settled() == {(refund, credit): -3_000}


def test_28_the_result_does_not_depend_on_the_order_of_the_rows() -> None:
    world = World()
    for n in range(12):
        world.item(f"INV-{1000 + n}", 100 + n % 3, party="AB"[n % 2], day=n)
        world.receipt(100 + n % 3, f"INV-{1000 + n}" if n % 4 else "", party="AB"[n % 2], day=n + 20)
    forwards = world.apply()
    world.items.reverse()
    world.receipts.reverse()
    backwards = world.apply()
    assert forwards.rows == backwards.rows
    assert forwards.residue_rows == backwards.residue_rows


def test_engines_an_unreadable_amount_does_not_become_nothing() -> None:
    world = World()
    world.item("INV-1001", 100)
    world.receipt(100, "INV-1001")
    row = list(world.receipts[0])
    row[6] = None
    world.receipts[0] = tuple(row)
    with pytest.raises(UnusableInputError, match="receipts: receipt_id 1001 has no amount"):
        world.apply()


def test_engines_the_same_id_twice_is_refused() -> None:
    world = World()
    world.item("INV-1001", 100, item_id=7)
    world.item("INV-1002", 100, item_id=7)
    with pytest.raises(UnusableInputError, match="item_id 7"):
        world.apply()


def test_engines_what_was_used_is_excluded_and_the_last_is_found_as_well() -> None:
    world = World()
    items = [world.item(f"INV-{n}", n, party=f"P{n}") for n in range(1001, 1051)]
    receipts = [world.receipt(n, f"INV-{n}", party=f"P{n}") for n in range(1001, 1051)]
    assert set(world.apply().settled()) == set(zip(receipts, items, strict=True))


def test_engines_not_looking_raises_no_score() -> None:
    """A field that was not compared counted as agreeing: the fewer were looked at, the surer the match."""
    world = World()
    world.item("INV-1001", 100, party="A")
    named = world.receipt(100, "INV-1001", party="A")
    world.item("INV-2001", 200, party="B")
    unknown = world.receipt(200, "INV-2001", party=None)
    outcome = world.apply()
    scores = {row[0]: row[5] for row in outcome.rows}
    assert scores[unknown] < scores[named]


def test_engines_of_two_equal_candidates_the_lower_id_does_not_win() -> None:
    """Of equal items of one customer the older is paid first; ids decide nothing."""
    world = World()
    newer = world.item("INV-1002", 100, day=9, item_id=1)
    older = world.item("INV-1001", 100, day=2, item_id=2)
    receipt = world.receipt(100, day=30)
    outcome = world.apply()
    assert outcome.settled(receipt) == {older: 10_000}
    assert outcome.evidence(receipt)[0]["chosen"] == "oldest"
    assert newer not in outcome.settled(receipt)


def test_engines_sixty_and_forty_come_to_a_hundred_although_thirty_comes_first() -> None:
    world = World()
    world.item("INV-1", "300000.03", day=1)
    fitting = [world.item("INV-2", "600000.61", day=2), world.item("INV-3", "400000.17", day=3)]
    receipt = world.receipt("1000000.78", day=30)
    outcome = world.apply()
    assert set(outcome.settled(receipt) or outcome.suggestions(receipt)[0]) == set(fitting)


def test_13_without_a_word_from_the_payer_the_order_of_the_law_holds_and_the_evidence_says_so() -> None:
    world = World()
    for place, amount in enumerate(("1234.56", "987.65", "543.21")):
        world.item(f"INV-{1001 + place}", amount, day=10 * place)
    receipts = [world.receipt(500, day=25 + 10 * place) for place in range(3)]
    outcome = world.apply()
    assert [set(outcome.settled(receipt)) for receipt in receipts] == [{1}, {1}, {1, 2}], "what was due first is first"
    assert outcome.evidence(receipts[0])[0]["chosen"] == "oldest first"


def _decided(store: Store) -> list[tuple[int, int, int, list[tuple[int | None, str, int]]]]:
    with store.reading() as connection:
        found = cash.decisions(connection)
    return [(item.receipt_id, item.item_id, item.applied, item.differences) for item in found]
