"""Leads of Google Ads: believed by their key, kept without it, and mapped."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.contract import Inbound, Webhooks, Window
from connectors.errors import WebhookRefused
from connectors.google_ads_leads.connector import GoogleAdsLeads, GoogleAdsLeadsConfig
from mappings.engine import load
from mappings.model import ENTITIES, columns
from state.store import Store
from sync import webhooks
from sync.fetch import fetch_stream

KEY = "demo-key"
MAPPING = load("google-ads-leads")
LEAD: dict[str, Any] = {
    "lead_id": "TeSter-123",
    "user_column_data": [
        {"column_id": "FULL_NAME", "column_name": "Full Name", "string_value": "Li  Na"},
        {"column_id": "EMAIL", "string_value": " Li.Na@Example.com"},
        {"column_id": "PHONE_NUMBER", "string_value": "+86 21 5555 0101"},
        {"column_id": "COMPANY_NAME", "string_value": "上海仪表有限公司"},
        {"column_name": "What do you need?", "string_value": "Gauges"},
        {"column_name": "What do you need?", "string_value": "Valves"},
    ],
    "api_version": "1.0",
    "form_id": 40000000000,
    "campaign_id": 9007199254740993,
    "google_key": KEY,
    "is_test": False,
    "lead_submit_time": "2026-01-01T00:00:00Z",
    "something_new": {"a": [1.50]},
}


@pytest.fixture
def connector() -> GoogleAdsLeads:
    return GoogleAdsLeads(GoogleAdsLeadsConfig.model_validate({"webhook_secret": ["next", KEY]}))


def sent(**changed: Any) -> Inbound:
    """The lead as Google sends it."""
    return Inbound({"content-type": "application/json"}, {}, json.dumps({**LEAD, **changed}).encode())


def mapped(connector: GoogleAdsLeads, request: Inbound) -> dict[str, Any]:
    (arrival,) = connector.receive(request).arrivals
    found = MAPPING.stream("lead").map("ads", arrival.record.source_id, arrival.record.body)
    names = [column.name for column in columns(ENTITIES["lead"])]
    return {} if found.skipped else dict(zip(names, found.row, strict=True))


def test_a_lead_is_kept_whole_but_for_the_key(connector: GoogleAdsLeads) -> None:
    (arrival,) = connector.receive(sent()).arrivals
    assert (arrival.stream, arrival.record.source_id, arrival.record.version) == ("lead", "TeSter-123", None)
    assert KEY.encode() not in arrival.record.body
    kept = json.loads(arrival.record.body)
    assert kept["columns"]["What do you need?"] == "Gauges; Valves"
    assert kept["campaign_id"] == 9007199254740993
    assert kept["something_new"] == {"a": [1.5]}


@pytest.mark.parametrize("key", ["", "demo-ke", None, 1, ["demo-key", "x"]])
def test_another_key_is_refused(connector: GoogleAdsLeads, key: Any) -> None:
    with pytest.raises(WebhookRefused, match="signature is wrong"):
        connector.receive(sent(google_key=key))


@pytest.mark.parametrize("lead_id", [None, "", True, [], {}])
def test_a_lead_without_an_id_is_refused(connector: GoogleAdsLeads, lead_id: Any) -> None:
    with pytest.raises(WebhookRefused, match="lead_id"):
        connector.receive(sent(lead_id=lead_id))


@pytest.mark.parametrize("given", [None, 7, "x", [1, {}, {"column_id": 1, "string_value": "x"}, {"column_id": "A"}]])
def test_answers_of_another_shape_are_passed_over(connector: GoogleAdsLeads, given: Any) -> None:
    (arrival,) = connector.receive(sent(user_column_data=given)).arrivals
    assert json.loads(arrival.record.body)["columns"] == {}


def test_a_lead_in_the_canonical_model(connector: GoogleAdsLeads) -> None:
    row = mapped(connector, sent())
    wanted = {
        "number": "TeSter-123",
        "status": "new",
        "contact_name": "Li Na",
        "email": "li.na@example.com",
        "company_name": "上海仪表有限公司",
        "campaign": "9007199254740993",
        "source": "google-ads",
        "received_at": int(datetime(2026, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000,
    }
    assert {name: row[name] for name in wanted} == wanted
    assert row["phone"] is not None


def test_googles_test_data_is_nobodys_lead(connector: GoogleAdsLeads) -> None:
    assert mapped(connector, sent(is_test=True)) == {}


def test_a_lead_without_a_time_or_answers_is_one_all_the_same(connector: GoogleAdsLeads) -> None:
    row = mapped(connector, sent(lead_submit_time=None, user_column_data=[]))
    assert (row["number"], row["received_at"]) == ("TeSter-123", None)


def test_it_promises_records_and_a_pull_brings_nothing(connector: GoogleAdsLeads) -> None:
    (spec,) = connector.streams()
    assert spec.webhooks is Webhooks.RECORD
    assert not connector.reads_single_records
    (page,) = connector.pull("lead", None, Window(until=datetime.now(UTC)))
    assert (page.records, page.complete) == ([], True)
    assert [line.ok for line in connector.check()] == [True]


def test_leads_sent_twice_and_changed_are_each_once_in_the_store(connector: GoogleAdsLeads, store: Store) -> None:
    (spec,) = connector.streams()
    for request in (sent(), sent(), sent(lead_stage="QUALIFIED"), sent(lead_id="other")):
        webhooks.receive(store, connector, "ads", ["lead"], request)
    outcome = fetch_stream(store, connector, MAPPING, "ads", spec, run_id="f")
    assert (outcome.counts["new"], outcome.counts["changed"]) == (2, 1)
    with store.reading() as connection:
        found = connection.exec_driver_sql("SELECT number FROM leads ORDER BY number").scalars().all()
    assert found == ["TeSter-123", "other"]
