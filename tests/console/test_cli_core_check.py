"""``ltc check`` and ``ltc init``: what is wrong, where, and what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from connectors import retry
from console.cli import cli
from sandbox.jiandaoyun import API_KEY, JiandaoyunServer
from settings import load
from state import calls_made
from sync.opening import open_for
from tests.console import company
from tests.console.company import UNREACHABLE, data, ltc


@pytest.fixture(scope="module")
def server() -> Iterator[JiandaoyunServer]:
    with company.forms(3) as running, retry.no_waiting():
        yield running


def test_a_system_that_works_is_shown_stream_by_stream(server: JiandaoyunServer, tmp_path: Path) -> None:
    result = ltc(company.write(tmp_path, {"forms": company.system(server)}), "check")
    assert result.exit_code == 0, result.output
    assert "✓ forms (jiandaoyun): OK" in result.stdout
    assert "✓ lead:" in result.stdout
    assert "✓ store (sqlite): OK" in result.stdout


def test_the_calls_of_a_check_count_among_those_of_today(server: JiandaoyunServer, tmp_path: Path) -> None:
    before = len(server.requests())
    path = company.write(tmp_path, {"forms": company.system(server)})
    ltc(path, "check")
    with open_for(load(path)) as store, store.reading() as connection:
        made = calls_made.since(connection, ["forms"], 0)["forms"]
    assert made == len(server.requests()) - before > 0


def test_a_system_that_is_down_does_not_stop_the_check_of_the_others(server: JiandaoyunServer, tmp_path: Path) -> None:
    down = company.system(server, base_url=UNREACHABLE)
    path = company.write(tmp_path, {"down": down, "forms": company.system(server)})
    result = ltc(path, "check")
    assert result.exit_code == 3
    assert "✗ down (jiandaoyun): FAILED" in result.stdout
    assert "✓ forms (jiandaoyun): OK" in result.stdout
    assert "1 of 2 systems" in result.stdout
    assert ltc(path, "check", "--system", "down").exit_code == 1
    assert ltc(path, "check", "--system", "forms").exit_code == 0


def test_a_refused_key_comes_with_its_remedy_and_is_not_shown(server: JiandaoyunServer, tmp_path: Path) -> None:
    result = ltc(company.write(tmp_path, {"forms": company.system(server)}), "check", key="wrong-key-1234")
    assert result.exit_code == 1
    assert "→" in result.stdout
    assert "wrong-key-1234" not in result.output


def test_a_wrong_setting_of_a_connector_is_told_with_its_line(server: JiandaoyunServer, tmp_path: Path) -> None:
    path = company.write(tmp_path, {"forms": company.system(server, page_size=500)})
    line = 1 + next(n for n, line in enumerate(path.read_text().splitlines()) if "page_size" in line)
    result = ltc(path, "check")
    assert result.exit_code == 1
    assert f"ltc.yaml:{line}:" in result.stdout
    assert "page_size" in result.stdout


def test_a_secret_that_is_not_there_is_told_with_its_line(server: JiandaoyunServer, tmp_path: Path) -> None:
    path = company.write(tmp_path, {"forms": company.system(server)})
    line = 1 + next(n for n, line in enumerate(path.read_text().splitlines()) if "api_key" in line)
    result = ltc(path, "check", key=None)
    assert f"ltc.yaml:{line}: The secret ${{env:TEST_JDY_KEY}} is not set" in result.stdout


def test_a_connector_nobody_knows_lists_the_known_ones(server: JiandaoyunServer, tmp_path: Path) -> None:
    path = company.write(tmp_path, {"forms": {**company.system(server), "connector": "jiandaoyn"}})
    result = ltc(path, "check")
    assert result.exit_code == 1
    assert all(name in result.stdout for name in ("jiandaoyun", "salesforce", "tryton", "xero"))


def test_what_files_are_like_is_shown_before_there_is_a_mapping_for_them(tmp_path: Path) -> None:
    (tmp_path / "orders.csv").write_bytes("编号;客户\n1;杭州客户有限公司\n".encode("gb18030"))
    streams = {"order": {"pattern": "*.csv", "entity": "order", "key": ["编号"]}}
    system = {"connector": "files", "roles": ["erp"], "mapping": "erp.yaml"}
    config = {"folder": str(tmp_path), "settle_seconds": 0, "streams": streams}
    result = ltc(company.write(tmp_path, {"erp": {**system, "config": config}}), "check")
    assert result.exit_code == 1
    assert "erp.yaml: there is no such mapping" in result.stdout
    assert "orders.csv: CSV in gb18030" in result.stdout
    assert "delimiter semicolon" in result.stdout


def test_a_secret_written_out_in_ltc_yaml_is_warned_about_and_not_shown(
    server: JiandaoyunServer, tmp_path: Path
) -> None:
    path = company.write(tmp_path, {"forms": company.system(server, api_key=API_KEY)})
    line = 1 + next(n for n, line in enumerate(path.read_text().splitlines()) if "api_key" in line)
    result = ltc(path, "check")
    assert result.exit_code == 0
    assert f"ltc.yaml:{line}: `api_key`" in result.stdout
    assert "${env:FORMS_API_KEY}" in result.stdout
    assert API_KEY not in result.output


def test_the_check_as_json_holds_streams_problems_and_warnings(server: JiandaoyunServer, tmp_path: Path) -> None:
    down = company.system(server, connector_typo=1)
    found = data(ltc(company.write(tmp_path, {"down": down, "forms": company.system(server)}), "check", "--json"))
    by_name = {item["name"]: item for item in found["systems"]}
    assert by_name["forms"]["ok"]
    assert by_name["forms"]["streams"][0]["stream"] == "lead"
    assert "connector_typo" in by_name["down"]["problems"][0]["message"]


@pytest.mark.parametrize("locale", ["en", "zh-CN"])
def test_init_writes_settings_that_load_and_an_example_of_the_environment(tmp_path: Path, locale: str) -> None:
    path = tmp_path / "ltc.yaml"
    result = CliRunner().invoke(cli, ["--config", str(path), "--lang", locale, "init"])
    assert result.exit_code == 0, result.output
    settings = load(path)
    assert (list(settings.systems), settings.locale) == (["forms", "crm", "erp", "books"], locale)
    assert path.read_text(encoding="utf-8").count("#") > 20
    names = [line for line in (tmp_path / ".env.example").read_text(encoding="utf-8").splitlines() if "=" in line]
    for name in ("JDY_API_KEY=", "SF_CLIENT_SECRET=", "TRYTON_PASSWORD=", "XERO_CLIENT_SECRET="):
        assert name in names


def test_the_settings_that_init_writes_are_accepted_by_every_connector(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sync.systems import open_connector

    path = tmp_path / "ltc.yaml"
    CliRunner().invoke(cli, ["--config", str(path), "--lang", "en", "init"])
    for name in ("JDY_API_KEY", "SF_CLIENT_SECRET", "TRYTON_PASSWORD", "XERO_CLIENT_SECRET"):
        monkeypatch.setenv(name, "a-secret")
    settings = load(path)
    for system in settings.systems:
        open_connector(settings, system).close()


def test_init_never_overwrites_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ltc.yaml"
    path.write_text("mine")
    result = CliRunner().invoke(cli, ["--config", str(path), "init"])
    assert result.exit_code == 2
    assert path.read_text() == "mine"
    assert not (tmp_path / ".env.example").exists()


def test_init_writes_only_the_connectors_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ltc.yaml"
    CliRunner().invoke(cli, ["--config", str(path), "init", "--connector", "xero", "--connector", "salesforce"])
    assert list(yaml.safe_load(path.read_text())["systems"]) == ["books", "crm"]
    CliRunner().invoke(cli, ["--config", str(tmp_path / "bank" / "ltc.yaml"), "init", "--connector", "bank"])
    assert load(tmp_path / "bank" / "ltc.yaml").systems["bank"].roles == ["bank"]
    result = CliRunner().invoke(cli, ["--config", str(tmp_path / "other" / "ltc.yaml"), "init", "--connector", "xerro"])
    assert result.exit_code == 2
    assert "xero" in result.stderr
