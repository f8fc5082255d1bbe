"""The one place that sleeps, and the clock that goes with it: a test may let time go by without waiting."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_waiting = True
_skipped = 0
_LOOK_SECONDS = 0.2
_asked: ContextVar[Callable[[], bool] | None] = ContextVar("asked_to_stop", default=None)


def sleep(seconds: float) -> None:
    """Wait, or let ``now_us`` go on by as much."""
    global _skipped
    if _waiting:
        time.sleep(seconds)
    else:
        _skipped += int(seconds * 1_000_000)


@contextmanager
def ended_by(asked: Callable[[], bool]) -> Iterator[None]:
    """Let ``is_asked_to_stop`` tell within what ``asked`` tells, or an ``ended_by`` around it."""
    outer = _asked.get()
    token = _asked.set(asked if outer is None else lambda: asked() or outer())
    try:
        yield
    finally:
        _asked.reset(token)


def is_asked_to_stop() -> bool:
    """Whether somebody wants what is at work here to end; what has begun is brought to its end, nothing is repeated."""
    asked = _asked.get()
    return asked is not None and asked()


def sleep_unless_stopped(seconds: float) -> None:
    """Wait like ``sleep``, but not on after somebody has asked for a stop."""
    if not _waiting or _asked.get() is None:
        sleep(seconds)
        return
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0 and not is_asked_to_stop():
        sleep(min(left, _LOOK_SECONDS))


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
