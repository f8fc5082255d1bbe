"""Generated years of business: reproducible, conserving money, with the rates that are written down."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bench.matching import generate, rates, worlds
from bench.matching.exchange import Exchange
from bench.matching.office import END, FIRST, Office
from bench.matching.rates import NAMES, Profile

_RECEIPTS = 6_000
_SPECIAL = {
    *("rest_of_partial", "instalments", "rolling", "refund", "refund_of_duplicate", "duplicate", "deposit_on_account"),
    *("fx", "withholding"),
}
"""What happens to trade payments that are not planned as such, or of payers whose payments go wrong in one way only."""


def _digest(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))}


@pytest.fixture(scope="module", params=NAMES)
def world(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    folder = tmp_path_factory.mktemp("world")
    generate.world(folder, request.param, _RECEIPTS, 7)
    with worlds.connect() as connection:
        worlds.load_seen(connection, folder)
        worlds.load_truth(connection, folder)
        yield connection


@pytest.fixture(scope="module")
def made() -> dict[str, list[Office]]:
    exchange = Exchange("3", FIRST - 30, END + 60)
    return {name: list(generate.offices(rates.profile(name), name, _RECEIPTS, 3, exchange)) for name in NAMES}


def _count(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    row = connection.execute(sql).fetchone()
    assert row is not None
    return int(row[0])


def test_the_same_seed_gives_the_same_bytes_in_another_process(tmp_path: Path) -> None:
    generate.world(tmp_path / "here", "ugly", 1_500, 11)
    arguments = (str(tmp_path / "there"), "--profile", "ugly", "--receipts", "1500", "--seed", "11")
    environment = os.environ | {"PYTHONHASHSEED": "99"}
    command = (sys.executable, "-m", "bench.matching.generate", *arguments)
    subprocess.run(command, check=True, env=environment, stdout=subprocess.DEVNULL)
    assert _digest(tmp_path / "here") == _digest(tmp_path / "there")


def test_another_seed_gives_another_world(tmp_path: Path) -> None:
    for seed in (1, 2):
        generate.world(tmp_path / str(seed), "typical", 500, seed)
    first, second = _digest(tmp_path / "1"), _digest(tmp_path / "2")
    assert first.keys() == second.keys()
    for name in ("open_items", "receipts", "parties", "rates", "truth", "truth_receipts"):
        assert first[f"{name}.parquet"] != second[f"{name}.parquet"]


def test_every_receipt_is_what_it_settles_and_differs_by_and_a_rest(world: duckdb.DuckDBPyConnection) -> None:
    world.execute("CREATE OR REPLACE MACRO minor(code) AS CASE WHEN code = 'JPY' THEN 1 ELSE 100 END")
    assert not _count(
        world,
        """
        WITH settled AS (
            SELECT t.receipt_id, sum(CASE WHEN i.currency = r.currency THEN t.applied
                ELSE round(t.applied * a.rate::DOUBLE * minor(r.currency) / (b.rate * minor(i.currency)))::BIGINT
                END) AS amount
            FROM truth t JOIN open_items i USING (item_id) JOIN receipts r USING (receipt_id)
            JOIN rates a ON a.day = r.received_on AND a.currency = i.currency
            JOIN rates b ON b.day = r.received_on AND b.currency = r.currency GROUP BY ALL
        ), differing AS (SELECT receipt_id, sum(amount) AS amount FROM truth_differences GROUP BY ALL)
        SELECT count(*) FROM truth_receipts t JOIN receipts r USING (receipt_id)
        LEFT JOIN settled s USING (receipt_id) LEFT JOIN differing d USING (receipt_id)
        WHERE coalesce(s.amount, 0) + coalesce(d.amount, 0) + t.rest <> r.amount
            OR r.amount + CASE WHEN r.fee_is_netted THEN r.fee ELSE 0 END <> t.gross OR r.fee < 0
        """,
    )


def test_no_item_is_settled_beyond_what_is_open(world: duckdb.DuckDBPyConnection) -> None:
    assert not _count(
        world,
        """
        SELECT count(*) FROM (
            SELECT t.item_id, sum(t.applied) OVER (PARTITION BY t.item_id ORDER BY r.received_on, t.applied) AS so_far
            FROM truth t JOIN receipts r USING (receipt_id)
        ) JOIN open_items i USING (item_id) WHERE so_far * sign(i.open) NOT BETWEEN 0 AND abs(i.open)
        """,
    )


def test_receipts_that_settle_nothing_have_no_truth_and_keep_all_their_money(world: duckdb.DuckDBPyConnection) -> None:
    nothing = "class NOT IN ('settles', 'deposit')"
    assert _count(world, f"SELECT count(*) FROM truth_receipts WHERE {nothing}")
    assert not _count(world, f"SELECT count(*) FROM truth_receipts WHERE {nothing} AND rest <> gross")
    assert not _count(world, f"SELECT count(*) FROM truth JOIN truth_receipts USING (receipt_id) WHERE {nothing}")


def test_ids_tell_nothing(world: duckdb.DuckDBPyConnection) -> None:
    row = world.execute("SELECT corr(receipt_id, item_id) FROM truth").fetchone()
    assert row is not None
    assert abs(row[0]) < 0.05


def test_numbers_name_one_document(world: duckdb.DuckDBPyConnection) -> None:
    assert not _count(world, "SELECT count(*) - count(DISTINCT number) FROM open_items")


def test_a_payment_that_says_nothing_settles_the_oldest_item_of_its_amount(world: duckdb.DuckDBPyConnection) -> None:
    older_left_out = """
        SELECT count(*) FROM truth t JOIN truth_receipts c USING (receipt_id) JOIN receipts r USING (receipt_id)
        JOIN open_items i USING (item_id)
        JOIN open_items o ON o.party = i.party AND o.currency = i.currency AND o.kind = i.kind AND o.open = i.open
            AND o.due_on < i.due_on AND o.issued_on <= r.received_on
            AND (c.habit <> 'period' OR month(o.issued_on) = month(i.issued_on))
        WHERE c.habit IN ('nothing', 'name', 'customer_number', 'period')
            AND t.applied = i.open AND i.issued_on <= r.received_on AND o.item_id NOT IN (SELECT item_id FROM truth)
            AND NOT EXISTS (
                SELECT 1 FROM truth_differences d WHERE d.receipt_id = t.receipt_id AND d.item_id IS NOT NULL)
            AND NOT list_has_any(c.events, ['rolling', 'paid_again', 'chargeback', 'by_machine'])
    """
    assert not _count(world, older_left_out)


def test_alternatives_equal_each_other_in_all_that_can_be_seen(world: duckdb.DuckDBPyConnection) -> None:
    assert not _count(
        world,
        """
        SELECT count(*) FROM (
            SELECT alternatives, count(*) AS items, count(DISTINCT (party, kind, currency, open, issued_on, due_on,
                discount_rate, discount_until)) AS looks
            FROM truth_alternatives JOIN open_items USING (item_id) GROUP BY ALL
        ) WHERE items < 2 OR looks > 1
        """,
    )


def test_an_item_that_the_text_names_has_no_alternatives(world: duckdb.DuckDBPyConnection) -> None:
    assert not _count(
        world,
        """
        SELECT count(*) FROM truth t JOIN receipts r USING (receipt_id) JOIN open_items i USING (item_id)
        WHERE t.alternatives IS NOT NULL AND contains(r.text, i.number)
        """,
    )


def test_some_truth_of_the_ugly_world_has_alternatives(made: dict[str, list[Office]]) -> None:
    assert any(row.alternatives for office in made["ugly"] for one in office.receipts for row in one.rows)


def _near(hits: int, of: int, share: float) -> bool:
    """Whether that many hits are within five standard deviations of what the share lets expect."""
    return abs(hits - of * share) <= 5 * math.sqrt(max(1.0, of * share * (1 - share)))


@pytest.mark.parametrize("name", NAMES)
def test_rates_are_as_documented(name: str, made: dict[str, list[Office]]) -> None:
    profile, offices = rates.profile(name), made[name]
    receipts = [one for office in offices for one in office.receipts]
    payers = {id(one.payer): one for one in receipts if one.payer is not None and one.source != "payments"}
    items = [item for office in offices for item in office.items]
    charges = [one for one in receipts if one.source == "payments" and one.gross > 0 and one.kind == "settles"]
    events = Counter(event for one in receipts for event in one.events)
    classes = Counter(one.kind for one in receipts)
    strangers = sum(one.habit == "stranger" for one in receipts)
    plain = sum(one.segment == "trade" and not _SPECIAL.intersection(one.events) for one in receipts)
    shares: dict[str, tuple[int, int]] = {
        "stranger": (strangers, len(receipts)),
        "chargeback": (events["chargeback"], len(charges)),
        "lookalike": (events["lookalike"], strangers),
        **{event: (events[event], plain) for event in ("short_payment", "missing_credit", "rounding", "overpayment")},
        "twin_invoice": (
            sum(count - 1 for count in _looks(items).values()),
            sum(item.kind == "invoice" and bool(item.delivery) for item in items),
        ),
    }
    wrong = {key: pair for key, pair in shares.items() if not _near(*pair, _share(profile, key))}
    assert not wrong
    habits = Counter(one.payer.habit for one in payers.values() if one.payer and not one.payer.why)
    machine = {id(one.payer) for one in receipts if "by_machine" in one.events}
    assert _near(habits["tail"], sum(habits.values()), profile.text_tail)
    assert machine
    assert classes["duplicate"] >= (name == "ugly")
    for segment in ("consumer", "subscription", "trade", "project"):
        share = sum(one.segment == segment for one in receipts) / (len(receipts) - strangers)
        assert abs(share - getattr(profile, f"share_{segment}")) < 0.08, segment


def _share(profile: Profile, name: str) -> float:
    return float(getattr(profile, name))


def _looks(items: list[Any]) -> Counter[tuple[Any, ...]]:
    """Trade invoices by all that can be seen of them but numbers."""
    return Counter(
        (item.party, item.amount, item.issued, item.due, item.purchase_order)
        for item in items
        if item.kind == "invoice" and item.delivery
    )


def test_profiles_get_harder(made: dict[str, list[Office]]) -> None:
    def share(name: str, event: str) -> float:
        receipts = [one for office in made[name] for one in office.receipts]
        return sum(event in one.events for one in receipts) / len(receipts)

    for event in ("typing_error", "ocr_error", "split_number", "cut_text", "short_payment", "fx", "lookalike"):
        assert share("clean", event) < share("ugly", event), event
        assert share("typical", event) < share("ugly", event), event


def test_the_documented_table_of_rates_is_the_one_that_is_used() -> None:
    readme = Path(rates.__file__).with_name("README.md").read_text()
    assert rates.table() in readme, "run python -m bench.matching.rates and put its output into README.md"
