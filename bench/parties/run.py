"""Measure linking of parties: ``python -m bench.parties.run``; prints tables and keeps the figures in bench/results.

``make bench-parties`` runs it in an environment of its own, since recordlinkage brings pandas. Without it, its columns
are missing.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import resource
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.parties import febrl, measure, namepairs, ours, recordlinked, splinked, world
from bench.parties.measure import Pair

RESULTS = Path(__file__).parents[1] / "results"
_LIBRARIES = ("duckdb", "splink", "recordlinkage", "opencc", "phonenumbers", "pypinyin", "python-stdnum", "rapidfuzz")
_SUGGESTED = 500
"""Suggestions of at least this score per mille count as links in the second line of ours."""


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--size", type=int, default=20_000, help="generated companies; each is in two systems on average"
    )
    parser.add_argument("--seeds", type=int, nargs="+", default=[7, 8, 9])
    parser.add_argument(
        "--large", type=int, default=0, help="also time so many generated companies (500000: a million parties)"
    )
    parser.add_argument("--only", choices=["world", "febrl", "names", "scale"])
    given = parser.parse_args()
    found: dict[str, Any] = {
        "made": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "python": platform.python_version(),
    }
    found["versions"] = {
        name: version(name) for name in _LIBRARIES if importlib.util.find_spec(name.replace("python-", ""))
    }
    parts: dict[str, Callable[[], Any]] = {
        "world": lambda: [_world(given.size, seed) for seed in given.seeds],
        "febrl": lambda: [_febrl(name) for name in febrl.SETS],
        "names": lambda: [_names(name) for name in namepairs.SETS],
    }
    if given.large:
        parts["scale"] = lambda: _scale(given.large, given.seeds[0])
    for name, part in parts.items():
        if given.only in (None, name):
            found[name] = part()
            sys.stdout.write(f"\n{name}\n{json.dumps(found[name], indent=1, ensure_ascii=False)}\n")
            sys.stdout.flush()
    path = RESULTS / f"parties-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{path}\n")
    return 0


def _rivals() -> list[str]:
    return ["splink", *(["recordlinkage"] if importlib.util.find_spec("recordlinkage") else [])]


def _against(truth: set[Pair], work: dict[str, Callable[[], dict[Pair, float]]]) -> dict[str, Any]:
    """Each contestant at its best threshold, with its recall at a precision of 99 %, and its cost."""
    made = {}
    for name, run in work.items():
        timed = measure.timed(run)
        top, at_99 = measure.best(timed.result, truth)
        made[name] = {**top.shown(), "recall_at_99": round(at_99, 4), "cpu_seconds": timed.cpu_seconds}
    return made


def _febrl(name: str) -> dict[str, Any]:
    people = febrl.read(name)
    work = {"ours": lambda: febrl.ours(people), "splink": lambda: splinked.febrl(people)}
    if "recordlinkage" in _rivals():
        work["recordlinkage"] = lambda: recordlinked.febrl(people)
    return {"set": name, "true_pairs": len(people.truth), **_against(people.truth, work)}


def _names(name: str) -> dict[str, Any]:
    pairs, truth = namepairs.read(name)
    work = {"ours": lambda: namepairs.ours(pairs), "splink": lambda: namepairs.splinked(pairs)}
    if "recordlinkage" in _rivals():
        work["recordlinkage"] = lambda: namepairs.recordlinked(pairs)
    return {"set": name, "pairs": len(pairs), "true_pairs": len(truth), **_against(truth, work)}


def _world(size: int, seed: int) -> dict[str, Any]:
    rows = world.build(size, seed)
    truth = ours.truth(rows)
    with ours.frame(rows) as frame:
        timed = measure.timed(lambda: ours.link(frame))
    found: ours.Found = timed.result
    shown = found.sure | {pair for pair, score in found.suggested.items() if score >= _SUGGESTED}
    weights = {**found.suggested, **dict.fromkeys(found.sure, 1000)}
    made: dict[str, Any] = {
        "seed": seed,
        "parties": len(rows),
        "true_pairs": len(truth),
        "automatic": measure.score(found.sure, truth).shown(),
        "with_suggestions": measure.score(shown, truth).shown(),
        "recall_at_99": round(measure.best(weights, truth)[1], 4),
        "cpu_seconds": timed.cpu_seconds,
    }
    work: dict[str, Callable[[], dict[Pair, float]]] = {"splink": lambda: splinked.companies(rows)}
    if "recordlinkage" in _rivals():
        work["recordlinkage"] = lambda: recordlinked.companies(rows)
    return made | _against(truth, work)


def _scale(size: int, seed: int) -> dict[str, Any]:
    rows = world.build(size, seed)
    truth = ours.truth(rows)
    made: dict[str, Any] = {"seed": seed, "parties": len(rows), "true_pairs": len(truth)}
    with ours.frame(rows) as frame:
        timed = measure.timed(lambda: ours.link(frame))
    made["ours"] = {
        "seconds": timed.seconds,
        "cpu_seconds": timed.cpu_seconds,
        "of_it": {name: round(value, 1) for name, value in timed.result.seconds.items()},
        "automatic": measure.score(timed.result.sure, truth).shown(),
        "peak_mb_with_data": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    del timed
    timed = measure.timed(lambda: splinked.companies(rows))
    made["splink"] = {
        "seconds": timed.seconds,
        "cpu_seconds": timed.cpu_seconds,
        "pairs": len(timed.result),
        "peak_mb_with_data": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    return made


if __name__ == "__main__":
    sys.exit(main())
