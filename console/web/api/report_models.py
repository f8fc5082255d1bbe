"""The report as the API gives it: the public format ``ltc-report/1`` (docs/report-schema.json)."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from console.web.api.cash_models import Difference, Settles, Suggestion
from console.web.api.finding_models import Finding
from console.web.api.period_models import Close
from console.web.api.values import Amount, Instant, Month, OnDay, Record


class _Part(BaseModel):
    """A part of the report; fields may be added within version 1."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)


class Part(_Part):
    """So many positions of one side, and their amount."""

    count: int
    amount: Amount


class Side(Part):
    """All of one side of a tie-out."""

    role: str
    entity: str


class Matched(_Part):
    """Positions with both sides."""

    count: int
    left_amount: Amount
    right_amount: Amount


class TieOut(_Part):
    """What two sides come to in one currency; it foots, or the report is not given out."""

    name: str
    currency: str
    left: Side
    right: Side
    matched: Matched
    unmatched_left: Part
    unmatched_right: Part
    not_due_left: Part = Field(description="Of the unmatched: what waits for a day to come")
    not_due_right: Part
    excluded_left: Part
    excluded_right: Part
    foots: Literal[True]


class PeriodSide(_Part):
    """Which side of a tie-out."""

    role: str
    entity: str


class PeriodTieOut(_Part):
    """A tie-out in the period (``movement``) and until its end (``to_date``)."""

    name: str
    currency: str
    period: Month
    left: PeriodSide
    right: PeriodSide
    movement: dict[str, Any]
    to_date: dict[str, Any]


class Movement(_Part):
    """From the end of the period before to the end of this one, of one side."""

    tie_out: str
    side: str
    currency: str
    period: Month
    opening: Amount
    documents: Amount
    adjustments: Amount
    closing: Amount
    open_before: Amount
    settled: Amount
    open_now: Amount


class Adjustment(_Part):
    """What changed about a document of a closed period."""

    kind: str
    tie_out: str
    side: str
    currency: str
    belongs_to: str | None
    old_amount: Amount
    new_amount: Amount
    difference: Amount
    record: Record


class Settled(_Part):
    """A document of a closed period that agrees only since."""

    tie_out: str
    side: str
    currency: str
    belongs_to: str | None
    amount: Amount
    record: Record


class Aged(_Part):
    """What is owed in one currency, in all or by one customer, by days after the due date."""

    currency: str
    documents: int
    total: Amount


class Receivable(_Part):
    """One document that is owed."""

    kind: str
    system: str
    customer_number: str | None
    customer: str | None
    currency: str
    issued_on: OnDay | None
    due_on: OnDay | None
    overdue_days: int
    bucket: str
    amount: Amount
    record: Record


class Receivables(_Part):
    """What customers owed at the end of a day."""

    as_at: OnDay
    ageing: list[Aged]
    customers: list[Aged]
    items: list[Receivable]


class CashTotal(_Part):
    """Receipts of one currency that their sources have not applied."""

    currency: str
    receipts: int
    amount: Amount
    applied: Amount
    differences: Amount
    left: Amount


class ReportedReceipt(_Part):
    """One of them, and what it is matched with."""

    record: Record
    customer_number: str | None
    customer: str | None
    currency: str
    received_on: OnDay | None
    amount: Amount
    left: Amount
    applied: list[Settles]
    differences: list[Difference]
    suggestions: list[Suggestion]


class Cash(_Part):
    """Cash application."""

    totals: list[CashTotal]
    receipts: list[ReportedReceipt]


class RollForward(_Part):
    """Outstanding findings: opening + new - cleared = closing; `reopened` of the new ones came back."""

    opening: int
    new: int
    reopened: int = 0
    cleared: int
    closing: int


class Report(_Part):
    """What stands open, as of an instant."""

    schema_: Literal["ltc-report/1"] = Field(alias="schema")
    as_of: Instant
    period: Month
    locale: str
    timezone: str
    base_currency: str
    materiality: dict[str, str]
    sign_off: Close | None
    tie_outs: list[TieOut]
    period_tie_outs: list[PeriodTieOut]
    movements: list[Movement]
    adjustments: list[Adjustment]
    settled: list[Settled]
    receivables: Receivables
    cash: Cash
    findings: list[Finding]
    roll_forward: RollForward
    periods: list[Close]
