"""A stand-in Jiandaoyun with some leads, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import retry
from connectors.contract import Cursor, Page, RawRecord, Window
from connectors.jiandaoyun.connector import Jiandaoyun
from sandbox.jiandaoyun import JiandaoyunServer, start

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""When the first lead came in; one a minute after that."""

Connect = Callable[..., Jiandaoyun]


class Time:
    """The servers' and the windows' common clock, moved by the test."""

    def __init__(self) -> None:
        self.now = BEGIN + timedelta(days=30)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def window(self, **options: Any) -> Window:
        return Window(until=self.now - timedelta(seconds=5), **options)


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def server(clock: Time) -> Iterator[JiandaoyunServer]:
    with start() as running, retry.no_waiting():
        running.clock = clock
        yield running


@pytest.fixture
def leads(server: JiandaoyunServer) -> list[str]:
    """250 leads, and their ids in ascending order."""
    return [submit(server, number) for number in range(250)]


@pytest.fixture
def connect(server: JiandaoyunServer) -> Iterator[Connect]:
    """Makes connectors to the server with these settings changed."""
    with ExitStack() as stack:

        def make(**changes: Any) -> Jiandaoyun:
            config = Jiandaoyun.Config.model_validate({**server.config, **changes})
            assert config is not None
            return stack.enter_context(Opened(config))  # type: ignore[arg-type]

        yield make


class Opened(Jiandaoyun):
    """A connector that a context manager hands out as what it is."""

    def __enter__(self) -> Opened:
        return self


def submit(server: JiandaoyunServer, number: int, **values: Any) -> str:
    at = BEGIN + timedelta(minutes=number)
    data_id = f"{int(at.timestamp()):08x}{number:016x}"
    row = {
        "contact_name": f"联系人 {number}",
        "company_name": f"Company {number} GmbH",
        "email": f"lead{number}@example.com",
        "phone": {"phone": "13800001234"},
        "country": "CN",
        "source": "web",
        "status": "待分配",
        "submitted_at": at.isoformat(),
        **values,
    }
    return server.people.submit(row, at=at, data_id=data_id)


def pull_all(
    connector: Jiandaoyun, cursor: Cursor | None, window: Window, stream: str = "lead"
) -> tuple[dict[str, RawRecord], Cursor]:
    """Everything a pull brings, by id, and its last cursor."""
    found: dict[str, RawRecord] = {}
    last: Page | None = None
    for page in connector.pull(stream, cursor, window):
        assert last is None or not last.complete, "pages after the complete one"
        assert not page.rejected
        found.update({record.source_id: record for record in page.records})
        last = page
    assert last is not None
    assert last.complete
    return found, last.cursor
