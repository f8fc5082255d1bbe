"""Dead letters: write-backs and new records that need a person, looked at, edited, tried again, discarded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field, StringConstraints

from console import letters, letters_decided, written
from console.exporting import is_removed
from console.records import HIDDEN
from console.web.api.callers import Caller, Operator, Reader
from console.web.api.chosen import Chosen
from console.web.api.plan_models import Change
from console.web.api.plans import changes, currencies_of, origin, said
from console.web.api.records import REMOVED
from console.web.api.values import (
    SIZE,
    Instant,
    Name,
    Page,
    PageNumber,
    PageSize,
    Plain,
    Reason,
    Searched,
    Sent,
    Told,
    first,
    instant,
    instant_or_none,
)
from console.web.problems import Refusal
from state import creations, dead_letters, outbox, tried_again
from state.changes import Item, PlanError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from state.creations import Creation

router = APIRouter(tags=["dead letters"])

LetterId = Annotated[str, Path(pattern="^[0-9a-f]{8}$", description="The id of a dead letter")]


class DeadLetter(BaseModel):
    """A write-back, or a record to be created, that needs a person."""

    id: str
    kind: str = Field(description="write, or create for a record that is made downstream")
    system: str
    system_removed: bool = Field(description=REMOVED)
    stream: str
    record: str | None = Field(description="The source's id of the record")
    number: str | None
    origin: str | None = Field(description="Of what it is to be made")
    currency: str | None
    status: str = Field(description="rejected, dead, discarded, or gone: it was made, and deleted since")
    attempts: int
    message: str
    created_at: Instant
    sent_at: Instant | None
    changes: list[Change]


class SourceValue(BaseModel):
    """What the source has and what is to be sent, in its own terms; personal values are •••."""

    field: str
    old: Any
    new: Any


class DeadLetterDetail(DeadLetter):
    """All about one."""

    values: list[SourceValue] = Field(
        description="Of a record to be created the names alone: whose they are is not known"
    )


class Edit(Sent):
    """What is to be written instead, until its owner's value changes."""

    field: Annotated[Searched, Told] = Field(
        description="One of the fields of its `changes`", examples=["delivery_state"]
    )
    value: Annotated[str, StringConstraints(max_length=letters.LONGEST_VALUE), Plain] = Field(
        description="In canonical terms", examples=["delivered"]
    )
    reason: Reason | None = None


class Discard(Sent):
    """Why it is not needed."""

    reason: Reason


class LetterPutBack(Sent):
    """Why it is needed after all."""

    reason: Reason | None = None


class SomeLetters(Chosen[Annotated[str, StringConstraints(pattern="^[0-9a-f]{8}$")]]):
    """Which dead letters: these, or all of a system."""


class SomeLettersDiscarded(SomeLetters, Discard):
    """Which dead letters, and why they are not needed."""


class LettersDecided(BaseModel):
    """How many were decided about. Ids that are no dead letters, or not the caller's, are passed over."""

    count: int
    left: list[str] = Field(
        description="Ids of those that were left: records created and deleted since are not created again"
    )


class LetterDecided(BaseModel):
    """The dead letter that was decided about."""

    id: str
    stands: bool = Field(default=False, description="The value stands there already: nothing is to be written")


@router.get("/dead-letters")
def list_dead_letters(
    caller: Reader,
    system: Annotated[Name, Query(description="Only of this system")] = "",
    discarded: Annotated[bool, Query(description="Those that were discarded, the last first")] = False,
    page: PageNumber = 1,
    size: PageSize = SIZE,
) -> Page[DeadLetter]:
    """List write-backs and new records that need a person."""
    with caller.store.reading() as connection:
        which = dead_letters.Which(system or None, caller.member.systems)
        read = dead_letters.discarded if discarded else dead_letters.page
        found, total = read(connection, which, limit=size, offset=first(page, size))
        writes = [item for item in found if isinstance(item, Item)]
        counted = {item.id: item for item in tried_again.counted(connection, writes)}
        currencies = currencies_of(connection, [item.record_id for item in writes])
    items = [
        _write(caller, counted[item.id], currencies.get(item.record_id))
        if isinstance(item, Item)
        else _creation(caller, item)
        for item in found
    ]
    return Page(items=items, page=page, size=size, total=total)


@router.get("/dead-letters/{id}")
def get_dead_letter(caller: Reader, id: LetterId) -> DeadLetterDetail:
    """Show one, with what was to be sent; personal values are hidden."""
    with caller.store.reading() as connection:
        item = _letter(caller, connection, id)
        if not isinstance(item, Item):
            names = [SourceValue(field=name, old=None, new=HIDDEN) for name in item.values]
            return DeadLetterDetail(**_creation(caller, item).model_dump(), values=names)
        currency = currencies_of(connection, [item.record_id]).get(item.record_id)
        [item] = tried_again.counted(connection, [item])
    hidden = letters.personal(caller.settings, item)
    values = [
        SourceValue(
            field=change.source_field,
            old=_kept_back(change.source_old, change.field in hidden),
            new=_kept_back(change.source_new, change.field in hidden),
        )
        for change in item.changes
    ]
    return DeadLetterDetail(**_write(caller, item, currency).model_dump(), values=values)


@router.post("/dead-letters/{id}/edit")
def edit_dead_letter(caller: Operator, id: LetterId, sent: Edit) -> LetterDecided:
    """Have another value written instead, until its owner's value changes; the next plan has it."""
    with caller.store.reading() as connection:
        item = _letter(caller, connection, id)
    if not isinstance(item, Item):
        raise Refusal(409, "It is a record to be created: it follows what it is made of.", "Mend that, or discard it.")
    try:
        value, reason = sent.value.strip(), (sent.reason or "").strip()
        edited = letters.edit(caller.store, caller.settings, item, {sent.field.strip(): value}, caller.name, reason)
    except letters.Unfit as error:
        raise Refusal(409, f"That cannot be written: {str(error).rstrip('.')}.", "Send another value.") from None
    except PlanError as error:
        raise Refusal(409, error.message, error.remedy) from None
    return LetterDecided(id=id, stands=edited.stands)


@router.post("/dead-letters/{id}/retry")
def retry_dead_letter(caller: Operator, id: LetterId) -> LetterDecided:
    """Let the next plan take it up again, if it is still wanted."""
    return _decided(caller, id, None)


@router.post("/dead-letters/{id}/discard")
def discard_dead_letter(caller: Operator, id: LetterId, sent: Discard) -> LetterDecided:
    """Take it off the list for good."""
    return _decided(caller, id, sent.reason.strip())


@router.post("/dead-letters/{id}/put-back")
def put_back_dead_letter(caller: Operator, id: LetterId, sent: LetterPutBack) -> LetterDecided:
    """Put a discarded one back on the list, as it was; nothing is written by it."""
    with caller.store.transaction() as connection:
        try:
            which = dead_letters.Which(systems=caller.member.systems)
            letter = dead_letters.discarded_one(connection, id, which)
            written.put_back(connection, letter, caller.name, (sent.reason or "").strip())
        except dead_letters.NoneDiscarded:
            raise Refusal(
                404, f"There is no discarded dead letter {id}.", "GET /api/v1/dead-letters?discarded=true lists them."
            ) from None
        except PlanError as error:
            raise Refusal(409, error.message, error.remedy) from None
    return LetterDecided(id=id)


@router.post("/dead-letters/retry")
def retry_many_dead_letters(caller: Operator, sent: SomeLetters) -> LettersDecided:
    """Let the next plan take many up again, or all of a system, if they are still wanted."""
    return _many_decided(caller, sent, None)


@router.post("/dead-letters/discard")
def discard_many_dead_letters(caller: Operator, sent: SomeLettersDiscarded) -> LettersDecided:
    """Take many off the list for good, or all of a system."""
    return _many_decided(caller, sent, sent.reason.strip())


def _many_decided(caller: Caller, sent: SomeLetters, reason: str | None) -> LettersDecided:
    """Of a system that is not the member's there are none."""
    with caller.store.transaction() as connection:
        found = letters_decided.listed(connection, sent.system, caller.member.may_touch)
        chosen = found if sent.ids is None else letters_decided.of_ids(found, sent.ids)
        done, left = letters_decided.decide(connection, chosen, caller.name, reason)
    return LettersDecided(count=len(done), left=[item.letter for item in left])


def _decided(caller: Caller, id: str, reason: str | None) -> LetterDecided:
    with caller.store.transaction() as connection:
        letter = _letter(caller, connection, id)
        try:
            written.decide(connection, letter, caller.name, reason)
        except PlanError as error:
            raise Refusal(409, error.message, error.remedy) from None
    return LetterDecided(id=id)


def _letter(caller: Caller, connection: Connection, id: str) -> Item | Creation:
    """The one with this id; raises ``Refusal`` 404 if there is none, or its system is not the member's."""
    try:
        letter = creations.letter(connection, id) or outbox.letter(connection, id)
    except PlanError:
        letter = None
    if letter is None or not caller.member.may_touch(letter.system):
        raise Refusal(404, f"There is no dead letter {id}.", "GET /api/v1/dead-letters lists them.")
    return letter


def _kept_back(value: object, hidden: bool) -> object:
    return HIDDEN if hidden and value not in (None, "") else value


def _write(caller: Caller, item: Item, currency: str | None) -> DeadLetter:
    return DeadLetter(
        id=item.letter,
        kind="write",
        system=item.system,
        system_removed=is_removed(caller.settings, item.system),
        stream=item.stream,
        record=item.source_id,
        number=item.number,
        origin=None,
        status=item.status.value,
        attempts=item.attempts,
        message=said(caller, item),
        created_at=instant(item.created_at),
        sent_at=instant_or_none(item.sent_at),
        currency=currency,
        changes=changes(caller, item, currency),
    )


def _creation(caller: Caller, item: Creation) -> DeadLetter:
    return DeadLetter(
        id=item.letter,
        kind="create",
        system=item.system,
        system_removed=is_removed(caller.settings, item.system),
        stream=item.stream,
        record=item.made_source_id,
        number=item.number,
        origin=origin(item),
        status="gone" if item.made_source_id else item.status.value,
        attempts=item.attempts,
        message=item.message,
        created_at=instant(item.created_at),
        sent_at=instant_or_none(item.sent_at),
        currency=None,
        changes=[],
    )
