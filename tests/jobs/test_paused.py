"""What people have paused is left alone by every run, and the run says so."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors import retry
from settings.model import Settings
from state import audit, outbox, pauses
from state.pauses import WHOLE, PauseError
from state.store import Store
from sync.job import run_fetch, run_pull, run_push, run_sweep, run_sync
from sync.result import SyncResult, as_dict
from tests.console.company import data, ltc
from tests.jobs.toy import ToySystem


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


def pause(store: Store, system: str, stream: str = WHOLE) -> None:
    with store.transaction() as connection:
        pauses.pause(connection, system, stream, "olaf", "release weekend")


def done(result: SyncResult) -> set[tuple[str, str]]:
    return {(item.system, item.direction) for item in result.outcomes}


def test_nothing_is_asked_of_a_system_that_is_paused_and_the_others_go_on(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    pause(sqlite_store, "crm")
    result = run_sync(sqlite_store, settings)
    assert (result.status, done(result)) == ("done", {("erp", "pull")})
    assert [(item.what, item.reason) for item in result.paused] == [("crm", "release weekend")]
    assert as_dict(result)["paused"][0]["by"] == "olaf"
    assert run_sweep(sqlite_store, settings, systems=["crm"]).outcomes == []
    assert run_fetch(sqlite_store, settings).status == "done"
    assert crm.server.requests() == []


def test_a_stream_is_left_out_and_what_is_asked_for_by_name_is_none_that_is_unknown(
    sqlite_store: Store, settings: Settings
) -> None:
    pause(sqlite_store, "crm", "deal")
    result = run_pull(sqlite_store, settings, streams=["crm.deal"])
    assert (result.status, result.outcomes, result.problems) == ("done", [], [])
    assert [item.what for item in result.paused] == ["crm.deal"]


def test_who_says_so_works_on_it_all_the_same(sqlite_store: Store, settings: Settings) -> None:
    pause(sqlite_store, "crm", "deal")
    result = run_pull(sqlite_store, settings, systems=["crm"], paused=True)
    assert (done(result), result.paused) == ({("crm", "pull")}, [])


@pytest.mark.parametrize("stream", [WHOLE, "deal"])
def test_a_plan_waits_whole_while_what_it_writes_to_is_paused(
    sqlite_store: Store, settings: Settings, crm: ToySystem, stream: str
) -> None:
    run_sync(sqlite_store, settings, push="plan")
    pause(sqlite_store, "crm", stream)
    assert run_sync(sqlite_store, settings).status == "done"
    with sqlite_store.reading() as connection:
        (plan,) = outbox.open_plans(connection)
    refused = run_push(sqlite_store, settings, plan_id=plan.id)
    assert refused.status == "failed"
    assert "olaf has paused crm" in refused.problems[0].message
    assert crm.writes == []
    with sqlite_store.transaction() as connection:
        pauses.resume(connection, "crm", stream, "olaf")
    assert run_push(sqlite_store, settings, plan_id=plan.id).status == "done"
    assert len(crm.writes) == 7


def test_it_is_kept_who_paused_and_resumed_and_why(sqlite_store: Store) -> None:
    pause(sqlite_store, "crm")
    with sqlite_store.transaction() as connection:
        pauses.resume(connection, "crm", WHOLE, "anna")
        with pytest.raises(PauseError, match="crm is not paused"):
            pauses.resume(connection, "crm", WHOLE, "anna")
        with pytest.raises(PauseError, match="Say why"):
            pauses.pause(connection, "crm", WHOLE, "anna", "  ")
        told = [(item.action, item.actor, item.detail.get("reason")) for item in audit.entries(connection)]
    assert told == [("resumed", "anna", None), ("paused", "olaf", "release weekend")]


def test_a_pause_is_no_news_for_the_reconciliation(sqlite_store: Store, settings: Settings) -> None:
    run_sync(sqlite_store, settings)
    pause(sqlite_store, "erp", "order")
    assert not run_sync(sqlite_store, settings).reconciled


def test_the_commands_pause_say_so_ask_and_resume(settings: Settings) -> None:
    path = settings.path
    assert ltc(path, "pause", "crm").exit_code == 2
    assert "no stream 'leads'" in ltc(path, "pause", "crm.leads", "--reason", "why").stderr
    assert ltc(path, "pause", "crm.deal", "erp", "--reason", "release").exit_code == 0
    assert [item["stream"] for item in data(ltc(path, "pause", "--json"))] == ["deal", None]
    assert "crm.deal is paused since" in ltc(path, "status").stdout
    whole = ltc(path, "sync")
    assert whole.exit_code == 0
    assert whole.stdout.count("has paused it") == 2
    for asked in (["--stream", "deal"], ["--stream", "erp.order"], ["--system", "erp"]):
        refused = ltc(path, "pull", *asked)
        assert (refused.exit_code, "Add --paused" in refused.stderr) == (2, True), asked
    assert ltc(path, "pull", "--system", "erp", "--paused").exit_code == 0
    shown = json.loads(ltc(path, "status", "--json").stdout)
    assert {item["state"] for item in shown["streams"]} == {"paused"}
    assert ltc(path, "resume", "crm.deal", "erp").exit_code == 0
    assert ltc(path, "resume", "erp").exit_code == 2
