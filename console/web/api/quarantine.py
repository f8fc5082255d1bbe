"""Quarantine: records that could not be understood, each step of one, and trying it again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from console import in_quarantine, tried_again
from console.web.api.callers import Caller, Operator, Reader
from console.web.api.values import SIZE, Instant, Key, Name, Page, PageNumber, PageSize, first, instant
from console.web.problems import Refusal
from mappings.errors import MappingFileError
from state import quarantine
from state.failures import StoreError

if TYPE_CHECKING:
    from console.in_quarantine import Inspected
    from state.quarantine import Refused as Stored

router = APIRouter(tags=["quarantine"])

RecordId = Annotated[Key, Path(description="The `id` of a record in quarantine")]


class Refused(BaseModel):
    """A record that could not be understood; of personal values type and length only."""

    id: int
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


class Understood(BaseModel):
    """A record that has left the quarantine."""

    id: int


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
    return Page(items=[_refused(item) for item in found], page=page, size=size, total=total)


@router.get("/quarantine/{id}")
def get_quarantined(caller: Reader, id: RecordId) -> RefusedDetail:
    """Show one with every step of its mapping; personal values are hidden."""
    found = _inspected(caller, id)
    fields = found.tested.fields if found.tested else ()
    return RefusedDetail(
        **_refused(found.refused).model_dump(),
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


def _inspected(caller: Caller, id: int) -> Inspected:
    """One record; raises ``Refusal`` 404 if it is not in quarantine, or its system is not the member's."""
    found = in_quarantine.inspect(caller.store, caller.settings, id, False)
    if found is None or not caller.member.may_touch(found.refused.system):
        raise _nothing(id)
    return found


def _nothing(id: int) -> Refusal:
    return Refusal(404, f"No record {id} is in quarantine.", "GET /api/v1/quarantine lists those that are.")


def _refused(item: Stored) -> Refused:
    return Refused(
        id=item.record_id,
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
