"""``forget`` as a person uses it: look first, then erase; what sources send again stays away, and so do backups."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from connectors import retry
from console.cli import cli
from sandbox.jiandaoyun import API_KEY, JiandaoyunServer
from tests.console import company
from tests.console.company import data, ltc

pytestmark = pytest.mark.slow

WHO = "lead3@example.com"
TRACES = (WHO, "联系人 3", "13800000003")


@pytest.fixture(autouse=True)
def _no_waiting() -> Any:
    with retry.no_waiting():
        yield


@pytest.fixture
def server() -> Iterator[JiandaoyunServer]:
    with company.forms(6) as running:
        yield running


@pytest.fixture
def config(server: JiandaoyunServer, tmp_path: Path) -> Path:
    path = company.write(tmp_path, {"forms": company.system(server)})
    assert ltc(path, "sync").exit_code == 0
    return path


def files(config: Path) -> bytes:
    """Every byte that the store keeps on disk."""
    return b"".join(item.read_bytes() for item in config.parent.glob("ltc.db*"))


def kept(config: Path) -> list[str]:
    """The traces of the person that the tables hold."""
    from state.bodies import unpack
    from state.schema import metadata
    from state.store import open_store

    found = []
    with open_store(f"sqlite:///{config.parent / 'ltc.db'}") as store, store.reading() as connection:
        for table in metadata.sorted_tables:
            for row in connection.execute(table.select()):
                landed = table.name == "landing"
                found.append(unpack(connection, row.record_id, row.seq, row.body).decode() if landed else str(row))
    everything = "\n".join(found)
    return [trace for trace in TRACES if trace in everything]


def test_a_look_changes_nothing_and_shows_no_value(config: Path) -> None:
    before = kept(config)
    assert before == list(TRACES)
    shown = ltc(config, "forget", WHO)
    assert shown.exit_code == 0
    assert "Would be erased, 1 record of" in shown.stdout
    assert "contact_name, email, phone" in shown.stdout
    assert "--yes" in shown.stdout
    assert not any(trace in shown.stdout for trace in TRACES)
    assert kept(config) == before
    assert ltc(config, "forget", "nobody@example.com").exit_code == 1


def test_a_person_is_erased_from_the_files_too_and_the_source_is_named(config: Path) -> None:
    no_reason = ltc(config, "forget", WHO, "--yes")
    assert no_reason.exit_code == 2
    done = ltc(config, "--lang", "zh-CN", "forget", WHO, "--yes", "--reason", "17 号请求")
    assert done.exit_code == 0
    assert "已清除此人的 1 条记录" in done.stdout
    assert "请在那里一并清除：forms" in done.stdout
    assert kept(config) == []
    assert WHO.encode() not in files(config)
    (listed,) = data(ltc(config, "forget", "--list", "--json"))
    assert listed["reason"] == "17 号请求"
    assert [(item["system"], item["in_source"]) for item in listed["records"]] == [("forms", True)]
    assert ltc(config, "audit", "verify").exit_code == 0
    assert "forms:" in ltc(config, "forget", "--list").stdout


def test_the_person_can_be_named_where_nobody_sees_it(config: Path) -> None:
    environment = {"TEST_JDY_KEY": API_KEY, "LTC_DEBUG": None, "LTC_ENGINE": None, "LTC_CONFIG": None}
    arguments = ["--config", str(config), "forget", "-", "--json"]
    found = CliRunner().invoke(cli, arguments, env=environment, input=f"{WHO}\n\n")
    assert [item["found_by"] for item in data(found)["records"]] == ["email"]


def test_pulling_everything_again_does_not_bring_the_person_back_until_it_is_lifted(
    config: Path, server: JiandaoyunServer
) -> None:
    erased = data(ltc(config, "forget", WHO, "--yes", "--reason", "17", "--json"))["erasure"]
    assert ltc(config, "sync", "--full").exit_code == 0
    company.submit(server, 903, email=WHO, contact_name="联系人 3")
    assert ltc(config, "sync").exit_code == 0
    assert kept(config) == []
    lifted = ltc(config, "forget", "--lift", erased)
    assert "ltc pull --full --system forms" in lifted.stdout
    assert ltc(config, "forget", "--list").stdout == "Nobody was erased.\n"
    assert ltc(config, "pull", "--full").exit_code == 0
    assert kept(config) == list(TRACES)
    assert ltc(config, "forget", "--lift", erased).exit_code == 1


def test_a_restored_backup_is_erased_again_at_once(config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.zst"
    assert ltc(config, "backup", str(saved)).exit_code == 0
    ltc(config, "forget", WHO, "--yes", "--reason", "17")
    restored = ltc(config, "restore", str(saved), "--replace")
    assert restored.exit_code == 0
    assert "1 person who was erased before was erased again" in restored.stdout
    assert kept(config) == []
    assert WHO.encode() not in files(config)


def test_erasures_are_carried_to_a_store_that_was_lost_and_restored_elsewhere(config: Path, tmp_path: Path) -> None:
    saved, exported = tmp_path / "saved.zst", tmp_path / "erased.json"
    ltc(config, "backup", str(saved))
    ltc(config, "forget", WHO, "--yes", "--reason", "17")
    assert ltc(config, "forget", "--export", str(exported)).exit_code == 0
    assert exported.stat().st_mode & 0o077 == 0
    assert not any(trace in exported.read_text() for trace in TRACES)
    assert ltc(config, "forget", "--export", str(exported)).exit_code == 1
    for path in config.parent.glob("ltc.db*"):
        path.unlink()
    assert ltc(config, "restore", str(saved)).exit_code == 0
    assert kept(config) == list(TRACES)
    again = ltc(config, "forget", "--again", str(exported))
    assert again.stdout == "Erasures done again: 1, of records: 1.\n"
    assert kept(config) == []
    assert ltc(config, "forget", "--again").exit_code == 0
    exported.write_text("{}")
    assert ltc(config, "forget", "--again", str(exported)).exit_code == 1


def test_the_next_sync_finishes_an_erasure_that_was_cut_off(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from state import scrub

    def killed(*_: Any, **__: Any) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(scrub, "scrub_bodies", killed)
        assert ltc(config, "forget", WHO, "--yes", "--reason", "17").exit_code == 3
    assert "under way" in ltc(config, "forget", "--list").stdout
    assert kept(config) == list(TRACES)
    assert ltc(config, "sync").exit_code == 0
    assert kept(config) == []
    assert "under way" not in ltc(config, "forget", "--list").stdout


@pytest.mark.parametrize("arguments", [(), ("--list", "--again"), ("x@y.z", "--list")])
def test_one_thing_at_a_time(config: Path, arguments: tuple[str, ...]) -> None:
    assert ltc(config, "forget", *arguments).exit_code == 2
