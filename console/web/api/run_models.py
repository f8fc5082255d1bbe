"""What the API says about runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, Field

from console.web.api.values import Counts, Flag, Instant, Name, OneOf, Sent, instant, instant_or_none

if TYPE_CHECKING:
    from state import queries
    from state.queries import Attempt, RunRow

KINDS = ("sync", "pull", "reconcile", "sweep", "plan")


class RunPart(BaseModel):
    """What a run did with a stream; ``stream`` is ``*`` if the system could not be opened at all."""

    run: str
    system: str
    stream: str
    direction: str
    status: str
    started_at: Instant
    ended_at: Instant | None
    counts: Counts
    error: str | None
    message: str | None
    remedy: str | None


class Run(BaseModel):
    """One run."""

    id: str
    kind: str = Field(description="`plan` for a push that only plans what is to be written")
    engine: str
    status: str = Field(
        description="running, done, partial, failed or interrupted; a write-back of which records were refused or had "
        "a conflict is partial, and failed if nothing was written"
    )
    started_at: Instant
    ended_at: Instant | None
    counts: dict[str, Counts] = Field(
        description="Per system; `rejected` could not be read and are in quarantine, `refused` could not be written"
    )
    started_by: str | None = Field(description="A member, or who called the command; null if nobody has noted it")
    because: str | None = Field(description="by_hand, schedule, webhook, approval or restoring")
    systems: list[str] = Field(description="Those it may work on; empty: the whole company")


class RunProblem(BaseModel):
    """What failed in a run outside of its streams."""

    system: str | None = Field(description="null if it is of no single system")
    kind: str
    message: str
    remedy: str | None


class RunDetail(Run):
    """One run, stream by stream."""

    problems: list[RunProblem]
    parts: list[RunPart]
    waits_for: str | None = Field(
        description="The run whose end the rest of this sync waits for, where it was started in the workbench or here; "
        "empty if what it waits for is no run of the member's"
    )
    stopped_by: str | None = Field(description="Who stopped it; `null` if nobody did, as where its process ended")
    together: list[str] = Field(
        description="The runs that were asked for at once, in their order, this one among them; mostly it is alone"
    )
    continued_by: str | None = Field(description="The run that did the rest of this sync, once it was its turn")


class RunRequest(Sent):
    """What is to be run."""

    kind: Annotated[str, OneOf(KINDS), Field(description="`plan`: only plan what is to be written")]
    system: Name | None = Field(None, description="Only this system; of no use for `reconcile`")
    paused: Flag = Field(False, description="Also what people have paused")


class Stopping(BaseModel):
    """A run that ends after the page at work."""

    run: str


class Started(BaseModel):
    """A run that goes on; its address is in `Location`, too."""

    run: str | None = Field(description="null if it is not in the list of runs yet")
    address: str


def run(item: RunRow) -> Run:
    """A run as the API says it."""
    return Run(
        id=item.id,
        kind=item.doing,
        engine=item.engine,
        status=item.status,
        started_at=instant(item.started_at),
        ended_at=instant_or_none(item.ended_at),
        counts=item.counts,
        started_by=item.asked.by or None,
        because=item.asked.because or None,
        systems=list(item.asked.systems),
    )


def problem(item: queries.RunProblem) -> RunProblem:
    """What failed outside of the streams, as the API says it."""
    return RunProblem(system=item.system or None, kind=item.kind, message=item.message, remedy=item.remedy or None)


def part(item: Attempt) -> RunPart:
    """What a run did with a stream, as the API says it."""
    return RunPart(
        run=item.run_id,
        system=item.system,
        stream=item.stream,
        direction=item.direction,
        status=item.status,
        started_at=instant(item.started_at),
        ended_at=instant_or_none(item.ended_at),
        counts=item.counts,
        error=item.error_kind,
        message=item.message,
        remedy=item.remedy,
    )
