"""One real Tryton for all tests here; each test gets a fresh copy of a small seeded database under it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from connectors.contract import Cursor, RawRecord, Window
from connectors.tryton.config import TrytonConfig
from connectors.tryton.connector import Tryton
from sandbox.postgres import Postgres
from sandbox.tryton import load, server
from sandbox.tryton.client import Client
from sandbox.world.records import ErpDelivery, ErpOrder, ErpParty, Product, SalesLine, World


def line(sku: str, quantity: str, price: str, tax_rate: str = "0.13") -> SalesLine:
    return SalesLine(sku, f"Goods {sku}", Decimal(quantity), "piece", Decimal(price), Decimal(tax_rate))


def order(number: str, state: str, *lines: SalesLine, **more: Any) -> ErpOrder:
    values: dict[str, Any] = {
        "key": f"D{number}",
        "number": number,
        "party_key": "C1",
        "quote_number": f"Q-{number[-1:]}",
        "currency": "CNY",
        "order_date": date(2026, 3, 2),
        "promised_date": date(2026, 3, 20),
        "state": state,
        "lines": list(lines),
    }
    return ErpOrder(**{**values, **more})


@pytest.fixture(scope="session")
def world() -> World:
    """Five orders that show every state the demo has."""
    two = {0: Decimal(10), 1: Decimal(3)}
    orders = [
        order(
            "SO-00001",
            "processing",
            line("AA-1", "10", "12.50"),
            line("BB-2", "3", "100"),
            deliveries=[ErpDelivery(date(2026, 3, 18), two)],
            payment_note="paid",
        ),
        order(
            "SO-00002",
            "processing",
            line("AA-1", "4", "1500", "0"),
            line("BB-2", "2", "999", "0"),
            currency="JPY",
            party_key="C2",
            deliveries=[
                ErpDelivery(date(2026, 3, 10), {0: Decimal(1), 1: Decimal(2)}),
                ErpDelivery(None, {0: Decimal(3)}),
            ],
        ),
        order("SO-00003", "quotation", line("BB-2", "5", "98.5")),
        order(
            "SO-00004",
            "cancelled",
            line("AA-1", "7", "12"),
            cancelled_after_delivery=True,
            deliveries=[ErpDelivery(date(2026, 3, 19), {0: Decimal(7)})],
        ),
        order("", "draft", line("AA-1", "1", "12.5"), quote_number=""),
    ]
    parties = [
        ErpParty("C1", "杭州远达公司", "", "a@yuanda.example", "+8613900000001", "CN", "杭州", "310000", "文三路1号"),
        ErpParty("C2", "Kitano K.K.", "T123", "b@kitano.example", "+81312345678", "JP", "Kobe", "650-0001", "1 Main"),
    ]
    products = [
        Product("AA-1", "传感器 Sensor", "piece", Decimal("12.50")),
        Product("BB-2", "阀 Valve", "piece", Decimal(100)),
    ]
    filled = {"products": products, "erp_parties": parties, "erp_orders": orders}
    parts: dict[str, Any] = {name: filled.get(name, []) for name in World.__dataclass_fields__}
    return World(**{**parts, "seed": 1, "as_of": datetime(2026, 3, 31, tzinfo=UTC)})


@pytest.fixture(scope="session")
def seeded(postgres: Postgres, world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[server.Tryton]:
    """The running server; its database is replaced before each test."""
    server.restore(postgres, "tryton", server.EMPTY_DUMP)
    running = server.Tryton(tmp_path_factory.mktemp("tryton"), postgres, "tryton", 0)
    running.serve()
    try:
        with running.client() as client:
            load.load(client, world, lambda _text: None)
        postgres.replace("tryton_seeded", "tryton")
        yield running
    finally:
        running.stop_serving()


class Spares:
    """Keeps one copy of the seeded database ready, made while a test runs."""

    def __init__(self, postgres: Postgres, pool: ThreadPoolExecutor) -> None:
        self._postgres, self._pool = postgres, pool
        self._ready = pool.submit(self._make)

    def put_under(self, database: str) -> None:
        self._ready.result()
        self._postgres.drop(database)
        self._postgres.rename("tryton_spare", database)
        self._ready = self._pool.submit(self._make)

    def _make(self) -> None:
        self._postgres.create("tryton_spare", "tryton_seeded")


@pytest.fixture(scope="session")
def spares(seeded: server.Tryton) -> Iterator[Spares]:
    with ThreadPoolExecutor(1) as pool:
        yield Spares(seeded.postgres, pool)


@pytest.fixture
def tryton(seeded: server.Tryton, spares: Spares, touched: set[str]) -> server.Tryton:
    """The server with the small world as it was seeded."""
    if touched:
        spares.put_under(seeded.database)
        touched.clear()
    return seeded


@pytest.fixture(scope="session")
def touched() -> set[str]:
    """Who has worked in the database since it was put there."""
    return set()


@pytest.fixture
def people(tryton: server.Tryton, touched: set[str]) -> Iterator[Client]:
    """Somebody who works in Tryton and may change anything."""
    touched.add("people")
    with tryton.client() as client:
        yield client


@pytest.fixture
def connect(tryton: server.Tryton) -> Iterator[Callable[..., Tryton]]:
    """Makes connectors to the server, with other settings where given."""
    opened: list[Tryton] = []

    def make(**settings: object) -> Tryton:
        values = {
            "base_url": tryton.base_url,
            "database": tryton.database,
            "user": tryton.user,
            "password": tryton.password,
            "calls_per_second": 1000,
        }
        opened.append(Tryton(TrytonConfig.model_validate({**values, **settings})))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


@pytest.fixture
def connector(connect: Callable[..., Tryton]) -> Tryton:
    return connect()


class Puller:
    """Pulls streams one after the other as a job would, keeping the cursor."""

    def __init__(self) -> None:
        self.cursors: dict[str, Cursor] = {}

    def __call__(self, connector: Tryton, stream: str, **window: object) -> dict[str, RawRecord]:
        """Everything one finished pull brings, by id; a later copy of a record replaces an earlier one."""
        found: dict[str, RawRecord] = {}
        until = Window(until=datetime.now(UTC), **window)  # type: ignore[arg-type]
        for page in connector.pull(stream, self.cursors.get(stream), until):
            found |= {record.source_id: record for record in page.records}
            self.cursors[stream] = page.cursor
            last = page
        assert last.complete
        return found


@pytest.fixture
def pull() -> Puller:
    return Puller()
