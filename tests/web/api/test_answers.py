"""What the API answers and does: the same as the pages, in the same histories; and how it refuses."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from httpx import Response

from console.records import HIDDEN
from console.web.api.application import PATH
from settings.model import Schedule, Settings
from state import audit, members, schema
from state.clock import now_us
from state.members import Role
from state.store import Store
from tests.console.deal import EMAIL, PHONE
from tests.web.api.conftest import Api, Program, Token
from tests.web.api.test_rights import mark
from tests.web.conftest import Browser

pytestmark = pytest.mark.slow


def refused(answer: Response, status: int) -> dict[str, Any]:
    """The problem of a refusal."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert found["status"] == status
    assert found["detail"].endswith(".")
    return found


def finding(api: Api, **query: str) -> str:
    id: str = api.get("/findings", **query).json()["items"][0]["id"]
    return id


def test_findings_are_found_and_paged(program: Program) -> None:
    api = program(Role.VIEWER)
    whole = api.get("/findings").json()
    assert whole["total"] == len(whole["items"]) > 1
    pages = [api.get("/findings", page=number, size=1).json() for number in (1, 2)]
    assert [item["id"] for page in pages for item in page["items"]] == [item["id"] for item in whole["items"]][:2]
    assert api.get("/findings", page=10_000).json()["items"] == []
    chosen = api.get("/findings", text="Q-1", severity="error").json()["items"]
    assert {item["severity"] for item in chosen} == {"error"}
    assert chosen[0]["amount"] == "1000.00"


def test_one_finding_has_its_records_and_history(program: Program) -> None:
    api = program(Role.VIEWER)
    found = api.get(f"/findings/{finding(api, check='quote_without_approval')}").json()
    [quote] = found["values"]
    assert quote["record"]["number"] == "Q-1"
    assert quote["fields"]["net_amount"] == "1000.00"
    assert [event["event"] for event in found["history"]] == ["opened"]
    assert found["history"][0]["at"].endswith("Z")


def test_decisions_are_those_of_the_pages(program: Program, as_role: Callable[[Role], Browser], desk: Store) -> None:
    api = program(Role.FINANCE)
    id = finding(api)
    assert "not a member" in refused(api.post(f"/findings/{id}/assign", to=" li.na "), 409)["detail"]
    assert api.post(f"/findings/{id}/assign", to=" li.na ", due="2026-12-15", outside=True).json()["owner"] == "li.na"
    as_role(Role.VIEWER)
    assert api.post(f"/findings/{id}/assign", to="A.VIEWER").json()["owner"] == "a.viewer"
    assert api.post(f"/findings/{id}/explain", reason="Paid in November").json()["status"] == "explained"
    found = api.post(f"/findings/{id}/comments", text="Called on Monday").json()
    assert found["due_on"] == "2026-12-15"
    assert [comment["text"] for comment in found["comments"]] == ["Called on Monday"]
    assert "Called on Monday" in as_role(Role.VIEWER).get(f"/findings/{id}").text
    with desk.reading() as connection:
        said = [entry.action for entry in audit.entries(connection, actor="p.finance")]
    assert said[:3] == ["finding commented", "finding explained", "finding assigned"]


def test_a_waiver_is_asked_by_a_program_and_approved_by_another_person(
    program: Program, as_role: Callable[[Role], Browser]
) -> None:
    api, approver = program(Role.FINANCE), as_role(Role.APPROVER)
    id = finding(api)
    asked = api.post(f"/findings/{id}/waiver", reason="Below the limit", until="2026-12-31").json()
    assert asked["waiver"] == {"by": "p.finance", "reason": "Below the limit", "until": "2026-12-31"}
    answer = approver.client.post(f"{PATH}/findings/{id}/waiver/approve", headers={"x-csrf-token": mark(approver)})
    assert (answer.json()["status"], answer.json()["approver"]) == ("waived", "a.approver")


def test_nobody_approves_what_is_their_own_though_they_asked_by_a_token(
    program: Program, token: Token, browser: Callable[..., Browser]
) -> None:
    api, anna = program(text=token(Role.APPROVER, name="anna")), browser()
    id = finding(api)
    api.post(f"/findings/{id}/waiver", reason="Mine", until="2026-12-31")
    anna.sign_in("anna")
    answer = anna.client.post(f"{PATH}/findings/{id}/waiver/approve", headers={"x-csrf-token": mark(anna)})
    assert "Somebody else" in refused(answer, 409)["detail"]


def test_what_the_state_of_things_does_not_allow_is_a_conflict(program: Program) -> None:
    api = program(Role.ADMIN)
    id = finding(api)
    assert "passed" in refused(api.post(f"/findings/{id}/waiver", reason="x", until="2026-01-01"), 409)["detail"]
    assert refused(api.post("/periods/2026-10/close"), 409)["remedy"]
    assert refused(api.post("/periods/2026-09/reopen", reason="x"), 409)["detail"] == "2026-09 is not closed."
    refused(api.post("/runs", kind="pull", system="nobody"), 409)


def test_a_month_with_undecided_errors_is_closed_by_a_program_only_with_a_reason(program: Program) -> None:
    api = program(Role.FINANCE)
    answer = refused(api.post("/periods/2026-09/close"), 409)
    assert ("errors of 2026-09 or before are undecided" in answer["detail"], "--reason" in answer["remedy"]) == (
        True,
        True,
    )
    assert api.get("/periods").json()["items"] == []
    refused(api.post("/periods/2026-09/close", reason=" "), 422)


def test_a_month_is_closed_by_a_program_and_approved_by_a_person(
    program: Program, as_role: Callable[[Role], Browser]
) -> None:
    api, approver = program(Role.FINANCE), as_role(Role.APPROVER)
    closed = api.post("/periods/2026-09/close", reason="The bank confirms tomorrow").json()
    assert (closed["status"], closed["closed_by"]) == ("closed", "p.finance")
    assert closed["close_reason"] == "The bank confirms tomorrow"
    answer = approver.client.post(f"{PATH}/periods/2026-09/approve", headers={"x-csrf-token": mark(approver)})
    assert answer.json()["status"] == "approved"
    found = api.get("/periods").json()
    assert ([item["status"] for item in found["items"]], found["next"]) == (["approved"], "2026-10")
    assert api.get("/report", period="2026-09").json()["sign_off"]["approved_by"] == "a.approver"


def test_what_is_to_be_seen_to_before_a_close_is_told(program: Program) -> None:
    api = program(Role.FINANCE)
    found = api.get("/periods/checklist").json()
    left = {item["name"]: item["left"] for item in found["items"]}
    assert (found["period"], left["over"], left["checker"]) == ("2026-09", 0, 1)
    asked = {"severity": "error", "status": "open", "until": "2026-09-30"}
    assert left["errors"] == api.get("/findings", **asked).json()["total"] > 0
    api.post(f"/findings/{finding(api, severity='error')}/explain", reason="Paid in November")
    left_then = {item["name"]: item["left"] for item in api.get("/periods/checklist").json()["items"]}
    assert left_then["errors"] == left["errors"] - 1


@pytest.mark.parametrize(
    "path", ["/findings/" + "0" * 20, "/runs/none", "/nothing", "/findings/" + "0" * 20 + "/nothing", "/runs%0A"]
)
def test_what_is_not_there_is_a_problem_with_a_remedy(program: Program, path: str) -> None:
    assert refused(program(Role.VIEWER).get(path), 404)["remedy"]


@pytest.mark.parametrize(("path", "known"), [("/me", "GET"), ("/runs", "GET, POST"), ("/plans/0/apply", "POST")])
def test_a_wrong_method_says_which_are_known(program: Program, path: str, known: str) -> None:
    answer = program(Role.VIEWER).client.delete(f"{PATH}{path}")
    refused(answer, 405)
    assert answer.headers["allow"] == known


@pytest.mark.parametrize("path", ["/quarantine/discard", "/quarantine/put-back", "/dead-letters/discard"])
def test_an_address_beside_those_of_records_is_no_record_for_other_methods(program: Program, path: str) -> None:
    answer = program(Role.ADMIN).client.get(f"{PATH}{path}")
    refused(answer, 405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("sent", "where"),
    [
        ({}, "body.to"),
        ({"to": ""}, "body.to"),
        ({"to": " \t"}, "body.to"),
        ({"to": "a\x00b"}, "body.to"),
        ({"to": "x" * 201}, "body.to"),
        ({"to": 5}, "body.to"),
        ({"to": "li.na", "due": "soon"}, "body.due"),
        ({"to": "li.na", "due": 20261231}, "body.due"),
        ({"to": "li.na", "until": "2026-12-31"}, "body.until"),
    ],
)
def test_a_wrong_request_is_told_where_it_is_wrong_and_not_what_was_sent(
    program: Program, sent: dict[str, object], where: str
) -> None:
    api = program(Role.FINANCE)
    id = finding(api)
    found = refused(api.post(f"/findings/{id}/assign", **sent), 422)
    assert [error["where"] for error in found["errors"]] == [where]
    assert api.get(f"/findings/{id}").json()["status"] == "open"
    assert "20261231" not in str(found)


@pytest.mark.parametrize("query", [{"page": "0"}, {"size": "201"}, {"order": "x"}, {"stage": "x"}, {"text": "a\x00"}])
def test_a_filter_that_is_none_is_refused(program: Program, query: dict[str, str]) -> None:
    refused(program(Role.VIEWER).get("/findings", **query), 422)


def test_a_body_that_is_no_json_is_refused(program: Program) -> None:
    api = program(Role.FINANCE)
    address = f"{PATH}/findings/{finding(api)}/explain"
    json = {"content-type": "application/json"}
    refused(api.client.post(address, content=b"{", headers=json), 422)
    refused(api.client.post(address, content=b"\xff", headers=json), 400)
    refused(api.client.post(address, content=b"[" * 60_000, headers=json), 400)
    refused(api.client.post(address, content=b'{"reason": "x"}', headers={"content-type": "text/plain"}), 422)
    large = b'{"reason": "' + b"x" * 70_000 + b'"}'
    assert "too large" in refused(api.client.post(address, content=large, headers=json), 400)["detail"]
    refused(api.client.post(address, content=iter([b'{"reason": "x"}']), headers=json), 400)


@pytest.mark.parametrize("headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}])
def test_another_sites_page_changes_nothing_even_with_a_token(program: Program, headers: dict[str, str]) -> None:
    api = program(Role.FINANCE)
    address = f"{PATH}/findings/{finding(api)}/explain"
    assert "another site" in refused(api.client.post(address, json={"reason": "x"}, headers=headers), 400)["detail"]


def test_a_foreign_host_is_refused_as_a_problem(program: Program) -> None:
    refused(program(Role.VIEWER).client.get(f"{PATH}/me", headers={"host": "evil.example"}), 400)


def test_nobody_elses_pages_may_read_an_answer(program: Program) -> None:
    headers = program(Role.VIEWER).client.get(f"{PATH}/me", headers={"origin": "https://evil.example"}).headers
    assert "access-control-allow-origin" not in headers
    assert headers["cache-control"] == "no-store"
    assert headers["x-content-type-options"] == "nosniff"


def test_a_chain_is_traced_without_what_is_personal(program: Program) -> None:
    answer = program(Role.VIEWER).get("/chains", text="SO-1")
    [chain] = answer.json()["items"]
    assert {"lead", "quote", "order", "invoice", "payment"} <= {record["entity"] for record in chain["records"]}
    assert not [personal for personal in (EMAIL, PHONE, "Maria") if personal in answer.text]
    assert chain["findings"]


def test_personal_values_of_a_findings_records_are_kept_back(program: Program, desk: Store) -> None:
    api = program(Role.VIEWER)
    said = "".join(api.get(f"/findings/{item['id']}").text for item in api.get("/findings").json()["items"])
    assert not [personal for personal in (EMAIL, PHONE, "Maria") if personal in said]
    assert HIDDEN not in said or EMAIL not in said


def test_a_run_is_started_and_found_where_the_answer_says(program: Program) -> None:
    api = program(Role.OPERATOR)
    answer = api.post("/runs", kind="reconcile")
    assert answer.status_code == 202
    assert answer.headers["location"] == f"{PATH}/runs/{answer.json()['run']}"
    found = api.client.get(answer.headers["location"]).json()
    assert (found["kind"], found["engine"]) == ("reconcile", "local")
    assert found["id"] in [item["id"] for item in api.get("/runs").json()["items"]]


def test_a_limited_member_sees_and_starts_their_systems_alone(program: Program, desk: Store) -> None:
    api = program(Role.OPERATOR)
    with desk.transaction() as connection:
        members.set_systems(connection, "p.operator", ["crm"], "test")
    assert api.get("/me").json()["systems"] == ["crm"]
    assert [item["name"] for item in api.get("/systems").json()["items"]] == ["crm"]
    refused(api.post("/runs", kind="pull", system="erp"), 409)
    assert api.post("/runs", kind="pull", system="crm").status_code == 202


def test_the_languages_of_sentences_are_chosen(program: Program) -> None:
    api = program(Role.VIEWER)
    english, chinese = (api.get("/findings", lang=lang).json()["items"][0]["title"] for lang in ("en", "zh-CN"))
    assert not re.search("[一-鿿]", english)
    assert re.search("[一-鿿]", chinese)


def test_systems_tell_how_fresh_they_are(program: Program) -> None:
    found = program(Role.VIEWER).get("/systems").json()
    assert [item["name"] for item in found["items"]] == ["forms", "crm", "erp", "books"]
    assert {stream["system"] for stream in found["items"][1]["streams"]} == {"crm"}
    assert found["waiting"]["findings"] > 0


def test_the_next_time_of_a_system_is_told_only_while_its_schedule_is_carried_out(
    program: Program, desk: Store, given: Settings
) -> None:
    api = program(Role.VIEWER)

    def schedules() -> dict[str, tuple[str, set[bool]]]:
        items = api.get("/systems").json()["items"]
        return {
            item["name"]: (item["schedule"], {stream["next_due"] is not None for stream in item["streams"]})
            for item in items
        }

    given.systems["crm"].schedule = Schedule(cron="0 0 1 1 *")
    assert schedules()["crm"] == ("never", {False})
    assert schedules()["erp"] == ("none", {False})
    with desk.transaction() as connection:
        connection.execute(
            schema.scheduled.insert(), [{"system": name, "started_at": now_us()} for name in ("", "crm")]
        )
    assert schedules()["crm"] == ("yes", {True})


def test_findings_are_chosen_by_all_filters_of_the_page(program: Program) -> None:
    api = program(Role.FINANCE)
    whole = api.get("/findings").json()["items"]
    api.post(f"/findings/{whole[0]['id']}/assign", to="p.finance")
    api.post(f"/findings/{whole[0]['id']}/waiver", reason="Below the limit", until="2026-12-31")

    def chosen(**query: str) -> list[str]:
        return [item["id"] for item in api.get("/findings", **query).json()["items"]]

    assert chosen(assignee="@me") == chosen(assignee="p.finance") == chosen(waits="waiver") == [whole[0]["id"]]
    assert whole[0]["id"] not in chosen(assignee="-")
    large = [item["id"] for item in whole if abs(Decimal(item["base_amount"] or 0)) >= 1000]
    assert chosen(least="1000.00") == large
    assert chosen(system="nobody") == []
    assert chosen(age="31-60") == [item["id"] for item in whole if 31 <= item["age_days"] <= 60]
    refused(api.get("/findings", least="1.000,00"), 422)


def test_the_documents_behind_a_tie_out_are_listed_with_what_is_missing(program: Program) -> None:
    api = program(Role.VIEWER)
    found = api.get("/tie-outs/documents", name="invoice_payment", side="left", currency="CNY").json()
    assert (found["count"], found["positions"], found["amount"], found["missing"]) == (1, 1, "50.00", "50.00")
    [invoice] = found["documents"]
    assert (invoice["number"], invoice["opposite"], invoice["difference"]) == ("INV-2", None, "50.00")
    orders = api.get("/tie-outs/documents", name="order_delivery", side="left", currency="CNY").json()
    assert (orders["not_due"], orders["not_due_amount"], orders["missing"]) == (1, "1000.00", "0.00")
    assert [item["waits"] for item in orders["documents"] if item["due_on"] == "2026-12-01"] == [True]
    none = api.get("/tie-outs/documents", name="quote_order", side="left", currency="USD", part="excluded").json()
    assert (none["documents"], none["amount"], none["missing"]) == ([], "0.00", None)
    refused(api.get("/tie-outs/documents", name="nothing", side="left", currency="CNY"), 422)
