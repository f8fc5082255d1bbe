"""Pulling: nothing is lost, pages resume exactly, deletions are noticed, and a quiet org costs two calls a stream."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from connectors.contract import Cursor, Page, Window
from connectors.errors import ContractError
from connectors.rawjson import decode
from connectors.salesforce.connector import Salesforce
from sandbox.salesforce import SalesforceServer
from sandbox.salesforce.org import Org
from tests.connectors.salesforce.conftest import OLD, Make, add_account, add_opportunity, add_quote, line_id, until


def run(connector: Salesforce, stream: str, cursor: Cursor | None, window: Window) -> list[Page]:
    """All pages; the cursor goes through JSON as it does in the store."""
    held = None if cursor is None else json.loads(json.dumps(cursor))
    pages = list(connector.pull(stream, held, window))
    assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]
    return pages


def ids(pages: list[Page]) -> list[str]:
    return [record.source_id for page in pages for record in page.records]


def deleted(pages: list[Page]) -> list[str]:
    return [source_id for page in pages for source_id in page.deleted_ids]


def test_a_record_arrives_as_the_bytes_of_the_answer_with_exact_amounts_and_its_stamp(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    amount = Decimal("12345678901234.05")
    record_id = add_opportunity(org, Amount=amount)
    (page,) = run(connect(), "opportunity", None, until(server))
    (record,) = page.records
    assert record.source_id == record_id
    assert b'"Amount":12345678901234.05' in record.body
    assert decode(record.body)["Amount"] == amount
    assert record.version == int(OLD.timestamp()) * 1_000_000


def test_five_thousand_equal_stamps_are_all_read_in_small_pages(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    wanted = {add_account(org, f"A{number}") for number in range(5000)}
    pages = run(connect(page_size=400), "account", None, until(server))
    read = ids(pages)
    assert len(read) == 5000
    assert set(read) == wanted
    assert max(len(page.records) for page in pages) == 400


@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_a_pull_abandoned_after_any_page_resumes_exactly_there(
    server: SalesforceServer, org: Org, connect: Make, stop: int
) -> None:
    wanted = [add_account(org, f"A{number}", modified=OLD + timedelta(hours=number // 3)) for number in range(13)]
    connector = connect(page_size=3)
    first: list[Page] = []
    for page in connector.pull("account", None, until(server)):
        first.append(page)
        if len(first) == stop:
            break
    rest = run(connect(page_size=3), "account", first[-1].cursor, until(server))
    assert sorted(ids(first) + ids(rest)) == sorted(wanted)


def test_records_edited_while_paging_end_up_as_they_are_now(server: SalesforceServer, org: Org, connect: Make) -> None:
    keys = [add_account(org, f"A{number}", modified=OLD + timedelta(minutes=number)) for number in range(30)]
    connector = connect(page_size=7)
    held: dict[str, str] = {}
    cursor: Cursor | None = None
    window = until(server)
    org.clock.advance(5)
    for turn, page in enumerate(connector.pull("account", None, window)):
        held |= {record.source_id: decode(record.body)["Name"] for record in page.records}
        cursor = page.cursor
        for key in (keys[turn], keys[-1 - turn], keys[15]):
            org.edit("Account", key, Name=f"renamed in turn {turn}")
    for page in run(connector, "account", cursor, until(server)):
        held |= {record.source_id: decode(record.body)["Name"] for record in page.records}
    assert held == {record["Id"]: record["Name"] for record in org.records("Account")}


def test_a_commit_that_becomes_visible_late_is_read_by_the_next_pull(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    connector = connect()
    add_account(org, "A1")
    window = until(server)
    cursor = run(connector, "account", None, window)[-1].cursor
    late = add_account(org, "late", modified=(window.until - timedelta(minutes=5)).replace(microsecond=0))
    assert late in ids(run(connector, "account", cursor, until(server, 60)))


def test_a_late_commit_is_read_even_if_the_pull_before_was_interrupted_for_hours(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    connector = connect(page_size=2)
    began = until(server)
    recently = (began.until - timedelta(seconds=90)).replace(microsecond=0)
    for number in range(3):
        add_account(org, f"A{number}", modified=recently + timedelta(seconds=30 * number))
    page = next(iter(connector.pull("account", None, began)))
    assert not page.complete
    late = add_account(org, "late", modified=recently + timedelta(seconds=10))  # behind the page's end
    org.clock.advance(5 * 3600)
    pages = run(connector, "account", page.cursor, until(server))
    assert late not in ids(pages)
    assert late in ids(run(connector, "account", pages[-1].cursor, until(server)))


def test_nothing_changed_costs_one_query_and_one_call_for_deletions_and_leaves_the_cursor(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    add_quote(org)
    add_account(org)
    connector = connect()
    for spec in connector.streams():
        cursor = run(connector, spec.name, None, until(server))[-1].cursor
        server.forget()
        org.clock.advance(900)
        (page,) = run(connector, spec.name, cursor, until(server))
        assert (page.records, page.deleted_ids) == ([], [])
        assert page.cursor == cursor
        assert [request.path.split("/")[4] for request in server.requests()] == ["sobjects", "query"]


def test_only_what_changed_since_the_last_pull_comes_again(server: SalesforceServer, org: Org, connect: Make) -> None:
    keys = [add_account(org, f"A{number}") for number in range(5)]
    connector = connect()
    cursor = run(connector, "account", None, until(server))[-1].cursor
    org.clock.advance(3600)
    org.edit("Account", keys[2], Name="New name")
    assert ids(run(connector, "account", cursor, until(server))) == [keys[2]]


def test_a_change_within_the_window_s_last_moment_waits_for_the_next_pull(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    connector = connect()
    window = Window(until=org.clock.now() - timedelta(seconds=5))
    key = add_account(org, modified=org.clock.stamp())
    pages = run(connector, "account", None, window)
    assert ids(pages) == []
    assert ids(run(connector, "account", pages[-1].cursor, until(server))) == [key]


def test_full_reads_everything_again_and_since_from_there(server: SalesforceServer, org: Org, connect: Make) -> None:
    keys = [add_account(org, f"A{number}", modified=OLD + timedelta(days=number)) for number in range(4)]
    connector = connect()
    cursor = run(connector, "account", None, until(server))[-1].cursor
    now = until(server).until
    assert ids(run(connector, "account", cursor, Window(until=now, full=True))) == keys
    for held in (cursor, None):
        assert ids(run(connector, "account", held, Window(until=now, since=OLD + timedelta(days=2)))) == keys[2:]


def test_deleted_records_are_reported_once(server: SalesforceServer, org: Org, connect: Make) -> None:
    keys = [add_account(org, f"A{number}") for number in range(4)]
    connector = connect()
    cursor = run(connector, "account", None, until(server))[-1].cursor
    org.clock.advance(3600)
    org.delete("Account", keys[1])
    org.delete("Account", keys[3])
    pages = run(connector, "account", cursor, until(server))
    assert sorted(deleted(pages)) == sorted([keys[1], keys[3]])
    org.clock.advance(3600)
    assert deleted(run(connector, "account", pages[-1].cursor, until(server))) == []


def test_a_purged_record_is_still_reported_from_the_delete_log(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    key = add_account(org)
    connector = connect()
    cursor = run(connector, "account", None, until(server))[-1].cursor
    org.clock.advance(3600)
    org.delete("Account", key)
    org.purge()
    assert deleted(run(connector, "account", cursor, until(server))) == [key]


def test_children_deleted_with_their_parent_are_reported(server: SalesforceServer, org: Org, connect: Make) -> None:
    quote = add_quote(org)
    connector = connect()
    cursor = run(connector, "quote", None, until(server))[-1].cursor
    org.clock.advance(3600)
    org.delete("Opportunity", org.records("Opportunity")[0]["Id"])
    assert deleted(run(connector, "quote", cursor, until(server))) == [quote]


def test_an_undeleted_record_comes_back(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_account(org)
    connector = connect()
    cursor = run(connector, "account", None, until(server))[-1].cursor
    org.clock.advance(3600)
    org.delete("Account", key)
    cursor = run(connector, "account", cursor, until(server))[-1].cursor
    org.clock.advance(3600)
    org.undelete("Account", key)
    pages = run(connector, "account", cursor, until(server))
    assert (deleted(pages), ids(pages)) == ([], [key])


def test_the_first_pull_brings_the_recycle_bin_along_as_records_and_as_deletions(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    alive, gone = add_account(org, "alive"), add_account(org, "gone")
    org.delete("Account", gone, OLD + timedelta(days=1))
    connector = connect()
    pages = run(connector, "account", None, until(server))
    assert sorted(ids(pages)) == sorted([alive, gone])
    assert deleted(pages) == [gone]
    for cursor in (None, pages[-1].cursor):
        again = run(connector, "account", cursor, Window(until=until(server).until, full=True))
        assert (ids(again), deleted(again)) == ([alive], [gone])  # known already, so it must not come back to life


@pytest.mark.parametrize("days", [20, 400])
def test_a_pull_after_more_than_fifteen_days_finds_deletions_in_the_recycle_bin(
    server: SalesforceServer, org: Org, connect: Make, days: int
) -> None:
    keys = [add_account(org, f"A{number}") for number in range(5)]
    connector = connect(page_size=2)
    cursor = run(connector, "account", None, until(server))[-1].cursor
    org.clock.advance(days * 86_400)
    for key in keys[:3]:
        org.delete("Account", key, org.clock.stamp() - timedelta(days=days - 1))
    server.forget()
    pages = run(connector, "account", cursor, until(server))
    assert sorted(deleted(pages)) == sorted(keys[:3])
    assert server.requests("/deleted/") == []


def test_a_trimmed_delete_log_falls_back_to_the_recycle_bin(server: SalesforceServer, org: Org, connect: Make) -> None:
    key = add_account(org)
    connector = connect()
    cursor = run(connector, "account", None, until(server))[-1].cursor
    org.clock.advance(3600)
    org.delete("Account", key)
    org.forget_deletions("Account")
    assert deleted(run(connector, "account", cursor, until(server))) == [key]


def test_the_next_window_of_deletions_starts_where_salesforce_says_the_last_one_was_covered(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    keys = [add_account(org, f"A{number}") for number in range(2)]
    connector = connect()
    cursor = run(connector, "account", None, until(server))[-1].cursor
    org.clock.advance(3600)
    org.delete("Account", keys[0])
    covered = org.clock.stamp() - timedelta(minutes=20)
    body = {
        "deletedRecords": [{"id": keys[0], "deletedDate": "2026-10-31T00:00:00.000+0000"}],
        "earliestDateAvailable": "2026-10-01T00:00:00.000+0000",
        "latestDateCovered": covered.isoformat(timespec="milliseconds"),
    }
    server.faults.answer("/deleted/", 200, body)
    cursor = run(connector, "account", cursor, until(server))[-1].cursor
    org.clock.advance(3600)
    run(connector, "account", cursor, until(server))
    start = covered.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert f"start={start}" in server.requests("/deleted/")[-1].query


def test_a_quote_comes_with_all_its_lines_in_their_order(server: SalesforceServer, org: Org, connect: Make) -> None:
    add_quote(org, lines=7)
    server.locators.child_batch = 3
    (page,) = run(connect(), "quote", None, until(server))
    shown = decode(page.records[0].body)["QuoteLineItems"]
    assert [line["SortOrder"] for line in shown["records"]] == [1, 2, 3, 4, 5, 6, 7]
    assert shown["done"] is True
    assert shown["records"][0]["Product2"]["ProductCode"] == "PT-100"
    assert shown["records"][6]["UnitPrice"] == Decimal("10.25")


def test_a_line_that_changes_an_amount_brings_its_quote_at_once(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    quote = add_quote(org)
    connector = connect()
    cursor = run(connector, "quote", None, until(server))[-1].cursor
    org.clock.advance(60)
    org.edit("QuoteLineItem", line_id("Q1", 1), UnitPrice=Decimal("11"))
    pages = run(connector, "quote", cursor, until(server))
    assert ids(pages) == [quote]
    assert decode(pages[-1].records[0].body)["TotalPrice"] == Decimal("42.5")


@pytest.mark.parametrize("action", ["halve", "delete"])
def test_a_line_that_leaves_the_total_as_it_was_brings_its_quote_within_the_hour(
    server: SalesforceServer, org: Org, connect: Make, action: str
) -> None:
    quote = add_quote(org)
    org.load("QuoteLineItem", {**org.records("QuoteLineItem")[0], "Id": line_id("Q1", 9), "UnitPrice": Decimal(0)})
    org.edit("Quote", quote, Name="touched")
    connector = connect()
    org.clock.advance(1200)
    cursor = run(connector, "quote", None, until(server))[-1].cursor
    org.clock.advance(3700)
    if action == "halve":
        org.edit("QuoteLineItem", line_id("Q1", 1), UnitPrice=Decimal("20.50"), Quantity=Decimal(1))
    else:
        org.delete("QuoteLineItem", line_id("Q1", 9))
    pages = run(connector, "quote", cursor, until(server))
    assert ids(pages) == [quote]
    lines = decode(pages[0].records[0].body)["QuoteLineItems"]["records"]
    assert (len(lines), lines[0]["Quantity"]) == ((3, 1) if action == "halve" else (2, 2))


def test_fields_the_org_lacks_are_left_out_and_asked_for_again_after_a_day(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    removed = org.objects["Opportunity"].fields["LTC_Order_Number__c"]
    org.hide_field("Opportunity", "LTC_Order_Number__c")
    org.hide_field("Opportunity", "CurrencyIsoCode")
    add_opportunity(org)
    connector = connect()
    (page,) = run(connector, "opportunity", None, until(server))
    assert "LTC_Order_Number__c" not in decode(page.records[0].body)
    assert "LTC_Payment_Status__c" in decode(page.records[0].body)
    org.clock.advance(3600)
    server.forget()
    cursor = run(connector, "opportunity", page.cursor, until(server))[-1].cursor
    assert len(server.requests()) == 2  # it is not found out anew
    org.add_field("Opportunity", removed)
    org.clock.advance(86_400)
    key = add_opportunity(org, "D2", modified=org.clock.stamp())
    (page,) = run(connector, "opportunity", cursor, until(server))
    assert [record.source_id for record in page.records] == [key]
    assert "LTC_Order_Number__c" in decode(page.records[0].body)


def test_a_standard_field_we_may_not_see_stops_the_stream_with_the_remedy(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    org.hide_field("Opportunity", "Amount")
    with pytest.raises(ContractError, match=r"not visible to the integration user.*ltc check"):
        run(connect(), "opportunity", None, until(server))


def test_an_own_name_of_a_custom_field_is_read_instead_of_ours(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    field = org.objects["Opportunity"].fields["LTC_Order_Number__c"]
    org.add_field("Opportunity", replace(field, name="Order_No__c"))
    add_opportunity(org, Order_No__c="SO-1")
    names = {"opportunity": {"LTC_Order_Number__c": "Order_No__c", "LTC_Billing_Status__c": None}}
    connector = connect(custom_fields=names)
    (page,) = run(connector, "opportunity", None, until(server))
    shown = decode(page.records[0].body)
    assert shown["Order_No__c"] == "SO-1"
    assert not {"LTC_Order_Number__c", "LTC_Billing_Status__c"} & shown.keys()
    writable = next(spec.writable for spec in connector.streams() if spec.name == "opportunity")
    assert writable == ("Order_No__c", "LTC_Delivery_Status__c", "LTC_Payment_Status__c")


def test_an_answer_that_is_no_query_result_stops_the_stream_and_shows_no_values(
    server: SalesforceServer, connect: Make
) -> None:
    server.faults.answer("/query", 200, {"records": "secret value", "size": 3})
    with pytest.raises(ContractError) as caught:
        run(connect(), "account", None, until(server))
    assert "secret value" not in str(caught.value)
    assert "records" in str(caught.value)


def test_a_page_that_ends_in_the_middle_stops_the_stream(server: SalesforceServer, org: Org, connect: Make) -> None:
    add_account(org)
    server.faults.corrupt("/query")
    with pytest.raises(ContractError):
        run(connect(), "account", None, until(server))


def test_all_live_ids_can_be_listed_for_a_sweep(server: SalesforceServer, org: Org, connect: Make) -> None:
    keys = [add_account(org, f"A{number}") for number in range(9)]
    org.delete("Account", keys.pop())
    batches = list(connect(page_size=3).ids("account"))
    assert sorted(key for batch in batches for key in batch) == sorted(keys)
    assert max(len(batch) for batch in batches) == 3
