"""What users of other tools asked for, and where that is a test of ours: beside cash, which has tests of that name.

The numbers are those of the anchors of reconciliation, section 2.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[1]
_PERIODS = "reconciliation/test_periods.py"
_PAYOUTS = "reconciliation/test_payouts.py"
_LINKING = "reconciliation/linking"

ASKED_FOR = {
    "12, a closed period is never rewritten": (
        (_PERIODS, "test_what_changes_in_a_closed_period_is_an_adjustment_of_the_open_one"),
        (_PERIODS, "test_an_advance_that_reaches_back_is_settled_in_the_open_period"),
    ),
    "16, every bank has its own file": (
        ("connectors/files/test_csv.py", "test_the_delimiter_is_found"),
        ("connectors/files/test_roundtrip.py", "test_csv_comes_back_as_it_was_written"),
    ),
    "22, a payout comes to nothing or to a named rest": (
        (_PAYOUTS, "test_what_the_lines_do_not_explain_is_open_and_a_payout_without_lines_is_excluded"),
        (_PAYOUTS, "test_a_payout_whose_lines_come_to_another_amount_is_found_and_explained"),
    ),
    "23, a payout has its line at the bank, and a fee that was given back its sign": (
        (_PAYOUTS, "test_a_trace_id_links_a_payout_with_its_line_whatever_else_the_line_says"),
        (_PAYOUTS, "test_a_fee_that_was_given_back_adds_to_the_payout"),
    ),
    "24, what a method costs is checked": (
        (_PAYOUTS, "test_a_fee_far_from_what_the_method_usually_costs_is_found"),
        (_PAYOUTS, "test_a_contract_says_what_a_method_costs"),
    ),
    "25, periods are signed one after the other": (
        (_PERIODS, "test_periods_are_closed_one_after_the_other_when_they_are_over"),
        (_PERIODS, "test_a_period_is_closed_by_one_person_and_approved_by_another"),
    ),
    "26, reopening has a reason, is seen, and is for whom the settings name": (
        (_PERIODS, "test_an_approved_period_stays_closed_unless_the_settings_name_who_may_reopen_it"),
        (_PERIODS, "test_a_period_is_not_reopened_under_one_that_is_closed_and_a_close_may_be_sent_back"),
    ),
    "27, what differs in form alone is no difference, and what really differs is told once": (
        ("reconciliation/test_form_alone.py", "test_lines_that_differ_only_in_their_form_are_no_differences"),
        ("reconciliation/test_form_alone.py", "test_where_every_line_differs_each_order_has_one_finding"),
    ),
    "28, the order of records decides nothing": (
        ("reconciliation/test_metamorphic.py", "test_the_order_in_which_records_arrive_changes_nothing"),
        (f"{_LINKING}/test_likeness.py", "test_the_order_in_which_parties_arrive_changes_nothing"),
    ),
    "29, a block that would explode is counted before, and few pairs teach little": (
        (f"{_LINKING}/test_blocking.py", "test_what_would_explode_is_counted_before_and_refused"),
        (f"{_LINKING}/test_weights.py", "test_many_pairs_decide_by_themselves_and_few_change_little"),
    ),
    "30, look-alike strangers stay apart, and rare words weigh more": (
        (f"{_LINKING}/test_likeness.py", "test_companies_of_a_group_stay_apart"),
        (f"{_LINKING}/test_likeness.py", "test_a_short_name_joins_no_two_companies_of_a_group"),
        (
            f"{_LINKING}/test_names.py",
            "test_rare_words_say_more_than_common_ones_and_few_names_say_little_about_rarity",
        ),
    ),
    "31, millions of results are exported as they are read": (
        ("console/test_cli_export.py", "test_every_finding_is_a_line_that_says_what_the_list_says"),
        ("console/test_cli_export.py", "test_ten_times_as_many_links_take_no_more_memory"),
    ),
}


@pytest.mark.parametrize("asked", ASKED_FOR)
def test_what_was_asked_for_is_tested_here(asked: str) -> None:
    for file, name in ASKED_FOR[asked]:
        parsed = ast.parse((_TESTS / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in parsed.body if isinstance(node, ast.FunctionDef)}
