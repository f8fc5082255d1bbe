"""What operators do by the API: pauses, backfills, stops, plans in part, dead letters, quarantine."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from httpx import Client, Response

from connectors import retry
from console import planned
from console.web.app import workbench
from console.web.work import Worker
from settings.model import Settings
from state import api_tokens, audit, outbox, pauses, quarantine, runs
from state import members as people
from state.api_tokens import Scope
from state.changes import Plan
from state.members import Role
from state.pauses import WHOLE
from state.store import Store
from sync import job
from tests.jobs.company import MAPPINGS
from tests.jobs.toy import ToySystem
from tests.web.api.conftest import Api
from tests.web.api.test_answers import refused
from tests.web.conftest import served
from tests.web.test_plans import called_otherwise, left_to_a_person, replaced_something
from tests.web.test_runs import Held
from tests.web.toy_company import SECONDS, crm, erp, plan, settings, systems, toys  # noqa: F401

pytestmark = pytest.mark.slow

Opens = Callable[..., "Operating"]


class Operating(Api):
    """A program of an operator; ``worker`` is what starts runs."""

    worker: Worker

    def run(self, started: Response) -> str:
        """The id of the run that was started; it may not have been in the store yet."""
        assert started.status_code == 202, started.text
        return started.json()["run"] or str(self.get("/runs").json()["items"][0]["id"])

    def finished(self, started: Response) -> dict[str, Any]:
        """The run that was started, once it has ended."""
        self.worker.wait(4 * SECONDS)
        found: dict[str, Any] = self.get(f"/runs/{self.run(started)}").json()
        return found


@pytest.fixture
def opens(sqlite_store: Store, settings: Settings) -> Iterator[Opens]:
    """A program of somebody who operates, maybe some systems only."""
    app = workbench(sqlite_store, settings)
    with served(app) as address, ExitStack() as opened, retry.no_waiting():

        def open_one(*only: str) -> Operating:
            name = f"olaf.{'.'.join(only)}" if only else "olaf"
            with sqlite_store.transaction() as connection:
                people.accept(connection, people.invite(connection, name, [Role.OPERATOR], "test", only or None), "x")
                text = api_tokens.create(connection, name, "test", tuple(Scope), "test", 1)[1]
            headers = {"authorization": f"Bearer {text}"}
            made = Operating(opened.enter_context(Client(base_url=address, headers=headers, timeout=4 * SECONDS)))
            made.worker = app.state.worker
            return made

        yield open_one
        app.state.worker.wait(SECONDS)


@pytest.fixture
def letters(sqlite_store: Store, plan: Plan) -> list[str]:
    """Two write-backs that the CRM refused."""
    with sqlite_store.transaction() as connection:
        for item in plan.items[:2]:
            outbox.outcome(connection, item.id, outbox.OutboxStatus.REJECTED, "the CRM says no to delivered")
        return [item.letter for item in outbox.dead_letters(connection)]


@pytest.fixture
def record(sqlite_store: Store, settings: Settings, crm: ToySystem) -> int:
    """A deal in a stage that nobody mapped."""
    crm.edit("deal", "d1", {"stage": "frozen"})
    job.run_pull(sqlite_store, settings)
    with sqlite_store.reading() as connection:
        (found,) = quarantine.listing(connection)
    return found.record_id


def said(store: Store, action: str) -> list[str]:
    """Who did that, as the audit has it."""
    with store.reading() as connection:
        return [item.actor for item in audit.entries(connection) if item.action == action]


def test_a_system_or_a_stream_is_paused_and_resumed(opens: Opens, sqlite_store: Store, crm: ToySystem) -> None:
    api = opens()
    answer = api.post("/systems/crm/pause", stream="deal", reason="The numbers are being mended").json()
    assert (answer["stream"], answer["paused"]["by"]) == ("deal", "olaf")
    api.post("/systems/crm/pause", reason="Release weekend")
    [shown] = [item for item in api.get("/systems").json()["items"] if item["name"] == "crm"]
    assert shown["paused"]["reason"] == "Release weekend"
    crm.server.forget()
    told = refused(api.post("/runs", kind="pull", system="crm"), 409)
    assert "Release weekend" in told["detail"]
    assert "/systems/crm/resume" in told["remedy"]
    assert crm.server.requests() == []
    assert api.finished(api.post("/runs", kind="pull", system="crm", paused=True))["status"] == "done"
    assert api.post("/systems/crm/resume").json()["paused"] is None
    refused(api.post("/systems/crm/resume"), 409)
    refused(api.post("/systems/crm/pause", stream="nothing", reason="x"), 409)
    refused(api.post("/systems/nobody/pause", reason="x"), 404)
    assert said(sqlite_store, "paused") == ["olaf", "olaf"]
    assert said(sqlite_store, "resumed") == ["olaf"]


def test_what_a_write_back_replaced_is_listed_and_restored(
    opens: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem
) -> None:
    item = replaced_something(sqlite_store, settings, crm, erp)
    api = opens()
    listed = api.get("/overwritten").json()
    [shown] = listed["items"]
    [change] = shown["changes"]
    assert (listed["total"], shown["id"], shown["certain"], shown["stands"]) == (1, item.id, True, "ours")
    assert (change["field"], change["old"], change["new"]) == ("delivery_state", "picked up", "returned")
    limited = opens("erp")
    assert limited.get("/overwritten").json()["items"] == []
    refused(limited.post(f"/overwritten/{item.id}/restore"), 404)
    refused(api.post("/overwritten/1/restore"), 404)
    assert api.finished(api.post(f"/overwritten/{item.id}/restore"))["because"] == "restoring"
    assert crm.values("deal", "delivery")["d1"] == "picked up"
    assert [one["stands"] for one in api.get("/overwritten").json()["items"]] == ["again"]


def test_a_window_is_read_anew_and_the_cost_is_told_before(
    opens: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    job.run_pull(sqlite_store, settings)
    api = opens()
    [cost] = api.get("/systems/crm/backfill", since="2020-01-01", stream="deal").json()["items"]
    assert (cost["stream"], cost["held"] > 0) == ("deal", True)
    found = api.finished(api.post("/systems/crm/backfill", since="2020-01-01", stream="deal"))
    assert [(part["system"], part["stream"]) for part in found["parts"]] == [("crm", "deal")]
    assert said(sqlite_store, "backfill started") == ["olaf"]
    for day in ("1980-01-01", "2999-01-01"):
        refused(api.post("/systems/crm/backfill", since=day), 409)
    refused(api.get("/systems/crm/backfill", since="2020-01-01", stream="nothing"), 409)
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "anna", "release weekend")
    refused(api.post("/systems/crm/backfill", since="2020-01-01"), 409)
    assert said(sqlite_store, "backfill started") == ["olaf"]


def test_a_run_is_stopped_after_the_page_at_work(opens: Opens, sqlite_store: Store, crm: ToySystem) -> None:
    api, held = opens(), Held(crm)
    try:
        started = api.post("/runs", kind="pull", system="crm")
        assert held.asked.wait(4 * SECONDS)
        id = api.run(started)
        refused(opens("erp").post(f"/runs/{id}/stop"), 404)
        assert api.post(f"/runs/{id}/stop").json() == {"run": id}
    finally:
        held.go_on.set()
        crm.watch = None
    ended = api.finished(started)
    assert (ended["status"], ended["stopped_by"]) == ("interrupted", "olaf")
    refused(api.post(f"/runs/{id}/stop"), 409)
    refused(api.post("/runs/none/stop"), 404)
    assert said(sqlite_store, "run stopped") == ["olaf"]


def test_a_conflict_is_listed_and_decided(
    opens: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, erp: ToySystem, plan: Plan
) -> None:
    left_to_a_person(sqlite_store, settings, crm, erp)
    api = opens()
    [found] = api.get("/conflicts").json()["items"]
    assert (found["system"], found["old"], found["new"], found["agreed"]) == (
        "crm",
        "picked up",
        "returned",
        "delivered",
    )
    refused(api.post("/conflicts/0123456789/decide", choice="keep"), 404)
    refused(api.post(f"/conflicts/{found['id']}/decide", choice="both"), 422)
    decided = api.post(f"/conflicts/{found['id']}/decide", choice="keep", reason="As agreed").json()
    assert (decided["choice"], decided["planning"]) == ("keep", True)
    assert said(sqlite_store, "conflict decided") == ["olaf"]


def test_a_plan_is_rejected_in_part_and_the_rest_carried_out(
    opens: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    api = opens()
    [shown] = api.get("/plans").json()["items"]
    ids = [item["id"] for item in shown["items"]]
    assert (shown["id"], len(ids), shown["exceeds"]) == (plan.id, 7, [])
    refused(api.post(f"/plans/{plan.id}/reject", items=[999], reason="x"), 409)
    left = api.post(f"/plans/{plan.id}/reject", items=ids[:2], reason="In dispute").json()["plan"]
    refused(api.post(f"/plans/{plan.id}/reject", items=ids[2:3], reason="x"), 409)
    assert api.finished(api.post(f"/plans/{left}/apply"))["status"] == "done"
    assert {item[1] for item in crm.writes} == {item.source_id for item in plan.items[2:]}
    rejected = api.get("/rejections").json()
    assert (rejected["total"], {item["reason"] for item in rejected["items"]}) == (2, {"In dispute"})
    assert api.post(f"/rejections/{rejected['items'][0]['id']}/take-back").json()["planning"] is True
    refused(api.post("/rejections/0123456789/take-back"), 404)
    assert api.get("/rejections").json()["total"] == 1
    assert said(sqlite_store, "write-backs rejected") == ["olaf"]


def test_some_writes_of_a_plan_are_carried_out_and_the_rest_stays(opens: Opens, crm: ToySystem, plan: Plan) -> None:
    api = opens()
    assert api.finished(api.post(f"/plans/{plan.id}/apply", items=[plan.items[0].id]))["status"] == "done"
    assert [item[1] for item in crm.writes] == [plan.items[0].source_id]
    [left] = api.get("/plans").json()["items"]
    assert {item["id"] for item in left["items"]} == {item.id for item in plan.items[1:]}
    refused = api.finished(api.post(f"/plans/{left['id']}/apply", items=[999]))
    assert (refused["status"], refused["problems"][0]["system"]) == ("failed", "crm")
    assert len(crm.writes) == 1


def test_a_plan_that_is_large_or_paused_is_carried_out_only_if_it_is_said(
    opens: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, plan: Plan
) -> None:
    settings.writing.limits.changes = 1
    with sqlite_store.transaction() as connection:
        pauses.pause(connection, "crm", WHOLE, "anna", "release weekend")
    api = opens()
    assert "7 records" in api.get("/plans").json()["items"][0]["exceeds"][0]
    refused(api.post(f"/plans/{plan.id}/apply"), 409)
    api.finished(api.post(f"/plans/{plan.id}/apply", paused=True))
    assert crm.writes == []
    api.finished(api.post(f"/plans/{plan.id}/apply", paused=True, large=True))
    assert len(crm.writes) == 7


def test_a_dead_letter_is_looked_at_edited_and_taken_up_again(
    opens: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, letters: list[str]
) -> None:
    api = opens()
    found = api.get(f"/dead-letters/{letters[0]}").json()
    assert found["changes"][0]["field"] == "delivery_state"
    assert found["values"][0]["new"] == "delivered"
    address = f"/dead-letters/{letters[0]}/edit"
    assert "amount" in refused(api.post(address, field="amount", value="1"), 409)["detail"]
    refused(api.post(address, field="delivery_state", value="x" * 2001), 422)
    mapping = Path(settings.path).parent / "crm.yaml"
    mapping.write_text("version: 2\n")
    refused(api.post(address, field="delivery_state", value="returned"), 409)
    mapping.write_text(MAPPINGS["crm"])
    assert api.post(address, field="delivery_state", value="returned", reason="Came back").status_code == 200
    refused(api.get(f"/dead-letters/{letters[0]}"), 404)
    job.run_sync(sqlite_store, settings)
    assert list(crm.values("deal", "delivery").values()).count("returned") == 1
    assert said(sqlite_store, "dead letter edited") == ["olaf"]


def test_many_dead_letters_are_listed_by_system_tried_again_and_discarded(
    opens: Opens, sqlite_store: Store, letters: list[str]
) -> None:
    api = opens()
    assert api.get("/dead-letters", system="erp").json()["total"] == 0
    assert [item["id"] for item in api.get("/dead-letters", system="crm").json()["items"]] == letters
    second = api.get("/dead-letters", size=1, page=2).json()
    assert ([item["id"] for item in second["items"]], second["total"]) == (letters[1:], 2)
    assert api.get("/dead-letters", size=1, page=3).json()["items"] == []
    refused(api.post("/dead-letters/retry"), 422)
    refused(api.post("/dead-letters/retry", ids=letters, system="crm"), 422)
    refused(api.post("/dead-letters/discard", system="crm"), 422)
    assert api.post("/dead-letters/retry", ids=[letters[0], "0" * 8]).json() == {"count": 1, "left": []}
    assert api.post("/dead-letters/discard", system="crm", reason="Voided").json() == {"count": 1, "left": []}
    assert api.get("/dead-letters").json()["total"] == 0
    assert (said(sqlite_store, "dead letter retried"), said(sqlite_store, "dead letter discarded")) == (
        ["olaf"],
        ["olaf"],
    )
    (off,) = api.get("/dead-letters", discarded="true").json()["items"]
    assert (off["id"], off["status"], off["message"]) == (letters[1], "discarded", "Voided")
    refused(opens("erp").post(f"/dead-letters/{off['id']}/put-back"), 404)
    assert api.post(f"/dead-letters/{off['id']}/put-back", reason="Needed").json()["id"] == letters[1]
    refused(api.post(f"/dead-letters/{off['id']}/put-back"), 404)
    assert [item["id"] for item in api.get("/dead-letters").json()["items"]] == [letters[1]]
    assert said(sqlite_store, "dead letter put back") == ["olaf"]


def test_what_was_to_be_written_to_a_system_that_was_removed_says_so(
    opens: Opens, sqlite_store: Store, settings: Settings, letters: list[str]
) -> None:
    api = opens()
    with sqlite_store.transaction() as connection:
        (plan,) = outbox.open_plans(connection)
        planned.reject(connection, plan.id, {plan.open_items[0].id}, "In dispute", "olaf")

    def said() -> set[bool]:
        found = [
            item for what in ("plans", "rejections", "dead-letters") for item in api.get(f"/{what}").json()["items"]
        ]
        assert {item["system"] for item in found} == {"crm"}
        assert len(found) == 4
        return {item["system_removed"] for item in found}

    assert said() == {False}
    del settings.systems["crm"]
    assert said() == {True}


def test_personal_values_of_a_dead_letter_are_on_no_answer(
    opens: Opens, letters: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.letters.personal_fields", lambda *_: frozenset({"delivery_state"}))
    api = opens()
    for answer in (api.get(f"/dead-letters/{letters[0]}"), api.get("/dead-letters")):
        assert "•••" in answer.text
        assert "delivered" not in answer.text


def test_a_quarantined_record_is_looked_at_and_tried_again(
    opens: Opens, sqlite_store: Store, settings: Settings, crm: ToySystem, record: int
) -> None:
    api = opens()
    assert [(item["id"], item["called"]) for item in api.get("/quarantine").json()["items"]] == [(record, "Deal 1")]
    found = api.get(f"/quarantine/{record}").json()
    assert found["called"] == "Deal 1"
    [wrong] = [step for step in found["steps"] if step["error"]]
    assert (found["mappable"], wrong["field"], wrong["raw"]) == (True, "status", "frozen")
    assert "cannot be understood" in refused(api.post(f"/quarantine/{record}/retry"), 409)["detail"]
    mapping = Path(settings.path).parent / "crm.yaml"
    mapping.write_text("version: 2\n")
    refused(api.post(f"/quarantine/{record}/retry"), 409)
    mapping.write_text(MAPPINGS["crm"].replace("won: won", "won: won, frozen: lost"))
    assert api.post(f"/quarantine/{record}/retry").json() == {"id": record}
    refused(api.get(f"/quarantine/{record}"), 404)


def test_quarantined_records_are_discarded_and_put_back_one_by_one_and_together(
    opens: Opens, sqlite_store: Store, record: int
) -> None:
    api = opens()
    refused(api.post(f"/quarantine/{record}/discard"), 422)
    refused(api.post(f"/quarantine/{record}/put-back"), 409)
    gone = api.post(f"/quarantine/{record}/discard", reason="A test deal").json()
    assert (gone["discarded_by"], gone["discard_reason"]) == ("olaf", "A test deal")
    refused(api.post(f"/quarantine/{record}/discard", reason="x"), 409)
    assert api.get("/quarantine").json()["items"] == []
    assert [item["id"] for item in api.get("/quarantine", discarded=True).json()["items"]] == [record]
    assert api.get("/systems").json()["waiting"]["quarantined"] == 0
    assert api.post(f"/quarantine/{record}/put-back").json()["discarded_by"] is None
    refused(api.post("/quarantine/discard", reason="x"), 422)
    refused(api.post("/quarantine/discard", ids=[record], system="crm", reason="x"), 422)
    assert opens("erp").post("/quarantine/discard", ids=[record], reason="x").json() == {"count": 0}
    assert api.post("/quarantine/discard", ids=[record, 999], reason="x").json() == {"count": 1}
    assert api.post("/quarantine/put-back", system="crm", stream="deal").json() == {"count": 1}
    assert opens("erp").post("/quarantine/discard", system="crm", reason="x").json() == {"count": 0}
    assert api.post("/quarantine/discard", system="crm", reason="x").json() == {"count": 1}
    assert said(sqlite_store, "quarantine discarded") == ["olaf"] * 3


def test_a_quarantined_record_is_edited_and_taken_back(opens: Opens, sqlite_store: Store, record: int) -> None:
    api = opens()
    wrong = refused(api.post(f"/quarantine/{record}/edit", field="stage", value="frosty"), 409)
    assert "cannot be read in its place" in wrong["detail"]
    refused(api.post(f"/quarantine/{record}/edit", field="stage", value="x" * 2001), 422)
    done = api.post(f"/quarantine/{record}/edit", field="stage", value="won", reason="They mean won").json()
    assert done == {"id": record, "refused_for": None}
    [edited] = api.get("/quarantine/edits").json()["items"]
    assert (edited["id"], edited["field"], edited["edited_by"]) == (record, "stage", "olaf")
    assert "won" not in {*edited.values()}
    assert opens("erp").get("/quarantine/edits").json()["items"] == []
    refused(opens("erp").post(f"/quarantine/{record}/unedit"), 404)
    assert api.post(f"/quarantine/{record}/unedit").json() == {"id": record, "refused_for": "status"}
    refused(api.post(f"/quarantine/{record}/unedit"), 404)
    assert said(sqlite_store, "quarantine edit taken back") == ["olaf"]


def test_who_is_limited_to_another_system_neither_sees_nor_touches_it(
    opens: Opens, sqlite_store: Store, settings: Settings, record: int, letters: list[str], plan: Plan
) -> None:
    api = opens("erp")
    assert api.get("/plans").json() == {"items": [], "new": []}
    for path in (f"/dead-letters/{letters[0]}", f"/quarantine/{record}"):
        refused(api.get(path), 404)
    refused(api.get("/systems/crm/backfill", since="2026-01-01"), 404)
    sent: dict[str, dict[str, Any]] = {
        f"/plans/{plan.id}/apply": {},
        f"/plans/{plan.id}/reject": {"items": [plan.items[2].id], "reason": "x"},
        f"/dead-letters/{letters[0]}/edit": {"field": "delivery_state", "value": "returned"},
        f"/dead-letters/{letters[0]}/retry": {},
        f"/dead-letters/{letters[0]}/discard": {"reason": "x"},
        f"/quarantine/{record}/retry": {},
        f"/quarantine/{record}/discard": {"reason": "x"},
        f"/quarantine/{record}/put-back": {},
        f"/quarantine/{record}/edit": {"field": "stage", "value": "won"},
        f"/quarantine/{record}/unedit": {},
        "/systems/crm/pause": {"reason": "x"},
        "/systems/crm/resume": {},
        "/systems/crm/backfill": {"since": "2026-01-01"},
    }
    for path, body in sent.items():
        refused(api.post(path, **body), 404)


def test_what_was_done_is_listed_by_person_action_system_and_time(opens: Opens, sqlite_store: Store) -> None:
    api = opens()
    api.post("/systems/crm/pause", reason="Release weekend")
    api.post("/systems/crm/resume")
    [paused] = api.get("/audit", actor="olaf", action="paused").json()["items"]
    assert (paused["detail"]["system"], paused["detail"]["reason"]) == ("crm", "Release weekend")
    listed = api.get("/audit", system="crm", size=1).json()
    assert (listed["items"][0]["action"], listed["total"] >= 2) == ("resumed", True)
    assert api.get("/audit", before=paused["at"], actor="olaf", action="paused").json()["total"] == 0
    assert api.get("/audit", since=paused["at"], actor="olaf", action="paused").json()["total"] == 1
    refused(api.get("/audit", since="2026-11-29T08:00:00"), 422)  # whose eight o'clock?
    refused(api.get("/audit", since="0.5"), 422)


def test_the_audit_shows_who_is_limited_their_systems_only(opens: Opens) -> None:
    opens().post("/systems/erp/pause", reason="Release weekend")
    assert [item for item in opens("crm").get("/audit").json()["items"] if item["detail"].get("system") == "erp"] == []


def test_what_is_out_of_date_is_refused_until_it_is_planned_anew(
    opens: Opens, sqlite_store: Store, crm: ToySystem, plan: Plan
) -> None:
    called_otherwise(sqlite_store, plan)
    api = opens()
    said = refused(api.post(f"/plans/{plan.id}/apply"), 409)
    assert said["detail"].startswith("1 write-back of this plan is out of date")
    refused(api.post(f"/plans/{plan.id}/apply", items=[plan.items[0].id]), 409)
    assert crm.writes == []
    api.finished(api.post("/runs", kind="plan", system="crm"))
    [shown] = api.get("/plans").json()["items"]
    assert shown["items"][0]["changes"][0]["old"] == "parked"
    assert api.finished(api.post(f"/plans/{plan.id}/apply"))["status"] == "done"
    assert len(crm.writes) == 7


def test_runs_are_found_by_kind_system_person_and_day(opens: Opens, sqlite_store: Store, settings: Settings) -> None:
    crms = job.run_pull(sqlite_store, settings, systems=["crm"], actor="anna").run_id
    job.run_sweep(sqlite_store, settings, systems=["erp"], actor="ben")
    api, limited = opens(), opens("erp")
    for asked in ({"kind": "pull"}, {"system": "crm"}, {"started_by": "anna"}, {"status": "done", "kind": "pull"}):
        assert [item["id"] for item in api.get("/runs", **asked).json()["items"]] == [crms]
    none = api.get("/runs", day="2000-01-01").json()
    assert (none["items"], none["total"]) == ([], 0)
    assert limited.get("/runs", system="crm").json()["items"] == []
    assert api.get("/runs", kind="forget").status_code == 422


def test_a_sync_beside_another_reconciliation_reads_at_once_and_tells_what_the_rest_waits_for(
    opens: Opens, sqlite_store: Store
) -> None:
    api = opens()
    with runs.running(sqlite_store, "close", asked=runs.Asked("anna", "by_hand")) as other:
        started = api.run(api.post("/runs", kind="sync", system="erp"))
        for _ in range(600):
            found = api.get(f"/runs/{started}").json()
            if found["status"] == "done":
                break
        assert (found["kind"], found["counts"]["erp"]["pulled"]) == ("pull", 7)
        assert (found["waits_for"], found["continued_by"]) == (other.id, None)
    api.worker.wait(SECONDS)
    found = api.get(f"/runs/{started}").json()
    assert found["waits_for"] is None
    rest = api.get(f"/runs/{found['continued_by']}").json()
    assert (rest["kind"], rest["status"], rest["systems"]) == ("sync", "done", ["erp"])
