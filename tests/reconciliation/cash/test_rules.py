"""Each rule: what it settles, what it only suggests, and what it says about it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from settings.cash import CashRule, shipped
from tests.reconciliation.cash.world import World


def _rules(*names: str) -> list[CashRule]:
    return [CashRule.model_validate(name) for name in names]


def test_a_named_order_stands_for_the_item_of_just_the_amount() -> None:
    world = World()
    first = world.item("INV-1", 300, other=["SO-4711"])
    second = world.item("INV-2", 450, other=["SO-4711"])
    one, both = world.receipt(450, "order SO-4711", day=5), world.receipt(750, "order SO-4711", day=4)
    outcome = world.apply()
    assert outcome.settled(both) == {first: 30_000, second: 45_000}
    assert outcome.settled(one) == {}


def test_some_items_of_a_named_order_are_found_by_their_sum() -> None:
    world = World()
    items = [world.item(f"INV-{n}", amount, other=["PO-2026"]) for n, amount in enumerate((1234, 567, 8910, 1112))]
    receipt = world.receipt(1234 + 8910, "PO-2026")
    outcome = world.apply()
    assert outcome.settled(receipt) == {items[0]: 123_400, items[2]: 891_000}
    assert outcome.rule(receipt) == "some_of_an_order"


def test_a_payer_who_pays_for_another_is_believed_if_somebody_said_so() -> None:
    world = World()
    item = world.item("INV-1001", 700, party="daughter")
    receipt = world.receipt(400, "INV-1001", party="parent")
    assert world.apply().settled(receipt) == {}, "a stranger who pays a part"
    world.related = [("parent", "daughter", "parent")]
    assert world.apply().settled(receipt) == {item: 40_000}


def test_a_personal_account_may_pay_for_a_company() -> None:
    world = World()
    item = world.item("发票-20260001", 5000, party="acme", currency="CNY")
    receipt = world.receipt(5000, "货款", party=None, account="6222-01", currency="CNY")
    world.related = [("6222-01", "acme", "personal_account")]
    assert world.apply(base="CNY").settled(receipt) == {item: 500_000}


def test_another_customer_who_names_an_item_exactly_pays_it_if_the_amount_is_like_no_other() -> None:
    world = World()
    item = world.item("INV-1001", "734.19", party="A")
    receipt = world.receipt("734.19", "INV-1001", party="B")
    assert world.apply().settled(receipt) == {item: 73_419}
    world.item("INV-1002", "734.19", party="C")
    assert world.apply().settled(receipt) == {}, "a wrong digit may have been meant for C"
    assert world.apply().suggestions(receipt)[0] == {item: 73_419}


def test_whose_account_it_is_is_learned_from_payments_that_name_what_they_pay() -> None:
    world = World()
    for n in range(3):
        world.item(f"INV-{n + 1000}", 100 + n, party="A", day=n)
        world.receipt(100 + n, f"INV-{n + 1000}", party=None, account="DE1", day=n + 10)
    last = world.item("INV-2000", "555.55", party="A", day=20)
    silent = world.receipt("555.55", party=None, account="DE1", day=30)
    assert world.apply().settled(silent) == {last: 55_555}


def test_an_account_that_pays_for_several_customers_is_nobodys() -> None:
    world = World()
    for n, party in enumerate("AABB"):
        world.item(f"INV-{n + 1000}", 100 + n, party=party, day=n)
        world.receipt(100 + n, f"INV-{n + 1000}", party=None, account="factor", day=n + 10)
    world.item("INV-2000", "555.55", party="A", day=20)
    silent = world.receipt("555.55", party=None, account="factor", day=30)
    assert world.apply().settled(silent) == {}


def test_a_payer_is_known_by_his_number_with_us_or_by_a_name_that_is_alone() -> None:
    world = World()
    world.parties = [("A", "30026", "Heike Koch GmbH"), ("B", "30027", "Nordwind AG"), ("C", "30028", "Nordwind KG")]
    items = {party: world.item(f"INV-{party}001", f"{n}77.31", party=party) for n, party in enumerate("ABC", 1)}
    by_number = world.receipt("177.31", "Kundennummer 30026", party=None)
    world.item("INV-C002", "277.31", party="C")
    by_name = world.receipt("277.31", party=None, name="NORDWIND AG")
    assert world.apply().settled(by_number) == {items["A"]: 17_731}
    assert world.apply().settled(by_name) == {}, "there are two of that name but for the legal form"
    world.parties.pop()
    assert world.apply().settled(by_name) == {items["B"]: 27_731}


@pytest.mark.parametrize(("day", "settled"), [(10, True), (12, True), (14, False)])
def test_a_discount_is_taken_in_time_or_within_the_days_of_grace(day: int, settled: bool) -> None:
    world = World()
    item = world.item("INV-1001", 10_000, discount="0.03", until=10)
    receipt = world.receipt(9_700, "INV-1001", day=day)
    outcome = world.apply()
    assert outcome.settled(receipt) == {item: 1_000_000 if settled else 970_000}  # what is late stays open
    assert outcome.differences(receipt) == ({"discount": -30_000} if settled else {})


def test_a_discount_and_a_credit_note_and_a_bank_fee_go_together() -> None:
    world = World()
    invoice = world.item("INV-1001", 1000, discount="0.02", until=30)
    credit = world.item("CN-1001", -100)
    receipt = world.receipt(880, "INV-1001 less CN-1001", day=5)
    outcome = world.apply()
    assert outcome.settled(receipt) == {invoice: 100_000, credit: -10_000}
    assert outcome.differences(receipt) == {"discount": -2000}


def test_a_credit_note_that_the_text_does_not_name_was_netted() -> None:
    world = World()
    invoice = world.item("INV-1001", "1830.20")
    credit = world.item("CN-0007", "-217.43")
    world.item("CN-0008", "-12.00")
    receipt = world.receipt("1612.77", "INV-1001")
    outcome = world.apply()
    assert outcome.settled(receipt) == {invoice: 183_020, credit: -21_743}
    assert outcome.evidence(receipt)[0]["others"] == ["CN-0007"]


def test_withholding_tax_is_said_or_repeated() -> None:
    world = World()
    said = world.item("INV-1001", 1000, party="A")
    once = world.item("INV-1002", 1000, party="B")
    again = [world.item(f"INV-200{n}", 1000 + 10 * n, party="C") for n in range(2)]
    world.receipt(900, "INV-1001 less 10% WHT", party="A")
    silent = world.receipt(900, "INV-1002", party="B")
    for n in range(2):
        world.receipt(900 + 9 * n, f"INV-200{n}", party="C", day=20 + n)
    outcome = world.apply(_rules("exact_reference", "withholding_tax"))
    assert {item for _, item in outcome.settled()} == {said, *again}
    assert {row[2] for row in outcome.difference_rows} == {"withholding_tax"}
    assert outcome.suggestions(silent) == [{once: 100_000}]


def test_withholding_tax_is_of_the_amount_before_sales_tax_as_well() -> None:
    world = World()
    item = world.item("INV-1001", 1070, currency="THB")
    receipt = world.receipt(1040, "INV-1001 WHT 3%", currency="THB")
    outcome = world.apply(base="THB")
    assert outcome.settled(receipt) == {item: 107_000}
    assert outcome.differences(receipt) == {"withholding_tax": -3000}


@pytest.mark.parametrize("name", [None, ""])
def test_what_strangers_without_a_name_lack_alike_is_no_habit(name: str | None) -> None:
    world = World()
    for n in range(6):
        world.item(f"RE-{n + 114127:08}", 1000 * (n + 1), party=f"P{n}")
        world.receipt(985 * (n + 1), f"SO-{n + 114127:07}", party=None, name=name, day=n + 5)
    assert world.apply().settled() == {}


def test_a_little_that_is_missing_is_a_fee_if_it_is_missing_again_and_again() -> None:
    world = World()
    for n in range(3):
        world.item(f"INV-{n + 1000}", 1000 + n)
        world.receipt(985 + n, f"INV-{n + 1000}", day=n + 5)
    outcome = world.apply()
    assert [row[2:] for row in outcome.difference_rows] == [("fee", -1500)] * 3


def test_a_factor_who_keeps_a_share_of_each_payment_is_understood() -> None:
    world = World()
    for n in range(3):
        world.item(f"INV-{n + 1000}", 1000 * (n + 1), party=f"P{n}")
        world.receipt(985 * (n + 1), f"INV-{n + 1000}", party=None, account="factor", day=n + 5)
    outcome = world.apply()
    assert len(outcome.settled()) == 3
    assert {row[2] for row in outcome.difference_rows} == {"fee"}


def test_a_surcharge_that_comes_back_is_interest_and_no_error() -> None:
    world = World()
    items = [world.item(f"INV-{n + 1000}", 1000 + 100 * n) for n in range(3)]
    receipts = [world.receipt(1020 + 102 * n, f"INV-{n + 1000}", day=n + 5) for n in range(3)]
    outcome = world.apply()
    assert outcome.settled() == {
        (receipt, item): 100_000 + 10_000 * n for n, (receipt, item) in enumerate(zip(receipts, items, strict=True))
    }
    assert {row[2] for row in outcome.difference_rows} == {"surcharge"}


@pytest.mark.parametrize("texts", [["INV-1000 1/3", "INV-1000 2/3", "INV-1000 3/3"], ["INV-1000"] * 3])
def test_instalments_with_the_same_surcharge_pay_the_item_in_equal_parts(texts: list[str]) -> None:
    world = World()
    item = world.item("INV-1000", 900)
    receipts = [world.receipt(309, text, day=30 * n) for n, text in enumerate(texts)]
    outcome = world.apply()
    assert outcome.settled() == {(receipt, item): 30_000 for receipt in receipts}
    assert [outcome.differences(receipt) for receipt in receipts] == [{"surcharge": 900}] * 3


def test_parts_of_an_item_are_taken_in_the_order_of_the_days() -> None:
    world = World()
    item = world.item("INV-1000", 1000)
    later, earlier = world.receipt(600, "INV-1000", day=9), world.receipt(400, "INV-1000", day=3)
    outcome = world.apply()
    assert outcome.settled() == {(earlier, item): 40_000, (later, item): 60_000}


def test_too_much_for_what_is_named_stays_with_the_receipt() -> None:
    world = World()
    item = world.item("INV-1000", 1000)
    receipt = world.receipt(1200, "INV-1000")
    outcome = world.apply()
    assert outcome.settled(receipt) == {item: 100_000}
    assert outcome.left(receipt) == (20_000, "overpayment")


def test_a_part_is_not_booked_where_another_item_fits_better() -> None:
    world = World()
    world.item("INV-1000", 1000)
    fits = world.item("INV-1001", 400)
    receipt = world.receipt(400, "INV-1000")
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert fits not in outcome.settled(receipt)
    assert outcome.left(receipt) == (40_000, "to_decide")


def test_a_month_that_the_text_names_stands_for_what_was_issued_in_it() -> None:
    world = World()
    march = [world.item(f"INV-{n}", 100 * n, day=n) for n in (1, 2)]
    world.item("INV-9", 77, day=40)
    receipt = world.receipt(300, "Rechnungen 03/2026", day=45)
    outcome = world.apply()
    assert outcome.settled(receipt) == {march[0]: 10_000, march[1]: 20_000}
    assert outcome.evidence(receipt)[0]["month"] == "2026-03"


def test_of_equal_items_the_oldest_is_paid_first() -> None:
    world = World()
    items = [world.item(f"INV-{n}", "9.00", day=30 * n) for n in range(3)]
    receipts = [world.receipt("9.00", day=30 * n + 12) for n in range(3)]
    assert world.apply().settled() == dict.fromkeys(zip(receipts, items, strict=True), 900)


def test_nothing_is_chosen_among_equal_items_while_an_earlier_receipt_is_open() -> None:
    world = World()
    for n in range(2):
        world.item(f"INV-{n}", "9.00", day=n)
    world.receipt("13.37", day=10)
    receipt = world.receipt("9.00", day=20)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert len(outcome.suggestions(receipt)) == 2


def test_a_receipt_that_names_something_else_is_not_matched_by_its_amount() -> None:
    world = World()
    world.item("INV-1000", 1000)
    receipt = world.receipt(1000, "INV-0777")
    assert world.apply().settled(receipt) == {}, "whatever INV-0777 was, it is not INV-1000"


def test_a_sum_is_sure_only_if_hardly_any_other_set_would_come_to_it() -> None:
    world = World()
    large = [
        world.item(f"A-{n}", amount, party="A") for n, amount in enumerate(("1234567.89", "345678.12", "98765.43"))
    ]
    sure = world.receipt("1333333.32", party="A")
    for n, amount in enumerate((10, 20, 30, 40, 50)):
        world.item(f"B-{n}", amount, party="B")
    unsure = world.receipt(70, party="B")
    outcome = world.apply()
    assert set(outcome.settled(sure)) == {large[0], large[2]}
    assert outcome.settled(unsure) == {}
    assert outcome.suggestions(unsure) == [] or len(outcome.suggestions(unsure)) > 1


def test_a_chargeback_opens_the_invoice_again_and_its_reversal_settles_it() -> None:
    world = World()
    item = world.item("INV-1000", 500)
    paid = world.receipt(500, "INV-1000", day=5)
    back = world.receipt(-500, "chargeback INV-1000", day=20)
    assert world.apply().settled() == {(paid, item): 50_000, (back, item): -50_000}
    won = world.receipt(500, "INV-1000 dispute won", day=40)
    outcome = world.apply()
    assert outcome.settled() == {(paid, item): 50_000, (back, item): -50_000, (won, item): 50_000}


def test_a_refund_of_a_second_payment_leaves_the_invoice_paid() -> None:
    world = World()
    item = world.item("INV-1000", 500)
    paid, twice = world.receipt(500, "INV-1000", day=5), world.receipt(500, "INV-1000", day=8)
    refund = world.receipt(-500, "refund", day=12)
    outcome = world.apply()
    assert outcome.settled() == {(paid, item): 50_000}
    assert (outcome.differences(twice), outcome.differences(refund)) == ({"refund": 50_000}, {"refund": -50_000})
    assert outcome.residue_rows == []


def test_a_payment_in_another_currency_is_matched_at_the_dated_rate_with_what_the_bank_kept() -> None:
    world = World()
    item = world.item("INV-1000", 1000, currency="USD")
    world.rate("USD", 20, "0.92")
    receipt = world.receipt("917.50", "INV-1000", currency="EUR", day=20)
    outcome = world.apply(base="EUR")
    assert outcome.settled(receipt) == {item: 100_000}
    assert outcome.differences(receipt) == {"fx": -250}


def test_without_a_rate_of_about_that_day_nothing_is_converted() -> None:
    world = World()
    world.item("INV-1000", 1000, currency="USD")
    world.rate("USD", 0, "0.92")
    receipt = world.receipt(920, "INV-1000", currency="EUR", day=20)
    outcome = world.apply(base="EUR")
    assert outcome.settled(receipt) == {}
    assert outcome.left(receipt) == (92_000, "other_currency")


def test_a_rule_that_shall_suggest_only_suggests() -> None:
    world = World()
    item = world.item("INV-1000", 100)
    receipt = world.receipt(100, "INV-1000")
    outcome = world.apply([CashRule.model_validate({"name": "exact_reference", "decision": "suggest"})])
    assert outcome.settled() == {}
    assert outcome.suggestions(receipt) == [{item: 10_000}]


def test_rules_are_applied_in_the_order_in_which_they_stand() -> None:
    world = World()
    item = world.item("INV-1000", 1000, discount="0.002", until=30)
    receipt = world.receipt(998, "INV-1000", day=5)
    kinds = {}
    for order in (("early_payment_discount", "rounding"), ("rounding", "early_payment_discount")):
        rules = [CashRule.model_validate(name) for name in order]
        rules[order.index("rounding")] = CashRule.model_validate({"name": "rounding", "tolerance": {"*": "5"}})
        outcome = world.apply(rules)
        assert outcome.settled(receipt) == {item: 100_000}
        kinds[order[0]] = outcome.rule(receipt)
    assert kinds == {"early_payment_discount": "early_payment_discount", "rounding": "rounding"}


def test_a_rule_that_is_switched_off_does_nothing() -> None:
    world = World()
    world.item("INV-1000", 100)
    world.receipt(100, "INV-1000")
    off = [rule.model_copy(update={"enabled": False}) for rule in shipped()]
    assert world.apply(off).settled() == {}


def test_what_people_cut_is_never_matched_or_suggested_again() -> None:
    world = World()
    item = world.item("INV-1000", 100)
    receipt = world.receipt(100, "INV-1000")
    world.forbidden = [(receipt, item)]
    outcome = world.apply()
    assert outcome.settled() == {}
    assert outcome.suggestions(receipt) == []


def test_a_pin_that_no_longer_fits_is_told_and_not_applied_in_part() -> None:
    world = World()
    item = world.item("INV-1000", 100, open=40)
    receipt = world.receipt(100, "paid in cash")
    world.pins = [(receipt, item, 10_000, 10_000)]
    outcome = world.apply()
    assert outcome.settled() == {}
    assert outcome.left(receipt) == (10_000, "decision_outdated")


def test_what_a_person_left_of_a_receipt_is_still_matched() -> None:
    world = World()
    pinned, other = world.item("INV-1000", 100), world.item("INV-1001", 50)
    receipt = world.receipt(150, "INV-1001")
    world.pins = [(receipt, pinned, 10_000, 10_000)]
    assert world.apply().settled(receipt) == {pinned: 10_000, other: 5_000}


@pytest.mark.parametrize(
    ("text", "party", "expected"),
    [
        ("deposit for SO-9", "A", "advance"),
        ("", None, "unknown_payer"),
        ("", "nobody we know", "nothing_open"),
        ("hello", "A", "no_match"),
        ("INV-1000", "A", "already_settled"),
    ],
)
def test_what_is_left_has_a_class_and_a_next_step(text: str, party: str | None, expected: str) -> None:
    world = World()
    world.item("INV-1000", 100)
    world.item("INV-1001", 300)
    world.receipt(100, "INV-1000", day=1)
    receipt = world.receipt("77.70", text, party=party, day=30)
    outcome = world.apply()
    assert outcome.left(receipt) == (7_770, expected)
    assert next(row[3] for row in outcome.residue_rows if row[0] == receipt)


def test_a_part_is_not_booked_where_a_credit_note_may_have_been_netted() -> None:
    world = World()
    world.item("INV-1001", 2450)
    world.item("CN-0007", -150)
    receipt = world.receipt(2300, "INV-1001")
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert set(outcome.suggestions(receipt)[0]) == {1, 2}


def _on_account(amounts: Sequence[str] = ("1234.56", "987.65", "543.21")) -> World:
    world = World()
    for place, amount in enumerate(amounts):
        world.item(f"INV-{1001 + place}", amount, day=10 * place)
    return world


def test_round_sums_that_name_nothing_are_paid_on_account_the_oldest_debts_first() -> None:
    world = _on_account()
    receipts = [world.receipt(amount, day=25 + 10 * place) for place, amount in enumerate((1000, 1000, 500))]
    outcome = world.apply()
    assert [outcome.settled(receipt) for receipt in receipts] == [
        {1: 100_000},
        {1: 23_456, 2: 76_544},
        {2: 22_221, 3: 27_779},
    ]
    assert {outcome.rule(receipt) for receipt in receipts} == {"on_account"}


@pytest.mark.parametrize(
    "amounts", [(1000, 1000), (1000, 1000, "500.50"), (1000, 1000, 950)], ids=["too few", "odd", "not round enough"]
)
def test_other_payers_do_not_pay_on_account(amounts: Sequence[object]) -> None:
    world = _on_account()
    for place, amount in enumerate(amounts):
        world.receipt(amount, day=25 + 10 * place)
    assert world.apply().settled() == {}


def test_where_a_credit_note_is_open_nothing_is_paid_on_account() -> None:
    world = _on_account(("1234.56", "987.65", "543.21", "-77.70"))
    for place in range(3):
        world.receipt(500, day=45 + 10 * place)
    assert world.apply().settled() == {}


def test_round_sums_are_not_taken_for_payments_on_account_where_the_items_are_round() -> None:
    world = _on_account(("1200", "900", "543.21"))
    for place in range(3):
        world.receipt(500, day=45 + 10 * place)
    assert world.apply().settled() == {}


def test_a_credit_note_of_a_later_day_was_not_netted_unless_its_number_stands_there() -> None:
    world = World()
    invoice = world.item("INV-0400766", "500.00")
    credit = world.item("CN-0400766", "-50.00", day=90)
    weak = world.receipt("500.00", "invoice 0400 766", day=20)
    assert world.apply().settled(weak) == {invoice: 50_000}
    world.receipts.clear()
    named = world.receipt("450.00", "INV-0400766 CN-0400766", day=20)
    assert world.apply().settled(named) == {invoice: 50_000, credit: -5_000}


def test_what_is_open_of_an_unknown_payer_with_the_same_name_is_waited_for() -> None:
    world = World()
    for n in range(2):
        world.item(f"INV-{n}", "9.00", day=n)
    world.receipt("13.37", party=None, name="Li Wei", day=10)
    receipt = world.receipt("9.00", name="Li Wei", day=20)
    outcome = world.apply()
    assert outcome.settled(receipt) == {}
    assert len(outcome.suggestions(receipt)) == 2


def test_a_name_says_nothing_where_its_account_pays_as_somebody_else() -> None:
    world = World()
    world.parties = [("A", "C-1", "Harbour Mills"), ("B", "C-2", "Valley Foods")]
    world.item("INV-1001", "431.17", party="A")
    world.item("INV-1002", "77.77", party="B")
    world.receipt("77.77", "INV-1002", party="B", account="DE01")
    receipt = world.receipt("431.17", party=None, name="Harbour Mills", account="DE01")
    assert world.apply().settled(receipt) == {}
