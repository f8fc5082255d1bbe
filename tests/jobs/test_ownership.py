"""Whose value stays where somebody else wrote into a field that we write, and that the other one is never lost."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from connectors import retry
from settings.model import Ownership, Policy, Settings
from state import audit, held, locks, outbox, overwritten, rejections
from state.store import Store
from sync.job import run_restore, run_sync
from tests.jobs.toy import Toy, ToySystem


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


def settle_by(settings: Settings, policy: Policy) -> None:
    settings.ownership["opportunity.delivery_state"] = Ownership(owner="erp", policy=policy)


def shown(crm: ToySystem) -> Any:
    return crm.values("deal", "delivery")["d1"]


def record(store: Store, source_id: str) -> int:
    with store.reading() as connection:
        query = text("SELECT id FROM record WHERE source_id = :id")
        return int(connection.execute(query, {"id": source_id}).scalar_one())


def waiting(store: Store, *why: str) -> list[held.Held]:
    with store.reading() as connection:
        return held.listing(connection, "crm", why)


def lost(store: Store) -> list[tuple[int, Any, Any]]:
    with store.reading() as connection:
        found = overwritten.listing(connection)
        return [(item.id, change.old, change.new) for item in found for change in overwritten.lost(item)]


def edited(store: Store, settings: Settings, crm: ToySystem, erp: ToySystem) -> None:
    """A person writes into a field that we had written, and then its owner has something new to say, too."""
    run_sync(store, settings)
    crm.edit("deal", "d1", {"delivery": "picked up"})
    erp.edit("order", "o1", {"delivery": "returned"})


def test_the_owner_wins_unless_said_otherwise_and_the_other_value_is_kept(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    edited(store, settings, crm, erp)
    assert lost(store) == []
    run_sync(store, settings)
    assert shown(crm) == "returned"
    assert [entry[1:] for entry in lost(store)] == [("picked up", "returned")]


def test_a_value_that_only_we_wrote_is_replaced_without_a_conflict(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    settle_by(settings, "ask")
    run_sync(sqlite_store, settings)
    erp.edit("order", "o1", {"delivery": "returned"})
    run_sync(sqlite_store, settings)
    assert shown(crm) == "returned"
    assert (waiting(sqlite_store), lost(sqlite_store)) == ([], [])


def test_a_value_that_people_brought_into_agreement_by_hand_is_the_new_base(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    settle_by(settings, "ask")
    run_sync(sqlite_store, settings)
    crm.edit("deal", "d1", {"delivery": "returned"})
    erp.edit("order", "o1", {"delivery": "returned"})
    run_sync(sqlite_store, settings)
    erp.edit("order", "o1", {"delivery": "delivered"})
    run_sync(sqlite_store, settings)
    assert shown(crm) == "delivered"
    assert waiting(sqlite_store, "ask") == []


def test_a_write_whose_answer_was_lost_is_the_new_base_once_it_is_read(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    settle_by(settings, "ask")
    run_sync(sqlite_store, settings)
    erp.edit("order", "o1", {"delivery": "returned"})
    crm.server.faults.cut("PATCH /deal/d1", act=True)
    run_sync(sqlite_store, settings)
    erp.edit("order", "o1", {"delivery": "delivered"})
    run_sync(sqlite_store, settings)
    assert shown(crm) == "delivered"
    assert waiting(sqlite_store, "ask") == []


def test_an_overwritten_value_is_restored_with_one_command_and_stays(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    edited(store, settings, crm, erp)
    run_sync(store, settings)
    result = run_restore(store, settings, item_id=lost(store)[0][0], actor="Li Na")
    assert (result.status, shown(crm)) == ("done", "picked up")
    for _ in range(2):
        run_sync(store, settings)
        assert shown(crm) == "picked up"
    erp.edit("order", "o1", {"delivery": "delivered"})
    run_sync(store, settings)
    assert shown(crm) == "delivered"
    with store.reading() as connection:
        assert audit.verify(connection).intact


def test_a_person_who_changes_a_restored_value_afterwards_is_not_fought_with(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    edited(sqlite_store, settings, crm, erp)
    run_sync(sqlite_store, settings)
    run_restore(sqlite_store, settings, item_id=lost(sqlite_store)[0][0])
    crm.edit("deal", "d1", {"delivery": "returned"})
    for _ in range(2):
        run_sync(sqlite_store, settings)
        assert shown(crm) == "returned"


def test_restoring_writes_nothing_else_and_leaves_the_rest_planned(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    edited(sqlite_store, settings, crm, erp)
    run_sync(sqlite_store, settings)
    settings.systems["crm"].push = "plan"
    erp.edit("order", "o2", {"delivery": "returned"})
    run_sync(sqlite_store, settings)
    before = len(crm.writes)
    result = run_restore(sqlite_store, settings, item_id=lost(sqlite_store)[0][0])
    assert [write[1] for write in crm.writes[before:]] == ["d1"]
    assert [item.source_id for plan in result.plans for item in plan.open_items] == ["d2"]


def test_restoring_one_record_does_not_write_another_that_waits_to_be_restored(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    run_sync(sqlite_store, settings)
    for deal, order in (("d1", "o1"), ("d2", "o2")):
        crm.edit("deal", deal, {"delivery": "picked up"})
        erp.edit("order", order, {"delivery": "returned"})
    run_sync(sqlite_store, settings)
    settings.systems["crm"].push = "plan"
    with sqlite_store.reading() as connection:
        by_record = {item.source_id: item for item in overwritten.listing(connection)}
    with sqlite_store.transaction() as connection:
        overwritten.restore(connection, by_record["d2"], overwritten.lost(by_record["d2"]), "Li Na")
    before = len(crm.writes)
    result = run_restore(sqlite_store, settings, item_id=by_record["d1"].id)
    assert [write[1] for write in crm.writes[before:]] == ["d1"]
    assert [item.source_id for plan in result.plans for item in plan.open_items] == ["d2"]


def test_what_stands_there_again_is_not_restored_twice_and_stays_decided(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    edited(sqlite_store, settings, crm, erp)
    run_sync(sqlite_store, settings)
    item = lost(sqlite_store)[0][0]
    run_restore(sqlite_store, settings, item_id=item, actor="Li Na")
    again = run_restore(sqlite_store, settings, item_id=item, actor="Wang Fang")
    assert ["stands there again" in problem.message for problem in again.problems] == [True]
    with sqlite_store.reading() as connection:
        (kept,) = rejections.listing(connection)
    assert (kept.held.old, kept.decided_by) == ("picked up", "Li Na")


def test_what_a_system_never_takes_is_not_restored(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited(sqlite_store, settings, crm, erp)
    run_sync(sqlite_store, settings)
    monkeypatch.setattr(Toy, "never_takes", {"deal": (("delivery", "picked up"),)})
    before = len(crm.writes)
    result = run_restore(sqlite_store, settings, item_id=lost(sqlite_store)[0][0])
    assert ["never takes" in problem.message for problem in result.problems] == [True]
    assert (len(crm.writes), shown(crm)) == (before, "returned")


def test_a_value_is_not_restored_over_what_a_person_wrote_meanwhile(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    edited(sqlite_store, settings, crm, erp)
    run_sync(sqlite_store, settings)
    crm.edit("deal", "d1", {"delivery": "lost on the way"})
    settings.systems["crm"].push = "plan"
    run_sync(sqlite_store, settings)
    result = run_restore(sqlite_store, settings, item_id=lost(sqlite_store)[0][0])
    assert shown(crm) == "lost on the way"
    assert ["stands there now, and stays" in problem.message for problem in result.problems] == [True]


@pytest.mark.parametrize("choice", ["write", "keep"])
def test_where_a_person_is_asked_nothing_is_written_until_the_answer(
    store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, choice: str
) -> None:
    settle_by(settings, "ask")
    edited(store, settings, crm, erp)
    run_sync(store, settings)
    assert shown(crm) == "picked up"
    (conflict,) = waiting(store, "ask")
    assert (conflict.old, conflict.new, conflict.agreed) == ("picked up", "returned", "delivered")
    with store.transaction() as connection:
        held.decide(connection, held.one(connection, conflict.id), choice, "Li Na", "as agreed")
    run_sync(store, settings)
    assert waiting(store, "ask") == []
    assert shown(crm) == ("returned" if choice == "write" else "picked up")
    run_sync(store, settings)
    assert shown(crm) == ("returned" if choice == "write" else "picked up")


def test_a_decision_holds_only_for_the_values_it_was_made_about(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    settle_by(settings, "ask")
    edited(sqlite_store, settings, crm, erp)
    run_sync(sqlite_store, settings)
    with sqlite_store.transaction() as connection:
        held.decide(connection, waiting(sqlite_store, "ask")[0], "write", "Li Na")
    crm.edit("deal", "d1", {"delivery": "sold to another"})
    run_sync(sqlite_store, settings)
    assert shown(crm) == "sold to another"
    (conflict,) = waiting(sqlite_store, "ask")
    assert conflict.old == "sold to another"


def test_of_two_values_the_newer_one_stays_where_the_settings_say_so(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    settle_by(settings, "newest_wins")
    run_sync(sqlite_store, settings)
    erp.edit("order", "o1", {"delivery": "returned"})
    run_sync(sqlite_store, settings, systems=["erp"])
    crm.edit("deal", "d1", {"delivery": "picked up"})
    run_sync(sqlite_store, settings)
    assert shown(crm) == "picked up"
    assert [item.why for item in waiting(sqlite_store)] == ["newer"]
    erp.edit("order", "o1", {"delivery": "delivered"})
    run_sync(sqlite_store, settings)
    assert shown(crm) == "delivered"
    assert [entry[1:] for entry in lost(sqlite_store)] == [("picked up", "delivered")]


@pytest.mark.parametrize(("edited_at", "stays"), [("2026-10-05", "delivered"), ("2026-10-20", "picked up")])
def test_the_sources_own_times_say_which_value_is_newer_where_both_have_them(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, edited_at: str, stays: str
) -> None:
    for name in ("crm", "erp"):
        file = settings.path.parent / f"{name}.yaml"
        file.write_text(file.read_text().replace("currency:", "source_updated_at: changed, currency:"))
    erp.edit("order", "o1", {"changed": "2026-10-10T00:00:00Z"})
    crm.edit("deal", "d1", {"changed": f"{edited_at}T00:00:00Z", "delivery": "picked up"})
    settle_by(settings, "newest_wins")
    run_sync(sqlite_store, settings)
    assert shown(crm) == stays


def test_a_locked_record_is_not_written_to_until_it_is_unlocked(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    run_sync(sqlite_store, settings, push="off")
    with sqlite_store.transaction() as connection:
        locks.lock(connection, record(sqlite_store, "d1"), "Li Na", "in dispute")
    run_sync(sqlite_store, settings)
    assert (shown(crm), len(crm.writes)) == (None, 6)
    assert [(item.source_id, item.why) for item in waiting(sqlite_store)] == [("d1", "locked")]
    with sqlite_store.transaction() as connection:
        assert locks.unlock(connection, record(sqlite_store, "d1"), "Li Na")
    run_sync(sqlite_store, settings)
    assert shown(crm) == "delivered"


def test_only_records_that_meet_the_condition_are_written(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    settings.writing.only["opportunity"] = "status == 'won' and name != 'Deal 1'"
    run_sync(sqlite_store, settings)
    assert (shown(crm), len(crm.writes)) == (None, 6)
    assert [(item.source_id, item.why) for item in waiting(sqlite_store)] == [("d1", "not_eligible")]


def test_a_field_that_is_only_created_is_never_changed(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    settings.writing.create_only.append("opportunity.delivery_state")
    run_sync(sqlite_store, settings)
    erp.edit("order", "o1", {"delivery": "returned"})
    run_sync(sqlite_store, settings)
    assert shown(crm) == "delivered"
    assert [item.why for item in waiting(sqlite_store)] == ["create_only"]


@pytest.mark.parametrize("rewritten", ["delivered ", "DELIVERED", "Delivered  ", "ｄelivered"])
def test_our_own_write_that_the_source_rewrites_is_no_reason_to_write_again(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, rewritten: str
) -> None:
    crm.rewrite["delivery"] = lambda value: rewritten if value == "delivered" else value
    for _ in range(3):
        assert run_sync(sqlite_store, settings).status == "done"
    assert (shown(crm), len(crm.writes)) == (rewritten, 7)
    with sqlite_store.reading() as connection:
        assert outbox.dead_letters(connection) == []
    erp.edit("order", "o1", {"delivery": "returned"})
    run_sync(sqlite_store, settings)
    assert shown(crm) == "returned"
    assert lost(sqlite_store) == []


def test_a_value_that_is_rewritten_after_our_write_is_recognised_once(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    run_sync(sqlite_store, settings)
    crm.edit("deal", "d1", {"delivery": "Delivered "})  # an automation that runs later
    for _ in range(2):
        run_sync(sqlite_store, settings)
    assert (shown(crm), len(crm.writes)) == ("Delivered ", 7)
    crm.edit("deal", "d1", {"delivery": "DELIVERED"})  # this is somebody else's
    run_sync(sqlite_store, settings)
    assert (shown(crm), len(crm.writes)) == ("delivered", 8)


def test_somebody_who_undoes_our_write_again_and_again_is_not_fought_with(
    store: Store, settings: Settings, crm: ToySystem
) -> None:
    for _ in range(6):
        run_sync(store, settings)
        crm.edit("deal", "d1", {"delivery": "on its way"})
    assert [write[1] for write in crm.writes].count("d1") == settings.writing.brake.writes
    with store.reading() as connection:
        (letter,) = outbox.dead_letters(connection)
    assert "crm was sent 'delivered' for delivery 3 times in 24 h and shows 'on its way' again" in letter.message
    with store.transaction() as connection:
        outbox.retry(connection, outbox.letter(connection, letter.letter).id, "Li Na")
    run_sync(store, settings)
    assert shown(crm) == "delivered"
    run_sync(store, settings)
    with store.reading() as connection:
        assert outbox.dead_letters(connection) == []


def test_values_that_change_back_and_forth_at_their_owner_are_written_each_time(
    sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    for state in ("delivered", "returned") * 2:
        erp.edit("order", "o1", {"delivery": state})
        run_sync(sqlite_store, settings)
        assert shown(crm) == state


def test_a_dead_letter_of_a_record_is_closed_by_a_later_write_that_succeeds(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.answer("PATCH /deal/d1", 422)
    run_sync(sqlite_store, settings)
    with sqlite_store.reading() as connection:
        (before,) = outbox.dead_letters(connection)
    crm.edit("deal", "d1", {"name": "Renamed"})
    run_sync(sqlite_store, settings)
    with sqlite_store.reading() as connection:
        assert outbox.dead_letters(connection) == []
    assert shown(crm) == "delivered"
    assert len(before.letter) == 8


def test_a_dead_letter_keeps_its_id_when_the_record_changes(
    sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    ids = set()
    for name in ("Deal", "Renamed"):
        crm.edit("deal", "d1", {"name": name})
        crm.server.faults.answer("PATCH /deal/d1", 422)
        run_sync(sqlite_store, settings)
        with sqlite_store.reading() as connection:
            ids |= {item.letter for item in outbox.dead_letters(connection)}
    assert len(ids) == 1
