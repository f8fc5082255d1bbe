"""A process that a shell script puts in the background has Ctrl-C ignored; SIGTERM ends it all the same."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import pytest

from sandbox.acme import TOKEN, Acme, start
from sandbox.http import Server
from sandbox.jiandaoyun import start as start_forms
from tests.connectors.jiandaoyun.test_webhook import SECRET
from tests.console.test_connectors_try import TUTORIAL
from tests.console.test_serve import settings
from tests.docs.pages import blocks

_SCRIPT = '"$@" & echo "pid $!"; wait $!; echo "code $?"'
"""A script's background: without job control its shell starts the process with SIGINT ignored."""


@contextmanager
def background(folder: Path, *arguments: str) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The process id of an ``ltc`` that a script has put in the background, and the script."""
    command = ["/bin/sh", "-c", _SCRIPT, "sh", str(Path(sys.executable).with_name("ltc")), *arguments]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "ACME_TOKEN": TOKEN, "LTC_ENGINE": "local"}
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as script:
        assert script.stdout is not None
        pid = int(script.stdout.readline().removeprefix("pid "))
        try:
            yield pid, script
        finally:
            if script.poll() is None:
                os.kill(pid, signal.SIGKILL)


def ended(script: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code of what was in the background, and what it said."""
    said, _ = script.communicate(timeout=30)
    found = re.search(r"code (\d+)\n$", said)
    assert found is not None, said
    return int(found[1]), said


@pytest.fixture
def acme(tmp_path: Path) -> Iterator[Server]:
    """Acme with three pages of orders, the only system of an ltc.yaml."""
    files = {block.title: block.text for block in blocks(TUTORIAL.read_text("utf-8")) if block.title}
    with start(Acme(120)) as server:
        (tmp_path / "acme.yaml").write_text(files["acme.yaml"].replace("http://127.0.0.1:8765", server.base_url))
        (tmp_path / "acme.mapping.yaml").write_text(files["acme.mapping.yaml"])
        system = "{connector: acme.yaml, roles: [erp], config: {token: '${env:ACME_TOKEN}'}}"
        (tmp_path / "ltc.yaml").write_text(f"version: 1\nsystems:\n  acme: {system}\n")
        yield server


@pytest.mark.parametrize("command", ["sync", "pull"])
def test_sigterm_ends_a_sync_in_the_background_after_its_page_and_the_next_one_goes_on(
    acme: Server, tmp_path: Path, command: str
) -> None:
    pids: SimpleQueue[int] = SimpleQueue()
    acme.faults.meanwhile("GET /api/orders", lambda: os.kill(pids.get(timeout=30), signal.SIGTERM), skip=1)
    with background(tmp_path, command) as (pid, script):
        pids.put(pid)
        code, said = ended(script)
    asked = len(acme.requests("GET /api/orders"))
    assert (code, asked < 4) == (3, True), said
    with background(tmp_path, command) as (_, script):
        code, said = ended(script)
    assert code == 0, said


def test_ctrl_c_that_is_meant_for_the_script_does_not_end_what_it_put_in_the_background(
    acme: Server, tmp_path: Path
) -> None:
    pids: SimpleQueue[int] = SimpleQueue()
    acme.faults.meanwhile("GET /api/orders", lambda: os.kill(pids.get(timeout=30), signal.SIGINT), skip=1)
    with background(tmp_path, "pull") as (pid, script):
        pids.put(pid)
        code, said = ended(script)
    assert code == 0, said
    assert "120 new" in said


def test_sigterm_ends_the_webhooks_server_in_the_background(tmp_path: Path) -> None:
    with start_forms() as forms:
        settings(tmp_path, forms, webhook_secret=SECRET)
        with background(tmp_path, "serve", "--webhooks", "--port", "0") as (pid, script):
            assert script.stdout is not None
            assert script.stdout.readline().startswith("forms: ")
            os.kill(pid, signal.SIGTERM)
            code, said = ended(script)
    assert code == 0, said
