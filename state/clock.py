"""Time as the store keeps it: whole microseconds since the epoch, UTC."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_read: Callable[[], int] = time.time_ns


def now_us() -> int:
    """The present instant in microseconds since the epoch."""
    return _read() // 1000


def now() -> datetime:
    """The present instant, aware UTC."""
    return from_us(now_us())


@contextmanager
def simulated(read: Callable[[], int]) -> Iterator[None]:
    """Let ``read`` tell the time (nanoseconds since the epoch) in the whole process during the block."""
    global _read
    before, _read = _read, read
    try:
        yield
    finally:
        _read = before


def to_us(instant: datetime) -> int:
    """Microseconds since the epoch of an aware instant; raises ``ValueError`` for one without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be stored")
    return (instant - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The aware UTC instant of a stored value."""
    return _EPOCH + timedelta(microseconds=microseconds)
