"""For IT: how fresh each stream is, and all about one system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from console import freshness, standing, streams
from console.web.access import Right
from console.web.desk import Reader, Visit
from console.web.runs import worker
from mappings.errors import MappingFileError
from state import creations, outbox, quarantine
from state.clock import now_us
from sync.systems import SystemUnusable

if TYPE_CHECKING:
    from console.freshness import Found
    from console.standing import Standing
    from console.web.metrics import Metrics
    from state.queries import StreamStatus

router = APIRouter()


@router.get("/systems")
def systems(visit: Reader) -> Response:
    """Streams, what waits for people, what failed; and the buttons that start a run."""
    settings = visit.desk.settings
    found = fresh(visit)
    return visit.page(
        "systems",
        columns=freshness.COLUMNS,
        rows=[
            (freshness.state(item, found, settings), freshness.row(item, found, settings, visit.texts))
            for item in found.streams
        ],
        waiting=list(freshness.waiting(found, settings, visit.texts)),
        failing=[(freshness.place(item, visit.texts), item.message, item.remedy) for item in found.failing],
        problem=worker(visit).problem,
        busy=bool(found.running) or worker(visit).is_at_work(),
        systems=visit.systems,
        paused=[item.what for item in found.paused],
        probes=_probes(visit),
    )


@router.get("/systems/{name}")
def one(visit: Reader, name: str) -> Response:
    """Everything about one system."""
    return page(visit, name)


def known(visit: Visit, name: str) -> str:
    """The name of a system that is there and this person's; raises ``HTTPException`` 404."""
    if name not in visit.desk.settings.systems:
        raise HTTPException(404)
    visit.touch(name)
    return name


def _probes(visit: Visit) -> list[str]:
    """What a monitor reads of the workbench, for those who run it; the metrics only where this browser may see them."""
    if not (visit.may(Right.OPERATE) or visit.may(Right.ADMINISTER)):
        return []
    told: Metrics = visit.request.app.state.metrics
    return ["/healthz", "/readyz", *(["/metrics"] if told.refusal(visit.request) is None else [])]


def fresh(visit: Visit) -> Found:
    """How fresh everything is that this person sees."""
    settings = visit.desk.settings
    only = None if len(visit.systems) == len(settings.systems) else visit.systems
    return freshness.read(visit.desk.store, settings, only, visit.request.app.state.counting.of)


def stream_names(visit: Visit, system: str) -> list[str]:
    """The streams of a system that can be chosen; none while its mapping cannot be read."""
    try:
        return streams.names(visit.desk.settings, system)
    except (MappingFileError, SystemUnusable):
        return []


def page(visit: Visit, name: str, status: int = 200, problem: str = "") -> Response:
    """The page of one system, with what was wrong with what somebody asked for."""
    settings = visit.desk.settings
    system = known(visit, name)
    found = fresh(visit)
    stands = standing.of(visit.desk.store, settings, system, found.failing)
    with visit.desk.store.reading() as connection:
        waiting = {
            "plans": sum(outbox.counts(connection, system).get(state.value, 0) for state in outbox.OPEN),
            "dead_letters": len(outbox.dead_letters(connection, system))
            + len(creations.dead_letters(connection, system)),
            "quarantine": quarantine.count(connection, system=system),
        }
    return visit.page(
        "system",
        status,
        system=system,
        roles=settings.systems[system].roles,
        stands=stands,
        paused=found.paused.own(system),
        pauses=[item for item in found.paused if item.system == system],
        rows=[_row(visit, item, found, stands) for item in found.streams if item.system == system],
        failing=[
            (freshness.place(item, visit.texts), item.message, item.remedy, item.run_id) for item in stands.failing
        ],
        last=max(stands.last.values(), key=lambda item: item.started_at, default=None),
        circuit="closed" if stands.circuit is None else stands.circuit.state(now_us()),
        waiting=waiting,
        names=stream_names(visit, system),
        at=lambda instant: freshness.when(settings, instant)[:16],
        problem=problem or worker(visit).problem,
        busy=bool(found.running) or worker(visit).is_at_work(),
    )


def _row(visit: Visit, item: StreamStatus, found: Found, stands: Standing) -> dict[str, Any]:
    shown = dict(zip(freshness.COLUMNS, freshness.row(item, found, visit.desk.settings, visit.texts), strict=True))
    return {
        **shown,
        "condition": freshness.state(item, found, visit.desk.settings),
        "deleted": item.deleted,
        "listed": stands.listed.get(item.stream),
        "run": item.last_pull.run_id if item.last_pull else None,
        "paused": found.paused.own(item.system, item.stream),
    }
