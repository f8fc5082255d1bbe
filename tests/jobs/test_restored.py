"""A store restored from an older backup comes to hold what the systems show, and writes nothing twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors import retry
from settings.model import Settings
from state import audit, backup, outbox, restore, runs
from state.store import Store
from sync.job import run_push, run_sweep, run_sync
from tests.jobs import company
from tests.jobs.toy import ToySystem


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


def silent(_table: str, _rows: int) -> None:
    pass


@pytest.fixture
def saved(store: Store, tmp_path: Path) -> Callable[[], Callable[[], None]]:
    """Takes a backup now, and gives what restores it later."""

    def save() -> Callable[[], None]:
        path = tmp_path / "older.zst"
        backup.write(store, path, silent)

        def put_back() -> None:
            restore.restore(store, path, "Li Na", replace=True, checked=silent, told=silent)

        return put_back

    return save


Saved = Callable[[], Callable[[], None]]


def holdings(store: Store) -> list[list[tuple[Any, ...]]]:
    """What we hold of the systems, without our own numbers."""
    queries = (
        "SELECT s.system, s.name, r.source_id, r.version, r.state FROM record r JOIN stream s ON s.id = r.stream_id",
        "SELECT source_id, name, status, order_number, delivery_state, deleted FROM opportunities",
        "SELECT source_id, number, status, delivery_state, deleted FROM orders",
    )
    with store.reading() as connection:
        return [sorted(tuple(row) for row in connection.execute(text(query))) for query in queries]


def written(crm: ToySystem) -> Counter[tuple[str, str]]:
    return Counter((source_id, values["delivery"]) for _, source_id, values, _ in crm.writes)


def test_an_older_state_converges_and_doubles_no_write(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, saved: Saved
) -> None:
    run_sync(store, settings)
    put_back = saved()
    for number in range(1, 5):
        erp.edit("order", f"o{number}", {"delivery": "returned"})
    erp.edit("order", "o20", {"number": "SO-20", "state": "open", "delivery": "delivered"})
    crm.edit("deal", "d20", {"name": "Deal 20", "stage": "won", "order": "SO-20"})
    crm.edit("deal", "d6", {"name": "Renamed"})
    run_sync(store, settings)
    erp.remove("order", "o7")
    crm.remove("deal", "d7")
    assert run_sweep(store, settings).status == "done"
    before, sent = holdings(store), written(crm)
    assert sent["d1", "returned"] == sent["d20", "delivered"] == 1

    put_back()
    assert holdings(store) != before
    for _ in range(3):
        assert run_sync(store, settings).status == "done"
    assert run_sweep(store, settings).status == "done"
    assert holdings(store) == before
    assert written(crm) == sent
    with store.reading() as connection:
        assert outbox.open_plans(connection) == []
        assert audit.verify(connection).intact
    erp.edit("order", "o1", {"delivery": "delivered"})
    run_sync(store, settings)
    assert written(crm) - sent == {("d1", "delivered"): 1}


def test_a_plan_in_the_backup_that_was_carried_out_later_is_not_carried_out_again(
    store: Store, settings: Settings, crm: ToySystem, saved: Saved
) -> None:
    (plan,) = run_sync(store, settings, push="plan").plans
    put_back = saved()
    assert run_push(store, settings, plan_id=plan.id, push="apply").status == "done"
    assert len(crm.writes) == 7
    put_back()
    for result in (run_push(store, settings, plan_id=plan.id), run_push(store, settings, push="apply")):
        (problem,) = result.problems
        assert problem.kind == "restored"
        assert "crm.deal, erp.order was not read to the end" in problem.message
        assert "ltc sync" in problem.remedy
    assert run_sync(store, settings).status == "done"
    assert len(crm.writes) == 7


def test_a_write_that_was_under_way_in_the_backup_is_settled_and_not_sent_again(
    store: Store, settings: Settings, crm: ToySystem, saved: Saved
) -> None:
    run_sync(store, settings, push="plan")
    backups: list[Callable[[], None]] = []

    def watch() -> None:
        if crm.writes and not backups:
            backups.append(saved())

    crm.watch = watch
    try:
        run_push(store, settings, push="apply")
    finally:
        crm.watch = None
    assert len(crm.writes) == 7
    (put_back,) = backups
    put_back()
    with store.reading() as connection:
        assert outbox.counts(connection)["sending"] == 7
        assert connection.execute(text("SELECT count(*) FROM lease")).scalar() == 0
        assert connection.execute(text("SELECT count(*) FROM run WHERE status = 'running'")).scalar() == 1
    assert len(runs.close_abandoned(store)) == 1
    assert run_sync(store, settings).status == "done"
    assert written(crm) == dict.fromkeys(((f"d{n}", "delivered") for n in range(1, 8)), 1)
    with store.reading() as connection:
        assert outbox.in_doubt(connection, "crm") == []


def test_while_the_owner_of_a_field_cannot_be_read_its_old_value_is_not_written_over_the_new_one(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, saved: Saved
) -> None:
    run_sync(store, settings)
    put_back = saved()
    erp.edit("order", "o1", {"delivery": "returned"})
    run_sync(store, settings)
    sent = list(crm.writes)
    put_back()
    erp.server.faults.answer("GET /order", 503, times=100)
    result = run_sync(store, settings)
    assert result.status == "partial"
    assert crm.values("deal", "delivery")["d1"] == "returned"
    assert crm.writes == sent
    assert [problem.kind for problem in result.problems] == ["restored"]
    erp.server.faults.clear()
    assert run_sync(store, settings).status == "done"
    assert crm.writes == sent


def test_a_person_may_let_a_restored_store_write_though_a_system_is_gone_for_good(
    store: Store, settings: Settings, crm: ToySystem, saved: Saved
) -> None:
    crm.fill(company.deals())
    run_sync(store, settings, push="plan")
    saved()()
    assert run_push(store, settings, push="apply", approve=True).status == "done"
    assert len(crm.writes) == 7
