"""How many records each stream holds, for pages: counted again after some seconds, because it reads all of them."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING

from state import queries

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.queries import Held
    from state.store import Store

_GOOD_SECONDS = 10


class Counting:
    """The counts of one workbench. Nobody waits for them but those who come first, or first after a run has ended."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = Lock()
        self._held: Held | None = None
        self._ended: int | None = None
        self._until = 0.0
        self._again: Future[None] | None = None
        self._counter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="counting")

    def of(self, connection: Connection) -> Held:
        """The counts: those after the last run that has ended, and else as they were some seconds ago."""
        ended = queries.last_end(connection)
        with self._lock:
            if self._held is None or ended != self._ended:
                self._held = queries.counted(connection)
                self._ended, self._until = ended, time.monotonic() + _GOOD_SECONDS
            elif time.monotonic() >= self._until and (self._again is None or self._again.done()):
                self._again = self._counter.submit(self._count)
            return self._held

    def _count(self) -> None:
        with self._store.reading() as connection:
            ended, held = queries.last_end(connection), queries.counted(connection)
        with self._lock:
            self._held, self._ended, self._until = held, ended, time.monotonic() + _GOOD_SECONDS
