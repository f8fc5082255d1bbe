"""Records to try a mapping on: the newest that are stored, or some that are read from the system now."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from console.failures import told
from console.sampling import sampled
from state import lookup, quarantine
from state.clock import now_us
from state.lookup import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable

    from settings.model import Settings
    from state.store import Store

_FIRST, MOST = 5, 200
"""Records of a stream that are looked at to learn their size, and at most."""
_BYTES = 4_000_000
"""Of the records of one stream, and of all that are tried at once twice that."""
_REFUSED = 50
"""Records in quarantine whose words are looked at."""
LIVE = (5, 20, 50)
"""How many records may be read from a system to try a mapping on; the first unless something else is asked for."""
_LIVE_BYTES = 1_000_000
_KEPT, _KEPT_SECONDS = 20, 1800.0
_WAIT_SECONDS = 30.0


class Read(NamedTuple):
    """What was read of a stream: when (microseconds), how many records were asked for, and which came."""

    at: int
    asked: int
    samples: list[Sample]


@dataclass
class Live:
    """What was read from systems a short while ago; in memory alone, because nobody has asked for it to be kept."""

    _found: OrderedDict[tuple[str, str], tuple[float, Read]] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _reading: threading.Lock = field(default_factory=threading.Lock)

    def of(self, system: str, stream: str) -> list[Sample]:
        """The records that were read of a stream in the last half hour."""
        found = self.last(system, stream)
        return found.samples if found is not None else []

    def last(self, system: str, stream: str) -> Read | None:
        """What was read of a stream in the last half hour, if anything came."""
        with self._lock:
            since, found = self._found.get((system, stream), (0.0, None))
        return found if found and found.samples and time.monotonic() - since < _KEPT_SECONDS else None

    def keep(self, system: str, stream: str, count: int, records: Iterable[Sample]) -> list[Sample]:
        """Have what was read of a stream just now (``count`` were asked for) at hand for half an hour."""
        samples = list(_within(records, _LIVE_BYTES))
        with self._lock:
            self._found[system, stream] = (time.monotonic(), Read(now_us(), count, samples))
            self._found.move_to_end((system, stream))
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
        return samples

    def read(self, store: Store, settings: Settings, system: str, stream: str, count: int = LIVE[0]) -> tuple[str, str]:
        """Read ``count`` records now, one stream at a time. Returns the key of the words for what came of it, and a
        sentence of the system's where it failed.

        A system that does not answer in time is left alone; what it answers later is kept then.
        """
        if not self._reading.acquire(blocking=False):
            return "busy", ""
        said: list[tuple[str, str]] = []
        thread = threading.Thread(
            target=self._read, args=(store, settings, system, stream, count, said), name="ltc samples", daemon=True
        )
        thread.start()
        thread.join(_WAIT_SECONDS)
        return said[0] if said else ("silent", "")

    def _read(
        self, store: Store, settings: Settings, system: str, stream: str, count: int, said: list[tuple[str, str]]
    ) -> None:
        from sync.services import services_of

        services = services_of(store)
        try:
            found = sampled(store, settings, services, system, stream, count)
            samples = self.keep(system, stream, count, (Sample(item.source_id, item.body) for item in found.records))
            said.append(("read", "") if samples else ("empty", ""))
        except Exception as error:  # nobody else would hear of it
            said.append(("failed", told(error)[0]))
        finally:
            services.close()
            self._reading.release()


def in_quarantine(store: Store, system: str, stream: str, source_id: str = "") -> list[Sample]:
    """Records of a stream that are in quarantine as they are held: one, or some of them, within bounds."""
    with store.reading() as connection:
        if source_id:
            if not quarantine.named(connection, system, stream, [source_id]):
                return []
            return lookup.newest(connection, system, stream, 1, source_id)
        refused = quarantine.listing(connection, system=system, stream=stream, limit=_REFUSED)
        bodies = lookup.bodies(connection, [item.record_id for item in refused], _BYTES // _REFUSED)
    return [Sample(item.source_id, bodies[item.record_id]) for item in refused if item.record_id in bodies]


def held(store: Store, system: str, streams: Iterable[str]) -> dict[str, list[Sample]]:
    """The newest stored records of each stream, within bounds of number and size."""
    left = 2 * _BYTES
    found = {}
    for stream in streams:
        found[stream] = list(_within(_newest(store, system, stream), min(left, _BYTES)))
        left -= sum(len(item.body) for item in found[stream])
    return found


def _newest(store: Store, system: str, stream: str) -> list[Sample]:
    with store.reading() as connection:
        first = lookup.newest(connection, system, stream, _FIRST)
        size = max((len(item.body) for item in first), default=0)
        count = min(MOST, _BYTES // size) if size else 0
        return lookup.newest(connection, system, stream, count) if count > len(first) == _FIRST else first


def _within(samples: Iterable[Sample], size: int) -> Iterable[Sample]:
    for item in samples:
        size -= len(item.body)
        if size < 0:
            return
        yield item
