"""Measure us against the machine's limit, in one run on one machine, and keep the figures.

    python -m bench.run [--records 100000] [--rounds 2] [--only pull,reconcile] [--large]

Each part is a module of this package with ``measure(options) -> list[Measurement]``. CPU seconds are the figure to
compare; they include the database server's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from bench.measure import Measurement, Options, table

PARTS = ("pull", "layers", "startup", "reconcile", "creation")
RESULTS = Path(__file__).with_name("results")


def machine() -> dict[str, str]:
    """What the figures depend on."""
    packages = ("httpx", "msgspec", "sqlalchemy", "psycopg", "pydantic", "zstandard", "duckdb")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": str(os.cpu_count()),
        **{name: version(name) for name in packages},
    }


def commit() -> str:
    found = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return found.stdout.strip()


def main() -> int:
    """Run the chosen parts, print their tables, keep the figures."""
    parser = argparse.ArgumentParser(description="Measure pull and reconciliation against the machine's limit.")
    parser.add_argument("--records", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--only", default="", help=f"comma-separated parts: {', '.join(PARTS)}")
    parser.add_argument("--large", action="store_true", help="also 1,000,000 orders, for the peak of memory")
    chosen = parser.parse_args()
    options = Options(chosen.records, chosen.rounds, chosen.large)
    wanted = chosen.only.split(",") if chosen.only else [part for part in PARTS if find_spec(f"bench.{part}")]
    results: dict[str, list[Measurement]] = {}
    for part in wanted:
        results[part] = import_module(f"bench.{part}").measure(options)
        sys.stdout.write(f"\n{part}\n{table(results[part])}\n")
    RESULTS.mkdir(exist_ok=True)
    now = datetime.now(UTC)
    path = RESULTS / f"{now:%Y%m%dT%H%M%SZ}.json"
    kept = {name: [asdict(item) for item in items] for name, items in results.items()}
    head = {"at": f"{now:%Y-%m-%dT%H:%M:%SZ}", "commit": commit(), "machine": machine(), "options": asdict(options)}
    path.write_text(json.dumps({**head, "results": kept}, indent=1) + "\n")
    sys.stdout.write(f"\nKept in {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}\n")
    missed = [item for items in results.values() for item in items if item.met is False]
    for item in missed:
        sys.stdout.write(f"Aim missed: {item.what}, {item.database}: {item.judged}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
