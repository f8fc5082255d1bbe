"""Money stays exact: minor units there and back, sums, other currencies; what would have to be rounded is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Context, Decimal

import duckdb
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from mappings import convert
from mappings.currencies import EXPONENTS, exponent
from mappings.errors import Unusable
from mappings.transforms import TRANSFORMS
from reconciliation import money
from tests.properties import examples

CURRENCIES = st.sampled_from(sorted(EXPONENTS))
MINOR = st.integers(-(2**63) + 1, 2**63 - 1)
EXACT = Context(prec=400)
"""Wide enough for every number here to be exact."""


def _major(minor: int, currency: str) -> Decimal:
    return Decimal(minor).scaleb(-EXPONENTS[currency], context=EXACT)


@examples(500)
@given(minor=MINOR, currency=CURRENCIES)
def test_an_amount_is_written_and_read_without_a_change(minor: int, currency: str) -> None:
    written = money.text(minor, currency)
    assert written is not None
    assert written == f"{_major(minor, currency):f}"
    places = written.partition(".")[2]
    assert len(places) == EXPONENTS[currency]
    digits = exponent(currency)
    assert convert.money(written, digits) == minor
    assert convert.money(Decimal(written), digits) == minor
    assert convert.money(f" {written}000 " if places else written, digits) == minor


@examples(500)
@given(minor=MINOR, currency=CURRENCIES)
def test_an_amount_in_json_is_exact_however_it_is_written(minor: int, currency: str) -> None:
    major = _major(minor, currency)
    for number in (f"{major:f}", f"{major:e}", f"{major.normalize(EXACT)}", json.dumps(f"{major:f}")):
        (decoded,) = convert.decode(f"[{number}]".encode())
        assert not isinstance(decoded, float)
        assert convert.money(decoded, EXPONENTS[currency]) == minor


@examples(500)
@given(value=st.decimals(allow_nan=False, allow_infinity=False), currency=CURRENCIES)
@example(value=Decimal("0.005"), currency="CNY")
@example(value=Decimal("0.5"), currency="JPY")
@example(value=Decimal("9223372036854775807.5"), currency="JPY")
def test_an_amount_that_would_have_to_be_rounded_is_refused(value: Decimal, currency: str) -> None:
    try:
        minor = convert.money(value, EXPONENTS[currency])
    except Unusable:
        scaled = value.scaleb(EXPONENTS[currency], context=EXACT) if abs(value.adjusted()) < 100 else None
        assert scaled is None or scaled != scaled.to_integral_value() or abs(scaled) >= 2**63
        return
    assert minor is not None
    assert _major(minor, currency) == value


@examples(200)
@given(amounts=st.lists(MINOR, max_size=40), currency=CURRENCIES)
def test_a_sum_is_the_sum_of_what_is_shown(amounts: list[int], currency: str) -> None:
    shown = [money.text(amount, currency) for amount in amounts]
    total = Decimal(0)
    for text in shown:
        assert text is not None
        total = EXACT.add(total, Decimal(text))
    assert Decimal(money.text(sum(amounts), currency) or "") == total


@pytest.fixture(scope="module")
def engine() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@examples(100)
@given(amounts=st.lists(MINOR, min_size=1, max_size=40))
def test_the_engine_adds_up_exactly(engine: duckdb.DuckDBPyConnection, amounts: list[int]) -> None:
    found = engine.execute("SELECT sum(amount) FROM (SELECT unnest(?::BIGINT[]) AS amount)", [amounts]).fetchone()
    assert found == (sum(amounts),)
    assert type(found[0]) is int


RATES = st.decimals("0.0000000001", "99999", places=10, allow_nan=False).filter(lambda rate: rate > 0)


@examples(300)
@given(minor=MINOR, rate=RATES, currency=CURRENCIES, base=CURRENCIES)
@example(minor=9_007_199_254_740_993, rate=Decimal(1), currency="USD", base="CNY")
@example(minor=-5, rate=Decimal("0.1"), currency="USD", base="CNY")
@example(minor=5, rate=Decimal("0.1"), currency="JPY", base="JPY")
def test_an_amount_in_the_base_currency_is_exact_and_then_rounded_half_away_from_zero(
    engine: duckdb.DuckDBPyConnection, minor: int, rate: Decimal, currency: str, base: str
) -> None:
    exact = EXACT.multiply(_major(minor, currency), rate)
    wanted = exact.scaleb(EXPONENTS[base], context=EXACT).quantize(Decimal(1), ROUND_HALF_UP, context=EXACT)
    assume(abs(wanted) < 2**63)
    over, under = money.factor(rate, currency, base)
    sql = f"SELECT {money.converted('amount', 'over', 'under')} FROM (SELECT ?::BIGINT AS amount, {over}::HUGEINT AS over, {under}::HUGEINT AS under)"  # noqa: E501
    assert engine.execute(sql, [minor]).fetchone() == (int(wanted),)


@examples(300)
@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=6) | st.integers(-(10**40), 10**40))
def test_the_one_transform_that_rounds_rounds_half_away_from_zero(value: Decimal | int) -> None:
    rounded = TRANSFORMS["round2"](value)
    exact = Decimal(value)
    assert abs(EXACT.subtract(rounded, exact)) <= Decimal("0.005")
    assert rounded == exact.quantize(Decimal("0.01"), ROUND_HALF_UP, context=EXACT)


@examples(300)
@given(absolute=st.dictionaries(CURRENCIES, st.decimals("0", "1000000", places=6), max_size=3))
def test_a_tolerance_in_minor_units_is_never_more_than_was_allowed(absolute: dict[str, Decimal]) -> None:
    for currency, minor in money.minor_tolerance(absolute).items():
        allowed = absolute[currency]
        assert _major(minor, currency) <= allowed < _major(minor + 1, currency)


@pytest.mark.parametrize("code", sorted(EXPONENTS))
def test_every_currency_takes_its_smallest_unit_and_nothing_smaller(code: str) -> None:
    places = EXPONENTS[code]
    smallest = Decimal(1).scaleb(-places)
    assert convert.money(smallest, places) == 1
    with pytest.raises(Unusable, match=f"more than {places} decimals"):
        convert.money(smallest / 10, places)
