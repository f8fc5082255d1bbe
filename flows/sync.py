"""Run the whole job as a Prefect flow in this process: with a server if there is one, else with a temporary one."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from flows.environment import prepare
from state import runs
from sync.outcome import StreamOutcome
from sync.progress import Progress, Silent
from sync.result import SyncResult

_started: list[bool] = []


def run(
    settings_path: str | Path,
    *,
    flow: str = "sync",
    progress: Progress | None = None,
    actor: str = "ltc",
    **options: Any,
) -> SyncResult:
    """Do what ``sync.job.run_sync`` (or ``run_pull``, …) does, with the same result, and leave a flow run behind.

    ``flow`` is one of ``flows.jobs``, ``options`` its parameters; it is attended unless they say otherwise. With
    ``PREFECT_API_URL`` the run is recorded there. Without, a server is started for this process, which takes ten
    seconds the first time (twenty if it has no database yet), and ends with it. Raises ``StoreError``,
    ``SettingsError``.
    """
    path = Path(settings_path)
    temporary = prepare(path)
    progress = progress or Silent()
    if temporary and not _started:
        _start_server(progress)
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings

    from flows import jobs

    caller = jobs.Caller(progress, actor)
    if flow != "reconcile":
        options.setdefault("unattended", False)
    # Without heartbeats: nobody watches for this process to die, and waiting for their thread costs a second.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}), jobs.called_by(caller):
        state = getattr(jobs, flow)(config=str(path.absolute()), return_state=True, **options)
    if caller.result is None:
        state.result()  # it failed before there was a result: raises why
        raise RuntimeError("the flow ended without a result")
    return caller.result


def _start_server(progress: Progress) -> None:
    """Start the temporary server now, so that people see what they wait for; once in a process."""
    from prefect.server.api.server import SubprocessASGIServer

    _started.append(True)
    started = time.monotonic()
    outcome = StreamOutcome("prefect", "server", "start")
    progress.stream_started("prefect", "server", "start")
    note = Path(os.environ["PREFECT_HOME"]) / "temporary-server"
    stop_orphan(note)
    server = SubprocessASGIServer()
    server.start()
    if server.server_process is not None:
        note.write_text(f"{runs.this_process()}\n{runs.process(server.server_process.pid)}\n")
    outcome.status, outcome.seconds = "done", time.monotonic() - started
    progress.stream_done(outcome)


def stop_orphan(note: Path) -> None:
    """Stop the server of a process that was killed and could not stop it itself; ``note`` names both."""
    if not note.exists():
        return
    owner, _, server = note.read_text().strip().partition("\n")
    if runs.is_dead(owner) and server and not runs.is_dead(server):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(int(server.split(":")[1]), signal.SIGTERM)
    note.unlink()
