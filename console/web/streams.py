"""What people do with a system or one of its streams: pause, resume, accept its matching, read again from a day on."""

from __future__ import annotations

from datetime import date, datetime

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import backfill
from console.web import runs, systems
from console.web.collisions import in_the_way
from console.web.desk import Operator, OperatorForm, Reader, Visit, see
from state import outbox, pauses
from state.changes import PlanError
from state.pauses import WHOLE, PauseError
from sync import gates, matching

router = APIRouter()

_MOST_DOUBLES = 50


@router.post("/systems/{name}/pause")
def pause(visit: Operator, sent: OperatorForm, name: str) -> Response:
    """Leave the system, or one stream of it, alone until somebody resumes it."""
    system = systems.known(visit, name)
    stream = sent.get("stream", "") or WHOLE
    if stream != WHOLE and stream not in systems.stream_names(visit, system):
        raise HTTPException(400)
    try:
        with visit.desk.store.transaction() as connection:
            pauses.pause(connection, system, stream, visit.member.name, sent.get("reason", ""))
    except PauseError as error:
        return systems.page(visit, system, 422, visit.refusal(error))
    return see(f"/systems/{system}")


@router.post("/systems/{name}/resume")
def resume(visit: Operator, sent: OperatorForm, name: str) -> Response:
    """Let it go on."""
    system = systems.known(visit, name)
    try:
        with visit.desk.store.transaction() as connection:
            ended = pauses.resume(connection, system, sent.get("stream", "") or WHOLE, visit.member.name)
    except PauseError as error:
        return systems.page(visit, system, 422, visit.refusal(error))
    visit.desk.notes.keep(visit, visit.texts("pausing.resumed", what=ended.what))
    return see(f"/systems/{system}")


@router.get("/systems/{name}/matching")
def first_matching(visit: Operator, name: str) -> Response:
    """How the records of a system that is read only until then were matched, and what waits for it."""
    return _matching(visit, systems.known(visit, name))


@router.post("/systems/{name}/matching")
def accept_matching(visit: Operator, _sent: OperatorForm, name: str) -> Response:
    """Let the system be written to from now on."""
    system = systems.known(visit, name)
    try:
        matching.accept(visit.desk.store, [system], visit.member.name)
    except PlanError as error:
        return _matching(visit, system, 422, f"{error.message}\n{error.remedy}")
    visit.desk.notes.keep(visit, visit.texts("push.accepted", system=system))
    return see("/plans")


def _matching(visit: Visit, system: str, status: int = 200, problem: str = "") -> Response:
    with visit.desk.store.reading() as connection:
        if system not in gates.read_only(connection, visit.desk.settings, [system]):
            raise HTTPException(404)
        found = matching.matching(connection, system)
        counts = outbox.counts(connection, system)
    waiting = sum(counts.get(state.value, 0) for state in outbox.OPEN)
    return visit.page(
        "matching", status, system=system, found=found, waiting=waiting, most=_MOST_DOUBLES, problem=problem
    )


@router.get("/systems/{name}/backfill")
def preview(visit: Reader, name: str, stream: str = "", since: str = "") -> Response:
    """What reading again from a day on would cost."""
    system = systems.known(visit, name)
    begin = _day(visit, since)
    if begin is None:
        return _no_day(visit, system, stream, since)
    chosen = _chosen(visit, system, stream)
    costs = backfill.costs(visit.desk.store, visit.desk.settings, system, chosen, begin)
    with visit.desk.store.reading() as connection:
        paused = pauses.read(connection).among(system, chosen)
    return visit.page(
        "backfill",
        system=system,
        stream=stream,
        since=since,
        costs=costs,
        paused=paused,
        in_the_way=[
            runs.hindrance(visit, item) for item in runs.at_work(visit) if in_the_way("pull", [system], [item])
        ],
    )


@router.post("/systems/{name}/backfill")
def start(visit: Operator, sent: OperatorForm, name: str) -> Response:
    """Read again from that day on."""
    system = systems.known(visit, name)
    begin = _day(visit, sent.get("since", ""))
    if begin is None:
        return _no_day(visit, system, sent.get("stream", ""), sent.get("since", ""))
    chosen = _chosen(visit, system, sent.get("stream", ""))
    allowed = sent.get("paused") == "yes"
    with visit.desk.store.reading() as connection:
        paused = pauses.read(connection).among(system, chosen)
    if paused is not None and not allowed:
        return systems.page(visit, system, 409, runs.said_paused(visit, paused))
    hindrance = runs.worker(visit).in_the_way("pull", [system])
    if hindrance is not None:
        return runs.refused(visit, hindrance)
    backfill.note(visit.desk.store, system, chosen, begin, visit.member.name)
    named = [f"{system}.{item}" for item in chosen]
    return runs.started(visit, "pull", system=system, streams=named, since=begin, paused=allowed)


def _chosen(visit: Visit, system: str, stream: str) -> list[str]:
    names = systems.stream_names(visit, system)
    if stream and stream not in names:
        raise HTTPException(400)
    return [stream] if stream else names


def _no_day(visit: Visit, system: str, stream: str, text: str) -> Response:
    """Why nothing can be read from that day on, beside the day."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        said = visit.texts("web.day")
    else:
        today = datetime.now(visit.desk.settings.business_day_zone).date()
        said = visit.texts(f"deciding.day.{'not_come' if day > today else 'long_ago'}", day=day)
    return systems.page(visit, system, 422, asked=systems.Asked(stream[:100], text[:20], said))


def _day(visit: Visit, text: str) -> datetime | None:
    """The first instant of a day; ``None`` if it is none that can be meant."""
    try:
        return backfill.begin(visit.desk.settings, date.fromisoformat(text))
    except ValueError:
        return None
