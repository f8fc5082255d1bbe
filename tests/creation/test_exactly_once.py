"""Each record is made once: killed anywhere, without an answer, by two at once, from an older backup, deleted since."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from state import backup, links, restore, runs
from state.store import open_store
from sync import making
from sync.result import SyncResult
from tests.creation.company import INVOICE, LEAD, forms
from tests.creation.conftest import Company
from tests.jobs.toy import Toy

pytestmark = pytest.mark.slow


class Killed(BaseException):
    """As if the process ended here."""


def names(firm: Company) -> list[str]:
    return sorted(item["name"] for item in firm.made("crm"))


ALL = sorted(item["name"] for item in forms())


def die(monkeypatch: pytest.MonkeyPatch, owner: Any, name: str, after: bool) -> None:
    """The first call of a method kills the process, before or after it has done its work."""
    real = getattr(owner, name)
    left = [1]

    def dying(*arguments: Any, **named: Any) -> Any:
        if not left:
            return real(*arguments, **named)
        left.pop()
        if after:
            real(*arguments, **named)
        raise Killed

    monkeypatch.setattr(owner, name, dying)


def crash(firm: Company) -> None:
    with pytest.raises(Killed):
        firm.sync()
    with firm.store.transaction() as connection:  # what the process held is given up when it is found dead
        connection.exec_driver_sql("DELETE FROM lease")


def settle(firm: Company) -> SyncResult:
    firm.sync()
    firm.later(6)
    return firm.sync()


def test_killed_between_the_note_and_the_call_it_is_made_later(both: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    die(monkeypatch, Toy, "create", after=False)
    crash(both)
    assert set(both.statuses().values()) == {"sending"}
    both.sync()
    assert names(both) == [], "the request may still be under way"
    both.later(6)
    assert both.sync().status == "done"
    assert names(both) == ALL
    assert set(both.statuses().values()) == {"applied"}


def test_killed_after_the_source_acted_it_is_found_and_not_made_again(
    both: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    die(monkeypatch, making._Maker, "_settle", after=False)
    crash(both)
    assert names(both) == ["Li Na"]
    assert settle(both).status == "done"
    assert names(both) == ALL
    assert set(both.statuses().values()) == {"applied"}
    assert both.rows("SELECT count(*) FROM link WHERE method = 'created'") == [(3,)]


@pytest.mark.parametrize("acted", [False, True], ids=["before the source acted", "after the source acted"])
def test_a_lost_answer_makes_no_second_record(both: Company, acted: bool) -> None:
    both.crm.server.faults.cut("POST /lead", act=acted)
    both.sync()
    assert both.statuses()["f1"] == "unknown"
    assert len(names(both)) == 2 + acted
    assert settle(both).status == "done"
    assert names(both) == ALL
    assert set(both.statuses().values()) == {"applied"}


def test_what_a_used_up_quota_keeps_from_being_made_is_made_by_the_next_run_without_waiting(both: Company) -> None:
    both.crm.server.faults.answer("POST /lead", 402, skip=1)
    both.sync()
    assert both.statuses() == {"f1": "applied", "f2": "planned", "f3": "planned"}
    assert both.sync().status == "done"
    assert names(both) == ALL
    assert set(both.statuses().values()) == {"applied"}


def test_after_a_quota_of_which_the_connector_does_not_say_what_was_made_it_waits(firm: Company) -> None:
    firm.rules(LEAD, config={"tells_unsent": False})
    firm.crm.server.faults.answer("POST /lead", 402, skip=1)
    firm.sync()
    assert firm.statuses() == {"f1": "applied", "f2": "unknown", "f3": "unknown"}
    firm.sync()
    assert len(names(firm)) == 1
    assert settle(firm).status == "done"
    assert names(firm) == ALL


def test_every_attempt_has_the_same_idempotency_key_until_it_is_refused(firm: Company) -> None:
    def sent() -> list[str]:
        requests = firm.crm.server.requests("POST /lead")
        return [item.headers["idempotency-key"] for item in requests if b"Li Na" in item.body]

    firm.crm.server.faults.cut("POST /lead")
    settle(firm)
    assert len(sent()) == 2
    assert len(set(sent())) == 1


def test_what_is_in_doubt_is_not_sent_again_for_five_minutes_unless_the_source_refuses_doubles(firm: Company) -> None:
    firm.crm.server.faults.cut("POST /lead")
    firm.sync()
    firm.later(4)
    firm.sync()
    assert len(names(firm)) == 2
    firm.rules(LEAD, config={"refuses_doubles": True})
    firm.sync()
    assert names(firm) == ALL


def test_values_in_doubt_stay_and_planned_ones_follow_their_origin(firm: Company) -> None:
    firm.crm.server.faults.cut("POST /lead", times=1)
    firm.crm.server.faults.answer("POST /lead", 503, times=50, skip=1)
    firm.sync()
    firm.forms.edit("form", "f1", {"company": "Renamed 1"})
    firm.forms.edit("form", "f3", {"company": "Renamed 3"})
    firm.crm.server.faults.clear()
    firm.sync()
    firm.later(6)
    firm.sync()
    made = {item["name"]: item["company"] for item in firm.made("crm")}
    assert made["Li Na"] == "Firm 1"
    assert names(firm) == ALL


def test_an_origin_edited_before_it_is_sent_is_sent_as_it_is_now(firm: Company) -> None:
    firm.rules(LEAD, push="plan")
    firm.sync()
    firm.forms.edit("form", "f1", {"company": "Renamed"})
    firm.rules(LEAD)
    firm.sync()
    assert [item["company"] for item in firm.made("crm")] == ["Renamed", "Firm 2", "Firm 3"]


def test_an_origin_edited_afterwards_makes_nothing_new(firm: Company) -> None:
    firm.sync()
    firm.forms.edit("form", "f1", {"company": "Renamed", "email": "other@firm1.cn", "name": "Li Nana"})
    firm.sync()
    assert len(names(firm)) == 3


def test_cutting_the_link_to_what_was_made_makes_no_second_record(both: Company) -> None:
    both.sync()
    with both.store.transaction() as connection:
        for left, right in both.rows("SELECT left_id, right_id FROM link WHERE kind = 'same_as'"):
            links.decide(connection, "same_as", left, right, "cut", "Li Na")
    for record in both.crm.streams["lead"]:
        both.crm.edit("lead", record, {"email": None})
    for _ in range(2):
        assert both.sync().status == "done"
    assert names(both) == ALL
    assert set(both.statuses().values()) == {"applied"}
    assert both.rows("SELECT DISTINCT decision FROM link WHERE kind = 'same_as'") == [("cut",)]


def test_a_plan_that_its_origins_have_overtaken_is_not_carried_out(firm: Company) -> None:
    firm.rules(LEAD, push="plan")
    (plan,) = firm.sync().new_records
    firm.forms.edit("form", "f1", {"company": "Renamed"})
    job = firm.sync(push="off")
    assert job.status == "done"
    result = firm.push(plan_id=plan.id)
    assert result.status == "failed"
    assert "is out of date" in result.problems[0].message
    assert names(firm) == []


def test_an_origin_that_is_not_wanted_any_more_is_given_up(firm: Company) -> None:
    firm.rules({**LEAD, "when": "status == 'new'"}, push="plan")
    firm.sync()
    firm.forms.edit("form", "f1", {"state": "won"})
    (plan,) = firm.sync().new_records
    assert [item.origin.source_id for item in plan.items] == ["f2", "f3"]
    assert firm.statuses()["f1"] == "superseded"


def test_what_is_in_doubt_and_not_wanted_any_more_is_not_sent_again(firm: Company) -> None:
    firm.rules({**LEAD, "when": "status == 'new'"})
    firm.crm.server.faults.cut("POST /lead")
    firm.sync()
    firm.forms.edit("form", "f1", {"state": "won"})
    settle(firm)
    assert firm.statuses()["f1"] == "superseded"
    assert len(names(firm)) == 2


def test_two_processes_at_once_make_each_record_once(both: Company) -> None:
    both.rules(LEAD, push="plan")
    both.sync()
    results: list[SyncResult] = []
    together = threading.Barrier(2)

    def work() -> None:
        together.wait()
        results.append(both.push(push="apply"))

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert names(both) == ALL
    assert set(both.statuses().values()) == {"applied"}


def test_a_worker_that_was_taken_over_commits_no_outcome(both: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Toy.create

    def slow(self: Toy, stream: str, records: Any) -> Any:
        with both.store.transaction() as connection:  # its time is up, and another one takes the system
            connection.exec_driver_sql("UPDATE lease SET expires_at = 0")
            runs.acquire(connection, "push to crm", "another")
        yield from real(self, stream, records)

    monkeypatch.setattr(Toy, "create", slow)
    both.sync()
    assert set(both.statuses().values()) == {"sending"}
    monkeypatch.setattr(Toy, "create", real)
    with both.store.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM lease")
    settle(both)
    assert names(both) == ALL


def silent(*_: object) -> None:
    pass


def test_an_older_backup_makes_nothing_again(both: Company) -> None:
    both.rules()
    both.sync()
    path = both.folder / "older.zst"
    backup.write(both.store, path, silent)
    both.rules(LEAD)
    both.sync()
    assert names(both) == ALL
    restore.restore(both.store, path, "Li Na", replace=True, checked=silent, told=silent)
    assert both.rows() == []
    for record in both.crm.streams["lead"]:
        both.crm.edit("lead", record, {"email": None})  # nothing but the key tells who it is
    both.rules(LEAD, push="plan")
    assert both.sync().new_records == []
    assert set(both.statuses().values()) == {"unchanged"}
    both.rules(LEAD)
    for _ in range(2):
        assert both.sync().status == "done"
    assert names(both) == ALL


def test_a_store_of_its_own_finds_what_another_one_made(firm: Company) -> None:
    """Even before it has read the target: the source is asked before anything is created."""
    firm.sync()
    for record in firm.crm.streams["lead"].values():
        record["revision"] = 0  # nothing that a pull would see
    with open_store(f"sqlite:///{firm.folder / 'another.db'}") as another:
        firm.store = another
        firm.sync()
        assert names(firm) == ALL
        assert set(firm.statuses().values()) == {"unchanged"}


def test_a_lost_answer_is_settled_by_asking_the_source_where_no_pull_has_told(both: Company) -> None:
    both.crm.server.faults.cut("POST /lead", act=True)
    both.sync()
    assert both.statuses()["f1"] == "unknown"
    assert both.push(push="apply").status == "done"
    assert set(both.statuses().values()) == {"applied"}
    assert names(both) == ALL


def test_what_was_deleted_there_is_not_created_again_and_a_note_says_so(both: Company) -> None:
    from state import creations
    from sync.job import run_sweep

    both.sync()
    gone = next(iter(both.crm.streams["lead"]))
    both.crm.remove("lead", gone)
    both.later(11)  # a list might not show yet what was made a moment ago
    assert run_sweep(both.store, both.settings).status == "done"
    both.forms.edit("form", "f1", {"company": "Renamed"})
    for _ in range(2):
        both.sync()
    assert len(names(both)) == 3
    with both.store.reading() as connection:
        (letter,) = creations.dead_letters(connection)
    assert (letter.made_source_id, letter.message) == (gone, creations.GONE)


def test_a_lead_that_people_had_entered_and_deleted_is_not_created(firm: Company) -> None:
    from sync.job import run_sweep

    firm.rules()
    firm.crm.edit("lead", "l1", {"name": "Li Na", "email": "LEAD1@firm1.cn", "state": "Open"})
    firm.crm.edit("lead", "l2", {"name": "Somebody", "state": "Open"})
    firm.sync()
    firm.crm.remove("lead", "l1")
    run_sweep(firm.store, firm.settings)
    firm.rules(LEAD)
    firm.sync()
    assert names(firm) == ["Anna Weber", "Wang Wei"]
    assert firm.statuses()["f1"] == "rejected"


def test_what_people_have_entered_already_is_not_created(firm: Company) -> None:
    firm.crm.edit("lead", "l1", {"name": "Li Na", "email": "lead1@firm1.cn", "state": "Open"})
    firm.sync()
    assert names(firm) == ["Anna Weber", "Wang Wei"]


def test_a_locked_or_quarantined_or_deleted_origin_makes_nothing(firm: Company) -> None:
    from state import locks
    from sync.job import run_sweep

    firm.rules()
    firm.sync()
    firm.forms.edit("form", "f2", {"state": "what?"})
    firm.sync()
    with firm.store.transaction() as connection:
        ((record_id,),) = firm.rows("SELECT record_id FROM leads WHERE source_id = 'f1'")
        locks.lock(connection, record_id, "Li Na")
    firm.forms.remove("form", "f3")
    run_sweep(firm.store, firm.settings)
    firm.rules(LEAD)
    firm.sync()
    assert firm.rows() == []


def test_a_record_made_while_ids_are_listed_is_not_taken_for_deleted(firm: Company, monkeypatch: Any) -> None:
    from sync.job import run_sweep

    real = Toy.ids

    def slow(self: Toy, stream: str) -> Any:
        listed = list(real(self, stream))
        if stream == "lead":  # another process whose lease was taken over by nobody lands one meanwhile
            firm.later(1)
            with firm.store.transaction() as connection:
                _land(firm, connection)
        return iter(listed)

    firm.sync()
    monkeypatch.setattr(Toy, "ids", slow)
    assert run_sweep(firm.store, firm.settings).status == "done"
    assert firm.rows("SELECT deleted FROM leads WHERE source_id = 'n9'") == [(0,)]


def _land(firm: Company, connection: Any) -> None:
    from connectors.contract import RawRecord
    from state import landing
    from sync.systems import mapping_for

    stream = landing.open_stream(connection, "crm", "lead", "lead")
    mapper = mapping_for(firm.settings, "crm").stream("lead")
    landing.land_written(connection, stream, mapper, [RawRecord("n9", b'{"name": "New", "state": "Open"}')], run_id="r")


def test_what_a_source_that_is_down_was_not_asked_stays_planned(firm: Company) -> None:
    firm.crm.server.faults.answer(r"GET /lead\?size", 503, times=50)
    result = firm.sync()
    assert result.status == "partial"
    assert set(firm.statuses().values()) == {"planned"}
    firm.crm.server.faults.clear()
    assert firm.sync().status == "done"
    assert names(firm) == ALL


def test_a_rule_that_does_not_fit_the_mappings_says_what_to_do(firm: Company) -> None:
    firm.rules({**LEAD, "to": "crm.deal"})
    result = firm.sync()
    (problem,) = result.problems
    assert (
        problem.message
        == "The creation rule `lead` needs a stream of kind lead; crm.deal holds records of kind opportunity."
    )
    assert problem.remedy == "Correct `from` or `to` under `creation` in ltc.yaml."


def test_a_connector_that_does_not_create_there_says_so(firm: Company) -> None:
    firm.rules(LEAD, config={"creatable": []})
    result = firm.sync()
    assert "toy does not create records in lead." in [item.error.message for item in result.failed if item.error]
    assert set(firm.statuses().values()) == {"planned"}


def test_a_rule_that_does_not_fit_stops_no_other_system(firm: Company) -> None:
    firm.rules(LEAD, {**INVOICE, "to": "books.party"})
    result = firm.sync()
    assert len(result.problems) == 1
    assert names(firm) == ALL
