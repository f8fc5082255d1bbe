"""What `ltc status` and `ltc runs` read: how fresh each stream is, what failed last, what runs did."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.engine import Connection

from state import dead_letters, discards, outbox, runs, schema
from state.writes import RecordState


@dataclass(frozen=True, slots=True)
class Attempt:
    """The last run of one stream in one direction; ``stream`` is ``*`` if the system could not be opened at all.

    Instants are microseconds since the epoch.
    """

    run_id: str
    system: str
    stream: str
    direction: str
    status: str
    started_at: int
    ended_at: int | None
    counts: dict[str, int]
    error_kind: str | None
    message: str | None
    remedy: str | None


@dataclass(frozen=True, slots=True)
class StreamStatus:
    """One stream: when it was last read to its end, how far, and what we hold of it; instants in microseconds."""

    system: str
    stream: str
    entity: str
    last_success: int | None
    covered_until: int | None
    """Everything that changed in the source before this instant has been read."""
    complete: bool
    """False while a pull is under way or was cut off."""
    held: int
    quarantined: int
    """On the list; those that somebody discarded are not."""
    discarded: int
    deleted: int
    last_pull: Attempt | None


class RunProblem(NamedTuple):
    """What failed in a run outside of its streams; ``system`` is empty for what is of no single one."""

    system: str
    kind: str
    message: str
    remedy: str


class Phase(NamedTuple):
    """A part of a run that is about no stream, with what came of it; instants in microseconds.

    ``reconcile`` or ``kept``, the result of the last one (``system`` is empty), ``plan``, ``quarantine`` (what of a
    system is still refused at the end).
    """

    name: str
    system: str
    started_at: int
    ended_at: int
    counts: dict[str, int]


class LeftOut(NamedTuple):
    """What a run did not work on, because somebody (``by``) had paused it; ``what`` as people name it."""

    system: str
    what: str
    by: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run; instants in microseconds since the epoch."""

    id: str
    kind: str
    engine: str
    status: str
    started_at: int
    ended_at: int | None
    counts: dict[str, dict[str, int]]
    """Per system."""
    asked: runs.Asked
    problems: tuple[RunProblem, ...]
    """Known when it has ended."""
    phases: tuple[Phase, ...]
    """The same."""
    paused: tuple[LeftOut, ...] = ()
    """The same."""

    @property
    def doing(self) -> str:
        """What it does, from its start on: its kind, or ``plan`` for a push that only plans."""
        return runs.doing(self.kind, self.asked)


Held = dict[tuple[int, int], int]
"""Stream and state (``RecordState``) → records."""


def streams(connection: Connection, held: Held | None = None) -> list[StreamStatus]:
    """Every stream that was ever begun, by system; ``held`` from ``counted``, if it has been counted already."""
    table, cursor = schema.stream, schema.cursor
    found = connection.execute(
        select(table.c.id, table.c.system, table.c.name, table.c.entity, cursor.c.covered_until, cursor.c.complete)
        .outerjoin(cursor, cursor.c.stream_id == table.c.id)
        .order_by(table.c.system, table.c.id)
    ).all()
    held = counted(connection) if held is None else held
    discarded = discards.counts(connection)
    success = _successes(connection)
    pulls = {(item.system, item.stream): item for item in attempts(connection) if item.direction == "pull"}
    return [
        StreamStatus(
            system=row.system,
            stream=row.name,
            entity=row.entity,
            last_success=success.get((row.system, row.name)),
            covered_until=row.covered_until,
            complete=bool(row.complete),
            held=held.get((row.id, RecordState.LIVE.value), 0),
            quarantined=max(
                held.get((row.id, RecordState.REJECTED.value), 0) - discarded.get((row.system, row.name), 0), 0
            ),
            discarded=discarded.get((row.system, row.name), 0),
            deleted=held.get((row.id, RecordState.DELETED.value), 0),
            last_pull=pulls.get((row.system, row.name)),
        )
        for row in found
    ]


def last_end(connection: Connection) -> int | None:
    """When a run ended last, in microseconds."""
    return connection.execute(select(func.max(schema.run.c.ended_at))).scalar()


def attempts(connection: Connection) -> list[Attempt]:
    """The last run of every stream, in each direction."""
    table = schema.stream_run
    keys = (table.c.system, table.c.stream, table.c.direction)
    newest = select(*keys, func.max(table.c.started_at).label("at")).group_by(*keys).subquery()
    query = select(table).join(
        newest,
        and_(
            *(newest.c[key.name] == key for key in keys),
            newest.c.at == table.c.started_at,
        ),
    )
    return [_attempt(row) for row in connection.execute(query.order_by(*keys))]


def failing(connection: Connection) -> list[Attempt]:
    """Streams whose last run failed; a system that could not be opened only while nothing of it has worked since."""
    last = attempts(connection)
    return [item for item in last if item.status == "failed" and not (item.stream == "*" and _mended(item, last))]


def last_failures(connection: Connection, systems: Sequence[str]) -> dict[str, Attempt]:
    """What failed last at each of these systems, also where it has worked since; found by an index of failures."""
    table = schema.stream_run
    found = {}
    for system in systems:
        query = select(table).where(table.c.system == system, schema.TRULY_FAILED)
        row = connection.execute(query.order_by(table.c.started_at.desc()).limit(1)).first()
        if row is not None:
            found[system] = _attempt(row)
    return found


def _mended(item: Attempt, last: list[Attempt]) -> bool:
    return any(
        other.system == item.system
        and other.direction == item.direction
        and other.stream != "*"
        and other.started_at > item.started_at
        for other in last
    )


def stuck_writes(connection: Connection) -> int:
    """How many write-backs and new records need a person."""
    return dead_letters.count(connection)


def open_writes(connection: Connection) -> int:
    """How many planned write-backs have not been sent."""
    return _count_outbox(connection, outbox.OPEN)


def _count_outbox(connection: Connection, statuses: tuple[outbox.OutboxStatus, ...]) -> int:
    table = schema.outbox
    query = select(func.count()).select_from(table).where(table.c.status.in_([item.value for item in statuses]))
    return connection.execute(query).scalar_one()


class Asking(NamedTuple):
    """Which runs are looked for; what is empty chooses nothing."""

    statuses: tuple[str, ...] = ()
    """Any of these."""
    kind: str = ""
    system: str = ""
    """That the run was to work on."""
    by: str = ""
    """Who started it, as it is kept."""
    since: int | None = None
    """In microseconds: begun then or later."""
    before: int | None = None


def recent_runs(
    connection: Connection, limit: int = 20, status: str | None = None, offset: int = 0, asking: Asking | None = None
) -> list[RunRow]:
    """The newest runs first, as ``asking`` chooses them; with ``status`` only those."""
    table = schema.run
    query = select(table).where(*_which(status, asking)).order_by(table.c.started_at.desc(), table.c.id.desc())
    return [_run(row) for row in connection.execute(query.limit(limit).offset(offset))]


def some_runs(connection: Connection, asking: Asking, size: int, offset: int = 0) -> tuple[list[RunRow], int]:
    """A part of the runs that ``asking`` chooses, the newest first, and how many there are."""
    found = recent_runs(connection, size, offset=offset, asking=asking)
    if len(found) < size and (found or not offset):
        return found, offset + len(found)
    query = select(func.count()).select_from(schema.run).where(*_which(None, asking))
    return found, connection.execute(query).scalar_one()


def starters(connection: Connection, among: int = 1000) -> list[str]:
    """Who started the newest runs, by name."""
    table = schema.run
    newest = select(table.c.started_by).order_by(table.c.started_at.desc(), table.c.id.desc()).limit(among).subquery()
    query = select(newest.c.started_by).where(newest.c.started_by.is_not(None)).distinct()
    return sorted(connection.execute(query).scalars())


def _which(status: str | None, asking: Asking | None) -> list[ColumnElement[bool]]:
    """All of it is in the one index of runs but the systems, which an index of their own has."""
    table, chosen = schema.run.c, asking or Asking()
    statuses = (status,) if status is not None else chosen.statuses
    found: list[ColumnElement[bool]] = [table.status.in_(statuses)] if statuses else []
    found += [column == value for column, value in ((table.kind, chosen.kind), (table.started_by, chosen.by)) if value]
    found += [table.started_at >= chosen.since] if chosen.since is not None else []
    found += [table.started_at < chosen.before] if chosen.before is not None else []
    if chosen.system:
        of = schema.run_system.c
        found.append(select(of.run_id).where(of.run_id == table.id, of.system == chosen.system).exists())
    return found


def run(connection: Connection, run_id: str) -> RunRow | None:
    """One run."""
    row = connection.execute(select(schema.run).where(schema.run.c.id == run_id)).first()
    return None if row is None else _run(row)


_SOONEST = 50
"""Runs that began after another one ended, among which the one that follows it by the same wish is looked for."""
_MOST_OF_A_WISH = 10


def one_wish(connection: Connection, item: RunRow) -> list[RunRow]:
    """The runs that were asked for at once, one after the other, with this one among them; mostly it is alone."""
    found = [item]
    while (earlier := found[0].asked.follows) and len(found) < _MOST_OF_A_WISH:
        before = run(connection, earlier)
        if before is None:  # it was removed since
            break
        found.insert(0, before)
    while len(found) < _MOST_OF_A_WISH and (after := _follower(connection, found[-1])) is not None:
        found.append(after)
    return found


def _follower(connection: Connection, item: RunRow) -> RunRow | None:
    if item.ended_at is None:
        return None
    table = schema.run
    query = select(table).where(table.c.started_at >= item.ended_at).order_by(table.c.started_at, table.c.id)
    rows = map(_run, connection.execute(query.limit(_SOONEST)))
    return next((row for row in rows if row.asked.follows == item.id), None)


def run_parts(connection: Connection, run_id: str) -> list[Attempt]:
    """What one run did with each stream."""
    table = schema.stream_run
    query = select(table).where(table.c.run_id == run_id).order_by(table.c.started_at, table.c.system, table.c.stream)
    return [_attempt(row) for row in connection.execute(query)]


def failed_parts(connection: Connection, run_ids: Sequence[str]) -> dict[str, list[Attempt]]:
    """What some runs failed at, by run; those that failed at nothing are left out."""
    found: dict[str, list[Attempt]] = {}
    if not run_ids:
        return found
    table = schema.stream_run
    query = select(table).where(table.c.run_id.in_(list(run_ids)), table.c.message.is_not(None))
    for row in connection.execute(query.order_by(table.c.started_at, table.c.system, table.c.stream)):
        found.setdefault(row.run_id, []).append(_attempt(row))
    return found


_RUN = schema.run.c
RECONCILED = or_(
    and_(_RUN.kind.in_(("sync", "reconcile")), or_(_RUN.status == "done", _RUN.summary.like('%"mark"%'))),
    and_(_RUN.kind == "close", _RUN.status == "done", _RUN.summary.like('%"revision"%')),  # else it was refused
)
"""The runs after which findings were up to date."""


def last_reconciliation(connection: Connection) -> int | None:
    """When findings were last known to be up to date: the end of the last sync, reconciliation or close that got so
    far."""
    return connection.execute(select(func.max(_RUN.ended_at)).where(RECONCILED)).scalar()


def _run(row: Any) -> RunRow:
    told: dict[str, Any] = json.loads(row.summary)
    asked = told.get("asked", {})
    return RunRow(
        *(row.id, row.kind, row.engine, row.status, row.started_at, row.ended_at),
        told.get("counts", {}),
        runs.Asked(**{**asked, "systems": tuple(asked.get("systems", ()))}),
        tuple(RunProblem(**item) for item in told.get("problems", ())),
        tuple(Phase(**item) for item in told.get("phases", ())),
        tuple(LeftOut(**item) for item in told.get("paused", ())),
    )


def _attempt(row: Any) -> Attempt:
    return Attempt(
        *(row.run_id, row.system, row.stream, row.direction, row.status, row.started_at, row.ended_at),
        *(json.loads(row.counts), row.error_kind, row.message, row.remedy),
    )


def counted(connection: Connection) -> Held:
    """How many records there are of each stream and state; reads all of them, half a second for a million."""
    table = schema.record
    query = select(table.c.stream_id, table.c.state, func.count()).group_by(table.c.stream_id, table.c.state)
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}


def _successes(connection: Connection) -> dict[tuple[str, str], int]:
    table = schema.stream_run
    query = (
        select(table.c.system, table.c.stream, func.max(table.c.ended_at))
        .where(table.c.direction == "pull", table.c.status == "done")
        .group_by(table.c.system, table.c.stream)
    )
    return {(row[0], row[1]): row[2] for row in connection.execute(query)}
