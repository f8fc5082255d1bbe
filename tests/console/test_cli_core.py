"""The core of the ``ltc`` command: exit codes, errors as sentences, secrets kept, JSON, help."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from connectors import retry
from console.cli import COMMANDS, cli
from sandbox.jiandaoyun import API_KEY, JiandaoyunServer
from state.store import open_store
from sync import process
from tests.console import company
from tests.console.company import UNREACHABLE, data, ltc

CORE = ("init", "demo", "check", "sync", "pull", "reconcile", "push", "report", "status", "runs", "replay", "sweep")


@pytest.fixture(scope="module")
def server() -> Iterator[JiandaoyunServer]:
    with company.forms() as running, retry.no_waiting():
        yield running


@pytest.fixture
def config(server: JiandaoyunServer, tmp_path: Path) -> Path:
    return company.write(tmp_path, {"forms": company.system(server)})


@pytest.fixture
def half(server: JiandaoyunServer, tmp_path: Path) -> Path:
    """One system that works and one that is down."""
    down = company.system(server, base_url=UNREACHABLE)
    return company.write(tmp_path, {"forms": company.system(server), "down": down})


def test_a_sync_says_per_system_what_came_and_what_was_refused(config: Path) -> None:
    result = ltc(config, "sync")
    assert result.exit_code == 0, result.output
    row = next(line.split() for line in result.stdout.splitlines() if line.startswith("forms "))
    assert row[:6] == ["forms", "12", "12", "0", "0", "1"]
    assert "ltc quarantine" in result.stdout


def test_a_run_lets_people_have_the_processor_first(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    yields: list[str] = []
    monkeypatch.setattr(process, "yielding", lambda: yields.append("once"))
    ltc(config, "pull")
    ltc(config, "status")
    assert yields == ["once"]


def test_a_second_sync_with_no_changes_says_that_nothing_changed(config: Path) -> None:
    ltc(config, "sync")
    assert "Nothing has changed since the last run" in ltc(config, "sync").stdout


def test_the_same_summary_speaks_chinese(config: Path) -> None:
    result = ltc(config, "--lang", "zh-CN", "sync")
    assert "各系统拉取情况" in result.stdout
    assert "summary." not in result.stdout + result.stderr


def test_the_result_as_json_is_all_there_is_on_standard_output(config: Path) -> None:
    found = data(ltc(config, "sync", "--json"))
    assert (found["status"], found["kind"], found["engine"]) == ("done", "sync", "local")
    assert found["streams"][0]["counts"]["new"] == 12


def test_a_system_that_is_down_leaves_the_run_done_in_part(half: Path) -> None:
    result = ltc(half, "pull")
    assert result.exit_code == 3
    assert "DONE IN PART" in result.stdout
    assert "✗ down" in result.stdout
    assert "→" in result.stdout
    assert next(line for line in result.stdout.splitlines() if line.startswith("forms")).split()[1] == "12"


def test_a_run_in_which_nothing_worked_has_failed(server: JiandaoyunServer, tmp_path: Path) -> None:
    path = company.write(tmp_path, {"down": company.system(server, base_url=UNREACHABLE)})
    assert ltc(path, "pull").exit_code == 1


def test_only_the_system_asked_for_is_read(half: Path) -> None:
    result = ltc(half, "pull", "--system", "forms", "--json")
    assert result.exit_code == 0
    assert {stream["system"] for stream in data(result)["streams"]} == {"forms"}


def test_a_system_nobody_named_is_wrong_usage_and_lists_the_ones_there_are(config: Path) -> None:
    result = ltc(config, "sync", "--system", "crn")
    assert result.exit_code == 2
    assert "'crn'" in result.stderr
    assert "forms" in result.stderr


def test_a_misspelt_command_is_told_with_the_one_that_was_meant(config: Path) -> None:
    result = ltc(config, "synk")
    assert result.exit_code == 2
    assert "Did you mean `sync`?" in result.stderr


def test_a_since_nobody_can_read_is_wrong_usage_with_an_example(config: Path) -> None:
    result = ltc(config, "pull", "--since", "last week")
    assert result.exit_code == 2
    assert "2026-10-01" in result.stderr


def test_a_missing_ltc_yaml_says_how_to_get_one(tmp_path: Path) -> None:
    result = ltc(tmp_path / "ltc.yaml", "sync")
    assert result.exit_code == 2
    assert "ltc init" in result.stderr


def test_a_wrong_setting_is_told_with_its_line_and_an_example(config: Path) -> None:
    text = config.read_text().replace("connector: jiandaoyun", "conector: jiandaoyun")
    config.write_text(text)
    line = 1 + next(n for n, line in enumerate(text.splitlines()) if "conector" in line)
    result = ltc(config, "sync")
    assert result.exit_code == 2
    assert f"ltc.yaml:{line}:" in result.stderr
    assert "Did you mean `connector`?" in result.stderr
    assert "Traceback" not in result.output


def test_commands_that_only_read_say_when_there_is_no_data_yet(config: Path) -> None:
    result = ltc(config, "status")
    assert result.exit_code == 1
    assert "ltc sync" in result.stderr
    assert not (config.parent / "ltc.db").exists()


def test_a_store_that_is_no_database_is_told_in_a_sentence(config: Path) -> None:
    (config.parent / "ltc.db").write_bytes(b"this is no database at all, and long enough to look like one" * 20)
    result = ltc(config, "status")
    assert result.exit_code == 1
    assert "not a database" in result.stderr
    assert "Traceback" not in result.output


def test_an_error_nobody_expected_shows_neither_traceback_nor_its_text(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("secret-in-the-text")

    monkeypatch.setattr("sync.job.run_pull", broken)
    result = ltc(config, "pull")
    assert result.exit_code == 1
    assert "LTC_DEBUG=1" in result.stderr
    assert "secret-in-the-text" not in result.output
    assert "Traceback" not in result.output


def test_ctrl_c_before_anything_began_is_a_clean_message(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sync.job.run_pull", interrupted)
    result = ltc(config, "pull")
    assert result.exit_code == 3
    assert "run the same command again" in result.stderr


def test_another_run_in_progress_is_told_with_what_to_do(config: Path) -> None:
    ltc(config, "sync")
    from state import runs

    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as store, runs.lease(store, "the sync"):
        result = ltc(config, "sync")
    assert result.exit_code == 1
    assert "Wait for it to finish" in result.stderr


def test_no_command_ever_prints_the_key(half: Path) -> None:
    half.write_text(half.read_text().replace("api_key: ${env:TEST_JDY_KEY}", f"api_key: {API_KEY}", 1))
    shown = [
        ltc(half, *words).output
        for words in (["check"], ["check", "--json"], ["sync"], ["sync", "--json"], ["status"], ["runs"])
    ]
    assert not [text for text in shown if API_KEY in text]


def test_a_secret_that_is_not_set_names_only_its_reference(config: Path) -> None:
    result = ltc(config, "sync", key=None)
    assert result.exit_code == 2
    assert "${env:TEST_JDY_KEY}" in result.stdout
    assert "Set the environment variable TEST_JDY_KEY" in result.stdout


def test_a_sweep_finds_a_lead_that_was_deleted(config: Path, server: JiandaoyunServer) -> None:
    gone = company.submit(server, 500)
    ltc(config, "pull")
    server.people.delete(gone)
    result = ltc(config, "sweep", "--json")
    assert result.exit_code == 0
    assert data(result)["streams"][0]["counts"]["deleted"] == 1


def test_a_replay_maps_everything_we_hold_without_asking_the_source(half: Path) -> None:
    ltc(half, "pull")
    result = ltc(half, "replay", "--system", "down", "--system", "forms", "--json")
    assert result.exit_code == 0, result.output
    counts = {stream["system"]: stream["counts"] for stream in data(result)["streams"]}
    assert counts["forms"]["pulled"] == 12
    assert ltc(half, "replay", "--stream", "leed").exit_code == 2


def test_the_json_report_is_the_public_format_and_can_fail_on_findings(config: Path) -> None:
    ltc(config, "sync")
    result = ltc(config, "report", "--format", "json")
    assert result.exit_code == 0
    assert data(result)["schema"] == "ltc-report/1"
    errors = [item for item in data(result)["findings"] if item["severity"] == "error"]
    assert ltc(config, "report", "--format", "json", "--fail-on-findings").exit_code == (4 if errors else 0)


def test_runs_lists_the_newest_first_and_shows_one_of_them(half: Path) -> None:
    ltc(half, "pull", "--system", "forms")
    ltc(half, "pull")
    found = data(ltc(half, "runs", "--json"))
    assert [run["status"] for run in found] == ["partial", "done"]
    parts = data(ltc(half, "runs", found[0]["run"], "--json"))
    assert {part["system"]: part["status"] for part in parts} == {"forms": "done", "down": "failed"}
    lines = ltc(half, "runs").stdout.splitlines()
    assert found[0]["run"] in lines[1]
    assert max(map(len, lines)) <= 100
    assert "calls" not in lines[1]
    assert "calls" in ltc(half, "runs", "--verbose").stdout
    assert ltc(half, "runs", "20200101T000000Z-00000000").exit_code == 2


def test_deploying_without_a_server_says_how_to_start_one(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    result = ltc(config, "deploy")
    assert result.exit_code == 1
    assert "prefect server start" in result.stderr


@pytest.mark.parametrize("name", [*CORE, "deploy"])
def test_every_command_has_help_with_examples(name: str) -> None:
    result = CliRunner().invoke(cli, [name, "--help"])
    assert result.exit_code == 0
    assert "Examples:" in result.stdout
    assert f"ltc {name}" in result.stdout or f" {name}" in result.stdout
    module, _, attribute = COMMANDS[name].partition(":")
    command = getattr(sys.modules[module], attribute)
    if isinstance(command, click.Group):
        for sub in command.commands:
            assert "Examples:" in CliRunner().invoke(cli, [name, sub, "--help"]).stdout


def test_importing_the_command_brings_in_nothing_heavy() -> None:
    code = "import sys, console.cli; print(sorted({name.split('.')[0] for name in sys.modules}))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    heavy = ("pydantic", "sqlalchemy", "rich", "prefect", "duckdb", "alembic", "pyarrow", "httpx", "yaml")
    assert not [name for name in heavy if f"'{name}'" in found]


def test_a_run_with_nothing_to_do_brings_in_neither_prefect_nor_the_engine(config: Path) -> None:
    ltc(config, "sync")
    code = (
        "import sys\nfrom console.cli import cli\n"
        "try:\n    cli.main(['--config', sys.argv[1], 'sync'])\n"
        "finally:\n    print(sorted({name.split('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    environment = {**os.environ, "TEST_JDY_KEY": API_KEY}
    done = subprocess.run(
        [sys.executable, "-c", code, str(config)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Nothing has changed" in done.stdout
    heavy = ("prefect", "duckdb", "alembic", "pyarrow", "rich", "pygments")
    assert not [name for name in heavy if f"'{name}'" in done.stderr]


def test_the_help_has_each_command_once_under_a_heading_with_its_whole_sentence() -> None:
    shown = CliRunner().invoke(cli, ["--help"]).output
    listed = re.findall(r"(?m)^  ([a-z][a-z-]+)  ", shown.partition("Begin:")[2])
    assert sorted(listed) == sorted(COMMANDS)
    assert "..." not in shown.partition("Begin:")[2]


def test_a_system_that_is_named_without_its_option_gets_the_option_told(tmp_path: Path) -> None:
    told = CliRunner().invoke(cli, ["pull", "shop"])
    assert told.exit_code == 2
    assert "A system is named with --system: " in told.output
    assert "pull --system NAME" in told.output
