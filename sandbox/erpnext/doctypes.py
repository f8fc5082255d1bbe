"""The DocTypes that the stand-in knows: how they are named, their child tables, and which can be submitted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class DocType:
    """``series`` names documents by number, ``named_by`` by one of their fields."""

    series: str = ""
    named_by: str = ""
    tables: dict[str, str] = field(default_factory=dict)
    """Field → DocType of its rows."""
    submittable: bool = False
    required: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    """Values that the field ``status`` takes; empty where it is derived."""
    defaults: dict[str, Any] = field(default_factory=dict)


LEAD_STATUSES = (
    "Lead",
    "Open",
    "Replied",
    "Opportunity",
    "Quotation",
    "Lost Quotation",
    "Interested",
    "Converted",
    "Do Not Contact",
)

DOCTYPES: dict[str, DocType] = {
    "Customer": DocType(named_by="customer_name", defaults={"customer_type": "Company", "disabled": 0}),
    "Item": DocType(named_by="item_code", defaults={"disabled": 0, "is_stock_item": 1, "stock_uom": "Nos"}),
    "Lead": DocType("CRM-LEAD-2026-", statuses=LEAD_STATUSES, defaults={"status": "Lead"}),
    "Opportunity": DocType("CRM-OPP-2026-", defaults={"status": "Open"}),
    "Quotation": DocType("SAL-QTN-2026-", tables={"items": "Quotation Item"}, submittable=True),
    "Sales Order": DocType(
        "SAL-ORD-2026-", tables={"items": "Sales Order Item"}, submittable=True, required=("customer", "items")
    ),
    "Delivery Note": DocType("MAT-DN-2026-", tables={"items": "Delivery Note Item"}, submittable=True),
    "Sales Invoice": DocType("ACC-SINV-2026-", tables={"items": "Sales Invoice Item"}, submittable=True),
    "Payment Entry": DocType("ACC-PAY-2026-", tables={"references": "Payment Entry Reference"}, submittable=True),
    "Issue": DocType("ISS-2026-", defaults={"status": "Open"}),
    "Deleted Document": DocType("DEL-"),
}
SUBMITTED = {
    "Quotation": "Open",
    "Sales Order": "To Deliver and Bill",
    "Delivery Note": "To Bill",
    "Sales Invoice": "Unpaid",
    "Payment Entry": "Submitted",
}
"""The status of a document that was just submitted."""
