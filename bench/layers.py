"""What two things cost that lie on a plain pull: a look at the shape of every record, and a manifest instead of Python.

The same orders from the same source as in ``bench.pull``, pulled by ours without watching, with it, with the policy
that walks through every record, and by a manifest. Contestants take turns in each round; the ratio is that of a
contestant to the one it is built on. ``python -m bench.run --only layers``.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.measure import Measurement, Options, Sample, measurement
from bench.pull import PHASES, phases
from sandbox.postgres import Postgres

CONTESTANTS = ("unwatched", "ours", "strict", "declared")
_LAYERS = (
    ("watched by shape", "ours", "unwatched"),
    ("every record walked through (quarantine)", "strict", "unwatched"),
    ("by a manifest", "declared", "ours"),
)
"""What it is called, who does it, and what it is compared with."""


def measure(options: Options) -> list[Measurement]:
    """Every layer in every phase on both databases; the limit of a line is the same pull without the layer."""
    found: list[Measurement] = []
    with tempfile.TemporaryDirectory() as folder, Postgres.start(Path(folder) / "postgres") as postgres:
        for database in ("SQLite", "PostgreSQL"):
            samples = _samples(database, options, Path(folder), postgres)
            for what, name, base in _LAYERS:
                for phase in PHASES:
                    count = {"1 % changed": options.records // 100, "nothing changed": 1}.get(phase, options.records)
                    title = f"{what}: {phase} ({options.records:,})"
                    found.append(measurement(title, database, count, samples[name, phase], samples[base, phase]))
    return found


def _samples(database: str, options: Options, folder: Path, postgres: Postgres) -> dict[tuple[str, str], list[Sample]]:
    samples: dict[tuple[str, str], list[Sample]] = {}
    for number in range(options.rounds):
        turn = number % len(CONTESTANTS)
        for name in (*CONTESTANTS[turn:], *CONTESTANTS[:turn]):
            for phase, sample in zip(
                PHASES, phases(name, "orders", database, options.records, folder, postgres), strict=True
            ):
                samples.setdefault((name, phase), []).append(sample)
    return samples
