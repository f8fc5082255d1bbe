"""Prune what has outlived its retention: superseded versions, closed write-backs, resolved findings, old runs.

Never pruned: what a record shows now, anything open, in doubt, dead or contested, what people decided, the audit.
Every batch is a transaction of its own, so a prune may stop anywhere and goes on from there; others work meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from sqlalchemy import Select, Table, and_, delete, func, not_, or_, select, tuple_
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from state import audit, creations, findings, news, notices, pruned, runs, schema
from state.changes import OutboxStatus, PlanStatus
from state.clock import now_us
from state.pruned import DAY_US
from state.store import Store
from state.writes import RecordState

_BATCH = 2_000
_MOST_VERSIONS = 20_000
"""About so many versions of records are looked at in one transaction."""
_LEASE_SECONDS = 600.0
_LAST_RUNS = 200
"""So many runs stay whatever their age: `news.last` and `ltc status` look at the last ones."""
_DONE = (
    *(OutboxStatus.APPLIED, OutboxStatus.UNCHANGED, OutboxStatus.CONFLICT),
    *(OutboxStatus.DISCARDED, OutboxStatus.SUPERSEDED),
)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long things are kept, in days; ``None`` is for ever.

    A version of a record goes when it was superseded more than ``landing_days`` ago and is not among the record's
    newest ``landing_versions``.
    """

    landing_versions: int = 10
    landing_days: int | None = 400
    runs_days: int | None = 90
    writes_days: int | None = 400
    findings_days: int | None = 800
    tie_outs_days: int | None = 800


@dataclass(slots=True)
class Counts:
    """Rows removed, or in a dry run that would be; ``finished`` is False if the time was up before the end."""

    landing: int = 0
    """Superseded versions of records."""
    writes: int = 0
    """Write-backs that had their outcome."""
    new_records: int = 0
    """Records that were created, of which only the values go: the rows guard against a second one."""
    plans: int = 0
    findings: int = 0
    """Resolved ones, each with its records and its history."""
    tie_outs: int = 0
    stream_runs: int = 0
    runs: int = 0
    deliveries: int = 0
    """Requests of webhooks that no source sends again."""
    arrivals: int = 0
    """Records that webhooks brought for streams that nothing is synced of any more."""
    leases: int = 0
    """Left behind by processes that were killed."""
    finished: bool = True

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(self.by_kind().values())

    def by_kind(self) -> dict[str, int]:
        """Rows by kind."""
        found: dict[str, Any] = asdict(self)
        del found["finished"]
        return found


class _Cuts(NamedTuple):
    """The instants (microseconds) before which things go; 0 for what is kept for ever."""

    landing: int
    writes: int
    findings: int
    tie_outs: int
    runs: int
    deliveries: int
    leases: int

    @classmethod
    def of(cls, policy: Policy, now: int) -> _Cuts:
        days = (
            *(policy.landing_days, policy.writes_days, policy.findings_days),
            *(policy.tie_outs_days, policy.runs_days, notices.KEPT_DAYS, 1),
        )
        return cls(*(0 if number is None else now - number * DAY_US for number in days))

    def of_kind(self, name: str) -> int:
        """The one that a kind goes by."""
        return int(getattr(self, _CUT_OF.get(name, name)))


_CUT_OF = {"plans": "writes", "new_records": "writes", "stream_runs": "runs", "arrivals": "landing"}
"""Kinds that go by the instant of another."""


class _Kind(NamedTuple):
    """Rows of one kind: ``chosen`` selects the keys of those that may go."""

    name: str
    table: Table
    keys: tuple[str, ...]
    chosen: Callable[[Connection, _Cuts], Select[Any]]
    children: tuple[Table, ...] = ()
    """Tables whose rows name a row of this one in ``parent`` and go with it."""
    parent: str = "finding_id"


def prune(
    store: Store, policy: Policy, now: int | None = None, *, seconds: float | None = None, actor: str = "ltc"
) -> Counts:
    """Remove what ``policy`` does not keep, and say how much it was.

    ``now`` in microseconds, by default the store's clock. With ``seconds`` it stops after about so long, and the next
    one goes on there. Raises ``LeaseHeld`` while another process prunes, ``StoreError``.
    """
    at = now_us() if now is None else now
    ends = None if seconds is None else time.monotonic() + seconds
    counts = Counts()
    with runs.lease(store, "the pruning", seconds=_LEASE_SECONDS) as held:
        fenced = store.fenced(held)
        try:
            _prune_all(fenced, policy, at, counts, ends)
        finally:
            if counts.rows:
                with fenced.transaction() as connection:
                    altogether = {kind: item.removed for kind, item in pruned.done(connection).items() if item.removed}
                    detail = {"removed": counts.by_kind(), "altogether": altogether}
                    audit.append(connection, actor, news.PRUNED, detail)
    return counts


def preview(store: Store, policy: Policy, now: int | None = None) -> Counts:
    """What ``prune`` would remove now; changes nothing. Raises ``StoreError``."""
    at = now_us() if now is None else now
    counts = Counts()
    cuts = _Cuts.of(policy, at)
    with store.reading() as connection:
        counts.landing = _count(connection, _old_versions(policy, cuts.landing))
        for kind in _KINDS:
            setattr(counts, kind.name, _count(connection, kind.chosen(connection, cuts)))
        counts.new_records = _count(connection, creations.prunable(cuts.writes))
    return counts


def _prune_all(store: Store, policy: Policy, now: int, counts: Counts, ends: float | None) -> None:
    counts.finished = False
    cuts = _Cuts.of(policy, now)
    if not _prune_landing(store, policy, cuts.landing, now, counts, ends):
        return
    for kind in _KINDS:
        if not _prune_kind(store, kind, cuts, now, counts, ends):
            return
    with store.transaction() as connection:
        counts.new_records = creations.prune(connection, cuts.writes)
        pruned.note(connection, "new_records", cuts.writes, counts.new_records, now)
    with store.transaction() as connection:
        pruned.note(connection, pruned.ALL, now, 0, now)
    counts.finished = True


def _prune_kind(store: Store, kind: _Kind, cuts: _Cuts, now: int, counts: Counts, ends: float | None) -> bool:
    """Returns whether it came to its end."""
    while True:
        with store.transaction() as connection:
            rows = connection.execute(kind.chosen(connection, cuts).limit(_BATCH)).all()
            for some in _parts([tuple(row) for row in rows]):
                _delete(connection, kind, some)
            pruned.note(connection, kind.name, cuts.of_kind(kind.name), len(rows), now)
        setattr(counts, kind.name, getattr(counts, kind.name) + len(rows))
        if len(rows) < _BATCH:
            return True
        if _is_over(ends):
            return False


def _delete(connection: Connection, kind: _Kind, keys: Sequence[tuple[Any, ...]]) -> None:
    for child in kind.children:
        connection.execute(delete(child).where(child.c[kind.parent].in_([key[0] for key in keys])))
    if len(kind.keys) == 1:
        chosen = kind.table.c[kind.keys[0]].in_([key[0] for key in keys])
    else:
        chosen = tuple_(*(kind.table.c[name] for name in kind.keys)).in_(keys)
    connection.execute(delete(kind.table).where(chosen))


def _parts(keys: list[tuple[Any, ...]]) -> list[list[tuple[Any, ...]]]:
    return [keys[start : start + 250] for start in range(0, len(keys), 250)]


def _is_over(ends: float | None) -> bool:
    return ends is not None and time.monotonic() >= ends


# -- versions of records


def _prune_landing(store: Store, policy: Policy, before: int, now: int, counts: Counts, ends: float | None) -> bool:
    """Record by record, from where the last prune stopped; returns whether it came to the last one."""
    if not before:
        return True
    table, record = schema.landing, schema.record
    with store.reading() as connection:
        after = pruned.position(connection, "landing")
    while True:
        with store.transaction() as connection:
            last = _next_records(connection, policy, after)
            number = 0
            if last is not None:
                old = _old_versions(policy, before).where(record.c.id > after, record.c.id <= last)
                number = connection.execute(
                    delete(table).where(tuple_(table.c.record_id, table.c.seq).in_(old))
                ).rowcount
            pruned.note(connection, "landing", before, number, now, position=last or 0)
        counts.landing += number
        if last is None:
            return True
        after = last
        if _is_over(ends):
            return False


def _old_versions(policy: Policy, before: int) -> Select[Any]:
    """Keys of the versions that go; of a deleted record its last content stays, too."""
    table, record = schema.landing, schema.record
    keep = max(policy.landing_versions, 1)
    kept_of_deleted = and_(record.c.state == RecordState.DELETED.value, table.c.seq == record.c.seq - 1)
    return (
        select(table.c.record_id, table.c.seq)
        .join(record, record.c.id == table.c.record_id)
        .where(record.c.seq > keep, table.c.seq <= record.c.seq - keep)
        .where(table.c.last_seen_at < before, not_(kept_of_deleted))
    )


def _next_records(connection: Connection, policy: Policy, after: int) -> int | None:
    """The last record of the next batch, ``None`` if no record after ``after`` has more versions than are kept."""
    record = schema.record
    keep = max(policy.landing_versions, 1)
    query = select(record.c.id, record.c.seq).where(record.c.id > after, record.c.seq > keep)
    versions, last = 0, None
    for row in connection.execute(query.order_by(record.c.id).limit(_BATCH)):
        versions += row.seq - keep
        last = int(row.id)
        if versions >= _MOST_VERSIONS:
            break
    return last


# -- everything else: which rows may go


def _write_goes(before: int) -> ColumnElement[bool]:
    """A write-back with an outcome, of a record that has moved on since: the same wish cannot come up again.

    One that replaced somebody's value stays, so that the value can be restored.
    """
    table, record = schema.outbox, schema.record
    moved_on = select(record.c.id).where(record.c.id == table.c.record_id, record.c.seq > table.c.base_seq).exists()
    return and_(
        table.c.status.in_([status.value for status in _DONE]),
        func.coalesce(table.c.done_at, before) < before,
        table.c.changes.not_like('%"contested": true%'),
        moved_on,
    )


def _old_writes(_connection: Connection, cuts: _Cuts) -> Select[Any]:
    return select(schema.outbox.c.id).where(_write_goes(cuts.writes))


def _old_plans(_connection: Connection, cuts: _Cuts) -> Select[Any]:
    """Closed plans of which no write-back is left."""
    table, outbox = schema.plan, schema.outbox
    closed = [PlanStatus.APPLIED.value, PlanStatus.SUPERSEDED.value]
    left = select(outbox.c.id).where(outbox.c.plan_id == table.c.id, not_(_write_goes(cuts.writes))).exists()
    return select(table.c.id).where(table.c.status.in_(closed), table.c.created_at < cuts.writes, ~left)


def _old_findings(connection: Connection, cuts: _Cuts) -> Select[Any]:
    """Resolved ones that nobody ever waived; the roll-forward of the last run needs those that it resolved."""
    table = schema.finding
    mark = news.last(connection)
    last = [findings.last_run(connection), mark[1].get("reconcile_run") if mark else None]
    return (
        select(table.c.id)
        .where(table.c.status == "resolved", table.c.resolved_at < cuts.findings, table.c.approver.is_(None))
        .where(table.c.run_id.not_in([run_id for run_id in last if run_id]))
    )


def _old_tie_outs(_connection: Connection, cuts: _Cuts) -> Select[Any]:
    """Figures that another one has followed by then: what stood at any later stamp stays."""
    table = schema.figure
    later = table.alias("later")
    same = and_(later.c.kind == table.c.kind, later.c.key == table.c.key, later.c.id > table.c.id)
    followed = select(later.c.id).where(same, later.c.at < cuts.tie_outs).exists()
    return select(table.c.id).where(table.c.at < cuts.tie_outs, followed)


def _part_goes(connection: Connection, before: int) -> ColumnElement[bool]:
    """All but the last of each stream and direction, the last one that succeeded, and what the last mark counts."""
    table = schema.stream_run
    mark = news.last(connection)
    later = table.alias("later")
    same = and_(*(later.c[name] == table.c[name] for name in ("system", "stream", "direction")))
    good = or_(later.c.status == "done", table.c.status != "done")
    newer = select(later.c.run_id).where(same, later.c.started_at > table.c.started_at, good).exists()
    return and_(
        table.c.started_at < (before if mark is None else min(before, mark[0].horizon)),
        table.c.status != "running",
        table.c.run_id.not_in(_kept_runs(connection)),
        newer,
    )


def _old_stream_runs(connection: Connection, cuts: _Cuts) -> Select[Any]:
    table = schema.stream_run
    names = ("run_id", "system", "stream", "direction")
    return select(*(table.c[name] for name in names)).where(_part_goes(connection, cuts.runs))


def _old_runs(connection: Connection, cuts: _Cuts) -> Select[Any]:
    """Those of which nothing is left."""
    table, part = schema.run, schema.stream_run
    parts = select(part.c.run_id).where(part.c.run_id == table.c.id, not_(_part_goes(connection, cuts.runs))).exists()
    return select(table.c.id).where(
        table.c.started_at < cuts.runs,
        table.c.status != "running",
        table.c.id.not_in(_kept_runs(connection)),
        ~parts,
    )


def _kept_runs(connection: Connection) -> list[str]:
    """The last runs, and the last one that reconciled."""
    table = schema.run
    newest = table.c.started_at.desc()
    kept = list(connection.execute(select(table.c.id).order_by(newest).limit(_LAST_RUNS)).scalars())
    reconciled = select(table.c.id).where(
        table.c.kind.in_(("sync", "reconcile")), or_(table.c.status == "done", table.c.summary.like('%"mark"%'))
    )
    last = connection.execute(reconciled.order_by(newest).limit(1)).scalar()
    return kept if last is None or last in kept else [*kept, last]


def _old_deliveries(_connection: Connection, cuts: _Cuts) -> Select[Any]:
    return select(schema.delivery.c.system, schema.delivery.c.id).where(schema.delivery.c.at < cuts.deliveries)


def _old_arrivals(_connection: Connection, cuts: _Cuts) -> Select[Any]:
    return select(schema.arrival.c.id).where(schema.arrival.c.at < cuts.landing)


def _old_leases(_connection: Connection, cuts: _Cuts) -> Select[Any]:
    return select(schema.lease.c.name).where(schema.lease.c.expires_at < cuts.leases)


_OF_FINDINGS = (schema.finding_record, schema.finding_event, schema.finding_term, schema.finding_amount)
_KINDS = (  # what others refer to comes after them
    _Kind("writes", schema.outbox, ("id",), _old_writes),
    _Kind("plans", schema.plan, ("id",), _old_plans),
    _Kind("findings", schema.finding, ("id",), _old_findings, _OF_FINDINGS),
    _Kind("tie_outs", schema.figure, ("id",), _old_tie_outs),
    _Kind("stream_runs", schema.stream_run, ("run_id", "system", "stream", "direction"), _old_stream_runs),
    _Kind("runs", schema.run, ("id",), _old_runs, (schema.run_system,), "run_id"),
    _Kind("deliveries", schema.delivery, ("system", "id"), _old_deliveries),
    _Kind("arrivals", schema.arrival, ("id",), _old_arrivals),
    _Kind("leases", schema.lease, ("name",), _old_leases),
)


def _count(connection: Connection, chosen: Select[Any]) -> int:
    return int(connection.execute(select(func.count()).select_from(chosen.subquery())).scalar_one())
