"""The thread beside the web server that brings in what webhooks told, some seconds later (``sync.job.run_fetch``)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from console import telemetry
from state.store import Store, StoreError
from sync import job
from sync.progress import Silent
from sync.result import SyncResult

if TYPE_CHECKING:
    from settings.model import Settings

_GATHER_SECONDS = 5.0
"""What comes within so long is read together: each reading is a run of its own, and a busy day must not be all runs."""
_AGAIN_SECONDS = 60.0
_BUSY = "busy"

Told = Callable[[str], None]
"""Called with a line for a person."""


class Reader:
    """Reads whenever something was noted, and what was noted before it began; what fails is tried again."""

    def __init__(self, store: Store, settings: Settings, told: Told) -> None:
        self._store = store
        self._settings = settings
        self._told = told
        self._waiting = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ltc webhooks", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._waiting.set()
        self._thread.start()

    def noted(self) -> None:
        """Something is to be read."""
        self._waiting.set()

    def stop(self) -> None:
        """End when what is being read has been kept."""
        self._stop.set()
        self._waiting.set()
        self._thread.join()

    def _run(self) -> None:
        again: float | None = None
        while True:
            self._waiting.wait(again)
            if self._stop.wait(_GATHER_SECONDS):
                return
            self._waiting.clear()
            try:
                with telemetry.run("fetch", Silent()) as (progress, ended):
                    result = job.run_fetch(self._store, self._settings, unattended=True, progress=progress)
                    ended(result)
            except StoreError as error:
                again = _AGAIN_SECONDS
                self._told(str(error))
            else:
                again = self._tell(result)

    def _tell(self, result: SyncResult) -> float | None:
        """Say what was read; returns after how many seconds it is to be tried again, ``None`` if all is done."""
        again = None if result.status == "done" else _AGAIN_SECONDS
        for outcome in result.outcomes:
            name = f"{outcome.system}.{outcome.stream}"
            if outcome.error is None:
                counts = {word: number for word, number in outcome.counts.items() if number and word != "calls"}
                self._told(f"{name}: " + ", ".join(f"{number} {word}" for word, number in counts.items()))
            elif outcome.error.kind != _BUSY:  # a pull, or another process like this one, is at it
                self._told(f"{name}: {outcome.error.message} {outcome.error.remedy}".strip())
        errors = [outcome.error.kind for outcome in result.outcomes if outcome.error is not None]
        return 0.0 if errors and set(errors) == {_BUSY} else again
