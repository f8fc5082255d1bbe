"""The workload of scale: the bare joins agree on it, and it has the shape that is written down."""

from __future__ import annotations

import math
from pathlib import Path

import duckdb
import pytest

from bench.matching import bare, scale_world
from sandbox.postgres import Postgres

_ORDERS = 20_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workload")
    scale_world.write(folder, _ORDERS, 1)
    return folder


def test_every_engine_counts_the_same(folder: Path, tmp_path: Path) -> None:
    with Postgres.start(tmp_path / "postgres") as postgres:
        postgres.create("scale")
        counts = [engine(folder, postgres.dsn("scale")).counts for engine in bare.ENGINES.values()]
    assert all(one == counts[0] for one in counts)
    lost = counts[0].pop("reference_not_found")
    assert sum(counts[0].values()) == _ORDERS
    assert lost > 0


@pytest.mark.parametrize(
    ("what", "share", "sql"),
    [
        (
            "orders invoiced in two parts",
            0.05,
            "SELECT count(*) - count(DISTINCT order_number) FROM invoices",
        ),
        (
            "orders not invoiced",
            0.005,
            "SELECT count(*) FROM orders WHERE number NOT IN (SELECT order_number FROM invoices)",
        ),
        ("payments", 1.16, "SELECT count(*) FROM payments"),
        ("payments of two orders", 0.03, "SELECT count(*) FROM receipts WHERE length(text) > 13"),
    ],
)
def test_the_workload_has_the_documented_shape(folder: Path, what: str, share: float, sql: str) -> None:
    with duckdb.connect() as connection:
        for name in ("orders", "invoices", "payments", "receipts"):
            connection.execute(f"CREATE VIEW {name} AS FROM read_parquet('{folder / name}.parquet')")
        row = connection.execute(sql).fetchone()
    assert row is not None
    assert row[0] == pytest.approx(share * _ORDERS, abs=5 * math.sqrt(share * _ORDERS)), what


def test_the_same_seed_gives_the_same_workload(folder: Path, tmp_path: Path) -> None:
    scale_world.write(tmp_path, _ORDERS, 1)
    with duckdb.connect() as connection:
        for name in ("invoices", "payments", "open_items", "receipts"):
            both = (f"FROM read_parquet('{one / name}.parquet')" for one in (folder, tmp_path))
            row = connection.execute("SELECT count(*) FROM (({}) EXCEPT ({}))".format(*both)).fetchone()
            assert row == (0,), name
