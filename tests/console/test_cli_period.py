"""``ltc period``, ``ltc report --period`` and the files of findings: what a person sees, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from tests.console import deal
from tests.console.company import data, ltc

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def filled(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The deal's store, to copy."""
    return deal.filled(sqlite_template, tmp_path_factory.mktemp("deal"))


@pytest.fixture
def config(filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LTC_ACTOR", "wang.min")
    shutil.copy(filled, tmp_path / "ltc.db")
    return deal.config(tmp_path, "sqlite:///ltc.db")


def done(config: Path, *arguments: str) -> Result:
    result = ltc(config, *arguments)
    assert result.exit_code == 0, result.output
    return result


def finding(config: Path) -> str:
    return str(data(ltc(config, "findings", "list", "--json"))[0]["id"])


def test_a_month_is_closed_by_one_person_approved_by_another_and_shown(config: Path) -> None:
    assert "any that is over may be the first" in done(config, "period", "list").stdout
    assert "Somebody else approves it" in done(config, "period", "close", "2026-09", "--reason", "so").stdout
    refused = ltc(config, "period", "approve", "2026-09")
    assert (refused.exit_code, "wang.min closed 2026-09" in refused.output) == (2, True)
    approved = data(ltc(config, "period", "approve", "2026-09", "--by", "li.na", "--json"))
    assert (approved["closed_by"], approved["approved_by"], approved["status"]) == ("wang.min", "li.na", "approved")
    shown = done(config, "period", "show", "2026-09").stdout
    assert approved["inputs_hash"] in shown
    assert "The figures are as they were frozen" in shown
    assert "2026-10 is the next to be closed" in done(config, "period", "list").stdout


def test_a_month_with_undecided_errors_is_closed_only_with_a_reason_that_stays(config: Path) -> None:
    refused = ltc(config, "period", "close", "2026-09")
    assert (refused.exit_code, "are undecided" in refused.output, "--reason" in refused.output) == (2, True, True)
    reason = "The bank confirms tomorrow"
    assert data(ltc(config, "period", "close", "2026-09", "--reason", reason, "--json"))["close_reason"] == reason
    assert reason in done(config, "period", "show", "2026-09").stdout


def test_what_may_not_be_done_is_refused_with_what_to_do(config: Path) -> None:
    done(config, "period", "close", "2026-09", "--reason", "so")
    for arguments, said in (
        (("close", "2026-13"), "is no month"),
        (("close", "2026-10", "--by", "li.na"), "not approved yet"),
        (("approve", "2026-08", "--by", "li.na"), "2026-08 is not closed"),
        (("reopen", "2026-09", "--reason", " "), "needs a reason"),
    ):
        result = ltc(config, "period", *arguments)
        assert result.exit_code == 2, result.output
        assert said in result.output
    done(config, "period", "approve", "2026-09", "--by", "li.na")
    refused = ltc(config, "period", "reopen", "2026-09", "--by", "li.na", "--reason", "late invoices")
    assert refused.exit_code == 2
    assert "reconciliation.periods.reopen" in refused.output


def test_a_close_that_is_sent_back_stays_on_the_list(config: Path) -> None:
    done(config, "period", "close", "2026-09", "--reason", "so")
    done(config, "period", "reopen", "2026-09", "--by", "li.na", "--reason", "late invoices")
    done(config, "--lang", "zh-CN", "period", "close", "2026-09", "--reason", "so")
    listed = data(ltc(config, "period", "list", "--json"))
    assert [(item["revision"], item["status"], item["reason"]) for item in listed["periods"]] == [
        (1, "reopened", "late invoices"),
        (2, "closed", None),
    ]


def test_the_report_of_a_month_that_was_closed_again_says_which_close_it_is(config: Path) -> None:
    done(config, "period", "close", "2026-09", "--reason", "so")
    assert "revision" not in done(config, "report", "--period", "2026-09").stdout
    done(config, "period", "reopen", "2026-09", "--by", "li.na", "--reason", "late invoices")
    done(config, "period", "close", "2026-09", "--reason", "so")
    shown = " ".join(done(config, "report", "--period", "2026-09").stdout.split())
    assert "(revision 2: the month had been reopened)" in shown
    shown = done(config, "--lang", "zh-CN", "report", "--period", "2026-09").stdout
    assert "第 2 次关账" in "".join(shown.split()).replace("第2次关账", "第 2 次关账")
    assert data(ltc(config, "report", "--format", "json", "--period", "2026-09"))["sign_off"]["revision"] == 2


def test_the_report_of_a_closed_month_is_the_frozen_one_in_every_form(config: Path, tmp_path: Path) -> None:
    before = data(ltc(config, "report", "--format", "json", "--period", "2026-09"))
    done(config, "period", "close", "2026-09", "--reason", "so")
    frozen = data(ltc(config, "report", "--format", "json", "--period", "2026-09"))
    assert before["sign_off"] is None
    assert frozen["sign_off"]["closed_by"] == "wang.min"
    again = ltc(config, "report", "--format", "json", "--period", "2026-09", "--as-of", frozen["as_of"])
    assert json.loads(again.stdout) == frozen
    done(config, "report", "--period", "2026-09", "--format", "all", "--out", str(tmp_path / "r"))
    suffixes = {path.suffix for path in (tmp_path / "r").iterdir()}
    assert suffixes == {".html", ".xlsx", ".pdf", ".zip", ".json"}
    shown = done(config, "report", "--period", "2026-09").stdout
    assert "Movements · Period 2026-09" in shown
    assert "figures as they stood when 2026-09 was closed" in shown
    assert "was closed" not in done(config, "report", "--period", "2026-10").stdout


def test_figures_that_were_changed_in_the_database_are_told(config: Path) -> None:
    import sqlite3

    done(config, "period", "close", "2026-09", "--reason", "so")
    with sqlite3.connect(config.with_name("ltc.db")) as connection:
        connection.execute("UPDATE period_figure SET value = replace(value, '0', '1') WHERE kind = 'roll_forward'")
    connection.close()
    result = ltc(config, "period", "show", "2026-09")
    assert result.exit_code == 1
    assert "THE FIGURES WERE CHANGED" in result.stdout


def test_several_findings_are_decided_together_or_not_at_all(config: Path) -> None:
    ids = [str(item["id"]) for item in data(ltc(config, "findings", "list", "--json"))][:2]
    assert len(ids) == 2
    refused = ltc(config, "findings", "assign", *ids, "zzzz", "--to", "li.na")
    assert refused.exit_code == 2
    found: list[dict[str, Any]] = data(ltc(config, "findings", "list", "--status", "assigned", "--json"))
    assert found == []
    done(config, "findings", "assign", *ids, "--to", "li.na", "--due", "2026-11-15")
    found = data(ltc(config, "findings", "list", "--status", "assigned", "--json"))
    assert {(item["owner"], item["due_on"]) for item in found} == {("li.na", "2026-11-15")}


def test_a_file_is_attached_and_given_out_again(config: Path, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pdf"
    letter.write_bytes(b"Dear all")
    id = finding(config)
    done(config, "findings", "comment", id, "--text", "was called")
    done(config, "findings", "attach", id, "--file", str(letter))
    shown = data(ltc(config, "findings", "show", id, "--json"))
    assert shown["comments"][0]["text"] == "was called"
    [file] = shown["attachments"]
    out = tmp_path / "again.pdf"
    done(config, "findings", "attachment", id, file["sha256"][:8], "--out", str(out))
    assert out.read_bytes() == b"Dear all"
    there = ltc(config, "findings", "attachment", id, file["sha256"], "--out", str(out))
    assert there.exit_code != 0
    assert ltc(config, "findings", "attachment", id, "00000000", "--out", str(tmp_path / "no")).exit_code == 2
    assert "was called" in done(config, "findings", "show", id).stdout
