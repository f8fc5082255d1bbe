"""Customers: what every system says of one, how its records are linked, and the documents that each system has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from console.records import HIDDEN, PERSONAL, without_personal
from console.report.figures import link
from console.web.api.callers import Reader
from console.web.api.values import Amount, Instant, Key, instant, instant_or_none
from console.web.customers import FIELDS
from console.web.problems import Refusal
from mappings.model import ENTITIES, Kind, columns
from reconciliation import money
from reconciliation.same_values import differing
from state import customers

if TYPE_CHECKING:
    from state.customers import Customer as Stored
    from state.links import Link

router = APIRouter(tags=["customers"])

_KINDS = {column.name: column.kind for column in columns(ENTITIES["party"])}


class CustomerRecord(BaseModel):
    """What one system says of the customer."""

    id: int
    system: str
    source_id: str
    deleted: bool
    values: dict[str, str | int | None] = Field(
        description="By field: money as exact decimal text, instants as ISO 8601 UTC; personal values are hidden"
    )
    url: str | None


class CustomerLink(BaseModel):
    """Why two of the records are one customer."""

    left: int
    right: int
    method: str
    score: int = Field(description="Per mille")
    decision: str = Field(description="suggested (does not count yet), auto or confirmed")
    evidence: dict[str, Any]
    decided_by: str | None
    decided_at: Instant | None


class CustomerDocuments(BaseModel):
    """The documents of one kind and currency in one system."""

    entity: str
    kind: str | None
    system: str
    currency: str | None
    count: int
    ended: int = Field(description="How many of them were lost, cancelled, refused or are void")
    amount: Amount | None = Field(
        description="Of those that were not: what is expected, quotes and orders without tax, invoices with it"
    )
    open: Amount | None = Field(description="Of invoices what is still to pay, of payments what is not applied")


class Customer(BaseModel):
    """One customer over all systems."""

    records: list[CustomerRecord]
    differs: list[str] = Field(description="Fields in which the records differ, however they are written")
    links: list[CustomerLink]
    suggested: list[CustomerLink] = Field(description="Links of these records that wait for a person")
    documents: list[CustomerDocuments]


@router.get("/customers/{id}")
def get_customer(
    caller: Reader, id: Annotated[Key, Path(description="The `id` of a customer's record, as `GET /chains` gives it")]
) -> Customer:
    """Show what every system says of a customer, and the documents that each system has of it."""
    with caller.store.reading() as connection:
        found = customers.customer(connection, id)
        if found is None:
            raise Refusal(404, "There is no such customer.", "GET /api/v1/chains finds customers by number and name.")
        documents = customers.documents(connection, found.records)
    return Customer(
        records=[_record(found, item.record_id) for item in found.records],
        differs=sorted(differing(list(found.rows.values()))),
        links=[_link(item) for item in found.links],
        suggested=[_link(item) for item in found.suggested],
        documents=[
            CustomerDocuments(
                entity=item.entity,
                kind=item.kind,
                system=item.system,
                currency=item.currency,
                count=item.count,
                ended=item.ended,
                amount=money.text(item.amount, item.currency),
                open=money.text(item.open, item.currency),
            )
            for item in documents
        ],
    )


def _record(found: Stored, id: int) -> CustomerRecord:
    row = found.rows[id]
    return CustomerRecord(
        id=id,
        system=row["system"],
        source_id=row["source_id"],
        deleted=bool(row["deleted"]),
        values={name: _value(row, name) for name in FIELDS if name != "source_id"},
        url=link({"url": row.get("url")}),
    )


def _value(row: dict[str, Any], name: str) -> str | int | None:
    value: str | int | None = row.get(name)
    if value is None:
        return None
    if name in PERSONAL:
        return HIDDEN
    if _KINDS[name] is Kind.INSTANT:
        return instant(int(value))
    if _KINDS[name] is Kind.MONEY:
        return money.text(int(value), row.get("currency"))
    return value


def _link(item: Link) -> CustomerLink:
    return CustomerLink(
        left=item.left_id,
        right=item.right_id,
        method=item.method,
        score=item.score,
        decision=item.decision,
        evidence=without_personal(json.loads(item.evidence)),
        decided_by=item.decided_by,
        decided_at=instant_or_none(item.decided_at),
    )
