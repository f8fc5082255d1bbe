"""Taps that fail: what is delivered, what is claimed, what is said, and what is left behind."""

from __future__ import annotations

import base64
import json
import os
import select
import stat
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Window
from connectors.errors import AuthError, ConnectorError, ContractError, TransientError
from connectors.singer.process import Silent
from tests.connectors.singer.conftest import SECRET, Stage, entry, is_running, record, schema, state
from tests.connectors.singer.test_pull import held, ids


@pytest.mark.parametrize(
    ("step", "kind", "message"),
    [
        ({"exit": 1}, ContractError, "ended with status 1"),
        ({"kill": True}, TransientError, "was killed by SIGKILL"),
        ({"out": '{"type": "RECORD", "stream": "orders", "rec'}, ContractError, "ended in the middle of a line"),
        ({"out": '{"type": "RECORD", "stream": "or', "exit": 3}, ContractError, "ended with status 3"),
        ({"out": '{"type": "RECORD", "stream": "or', "kill": True}, TransientError, "was killed by SIGKILL"),
        ({"out": "Starting to sync\n"}, ContractError, "wrote a line that is no Singer message"),
        ({"out": "[1]\n"}, ContractError, "wrote a line that is no Singer message"),
        ({"out": '{"type": "STATE"}\n'}, ContractError, "state without a value"),
        ({"out": "\xff\n"}, ContractError, "wrote a line that is no Singer message"),
    ],
)
def test_what_came_before_a_failure_is_delivered_and_nothing_after_the_last_state_is_claimed(
    stage: Stage, step: dict[str, Any], kind: type[ConnectorError], message: str
) -> None:
    stage.plays(schema("id"), record(1), state({"at": 1}), record(2), step)
    pages, error = stage.attempt(stage.singer())
    assert (ids(pages), held(pages[-1]), pages[-1].complete) == ([["1", "2"]], {"at": 1}, False)
    assert type(error) is kind
    assert message in error.message


def test_a_state_that_came_after_the_last_page_is_not_lost_with_the_failure(stage: Stage) -> None:
    rows = {"times": 1000, "out": '{"type": "RECORD", "stream": "orders", "record": {"id": "%d"}}\n'}
    stage.plays(schema("id"), rows, state({"at": 1}), {"exit": 1})
    pages, _ = stage.attempt(stage.singer())
    assert [(len(page.records), held(page)) for page in pages] == [(1000, None), (0, {"at": 1})]


def test_a_last_line_without_an_end_counts_if_it_is_whole(stage: Stage) -> None:
    stage.plays(schema("id"), {"out": '{"type": "RECORD", "stream": "orders", "record": {"id": 1}}'})
    assert ids(stage.pull(stage.singer())) == [["1"]]


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("requests.exceptions.HTTPError: 401 Client Error: Unauthorized for url: https://x.example/orders", AuthError),
        ("CRITICAL HTTP-error-code: 401, Error: The access token is not valid", AuthError),
        ('oauthlib: {"error": "invalid_grant"}', AuthError),
        ('FATAL:  password authentication failed for user "reader"', AuthError),
        ("HTTPError: 403 Client Error: Forbidden for url", ContractError),
        ("singer_sdk.exceptions.RetriableAPIError: 503 Server Error: Service Unavailable", TransientError),
        ("429 Client Error: Too Many Requests", TransientError),
        ("requests.exceptions.ConnectionError: connection refused", TransientError),
        ("KeyError: 401", ContractError),
        ("processed 401 rows, then gave up", ContractError),
    ],
)
def test_the_kind_of_failure_is_read_from_the_taps_last_words(
    stage: Stage, words: str, kind: type[ConnectorError]
) -> None:
    stage.plays(schema("id"), {"err": f"{words}\n", "exit": 1})
    _, error = stage.attempt(stage.singer())
    assert type(error) is kind
    assert error.remedy


def test_a_sdk_tap_that_was_told_to_end_has_not_read_everything(stage: Stage) -> None:
    stage.plays(schema("id"), record(1), {"err": "INFO | Gracefully shutting down...\n"})
    _, error = stage.attempt(stage.singer())
    assert isinstance(error, TransientError)


def test_no_secret_and_no_person_is_in_what_the_error_says(stage: Stage) -> None:
    key = "-----BEGIN KEY-----\nfirst quiet line\nsecond quiet line\n-----END KEY-----"
    dsn = "postgresql://reader:still%20water@db.example/books"
    told = [
        f"could not log in with {SECRET}",
        f"header: Basic {base64.b64encode(SECRET.encode()).decode()}",
        "key was second quiet line",
        "variable was plain words here",
        "proxy was silent whisper",
        "database was still water",
        f"dump: {json.dumps({'token': SECRET.upper()})}",
        "Traceback (most recent call last):",
        '  File "/home/zhang/tap.py", line 3, in <module>',
        "ValueError: customer Zhang Wei <zhang@example.com> owes 1234567",
    ]
    secrets = [
        SECRET,
        "quiet line",
        "plain words",
        "silent whisper",
        "still water",
        "Zhang",
        "zhang@",
        "1234567",
        "/home/",
    ]
    for said in told:
        stage.plays(schema("id"), {"err": f"{said}\nValueError: gave up\n", "exit": 1})
        _, error = stage.attempt(
            stage.singer(config={"token": SECRET, "deep": [{"key": key}], "dsn": dsn}, **_environment())
        )
        shown = str(error).lower()
        assert [secret for secret in secrets if secret.lower() in shown] == []
        assert "ValueError" in str(error)


def _environment() -> dict[str, Any]:
    return {"environment": {"TAP_WORD": "plain words", "HTTPS_PROXY": "http://silent whisper@proxy.example"}}


def test_a_noisy_tap_is_not_held_up_and_half_a_secret_is_not_shown(stage: Stage) -> None:
    noise = {"times": 3000, "err": f"{SECRET} " * 20 + "\n"}
    long_line = {"err": f"{SECRET} " * 3000, "exit": 1}
    stage.plays(schema("id"), noise, record(1), long_line)
    pages, error = stage.attempt(stage.singer())
    assert ids(pages) == [["1"]]
    assert not any(word in str(error) for word in SECRET.split())


def test_a_line_over_the_limit_stops_the_pull(stage: Stage) -> None:
    stage.plays(schema("id"), record(1), {"out": '{"type": "RECORD"' + " " * 2_000_000 + "}\n"}, {"hang": True})
    pages, error = stage.attempt(stage.singer(line_limit_mb=1))
    assert ids(pages) == [["1"]]
    assert isinstance(error, ContractError)
    assert "line_limit_mb" in error.remedy


def test_a_tap_that_falls_silent_is_stopped_with_all_that_it_started(stage: Stage, tmp_path: Path) -> None:
    child = tmp_path / "child"
    stage.plays(schema("id"), record(1), state({"at": 1}), {"child": str(child), "err": "waiting\n", "hang": True})
    pages, error = stage.attempt(stage.singer(timeout_seconds=3))
    assert (ids(pages), held(pages[-1])) == ([["1"]], {"at": 1})
    assert isinstance(error, Silent)
    assert "wrote nothing for 3 seconds" in error.message
    assert "waiting" in error.message
    assert is_dead(int(child.read_text()))


def test_a_tap_that_closes_its_output_and_lives_on_is_stopped(stage: Stage) -> None:
    stage.plays(schema("id"), record(1), {"close": True, "hang": True})
    _, error = stage.attempt(stage.singer(timeout_seconds=3))
    assert isinstance(error, Silent)
    assert "did not end" in error.message


def test_a_pull_that_is_abandoned_ends_the_tap_even_one_that_does_not_listen(stage: Stage, tmp_path: Path) -> None:
    child = tmp_path / "child"
    rows = {"times": 1000, "out": '{"type": "RECORD", "stream": "orders", "record": {"id": "%d"}}\n'}
    stage.plays(schema("id"), {"child": str(child)}, {"deaf": True}, rows, {"hang": True})
    pages = iter(stage.singer().pull("order", None, Window(datetime.now(UTC))))
    assert len(next(pages).records) == 1000
    tap = stage.runs[-1]["pid"]
    assert is_running(tap)
    pages.close()  # type: ignore[attr-defined]
    assert not is_running(tap)
    assert is_dead(int(child.read_text()))


def is_dead(pid: int) -> bool:
    """Whether a process that is not our child has ended, or does so now; it may stay a zombie that is not ours."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    ended, _, _ = select.select([handle], [], [], 10)
    os.close(handle)
    return bool(ended)


def test_a_pull_may_be_taken_up_by_another_thread(stage: Stage) -> None:
    stage.plays(schema("id"), record(1))
    found: list[Any] = []
    singer = stage.singer()
    thread = threading.Thread(target=lambda: found.extend(stage.pull(singer)))
    thread.start()
    thread.join()
    assert ids(found) == [["1"]]


def test_secrets_reach_the_tap_in_a_file_of_its_owner_only_and_no_other_way(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTHER_SYSTEMS_SECRET", "not for a tap")
    stage.plays(schema("id"))
    stage.pull(stage.singer(environment={"TAP_REGION": "eu"}))
    for run in stage.runs:
        assert (run["config"], run["mode"], run["folder_mode"]) == ({"token": SECRET}, "0o600", "0o700")
        assert SECRET not in json.dumps([run["argv"], run["environment"]])
        assert "OTHER_SYSTEMS_SECRET" not in run["environment"]
        assert (run["environment"]["TAP_REGION"], "PATH" in run["environment"]) == ("eu", True)


def test_settings_that_a_killed_process_left_behind_are_removed(stage: Stage, temporary_files: Path) -> None:
    left = temporary_files / "ltc-singer-left"
    left.mkdir()
    for name in ("lock", "config.json"):
        (left / name).write_text("{}")
    os.utime(left, (0, 0))
    stage.plays(schema("id"))
    stage.pull(stage.singer())
    assert not left.exists()


def test_settings_of_a_run_in_progress_are_left_alone(stage: Stage) -> None:
    rows = {"times": 1000, "out": '{"type": "RECORD", "stream": "orders", "record": {"id": "%d"}}\n'}
    stage.plays(schema("id"), rows, {"hang": True})
    pages = iter(stage.singer().pull("order", None, Window(datetime.now(UTC))))
    next(pages)
    config = Path(stage.runs[-1]["argv"][stage.runs[-1]["argv"].index("--config") + 1])
    os.utime(config.parent, (0, 0))
    stage.plays(schema("id"))
    stage.pull(stage.singer())
    assert config.exists()
    pages.close()  # type: ignore[attr-defined]
    assert not config.exists()


def test_new_settings_that_the_tap_writes_are_not_lost_in_silence(stage: Stage, tmp_path: Path) -> None:
    stage.plays(schema("id"), record(1), {"settings": {"token": "a new one", "at": 1}})
    pages, error = stage.attempt(stage.singer())
    assert ids(pages) == [["1"]]
    assert "new settings (at, token)" in error.message
    assert "config_file" in error.remedy
    own = tmp_path / "tap.json"
    own.write_text(json.dumps({"token": SECRET}))
    own.chmod(stat.S_IRUSR | stat.S_IWUSR)
    assert stage.pull(stage.singer(config=None, config_file=str(own)))[-1].complete
    assert json.loads(own.read_text())["token"] == "a new one"


def test_secrets_of_a_settings_file_are_not_shown_either(stage: Stage, tmp_path: Path) -> None:
    own = tmp_path / "tap.json"
    own.write_text(json.dumps({"token": SECRET}))
    stage.plays(schema("id"), {"err": f"refused {SECRET}\n", "exit": 1})
    _, error = stage.attempt(stage.singer(config=None, config_file=str(own)))
    assert "refused" in str(error)
    assert SECRET not in str(error)


def test_a_discovery_that_fails_says_why(stage: Stage) -> None:
    stage.discovers(steps=[{"err": "ValueError: no such region\n", "exit": 1}])
    _, error = stage.attempt(stage.singer())
    assert "ValueError: no such region" in error.message
    stage.discovers(steps=[{"out": "INFO discovering\n"}])
    _, error = stage.attempt(stage.singer())
    assert "gave no catalog" in error.message
    stage.discovers(entry("orders"))
