"""What people do with a system or one of its streams: pause, resume, read a window anew."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from console import backfill
from console.web import systems as page
from console.web.api import starting
from console.web.api.callers import Caller, Operator, Reader
from console.web.api.run_models import Started
from console.web.api.values import Day, Flag, Instant, Name, Reason, Sent, SystemName, instant
from console.web.problems import Refusal
from state import pauses
from state.clock import to_us
from state.pauses import WHOLE, PauseError

if TYPE_CHECKING:
    from state.pauses import Pause

router = APIRouter(tags=["systems"])

_STREAM = Field(None, description="Only this stream", examples=["order"])


class Paused(BaseModel):
    """That nothing is read from it or written to it until somebody resumes it."""

    by: str
    at: Instant
    reason: str


class Pausing(Sent):
    """What is to be left alone, and why."""

    stream: Name | None = _STREAM
    reason: Reason = Field(description="Others will ask", examples=["Release weekend, until Monday"])


class Resuming(Sent):
    """What goes on."""

    stream: Name | None = _STREAM


class Condition(BaseModel):
    """Whether a system, or a stream of it, is paused now."""

    system: str
    stream: str | None
    paused: Paused | None


class Window(Sent):
    """What is to be read anew."""

    since: Day = Field(description="The first day, in the time zone of ltc.yaml")
    stream: Name | None = _STREAM
    paused: Flag = Field(False, description="Also if it is paused")


class Cost(BaseModel):
    """What a backfill of one stream is going to read, as far as can be told beforehand."""

    stream: str
    held: int = Field(description="Records that are held")
    since: int = Field(description="Of these, changed in the window")
    undated: int = Field(description="Of these, without a time of change")
    calls: int | None = Field(
        description="About how many, by the connector's pages and the last pulls; null: not known"
    )
    whole: bool = Field(description="All records are read, as the source cannot be asked for what changed since")


class Costs(BaseModel):
    """Stream by stream."""

    system: str
    since: Instant
    items: list[Cost]


@router.post("/systems/{name}/pause")
def pause_system(caller: Operator, name: SystemName, sent: Pausing) -> Condition:
    """Leave a system, or one stream of it, alone until somebody resumes it. What is at work goes on to its end."""
    system = _known(caller, name)
    stream = _stream(caller, system, sent.stream) or WHOLE
    with caller.store.transaction() as connection:
        try:
            made = pauses.pause(connection, system, stream, caller.name, sent.reason)
        except PauseError as error:
            raise Refusal.of(error) from None
    return Condition(system=system, stream=sent.stream, paused=paused(made))


@router.post("/systems/{name}/resume")
def resume_system(caller: Operator, name: SystemName, sent: Resuming) -> Condition:
    """Let it go on; the next run catches up."""
    system = _known(caller, name)
    with caller.store.transaction() as connection:
        try:
            pauses.resume(connection, system, sent.stream or WHOLE, caller.name)
        except PauseError as error:
            raise Refusal.of(error, "GET /api/v1/systems shows what is.") from None
    return Condition(system=system, stream=sent.stream, paused=None)


@router.get("/systems/{name}/backfill")
def get_cost_of_backfill(
    caller: Reader,
    name: SystemName,
    since: Annotated[Day, Query(description="The first day, in the time zone of ltc.yaml")],
    stream: Annotated[Name, Query(description="Only this stream")] = "",
) -> Costs:
    """Tell what reading a window anew would cost."""
    system = _known(caller, name)
    begin, chosen = _begin(caller, since), _chosen(caller, system, stream)
    found = backfill.costs(caller.store, caller.settings, system, chosen, begin)
    costs = [
        Cost(
            stream=item.stream,
            held=item.held,
            since=item.since,
            undated=item.undated,
            calls=item.calls,
            whole=item.whole,
        )
        for item in found
    ]
    return Costs(system=system, since=instant(to_us(begin)), items=costs)


@router.post("/systems/{name}/backfill", status_code=202, responses=starting.LOCATION)
def start_backfill(caller: Operator, request: Request, response: Response, name: SystemName, sent: Window) -> Started:
    """Read anew what changed in a system, or one stream of it, since a day. What is held as it is stays as it is."""
    system, worker = _known(caller, name), request.app.state.worker
    begin, chosen = _begin(caller, sent.since), _chosen(caller, system, sent.stream)
    with caller.store.reading() as connection:
        starting.refuse_paused(caller, pauses.read(connection).among(system, chosen), allowed=sent.paused)
    if worker.in_the_way("pull", [system]) is not None:
        raise starting.busy()
    backfill.note(caller.store, system, chosen, begin, caller.name)
    named = [f"{system}.{item}" for item in chosen]
    return starting.start(
        caller, worker, response, "pull", system=system, streams=named, since=begin, paused=sent.paused
    )


def paused(item: Pause | None) -> Paused | None:
    """A pause as the API says it."""
    return None if item is None else Paused(by=item.paused_by, at=instant(item.paused_at), reason=item.reason)


def _known(caller: Caller, name: str) -> str:
    """The name of a system that is there and the member's; raises ``Refusal`` 404."""
    if name not in caller.systems:
        raise Refusal(404, "ltc.yaml names no such system.", "GET /api/v1/systems lists them.")
    return name


def _stream(caller: Caller, system: str, stream: str | None) -> str | None:
    """A stream of the system, or none; raises ``Refusal`` 409 for one that it does not have."""
    if stream and stream not in page.stream_names(caller.visit, system):
        raise Refusal(409, f"{system} has no such stream.", "GET /api/v1/systems lists them.")
    return stream or None


def _chosen(caller: Caller, system: str, stream: str | None) -> list[str]:
    one = _stream(caller, system, stream)
    return [one] if one else page.stream_names(caller.visit, system)


def _begin(caller: Caller, day: date) -> datetime:
    found = backfill.begin(caller.settings, day)
    if found is None:
        raise Refusal(409, "No window can begin on that day.", "Name one that has passed, from 1990 on.")
    return found
