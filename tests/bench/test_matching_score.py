"""The score of matching: what counts as right, and what each wrong answer costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench.matching import baseline, faults, generate, worlds
from bench.matching.score import score, wilson


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("world")
    generate.world(folder, "ugly", 6_000, 5)
    return folder


@pytest.fixture
def world(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with worlds.connect() as connection:
        worlds.load_seen(connection, folder)
        worlds.load_truth(connection, folder)
        for table, columns in worlds.ANSWERS.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
        yield connection


def _tell_the_truth(connection: duckdb.DuckDBPyConnection, decision: str = "auto") -> None:
    answer = f"receipt_id, item_id, applied, 'truth', 1000, '{decision}', 1, '{{}}'"
    connection.execute(f"INSERT INTO applications SELECT {answer} FROM truth")
    connection.execute("INSERT INTO differences FROM truth_differences")


def test_the_truth_scores_full_marks(world: duckdb.DuckDBPyConnection) -> None:
    _tell_the_truth(world)
    found = score(world)
    assert found["all"]["precision"]["share"] == 1
    assert found["all"]["recall"]["share"] == 1
    assert found["all"]["wrong_euro"] == 0
    assert found["pairs"]["recall"]["share"] == 1
    assert all(share["share"] == 1 for share in found["differences"].values())
    assert set(found["broken_rules"].values()) == {0}


def test_no_answer_is_neither_right_nor_wrong(world: duckdb.DuckDBPyConnection) -> None:
    found = score(world)["all"]
    assert (found["wrong"], found["recall"]["hits"], found["precision"]["share"]) == (0, 0, None)


def test_suggestions_are_no_bookings_but_their_first_counts(world: duckdb.DuckDBPyConnection) -> None:
    _tell_the_truth(world, "suggested")
    found = score(world)["all"]
    assert found["auto_rate"]["hits"] == 0
    assert found["suggestion_first_right"]["share"] == 1
    world.execute("UPDATE applications SET rank = 2")
    found = score(world)["all"]
    assert found["suggestion_first_right"]["share"] == 0
    assert found["suggestion_any_right"]["share"] == 1


def test_a_booking_of_a_strangers_money_is_wrong_with_all_of_it(world: duckdb.DuckDBPyConnection) -> None:
    _tell_the_truth(world)
    world.execute(
        """
        INSERT INTO applications
        SELECT receipt_id, (SELECT min(item_id) FROM open_items WHERE open > 0), 100, 'guess', 1, 'auto', 1, '{}'
        FROM truth_receipts WHERE class = 'payout' ORDER BY receipt_id LIMIT 1
        """
    )
    found = score(world)
    assert found["all"]["wrong"] == found["all"]["wrong_strangers"] == 1
    assert found["by_rule"]["guess"]["precision"]["share"] == 0
    row = world.execute("SELECT euro FROM verdicts WHERE verdict = 'wrong'").fetchone()
    assert row is not None
    assert found["all"]["wrong_euro"] == pytest.approx(float(row[0]))


def test_which_of_two_equal_payments_is_the_second_does_not_matter(world: duckdb.DuckDBPyConnection) -> None:
    _tell_the_truth(world)
    right = score(world)["all"]["recall"]["hits"]
    world.execute(
        """
        UPDATE applications SET receipt_id = s.receipt_id FROM truth_seconds s
        WHERE applications.receipt_id = s.first_id
        """
    )
    found = score(world)["all"]
    assert (found["recall"]["hits"], found["wrong"]) == (right, 0)


def _planted(kind: str) -> tuple[duckdb.DuckDBPyConnection, faults.Planted]:
    connection = worlds.connect()
    return connection, faults.plant(connection, kind)


def _answer(connection: duckdb.DuckDBPyConnection, receipt: int, item: int, applied: int) -> dict[str, Any]:
    connection.execute(f"INSERT INTO applications VALUES ({receipt}, {item}, {applied}, 'test', 1, 'auto', 1, '{{}}')")
    found: dict[str, Any] = score(connection)["all"]
    return found


def test_either_of_two_items_that_nobody_can_tell_apart_is_right() -> None:
    for place in (0, 1):
        connection, planted = _planted("twins")
        assert planted.item is not None
        same = connection.execute(
            "SELECT item_id FROM open_items WHERE party = ? AND open = ? ORDER BY item_id",
            [planted.item.party, planted.item.open],
        ).fetchall()
        found = _answer(connection, planted.receipt.receipt_id, same[place][0], planted.item.open)
        assert (found["recall"]["hits"], found["wrong"]) == (1, 0)


def test_less_applied_is_as_right_as_a_short_payment_written_off() -> None:
    connection, planted = _planted("short_payment")
    assert planted.item is not None
    found = _answer(connection, planted.receipt.receipt_id, planted.item.item_id, planted.item.open + planted.amount)
    assert (found["recall"]["hits"], found["wrong"]) == (1, 0)


def test_the_right_item_with_another_amount_is_wrong() -> None:
    connection, planted = _planted("short_payment")
    assert planted.item is not None
    found = _answer(connection, planted.receipt.receipt_id, planted.item.item_id, planted.item.open - 1)
    assert (found["recall"]["hits"], found["wrong"], found["wrong_item"]) == (0, 1, 0)


def test_a_wrong_item_is_told_apart_from_a_wrong_amount() -> None:
    connection, planted = _planted("unpaid")
    assert planted.item is not None
    found = _answer(connection, planted.receipt.receipt_id, planted.item.item_id, planted.item.open)
    assert (found["wrong"], found["wrong_item"]) == (1, 1)


def test_a_banks_fee_may_be_taken_from_the_item() -> None:
    connection, planted = _planted("fee")
    assert planted.item is not None
    connection.execute("UPDATE truth_differences SET item_id = NULL")
    found = _answer(connection, planted.receipt.receipt_id, planted.item.item_id, planted.item.open + planted.amount)
    assert (found["recall"]["hits"], found["wrong"]) == (1, 0)


def test_a_known_fee_may_not_be_taken_from_the_item() -> None:
    connection, planted = _planted("processor_fee")
    assert planted.item is not None
    found = _answer(connection, planted.receipt.receipt_id, planted.item.item_id, planted.receipt.amount)
    assert (found["recall"]["hits"], found["wrong"]) == (0, 1)


def test_booking_a_second_payment_and_its_refund_is_as_good_as_booking_neither(
    world: duckdb.DuckDBPyConnection,
) -> None:
    _tell_the_truth(world)
    assert score(world)["all"]["wrong"] == 0
    row = world.execute('SELECT count(DISTINCT "offset") FROM truth_offsets').fetchone()
    assert row is not None
    assert row[0] > 0
    world.execute(
        "INSERT INTO applications SELECT receipt_id, item_id, applied, 'both', 1, 'auto', 1, '{}' FROM truth_offsets"
    )
    assert score(world)["all"]["wrong"] == 0
    world.execute("DELETE FROM applications WHERE rule = 'both' AND applied < 0")
    assert score(world)["all"]["wrong"] == row[0]


def test_a_part_of_the_items_is_in_part() -> None:
    connection, planted = _planted("by_parent")
    assert planted.item is not None
    found = _answer(connection, planted.receipt.receipt_id, planted.item.item_id, planted.item.open)
    assert (found["in_part"], found["recall"]["hits"], found["wrong"]) == (1, 0, 0)


def test_more_than_is_open_and_more_than_came_in_are_told(world: duckdb.DuckDBPyConnection) -> None:
    _tell_the_truth(world)
    world.execute("INSERT INTO applications SELECT * FROM applications ORDER BY receipt_id, item_id LIMIT 1")
    broken = score(world)["broken_rules"]
    assert broken["rows_twice"] == 1
    assert broken["items_over_applied"] == 1
    assert broken["receipts_over_applied"] == 1


def test_the_plain_contestant_books_what_is_named_and_fits(world: duckdb.DuckDBPyConnection) -> None:
    baseline.apply(world)
    found = score(world)
    assert found["all"]["precision"]["share"] > 0.99
    assert 0.2 < found["all"]["recall"]["share"] < 0.8
    assert set(found["broken_rules"].values()) == {0}


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        (0, 0, 0.0, 1.0),
        (0, 10, 0.0, 0.27753),
        (10, 10, 0.72247, 1.0),
        (5, 10, 0.23659, 0.76341),
        (81, 263, 0.2553, 0.3662),
    ],
)
def test_wilson_intervals_agree_with_published_ones(hits: int, of: int, low: float, high: float) -> None:
    # 81 of 263: R. G. Newcombe 1998, method 3.
    assert wilson(hits, of) == pytest.approx((low, high), abs=1e-4)
