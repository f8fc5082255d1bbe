"""What is written back and what could not be: plans, dead letters, quarantined records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from console import letters, written
from console.web.api import starting
from console.web.api.callers import Caller, Operator, Reader
from console.web.api.run_models import Started
from console.web.api.values import (
    SIZE,
    Instant,
    Name,
    Page,
    PageNumber,
    PageSize,
    Reason,
    Sent,
    cut,
    first,
    instant,
    instant_or_none,
)
from console.web.problems import Refusal
from state import chains, creations, outbox, quarantine
from state.changes import Item, PlanError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

    from state.creations import Creation

router = APIRouter(tags=["writing"])

PlanId = Annotated[str, Path(pattern="^[0-9a-f]{16}$", description="The id of a plan")]
LetterId = Annotated[str, Path(pattern="^[0-9a-f]{8}$", description="The id of a dead letter")]


class Change(BaseModel):
    """One field; values in canonical terms, money as exact decimal text in the record's currency, personal ones •••."""

    field: str
    source_field: str
    old: Any
    new: Any
    reason: str


class Write(BaseModel):
    """What is to be written to one record."""

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
    status: str
    created_at: Instant
    approved_by: str | None
    items: list[Write]


class Plans(BaseModel):
    """All plans that are not carried out."""

    items: list[Plan]


class DeadLetter(BaseModel):
    """A write-back, or a record to be created, that needs a person."""

    id: str
    kind: str = Field(description="write, or create for a record that is made downstream")
    system: str
    stream: str
    record: str | None = Field(description="The source's id of the record")
    number: str | None
    origin: str | None = Field(description="Of what it is to be made")
    currency: str | None
    status: str = Field(description="rejected, dead, or gone: it was made, and deleted since")
    attempts: int
    message: str
    created_at: Instant
    sent_at: Instant | None
    changes: list[Change]


class Discard(Sent):
    """Why it is not needed."""

    reason: Reason


class LetterDecided(BaseModel):
    """The dead letter that was decided about."""

    id: str


class Refused(BaseModel):
    """A record that could not be understood; of personal values type and length only."""

    system: str
    stream: str
    source_id: str
    field: str
    value: str
    reason: str
    run: str
    first_at: Instant
    last_at: Instant
    attempts: int


@router.get("/plans")
def list_plans(caller: Reader) -> Plans:
    """List what is to be written to each system, field by field, with the reason."""
    with caller.store.reading() as connection:
        found = outbox.open_plans(connection, caller.limit)
        currencies = _currencies(connection, [item for plan in found for item in plan.open_items])
    return Plans(
        items=[
            Plan(
                id=plan.id,
                system=plan.system,
                status=plan.status.value,
                created_at=instant(plan.created_at),
                approved_by=plan.approved_by,
                items=[_write(caller, item, currencies.get(item.record_id)) for item in plan.open_items],
            )
            for plan in found
            if plan.open_items
        ]
    )


@router.post("/plans/{id}/apply", status_code=202, responses=starting.LOCATION)
def apply_plan(caller: Operator, request: Request, response: Response, id: PlanId) -> Started:
    """Carry out exactly this plan, each change only if its record is still as it was read."""
    with caller.store.reading() as connection:
        try:
            theirs = caller.member.may_touch(outbox.load(connection, id).system)
        except PlanError:
            theirs = False
    if not theirs:
        raise Refusal(404, f"There is no plan {id}.", "GET /api/v1/plans lists them.")
    return starting.start(caller, request.app.state.worker, response, "push", plan_id=id)


@router.get("/dead-letters")
def list_dead_letters(caller: Reader, page: PageNumber = 1, size: PageSize = SIZE) -> Page[DeadLetter]:
    """List write-backs and new records that need a person."""
    with caller.store.reading() as connection:
        stuck: list[Item | Creation] = [*outbox.dead_letters(connection), *creations.dead_letters(connection)]
        found = cut([item for item in stuck if caller.member.may_touch(item.system)], page, size)
        currencies = _currencies(connection, [item for item in found.items if isinstance(item, Item)])
    items = [
        _letter(caller, item, currencies.get(item.record_id)) if isinstance(item, Item) else _creation(item)
        for item in found.items
    ]
    return Page(items=items, page=page, size=size, total=found.total)


@router.post("/dead-letters/{id}/retry")
def retry_dead_letter(caller: Operator, id: LetterId) -> LetterDecided:
    """Let the next plan take it up again, if it is still wanted."""
    return _decided(caller, id, None)


@router.post("/dead-letters/{id}/discard")
def discard_dead_letter(caller: Operator, id: LetterId, sent: Discard) -> LetterDecided:
    """Take it off the list for good."""
    return _decided(caller, id, sent.reason.strip())


@router.get("/quarantine")
def list_quarantine(
    caller: Reader,
    system: Annotated[Name, Query(description="Only of this system")] = "",
    stream: Annotated[Name, Query(description="Only of this stream")] = "",
    page: PageNumber = 1,
    size: PageSize = SIZE,
) -> Page[Refused]:
    """List records that could not be understood, with the field and the reason, the newest first."""
    limit, one, of = caller.limit, system or None, stream or None
    with caller.store.reading() as connection:
        found = quarantine.listing(
            connection, system=one, stream=of, systems=limit, limit=size, offset=first(page, size)
        )
        total = quarantine.count(connection, system=one, stream=of, systems=limit)
    items = [
        Refused(
            system=item.system,
            stream=item.stream,
            source_id=item.source_id,
            field=item.field,
            value=item.value,
            reason=item.reason,
            run=item.run_id,
            first_at=instant(item.first_at),
            last_at=instant(item.last_at),
            attempts=item.attempts,
        )
        for item in found
    ]
    return Page(items=items, page=page, size=size, total=total)


def _decided(caller: Caller, id: str, reason: str | None) -> LetterDecided:
    with caller.store.transaction() as connection:
        try:
            letter = creations.letter(connection, id) or outbox.letter(connection, id)
        except PlanError:
            letter = None
        if letter is None or not caller.member.may_touch(letter.system):
            raise Refusal(404, f"There is no dead letter {id}.", "GET /api/v1/dead-letters lists them.")
        try:
            written.decide(connection, letter, caller.name, reason)
        except PlanError as error:
            raise Refusal(409, error.message, error.remedy) from None
    return LetterDecided(id=id)


def _currencies(connection: Connection, items: Sequence[Item]) -> dict[int, str | None]:
    rows = chains.rows(connection, [item.record_id for item in items])
    return {record_id: row.get("currency") for record_id, row in rows.items()}


def _write(caller: Caller, item: Item, currency: str | None) -> Write:
    return Write(
        system=item.system,
        stream=item.stream,
        source_id=item.source_id,
        number=item.number,
        currency=currency,
        status=item.status.value,
        attempts=item.attempts,
        message=_said(caller, item),
        changes=_changes(caller, item, currency),
    )


def _changes(caller: Caller, item: Item, currency: str | None) -> list[Change]:
    return [
        Change(field=change.field, source_field=change.source_field, old=old, new=new, reason=change.reason)
        for change, old, new in written.changes(caller.settings, item, currency)
    ]


def _letter(caller: Caller, item: Item, currency: str | None) -> DeadLetter:
    return DeadLetter(
        id=item.letter,
        kind="write",
        system=item.system,
        stream=item.stream,
        record=item.source_id,
        number=item.number,
        origin=None,
        status=item.status.value,
        attempts=item.attempts,
        message=_said(caller, item),
        created_at=instant(item.created_at),
        sent_at=instant_or_none(item.sent_at),
        currency=currency,
        changes=_changes(caller, item, currency),
    )


def _said(caller: Caller, item: Item) -> str:
    return letters.said(item, letters.personal(caller.settings, item))


def _creation(item: Creation) -> DeadLetter:
    return DeadLetter(
        id=item.letter,
        kind="create",
        system=item.system,
        stream=item.stream,
        record=item.made_source_id,
        number=item.number,
        origin=f"{item.origin.system}:{item.origin.stream}:{item.origin.source_id}",
        status="gone" if item.made_source_id else item.status.value,
        attempts=item.attempts,
        message=item.message,
        created_at=instant(item.created_at),
        sent_at=instant_or_none(item.sent_at),
        currency=None,
        changes=[],
    )
