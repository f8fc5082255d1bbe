"""Token buckets that threads and connections share, so that a vendor's limit is respected before it is hit."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from weakref import WeakValueDictionary


class RateLimit:
    """At most ``rate`` calls a second on average, ``burst`` at once."""

    def __init__(
        self,
        rate: float,
        burst: int | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rate = rate
        self.burst = burst if burst is not None else max(1, int(rate))
        self._tokens = float(self.burst)
        self._clock = clock
        self._sleep = sleep
        self._last = clock()
        self._lock = threading.Lock()

    @classmethod
    def within(cls, per_second: float) -> RateLimit:
        """A bucket that never lets more than ``per_second`` calls through in any one second, bursts included."""
        burst = max(1, int(per_second / 5))
        return cls(max(per_second - burst, per_second / 2), burst)

    def acquire(self) -> float:
        """Take one token, waiting for it; returns the seconds waited."""
        with self._lock:
            now = self._clock()
            self._tokens = min(float(self.burst), self._tokens + (now - self._last) * self.rate)
            self._last = now
            self._tokens -= 1.0
            wait = 0.0 if self._tokens >= 0 else -self._tokens / self.rate
        if wait:
            self._sleep(wait)
        return wait


_shared: WeakValueDictionary[Hashable, RateLimit] = WeakValueDictionary()
_shared_lock = threading.Lock()


def shared(key: Hashable, make: Callable[[], RateLimit]) -> RateLimit:
    """The bucket that everyone in this process who names the same ``key`` takes from; ``make`` makes the first one.

    For allowances that belong to a company or a key, not to one connection.
    """
    with _shared_lock:
        found = _shared.get(key)
        if found is None:
            found = _shared[key] = make()
        return found
