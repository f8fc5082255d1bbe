"""The whole job: side by side, one failure stops nobody else, and no news is cheap."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors import retry, waiting
from settings.model import Settings
from state import audit, runs
from state.runs import LeaseHeld
from state.store import Store
from sync.job import run_pull, run_push, run_reconcile, run_sweep, run_sync
from sync.outcome import StreamOutcome
from sync.result import as_dict
from tests.jobs import company
from tests.jobs.toy import Toy, ToySystem
from tests.state.conftest import killed_run


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


def reconciliations() -> int:
    return company.reconcile.calls  # type: ignore[attr-defined,no-any-return]


def count(store: Store, table: str, where: str = "1=1") -> int:
    with store.reading() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())


def of(outcomes: list[StreamOutcome], system: str, direction: str = "pull") -> StreamOutcome:
    return next(item for item in outcomes if (item.system, item.direction) == (system, direction))


def test_one_run_pulls_reconciles_and_writes_back(store: Store, settings: Settings, crm: ToySystem) -> None:
    result = run_sync(store, settings)
    assert (result.status, result.problems) == ("done", [])
    assert of(result.outcomes, "crm").counts["new"] == 7
    assert of(result.outcomes, "erp").counts["new"] == 7
    assert of(result.outcomes, "crm", "push").counts["applied"] == 7
    assert result.reconcile == {"orders": 7, "opportunities": 7}
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}


def test_a_run_is_recorded_with_what_each_stream_did(sqlite_store: Store, settings: Settings) -> None:
    result = run_sync(sqlite_store, settings)
    with sqlite_store.reading() as connection:
        (run,) = connection.execute(text("SELECT id, kind, engine, status FROM run")).all()
        rows = connection.execute(text("SELECT system, stream, direction, status FROM stream_run ORDER BY 1, 3"))
        assert tuple(run) == (result.run_id, "sync", "local", "done")
        assert [tuple(row) for row in rows] == [
            ("crm", "deal", "pull", "done"),
            ("crm", "deal", "push", "done"),
            ("erp", "order", "pull", "done"),
        ]


def test_a_run_without_news_makes_one_call_a_stream_and_neither_reconciles_nor_lands(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    first = run_sync(store, settings)
    run_sync(store, settings)  # reads back what was written: no news either
    before = (reconciliations(), count(store, "landing"), count(store, "outbox"), count(store, "audit"))
    crm.server.forget()
    erp.server.forget()
    second = run_sync(store, settings, unattended=True)
    assert second.status == "done"
    assert second.changed_nothing
    assert (reconciliations(), count(store, "landing"), count(store, "outbox"), count(store, "audit")) == before
    assert len(crm.server.requests()) == len(erp.server.requests()) == 1
    assert (second.reconcile, second.reconcile_run_id) == (first.reconcile, first.run_id)


def test_what_was_written_is_reconciled_in_the_same_run(sqlite_store: Store, settings: Settings) -> None:
    result = run_sync(sqlite_store, settings)
    assert reconciliations() == 2
    assert result.plans == []


def test_a_changed_record_is_a_reason_to_reconcile(sqlite_store: Store, settings: Settings, erp: ToySystem) -> None:
    run_sync(sqlite_store, settings)
    before = reconciliations()
    erp.edit("order", "o1", {"state": "open", "note": "x"})
    assert run_sync(sqlite_store, settings).reconciled
    assert reconciliations() == before + 1


def test_a_change_pulled_by_another_job_is_a_reason_to_reconcile(
    sqlite_store: Store, settings: Settings, erp: ToySystem
) -> None:
    run_sync(sqlite_store, settings)
    erp.edit("order", "o1", {"note": "x"})
    run_pull(sqlite_store, settings)
    assert run_sync(sqlite_store, settings).reconciled
    assert not run_sync(sqlite_store, settings).reconciled


def test_a_decision_of_a_person_is_a_reason_to_reconcile(sqlite_store: Store, settings: Settings) -> None:
    run_sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        audit.append(connection, "Li Na", "link cut", {"left": 1, "right": 2})
    assert run_sync(sqlite_store, settings).reconciled
    assert not run_sync(sqlite_store, settings).reconciled


def test_another_business_day_is_a_reason_to_reconcile(sqlite_store: Store, settings: Settings) -> None:
    run_sync(sqlite_store, settings)
    assert not run_sync(sqlite_store, settings, as_of=datetime(2026, 10, 31, 12, tzinfo=UTC)).reconciled
    assert run_sync(
        sqlite_store, settings, as_of=datetime(2026, 10, 31, 16, tzinfo=UTC)
    ).reconciled  # 1 Nov in Shanghai


def test_changed_settings_are_a_reason_to_reconcile(sqlite_store: Store, settings: Settings) -> None:
    run_sync(sqlite_store, settings)
    settings.reconciliation.checks["delivery_late"] = {"grace_days": 5}
    assert run_sync(sqlite_store, settings).reconciled


def test_a_killed_run_is_noted_and_a_reason_to_reconcile(sqlite_store: Store, settings: Settings) -> None:
    run_sync(sqlite_store, settings)
    run_id = killed_run(sqlite_store, "sync")
    with sqlite_store.transaction() as connection:
        runs.start_stream(connection, run_id, "erp", "order", "pull")
    assert run_sync(sqlite_store, settings).reconciled
    assert count(sqlite_store, "run", f"id = '{run_id}' AND status = 'interrupted'") == 1
    assert count(sqlite_store, "stream_run", "status = 'running'") == 0


def test_reconciling_without_planning_leaves_the_plan_to_the_next_run(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    run_pull(sqlite_store, settings)
    assert run_reconcile(sqlite_store, settings).status == "done"
    result = run_sync(sqlite_store, settings, push="plan")
    assert not result.reconciled
    assert len(result.plans[0].open_items) == 7


def test_an_open_plan_is_shown_again_without_being_made_again(sqlite_store: Store, settings: Settings) -> None:
    first = run_sync(sqlite_store, settings, push="plan")
    second = run_sync(sqlite_store, settings, push="plan")
    assert second.plans == first.plans
    assert not second.reconciled


def test_a_system_that_is_down_fails_alone_and_catches_up(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    crm.server.faults.answer("/deal", 503, times=2)
    result = run_sync(sqlite_store, settings)
    assert result.status == "partial"
    assert of(result.outcomes, "erp").ok
    error = of(result.outcomes, "crm").error
    assert error is not None
    assert (error.kind, "503" in error.message, bool(error.remedy)) == ("transient", True, True)
    assert run_sync(sqlite_store, settings).status == "done"
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}


def test_refused_credentials_stop_the_system_and_no_other(
    sqlite_store: Store, settings: Settings, crm: ToySystem, tmp_path: Path
) -> None:
    settings.systems["crm"].config.update(streams=["deal", "lead"], entities=["opportunity", "lead"])
    (tmp_path / "crm.yaml").write_text(company.MAPPINGS["crm"] + "  lead: {entity: lead, fields: {email: email}}\n")
    crm.server.faults.answer("/deal", 401)
    result = run_pull(sqlite_store, settings)
    kinds = {item.stream: item.error.kind if item.error else None for item in result.outcomes}
    assert kinds == {"deal": "auth", "lead": "not_tried", "order": None}
    assert crm.server.requests("/lead") == []


def test_a_system_that_nobody_answers_for_is_tried_by_one_stream_and_not_pushed_to(
    sqlite_store: Store, settings: Settings, crm: ToySystem, tmp_path: Path
) -> None:
    run_sync(sqlite_store, settings, push="plan")
    settings.systems["crm"].config.update(streams=["lead", "deal"], entities=["lead", "opportunity"])
    (tmp_path / "crm.yaml").write_text(company.MAPPINGS["crm"] + "  lead: {entity: lead, fields: {email: email}}\n")
    address, settings.systems["crm"].config["url"] = crm.url, "http://127.0.0.1:1"
    result = run_sync(sqlite_store, settings)
    kinds = {(item.stream, item.direction): item.error.kind if item.error else None for item in result.outcomes}
    assert kinds == {
        ("lead", "pull"): "unreachable",
        ("deal", "pull"): "not_tried",
        ("order", "pull"): None,
        ("*", "push"): "not_tried",
    }
    assert result.status == "partial"
    assert result.counts()["crm"]["calls"] == 2, "one stream, two attempts"
    settings.systems["crm"].config.update(url=address, streams=["deal"], entities=["opportunity"])
    assert run_sync(sqlite_store, settings).status == "done"
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}


def test_a_missing_secret_fails_its_system_alone(sqlite_store: Store, settings: Settings) -> None:
    settings.systems["crm"].config["url"] = "${env:LTC_NO_SUCH_VARIABLE}"
    result = run_sync(sqlite_store, settings)
    assert result.status == "partial"
    error = of(result.outcomes, "crm").error
    assert error is not None
    assert (error.kind, "LTC_NO_SUCH_VARIABLE" in error.message) == ("configuration", True)
    assert of(result.outcomes, "erp").ok


def test_a_broken_mapping_fails_its_system_alone(sqlite_store: Store, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "crm.yaml").write_text("version: 1\nconnector: toy\nstreams: {deal: {entity: ship}}\n")
    result = run_sync(sqlite_store, settings)
    error = of(result.outcomes, "crm").error
    assert error is not None
    assert "crm.yaml:3" in error.message
    assert (result.status, result.reconcile) == ("partial", {"orders": 7, "opportunities": 0})


def test_when_every_system_is_down_the_run_has_failed(sqlite_store: Store, settings: Settings) -> None:
    for system in settings.systems.values():
        system.config["url"] = "http://127.0.0.1:1"
    assert run_pull(sqlite_store, settings).status == "failed"


def test_only_the_systems_and_streams_asked_for_are_pulled(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    result = run_pull(sqlite_store, settings, systems=["erp"])
    assert [(item.system, item.stream) for item in result.outcomes] == [("erp", "order")]
    result = run_pull(sqlite_store, settings, streams=["crm.deal"])
    assert [(item.system, item.stream) for item in result.outcomes] == [("crm", "deal")]


def test_a_stream_that_nobody_offers_is_explained(sqlite_store: Store, settings: Settings) -> None:
    result = run_pull(sqlite_store, settings, streams=["delas"])
    assert result.status == "failed"
    assert "delas" in result.problems[0].message


def test_a_second_sync_of_the_same_store_is_refused(sqlite_store: Store, settings: Settings) -> None:
    with (
        runs.lease(sqlite_store, "the sync", owner="another machine:1:1/x"),
        pytest.raises(LeaseHeld, match="another process"),
    ):
        run_sync(sqlite_store, settings)


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_and_sigterm_stop_at_the_next_page_and_the_next_run_goes_on(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, sent: signal.Signals
) -> None:
    seen = []

    def interrupt() -> None:
        seen.append(1)
        if len(seen) == 1:
            os.kill(os.getpid(), sent)

    erp.watch = interrupt
    result = run_sync(sqlite_store, settings)
    assert result.status == "interrupted"
    assert of(result.outcomes, "erp").status == "interrupted"
    assert 0 < of(result.outcomes, "erp").counts["new"] < 7
    assert count(sqlite_store, "run", "status = 'interrupted'") == 1
    erp.watch = None
    assert run_sync(sqlite_store, settings).status == "done"
    assert count(sqlite_store, "orders") == 7


def test_what_waits_in_a_run_knows_of_ctrl_c(
    sqlite_store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    pull = Toy.pull

    def interrupted(self: Toy, *given: Any) -> Any:
        asked.append(waiting.is_asked_to_stop())
        os.kill(os.getpid(), signal.SIGINT)
        asked.append(waiting.is_asked_to_stop())
        yield from pull(self, *given)

    monkeypatch.setattr(Toy, "pull", interrupted)
    assert run_pull(sqlite_store, settings, systems=["crm"]).status == "interrupted"
    assert asked == [False, True]


def test_news_of_one_system_are_planned_for_the_others_and_written_when_it_is_their_turn(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    settings.systems["crm"].push = "auto"
    run_sync(store, settings)
    written = len(crm.writes)
    erp.edit("order", "o2", {"delivery": "partly_delivered"})
    result = run_sync(store, settings, systems=["erp"])
    assert [(plan.system, len(plan.open_items)) for plan in result.plans] == [("crm", 1)]
    assert len(crm.writes) == written
    run_sync(store, settings, systems=["crm"])
    assert len(crm.writes) == written + 1


def test_a_reconciliation_plans_what_is_to_be_written_by_it(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    run_sync(store, settings, push="apply")
    erp.edit("order", "o2", {"delivery": "partly_delivered"})
    run_pull(store, settings)
    result = run_reconcile(store, settings)
    assert [(plan.system, len(plan.open_items)) for plan in result.plans] == [("crm", 1)]


def test_a_sweep_finds_what_was_deleted(store: Store, settings: Settings, crm: ToySystem) -> None:
    run_sync(store, settings)
    crm.remove("deal", "d5")
    result = run_sweep(store, settings, systems=["crm"])
    assert of(result.outcomes, "crm", "sweep").counts["deleted"] == 1
    assert run_sync(store, settings).reconciled


def test_a_write_back_that_conflicts_is_planned_anew_by_the_next_run(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    run_sync(sqlite_store, settings, push="plan")
    crm.edit("deal", "d3", {"delivery": "partly_delivered"})
    run_push(sqlite_store, settings, push="apply")
    result = run_sync(sqlite_store, settings)
    assert [item.source_id for item in result.applied[0].items] == ["d3"]
    assert crm.values("deal", "delivery")["d3"] == "delivered"


def test_figures_that_do_not_add_up_fail_the_reconciliation_and_keep_what_was_pulled(
    sqlite_store: Store, settings: Settings, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    from reconciliation.tieouts import DoesNotFootError

    def broken(*given: Any) -> None:
        raise DoesNotFootError("The tie-out order_invoice in CNY does not add up.")

    monkeypatch.setattr(sys.modules["reconciliation.engine"], "reconcile", broken)
    result = run_sync(sqlite_store, settings)
    assert (result.status, result.problems[0].kind) == ("partial", "does_not_foot")
    assert count(sqlite_store, "orders") == 7
    assert crm.writes == []


def test_a_result_can_be_shown_as_json(sqlite_store: Store, settings: Settings) -> None:
    shown = as_dict(run_sync(sqlite_store, settings))
    assert (shown["status"], shown["plans"]) == ("done", [])
    assert shown["applied"][0]["changes"] == {"applied": 7}
    assert shown["streams"][0]["error"] is None


def test_a_run_without_news_imports_no_reconciliation_engine_and_no_prefect(
    sqlite_store: Store, settings: Settings, sqlite_url: str
) -> None:
    run_sync(sqlite_store, settings)
    code = (
        "import sys; from tests.jobs import company; company.install(); del sys.modules['reconciliation.engine'];"
        "from settings.load import load; from state.store import open_store; from sync.job import run_sync;"
        f"result = run_sync(open_store({sqlite_url!r}), load({str(settings.path)!r}));"
        "heavy = {'duckdb', 'pyarrow', 'prefect', 'alembic'} & set(sys.modules);"
        "sys.exit(' '.join(heavy) or not result.changed_nothing)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
