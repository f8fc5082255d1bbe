"""Whatever the world: nothing is lost or made, the order of rows says nothing, names of systems say nothing."""

from __future__ import annotations

import random
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciliation.cash import tables
from reconciliation.cash.residue import NEXT_STEPS
from reconciliation.session import Database
from tests.reconciliation.cash.world import Outcome, World

pytestmark = pytest.mark.slow

_TEXTS = (
    "INV-{}",
    "INV {} and INV-{}",
    "",
    "thanks",
    "Rechnungen 03/2026",
    "INV-{} 1/2",
    "SO-{}",
    "INV-1O0{}",
    "refund",
)


def _world(rng: random.Random) -> World:
    world = World()
    for n in range(rng.randrange(1, 9)):
        kind = rng.choice(["invoice", "invoice", "invoice", "credit_note", "deposit"])
        amount: Any = rng.choice([100, 100, 250, "99.99", 1234, rng.randrange(1, 5000)])
        world.item(
            rng.choice([f"INV-{1000 + n}", f"INV-{1000 + n}", None]),
            -int(float(amount)) if kind == "credit_note" else amount,
            kind=kind,
            party=rng.choice("AB"),
            currency=rng.choice(["EUR", "EUR", "EUR", "JPY"]) if amount != "99.99" else "EUR",
            day=rng.randrange(0, 40),
            other=[f"SO-{2000 + n // 2}"],
            discount=rng.choice([None, "0.02"]),
            until=rng.randrange(0, 60),
        )
    for _ in range(rng.randrange(1, 9)):
        text = rng.choice(_TEXTS)
        sign = rng.choice([1, 1, 1, 1, -1])
        paid = rng.choice([100, 250, 98, 350, 1234, 245, 50, rng.randrange(1, 5000)])
        world.receipt(
            sign * paid,
            text.format(*(rng.randrange(1000, 1009) for _ in range(text.count("{}")))),
            party=rng.choice(["A", "B", "C", None]),
            currency=rng.choice(["EUR", "EUR", "EUR", "JPY"]),
            fee=rng.choice([0, 0, 2]),
            day=rng.randrange(0, 80),
            account=rng.choice([None, "DE1", "DE2"]),
        )
    world.related = [("C", "A", "parent")]
    world.rate("JPY", 0, "0.0062")
    return world


def _check(world: World, outcome: Outcome) -> None:
    receipts = {row[0]: row for row in world.receipts}
    items = {row[0]: row for row in world.items}
    spent = dict.fromkeys(receipts, 0)
    applied = dict.fromkeys(items, 0)
    for receipt, item, amount, cost, *_, decision, _rank, _evidence in outcome.rows:
        if decision != "suggested":
            spent[receipt] += cost
            applied[item] += amount
    for receipt, _, _, amount in outcome.difference_rows:
        spent[receipt] += amount
    for receipt, amount, kind, step in outcome.residue_rows:
        spent[receipt] += amount
        assert NEXT_STEPS[kind] == step
    assert spent == {receipt: row[6] for receipt, row in receipts.items()}
    for item, amount in applied.items():
        open_ = items[item][5]
        assert 0 <= amount * (1 if open_ > 0 else -1) <= abs(open_)
    for receipt in receipts:
        options = outcome.suggestions(receipt)
        assert len(options) <= 5
        assert len({str(sorted(option.items())) for option in options}) == len(options) or options
    rows = [(row[0], row[1]) for row in outcome.rows if row[6] != "suggested"]
    assert len(rows) == len(set(rows))


@given(st.integers(0, 10**9))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_every_amount_is_accounted_for(seed: int) -> None:
    world = _world(random.Random(seed))
    _check(world, world.apply())


@pytest.mark.parametrize("seed", range(6))
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    rng = random.Random(seed)
    world = _world(rng)
    before = world.apply()
    rng.shuffle(world.items)
    rng.shuffle(world.receipts)
    after = world.apply()
    assert (before.rows, before.difference_rows, before.residue_rows) == (
        after.rows,
        after.difference_rows,
        after.residue_rows,
    )


@pytest.mark.parametrize("seed", range(3))
def test_other_names_of_sources_and_parties_change_nothing(seed: int) -> None:
    world = _world(random.Random(seed))
    before = world.apply()
    names = {"A": "zz-first", "B": "aa-second", "C": "mm-third", None: None}
    world.items = [(*row[:2], names[row[2]], *row[3:]) for row in world.items]
    world.receipts = [(row[0], "renamed", names[row[2]], *row[3:]) for row in world.receipts]
    world.related = [("mm-third", "zz-first", "parent")]
    after = world.apply()
    assert (before.rows, before.residue_rows) == (after.rows, after.residue_rows)


@pytest.mark.parametrize("seed", range(3))
def test_unrelated_parties_change_nothing(seed: int) -> None:
    world = _world(random.Random(seed))
    before = world.apply()
    ids = {row[0] for row in world.receipts}
    for n in range(20):
        world.item(f"ZX-{n + 500}", f"{n + 7001}.13", party=f"other{n}", day=n, item_id=9000 + n)
        world.receipt(f"{n + 7001}.13", f"ZX-{n + 500}", party=f"other{n}", receipt_id=9000 + n)
    after = world.apply()

    def of_ours(outcome: Outcome) -> list[Any]:
        return [row for row in outcome.rows if row[0] in ids] + [row for row in outcome.residue_rows if row[0] in ids]

    assert of_ours(before) == of_ours(after)
    assert sum(row[0] >= 9000 for row in after.rows) == 20


def test_what_is_not_conserved_is_not_given_out() -> None:
    world = World()
    item = world.item("INV-1000", 100)
    receipt = world.receipt(100, "INV-1000")
    with duckdb.connect(":memory:") as connection:
        world.load(connection)
        session = Database(connection)
        from reconciliation.cash import engine

        engine.apply(session)
        tables.verify(session)
        session.run(f"UPDATE application SET applied = applied + 1 WHERE item_id = {item}")
        with pytest.raises(tables.NotConservedError, match=f"Item {item} had 10000 open, and 10001 was applied"):
            tables.verify(session)
        session.run(f"UPDATE application SET spent = spent - 1 WHERE receipt_id = {receipt}")
        with pytest.raises(tables.NotConservedError, match=f"Receipt {receipt} came in with 10000"):
            tables.verify(session)
