"""A stand-in Typeform with one form, and connectors to it by the shipped manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import registry, retry
from connectors.contract import Connector, Cursor, RawRecord, Window
from sandbox.typeform import SECRET, TypeformServer, start

BEGIN = datetime(2026, 10, 1, 8, 0, tzinfo=UTC)

Connect = Callable[..., Connector[Any]]


class Time:
    """The server's and the windows' common clock, moved by the test."""

    def __init__(self) -> None:
        self.now = BEGIN

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    def window(self, **options: Any) -> Window:
        return Window(until=self.now - timedelta(seconds=30), **options)


class Held:
    """What the form's stream has delivered so far."""

    def __init__(self, connector: Connector[Any]) -> None:
        self.connector = connector
        self.records: dict[str, RawRecord] = {}
        self.cursor: Cursor | None = None

    def pull(self, window: Window, pages: int | None = None) -> Held:
        """Pull, or stop after so many pages as a process does that is killed."""
        for number, page in enumerate(self.connector.pull("response", self.cursor, window), 1):
            self.records |= {record.source_id: record for record in page.records}
            self.cursor = page.cursor
            if number == pages:
                break
        return self


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def typeform(clock: Time) -> Iterator[TypeformServer]:
    with start() as running, retry.no_waiting():
        running.clock = clock
        yield running


@pytest.fixture
def connect(typeform: TypeformServer) -> Iterator[Connect]:
    """Makes connectors to the server with these settings changed."""
    with ExitStack() as stack:

        def made(**changes: Any) -> Connector[Any]:
            kind = registry.load("typeform")
            config = {**typeform.config, "webhook_secret": SECRET, **changes}
            return stack.enter_context(kind(kind.Config.model_validate(config)))

        yield made
