"""Document numbers as payers write them: what is read from a text, and how surely."""

from __future__ import annotations

import duckdb
import pytest

from reconciliation.cash import readings, references, tables
from reconciliation.session import Database
from tests.reconciliation.cash.world import World

AMOUNT = "1234.56"


def _named(numbers: list[str], text: str, least: int = references.DAMAGED, party: str | None = "A") -> dict[str, str]:
    """Number → how it was read in the text; all items have the receipt's amount."""
    world = World()
    for number in numbers:
        world.item(number, AMOUNT)
    world.receipt(AMOUNT, text, party=party)
    with duckdb.connect(":memory:") as connection:
        world.load(connection)
        session = Database(connection)
        references.define(session)
        tables.prepare(session)
        references.prepare(session)
        readings.read(session, least)
        found = session.rows("SELECT i.number, h.reading FROM hit h JOIN open_items i USING (item_id)")
    return dict(found)


@pytest.mark.parametrize(
    "text",
    [
        "INV-2026-00123",
        "Payment for invoice INV-2026-00123, thank you",
        "inv-2026-00123",
        "INV2026-00123",
        "INV.2026.00123",
        "货款 发票号：INV-2026-00123谢谢",
        "ＩＮＶ－２０２６－００１２３",
        "INV–2026–00123",
        "EREF+551 SVWZ+INV-2026-00123/KD 77",
        "/INV/INV-2026-00123/END",
    ],
)
def test_a_number_is_read_whatever_stands_around_it(text: str) -> None:
    assert _named(["INV-2026-00123"], text, references.EXACT) == {"INV-2026-00123": "exact"}


@pytest.mark.parametrize("glue", [", ", "; ", " and ", "/", "+", "、", " und ", "\n", ","])
def test_several_numbers_in_one_text_are_all_read(glue: str) -> None:
    numbers = ["RE-1001", "RE-1002", "RE-1017"]
    assert set(_named([*numbers, "RE-1003"], glue.join(numbers), references.EXACT)) == set(numbers)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("INV-2026-00123", "INV 2026 00123"),
        ("INV-2026-00123", "INV-2026-123"),
        ("INV-2026-00123", "Rechnung Nr. 2026/00123"),
        ("INV-2026-00123", "Re.-Nr. 2026 - 00123"),
        ("9000104156", "RG 9000104 156"),
        ("RE-2501-01293", "REF 2501-1293 thanks"),
        ("SO0304064", "Order SO03040 64"),
        ("000123456", "invoice 123456"),
    ],
)
def test_what_people_leave_out_or_put_in_is_cleaned(number: str, text: str) -> None:
    assert _named([number], text, references.WEAK) == {number: "cleaned"}


@pytest.mark.parametrize(
    "text", ["1001-1004", "INV-1001 - 1004", "INV-1001 to INV-1004", "1001 bis 1004", "INV1001至1004"]
)
def test_a_range_names_all_that_lie_between(text: str) -> None:
    numbers = [f"INV-{number}" for number in range(1000, 1006)]
    assert set(_named(numbers, text, references.WEAK)) >= set(numbers[1:5])
    assert numbers[0] not in _named(numbers, text, references.WEAK)


def test_a_shortened_end_of_a_range_is_understood() -> None:
    numbers = [f"RE-{number}" for number in range(23001, 23009)]
    assert set(_named(numbers, "Rechnungen RE-23002-04", references.WEAK)) == {"RE-23002", "RE-23003", "RE-23004"}


def test_a_range_whose_ends_are_no_numbers_of_ours_names_nothing() -> None:
    assert _named(["INV-1002"], "1001-1004", references.WEAK) == {}


@pytest.mark.parametrize("text", ["RF18539007547034", "RF18 5390 0754 7034", "Zahlung RF18 5390 0754 7034 danke"])
def test_a_creditor_reference_of_iso_11649_is_read_by_its_check_digits(text: str) -> None:
    assert _named(["539007547034"], text, references.EXACT) == {"539007547034": "exact"}


def test_a_creditor_reference_with_wrong_check_digits_names_nothing() -> None:
    assert _named(["539007547034"], "RF19 5390 0754 7034", references.EXACT) == {}


@pytest.mark.parametrize("text", ["INV-2O26-OO123", "1NV-2026-00I23", "INV-ZO26-O0123"])
def test_look_alike_characters_are_read_with_doubt(text: str) -> None:
    assert _named(["INV-2026-00123"], text)["INV-2026-00123"] == "look_alike"


@pytest.mark.parametrize(
    "text", ["INV-2026-00124", "INV-206-00123", "INV-2026-001234", "INV-2026-00132", "INV-2026-0012"]
)
def test_a_damaged_number_is_read_only_where_payer_and_amount_agree(text: str) -> None:
    assert _named(["INV-2026-00123"], text).get("INV-2026-00123") in ("typing", "cut_off", "last_part")
    assert _named(["INV-2026-00123"], text, party=None) == {}
    world = World()
    world.item("INV-2026-00123", "99.99")
    receipt = world.receipt(AMOUNT, text)
    assert world.apply().settled(receipt) == {}


def test_the_last_digits_are_enough_for_ones_own_customer() -> None:
    assert _named(["25312000020000003109"], "发票尾号3109") == {"25312000020000003109": "last_part"}
    assert _named(["25312000020000003109"], "发票尾号3109", party=None) == {}
    assert _named(["25312000020000003109"], "00003109", party=None) == {"25312000020000003109": "last_part"}


def test_a_short_number_counts_for_more_behind_a_word_for_it() -> None:
    assert _named(["10077"], "10077") == {"10077": "weak"}
    assert _named(["10077"], "invoice 10077", references.EXACT) == {"10077": "exact"}
    assert _named(["10077"], "发票号：10077", references.EXACT) == {"10077": "exact"}


def test_a_date_is_no_number() -> None:
    assert _named(["20260315"], "paid on 20260315", references.EXACT) == {"20260315": "weak"}
    assert _named(["20260315"], "paid on 2026-03-15", references.EXACT) == {"20260315": "weak"}


def test_digits_that_belong_to_a_better_read_number_name_no_other() -> None:
    assert _named(["INV-0400975", "DN-0400975"], "INV-0400975", references.WEAK) == {"INV-0400975": "exact"}


def test_a_number_that_hundreds_of_items_share_names_none_of_them() -> None:
    world = World()
    for number in range(250):
        world.item(f"INV-{number + 1000}", number + 1, other=["BLANKET-1"])
    receipt = world.receipt(7, "BLANKET-1", party=None)
    assert world.apply().settled(receipt) == {}


def test_a_number_that_is_another_items_as_it_stands_is_not_damaged() -> None:
    assert set(_named(["INV-20260001", "INV-20260002"], "INV-20260001")) == {"INV-20260001"}
