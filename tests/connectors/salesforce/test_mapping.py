"""The shipped mapping: the demo company maps without a reject, every default picklist value is known, and back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import RawRecord, Window
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.connector import Salesforce
from mappings.engine import MappingError, load, unmapped
from mappings.model import ENTITIES, LINES, columns
from mappings.statuses import STATUSES
from sandbox.jiandaoyun import native_data_id
from sandbox.salesforce import salesforce_id, start
from sandbox.salesforce.schema import (
    APPROVALS,
    BILLING_STATES,
    DELIVERY_STATES,
    LEAD_STATUSES,
    PAYMENT_STATES,
    QUOTE_STATUSES,
    STAGES,
)
from sandbox.world.build import build_world
from sandbox.world.records import World

MAPPING = load("salesforce")
Records = dict[str, dict[str, RawRecord]]


@pytest.fixture(scope="module")
def world() -> World:
    return build_world()


@pytest.fixture(scope="module")
def records(world: World, authority: Path) -> Iterator[Records]:
    """Stream → id → record of the demo company, as pulled."""
    with start(world, directory=authority) as server, Salesforce(SalesforceConfig(**server.config)) as connector:
        window = Window(until=datetime.now(UTC))
        yield {
            spec.name: {
                record.source_id: record for page in connector.pull(spec.name, None, window) for record in page.records
            }
            for spec in connector.streams()
        }


def mapped(stream: str, record: RawRecord) -> dict[str, Any]:
    """The canonical row by field name; lines under ``lines``."""
    chosen = MAPPING.stream(stream)
    found = chosen.map("crm", record.source_id, record.body)
    row = dict(zip((column.name for column in columns(ENTITIES[chosen.entity])), found.row, strict=True))
    if chosen.entity in LINES:
        names = [column.name for column in columns(LINES[chosen.entity].model)]
        row["lines"] = [dict(zip(names, line, strict=True)) for line in found.lines]
    return row


def test_every_record_of_the_demo_company_maps(records: Records) -> None:
    for stream, found in records.items():
        assert found
        for record in found.values():
            assert mapped(stream, record)["status"] is not None


def test_a_lead_points_to_its_form_and_to_what_became_of_it(records: Records, world: World) -> None:
    lead = next(lead for lead in world.crm_leads if lead.form_key and lead.converted_at and lead.opportunity_key)
    form = next(form for form in world.form_leads if form.key == lead.form_key)
    row = mapped("lead", records["lead"][salesforce_id("lead", lead.key)])
    assert row["lead_ref"] == f"ext:{native_data_id(form)}"
    assert row["opportunity_ref"] == f"id:{salesforce_id('opportunity', lead.opportunity_key or '')}"
    assert row["party_ref"] == f"id:{salesforce_id('account', lead.account_key or '')}"
    assert (row["status"], row["email"], row["country"]) == ("converted", lead.email.lower(), lead.country)
    assert lead.converted_at is not None
    noon = lead.converted_at.replace(hour=12, minute=0, second=0)
    assert row["converted_at"] == int(noon.timestamp()) * 1_000_000


def test_an_account_is_a_party_with_its_tax_id(records: Records, world: World) -> None:
    account = world.crm_accounts[3]
    row = mapped("account", records["account"][salesforce_id("account", account.key)])
    assert (row["name"], row["tax_id"], row["country"]) == (account.name, account.tax_id, account.country)
    assert row["domain"] == account.website.removeprefix("https://www.")


@pytest.mark.parametrize("currency", ["CNY", "JPY", "EUR"])
def test_a_quote_has_exact_amounts_and_lines(records: Records, world: World, currency: str) -> None:
    quote = next(item for item in world.crm_quotes if item.currency == currency and len(item.lines) > 1)
    row = mapped("quote", records["quote"][salesforce_id("quote", quote.key)])
    units = 1 if currency == "JPY" else 100
    net = sum(line.quantity * line.unit_price for line in quote.lines)
    assert row["number"] == quote.number
    assert row["net_amount"] == net * units
    assert row["gross_amount"] == row["net_amount"] + row["tax_amount"]
    assert (row["issue_date"], row["valid_until"]) == (quote.issue_date.isoformat(), quote.expiration_date.isoformat())
    assert row["approval_state"] == quote.approval
    assert row["opportunity_ref"] == f"id:{salesforce_id('opportunity', quote.opportunity_key)}"
    assert [line["sku"] for line in row["lines"]] == [line.sku for line in quote.lines]
    assert [line["line_no"] for line in row["lines"]] == list(range(1, len(quote.lines) + 1))


def test_an_opportunity_shows_what_was_written_back_and_when_it_was_closed(records: Records, world: World) -> None:
    won = next(item for item in world.crm_opportunities if item.order_number and item.stage == "Closed Won")
    row = mapped("opportunity", records["opportunity"][salesforce_id("opportunity", won.key)])
    assert (row["status"], row["stage"], row["probability"]) == ("won", "close", "1")
    assert (row["order_number"], row["delivery_state"]) == (won.order_number, won.delivery_status)
    assert (row["billing_state"], row["payment_state"]) == (won.billing_status, won.payment_status)
    assert row["closed_at"] is not None
    still_open = next(item for item in world.crm_opportunities if not item.stage.startswith("Closed"))
    row = mapped("opportunity", records["opportunity"][salesforce_id("opportunity", still_open.key)])
    assert (row["status"], row["closed_at"]) == ("open", None)
    assert row["expected_close_date"] == still_open.close_date.isoformat()


@pytest.mark.parametrize(
    ("stream", "field", "values"),
    [("lead", "Status", LEAD_STATUSES), ("opportunity", "StageName", STAGES), ("quote", "Status", QUOTE_STATUSES)],
)
def test_every_default_picklist_value_has_a_status(stream: str, field: str, values: tuple[str, ...]) -> None:
    table = MAPPING.stream(stream).definition.status
    assert table is not None
    assert set(values) <= set(table.table)
    assert set(table.table.values()) <= set(STATUSES[MAPPING.stream(stream).entity])


def test_an_unknown_status_is_refused_with_the_known_ones() -> None:
    body = b'{"Id": "006", "Name": "x", "StageName": "Verbal Yes", "IsClosed": false}'
    with pytest.raises(MappingError) as caught:
        MAPPING.stream("opportunity").map("crm", "006", body)
    assert "Verbal Yes" in str(caught.value)
    assert "Negotiation/Review" in str(caught.value)


def test_amounts_without_a_currency_are_refused_not_guessed() -> None:
    body = b'{"Id": "006", "Name": "x", "StageName": "Closed Won", "IsClosed": true, "Amount": 5.00}'
    with pytest.raises(MappingError, match="currency"):
        MAPPING.stream("opportunity").map("crm", "006", body)


@pytest.mark.parametrize(
    ("field", "source", "values"),
    [
        ("delivery_state", "LTC_Delivery_Status__c", DELIVERY_STATES),
        ("billing_state", "LTC_Billing_Status__c", BILLING_STATES),
        ("payment_state", "LTC_Payment_Status__c", PAYMENT_STATES),
        ("order_number", "LTC_Order_Number__c", ("SO-00012",)),
    ],
)
def test_what_we_show_in_salesforce_is_written_as_it_is_read(field: str, source: str, values: tuple[str, ...]) -> None:
    for stream in ("opportunity", "quote"):
        chosen = MAPPING.stream(stream)
        if stream == "quote" and field == "billing_state":
            assert field not in chosen.writable
            continue
        for value in values:
            assert chosen.reverse(field, value) == (source, value)
            assert chosen.source_value(field, {source: value}) == value


def test_every_writable_field_of_the_mapping_is_one_the_connector_writes() -> None:
    config = SalesforceConfig(instance_url="https://acme.my.salesforce.com", client_id="x", client_secret="y")
    for spec in Salesforce(config).streams():
        assert set(MAPPING.stream(spec.name).writable.values()) == set(spec.writable)
        assert MAPPING.stream(spec.name).entity == spec.entity


def test_all_approval_states_are_known() -> None:
    for value, wanted in zip(APPROVALS, ("not_required", "pending", "approved", "rejected"), strict=True):
        body = f'{{"Id": "0Q0", "QuoteNumber": "1", "Status": "Draft", "Approval_Status__c": "{value}"}}'.encode()
        assert mapped("quote", RawRecord("0Q0", body))["approval_state"] == wanted


def test_nothing_that_is_read_is_forgotten(records: Records) -> None:
    """What is pulled and not mapped is on purpose: system fields, and free text beside a code."""
    known = {"Id", "IsDeleted", "LastModifiedDate", "IsWon", "Subtotal", "FirstName", "LastName"}
    known |= {"BillingCountry", "Country"}
    for stream, found in records.items():
        for record in list(found.values())[:50]:
            left = {path for path in unmapped(MAPPING, stream, record.body) if "attributes" not in path}
            assert {path for path in left if not path.startswith("QuoteLineItems")} <= known
