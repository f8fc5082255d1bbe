"""A folder to put files into, and the connector that reads it."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.contract import CheckLine, Cursor, Page, RejectedRecord, Window
from connectors.files.config import FilesConfig
from connectors.files.connector import Files
from connectors.waiting import no_waiting, now_us

OLD = 1_767_225_600.0
"""2026-01-01 00:00 UTC: a file of that time has settled long ago."""


class Desk:
    """A folder, one stream of it named ``order``, and what was pulled so far."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cursor: Cursor | None = None

    def put(self, name: str, content: str | bytes, *, at: float = OLD) -> Path:
        """Write a file, last changed so many seconds after the epoch."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        os.utime(path, (at, at))
        return path

    def files(self, **settings: Any) -> Files:
        """The connector; what is no setting of the whole is one of the stream."""
        whole = {name: settings.pop(name) for name in ("limits", "settle_seconds") if name in settings}
        stream = {"pattern": "*", "entity": "order", "key": ["id"], **settings}
        return Files(FilesConfig.model_validate({"folder": str(self.folder), "streams": {"order": stream}, **whole}))

    def pages(self, **settings: Any) -> list[Page]:
        """Pull from the cursor on, keep the new cursor."""
        pages = list(self.files(**settings).pull("order", self.cursor, window()))
        self.cursor = json.loads(json.dumps(pages[-1].cursor))
        assert pages[-1].complete
        return pages

    def pull(self, **settings: Any) -> list[dict[str, Any]]:
        """The records of a pull, as objects; nothing may be rejected."""
        pages = self.pages(**settings)
        assert refusals(pages) == []
        return [json.loads(record.body) for page in pages for record in page.records]

    def check(self, **settings: Any) -> CheckLine:
        """What ``ltc check`` says of the stream."""
        [line] = self.files(**settings).check()
        return line


def window(**more: Any) -> Window:
    return Window(datetime.fromtimestamp(now_us() / 1e6, UTC) - timedelta(seconds=5), **more)


def rejects(pages: list[Page]) -> list[RejectedRecord]:
    return [item for page in pages for item in page.rejected]


def refusals(pages: list[Page]) -> list[str]:
    return [item.reason for item in rejects(pages)]


def ids(pages: list[Page]) -> list[str]:
    return [record.source_id for page in pages for record in page.records]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    folder = tmp_path / "exports"
    folder.mkdir()
    return Desk(folder)


@pytest.fixture(autouse=True)
def time_goes_by() -> Iterator[None]:
    """What is waited for is not waited for; the clock goes on all the same."""
    with no_waiting():
        yield
