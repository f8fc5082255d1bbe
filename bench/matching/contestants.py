"""The contestants, each run in a process of its own.

    python -m bench.matching.contestants NAME WORLD ANSWERS

Writes the tables of ``worlds.ANSWERS`` as Parquet to the folder ANSWERS. The last line of its output is JSON: the
milliseconds of the matching alone, without loading and writing, its CPU, and the peak of its memory in KiB.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from bench.contestant import peak_kib
from bench.matching import baseline, worlds
from bench.matching.exchange import BASE

Contestant = Callable[[duckdb.DuckDBPyConnection], None]


def _engine(connection: duckdb.DuckDBPyConnection) -> None:
    """Cash application as the product does it."""
    from reconciliation.cash import engine
    from reconciliation.session import Database

    engine.apply(Database(connection), base_currency=BASE)


CONTESTANTS: dict[str, Contestant] = {"engine": _engine, "baseline": baseline.apply}


def run(name: str, world: Path, answers: Path) -> dict[str, int]:
    """Let a contestant answer; milliseconds of the matching alone, on the clock and of CPU."""
    answers.mkdir(parents=True, exist_ok=True)
    with worlds.connect() as connection:
        worlds.load_seen(connection, world)
        for table, columns in worlds.ANSWERS.items():
            connection.execute(f"CREATE TABLE {table} ({columns})")
        started, cpu = time.perf_counter(), time.process_time()
        CONTESTANTS[name](connection)
        spent = {"milliseconds": time.perf_counter() - started, "cpu_milliseconds": time.process_time() - cpu}
        for table in worlds.ANSWERS:
            connection.execute(f"COPY {table} TO '{answers / table}.parquet' (FORMAT parquet)")
    return {what: round(1000 * seconds) for what, seconds in spent.items()}


if __name__ == "__main__":
    counts = run(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
    sys.stdout.write(json.dumps({"counts": counts, "peak_kib": peak_kib()}) + "\n")
