"""Run a process and measure it: wall, CPU, the database server's CPU, peak memory; and the table of the figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median

from sandbox.postgres import Postgres

_TOLD = 4_000
"""Characters that are shown of what a process said when it failed."""


@dataclass(frozen=True)
class Options:
    """What to measure."""

    records: int
    rounds: int
    large: bool


@dataclass
class Measurement:
    """One line of the table; times are medians over the rounds, in seconds."""

    what: str
    database: str
    records: int
    wall: float
    cpu: float
    """Our process's own."""
    server_cpu: float = 0.0
    raw_cpu: float | None = None
    """The machine's limit for the same work, the server's included."""
    ratio: float | None = None
    """Our CPU by the limit's, taken within each round."""
    peak_mb: float | None = None
    aim: str = ""
    met: bool | None = None

    @property
    def judged(self) -> str:
        """The figure the aim is about."""
        parts = [f"{self.cpu + self.server_cpu:.2f} CPU s"]
        parts += [f"{self.ratio:.2f}× raw"] if self.ratio is not None else []
        parts += [f"{self.peak_mb:.0f} MB"] if self.peak_mb is not None else []
        return f"{', '.join(parts)} (aim: {self.aim})"


@dataclass(frozen=True)
class Sample:
    """One process, once."""

    wall: float
    cpu: float
    server_cpu: float
    peak_mb: float | None = None
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def all_cpu(self) -> float:
        """The process's and the server's."""
        return self.cpu + self.server_cpu


def python(*arguments: str, server: int | None = None) -> Sample:
    """Run ``python -m arguments``, a process that ends its output with JSON: ``counts`` and ``peak_kib``."""
    output, sample = _run((sys.executable, "-m", *arguments), server)
    told = json.loads(output.splitlines()[-1])
    return replace(sample, peak_mb=told["peak_kib"] / 1024, counts=told["counts"])


def command(*arguments: str, server: int | None = None) -> Sample:
    """Run any command; its memory is not measured."""
    return _run(arguments, server)[1]


def _run(arguments: Sequence[str], server: int | None) -> tuple[str, Sample]:
    """Run a process as people run it (byte code cached); ``server`` is the postmaster's process id."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    before = _tree_cpu(server)
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as told:  # a file, because a pipe that nobody reads blocks who writes much
        process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=told, text=True, env=environment)
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        process.stdout.close()
        wall = time.perf_counter() - started
        if status:
            told.seek(0)
            last = told.read()[-_TOLD:].strip()
            raise SystemExit(f"{' '.join(arguments)} failed with {process.returncode}:\n{last}")
    return output, Sample(wall, usage.ru_utime + usage.ru_stime, _tree_cpu(server) - before)


def postmaster(postgres: Postgres) -> int:
    """The process whose children serve the database."""
    return int((postgres.directory / "data" / "postmaster.pid").read_text().split()[0])


def _tree_cpu(pid: int | None) -> float:
    """CPU seconds of a process, its children, and those that have ended."""
    if pid is None:
        return 0.0
    ticks = 0
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(entry.parent.name) == pid or int(fields[1]) == pid:
            ticks += sum(int(item) for item in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def measurement(what: str, database: str, records: int, ours: Sequence[Sample], raw: Sequence[Sample]) -> Measurement:
    """The medians of some rounds; the ratio is taken round by round."""
    ratios = [mine.all_cpu / limit.all_cpu for mine, limit in zip(ours, raw, strict=True)] if raw else []
    return Measurement(
        what,
        database,
        records,
        median(item.wall for item in ours),
        median(item.cpu for item in ours),
        median(item.server_cpu for item in ours),
        median(item.all_cpu for item in raw) if raw else None,
        median(ratios) if ratios else None,
        max((item.peak_mb for item in ours if item.peak_mb is not None), default=None),
    )


def table(items: Sequence[Measurement]) -> str:
    """The figures for people."""
    head = ("work", "database", "records/s", "wall s", "CPU s", "+ server", "raw CPU s", "× raw", "peak MB", "aim", "")
    rows = [
        (
            item.what,
            item.database,
            f"{item.records / item.wall:,.0f}" if item.records > 1 else "",
            f"{item.wall:.2f}",
            f"{item.cpu:.2f}",
            f"{item.server_cpu:.2f}",
            "" if item.raw_cpu is None else f"{item.raw_cpu:.2f}",
            "" if item.ratio is None else f"{item.ratio:.2f}",
            "" if item.peak_mb is None else f"{item.peak_mb:.0f}",
            item.aim,
            {True: "met", False: "missed", None: ""}[item.met],
        )
        for item in items
    ]
    widths = [max(len(row[place]) for row in (head, *rows)) for place in range(len(head))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)]
    return "\n".join(line.rstrip() for line in lines)
