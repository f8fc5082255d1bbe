"""Create the work pool, the deployments and the watch over dead runs on a Prefect server, from ltc.yaml."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

from flows import catalogue, environment
from flows.catalogue import GRACE_SECONDS, WORK_POOL, Deployment
from settings.errors import SettingsError
from settings.load import load
from yamlfiles.problems import Problem

ZOMBIES = "ltc: crash zombies"
DEAD_AFTER_SECONDS = 90
"""Three missed heartbeats."""
_DEAD = f"no sign of life for {DEAD_AFTER_SECONDS} seconds; the next run goes on where this one stopped"
_END_STATES = ("Completed", "Failed", "Partial", "Interrupted", "TimedOut", "Cancelled", "Crashed")
"""Names, as events have them: those of Prefect and those that ``flows.jobs`` gives."""


@dataclass(frozen=True, slots=True)
class Deployed:
    """What is on the server now."""

    work_pool: str
    deployments: tuple[str, ...]
    """``flow/name``, to run by hand: ``prefect deployment run flow/name``."""
    automation: str


class NoServer(Exception):
    """There is no Prefect server to deploy to; ``message`` and ``remedy`` for people."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}")
        self.message = message
        self.remedy = remedy


def deploy(settings_path: str | Path, work_pool: str = WORK_POOL) -> Deployed:
    """Make the server's deployments what ltc.yaml says; running it again changes nothing.

    The workers must find the same ltc.yaml at the same path. Raises ``SettingsError``, ``NoServer``.
    """
    path = Path(settings_path).absolute()
    wanted = catalogue.for_settings(load(path))
    wrong = catalogue.problems(wanted)
    if wrong:
        raise SettingsError([Problem(path.name, item, "schedule: {cron: '*/15 * * * *'}") for item in wrong])
    if not os.environ.get("PREFECT_API_URL"):
        raise NoServer(
            "PREFECT_API_URL is not set: there is no Prefect server to deploy to.",
            "Start one with `prefect server start` and set PREFECT_API_URL=http://127.0.0.1:4200/api.",
        )
    environment.prepare(path)
    _reach()
    _work_pool(work_pool)
    names = put(wanted, path, work_pool)
    _remove_others(wanted, path)
    _watch_zombies()
    return Deployed(work_pool, names, ZOMBIES)


def job_variables(settings_path: Path) -> dict[str, Any]:
    """The environment of the flow runs that a worker starts."""
    return {"env": {**environment.WORKER, "LTC_CONFIG": str(settings_path)}}


def _reach() -> None:
    import httpx
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            client.hello().raise_for_status()
    except httpx.HTTPError as error:
        raise NoServer(
            f"The Prefect server at {os.environ['PREFECT_API_URL']} does not answer.",
            "Check that it runs, the address, and PREFECT_API_AUTH_STRING if it wants a password.",
        ) from error


def _work_pool(name: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound

    with get_client(sync_client=True) as client:
        try:
            client.read_work_pool(name)
        except ObjectNotFound:
            client.create_work_pool(WorkPoolCreate(name=name, type="process"))


def put(wanted: Sequence[Deployment], path: Path, work_pool: str) -> tuple[str, ...]:
    """Create or replace these deployments of the ltc.yaml at ``path``; returns them as ``flow/name``."""
    from prefect.client.orchestration import get_client

    names = []
    with get_client(sync_client=True) as client:
        for item in wanted:
            made = _runner_deployment(item, path, work_pool).apply()
            if not item.cron and not item.interval:  # Prefect leaves the schedules of an earlier deployment in place
                for schedule in client.read_deployment_schedules(made):
                    client.delete_deployment_schedule(made, schedule.id)
            names.append(f"{item.flow}/{item.name}")
    return tuple(names)


def _remove_others(wanted: Sequence[Deployment], path: Path) -> None:
    """Delete what an earlier version of this ltc.yaml had deployed: a system that is gone must not be pulled."""
    from prefect.client.orchestration import get_client

    names = {item.name for item in wanted}
    with get_client(sync_client=True) as client:
        for found in _all_deployments(client):
            ours = found.parameters.get("config") == str(path) and (found.entrypoint or "").startswith("flows.jobs.")
            if ours and found.name not in names:
                client.delete_deployment(found.id)


def _all_deployments(client: Any) -> list[Any]:
    found: list[Any] = []
    while page := client.read_deployments(limit=200, offset=len(found)):
        found += page
    return found


def _runner_deployment(item: Deployment, path: Path, work_pool: str) -> Any:
    from prefect.client.schemas.objects import ConcurrencyLimitConfig, ConcurrencyLimitStrategy
    from prefect.deployments.runner import RunnerDeployment
    from prefect.events import DeploymentEventTrigger
    from prefect.types.entrypoint import EntrypointType

    from flows import jobs

    limit = ConcurrencyLimitConfig(
        limit=1, collision_strategy=ConcurrencyLimitStrategy.CANCEL_NEW, grace_period_seconds=GRACE_SECONDS
    )
    trigger = DeploymentEventTrigger(
        name=f"ltc: {item.name} after the reconciliation",
        expect={jobs.RECONCILED},
        match={"prefect.resource.id": "ltc.store"},
        parameters=dict(item.parameters),
    )
    return RunnerDeployment.from_flow(
        getattr(jobs, item.flow),
        item.name,
        schedules=_schedules(item),
        concurrency_limit=limit,
        parameters={**item.parameters, "config": str(path)},
        triggers=[trigger] if item.after_reconciliation else [],
        description=item.description,
        tags=list(item.tags),
        work_pool_name=work_pool,
        job_variables=job_variables(path),
        entrypoint_type=EntrypointType.MODULE_PATH,
    )


def _schedules(item: Deployment) -> list[Any]:
    from prefect.schedules import Cron, Interval

    if item.cron:
        return [Cron(item.cron, timezone=item.timezone, slug="regular")]
    if item.interval:
        return [Interval(timedelta(seconds=item.interval), timezone=item.timezone, slug="regular")]
    return []


def _watch_zombies() -> None:
    """A run whose process and worker died together would stay `Running` for ever: nobody else notices."""
    from prefect.automations import Automation
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture

    ends = {f"prefect.flow-run.{state}" for state in _END_STATES}
    watch = Automation(
        name=ZOMBIES,
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect=ends | {"prefect.flow-run.heartbeat"},
            match={"prefect.resource.id": ["prefect.flow-run.*"]},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=DEAD_AFTER_SECONDS),
        ),
        actions=[ChangeFlowRunState(state=StateType.CRASHED, message=_DEAD)],
    )
    try:
        known: Automation = cast(Any, Automation.read)(name=ZOMBIES)
    except ValueError:
        watch.create()
        return
    watch.id = known.id
    watch.update()
