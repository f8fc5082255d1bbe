"""What Prometheus is told of a store: `ltc serve` shows it at ``/metrics``, ``ltc metrics`` prints it.

Counters are sums over the runs that ended since Monday, 00:00 UTC, so that every process shows the same and pruning old
runs lowers none; that they start anew each week is what a restart looks like to Prometheus, which allows for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from console import measured
from state import activity, measures, pauses
from state.clock import now, to_us
from state.failures import StoreError

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from sqlalchemy.engine import Connection

    from console.auditing import Audit
    from settings.model import Settings
    from state.store import Store

FRESH_SECONDS = 10.0
"""So long what was read is shown again, however often it is asked for."""
COUNTED_SECONDS = 300.0
"""So long counts are shown again for which every record has to be read."""
UP = ("ltc_store_up", "Whether the store can be read.")


@dataclass(slots=True)
class _Kept:
    """What is not read anew for each look."""

    totals: activity.Totals
    version: tuple[int, int] | None = None
    judged: list[Metric] = field(default_factory=list)
    counted_at: float = float("-inf")
    counted: list[Metric] = field(default_factory=list)


class StoreCollector(Collector):
    """Reads the store when it is asked, at most once in ``FRESH_SECONDS``; safe to share between threads."""

    def __init__(self, store: Store, settings: Settings, audit: Audit | None, fresh: float = FRESH_SECONDS) -> None:
        self._store, self._settings, self._audit, self._fresh = store, settings, audit, fresh
        self._lock = Lock()
        self._read_at = float("-inf")
        self._shown: list[Metric] = []
        self._kept = _Kept(activity.Totals.empty(_monday()))

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering reads nothing."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Everything. A store that cannot be read shows as ``ltc_store_up 0``, and nothing of it besides."""
        with self._lock:
            if time.monotonic() - self._read_at >= self._fresh:
                began = time.monotonic()
                self._shown = [*measured.about(self._store.dialect), *self._read()]
                self._read_at = time.monotonic()
                took = measured.gauge("ltc_collect_duration_seconds", "How long reading all this took.")
                took.add_metric((), self._read_at - began)
                self._shown.append(took)
            return list(self._shown)

    def _read(self) -> list[Metric]:
        up = measured.gauge(*UP)
        try:
            found = [*measured.room(self._store)]
            with self._store.reading() as connection:
                found += self._of(connection)
        except (StoreError, SQLAlchemyError, OSError):
            up.add_metric((), 0)
            return [up]
        up.add_metric((), 1)
        if self._audit is not None:
            found += measured.audited(self._audit.seen())
        return [up, *found]

    def _of(self, connection: Connection) -> list[Metric]:
        kept, names = self._kept, list(self._settings.systems)
        going_on = activity.running(connection)
        if kept.totals.since != _monday():
            kept.totals = activity.Totals.empty(_monday())
        kept.totals.refresh(connection, going_on)
        if (seen := measures.version(connection)) != kept.version:
            families = (measured.findings, measured.tie_outs, measured.unapplied)
            kept.version, kept.judged = seen, [metric for family in families for metric in family(connection)]
        if time.monotonic() - kept.counted_at >= COUNTED_SECONDS:
            kept.counted, kept.counted_at = [*measured.records(connection)], time.monotonic()
        pulls = activity.pulls(connection)
        return [
            *measured.streams(pulls, activity.unopened(connection, names), pauses.read(connection), self._settings),
            *measured.runs(connection, going_on),
            *measured.counters(kept.totals, pulls),
            *measured.waiting(connection, pulls, names),
            *measured.closes(connection),
            *kept.judged,
            *kept.counted,
        ]


class Unreachable(Collector):
    """Stands for a store that could not even be opened."""

    def collect(self) -> Iterable[Metric]:
        """``ltc_store_up 0``."""
        return [measured.gauge(*UP, (), [((), 0)])]


def _monday() -> int:
    """When the counters began, in microseconds."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return to_us(today - timedelta(days=today.weekday()))
