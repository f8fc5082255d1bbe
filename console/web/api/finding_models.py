"""What the API says about findings, as the report has it (docs/report-schema.json)."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from console.web.api.records import MarkedRecord
from console.web.api.values import Amount, Day, Instant, LongReason, OnDay, Person, Sent


class Comment(BaseModel):
    """What somebody said."""

    at: Instant
    by: str
    text: str


class Attachment(BaseModel):
    """A file that is kept with a finding."""

    at: Instant
    by: str
    name: str
    size: int = Field(description="Bytes")
    sha256: str


class FoundRecord(MarkedRecord):
    """A record that a finding is about."""


class Finding(BaseModel):
    """A finding; texts in the language that was asked for."""

    id: str
    check: str
    stage: str
    department: str
    severity: str = Field(description="error, warning or info")
    status: str = Field(description="open, assigned, explained, waived or resolved")
    first_seen: Instant
    since: OnDay | None = Field(description="The day on which it began by the data")
    age_days: int
    amount: Amount | None
    currency: str | None = Field(description="ISO 4217")
    base_amount: Amount | None = Field(description="In the base currency of ltc.yaml")
    material: bool
    customer: str | None = Field(default=None, description="The organisation that its records name")
    records: list[FoundRecord]
    title: str
    explanation: str
    action: str
    owner: str | None = Field(description="Whoever is responsible: the assignee, else the department's owner")
    assignee: str | None
    due_on: OnDay | None
    overdue: bool
    reason: str | None
    approver: str | None
    waived_until: OnDay | None
    comments: list[Comment]
    attachments: list[Attachment]


class RecordValues(BaseModel):
    """What a system says in one of a finding's records: money as exact decimals, of e-mail addresses the domain
    (•••@acme.example), of phones the last four digits, of persons' names and street addresses nothing (•••)."""

    record: FoundRecord
    fields: dict[str, str | bool | int] = Field(description="Canonical field and value; empty fields are left out")


class Event(BaseModel):
    """One entry of a finding's history."""

    at: Instant
    event: str
    actor: str
    detail: dict[str, Any]
    run: str | None


class AskedWaiver(BaseModel):
    """A waiver that waits for approval by another person."""

    by: str
    reason: str
    until: OnDay = Field(description="The last day on which it would be accepted")


class FindingDetail(Finding):
    """All about one finding."""

    values: list[RecordValues]
    history: list[Event]
    waiver: AskedWaiver | None


class Assignment(Sent):
    """Who takes care of it, and until when."""

    to: Person
    due: Day | None = Field(None, description="Default: as it was")
    outside: bool = Field(False, description="Whether it may be somebody who is not a member")


class Explanation(Sent):
    """Why it is so."""

    reason: LongReason


class Remark(Sent):
    """What is to be said."""

    text: LongReason


class WaiverRequest(Sent):
    """Why a finding can be accepted, and until when (that day is the last)."""

    reason: LongReason
    until: Day


class Decline(Sent):
    """Why not."""

    reason: LongReason


class WaiverEnd(Sent):
    """Why a waiver is taken back."""

    reason: LongReason
