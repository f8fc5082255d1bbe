"""Every call to a system counts among those of today: of runs, sweeps, checks, samples."""

from __future__ import annotations

from contextlib import closing
from threading import Event

import pytest
from sqlalchemy import text

from connectors.errors import ContractError
from console import sampling
from settings.model import Settings
from state import calls_made
from state.clock import now_us, simulated
from state.store import Store
from sync import job
from sync.services import services_of
from tests.jobs.toy import Toy, ToySystem

DAY = 24 * 60 * 60 * 1_000_000


def today(store: Store, system: str = "crm", ago: int = DAY) -> int:
    with store.reading() as connection:
        return calls_made.since(connection, [system], now_us() - ago)[system]


def test_all_calls_of_runs_count_and_those_of_a_sweep_among_them(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    job.run_sync(store, settings)
    assert today(store) == len(crm.server.requests())
    assert today(store, "erp") == len(erp.server.requests())
    before = today(store)
    swept = job.run_sweep(store, settings, systems=["crm"])
    assert swept.outcomes[0].counts["calls"] > 0
    assert today(store) == len(crm.server.requests()) == before + swept.outcomes[0].counts["calls"]


def test_the_calls_of_a_sweep_that_failed_count(store: Store, settings: Settings, crm: ToySystem) -> None:
    job.run_pull(store, settings, systems=["crm"])
    crm.server.faults.answer("GET /deal", 404)
    swept = job.run_sweep(store, settings, systems=["crm"])
    assert (swept.outcomes[0].status, swept.outcomes[0].counts["calls"]) == ("failed", 1)
    assert today(store) == len(crm.server.requests())


def test_calls_before_the_first_stream_count(
    store: Store, settings: Settings, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    def streams(self: Toy) -> object:
        self._http.request("GET", "/deal")
        raise ContractError("It says nothing of its streams.")

    monkeypatch.setattr(Toy, "streams", streams)
    job.run_pull(store, settings, systems=["crm"])
    assert today(store) == len(crm.server.requests()) == 1


def test_calls_of_a_run_at_work_count_before_it_ends(
    sqlite_store: Store, settings: Settings, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job, "_RENEW_SECONDS", 0.01)
    seen: list[bool] = []
    told = Event()

    def watch() -> None:
        if len(crm.server.requests()) > 1 and not seen:
            seen.append(any(today(sqlite_store) or told.wait(0.01) for _ in range(1000)))

    crm.watch = watch
    job.run_pull(sqlite_store, settings, systems=["crm"])
    assert seen == [True]
    assert today(sqlite_store) == len(crm.server.requests())


def test_calls_of_samples_count(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    with closing(services_of(sqlite_store)) as services:
        sampling.sampled(sqlite_store, settings, services, "crm", "deal", 2)
    assert today(sqlite_store) == len(crm.server.requests()) == 1


def test_yesterdays_calls_are_not_todays_and_are_forgotten(store: Store) -> None:
    then = (now_us() - 3 * DAY) * 1000
    with simulated(lambda: then), store.transaction() as connection:
        calls_made.note(connection, {"crm": 5})
    assert (today(store), today(store, ago=4 * DAY)) == (0, 5)
    for _ in range(2):
        with store.transaction() as connection:
            calls_made.note(connection, {"crm": 3, "erp": 0})
    assert today(store) == 6
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM call_count WHERE calls = 5")).scalar() == 0
