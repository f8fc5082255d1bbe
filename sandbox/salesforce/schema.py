"""The objects and fields the stand-in org has, with what describe says about them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from sandbox.salesforce.ids import PREFIXES


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an object; names and properties are Salesforce's."""

    name: str
    type: str = "string"
    length: int = 0
    scale: int = 0
    required: bool = False
    createable: bool = True
    updateable: bool = True
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    reference: str = ""
    relationship: str = ""
    external_id: bool = False
    default: Any = None

    @property
    def custom(self) -> bool:
        """Made by the org's admin."""
        return self.name.endswith("__c")

    @property
    def readonly(self) -> bool:
        """Set by Salesforce alone."""
        return not self.createable and not self.updateable

    def describe(self) -> dict[str, Any]:
        """The field's part of the object's describe result."""
        values = [
            {"value": value, "label": value, "active": True, "defaultValue": value == self.default, "validFor": None}
            for value in self.picklist
        ]
        return {
            "name": self.name,
            "label": self.name.removesuffix("__c").replace("_", " "),
            "type": self.type,
            "length": self.length,
            "byteLength": self.length * 3,
            "precision": 18 if self.type in ("currency", "double", "percent") else 0,
            "scale": self.scale,
            "nillable": not self.required,
            "createable": self.createable,
            "updateable": self.updateable,
            "filterable": True,
            "sortable": self.type != "textarea",
            "custom": self.custom,
            "calculated": self.readonly and self.type in ("currency", "boolean") and self.name != "IsDeleted",
            "defaultedOnCreate": self.default is not None or self.readonly,
            "externalId": self.external_id,
            "idLookup": self.external_id or self.name == "Id",
            "unique": self.external_id,
            "nameField": self.name == "Name",
            "restrictedPicklist": self.restricted,
            "picklistValues": values,
            "referenceTo": [self.reference] if self.reference else [],
            "relationshipName": self.relationship or None,
        }


@dataclass(frozen=True, slots=True)
class Child:
    """Records of another object that point here."""

    relationship: str
    object: str
    field: str
    cascade: bool = True


@dataclass(slots=True)
class SObject:
    """One object."""

    name: str
    fields: dict[str, Field]
    children: tuple[Child, ...] = ()
    lower: dict[str, str] = field(default_factory=dict)
    """Field name in lower case → as Salesforce writes it."""

    def __post_init__(self) -> None:
        self.reindex()

    def reindex(self) -> None:
        """After fields were added or taken away."""
        self.lower = {name.lower(): name for name in self.fields}

    def parent(self, relationship: str) -> Field | None:
        """The reference field behind a relationship name."""
        wanted = relationship.lower()
        return next((item for item in self.fields.values() if item.relationship.lower() == wanted), None)

    def describe(self, base: str) -> dict[str, Any]:
        """The answer to ``/sobjects/X/describe``; ``base`` is the version's path."""
        return {
            **self.summary(base),
            "fields": [item.describe() for item in self.fields.values()],
            "childRelationships": [
                {
                    "childSObject": child.object,
                    "field": child.field,
                    "relationshipName": child.relationship,
                    "cascadeDelete": child.cascade,
                }
                for child in self.children
            ],
            "recordTypeInfos": [],
            "supportedScopes": [],
        }

    def summary(self, base: str) -> dict[str, Any]:
        """The object's entry in the list of all objects."""
        path = f"{base}/sobjects/{self.name}"
        writable = self.name not in ("User", "Organization")
        return {
            "name": self.name,
            "label": self.name,
            "labelPlural": f"{self.name}s",
            "keyPrefix": PREFIXES[self.name],
            "custom": False,
            "queryable": True,
            "retrieveable": True,
            "replicateable": True,
            "searchable": True,
            "createable": writable,
            "updateable": writable,
            "deletable": writable,
            "undeletable": writable,
            "urls": {"sobject": path, "describe": f"{path}/describe", "rowTemplate": f"{path}/{{ID}}"},
        }


LEAD_STATUSES = ("Open - Not Contacted", "Working - Contacted", "Closed - Converted", "Closed - Not Converted")
STAGES = {
    "Prospecting": 10,
    "Qualification": 10,
    "Needs Analysis": 20,
    "Value Proposition": 50,
    "Id. Decision Makers": 60,
    "Perception Analysis": 70,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    "Closed Won": 100,
    "Closed Lost": 0,
}
"""Stage → its probability in per cent."""
QUOTE_STATUSES = ("Draft", "Needs Review", "In Review", "Approved", "Rejected", "Presented", "Accepted", "Denied")
APPROVALS = ("Not Required", "Pending", "Approved", "Rejected")
DELIVERY_STATES = ("none", "not_delivered", "partly_delivered", "delivered", "returned")
BILLING_STATES = ("none", "not_invoiced", "partly_invoiced", "invoiced", "over_invoiced")
PAYMENT_STATES = ("none", "unpaid", "partly_paid", "paid", "overpaid", "refunded")
CURRENCIES = ("CNY", "USD", "EUR", "JPY")


def _text(name: str, length: int = 255, **more: Any) -> Field:
    return Field(name, "string", length, **more)


def _pick(name: str, values: tuple[str, ...], **more: Any) -> Field:
    return Field(name, "picklist", 255, picklist=values, **more)


def _money(name: str, **more: Any) -> Field:
    return Field(name, "currency", scale=2, **more)


def _link(name: str, target: str, **more: Any) -> Field:
    return Field(name, "reference", 18, reference=target, relationship=name.removesuffix("Id"), **more)


_SHOWN: dict[str, Any] = {"createable": False, "updateable": False}
_SYSTEM = (
    Field("IsDeleted", "boolean", required=True, **_SHOWN),
    Field("CreatedDate", "datetime", required=True, **_SHOWN),
    _link("CreatedById", "User", **_SHOWN),
    Field("LastModifiedDate", "datetime", required=True, **_SHOWN),
    _link("LastModifiedById", "User", **_SHOWN),
    Field("SystemModstamp", "datetime", required=True, **_SHOWN),
)
_CURRENCY = _pick("CurrencyIsoCode", CURRENCIES, restricted=True, default="CNY")


def _address(prefix: str) -> tuple[Field, ...]:
    return (
        Field(f"{prefix}Street", "textarea", 255),
        _text(f"{prefix}City", 40),
        _text(f"{prefix}PostalCode", 20),
        _text(f"{prefix}Country", 80),
        _pick(f"{prefix}CountryCode", ()),
    )


_OBJECTS: dict[str, tuple[Field, ...]] = {
    "Lead": (
        _text("FirstName", 40),
        _text("LastName", 80, required=True),
        _text("Name", 121, **_SHOWN),
        _text("Company", 255, required=True),
        Field("Email", "email", 80),
        Field("Phone", "phone", 40),
        Field("MobilePhone", "phone", 40),
        *_address(""),
        _pick("LeadSource", ("Web", "Fair", "Ads", "WeChat", "Referral")),
        _pick("Status", LEAD_STATUSES, required=True, default="Open - Not Contacted"),
        Field("IsConverted", "boolean", required=True, **_SHOWN),
        Field("ConvertedDate", "date", **_SHOWN),
        _link("ConvertedAccountId", "Account", **_SHOWN),
        _link("ConvertedContactId", "Contact", **_SHOWN),
        _link("ConvertedOpportunityId", "Opportunity", **_SHOWN),
        _link("OwnerId", "User"),
        _CURRENCY,
        _text("JDY_Data_Id__c", 24, external_id=True),
        _text("LTC_Key__c", 40, external_id=True),
    ),
    "Account": (
        _text("Name", 255, required=True),
        _text("AccountNumber", 40),
        Field("Phone", "phone", 40),
        Field("Website", "url", 255),
        *_address("Billing"),
        _link("OwnerId", "User"),
        _CURRENCY,
        _text("Tax_Id__c", 40),
    ),
    "Contact": (
        _text("FirstName", 40),
        _text("LastName", 80, required=True),
        _text("Name", 121, **_SHOWN),
        Field("Email", "email", 80),
        Field("Phone", "phone", 40),
        Field("MobilePhone", "phone", 40),
        _link("AccountId", "Account"),
        _link("OwnerId", "User"),
        _CURRENCY,
    ),
    "Opportunity": (
        _text("Name", 120, required=True),
        _link("AccountId", "Account"),
        _pick("StageName", tuple(STAGES), required=True),
        _money("Amount"),
        Field("Probability", "percent"),
        Field("CloseDate", "date", required=True),
        Field("IsClosed", "boolean", required=True, **_SHOWN),
        Field("IsWon", "boolean", required=True, **_SHOWN),
        _pick("LeadSource", ("Web", "Fair", "Ads", "WeChat", "Referral")),
        _link("OwnerId", "User"),
        _CURRENCY,
        _text("LTC_Order_Number__c", 80),
        _pick("LTC_Delivery_Status__c", DELIVERY_STATES, restricted=True),
        _pick("LTC_Billing_Status__c", BILLING_STATES, restricted=True),
        _pick("LTC_Payment_Status__c", PAYMENT_STATES, restricted=True),
        Field("Invoice_Sent_On__c", "date"),
    ),
    "Quote": (
        _text("QuoteNumber", 30, createable=False, updateable=False),
        _text("Name", 255, required=True),
        _link("OpportunityId", "Opportunity", required=True, updateable=False),
        _link("AccountId", "Account", **_SHOWN),
        _pick("Status", QUOTE_STATUSES, default="Draft"),
        Field("ExpirationDate", "date"),
        _money("Subtotal", **_SHOWN),
        _money("TotalPrice", **_SHOWN),
        _money("Tax"),
        _money("ShippingHandling"),
        _money("GrandTotal", **_SHOWN),
        Field("LineItemCount", "int", **_SHOWN),
        Field("IsSyncing", "boolean", required=True, **_SHOWN),
        _link("OwnerId", "User"),
        _CURRENCY,
        _pick("Approval_Status__c", APPROVALS, restricted=True, default="Not Required"),
        _text("LTC_Order_Number__c", 80),
        _pick("LTC_Delivery_Status__c", DELIVERY_STATES, restricted=True),
        _pick("LTC_Payment_Status__c", PAYMENT_STATES, restricted=True),
    ),
    "QuoteLineItem": (
        _text("LineNumber", 30, **_SHOWN),
        _link("QuoteId", "Quote", required=True, updateable=False),
        _link("Product2Id", "Product2", required=True, updateable=False),
        Field("Quantity", "double", scale=2, required=True),
        _money("UnitPrice", required=True),
        Field("Discount", "percent", scale=2),
        _money("Subtotal", **_SHOWN),
        _money("TotalPrice", **_SHOWN),
        _text("Description", 255),
        Field("SortOrder", "int", **_SHOWN),
        _CURRENCY,
    ),
    "Product2": (
        _text("Name", 255, required=True),
        _text("ProductCode", 255),
        _pick("QuantityUnitOfMeasure", ("piece", "hour")),
        _pick("Family", ("Goods", "Service")),
        Field("IsActive", "boolean", required=True, default=False),
        _CURRENCY,
    ),
    "User": (_text("Name", 121), _text("Username", 80), Field("Email", "email", 128)),
    "Organization": (_text("Name", 80), Field("IsSandbox", "boolean"), _text("InstanceName", 5)),
}
CHILDREN = {
    "Account": (Child("Contacts", "Contact", "AccountId"), Child("Opportunities", "Opportunity", "AccountId")),
    "Opportunity": (Child("Quotes", "Quote", "OpportunityId"),),
    "Quote": (Child("QuoteLineItems", "QuoteLineItem", "QuoteId"),),
}
"""Object → the relationships a child subquery may name."""


def objects(*, multi_currency: bool = True) -> dict[str, SObject]:
    """A fresh copy of the org's objects; a single-currency org has no ``CurrencyIsoCode``."""
    made = {}
    for name, own in _OBJECTS.items():
        fields = [Field("Id", "id", 18, required=True, **_SHOWN), *own, *_SYSTEM]
        kept = [item for item in fields if multi_currency or item.name != "CurrencyIsoCode"]
        made[name] = SObject(name, {item.name: replace(item) for item in kept}, CHILDREN.get(name, ()))
    return made
