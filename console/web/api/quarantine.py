"""Quarantine: records that could not be understood, each step of one, trying it again and discarding it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field, StringConstraints

from console import correcting, discarding, in_quarantine, quarantine_names, tried_again
from console.web.api.callers import Caller, Operator, Reader
from console.web.api.chosen import ChosenOfStream
from console.web.api.values import (
    SIZE,
    Instant,
    Key,
    Name,
    Page,
    PageNumber,
    PageSize,
    Plain,
    Reason,
    Searched,
    Sent,
    SentKey,
    Told,
    first,
    instant,
    instant_or_none,
)
from console.web.problems import Refusal
from mappings.errors import MappingFileError
from state import corrections, quarantine
from state.clock import now_us
from state.failures import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from console.in_quarantine import Inspected
    from state.quarantine import Refused as Stored

router = APIRouter(tags=["quarantine"])

_MOST_EDITS = 1000

RecordId = Annotated[Key, Path(description="The `id` of a record in quarantine")]


class Refused(BaseModel):
    """A record that could not be understood; of personal values type and length only."""

    id: int
    system: str
    stream: str
    source_id: str
    called: str | None = Field(description="Its number and name, as far as they can be read and are about no person")
    field: str
    value: str
    reason: str
    run: str
    first_at: Instant
    last_at: Instant
    attempts: int
    discarded_by: str | None = Field(description="Who took it off the list; null if it is on it")
    discarded_at: Instant | None
    discard_reason: str | None


class Step(BaseModel):
    """What the present mapping makes of one field; personal values are •••."""

    field: str
    path: str = Field(description="Where the source holds it")
    raw: str | None = Field(description="What it holds there")
    value: str | None
    error: str | None


class RefusedDetail(Refused):
    """One record, step by step."""

    mappable: bool = Field(description="Whether a mapping can help: not if the connector could not read the record")
    steps: list[Step] = Field(description="Empty if the mapping cannot be read")


class WhyDiscarded(Sent):
    """Why a record is not needed."""

    reason: Reason


class WhyPutBack(Sent):
    """Why a record is needed after all."""

    reason: Reason | None = None


class SomeDiscarded(ChosenOfStream[SentKey], WhyDiscarded):
    """Which records, and why they are not needed."""


class SomePutBack(ChosenOfStream[SentKey], WhyPutBack):
    """Which records, and why they are needed after all."""


class RecordEdit(Sent):
    """What is to be read in the place of a field of the source, until the source sends another version."""

    field: Annotated[Searched, Told] = Field(description="Its path, as in `steps`", examples=["stage"])
    value: Annotated[str, StringConstraints(max_length=correcting.LONGEST_TEXT), Plain] = Field(examples=["won"])
    reason: Reason | None = None


class RecordEdited(BaseModel):
    """Whether the record is understood now, or which field it is refused for next."""

    id: int
    refused_for: str | None


class StandingEdit(BaseModel):
    """A field in whose place somebody has put a text; the text, which may be personal, is not in it."""

    id: int = Field(description="Of the record")
    system: str
    stream: str
    source_id: str
    field: str = Field(description="The path of the source's field")
    edited_by: str
    edited_at: Instant
    reason: str


class StandingEdits(BaseModel):
    """The last 1000 that were made."""

    items: list[StandingEdit]


class Moved(BaseModel):
    """How many records were discarded, or put back. Those that were not on that list are left as they are."""

    count: int


class Understood(BaseModel):
    """A record that has left the quarantine."""

    id: int


@router.get("/quarantine")
def list_quarantine(
    caller: Reader,
    system: Annotated[Name, Query(description="Only of this system")] = "",
    stream: Annotated[Name, Query(description="Only of this stream")] = "",
    discarded: Annotated[bool, Query(description="Those that people have discarded instead")] = False,
    page: PageNumber = 1,
    size: PageSize = SIZE,
) -> Page[Refused]:
    """List records that could not be understood, with the field and the reason, the newest first."""
    shown = discarding.Shown(system or None, stream or None, caller.limit, discarded)._asdict()
    with caller.store.reading() as connection:
        found = quarantine.listing(connection, **shown, limit=size, offset=first(page, size))
        total = quarantine.count(connection, **shown)
        names = quarantine_names.called(connection, caller.settings, found)
    return Page(items=[_refused(item, names) for item in found], page=page, size=size, total=total)


@router.get("/quarantine/edits")
def list_quarantine_edits(caller: Reader) -> StandingEdits:
    """List the fields in whose place people have put a text, of records that are still as they were then."""
    with caller.store.reading() as connection:
        found = corrections.standing(connection, caller.limit, _MOST_EDITS)
    return StandingEdits(
        items=[
            StandingEdit(
                id=item.record_id,
                system=item.system,
                stream=item.stream,
                source_id=item.source_id,
                field=item.path,
                edited_by=item.corrected_by,
                edited_at=instant(item.corrected_at),
                reason=item.reason,
            )
            for item in found
        ]
    )


@router.get("/quarantine/{id}")
def get_quarantined(caller: Reader, id: RecordId) -> RefusedDetail:
    """Show one with every step of its mapping; personal values are hidden."""
    found = _inspected(caller, id)
    fields = found.tested.fields if found.tested else ()
    return RefusedDetail(
        **_one(caller, found.refused).model_dump(),
        mappable=found.mappable,
        steps=[
            Step(
                field=item.name,
                path=item.path,
                raw=None if item.raw is None else str(item.raw),
                value=item.value,
                error=item.error,
            )
            for item in fields
        ],
    )


@router.post("/quarantine/{id}/retry")
def retry_quarantined(caller: Operator, id: RecordId) -> Understood:
    """Map it again as it is held, with the present mapping; its source is not asked."""
    found = _inspected(caller, id)
    if found.refused.system not in caller.settings.systems:
        raise _nothing(id)
    try:
        outcome = tried_again.retry(caller.store, caller.settings, [found.refused], caller.name)
    except MappingFileError as error:
        raise Refusal(409, f"The mapping cannot be read: {error.message.rstrip('.')}.", "Mend the mapping.") from None
    except StoreError as error:
        raise Refusal(409, error.message, error.remedy) from None
    if outcome.error is not None:
        raise Refusal(409, outcome.error.message, outcome.error.remedy)
    if outcome.counts["rejected"] or not outcome.counts["pulled"]:
        what = "The record still cannot be understood with the present mapping."
        raise Refusal(409, what, f"GET /api/v1/quarantine/{id} shows which field.")
    return Understood(id=id)


@router.post("/quarantine/{id}/edit")
def edit_quarantined(caller: Operator, id: RecordId, sent: RecordEdit) -> RecordEdited:
    """Have a text read in the place of a field of the source, and map the record again; what was received stays."""
    found = _inspected(caller, id)
    if found.refused.system not in caller.settings.systems:
        raise _nothing(id)
    texts, reason = {sent.field.strip(): sent.value.strip()}, sent.reason or ""
    try:
        left = correcting.edit(caller.store, caller.settings, found.refused, texts, caller.name, reason)
    except correcting.Unfit as error:
        said = str(error).rstrip(".")
        raise Refusal(409, f"That cannot be read in its place: {said}.", "Send another text.") from None
    except MappingFileError as error:
        raise Refusal(409, f"The mapping cannot be read: {error.message.rstrip('.')}.", "Mend the mapping.") from None
    except StoreError as error:
        raise Refusal(409, error.message, error.remedy) from None
    return RecordEdited(id=id, refused_for=left)


@router.post("/quarantine/{id}/unedit")
def take_back_quarantine_edit(caller: Operator, id: RecordId, sent: WhyPutBack) -> RecordEdited:
    """Let an edited record count as it was received again, which puts it back into quarantine."""
    with caller.store.reading() as connection:
        standing = corrections.of_record(connection, id)
    if not standing or not caller.member.may_touch(standing[0].system):
        raise Refusal(404, f"No record {id} is edited.", "GET /api/v1/quarantine/edits lists those that are.")
    try:
        correcting.take_back(caller.store, caller.settings, id, caller.name, sent.reason or "")
    except MappingFileError as error:
        raise Refusal(409, f"The mapping cannot be read: {error.message.rstrip('.')}.", "Mend the mapping.") from None
    except StoreError as error:
        raise Refusal(409, error.message, error.remedy) from None
    with caller.store.reading() as connection:
        left = quarantine.one(connection, id)
    return RecordEdited(id=id, refused_for=None if left is None else left.field)


@router.post("/quarantine/{id}/discard")
def discard_quarantined(caller: Operator, id: RecordId, sent: WhyDiscarded) -> Refused:
    """Take it off the list; it is kept as it was received, and comes back once its source changes it or another mapping
    refuses it."""
    return _decided(caller, id, False, sent.reason)


@router.post("/quarantine/{id}/put-back")
def put_back_quarantined(caller: Operator, id: RecordId, sent: WhyPutBack) -> Refused:
    """Put a discarded record back on the list."""
    return _decided(caller, id, True, sent.reason or "")


@router.post("/quarantine/discard")
def discard_many_quarantined(caller: Operator, sent: SomeDiscarded) -> Moved:
    """Take many records off the list, or all of a system or stream."""
    return _moved(caller, sent, False, sent.reason)


@router.post("/quarantine/put-back")
def put_back_many_quarantined(caller: Operator, sent: SomePutBack) -> Moved:
    """Put many discarded records back on the list, or all of a system or stream."""
    return _moved(caller, sent, True, sent.reason or "")


def _decided(caller: Caller, id: int, discarded: bool, reason: str) -> Refused:
    _inspected(caller, id)
    if not discarding.some(caller.store, [id], discarded, reason, caller.name):
        what = f"The record {id} is not discarded." if discarded else f"The record {id} is discarded already."
        raise Refusal(409, what, f"GET /api/v1/quarantine/{id} shows how it stands.")
    return _one(caller, _inspected(caller, id).refused)


def _moved(caller: Caller, sent: ChosenOfStream[int], discarded: bool, reason: str) -> Moved:
    """Of a system that is not the member's there are none."""
    if sent.ids is None:
        shown = discarding.Shown(sent.system, sent.stream, caller.limit, discarded)
        return Moved(count=discarding.every(caller.store, shown, now_us(), reason, caller.name))
    with caller.store.reading() as connection:
        found = quarantine.of_records(connection, sent.ids)
    chosen = [item.record_id for item in found if caller.member.may_touch(item.system)]
    return Moved(count=len(discarding.some(caller.store, chosen, discarded, reason, caller.name)))


def _inspected(caller: Caller, id: int) -> Inspected:
    """One record; raises ``Refusal`` 404 if it is not in quarantine, or its system is not the member's."""
    found = in_quarantine.inspect(caller.store, caller.settings, id, False)
    if found is None or not caller.member.may_touch(found.refused.system):
        raise _nothing(id)
    return found


def _nothing(id: int) -> Refusal:
    return Refusal(404, f"No record {id} is in quarantine.", "GET /api/v1/quarantine lists those that are.")


def _one(caller: Caller, item: Stored) -> Refused:
    with caller.store.reading() as connection:
        return _refused(item, quarantine_names.called(connection, caller.settings, [item]))


def _refused(item: Stored, names: Mapping[int, str]) -> Refused:
    return Refused(
        id=item.record_id,
        system=item.system,
        stream=item.stream,
        source_id=item.source_id,
        called=names.get(item.record_id),
        field=item.field,
        value=item.value,
        reason=item.reason,
        run=item.run_id,
        first_at=instant(item.first_at),
        last_at=instant(item.last_at),
        attempts=item.attempts,
        discarded_by=item.discarded_by,
        discarded_at=instant_or_none(item.discarded_at),
        discard_reason=item.discard_reason,
    )
