"""The flows: each is one job of ``sync.job`` with Prefect's schedules, states and artifacts around it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

from prefect import flow, runtime
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.states import Failed

from flows import artifacts, blocks, spreading
from flows.steps import as_task
from settings.load import load
from state import creations, outbox, runs
from state.store import Store
from sync import job
from sync.opening import open_for
from sync.progress import Progress
from sync.result import SyncResult

RECONCILED = "ltc.reconciled"
"""Event: there may be something to write back. Its resource is ``ltc.store``."""

_options: Any = {"persist_result": False, "retries": 0, "validate_parameters": True}
Push = Literal["plan", "apply", "off"]


@dataclass(slots=True)
class Caller:
    """Who called a flow in this process: gets progress and the whole result, which Prefect does not keep."""

    progress: Progress | None = None
    actor: str = "prefect"
    result: SyncResult | None = None


_caller: ContextVar[Caller | None] = ContextVar("caller", default=None)


@contextmanager
def called_by(caller: Caller) -> Iterator[None]:
    """Let the flows called in the block report to ``caller``."""
    token = _caller.set(caller)
    try:
        yield
    finally:
        _caller.reset(token)


@flow(name="pull", description="Read what changed in one system (or all) into the store.", **_options)
def pull(
    system: str | None = None,
    streams: list[str] | None = None,
    full: bool = False,
    since: datetime | None = None,
    paused: bool = False,
    unattended: bool = True,
    config: str | None = None,
) -> Any:
    """Pull; ``config`` is the path of ltc.yaml (default: ``LTC_CONFIG``, else ltc.yaml).

    ``paused``: also what people have paused, which otherwise is left out. ``unattended``: systems that rest, because
    several runs in a row failed at them, are not asked.
    """
    chosen: Any = {"systems": _one(system), "streams": streams, "full": full, "since": since}
    chosen |= {"paused": paused, "unattended": unattended}
    return _run(partial(job.run_pull, **chosen), config)


@flow(name="fetch", description="Read the records that webhooks told of.", **_options)
def fetch(system: str | None = None, unattended: bool = True, config: str | None = None) -> Any:
    """Fetch, so that what just happened does not wait for the next pull."""
    return _run(partial(job.run_fetch, systems=_one(system), unattended=unattended), config)


@flow(name="reconcile", description="Link, tie out and check what is in the store.", **_options)
def reconcile(as_of: datetime | None = None, config: str | None = None) -> Any:
    """Reconcile, and tell the deployments that wait for it."""
    unattended = _caller.get() is None  # `ltc reconcile` is a caller, a deployment is none
    return _run(partial(job.run_reconcile, as_of=as_of, unattended=unattended), config, _announce)


@flow(name="push", description="Plan the write-backs to one system (or all) and carry them out if allowed.", **_options)
def push(
    system: str | None = None,
    push: Literal["plan", "apply"] | None = None,
    plan_id: str | None = None,
    approve: bool = False,
    paused: bool = False,
    unattended: bool = True,
    config: str | None = None,
) -> Any:
    """Push; without ``push`` each system's own setting decides, with ``plan_id`` exactly that plan is carried out.

    ``approve``: a person has approved plans larger than ``writing.limits``.
    """
    chosen: Any = {"systems": _one(system), "push": push, "plan_id": plan_id, "approve": approve}
    chosen |= {"paused": paused, "unattended": unattended}
    return _run(partial(job.run_push, **chosen), config)


@flow(name="sweep", description="Find records that were deleted where the source does not say so.", **_options)
def sweep(
    system: str | None = None,
    streams: list[str] | None = None,
    force: bool = False,
    paused: bool = False,
    unattended: bool = True,
    config: str | None = None,
) -> Any:
    """Sweep; ``force`` believes even a mass deletion."""
    chosen: Any = {"systems": _one(system), "streams": streams, "force": force, "paused": paused}
    chosen["unattended"] = unattended
    return _run(partial(job.run_sweep, **chosen), config)


@flow(name="sync", description="The whole job: pull, reconcile, plan, write back where allowed.", **_options)
def sync(
    systems: list[str] | None = None,
    streams: list[str] | None = None,
    full: bool = False,
    since: datetime | None = None,
    push: Push | None = None,
    as_of: datetime | None = None,
    paused: bool = False,
    unattended: bool = True,
    config: str | None = None,
) -> Any:
    """Everything, in the order that the streams depend on each other."""
    chosen: Any = {"systems": systems, "streams": streams, "full": full, "since": since, "push": push, "as_of": as_of}
    chosen |= {"paused": paused, "unattended": unattended}
    return _run(partial(job.run_sync, **chosen), config)


def _one(system: str | None) -> list[str] | None:
    return [system] if system else None


def config_path(given: str | None) -> Path:
    """The ltc.yaml that a flow run works with."""
    return Path(given or os.environ.get("LTC_CONFIG") or "ltc.yaml").absolute()


def _run(
    work: Callable[..., SyncResult],
    config: str | None,
    then: Callable[[Store, SyncResult], None] | None = None,
) -> State[Any] | None:
    """Do a job, leave its artifacts; a run of which a part failed is a failed flow run that says which part."""
    caller = _caller.get() or Caller()
    settings = load(config_path(config))
    blocks.install()
    with (
        open_for(settings) as store,
        runs.belonging_to(runtime.flow_run.id),
        spreading.as_set(settings.reconciliation.parallel),
    ):
        caller.result = result = work(
            store, settings, engine="prefect", progress=caller.progress, actor=caller.actor, step=as_task
        )
        artifacts.leave(store, settings, result)
        if then is not None:
            then(store, result)
    return _state(result)


def _announce(store: Store, result: SyncResult) -> None:
    with store.reading() as connection:
        waiting = bool(outbox.open_plans(connection) or creations.systems_at_work(connection))
    if result.reconciled or waiting:
        emit_event(RECONCILED, resource={"prefect.resource.id": "ltc.store", "prefect.resource.name": "ltc store"})


def _state(result: SyncResult) -> State[Any] | None:
    if result.status == "done":
        return None
    what = [f"{item.system}.{item.stream}: {item.error.message}" for item in result.failed if item.error]
    what += [problem.message for problem in result.problems]
    name = {"partial": "Partial", "interrupted": "Interrupted"}.get(result.status)
    return Failed(name=name, message=" ".join(what) or f"The run is {result.status}.")


__all__ = ["Caller", "called_by", "fetch", "pull", "push", "reconcile", "sweep", "sync"]
