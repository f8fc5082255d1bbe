"""A stand-in ERPNext with a customer and an item, and connectors to it by the shipped manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import registry, retry
from connectors.contract import Connector, Cursor, RawRecord, Window
from sandbox.erpnext import ErpnextServer, start
from sandbox.erpnext.server import WEBHOOK_SECRET

BEGIN = datetime(2026, 10, 1, 8, 0, 0, 250_000, tzinfo=UTC)

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
        return Window(until=self.now - timedelta(seconds=5), **options)


class Held:
    """What a stream has delivered so far, as the store would keep it."""

    def __init__(self, connector: Connector[Any], stream: str = "order") -> None:
        self.connector = connector
        self.stream = stream
        self.records: dict[str, RawRecord] = {}
        self.deleted: set[str] = set()
        self.cursor: Cursor | None = None

    def pull(self, window: Window, pages: int | None = None) -> Held:
        """Pull, or stop after so many pages as a process does that is killed."""
        for number, page in enumerate(self.connector.pull(self.stream, self.cursor, window), 1):
            for record in page.records:
                known = self.records.get(record.source_id)
                if known is None or (record.version or 0) >= (known.version or 0):
                    self.records[record.source_id] = record
            self.deleted |= set(page.deleted_ids)
            self.cursor = page.cursor
            if number == pages:
                break
        return self


def order(server: ErpnextServer, quantity: float = 2, **values: Any) -> str:
    """A draft order with one line."""
    item = {"item_code": "PT-100", "item_name": "Pump", "qty": quantity, "uom": "Nos", "rate": 617.25}
    told = {"customer": "Möller GmbH", "transaction_date": "2026-10-01", "currency": "EUR", "items": [item]}
    return server.site.add("Sales Order", **{**told, **values})


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def erpnext(clock: Time) -> Iterator[ErpnextServer]:
    with start() as running, retry.no_waiting():
        running.site.clock = clock
        running.site.add("Customer", customer_name="Möller GmbH", tax_id="de123", email_id="Info@moeller.example")
        running.site.add("Item", item_code="PT-100", item_name="Pump")
        yield running


@pytest.fixture
def connect(erpnext: ErpnextServer) -> Iterator[Connect]:
    """Makes connectors to the server with these settings changed."""
    with ExitStack() as stack:

        def made(**changes: Any) -> Connector[Any]:
            kind = registry.load("erpnext")
            config = {**erpnext.config, "webhook_secret": WEBHOOK_SECRET, **changes}
            return stack.enter_context(kind(kind.Config.model_validate(config)))

        yield made
