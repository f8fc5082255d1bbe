"""The jobs: pull, reconcile, plan and push, sweep, each alone or all in one, with Prefect around them or without.

Every job records a run, leaves nothing half done behind, and says in its ``SyncResult`` what became of each part. What
one system fails at stops nobody else. An ``unattended`` one, which nobody started by hand, leaves a system alone for a
while that several runs in a row could not reach, or that refused them (``state.circuits``). All raise ``StoreError`` if
the store cannot be used, ``LeaseHeld`` among it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from connectors import waiting
from connectors.contract import Connector, Deletes, StreamSpec
from mappings.engine import Mapping
from state import calls_made, circuits, notices, outbox, overwritten, pauses, quarantine, renewing, runs
from state.circuits import Circuit
from state.clock import now_us, to_us
from state.failures import StoreError
from state.outbox import PlanError
from state.pauses import Pauses
from state.queries import Phase
from state.runs import Asked, LeaseHeld
from state.store import Store
from sync import create, upkeep
from sync.fetch import fetch_stream
from sync.outcome import Problem, StreamOutcome, problem
from sync.progress import Progress
from sync.pull import pull_stream
from sync.result import SyncResult
from sync.session import Session, Step, directly
from sync.sweep import sweep_stream

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from settings.model import Settings

__all__ = [
    "LeaseHeld",
    "Push",
    "run_fetch",
    "run_pull",
    "run_push",
    "run_reconcile",
    "run_restore",
    "run_sweep",
    "run_sync",
]

Push = Literal["plan", "apply", "off"]
"""``plan``: only plan; ``apply``: carry the plans out, too; ``off``: neither. ``None``: as each system says."""

_BY_ITSELF = ("schedule", "webhook")
"""Why runs begin that nobody starts; there are many of them, and the audit has no line of each."""
_LEASE_SECONDS = 300.0
_RENEW_SECONDS = 60.0


def run_sync(
    store: Store,
    settings: Settings,
    *,
    systems: Sequence[str] | None = None,
    streams: Sequence[str] | None = None,
    full: bool = False,
    since: datetime | None = None,
    push: Push | None = None,
    as_of: datetime | None = None,
    paused: bool = False,
    unattended: bool = False,
    engine: str = "local",
    progress: Progress | None = None,
    actor: str = "ltc",
    step: Step = directly,
) -> SyncResult:
    """Pull everything, reconcile, plan what to write back and, where that is wanted, write it.

    ``systems`` and ``streams`` (``stream`` or ``system.stream``) limit the pull and the push. A run that finds no news
    neither reconciles nor plans again; it shows what the last one found. What people have paused is left out
    (``result.paused``), unless ``paused`` is given.
    """
    names = list(systems or settings.systems)
    asked = _asked(actor, unattended, names, since)
    with _run(store, settings, "sync", engine, progress, asked, step, paused=paused, unattended=unattended) as session:
        _pull(session, names, streams, full, since)
        if not session.stop:
            _settle(session, names, push, as_of)
        if not session.stop:
            upkeep.after_sync(store, settings)
    return session.result


def run_pull(
    store: Store,
    settings: Settings,
    *,
    systems: Sequence[str] | None = None,
    streams: Sequence[str] | None = None,
    full: bool = False,
    since: datetime | None = None,
    paused: bool = False,
    unattended: bool = False,
    engine: str = "local",
    progress: Progress | None = None,
    actor: str = "ltc",
    step: Step = directly,
) -> SyncResult:
    """Pull only; what is paused is pulled only with ``paused``."""
    names = list(systems or settings.systems)
    asked = _asked(actor, unattended, names, since)
    with _run(store, settings, "pull", engine, progress, asked, step, paused=paused, unattended=unattended) as session:
        _pull(session, names, streams, full, since)
    return session.result


def run_fetch(
    store: Store,
    settings: Settings,
    *,
    systems: Sequence[str] | None = None,
    unattended: bool = False,
    engine: str = "local",
    progress: Progress | None = None,
    actor: str = "ltc",
    step: Step = directly,
) -> SyncResult:
    """Read the records that webhooks told of, and nothing else; a pull does that first, too."""
    names = list(systems or settings.systems)
    asked = Asked(actor, "webhook", tuple(names))
    with _run(store, settings, "fetch", engine, progress, asked, step, unattended=unattended) as session:
        upkeep.before_pull(store, settings)
        _fetch(session, names)
    return session.result


def run_reconcile(
    store: Store,
    settings: Settings,
    *,
    as_of: datetime | None = None,
    unattended: bool = False,
    engine: str = "local",
    progress: Progress | None = None,
    actor: str = "ltc",
    step: Step = directly,
) -> SyncResult:
    """Link, tie out and check what is in the store, and plan what is to be written back by it."""
    asked = _asked(actor, unattended, ())
    with _run(store, settings, "reconcile", engine, progress, asked, step) as session:
        _settle(session, [], "plan", as_of)
    return session.result


def run_push(
    store: Store,
    settings: Settings,
    *,
    systems: Sequence[str] | None = None,
    push: Literal["plan", "apply"] | None = None,
    plan_id: str | None = None,
    only: Collection[int] | None = None,
    approve: bool = False,
    paused: bool = False,
    unattended: bool = False,
    engine: str = "local",
    progress: Progress | None = None,
    actor: str = "ltc",
    step: Step = directly,
) -> SyncResult:
    """Plan what is to be written, and carry it out if ``push`` (or each system's setting) says so.

    With ``plan_id`` exactly that plan is carried out, and nothing if it is no longer what is wanted: then
    ``problems`` says so and ``plans`` holds the present one; of its write-backs ``only`` those with these ids are sent,
    and the others stay planned. ``approve`` lets a plan be carried out that is larger than
    ``writing.limits``. Plans that write to what is paused wait, unless ``paused`` is given; ``plan_id`` is refused.
    """
    names = list(systems or settings.systems)
    if plan_id is None:
        asked = replace(_asked(actor, unattended, names), only_plans=not _to_apply(settings, names, push))
    else:
        asked = _approved(store, settings, actor, plan_id)
    with _run(store, settings, "push", engine, progress, asked, step, approve, paused, unattended, only) as session:
        if plan_id is not None:
            session.apply_only(plan_id)
        else:
            session.plan(names)
            session.apply(_to_apply(settings, names, push))
            session.plan_rest(names)
    return session.result


def run_restore(
    store: Store,
    settings: Settings,
    *,
    item_id: int,
    reason: str = "",
    engine: str = "local",
    progress: Progress | None = None,
    actor: str = "ltc",
    step: Step = directly,
) -> SyncResult:
    """Write the values back that the write-back ``item_id`` had replaced (``state.overwritten``), and nothing else."""
    theirs = _system_of(store, settings, lambda connection: overwritten.one(connection, item_id).system)
    asked = Asked(actor, "restoring", tuple(theirs))
    with _run(store, settings, "push", engine, progress, asked, step) as session:
        session.restore(item_id, reason)
    return session.result


def run_sweep(
    store: Store,
    settings: Settings,
    *,
    systems: Sequence[str] | None = None,
    streams: Sequence[str] | None = None,
    force: bool = False,
    paused: bool = False,
    unattended: bool = False,
    engine: str = "local",
    progress: Progress | None = None,
    actor: str = "ltc",
    step: Step = directly,
) -> SyncResult:
    """Find what was deleted in the streams that do not report deletions; ``force`` believes even a mass deletion."""
    names = list(systems or settings.systems)
    asked = _asked(actor, unattended, names)
    with _run(store, settings, "sweep", engine, progress, asked, step, paused=paused, unattended=unattended) as session:
        one = partial(_sweep_one, session, force)
        session.streams(names, "sweep", streams, one, lambda spec: spec.deletes is Deletes.SWEEP)
    return session.result


def _pull(
    session: Session, names: list[str], streams: Sequence[str] | None, full: bool, since: datetime | None
) -> None:
    upkeep.before_pull(session.store, session.settings)
    _fetch(session, names)
    session.streams(names, "pull", streams, partial(_pull_one, session, full, since))


def _fetch(session: Session, names: Sequence[str]) -> None:
    with session.store.reading() as connection:
        told = notices.streams(connection)
    for name in names:
        if any(system == name for system, _ in told):
            offered = partial(_is_told, told, name)
            session.streams([name], "fetch", None, partial(_fetch_one, session), offered)


def _is_told(told: set[tuple[str, str]], system: str, spec: StreamSpec) -> bool:
    return (system, spec.name) in told


def _fetch_one(
    session: Session, system: str, connector: Connector[Any], mapping: Mapping, spec: StreamSpec
) -> StreamOutcome:
    known: Any = {"run_id": session.result.run_id, "progress": session.progress}
    drift = session.settings.systems[system].drift_of(spec.name)
    return fetch_stream(session.store, connector, mapping, system, spec, drift=drift, **known)


def _pull_one(
    session: Session,
    full: bool,
    since: datetime | None,
    system: str,
    connector: Connector[Any],
    mapping: Mapping,
    spec: StreamSpec,
) -> StreamOutcome:
    known: Any = {"run_id": session.result.run_id, "progress": session.progress}
    drift = session.settings.systems[system].drift_of(spec.name)
    return pull_stream(session.store, connector, mapping, system, spec, full=full, since=since, drift=drift, **known)


def _sweep_one(
    session: Session, force: bool, system: str, connector: Connector[Any], mapping: Mapping, spec: StreamSpec
) -> StreamOutcome:
    known: Any = {"run_id": session.result.run_id, "progress": session.progress}
    return sweep_stream(session.store, connector, mapping, system, spec, force=force, **known)


def _settle(session: Session, names: list[str], push: Push | None, as_of: datetime | None) -> None:
    """Reconcile, plan, push; what was written is reconciled again, so that the result shows it.

    Plans are made for all systems, since news of one is written to others, and carried out for those in ``names``.
    """
    everywhere = list(session.settings.systems)
    try:
        session.reconcile(as_of)
        if push == "off":
            return
        session.plan(everywhere)
        if session.apply(_to_apply(session.settings, names, push)) and not session.stop:
            session.reconcile(as_of)
            session.plan(everywhere)
        else:
            session.plan_rest(everywhere)
    except StoreError as error:
        session.result.problems.append(problem(error))


def _to_apply(settings: Settings, names: list[str], push: Push | None) -> list[str]:
    if push == "plan":
        return []
    return [name for name in names if push == "apply" or settings.systems[name].push == "auto"]


def _asked(actor: str, unattended: bool, names: Sequence[str], since: datetime | None = None) -> Asked:
    because = "schedule" if unattended else "by_hand"
    return Asked(actor, because, tuple(names), None if since is None else to_us(since))


def _approved(store: Store, settings: Settings, actor: str, plan_id: str) -> Asked:
    """Somebody lets a plan go; of one that is gone nobody can tell whose it was."""
    new = [plan.system for plan in create.stored_plans(store, settings.systems) if plan.id == plan_id]
    systems = new or _system_of(store, settings, lambda connection: outbox.load(connection, plan_id).system)
    return Asked(actor, "approval", tuple(systems))


def _system_of(store: Store, settings: Settings, look: Callable[[Connection], str]) -> list[str]:
    """The one that is found; all of them if it is not."""
    with store.reading() as connection, suppress(PlanError):
        return [look(connection)]
    return list(settings.systems)


def _refused(store: Store, kind: str, asked: Asked) -> list[Phase]:
    """What of the systems that were read is still in quarantine; nothing if the store is gone."""
    if kind not in ("sync", "pull", "fetch"):
        return []
    at, found = now_us(), {}
    with suppress(StoreError), store.reading() as connection:
        found = quarantine.counts(connection, asked.systems)
    return [Phase("quarantine", name, at, at, {"rejected": found[name]}) for name in asked.systems if name in found]


def _paused(store: Store) -> Pauses:
    with store.reading() as connection:
        return pauses.read(connection)


def _resting(store: Store, *, writing: bool) -> dict[str, Circuit]:
    with store.reading() as connection:
        found = circuits.read(connection, writing=writing)
    return {name: item for name, item in found.items() if item.state(now_us()) == "open"}


@contextmanager
def _run(
    store: Store,
    settings: Settings,
    kind: str,
    engine: str,
    progress: Progress | None,
    asked: Asked,
    step: Step,
    approve: bool = False,
    paused: bool = False,
    unattended: bool = False,
    only: Collection[int] | None = None,
) -> Iterator[Session]:
    """Record the run around the block; a failure of the store, or Ctrl-C, ends the block and is in the result.

    With ``paused`` it works on what people have paused, too; ``unattended`` it does not ask systems that rest.
    """
    started = time.monotonic()
    also = ["the sync"] if kind == "sync" else []
    by_a_person = asked.because not in _BY_ITSELF
    with runs.running(store, kind, engine, also, _LEASE_SECONDS, asked, audited=by_a_person) as run:
        result = SyncResult(run.id, kind, engine)
        known: Any = {"progress": progress, "step": step, "actor": asked.by, "approve": approve, "only": only}
        known["paused"] = None if paused else _paused(store)
        if unattended:
            known |= {"resting": _resting(store, writing=False), "unwritten": _resting(store, writing=True)}
        session = Session(store, settings, result, **known)
        try:
            with closing(session), _renewed(store, run.leases, session), waiting.ended_by(lambda: bool(session.stop)):
                yield session
        except KeyboardInterrupt:
            session.stop.set()
        except StoreError as error:
            result.problems.append(problem(error))
        except PlanError as error:
            about = asked.systems[0] if len(asked.systems) == 1 else ""
            result.problems.append(Problem("plan", error.message, error.remedy, about))
        result.conclude(bool(session.stop))
        result.stopped_by_hand = bool(session.stop) and not session.stop.lost
        result.seconds = time.monotonic() - started
        phases = [*session.phases, *_refused(store, kind, asked)]
        told = {
            "counts": result.counts(),
            "problems": [asdict(item) for item in result.problems],
            "phases": [item._asdict() for item in phases],
            "paused": [
                {"system": item.system, "what": item.what, "by": item.paused_by, "reason": item.reason}
                for item in result.paused
            ],
        }
        with session.uncounted() as calls:
            run.finish(result.status, {**session.summary, **told}, calls)


@contextmanager
def _renewed(store: Store, leases: Sequence[runs.Lease], session: Session) -> Iterator[None]:
    """Prolong the leases of a long run from a thread of its own, and note its calls; a run that lost one stops at the
    next page."""

    def renew() -> None:
        try:
            with session.uncounted() as calls, store.transaction() as connection:
                for lease in leases:
                    lease.renew(connection)
                calls_made.note(connection, calls)
        except StoreError as error:
            if isinstance(error, LeaseHeld):
                session.stop.lose()

    with renewing.again(renew, "ltc leases", _RENEW_SECONDS):
        yield
