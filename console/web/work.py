"""Runs that somebody starts from the workbench, each in a thread of the server; beside each other what can be."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any

from connectors import waiting
from console import telemetry
from console.failures import told
from console.web.collisions import Going, going, in_the_way, to_wait_for
from console.web.running import Telling
from state import audit, outbox, overwritten, queries, runs
from state.outbox import PlanError
from state.runs import LeaseHeld

if TYPE_CHECKING:
    from console.web.present import Present
    from state.store import Store

KINDS = ("sync", "pull", "reconcile", "sweep", "push", "plan", "restore")
"""``plan``: a push that only plans; ``restore``: one that writes back what a write-back had replaced."""
_LOOKS, _BETWEEN_SECONDS = 40, 0.05
_PATIENCE_SECONDS = 1.0
"""How long a sync waits for another run to end before it begins to read; less than ``AtWork.begun`` looks."""
_TURN_SECONDS = 0.5
"""Between two looks whether another run still reconciles."""
_LOOKED_THROUGH = 50
"""Runs at work."""
_REMEMBERED = 20
"""So many runs that have ended still show what they told."""


class AtWork:
    """A run that was started here, from before it is in the store."""

    def __init__(self, kind: str, systems: frozenset[str]) -> None:
        self.kind, self.systems, self.telling = kind, systems, Telling()
        self.ids = self.telling.runs
        """Of its runs; mapping again is three of them, one after the other."""
        self.thread: Thread | None = None
        self._known = Event()

    def announce(self, run_id: str) -> None:
        """It is in the store now."""
        self.ids.append(run_id)
        self._known.set()

    @property
    def goes_on(self) -> bool:
        """Whether it has not ended."""
        return self.thread is not None and self.thread.is_alive()

    def begun(self) -> str | None:
        """The id of the first of its runs, which takes a moment to be in the store; ``None`` if there is none, because
        it could not even begin (``Worker.problem``) or has not yet."""
        for _ in range(_LOOKS):
            if self._known.wait(_BETWEEN_SECONDS) or not self.goes_on:
                break
        return self.ids[0] if self.ids else None


class Worker:
    """Starts runs. Whoever waits for a run looks at the store: it holds what has come of it."""

    def __init__(self, store: Store, present: Present) -> None:
        self._store, self._present = store, present
        self._lock = Lock()
        self._at_work: list[AtWork] = []
        self._ended: OrderedDict[str, Telling] = OrderedDict()
        self.problem = ""
        """Why the last run could not even begin; empty if it did."""

    def start(
        self,
        kind: str,
        actor: str,
        *,
        system: str | None = None,
        systems: Sequence[str] | None = None,
        streams: Sequence[str] | None = None,
        since: datetime | None = None,
        plan_id: str | None = None,
        only: Collection[int] | None = None,
        item_id: int | None = None,
        reason: str = "",
        approve: bool = False,
        paused: bool = False,
    ) -> AtWork | None:
        """Start a run of one of ``KINDS``; ``None`` if one that was started here is in the way (``in_the_way``).

        ``system`` or ``systems`` limit a pull, sync, sweep or plan, ``streams`` (``system.stream``) and ``since`` a
        pull or sync. ``plan_id`` is what a push carries out, ``only`` these of its writes; ``approve`` lets it be a
        large one. ``item_id`` is the write-back whose replaced values are restored, ``reason`` why.
        ``paused``: also what people have paused.
        """
        chosen = [system] if system else list(systems) if systems is not None else None
        pulled = {"systems": chosen, "streams": list(streams) if streams else None, "since": since, "paused": paused}
        given: dict[str, tuple[str, dict[str, Any]]] = {
            "sync": ("run_sync", pulled),
            "pull": ("run_pull", pulled),
            "sweep": ("run_sweep", {"systems": chosen, "paused": paused}),
            "reconcile": ("run_reconcile", {}),
            "plan": ("run_push", {"systems": chosen, "push": "plan"}),
            "restore": ("run_restore", {"item_id": item_id, "reason": reason}),
            "push": (
                "run_push",
                {"push": "apply", "plan_id": plan_id, "only": only, "approve": approve, "paused": paused},
            ),
        }
        works_on = self.works_on(kind, chosen, plan_id, item_id)

        def work(telling: Telling) -> Callable[[], Any]:
            telling.also_paused = paused
            if kind == "sync":
                return partial(self._sync_in_turn, pulled, actor, telling)
            return self._work(*given[kind], actor, telling)

        return self._started(kind, works_on, work)

    def _sync_in_turn(self, given: dict[str, Any], actor: str, telling: Telling) -> Any:
        """Sync; while another run reconciles only pull, and sync once that has ended.

        The second run reads what has changed meanwhile, so that what is reconciled and planned is as new as if there
        had been no wait. As that asks the systems twice, it waits a moment first: most runs are short.
        """
        first, began = True, time.monotonic()
        while True:
            telling.waits_for = self._reconciling()
            if telling.waits_for is None:
                try:
                    anew = {**given, "since": None} if telling.in_turn else given
                    return self._work("run_sync", anew, actor, telling)()
                except LeaseHeld:  # one has begun in this moment; or what holds the lease is no run, as an erasure
                    telling.waits_for = self._reconciling()
                    if telling.waits_for is None and not telling.in_turn and not first:
                        raise
                    first = False
            if telling.waits_for is not None and not telling.in_turn:
                if time.monotonic() - began < _PATIENCE_SECONDS:
                    if telling.pause(_BETWEEN_SECONDS):
                        return None
                    continue
                telling.in_turn = True
                with runs.first_part_of("sync"):
                    self._work("run_pull", given, actor, telling)()
            elif telling.pause(_TURN_SECONDS):
                return None

    def _reconciling(self) -> Going | None:
        """The run that reconciles now, whoever started it and wherever."""
        runs.close_abandoned(self._store)
        with self._store.reading() as connection:
            rows = queries.recent_runs(connection, _LOOKED_THROUGH, "running")
        return to_wait_for(going(rows, list(self._present.settings.systems)))

    def waiting(self) -> list[Going]:
        """The syncs that were started here and wait with their reconciliation, each under the run that has pulled."""
        return [
            Going(item.ids[0], item.kind, item.systems)
            for item in self._at_work
            if item.goes_on and item.telling.in_turn and len(item.ids) == 1
        ]

    def map_again(self, system: str, stream: str, actor: str) -> AtWork | None:
        """Map what is stored of a stream again and reconcile; ``None`` as for ``start``."""
        return self._started("replay", [system], lambda telling: partial(self._replay, system, stream, actor, telling))

    def works_on(
        self, kind: str, systems: Sequence[str] | None, plan_id: str | None = None, item_id: int | None = None
    ) -> list[str]:
        """The systems that a run is going to work on; all of them where that is not known."""
        if kind == "reconcile":
            return []
        if systems is not None:
            return list(systems)
        with self._store.reading() as connection, suppress(PlanError):
            if plan_id is not None:
                return [outbox.load(connection, plan_id).system]
            if item_id is not None:
                return [overwritten.one(connection, item_id).system]
        return list(self._present.settings.systems)

    def in_the_way(self, kind: str, systems: Sequence[str]) -> Going | None:
        """The run that was started here and keeps another from starting; ``None`` if none does."""
        with self._lock:
            return self._hindrance(kind, systems)

    def _hindrance(self, kind: str, systems: Sequence[str]) -> Going | None:
        here = [
            Going(item.ids[-1] if item.ids else "", item.kind, item.systems) for item in self._at_work if item.goes_on
        ]
        return in_the_way(kind, systems, here)

    def _started(
        self, kind: str, systems: Sequence[str], work: Callable[[Telling], Callable[[], Any]]
    ) -> AtWork | None:
        with self._lock:
            self._at_work = [item for item in self._at_work if item.goes_on]
            if self._hindrance(kind, systems) is not None:
                return None
            self.problem = ""
            item = AtWork(kind, frozenset(systems))
            given = (work(item.telling), item)
            item.thread = Thread(target=self._guarded, args=given, name=f"ltc {kind}", daemon=True)
            self._at_work.append(item)
            item.thread.start()
            return item

    def is_at_work(self) -> bool:
        """Whether a run that was started here is going on."""
        return any(item.goes_on for item in self._at_work)

    def wait(self, seconds: float) -> None:
        """Wait until all have ended."""
        for item in list(self._at_work):
            if item.thread is not None:
                item.thread.join(seconds)

    def telling(self, run_id: str) -> Telling | None:
        """What a run tells, or told before it ended; ``None`` if it was not started here, or long ago."""
        found = self._of(run_id)
        return found.telling if found is not None else self._ended.get(run_id)

    def _of(self, run_id: str) -> AtWork | None:
        return next((item for item in self._at_work if item.goes_on and run_id in item.ids), None)

    def goes_on(self, run_id: str) -> bool:
        """Whether a run that was started here is at work, or what is to follow it by the same wish."""
        return self._of(run_id) is not None

    def stop(self, run_id: str, actor: str) -> bool:
        """Ask a run to stop, or the one that follows it and is at work now, which the audit notes; False if neither is
        at work here."""
        found = self._of(run_id)
        if found is None:
            return False
        found.telling.stop()
        run_id = found.ids[-1]
        with self._store.transaction() as connection:
            run = queries.run(connection, run_id)
            told = {"kind": run.doing, "systems": list(run.asked.systems)} if run is not None else {}
            audit.append(connection, actor, audit.RUN_STOPPED, {"run": run_id, **told})
        return True

    def _work(self, name: str, given: dict[str, Any], actor: str, telling: Telling) -> Callable[[], Any]:
        from sync import job

        run: Callable[..., Any] = getattr(job, name)

        def traced() -> Any:
            with telemetry.run(name.removeprefix("run_"), telling) as (progress, ended):
                result = run(self._store, self._present.settings, actor=actor, progress=progress, **given)
                ended(result)
            return result

        return traced

    def _replay(self, system: str, stream: str, actor: str, telling: Telling) -> Any:
        from console.replaying import run_replay
        from sync import job
        from sync.systems import mapping_for

        mapping, telling.steps = mapping_for(self._present.settings, system), ("replay", "reconcile")
        with runs.one_wish():
            run_replay(self._store, {system: mapping}, streams=[stream], progress=telling, actor=actor)
            return job.run_reconcile(self._store, self._present.settings, actor=actor, progress=telling)

    def _guarded(self, work: Callable[[], Any], item: AtWork) -> None:
        try:
            with runs.announced(item.announce), waiting.ended_by(lambda: item.telling.stopping):
                work()
        except KeyboardInterrupt:  # asked to stop before the run had begun with anything
            return
        except Exception as error:  # nobody else would hear of it
            self.problem = told(error)[0]
            return
        with self._lock:
            self._ended.update(dict.fromkeys(item.ids, item.telling))
            while len(self._ended) > _REMEMBERED:
                self._ended.popitem(last=False)
