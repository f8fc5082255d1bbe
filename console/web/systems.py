"""For IT: how fresh each stream is, and all about one system."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from markupsafe import Markup
from starlette.responses import Response

from connectors import retry
from console import backfill, freshness, standing, streams
from console.web import carrying, commands
from console.web.access import Right
from console.web.collisions import in_the_way
from console.web.desk import Reader, Visit
from console.web.runs import at_work, hindrance, worker
from mappings.errors import MappingFileError
from state import circuits, dead_letters, deletions, failed_checks, held, outbox, pauses, quarantine, queries
from state.clock import now_us
from sync.systems import SystemUnusable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.freshness import Cause, Found
    from console.standing import Brief, Deletions, Silence, Standing
    from console.web.carrying import Carrying
    from state.circuits import Circuit
    from state.queries import Attempt, StreamStatus

router = APIRouter()

_MOST_DELETED = 200
_PER_SYSTEM = ("sync", "pull", "sweep")
"""Kinds of runs that are started for one system or several."""
_MINUTE = 60_000_000


@router.get("/systems")
def systems(visit: Reader) -> Response:
    """Streams, what waits for people, what failed; and the buttons that start a run."""
    settings = visit.desk.settings
    found = fresh(visit)
    with visit.desk.store.reading() as connection:
        failing = failed_checks.read(connection)
        failures = queries.last_failures(connection, visit.systems)
    told = freshness.waiting(found, settings, visit.texts, operates=visit.may(Right.OPERATE))
    return visit.page(
        "systems",
        columns=freshness.COLUMNS,
        rows=[
            (
                freshness.state(item, found, settings),
                _kind(visit, item.stream, item.entity),
                freshness.row(item, found, settings, visit.texts),
            )
            for item in found.streams
        ],
        briefs=[
            _brief(visit, item, found, failing) for item in standing.briefs(visit.desk.store, settings, visit.systems)
        ],
        failures=failures,
        removed=_removed(visit, found),
        waiting=[commands.linked(visit, line) for line in told],
        carrying=_carrying(visit),
        pauses=list(found.paused),
        read_only=found.read_only,
        at=lambda instant: freshness.when(settings, instant)[:16],
        causes=_causes(visit, found.failing),
        nothing=_nothing(visit),
        problem=worker(visit).problem,
        **_starting(visit, visit.systems),
        systems=visit.systems,
    )


@router.get("/systems/{name}")
def one(visit: Reader, name: str) -> Response:
    """Everything about one system."""
    return page(visit, name)


@router.get("/systems/{name}/deleted")
def deleted(visit: Reader, name: str, stream: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Which records are deleted there, the last first."""
    system = known(visit, name)
    with visit.desk.store.reading() as connection:
        rows = deletions.listing(connection, system, stream or None, _MOST_DELETED)
    held = [item for item in fresh(visit).streams if item.system == system and stream in ("", item.stream)]
    return visit.page(
        "deleted",
        system=system,
        of=f"{system}.{stream}" if stream else system,
        rows=rows,
        count=sum(item.deleted for item in held),
        at=lambda instant: freshness.when(visit.desk.settings, instant)[:16],
    )


def why_not_searched(visit: Visit, system: str) -> str:
    """Why it is of no use to look for deletions in a system; empty where it is."""
    return _not_searched(visit, system, standing.deletions(visit.desk.settings, system))


def _not_searched(visit: Visit, system: str, found: Deletions | None) -> str:
    if found is None or found.searched:
        return ""
    return visit.texts(f"operating.deletions.{'told' if found.told else 'unknown'}", system=system)


def known(visit: Visit, name: str) -> str:
    """The name of a system that is there and this person's; raises ``HTTPException`` 404."""
    if name not in visit.desk.settings.systems:
        raise HTTPException(404)
    visit.touch(name)
    return name


def fresh(visit: Visit) -> Found:
    """How fresh everything is that this person sees."""
    settings = visit.desk.settings
    only = None if len(visit.systems) == len(settings.systems) else visit.systems
    held = visit.request.app.state
    return freshness.read(visit.desk.store, settings, only, held.counting.of, held.listings.standing)


def _removed(visit: Visit, found: Found) -> list[dict[str, Any]]:
    """The systems that are not in ltc.yaml any more and of which records are held, with how many."""
    kept: dict[str, dict[str, Any]] = {}
    for item in found.streams:
        if item.system not in visit.desk.settings.systems and (item.held or item.quarantined):
            row = kept.setdefault(item.system, {"system": item.system, "held": 0, "quarantined": 0})
            row["held"] += item.held
            row["quarantined"] += item.quarantined
    return list(kept.values())


def _brief(visit: Visit, item: Brief, found: Found, failing: Mapping[str, int]) -> dict[str, Any]:
    """One system in a row; ``failing`` are failed checks of what was saved, which count until something is read."""
    settings, circuit = visit.desk.settings, found.circuits.get(item.system)
    own = [one for one in found.streams if one.system == item.system]
    failed = failing.get(item.system)
    read = max((one.last_success or 0 for one in own), default=0)
    return {
        "told": item,
        "roles": settings.systems[item.system].roles,
        "condition": freshness.condition(item.system, found, settings),
        "rests_until": circuit.until if circuit is not None and circuit.state(now_us()) == "open" else None,
        "paused": found.paused.own(item.system) is not None,
        "paused_streams": [
            one.stream for one in found.paused if one.system == item.system and one.stream != pauses.WHOLE
        ],
        "next": freshness.next_told(item.system, own, found, settings, visit.texts),
        "quarantined": sum(one.quarantined for one in own),
        "check_failed": failed if failed is not None and failed > read else None,
    }


def stream_names(visit: Visit, system: str) -> list[str]:
    """The streams of a system that can be chosen; none while its mapping cannot be read."""
    try:
        return streams.names(visit.desk.settings, system)
    except (MappingFileError, SystemUnusable):
        return []


@dataclass(frozen=True)
class Asked:
    """What somebody asked to have read again, and what is wrong with the day."""

    stream: str = ""
    since: str = ""
    problem: str = ""


def page(visit: Visit, name: str, status: int = 200, problem: str = "", asked: Asked = Asked()) -> Response:
    """The page of one system, with what was wrong with what somebody asked for."""
    settings = visit.desk.settings
    system = known(visit, name)
    found = fresh(visit)
    names = stream_names(visit, system)
    own = [item for item in found.streams if item.system == system]
    stands = standing.of(visit.desk.store, settings, system, found.failing)
    with visit.desk.store.reading() as connection:
        waiting = {
            "plans": sum(outbox.counts(connection, system).get(state.value, 0) for state in outbox.OPEN),
            "conflicts": held.counts(connection, system).get("ask", 0),
            "dead_letters": dead_letters.count(connection, dead_letters.Which(system)),
            "quarantine": quarantine.count(connection, system=system),
        }
        failure = queries.last_failures(connection, [system]).get(system)
    return visit.page(
        "system",
        status,
        system=system,
        roles=settings.systems[system].roles,
        stands=stands,
        paused=found.paused.own(system),
        pauses=[item for item in found.paused if item.system == system],
        condition=freshness.condition(system, found, settings),
        rows=[_row(visit, item, found, stands) for item in found.streams if item.system == system],
        scheduling=_scheduling(visit, found) if settings.systems[system].schedule is not None else [],
        next=freshness.next_told(system, own, found, settings, visit.texts),
        causes=_causes(visit, stands.failing),
        last=max(stands.last.values(), key=lambda item: item.started_at, default=None),
        failure=None if failure is None else (freshness.place(failure, visit.texts), failure),
        circuit="closed" if stands.circuit is None else stands.circuit.state(now_us()),
        unwritten=_rest_of_writes(stands),
        waiting=waiting,
        names=names,
        unsearched=_not_searched(visit, system, stands.deletions),
        patience=_patience(visit, system, stands.silence),
        read_only=system in found.read_only,
        pausable=None if found.paused.own(system) else [item for item in names if not found.paused.own(system, item)],
        asked=asked,
        first_day=backfill.EARLIEST.date(),
        today=freshness.now().astimezone(settings.business_day_zone).date(),
        at=lambda instant: freshness.when(settings, instant)[:16],
        problem=problem or worker(visit).problem,
        **_starting(visit, [system]),
    )


def _starting(visit: Visit, systems: Sequence[str]) -> dict[str, Any]:
    """What can be started now: ``hindered`` are the systems on which a run is at work, ``off`` the kinds of runs that
    none of ``systems`` can have, ``in_the_way`` the runs at work that keep something from starting, in words."""
    going = at_work(visit)
    off = {kind for kind in _PER_SYSTEM if all(in_the_way(kind, [name], going) for name in systems)}
    off |= {"reconcile"} if in_the_way("reconcile", [], going) else set()
    wanted = [(kind, systems) for kind in (*_PER_SYSTEM, "reconcile")]
    told = [item for item in going if any(in_the_way(kind, names, [item]) for kind, names in wanted)]
    return {
        "busy": bool(going),
        "hindered": {name for name in systems if in_the_way("pull", [name], going)},
        "off": off,
        "in_the_way": [hindrance(visit, item) for item in told],
    }


def _rest_of_writes(stands: Standing) -> Circuit | None:
    """The rest of write-backs to a system that is read all the same; ``None`` if there is none."""
    found, present = stands.unwritten, now_us()
    reads = stands.circuit is not None and stands.circuit.state(present) == "open"
    return found if found is not None and not reads and found.state(present) == "open" else None


def _scheduling(visit: Visit, found: Found) -> list[Markup]:
    """Whether anything carries the schedules out, and how to have it done."""
    return [commands.linked(visit, line) for line in freshness.scheduling(found, visit.desk.settings, visit.texts)]


def _kind(visit: Visit, stream: str, entity: str) -> str:
    """What kind of record a stream has, in the reader's words; empty where its name says just that."""
    kind = visit.texts.name("entity", entity)
    return "" if kind.casefold() == stream.replace("_", " ").casefold() else kind


def _carrying(visit: Visit) -> Carrying | None:
    """How to have the schedules carried out: for who operates, where one of the systems has a schedule."""
    given = visit.desk.settings.systems
    if not visit.may(Right.OPERATE) or all(given[name].schedule is None for name in visit.systems):
        return None
    return carrying.of(visit)


def _nothing(visit: Visit) -> Markup:
    """That nothing was read yet, and what to do."""
    return commands.linked(visit, visit.texts("status.nothing"))


def _causes(visit: Visit, failing: Sequence[Attempt]) -> list[tuple[str, Cause]]:
    """Why systems fail, each with what failed and where."""
    return [(freshness.cause_place(item, visit.texts), item) for item in freshness.causes(failing)]


def _patience(visit: Visit, system: str, silence: Silence | None) -> str:
    """What happens while a system is down, and how long a run waits for it."""
    calls = retry.RetryPolicy() if silence is None else silence.policy
    minutes = {"first": circuits.FIRST_US // _MINUTE, "longest": circuits.LONGEST_US // _MINUTE}
    tries = {"tries": calls.attempts, "seconds": f"{calls.total_seconds:g}", "unanswered": calls.unreachable_attempts}
    told = visit.texts("operating.down.note", system=system, runs=circuits.AFTER, **tries, **minutes)
    if silence is None:
        return told
    given = {"seconds": f"{silence.seconds:g}", "tries": silence.tries, "most": f"{silence.most:.3g}"}
    key = "hangs_once" if silence.tries == 1 else "hangs"
    return f"{told} {visit.texts(f'operating.down.{key}', **given)}"


def _row(visit: Visit, item: StreamStatus, found: Found, stands: Standing) -> dict[str, Any]:
    shown = dict(zip(freshness.COLUMNS, freshness.row(item, found, visit.desk.settings, visit.texts), strict=True))
    return {
        **shown,
        "kind": _kind(visit, item.stream, item.entity),
        "next": freshness.next_told(item.system, [item], found, visit.desk.settings, visit.texts),
        "condition": freshness.state(item, found, visit.desk.settings),
        "deleted": item.deleted,
        "listed": stands.listed.get(item.stream),
        "run": item.last_pull.run_id if item.last_pull else None,
        "paused": found.paused.own(item.system, item.stream),
    }
