"""Years of syncing in simulated time: does memory stay flat, and do the tables stay bounded?

    python -m tests.chaos.soak --days 730 --syncs 4

Every simulated day people create, edit and delete records, a few syncs and sweeps run, and now and then networks fail
and processes are killed. Things are kept for 60 days, so that two years show whether the tables level off. Once a month
it prints memory and the size of the tables; at the end the judge looks, as after every history.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import text

from settings.writing import Limits
from state import schema
from tests.chaos import company, judge
from tests.chaos.history import _Author
from tests.chaos.machine import SECOND, scratch
from tests.chaos.play import Played, Stage

_DAY = 86_400 * SECOND
_KEPT_DAYS = 60
_MONTH = 30
_RECORDS = 40
"""So many records a system holds; then old ones are deleted as new ones come."""


class Soak:
    """One company, day after day."""

    def __init__(self, stage: Stage, syncs: int, seed: int) -> None:
        self.stage = stage
        self.syncs = syncs
        self.random = Random(seed)
        self.author = _Author("mixed", seed)
        self.author.topology, self.author.systems = "chain", company.systems_of("chain")
        self.author.made = {name: [] for name in self.author.systems}

    def begin(self) -> None:
        """Open the company and fill its systems."""
        world: dict[str, Any] = {"topology": "chain", "policy": "owner_wins", "page": 50, "tombstones": False}
        world |= {"versions": "revision", "traits": {"crm": {"rewrite": "case"}, "erp": {"skew": 60 * SECOND}}}
        steps = [["people", [self.author._create(name) for name in self.author.systems for _ in range(_RECORDS // 2)]]]
        self.world = world
        self.stage.open_world({"world": world, "steps": steps})
        settings = self.stage.settings
        kept = settings.retention.model_copy(
            update={
                "automatic": True,
                "runs": _KEPT_DAYS,
                "writes": _KEPT_DAYS,
                "landing": settings.retention.landing.model_copy(update={"versions": 3, "days": _KEPT_DAYS}),
            }
        )
        writing = settings.writing.model_copy(update={"limits": Limits(changes=10_000)})
        self.stage.settings = settings.model_copy(update={"retention": kept, "writing": writing})
        self.stage.step(steps[0])

    def day(self) -> None:
        """A day in the life of the company."""
        machine, random = self.stage.machine, self.random
        ends = machine.now + _DAY
        for number in range(self.syncs):
            self.stage.step(["people", [self._operation() for _ in range(random.randint(0, 6))]])
            faults = self.author._faults() if random.random() < 0.1 else []
            self.stage.step(["run", "sync" if number or random.random() < 0.8 else "sweep", faults])
            machine.now += _DAY // (self.syncs + 1)
        machine.now = max(machine.now, ends)

    def _operation(self) -> Any:
        author = self.author
        system = self.random.choice(author.systems)
        stream = company.STREAMS[system]
        alive = list(self.stage.machine.sources[system].truth(stream))
        if len(alive) >= _RECORDS:
            self.stage.machine.sources[system].forget_deleted()
            return ["delete", system, stream, alive[0], 0]
        author.made = {name: author.made[name][-_RECORDS:] for name in author.made}
        return author._operation()

    def rows(self) -> dict[str, int]:
        """The tables that hold anything, and how many rows."""
        with self.stage.machine.watching().reading() as connection:
            counts = {
                table.name: connection.execute(text(f'SELECT count(*) FROM "{table.name}"')).scalar_one()
                for table in schema.metadata.sorted_tables
            }
        return {name: count for name, count in counts.items() if count}


def megabytes() -> float:
    """The memory this process holds now."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return pages * resource.getpagesize() / 1e6


def run(days: int, syncs: int, seed: int, told: Any) -> tuple[Played, dict[str, int]]:
    """Soak for so many days; ``told`` gets a line a month. Returns what was wrong, and the tables at the end."""
    folder = tempfile.TemporaryDirectory(prefix="ltc-soak-", dir=scratch())
    with folder as place, Stage(Path(place)).open() as stage:
        soak = Soak(stage, syncs, seed)
        soak.begin()
        for day in range(1, days + 1):
            soak.day()
            for source in stage.machine.sources.values():
                source.writes.clear()
            if day % _MONTH == 0:
                rows = soak.rows()
                size = sum(item.stat().st_size for item in Path(place).glob("ltc.db*")) / 1e6
                most = ", ".join(f"{name} {rows[name]:,}" for name in sorted(rows, key=lambda it: -rows[it])[:6])
                sizes = f"{megabytes():.0f} MB in memory, {size:.1f} MB on disk"
                told(f"day {day}: {sizes}, {sum(rows.values()):,} rows: {most}")
        stage.calm()
        return stage.finish(soak.world), soak.rows()


def main() -> int:
    """The command; returns 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--syncs", type=int, default=4, help="syncs a day (4)")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    played, rows = run(given.days, given.syncs, given.seed, lambda line: print(line, flush=True))
    for fault in played.faults:
        print(f"{fault.kind}: {fault.text}")
    kinds = {kind: sum(fault.kind == kind for fault in played.faults) for kind in judge.KINDS}
    print(f"{played.runs:,} runs of ours in {time.monotonic() - began:,.0f} s; at the end {sum(rows.values()):,} rows")
    print(f"days={given.days} " + " ".join(f"{kind}={count}" for kind, count in kinds.items()))
    return 1 if played.faults else 0


if __name__ == "__main__":
    sys.exit(main())
