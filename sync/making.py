"""Create what is planned: each record is looked for by its key, noted before it is sent and settled after.

So that none is lost or made twice: what was sent without an answer is asked for before anything is sent again, and not
given up before the lost request cannot be carried out any more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from connectors.contract import Connector, NewRecord, Outcome, PushResult, StreamSpec
from connectors.errors import AuthError, ConnectorError, ContractError, QuotaError, RecordError, TransientError
from mappings.engine import Mapping, StreamMapping
from state import audit, creations, landing, restore, runs
from state.changes import OPEN, OutboxStatus, PlanError
from state.clock import now_us
from state.creations import ERASED_NOTE, MAX_ATTEMPTS, Creation, CreationPlan
from state.store import Store
from sync import create, gates
from sync.outcome import StreamOutcome
from sync.progress import Progress, Silent
from sync.push import STOPS_SYSTEM
from sync.work import Work, working

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings

BATCH = 20
"""Records noted as being sent at once; after a crash that many are in doubt at most."""

LATEST_US = 300_000_000
"""Microseconds after which a request that was sent without an answer is not carried out any more."""

_SETTLED = {
    Outcome.REJECTED: OutboxStatus.REJECTED,
    Outcome.UNKNOWN: OutboxStatus.UNKNOWN,
}


class NotCreatable(ConnectorError):
    """The connector does not create records in this stream, or keeps the key in another field than the mapping."""

    kind = "configuration"


def apply_creations(
    store: Store,
    settings: Settings,
    connector: Connector[Any],
    mapping: Mapping,
    plan: CreationPlan,
    *,
    run_id: str,
    actor: str,
    current: bool = False,
    approve: bool = False,
    progress: Progress | None = None,
) -> list[StreamOutcome]:
    """Create exactly what a plan holds; one outcome per stream.

    A plan that is no longer what is wanted is refused, unless the caller has just made it (``current``). One above the
    ``limit`` of its rule needs ``approve``. Raises ``PlanError``, ``StoreError`` (``LeaseHeld`` if another process
    writes to this system).
    """
    system = plan.system
    if not current:
        _refuse_outdated(store, settings, plan, run_id)
    gates.check_creations(store, settings, plan, actor if approve else None)
    with runs.lease(store, f"push to {system}") as lease:
        detail = {"plan": plan.id, "system": system}
        with store.transaction() as connection:
            lease.renew(connection)
            create.recognise(connection, system)
            now = creations.plan(connection, system)
            agreed = {item.idempotency_key for item in plan.items}
            items = [item for item in now.items if item.idempotency_key in agreed] if now else []
            audit.append(connection, actor, "plan approved", {**detail, "new records": len(items)})
        job = _Job(store, connector, mapping, run_id, lease, progress or Silent())
        try:
            return _streams(job, system, items)
        finally:
            with store.transaction() as connection:
                lease.renew(connection)
                sums: dict[str, int] = {}
                for item in creations.of_ids(connection, [item.id for item in plan.items]):
                    sums[item.status.value] = sums.get(item.status.value, 0) + 1
                audit.append(connection, actor, "plan applied", {**detail, "new records": sums})


def _refuse_outdated(store: Store, settings: Settings, plan: CreationPlan, run_id: str) -> None:
    now = create.plan_creations(store, settings, run_id, [plan.system])
    if not now:
        raise PlanError(f"Nothing that plan {plan.id} would create in {plan.system} is wanted any more.")
    if now[0].id != plan.id:
        raise PlanError(
            f"Plan {plan.id} for new records in {plan.system} is out of date; the plan is now {now[0].id}.",
            "Look at it with `ltc push --plan`, then apply that one.",
        )


@dataclass(frozen=True, slots=True)
class _Job:
    """What every step of creating in one system needs."""

    store: Store
    connector: Connector[Any]
    mapping: Mapping
    run_id: str
    lease: runs.Lease
    progress: Progress


def _streams(job: _Job, system: str, items: Sequence[Creation]) -> list[StreamOutcome]:
    specs = {spec.name: spec for spec in job.connector.streams()}
    named = sorted(
        {item.stream for item in items}, key=lambda name: [*specs].index(name) if name in specs else len(specs)
    )
    outcomes = []
    for name in named:
        outcome = StreamOutcome(system, name, "create")
        outcomes.append(outcome)
        calls = job.connector.stats.calls
        with working(job.store, outcome, job.run_id, job.progress) as work:
            maker = _Maker(job, work, specs.get(name), name)
            mine = [item for item in items if item.stream == name]
            try:
                for start in range(0, len(mine), BATCH):
                    maker.make(mine[start : start + BATCH])
            finally:
                outcome.counts["calls"] = job.connector.stats.calls - calls
        if outcome.status == "interrupted" or (outcome.error and outcome.error.kind in STOPS_SYSTEM):
            break
    return outcomes


def creatable(connector: str, spec: StreamSpec | None, mapper: StreamMapping) -> tuple[StreamSpec, str]:
    """A stream in which records can be created, and its field for the key; raises ``NotCreatable``."""
    made_of, name = mapper.definition.create, mapper.name
    if spec is None or spec.creatable is None or made_of is None:
        raise NotCreatable(f"{connector} does not create records in {name}.", remedy="Take the rule out of ltc.yaml.")
    if made_of.key != spec.creatable:
        raise NotCreatable(
            f"New records of {name} carry their key in {made_of.key} (mapping) or {spec.creatable} (connector).",
            remedy="Name the same field in both.",
        )
    return spec, made_of.key


class _Maker:
    """Creates the records of one stream, a batch at a time."""

    def __init__(self, job: _Job, work: Work, spec: StreamSpec | None, name: str) -> None:
        self.job = job
        self.work = work
        self.name = name
        self.counts: dict[str, int] = {}
        self.mapper: StreamMapping = job.mapping.stream(name)
        self.spec, self.key_field = creatable(job.connector.name, spec, self.mapper)
        with work.transaction() as connection:
            self.stream = landing.open_stream(connection, work.outcome.system, name, self.mapper.entity)

    def make(self, items: Sequence[Creation]) -> None:
        """Look for them, note, send, settle; raises ``ConnectorError`` after settling what has no outcome."""
        pending = self._note(self._not_there(items))
        while pending:
            left = len(pending)
            try:
                records = [self._record(item) for item in pending.values()]
                for result in self.job.connector.create(self.name, records):
                    self._settle(pending, result)
            except RecordError as error:
                if error.source_id not in pending:
                    self._leave(pending, error)
                    raise
                self._settle(pending, PushResult("", Outcome.REJECTED, error.message, key=error.source_id))
            except ConnectorError as error:
                self._leave(pending, error)
                raise
            if len(pending) == left:
                break
        if pending:
            silent = ContractError(f"{len(pending)} new records were sent and no outcome was told.")
            self._leave(pending, silent)
            raise silent

    def _not_there(self, items: Sequence[Creation]) -> list[Creation]:
        """Those that the source does not have and that may be sent; the others are settled."""
        found = self.job.connector.find(self.name, [item.key for item in items])
        free = []
        latest = now_us() - (0 if self.spec.refuses_doubles else LATEST_US)
        with self.work.transaction() as connection:
            self.job.lease.renew(connection)
            # Of a restored store nobody knows what was sent right before: all is in doubt for as long.
            forgot = not self.spec.refuses_doubles and (restore.restored_us(connection) or 0) > latest
            for item in items:
                records = found.get(item.key)
                if records:
                    several = f"{len(records)} records carry its key" if len(records) > 1 else ""
                    create.settle(connection, item, records[0].source_id, None, several)
                    self._count("applied" if item.doubtful else "unchanged")
                elif forgot or (item.doubtful and (item.sent_at or 0) > latest):
                    self._count("waiting")  # the lost request may still be carried out
                elif item.doubtful and not (item.wanted and item.values):
                    self._withdraw(connection, item)
                else:
                    free.append(item)
        self.work.page(dict(self.counts))
        return free

    def _withdraw(self, connection: Connection, item: Creation) -> None:
        """It was not made, and nobody wants it any more; without values it never can be."""
        erased = not item.values
        status = OutboxStatus.DISCARDED if erased else OutboxStatus.SUPERSEDED
        said = ERASED_NOTE if erased else "not wanted any more, and not found in the source"
        creations.outcome(connection, item, status, said, fence=self.job.lease.token, unsure=False)
        self._count(status.value)

    def _note(self, items: Sequence[Creation]) -> dict[str, Creation]:
        """Commit what is about to be sent; what another planning has changed or withdrawn meanwhile is not."""
        with self.work.transaction() as connection:
            self.job.lease.renew(connection)
            noted = creations.sending(connection, items, self.job.lease.token)
        return {item.key: item for item in items if item.id in noted}

    def _record(self, item: Creation) -> NewRecord:
        values = {**item.values, self.key_field: item.key}
        return NewRecord(item.key, values, item.idempotency_key, unsure=item.doubtful)

    def _settle(self, pending: dict[str, Creation], result: PushResult) -> None:
        """Commit one outcome, and with it the record as the source shows it now."""
        if result.key not in pending:
            raise ContractError(f"An outcome was told for a new record of {self.name} that was not sent.")
        item = pending[result.key]
        there = result.outcome in (Outcome.APPLIED, Outcome.UNCHANGED)
        with self.work.transaction() as connection:
            self.job.lease.renew(connection)
            if there:
                status = self._made(connection, item, result)
            else:
                status = self._not_made(connection, item, result)
        del pending[result.key]
        self._count("retry" if status is OutboxStatus.PLANNED else status.value)
        self.work.page(dict(self.counts))

    def _made(self, connection: Connection, item: Creation, result: PushResult) -> OutboxStatus:
        made_id = None
        if result.record is not None:
            landing.land_written(connection, self.stream, self.mapper, [result.record], run_id=self.work.run_id)
            head = landing.heads(connection, self.stream.id, [result.record.source_id]).get(result.record.source_id)
            made_id = head.id if head is not None else None
        found = result.outcome is Outcome.UNCHANGED and not item.doubtful
        status = OutboxStatus.UNCHANGED if found else OutboxStatus.APPLIED
        creations.outcome(connection, item, status, result.message, fence=self.job.lease.token, unsure=False)
        (kept,) = creations.of_ids(connection, [item.id])
        create.settle(connection, kept, result.source_id, made_id)
        return status

    def _not_made(self, connection: Connection, item: Creation, result: PushResult) -> OutboxStatus:
        again = OutboxStatus.UNKNOWN if item.doubtful else OutboxStatus.PLANNED
        status, message = _SETTLED.get(result.outcome, again), result.message
        unsure = status is OutboxStatus.UNKNOWN
        if status in OPEN and item.attempts + 1 >= MAX_ATTEMPTS:
            status, message = OutboxStatus.DEAD, f"no outcome after {MAX_ATTEMPTS} attempts: {message}"
        creations.outcome(connection, item, status, message, fence=self.job.lease.token, unsure=unsure)
        return status

    def _leave(self, pending: dict[str, Creation], error: ConnectorError) -> None:
        """Note what an error leaves open: not sent if that is sure, else in doubt; the first used up an attempt."""
        unsent = isinstance(error, TransientError | QuotaError) and not error.sent
        blameless = unsent or isinstance(error, AuthError | QuotaError)
        with self.work.transaction() as connection:
            self.job.lease.renew(connection)
            for place, item in enumerate(pending.values()):
                doubtful = item.doubtful or not unsent
                status = OutboxStatus.UNKNOWN if doubtful else OutboxStatus.PLANNED
                if not (place or blameless) and item.attempts + 1 >= MAX_ATTEMPTS:
                    status = OutboxStatus.DEAD
                creations.outcome(connection, item, status, error.message, fence=self.job.lease.token, unsure=doubtful)
                if place or blameless:
                    creations.uncounted(connection, item, keep_sent=not unsent)
        self._count("retry" if unsent else "unknown", len(pending))
        self.work.outcome.counts = dict(self.counts)
        pending.clear()

    def _count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number
