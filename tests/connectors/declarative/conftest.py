"""An order desk, and connectors to it by manifests that differ in a few lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from connectors import retry
from connectors.contract import Cursor, Page, RawRecord, Window
from connectors.declarative.connector import Declared, connector_of
from sandbox.http import Server
from tests.connectors.declarative.desk import TOKEN, Desk

MANIFEST = """
version: 1
name: desk
about: A made-up order desk
settings:
  token: {type: secret, about: Settings › API}
auth: {bearer: "{config.token}"}
errors:
  - {status: 200, when: "error.code == 'throttled'", is: transient, done: false}
  - {status: 200, when: "error.code == 'stale'", is: conflict}
  - {status: 200, when: "error.code == 'gone'", is: missing}
  - {status: 200, when: error, is: record, message: error.text}
streams:
  order:
    entity: order
    list: {get: /orders, query: {since: "{since}", until: "{until}", page: "{page}", size: "{size}"}}
    records: result.rows
    key: id
    version: {field: changed, format: milliseconds}
    incremental: {overlap: 60}
    paging: {by: page, size: 20, more: result.more}
    one: {get: "/orders/{id}", record: result}
    writable: [status, note]
    update: {post: "/orders/{id}", body: {set: "{values}", lock: "{record.lock}"}}
    deletes: sweep
"""

Connect = Callable[..., Declared]


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def server(desk: Desk) -> Iterator[Server]:
    with desk.open() as running, retry.no_waiting():
        yield running


@pytest.fixture
def connect(server: Server, tmp_path: Path) -> Iterator[Connect]:
    """Makes connectors by the manifest with these entries of its stream changed; ``None`` takes one away."""
    with ExitStack() as stack:

        def made(config: dict[str, Any] | None = None, top: dict[str, Any] | None = None, **stream: Any) -> Declared:
            said = yaml.safe_load(MANIFEST)
            said.update(top or {})
            orders = said["streams"]["order"]
            for name, value in stream.items():
                orders.update({name: value})
                if value is None:
                    del orders[name]
            path = tmp_path / "desk.yaml"
            path.write_text(yaml.safe_dump(said, sort_keys=False))
            kind = connector_of(path)
            given = {"base_url": f"{server.base_url}/api", "token": TOKEN, **(config or {})}
            return stack.enter_context(kind(kind.Config.model_validate(given)))  # type: ignore[arg-type,return-value]

        yield made


def window(desk: Desk, **options: Any) -> Window:
    """Up to five seconds before the desk's now."""
    return Window(until=datetime.fromtimestamp(desk.now / 1000 - 5, UTC), **options)


class Reader:
    """What a stream has delivered so far, as the store would keep it."""

    def __init__(self, connector: Declared, desk: Desk, stream: str = "order") -> None:
        self.connector = connector
        self.desk = desk
        self.stream = stream
        self.held: dict[str, RawRecord] = {}
        self.deleted: set[str] = set()
        self.cursor: Cursor | None = None

    def take(self, page: Page) -> None:
        for record in page.records:
            known = self.held.get(record.source_id)
            if known is None or (record.version or 0) >= (known.version or 0):
                self.held[record.source_id] = record
        self.deleted |= set(page.deleted_ids)
        self.cursor = page.cursor

    def pull(self, pages: int | None = None, **options: Any) -> Reader:
        """Pull, or stop after so many pages as a process does that is killed."""
        for number, page in enumerate(self.connector.pull(self.stream, self.cursor, window(self.desk, **options)), 1):
            self.take(page)
            if number == pages:
                break
        return self

    @property
    def ids(self) -> set[int]:
        return {int(key) for key in self.held}
