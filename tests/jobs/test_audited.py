"""Who started and stopped runs is in the audit, and what begins by itself does not swell it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from console import jobs
from console.context import App
from settings.model import Settings
from state import audit, runs
from state.audit import Entry
from state.runs import LeaseHeld
from state.store import Store
from sync.job import run_fetch, run_pull, run_push, run_reconcile, run_sweep, run_sync
from tests.jobs.toy import ToySystem


def said(store: Store, **chosen: Any) -> list[Entry]:
    """What the audit says of runs, the newest first; it is whole."""
    with store.reading() as connection:
        assert audit.verify(connection).intact
        found = audit.entries(connection, **chosen)
    return [item for item in found if item.action in (audit.RUN_STARTED, audit.RUN_STOPPED)]


@pytest.mark.parametrize(
    ("start", "kind", "names"),
    [
        (run_sync, "sync", ["crm", "erp"]),
        (run_pull, "pull", ["crm", "erp"]),
        (run_sweep, "sweep", ["crm", "erp"]),
        (run_push, "push", ["crm", "erp"]),
        (run_reconcile, "reconcile", []),
    ],
)
def test_a_run_that_somebody_starts_is_in_the_audit(
    store: Store, settings: Settings, start: Callable[..., Any], kind: str, names: list[str]
) -> None:
    result = start(store, settings, actor="anna")
    (line,) = said(store)
    assert (line.actor, line.action) == ("anna", "run started")
    assert line.detail == {"run": result.run_id, "kind": kind, "because": "by_hand", "systems": names}


def test_who_lets_a_plan_go_is_named_with_the_run_that_writes_it(store: Store, settings: Settings) -> None:
    (plan,) = run_sync(store, settings, push="plan", unattended=True).plans
    result = run_push(store, settings, plan_id=plan.id, actor="anna")
    (line,) = said(store)
    assert line.detail == {"run": result.run_id, "kind": "push", "because": "approval", "systems": ["crm"]}


def test_a_schedule_and_a_webhook_leave_no_line(store: Store, settings: Settings) -> None:
    for start in (run_sync, run_pull, run_sweep, run_push, run_reconcile, run_fetch):
        start(store, settings, unattended=True)
    assert said(store) == []


def test_a_run_that_could_not_begin_leaves_no_line(sqlite_store: Store, settings: Settings) -> None:
    with runs.lease(sqlite_store, "the sync", owner="another machine:1:1/x"), pytest.raises(LeaseHeld):
        run_sync(sqlite_store, settings)
    assert said(sqlite_store) == []


def test_a_line_about_several_systems_is_found_by_each_of_them(store: Store, settings: Settings) -> None:
    run_pull(store, settings, systems=["crm", "erp"])
    run_pull(store, settings, systems=["erp"])
    assert [len(said(store, system=name)) for name in ("crm", "erp", "c_m", "pull", "by_hand")] == [1, 2, 0, 0, 0]
    assert len(said(store, limited=("nobody", ["crm"]))) == 1


def test_who_stops_a_command_by_ctrl_c_is_in_the_audit(
    sqlite_store: Store, settings: Settings, erp: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LTC_ACTOR", "anna")
    app = App(settings.path)
    app.__dict__.update(settings=settings, new_store=sqlite_store, store=sqlite_store)
    erp.watch = lambda: os.kill(os.getpid(), signal.SIGINT)
    result = jobs.run(app, "pull", "local", systems=["erp"])
    stopped, started = said(sqlite_store)
    assert (started.action, stopped.action, stopped.actor) == ("run started", "run stopped", "anna")
    assert stopped.detail == {"run": result.run_id, "kind": "pull", "systems": ["erp"]}
