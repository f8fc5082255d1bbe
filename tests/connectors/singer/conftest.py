"""A tap that does what a test says, and a Singer connector that runs it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import Cursor, Page, Window
from connectors.errors import ConnectorError
from connectors.singer.config import SingerConfig
from connectors.singer.connector import Singer

SECRET = "correct horse battery"
"""Words in small letters: nothing but knowing it tells that it is a secret."""

PLAYER = Path(__file__).with_name("player.py")


def line(kind: str, **more: Any) -> dict[str, Any]:
    """A step that sends a message."""
    return {"out": json.dumps({"type": kind, **more}) + "\n"}


def schema(*keys: str, stream: str = "orders", bookmark: str | None = "updated_at") -> dict[str, Any]:
    """A step that sends the stream's schema."""
    more = {"bookmark_properties": [bookmark]} if bookmark else {}
    return line("SCHEMA", stream=stream, schema={"type": "object"}, key_properties=list(keys), **more)


def record(number: int, /, stream: str = "orders", **fields: Any) -> dict[str, Any]:
    """A step that sends one order."""
    row = {"id": number, "updated_at": f"2026-01-01T00:00:{number % 60:02}Z", **fields}
    return line("RECORD", stream=stream, record=row)


def state(value: Any) -> dict[str, Any]:
    """A step that sends a state."""
    return line("STATE", value=value)


def entry(name: str = "orders", *fields: str, **metadata: Any) -> dict[str, Any]:
    """A stream in a catalog."""
    names = fields or ("id", "updated_at", "note")
    return {
        "tap_stream_id": name,
        "stream": name,
        "schema": {"type": "object", "properties": {field: {"type": "string"} for field in names}},
        "metadata": [{"breadcrumb": [], "metadata": {"table-key-properties": ["id"], **metadata}}],
    }


class Stage:
    """The tap's script and log, and a connector for it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.discovers(entry("orders"), entry("customers"))
        self.plays()

    def plays(self, *steps: dict[str, Any]) -> None:
        """What the tap does when it is to sync."""
        (self.folder / "sync").write_text(json.dumps(steps))

    def discovers(self, *entries: dict[str, Any], steps: list[dict[str, Any]] | None = None) -> None:
        """What the tap does when it is to discover."""
        printed = [{"out": json.dumps({"streams": entries})}] if steps is None else steps
        (self.folder / "discover").write_text(json.dumps(printed))

    def singer(self, *, stream: dict[str, Any] | None = None, **settings: Any) -> Singer:
        """A connector with one stream, ``order``."""
        given = {
            "executable": sys.executable,
            "arguments": ["-S", str(PLAYER), str(self.folder)],
            "config": {"token": SECRET},
            "streams": {"order": {"stream": "orders", "entity": "order", **(stream or {})}},
            "timeout_seconds": 30,
            **settings,
        }
        return Singer(SingerConfig.model_validate(given))

    def pull(self, singer: Singer, cursor: Cursor | None = None, **window: Any) -> list[Page]:
        """Every page of one pull."""
        return list(singer.pull("order", cursor, Window(datetime.now(UTC), **window)))

    def attempt(self, singer: Singer, cursor: Cursor | None = None) -> tuple[list[Page], ConnectorError]:
        """What a pull delivers before it fails, and how."""
        pages: list[Page] = []
        try:
            for page in singer.pull("order", cursor, Window(datetime.now(UTC))):
                pages.append(page)
        except ConnectorError as error:
            return pages, error
        pytest.fail("the pull did not fail")

    @property
    def runs(self) -> list[dict[str, Any]]:
        """How the tap was run, in order, discovery included."""
        path = self.folder / "log"
        return [json.loads(item) for item in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture(autouse=True)
def temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Temporary files of the connector go to a folder of the test's own."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    return folder


@pytest.fixture
def stage(tmp_path: Path, temporary_files: Path) -> Iterator[Stage]:
    """A stage; whatever a test did, no tap runs on after it and none of its settings are left on disk."""
    folder = tmp_path / "stage"
    folder.mkdir()
    made = Stage(folder)
    yield made
    assert [run["pid"] for run in made.runs if is_running(run["pid"])] == []
    assert list(temporary_files.iterdir()) == []


def is_running(pid: int) -> bool:
    """Whether there is such a process, be it only a zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
