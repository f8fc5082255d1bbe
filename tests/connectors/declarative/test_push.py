"""Writing by a manifest: conditional, looked for before it is repeated, and made once by an external key."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.contract import Change, NewRecord, Outcome, PushResult
from connectors.declarative.connector import Declared
from connectors.errors import ContractError
from sandbox.http import Server
from tests.connectors.declarative.conftest import Connect, Reader
from tests.connectors.declarative.desk import Desk

CONDITIONS: dict[str, dict[str, Any]] = {
    "version field": {},
    "ETag": {"update": {"post": "/orders/{id}", "body": {"set": "{values}"}, "headers": {"If-Match": "{etag}"}}},
}
CREATE = {
    "post": "/orders",
    "body": "{values}",
    "key": "ref",
    "find": {"get": "/orders", "query": {"ref": "{key}"}},
    "records": "result.rows",
}


@pytest.fixture(params=CONDITIONS, ids=list(CONDITIONS))
def held(request: pytest.FixtureRequest, connect: Connect, desk: Desk) -> Reader:
    """Three orders that were read."""
    desk.etags = request.param == "ETag"
    desk.add(3)
    desk.now += 60_000
    return Reader(connect(**CONDITIONS[request.param]), desk).pull()


def change(reader: Reader, key: str = "1", **more: Any) -> Change:
    record = reader.held[key]
    values = more.pop("values", {"status": "closed"})
    expected = more.pop("expected", {"status": "open"})
    return Change(key, values, expected, f"key-{key}", record.version, record.body, **more)


def push(connector: Declared, *changes: Change) -> list[PushResult]:
    return list(connector.push("order", changes))


def test_a_change_is_applied_and_comes_back_as_the_next_pull_will_show_it(held: Reader, desk: Desk) -> None:
    (result,) = push(held.connector, change(held))
    assert (result.outcome, desk.orders[1]["status"]) == (Outcome.APPLIED, "closed")
    desk.now += 60_000
    held.pull()
    assert result.record == held.held["1"]


def test_what_the_system_shows_already_is_not_sent(held: Reader, desk: Desk, server: Server) -> None:
    desk.edit(1, status="closed")
    (result,) = push(held.connector, change(held))
    assert result.outcome is Outcome.UNCHANGED
    assert not server.requests("^POST")


def test_a_field_that_somebody_else_changed_is_a_conflict(held: Reader, desk: Desk, server: Server) -> None:
    desk.edit(1, status="on hold")
    (result,) = push(held.connector, change(held))
    assert (result.outcome, desk.orders[1]["status"]) == (Outcome.CONFLICT, "on hold")
    assert not server.requests("^POST")


def test_a_change_between_our_reading_and_our_writing_is_refused_by_the_system(held: Reader, desk: Desk) -> None:
    desk.after_read = lambda: desk.edit(1, note="quick")
    (result,) = push(held.connector, change(held))
    assert (result.outcome, desk.orders[1]["status"]) == (Outcome.CONFLICT, "open")


def test_a_write_whose_answer_is_lost_is_found_and_not_sent_again(held: Reader, desk: Desk, server: Server) -> None:
    server.faults.cut("^POST", act=True)
    (result,) = push(held.connector, change(held))
    assert (result.outcome, desk.orders[1]["lock"]) == (Outcome.APPLIED, 2)
    assert len(server.requests("^POST")) == 1


def test_a_write_that_did_not_arrive_is_in_doubt_and_not_repeated_at_once(
    held: Reader, desk: Desk, server: Server
) -> None:
    server.faults.cut("^POST")
    (result,) = push(held.connector, change(held))
    assert (result.outcome, len(server.requests("^POST"))) == (Outcome.UNKNOWN, 1)
    (again,) = push(held.connector, change(held, unsure=True))
    assert (again.outcome, desk.orders[1]["lock"]) == (Outcome.APPLIED, 2)


def test_a_write_in_doubt_is_not_sent_over_what_somebody_changed_since(held: Reader, desk: Desk) -> None:
    desk.now += 60_000
    desk.edit(1, note="by hand")
    (result,) = push(held.connector, change(held, unsure=True))
    assert (result.outcome, desk.orders[1]["status"]) == (Outcome.CONFLICT, "open")


def test_a_refused_value_is_rejected_without_naming_anybody_and_the_others_go_on(held: Reader, desk: Desk) -> None:
    refused = change(held, "1", values={"status": "impossible"})
    results = push(held.connector, refused, change(held, "2"), change(held, "3"))
    assert [result.outcome for result in results] == [Outcome.REJECTED, Outcome.APPLIED, Outcome.APPLIED]
    assert "Wang" not in results[0].message
    assert "not allowed" in results[0].message


def test_a_deleted_record_is_rejected_and_not_made_again(held: Reader, desk: Desk) -> None:
    desk.remove(1)
    (result,) = push(held.connector, change(held))
    assert result.outcome is Outcome.REJECTED
    assert 1 not in desk.orders


def test_a_throttled_write_is_left_for_later(held: Reader, desk: Desk, server: Server) -> None:
    server.faults.answer("^POST", 429, headers={"retry-after": "1"}, times=50)
    (result,) = push(held.connector, change(held))
    assert (result.outcome, desk.orders[1]["lock"]) == (Outcome.RETRY, 1)


def test_a_field_that_is_not_writable_is_rejected_before_anything_is_sent(held: Reader, server: Server) -> None:
    server.forget()
    (result,) = push(held.connector, change(held, values={"amount": "1.00"}, expected={}))
    assert result.outcome is Outcome.REJECTED
    assert server.requests() == []


def test_a_condition_that_the_answer_does_not_give_sends_nothing(connect: Connect, desk: Desk, server: Server) -> None:
    desk.add(1)
    desk.now += 60_000
    reader = Reader(connect(**CONDITIONS["ETag"]), desk).pull()
    with pytest.raises(ContractError, match="etag"):
        push(reader.connector, change(reader))
    assert not server.requests("^POST")


def test_a_field_is_compared_where_the_manifest_says_it_is_read(connect: Connect, desk: Desk) -> None:
    desk.add(1, stage=[3, "Won"], stage_id=None)
    desk.now += 60_000
    reader = Reader(connect(writable={"stage_id": "stage[0]"}), desk).pull()
    (result,) = push(reader.connector, change(reader, values={"stage_id": 3}, expected={"stage_id": 2}))
    assert result.outcome is Outcome.UNCHANGED


def test_a_record_is_made_once_though_its_answer_is_lost(connect: Connect, desk: Desk, server: Server) -> None:
    connector = connect(create=CREATE)
    record = NewRecord("ltc-1", {"ref": "ltc-1", "status": "new"}, "idem-1")
    server.faults.cut("^POST", act=True)
    (made,) = connector.create("order", [record])
    (again,) = connector.create("order", [record])
    assert (made.outcome, again.outcome) == (Outcome.APPLIED, Outcome.UNCHANGED)
    assert made.source_id == again.source_id == "1"
    assert len(desk.orders) == 1


def test_a_record_is_found_by_its_exact_key_though_the_search_shows_others(connect: Connect, desk: Desk) -> None:
    desk.add(1, ref="ltc-11")
    (found,) = connect(create=CREATE).create("order", [NewRecord("ltc-1", {"ref": "ltc-1"}, "idem-1")])
    assert (found.outcome, found.source_id) == (Outcome.APPLIED, "2")


def test_an_accepted_change_that_is_not_shown_yet_is_in_doubt_and_not_refused(held: Reader, desk: Desk) -> None:
    shown = dict(desk.orders[1])
    desk.lagging = {1: shown}
    (result,) = push(held.connector, change(held))
    assert (result.outcome, desk.orders[1]["status"]) == (Outcome.UNKNOWN, "closed")
    desk.lagging = {}
    (again,) = push(held.connector, change(held, unsure=True))
    assert (again.outcome, desk.orders[1]["lock"]) == (Outcome.UNCHANGED, 2)


def test_the_record_in_the_answer_is_taken_where_the_manifest_says_so(
    connect: Connect, desk: Desk, server: Server
) -> None:
    desk.add(1)
    desk.now += 60_000
    update = {"post": "/orders/{id}", "body": {"set": "{values}", "lock": "{record.lock}"}, "record": "result"}
    reader = Reader(connect(update=update), desk).pull()
    desk.lagging = {1: dict(desk.orders[1])}
    (result,) = push(reader.connector, change(reader))
    assert result.outcome is Outcome.APPLIED
    assert len(server.requests("GET /api/orders/1")) == 1


def test_a_record_cut_in_the_middle_is_an_error_of_the_source_and_nothing_is_sent(
    held: Reader, desk: Desk, server: Server
) -> None:
    server.faults.corrupt("GET /api/orders/1")
    with pytest.raises(ContractError, match="not valid JSON"):
        push(held.connector, change(held))
    assert not server.requests("^POST")


def test_a_record_that_is_the_whole_answer_and_cut_in_the_middle_is_an_error_as_well(
    connect: Connect, desk: Desk, server: Server
) -> None:
    desk.add(1)
    desk.now += 60_000
    reader = Reader(connect(one={"get": "/orders/{id}", "record": "@"}), desk).pull()
    server.faults.answer("GET /api/orders/1", 200, '{"id":1,"changed":5,"sta')
    with pytest.raises(ContractError, match="not valid JSON"):
        push(reader.connector, change(reader))


def test_a_record_found_by_its_key_is_shown_whole_where_lists_show_parts(connect: Connect, desk: Desk) -> None:
    create = {
        "post": "/orders",
        "body": "{values}",
        "key": "ref",
        "find": {"get": "/orders", "query": {"size": "1000", "ref": "{key}", "parts": "ref"}},
        "records": "result.rows",
    }
    connector = connect(details=True, create=create)
    record = NewRecord("ltc-1", {"ref": "ltc-1", "status": "open"}, "create-1")

    (made,) = connector.create("order", [record])

    assert made.record is not None
    assert b'"amount"' in made.record.body
    assert [item.body for item in connector.find("order", ["ltc-1"])["ltc-1"]] == [made.record.body]
