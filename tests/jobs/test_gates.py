"""A new system is read only until its matching is accepted, and a large plan needs a person's approval."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors import retry
from settings.model import Settings
from state import audit, locks, outbox
from state.outbox import PlanError
from state.store import Store
from sync import matching
from sync.job import run_push, run_sync
from tests.jobs.toy import ToySystem


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


@pytest.fixture
def new(settings: Settings) -> Settings:
    """As ltc.yaml is without a word about it: a new system is read only."""
    settings.writing.first_run = "read_only"
    return settings


@pytest.fixture
def strict(settings: Settings) -> Settings:
    """At most three records, or a tenth of a stream, without approval."""
    settings.writing.limits.changes = 3
    settings.writing.limits.share = Decimal("0.1")
    return settings


def test_a_new_system_is_read_and_planned_for_but_not_written_to(
    sqlite_store: Store, new: Settings, crm: ToySystem
) -> None:
    result = run_sync(sqlite_store, new)
    assert crm.writes == []
    assert result.status == "partial"
    (problem,) = result.problems
    assert problem.kind == "first_run"
    assert "crm is new here and read only" in problem.message
    assert "ltc push --accept-first crm" in problem.remedy
    assert len(result.plans[0].open_items) == 7
    assert run_push(sqlite_store, new, plan_id=result.plans[0].id).status == "partial"
    assert crm.writes == []


def test_once_accepted_it_is_written_to_for_good(store: Store, new: Settings, crm: ToySystem, erp: ToySystem) -> None:
    run_sync(store, new)
    (found,) = matching.accept(store, ["crm"], "Li Na")
    assert [(item.entity, item.records) for item in found.entities] == [("opportunity", 7)]
    assert run_sync(store, new).status == "done"
    assert len(crm.writes) == 7
    erp.edit("order", "o1", {"delivery": "returned"})
    assert run_sync(store, new).status == "done"
    assert crm.values("deal", "delivery")["d1"] == "returned"
    with store.reading() as connection:
        assert connection.execute(text("SELECT accepted_by FROM acceptance")).scalar_one() == "Li Na"
        assert audit.verify(connection).intact


def test_a_system_from_which_nothing_was_read_cannot_be_accepted(sqlite_store: Store, new: Settings) -> None:
    with pytest.raises(PlanError, match="nothing was read"):
        matching.accept(sqlite_store, ["crm"], "Li Na")


def test_numbers_that_several_records_carry_are_named_and_keep_the_system_read_only(
    sqlite_store: Store, new: Settings, erp: ToySystem
) -> None:
    erp.edit("order", "o8", {"number": "SO-7", "state": "open"})
    run_sync(sqlite_store, new)
    with pytest.raises(PlanError, match=r"order number SO-7 \(records o7, o8\)"):
        matching.accept(sqlite_store, ["crm", "erp"], "Li Na")
    with sqlite_store.transaction() as connection:
        assert locks.accepted(connection, ["crm", "erp"]) == set()
        record = connection.execute(text("SELECT id FROM record WHERE source_id = 'o8'")).scalar_one()
        locks.lock(connection, record, "Li Na", "typed twice")
    assert len(matching.accept(sqlite_store, ["crm", "erp"], "Li Na")) == 2


def test_a_plan_above_the_limits_stops_and_says_what_it_exceeds(
    sqlite_store: Store, strict: Settings, crm: ToySystem
) -> None:
    result = run_sync(sqlite_store, strict)
    assert (result.status, crm.writes) == ("partial", [])
    (problem,) = result.problems
    assert problem.kind == "limit"
    assert (
        "7 records, 100.0% of crm.deal (allowed: 3 records, or 10% of a stream, whichever is more)" in problem.message
    )
    assert "--approve" in problem.remedy


def test_a_large_plan_is_carried_out_once_a_person_approves_it(store: Store, strict: Settings, crm: ToySystem) -> None:
    plan = run_sync(store, strict).plans[0]
    result = run_push(store, strict, plan_id=plan.id, approve=True, actor="Li Na")
    assert (result.status, len(crm.writes)) == ("done", 7)
    with store.reading() as connection:
        assert outbox.load(connection, plan.id).large_approved_by == "Li Na"


def test_an_approval_holds_when_the_plan_is_taken_up_again(
    sqlite_store: Store, strict: Settings, crm: ToySystem
) -> None:
    plan = run_sync(sqlite_store, strict).plans[0]
    crm.server.faults.answer("GET /deal/", 503, times=100)
    run_push(sqlite_store, strict, plan_id=plan.id, approve=True)
    crm.server.faults.clear()
    assert run_push(sqlite_store, strict, plan_id=plan.id).status == "done"
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}


@pytest.mark.parametrize(("changes", "share"), [(7, "0.1"), (3, "1")])
def test_a_plan_above_only_one_of_count_and_share_is_carried_out(
    sqlite_store: Store, strict: Settings, crm: ToySystem, changes: int, share: str
) -> None:
    strict.writing.limits.changes, strict.writing.limits.share = changes, Decimal(share)
    assert run_sync(sqlite_store, strict).status == "done"
    assert len(crm.writes) == 7


def test_the_money_of_the_records_is_limited_in_the_base_currency(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    file: Path = settings.path.parent / "crm.yaml"
    file.write_text(file.read_text().replace("currency: {const: CNY}", "currency: cur, expected_amount: amount"))
    for number, deal in enumerate(list(crm.streams["deal"])):
        crm.edit("deal", deal, {"cur": ["CNY", "USD", "JPY"][number % 3], "amount": 1000})
    settings.reconciliation.rates = {"USD": Decimal("7.15")}
    settings.writing.limits.money = Decimal(17000)
    (problem,) = run_sync(sqlite_store, settings).problems
    assert "records worth 17,300.00 CNY (allowed: 17,000.00)" in problem.message
    assert "records in JPY, for which reconciliation.rates has no rate to CNY" in problem.message
    assert crm.writes == []
