"""Carry out a plan: each change is noted before it is sent and settled after, so that none is lost or doubled."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from connectors.contract import Change, Connector, Outcome, PushResult, RawRecord
from connectors.errors import AuthError, ConnectorError, ContractError, QuotaError, RecordError, TransientError
from mappings.engine import Mapping, StreamMapping, decode
from mappings.errors import MappingError
from mappings.model import ENTITIES, columns
from state import agreed, audit, errornotes, held, landing, outbox, runs, writelog
from state.landing import Stream
from state.outbox import MAX_ATTEMPTS, Base, Item, OutboxStatus, Plan, PlanError
from state.store import Store
from sync import gates
from sync import plan as planning
from sync.drift import Guard
from sync.echoes import rewritten
from sync.outcome import StreamOutcome
from sync.progress import Progress, Silent
from sync.values import same
from sync.work import Work, working

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings

BATCH = 100
"""Changes noted as being sent at once; after a crash that many are in doubt at most."""

STOPS_SYSTEM = ("auth", "quota", "transient", "unanswered", "unreachable", "busy")
"""Kinds of failure after which the other streams of the system are not tried in this run."""

_SETTLED = {
    Outcome.APPLIED: OutboxStatus.APPLIED,
    Outcome.UNCHANGED: OutboxStatus.UNCHANGED,
    Outcome.CONFLICT: OutboxStatus.CONFLICT,
    Outcome.REJECTED: OutboxStatus.REJECTED,
    Outcome.UNKNOWN: OutboxStatus.UNKNOWN,
    Outcome.RETRY: OutboxStatus.PLANNED,
}
_SETTLES_NOTHING = (OutboxStatus.CONFLICT, OutboxStatus.REJECTED, OutboxStatus.DEAD)
"""Outcomes of an attempt that tell nothing of an earlier one."""
_MOVED = "the record changed since the plan was made; nothing was sent"


def apply_plan(
    store: Store,
    settings: Settings,
    connector: Connector[Any],
    mapping: Mapping,
    plan_id: str,
    *,
    run_id: str,
    actor: str,
    current: bool = False,
    approve: bool = False,
    only: Collection[int] | None = None,
    progress: Progress | None = None,
) -> list[StreamOutcome]:
    """Send exactly what a plan says, and settle what an interrupted run left in doubt; one outcome per stream.

    ``actor`` approves it. A plan that is no longer what is wanted is refused, unless the caller has just made it
    (``current``). ``only`` these of its items are sent then, by their ids; the others stay planned. A record that moved
    on since becomes a conflict and is planned anew, the others go on. A plan larger than ltc.yaml allows needs
    ``approve``, a system that is new here needs its matching accepted (``sync.gates``).
    Raises ``PlanError``, ``StoreError`` (``LeaseHeld`` if another process pushes to this system).
    """
    with store.reading() as connection:
        system = outbox.load(connection, plan_id).system
    if not current:
        _refuse_outdated(store, settings, system, plan_id, run_id)
    with store.reading() as connection:
        known = _chosen(outbox.load(connection, plan_id), only)
    gates.check(store, settings, known, actor if approve else None, whole=only is None)
    with runs.lease(store, f"push to {system}") as lease:
        with store.transaction() as connection:
            plan = _chosen(outbox.begin(connection, plan_id, actor), only)
            detail = {"plan": plan_id, "system": system, "changes": len(plan.open_items)}
            audit.append(connection, actor, "plan approved", detail)
            planning.settle_doubts(connection, mapping, system)
        try:
            job = _Job(store, connector, mapping, plan_id, only, run_id, lease, progress or Silent())
            return _push_streams(job, system)
        finally:
            with store.transaction() as connection:
                lease.renew(connection)
                result = outbox.end(connection, plan_id)
                sums = _sums(outbox.load(connection, plan_id))
                detail = {"plan": plan_id, "system": system, "result": result.value, **sums}
                audit.append(connection, actor, "plan applied", detail)


def _chosen(plan: Plan, only: Collection[int] | None) -> Plan:
    """A plan with these of its items; raises ``PlanError`` if one of them is not there to be sent any more."""
    if only is None:
        return plan
    items = tuple(item for item in plan.items if item.id in only)
    if len(items) != len(set(only)) or not items:
        raise PlanError(f"Plan {plan.id} for {plan.system} is no longer what you have seen.", "Look at it again.")
    return replace(plan, items=items)


def _refuse_outdated(store: Store, settings: Settings, system: str, plan_id: str, run_id: str) -> None:
    with store.reading() as connection:
        known = outbox.load(connection, plan_id).status
    if known not in (outbox.PlanStatus.PLANNED, outbox.PlanStatus.APPLYING):
        return  # `outbox.begin` says why it cannot be used
    plans = planning.make_plan(store, settings, run_id, [system])
    if not plans:
        raise PlanError(f"Nothing that plan {plan_id} holds for {system} is wanted any more.")
    if plans[0].id != plan_id:
        raise PlanError(
            f"Plan {plan_id} for {system} is out of date; the plan is now {plans[0].id}.",
            "Look at it with `ltc push --plan`, then apply that one.",
        )


def _sums(plan: Plan) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in plan.items:
        found[item.status.value] = found.get(item.status.value, 0) + 1
    return found


@dataclass(frozen=True, slots=True)
class _Job:
    """What every step of one system's push needs."""

    store: Store
    connector: Connector[Any]
    mapping: Mapping
    plan_id: str
    only: Collection[int] | None
    run_id: str
    lease: runs.Lease
    progress: Progress


def _push_streams(job: _Job, system: str) -> list[StreamOutcome]:
    with job.store.reading() as connection:
        items = _chosen(outbox.load(connection, job.plan_id), job.only).open_items
    by_stream: dict[str, list[Item]] = {}
    for item in items:
        by_stream.setdefault(item.stream, []).append(item)
    outcomes = []
    for name in _in_order(job.connector, by_stream):
        outcome = _push_stream(job, system, name, by_stream[name])
        outcomes.append(outcome)
        if outcome.status == "interrupted" or (outcome.error and outcome.error.kind in STOPS_SYSTEM):
            break
    return outcomes


def _in_order(connector: Connector[Any], names: Iterable[str]) -> list[str]:
    known = [spec.name for spec in connector.streams()]
    return sorted(names, key=lambda name: known.index(name) if name in known else len(known))


def _push_stream(job: _Job, system: str, name: str, items: list[Item]) -> StreamOutcome:
    outcome = StreamOutcome(system, name, "push")
    calls = job.connector.stats.calls
    with working(job.store, outcome, job.run_id, job.progress) as work:
        pusher = _Pusher(job, work, name)
        items.sort(key=lambda item: (item.status is OutboxStatus.PLANNED, item.id))  # what is in doubt comes first
        try:
            for start in range(0, len(items), BATCH):
                pusher.push(items[start : start + BATCH])
            pusher.refuse_silence()
        finally:
            outcome.counts["calls"] = job.connector.stats.calls - calls
    return outcome


class _Pusher:
    """Sends the changes of one stream, a batch at a time."""

    def __init__(self, job: _Job, work: Work, name: str) -> None:
        self.job = job
        self.work = work
        self.mapper: StreamMapping = job.mapping.stream(name)
        self.counts: dict[str, int] = {}
        self._put_off: list[tuple[Item, str]] = []
        """What the source did not take now, and why, as long as it took nothing else either."""
        with work.transaction() as connection:
            self.stream: Stream = landing.open_stream(connection, work.outcome.system, name, self.mapper.entity)
        self.guard = Guard(self.mapper, self.stream, work.run_id)

    def push(self, items: Sequence[Item]) -> None:
        """Note, send, settle; raises ``ConnectorError`` after settling what has no outcome."""
        pending = self._note(items)
        while pending:
            left = len(pending)
            try:
                self._send(pending)
            except RecordError as error:
                refused = next((item for item, _ in pending.values() if item.source_id == error.source_id), None)
                if refused is None:
                    self._leave(pending, error)
                    raise
                self._settle(pending, PushResult(refused.source_id, Outcome.REJECTED, error.message))
            except ConnectorError as error:
                self._leave(pending, error)
                raise
            if len(pending) == left:
                break
        if pending:
            silent = ContractError(f"{len(pending)} changes were sent and no outcome was told.")
            self._leave(pending, silent)
            raise silent

    def _note(self, items: Sequence[Item]) -> dict[str, tuple[Item, Base]]:
        """Commit what is about to be sent; a record that moved on is not, nor what was withdrawn meanwhile."""
        ready: dict[str, tuple[Item, Base]] = {}
        with self.work.transaction() as connection:
            self.job.lease.renew(connection)
            found = dict(outbox.bases(connection, [item.record_id for item in items]))
            for item in items:
                base = found.get(item.record_id)
                if base is None or base.seq != item.base_seq or not outbox.is_usable(base):
                    outbox.outcome(connection, item.id, OutboxStatus.CONFLICT, _MOVED)
                    if item.doubtful:
                        outbox.leave_unsettled(connection, item.id)
                    self._count("conflict")
                else:
                    ready[item.source_id] = (item, base)
            noted = outbox.sending(connection, [item for item, _ in ready.values()], self.job.lease.token)
            sent = [item for item, _ in ready.values() if item.id in noted]
            values = [(item.record_id, c.field, item.id, c.source_new) for item in sent for c in item.changes]
            writelog.note(connection, values)
        return {source_id: found for source_id, found in ready.items() if found[0].id in noted}

    def _send(self, pending: dict[str, tuple[Item, Base]]) -> None:
        changes = [_change(item, base) for item, base in pending.values()]
        for result in self.job.connector.push(self.stream.name, changes):
            self._settle(pending, result)

    def _settle(self, pending: dict[str, tuple[Item, Base]], result: PushResult) -> None:
        """Commit one outcome, and with it the record as the source shows it now."""
        if result.source_id not in pending:
            raise ContractError(f"An outcome was told for a record of {self.stream.name} that was not sent.")
        item, base = pending[result.source_id]
        result = _found(item, self._seen_through(item, _read_late(item, base, result)))
        status, message = _status(item, result.outcome), result.message
        if status in outbox.OPEN and item.attempts + 1 >= MAX_ATTEMPTS:
            status, message = OutboxStatus.DEAD, f"no outcome after {MAX_ATTEMPTS} attempts: {message}"
        with self.work.transaction() as connection:
            self.job.lease.renew(connection)
            if result.record is not None:
                self._land(connection, result.outcome, result.record)
                if result.outcome is Outcome.APPLIED and self._is_ignored(item, result.record):
                    status, message = OutboxStatus.REJECTED, _ignored(item)
                    self._stand_on_new_version(connection, item)
            outbox.outcome(connection, item.id, status, message, fence=self.job.lease.token)
            if status in _SETTLES_NOTHING and (item.doubtful or result.outcome is Outcome.UNKNOWN):
                outbox.leave_unsettled(connection, item.id)
            if result.outcome is Outcome.APPLIED and errornotes.is_note(item):
                base = dict(outbox.bases(connection, [item.record_id]))[item.record_id]
                errornotes.stand(connection, item, base, self.mapper.fingerprint)
            self._remember(connection, item, status, result.record)
        del pending[result.source_id]
        self._count("retry" if status is OutboxStatus.PLANNED else _name(item, status))
        if self.counts.keys() == {"retry"}:
            self._put_off.append((item, message))
        else:
            self._put_off.clear()
        self.work.page(dict(self.counts))

    def refuse_silence(self) -> None:
        """Let the stream fail if the source took nothing now, as while it is down; such an attempt does not count.

        Raises ``TransientError``.
        """
        if not self._put_off:
            return
        with self.work.transaction() as connection:
            self.job.lease.renew(connection)
            for item, message in self._put_off:
                outbox.unsent(connection, item, OutboxStatus.PLANNED, message)
        first = self._put_off[0][1].rstrip(".")
        raise TransientError(
            f"None of {len(self._put_off)} changes could be written now: {first}.",
            remedy="They stay planned and nothing is lost. See that the system is up, then write them again.",
            sent=False,
        )

    def _seen_through(self, item: Item, result: PushResult) -> PushResult:
        """A source that took the change and rewrote it (spaces, case, rounding) has not refused it."""
        if result.outcome is not Outcome.REJECTED or result.record is None:
            return result
        if not all(rewritten(c.source_new, shown) for c, shown in self._shown(item, result.record)):
            return result
        return replace(result, outcome=Outcome.APPLIED)

    def _shown(self, item: Item, record: RawRecord) -> list[tuple[outbox.FieldChange, Any]]:
        document = decode(record.body)
        return [(change, self.mapper.source_value(change.field, document)) for change in item.changes]

    def _remember(self, connection: Connection, item: Item, status: OutboxStatus, record: RawRecord | None) -> None:
        """Note what both sides agree on now, and use up the log of the write where the source has rewritten it."""
        if status not in (OutboxStatus.APPLIED, OutboxStatus.UNCHANGED):
            if status not in outbox.IN_DOUBT:
                writelog.withdraw(connection, item.id)
            return
        shown = self._shown(item, record) if record is not None else []
        if status is OutboxStatus.UNCHANGED:
            writelog.withdraw(connection, item.id)
        made_of_it = [(change.field, value) for change, value in shown if not same(change.source_new, value)]
        writelog.seen_as(connection, item.id, made_of_it)
        row = self._canonical(item, record)
        values = [(item.record_id, change.field, row.get(change.field, change.new)) for change in item.changes]
        agreed.write(connection, values)
        held.restored(connection, item.record_id, [change.field for change in item.changes])
        outbox.resolve(connection, item)

    def _canonical(self, item: Item, record: RawRecord | None) -> dict[str, Any]:
        """The record as it is now in canonical terms; empty if it is not known or not understood."""
        if record is None:
            return {}
        try:
            row = self.mapper.map(item.system, item.source_id, record.body).row
        except MappingError:
            return {}
        names = [column.name for column in columns(ENTITIES[self.mapper.entity])]
        return dict(zip(names, row, strict=True)) if row else {}

    def _land(self, connection: Connection, outcome: Outcome, record: RawRecord) -> None:
        if outcome in (Outcome.APPLIED, Outcome.UNCHANGED):
            self.guard.land(connection, [record], origin=landing.Origin.WRITTEN)
        else:
            self.guard.land(connection, [record])

    def _is_ignored(self, item: Item, record: RawRecord) -> bool:
        """Whether the source took the change but neither it nor its canonical row shows it, not even rewritten."""
        if all(rewritten(change.source_new, shown) for change, shown in self._shown(item, record)):
            return False
        row = self._canonical(item, record)
        return bool(row) and any(not same(row.get(change.field), change.new) for change in item.changes)

    def _stand_on_new_version(self, connection: Connection, item: Item) -> None:
        """Let the refusal hold for the version that our write made, or the next plan would send it again."""
        base = dict(outbox.bases(connection, [item.record_id]))[item.record_id]
        values = [(change.source_field, change.source_new) for change in item.changes]
        names = (item.system, item.stream, item.source_id)
        outbox.rebase(connection, item.id, base.seq, outbox.idempotency_key(*names, (base.seq, base.hash), values))

    def _leave(self, pending: dict[str, tuple[Item, Base]], error: ConnectorError) -> None:
        """Note what an error leaves open: not sent if that is sure, else in doubt; the first used up an attempt."""
        unsent = isinstance(error, TransientError | QuotaError) and not error.sent
        blameless = unsent or isinstance(error, AuthError | QuotaError)
        with self.work.transaction() as connection:
            self.job.lease.renew(connection)
            for place, (item, _) in enumerate(pending.values()):
                certain = unsent and item.status is OutboxStatus.PLANNED
                status = OutboxStatus.PLANNED if certain else OutboxStatus.UNKNOWN
                if certain:
                    writelog.withdraw(connection, item.id)
                if place or blameless:
                    outbox.unsent(connection, item, status, error.message)
                elif item.attempts + 1 >= MAX_ATTEMPTS:
                    outbox.outcome(connection, item.id, OutboxStatus.DEAD, error.message)
                    outbox.leave_unsettled(connection, item.id)
                else:
                    outbox.outcome(connection, item.id, status, error.message)
        self._count("retry" if unsent else "unknown", len(pending))
        self.work.outcome.counts = dict(self.counts)
        pending.clear()

    def _count(self, name: str, number: int = 1) -> None:
        self.counts[name] = self.counts.get(name, 0) + number


def _status(item: Item, outcome: Outcome) -> OutboxStatus:
    """Where a change stands after an outcome; an attempt that came to nothing does not settle an earlier one."""
    if outcome is Outcome.RETRY and item.status in outbox.IN_DOUBT:
        return OutboxStatus.UNKNOWN
    return _SETTLED[outcome]


def _name(item: Item, status: OutboxStatus) -> str:
    """What an outcome is counted as; an error text that was written is no news to anybody."""
    done = status in (OutboxStatus.APPLIED, OutboxStatus.UNCHANGED)
    return "noted" if done and errornotes.is_note(item) else status.value


def _read_late(item: Item, base: Base, result: PushResult) -> PushResult:
    """A reading from before what we hold says nothing about the values: perhaps they were there once, and are not now.

    Some sources answer for one record from a copy that lags behind their lists.
    """
    record = result.record
    if result.outcome is not Outcome.UNCHANGED or record is None or record.version is None or base.version is None:
        return result
    if record.version >= base.version:
        return result
    outcome = Outcome.UNKNOWN if item.doubtful else Outcome.CONFLICT
    return replace(result, outcome=outcome, message="the source showed an older version than it listed")


def _found(item: Item, result: PushResult) -> PushResult:
    """What is found written after an attempt without an answer is taken for ours: what it replaced must be kept."""
    if item.doubtful and result.outcome is Outcome.UNCHANGED:
        return replace(result, outcome=Outcome.APPLIED, message="found in the source after an interruption")
    return result


def _ignored(item: Item) -> str:
    fields = ", ".join(change.source_field for change in item.changes)
    return f"the source accepted the change of {fields} but still shows the old value: check permissions and automation"


def _change(item: Item, base: Base) -> Change:
    return Change(
        source_id=item.source_id,
        values={change.source_field: change.source_new for change in item.changes},
        expected={change.source_field: change.source_old for change in item.changes},
        idempotency_key=item.idempotency_key,
        version=base.version,
        body=base.body,
        unsure=item.doubtful,
    )
