"""The budget that threads, processes and workers share, kept in the store.

Asking the database before every call would cost more than many calls do. A process that is alone holds an account for a
moment (``Bucket.held_until``), with some calls lent to it, and counts in memory. If another one wants it, too, nobody
holds it: each takes from the row just as many calls as threads wait, each call with its time. What was lent and not
used is given back with the next look, or at the end; of a process that died it is taken for used. Nothing here waits
inside a transaction.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from sqlalchemy.engine import Connection

from connectors import buckets, waiting
from connectors.buckets import SECOND, Bucket, Claim
from connectors.budget import Allowance, Permit, Priority, Told
from connectors.errors import ConnectorError
from connectors.localbudget import starts
from state import runs
from state.budgetrows import load, now_of_database, save
from state.failures import StoreError
from state.holding import Held, Pace
from state.store import Store

_SHARED_FOR = 10 * SECOND
"""So long an account that two have taken from is not held by one."""
_LONGEST_CALL = 180 * SECOND
"""So long a call of a process that is not heard of is taken to be in progress."""
_PLACE_POLL = SECOND // 10


class StoreBudget:
    """One process's part in the budget of a store. ``clock`` (microseconds) and ``sleep`` are for simulated time.

    Without ``clock`` SQLite goes by this machine's clock, and PostgreSQL by its own, which all workers share.
    """

    def __init__(
        self,
        store: Store,
        *,
        clock: Callable[[], int] | None = None,
        sleep: Callable[[float], None] = waiting.sleep,
    ) -> None:
        self._store = store
        self._clock = clock or waiting.now_us
        self._ask = clock is None and store.dialect == "postgresql"
        self._offset = 0  # of the database's clock to ours
        self._sleep = sleep
        self._id = f"{runs.this_process()}/{secrets.token_hex(4)}"
        self._lock = threading.Lock()
        self._allowances: dict[str, Allowance] = {}
        self._held: dict[str, Held] = {}
        self._pace: dict[str, Pace] = {}
        self._spare: dict[tuple[str, ...], list[int]] = {}  # times that were taken for threads which wait
        self._waiting: dict[tuple[tuple[str, ...], Priority], int] = {}
        self._not_before: dict[tuple[tuple[str, ...], Priority], int] = {}
        self._told: dict[str, tuple[Told, int]] = {}  # and when
        self._calls: dict[str, int] = {}
        self._claimed: dict[str, int] = {}

    # -- the budget

    def acquire(self, allowances: Sequence[Allowance], priority: Priority = Priority.READ) -> Permit:
        """See ``Budget``; raises ``StoreError``, too, and ``Throttled`` while the source wants no calls."""
        if not allowances:
            return Permit()
        who, waited = (tuple(item.key for item in allowances), priority), 0.0
        with self._lock:
            self._waiting[who] = self._waiting.get(who, 0) + 1
        granted = False
        while not granted:
            with self._lock:
                try:
                    pause, granted = self._step(allowances, priority)
                except BaseException:
                    self._waiting[who] -= 1
                    raise
                if granted:
                    self._waiting[who] -= 1
                    self._began(allowances)
            if pause > 0:
                self._sleep(pause / SECOND)
                waited += pause / SECOND
        return Permit(waited, lambda: self._ended(allowances))

    def told(self, allowance: Allowance, told: Told) -> None:
        """See ``Budget``: used here at once, and elsewhere with the next look at the store."""
        with self._lock:
            self._allowances[allowance.key] = allowance
            self._told[allowance.key] = told, self._now()
            held = self._held.get(allowance.key)
            if held is not None:
                buckets.take_over(held.bucket, allowance.quota, told, self._now(), held.left)

    def pause(self, allowance: Allowance, seconds: float) -> None:
        """See ``Budget``: written at once, for all."""
        with self._lock:
            self._allowances[allowance.key] = allowance
            with self._store.transaction() as connection:
                until = self._time(connection) + int(seconds * SECOND)
                rows = load(connection, [allowance.key])
                rows[allowance.key].paused_until = max(rows[allowance.key].paused_until, until)
                save(connection, rows, self._now())
            held = self._held.get(allowance.key)
            if held is not None:
                held.bucket.paused_until = max(held.bucket.paused_until, until)

    def close(self) -> None:
        """Give everything back. If the store cannot be written it comes back by itself."""
        with self._lock, suppress(StoreError):
            keys = sorted({*self._held, *self._told, *(key for key, count in self._claimed.items() if count)})
            keys = sorted({*keys, *(key for spare, times in self._spare.items() if times for key in spare)})
            if keys:
                self._return(keys)

    # -- with the lock held

    def _now(self) -> int:
        return self._clock() + self._offset

    def _began(self, allowances: Sequence[Allowance]) -> None:
        for item in allowances:
            self._calls[item.key] = self._calls.get(item.key, 0) + 1

    def _step(self, allowances: Sequence[Allowance], priority: Priority) -> tuple[int, bool]:
        """How long to wait, and whether the call may then be made or is to be asked for again."""
        now = self._now()
        for item in allowances:
            self._allowances[item.key] = item
        keys = tuple(item.key for item in allowances)
        if self._holds(allowances, priority, now):
            return self._take_held(allowances, priority, now)
        times = self._spare.get(keys, [])
        while times and self._has_places(allowances, priority):
            if times[0] >= now - buckets.late(allowances):
                return max(0, times.pop(0) - now), True
            times.pop(0)
        wait = self._not_before.get((keys, priority), 0) - now
        return (wait, False) if wait > 0 else self._look(allowances, priority)

    def _holds(self, allowances: Sequence[Allowance], priority: Priority, now: int) -> bool:
        held = [self._held.get(item.key) for item in allowances]
        mine = all(one is not None and one.until > now and one.left > 0 for one in held)
        return mine and self._has_places(allowances, priority)

    def _has_places(self, allowances: Sequence[Allowance], priority: Priority) -> bool:
        return all(
            self._calls.get(item.key, 0)
            < min(self._claimed.get(item.key, 0), buckets.places(item.concurrent, priority))
            for item in allowances
            if item.concurrent is not None
        )

    def _take_held(self, allowances: Sequence[Allowance], priority: Priority, now: int) -> tuple[int, bool]:
        held = [self._held[item.key] for item in allowances]
        pairs = [(one.bucket, item) for one, item in zip(held, allowances, strict=True)]
        for one, item in zip(held, allowances, strict=True):
            buckets.afford(one.bucket, item, priority, now, one.left)
        start = starts(pairs, priority, now) or now
        until = min(one.until for one in held)
        soonest = start - buckets.ahead(allowances, priority)
        if soonest > now or start > until:
            return (min(soonest, until) if soonest > now else until) - now, False
        for (bucket, item), one in zip(pairs, held, strict=True):
            buckets.start_at(bucket, item, start)
            one.left -= 1
        return start - now, True

    def _look(self, allowances: Sequence[Allowance], priority: Priority) -> tuple[int, bool]:
        """Take from the rows in the store, or hold them."""
        keys = [item.key for item in allowances]
        failure: ConnectorError | None = None
        outcome = (0, False)
        try:
            with self._store.transaction() as connection:
                now = self._time(connection)
                rows = load(connection, keys)
                wait = self._bring_in(rows, now)
                try:
                    outcome = (wait, False) if wait else self._take(rows, allowances, priority, now)
                except ConnectorError as error:
                    failure = error  # what was brought in is kept
                save(connection, rows, self._now())
        except StoreError:
            for key in keys:
                self._held.pop(key, None)  # nothing was committed
            raise
        if failure is not None:
            raise failure
        return outcome

    def _bring_in(self, rows: dict[str, Bucket], now: int, *, leaving: bool = False) -> int:
        """Let the rows show what was done here; returns how long others hold one of them."""
        wait = 0
        for key, row in rows.items():
            item, held = self._allowances[key], self._held.pop(key, None)
            if row.held_by == self._id and held is not None:
                mine = held.bucket
                row.due, row.spent, row.most = mine.due, mine.spent, mine.most
                row.told_at, row.resets_at = mine.told_at, mine.resets_at
                row.held_by = ""
            elif row.held_by == self._id:  # what was noted of it is lost: the transaction failed
                row.held_until = now
            row.held_until = min(row.held_until, now + _SHARED_FOR)  # or a clock was set back
            if held is not None:
                buckets.spend(row, item.quota, -held.left, now)
                self._pace[key] = self._pace.get(key, Pace()).after(held, now)
            if row.held_by and row.held_until > now and not leaving:
                row.wanted_until = now + _SHARED_FOR
                wait = max(wait, row.held_until - now)
                continue
            if row.held_by and row.held_until <= now:
                buckets.empty_at(row, item, row.held_until, row.lent)
                row.held_by = ""
            if key in self._told:
                said, at = self._told.pop(key)
                buckets.take_over(row, item.quota, said, now, only_more=now - at > _SHARED_FOR)
            if row.taken_by not in ("", self._id) and now - row.taken_at < _SHARED_FOR:
                row.wanted_until = now + _SHARED_FOR
        return wait

    def _take(
        self, rows: dict[str, Bucket], allowances: Sequence[Allowance], priority: Priority, now: int
    ) -> tuple[int, bool]:
        keys = tuple(item.key for item in allowances)
        pairs = [(rows[item.key], item) for item in allowances]
        for row, item in pairs:
            buckets.afford(row, item, priority, now)
        if not self._claim(pairs, priority, self._waiting[keys, priority], now):
            return _PLACE_POLL, False
        for row, _ in pairs:
            row.taken_by, row.taken_at = self._id, now
        if all(row.wanted_until <= now for row, _ in pairs):
            for row, item in pairs:
                pace = self._pace.get(item.key, Pace())
                self._held[item.key] = pace.hold(row, item, priority, self._id, now)
            return self._take_held(allowances, priority, now)
        times: list[int] = []
        while len(times) < self._waiting[keys, priority]:
            start = starts(pairs, priority, now) or now
            soonest = start - buckets.ahead(allowances, priority)
            if soonest > now:
                self._not_before[keys, priority] = soonest
                break
            if times and not self._may_take_more(pairs, priority, now):
                break
            for row, item in pairs:
                buckets.start_at(row, item, start)
                buckets.spend(row, item.quota, 1, now)
            times.append(start)
        if not times:
            return self._not_before[keys, priority] - now, False
        self._spare.setdefault(keys, []).extend(times[1:])
        return times[0] - now, True

    def _may_take_more(self, pairs: Sequence[tuple[Bucket, Allowance]], priority: Priority, now: int) -> bool:
        try:
            for row, item in pairs:
                buckets.afford(row, item, priority, now)
        except ConnectorError:
            return False
        return True

    def _claim(self, pairs: Sequence[tuple[Bucket, Allowance]], priority: Priority, wanted: int, now: int) -> bool:
        """Whether one more call may be in progress everywhere; what is claimed stays so until nothing is going on."""
        free = True
        for row, item in pairs:
            if item.concurrent is None:
                continue
            row.places = {
                who: claim
                for who, claim in row.places.items()
                if who != self._id and claim.until > now and not runs.is_dead(who)
            }
            rest = buckets.places(item.concurrent, priority) - sum(claim.count for claim in row.places.values())
            busy = self._calls.get(item.key, 0)
            self._claimed[item.key] = max(busy, min(rest, busy + wanted))
            if self._claimed[item.key]:
                row.places[self._id] = Claim(self._claimed[item.key], now + _LONGEST_CALL)
            free = free and busy < rest
        return free

    def _ended(self, allowances: Sequence[Allowance]) -> None:
        """A call is over; places of several calls are given back when none is going on any more."""
        with self._lock:
            for item in allowances:
                self._calls[item.key] -= 1
            idle = [
                item.key
                for item in allowances
                if item.concurrent is not None and not self._calls[item.key] and self._claimed.get(item.key, 0) > 1
            ]
            if idle:
                with suppress(StoreError):  # then the claim ends by itself
                    self._return(idle)

    def _return(self, keys: Sequence[str]) -> None:
        with self._store.transaction() as connection:
            now = self._time(connection)
            rows = load(connection, keys)
            self._bring_in(rows, now, leaving=True)
            for spare, times in self._spare.items():
                for key in set(spare) & set(keys):
                    buckets.spend(rows[key], self._allowances[key].quota, -len(times), now)
            for key in keys:
                rows[key].places.pop(self._id, None)
                self._claimed[key] = 0
            save(connection, rows, self._now())
        self._spare = {spare: times for spare, times in self._spare.items() if not set(spare) & set(keys)}

    def _time(self, connection: Connection) -> int:
        if self._ask:
            self._offset = now_of_database(connection) + waiting.skipped_us() - self._clock()
        return self._now()
