"""How many records each stream holds, for pages: counted again now and then, because it reads all of them."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as ended
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING

from state import queries

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.queries import Held
    from state.store import Store

_GOOD_SECONDS = 10
_SHARE = 30
"""Counting takes at most one part in so many of the time, so that a large store is counted less often."""
_PATIENCE_SECONDS = 0.2
"""So long somebody waits for the counts after a run that has just ended; then those before it are shown."""


@dataclass(frozen=True, slots=True)
class _Counted:
    numbers: Held
    ended: int
    """When the last run before it had ended, in microseconds."""
    until: float
    """Good enough until then, in seconds of ``time.monotonic``."""


class Counting:
    """The counts of one workbench. Who comes first waits for them; after a run has ended others do, for a moment."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._held: _Counted | None = None
        self._again: Future[_Counted] | None = None
        self._counter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counting")

    def of(self, connection: Connection) -> Held:
        """The counts: those after the last run that has ended, if that does not take long, and else as they were."""
        last = queries.last_end(connection) or 0
        with self._lock:
            held = self._held or self._count()
        patience = time.monotonic() + _PATIENCE_SECONDS
        while last > held.ended and (left := patience - time.monotonic()) > 0:
            again = self._counting()
            if ended((again,), left).done:
                held = again.result()
        if time.monotonic() >= held.until:
            self._counting()
        return held.numbers

    def _counting(self) -> Future[_Counted]:
        with self._lock:
            if self._again is None or self._again.done():
                self._again = self._counter.submit(self._count)
            return self._again

    def _count(self) -> _Counted:
        began = time.monotonic()
        with self._store.reading() as connection:
            if self._store.dialect == "postgresql":  # which would take every processor for it, before all pages
                connection.exec_driver_sql("SET LOCAL max_parallel_workers_per_gather = 0")
            last, numbers = queries.last_end(connection) or 0, queries.counted(connection)
        now = time.monotonic()
        self._held = _Counted(numbers, last, now + max(_GOOD_SECONDS, _SHARE * (now - began)))
        return self._held
