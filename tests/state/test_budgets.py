"""Budgets in the store: no call above a limit whoever calls, writes first, and what was lent comes back."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import event, text

from connectors.budget import Allowance, Priority, Quota, Told, account
from connectors.errors import QuotaError, Throttled
from state.budgets import StoreBudget
from state.store import Store, open_store
from tests.state import simulated_day
from tests.state.caller import Strict
from tests.state.simulated_day import SECOND, Limit, Time, Vendor, Workers

FAST = Allowance("v:fast", 10, 1.0, burst=4)


@pytest.fixture
def url(store: Store) -> str:
    """The address of the store."""
    return store.engine.url.render_as_string(hide_password=False)


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def budget(store: Store, time: Time) -> Callable[[], StoreBudget]:
    """Makes the budgets of several processes."""
    return lambda: StoreBudget(store, clock=time.clock, sleep=time.sleep)


def seconds(time: Time) -> float:
    """Since the beginning."""
    return (time.now - simulated_day.START) / SECOND


@contextmanager
def counted(store: Store) -> Iterator[list[int]]:
    """How many transactions begin in the block."""
    count = [0]

    def began(_connection: Any) -> None:
        count[0] += 1

    event.listen(store.engine, "begin", began)
    try:
        yield count
    finally:
        event.remove(store.engine, "begin", began)


def test_xero_at_95_percent_of_its_quota_answers_no_429(url: str) -> None:
    hours = 2.0
    found = simulated_day.xero_day(lambda: open_store(url), hours=hours)

    assert found.refused == []
    assert found.most_at_once <= 5
    assert 0.9 * 0.95 * 5000 * hours / 24 < found.calls <= 5000 * hours / 24


def test_jiandaoyun_at_95_percent_of_its_rate_answers_no_429(url: str) -> None:
    found = simulated_day.jiandaoyun(lambda: open_store(url), minutes=0.5)

    assert found.refused == []
    assert found.calls > 30 * 30 * 0.9


def test_writes_are_served_before_reads_that_never_end(url: str) -> None:
    found = simulated_day.rush(lambda: open_store(url), minutes=10)

    assert found.refused == []
    reads, writes = sorted(found.waits[Priority.READ]), sorted(found.waits[Priority.WRITE])
    assert reads[len(reads) // 2] > 5
    assert writes[int(len(writes) * 0.95)] < reads[len(reads) // 2] / 4


def test_who_is_alone_asks_the_store_far_less_often_than_it_calls(store: Store, time: Time, budget: Any) -> None:
    alone, allowance = budget(), Allowance("v:list", 30, 1.0)
    with counted(store) as looks:
        for _ in range(600):
            alone.acquire([allowance]).release()

    assert 600 / 30 < seconds(time) < 600 / 30 * 1.1
    assert looks[0] < 60


def test_calls_that_were_lent_and_not_made_come_back_at_the_end(budget: Any) -> None:
    allowance = Allowance("v:day", quota=Quota(10, writes_percent=0))
    one, two = budget(), budget()
    one.acquire([allowance]).release()
    one.close()
    for _ in range(9):
        two.acquire([allowance]).release()
    with pytest.raises(QuotaError):
        two.acquire([allowance])


def test_a_process_that_dies_holding_an_account_stops_the_others_for_a_moment_only(time: Time, budget: Any) -> None:
    budget().acquire([FAST])  # and is never heard of again
    other = budget()
    for _ in range(20):
        other.acquire([FAST]).release()

    assert seconds(time) < 4


def test_a_pause_that_one_process_was_asked_for_holds_for_all(time: Time, budget: Any) -> None:
    one, two = budget(), budget()
    two.acquire([FAST]).release()
    one.pause(FAST, 30)
    time.now += 3 * SECOND  # a process that holds the account learns of it with its next look
    two.acquire([FAST]).release()

    assert 29 < seconds(time) < 35


def test_a_pause_that_is_too_long_to_wait_for_is_an_error_with_its_length(budget: Any) -> None:
    budget().pause(FAST, 3600)
    with pytest.raises(Throttled) as caught:
        budget().acquire([FAST])

    assert caught.value.retry_after == pytest.approx(3600)
    assert not caught.value.sent


def test_what_a_source_says_of_its_quota_is_known_to_the_next_process(time: Time, budget: Any) -> None:
    allowance = Allowance("v:told", quota=Quota(100, reserve=10, writes_percent=5), name="Acme")
    one = budget()
    one.acquire([allowance]).release()
    resets = datetime.fromtimestamp(time.now / SECOND + 7200, UTC)
    one.told(allowance, Told(remaining=12, resets_at=resets))
    one.close()

    with pytest.raises(QuotaError, match="Acme: 88 of 100 calls") as caught:
        budget().acquire([allowance])
    assert caught.value.reset_after == pytest.approx(7200)
    two = budget()
    for _ in range(2):  # what reads leave to writes
        two.acquire([allowance], Priority.WRITE).release()
    with pytest.raises(QuotaError):
        two.acquire([allowance], Priority.WRITE)
    time.now += 7201 * SECOND
    budget().acquire([allowance]).release()


def test_what_was_told_a_while_ago_does_not_unmake_the_calls_that_others_made_since(time: Time, budget: Any) -> None:
    allowance = Allowance("v:old", quota=Quota(200, writes_percent=0))
    one, two = budget(), budget()
    one.acquire([allowance]).release()
    one.told(allowance, Told(remaining=199))
    time.now += 60 * SECOND
    for _ in range(100):
        two.acquire([allowance]).release()
    two.close()
    one.acquire([allowance]).release()
    one.close()
    for _ in range(98):
        two.acquire([allowance]).release()
    with pytest.raises(QuotaError):
        two.acquire([allowance])


def test_calls_at_once_are_counted_over_all_processes(time: Time, budget: Any) -> None:
    allowance, one, two = Allowance("v:places", concurrent=3), budget(), budget()
    held = [one.acquire([allowance]), two.acquire([allowance])]
    writing = two.acquire([allowance], Priority.WRITE)  # the last one is for writes
    done: list[float] = []

    def read() -> None:
        one.acquire([allowance]).release()
        done.append(seconds(time))

    def free() -> None:
        time.sleep(20)
        writing.release()
        held[1].release()

    time.run([read, free])

    assert 20 <= done[0] < 25


def test_nothing_is_asked_of_the_store_without_allowances(store: Store, budget: Any) -> None:
    with counted(store) as looks:
        opened = budget()
        opened.acquire([]).release()
        opened.close()

    assert looks[0] == 0


def test_two_processes_never_go_above_the_limit_together(url: str) -> None:
    with Strict(20, 1.0).server as server:
        command = [sys.executable, "-m", "tests.state.caller", server.base_url, url, "20", "30"]
        processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        told = [process.communicate(timeout=120)[0].strip() for process in processes]
        statuses = [request.status for request in server.requests("/call")]

    assert told == ["0 retries"] * 2
    assert statuses == [200] * 60


def test_threads_of_one_process_share_what_it_takes(store: Store, time: Time) -> None:
    running = threading.active_count()
    vendor, limit = Vendor(time, ()), Limit(30, 1)
    crew = Workers(lambda: open_store(store.engine.url.render_as_string(hide_password=False)), 1, time)
    allowance = Allowance("v:threads", 30, 1.0)

    def work() -> None:
        for _ in range(40):
            crew.call(crew.budgets[0], [allowance], Priority.READ, lambda: vendor.call(0.3, (limit,)))

    time.run([work] * 8)
    crew.close()

    assert (vendor.calls, vendor.refused) == (320, [])
    assert crew.looks < 320 / 4
    assert threading.active_count() <= running


def test_a_clock_that_is_set_back_holds_nobody_up(time: Time, budget: Any) -> None:
    one = budget()
    for _ in range(5):
        one.acquire([FAST]).release()
    one.close()
    time.now -= 3600 * SECOND
    before = time.now
    budget().acquire([FAST]).release()

    assert time.now - before < 70 * SECOND


def test_rows_hold_no_secret(store: Store, budget: Any) -> None:
    opened = budget()
    opened.acquire([Allowance(account("acme", "https://acme.example", secret="canary-key"), 10)]).release()
    opened.close()
    with store.reading() as connection:
        rows = connection.execute(text("SELECT key, state FROM budget")).all()

    assert rows[0].key.startswith("acme:")
    assert "canary" not in str(rows)
