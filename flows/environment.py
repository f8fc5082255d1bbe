"""How Prefect is to behave, said before it is imported: no telemetry, little noise, its own folder."""

from __future__ import annotations

import os
from pathlib import Path

QUIET = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_LOGGING_TO_API_ENABLED": "false",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
}
"""For every process of ours that has Prefect in it: what fails we say ourselves. A variable that is set stays."""

WORKER = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "false",
    "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
}
"""For flow runs that a worker starts: never a server of their own; heartbeats, so that a dead one is noticed."""

TEMPORARY_SERVER = {
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
    "PREFECT_SERVER_LOGGING_LEVEL": "CRITICAL",
    "PREFECT_SERVER_SERVICES_SCHEDULER_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_LATE_RUNS_ENABLED": "false",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_READ_BATCH_SIZE": "100",
    "PREFECT_SERVER_SERVICES_TASK_RUN_RECORDER_FLUSH_INTERVAL": "1",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_BATCH_SIZE": "500",
    "PREFECT_SERVER_SERVICES_EVENT_PERSISTER_READ_BATCH_SIZE": "100",
}
"""For the server that ``flows.sync.run`` starts when there is none: time to start, and small writes in bulk."""


def prepare(settings_path: Path) -> bool:
    """Set what is not set yet; returns whether a temporary server has to be started.

    With no ``PREFECT_API_URL`` its database lies in ``.prefect`` beside ltc.yaml. Call it before importing Prefect.
    """
    temporary = not os.environ.get("PREFECT_API_URL")
    wanted = dict(QUIET)
    if temporary:
        home = settings_path.absolute().parent / ".prefect"
        home.mkdir(exist_ok=True)
        wanted |= {**TEMPORARY_SERVER, "PREFECT_HOME": str(home)}
    for name, value in wanted.items():
        os.environ.setdefault(name, value)
    return temporary
