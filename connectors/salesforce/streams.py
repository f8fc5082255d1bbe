"""The streams: which object each one is, the fields that are read, and those that are written."""

from __future__ import annotations

from dataclasses import dataclass, replace

from connectors.contract import Deletes, StreamSpec
from connectors.salesforce.config import SalesforceConfig

CURSOR_FIELD = "SystemModstamp"
_SYSTEM = ("Id", "IsDeleted", "CreatedDate", "LastModifiedDate", CURSOR_FIELD)


@dataclass(frozen=True, slots=True)
class Lines:
    """Child records that are part of the record."""

    relationship: str
    object: str
    parent: str
    """The child's field with the parent's id."""
    parent_relationship: str
    fields: tuple[str, ...]
    order: str


@dataclass(frozen=True, slots=True)
class Stream:
    """One stream."""

    spec: StreamSpec
    object: str
    fields: tuple[str, ...]
    """Standard fields that the mapping needs."""
    optional: tuple[str, ...] = ()
    """Fields an org may lack: custom ones, and those that come with a feature (currencies, country codes)."""
    lines: Lines | None = None

    @property
    def name(self) -> str:
        """As in ltc.yaml."""
        return self.spec.name

    def selected(self, missing: frozenset[str]) -> tuple[str, ...]:
        """Every field to read, without those that the org lacks."""
        return (*_SYSTEM, *self.fields, *(name for name in self.optional if name not in missing))


_PRODUCT = Stream(
    StreamSpec("product", "product", CURSOR_FIELD, Deletes.TOMBSTONES),
    "Product2",
    ("Name", "ProductCode", "IsActive", "QuantityUnitOfMeasure"),
)
_ACCOUNT = Stream(
    StreamSpec("account", "party", CURSOR_FIELD, Deletes.TOMBSTONES),
    "Account",
    (
        "Name",
        "AccountNumber",
        "Phone",
        "Website",
        "BillingStreet",
        "BillingCity",
        "BillingPostalCode",
        "BillingCountry",
        "OwnerId",
    ),
    ("BillingCountryCode", "Tax_Id__c"),
)
_CONTACT = Stream(
    StreamSpec("contact", "contact", CURSOR_FIELD, Deletes.TOMBSTONES, depends_on=("account",)),
    "Contact",
    ("FirstName", "LastName", "Email", "Phone", "MobilePhone", "AccountId", "OwnerId"),
)
_OPPORTUNITY_STATES = (
    "LTC_Order_Number__c",
    "LTC_Delivery_Status__c",
    "LTC_Billing_Status__c",
    "LTC_Payment_Status__c",
)
_OPPORTUNITY = Stream(
    StreamSpec(
        "opportunity",
        "opportunity",
        CURSOR_FIELD,
        Deletes.TOMBSTONES,
        writable=_OPPORTUNITY_STATES,
        depends_on=("account",),
    ),
    "Opportunity",
    ("Name", "AccountId", "StageName", "Amount", "Probability", "CloseDate", "IsClosed", "IsWon", "OwnerId"),
    ("CurrencyIsoCode", *_OPPORTUNITY_STATES, "Invoice_Sent_On__c"),
)
_QUOTE_STATES = ("LTC_Order_Number__c", "LTC_Delivery_Status__c", "LTC_Payment_Status__c")
_QUOTE = Stream(
    StreamSpec(
        "quote",
        "quote",
        CURSOR_FIELD,
        Deletes.TOMBSTONES,
        writable=_QUOTE_STATES,
        depends_on=("opportunity", "product"),
    ),
    "Quote",
    (
        "QuoteNumber",
        "Name",
        "OpportunityId",
        "AccountId",
        "Status",
        "ExpirationDate",
        "Subtotal",
        "TotalPrice",
        "Tax",
        "GrandTotal",
        "OwnerId",
    ),
    ("CurrencyIsoCode", "Approval_Status__c", *_QUOTE_STATES),
    Lines(
        "QuoteLineItems",
        "QuoteLineItem",
        "QuoteId",
        "Quote",
        (
            "Id",
            "LineNumber",
            "SortOrder",
            "Product2Id",
            "Product2.ProductCode",
            "Product2.QuantityUnitOfMeasure",
            "Description",
            "Quantity",
            "UnitPrice",
            "Discount",
            "TotalPrice",
        ),
        "SortOrder NULLS LAST, Id",
    ),
)
_LEAD = Stream(
    StreamSpec(
        "lead",
        "lead",
        CURSOR_FIELD,
        Deletes.TOMBSTONES,
        depends_on=("account", "contact", "opportunity"),
        creatable="LTC_Key__c",
        refuses_doubles=True,
    ),
    "Lead",
    (
        "FirstName",
        "LastName",
        "Name",
        "Company",
        "Email",
        "Phone",
        "MobilePhone",
        "Country",
        "LeadSource",
        "Status",
        "IsConverted",
        "ConvertedDate",
        "ConvertedAccountId",
        "ConvertedContactId",
        "ConvertedOpportunityId",
        "OwnerId",
    ),
    ("CountryCode", "JDY_Data_Id__c", "LTC_Key__c"),
)
_ALL = (_PRODUCT, _ACCOUNT, _CONTACT, _OPPORTUNITY, _QUOTE, _LEAD)


def streams(config: SalesforceConfig) -> dict[str, Stream]:
    """Every stream by its name, with the org's own names of custom fields."""
    return {stream.name: _renamed(stream, config.custom_fields.get(stream.name, {})) for stream in _ALL}


def _renamed(stream: Stream, names: dict[str, str | None]) -> Stream:
    def own(fields: tuple[str, ...]) -> tuple[str, ...]:
        given = (names.get(field, field) for field in fields)
        return tuple(field for field in given if field is not None)

    added = tuple(value for key, value in names.items() if value and key not in stream.optional)
    key = stream.spec.creatable and names.get(stream.spec.creatable, stream.spec.creatable)
    spec = replace(stream.spec, writable=(*own(stream.spec.writable), *added), creatable=key)
    return replace(stream, spec=spec, optional=(*own(stream.optional), *added))
