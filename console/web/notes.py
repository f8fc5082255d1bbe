"""What a page says once after something was done: kept here for the session, and never in an address."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.web.desk import Visit

_SESSIONS = 1000
"""Sessions whose notes are kept; the oldest go first."""
_EACH = 5


class Notes:
    """Notes that wait for the next page of a session; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._kept: OrderedDict[str, list[str]] = OrderedDict()

    def keep(self, visit: Visit, note: str) -> None:
        """Let this person's next page say it."""
        if visit.session is None:
            return
        with self._lock:
            kept = self._kept.setdefault(visit.session.csrf, [])
            kept[:] = [*kept, note][-_EACH:]
            self._kept.move_to_end(visit.session.csrf)
            while len(self._kept) > _SESSIONS:
                self._kept.popitem(last=False)

    def take(self, visit: Visit) -> list[str]:
        """What this page has to say; a page that only brings in what is new leaves it to the next whole one."""
        if visit.session is None or "hx-request" in visit.request.headers:
            return []
        with self._lock:
            return self._kept.pop(visit.session.csrf, [])
