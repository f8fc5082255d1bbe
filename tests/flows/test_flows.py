"""The jobs as flows: the same results, and something for people to read in Prefect."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from connectors import retry
from flows.sync import run, stop_orphan
from settings.load import load
from settings.model import Settings
from state import pauses, runs, system_facts
from state.store import open_store
from sync.job import run_sync
from sync.result import SyncResult, as_dict
from tests.jobs import company
from tests.jobs.toy import ToySystem

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


@pytest.fixture
def client(prefect_api: str) -> Any:
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as opened:
        yield opened


def comparable(result: SyncResult) -> dict[str, Any]:
    """A result without what differs from run to run."""
    shown = as_dict(result)
    for name in ("run", "engine", "seconds"):
        del shown[name]
    for stream in shown["streams"]:
        del stream["seconds"]
    return shown


def holdings(url: str) -> list[Any]:
    with open_store(url) as store, store.reading() as connection:
        queries = (
            "SELECT source_id, hash, seq, state FROM record ORDER BY 1, 2",
            "SELECT source_id, name, delivery_state FROM opportunities ORDER BY 1",
            "SELECT source_id, changes, status, attempts FROM outbox ORDER BY 1",
        )
        return [[tuple(row) for row in connection.execute(text(query))] for query in queries]


def at_the_beginning(folder: Path, crm: ToySystem, erp: ToySystem) -> Path:
    crm.fill(company.deals())
    erp.fill(company.orders())
    folder.mkdir()
    return company.settings_for(folder, {"crm": crm.url, "erp": erp.url}, erp="off").path


def test_with_a_server_without_one_and_without_prefect_the_result_is_the_same(
    prefect_api: str, toys: None, crm: ToySystem, erp: ToySystem, tmp_path: Path
) -> None:
    results: dict[str, tuple[Any, Any]] = {}
    for engine in ("local", "server", "no_server"):
        config = at_the_beginning(tmp_path / engine, crm, erp)
        if engine == "local":
            settings = load(config)
            with open_store(settings.store) as store:
                shown = comparable(run_sync(store, settings))
        elif engine == "server":
            shown = comparable(run(config))
        else:
            shown = _in_a_process_of_its_own(config)
        writes = [(stream, source_id, values) for stream, source_id, values, _ in crm.writes]
        results[engine] = (shown, [*holdings(load(config).store), writes])
    assert results["server"] == results["local"]
    assert results["no_server"] == results["local"]
    assert results["local"][0]["status"] == "done"


def _in_a_process_of_its_own(config: Path) -> Any:
    """``flows.sync.run`` where no Prefect server is known."""
    code = f"""
import json, os, sys
from tests.jobs import company
company.install()
from flows.sync import run, stop_orphan
from tests.flows.test_flows import comparable
class Show:
    def stream_started(self, system, stream, direction): print("started", system, stream, file=sys.stderr)
    def page(self, *given): pass
    def stream_done(self, outcome): pass
result = run({str(config)!r}, progress=Show())
assert result.engine == "prefect"
assert os.environ["DO_NOT_TRACK"] == "1"
json.dump(comparable(result), sys.stdout)
"""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(config.parent), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, env=env, cwd=config.parent, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("started prefect server\n")
    assert (config.parent / ".prefect").is_dir()
    return json.loads(done.stdout)


def test_the_server_of_a_killed_process_is_stopped_by_the_next_one(tmp_path: Path) -> None:
    note = tmp_path / "temporary-server"
    server = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    owner = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    note.write_text(f"{runs.process(owner.pid)}\n{runs.process(server.pid)}\n")
    stop_orphan(tmp_path / "no-such-note")
    owner.kill()
    owner.communicate()
    stop_orphan(note)
    server.communicate()
    assert server.returncode == -signal.SIGTERM
    assert not note.exists()


def test_a_second_run_finds_nothing_to_do(prefect_api: str, config: Path) -> None:
    run(config)
    assert run(config).changed_nothing


def test_every_job_is_a_flow(prefect_api: str, config: Path, crm: ToySystem) -> None:
    assert run(config, flow="pull", system="erp").outcomes[0].counts["new"] == 7
    assert run(config, flow="pull", system="crm").outcomes[0].counts["new"] == 7
    assert run(config, flow="reconcile").reconciled
    assert len(run(config, flow="push", system="crm", push="plan").plans[0].items) == 7
    assert crm.writes == []
    assert run(config, flow="push", system="crm").applied[0].status == "applied"
    crm.remove("deal", "d1")
    assert run(config, flow="sweep", system="crm").outcomes[0].counts["deleted"] == 1


def test_a_flow_leaves_out_what_is_paused_and_its_run_keeps_which_flow_run_it_is_part_of(
    prefect_api: str, config: Path, crm: ToySystem, client: Any
) -> None:
    with open_store(load(config).store) as store:
        with store.transaction() as connection:
            pauses.pause(connection, "crm", pauses.WHOLE, "olaf", "release weekend")
        result = run(config, flow="pull")
        with store.reading() as connection:
            kept = system_facts.flow_run(connection, result.run_id)
    assert ([item.what for item in result.paused], result.status) == (["crm"], "done")
    assert crm.server.requests() == []
    assert kept in {str(item.id) for item in client.read_flow_runs()}


def test_a_run_of_which_a_part_failed_is_a_failed_flow_run_that_says_which(
    client: Any, config: Path, crm: ToySystem
) -> None:
    crm.server.faults.answer("/deal", 503, times=2)
    result = run(config)
    assert result.status == "partial"
    flow_run = _last_flow_run(client, "sync")
    assert (flow_run.state.type.value, flow_run.state.name) == ("FAILED", "Partial")
    assert "crm.deal" in flow_run.state.message
    assert "503" in flow_run.state.message


def test_a_failure_before_any_result_is_raised(prefect_api: str, config: Path) -> None:
    shutil.copy(config, config.with_suffix(".bak"))
    config.write_text("version: 2\n")
    from settings.errors import SettingsError

    with pytest.raises(SettingsError):
        run(config)


def test_a_summary_and_the_findings_are_left_as_artifacts(client: Any, config: Path) -> None:
    result = run(config)
    flow_run = _last_flow_run(client, "sync").id
    mine = {item.key: item for item in client.read_artifacts() if item.flow_run_id == flow_run}
    assert set(mine) == {"ltc-sync", "ltc-findings"}
    assert f"Run `{result.run_id}`" in mine["ltc-sync"].data
    assert "| crm | deal | push | done |" in mine["ltc-sync"].data
    rows = json.loads(mine["ltc-findings"].data)
    assert rows[0]["what"] == "SO-1 is late."
    assert len(rows) == 7


def test_of_many_findings_the_gravest_are_shown() -> None:
    from flows.artifacts import MOST_ROWS, findings_table

    findings = [company._finding(f"SO-{number}") for number in range(MOST_ROWS + 10)]
    findings[-1] |= {"severity": "error"}
    findings[-2] |= {"base_amount": "99.00"}
    rows = findings_table(findings)
    assert len(rows) == MOST_ROWS
    assert [row["records"] for row in rows[:2]] == [f"SO-{MOST_ROWS + 9}", f"SO-{MOST_ROWS + 8}"]


def test_a_secret_can_come_from_a_prefect_block(prefect_api: str, settings: Settings, config: Path) -> None:
    from prefect.blocks.system import Secret

    Secret(value=settings.systems["crm"].config["url"]).save("crm-address", overwrite=True)
    config.write_text(config.read_text().replace(settings.systems["crm"].config["url"], "${prefect:crm-address}"))
    assert run(config, flow="pull").status == "done"


def test_a_missing_block_fails_its_system_and_names_the_reference(
    prefect_api: str, settings: Settings, config: Path
) -> None:
    config.write_text(config.read_text().replace(settings.systems["crm"].config["url"], "${prefect:no-such-block}"))
    result = run(config, flow="pull")
    assert result.status == "partial"
    assert "${prefect:no-such-block}" in str(result.failed[0].error)


def _last_flow_run(client: Any, name: str) -> Any:
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.client.schemas.sorting import FlowRunSort

    wanted = FlowFilter(name=FlowFilterName(any_=[name]))
    found = client.read_flow_runs(flow_filter=wanted, sort=FlowRunSort.START_TIME_DESC)
    return next(item for item in found if item.start_time and item.deployment_id is None)
