"""Pull, map and store: in full, again, with 1 % changed and with nothing changed, by us and by the machine's limit."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.measure import Measurement, Options, Sample, measurement, postmaster, python
from sandbox.postgres import Postgres

PHASES = ("full pull", "nothing changed", "1 % changed", "all sent again")
AIMS = {
    "full pull": "≤ 2 × raw, ≤ 150 MB",
    "1 % changed": "≤ 2 × raw",
    "all sent again": "≤ 0.5 × raw",
}


def measure(options: Options) -> list[Measurement]:
    """All phases of both kinds of record on both databases; contestants take turns in each round."""
    found: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder, Postgres.start(Path(folder) / "postgres") as postgres:
        for kind in ("orders", "invoices"):
            for database in ("SQLite", "PostgreSQL"):
                found += _compare(kind, database, options.records, options.rounds, Path(folder), postgres)
        if options.large:
            for database in ("SQLite", "PostgreSQL"):
                found += _compare("orders", database, 1_000_000, 1, Path(folder), postgres)
    return found


def _compare(
    kind: str, database: str, records: int, rounds: int, folder: Path, postgres: Postgres
) -> list[Measurement]:
    samples: dict[tuple[str, str], list[Sample]] = {}
    for number in range(rounds):
        order = ("raw", "ours") if number % 2 == 0 else ("ours", "raw")
        for name in order:
            for phase, sample in zip(PHASES, phases(name, kind, database, records, folder, postgres), strict=True):
                samples.setdefault((name, phase), []).append(sample)
    found = []
    for phase in PHASES:
        count = {"1 % changed": records // 100, "nothing changed": 1}.get(phase, records)
        item = measurement(
            f"{kind}: {phase} ({records:,})", database, count, samples["ours", phase], samples["raw", phase]
        )
        if phase in AIMS:
            item.aim, item.met = AIMS[phase], _met(phase, item)
        found.append(item)
    return found


def _met(phase: str, item: Measurement) -> bool:
    ratio, peak = item.ratio or 0.0, item.peak_mb or 0.0
    if phase == "full pull":
        return ratio <= 2 and peak <= 150
    return ratio <= (0.5 if phase == "all sent again" else 2)


def phases(name: str, kind: str, database: str, records: int, folder: Path, postgres: Postgres) -> Iterator[Sample]:
    """One contestant through all phases, on a fresh database and a fresh source."""
    server = None
    if database == "SQLite":
        for old in folder.glob(f"{name}.db*"):
            old.unlink()
        url = f"sqlite:///{folder / name}.db"
    else:
        postgres.replace(f"bench_{name}", "template0")
        url, server = postgres.url(f"bench_{name}"), postmaster(postgres)

    def pull(*more: str) -> Sample:
        return python("bench.contestant", name, url, source, kind, *more, server=server)

    with serving(kind, records) as source:
        full = pull()
        _expect(full.counts["pulled"], records)
        yield full
        yield pull()
        request = urllib.request.Request(f"{source}/touch?share=0.01", method="POST")
        touched = int(urllib.request.urlopen(request).read())
        some = pull()
        _expect(some.counts["pulled"], touched, touched + 1)
        yield some
        again = pull("--full")
        _expect(again.counts["pulled"], records)
        _expect(again.counts.get("unchanged", records), records)
        yield again


def _expect(found: int, *right: int) -> None:
    if found not in right:
        raise SystemExit(f"The pull received {found} records where {right} were expected.")


@contextmanager
def serving(kind: str, records: int, pace: float = 0.0) -> Iterator[str]:
    """The address of a source in a process of its own, whose pages take ``pace`` seconds each."""
    command = [sys.executable, "-m", "bench.source", "--kind", kind, "--records", str(records), "--pace", str(pace)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
