"""Work that takes long, done now and then beside those who only want to know what it last came to."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from threading import Lock, Thread
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from state.failures import StoreError

T = TypeVar("T")

PATIENCE_SECONDS = 1.0
"""So long the first who asks waits, so that what is quick is there at once."""


class Beside(Generic[T]):
    """One piece of work: done in a thread when somebody asks and it was not done for ``every`` seconds."""

    def __init__(self, work: Callable[[], T], every: float) -> None:
        self._work, self._every = work, every
        self._lock = Lock()
        self._last: T | None = None
        self._seen: Hashable = None
        self._began_at = float("-inf")
        self._thread: Thread | None = None

    def seen(self, now: Hashable = None) -> T | None:
        """What it last came to; ``None`` before that.

        ``now`` stands for what the work looks at: while it is the same, nothing is done again. A failure of the store
        leaves things as they are, for others tell of it.
        """
        with self._lock:
            idle = self._thread is None or not self._thread.is_alive()
            changed = now is None or now != self._seen
            if idle and changed and time.monotonic() - self._began_at >= self._every:
                self._seen, self._began_at = now, time.monotonic()
                self._thread = Thread(target=self._guarded, name="ltc beside", daemon=True)
                self._thread.start()
        if self._last is None:
            self.wait(PATIENCE_SECONDS)
        return self._last

    def wait(self, seconds: float) -> None:
        """Wait until what is being done is done."""
        if self._thread is not None:
            self._thread.join(seconds)

    def _guarded(self) -> None:
        with suppress(StoreError, SQLAlchemyError):
            self._last = self._work()
