"""Measure contestants on a generated world.

    python -m bench.matching --profile typical --receipts 100000 --seed 1 [--contestants engine,baseline] [--folder F]

Generator, contestant and score run one after the other, each contestant in a process of its own, so that its seconds
and its memory are its own. It sees what ``tables.SEEN`` names and no truth.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.matching import generate, report, worlds
from bench.matching.contestants import CONTESTANTS
from bench.matching.rates import NAMES
from bench.matching.score import score
from bench.measure import python
from bench.run import RESULTS, commit, machine


def main() -> int:
    """Generate, run, score, print, keep."""
    parser = argparse.ArgumentParser(description="Measure cash application on generated years of business.")
    parser.add_argument("--profile", default="typical", help=f"comma-separated: {', '.join(NAMES)}")
    parser.add_argument("--receipts", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--contestants", default=",".join(CONTESTANTS))
    parser.add_argument("--folder", type=Path, help="keep the worlds there")
    chosen = parser.parse_args()
    results = []
    with tempfile.TemporaryDirectory() as temporary:
        root = chosen.folder or Path(temporary)
        for profile in chosen.profile.split(","):
            folder = root / f"{profile}-{chosen.receipts}-{chosen.seed}"
            started = time.perf_counter()
            generate.world(folder, profile, chosen.receipts, chosen.seed)
            spent = time.perf_counter() - started
            for name in chosen.contestants.split(","):
                result = _measured(folder, name, Path(temporary) / "answers")
                results.append({"profile": profile, "contestant": name, "generate_seconds": spent, **result})
                sys.stdout.write(report.details(results[-1]))
    sys.stdout.write(report.table(results))
    options = {"receipts": chosen.receipts, "seed": chosen.seed}
    keep("matching", {"options": options, "results": results})
    return 0


def _measured(folder: Path, name: str, answers: Path) -> dict[str, Any]:
    """One contestant on one world."""
    sample = python("bench.matching.contestants", name, str(folder), str(answers))
    with worlds.connect() as connection:
        worlds.load_seen(connection, folder)
        worlds.load_truth(connection, folder)
        for table in worlds.ANSWERS:
            connection.execute(f"CREATE TABLE {table} AS FROM read_parquet('{answers / table}.parquet')")
        found = score(connection)
    seconds, cpu = (sample.counts[name] / 1000 for name in ("milliseconds", "cpu_milliseconds"))
    return {"seconds": seconds, "cpu_seconds": cpu, "peak_mb": sample.peak_mb, "score": found}


def keep(name: str, measured: dict[str, Any]) -> None:
    """Write the figures to ``bench/results``."""
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{name}-{now:%Y%m%dT%H%M%SZ}.json"
    head = {"at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "commit": commit(), "machine": machine()}
    path.write_text(json.dumps({**head, **measured}, indent=1) + "\n")
    sys.stdout.write(f"\nKept in {path.name}\n")


if __name__ == "__main__":
    raise SystemExit(main())
