"""A system at which several runs failed is left alone by what runs by itself, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from connectors import retry
from console import freshness
from console.i18n import texts
from settings.model import Settings
from state import circuits
from state.clock import now_us, simulated
from state.store import Store
from sync.job import run_fetch, run_pull, run_push, run_sweep, run_sync
from sync.outcome import StreamOutcome
from tests.console.company import ltc
from tests.jobs.toy import ToySystem

HOUR = 3_600_000_000


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with retry.no_waiting():
        yield


@pytest.fixture
def down(sqlite_store: Store, settings: Settings, crm: ToySystem) -> Settings:
    """The CRM refuses our credentials, and three runs have seen it."""
    crm.server.faults.answer("/deal", 401, times=100)
    for _ in range(circuits.AFTER):
        assert kind(run_pull(sqlite_store, settings, systems=["crm"], unattended=True).outcomes) == "auth"
    crm.server.forget()
    return settings


def kind(outcomes: list[StreamOutcome], system: str = "crm") -> str | None:
    [found] = [item for item in outcomes if item.system == system]
    return found.error.kind if found.error else None


def test_nothing_is_asked_of_it_by_what_runs_by_itself_and_the_others_go_on(
    sqlite_store: Store, down: Settings, crm: ToySystem
) -> None:
    result = run_sync(sqlite_store, down, unattended=True)
    assert (result.status, kind(result.outcomes), kind(result.outcomes, "erp")) == ("partial", "resting", None)
    [told] = [item.error for item in result.outcomes if item.error]
    assert "3 runs in a row failed" in told.message
    assert told.remedy.endswith("`ltc pull --system crm` tries it at once.")
    run_sweep(sqlite_store, down, systems=["crm"], unattended=True)
    run_fetch(sqlite_store, down, unattended=True)
    assert crm.server.requests() == []


def test_what_a_person_starts_asks_it_and_one_answer_ends_its_rest(
    sqlite_store: Store, down: Settings, crm: ToySystem
) -> None:
    assert kind(run_pull(sqlite_store, down, systems=["crm"]).outcomes) == "auth"
    crm.server.faults.clear()
    assert kind(run_pull(sqlite_store, down, systems=["crm"]).outcomes) is None
    assert kind(run_pull(sqlite_store, down, systems=["crm"], unattended=True).outcomes) is None


def test_after_its_rest_the_next_run_tries_it_and_a_run_that_left_it_alone_does_not_prolong_the_rest(
    sqlite_store: Store, down: Settings, crm: ToySystem
) -> None:
    with sqlite_store.reading() as connection:
        until = circuits.read(connection)["crm"].until
    run_pull(sqlite_store, down, systems=["crm"], unattended=True)
    with sqlite_store.reading() as connection:
        assert circuits.read(connection)["crm"].until == until
    crm.server.faults.clear()
    with simulated(lambda: until * 1000):
        assert kind(run_pull(sqlite_store, down, systems=["crm"], unattended=True).outcomes) is None


def test_nothing_is_written_to_it_and_the_plan_stays(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    run_sync(sqlite_store, settings, push="plan")
    address, settings.systems["crm"].config["url"] = crm.url, "http://127.0.0.1:1"
    for _ in range(circuits.AFTER):
        run_pull(sqlite_store, settings, systems=["crm"])
    settings.systems["crm"].config["url"] = address
    crm.server.forget()
    assert kind(run_push(sqlite_store, settings, push="apply", unattended=True).outcomes) == "resting"
    assert crm.server.requests() == []
    assert run_push(sqlite_store, settings, push="apply").status == "done"


def test_writes_that_it_refuses_let_no_read_rest(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    run_sync(sqlite_store, settings, push="plan")
    crm.server.faults.answer("PATCH /deal/", 401, times=100)
    for _ in range(circuits.AFTER):
        assert kind(run_push(sqlite_store, settings, push="apply").outcomes) == "auth"
    crm.server.faults.clear()
    assert kind(run_push(sqlite_store, settings, push="apply", unattended=True).outcomes) == "resting"
    found = freshness.read(sqlite_store, settings)
    assert "crm rests until" not in " ".join(freshness.waiting(found, settings, texts("en")))
    assert kind(run_pull(sqlite_store, settings, systems=["crm"], unattended=True).outcomes[:1]) is None


def test_status_says_that_it_rests_in_both_languages(sqlite_store: Store, down: Settings) -> None:
    found = freshness.read(sqlite_store, down)
    said = " ".join(freshness.waiting(found, down, texts("en")))
    assert "crm rests until" in said
    assert "the last 3 runs failed at it" in said
    assert "crm 已熔断至" in " ".join(freshness.waiting(found, down, texts("zh-CN")))
    later = now_us() + HOUR
    with simulated(lambda: later * 1000):
        assert "rests" not in " ".join(freshness.waiting(found, down, texts("en")))


def test_a_timer_says_so_on_the_command_line(down: Settings, crm: ToySystem) -> None:
    assert "3 runs in a row failed" in ltc(down.path, "sync", "--system", "crm", "--unattended").output
    assert crm.server.requests() == []
    ltc(down.path, "pull", "--system", "crm")
    assert crm.server.requests("/deal") != []
