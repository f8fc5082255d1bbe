"""What the outbox is made of: changes of fields, items, plans, and the states they pass through."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from state import exact


class OutboxStatus(StrEnum):
    """Where a change stands."""

    PLANNED = "planned"
    SENDING = "sending"
    """Noted before the call; found after a crash it means: may or may not have been sent."""
    APPLIED = "applied"
    UNCHANGED = "unchanged"
    """The source showed the wanted values already."""
    CONFLICT = "conflict"
    """The record changed since it was read; the next plan starts from its new state."""
    REJECTED = "rejected"
    """Will never work as it is; sent again only if the wish or the record changes, or a person says so."""
    UNKNOWN = "unknown"
    """Sent, no answer; settled before anything is sent again."""
    DEAD = "dead"
    """Tried too often without an outcome."""
    DISCARDED = "discarded"
    """A person decided against it, with a reason."""
    SUPERSEDED = "superseded"
    """Nobody wants it any more, or the record has moved on."""


class PlanStatus(StrEnum):
    """Where a plan stands."""

    PLANNED = "planned"
    APPLYING = "applying"
    APPLIED = "applied"
    SUPERSEDED = "superseded"


IN_DOUBT = (OutboxStatus.SENDING, OutboxStatus.UNKNOWN)
OPEN = (OutboxStatus.PLANNED, *IN_DOUBT)
STUCK = (OutboxStatus.REJECTED, OutboxStatus.DEAD)


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of one record: canonical values for people, source values for the source."""

    field: str
    source_field: str
    old: Any
    new: Any
    source_old: Any
    source_new: Any
    reason: str
    because: Any = None
    """The records that say so."""
    contested: bool = False
    """Overwrites what somebody else wrote; ``old`` and ``source_old`` keep it."""


@dataclass(frozen=True, slots=True)
class Item:
    """One record's change, as an outbox row. ``id`` is 0 until it is stored; instants are microseconds."""

    system: str
    stream: str
    entity: str
    record_id: int
    source_id: str
    number: str | None
    base_seq: int
    changes: tuple[FieldChange, ...]
    idempotency_key: str
    status: OutboxStatus = OutboxStatus.PLANNED
    attempts: int = 0
    message: str = ""
    id: int = 0
    plan_id: str = ""
    created_at: int = 0
    sent_at: int | None = None
    done_at: int | None = None
    unsettled: bool = False
    """Nobody can tell whether it was carried out: it was not answered, and then could not be settled."""
    became: OutboxStatus | None = None
    """What its last attempt came to, where it was planned anew or a person has decided about it since."""
    became_said: str = ""
    """The message of then."""

    @property
    def doubtful(self) -> bool:
        """Whether an earlier attempt may have been carried out."""
        return self.unsettled or self.status in IN_DOUBT

    @property
    def letter(self) -> str:
        """Its id as a dead letter, eight hex digits: the same for the same fields of the same record."""
        content = exact.dump([self.system, self.stream, self.source_id, sorted(c.field for c in self.changes)])
        return hashlib.blake2b(content.encode(), digest_size=4).hexdigest()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be written to one system, and what became of it."""

    id: str
    system: str
    status: PlanStatus
    created_at: int
    run_id: str
    approved_by: str | None = None
    applied_at: int | None = None
    large_approved_by: str | None = None
    """Who approved it although it is larger than ltc.yaml allows."""
    items: tuple[Item, ...] = field(default=())

    @property
    def open_items(self) -> tuple[Item, ...]:
        """Those not sent, or without an outcome yet."""
        return tuple(item for item in self.items if item.status in OPEN)


class Base(NamedTuple):
    """A record's current version, to plan a change from."""

    seq: int
    state: int
    hash: bytes
    version: int | None
    body: bytes


class PlanError(Exception):
    """A plan or an outbox row cannot be used as asked; ``message`` is a sentence, ``remedy`` the next step."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()
