"""Verify the audit now and then, beside other work, for those who only want to know how it stood last."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock, Thread
from typing import TYPE_CHECKING

from state import audit
from state.audit import Verdict
from state.clock import now_us
from state.failures import StoreError

if TYPE_CHECKING:
    from state.store import Store

EVERY_SECONDS = 3600.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What a verification found, and when it ended (microseconds)."""

    verdict: Verdict
    at: int


class Audit:
    """The audit of one store. ``seen`` never waits: a verification that is due goes on in a thread meanwhile."""

    def __init__(self, store: Store, every: float = EVERY_SECONDS) -> None:
        self._store, self._every = store, every
        self._lock = Lock()
        self._last: Seen | None = None
        self._begun_at = float("-inf")
        self._at_work: Thread | None = None

    def seen(self) -> Seen | None:
        """What the last verification found; ``None`` before the first has ended."""
        with self._lock:
            idle = self._at_work is None or not self._at_work.is_alive()
            if idle and time.monotonic() - self._begun_at >= self._every:
                self._begun_at = time.monotonic()
                self._at_work = Thread(target=self._guarded, name="ltc audit", daemon=True)
                self._at_work.start()
            return self._last

    def verify(self) -> Seen:
        """Verify it now; raises ``StoreError``."""
        with self._store.reading() as connection:
            found = Seen(audit.verify(connection), now_us())
        self._last = found
        self._begun_at = time.monotonic()
        return found

    def wait(self, seconds: float) -> None:
        """Wait until a verification that goes on has ended."""
        if self._at_work is not None:
            self._at_work.join(seconds)

    def _guarded(self) -> None:
        with suppress(StoreError):  # how the store is, others tell
            self.verify()
