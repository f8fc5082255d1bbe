"""What Prometheus is told of a store: `ltc serve` shows it at ``/metrics``, ``ltc metrics`` prints it.

Counters are sums over the runs that ended since Monday, 00:00 UTC, so that every process shows the same and pruning old
runs lowers none; that they start anew each week is what a restart looks like to Prometheus, which allows for it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING

from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from console import measured
from console.beside import Beside
from state import activity, audit, circuits, measures, pauses
from state.clock import now, now_us, to_us
from state.failures import StoreError

if TYPE_CHECKING:
    from prometheus_client.core import Metric
    from sqlalchemy.engine import Connection

    from settings.model import Settings
    from state.store import Store

FRESH_SECONDS = 10.0
"""So long what was read is shown again, however often it is asked for."""
JUDGED_SECONDS = 30.0
"""So seldom findings are summed, and only when they have changed."""
COUNTED_SECONDS = 300.0
"""So seldom records are counted, all of which have to be read, and only when a run has changed some."""
AUDITED_SECONDS = 3600.0
"""So seldom the audit is verified."""
UP = ("ltc_store_up", "Whether the store can be read.")


class StoreCollector(Collector):
    """Reads the store when it is asked, at most once in ``FRESH_SECONDS``; safe to share between threads.

    What takes long on a large store is read beside, and shown from the next time on. ``settings`` gives those of now.
    """

    def __init__(self, store: Store, settings: Callable[[], Settings]) -> None:
        self._store, self._settings = store, settings
        self._lock = Lock()
        self._read_at = float("-inf")
        self._shown: list[Metric] = []
        self._totals = activity.Totals.empty(_monday())
        self._judged = Beside(lambda: _judged(store), JUDGED_SECONDS)
        self._counted = Beside(lambda: _counted(store), COUNTED_SECONDS)
        self._audited = Beside(lambda: audited(store), AUDITED_SECONDS)

    def describe(self) -> Iterable[Metric]:
        """Nothing, so that registering reads nothing."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Everything. A store that cannot be read shows as ``ltc_store_up 0``, and nothing of it besides."""
        with self._lock:
            if time.monotonic() - self._read_at >= FRESH_SECONDS:
                self._shown = [*self._read()]
            return list(self._shown)

    def settle(self, seconds: float) -> None:
        """Wait for what is read beside, and show it the next time."""
        for beside in (self._judged, self._counted, self._audited):
            beside.wait(seconds)
        self._read_at = float("-inf")

    def _read(self) -> Iterator[Metric]:
        began = time.monotonic()
        yield from measured.about(self._store.dialect)
        try:
            found = [*measured.room(self._store)]
            with self._store.reading() as connection:
                found += quick(connection, self._settings(), self._totals_of_now(connection))
                version = measures.version(connection)
        except (StoreError, SQLAlchemyError, OSError):
            yield measured.gauge(*UP, (), [((), 0)])
        else:
            yield measured.gauge(*UP, (), [((), 1)])
            yield from found
            for metrics in (self._judged.seen(version), self._counted.seen(self._changes()), self._audited.seen()):
                yield from metrics or ()
        self._read_at = time.monotonic()
        took = [((), self._read_at - began)]
        yield measured.gauge("ltc_collect_duration_seconds", "How long reading all this took.", (), took)

    def _totals_of_now(self, connection: Connection) -> activity.Totals:
        if self._totals.since != _monday():
            self._totals = activity.Totals.empty(_monday())
        self._totals.refresh(connection)
        return self._totals

    def _changes(self) -> tuple[int, int]:
        """What is another one when a run has changed records."""
        return self._totals.since, sum(n for key, n in self._totals.records.items() if key[3] in _CHANGES)


_CHANGES = ("new", "changed", "revived", "deleted", "rejected", "released")


class Whole(Collector):
    """The same, all of it read at once by whoever asks."""

    def __init__(self, store: Store, settings: Settings, audit: bool) -> None:
        self._store, self._settings, self._audit = store, settings, audit

    def collect(self) -> Iterable[Metric]:
        """Everything; raises ``StoreError``."""
        yield from measured.about(self._store.dialect)
        yield measured.gauge(*UP, (), [((), 1)])
        yield from measured.room(self._store)
        totals = activity.Totals.empty(_monday())
        with self._store.reading() as connection:
            totals.refresh(connection)
            yield from quick(connection, self._settings, totals)
        yield from _judged(self._store)
        yield from _counted(self._store)
        if self._audit:
            yield from audited(self._store)


def quick(connection: Connection, settings: Settings, totals: activity.Totals) -> Iterator[Metric]:
    """What an index leads to."""
    names = list(settings.systems)
    pulls = [item for item in activity.pulls(connection) if _is_wanted(item, settings)]
    unopened, paused = activity.unopened(connection, names), pauses.read(connection)
    yield from measured.streams(pulls, unopened, paused, settings)
    yield from measured.circuits(circuits.read(connection), names, now_us())
    yield from measured.runs(connection, totals)
    yield from measured.counters(totals, pulls)
    yield from measured.waiting(connection, pulls, names)
    yield from measured.closes(connection)


def _is_wanted(item: activity.Pulls, settings: Settings) -> bool:
    """Whether ltc.yaml still names the stream: nobody shall be woken for one that was taken out."""
    system = settings.systems.get(item.system)
    return system is not None and (system.streams is None or item.stream in system.streams)


def _judged(store: Store) -> list[Metric]:
    with store.reading() as connection:
        return [
            *measured.findings(connection),
            *measured.tie_outs(connection),
            *measured.unapplied(connection),
        ]


def _counted(store: Store) -> list[Metric]:
    with store.reading() as connection:
        return [*measured.records(connection)]


def audited(store: Store) -> list[Metric]:
    """Whether the chain of the audit holds; reads all of it."""
    with store.reading() as connection:
        verdict = audit.verify(connection)
    return [*measured.audited(verdict, now_us())]


class Unreachable(Collector):
    """Stands for a store that could not even be opened."""

    def collect(self) -> Iterable[Metric]:
        """``ltc_store_up 0``."""
        return [measured.gauge(*UP, (), [((), 0)])]


def _monday() -> int:
    """When the counters began, in microseconds."""
    today = now().replace(hour=0, minute=0, second=0, microsecond=0)
    return to_us(today - timedelta(days=today.weekday()))
