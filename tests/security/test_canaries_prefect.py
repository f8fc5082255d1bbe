"""The same job as a Prefect flow: parameters, states, logs and artifacts on the server, searched for canaries."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connectors import retry
from flows.sync import run
from tests.flows.conftest import prefect_api
from tests.security import company
from tests.security.company import PERSONAL, SECRETS, Company

pytestmark = pytest.mark.slow

__all__ = ["prefect_api"]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Company]:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    with company.running(tmp_path) as running, retry.no_waiting():
        yield running


@pytest.mark.parametrize("wrong", [False, True])
def test_nothing_on_the_prefect_server_holds_a_secret_or_names_a_person(
    prefect_api: str, place: Company, wrong: bool, caplog: pytest.LogCaptureFixture
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.filters import FlowRunFilter

    caplog.set_level(logging.DEBUG)
    if wrong:
        place.forms.faults.answer("", 401, company.PAGE, times=1000)
        place.crm.faults.answer("", 500, company.PAGE, times=1000)
        place.books.faults.answer("/api.xro", 400, {"Message": company.GOSSIP}, times=1000)
    result = run(place.config, flow="sync")
    assert result.engine == "prefect"
    with get_client(sync_client=True) as client:
        runs = client.read_flow_runs(flow_run_filter=FlowRunFilter(), limit=50)
        tasks = client.read_task_runs(limit=200)
        dumped: dict[str, bytes | str] = {
            "flow runs": json.dumps([item.model_dump(mode="json") for item in runs], ensure_ascii=False),
            "task runs": json.dumps([item.model_dump(mode="json") for item in tasks], ensure_ascii=False),
        }
        for kind in ("logs", "artifacts"):
            found: Any = client._client.post(f"/{kind}/filter", json={"limit": 200}).raise_for_status().json()
            assert found or kind == "logs"
            dumped[kind] = json.dumps(found, ensure_ascii=False)
    dumped["our log"] = caplog.text
    assert runs
    company.nothing(dumped, place.secrets())
    unnamed = {name: content for name, content in dumped.items() if name != "artifacts"}
    company.nothing(unnamed, PERSONAL)
    if wrong:
        company.nothing(dumped, PERSONAL)
