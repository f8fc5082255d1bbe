"""Simulated waiting: whoever sleeps in this process is noted and goes on at once.

A connector waits with ``time.sleep``, its own or that of its retrying library, so this works for any of them. What
waits for something that happens (a socket, a lock) is not touched.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_REAL = time.sleep
_SHARE = 2500
"""A simulated wait still lasts a moment, so that a loop that polls does not spin: this part of what was asked for,"""
_LEAST, _MOST = 0.0005, 0.02
"""and so many seconds."""


def really(seconds: float) -> None:
    """Wait, simulated time or not: for what other processes do."""
    _REAL(seconds)


class Waits:
    """Seconds that were waited, in order."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.passed = 0.0
        """Seconds that went by although nobody waited."""
        self._lock = threading.Lock()

    def note(self, seconds: float) -> None:
        """Somebody sleeps."""
        with self._lock:
            self.seconds.append(seconds)
        _REAL(min(max(seconds / _SHARE, _LEAST), _MOST))

    def now_us(self) -> int:
        """Microseconds since the epoch, by a clock that went on while others waited."""
        return time.time_ns() // 1000 + int((sum(self.seconds) + self.passed) * 1_000_000)

    @property
    def longest(self) -> float:
        """The longest wait, 0 without one."""
        return max(self.seconds, default=0.0)


@contextmanager
def simulated() -> Iterator[Waits]:
    """Nobody sleeps; what they asked for is noted."""
    waits = Waits()
    before = time.sleep
    time.sleep = waits.note  # type: ignore[assignment]
    try:
        yield waits
    finally:
        time.sleep = before
