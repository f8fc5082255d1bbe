"""A tap that plays what a test wrote down for it, and keeps a log of how it was run. Needs Python alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any


def option(name: str) -> str | None:
    """The value after an option, if it was given."""
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def content(path: str | None) -> Any:
    return None if path is None else json.loads(Path(path).read_text())


def play(step: dict[str, Any], config_path: str) -> None:
    """One step: something written to standard output or error, or an end of some kind."""
    for number in range(step.get("times", 1)):
        if "out" in step:
            sys.stdout.write(step["out"].replace("%d", str(number)))
        if "err" in step:
            sys.stderr.write(step["err"].replace("%d", str(number)))
    if step.get("flush", True):
        sys.stdout.flush()
    if "settings" in step:
        Path(config_path).write_text(json.dumps(step["settings"]))
    if "child" in step:
        code = (
            "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); signal.pause()"
        )
        child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        Path(step["child"]).write_text(str(child.pid))
    if "deaf" in step:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "close" in step:
        os.close(1)
    if "hang" in step:
        signal.pause()
    if "kill" in step:
        os.kill(os.getpid(), signal.SIGKILL)
    if "exit" in step:
        sys.stdout.flush()
        os._exit(step["exit"])


def main() -> None:
    config_path = option("--config")
    assert config_path is not None
    folder = Path(sys.argv[1])
    with (folder / "log").open("a") as log:
        run = {
            "pid": os.getpid(),
            "argv": sys.argv[2:],
            "environment": dict(os.environ),
            "config": content(config_path),
            "mode": oct(Path(config_path).stat().st_mode & 0o777),
            "folder_mode": oct(Path(config_path).parent.stat().st_mode & 0o777),
            "state": content(option("--state")),
            "catalog": content(option("--catalog") or option("--properties")),
        }
        log.write(json.dumps(run) + "\n")
    script = "discover" if "--discover" in sys.argv else "sync"
    for step in json.loads((folder / script).read_text()):
        play(step, config_path)


main()
