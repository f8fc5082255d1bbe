"""Customers: what every system says of one, how its records are linked, their documents, what is owed and found."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path
from pydantic import BaseModel, Field

from console import apart, veiled
from console.exporting import is_removed
from console.records import without_personal
from console.report.figures import link
from console.web.api.callers import Reader
from console.web.api.values import Amount, Instant, Key, instant, instant_or_none
from console.web.customers import FIELDS, MOST, has_wrong_tax_id, money_order, owing
from console.web.problems import Refusal
from mappings.model import ENTITIES, Kind, columns
from reconciliation import money
from reconciliation.rules import Rules
from reconciliation.same_values import WRITTEN, differing
from state import customers

if TYPE_CHECKING:
    from console.web.api.callers import Caller
    from state.customers import Customer as Stored
    from state.customers import Matched
    from state.links import Link

router = APIRouter(tags=["customers"])

_KINDS = {column.name: column.kind for column in columns(ENTITIES["party"])}


class CustomerApart(BaseModel):
    """How a value of which a part is shown differs from that of another record, of which the same part is shown."""

    field: str
    other: int = Field(description="The `id` of the other record")
    where: str = Field(
        description="before_at (of an e-mail address), before_last (of a phone, before the last four digits) or "
        "hidden (nothing of it is shown)"
    )
    characters: int | None = Field(description="How many characters differ; null for another value altogether")
    mailboxes: tuple[str, str] | None = Field(
        description="What stands before the @ of this and of the other address, where both are mailboxes of a function "
        "(info, billing) and of no person; else null"
    )


class CustomerRecord(BaseModel):
    """What one system says of the customer."""

    id: int
    system: str
    system_removed: bool = Field(description="Whether its system is not in ltc.yaml any more")
    source_id: str
    deleted: bool
    values: dict[str, str | int | None] = Field(
        description="By field: money as exact decimal text, instants as ISO 8601 UTC; of e-mail addresses the domain "
        "(•••@acme.example), of phones the last four digits, of street addresses nothing (•••)"
    )
    url: str | None
    wrong_tax_id: bool = Field(description="Whether the check digits of its tax id are wrong")
    apart: list[CustomerApart] = Field(
        description="Personal values that are shown as those of a record before it and are not the same"
    )


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
    again: Amount | None = Field(
        description="Of payments what of the amount is the same money as payments of the customer in another system"
    )


class CustomerReceived(BaseModel):
    """What came in of the customer in one currency; money that several systems have counts once."""

    currency: str
    received: Amount
    given_back: Amount = Field(description="What was refunded or charged back of it")


class CustomerOwed(BaseModel):
    """What is open in one currency and system by the last reconciliation, by days after the due date."""

    system: str
    customer_number: str
    currency: str
    documents: int
    not_due: Amount
    days_1_30: Amount
    days_31_60: Amount
    days_61_90: Amount
    days_over_90: Amount
    credits: Amount = Field(description="Credit notes, overpayments and money that settles nothing yet; negative")
    total: Amount
    overdue: Amount = Field(description="What of it is overdue, credits not taken off")
    overdue_days: int = Field(description="Since how many days at most")
    matched_not_booked: Amount = Field(
        description="What of it receipts are matched with, by a rule or a person, and accounting has not applied yet; "
        "it is still in all of the other amounts"
    )


class CustomerMatched(BaseModel):
    """An open document with a receipt that cash application settles it with, and accounting has not applied yet."""

    system: str
    number: str | None
    source_id: str
    currency: str
    open: Amount = Field(description="What is open of the document")
    applied: Amount = Field(description="What of that the receipt settles, what explains the rest included")
    receipt_system: str
    receipt_number: str | None
    receipt_source_id: str
    received_on: str | None
    decision: str = Field(description="auto (a rule) or pinned (a person)")
    rule: str


class CustomerFinding(BaseModel):
    """An outstanding finding about the customer or one of its documents."""

    id: str
    check: str
    severity: str = Field(description="error, warning or info")
    status: str = Field(description="open, assigned, explained or waived")
    amount: Amount | None
    currency: str | None


class Customer(BaseModel):
    """One customer over all systems."""

    records: list[CustomerRecord]
    differs: list[str] = Field(description="Fields in which the records differ, however they are written")
    links: list[CustomerLink]
    suggested: list[CustomerLink] = Field(description="Links of these records that wait for a person")
    documents: list[CustomerDocuments]
    received: list[CustomerReceived] = Field(description="Empty if no system has a payment of the customer")
    owed: list[CustomerOwed] | None = Field(
        description="As the receivables by customer of the report; null before the first reconciliation"
    )
    matched: list[CustomerMatched] = Field(
        description="Open documents that receipts are matched with, the largest 200, by the last reconciliation"
    )
    findings: list[CustomerFinding] = Field(description="The gravest first")


@router.get("/customers/{id}")
def get_customer(
    caller: Reader, id: Annotated[Key, Path(description="The `id` of a customer's record, as `GET /chains` gives it")]
) -> Customer:
    """Show what every system says of a customer, its documents in each, what it owes and what is open about it."""
    with caller.store.reading() as connection:
        found = customers.customer(connection, id)
        if found is None:
            raise Refusal(404, "There is no such customer.", "GET /api/v1/chains finds customers by number and name.")
        documents = customers.documents(connection, found.records, money_order(caller.settings))
        owed = customers.owed(connection, found.records)
        matched = customers.matched(connection, owed or [], MOST)
        about = customers.found_about(connection, found.records)
    today = Rules.of(caller.settings).today
    return Customer(
        records=[_record(caller, found, item.record_id) for item in found.records],
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
                again=money.text(item.again, item.currency),
            )
            for item in documents
        ],
        received=[
            CustomerReceived(
                currency=currency, received=money.text(came, currency), given_back=money.text(back, currency)
            )
            for currency, (came, back) in sorted(customers.received(documents).items())
        ],
        owed=None if owed is None else [_owed(row) for row in owing(owed, today)],
        matched=[_matched(item) for item in matched],
        findings=[
            CustomerFinding(
                id=item.id,
                check=item.check_id,
                severity=item.severity,
                status=item.status,
                amount=money.text(item.amount, item.currency),
                currency=item.currency,
            )
            for item in about
        ],
    )


def _record(caller: Caller, found: Stored, id: int) -> CustomerRecord:
    row = found.rows[id]
    return CustomerRecord(
        id=id,
        system=row["system"],
        system_removed=is_removed(caller.settings, row["system"]),
        source_id=row["source_id"],
        deleted=bool(row["deleted"]),
        values={name: _value(row, name) for name in FIELDS if name != "source_id"},
        url=link({"url": row.get("url")}),
        wrong_tax_id=has_wrong_tax_id(row),
        apart=_apart(found, id),
    )


def _apart(found: Stored, id: int) -> list[CustomerApart]:
    """How values of this record differ from those of one before it that are shown alike."""
    ids = [item.record_id for item in found.records]
    told = [
        (name, apart.found([{**found.rows[one], "entity": "party"} for one in ids], name)[ids.index(id)])
        for name in WRITTEN
    ]
    return [
        CustomerApart(field=name, other=ids[one.other], where=one.where, characters=one.by, mailboxes=one.mailboxes)
        for name, one in told
        if one is not None
    ]


def _owed(row: dict[str, Any]) -> CustomerOwed:
    text = {
        name: money.text(row[key], row["currency"])
        for name, key in (
            *((name, name) for name in ("not_due", "credits", "total", "overdue")),
            ("matched_not_booked", "matched"),
            *(("days_1_30", "1-30"), ("days_31_60", "31-60"), ("days_61_90", "61-90"), ("days_over_90", "90+")),
        )
    }
    head = {name: row[name] for name in ("system", "customer_number", "currency", "documents", "overdue_days")}
    return CustomerOwed(**head, **text)


def _matched(found: Matched) -> CustomerMatched:
    item, receipt, applied = found
    document, money_in = item["record"], receipt["record"]
    return CustomerMatched(
        **{name: document.get(name) for name in ("system", "number", "source_id")},
        currency=item["currency"],
        open=money.text(item["amount"], item["currency"]),
        applied=money.text(applied["applied"], applied["currency"]),
        **{f"receipt_{name}": money_in.get(name) for name in ("system", "number", "source_id")},
        received_on=receipt["received_on"],
        decision=applied["decision"],
        rule=applied["rule"],
    )


def _value(row: dict[str, Any], name: str) -> str | int | None:
    value: str | int | None = row.get(name)
    if value is None:
        return None
    if veiled.is_personal(row, name):
        return veiled.shown(row, name)
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
