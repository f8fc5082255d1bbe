"""A stand-in Odoo with a customer, a product and orders, and connectors to it by the shipped manifest."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import registry, retry
from connectors.contract import Connector, Cursor, RawRecord, Window
from sandbox.odoo import OdooServer, start
from sandbox.odoo.database import Database

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
        return Window(until=self.now - timedelta(seconds=5), **options)


class Company:
    """A customer, a product, and what people do with them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        country = database.add("res.country", code="DE", name="Germany")
        self.unit = database.add("uom.uom", name="Units")
        self.customer = database.add(
            "res.partner", name="Möller GmbH", ref="C-1", vat="de123", email="Info@moeller.example", country_id=country
        )
        self.product = database.add("product.product", name="Pump", default_code="PT-100", uom_id=self.unit)

    def order(self, quantity: float = 2, price: float = 617.25, **values: Any) -> int:
        """A sale order with a line and a note."""
        line = {"product_id": self.product, "product_uom_qty": quantity, "price_unit": price, "name": "Pump, blue"}
        return self.database.add(
            "sale.order",
            **{
                "partner_id": self.customer,
                "currency_id": self.database.company_currency,
                "date_order": "2026-10-01 07:30:00",
                "order_line": [
                    [0, 0, {**line, "product_uom_id": self.unit}],
                    [0, 0, {"display_type": "line_note", "name": "Thanks"}],
                ],
                **values,
            },
        )

    def lead(self, **values: Any) -> int:
        """A lead of the web site."""
        told = {"name": "Pumps wanted", "contact_name": "Wang Fang", "email_from": "wang@moeller.example"}
        return self.database.add("crm.lead", **{**told, "stage_id": 1, **values})


class Held:
    """What a stream has delivered so far, as the store would keep it."""

    def __init__(self, connector: Connector[Any], stream: str) -> None:
        self.connector = connector
        self.stream = stream
        self.records: dict[str, RawRecord] = {}
        self.cursor: Cursor | None = None
        self.pages = 0

    def pull(self, window: Window, pages: int | None = None) -> Held:
        """Pull, or stop after so many pages as a process does that is killed."""
        for number, page in enumerate(self.connector.pull(self.stream, self.cursor, window), 1):
            for record in page.records:
                known = self.records.get(record.source_id)
                if known is None or (record.version or 0) >= (known.version or 0):
                    self.records[record.source_id] = record
            self.cursor = page.cursor
            self.pages += 1
            if number == pages:
                break
        return self

    @property
    def ids(self) -> set[int]:
        return {int(key) for key in self.records}


@pytest.fixture
def clock() -> Time:
    return Time()


@pytest.fixture
def odoo(clock: Time) -> Iterator[OdooServer]:
    with start() as running, retry.no_waiting():
        running.database.clock = clock
        yield running


@pytest.fixture
def company(odoo: OdooServer) -> Company:
    return Company(odoo.database)


@pytest.fixture
def connect(odoo: OdooServer) -> Iterator[Connect]:
    """Makes connectors to the server with these settings changed."""
    with ExitStack() as stack:

        def made(**changes: Any) -> Connector[Any]:
            kind = registry.load("odoo")
            return stack.enter_context(kind(kind.Config.model_validate({**odoo.config, **changes})))

        yield made
