"""A plan is approved or rejected in part: exactly what was left is written, and what was rejected stays away."""

from __future__ import annotations

from typing import Any

import pytest

from connectors import retry
from settings.model import Settings
from state import audit, held, outbox, rejections, runs
from state.changes import Plan, PlanError
from state.runs import LeaseHeld
from state.store import Store
from sync.job import run_push, run_sync
from tests.console.company import data, ltc
from tests.jobs.toy import ToySystem


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


def planned(store: Store) -> Plan:
    with store.reading() as connection:
        (plan,) = outbox.open_plans(connection)
    return plan


@pytest.fixture
def plan(sqlite_store: Store, settings: Settings) -> Plan:
    run_sync(sqlite_store, settings, push="plan")
    return planned(sqlite_store)


def reject(store: Store, plan: Plan, *numbers: int, reason: str = "agreed with sales") -> str | None:
    with store.transaction() as connection:
        return rejections.reject(connection, plan.id, [plan.items[n].id for n in numbers], reason, "olaf")


def test_what_is_left_is_exactly_what_the_next_planning_wants_and_is_written(
    sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    left = reject(sqlite_store, plan, 0, 2)
    assert left is not None
    assert left != plan.id
    assert run_sync(sqlite_store, settings, push="plan").plans[0].id == left
    assert run_push(sqlite_store, settings, plan_id=left).status == "done"
    rejected = {plan.items[0].source_id, plan.items[2].source_id}
    assert {item[1] for item in crm.writes} == {item.source_id for item in plan.items} - rejected
    with pytest.raises(PlanError, match="no longer what you have seen"):
        reject(sqlite_store, plan, 1)


def test_both_databases_split_a_plan_alike(store: Store, settings: Settings, crm: ToySystem) -> None:
    run_sync(store, settings, push="plan")
    plan = planned(store)
    left = reject(store, plan, 0)
    assert run_push(store, settings, plan_id=left).status == "done"
    assert len(crm.writes) == 6
    with store.reading() as connection:
        assert [item.held.source_id for item in rejections.listing(connection)] == [plan.items[0].source_id]


def test_what_was_rejected_is_shown_with_the_reason_and_comes_back_only_if_the_value_changes(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, plan: Plan
) -> None:
    first = plan.items[0]
    reject(sqlite_store, plan, 0)
    crm.edit("deal", first.source_id, {"name": "Renamed meanwhile"})
    run_sync(sqlite_store, settings)
    assert len(crm.writes) == 6
    with sqlite_store.reading() as connection:
        (item,) = rejections.listing(connection)
        said = [entry.detail for entry in audit.entries(connection) if entry.action == "write-backs rejected"]
    assert (item.held.source_id, item.decided_by, item.reason) == (first.source_id, "olaf", "agreed with sales")
    assert said[0]["records"] == [["deal", first.source_id, ["delivery_state"]]]
    erp.edit("order", "o" + first.source_id[1:], {"delivery": "returned"})
    run_sync(sqlite_store, settings)
    assert crm.values("deal", "delivery")[first.source_id] == "returned"
    with sqlite_store.reading() as connection:
        assert rejections.listing(connection) == []


def test_what_was_rejected_can_be_wanted_again(
    sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    reject(sqlite_store, plan, 0)
    with sqlite_store.transaction() as connection:
        (item,) = rejections.listing(connection)
        held.decide(connection, item.held, "write", "olaf")
    run_sync(sqlite_store, settings)
    assert len(crm.writes) == 7


def test_all_of_it_can_be_rejected(sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan) -> None:
    assert reject(sqlite_store, plan, *range(7)) is None
    run_sync(sqlite_store, settings)
    assert crm.writes == []
    assert run_push(sqlite_store, settings, plan_id=plan.id).status == "failed"


def test_nothing_is_rejected_without_a_reason_or_of_another_plan_or_while_it_is_written(
    sqlite_store: Store, plan: Plan
) -> None:
    with pytest.raises(PlanError, match="Say why"):
        reject(sqlite_store, plan, 0, reason=" ")
    with pytest.raises(PlanError, match="no longer"), sqlite_store.transaction() as connection:
        rejections.reject(connection, plan.id, [999], "why", "olaf")
    with (
        runs.lease(sqlite_store, "push to crm", owner="elsewhere:1:2/3"),
        pytest.raises(LeaseHeld, match="another process"),
    ):
        reject(sqlite_store, plan, 0)
    assert planned(sqlite_store) == plan


def test_the_command_rejects_by_name_and_applies_what_is_left(settings: Settings, crm: ToySystem) -> None:
    path = settings.path
    ltc(path, "sync", "--push", "plan")
    assert ltc(path, "push", "--reject", "d1").exit_code == 2  # without a reason
    assert "No plan writes to 'd9'" in ltc(path, "push", "--reject", "d9", "--reason", "why").stderr
    done = ltc(path, "push", "--reject", "crm:d1", "--reject", "d2", "--reason", "In dispute", "--apply")
    assert (done.exit_code, "2 records rejected" in done.stdout) == (0, True)
    assert {item[1] for item in crm.writes} == {f"d{number}" for number in range(3, 8)}
    (first, _) = data(ltc(path, "conflicts", "list", "--all", "--json"))
    assert (first["source_id"], first["why"]) == ("d1", "decided")
