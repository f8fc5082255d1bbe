"""Creating leads: each once, by a unique external id; nothing that is there is changed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from connectors.contract import NewRecord, Outcome, PushResult
from connectors.errors import AuthError, ContractError, QuotaError
from connectors.rawjson import decode
from connectors.salesforce.connector import Salesforce
from sandbox.salesforce import SalesforceServer
from sandbox.salesforce.org import Org, Record
from tests.connectors.salesforce.conftest import Make, error, until

POST = "POST /services/data/v62.0/sobjects/Lead"
KEY = "LTC_Key__c"


def lead(key: str = "ltc-1", **values: Any) -> NewRecord:
    given = {"LastName": "王芳", "Company": "上海远东仪表有限公司", "Email": "wang@example.com", KEY: key, **values}
    return NewRecord(key, given, f"idem-{key}")


def create(connector: Salesforce, *records: NewRecord) -> list[PushResult]:
    return list(connector.create("lead", records))


def leads(org: Org) -> list[Record]:
    return [item for item in org.records("Lead") if not item["IsDeleted"]]


def test_a_lead_is_made_with_its_key_and_comes_back_as_the_next_pull_shows_it(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    connector = connect()
    (result,) = create(connector, lead())
    assert (result.outcome, result.key) == (Outcome.APPLIED, "ltc-1")
    (made,) = leads(org)
    assert (made["Id"], made["LastName"], made[KEY]) == (result.source_id, "王芳", "ltc-1")
    assert made["Status"] == "Open - Not Contacted"
    *_, page = [page for page in connector.pull("lead", None, until(server, 60)) if page.records]
    assert result.record == page.records[0]
    assert decode(page.records[0].body)[KEY] == "ltc-1"


def test_what_is_there_is_found_and_neither_made_again_nor_changed(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    (first,) = create(connect(), lead())
    org.edit("Lead", first.source_id, Company="Renamed by sales")
    (again,) = create(connect(), lead())
    assert (again.outcome, again.source_id) == (Outcome.UNCHANGED, first.source_id)
    assert [item["Company"] for item in leads(org)] == ["Renamed by sales"]
    assert len(server.requests(POST)) == 1


def test_find_tells_the_records_of_many_keys(server: SalesforceServer, org: Org, connect: Make) -> None:
    connector = connect()
    create(connector, *(lead(f"ltc-{number}") for number in range(60)))
    found = connector.find("lead", [f"ltc-{number}" for number in range(120)])
    assert sorted(found) == sorted(f"ltc-{number}" for number in range(60))
    assert all(len(records) == 1 for records in found.values())


def test_a_lead_in_the_recycle_bin_is_not_made_again(server: SalesforceServer, org: Org, connect: Make) -> None:
    (first,) = create(connect(), lead())
    org.delete("Lead", first.source_id)
    assert list(connect().find("lead", ["ltc-1"])) == ["ltc-1"]
    (again,) = create(connect(), lead())
    assert (again.outcome, again.source_id, again.record) == (Outcome.UNCHANGED, first.source_id, None)
    assert leads(org) == []


def test_one_that_somebody_makes_between_the_look_and_the_request_is_not_doubled(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    def meanwhile(body: bytes) -> bytes:
        org.create("Lead", {"LastName": "Other", "Company": "Other worker", KEY: "ltc-1"})
        return body

    server.faults.corrupt("/queryAll", change=meanwhile)
    (result,) = create(connect(), lead())
    assert result.outcome is Outcome.UNCHANGED
    assert [item["Company"] for item in leads(org)] == ["Other worker"]


def test_another_record_than_the_one_that_was_made_is_not_taken_for_it(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    other = org.create("Lead", {"LastName": "Other", "Company": "Elsewhere"})["Id"]

    def swapped(body: bytes) -> bytes:
        (made,) = (item["Id"] for item in leads(org) if item["Id"] != other)
        return body.replace(made.encode(), other.encode())

    server.faults.corrupt("/query/", change=swapped)
    (result,) = create(connect(), lead())
    assert (result.outcome, result.record) == (Outcome.APPLIED, None)
    assert result.source_id != other


@pytest.mark.parametrize("lost", ["before", "after"])
def test_a_lost_answer_is_settled_by_looking_and_nothing_is_sent_twice(
    server: SalesforceServer, org: Org, connect: Make, lost: str
) -> None:
    if lost == "after":
        server.faults.cut("POST .*/sobjects/Lead", act=True)
    else:
        server.faults.answer("POST .*/sobjects/Lead", 503, error("SERVER_UNAVAILABLE"))
    (result,) = create(connect(), lead())
    assert result.outcome is (Outcome.APPLIED if lost == "after" else Outcome.UNKNOWN)
    assert len(server.requests(POST)) == 1
    assert len(leads(org)) == (1 if lost == "after" else 0)
    (again,) = create(connect(), lead())
    assert again.outcome is (Outcome.UNCHANGED if lost == "after" else Outcome.APPLIED)
    assert len(leads(org)) == 1


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"LastName": None}, "a required field is empty (LastName)"),
        ({"Email": "no address"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": "x" * 81}, "a text is longer than its field (LastName)"),
    ],
)
def test_a_lead_that_salesforce_refuses_is_rejected_and_the_others_are_made(
    server: SalesforceServer, org: Org, connect: Make, values: dict[str, Any], said: str
) -> None:
    results = create(connect(), lead("ltc-1", **values), lead("ltc-2"))
    assert [result.outcome for result in results] == [Outcome.REJECTED, Outcome.APPLIED]
    assert said in results[0].message
    assert "x" * 81 not in results[0].message
    assert "no address" not in results[0].message


def test_a_duplicate_rule_and_another_unique_field_reject(server: SalesforceServer, org: Org, connect: Make) -> None:
    server.faults.answer("POST .*/sobjects/Lead", 400, error("DUPLICATES_DETECTED", "王芳 exists"))
    (result,) = create(connect(), lead())
    assert result.outcome is Outcome.REJECTED
    assert "a duplicate rule refused" in result.message
    assert "王芳" not in result.message
    org.create("Lead", {"LastName": "By hand", "Company": "C", "JDY_Data_Id__c": "j1"})
    (other,) = create(connect(), lead("ltc-2", JDY_Data_Id__c="j1"))
    assert other.outcome is Outcome.REJECTED
    assert "another record has this unique value" in other.message


def test_too_many_requests_at_once_leaves_it_for_later_and_a_used_up_quota_stops(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    busy = error("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded")
    server.faults.answer("POST .*/sobjects/Lead", 403, busy, times=20)
    (result,) = create(connect(), lead())
    assert result.outcome is Outcome.RETRY
    assert leads(org) == []
    server.faults.clear()
    server.faults.answer("POST .*/sobjects/Lead", 403, error("REQUEST_LIMIT_EXCEEDED", "TotalRequests"))
    with pytest.raises(QuotaError):
        create(connect(), lead())


def test_a_session_that_ends_is_renewed_and_the_lead_is_made_once(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    server.faults.answer("POST .*/sobjects/Lead", 401, error("INVALID_SESSION_ID"))
    (result,) = create(connect(), lead())
    assert result.outcome is Outcome.APPLIED
    assert len(leads(org)) == 1
    server.faults.answer("POST .*/sobjects/Lead", 401, error("INVALID_SESSION_ID"), times=20)
    with pytest.raises(AuthError):
        create(connect(), lead("ltc-2"))


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda org: org.hide_field("Lead", KEY), "Create Lead.LTC_Key__c as text (40), external id, unique"),
        (
            lambda org: org.add_field("Lead", replace(org.objects["Lead"].fields[KEY], external_id=False)),
            "Let Lead.LTC_Key__c be text (40), external id, unique",
        ),
        (
            lambda org: org.add_field("Lead", replace(org.objects["Lead"].fields[KEY], createable=False)),
            "Give it the right to create Lead and to edit LTC_Key__c",
        ),
    ],
)
def test_without_a_unique_key_nothing_is_created_and_check_says_what_to_do(
    server: SalesforceServer, org: Org, connect: Make, change: Callable[[Org], None], remedy: str
) -> None:
    ready = next(line for line in connect().check() if line.stream == "lead")
    assert "records can be created" in ready.detail
    change(org)
    with pytest.raises(ContractError, match="Nothing can be created in Lead") as raised:
        create(connect(), lead())
    assert remedy in raised.value.remedy
    line = next(line for line in connect().check() if line.stream == "lead")
    assert line.ok
    assert "none can be created" in line.detail
    assert remedy in line.remedy
    assert server.requests(POST) == []
    assert list(connect().pull("lead", None, until(server)))[-1].complete


def test_the_org_may_call_the_field_otherwise(server: SalesforceServer, org: Org, connect: Make) -> None:
    org.add_field("Lead", replace(org.objects["Lead"].fields[KEY], name="Sync_Key__c"))
    connector = connect(custom_fields={"lead": {KEY: "Sync_Key__c"}})
    values = {"LastName": "Li", "Company": "C", "Sync_Key__c": "ltc-9"}
    (result,) = create(connector, NewRecord("ltc-9", values, "idem"))
    assert result.outcome is Outcome.APPLIED
    assert list(connector.find("lead", ["ltc-9"])) == ["ltc-9"]
