"""The budget of one process: threads and connections that name the same account take from the same buckets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

from connectors import buckets, waiting
from connectors.buckets import SECOND, Bucket
from connectors.budget import Allowance, Permit, Priority, Told
from connectors.errors import Throttled

PATIENCE = 150 * SECOND
"""Nobody waits longer than this because a source asked for fewer calls; the run ends instead."""
POLL = 0.02
"""Seconds between looks for a place, where all are taken."""


class LocalBudget:
    """Buckets in memory. ``clock`` tells microseconds since the epoch, ``sleep`` waits for seconds."""

    def __init__(
        self,
        clock: Callable[[], int] = waiting.now_us,
        sleep: Callable[[float], None] = waiting.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._buckets: dict[str, Bucket] = {}
        self._calls: dict[str, int] = {}

    def acquire(self, allowances: Sequence[Allowance], priority: Priority = Priority.READ) -> Permit:
        """See ``Budget``; raises ``Throttled``, too, while the source wants no call for a long time."""
        waited = 0.0
        while True:
            with self._lock:
                pause, granted = self._step(allowances, priority)
            if pause:
                self._sleep(pause)
                waited += pause
            if granted:
                return Permit(waited, lambda: self._ended(allowances))

    def told(self, allowance: Allowance, told: Told) -> None:
        """See ``Budget``."""
        with self._lock:
            buckets.take_over(self._bucket(allowance), allowance.quota, told, self._clock())

    def pause(self, allowance: Allowance, seconds: float) -> None:
        """See ``Budget``."""
        with self._lock:
            bucket = self._bucket(allowance)
            bucket.paused_until = max(bucket.paused_until, self._clock() + int(seconds * SECOND))

    def close(self) -> None:
        """Nothing is to be given back."""

    def _step(self, allowances: Sequence[Allowance], priority: Priority) -> tuple[float, bool]:
        """Seconds to wait, and whether the call may then be made or is to be asked for again."""
        now = self._clock()
        pairs = [(self._bucket(item), item) for item in allowances]
        for bucket, item in pairs:
            buckets.afford(bucket, item, priority, now)
            busy = self._calls.get(item.key, 0)
            if item.concurrent is not None and busy >= buckets.places(item.concurrent, priority):
                return POLL, False
        start = starts(pairs, priority, now)
        if start is None:
            return 0.0, True
        soonest = start - buckets.ahead(allowances, priority)
        if soonest > now:
            return (soonest - now) / SECOND, False
        for bucket, item in pairs:
            buckets.start_at(bucket, item, start)
            buckets.spend(bucket, item.quota, 1, now)
            self._calls[item.key] = self._calls.get(item.key, 0) + 1
        return (start - now) / SECOND, True

    def _ended(self, allowances: Sequence[Allowance]) -> None:
        with self._lock:
            for item in allowances:
                self._calls[item.key] -= 1

    def _bucket(self, allowance: Allowance) -> Bucket:
        return self._buckets.setdefault(allowance.key, Bucket())


def starts(pairs: Sequence[tuple[Bucket, Allowance]], priority: Priority, now: int) -> int | None:
    """When the next call may start that takes from all of the buckets; ``None``: there are none.

    Raises ``Throttled`` if that is too long to wait, because the source asked for a pause.
    """
    for bucket, allowance in pairs:
        if bucket.paused_until > now + PATIENCE:
            wait = (bucket.paused_until - now) / SECOND
            raise Throttled(
                f"{allowance.name} asks for no calls for {wait:.0f} seconds.",
                remedy="It is tried again on the next run.",
                retry_after=wait,
            )
    return max((buckets.earliest(bucket, item, priority, now) for bucket, item in pairs), default=None)
