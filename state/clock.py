"""Time as the store keeps it: whole microseconds since the epoch, UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now_us() -> int:
    """The present instant in microseconds since the epoch."""
    return time.time_ns() // 1000


def to_us(instant: datetime) -> int:
    """Microseconds since the epoch of an aware instant; raises ``ValueError`` for one without a zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant without a time zone cannot be stored")
    return (instant - _EPOCH) // _MICROSECOND


def from_us(microseconds: int) -> datetime:
    """The aware UTC instant of a stored value."""
    return _EPOCH + timedelta(microseconds=microseconds)
