"""Cash application of a million orders beside the bare exact join of the same tables, in one run on one machine.

    python -m bench.matching.scale [--orders 1000000] [--rounds 1] [--contestants engine,duckdb,polars,sqlite,postgres]

The bare joins (``bare.py``) look up whole references, sum and class. The contestants of ``contestants.py`` do the work
of cash application: they read texts, repair damaged references, share payments among invoices, explain what is left.
Ratios are of CPU seconds of the matching, without loading.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from bench.matching import bare, scale_world, worlds
from bench.matching.contestants import CONTESTANTS
from bench.matching.run import keep
from bench.measure import Sample, postmaster, python
from sandbox.postgres import Postgres

_HEAD = ("contestant", "load s", "match s", "match CPU s", "peak MB", "× DuckDB", "× SQLite", "booked", "wrong")


def main() -> int:
    """Generate, run in turns, print, keep."""
    parser = argparse.ArgumentParser(description="Measure cash application of a million orders beside bare joins.")
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contestants", default=",".join((*CONTESTANTS, *bare.ENGINES)))
    chosen = parser.parse_args()
    names = chosen.contestants.split(",")
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    booked: dict[str, tuple[int, int]] = {}
    with tempfile.TemporaryDirectory() as temporary, Postgres.start(Path(temporary) / "postgres") as postgres:
        folder = Path(temporary) / "workload"
        counts = scale_world.write(folder, chosen.orders, chosen.seed)
        for number in range(chosen.rounds):
            for name in names if number % 2 == 0 else reversed(names):
                answers = Path(temporary) / "answers"
                samples[name].append(_run(name, folder, answers, postgres, number))
                booked[name] = _booked(folder, answers if name in CONTESTANTS else None)
    _agree(samples)
    results = [_result(name, samples, *booked[name]) for name in names]
    sys.stdout.write(f"{counts}\n{table(results)}")
    options = {"orders": chosen.orders, "rounds": chosen.rounds, "seed": chosen.seed, "rows": counts}
    keep("matching-scale", {"options": options, "results": results})
    return 0


def _run(name: str, folder: Path, answers: Path, postgres: Postgres, number: int) -> Sample:
    if name in CONTESTANTS:
        return python("bench.matching.contestants", name, str(folder), str(answers))
    if name != "postgres":
        return python("bench.matching.bare", name, str(folder))
    database = f"scale{number}"
    postgres.create(database)
    return python("bench.matching.bare", name, str(folder), postgres.dsn(database), server=postmaster(postgres))


def _booked(folder: Path, answers: Path | None) -> tuple[int, int]:
    """Payments that were booked without a person, and how many of them to an order that they do not belong to."""
    files = {name: f"read_parquet('{folder / name}.parquet')" for name in ("orders", "payments", "belongs", "invoices")}
    pairs = f"SELECT payment_id, order_id FROM {files['payments']} JOIN {files['orders']} ON number = reference"
    if answers is not None:
        pairs = f"""
            SELECT DISTINCT a.receipt_id AS payment_id, o.order_id
            FROM read_parquet('{answers / "applications"}.parquet') a
            JOIN {files["invoices"]} i ON i.invoice_id = a.item_id JOIN {files["orders"]} o ON o.number = i.order_number
            WHERE a.decision IN ('auto', 'pinned')"""
    with worlds.connect() as connection:
        row = connection.execute(
            f"""
            SELECT count(DISTINCT p.payment_id), count(DISTINCT p.payment_id) FILTER (b.order_id IS NULL)
            FROM ({pairs}) p LEFT JOIN {files["belongs"]} b USING (payment_id, order_id)
            """
        ).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def _agree(samples: dict[str, list[Sample]]) -> None:
    """All bare joins must count the same, or their times say nothing."""
    figures = [
        {key: count for key, count in one.counts.items() if not key.endswith("milliseconds")}
        for name, some in samples.items()
        if name in bare.ENGINES
        for one in some
    ]
    if any(one != figures[0] for one in figures):
        raise SystemExit(f"The bare joins disagree: {figures}")


def _result(name: str, samples: dict[str, list[Sample]], booked: int, wrong: int) -> dict[str, Any]:
    some = samples[name]
    seconds = median(one.counts["milliseconds"] for one in some) / 1000
    result: dict[str, Any] = {
        "contestant": name,
        "load_seconds": median(one.counts.get("load_milliseconds", 0) for one in some) / 1000,
        "match_seconds": seconds,
        "cpu_seconds": median(one.counts["cpu_milliseconds"] for one in some) / 1000,
        "server_cpu_seconds": median(one.server_cpu for one in some),
        "peak_mb": max(one.peak_mb or 0 for one in some),
        "booked": booked,
        "wrong": wrong,
        "counts": some[0].counts,
    }
    for limit in ("duckdb", "sqlite"):
        if limit in samples and name != "postgres":
            ratios = [
                one.counts["cpu_milliseconds"] / max(1, other.counts["cpu_milliseconds"])
                for one, other in zip(some, samples[limit], strict=True)
            ]
            result[f"times_{limit}"] = median(ratios)
    return result


def table(results: list[dict[str, Any]]) -> str:
    """One line for each contestant, as Markdown."""
    lines = ["", f"| {' | '.join(_HEAD)} |", f"| --- {'| --: ' * (len(_HEAD) - 1)}|"]
    for one in results:
        cells = (
            one["contestant"],
            f"{one['load_seconds']:.1f}" if one["load_seconds"] else "",
            f"{one['match_seconds']:.2f}",
            f"{one['cpu_seconds']:.1f}"
            + (f" + server {one['server_cpu_seconds']:.0f}, loading included" if one["server_cpu_seconds"] else ""),
            f"{one['peak_mb']:.0f}" + (" + server" if one["contestant"] == "postgres" else ""),
            f"{one['times_duckdb']:.1f}" if "times_duckdb" in one else "",
            f"{one['times_sqlite']:.2f}" if "times_sqlite" in one else "",
            f"{one['booked']:,}",
            f"{one['wrong']:,}",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
