"""What the API says about periods."""

from __future__ import annotations

from pydantic import BaseModel, Field

from console.web.api.values import Instant, Month, Reason, Sent


class Close(BaseModel):
    """One close of a period; one that was reopened stays."""

    period: Month
    revision: int
    status: str = Field(description="closed (waits for approval), approved or reopened")
    closed_by: str
    closed_at: Instant
    close_reason: str | None = Field(description="Why it was closed although errors were undecided")
    approved_by: str | None
    approved_at: Instant | None
    reopened_by: str | None
    reopened_at: Instant | None
    reason: str | None = Field(description="Why it was reopened")
    records: int = Field(description="How many records the figures were computed from")
    inputs_hash: str = Field(description="SHA-256 of all that the figures depend on")
    figures_hash: str


class Periods(BaseModel):
    """All closes by period and revision."""

    items: list[Close]
    next: Month | None = Field(description="The only period that may be closed now; null: any that is over")


class Step(BaseModel):
    """One thing to see to before a month is closed."""

    name: str = Field(
        description="over, read, understood, receipts, links, errors, waivers or checker; see the page /periods"
    )
    left: int = Field(description="How much of it is left; 0: it is done")
    needed: bool = Field(description="Whether there is no close, or no approval, without it")
    of_month: bool = Field(description="Whether it is counted until the end of the month; else whatever its month")
    page: str = Field(description="Where the workbench shows what is left")


class Checklist(BaseModel):
    """What is to be seen to before a month is closed, in the order in which people see to it."""

    period: Month
    items: list[Step]


class Closing(Sent):
    """Why it is closed although errors are undecided."""

    reason: Reason | None = Field(default=None, description="Needed while errors of it or before are undecided")


class Reopening(Sent):
    """Why it has to be opened again."""

    reason: Reason
