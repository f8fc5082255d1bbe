"""From nothing to a scheduled run that a worker has finished: the only proof that the packages fit together."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import text

from flows import deploy
from flows.catalogue import Deployment
from settings.load import load
from state.store import open_store
from tests.flows.conftest import wait_for
from tests.jobs.toy import ToySystem

pytestmark = pytest.mark.slow

FLOW_RUN_SECONDS = 90


@pytest.fixture
def client(prefect_api: str) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as opened:
        yield opened


def test_a_scheduled_run_is_created_and_finished_by_a_worker(
    client: Any, config: Path, crm: ToySystem, prefect_process: Callable[..., Any], request: pytest.FixtureRequest
) -> None:
    deployed = deploy.deploy(config)
    assert "sync/sync" in deployed.deployments
    prefect_process("deploy", "--all", LTC_CONFIG=str(config))
    sync = client.read_deployment_by_name("sync/sync")
    assert sync.job_variables["env"]["LTC_CONFIG"] == str(config)
    assert (sync.entrypoint, sync.schedules[0].schedule.cron) == ("flows.jobs.sync", "*/15 * * * *")
    assert sync.global_concurrency_limit.limit == 1

    frequent = Deployment("often", "sync", "The whole job, every ten seconds", interval=10)
    deploy.put([frequent], config, "ltc")
    request.getfixturevalue("worker")
    often = client.read_deployment_by_name("sync/often").id
    wait_for(lambda: _finished(client, often), FLOW_RUN_SECONDS, "a scheduled run")

    assert {run.created_by.type for run in _runs(client, often)} == {"SCHEDULE"}
    assert _runs(client, sync.id), "the scheduler has made no run of the deployment of prefect.yaml"
    assert set(crm.values("deal", "delivery").values()) == {"delivered"}
    with open_store(load(config).store) as store, store.reading() as connection:
        kinds = connection.execute(text("SELECT kind, engine, status FROM run ORDER BY started_at LIMIT 1")).one()
    assert tuple(kinds) == ("sync", "prefect", "done")


def test_deploying_again_changes_nothing(client: Any, config: Path) -> None:
    first = deploy.deploy(config)
    before = _deployments(client)
    assert deploy.deploy(config) == first
    assert _deployments(client) == before
    assert len([item for item in client.read_automations() if item.name == deploy.ZOMBIES]) == 1


def test_a_changed_schedule_replaces_the_old_one(client: Any, config: Path) -> None:
    deploy.deploy(config)
    config.write_text(config.read_text().replace("    push: auto", "    push: auto\n    schedule: {interval: 300}"))
    deploy.deploy(config)
    pull = client.read_deployment_by_name("pull/pull-crm")
    assert [item.schedule.interval.total_seconds() for item in pull.schedules] == [300]
    assert client.read_deployment_by_name("sync/sync").schedules == []


def test_a_system_that_is_gone_is_not_deployed_any_more(client: Any, config: Path) -> None:
    deploy.deploy(config)
    assert "pull-erp" in {item.name for item in client.read_deployments()}
    top = yaml.safe_load(config.read_text())
    del top["systems"]["erp"]
    config.write_text(yaml.safe_dump(top))
    deploy.deploy(config)
    assert "pull-erp" not in {item.name for item in client.read_deployments()}


def test_without_a_server_it_says_what_to_do(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(deploy.NoServer, match="prefect server start"):
        deploy.deploy(config)


def _runs(client: Any, deployment_id: Any) -> list[Any]:
    from prefect.client.schemas.filters import DeploymentFilter, DeploymentFilterId

    wanted = DeploymentFilter(id=DeploymentFilterId(any_=[deployment_id]))
    return list(client.read_flow_runs(deployment_filter=wanted))


def _finished(client: Any, deployment_id: Any) -> bool:
    states = [run.state for run in _runs(client, deployment_id)]
    failed = [state.message for state in states if state.is_failed() or state.is_crashed()]
    assert not failed, failed
    return any(state.is_completed() for state in states)


def _deployments(client: Any) -> list[Any]:
    found = []
    for item in client.read_deployments():
        schedules = [str(entry.schedule) for entry in item.schedules]
        found.append((item.name, item.entrypoint, item.parameters, item.tags, schedules, item.work_pool_name))
    return sorted(found, key=str)
