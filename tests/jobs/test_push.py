"""Plans and their application: reviewable, conditional, never doubled, never lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from connectors import retry
from connectors.contract import Change, Outcome, PushResult
from settings.model import Settings
from state import audit, outbox, runs
from state.outbox import OutboxStatus, PlanError, PlanStatus
from state.store import Store
from sync import job
from sync.plan import make_plan
from sync.result import SyncResult
from tests.jobs.toy import Toy, ToySystem


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


def sync(store: Store, settings: Settings, **options: Any) -> SyncResult:
    return job.run_sync(store, settings, **options)


def push(store: Store, settings: Settings, **options: Any) -> SyncResult:
    return job.run_push(store, settings, **options)


def pull(store: Store, settings: Settings) -> SyncResult:
    return job.run_pull(store, settings)


def statuses(store: Store) -> dict[str, str]:
    with store.reading() as connection:
        rows = connection.execute(text("SELECT source_id, status FROM outbox ORDER BY id"))
        return {row.source_id: row.status for row in rows}


def test_a_plan_says_what_changes_from_what_to_what_and_why(sqlite_store: Store, settings: Settings) -> None:
    plan = sync(sqlite_store, settings, push="plan").plans[0]
    assert (plan.system, len(plan.items)) == ("crm", 7)
    change = plan.items[0].changes[0]
    assert (change.field, change.source_field, change.old, change.new) == (
        "delivery_state",
        "delivery",
        None,
        "delivered",
    )
    assert (change.source_old, change.source_new) == (None, "delivered")
    assert change.reason == "order SO-1 in erp says so"


def test_planning_writes_nothing_to_the_source(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    sync(sqlite_store, settings, push="plan")
    assert crm.writes == []


def test_the_same_wishes_make_the_same_plan_and_no_new_rows(store: Store, settings: Settings) -> None:
    first = sync(store, settings, push="plan").plans[0]
    second = make_plan(store, settings, "again")[0]
    assert second == first
    with store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM outbox")).scalar() == 7


def test_when_nothing_is_wanted_no_plan_is_kept(sqlite_store: Store, settings: Settings, erp: ToySystem) -> None:
    for order in list(erp.streams["order"]):
        erp.edit("order", order, {"delivery": None})
    assert sync(sqlite_store, settings, push="plan").plans == []
    with sqlite_store.reading() as connection:
        assert connection.execute(text("SELECT count(*) FROM plan")).scalar() == 0


def test_other_wishes_supersede_an_open_plan(store: Store, settings: Settings, erp: ToySystem) -> None:
    old = sync(store, settings, push="plan").plans[0]
    erp.edit("order", "o1", {"delivery": "partly_delivered"})
    new = sync(store, settings, push="plan").plans[0]
    assert new.id != old.id
    with store.reading() as connection:
        assert outbox.load(connection, old.id).status is PlanStatus.SUPERSEDED
        assert len(outbox.load(connection, new.id).open_items) == 7


def test_applying_writes_each_change_once_and_leaves_nothing_to_do(
    store: Store, settings: Settings, crm: ToySystem
) -> None:
    result = sync(store, settings)
    assert result.status == "done"
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}
    assert len(crm.writes) == 7
    assert result.applied[0].status is PlanStatus.APPLIED
    assert result.plans == []


def test_our_own_writes_read_back_are_no_news(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    sync(sqlite_store, settings)
    again = sync(sqlite_store, settings)
    pulled = next(outcome for outcome in again.outcomes if outcome.system == "crm")
    assert (pulled.counts["new"], pulled.counts["changed"]) == (0, 0)
    assert again.changed_nothing
    assert len(crm.writes) == 7


def test_a_plan_that_needs_approval_waits_for_it(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    settings.systems["crm"].push = "plan"
    plan = sync(sqlite_store, settings).plans[0]
    assert crm.writes == []
    result = push(sqlite_store, settings, plan_id=plan.id, actor="Li Na")
    assert (result.status, len(crm.writes)) == ("done", 7)
    with sqlite_store.reading() as connection:
        assert outbox.load(connection, plan.id).approved_by == "Li Na"
        actions = connection.execute(text("SELECT actor, action FROM audit ORDER BY id")).all()
        told = [("Li Na", "run started"), ("Li Na", "plan approved"), ("Li Na", "plan applied")]
        assert [tuple(row) for row in actions] == [("ltc", "run started"), *told]
        assert audit.verify(connection).intact


def test_a_plan_that_is_out_of_date_is_refused_and_the_new_one_shown(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    plan = sync(sqlite_store, settings, push="plan").plans[0]
    erp.edit("order", "o1", {"delivery": "partly_delivered"})
    pull(sqlite_store, settings)
    result = push(sqlite_store, settings, plan_id=plan.id)
    assert crm.writes == []
    assert result.status == "failed"
    assert "out of date" in result.problems[0].message
    assert [shown.id for shown in result.plans] != [plan.id]


def test_a_plan_is_carried_out_only_once(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    settings.systems["crm"].push = "plan"
    plan = sync(sqlite_store, settings).plans[0]
    push(sqlite_store, settings, plan_id=plan.id)
    again = push(sqlite_store, settings, plan_id=plan.id)
    assert "carried out already" in again.problems[0].message
    assert len(crm.writes) == 7


def test_a_record_that_moved_on_is_planned_anew_and_the_others_go_on(
    store: Store, settings: Settings, crm: ToySystem
) -> None:
    sync(store, settings, push="plan")
    crm.edit("deal", "d3", {"name": "Renamed"})
    pull(store, settings)
    with store.reading() as connection:
        (plan,) = outbox.open_plans(connection)
    from sync.push import apply_plan
    from sync.systems import mapping_for, open_connector

    with runs.running(store, "push") as run, open_connector(settings, "crm") as connector:
        mapping = mapping_for(settings, "crm")
        named: Any = {"run_id": run.id, "actor": "test", "current": True}
        (outcome,) = apply_plan(store, settings, connector, mapping, plan.id, **named)
    assert (outcome.counts["applied"], outcome.counts["conflict"]) == (6, 1)
    sync(store, settings)
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}
    assert len(crm.writes) == 7


def test_a_field_changed_in_the_source_meanwhile_is_a_conflict_and_settled_next_time(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    sync(sqlite_store, settings, push="plan")
    crm.edit("deal", "d3", {"delivery": "partly_delivered"})
    result = push(sqlite_store, settings, push="apply")
    assert statuses(sqlite_store)["d3"] == "conflict"
    assert crm.values("deal", "delivery")["d3"] == "partly_delivered"
    assert result.outcomes[0].counts["conflict"] == 1
    sync(sqlite_store, settings)
    assert crm.values("deal", "delivery")["d3"] == "delivered"


def test_a_refused_write_is_shown_and_not_sent_again(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    crm.server.faults.answer("PATCH /deal/d2", 422)
    sync(sqlite_store, settings)
    with sqlite_store.reading() as connection:
        (letter,) = outbox.dead_letters(connection)
    assert (letter.source_id, letter.status) == ("d2", OutboxStatus.REJECTED)
    crm.server.forget()
    again = sync(sqlite_store, settings)
    assert crm.server.requests("PATCH") == []
    assert again.plans == []


def test_a_refused_write_is_tried_again_when_the_record_changes(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.answer("PATCH /deal/d2", 422)
    sync(sqlite_store, settings)
    crm.edit("deal", "d2", {"name": "Mended"})
    sync(sqlite_store, settings)
    assert crm.values("deal", "delivery")["d2"] == "delivered"
    with sqlite_store.reading() as connection:
        assert outbox.dead_letters(connection) == []


def test_a_dead_letter_can_be_retried(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    crm.server.faults.answer("PATCH /deal/d2", 422)
    sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        (letter,) = outbox.dead_letters(connection)
        outbox.retry(connection, letter.id, "Li Na")
    sync(sqlite_store, settings)
    assert crm.values("deal", "delivery")["d2"] == "delivered"


def test_a_dead_letter_can_be_discarded_with_a_reason(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    crm.server.faults.answer("PATCH /deal/d2", 422)
    sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        (letter,) = outbox.dead_letters(connection)
        with pytest.raises(PlanError, match="with a reason"):
            outbox.discard(connection, letter.id, " ", "Li Na")
        outbox.discard(connection, letter.id, "closed by hand in the CRM", "Li Na")
        assert outbox.dead_letters(connection) == []
    assert push(sqlite_store, settings).plans == []
    assert crm.values("deal", "delivery")["d2"] is None


def test_a_write_without_an_answer_is_settled_by_looking(store: Store, settings: Settings, crm: ToySystem) -> None:
    crm.server.faults.cut("PATCH /deal/d4", act=True)
    sync(store, settings, push="apply")
    assert crm.values("deal", "delivery")["d4"] == "delivered"
    push(store, settings)
    assert statuses(store)["d4"] in ("applied", "unchanged")
    assert [write[1] for write in crm.writes].count("d4") == 1


def test_a_write_in_doubt_that_the_pull_has_read_is_settled_without_a_call(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.cut("PATCH /deal/d4", act=True)
    sync(sqlite_store, settings)
    pull(sqlite_store, settings)
    crm.server.forget()
    push(sqlite_store, settings)
    assert statuses(sqlite_store)["d4"] == "applied"
    assert crm.server.requests("deal/d4") == []


def test_a_write_lost_on_the_way_is_sent_again(sqlite_store: Store, settings: Settings, crm: ToySystem) -> None:
    crm.server.faults.cut("PATCH /deal/d4")
    sync(sqlite_store, settings)
    assert statuses(sqlite_store)["d4"] == "unknown"
    push(sqlite_store, settings)
    assert crm.values("deal", "delivery")["d4"] == "delivered"


def test_a_source_that_is_busy_leaves_a_write_in_doubt_as_it_is(
    sqlite_store: Store, settings: Settings, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    crm.server.faults.cut("PATCH /deal/d4")
    sync(sqlite_store, settings)

    def busy(_self: Toy, _stream: str, change: Change) -> PushResult:
        return PushResult(change.source_id, Outcome.RETRY, "busy")

    with monkeypatch.context() as patched:
        patched.setattr(Toy, "_write", busy)
        push(sqlite_store, settings)
    assert statuses(sqlite_store)["d4"] == "unknown"


def test_what_a_source_puts_off_while_it_takes_nothing_is_told_with_its_cause_and_never_given_up(
    sqlite_store: Store, settings: Settings, crm: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(sqlite_store, settings, push="plan")

    def down(_self: Toy, _stream: str, change: Change) -> PushResult:
        return PushResult(change.source_id, Outcome.RETRY, "127.0.0.1 cannot be reached.")

    with monkeypatch.context() as patched:
        patched.setattr(Toy, "_write", down)
        for _ in range(outbox.MAX_ATTEMPTS + 1):
            result = push(sqlite_store, settings)
            assert result.status == "failed"
            assert result.outcomes[0].counts["retry"] == 7
            assert result.outcomes[0].error is not None
            assert result.outcomes[0].error.message == (
                "None of 7 changes could be written now: 127.0.0.1 cannot be reached."
            )
    assert set(statuses(sqlite_store).values()) == {"planned"}
    push(sqlite_store, settings)
    assert set(statuses(sqlite_store).values()) == {"applied"}
    assert len(crm.writes) == 7


def test_a_write_back_of_which_some_is_put_off_is_done_in_part(
    sqlite_store: Store, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(sqlite_store, settings, push="plan")
    written = Toy._write

    def locked(self: Toy, stream: str, change: Change) -> PushResult:
        if change.source_id == "d4":
            return PushResult(change.source_id, Outcome.RETRY, "locked")
        return written(self, stream, change)

    monkeypatch.setattr(Toy, "_write", locked)
    assert push(sqlite_store, settings).status == "partial"
    assert (statuses(sqlite_store)["d4"], attempts(sqlite_store)["d4"]) == ("planned", 1)


@pytest.mark.parametrize("how", ["sync", "push", "this plan"])
def test_what_is_left_of_a_plan_that_was_carried_out_can_be_let_go_at_once_as_it_is_shown(
    store: Store, settings: Settings, crm: ToySystem, how: str
) -> None:
    plan = sync(store, settings, push="plan").plans[0]
    crm.server.faults.answer("PATCH /deal/d1", 422)
    crm.server.faults.cut("PATCH /deal/", times=100)
    if how == "sync":
        sync(store, settings, push="apply")
    else:
        push(store, settings, push="apply", plan_id=plan.id if how == "this plan" else None)
    crm.server.faults.clear()
    with store.reading() as connection:
        (left,) = outbox.open_plans(connection)
    assert len(left.open_items) == 6
    result = push(store, settings, plan_id=left.id)
    assert result.problems == []
    assert set(crm.values("deal", "delivery")) - {"d1"} == {item[1] for item in crm.writes}
    assert len(crm.writes) == 6


def test_a_write_in_doubt_that_nobody_wants_any_more_is_given_up_once_a_later_pull_has_not_found_it(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    crm.server.faults.cut("PATCH /deal/d4")
    sync(sqlite_store, settings)
    erp.remove("order", "o4")
    job.run_sweep(sqlite_store, settings)
    erp.edit("order", "o5", {"delivery": "partly_delivered"})
    sync(sqlite_store, settings)
    assert statuses(sqlite_store)["d4"] == "unknown"
    with sqlite_store.transaction() as connection:
        connection.execute(text("UPDATE outbox SET sent_at = sent_at - 600000000 WHERE source_id = 'd4'"))
    erp.edit("order", "o5", {"delivery": "delivered"})
    sync(sqlite_store, settings)
    assert statuses(sqlite_store)["d4"] == "superseded"
    assert crm.values("deal", "delivery")["d4"] is None


def test_a_source_that_is_down_costs_no_attempt(sqlite_store: Store, settings: Settings) -> None:
    sync(sqlite_store, settings, push="plan")
    settings.systems["crm"].config["url"] = "http://127.0.0.1:1"
    result = push(sqlite_store, settings, push="apply")
    assert result.status == "failed"
    assert result.outcomes[0].error is not None
    assert result.outcomes[0].error.kind == "unreachable"
    with sqlite_store.reading() as connection:
        (plan,) = outbox.open_plans(connection)
        assert {(item.status, item.attempts) for item in plan.items} == {(OutboxStatus.PLANNED, 0)}


def attempts(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        rows = connection.execute(text("SELECT source_id, attempts FROM outbox ORDER BY id"))
        return {row.source_id: row.attempts for row in rows}


@pytest.mark.parametrize("refused", ["GET /deal/d4", "PATCH /deal/d4"], ids=["while it looks", "while it writes"])
def test_what_a_used_up_quota_keeps_from_being_sent_stays_planned_and_is_written_once(
    store: Store, settings: Settings, crm: ToySystem, refused: str
) -> None:
    sync(store, settings, push="plan")
    crm.server.faults.answer(refused, 402)
    result = push(store, settings, push="apply")
    assert (result.status, result.outcomes[0].counts["applied"]) == ("partial", 3)
    error = result.outcomes[0].error
    assert error is not None
    assert error.kind == "quota"
    assert statuses(store) == {f"d{n}": "applied" if n < 4 else "planned" for n in range(1, 8)}
    assert attempts(store) == {f"d{n}": 1 if n < 4 else 0 for n in range(1, 8)}
    push(store, settings, push="apply")
    assert set(statuses(store).values()) == {"applied"}
    assert [write[1] for write in crm.writes] == [f"d{n}" for n in range(1, 8)]


def test_what_a_quota_kept_from_being_sent_is_no_excuse_to_write_over_what_somebody_wrote_meanwhile(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    sync(sqlite_store, settings, push="plan")
    crm.server.faults.answer("PATCH /deal/d4", 402)
    push(sqlite_store, settings, push="apply")
    crm.edit("deal", "d4", {"delivery": "partly_delivered"})
    push(sqlite_store, settings, push="apply")
    assert statuses(sqlite_store)["d4"] == "conflict"
    assert crm.values("deal", "delivery")["d4"] == "partly_delivered"


def test_a_write_in_doubt_stays_so_when_the_quota_is_used_up(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.cut("PATCH /deal/d4", act=True)
    sync(sqlite_store, settings)
    crm.server.faults.answer("GET /deal/d4", 402)
    push(sqlite_store, settings, push="apply")
    assert statuses(sqlite_store)["d4"] == "unknown"
    push(sqlite_store, settings, push="apply")
    assert statuses(sqlite_store)["d4"] == "applied"
    assert [write[1] for write in crm.writes].count("d4") == 1


def test_after_a_quota_of_which_the_connector_does_not_say_what_was_sent_all_is_in_doubt(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    settings.systems["crm"].config["tells_unsent"] = False
    sync(sqlite_store, settings, push="plan")
    crm.server.faults.answer("PATCH /deal/d4", 402)
    push(sqlite_store, settings, push="apply")
    assert statuses(sqlite_store) == {f"d{n}": "applied" if n < 4 else "unknown" for n in range(1, 8)}
    push(sqlite_store, settings, push="apply")
    assert sorted(write[1] for write in crm.writes) == [f"d{n}" for n in range(1, 8)]


def test_a_quota_that_is_used_up_every_day_makes_no_dead_letters(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    sync(sqlite_store, settings, push="plan")
    crm.server.faults.answer("PATCH", 402, times=1000)
    for _ in range(outbox.MAX_ATTEMPTS + 1):
        push(sqlite_store, settings, push="apply")
    assert set(statuses(sqlite_store).values()) == {"planned"}
    crm.server.faults.clear()
    push(sqlite_store, settings, push="apply")
    assert len(crm.writes) == 7


def test_a_change_without_outcome_ends_in_the_dead_letters(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.cut("PATCH /deal/d4", times=1000)
    sync(sqlite_store, settings)
    for _ in range(outbox.MAX_ATTEMPTS):
        push(sqlite_store, settings)
    with sqlite_store.reading() as connection:
        (letter,) = outbox.dead_letters(connection)
    assert (letter.source_id, letter.status) == ("d4", OutboxStatus.DEAD)
    crm.server.forget()
    push(sqlite_store, settings)
    assert crm.server.requests() == []


def test_a_value_the_source_accepts_and_does_not_show_is_reported_once(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.deaf = {"delivery"}
    sync(sqlite_store, settings)
    assert len(crm.writes) == 7
    sync(sqlite_store, settings)
    assert len(crm.writes) == 7
    with sqlite_store.reading() as connection:
        letters = outbox.dead_letters(connection)
    assert len(letters) == 7
    assert "still shows the old value" in letters[0].message


def test_a_value_the_source_has_no_word_for_is_reported_and_the_rest_written(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    mapping = settings.path.parent / "crm.yaml"
    mapping.write_text(
        mapping.read_text().replace(
            "delivery_state: delivery}\n    status",
            "delivery_state: {path: delivery, values: {Done: delivered}}}\n    status",
        )
    )
    erp.edit("order", "o2", {"delivery": "returned"})
    sync(sqlite_store, settings)
    assert crm.values("deal", "delivery")["d1"] == "Done"
    with sqlite_store.reading() as connection:
        (letter,) = outbox.dead_letters(connection)
    assert letter.source_id == "d2"
    assert "no counterpart" in letter.message


def test_two_processes_never_push_to_one_system_at_once(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    sync(sqlite_store, settings, push="plan")
    with runs.lease(sqlite_store, "push to crm", owner="another machine:1:1/x"):
        result = push(sqlite_store, settings, push="apply")
    assert crm.writes == []
    assert result.problems[0].kind == "busy"


def test_a_system_whose_push_is_off_is_neither_planned_nor_written(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    settings.systems["crm"].push = "off"
    result = sync(sqlite_store, settings, push="apply")
    assert (result.plans, result.applied, crm.writes) == ([], [], [])
