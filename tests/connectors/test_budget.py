"""The arithmetic of budgets, and the budget of one process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors import buckets, retry
from connectors.budget import Allowance, Priority, Quota, Told, account
from connectors.contract import CallStats
from connectors.errors import QuotaError, Throttled
from connectors.http import HttpSession
from connectors.localbudget import LocalBudget
from sandbox.http import Server
from tests.connectors.test_kit import APP

SECOND = 1_000_000
NOON = int(datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()) * SECOND


class Clock:
    """Time that goes on when one sleeps."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def sleep(self, seconds: float) -> None:
        """Go on."""
        self.now += round(seconds * SECOND)

    def budget(self) -> LocalBudget:
        """A budget at this time."""
        return LocalBudget(lambda: self.now, self.sleep)


@settings(max_examples=60, deadline=None)
@given(
    calls=st.integers(1, 120),
    seconds=st.sampled_from([1.0, 10.0, 60.0]),
    burst=st.none() | st.integers(1, 200),
    pauses=st.lists(st.floats(0, 30), min_size=20, max_size=200),
    writes=st.integers(1, 5),
)
def test_no_window_of_time_ever_holds_more_calls_than_are_allowed(
    calls: int, seconds: float, burst: int | None, pauses: list[float], writes: int
) -> None:
    clock = Clock()
    budget, allowance = clock.budget(), Allowance("x", calls, seconds, burst=burst)
    times: list[int] = []
    for number, pause in enumerate(pauses):
        clock.sleep(pause if number % 7 == 0 else 0)
        budget.acquire([allowance], Priority.WRITE if number % writes == 0 else Priority.READ).release()
        times.append(clock.now)
    for place, end in enumerate(times):
        window = [time for time in times[: place + 1] if time > end - seconds * SECOND]
        assert len(window) <= calls


@pytest.mark.parametrize(("calls", "seconds", "burst"), [(30, 1.0, None), (50, 1.0, None), (60, 60.0, 3)])
def test_the_steady_rate_is_close_to_what_is_allowed(calls: int, seconds: float, burst: int | None) -> None:
    clock = Clock()
    budget, allowance = clock.budget(), Allowance("x", calls, seconds, burst=burst)
    for _ in range(20 * calls):
        budget.acquire([allowance]).release()

    assert 20 * calls / ((clock.now - NOON) / SECOND) > 0.92 * calls / seconds


def test_a_rested_account_is_called_without_a_pause_and_keeps_some_of_that_for_writes() -> None:
    clock = Clock()
    budget, allowance = clock.budget(), Allowance("x", 60, 60.0, burst=8)
    reads = [budget.acquire([allowance]).waited for _ in range(6)]
    writes = [budget.acquire([allowance], Priority.WRITE).waited for _ in range(2)]

    assert reads == [0] * 6
    assert writes == [0] * 2
    assert budget.acquire([allowance]).waited > 0


def test_all_the_allowances_of_a_call_are_kept() -> None:
    clock = Clock()
    budget = clock.budget()
    company, form = Allowance("company", 10), Allowance("form", 2)
    for _ in range(10):
        budget.acquire([company, form]).release()

    assert (clock.now - NOON) / SECOND > 4


def test_the_day_begins_anew_at_midnight_of_the_vendors_zone() -> None:
    clock = Clock(int(datetime(2026, 11, 28, 15, 50, tzinfo=UTC).timestamp()) * SECOND)  # 23:50 in Shanghai
    budget, allowance = clock.budget(), Allowance("x", quota=Quota(3, zone="Asia/Shanghai", writes_percent=0))
    for _ in range(3):
        budget.acquire([allowance]).release()
    with pytest.raises(QuotaError) as caught:
        budget.acquire([allowance])

    assert caught.value.reset_after == pytest.approx(600, abs=1)
    clock.sleep(601)
    budget.acquire([allowance]).release()


def test_of_any_24_hours_calls_count_until_they_are_a_day_old() -> None:
    clock = Clock()
    budget, allowance = clock.budget(), Allowance("x", quota=Quota(4, writes_percent=0))
    for _ in range(4):
        budget.acquire([allowance]).release()
        clock.sleep(3600)
    with pytest.raises(QuotaError):
        budget.acquire([allowance])
    clock.sleep(21 * 3600 + 60)
    budget.acquire([allowance]).release()
    with pytest.raises(QuotaError):
        budget.acquire([allowance])


def test_more_calls_than_we_made_are_believed_and_a_few_less_are_not_for_some_are_on_their_way() -> None:
    clock = Clock()
    budget, allowance = clock.budget(), Allowance("x", quota=Quota(1000, writes_percent=0))
    for _ in range(100):
        budget.acquire([allowance]).release()
    budget.told(allowance, Told(remaining=905))
    assert _left(budget, allowance) == 900
    budget.told(allowance, Told(remaining=500))
    assert _left(budget, allowance) == 500
    budget.told(allowance, Told(remaining=990))  # the vendor's day is over
    assert _left(budget, allowance) == 990


def _left(budget: LocalBudget, allowance: Allowance) -> int | None:
    quota = allowance.quota
    assert quota is not None
    return buckets.left(budget._bucket(allowance), quota, Priority.READ, NOON)


def test_a_quota_that_is_not_known_stops_nobody() -> None:
    clock = Clock()
    budget, allowance = clock.budget(), Allowance("x", quota=Quota(reserve_percent=50))
    for _ in range(50):
        budget.acquire([allowance]).release()
    budget.told(allowance, Told(used=50, calls=100))
    with pytest.raises(QuotaError, match=r"50 of 100 .* the last 50 % are left to others"):
        budget.acquire([allowance])


def test_what_was_said_of_a_used_up_day_is_asked_again_by_one_call_after_a_while() -> None:
    clock = Clock()
    budget, allowance = clock.budget(), Allowance("x", quota=Quota(100, writes_percent=0))
    budget.told(allowance, Told(remaining=0))
    with pytest.raises(QuotaError):
        budget.acquire([allowance])
    clock.sleep(901)
    budget.acquire([allowance]).release()
    with pytest.raises(QuotaError):
        budget.acquire([allowance])


def test_an_account_is_named_without_its_secret() -> None:
    name = account("acme", "https://acme.example", secret="canary")
    assert name.startswith("acme:")
    assert "canary" not in name
    assert name != account("acme", "https://acme.example", secret="another")


# -- with the HTTP kit


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(APP) as running, retry.no_waiting():
        yield running


def _session(server: Server, budget: LocalBudget, *allowances: Allowance, **options: Any) -> closing[HttpSession]:
    known: dict[str, Any] = {"classify": lambda _: None, "policy": retry.RetryPolicy(attempts=2), **options}
    opened = HttpSession(server.base_url, stats=CallStats(), budget=lambda: budget, allowances=allowances, **known)
    return closing(opened)


def test_a_429_lets_everybody_who_shares_the_allowance_wait(server: Server) -> None:
    clock, allowance = Clock(), Allowance("x", 1000)
    budget = clock.budget()
    server.faults.answer("GET /", 429, headers={"Retry-After": "30"})
    with _session(server, budget, allowance) as session:
        session.request("GET", "/")

    assert (clock.now - NOON) / SECOND == pytest.approx(30, abs=1)
    assert budget.acquire([allowance]).waited < 1


def test_a_day_that_the_source_says_is_over_is_over_for_all(server: Server) -> None:
    clock, allowance = Clock(), Allowance("x", quota=Quota(100))
    budget = clock.budget()
    over = {"classify": lambda _: QuotaError("Used up.")}
    with _session(server, budget, allowance, **over) as session, pytest.raises(QuotaError, match="Used up"):
        session.request("GET", "/")
    with pytest.raises(QuotaError, match="100 of 100"):
        budget.acquire([allowance], Priority.WRITE)


def test_a_write_that_is_not_safe_to_repeat_goes_as_a_write(server: Server) -> None:
    clock, allowance = Clock(), Allowance("x", quota=Quota(100, writes_percent=50))
    budget = clock.budget()
    budget.told(allowance, Told(remaining=40))
    with _session(server, budget, allowance) as session:
        with pytest.raises(QuotaError):
            session.request("GET", "/")
        session.request("POST", "/", safe=False)
        session.request("GET", "/", priority=Priority.WRITE)


def test_a_pause_that_is_too_long_leaves_as_an_error_that_says_so(server: Server) -> None:
    clock, allowance = Clock(), Allowance("x", 10)
    budget = clock.budget()
    budget.pause(allowance, timedelta(hours=1).total_seconds())
    with _session(server, budget, allowance) as session, pytest.raises(Throttled) as caught:
        session.request("GET", "/")

    assert caught.value.retry_after == pytest.approx(3600)
    assert server.requests() == []
