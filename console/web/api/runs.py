"""Runs: listed, one stream by stream, started and stopped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from console import ran
from console.web.api import starting
from console.web.api.callers import Caller, Operator, Reader
from console.web.api.run_models import Run, RunDetail, RunRequest, Started, Stopping, part, problem, run
from console.web.api.values import SIZE, Day, Name, OneOf, Page, PageNumber, PageSize, cut, first
from console.web.problems import Refusal
from console.web.runs_asked import STATUSES, within
from state import audit, pauses, queries, runs
from state.activity import RUN_KINDS
from state.queries import Asking

if TYPE_CHECKING:
    from console.web.work import Worker
    from state.queries import Attempt, RunRow

router = APIRouter(tags=["runs"])

_PULLING = ("sync", "pull", "sweep")
_STATUSES = ("", *STATUSES)
_KINDS = ("", *RUN_KINDS)
RunId = Annotated[str, Path(pattern="^[0-9A-Za-z-]{1,64}$", description="The id of a run")]


@router.get("/runs")
def list_runs(
    caller: Reader,
    status: Annotated[str, OneOf(_STATUSES), Query(description="Default: all")] = "",
    kind: Annotated[str, OneOf(_KINDS), Query(description="Default: all; `push` is planning, too")] = "",
    system: Annotated[Name, Query(description="That was to be worked on")] = "",
    started_by: Annotated[Name, Query(description="A member, or who called the command; `ltc`: nobody by hand")] = "",
    day: Annotated[Day | None, Query(description="Begun on it, in the time zone of ltc.yaml")] = None,
    page: PageNumber = 1,
    size: PageSize = SIZE,
) -> Page[Run]:
    """List runs, the newest first; of a member who is limited to some systems, those that did something there."""
    runs.close_abandoned(caller.store)
    chosen = Asking((status,) if status else (), kind, system, started_by)
    asking = within(chosen, day, caller.settings.business_day_zone)
    with caller.store.reading() as connection:
        if caller.limit is None:
            found, total = queries.some_runs(connection, asking, size, first(page, size))
        else:
            theirs = cut(ran.concerning(connection, caller.member.may_touch, asking=asking), page, size)
            found, total = theirs.items, theirs.total
    return Page(items=[run(item) for item in found], page=page, size=size, total=total)


@router.get("/runs/{id}")
def get_run(caller: Reader, request: Request, id: RunId) -> RunDetail:
    """Show what a run did with each stream; ask again while its status is `running`."""
    runs.close_abandoned(caller.store)
    found, parts = _run(caller, id)
    theirs = ran.limited(found, caller.member.may_touch)
    shown = {**run(theirs).model_dump(), "problems": [problem(item) for item in theirs.problems]}
    theirs_alone = [part(item) for item in parts if caller.member.may_touch(item.system)]
    return RunDetail(
        **shown,
        parts=theirs_alone,
        stopped_by=_stopper(caller, found),
        together=_together(caller, found),
        **_turn(caller, request.app.state.worker, id),
    )


@router.post("/runs", status_code=202, responses=starting.LOCATION)
def start_run(caller: Operator, request: Request, response: Response, sent: RunRequest) -> Started:
    """Start a run, and tell at once where it can be looked at."""
    if sent.system is not None and sent.system not in caller.systems:
        raise Refusal(409, "ltc.yaml names no such system.", "GET /api/v1/systems lists them.")
    if sent.system is not None and sent.kind in _PULLING:
        with caller.store.reading() as connection:
            starting.refuse_paused(caller, pauses.read(connection).own(sent.system), allowed=sent.paused)
    worker = request.app.state.worker
    return starting.start(caller, worker, response, sent.kind, system=sent.system, paused=sent.paused)


@router.post("/runs/{id}/stop")
def stop_run(caller: Operator, request: Request, id: RunId) -> Stopping:
    """Ask a run that was started in the workbench or here to end after the page at work."""
    if not ran.is_theirs(*_run(caller, id), caller.member.may_touch):
        raise _nothing(id)
    if not request.app.state.worker.stop(id, caller.name):
        what = "The run is not at work here."
        raise Refusal(409, what, "It has ended, or was started elsewhere: stop it there.")
    return Stopping(run=id)


def _together(caller: Caller, run: RunRow) -> list[str]:
    """The runs of one wish that are the member's concern."""
    with caller.store.reading() as connection:
        found = queries.one_wish(connection, run)
    may_touch = caller.member.may_touch
    return [item.id for item in found if item.id == run.id or caller.limit is None or ran.concerns(item, may_touch)]


def _stopper(caller: Caller, run: RunRow) -> str | None:
    if run.status != "interrupted" or run.ended_at is None:
        return None
    with caller.store.reading() as connection:
        found = audit.stopped(connection, run.id, run.started_at, run.ended_at)
    return None if found is None else found.actor


def _run(caller: Caller, id: str) -> tuple[RunRow, list[Attempt]]:
    """A run and what it did with each stream; raises ``Refusal`` 404 for one that is not the member's concern."""
    with caller.store.reading() as connection:
        found = queries.run(connection, id)
        parts = queries.run_parts(connection, id)
    may_touch = caller.member.may_touch
    theirs = caller.limit is None or any(may_touch(item.system) for item in parts)
    if found is None or not (theirs or ran.concerns(found, may_touch)):
        raise _nothing(id)
    return found, parts


def _turn(caller: Caller, worker: Worker, id: str) -> dict[str, str | None]:
    """What a sync waits for that could not reconcile at once, and which run did the rest of it."""
    told, found = worker.telling(id), dict[str, str | None](waits_for=None, continued_by=None)
    if told is None or not told.in_turn or told.runs[0] != id:
        return found
    found["continued_by"] = next(iter(told.runs[1:]), None)
    if len(told.runs) == 1 and worker.goes_on(id):
        other = told.waits_for
        shows = other is not None and (not other.systems or any(map(caller.member.may_touch, other.systems)))
        found["waits_for"] = other.run if other is not None and shows else ""
    return found


def _nothing(id: str) -> Refusal:
    return Refusal(404, f"There is no run {id}.", "GET /api/v1/runs lists them.")
