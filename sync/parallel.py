"""Work on several systems at once, one thread each, so that a slow one holds up nobody; Ctrl-C stops them at a page."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import copy_context
from types import FrameType
from typing import TypeVar

from sync import stopping
from sync.outcome import StreamOutcome
from sync.progress import Progress

T = TypeVar("T")


class Stop:
    """Set once, by Ctrl-C; work in other threads looks at it between two pages."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self.lost = False
        """Whether nobody asked for it: another process has taken the run's place."""

    def set(self) -> None:
        """Ask everybody to stop."""
        self._event.set()

    def lose(self) -> None:
        """Let everybody stop, because the run is not ours any more."""
        self.lost = True
        self._event.set()

    def __bool__(self) -> bool:
        return self._event.is_set()


class Stoppable:
    """Passes progress on, and ends the work with ``KeyboardInterrupt`` after the page in which a stop was asked for."""

    def __init__(self, inner: Progress, stop: Stop) -> None:
        self._inner = inner
        self._stop = stop
        self._lock = threading.Lock()

    def stream_started(self, system: str, stream: str, direction: str) -> None:
        """Pass it on."""
        with self._lock:
            self._inner.stream_started(system, stream, direction)
        self._check()

    def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
        """Pass it on, or stop."""
        with self._lock:
            self._inner.page(system, stream, counts)
        self._check()

    def stream_done(self, outcome: StreamOutcome) -> None:
        """Pass it on."""
        with self._lock:
            self._inner.stream_done(outcome)

    def _check(self) -> None:
        if self._stop:
            raise KeyboardInterrupt


def parallel(jobs: Mapping[str, Callable[[], T]], stop: Stop) -> dict[str, T]:
    """The result of each job, by name. Ctrl-C asks them to stop and waits for them; a second one leaves at once.

    An exception of a job is raised when all have ended.
    """
    with _ctrl_c_sets(stop):
        if len(jobs) <= 1:
            return {name: job() for name, job in jobs.items()}
        return _in_threads(jobs)


def _in_threads(jobs: Mapping[str, Callable[[], T]]) -> dict[str, T]:
    results: dict[str, T] = {}
    failures: list[BaseException] = []

    def run(name: str, job: Callable[[], T]) -> None:
        try:
            results[name] = job()
        except BaseException as error:  # it is raised in the caller's thread
            failures.append(error)

    threads = [
        threading.Thread(target=copy_context().run, args=(run, name, job), name=f"ltc {name}", daemon=True)
        for name, job in jobs.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return {name: results[name] for name in jobs}


@contextmanager
def _ctrl_c_sets(stop: Stop) -> Iterator[None]:
    """Let Ctrl-C and SIGTERM ask for a stop instead of raising: an exception in ``Thread.join`` forgets the thread."""
    number = stopping.asking()
    if number is None:
        yield
        return

    def caught(sent: int, frame: FrameType | None) -> None:
        if stop:
            signal.default_int_handler(sent, frame)
        stop.set()

    before = {item: signal.signal(item, caught) for item in {number, signal.SIGTERM}}
    try:
        yield
    finally:
        for item, handler in before.items():
            signal.signal(item, handler)
