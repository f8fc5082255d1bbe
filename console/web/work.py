"""Runs that somebody starts from the workbench: one at a time, in a thread of the server."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from console.failures import told

if TYPE_CHECKING:
    from settings.model import Settings
    from state.store import Store

KINDS = ("sync", "pull", "reconcile", "sweep", "push")


class Worker:
    """Starts runs. Whoever waits for a run looks at the store: it holds what has come of it."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings = store, settings
        self._lock = Lock()
        self._at_work: Thread | None = None
        self.problem = ""
        """Why the last run could not even begin; empty if it did."""

    def start(self, kind: str, actor: str, *, system: str | None = None, plan_id: str | None = None) -> bool:
        """Start a run of one of ``KINDS``; False if one that was started here is still going on.

        ``system`` limits a pull, sync or sweep to one; ``plan_id`` is what a push carries out.
        """
        with self._lock:
            if self._at_work is not None and self._at_work.is_alive():
                return False
            self.problem = ""
            work = self._work(kind, actor, system, plan_id)
            self._at_work = Thread(target=self._guarded, args=(work,), name=f"ltc {kind}", daemon=True)
            self._at_work.start()
            return True

    def is_at_work(self) -> bool:
        """Whether a run that was started here is going on."""
        return self._at_work is not None and self._at_work.is_alive()

    def wait(self, seconds: float) -> None:
        """Wait until it has ended."""
        if self._at_work is not None:
            self._at_work.join(seconds)

    def _work(self, kind: str, actor: str, system: str | None, plan_id: str | None) -> Callable[[], Any]:
        from sync import job

        given: dict[str, Any] = {"actor": actor}
        if kind == "push":
            return lambda: job.run_push(self._store, self._settings, push="apply", plan_id=plan_id, **given)
        if kind == "reconcile":
            return lambda: job.run_reconcile(self._store, self._settings, **given)
        of_kind: dict[str, Callable[..., Any]] = {"sync": job.run_sync, "pull": job.run_pull, "sweep": job.run_sweep}
        run = of_kind[kind]
        return lambda: run(self._store, self._settings, systems=[system] if system else None, **given)

    def _guarded(self, work: Callable[[], Any]) -> None:
        try:
            work()
        except Exception as error:  # nobody else would hear of it
            self.problem = told(error)[0]
