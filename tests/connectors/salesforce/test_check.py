"""``ltc check``: one line per stream, missing fields by name with what to create."""

from __future__ import annotations

from dataclasses import replace

from connectors.contract import CheckLine
from sandbox.salesforce import SalesforceServer
from sandbox.salesforce.org import Org
from tests.connectors.salesforce.conftest import Make, error


def lines(connect: Make, **settings: object) -> dict[str, CheckLine]:
    return {line.stream: line for line in connect(**settings).check()}


def test_a_complete_org_can_be_read_and_written(server: SalesforceServer, connect: Make) -> None:
    checked = lines(connect)
    assert list(checked) == ["product", "account", "contact", "opportunity", "quote", "lead"]
    assert all(line.ok and line.can_read and not line.remedy for line in checked.values())
    assert [name for name, line in checked.items() if line.can_write] == ["opportunity", "quote"]


def test_missing_custom_fields_are_named_with_what_to_create(server: SalesforceServer, org: Org, connect: Make) -> None:
    org.hide_field("Quote", "LTC_Payment_Status__c")
    org.hide_field("Lead", "JDY_Data_Id__c")
    checked = lines(connect)
    assert checked["quote"].ok
    assert checked["quote"].can_write is False
    assert "Create Quote.LTC_Payment_Status__c as picklist: none, unpaid" in checked["quote"].remedy
    assert "Create Lead.JDY_Data_Id__c as text (24), external id, unique" in checked["lead"].remedy


def test_a_field_we_may_not_edit_is_named(server: SalesforceServer, org: Org, connect: Make) -> None:
    field = org.objects["Opportunity"].fields["LTC_Billing_Status__c"]
    org.add_field("Opportunity", replace(field, updateable=False))
    line = lines(connect)["opportunity"]
    assert line.can_write is False
    assert "edit access to LTC_Billing_Status__c" in line.remedy


def test_standard_fields_we_may_not_see_are_named_those_of_lines_too(
    server: SalesforceServer, org: Org, connect: Make
) -> None:
    org.hide_field("Opportunity", "Amount")
    org.hide_field("QuoteLineItem", "UnitPrice")
    checked = lines(connect)
    assert not checked["opportunity"].ok
    assert "Amount" in checked["opportunity"].detail
    assert "QuoteLineItem.UnitPrice" in checked["quote"].detail
    assert "field-level security" in checked["quote"].remedy


def test_a_single_currency_org_is_told_to_set_its_currency(server: SalesforceServer, org: Org, connect: Make) -> None:
    org.hide_field("Opportunity", "CurrencyIsoCode")
    assert "set the currency of opportunity in your mapping" in lines(connect)["opportunity"].remedy


def test_a_refused_stream_does_not_hide_the_others(server: SalesforceServer, connect: Make) -> None:
    server.faults.answer("/Quote/describe", 404, error("NOT_FOUND"))
    checked = lines(connect)
    assert [name for name, line in checked.items() if not line.ok] == ["quote"]


def test_wrong_credentials_fail_every_line_with_the_remedy(server: SalesforceServer, connect: Make) -> None:
    checked = lines(connect, client_secret="wrong")
    assert not any(line.ok for line in checked.values())
    assert all("client_secret" in line.remedy for line in checked.values())
