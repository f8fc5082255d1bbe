"""The conformance kit in the browser: in a process of its own, one at a time, its result kept for good."""

from __future__ import annotations

import html
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from conformance import catalogue
from console import trial
from console.web.admin import kit
from console.web.admin.kit import Kit
from state import audit, runs
from state.members import Role
from state.news import TESTED
from state.store import Store
from tests.console.company import write
from tests.web.conftest import Browser

SECONDS = 120
PLAYED = """
import json, sys, time
from pathlib import Path
checks = {checks}
def say(line): print(json.dumps(line), flush=True)
say({{"checks": len(checks)}})
while not Path({go!r}).exists(): time.sleep(0.01)
for item in checks: say({{"result": item}})
made = {{"grade": "B", "passed": len(checks) - 1, "applicable": len(checks), "areas_not_applicable": ["webhooks"]}}
say({{"done": made | {{"checks": checks}}}})
"""
"""A kit that says what the real one says, once it may."""


@pytest.fixture
def config(sqlite_template: Path, tmp_path: Path) -> Path:
    shutil.copy(sqlite_template, tmp_path / "ltc.db")
    systems = {
        "crm": {"connector": "salesforce", "roles": ["crm"], "config": {}},
        "desk": {"connector": "connectors/acme.yaml", "roles": ["crm"], "config": {}},
    }
    return write(tmp_path, systems, store="sqlite:///ltc.db")


@pytest.fixture
def played(tmp_path: Path) -> tuple[tuple[str, ...], Path]:
    """The command of a kit that waits until a file is there."""
    results = [
        {"name": item.name, "area": item.area, "grave": item.grave, "status": "passed", "why": {}, "streams": []}
        for item in catalogue.checks()
    ]
    results[0] |= {"status": "failed", "why": {"en": "It lost 3 of 10 records.", "zh-CN": "丢失记录。"}}
    go, script = tmp_path / "go", tmp_path / "played.py"
    script.write_text(PLAYED.format(checks=results, go=str(go)))
    return (sys.executable, str(script)), go


@pytest.fixture
def anna(browser: Callable[..., Browser], member: Callable[..., str]) -> Browser:
    opened = browser()
    opened.client.timeout = httpx.Timeout(SECONDS)
    assert opened.sign_in(member("anna", Role.ADMIN)).status_code == 303
    return opened


def ended(played: Kit) -> None:
    """Wait until the run has ended."""
    played.wait(SECONDS)
    assert played.last is not None
    assert played.last.ended


def test_a_run_tells_how_far_it_is_keeps_its_result_and_lets_no_second_one_start(
    desk: Store, tmp_path: Path, played: tuple[tuple[str, ...], Path]
) -> None:
    command, go = played
    one, other = Kit(desk, command), Kit(desk, command)
    assert one.start("salesforce", tmp_path, "anna")
    assert not one.start("xero", tmp_path, "anna")
    assert not other.start("xero", tmp_path, "bob")  # of another server over the same store
    go.touch()
    ended(one)
    assert (one.last.of, len(one.last.results)) == (len(catalogue.checks()),) * 2  # type: ignore[union-attr]
    with desk.reading() as connection:
        (entry,) = audit.entries(connection, action=TESTED)
        assert (entry.actor, entry.detail["connector"], entry.detail["grade"]) == ("anna", "salesforce", "B")
        assert audit.verify(connection).intact
    assert other.start("xero", tmp_path, "bob")
    ended(other)


def test_a_kit_that_hangs_is_ended_with_all_it_started(
    desk: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kit, "_SECONDS", 1.0)
    hanging = Kit(desk, (sys.executable, "-c", "import time; time.sleep(600)"))
    assert hanging.start("salesforce", tmp_path, "anna")
    ended(hanging)
    assert hanging.last is not None
    assert hanging.last.problem == "long"
    with desk.reading() as connection:
        assert audit.entries(connection, action=TESTED) == []
    with runs.lease(desk, "conformance kit"):
        pass  # it was given back


def test_the_page_shows_the_grade_and_each_check_with_its_sentence_in_both_languages(
    anna: Browser, desk: Store, tmp_path: Path, played: tuple[tuple[str, ...], Path]
) -> None:
    command, go = played
    go.touch()
    done = Kit(desk, command)
    assert done.start("connectors/acme.yaml", tmp_path, "anna")
    ended(done)
    page = anna.get("/kit/connectors/acme.yaml").text
    first = catalogue.checks()[0]
    assert "Grade B" in page
    assert "It lost 3 of 10 records." in page
    assert first.title["en"] in page.replace("&#39;", "'")
    assert page.index(first.name) < page.index(catalogue.checks()[1].name)
    anna.post("/language", locale="zh-CN", next="/")
    page = anna.get("/kit/connectors/acme.yaml").text
    assert "丢失记录。" in page
    assert first.title["zh-CN"] in page
    assert "connectors/acme.yaml" in anna.get("/kit").text


def test_a_kit_that_ends_by_itself_tells_its_last_words_on_the_page_and_in_the_log(
    anna: Browser, desk: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    broken = "import sys; print('a line', file=sys.stderr); raise OSError('no room on the disk')"
    ending = Kit(desk, (sys.executable, "-c", broken))
    monkeypatch.setattr(kit, "_kit", lambda _visit: ending)
    assert anna.post("/kit/salesforce").status_code == 303
    ended(ending)
    assert "The last that it said: OSError: no room on the disk" in anna.get("/kit/salesforce").text
    assert "the kit came to no result for salesforce: stopped OSError: no room on the disk" in caplog.text


def test_the_kit_finds_modules_where_the_workbench_does_and_nowhere_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    assert "PYTHONPATH" not in trial.environment()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", "lib:/opt/ours")
    assert trial.environment()["PYTHONPATH"] == f"{tmp_path / 'lib'}:/opt/ours"


def test_only_connectors_of_ltc_yaml_and_those_that_come_along_are_tested(anna: Browser, desk: Store) -> None:
    for name in ("nothing", "../../etc/passwd", "os:system", "-c", "connectors/other.yaml", "crm"):
        assert anna.post(f"/kit/{name}").status_code in (303, 404)
        assert anna.get(f"/kit/{name}").status_code == 404
    with desk.reading() as connection:
        assert audit.entries(connection, action=TESTED) == []


def test_the_environment_of_the_kit_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LTC_KEY", "canary")
    monkeypatch.setenv("SF_CLIENT_SECRET", "canary")
    assert "canary" not in trial.environment().values()


def test_a_result_begins_with_a_sentence_and_folds_what_does_not_apply_without_alarm(
    anna: Browser, desk: Store
) -> None:
    absent = {item.name for item in catalogue.checks() if item.area in ("writing", "creating")}
    grave = next(item for item in catalogue.checks() if item.grave and item.area == "reading")
    written = next(item for item in catalogue.checks() if item.grave and item.area == "writing")
    detail = {
        "connector": "salesforce",
        "grade": "A",
        "passed": 31,
        "applicable": 32,
        "areas_not_applicable": ["writing", "creating"],
        "why": {},
        "checks": {
            item.name: "not_applicable" if item.name in {*absent, grave.name} else "passed"
            for item in catalogue.checks()
        },
    }
    with desk.transaction() as connection:
        audit.append(connection, "anna", TESTED, detail)
    page = html.unescape(anna.get("/kit/salesforce").text)
    assert "Grade A (reading only)" in page
    others = len(absent | {grave.name})
    said = (
        f"31 of the 32 checks that apply were passed; {others} others were not tried, because they do not apply here."
    )
    assert said in page
    above, _, folded = page.partition('<details id="absent">')
    untried = folded.partition("</ul>")[0]
    assert grave.title["en"] in untried
    assert written.title["en"] not in untried
    assert written.title["en"] in folded.partition("</details>")[0]
    assert grave.title["en"] not in above
    assert 'class="problem"' not in page
    assert "What the grades mean" in page
    assert "(key requirement)</span>" in page
    assert "Grave</span>" not in page
    assert '<a href="/settings">← Settings</a>' in anna.get("/kit").text
    anna.post("/language", locale="zh-CN", next="/")
    assert "（关键项）</span>" in anna.get("/kit/salesforce").text
    assert "D</b> 通过不到 70 %。" in anna.get("/kit").text
    anna.post("/language", locale="en", next="/")
    assert "<td>A (reading only)</td>" in anna.get("/kit").text
    assert "<td>A (reading only)</td>" in anna.get("/settings/systems/new").text
