"""``ltc check``: what the integration user may read and write of each stream, and which fields the org lacks."""

from __future__ import annotations

from typing import Any

from connectors.contract import CheckLine
from connectors.errors import ConnectorError
from connectors.salesforce.client import Client
from connectors.salesforce.describing import KEY_TYPE, Described, describe, lacking_for_keys
from connectors.salesforce.streams import Stream

_TYPES = {
    "LTC_Order_Number__c": "text (80)",
    "LTC_Delivery_Status__c": "picklist: none, not_delivered, partly_delivered, delivered, returned",
    "LTC_Billing_Status__c": "picklist: none, not_invoiced, partly_invoiced, invoiced, over_invoiced",
    "LTC_Payment_Status__c": "picklist: none, unpaid, partly_paid, paid, overpaid, refunded",
    "Invoice_Sent_On__c": "date",
    "Approval_Status__c": "picklist: Not Required, Pending, Approved, Rejected",
    "JDY_Data_Id__c": "text (24), external id, unique",
    "LTC_Key__c": KEY_TYPE,
    "Tax_Id__c": "text (40)",
}
"""Our custom fields and what to create them as."""


def check_stream(client: Client, stream: Stream) -> CheckLine:
    """One describe call, two for a stream with lines."""
    try:
        described = describe(client, stream.object)
        lines = describe(client, stream.lines.object) if stream.lines else None
    except ConnectorError as error:
        return CheckLine(stream.name, False, error.message, error.remedy, can_read=False)
    present = {field.name: field for field in described.fields}
    lacking = [name for name in stream.selected(frozenset(stream.optional)) if name not in present]
    if stream.lines is not None and lines is not None:
        have = {field.name for field in lines.fields}
        lacking += [f"{stream.lines.object}.{name}" for name in stream.lines.fields if _own(name) not in have]
    if lacking or not described.queryable:
        return CheckLine(
            stream.name,
            False,
            f"{stream.object} cannot be read completely: {', '.join(lacking) or 'not queryable'}.",
            "Give the integration user read access to these fields (field-level security).",
            can_read=False,
        )
    return _readable(stream, described, present)


def _readable(stream: Stream, described: Described, present: dict[str, Any]) -> CheckLine:
    absent = [name for name in stream.optional if name not in present]
    locked = [name for name in stream.spec.writable if name in present and not present[name].updateable]
    writes = stream.spec.writable
    can_write = described.updateable and not locked and all(name in present for name in writes) if writes else None
    remedies = [_remedy(stream, name) for name in absent]
    if locked:
        remedies.append(f"Give the integration user edit access to {', '.join(locked)}.")
    detail = f"{stream.object}: {len(present):,} fields visible"
    if absent:
        detail += f"; not there: {', '.join(absent)}"
    if stream.spec.creatable:
        said = lacking_for_keys(described, stream.object, stream.spec.creatable)
        detail += "; records can be created" if said is None else f"; none can be created: {said[0]}"
        if said is not None and said[1] not in remedies and stream.spec.creatable not in absent:
            remedies.append(said[1])
    return CheckLine(stream.name, True, f"{detail}.", " ".join(remedies), can_read=True, can_write=can_write)


def _remedy(stream: Stream, name: str) -> str:
    if name == "CurrencyIsoCode":
        return f"Single-currency org: set the currency of {stream.name} in your mapping ({{const: CNY}})."
    if name.endswith("CountryCode"):
        return "Enable State and Country/Territory Picklists to get country codes."
    kind = _TYPES.get(name)
    return f"Create {stream.object}.{name}{f' as {kind}' if kind else ''} and let the integration user see it."


def _own(name: str) -> str:
    """The field of the object itself behind a path: ``Product2.ProductCode`` needs ``Product2Id``."""
    first, dot, _ = name.partition(".")
    return f"{first}Id" if dot else name
