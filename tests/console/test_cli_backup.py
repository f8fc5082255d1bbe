"""``ltc backup`` and ``ltc restore`` as a person uses them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import retry
from state import runs
from state.store import open_store
from tests.console.company import data, ltc
from tests.jobs.conftest import crm, erp, settings, systems, toys
from tests.jobs.toy import ToySystem

__all__ = ["crm", "erp", "settings", "systems", "toys"]


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


@pytest.fixture
def config(settings: Any) -> Path:
    """A company that has been synchronised once."""
    path: Path = settings.path
    assert ltc(path, "sync").exit_code == 0
    return path


def move(config: Path, store: str) -> None:
    """Let ltc.yaml name another store."""
    config.write_text(yaml.safe_dump({**yaml.safe_load(config.read_text()), "store": store}))


def test_a_store_moves_to_a_server_and_goes_on_there(
    config: Path, crm: ToySystem, tmp_path: Path, pg_server: Any
) -> None:
    file = tmp_path / "saved.zst"
    saved = ltc(config, "backup", str(file))
    assert saved.exit_code == 0
    assert re.search(rf"Backup written: {file} \([\d.]+ MB, \d+ rows in \d+ tables, schema \d+\)\.", saved.stdout)
    move(config, pg_server())
    restored = ltc(config, "restore", str(file))
    assert restored.exit_code == 0
    assert "now holds the backup made" in restored.stdout
    assert "The audit's chain holds." in restored.stdout
    assert "Run `ltc sync` now" in restored.stdout
    assert ltc(config, "audit", "verify").exit_code == 0
    assert ltc(config, "sync").exit_code == 0
    assert len(crm.writes) == 7


def test_a_store_with_data_is_replaced_only_on_demand(config: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "saved.zst")
    made = data(ltc(config, "backup", file, "--json"))
    assert made["tables"]["record"]["rows"] == 14
    refused = ltc(config, "restore", file)
    assert refused.exit_code == 1
    assert "holds data already" in refused.stderr
    assert "--replace" in refused.stderr
    done = data(ltc(config, "restore", file, "--replace", "--json"))
    assert done["replaced"]
    assert done["audit"] == {"intact": True, "problem": ""}
    assert {name: done[name] for name in made} == made


def test_a_restore_says_how_old_the_backup_is_and_how_much_of_the_audit_is_gone(config: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "saved.zst")
    assert (
        "ltc.yaml, mappings, checks of your own, secrets and keys are not in it" in ltc(config, "backup", file).stdout
    )
    ltc(config, "pause", "crm", "--reason", "Release")
    ltc(config, "resume", "crm")
    told = ltc(config, "restore", file, "--replace").stdout
    assert re.search(r"The backup is \d+ (s|min) old\. What people decided since is gone", told)
    assert "2 rows of the audit were younger than the backup and are gone." in told
    assert "were younger" not in ltc(config, "restore", file, "--replace", "--json").stdout


def test_a_refused_restore_says_its_times_in_the_zone_of_the_business(config: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "saved.zst")
    ltc(config, "backup", file)
    store = yaml.safe_load(config.read_text()).get("store", f"sqlite:///{config.parent / 'ltc.db'}")
    with open_store(store) as opened, runs.lease(opened, "run x", owner="elsewhere:1:2/3", seconds=600):
        refused = ltc(config, "restore", file, "--replace")
    assert refused.exit_code == 1
    assert re.search(r"this is known at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(Asia/Shanghai\)", refused.stderr)
    assert "UTC" not in refused.stderr


def test_a_backup_can_be_checked_without_settings(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved.zst"
    ltc(config, "backup", str(file))
    checked = ltc(tmp_path / "none.yaml", "restore", str(file), "--check")
    assert checked.exit_code == 0, checked.output
    assert " UTC by ltc" in checked.stdout


def test_a_backup_can_be_checked_without_a_store(config: Path, tmp_path: Path) -> None:
    file = tmp_path / "saved.zst"
    ltc(config, "backup", str(file))
    move(config, f"sqlite:///{tmp_path / 'never.db'}")
    assert "is whole: made 20" in ltc(config, "restore", str(file), "--check").stdout
    file.write_bytes(file.read_bytes()[:-1])
    refused = ltc(config, "restore", str(file), "--check")
    assert refused.exit_code == 1
    assert "is not a whole backup" in refused.stderr
    assert not (tmp_path / "never.db").exists()


def test_without_a_name_the_file_is_called_after_the_time(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert ltc(config, "backup").exit_code == 0
    (found,) = tmp_path.glob("ltc-backup-*.zst")
    assert re.fullmatch(r"ltc-backup-\d{8}T\d{6}Z\.zst", found.name)
    again = ltc(config, "backup", str(found))
    assert again.exit_code == 1
    assert "a backup replaces none" in again.stderr


def test_how_far_it_is_is_told_in_the_persons_language(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from console.commands import backup

    monkeypatch.setattr(backup, "_QUIET_SECONDS", 0.0)
    move(config, yaml.safe_load(config.read_text()).get("store", f"sqlite:///{tmp_path / 'ltc.db'}"))
    file = str(tmp_path / "saved.zst")
    assert "record: 14 rows" in ltc(config, "backup", file).stderr
    shown = ltc(config, "restore", file, "--replace").stderr
    assert shown.index("Checking the backup") < shown.index("Filling the store") < shown.rindex("record: 14 rows")
