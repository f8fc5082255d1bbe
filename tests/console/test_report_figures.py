"""The figures of the reports: exact, per currency, nothing counted twice, nothing rounded to a comfortable 100 %."""

from __future__ import annotations

from decimal import Decimal

import pytest

from console.i18n import texts
from console.report import figures, tables, xlsx
from console.report.cards import moved_note
from tests.console import sample_report


def test_amounts_have_the_decimals_of_their_currency() -> None:
    shown = [figures.money("1234567", "JPY"), figures.money("1234.5", "CNY"), figures.money("1.234", "KWD")]
    assert shown == ["1,234,567", "1,234.50", "1.234"]
    assert figures.money(None, "CNY") == "–"


def test_large_amounts_keep_every_cent() -> None:
    assert figures.money("12345678901234567.89", "CNY") == "12,345,678,901,234,567.89"


def test_money_without_a_rate_is_counted_but_not_added() -> None:
    total = figures.tally(sample_report.report()["findings"]).total
    assert (total.count, total.base, total.unconverted) == (4, Decimal("77.00"), 1)


@pytest.mark.parametrize(
    ("days", "name"), [(0, "0-7"), (7, "0-7"), (8, "8-30"), (60, "31-60"), (61, "61-90"), (90, "61-90"), (91, "90+")]
)
def test_an_age_falls_into_one_bucket(days: int, name: str) -> None:
    assert figures.bucket(days) == name


def test_a_share_is_100_percent_only_if_nothing_is_missing() -> None:
    shown = [figures.percent(Decimal(x)) for x in ("1", "0.9999", "0.0001", "0")]
    assert shown == ["100.0 %", "99.9 %", "0.1 %", "0.0 %"]
    assert figures.percent(None) == "–"


def test_a_position_whose_sides_differ_is_not_counted_twice() -> None:
    side = {"count": 1, "amount": "10.00"}
    waits = {key: {"count": 0} for key in ("not_due_left", "not_due_right")}
    item = {"matched": {"count": 9}, "unmatched_left": side, "unmatched_right": side, **waits}
    assert figures.agreement([item]).share == "90.0 %"


def test_what_is_not_due_yet_is_told_apart_from_what_does_not_agree_and_lowers_no_share() -> None:
    left, right, nothing = {"count": 5}, {"count": 1}, {"count": 0}
    item = {"matched": {"count": 9}, "unmatched_left": left, "unmatched_right": right}
    due = figures.agreement([item | {"not_due_left": {"count": 4}, "not_due_right": nothing}])
    assert (due, due.share) == ((9, 1, 1, 4), "90.0 %")
    said = due.said("card.agreement_note", texts("en"))
    assert said == "9 agree; 1 on the left and 1 on the right do not · 4 not due yet"


def test_the_base_currency_comes_first_and_hand_offs_follow_the_chain() -> None:
    report = sample_report.report()
    assert figures.currencies(report) == ["CNY", "JPY"]
    order = [(item["name"], item["currency"]) for item in figures.tie_outs(report)]
    assert order[:3] == [("quote_order", "CNY"), ("quote_order", "JPY"), ("order_delivery", "CNY")]


def test_the_river_narrows_with_the_money_and_ignores_tax() -> None:
    steps = figures.river(sample_report.report(), "CNY")
    assert [step.amount for step in steps] == [Decimal(x) for x in ("100.00", "80.00", "60.00", "60.00", "33.90")]
    assert steps[-1].share == Decimal("0.5")
    assert steps[-1].width == Decimal("30.000")


def test_what_is_waived_is_counted_and_said_with_its_money() -> None:
    report = sample_report.report()
    waived = [{**item, "status": "waived", "base_amount": "100.00"} for item in report["findings"][:2]]
    remarks = figures.remarks(figures.tally([*waived, *report["findings"][2:]]), "CNY", texts("en"))
    assert "Waived: 2 of them (200.00 CNY). Nobody has to act on these before their day." in remarks
    assert not [
        said for said in figures.remarks(figures.tally(report["findings"]), "CNY", texts("en")) if "waived" in said
    ]


def test_only_addresses_for_a_browser_become_links() -> None:
    order, quote, opportunity = sample_report.report()["findings"][0]["records"]
    assert figures.link(order) == "https://erp.example/sale/7?a=1&b=2"
    assert figures.link(quote) is None
    assert figures.link(opportunity) is None


def test_the_instant_is_shown_in_the_time_zone_of_the_company() -> None:
    assert figures.local_time(sample_report.report()) == "2026-10-31 18:00 Asia/Shanghai"


def test_findings_are_counted_from_the_close_before_and_what_came_back_is_told_apart() -> None:
    told, words = sample_report.report(), texts("en")
    since = "since the close of 2026-09 on 2026-10-03: "
    assert moved_note(told, words) == f"{since}3 + 2 new − 1 cleared = 4"
    told["roll_forward"] |= {"new": 5, "reopened": 4, "closing": 7}
    assert moved_note(told, words) == f"{since}3 + 1 new + 4 came back − 1 cleared = 7"
    told["periods"] = []
    assert moved_note(told, words) == "3 + 1 new + 4 came back − 1 cleared = 7"


def test_findings_have_a_column_with_their_customer() -> None:
    told = sample_report.report()
    told["findings"][0]["customer"] = "Acme"
    table = tables.findings(told, texts("en"))
    place = table.heads.index("Customer")
    assert [row[place].value for row in table.rows][:2] == ["Acme", None]
    assert table.heads[xlsx._BASE_AMOUNT].startswith("Amount in CNY")
    assert table.heads[xlsx._AGE] == "Age (days)"
