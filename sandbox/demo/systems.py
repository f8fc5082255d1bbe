"""Start and stop the process that holds the demo's systems."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.demo import config
from sandbox.demo.place import Place

_READY_SECONDS = 300.0
_STOP_SECONDS = 120.0
Say = Callable[[str], None]
_children: dict[int, subprocess.Popen[bytes]] = {}
"""Processes that this one started, so that their end is noticed."""


def up(folder: Path, say: Say = print) -> dict[str, Any]:
    """Bring the demo's systems up with the data they had (a new company if there is none) and leave them running.

    Returns their addresses. Raises ``RuntimeError`` with why, and the end of their log, if they do not start.
    """
    place = Place(folder.resolve())
    endpoints = start(place)
    config.renew(place, endpoints)
    say(f"The demo systems are up (process {_pid(place)}). Stop them with: ltc demo down")
    for name, system in endpoints.items():
        say(f"  {name:6} {system.get('base_url') or system.get('instance_url') or system['folder']}")
    say(f"Work on them with: ltc --config {_shown(place.settings)} status")
    return endpoints


def work(folder: Path, say: Say = print) -> None:
    """Let people change a few records in the demo's systems, which are brought up for it and left running.

    Raises ``RuntimeError`` if there is no demo, or its systems do not start.
    """
    from sandbox.demo import people

    place = Place(folder.resolve())
    if not place.settings.exists():
        raise RuntimeError(f"There is no demo in {_shown(place.root)}: make it with `ltc demo run` first.")
    endpoints = start(place)
    config.renew(place, endpoints)
    say("People of the demo company are at work:")
    if not people.work(endpoints, say):
        say("  They find nothing left to do. `ltc demo run` begins with a new company.")
        return
    say(f"Read it with: ltc --config {_shown(place.settings)} sync")
    say("Then look at the page Write-backs: three leads to write, one with a value of somebody else, one to decide.")


def down(folder: Path, say: Say = print) -> None:
    """Stop the demo's systems; their data stays."""
    place = Place(folder.resolve())
    if stop(place):
        say("The demo systems are stopped; their data is kept.")
    else:
        say("The demo systems are not running.")


def start(place: Place) -> dict[str, dict[str, Any]]:
    """Start the systems' process, or find it running, and wait until all answer; one that died starts all anew."""
    if _alive(place) and place.endpoints.exists():
        endpoints = _endpoints(place)
        if all(_listens(system) for system in endpoints.values()):
            return endpoints
        stop(place)
    place.systems.mkdir(parents=True, exist_ok=True)
    place.endpoints.unlink(missing_ok=True)
    with place.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.demo.serve", str(place.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    _children[process.pid] = process
    _pid_file(place).write_text(str(process.pid))
    deadline = time.monotonic() + _READY_SECONDS
    while not place.endpoints.exists():
        late = time.monotonic() > deadline
        if process.poll() is not None or late:
            stop(place)
            said = place.log.read_text(errors="replace")[-2000:].strip()
            what = f"are not ready after {_READY_SECONDS:.0f} s. Is the machine busy? Try again" if late else "ended"
            raise RuntimeError(f"The demo systems {what}{f': {said}' if said else '.'}")
        time.sleep(0.1)
    return _endpoints(place)


@contextmanager
def started(place: Place) -> Iterator[dict[str, dict[str, Any]]]:
    """The systems for the time of a block."""
    try:
        yield start(place)
    finally:
        stop(place)


def stop(place: Place) -> bool:
    """End the systems' process and wait until it has saved everything; false if it was not running."""
    pid = _pid(place)
    if pid is None or not _alive(place):
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _STOP_SECONDS
    while _alive(place):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.05)
    _pid_file(place).unlink(missing_ok=True)
    return True


def _pid_file(place: Place) -> Path:
    return place.systems / "pid"


def _pid(place: Place) -> int | None:
    file = _pid_file(place)
    return int(file.read_text()) if file.exists() else None


def _alive(place: Place) -> bool:
    pid = _pid(place)
    if pid is None:
        return False
    if pid in _children:
        return _children[pid].poll() is None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def _listens(system: dict[str, Any]) -> bool:
    """Whether somebody takes connections at the system's address; a folder always does."""
    address = urlsplit(system.get("base_url") or system.get("instance_url") or "")
    if address.hostname is None or address.port is None:
        return True
    try:
        socket.create_connection((address.hostname, address.port), timeout=5).close()
    except OSError:
        return False
    return True


def _endpoints(place: Place) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(place.endpoints.read_text())
    return found


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
