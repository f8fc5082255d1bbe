"""Tie-outs: the documents behind a part of one; the figures themselves are in the report."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints

from console import tied
from console.report import figures
from console.web.api.callers import Reader
from console.web.api.values import Amount, OnDay, OneOf
from reconciliation import behind, money

router = APIRouter(tags=["report"])


class InCurrency(BaseModel):
    """An amount in a currency of its own."""

    currency: str
    amount: Amount


class Document(BaseModel):
    """A document whose position does not agree with the other side, or takes no part."""

    system: str
    entity: str
    source_id: str
    number: str | None
    customer: str | None
    status: str | None
    issued_on: OnDay | None
    due_on: OnDay | None
    amount: Amount
    opposite: Amount | None = Field(description="What the other side has of its position, if anything")
    elsewhere: list[InCurrency] = Field(
        description="Where that is nothing, what the other side has of its position in other currencies"
    )
    difference: Amount | None = Field(description="What is missing there of the whole position, where it is compared")
    waits: bool = Field(description="Its day is still to come, so nothing has to be on the other side yet")


class Documents(BaseModel):
    """What stands behind a figure."""

    documents: list[Document] = Field(description=f"At most the {behind.MOST} largest")
    count: int = Field(description="Of all documents")
    positions: int
    amount: Amount
    not_due: int = Field(description="Positions that wait for a day to come")
    not_due_amount: Amount
    missing: Amount | None = Field(
        description="What the other side lacks of the positions that are due; null where nothing is compared"
    )


@router.get("/tie-outs/documents")
def list_tie_out_documents(
    caller: Reader,
    name: Annotated[str, OneOf(figures.TIE_OUTS), Query(description="As the report names it")],
    side: Literal["left", "right"],
    currency: Annotated[str, StringConstraints(pattern="^[A-Z]{3}$"), Query(examples=["CNY"])],
    part: Literal["unmatched", "excluded"] = "unmatched",
) -> Documents:
    """List the documents behind a part of a tie-out, the largest first, as the last reconciliation left them."""
    with caller.store.reading() as connection:
        found = tied.part(connection, name, side, currency, part)

    def text(amount: int) -> str:
        return money.text(amount, currency) or "0"

    return Documents(
        documents=[
            Document(
                system=item.system,
                entity=item.entity,
                source_id=item.source_id,
                number=item.number,
                customer=item.customer,
                status=item.status,
                issued_on=item.issued_on,
                due_on=item.due_on,
                amount=text(item.amount),
                opposite=None if item.opposite is None else text(item.opposite),
                elsewhere=[
                    InCurrency(currency=other, amount=money.text(amount, other) or "0")
                    for other, amount in item.elsewhere
                ],
                difference=None if item.difference is None else text(item.difference),
                waits=item.waits,
            )
            for item in found.documents
        ],
        count=found.count,
        positions=found.positions,
        amount=text(found.amount),
        not_due=found.not_due,
        not_due_amount=text(found.not_due_amount),
        missing=None if found.missing is None else text(found.missing),
    )
