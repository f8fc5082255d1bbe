"""The one place that sleeps, and the clock that goes with it: a test may let time go by without waiting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

_waiting = True
_skipped = 0


def sleep(seconds: float) -> None:
    """Wait, or let ``now_us`` go on by as much."""
    global _skipped
    if _waiting:
        time.sleep(seconds)
    else:
        _skipped += int(seconds * 1_000_000)


def now_us() -> int:
    """Microseconds since the epoch, with what was not waited for."""
    return time.time_ns() // 1000 + _skipped


def skipped_us() -> int:
    """What was not waited for, to be added to somebody else's clock."""
    return _skipped


def is_waiting() -> bool:
    """Whether ``sleep`` waits."""
    return _waiting


@contextmanager
def no_waiting() -> Iterator[None]:
    """Go on at once where one would sleep, for tests and simulated time; behind the outermost the clock is right."""
    global _waiting, _skipped
    before, _waiting = _waiting, False
    try:
        yield
    finally:
        _waiting = before
        if before:
            _skipped = 0
