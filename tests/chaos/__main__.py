"""Run histories: ``python -m tests.chaos --seed 1 --runs 1000`` (or ``make chaos SEED=1 RUNS=1000``).

    python -m tests.chaos --profile loop --runs 200         only one kind of world
    python -m tests.chaos --seed 4711 --runs 1              the history of one seed again
    python -m tests.chaos --break no-overlap                take a protection away and see it fail
    python -m tests.chaos --table                           all protections, one after the other, as a table

Each history is generated from its seed. One that fails is made small and printed as a test. The last line counts the
histories, and those in which something was lost, doubled or overwritten, did not come to rest, or did not add up.
"""

from __future__ import annotations

import argparse
import gc
import multiprocessing
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from tests.chaos import broken, shrink
from tests.chaos.history import PROFILES, History, generate
from tests.chaos.judge import KINDS, Fault, digest
from tests.chaos.machine import scratch
from tests.chaos.play import Stage

_SHOWN = 5
"""So many failing histories are made small and printed."""

_RECONCILED = 250
"""One history in so many is reconciled for real."""

_COLLECTED = 200
"""What histories leave behind is collected before one in so many."""

Work = tuple[str, int]
Done = tuple[str, int, list[Fault], int, int]
"""Profile, seed, faults, runs, writes."""

_stage: Any = None
_open: Any = None


def _begin(folder: str, switch: str | None) -> None:
    """Prepare a worker: its own folder, the simulated world, and the broken protection, if one is."""
    global _stage, _open
    place = Path(folder) / str(os.getpid())
    place.mkdir()
    _open = ExitStack()
    _open.enter_context(broken.SWITCHES[switch].broken() if switch else nullcontext())
    _stage = _open.enter_context(Stage(place).open())
    gc.freeze()
    gc.disable()  # a history leaves little behind: looking for it now and then saves a seventh of the time


def _play(work: Work) -> Done:
    if work[1] % _COLLECTED == 0:
        gc.collect()
        gc.freeze()  # what is still there (settings, mappings) is kept, and need not be looked at again
    played = _stage.play(generate(*work), reconciled=work[1] % _RECONCILED == 0)
    return (*work, played.faults, played.runs, played.writes)


def _results(work: list[Work], jobs: int, folder: str, switch: str | None) -> Iterator[Done]:
    if jobs == 1:
        _begin(folder, switch)
        try:
            yield from map(_play, work)
        finally:
            _open.close()
        return
    with multiprocessing.get_context("fork").Pool(jobs, _begin, (folder, switch)) as pool:
        yield from pool.imap_unordered(_play, work, chunksize=8)


def run(
    profiles: list[str],
    seed: int,
    runs: int,
    jobs: int,
    switch: str | None = None,
) -> Counter[str]:
    """Play so many histories; returns in how many of them each kind of fault was seen, and ``histories``."""
    mix = [name for name in profiles for _ in range(PROFILES[name].share)]
    work = [(mix[number % len(mix)], number) for number in range(seed, seed + runs)]
    totals: Counter[str] = Counter()
    failed: list[Done] = []
    began = told = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ltc-chaos-", dir=scratch()) as folder:
        for done in _results(work, jobs, folder, switch):
            _, _, faults, ran, writes = done
            totals.update({"histories": 1, "runs": ran, "writes": writes})
            totals.update({fault.kind for fault in faults})
            if faults:
                failed.append(done)
            if time.monotonic() - told > 10:
                told = time.monotonic()
                speed = totals["histories"] / (told - began) * 60
                print(
                    f"{totals['histories']:,} of {runs:,} histories, {speed:,.0f} a minute, {len(failed)} failed",
                    flush=True,
                )
        if failed:
            _explain(sorted(failed)[:_SHOWN], folder, switch)
    return totals


def _explain(failed: list[Done], folder: str, switch: str | None) -> None:
    """Make the failing histories small and print them."""
    with ExitStack() as stack:
        stack.enter_context(broken.SWITCHES[switch].broken() if switch else nullcontext())
        place = Path(folder) / "explain"
        place.mkdir()
        stage = stack.enter_context(Stage(place).open())
        for profile, seed, faults, _, _ in failed:
            kind = faults[0].kind

            def fails(history: History, kind: str = kind) -> bool:
                return any(fault.kind == kind for fault in stage.play(history).faults)

            small = shrink.shrink(generate(profile, seed), fails)
            print(f"\n# {profile}, seed {seed}")
            for fault in stage.play(small).faults or faults:
                print(f"# {fault.kind}: {fault.text}")
            print(shrink.as_test(small, digest(faults)))


def last_line(totals: Counter[str]) -> str:
    """What a whole run comes to; a crash of ours counts as something that did not come to rest."""
    counts = {name: totals[name] for name in KINDS if name != "crash"}
    counts["stuck"] += totals["crash"]
    return f"histories={totals['histories']} " + " ".join(f"{name}={number}" for name, number in counts.items())


def table(seed: int, runs: int) -> int:
    """Break each protection in turn until it shows; print the table of ``docs/reliability.md``.

    Returns how many were not seen within ``runs`` histories.
    """
    unseen = 0
    print("| taken away | profile | first seen in history | as |\n| --- | --- | ---: | --- |")
    with tempfile.TemporaryDirectory(prefix="ltc-chaos-", dir=scratch()) as folder, Stage(Path(folder)).open() as stage:
        for name, switch in broken.SWITCHES.items():
            shown = "not seen"
            with switch.broken():
                for number in range(seed, seed + runs):
                    faults = stage.play(generate(switch.profile, number)).faults
                    fault = next((item for item in faults if item.kind == switch.shows), None)
                    if fault is not None:
                        shown = f"{number - seed + 1} | {fault.kind}: {fault.text.splitlines()[0]}"
                        break
            unseen += shown == "not seen"
            print(f"| `{name}`: {switch.breaks} | {switch.profile} | {shown} |", flush=True)
    return unseen


def main() -> int:
    """The command; returns 1 if anything was wrong that should not be."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__, formatter_class=_Form)
    parser.add_argument(
        "--seed", type=int, default=None, help="the first seed; by default a fresh one, which is printed"
    )
    parser.add_argument("--runs", type=int, default=1000, help="how many histories (1000)")
    parser.add_argument(
        "--profile",
        choices=[*PROFILES, "all"],
        default="all",
        help="; ".join(f"{k}: {v.says}" for k, v in PROFILES.items()),
    )
    parser.add_argument("--break", dest="switch", choices=list(broken.SWITCHES), help="take a protection away")
    parser.add_argument("--table", action="store_true", help="take each protection away in turn")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one per processor)")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else time.time_ns() % 1_000_000_000
    if given.table:
        return 1 if table(seed, given.runs) else 0
    profiles = list(PROFILES) if given.profile == "all" else [given.profile]
    if given.switch and given.profile == "all":
        profiles = [broken.SWITCHES[given.switch].profile]
    print(f"seed={seed} runs={given.runs} profiles={','.join(profiles)}", flush=True)
    began = time.monotonic()
    totals = run(profiles, seed, given.runs, given.jobs, given.switch)
    took = time.monotonic() - began
    print(f"{totals['runs']:,} runs of ours, {totals['writes']:,} write-backs, {took:,.0f} s")
    print(last_line(totals))
    return 1 if any(totals[kind] for kind in KINDS) else 0


class _Form(argparse.RawDescriptionHelpFormatter):
    """Keeps the examples as they are."""


if __name__ == "__main__":
    sys.exit(main())
