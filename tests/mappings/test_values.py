"""Kinds, expressions and transforms, one value at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from mappings import convert, currency_names
from mappings.currencies import EXPONENTS
from mappings.errors import Unusable
from mappings.transforms import TRANSFORMS
from tests.mappings.conftest import refusal

OneField = Callable[..., Any]


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ("12.30", "CNY", 1230),
        ("12.3", "CNY", 1230),
        (12, "CNY", 1200),
        ("-0.05", "USD", -5),
        ("1500", "JPY", 1500),
        ("1500.000", "JPY", 1500),
        ("1.234", "KWD", 1234),
        ("1.2345", "CLF", 12345),
        (Decimal("1E+2"), "EUR", 10000),
        (" 7.00 ", "EUR", 700),
        ("+7", "EUR", 700),
        (".5", "EUR", 50),
        ("12.3000", "EUR", 1230),
        ("", "EUR", None),
        (None, "EUR", None),
    ],
)
def test_money_is_minor_units_of_its_currency(value: Any, currency: str, minor: int | None) -> None:
    assert convert.money(value, EXPONENTS[currency]) == minor


@pytest.mark.parametrize(
    ("value", "exponent"),
    [
        ("12.345", 2),
        ("1.0000000000000000000000000000000001", 2),
        ("1.5", 0),
        ("1,234.00", 2),
        ("1_000.00", 2),
        ("１２.00", 2),
        ("²3.00", 2),
        ("12 €", 2),
        ("NaN", 2),
        ("Infinity", 2),
        ("1e999", 2),
        (True, 2),
        ([], 2),
        ("1" * 40, 2),
        (2**70, 2),
        ("5", None),
    ],
)
def test_an_amount_that_would_be_a_guess_is_refused(value: Any, exponent: int | None) -> None:
    with pytest.raises(Unusable):
        convert.money(value, exponent)


@given(st.decimals(min_value=-(10**12), max_value=10**12, places=2))
def test_money_is_exact(amount: Decimal) -> None:
    assert convert.money(str(amount), 2) == int(amount * 100)
    assert convert.money(amount, 2) == int(amount * 100)


@given(st.decimals(min_value=-(10**12), max_value=10**12, allow_nan=False))
def test_a_number_keeps_its_value_in_one_notation(number: Decimal) -> None:
    written = convert.number(number)
    assert written is not None
    assert Decimal(written) == number
    assert "E" not in written
    assert convert.number(written) == written


@pytest.mark.parametrize(
    ("field", "value", "stored"),
    [
        ("customer_po_number", 7, "7"),
        ("customer_po_number", True, "true"),
        ("customer_po_number", 1.50, "1.5"),
        ("customer_po_number", "", None),
        ("order_date", "2026-03-31", "2026-03-31"),
        ("order_date", "2026-03-31T23:30:00+09:00", "2026-03-31"),
        ("order_date", "", None),
        ("source_created_at", "1970-01-01T00:00:01.000002Z", 1_000_002),
        ("source_created_at", "1970-01-01T08:00:00.000+0800", 0),
        ("source_created_at", "1969-12-31T23:59:59Z", -1_000_000),
    ],
)
def test_a_plain_path_converts_by_the_kind_of_its_field(
    one_field: OneField, field: str, value: Any, stored: Any
) -> None:
    assert one_field(field, "x", {"x": value}) == stored


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("order_date", "31.03.2026"),
        ("order_date", "20260331"),
        ("order_date", "2026-13-01"),
        ("order_date", 1439434356790),
        ("source_created_at", "2026-03-31"),
        ("source_created_at", 1439434356790),
        ("source_created_at", "yesterday"),
        ("customer_po_number", ["a"]),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(one_field: OneField, field: str, value: Any) -> None:
    assert refusal(lambda: one_field(field, "x", {"x": value})).field == field


@pytest.mark.parametrize(
    ("expression", "record", "result"),
    [
        ("a.b", {"a": {"b": "x"}}, "x"),
        ("a.b", {"a": "text"}, None),
        ("a.b", {"a": None}, None),
        ("a.b", {}, None),
        ("a.1.b", {"a": [{"b": "x"}, {"b": "y"}]}, "y"),
        ("a.1.b", {"a": [{"b": "x"}]}, None),
        ("a..b", {"a.": {"b": "x"}}, "x"),
        ("'\"Total incl. VAT\"'", {"Total incl. VAT": "x"}, "x"),
        ("'a.\"b. c\".d'", {"a": {"b. c": {"d": "x"}}}, "x"),
        ("'a.0.\"b.c\"'", {"a": [{"b.c": "x"}]}, "x"),
        ("{template: '{\"b.c\"}-{a}'}", {"a": 1, "b.c": "x"}, "x-1"),
        ("'@source_id'", {}, "7"),
        ("{const: fixed}", {}, "fixed"),
        ("{path: a, default: none}", {"a": ""}, "none"),
        ("{first: [a, b]}", {"a": "", "b": "x"}, "x"),
        ("{template: '{a}-{b.c}%'}", {"a": 1, "b": {"c": "x"}}, "1-x%"),
        ("{template: '{a}-{b.c}'}", {"a": 1}, None),
        ("{path: a, do: [strip, upper]}", {"a": " ab "}, "AB"),
        (r"{path: a, match: 'no\. (\d+)'}", {"a": "see no. 12 and no. 13"}, "12"),
        (r"{path: a, match: 'x\d'}", {"a": "nothing"}, None),
        ("{path: a, values: {true: yes, 1: one, null: missing}}", {"a": True}, "yes"),
        ("{path: a, values: {true: yes, 1: one, null: missing}}", {"a": 1}, "one"),
        ("{path: a, values: {true: yes, 1: one, null: missing}}", {}, "missing"),
        ("{path: a, values: {x: y}}", {}, None),
    ],
)
def test_an_expression_finds_its_value(one_field: OneField, expression: str, record: Any, result: Any) -> None:
    assert one_field("customer_po_number", expression, record) == result


@pytest.mark.parametrize(
    ("expression", "value", "result"),
    [
        ("{path: x, ref: no}", "A", "no:A"),
        ("{path: x, ref: no}", ["A", "B", "A", None], "no:A\nno:B"),
        (r"{path: x, findall: 'SO-\d+', ref: no}", "for SO-1, SO-2 and SO-1", "no:SO-1\nno:SO-2"),
        (r"{path: x, findall: 'SO-\d+', ref: no}", "for nobody", None),
        ("{path: x.*.id, ref: id}", [{"id": 1}, {"id": 2}, {}], "id:1\nid:2"),
        ("{path: x.*.ids, ref: id}", [{"ids": [1, 2]}, {"ids": [3]}], "id:1\nid:2\nid:3"),
        ("{path: x, ref: id}", [], None),
        ("{path: x, do: [upper], ref: ext}", ["a", "b"], "ext:A\next:B"),
    ],
)
def test_several_references_are_kept_one_a_line(one_field: OneField, expression: str, value: Any, result: Any) -> None:
    assert one_field("order_refs", expression, {"x": value}, entity="invoice") == result


def test_two_references_where_one_is_expected_are_refused(one_field: OneField) -> None:
    assert one_field("party_ref", "{path: x, ref: id}", {"x": [5]}) == "id:5"
    assert "several" in refusal(lambda: one_field("party_ref", "{path: x, ref: id}", {"x": [5, 6]})).reason


@pytest.mark.parametrize(
    ("name", "value", "result"),
    [
        ("strip", "  a ", "a"),
        ("collapse_spaces", " a \t\n b　c ", "a b c"),
        ("digits", "+86 (138) 0013", "861380013"),
        ("domain", "Wang@Example.COM", "example.com"),
        ("domain", "https://www.example.com:8080/a?b", "example.com"),
        ("domain", "www.example.com", "example.com"),
        ("domain", "", None),
        ("phone", "138 0013 8000", "+8613800138000"),
        ("phone", "86-13800138000", "+8613800138000"),
        ("phone", "+86 138-0013-8000", "+8613800138000"),
        ("phone", "0049 (40) 123 456", "+4940123456"),
        ("phone", "+1 (512) 555-0100 ext. 12", "+15125550100"),
        ("phone", "010-6552 9988", "01065529988"),
        ("phone", "n/a", None),
        ("currency_name", "人民币", "CNY"),
        ("currency_name", " 人民币元 ", "CNY"),
        ("currency_name", "人民幣", "CNY"),
        ("currency_name", "RMB", "CNY"),
        ("currency_name", "cny", "CNY"),
        ("currency_name", "Renminbi Yuan", "CNY"),
        ("currency_name", "人民币（CNY）", "CNY"),
        ("currency_name", "[USD] 美元", "USD"),
        ("currency_name", "US-Dollar", "USD"),
        ("currency_name", "us dollars", "USD"),
        ("currency_name", "US$", "USD"),
        ("currency_name", "欧元", "EUR"),
        ("currency_name", "€", "EUR"),
        ("currency_name", "日元", "JPY"),
        ("currency_name", "港币", "HKD"),
        ("currency_name", "港元", "HKD"),
        ("currency_name", "英镑", "GBP"),
        ("currency_name", "Britische Pfund", "GBP"),
        ("currency_name", "新台币", "TWD"),
        ("currency_name", "新臺幣", "TWD"),
        ("currency_name", "Schweizer Franken", "CHF"),
        ("currency_name", " ", None),
        ("percent", 13, Decimal("0.13")),
        ("percent", "7.5", Decimal("0.075")),
        ("negate", "5", Decimal(-5)),
        ("abs", "-5", Decimal(5)),
        ("round2", "1.005", Decimal("1.01")),
        ("decimal_point", "1,250.00", Decimal("1250.00")),
        ("decimal_point", " -99,900.50 ", Decimal("-99900.50")),
        ("decimal_point", "1'234'567", Decimal(1234567)),
        ("decimal_point", "1\u202f234.5", Decimal("1234.5")),
        ("decimal_point", "1250.75", Decimal("1250.75")),
        ("decimal_point", 7, Decimal(7)),
        ("decimal_point", "", None),
        ("decimal_comma", "1.250,00", Decimal("1250.00")),
        ("decimal_comma", " -99.900,50 ", Decimal("-99900.50")),
        ("decimal_comma", "45,90", Decimal("45.90")),
        ("decimal_comma", "1\u202f234\u202f567,8", Decimal("1234567.8")),
        ("decimal_comma", "1.234.567", Decimal(1234567)),
        ("decimal_comma", "1250", Decimal(1250)),
        ("decimal_comma", Decimal("12.5"), Decimal("12.5")),
        ("decimal_comma", 7, Decimal(7)),
        ("decimal_comma", "", None),
        ("day_first", "03.11.2026", "2026-11-03"),
        ("day_first", "3/11/2026", "2026-11-03"),
        ("day_first", "2026-11-03", "2026-11-03"),
        ("day_first", "2026-11-03T08:00:00Z", "2026-11-03T08:00:00Z"),
        ("day_first", "02.02.2026 9:30", "2026-02-02T09:30:00"),
        ("month_first", "11/03/2026", "2026-11-03"),
        ("year_first", "2026/11/3", "2026-11-03"),
        ("year_first", "20261103", "2026-11-03"),
        ("year_first", 20261103, "2026-11-03"),
        ("year_first", "2026年11月3日 08:00:05", "2026-11-03T08:00:05"),
        ("year_first", "", None),
        ("to_text", 5, "5"),
        ("false_is_nothing", False, None),
        ("false_is_nothing", 0, 0),
        ("false_is_nothing", "false", "false"),
        ("lower", None, None),
        ("upper", ["a", None], ["A", None]),
    ],
)
def test_a_transform_does_what_it_says(name: str, value: Any, result: Any) -> None:
    assert TRANSFORMS[name](value) == result


@pytest.mark.parametrize(
    ("transform", "value", "instant"),
    [
        ("epoch_ms", 1000, 1_000_000),
        ("epoch_s", "1.5", 1_500_000),
        ("xero_date", "/Date(1439434356790)/", 1439434356790000),
        ("xero_date", "/Date(-1000+0000)/", -1_000_000),
        ("naive_utc_instant", "1970-01-01T00:00:01", 1_000_000),
        ("iso_instant", "1970-01-01T08:00:00+08:00", 0),
        ("tagged", {"__class__": "datetime", "year": 1970, "month": 1, "day": 1, "second": 2}, 2_000_000),
        ("tagged", None, None),
    ],
)
def test_instants_of_every_vendor(one_field: OneField, transform: str, value: Any, instant: int | None) -> None:
    assert one_field("source_created_at", f"{{path: x, do: [{transform}]}}", {"x": value}) == instant


@pytest.mark.parametrize(
    ("transform", "value", "day"),
    [
        ("xero_date", "/Date(1439434356790+0000)/", "2015-08-13"),
        ("xero_date", "2015-08-13", "2015-08-13"),
        ("xero_date", "2015-08-13T00:00:00", "2015-08-13"),
        ("tagged", {"__class__": "date", "year": 2026, "month": 2, "day": 1}, "2026-02-01"),
    ],
)
def test_days_of_every_vendor(one_field: OneField, transform: str, value: Any, day: str) -> None:
    assert one_field("order_date", f"{{path: x, do: [{transform}]}}", {"x": value}) == day


def test_a_tagged_decimal_is_money(one_field: OneField) -> None:
    value = {"__class__": "Decimal", "decimal": "148.08"}
    assert one_field("net_amount", "{path: x, do: [tagged]}", {"x": value}) == 14808


@pytest.mark.parametrize(
    ("transform", "value"),
    [
        ("tagged", {"__class__": "date", "year": 2026}),
        ("tagged", {"__class__": "bytes"}),
        ("tagged", {"a": 1}),
        ("epoch_ms", "soon"),
        ("epoch_s", 10**20),
        ("xero_date", "/Date(x)/"),
        ("iso_instant", "2026-99-01T00:00:00Z"),
        ("percent", "half"),
    ],
)
def test_a_transform_refuses_what_it_does_not_know(one_field: OneField, transform: str, value: Any) -> None:
    assert refusal(lambda: one_field("source_created_at", f"{{path: x, do: [{transform}]}}", {"x": value})).reason


@pytest.mark.parametrize(
    "value",
    [
        "abc",
        "1.250",
        "12.5",
        "1,250.00",
        "1.25,00",
        "1.250 000,00",
        ",5",
        "5,",
        "1,2,3",
        "12 €",
        "1" * 200,
        "１,5",
        True,
    ],
)
def test_a_number_with_a_decimal_comma_that_would_be_a_guess_is_refused(value: Any) -> None:
    with pytest.raises(Unusable):
        TRANSFORMS["decimal_comma"](value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("day_first", "03.11.26"),
        ("day_first", "03.11/2026"),
        ("day_first", "31.11.2026"),
        ("day_first", "2026.11.03"),
        ("day_first", "03.11.2026 25:00"),
        ("month_first", "13/11/2026"),
        ("year_first", "2026113"),
        ("year_first", "٢٠٢٦/11/03"),
        ("year_first", True),
    ],
)
def test_a_written_day_that_would_be_a_guess_is_refused(name: str, value: Any) -> None:
    with pytest.raises(Unusable):
        TRANSFORMS[name](value)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("¥", "may mean CNY, JPY"),
        ("￥", "may mean CNY, JPY"),
        ("$", "may mean USD, AUD"),
        ("元", "may mean CNY, TWD"),
        ("贝壳", "is not the name of a currency that is known"),
        ("人民币(USD)", "is not the name of a currency that is known"),
        ("100 美元", "is not the name of a currency that is known"),
        ("EUR" * 1000, "is not the name of a currency that is known"),
        (7, "is not the name of a currency that is known"),
    ],
)
def test_a_currency_that_would_be_a_guess_is_refused(value: Any, reason: str) -> None:
    with pytest.raises(Unusable, match=reason):
        TRANSFORMS["currency_name"](value)


def test_every_name_of_a_currency_means_that_one_alone() -> None:
    names = yaml.safe_load((Path(currency_names.__file__).parent / "names" / "currencies.yaml").read_text("utf-8"))
    for code, listed in [*names["names"].items(), *names["also"].items()]:
        assert [name for name in listed if TRANSFORMS["currency_name"](name) != code] == []
    assert {code for codes in names["several"].values() for code in codes} <= set(EXPONENTS)


def test_a_currencys_name_as_it_is_names_the_transform_that_reads_it(one_field: OneField) -> None:
    assert one_field("currency", "{path: x, do: [currency_name]}", {"x": "人民币"}) == "CNY"
    refused = refusal(lambda: one_field("currency", "x", {"x": "人民币"}))
    assert refused.field == "currency"
    assert refused.reason.startswith("means CNY")
    assert "`currency_name`" in refused.reason


@given(st.dates())
@example(date(510, 5, 10))
def test_a_written_day_is_that_day_in_every_order(day: date) -> None:
    year = f"{day.year:04}"
    assert TRANSFORMS["day_first"](f"{day.day}.{day.month}.{year}") == day.isoformat()
    assert TRANSFORMS["month_first"](f"{day.month}/{day.day}/{year}") == day.isoformat()
    for written in (f"/{day.month}/{day.day}", f"年{day.month}月{day.day}日", f"{day:%m%d}"):
        assert TRANSFORMS["year_first"](year + written) == day.isoformat()


@pytest.mark.parametrize("value", ["03.11.2026", "11/23/2026 10:00", "2026年11月3日"])
def test_a_plain_day_names_the_transforms_for_other_forms(value: str) -> None:
    with pytest.raises(Unusable, match="`day_first`"):
        convert.day(value)
    with pytest.raises(Unusable, match=r"YYYY-MM-DD$"):
        convert.day("tomorrow")


@pytest.mark.parametrize("value", ["1.250,00", "12,50.00", "1,250'000", "1,25", ",5", "¥1,250.00", "１,250", True])
def test_a_number_with_signs_between_thousands_that_would_be_a_guess_is_refused(value: Any) -> None:
    with pytest.raises(Unusable):
        TRANSFORMS["decimal_point"](value)


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2))
def test_a_number_with_signs_between_thousands_is_exact(amount: Decimal) -> None:
    assert TRANSFORMS["decimal_point"](f"{amount:,}") == amount


@given(st.decimals(min_value=-(10**15), max_value=10**15, places=2))
def test_a_decimal_comma_is_exact(amount: Decimal) -> None:
    written = f"{amount:,}".translate(str.maketrans(",.", ".,"))
    assert TRANSFORMS["decimal_comma"](written) == amount


@pytest.mark.parametrize("value", ["1.250,00", "45,90"])
def test_a_plain_number_names_the_transform_for_a_decimal_comma(value: str) -> None:
    for convert_it in (convert.number, lambda given: convert.money(given, 2)):
        with pytest.raises(Unusable, match="`decimal_comma`"):
            convert_it(value)
    with pytest.raises(Unusable, match="`decimal_point`"):
        convert.number("1,250.00")
    with pytest.raises(Unusable, match=r"decimal number$"):
        convert.number("abc")


def test_every_transform_is_documented() -> None:
    documented = (Path(__file__).parents[2] / "docs" / "mappings.md").read_text(encoding="utf-8")
    for name, function in TRANSFORMS.items():
        assert f"| `{name}` | {(function.__doc__ or '').strip()} |" in documented
