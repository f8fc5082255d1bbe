"""Decisions on many findings at once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import update

from state import audit, findings, schema
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_pages import listed, of_check


@pytest.fixture
def anna(as_role: Callable[[Role], Browser]) -> Browser:
    return as_role(Role.FINANCE)


def confirmed(browser: Browser, query: str) -> str:
    """The ids that the page of confirmation holds."""
    found = re.search(r'name="ids" value="([^"]*)"', browser.get(f"/findings/bulk?{query}").text)
    return found.group(1) if found else ""


def test_what_was_ticked_is_confirmed_and_decided_with_a_history_of_each(anna: Browser, desk: Store) -> None:
    some = listed(anna, "")[:2]
    page = anna.get("/findings/bulk?" + "&".join(f"pick={id}" for id in some)).text
    assert "Decide on these 2" in page
    refused = anna.post("/findings/bulk/assign", ids=" ".join(some), to="wang.min")
    assert (refused.status_code, "is called wang.min." in refused.text) == (422, True)
    answer = anna.post(
        "/findings/bulk/assign?stage=quote", ids=" ".join(some), to="wang.min", outside="yes", due="2026-12-24"
    )
    assert (answer.status_code, answer.headers["location"]) == (303, "/findings?stage=quote&done=2")
    assert "Findings decided on: 2." in anna.get(answer.headers["location"]).text
    with desk.reading() as connection:
        found = findings.of_ids(connection, some)
        assert {(item.status, item.assignee, item.due_on) for item in found} == {("assigned", "wang.min", "2026-12-24")}
        for id in some:
            last = findings.history(connection, id)[-1]
            assert (last.event, last.actor) == ("assigned", "a.finance")
        noted = [entry.detail["finding"] for entry in audit.entries(connection) if entry.action == "finding assigned"]
    assert sorted(noted) == sorted(some)


def test_all_that_match_are_confirmed_and_nothing_that_came_later_is_decided(anna: Browser, desk: Store) -> None:
    ids = confirmed(anna, "severity=error&what=all")
    assert sorted(ids.split()) == sorted(listed(anna, "severity=error"))
    assert anna.post("/findings/bulk/comment", ids=ids, text="Looked at").status_code == 303
    with desk.reading() as connection:
        commented = [e.detail["finding"] for e in audit.entries(connection) if e.action == "finding commented"]
    assert sorted(commented) == sorted(ids.split())


def test_one_on_which_nothing_can_be_decided_is_left_out_and_said(anna: Browser, desk: Store) -> None:
    first, second = listed(anna, "")[:2]
    with desk.transaction() as connection:
        table = schema.finding
        connection.execute(update(table).where(table.c.id == second).values(status="resolved"))
    answer = anna.post("/findings/bulk/explain", ids=f"{first} {second} {'f' * 20}", reason="One transfer for both")
    assert answer.status_code == 200
    assert "Findings decided on: 1." in answer.text
    assert "2 were left out" in answer.text
    assert "is resolved" in answer.text
    with desk.reading() as connection:
        assert findings.find(connection, first).status == "explained"


def test_waivers_are_asked_by_one_and_approved_by_another_each_for_itself(
    anna: Browser, as_role: Callable[[Role], Browser], desk: Store
) -> None:
    theirs, own = of_check(desk, "quote_without_approval"), of_check(desk, "invoice_exceeds_order")
    asked = {"reason": "Policy F-12", "until": "2026-12-31"}
    assert anna.post("/findings/bulk/waiver", ids=theirs, **asked).status_code == 303
    again = anna.post("/findings/bulk/waiver", ids=theirs, **asked)
    assert (again.status_code, "waits for approval" in again.text) == (422, True)
    li = as_role(Role.APPROVER)
    li.post("/findings/bulk/waiver", ids=own, **asked)
    assert anna.post("/findings/bulk/approve", ids=theirs).status_code == 403
    answer = li.post("/findings/bulk/approve", ids=f"{theirs} {own}")
    assert "Findings decided on: 1." in answer.text
    assert "Somebody else must approve a waiver" in answer.text
    with desk.reading() as connection:
        assert findings.find(connection, theirs).approver == "a.approver"
        assert findings.find(connection, own).status == "open"


@pytest.mark.parametrize("ids", ["", "' OR 1=1", "../../x", " ".join(f"{n:020x}" for n in range(501)), "%", "abc"])
def test_what_is_no_choice_of_ours_is_refused(anna: Browser, ids: str) -> None:
    assert anna.post("/findings/bulk/explain", ids=ids, reason="so").status_code == 400


def test_a_day_that_is_none_decides_nothing(anna: Browser, desk: Store) -> None:
    some = listed(anna, "")[:2]
    answer = anna.post("/findings/bulk/assign", ids=" ".join(some), to="wang.min", outside="yes", due="31.12.2026")
    assert (answer.status_code, "That is no day" in answer.text) == (422, True)
    with desk.reading() as connection:
        assert {item.status for item in findings.of_ids(connection, some)} == {"open"}


def test_nothing_chosen_is_said_and_a_viewer_is_not_offered_it(
    anna: Browser, as_role: Callable[[Role], Browser]
) -> None:
    assert "Nothing was chosen" in anna.get("/findings/bulk?what=ticked").text
    assert 'name="pick"' in anna.get("/findings").text
    assert 'name="pick"' not in as_role(Role.VIEWER).get("/findings").text
