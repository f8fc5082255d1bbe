"""What the API says about plans: what is to be written, created, and what was rejected of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from console.web.api.records import REMOVED
from console.web.api.values import Flag, Instant, Reason, Sent, SentKey
from state.overwritten import Standing


class Change(BaseModel):
    """One field; values in canonical terms, money as exact decimal text in the record's currency, personal ones •••."""

    field: str
    source_field: str
    old: Any
    new: Any
    reason: str


class Write(BaseModel):
    """What is to be written to one record."""

    id: int = Field(description="By which it is rejected")
    system: str
    stream: str
    source_id: str
    number: str | None
    currency: str | None
    status: str
    attempts: int
    message: str
    changes: list[Change]


class Plan(BaseModel):
    """What is to be written to one system; its id is a digest of exactly this."""

    id: str
    system: str
    system_removed: bool = Field(description=REMOVED)
    status: str
    created_at: Instant
    approved_by: str | None
    exceeds: list[str] = Field(description="What ltc.yaml does not allow without `large`; empty if it is within")
    items: list[Write]


class NewRecord(BaseModel):
    """A record that is to be created, and of what."""

    stream: str
    origin: str = Field(description="system:stream:id of the record that it is made of")
    number: str | None = Field(description="The number of that record")
    status: str
    reason: str


class NewRecords(BaseModel):
    """What is to be created in one system; its id is a digest of exactly this."""

    id: str
    system: str
    exceeds: list[str] = Field(description="What ltc.yaml does not allow without `large`; empty if it is within")
    items: list[NewRecord]


class Plans(BaseModel):
    """All plans that are not carried out."""

    items: list[Plan]
    new: list[NewRecords]


class Carrying(Sent):
    """With which leave a plan is carried out."""

    items: list[SentKey] | None = Field(
        None, min_length=1, max_length=1000, description="Only these writes of the plan; the others stay in it"
    )
    large: Flag = Field(False, description="Also if it is larger than ltc.yaml allows")
    paused: Flag = Field(False, description="Also if its system or a stream of it is paused")


class Restoring(Sent):
    """Why a replaced value is written back."""

    reason: Reason | None = Field(None, description="Kept in the audit")


class Rejecting(Sent):
    """What is not to be written, and why."""

    items: list[SentKey] = Field(
        min_length=1, max_length=1000, description="Ids of the writes of the plan", examples=[[17, 18]]
    )
    reason: Reason


class Left(BaseModel):
    """What is left of a plan."""

    plan: str | None = Field(description="The id of the plan that is left to be carried out; null: nothing is left")


class Rejection(BaseModel):
    """A field that somebody does not want written, for as long as its owner wants the same value."""

    id: str
    system: str
    system_removed: bool = Field(description=REMOVED)
    stream: str
    source_id: str
    number: str | None
    field: str
    old: Any = Field(description="What stays; personal values are •••")
    new: Any = Field(description="What its owner wants")
    currency: str | None
    by: str
    at: Instant
    reason: str


class Conflict(BaseModel):
    """A field that somebody else has written, of which ltc.yaml says that a person decides."""

    id: str
    system: str
    system_removed: bool = Field(description=REMOVED)
    stream: str
    source_id: str
    number: str | None
    name: str | None = Field(description="What a record without a number is called")
    field: str
    agreed: Any = Field(description="What its owner and the system agreed on last; personal values are •••")
    old: Any = Field(description="What the system shows now")
    new: Any = Field(description="What its owner wants")
    currency: str | None
    since: Instant
    decided: str | None = Field(description="`write` or `keep`, if it is decided and no plan has taken it up yet")


class Deciding(Sent):
    """Which value stays."""

    choice: Literal["write", "keep"] = Field(description="write: the owner's; keep: what is there")
    reason: Reason | None = None


class Decided(BaseModel):
    """A conflict that is decided, until its owner wants another value."""

    id: str
    choice: Literal["write", "keep"]
    planning: bool = Field(description="Whether a run plans it now; else the next one does")


class Overwritten(BaseModel):
    """A write-back that replaced what somebody else had written."""

    id: int = Field(description="By which it is restored")
    system: str
    stream: str
    source_id: str
    number: str | None
    currency: str | None
    certain: bool = Field(description="false: it may have; the write was not answered, and the record changed since")
    at: Instant | None
    stands: Standing | None = Field(
        description="What stands there now: what was written (`ours`: only this can be put back), what it replaced"
        " (`again`), or something `other`; null if the record is gone"
    )
    changes: list[Change] = Field(description="Those that replaced such a value, which is `old`")


class TakenBack(BaseModel):
    """A rejection that counts no more."""

    id: str
    planning: bool = Field(description="Whether a run plans it now; else the next one does")
