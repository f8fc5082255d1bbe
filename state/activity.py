"""How runs went: each stream's last pull, the last run of each kind, and sums that only grow. Read by index."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.engine import Connection

from state import schema
from state.clock import now_us
from state.queries import RECONCILED

RUN_KINDS = ("sync", "fetch", "pull", "reconcile", "push", "sweep", "replay", "close")

Counted = dict[tuple[str, ...], int]

_run, _part, _stream = schema.run, schema.stream_run, schema.stream
_DAY_US = 86_400_000_000
_LATE_US = 600_000_000
"""A run that began so long ago, and whose lease nobody holds, has ended for good."""


class Pulls(NamedTuple):
    """What became of the pulls of one stream; instants in microseconds, ``None`` where there was none."""

    system: str
    stream: str
    covered_until: int | None
    status: str | None
    started_at: int | None
    ended_at: int | None
    good_started_at: int | None
    """Of the last one that came to its end; ``good_ended_at`` likewise."""
    good_ended_at: int | None


class Ran(NamedTuple):
    """One run, or what it did with one stream; instants in microseconds."""

    kind: str
    status: str
    started_at: int
    ended_at: int | None


def pulls(connection: Connection) -> list[Pulls]:
    """Each stream that was ever begun with its last pull and its last good one."""
    cursor = schema.cursor
    last, good = _newest(), _newest(_part.c.status == "done")
    query = (
        select(_stream.c.system, _stream.c.name, cursor.c.covered_until, last.label("last"), good.label("good"))
        .outerjoin(cursor, cursor.c.stream_id == _stream.c.id)
        .order_by(_stream.c.system, _stream.c.id)
    )
    rows = connection.execute(query).all()
    ids = {run_id for row in rows for run_id in (row.last, row.good) if run_id is not None}
    ran = {
        (part.run_id, part.system, part.stream): part
        for part in connection.execute(
            select(
                *(_part.c[name] for name in ("run_id", "system", "stream", "status", "started_at", "ended_at"))
            ).where(_part.c.run_id.in_(ids), _part.c.direction == "pull")
        )
    }
    found = []
    for row in rows:
        last_run, good_run = (ran.get((run_id, row.system, row.name)) for run_id in (row.last, row.good))
        ended = (last_run.status, last_run.started_at, last_run.ended_at) if last_run else (None, None, None)
        worked = (good_run.started_at, good_run.ended_at) if good_run else (None, None)
        found.append(Pulls(row.system, row.name, row.covered_until, *ended, *worked))
    return found


def _newest(*where: Any) -> Any:
    """The run of a stream's newest pull, found by the index on its streams."""
    return (
        select(_part.c.run_id)
        .where(_part.c.system == _stream.c.system, _part.c.stream == _stream.c.name, _part.c.direction == "pull")
        .where(*where)
        .order_by(_part.c.started_at.desc())
        .limit(1)
        .correlate(_stream)
        .scalar_subquery()
    )


def unopened(connection: Connection, systems: Sequence[str]) -> dict[str, int]:
    """When a pull of a system last failed before its first stream, in microseconds; only of those where one did."""
    newest = [
        select(_part.c.started_at)
        .where(_part.c.system == system, _part.c.stream == "*", _part.c.direction == "pull")
        .where(_part.c.status == "failed")
        .order_by(_part.c.started_at.desc())
        .limit(1)
        .scalar_subquery()
        for system in systems
    ]
    found = connection.execute(select(*newest)).one()
    return {system: at for system, at in zip(systems, found, strict=True) if at is not None}


def last_runs(connection: Connection) -> list[Ran]:
    """The newest run of each kind that has ended."""
    newest = [
        select(_run.c.id)
        .where(_run.c.kind == kind, _run.c.status != "running")
        .order_by(_run.c.started_at.desc())
        .limit(1)
        .scalar_subquery()
        for kind in RUN_KINDS
    ]
    ids = [run_id for run_id in connection.execute(select(*newest)).one() if run_id is not None]
    return [Ran(*row) for row in connection.execute(_runs().where(_run.c.id.in_(ids)).order_by(_run.c.kind))]


def running(connection: Connection) -> list[Ran]:
    """The runs that go on: those that somebody holds the lease of."""
    held = select(schema.lease.c.name).where(
        schema.lease.c.name.startswith("run "), schema.lease.c.expires_at > now_us()
    )
    ids = [name.removeprefix("run ") for name in connection.execute(held).scalars()]
    return [Ran(*row) for row in connection.execute(_runs().where(_run.c.id.in_(ids), _run.c.status == "running"))]


class Closing(NamedTuple):
    """A close under way: its run, since when (microseconds), who started it, and the month, empty until it is told."""

    run: str
    since: int
    by: str
    period: str


def closing(connection: Connection) -> Closing | None:
    """The close that goes on, of which there is one at a time; ``None`` if none does."""
    held = select(schema.lease.c.name).where(
        schema.lease.c.name.startswith("run "), schema.lease.c.expires_at > now_us()
    )
    ids = [name.removeprefix("run ") for name in connection.execute(held).scalars()]
    columns = (_run.c.id, _run.c.started_at, _run.c.started_by, _run.c.summary)
    chosen = (_run.c.id.in_(ids), _run.c.kind == "close", _run.c.status == "running")
    row = connection.execute(select(*columns).where(*chosen).limit(1)).first()
    if row is None:
        return None
    period = json.loads(row.summary or "{}").get("period", "")
    return Closing(row.id, row.started_at, row.started_by or "", period)


def _runs() -> Select[Any]:
    return select(_run.c.kind, _run.c.status, _run.c.started_at, _run.c.ended_at)


def last_reconciliation(connection: Connection) -> int | None:
    """When findings were last known to be up to date, in microseconds; as ``state.queries`` says it, by index."""
    query = (
        select(_run.c.ended_at)
        .where(RECONCILED, _run.c.ended_at.is_not(None))
        .order_by(_run.c.started_at.desc())
        .limit(1)
    )
    return connection.execute(query).scalar()


def last_reconciliation_began(connection: Connection) -> int | None:
    """When the run began that reconciled last, in microseconds: what people decided before then is taken up."""
    query = select(_run.c.started_at).where(RECONCILED, _run.c.ended_at.is_not(None))
    return connection.execute(query.order_by(_run.c.started_at.desc()).limit(1)).scalar()


@dataclass(slots=True)
class Totals:
    """Sums over the runs that ended since ``since`` (microseconds): what a counter shows.

    ``refresh`` reads only runs that it has not read before. ``records`` is keyed by system, stream, direction and the
    name of the count, ``parts`` by system, stream, direction and status, ``runs`` by kind and status. ``last`` is the
    newest run of each kind, from before as well, and ``going_on`` what has not ended.
    """

    since: int
    records: Counted
    parts: Counted
    runs: Counted
    last: dict[str, Ran]
    going_on: list[Ran]
    _settled: tuple[int, Counted, Counted, Counted]

    @classmethod
    def empty(cls, since: int) -> Totals:
        """Nothing read yet."""
        return cls(since, {}, {}, {}, {}, [], (since - _DAY_US, {}, {}, {}))

    def refresh(self, connection: Connection) -> None:
        """Read what has ended since the last time."""
        self.going_on = running(connection)
        if not self.last:
            self.last = {item.kind: item for item in last_runs(connection)}
        until = min([now_us() - _LATE_US, *(item.started_at for item in self.going_on)])
        before, *kept = self._settled
        settled = [dict(sums) for sums in kept]
        fresh = [dict(sums) for sums in kept]
        for started_at, place, key, number in self._ended(connection, before):
            for sums in [fresh, settled] if started_at < until else [fresh]:
                sums[place][key] = sums[place].get(key, 0) + number
        self.records, self.parts, self.runs = fresh
        self._settled = (max(before, until), settled[0], settled[1], settled[2])

    def _ended(self, connection: Connection, from_us: int) -> list[tuple[int, int, tuple[str, ...], int]]:
        found: list[tuple[int, int, tuple[str, ...], int]] = []
        whole = _runs().where(_run.c.started_at >= from_us, _run.c.ended_at >= self.since)
        for row in connection.execute(whole.order_by(_run.c.started_at)):
            run = Ran(*row)
            found.append((run.started_at, 2, (run.kind, run.status), 1))
            if run.kind not in self.last or self.last[run.kind].started_at <= run.started_at:
                self.last[run.kind] = run
        columns = (_part.c[name] for name in ("system", "stream", "direction", "status", "counts"))
        parts = (
            select(_run.c.started_at, *columns)
            .join(_part, _part.c.run_id == _run.c.id)
            .where(_run.c.started_at >= from_us, _run.c.ended_at >= self.since)
        )
        for part in connection.execute(parts):
            where = (part.system, part.stream, part.direction)
            found.append((part.started_at, 1, (*where, part.status), 1))
            for name, number in json.loads(part.counts).items():
                if isinstance(number, int):
                    found.append((part.started_at, 0, (*where, name), number))
        return found
