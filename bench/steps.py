"""What each step of a whole reconciliation costs: CPU seconds and the peak of memory while it ran.

    python -m bench.steps [--chains 50000]

A store of generated chains (``bench.reconcile``, some of them with gaps) is reconciled twice, each time in a process of
its own: first with every link to write, then with nothing new. CPU is that of the step without the steps inside it.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from bench.contestant import peak_kib
from bench.matching.run import keep
from bench.measure import Sample, python
from bench.reconcile import bare, generate, settings
from state.store import open_store

if TYPE_CHECKING:
    from reconciliation.checks import Check
    from reconciliation.frame import Frame

_P = ParamSpec("_P")
_R = TypeVar("_R")

GAPS = 100
"""One in so many chains has no CRM lead, one has no order, one no invoice."""
_RUNS = {"first": "first run, every link written", "again": "second run, nothing new"}


@dataclass
class Steps:
    """What has been measured: seconds and MB by step, in the order in which steps were first entered."""

    seconds: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)
    _open: list[str] = field(default_factory=lambda: ["the rest"])
    _since: float = 0.0

    def start(self) -> None:
        """From now on everything counts for the rest, until a step begins."""
        self._since = time.process_time()
        _forget_peak()

    def note(self) -> None:
        """Book what was used since the last look to the step that is open."""
        now = time.process_time()
        name = self._open[-1]
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._since
        self.peaks[name] = max(self.peaks.get(name, 0.0), peak_kib() / 1024)
        self._since = now
        _forget_peak()

    def around(self, name: str, work: Callable[_P, _R]) -> Callable[_P, _R]:
        """``work``, as the step ``name``."""

        @wraps(work)
        def measured(*arguments: _P.args, **named: _P.kwargs) -> _R:
            self.note()
            self._open.append(name)
            try:
                return work(*arguments, **named)
            finally:
                self.note()
                self._open.pop()

        return measured


def _forget_peak() -> None:
    """Let the kernel count the peak of resident memory from now (``man 5 proc_pid_clear_refs``)."""
    Path("/proc/self/clear_refs").write_text("5")


def watch(steps: Steps) -> None:
    """Measure the steps of every reconciliation in this process from now on."""
    from reconciliation import engine, facts, lifecycle, observe, receivables, tieouts, writebacks
    from reconciliation import frame as loading
    from reconciliation.cash import results
    from reconciliation.linking import run as linking

    def replace(module: Any, name: str, step: str) -> None:
        setattr(module, name, steps.around(step, getattr(module, name)))

    replace(loading, "_load", "load")
    replace(engine, "link", "links compared with those stored")
    wrapped = {linker: steps.around(f"link {linker.__name__}", linker) for linker in linking.LINKERS}
    linking._REMEMBERED = tuple(wrapped[linker] for linker in linking._REMEMBERED)
    linking.LINKERS = tuple(wrapped.values())
    replace(facts, "prepare", "hops, states, facts")
    replace(tieouts, "tie_outs", "tie-outs")
    replace(receivables, "receivables", "receivables")
    replace(results, "figures", "cash application")
    replace(engine, "observe", "findings named")
    replace(lifecycle, "advance", "findings compared with those stored")
    replace(writebacks, "note_agreement", "agreement of write-backs noted")
    replace(engine, "_keep", "figures compared and kept")
    unmeasured = observe._run

    def run(frame: Frame, check: Check, parameters: Mapping[str, Any]) -> None:
        steps.around(f"checks: {check.stage}", unmeasured)(frame, check, parameters)

    observe._run = run


def _part(name: str, url: str) -> dict[str, Any]:
    from reconciliation.engine import reconcile

    with open_store(url) as store:
        if name == "bare":
            bare(store)
            return {"counts": {}, "peak_kib": peak_kib()}
        steps = Steps()
        watch(steps)
        steps.start()
        result = reconcile(store, settings(), name)
        steps.note()
    counts = {"links": sum(result.links.values()), "opened": result.opened}
    table = {key: [round(steps.seconds[key], 3), round(steps.peaks[key])] for key in steps.seconds}
    peak = int(max(steps.peaks.values()) * 1024)
    return {"counts": {**counts, "steps": table}, "peak_kib": peak}


def main() -> int:
    """Generate, run, print, keep."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--chains", type=int, default=50_000)
    chains = parser.parse_args().chains
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'steps.db'}"
        with open_store(url) as store:
            generate(store, chains, GAPS)
        samples = {name: python("bench.steps", name, url) for name in ("bare", *_RUNS)}
    limit = samples.pop("bare")
    found = [_shown(_RUNS[name], sample, limit) for name, sample in samples.items()]
    keep("steps", {"chains": chains, "bare_cpu": round(limit.cpu, 2), "bare_peak_mb": limit.peak_mb, "runs": found})
    return 0


def _shown(what: str, sample: Sample, limit: Sample) -> dict[str, Any]:
    counts: dict[str, Any] = dict(sample.counts)
    steps: dict[str, list[float]] = counts.pop("steps")
    head = f"{sample.cpu:.2f} CPU s, {sample.peak_mb:.0f} MB, {sample.cpu / limit.cpu:.1f} times DuckDB's bare join"
    lines = [f"{seconds:8.2f} s {peak:6.0f} MB  {name}" for name, (seconds, peak) in steps.items()]
    sys.stdout.write(f"\n{what}: {head}\n" + "\n".join(lines) + "\n")
    return {"what": what, "cpu": round(sample.cpu, 2), "peak_mb": sample.peak_mb, **counts, "steps": steps}


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] in ("bare", *_RUNS):
        sys.stdout.write(json.dumps(_part(sys.argv[1], sys.argv[2])) + "\n")
    else:
        raise SystemExit(main())
