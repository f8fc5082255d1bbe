"""`ltc connectors test`: what an admin sees of a connector's proof."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance import worlds
from console.cli import cli

SHOP = Path(__file__).with_name("shop.yaml")


def ltc(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """The command's exit code and what it printed."""
    with pytest.raises(SystemExit) as left:
        cli.main(["connectors", "test", *arguments])
    return int(left.value.code or 0), capsys.readouterr().out


def test_a_manifest_of_the_admins_own_is_tested_against_a_stand_in_made_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, shown = ltc(capsys, str(SHOP), "--only", "writing", "--only", "initial-pull")
    assert code == 0
    assert "grade A" in shown


def test_a_failure_is_told_in_a_sentence_and_by_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    place = "tests.conformance.wrong:World"
    code, shown = ltc(capsys, "shop", "--world", place, "--only", "own-write-is-no-news", "--only", "written")
    assert code == 1
    assert "The next pull brings other bytes." in shown
    assert "grade D" in shown


def test_the_result_as_json_names_each_check_with_its_status(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = ltc(capsys, str(SHOP), "--only", "token-ends", "--only", "full-pull", "--json")
    (found,) = json.loads(shown)
    assert code == 0
    assert (found["passed"], found["applicable"]) == (1, 1)
    by_name = {check["name"]: check for check in found["checks"]}
    assert by_name["full-pull"]["status"] == "passed"
    assert by_name["token-ends"]["status"] == "not_applicable"
    assert by_name["token-ends"]["why"] == "The system is not used with tokens that end."


def test_areas_of_which_nothing_applies_are_named_and_not_counted(capsys: pytest.CaptureFixture[str]) -> None:
    code, shown = ltc(capsys, "google-ads-leads", "--only", "reading", "--only", "creating", "--only", "webhooks")
    assert code == 0
    assert "grade A. 4 of 4 checks passed" in shown
    assert "No check applies in: Reading, Creating." in shown
    _, shown = ltc(capsys, "google-ads-leads", "--only", "reading", "--json")
    (found,) = json.loads(shown)
    assert (found["grade"], found["applicable"], found["areas_not_applicable"]) == ("D", 0, ["reading"])
    assert {check["why"] for check in found["checks"]} == {"Nothing can be read of the system; it only sends."}


def test_the_checks_are_listed_in_the_readers_language(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--lang", "zh-CN", "connectors", "test", "--list", "--json"])
    listed = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert listed["forged"]["proves"] == "他人签名的请求被拒绝。"
    assert listed["forged"]["grave"] is True


@pytest.mark.parametrize(
    "arguments",
    [(), ("shop", "--all"), ("shop", "--only", "nonsense"), ("--all", "--only", "reading", "--write-grades")],
)
def test_a_wrong_call_is_told_as_wrong_usage(capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]) -> None:
    assert ltc(capsys, *arguments)[0] == 2


def test_a_connector_without_a_stand_in_is_told_how_to_give_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(worlds._BUILT_IN, "singer")
    with pytest.raises(SystemExit) as left:
        cli.main(["connectors", "test", "singer"])
    assert left.value.code == 1
    assert "--world package.module:Class" in capsys.readouterr().err


def test_in_a_connectors_own_repository_three_lines_make_each_check_a_test(tmp_path: Path) -> None:
    lines = (
        "from conformance.pytest import checks_of",
        "from tests.conformance.wrong import World",
        "test_conformance = checks_of('shop', World, only=('written', 'own-write-is-no-news', 'token-ends'))",
    )
    (tmp_path / "test_shop.py").write_text("\n".join(lines))
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": root},
        check=False,
    )
    assert "1 failed, 1 passed, 1 skipped" in done.stdout
    assert "The next pull brings other bytes." in done.stdout
