"""Play a history: people and our jobs take their turns, then everything calms down, then the judge looks."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

from connectors import retry
from connectors.declarative import pulling
from mappings.engine import load
from settings.model import Settings
from state import backup, clock, restore
from state.failures import StoreError
from sync import job as jobs
from sync import session, systems
from tests.chaos import company, declared, hooks, judge, really
from tests.chaos.history import History
from tests.chaos.judge import Fault
from tests.chaos.machine import SECOND, Machine, Process
from tests.chaos.source import OURS, Source, Traits

_CALM_CYCLES = 3
"""Cycles after edits stop: writes may happen in all but the last."""
_BRAKED_CYCLES = 6
"""The same where an automation undoes our writes, for each that does: the brake lets three of each value through."""


@dataclass
class Played:
    """How a history ended."""

    faults: list[Fault]
    runs: int = 0
    writes: int = 0
    points: int = 0
    said: list[str] = field(default_factory=list)
    """What happened, step by step."""


class Stage:
    """Plays histories one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.machine = Machine(folder)
        self.machine.people = self._people
        self.unattended = False
        """Whether nobody starts the runs by hand, until all is calm: then systems rest (``state.circuits``)."""

    @contextmanager
    def open(self) -> Iterator[Stage]:
        """Install the simulated world in this process."""
        texts: dict[str, Any] = {}  # a system's mapping is the same in every world: it is compiled once

        def mapping_for(settings: Settings, name: str) -> Any:
            return texts.get(name) or texts.setdefault(name, load(settings.path.parent / f"{name}.yaml"))

        one_by_one = patch.object(session, "parallel", lambda work, _stop: {name: one() for name, one in work.items()})
        mappings = patch.object(systems, "mapping_for", mapping_for)
        # Leases are prolonged by a thread that wakes up each real minute: here no run takes that long.
        renewed = patch.object(jobs, "_renewed", lambda *_: nullcontext())
        classes = patch.object(systems, "connector_class", declared.of_system)
        time = patch.object(pulling, "now_us", clock.now_us)
        with (
            one_by_one,
            mappings,
            classes,
            time,
            renewed,
            company.installed(),
            self.machine.installed(),
            retry.no_waiting(),
        ):
            yield self

    def play(self, history: History, reconciled: bool = False) -> Played:
        """Play it from an empty database; never raises for what the product does.

        ``reconciled``: let the real reconciliation look, too.
        """
        self.open_world(history)
        for step in history["steps"]:
            self.step(step)
        self.calm()
        played = self.finish(history["world"])
        if reconciled and not played.faults:
            played.faults += really.faults(self.machine, self.settings)
        return played

    def open_world(self, history: History) -> None:
        """Set the systems and an empty store up."""
        world = history["world"]
        company.use(world["topology"])
        self.settings: Settings = company.settings_for(
            self.folder,
            *(world[name] for name in ("topology", "policy", "page", "tombstones", "versions")),
            world.get("creates", ""),
            world.get("batch", 1),
            any(traits.get("lag") for traits in world["traits"].values()),
            world.get("declared", ""),
        )
        sources = {}
        for name in company.systems_of(world["topology"]):
            made_by = {"creates": world["creates"]} if "creates" in world else {}
            traits = Traits(tombstones=world["tombstones"], **made_by, **world["traits"].get(name, {}))
            sources[name] = Source(name, [company.STREAMS[name]], traits, lambda: self.machine.now)
        self.machine.reset(sources)
        for source in sources.values():
            if source.traits.hooks is not None:
                hooks.install(self.machine, self.settings, source, source.traits.hooks)
        self.played = Played([])
        # Without the record in the answer of a write it is read back, and where reads lag it is in doubt first.
        lagging = any(traits.get("lag") for traits in world["traits"].values())
        self._doubted = len(sources) - 1 if world.get("declared") == "plain" and lagging else 0
        self._sweeps = not world["tombstones"]
        (self.folder / "older.zst").unlink(missing_ok=True)
        self._backed_up = 0
        self._forgotten: list[tuple[int, int]] = []

    def finish(self, world: dict[str, Any]) -> Played:
        """Let the judge look."""
        sources = self.machine.sources
        self.played.writes = sum(write.who == OURS for source in sources.values() for write in source.writes)
        self.played.writes += sum(len(ids) for source in sources.values() for ids in source.made.values())
        if not any(fault.kind == "crash" for fault in self.played.faults):
            self.played.faults += judge.verdict(self.machine.watching(), sources, world, self._forgotten)
        return self.played

    def step(self, step: list[Any]) -> None:
        """What people or our processes do next."""
        match step:
            case ["people", operations]:
                self._people(operations)
            case ["wait", seconds]:
                self.machine.wait(seconds)
            case ["webhooks", system, late]:
                self.machine.sources[system].webhooks[:] = late
            case ["run", job, faults]:
                self._run([(job, faults, "host")])
            case ["both", job, faults, other, others, host]:
                self._run([(job, faults, "host"), (other, others, "host" if host == "same" else "elsewhere")])
            case ["backup"]:
                self._backed_up = self.machine.now
                self._run([("backup", [], "host")])
            case ["restore"]:
                self._run([("restore", [], "host")])
                self._forgotten.append((self._backed_up, self.machine.now))
            case _:
                raise ValueError(f"unknown step {step}")
        self.machine.tick()

    def _people(self, operations: list[Any]) -> None:
        for operation in operations:
            kind, system, stream, source_id, *rest = operation
            source = self.machine.sources.get(system)
            if source is None or (
                kind == "edit" and "number" not in rest[0] and source_id not in source.streams[stream]
            ):
                continue  # what would have made it did not happen
            delay = int(rest[-1] * SECOND)
            match kind:
                case "edit":
                    source.edit(stream, source_id, rest[0], delay=delay)
                case "delete":
                    source.delete(stream, source_id, delay)
                case "undelete":
                    source.undelete(stream, source_id, delay)
                case "merge" if rest[0] != source_id and rest[0] in source.truth(stream):
                    loser = source.truth(stream).get(source_id, {})
                    source.edit(stream, rest[0], {"state": loser.get("state", "open")}, delay=delay)
                    source.delete(stream, source_id, delay)
                case "revert" if len(source.streams[stream].get(source_id, _NONE).versions) > 1:
                    before = source.streams[stream][source_id].versions[-2].values
                    if before is not None:
                        source.edit(stream, source_id, before, delay=delay)
            self.machine.now += 3_000

    def _run(self, wanted: list[tuple[str, list[Any], str]], *, must: bool = False) -> list[Process]:
        """Run jobs; a programming error in one is a fault, and with ``must`` so is one that does not succeed."""
        known = {"unattended": self.unattended and not must}
        todo = [(self._job(job, known), [list(fault) for fault in faults], host) for job, faults, host in wanted]
        processes = self.machine.run(todo)
        for process, (job, _, _) in zip(processes, wanted, strict=True):
            self.played.runs += 1
            self.played.points += process.points
            error, result = process.error, process.result
            status = getattr(result, "status", "")
            if error is not None and not isinstance(error, StoreError):
                told = "".join(traceback.format_exception(error))
                self.played.faults.append(Fault("crash", f"{job}: {told}"))
            elif must and (error is not None or (result is not None and status not in ("done", ""))):
                problems = [str(outcome.error) for outcome in getattr(result, "outcomes", ()) if outcome.error]
                problems += [str(problem) for problem in getattr(result, "problems", ())]
                self.played.faults.append(Fault("stuck", f"{job} ends {status}: {error or problems}"))
            how = "killed" if process.dead else str(error) if error else status
            self.played.said.append(f"{job} {how}")
        return processes

    def _job(self, name: str, known: dict[str, Any]) -> Callable[[Process], Any]:
        older = self.folder / "older.zst"
        match name:
            case "backup":
                older.unlink(missing_ok=True)
                return lambda process: backup.write(process.store, older, _silent)
            case "restore":

                def put_back(process: Process) -> None:
                    if older.exists():
                        quiet: Any = {"checked": _silent, "told": _silent}
                        restore.restore(process.store, older, "Li Na", replace=True, **quiet)

                return put_back
            case "push":
                return lambda process: jobs.run_push(process.store, self.settings, push="apply", **known)
            case "fetch":
                return lambda process: jobs.run_fetch(process.store, self.settings, **known)
        run: Any = {"sync": jobs.run_sync, "pull": jobs.run_pull, "sweep": jobs.run_sweep}[name]
        return lambda process: run(process.store, self.settings, **known)

    def calm(self) -> None:
        """Faults and edits have stopped; give the product finite time."""
        machine = self.machine
        for source in machine.sources.values():
            source.traits.retention = source.traits.halves = 0
        undoing = sum(it.traits.undoes for it in machine.sources.values())
        cycles = _BRAKED_CYCLES * undoing or _CALM_CYCLES + self._doubted
        for cycle in range(cycles):
            machine.wait(2400)
            before = self._written()
            if self._sweeps:
                self._run([("sweep", [], "host")], must=True)
            self._run([("sync" if len(machine.sources) > 1 else "pull", [], "host")], must=True)
            after = self._written()
            if after == before and (cycle or after == 0 or len(machine.sources) == 1):
                return
        if after > before:
            self.played.faults.append(Fault("stuck", f"{after - before} writes in cycle {cycles} without edits"))

    def _written(self) -> int:
        sources = self.machine.sources.values()
        made = sum(len(ids) for source in sources for ids in source.made.values())
        return made + sum(write.who != "human" for source in sources for write in source.writes)


class _None:
    versions: tuple[()] = ()


_NONE: Any = _None()


def _silent(_table: str, _rows: int) -> None:
    pass
