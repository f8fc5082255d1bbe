"""The commands that ``/monitoring`` shows for backups: as they must be typed on the machine of the workbench."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

from pathlib import Path

import pytest

from settings.model import Settings
from state.members import Role
from tests.web.toy_company import Opens, crm, erp, olaf, settings, systems, toys  # noqa: F401


def test_commands_name_the_settings_unless_they_are_those_of_the_folder(
    olaf: Opens, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = Path(settings.path).absolute()
    browser = olaf(Role.OPERATOR)
    page = browser.get("/monitoring").text
    for command in ("backup /backups", "restore /backups/ltc-monday.zst --check"):
        assert f"ltc --config {path} {command}" in page
    monkeypatch.chdir(path.parent)
    page = browser.get("/monitoring").text
    assert ("--config" in page) is (path.name != "ltc.yaml")
