"""Secrets are nowhere, and people only in the records: planted, everything done and broken, everything searched."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from connectors import retry
from console.cli import cli
from tests.security import company
from tests.security.company import GOSSIP, PAGE, PERSONAL, SECRETS, Company

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LOUD = ("", "httpx", "httpcore", "urllib3", "asyncio", "sqlalchemy.engine", "sqlalchemy.pool")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Company]:
    with company.running(tmp_path) as running, retry.no_waiting():
        yield running


def ltc(place: Company, *arguments: str, **environment: str) -> Result:
    """Run the command as a person would, with the canaries in the environment."""
    env: dict[str, str | None] = {"LTC_DEBUG": None, "LTC_ENGINE": None, "LTC_CONFIG": None, **SECRETS, **environment}
    return CliRunner().invoke(cli, ["--config", str(place.config), *arguments], env=env)


Break = Callable[[Company], None]


def _everywhere(status: int, body: Any, **headers: str) -> Break:
    def arm(place: Company) -> None:
        for system in (place.forms, place.crm, place.books, place.erp):
            system.faults.answer("", status, body, headers=headers, times=1000)

    return arm


def _behind_the_door(place: Company) -> None:
    """Tokens are given out; what comes after them fails in the vendors' own words."""
    place.forms.faults.answer("", 400, {"code": 8301, "msg": GOSSIP}, times=1000)
    fault = {"message": GOSSIP, "errorCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "fields": [company.NAME]}
    place.crm.faults.answer("/services/data", 400, [fault], times=1000)
    error = {"Message": GOSSIP, "Elements": [{"ValidationErrors": [{"Message": GOSSIP}]}]}
    place.books.faults.answer("/api.xro", 400, error, times=1000)


def _at_the_door(place: Company) -> None:
    """The tokens are refused, with the credentials quoted."""
    secrets = " ".join(SECRETS.values())
    place.forms.faults.answer("", 401, {"code": 8302, "msg": secrets}, times=1000)
    refusal = {"error": secrets[:40], "error_description": secrets + GOSSIP}
    for system in (place.crm, place.books):
        system.faults.answer("token", 400, refusal, times=1000)
    place.erp.faults.answer("", 200, {"id": 1, "error": [secrets, secrets]}, times=1000)


def _hang(place: Company) -> None:
    for system in (place.forms, place.crm, place.books, place.erp):
        system.faults.hang("", times=1000)


def _half(place: Company) -> None:
    for system in (place.forms, place.crm, place.books, place.erp):
        system.faults.corrupt("", times=1000)


BREAKS: dict[str, Break] = {
    "nothing is wrong": lambda _: None,
    "401, a page": _everywhere(401, PAGE),
    "403, a page": _everywhere(403, PAGE, **{"www-authenticate": "kanari"}),
    "500, a page": _everywhere(500, PAGE),
    "200, a page": _everywhere(200, PAGE),
    "200, other JSON": _everywhere(200, {company.NAME: company.MAIL, "data": [GOSSIP], "result": {GOSSIP: GOSSIP}}),
    "418, other JSON": _everywhere(418, {company.NAME: company.MAIL, company.PHONE: [GOSSIP]}),
    "a redirect that tells": _everywhere(302, "", location="https://other.example/?to=" + company.MAIL),
    "the vendors' words": _behind_the_door,
    "credentials quoted": _at_the_door,
    "silence": _hang,
    "half an answer": _half,
}


@pytest.mark.parametrize("broken", BREAKS)
def test_no_secret_is_shown_or_kept_and_no_person_is_named_whatever_the_systems_answer(
    broken: str, place: Company, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    for name in LOUD:
        caplog.set_level(logging.DEBUG, logger=name or None)
    BREAKS[broken](place)
    said: dict[str, bytes | str] = {}
    for command in (("check",), ("sync", "--json"), ("status",), ("runs", "--json"), ("quarantine",)):
        result = ltc(place, *command)
        assert "does not know" not in result.output, result.output
        said[" ".join(command)] = result.output
    said["the log"] = caplog.text
    company.nothing(said, [*place.secrets(), *PERSONAL])
    company.nothing(_files(tmp_path), place.secrets())
    if broken != "nothing is wrong":
        company.nothing(_files(tmp_path), [])
        held = {name: content for name, content in _files(tmp_path).items() if "ltc.db" in name}
        assert held
        company.nothing(held, PERSONAL)  # nothing was pulled, so nobody can be in the store


def _files(folder: Path) -> dict[str, bytes | str]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_canaries_are_real_they_are_sent_to_the_systems_and_the_people_are_in_the_store(
    place: Company, tmp_path: Path
) -> None:
    ltc(place, "sync")
    assert company.found(json.dumps([request.headers for request in place.forms.requests()]), SECRETS.values())
    assert company.found(b"".join(request.body for request in place.crm.requests("token")), SECRETS.values())
    assert company.found(b"".join(request.body for request in place.erp.requests()), SECRETS.values())
    assert company.found(json.dumps([request.headers for request in place.books.requests()]), place.secrets())
    assert company.found(_files(tmp_path)["ltc.db"] + _files(tmp_path).get("ltc.db-wal", b""), PERSONAL)  # type: ignore[operator]


@pytest.fixture
def watched() -> Callable[[list[str], dict[str, str]], tuple[dict[str, str], set[str]]]:
    """Runs a command and reads every process's command line for as long as it runs."""

    def run(command: list[str], env: dict[str, str]) -> tuple[dict[str, str], set[str]]:
        lines: set[str] = set()
        pipe = subprocess.PIPE
        with subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True) as process:
            while process.poll() is None:
                lines |= _command_lines()
            out, err = process.communicate()
        return {"standard output": out, "standard error": err}, lines

    return run


def _command_lines() -> set[str]:
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.add((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
            except OSError:
                continue  # it has ended
    return found


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc to read")
@pytest.mark.parametrize("debug", ["0", "1"])
def test_neither_process_list_nor_debug_log_nor_traceback_holds_a_secret(
    place: Company, watched: Any, debug: str
) -> None:
    BREAKS["401, a page"](place)
    start = (
        "import logging, sys; logging.basicConfig(level=logging.DEBUG); from console.cli import main; "
        f"sys.argv[1:] = ['--config', {str(place.config)!r}, 'sync', '--json']; main()"
    )
    env = {**os.environ, **SECRETS, "LTC_DEBUG": debug}
    said, lines = watched([sys.executable, "-c", start], env)
    assert any("console.cli" in line for line in lines), "the command was seen in the process list"
    company.nothing({**said, "the process list": "\n".join(lines)}, [*place.secrets(), *PERSONAL])


def test_a_traceback_of_an_unknown_error_shows_no_secret(place: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    import traceback

    from connectors.jiandaoyun import api

    def broken(*_: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(api, "parse", broken)
    result = ltc(place, "sync", LTC_DEBUG="1")
    shown = "".join(traceback.format_exception(result.exception)) if result.exception else ""
    company.nothing({"traceback": shown, "output": result.output}, [*place.secrets(), *PERSONAL])


def test_a_backup_of_a_store_on_postgresql_holds_no_secret(
    place: Company, tmp_path: Path, pg_server: Callable[[], str]
) -> None:
    import zstandard

    place.config.write_text(f"store: {pg_server()}\n" + place.config.read_text(encoding="utf-8"), encoding="utf-8")
    assert ltc(place, "pull").exit_code == 3, "Tryton's part fails"
    made = ltc(place, "backup", str(tmp_path / "backup.zst"))
    assert made.exit_code == 0, made.output
    inside = zstandard.ZstdDecompressor().stream_reader((tmp_path / "backup.zst").read_bytes()).read()
    company.nothing({"the backup": inside}, place.secrets())
    assert company.found(inside, PERSONAL), "records are in it"


def test_neither_reports_nor_lists_nor_a_backup_hold_a_secret(place: Company, tmp_path: Path) -> None:
    ltc(place, "sync")
    ltc(place, "reconcile")
    said: dict[str, bytes | str] = {}
    for kind in ("json", "html", "xlsx"):
        out = tmp_path / f"report.{kind}"
        shown = ltc(place, "report", "--format", kind, "--out", str(out))
        assert out.exists(), shown.output
        said[kind] = out.read_bytes()
    ltc(place, "backup", str(tmp_path / "backup.zst"))
    import zstandard

    said["backup"] = zstandard.ZstdDecompressor().stream_reader((tmp_path / "backup.zst").read_bytes()).read()
    for command in (
        ("findings", "list"),
        ("links", "list"),
        ("export", "links"),
        ("push", "--plan"),
        ("dead-letters", "list"),
        ("audit",),
    ):
        said[" ".join(command)] = ltc(place, *command).output
    company.nothing(said, place.secrets())
    assert company.found(said["backup"], PERSONAL), "records are in a backup"
