"""``ltc serve --webhooks`` from outside: a real process, a real Jiandaoyun stand-in that tells of its rows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner

from connectors.contract import Inbound, Notice
from console.cli import cli
from sandbox.jiandaoyun import JiandaoyunServer, start
from state import notices
from state.store import open_store
from tests.connectors.jiandaoyun.test_webhook import SECRET, push, signed

LEAD = {"lead_no": "L-1", "contact_name": "Li Na", "company_name": "ACME", "status": "新线索"}


@pytest.fixture
def forms() -> Iterator[JiandaoyunServer]:
    with start() as server:
        yield server


def settings(folder: Path, server: JiandaoyunServer, **more: Any) -> Path:
    """An ltc.yaml with the stand-in as its only system."""
    system = {"connector": "jiandaoyun", "roles": ["marketing"], "config": {**server.config, **more}}
    path = folder / "ltc.yaml"
    path.write_text(yaml.safe_dump({"version": 1, "timezone": "Asia/Shanghai", "systems": {"forms": system}}))
    return path


@contextmanager
def serving(config: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The address that the process listens at, and the process."""
    command = [
        str(Path(sys.executable).with_name("ltc")),
        "--config",
        str(config),
        "serve",
        "--webhooks",
        "--port",
        "0",
        *options,
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as it:
        try:
            assert it.stdout is not None
            yield it.stdout.readline().split()[1], it
        finally:
            it.send_signal(signal.SIGTERM)
            try:
                it.wait(20)
            except subprocess.TimeoutExpired:
                it.kill()  # it would be waited for without end
                raise


def test_a_row_is_there_a_moment_after_its_webhook_and_forgers_are_sent_away(
    tmp_path: Path, forms: JiandaoyunServer
) -> None:
    config = settings(tmp_path, forms, webhook_secret=SECRET)
    data_id = forms.people.submit(LEAD)
    with serving(config) as (url, process), open_store(f"sqlite:///{tmp_path / 'ltc.db'}") as store:
        told = push("data_create", _id=data_id)
        headers, query, body = dict(told.headers), dict(told.query), told.body
        assert httpx.post(url, params=query, headers=headers, content=body + b" ").status_code == 401
        assert httpx.post(url, params=query, headers=headers, content=b"x" * 1_000_001).status_code == 413
        assert httpx.post(f"{url}s", params=query, headers=headers, content=body).status_code == 404
        assert httpx.get(url).status_code == 405
        for _ in range(2):
            answer = httpx.post(url, params=query, headers=headers, content=body)
            assert (answer.status_code, answer.content) == (200, b"")
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(2)]
        assert "The signature is wrong" in said[0]
        assert said[1].startswith("forms.lead: 1 pulled, 1 new")
        with store.reading() as connection:
            assert connection.exec_driver_sql("SELECT source_id FROM record").scalars().all() == [data_id]


def test_two_processes_take_each_request_in_once_and_one_may_die_at_it(tmp_path: Path, forms: JiandaoyunServer) -> None:
    config = settings(tmp_path, forms, webhook_secret=SECRET)
    asked = [signed(json.dumps({"op": "form_update", "n": n}).encode(), delivery=f"d{n}") for n in range(100)]

    def tell(url: str, request: Inbound) -> int:
        """What the source learns in the end: as it does, it sends again what was answered 503."""
        sent: Any = {"params": dict(request.query), "headers": dict(request.headers), "content": request.body}
        try:
            return next(status for status in iter(lambda: client.post(url, **sent).status_code, None) if status != 503)
        except httpx.TransportError:
            return 0

    with (
        httpx.Client(timeout=20, limits=httpx.Limits(max_connections=50)) as client,
        serving(config) as (first, dying),
        serving(config) as (second, _),
        ThreadPoolExecutor(50) as pool,
    ):
        both = [pool.submit(tell, url, request) for request in asked[:50] for url in (first, second)]
        assert [item.result() for item in both] == [200] * 100
        started = [pool.submit(tell, first, request) for request in asked[50:]]
        next(as_completed(started))
        dying.kill()
        assert {item.result() for item in started} <= {200, 0}
        again = [pool.submit(tell, second, request) for request in asked]
        assert [item.result() for item in again] == [200] * 100
    with open_store(f"sqlite:///{tmp_path / 'ltc.db'}") as store, store.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM delivery").scalar_one() == 100


def test_the_public_address_is_what_is_shown_and_a_secret_end_is_not(
    tmp_path: Path, forms: JiandaoyunServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORMS_PATH", "0123456789abcdef")
    config = settings(tmp_path, forms, webhook_secret=SECRET)
    config.write_text(
        config.read_text().replace("    connector:", "    webhook_path: ${env:FORMS_PATH}\n    connector:")
    )
    with serving(config, "--public-url", "https://hooks.example.com/ltc/") as (url, _):
        assert url == "https://hooks.example.com/ltc/webhooks/forms/…"


def test_unencrypted_listening_beyond_this_machine_is_refused(tmp_path: Path, forms: JiandaoyunServer) -> None:
    config = settings(tmp_path, forms, webhook_secret=SECRET)
    done = CliRunner().invoke(cli, ["--config", str(config), "serve", "--webhooks", "--host", "0.0.0.0"])
    assert done.exit_code == 2
    assert "--behind-proxy" in done.output


def test_where_no_system_tells_by_webhook_it_says_what_to_set(tmp_path: Path, forms: JiandaoyunServer) -> None:
    done = CliRunner().invoke(cli, ["--config", str(settings(tmp_path, forms)), "serve", "--webhooks"])
    assert done.exit_code == 1
    assert "webhook_secret" in done.output


def test_fetch_by_hand_reads_what_was_told(tmp_path: Path, forms: JiandaoyunServer) -> None:
    config = settings(tmp_path, forms, webhook_secret=SECRET)
    data_id = forms.people.submit(LEAD)
    with open_store(f"sqlite:///{tmp_path / 'ltc.db'}") as store, store.transaction() as connection:
        notices.note(connection, "forms", [Notice("lead", data_id)])
    done = CliRunner().invoke(cli, ["--config", str(config), "fetch", "--json"])
    assert done.exit_code == 0
    (stream,) = json.loads(done.stdout)["streams"]
    assert (stream["direction"], stream["counts"]["new"]) == ("fetch", 1)
