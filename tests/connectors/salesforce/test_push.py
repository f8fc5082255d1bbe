"""Pushing: conditional, one result per change, nobody's edit overwritten, every unclear outcome settled by reading."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Change, Outcome, PushResult
from connectors.errors import AuthError, QuotaError
from connectors.rawjson import decode
from connectors.salesforce.connector import Salesforce
from sandbox.salesforce import SalesforceServer, salesforce_id
from sandbox.salesforce.org import Org
from tests.connectors.salesforce.conftest import OLD, Make, add_opportunity, add_quote, change, error, until

FIELD = "LTC_Delivery_Status__c"
DONE = {FIELD: "delivered"}
PATCH = "PATCH /services/data/v62.0/sobjects/Opportunity/"


def push(connector: Salesforce, *changes: Change, stream: str = "opportunity") -> list[PushResult]:
    return list(connector.push(stream, changes))


def outcomes(results: Sequence[PushResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def between_read_and_write(server: SalesforceServer, act: Any) -> None:
    """Do something right after the record was read."""

    def change(body: bytes) -> bytes:
        act()
        return body

    server.faults.corrupt("/query", change=change)


def test_a_change_is_written_and_the_record_comes_back_as_the_next_pull_shows_it(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_opportunity(org)
    connector = connect()
    (result,) = push(connector, change(key, {**DONE, "LTC_Order_Number__c": "SO-00012"}))
    assert result.outcome is Outcome.APPLIED
    assert org.tables["Opportunity"][key][FIELD] == "delivered"
    (page,) = connector.pull("opportunity", None, until(server, 60))
    assert result.record == page.records[0]


def test_a_quote_is_read_back_with_its_lines(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_quote(org, lines=3)
    (result,) = push(connect(), change(key, DONE), stream="quote")
    assert result.record is not None
    assert len(decode(result.record.body)["QuoteLineItems"]["records"]) == 3


def test_a_write_is_conditional_on_the_time_the_record_was_last_modified(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    push(connect(), change(add_opportunity(org), DONE))
    (patch,) = server.requests(PATCH)
    assert patch.headers["if-unmodified-since"] == OLD.strftime("%a, %d %b %Y %H:%M:%S GMT")


def test_a_record_that_shows_the_wanted_values_is_left_alone(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_opportunity(org, LTC_Delivery_Status__c="delivered")
    (result,) = push(connect(), change(key, DONE, {FIELD: "not_delivered"}))
    assert result.outcome is Outcome.UNCHANGED
    assert server.requests("PATCH") == []


def test_empty_text_and_nothing_are_the_same_value(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_opportunity(org)
    results = push(connect(), change(key, {FIELD: ""}), change(key, DONE, {FIELD: ""}))
    assert outcomes(results) == [Outcome.UNCHANGED, Outcome.APPLIED]


def test_a_field_that_somebody_changed_since_we_read_it_is_a_conflict(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_opportunity(org, LTC_Delivery_Status__c="returned")
    (result,) = push(connect(), change(key, DONE, {FIELD: "not_delivered"}))
    assert result.outcome is Outcome.CONFLICT
    assert FIELD in result.message
    assert org.tables["Opportunity"][key][FIELD] == "returned"


def test_a_change_of_another_field_is_no_conflict(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_opportunity(org)
    org.edit("Opportunity", key, Amount=Decimal(7))
    assert outcomes(push(connect(), change(key, DONE))) == [Outcome.APPLIED]
    assert org.tables["Opportunity"][key]["Amount"] == Decimal(7)


def test_an_edit_between_reading_and_writing_is_a_conflict_and_survives(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_opportunity(org)
    between_read_and_write(server, lambda: org.edit("Opportunity", key, **{FIELD: "returned"}))
    (result,) = push(connect(), change(key, DONE))
    assert result.outcome is Outcome.CONFLICT
    assert server.requests(PATCH)[0].status == 412
    assert org.tables["Opportunity"][key][FIELD] == "returned"
    assert result.record is not None
    assert decode(result.record.body)[FIELD] == "returned"


def test_a_record_changed_in_the_second_we_read_it_is_read_again_before_writing(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_opportunity(org, modified=org.clock.stamp() + timedelta(seconds=2))
    between_read_and_write(server, lambda: org.edit("Opportunity", key, **{FIELD: "returned"}))
    (result,) = push(connect(), change(key, DONE))
    assert result.outcome is Outcome.CONFLICT
    assert server.requests("PATCH") == []


def test_a_session_that_ends_before_the_write_is_renewed_and_the_condition_is_sent_again(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_opportunity(org)
    between_read_and_write(server, server.expire_tokens)
    assert outcomes(push(connect(), change(key, DONE))) == [Outcome.APPLIED]
    first, second = server.requests(PATCH)
    assert (first.status, second.status) == (401, 204)
    assert first.headers["if-unmodified-since"] == second.headers["if-unmodified-since"]
    assert first.body == second.body
    assert first.headers["authorization"] != second.headers["authorization"]


def test_a_renewed_session_does_not_turn_a_conflict_into_a_write(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_opportunity(org)

    def edit_and_expire() -> None:
        org.edit("Opportunity", key, **{FIELD: "returned"})
        server.expire_tokens()

    between_read_and_write(server, edit_and_expire)
    assert outcomes(push(connect(), change(key, DONE))) == [Outcome.CONFLICT]
    assert [request.status for request in server.requests(PATCH)] == [401, 412]
    assert org.tables["Opportunity"][key][FIELD] == "returned"


def test_a_session_that_is_never_accepted_stops_after_one_renewal(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_opportunity(org)
    server.faults.answer("PATCH", 401, error("INVALID_SESSION_ID"), times=50)
    with pytest.raises(AuthError):
        push(connect(), change(key, DONE))
    assert len(server.requests(PATCH)) == 2
    assert len(server.requests("/oauth2/token")) == 2


def test_a_locked_record_is_tried_again(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_opportunity(org)
    server.faults.answer("PATCH", 400, error("UNABLE_TO_LOCK_ROW"), times=2)
    connector = connect()
    assert outcomes(push(connector, change(key, DONE))) == [Outcome.APPLIED]
    assert connector.stats.retries == 2


def test_a_record_that_stays_locked_is_left_for_the_next_run(server: SalesforceServer, org: Org, connect: Make) -> None:
    keys = [add_opportunity(org, "D1"), add_opportunity(org, "D2")]
    server.faults.answer(f"PATCH.*{keys[0]}", 400, error("UNABLE_TO_LOCK_ROW"), times=50)
    results = push(connect(), *(change(key, DONE) for key in keys))
    assert outcomes(results) == [Outcome.RETRY, Outcome.APPLIED]


@pytest.mark.parametrize("code", ["DUPLICATES_DETECTED", "FIELD_CUSTOM_VALIDATION_EXCEPTION", "ENTITY_IS_LOCKED"])
def test_what_will_never_work_is_rejected_with_the_code_and_the_rest_goes_on(
    server: SalesforceServer, org: Org, connect: Make, code: str
) -> None:
    keys = [add_opportunity(org, "D1"), add_opportunity(org, "D2")]
    server.faults.answer("PATCH", 400, error(code))
    results = push(connect(), *(change(key, DONE) for key in keys))
    assert outcomes(results) == [Outcome.REJECTED, Outcome.APPLIED]
    assert code in results[0].message


def test_a_value_the_picklist_does_not_have_is_rejected_without_showing_it(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    (result,) = push(connect(), change(add_opportunity(org), {FIELD: "lost at sea"}))
    assert result.outcome is Outcome.REJECTED
    assert "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST" in result.message
    assert FIELD in result.message
    assert "lost at sea" not in result.message


def test_a_deleted_record_is_rejected(server: SalesforceServer, org: Org, connect: Make) -> None:
    before, meanwhile = add_opportunity(org, "D1"), add_opportunity(org, "D2")
    org.delete("Opportunity", before)
    between_read_and_write(server, lambda: org.delete("Opportunity", meanwhile))
    results = push(connect(), change(before, DONE), change(meanwhile, DONE))
    assert outcomes(results) == [Outcome.REJECTED, Outcome.REJECTED]


def test_a_field_the_org_does_not_have_is_rejected_by_name(server: SalesforceServer, org: Org, connect: Make) -> None:
    org.hide_field("Opportunity", FIELD)
    (result,) = push(connect(), change(add_opportunity(org), DONE))
    assert result.outcome is Outcome.REJECTED
    assert FIELD in result.message
    assert server.requests("PATCH") == []


@pytest.mark.parametrize("fault", ["hang", "cut"])
def test_a_write_whose_answer_is_lost_is_settled_by_reading_back(
    server: SalesforceServer, org: Org, connect: Make, fault: str
) -> None:
    key = add_opportunity(org)
    getattr(server.faults, fault)("PATCH", act=True)
    (result,) = push(connect(timeout_seconds=0.4), change(key, DONE))
    assert result.outcome is Outcome.APPLIED
    assert result.record is not None
    assert len(server.requests(PATCH)) == 1


@pytest.mark.parametrize("fault", ["hang", "cut"])
def test_a_write_that_may_still_arrive_is_unknown_and_is_not_sent_again(
    server: SalesforceServer, org: Org, connect: Make, fault: str
) -> None:
    key = add_opportunity(org)
    getattr(server.faults, fault)("PATCH")
    assert outcomes(push(connect(timeout_seconds=0.4), change(key, DONE))) == [Outcome.UNKNOWN]
    assert len(server.requests(PATCH)) == 1


def test_a_server_error_after_the_write_is_settled_by_reading_back(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_opportunity(org)
    server.faults.answer("PATCH", 503, error("SERVER_UNAVAILABLE"), act=True)
    assert outcomes(push(connect(), change(key, DONE))) == [Outcome.APPLIED]


def test_an_outcome_is_yielded_before_the_next_change_is_sent(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    keys = [add_opportunity(org, "D1"), add_opportunity(org, "D2")]
    results = connect().push("opportunity", [change(key, DONE) for key in keys])
    assert next(iter(results)).outcome is Outcome.APPLIED
    assert org.tables["Opportunity"][keys[1]][FIELD] is None


def test_a_write_that_uses_up_the_quota_is_still_reported_as_done(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    keys = [add_opportunity(org, f"D{number}") for number in range(9)]
    server.daily_limit = 10
    done: list[PushResult] = []
    with pytest.raises(QuotaError):
        collect(done, connect().push("opportunity", [change(key, DONE) for key in keys]))
    written = [key for key in keys if org.tables["Opportunity"][key][FIELD] == "delivered"]
    assert [result.source_id for result in done] == written
    assert server.used == 9  # one call in ten is left to others


def collect(done: list[PushResult], results: Iterable[PushResult]) -> None:
    """One by one, so that those before an error are kept."""
    done += results


def test_numbers_are_sent_exactly(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_opportunity(org)
    names = {"opportunity": {"Amount__c": "Amount"}}
    connector = connect(custom_fields=names)
    push(connector, Change(key, {"Amount": Decimal("12345678901234.05")}, {"Amount": Decimal("1200.5")}, "key-1"))
    assert b"12345678901234.05" in server.requests(PATCH)[0].body
    assert org.tables["Opportunity"][key]["Amount"] == Decimal("12345678901234.05")


def test_many_records_are_read_together(server: SalesforceServer, org: Org, connect: Make) -> None:
    keys = [add_opportunity(org, f"D{number}", LTC_Delivery_Status__c="delivered") for number in range(120)]
    missing = salesforce_id("opportunity", "never")
    results = push(connect(), *(change(key, DONE) for key in [*keys, missing]))
    assert outcomes(results) == [Outcome.UNCHANGED] * 120 + [Outcome.REJECTED]
    assert len(server.requests("/query")) == 3
