"""One Prefect server for all tests of the flows, in its own folder; Prefect is imported only by who asks for it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from flows import environment
from settings.model import Settings
from tests.jobs import company
from tests.jobs.conftest import crm, erp, settings, systems, toys

__all__ = ["crm", "erp", "settings", "systems", "toys"]

ROOT = Path(__file__).parents[2]
SITE = Path(__file__).parent / "site"
START_SECONDS = 90


@pytest.fixture(scope="session")
def prefect_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server; this process and those it starts use it."""
    home = tmp_path_factory.mktemp("prefect")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/api"
    ours = {**environment.QUIET, "PREFECT_HOME": str(home), "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "90"}
    before = {name: os.environ.get(name) for name in (*ours, "PREFECT_API_URL")}
    os.environ.update(ours)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(port)]
    with _running(command, {**os.environ, "PREFECT_SERVER_LOGGING_LEVEL": "ERROR"}, home / "server.log"):
        wait_for(lambda: _is_up(url), START_SECONDS, "the Prefect server")
        os.environ["PREFECT_API_URL"] = url
        from prefect.settings import PREFECT_API_URL, PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

        with temporary_settings({PREFECT_API_URL: url, PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            yield url
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture
def prefect_process() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a command of Prefect's CLI where ltc-sync lies, and returns what it said."""

    def run(*arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "prefect", "--no-prompt", *arguments]
        env = {**os.environ, **extra}
        return subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=120, check=True)

    return run


@pytest.fixture
def worker(prefect_api: str, tmp_path: Path) -> Iterator[None]:
    """A process worker of the pool ``ltc``; its flow runs know the toy connector."""
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "ltc", "--type", "process", "--limit", "2"]
    with _running(command, {**os.environ, "PYTHONPATH": f"{SITE}:{ROOT}"}, tmp_path / "worker.log"):
        yield


@contextmanager
def _running(command: list[str], env: dict[str, str], log: Path) -> Iterator[None]:
    with log.open("w") as out, subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def _is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def wait_for(done: Callable[[], bool], seconds: float, what: str) -> None:
    """Look again and again until ``done`` says yes."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {seconds} s")
        time.sleep(0.25)


@pytest.fixture
def config(settings: Settings) -> Path:
    """The ltc.yaml of the toy company."""
    return settings.path


__all__ += ["company", "config", "prefect_api", "prefect_process", "wait_for", "worker"]
