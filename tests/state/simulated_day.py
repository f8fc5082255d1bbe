"""A day of several workers at a vendor's limits, in simulated time: ``python -m tests.state.simulated_day`` prints it.

Threads run one at a time, and time goes on when all of them sleep, so a day takes a minute and is the same each time.
The vendor counts strictly: any call above a limit, however short the time, is answered 429 and noted.
"""

from __future__ import annotations

import heapq
import random
import statistics
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from connectors.budget import Allowance, Priority, Quota, Told
from connectors.errors import QuotaError
from state.budgets import StoreBudget
from state.store import Store, open_store

SECOND = 1_000_000
DAY = 86_400.0
START = 1_800_000_000 * SECOND


class Time:
    """Time that goes on when everybody sleeps."""

    def __init__(self) -> None:
        self.now = START
        self._lock = threading.Lock()
        self._sleepers: list[tuple[int, int, threading.Event]] = []
        self._count = 0

    def clock(self) -> int:
        """Microseconds since the epoch."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let others go on until then."""
        woken = self._enter(seconds)
        self._next()
        woken.wait()

    def run(self, works: Sequence[Callable[[], None]]) -> None:
        """Do all of the works side by side, each in a thread of its own, from now to their end."""
        failures: list[BaseException] = []

        def body(work: Callable[[], None], begin: threading.Event) -> None:
            begin.wait()
            try:
                work()
            except BaseException as error:  # told by the main thread
                failures.append(error)
            self._next()

        threads = [threading.Thread(target=body, args=(work, self._enter(0)), daemon=True) for work in works]
        for thread in threads:
            thread.start()
        self._next()
        for thread in threads:
            thread.join()
        if failures:
            raise failures[0]

    def _enter(self, seconds: float) -> threading.Event:
        woken = threading.Event()
        with self._lock:
            self._count += 1
            heapq.heappush(self._sleepers, (self.now + max(0, round(seconds * SECOND)), self._count, woken))
        return woken

    def _next(self) -> None:
        with self._lock:
            if not self._sleepers:
                return
            at, _, woken = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
        woken.set()


@dataclass(slots=True)
class Limit:
    """Not more than ``calls`` in any ``seconds``."""

    calls: int
    seconds: float
    times: deque[int] = field(default_factory=deque)

    def takes(self, now: int) -> bool:
        """Whether one more is allowed."""
        while self.times and self.times[0] <= now - round(self.seconds * SECOND):
            self.times.popleft()
        return len(self.times) < self.calls


class Vendor:
    """A stand-in that counts: several limits, calls at once, and calls of other programs in between."""

    def __init__(self, time: Time, limits: Sequence[Limit], concurrent: int = 10**6) -> None:
        self._time = time
        self.limits = limits
        self._concurrent = concurrent
        self._open = 0
        self.most_open = 0
        self.calls = 0
        self.refused: list[str] = []

    def call(self, seconds: float, limits: Sequence[Limit] | None = None) -> int:
        """One call that takes so long; returns how many are left of the last limit."""
        now, counted = self._time.now, self.limits if limits is None else limits
        self.calls += 1
        for limit in counted:
            if not limit.takes(now):
                self.refused.append(f"{limit.calls} in {limit.seconds:g} s")
            limit.times.append(now)
        self._open += 1
        self.most_open = max(self.most_open, self._open)
        if self._open > self._concurrent:
            self.refused.append("at once")
        self._time.sleep(seconds)
        self._open -= 1
        return counted[-1].calls - len(counted[-1].times)


@dataclass(slots=True)
class Result:
    """What a simulated day was like."""

    calls: int
    refused: list[str]
    most_at_once: int
    looks: int
    """Transactions of the budget."""
    waits: dict[Priority, list[float]]
    stopped: int
    """How often a worker was told that nothing is left for it today."""

    def wait(self, priority: Priority) -> str:
        """Median, 99th percentile and longest wait."""
        found = sorted(self.waits[priority])
        return f"{statistics.median(found):.2f} / {found[int(len(found) * 0.99)]:.2f} / {found[-1]:.2f} s"


class Workers:
    """Several processes' budgets on one database, each with threads of its own."""

    def __init__(self, store: Callable[[], Store], count: int, time: Time) -> None:
        self.time = time
        self._stack = ExitStack()
        self.looks = 0
        self.waits: dict[Priority, list[float]] = {Priority.READ: [], Priority.WRITE: []}
        self.stopped = 0
        self.budgets = [self._budget(store) for _ in range(count)]

    def _budget(self, store: Callable[[], Store]) -> StoreBudget:
        opened = _Counted(self._stack.enter_context(store()), self)
        return StoreBudget(opened, clock=self.time.clock, sleep=self.time.sleep)

    def close(self) -> None:
        """Give everything back."""
        for budget in self.budgets:
            budget.close()
        self._stack.close()

    def call(
        self, budget: StoreBudget, allowances: Sequence[Allowance], priority: Priority, send: Callable[[], object]
    ) -> bool:
        """One call as the connectors make it; false if nothing is left today."""
        try:
            permit = budget.acquire(allowances, priority)
        except QuotaError:
            self.stopped += 1
            return False
        self.waits[priority].append(permit.waited)
        with permit:
            send()
        return True


class _Counted(Store):
    def __init__(self, store: Store, workers: Workers) -> None:
        super().__init__(store.engine)
        self._workers = workers

    def transaction(self):  # type: ignore[no-untyped-def]
        self._workers.looks += 1
        return super().transaction()


def xero_day(store: Callable[[], Store], hours: float = 24.0, workers: int = 4) -> Result:
    """Xero: 60 a minute, 5000 in 24 hours, 5 at once. Four workers of three threads and a writer use 95 %."""
    time, dice = Time(), random.Random(7)
    day, minute = Limit(round(5000 * hours / 24), DAY), Limit(60, 60)
    vendor = Vendor(time, (minute, day), concurrent=5)
    total = day.calls
    quota = Quota(total, reserve=total * 3 // 100)
    allowance = Allowance("xero:sim", 60, 60, burst=10, concurrent=5, quota=quota, name="Xero")
    crew = Workers(store, workers, time)
    end = START + round(hours * 3600 * SECOND)
    writes_each = round(150 * hours / 24) // workers
    reads_each = (total * 95 // 100 - writes_each * workers) // (workers * 3)

    def send(budget: StoreBudget) -> None:
        left = vendor.call(dice.uniform(0.2, 1.5))
        budget.told(allowance, Told(remaining=left))

    def every(budget: StoreBudget, count: int, priority: Priority, in_a_row: int) -> Callable[[], None]:
        pause = hours * 3600 * 0.98 / count * in_a_row

        def work() -> None:
            time.sleep(dice.uniform(0, pause))
            done = 0
            while done < count and time.now < end:
                for _ in range(in_a_row):
                    done += crew.call(budget, [allowance], priority, lambda: send(budget)) and done < count
                time.sleep(pause * dice.uniform(0.6, 1.3))

        return work

    works: list[Callable[[], None]] = []
    for budget in crew.budgets:
        works += [every(budget, reads_each, Priority.READ, 25) for _ in range(3)]
        works.append(every(budget, writes_each, Priority.WRITE, 1))
    time.run(works)
    crew.close()
    return Result(vendor.calls, vendor.refused, vendor.most_open, crew.looks, crew.waits, crew.stopped)


def jiandaoyun(store: Callable[[], Store], minutes: float = 10.0, workers: int = 3) -> Result:
    """Jiandaoyun: 30 a second for a list, 20 for writing, 50 for the company. Reads ask for 95 % of their limit."""
    time, dice = Time(), random.Random(11)
    lists, updates, company = Limit(30, 1), Limit(20, 1), Limit(50, 1)
    vendor = Vendor(time, ())
    of_company = Allowance("jdy:company", 50)
    reading, writing = Allowance("jdy:list", 30), Allowance("jdy:update", 20)
    crew = Workers(store, workers, time)
    end = START + round(minutes * 60 * SECOND)
    threads = 4

    def reader(budget: StoreBudget) -> None:
        while time.now < end:
            began = time.now
            crew.call(budget, [of_company, reading], Priority.READ, lambda: vendor.call(0.15, (lists, company)))
            share = threads * workers * SECOND / (30 * 0.95)
            time.sleep(max(0.0, (share - (time.now - began)) / SECOND))

    def writer(budget: StoreBudget) -> None:
        while time.now < end:
            crew.call(budget, [of_company, writing], Priority.WRITE, lambda: vendor.call(0.15, (updates, company)))
            time.sleep(dice.uniform(0.5, 1.5))

    works: list[Callable[[], None]] = []
    for budget in crew.budgets:
        works += [lambda budget=budget: reader(budget) for _ in range(threads)]  # type: ignore[misc]
        works.append(lambda budget=budget: writer(budget))  # type: ignore[misc]
    time.run(works)
    crew.close()
    return Result(vendor.calls, vendor.refused, vendor.most_open, crew.looks, crew.waits, crew.stopped)


def rush(store: Callable[[], Store], minutes: float = 30.0, workers: int = 3) -> Result:
    """A minute limit that reads would exceed without end; each worker writes now and then."""
    time, dice = Time(), random.Random(13)
    limit = Limit(60, 60)
    vendor = Vendor(time, (limit,))
    allowance = Allowance("rush", 60, 60, burst=10)
    crew = Workers(store, workers, time)
    end = START + round(minutes * 60 * SECOND)

    def reader(budget: StoreBudget) -> None:
        while time.now < end:
            crew.call(budget, [allowance], Priority.READ, lambda: vendor.call(0.3))

    def writer(budget: StoreBudget) -> None:
        while time.now < end:
            time.sleep(dice.uniform(20, 60))
            crew.call(budget, [allowance], Priority.WRITE, lambda: vendor.call(0.3))

    works: list[Callable[[], None]] = []
    for budget in crew.budgets:
        works += [lambda budget=budget: reader(budget) for _ in range(4)]  # type: ignore[misc]
        works.append(lambda budget=budget: writer(budget))  # type: ignore[misc]
    time.run(works)
    crew.close()
    return Result(vendor.calls, vendor.refused, vendor.most_open, crew.looks, crew.waits, crew.stopped)


def main() -> None:
    """Print a table for docs/limits.md."""
    url = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder:
        address = url or f"sqlite:///{Path(folder) / 'ltc.db'}"
        for name, play in (
            ("Xero, 24 hours", xero_day),
            ("Jiandaoyun, ten minutes", jiandaoyun),
            ("Reads without end, 30 minutes", rush),
        ):
            found = play(lambda: open_store(address))
            print(  # noqa: T201 - that is what it is for
                f"{name}: {found.calls} calls, {len(found.refused)} refused, at most {found.most_at_once} at once, "
                f"{found.looks} transactions; writes waited {found.wait(Priority.WRITE)}, "
                f"reads {found.wait(Priority.READ)}; stopped {found.stopped} times"
            )


if __name__ == "__main__":
    main()
