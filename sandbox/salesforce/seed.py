"""The CRM's part of the demo company, as Salesforce records."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sandbox.jiandaoyun import native_data_id
from sandbox.salesforce.ids import salesforce_id
from sandbox.salesforce.org import Org
from sandbox.salesforce.schema import STAGES
from sandbox.world.deals import exponent
from sandbox.world.records import CrmLead, CrmOpportunity, CrmQuote, SalesLine, World

_SOURCES = {"web": "Web", "fair": "Fair", "ads": "Ads", "wechat": "WeChat", "referral": "Referral"}
_APPROVALS = {"not_required": "Not Required", "pending": "Pending", "approved": "Approved", "rejected": "Rejected"}
_COUNTRIES = {"CN": "China", "US": "United States", "DE": "Germany", "FR": "France", "IT": "Italy", "JP": "Japan"}


def fill(org: Org, world: World) -> None:
    """Put products, accounts, contacts, leads, opportunities and quotes in, then delete what people deleted."""
    form_ids = {lead.key: native_data_id(lead) for lead in world.form_leads}
    with org.lock:
        _products(org, world)
        _accounts(org, world)
        for opportunity in world.crm_opportunities:
            _opportunity(org, opportunity)
        for quote in world.crm_quotes:
            _quote(org, quote)
        for lead in world.crm_leads:
            _lead(org, lead, form_ids)
        _delete(org, world)


def _products(org: Org, world: World) -> None:
    for product in world.products:
        values = {
            "Id": salesforce_id("product", product.sku),
            "Name": product.name,
            "ProductCode": product.sku,
            "QuantityUnitOfMeasure": product.unit,
            "Family": "Service" if product.service else "Goods",
            "IsActive": True,
            "CreatedDate": world.crm_accounts[0].created_at,
        }
        org.load("Product2", values, modified=world.crm_accounts[0].created_at)


def _accounts(org: Org, world: World) -> None:
    for account in world.crm_accounts:
        values = {
            "Id": salesforce_id("account", account.key),
            "Name": account.name,
            "AccountNumber": account.key,
            "Phone": account.phone,
            "Website": account.website,
            "BillingStreet": account.street,
            "BillingCity": account.city,
            "BillingPostalCode": account.postal_code,
            "BillingCountry": _COUNTRIES.get(account.country, account.country),
            "BillingCountryCode": account.country,
            "Tax_Id__c": account.tax_id or None,
            "CreatedDate": account.created_at,
        }
        org.load("Account", values, modified=account.updated_at)
    for contact in world.crm_contacts:
        values = {
            "Id": salesforce_id("contact", contact.key),
            "AccountId": salesforce_id("account", contact.account_key),
            "FirstName": contact.first_name,
            "LastName": contact.last_name,
            "Email": contact.email,
            "Phone": contact.phone,
            "CreatedDate": contact.created_at,
        }
        org.load("Contact", values, modified=contact.updated_at)


def _lead(org: Org, lead: CrmLead, form_ids: dict[str, str]) -> None:
    def link(kind: str, key: str | None) -> str | None:
        return salesforce_id(kind, key) if key and lead.converted_at else None

    values: dict[str, Any] = {
        "Id": salesforce_id("lead", lead.key),
        "FirstName": lead.first_name,
        "LastName": lead.last_name,
        "Company": lead.company,
        "Email": lead.email or None,
        "Phone": lead.phone or None,
        "Country": _COUNTRIES.get(lead.country, lead.country),
        "CountryCode": lead.country,
        "LeadSource": _SOURCES.get(lead.source, lead.source),
        "Status": lead.status,
        "IsConverted": lead.converted_at is not None,
        "ConvertedDate": lead.converted_at.date() if lead.converted_at else None,
        "ConvertedAccountId": link("account", lead.account_key),
        "ConvertedContactId": link("contact", lead.contact_key),
        "ConvertedOpportunityId": link("opportunity", lead.opportunity_key),
        "JDY_Data_Id__c": form_ids[lead.form_key] if lead.form_key else None,
        "CreatedDate": lead.created_at,
    }
    org.load("Lead", values, modified=lead.updated_at)


def _opportunity(org: Org, opportunity: CrmOpportunity) -> None:
    values = {
        "Id": salesforce_id("opportunity", opportunity.key),
        "AccountId": salesforce_id("account", opportunity.account_key),
        "Name": opportunity.name[:120],
        "StageName": opportunity.stage,
        "Amount": opportunity.amount,
        "CurrencyIsoCode": opportunity.currency,
        "Probability": Decimal(opportunity.probability),
        "CloseDate": opportunity.close_date,
        "CreatedDate": opportunity.created_at,
        "LTC_Order_Number__c": opportunity.order_number or None,
        "LTC_Delivery_Status__c": opportunity.delivery_status or None,
        "LTC_Billing_Status__c": opportunity.billing_status or None,
        "LTC_Payment_Status__c": opportunity.payment_status or None,
        "Invoice_Sent_On__c": opportunity.invoice_sent_on,
    }
    assert opportunity.stage in STAGES
    org.load("Opportunity", values, modified=opportunity.updated_at)


def _quote(org: Org, quote: CrmQuote) -> None:
    values = {
        "Id": salesforce_id("quote", quote.key),
        "OpportunityId": salesforce_id("opportunity", quote.opportunity_key),
        "QuoteNumber": quote.number,
        "Name": quote.name,
        "Status": quote.status,
        "Approval_Status__c": _APPROVALS[quote.approval],
        "CurrencyIsoCode": quote.currency,
        "ExpirationDate": quote.expiration_date,
        "Tax": sum((_tax(line, quote.currency) for line in quote.lines), Decimal(0)),
        "CreatedDate": quote.created_at,
        "LTC_Order_Number__c": quote.order_number or None,
        "LTC_Delivery_Status__c": quote.delivery_status or None,
        "LTC_Payment_Status__c": quote.payment_status or None,
    }
    org.load("Quote", values, modified=quote.updated_at)
    for place, line in enumerate(quote.lines, 1):
        values = {
            "Id": salesforce_id("quote_line", f"{quote.key}-{place}"),
            "QuoteId": salesforce_id("quote", quote.key),
            "Product2Id": salesforce_id("product", line.sku),
            "Quantity": line.quantity,
            "UnitPrice": line.unit_price,
            "Description": line.description,
            "SortOrder": Decimal(place),
            "CurrencyIsoCode": quote.currency,
            "CreatedDate": quote.created_at,
        }
        org.load("QuoteLineItem", values, modified=quote.updated_at)


def _tax(line: SalesLine, currency: str) -> Decimal:
    return (line.quantity * line.unit_price * line.tax_rate).quantize(exponent(currency))


def _delete(org: Org, world: World) -> None:
    for account in world.crm_accounts:
        if account.deleted:
            org.delete("Account", salesforce_id("account", account.key), account.updated_at)
    for opportunity in world.crm_opportunities:
        if opportunity.deleted:
            org.delete("Opportunity", salesforce_id("opportunity", opportunity.key), opportunity.updated_at)
    for quote in world.crm_quotes:
        key = salesforce_id("quote", quote.key)
        if quote.deleted and not org.tables["Quote"][key]["IsDeleted"]:
            org.delete("Quote", key, quote.updated_at)
