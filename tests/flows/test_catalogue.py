"""The catalogue of deployments, and the prefect.yaml that must say the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from flows import catalogue, environment
from flows.catalogue import Deployment
from settings.model import Schedule, Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def written() -> Any:
    return yaml.safe_load((ROOT / "prefect.yaml").read_text())


def test_prefect_yaml_says_what_the_catalogue_says(written: Any) -> None:
    found = [
        Deployment(
            item["name"],
            item["entrypoint"].rpartition(".")[2],
            item["description"],
            tuple(item["tags"]),
            item["parameters"],
            *((schedule := (item["schedules"] or [{}])[0]).get("cron"), schedule.get("interval")),
            schedule.get("timezone", "UTC"),
        )
        for item in written["deployments"]
    ]
    assert found == catalogue.default()
    assert [item["entrypoint"] for item in written["deployments"]] == [item.entrypoint for item in catalogue.default()]


def test_every_deployment_runs_one_at_a_time_in_our_pool(written: Any) -> None:
    for item in written["deployments"]:
        assert item["concurrency_limit"] == {
            "limit": 1,
            "collision_strategy": "CANCEL_NEW",
            "grace_period_seconds": catalogue.GRACE_SECONDS,
        }
        assert item["work_pool"]["name"] == catalogue.WORK_POOL


def test_flow_runs_of_prefect_yaml_know_the_settings_and_send_no_telemetry(written: Any) -> None:
    for item in written["deployments"]:
        env = item["work_pool"]["job_variables"]["env"]
        assert env == {**environment.WORKER, "LTC_CONFIG": "{{ $LTC_CONFIG }}"}


def test_the_version_of_prefect_is_the_one_locked(written: Any) -> None:
    assert f"prefect=={written['prefect-version']} " in (ROOT / "requirements.lock").read_text()


def test_without_schedules_one_sync_does_everything(settings: Settings) -> None:
    found = {item.name: item for item in catalogue.for_settings(settings)}
    assert set(found) == {"sync", "reconcile", "sweep", "pull-crm", "pull-erp", "push-crm"}
    assert found["sync"].cron == "*/15 * * * *"
    assert [item.name for item in found.values() if item.cron] == ["sync", "sweep"]
    assert found["sweep"].timezone == "Asia/Shanghai"
    assert found["push-crm"].parameters == {"system": "crm"}


def test_a_system_with_its_own_schedule_is_pulled_by_it(settings: Settings) -> None:
    settings.systems["crm"].schedule = Schedule(interval=300)
    settings.systems["erp"].schedule = Schedule(cron="5 * * * *")
    found = {item.name: item for item in catalogue.for_settings(settings)}
    assert found["sync"].cron is None
    assert found["pull-crm"].interval == 300
    assert found["pull-erp"].cron == "5 * * * *"
    assert found["reconcile"].cron
    assert found["push-crm"].after_reconciliation


def test_a_schedule_that_nobody_can_read_is_a_problem() -> None:
    wrong = Deployment("sync", "sync", "", cron="every day")
    assert catalogue.problems([wrong]) == ["sync/sync: 'every day' is no cron expression"]
    assert catalogue.problems(catalogue.default()) == []
