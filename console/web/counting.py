"""How many records each stream holds, for pages: counted again after some seconds, because it reads all of them."""

from __future__ import annotations

import time
from threading import Lock
from typing import TYPE_CHECKING

from state import queries

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.queries import Held

_GOOD_SECONDS = 10


class Counting:
    """The counts of one workbench; one request counts, the others wait for it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._held: Held = {}
        self._ended: int | None = None
        self._until = 0.0

    def of(self, connection: Connection) -> Held:
        """The counts: those after the last run that has ended, and else some seconds old at most."""
        ended = queries.last_end(connection)
        with self._lock:
            if ended != self._ended or time.monotonic() >= self._until:
                self._held = queries.counted(connection)
                self._ended, self._until = ended, time.monotonic() + _GOOD_SECONDS
            return self._held
