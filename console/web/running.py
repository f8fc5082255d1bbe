"""What a run that was started in the workbench tells while it works, and the way to stop it.

Kept in memory: the last few hundred lines of the last few runs, of counts only. What a run did in the end is in the
store, whoever started it.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from threading import Event, Lock
from typing import TYPE_CHECKING, NamedTuple

from state.clock import now_us

if TYPE_CHECKING:
    from console.web.collisions import Going
    from sync.outcome import StreamOutcome

LINES = 300
"""Kept of each run."""
_BETWEEN_SECONDS = 1.0
"""A stream's pages are told no more often."""


class Line(NamedTuple):
    """How far a stream was at an instant (microseconds)."""

    at: int
    system: str
    stream: str
    counts: Mapping[str, int]
    direction: str


class Telling:
    """Listens to one run (``sync.progress.Progress``); ends its work after the page in which a stop was asked for."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque(maxlen=LINES)
        self._last: dict[tuple[str, str], float] = {}
        self._directions: dict[tuple[str, str], str] = {}
        self._lock = Lock()
        self._stop = Event()
        self.runs: list[str] = []
        """The ids of its runs, in their order."""
        self.also_paused = False
        """Whether it works on what people have paused, too."""
        self.steps: tuple[str, ...] = ()
        """The kinds of the runs that are to come of it, in their order, where it is more than one by plan."""
        self.in_turn = False
        """Whether it is a sync that found another run reconciling: it pulls in a first run, and does all in another."""
        self.reconciles_since: int | None = None
        """When it began to reconcile (microseconds); ``None`` while it does not."""
        self.waits_for: Going | None = None
        """The run whose end its second run waits for, where that is known."""

    @property
    def lines(self) -> list[Line]:
        """What was told, the oldest first."""
        with self._lock:
            return list(self._lines)

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask it to stop: what is at work is committed first."""
        self._stop.set()

    def pause(self, seconds: float) -> bool:
        """Wait, unless it is asked to stop; returns whether it was."""
        return self._stop.wait(seconds)

    def stream_started(self, system: str, stream: str, direction: str) -> None:
        """The store says so, too, but of the reconciliation."""
        with self._lock:
            self._directions[system, stream] = direction
        if direction == "reconcile":
            self.reconciles_since = now_us()
        self._check()

    def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
        """Keep a line, now and then."""
        now = time.monotonic()
        with self._lock:
            if now - self._last.get((system, stream), -_BETWEEN_SECONDS) >= _BETWEEN_SECONDS:
                self._last[system, stream] = now
                direction = self._directions.get((system, stream), "")
                self._lines.append(Line(now_us(), system, stream, dict(counts), direction))
        self._check()

    def stream_done(self, outcome: StreamOutcome) -> None:
        """The store says so, too, but of the reconciliation."""
        if outcome.direction == "reconcile":
            self.reconciles_since = None

    def _check(self) -> None:
        if self._stop.is_set():
            raise KeyboardInterrupt
