"""Try a mapping on records in a process of its own, within limits of time and memory."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from state.lookup import Sample

CPU_SECONDS = 5
"""Of the process: what a mapping needs for all records is a fraction of one."""
SECONDS = 60.0
"""On the clock, on a machine that has little time for it."""
LARGEST = 256_000
"""Bytes of a file that is tried."""
_AT_ONCE = 2
_PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
"""Variables of ours that it may see; the others may hold secrets."""

_turns = threading.BoundedSemaphore(_AT_ONCE)


class Broken(Exception):
    """A mapping could not be tried; ``key`` says why: it takes too long or too much, or others are being tried."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def tried(
    system: str,
    source: str | Path,
    records: Mapping[str, Sequence[Sample]],
    shown: tuple[str, str],
    *,
    text: str | None = None,
    file: Path | None = None,
    stored: Mapping[str, Sequence[Sample]] | None = None,
    beside: Mapping[str, Sequence[Sample]] | None = None,
    table: tuple[int, int] = (0, 0),
    zone: str = "UTC",
) -> dict[str, Any]:
    """What ``console.trying.answer`` says. ``file`` is where ``text`` would stand. Raises ``Broken``."""
    if text is not None and len(text.encode()) > LARGEST:
        raise Broken("large")
    asked = {
        "system": system,
        "source": str(source),
        "text": text,
        "name": file.name if file else "",
        "folder": str(file.parent.resolve()) if file else "",
        "records": _encoded(records),
        "shown": shown,
        "stored": _encoded(stored or {}),
        "beside": _encoded(beside or {}),
        "table": table,
        "zone": zone,
    }
    if not _turns.acquire(timeout=SECONDS):
        raise Broken("busy")
    try:
        return carried_out(asked)
    finally:
        _turns.release()


def words(spec: Any, samples: Sequence[Sample], listed: Sequence[str], private: Iterable[str]) -> dict[str, int]:
    """Which words the source of a status (``spec``, as in a file) finds in records, and in how many; none where it
    cannot be used. What may be about a person (all of the ``private`` source fields) is left out, unless it is
    ``listed``. Raises ``Broken``."""
    if not _turns.acquire(timeout=SECONDS):
        raise Broken("busy")
    try:
        asked = {"words": spec, "listed": list(listed), "private": sorted(private)}
        found = carried_out({**asked, "records": _encoded({"": samples})})
    finally:
        _turns.release()
    counted: dict[str, int] = found["words"]
    return counted


def _encoded(records: Mapping[str, Sequence[Sample]]) -> dict[str, list[tuple[str, str]]]:
    return {
        stream: [(item.source_id, base64.b64encode(item.body).decode()) for item in samples]
        for stream, samples in records.items()
    }


def carried_out(asked: dict[str, Any]) -> dict[str, Any]:
    """Ask the other process; raises ``Broken``."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            [sys.executable, "-P", "-m", "console.trying", str(CPU_SECONDS)],
            input=json.dumps(asked),
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            env=environment(),
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Broken("slow") from None
    if done.returncode:
        raise Broken("slow" if done.returncode < 0 else "failed")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def environment() -> dict[str, str]:
    """What a process of ours sees that needs no secrets. It finds modules where this one does, and nowhere before: a
    file beside the program that is called like one of Python's own would be taken for that."""
    given = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    if "PYTHONPATH" in os.environ:
        folders = [str(Path(part).resolve()) for part in os.environ["PYTHONPATH"].split(os.pathsep) if part]
        given["PYTHONPATH"] = os.pathsep.join(folders)
    return {**given, "PYTHONUTF8": "1"}
