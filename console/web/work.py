"""Runs that somebody starts from the workbench: one at a time, in a thread of the server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from console import ran, telemetry
from console.failures import told
from console.web.running import Telling
from state import audit, queries, system_facts
from state.clock import now_us

if TYPE_CHECKING:
    from console.web.present import Present
    from state.store import Store

KINDS = ("sync", "pull", "reconcile", "sweep", "push", "plan", "restore")
"""``plan``: a push that only plans; ``restore``: one that writes back what a write-back had replaced."""
_NOTED_AS = {"plan": "push", "restore": "push"}
"""What the store calls a run that it calls otherwise."""
_LOOKS, _BETWEEN_SECONDS = 40, 0.05
_REMEMBERED = 20
"""So many runs that have ended still show what they told."""


class Worker:
    """Starts runs. Whoever waits for a run looks at the store: it holds what has come of it."""

    def __init__(self, store: Store, present: Present) -> None:
        self._store, self._present = store, present
        self._lock = Lock()
        self._at_work: Thread | None = None
        self._telling = Telling()
        self._ended: OrderedDict[str, Telling] = OrderedDict()
        self._kind, self._began = "", 0
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
        approve: bool = False,
        paused: bool = False,
    ) -> bool:
        """Start a run of one of ``KINDS``; False if one that was started here is still going on.

        ``system`` or ``systems`` limit a pull, sync, sweep or plan, ``streams`` (``system.stream``) and ``since`` a
        pull or sync. ``plan_id`` is what a push carries out, ``only`` these of its writes; ``approve`` lets it be a
        large one. ``item_id`` is the write-back whose replaced values are restored. ``paused``: also what people have
        paused.
        """
        chosen = [system] if system else list(systems) if systems is not None else None
        pulled = {"systems": chosen, "streams": list(streams) if streams else None, "since": since, "paused": paused}
        given: dict[str, tuple[str, dict[str, Any]]] = {
            "sync": ("run_sync", pulled),
            "pull": ("run_pull", pulled),
            "sweep": ("run_sweep", {"systems": chosen, "paused": paused}),
            "reconcile": ("run_reconcile", {}),
            "plan": ("run_push", {"systems": chosen, "push": "plan"}),
            "restore": ("run_restore", {"item_id": item_id}),
            "push": (
                "run_push",
                {"push": "apply", "plan_id": plan_id, "only": only, "approve": approve, "paused": paused},
            ),
        }
        return self._started(kind, lambda telling: self._work(*given[kind], actor, telling))

    def map_again(self, system: str, stream: str, actor: str) -> bool:
        """Map what is stored of a stream again and reconcile; False as for ``start``."""
        return self._started("replay", lambda telling: partial(self._replay, system, stream, actor, telling))

    def _started(self, name: str, work: Callable[[Telling], Callable[[], Any]]) -> bool:
        with self._lock:
            if self.is_at_work():
                return False
            self.problem = ""
            self._kind, self._began = _NOTED_AS.get(name, name), now_us()
            self._telling = Telling()
            given = (work(self._telling), self._telling)
            self._at_work = Thread(target=self._guarded, args=given, name=f"ltc {name}", daemon=True)
            self._at_work.start()
            return True

    def begun(self) -> str | None:
        """The id of the run that was started last, which takes a moment to be in the store; ``None`` if there is none,
        because it could not even begin (``problem``) or has not yet."""
        for _ in range(_LOOKS):
            at_work = self.is_at_work()
            with self._store.reading() as connection:
                found = queries.begun_here(connection, self._kind, self._began)
            if found is not None or not at_work:
                return found
            self.wait(_BETWEEN_SECONDS)
        return None

    def is_at_work(self) -> bool:
        """Whether a run that was started here is going on."""
        return self._at_work is not None and self._at_work.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended."""
        if self._at_work is not None:
            self._at_work.join(seconds)

    def telling(self, run_id: str) -> Telling | None:
        """What a run tells, or told before it ended; ``None`` if it was not started here, or long ago."""
        if self.is_at_work():
            with self._store.reading() as connection:
                if system_facts.is_held_here(connection, run_id):
                    return self._telling
        return self._ended.get(run_id)

    def stop(self, run_id: str, actor: str) -> bool:
        """Ask a run to stop, which the audit notes; False if it is not at work here."""
        found = self.telling(run_id) if self.is_at_work() else None
        if found is None or found is not self._telling:
            return False
        found.stop()
        with self._store.transaction() as connection:
            audit.append(connection, actor, ran.STOPPED, {"run": run_id})
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

        mapping = mapping_for(self._present.settings, system)
        run_replay(self._store, {system: mapping}, streams=[stream], progress=telling, actor=actor)
        settings = self._present.settings
        result = job.run_reconcile(self._store, settings, actor=actor, progress=telling)
        job.run_push(
            self._store, settings, push="plan", actor=actor, progress=telling
        )  # what was planned before is old
        return result

    def _guarded(self, work: Callable[[], Any], telling: Telling) -> None:
        try:
            result = work()
        except KeyboardInterrupt:  # asked to stop before the run had begun with anything
            return
        except Exception as error:  # nobody else would hear of it
            self.problem = told(error)[0]
            return
        self._ended[result.run_id] = telling
        while len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
