"""The password of the store may be a reference, like every other secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from console.cli import cli

SETTINGS = """\
version: 1
store: ${env:LTC_STORE}
systems: {crm: {connector: salesforce, roles: [crm]}}
"""


def test_the_store_may_be_named_by_a_reference(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ltc.yaml").write_text(SETTINGS)
    monkeypatch.setenv("LTC_STORE", sqlite_url)
    result = CliRunner().invoke(cli, ["--config", str(tmp_path / "ltc.yaml"), "runs", "--json"])
    assert result.exit_code == 0, result.output


def test_a_reference_that_leads_nowhere_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ltc.yaml").write_text(SETTINGS)
    monkeypatch.delenv("LTC_STORE", raising=False)
    result = CliRunner().invoke(cli, ["--config", str(tmp_path / "ltc.yaml"), "runs"])
    assert result.exit_code == 2
    assert "Set the environment variable LTC_STORE" in result.output
