"""What the API says about receipts that wait."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from console.web.api.values import Amount, OnDay, Reason, Record, Sent, Whole


class Applied(BaseModel):
    """An item that a receipt settles, and how much of it."""

    record: Record
    amount: Amount
    currency: str


class Settles(Applied):
    """The same, with why."""

    rule: str
    score: int = Field(description="Per mille")
    decision: str | None
    evidence: dict[str, Any]


class Difference(BaseModel):
    """What explains a difference between the receipt and its items."""

    kind: str
    kind_text: str | None
    amount: Amount


class Suggestion(BaseModel):
    """What a receipt may settle; rank 1 is the best."""

    rank: int
    rule: str
    score: int = Field(description="Per mille")
    evidence: dict[str, Any]
    applied: list[Applied]
    differences: list[Difference]


class Receipt(BaseModel):
    """Money that its source has not applied, or not wholly."""

    id: int
    record: Record
    customer_number: str | None
    customer: str | None
    currency: str
    received_on: OnDay | None
    amount: Amount
    left: Amount
    class_: str | None = Field(alias="class", description="Of what kind the money is that is left")
    class_text: str | None
    next_step: str | None
    action: str | None
    applied: list[Settles]
    differences: list[Difference]
    suggestions: list[Suggestion]


class Choice(Sent):
    """Which suggestion is taken, and why if that is to be kept."""

    rank: Annotated[int, Field(ge=1, le=99), Whole] = Field(1, description="Of the suggestions of the receipt")
    reason: Reason | None = None


class Decided(BaseModel):
    """What came of a decision."""

    receipt: int
    items: int = Field(description="How many items it is about")
