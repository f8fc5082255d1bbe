"""Systems and streams: how fresh they are, what waits for people; pausing them, and reading a window anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, cast

from fastapi import APIRouter
from pydantic import BaseModel, Field

from console import freshness, standing
from console.web.api.attending import Paused, paused
from console.web.api.callers import Reader
from console.web.api.run_models import RunPart, part
from console.web.api.values import Instant, instant, instant_or_none
from state import queries
from state.clock import now_us, to_us

if TYPE_CHECKING:
    from console.freshness import Found
    from settings.model import Settings
    from state.circuits import Circuit
    from state.queries import StreamStatus

router = APIRouter(tags=["systems"])


class Stream(BaseModel):
    """One stream: how far it has been read, and what we hold of it."""

    system: str
    stream: str
    entity: str
    state: str = Field(description="ok, never, paused, or how its last pull ended")
    last_success: Instant | None
    covered_until: Instant | None = Field(description="All that changed in the source before it has been read")
    complete: bool = Field(description="false while a pull is under way or was cut off")
    held: int
    quarantined: int
    discarded: int = Field(description="Taken off the quarantine list by people")
    deleted: int
    next_due: Instant | None = Field(
        description="When its schedule has it pulled next, or since when it is due; null where nothing is known to "
        "carry the schedule out and its time has not passed yet (`schedule` of the system)"
    )
    paused: Paused | None
    last_pull: RunPart | None


class CircuitState(BaseModel):
    """What the last runs that failed at a system lead to."""

    state: Literal["closed", "open", "half_open"] = Field(description="open: what runs by itself leaves it alone")
    failed_runs: int = Field(description="In a row")
    since: Instant
    until: Instant = Field(description="The end of its rest")
    kind: str
    message: str


class System(BaseModel):
    """One system of ltc.yaml."""

    name: str
    connector: str
    roles: list[str]
    push: str = Field(description="off, plan or auto")
    read_only: bool = Field(description="true until somebody has accepted its first matching")
    paused: Paused | None
    circuit: CircuitState | None = Field(description="null if the last run did not fail at it")
    calls_today: int = Field(description="Calls to it since the day began where business days are, whatever for")
    schedule: Literal["none", "yes", "never", "missed", "undeployed"] = Field(
        description="Whether its schedule is carried out: yes; never (no run by it has begun yet); missed (its time "
        "has passed without one); undeployed (it has changed since `ltc deploy`); none (it has none, or is paused)"
    )
    last_scheduled: Instant | None = Field(description="When a run by the schedule last began for it; null: never yet")
    last_failure: RunPart | None = Field(description="What failed last at it, also where it has worked since")
    streams: list[Stream]


class Waiting(BaseModel):
    """How many of each wait for people."""

    findings: int
    quarantined: int
    planned: int = Field(description="Write-backs that are planned or in doubt")
    new_records: int
    dead_letters: int
    conflicts: int
    drift: int


class Systems(BaseModel):
    """All systems at one instant."""

    items: list[System]
    reconciled_at: Instant | None
    waiting: Waiting


@router.get("/systems")
def list_systems(caller: Reader) -> Systems:
    """Tell of each system and stream how fresh it is, and what waits for people."""
    settings = caller.settings
    found = freshness.read(caller.store, settings, caller.limit)
    with caller.store.reading() as connection:
        failed = queries.last_failures(connection, caller.limit or list(settings.systems))
    calls = standing.calls_today(caller.store, settings, list(settings.systems))
    return Systems(
        items=[
            System(
                name=name,
                connector=system.connector,
                roles=list(system.roles),
                push=system.push,
                read_only=name in found.read_only,
                paused=paused(found.paused.own(name)),
                circuit=_circuit(found.circuits.get(name)),
                calls_today=calls[name],
                schedule=cast(Any, freshness.carried(name, found, settings)),
                last_scheduled=instant_or_none(found.scheduled.get(name)),
                last_failure=part(failed[name]) if name in failed else None,
                streams=[_stream(item, found, settings) for item in found.streams if item.system == name],
            )
            for name, system in settings.systems.items()
            if caller.member.may_touch(name)
        ],
        reconciled_at=instant_or_none(found.reconciled_at),
        waiting=Waiting(
            findings=found.findings,
            quarantined=sum(item.quarantined for item in found.streams),
            planned=found.planned,
            new_records=found.new_records,
            dead_letters=found.stuck,
            conflicts=found.conflicts,
            drift=found.drift,
        ),
    )


def _circuit(item: Circuit | None) -> CircuitState | None:
    if item is None:
        return None
    told: Any = {"kind": item.kind, "message": item.message, "state": item.state(now_us())}
    return CircuitState(failed_runs=item.runs, since=instant(item.since), until=instant(item.until), **told)


def _stream(item: StreamStatus, found: Found, settings: Settings) -> Stream:
    due = freshness.due_told(item, found, settings)
    return Stream(
        system=item.system,
        stream=item.stream,
        entity=item.entity,
        state=freshness.state(item, found, settings),
        last_success=instant_or_none(item.last_success),
        covered_until=instant_or_none(item.covered_until),
        complete=item.complete,
        held=item.held,
        quarantined=item.quarantined,
        discarded=item.discarded,
        deleted=item.deleted,
        next_due=None if due is None else instant(to_us(due)),
        paused=paused(found.paused.of(item.system, item.stream)),
        last_pull=None if item.last_pull is None else part(item.last_pull),
    )
