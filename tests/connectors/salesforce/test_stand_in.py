"""The stand-in org, driven by simple-salesforce as it comes: records, recycle bin, replication, conditions, limits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceError

from sandbox.salesforce import SalesforceServer, salesforce_id, start
from sandbox.salesforce.ids import normal, to_18
from sandbox.salesforce.org import Org
from sandbox.world.build import build_world
from tests.connectors.salesforce.conftest import OLD, add_account, add_opportunity, add_quote, line_id


@pytest.fixture
def session(server: SalesforceServer) -> Iterator[requests.Session]:
    with requests.Session() as made:
        made.trust_env = False
        made.verify = str(server.ca_file)
        yield made


@pytest.fixture
def library(server: SalesforceServer, session: requests.Session) -> Any:
    return Salesforce(session_id=server.issue_token(), instance_url=server.base_url, version="62.0", session=session)


def refused(call: Any, *arguments: Any, **options: Any) -> tuple[int, str]:
    """Status and code of a refusal."""
    with pytest.raises(SalesforceError) as caught:
        call(*arguments, **options)
    content: Any = caught.value.content
    return caught.value.status, content[0]["errorCode"]


class _ToStandIn(HTTPAdapter):
    """Takes the org's address for the stand-in's, as a name server would."""

    def __init__(self, base_url: str) -> None:
        super().__init__()
        self._base_url = base_url

    def send(self, request: requests.PreparedRequest, *arguments: Any, **options: Any) -> requests.Response:
        assert request.url
        request.url = request.url.replace("https://acme.my.salesforce.com", self._base_url)
        return super().send(request, *arguments, **options)


def test_the_library_logs_in_with_client_credentials(server: SalesforceServer, session: requests.Session) -> None:
    session.mount("https://acme.my.salesforce.com", _ToStandIn(server.base_url))
    library = Salesforce(
        consumer_key=server.client_id, consumer_secret=server.client_secret, domain="acme.my", session=session
    )
    key = add_account(server.org)
    assert library.query("SELECT Id FROM Account")["records"][0]["Id"] == key
    server.expire_tokens()
    assert library.query("SELECT COUNT() FROM Account")["totalSize"] == 1


def test_ids_have_18_characters_the_right_prefix_and_salesforce_s_checksum() -> None:
    prefixes = {"lead": "00Q", "account": "001", "contact": "003", "opportunity": "006", "quote": "0Q0"}
    prefixes |= {"quote_line": "0QL", "product": "01t"}
    for kind, prefix in prefixes.items():
        made = salesforce_id(kind, "K1")
        assert (len(made), made[:3]) == (18, prefix)
        assert normal(made[:15]) == made
    assert to_18("001D000000IqhSL") == "001D000000IqhSLIAZ"
    assert to_18("a0N3000000001Aa") == "a0N3000000001AaEAI"
    assert normal("001D000000IqhSLIAA") is None


def test_a_record_s_life(library: Any, org: Org) -> None:
    made = library.Account.create({"Name": "Müller & Söhne", "BillingCity": "Ulm"})
    assert made["success"]
    key = made["id"]
    assert library.Account.get(key)["Name"] == "Müller & Söhne"
    assert library.Account.get(key[:15])["Id"] == key
    assert library.Account.update(key, {"Phone": "+49 731 1"}) == 204
    assert library.Account.get(key)["Phone"] == "+49 731 1"
    assert library.Account.delete(key) == 204
    assert refused(library.Account.get, key) == (404, "ENTITY_IS_DELETED")
    assert refused(library.Account.delete, key) == (404, "ENTITY_IS_DELETED")
    assert library.query(f"SELECT Id FROM Account WHERE Id = '{key}'")["totalSize"] == 0
    everything = library.query(f"SELECT Id, IsDeleted FROM Account WHERE Id = '{key}'", include_deleted=True)
    assert everything["records"][0]["IsDeleted"] is True
    org.undelete("Account", key)
    assert library.Account.get(key)["IsDeleted"] is False


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({}, "REQUIRED_FIELD_MISSING"),
        ({"StageName": "Won", "CloseDate": "2026-01-01"}, "REQUIRED_FIELD_MISSING"),
        ({"Name": "x" * 121}, "STRING_TOO_LONG"),
        ({"LTC_Payment_Status__c": "half"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"),
        ({"Nmae": "x"}, "INVALID_FIELD"),
        ({"IsWon": True}, "INVALID_FIELD_FOR_INSERT_UPDATE"),
        ({"AccountId": "001000000000001AAA"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"AccountId": "x"}, "MALFORMED_ID"),
        ({"Amount": "much"}, "JSON_PARSER_ERROR"),
        ({"CloseDate": "soon"}, "JSON_PARSER_ERROR"),
    ],
)
def test_what_salesforce_refuses_is_refused(library: Any, values: dict[str, Any], code: str) -> None:
    assert refused(library.Opportunity.create, values) == (400, code)


def test_an_upsert_by_external_id_creates_once(library: Any, org: Org) -> None:
    values = {"LastName": "Abend", "Company": "Brightwell"}
    assert library.Lead.upsert("JDY_Data_Id__c/65a1b2c3", values) == 201
    assert library.Lead.upsert("JDY_Data_Id__c/65a1b2c3", {"Company": "Norvane"}) == 200
    assert [lead["Company"] for lead in org.records("Lead")] == ["Norvane"]
    assert library.Lead.get_by_custom_id("JDY_Data_Id__c", "65a1b2c3")["Company"] == "Norvane"
    duplicate = {**values, "JDY_Data_Id__c": "65a1b2c3"}
    assert refused(library.Lead.create, duplicate) == (400, "DUPLICATE_VALUE")


def test_more_than_a_batch_comes_with_a_locator_that_expires(library: Any, org: Org, server: SalesforceServer) -> None:
    wanted = {add_account(org, f"A{number}") for number in range(450)}
    options = {"Sforce-Query-Options": "batchSize=200"}
    first = library.query("SELECT Id FROM Account ORDER BY Id", headers=options)
    assert (len(first["records"]), first["totalSize"], first["done"]) == (200, 450, False)
    read = library.query_all("SELECT Id FROM Account", headers=options)["records"]
    assert {record["Id"] for record in read} == wanted
    org.clock.advance(3 * 86_400)
    assert refused(library.query_more, first["nextRecordsUrl"], True) == (400, "INVALID_QUERY_LOCATOR")


def test_changed_and_deleted_records_are_listed_within_salesforce_s_windows(library: Any, org: Org) -> None:
    keys = [add_account(org, f"A{number}") for number in range(3)]
    now = org.clock.now()
    hour = timedelta(hours=1)
    org.edit("Account", keys[0], Name="new")
    org.delete("Account", keys[1])
    org.clock.advance(5)
    assert library.Account.updated(now - hour, now + hour)["ids"] == [keys[0]]
    answer = library.Account.deleted(now - hour, now + hour)
    assert [item["id"] for item in answer["deletedRecords"]] == [keys[1]]
    assert datetime.fromisoformat(answer["latestDateCovered"]) < now + hour
    assert refused(library.Account.deleted, now - timedelta(seconds=60), now)[1] == "INVALID_REPLICATION_DATE"
    assert refused(library.Account.deleted, now - timedelta(days=17), now)[1] == "INVALID_REPLICATION_DATE"
    assert refused(library.Account.updated, now - timedelta(days=32), now)[1] == "INVALID_REPLICATION_DATE"


def test_conditions_on_the_time_of_the_last_change_hold(library: Any, org: Org) -> None:
    key = add_opportunity(org)
    stale = {"If-Unmodified-Since": (OLD - timedelta(seconds=1)).strftime("%a, %d %b %Y %H:%M:%S GMT")}
    exact = {"If-Unmodified-Since": OLD.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    status, _ = refused(library.Opportunity.update, key, {"Name": "x"}, headers=stale)
    assert status == 412
    assert org.tables["Opportunity"][key]["Name"] == "Deal D1"
    assert refused(library.Opportunity.update, key, {"Name": "x"}, headers={"If-Unmodified-Since": "now"})[0] == 400
    assert library.Opportunity.update(key, {"Name": "x"}, headers=exact) == 204
    assert refused(library.Opportunity.update, key, {"Name": "y"}, headers=exact)[0] == 412


def test_tags_are_for_accounts_only(library: Any, session: requests.Session, org: Org) -> None:
    account, opportunity = add_account(org), add_opportunity(org)
    headers = {"Authorization": f"Bearer {library.session_id}"}
    tag = session.get(f"{library.base_url}sobjects/Account/{account}", headers=headers).headers["ETag"]
    assert "ETag" not in session.get(f"{library.base_url}sobjects/Opportunity/{opportunity}", headers=headers).headers
    assert library.Account.update(account, {"Phone": "1"}, headers={"If-Match": tag}) == 204
    assert refused(library.Account.update, account, {"Phone": "2"}, headers={"If-Match": tag})[0] == 412


def test_an_edit_in_the_same_second_is_invisible_to_the_condition(library: Any, org: Org) -> None:
    key = add_opportunity(org, modified=OLD)
    org.tables["Opportunity"][key] |= {"Name": "theirs", "LastModifiedDate": OLD + timedelta(milliseconds=900)}
    condition = {"If-Unmodified-Since": OLD.strftime("%a, %d %b %Y %H:%M:%S GMT")}
    assert library.Opportunity.update(key, {"Name": "ours"}, headers=condition) == 204


def test_collections_report_each_record_and_roll_back_on_request(library: Any, org: Org) -> None:
    keys = [add_account(org, f"A{number}") for number in range(2)]
    good = {"attributes": {"type": "Account"}, "id": keys[0], "Phone": "1"}
    bad = {"attributes": {"type": "Account"}, "id": keys[1], "Name": "x" * 300}
    body = {"allOrNone": True, "records": [good, bad]}
    results = library.restful("composite/sobjects", method="PATCH", json=body)
    assert results is not None
    assert [item["success"] for item in results] == [False, False]
    assert results[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert org.tables["Account"][keys[0]]["Phone"] is None
    results = library.restful("composite/sobjects", method="PATCH", json={**body, "allOrNone": False})
    assert results is not None
    assert [item["success"] for item in results] == [True, False]
    assert results[1]["errors"][0]["statusCode"] == "STRING_TOO_LONG"
    many = {"records": [good] * 201}
    assert refused(library.restful, "composite/sobjects", method="PATCH", json=many)[0] == 400


def test_a_line_moves_its_quote_only_if_an_amount_changes(library: Any, org: Org) -> None:
    key = add_quote(org)
    library.QuoteLineItem.update(line_id("Q1", 1), {"Description": "blue"})
    assert org.tables["Quote"][key]["SystemModstamp"] == OLD
    library.QuoteLineItem.update(line_id("Q1", 1), {"Quantity": 3})
    assert org.tables["Quote"][key]["SystemModstamp"] > OLD
    assert library.query("SELECT GrandTotal, LineItemCount FROM Quote")["records"][0]["GrandTotal"] == 51.25


def test_sessions_end_and_unknown_versions_do_not_exist(server: SalesforceServer, library: Any) -> None:
    assert library.limits()["DailyApiRequests"]["Remaining"] == 99_999
    assert library.api_usage["api-usage"].used == 1
    server.expire_tokens()
    assert refused(library.limits) == (401, "INVALID_SESSION_ID")
    library.base_url = library.base_url.replace("v62.0", "v99.0")
    assert refused(library.limits) == (404, "NOT_FOUND")


def test_a_used_up_day_refuses_every_call(server: SalesforceServer, library: Any) -> None:
    server.daily_limit = 2
    library.limits()
    library.limits()
    assert refused(library.limits) == (403, "REQUEST_LIMIT_EXCEEDED")


def test_describe_tells_types_picklists_and_references(library: Any) -> None:
    described = library.Opportunity.describe()
    fields = {field["name"]: field for field in described["fields"]}
    assert [value["value"] for value in fields["StageName"]["picklistValues"]][-2:] == ["Closed Won", "Closed Lost"]
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert (fields["IsWon"]["updateable"], fields["Amount"]["updateable"]) == (False, True)
    assert {item["name"] for item in library.describe()["sobjects"]} >= {"Lead", "Quote", "Product2"}


def test_the_demo_company_fills_the_org_and_survives_a_restart(authority: Path, tmp_path: Path) -> None:
    world = build_world()
    with start(world, directory=authority) as first:
        counts = {name: len(first.org.records(name)) for name in ("Account", "Lead", "Opportunity", "Quote")}
        assert counts == {
            "Account": len(world.crm_accounts),
            "Lead": len(world.crm_leads),
            "Opportunity": len(world.crm_opportunities),
            "Quote": len(world.crm_quotes),
        }
        in_bin = [record["Name"] for record in first.org.records("Account") if record["IsDeleted"]]
        assert in_bin == [account.name for account in world.crm_accounts if account.deleted]
        quote = world.crm_quotes[0]
        shown = first.org.tables["Quote"][salesforce_id("quote", quote.key)]
        assert shown["Subtotal"] == sum(line.quantity * line.unit_price for line in quote.lines)
        assert shown["SystemModstamp"] == quote.updated_at
        first.save(tmp_path / "org.json")
        tables, log = first.org.tables, first.org.delete_log
    with start(directory=authority) as second:
        second.load(tmp_path / "org.json")
        assert second.org.tables == tables
        assert second.org.delete_log == log
