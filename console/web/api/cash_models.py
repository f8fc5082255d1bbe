"""What the API says about receipts that wait."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field

from console.cash import KINDS
from console.web.api.records import MarkedRecord
from console.web.api.values import (
    Amount,
    LongReason,
    OnDay,
    OneOf,
    Reason,
    Sent,
    SentKey,
    SignedDecimals,
    Whole,
)


class Applied(BaseModel):
    """An item that a receipt settles, and how much of it."""

    record: MarkedRecord
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
    record: MarkedRecord
    called: str | None = Field(description="Its number, else the bank's text, else the source's id")
    customer_number: str | None
    customer: str | None
    payer: str | None = Field(description="Who paid, as the bank calls him")
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


class OpenItem(BaseModel):
    """An invoice or a credit note that is not settled, or not wholly."""

    id: int
    record: MarkedRecord
    kind: str = Field(description="invoice or credit_note")
    customer_number: str | None
    customer: str | None
    currency: str
    issued_on: OnDay | None
    due_on: OnDay | None
    open: Amount = Field(description="Negative of a credit note")
    free: Amount = Field(description="What of it no other receipt has, by what rules matched and people decided")


class Undo(Sent):
    """Why a decision is taken back, for whoever wants to say it."""

    reason: Reason | None = None


class Unmatch(Sent):
    """Why a receipt does not settle what rules have matched it with."""

    reason: LongReason


class SplitItem(Sent):
    """How much of an item is settled."""

    item: SentKey = Field(description="The `id` of an open item", examples=[42])
    amount: SignedDecimals = Field(description="In the receipt's currency; negative of a credit note")


class SplitDifference(Sent):
    """What explains some of the rest."""

    kind: Annotated[str, OneOf(KINDS)]
    amount: SignedDecimals = Field(description="What is missing is negative: a fee that the bank kept")


class Split(Sent):
    """What a receipt settles, and why. With what explains the rest it is no more than came in.

    Without items it says what the money is: `deposit`, `to_refund` or `no_sale`.
    """

    items: list[SplitItem] = Field(default_factory=list, max_length=200)
    differences: list[SplitDifference] = Field(default_factory=list, max_length=20)
    reason: LongReason
    accepted: bool = Field(
        False, description="Keep it also where another customer owes the item, or a rule gave it to another receipt"
    )


class Decided(BaseModel):
    """What came of a decision."""

    receipt: int
    items: int = Field(description="How many items it is about")
