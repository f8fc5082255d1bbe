"""A running stand-in with a few documents, checked against Xero's own document where that is at hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from connectors import retry
from connectors.contract import Change, Cursor, Page, PushResult, RawRecord, Window
from connectors.xero.config import XeroConfig
from connectors.xero.connector import Xero
from sandbox.xero import XeroServer
from sandbox.xero.records import Contact, Document, Line
from tests.connectors.published import START, Clock, allowed, at_hand, wrapped
from tests.connectors.xero.openapi_check import OpenApiCheck

Connect = Callable[..., Xero]


@pytest.fixture(scope="session")
def openapi() -> OpenApiCheck | None:
    """The check, or ``None`` where Xero's document is not beside this checkout."""
    return at_hand(OpenApiCheck, "xero", "xero_accounting.yaml")


@pytest.fixture(scope="session")
def _time() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def _checked(_time: Clock, openapi: OpenApiCheck | None) -> Iterator[XeroServer]:
    with XeroServer(clock=_time, wrap=wrapped(openapi)) as server:
        yield server


@pytest.fixture(scope="session")
def _plain(_time: Clock) -> Iterator[XeroServer]:
    with XeroServer(clock=_time) as server:
        yield server


@pytest.fixture
def clock(_time: Clock) -> Clock:
    """The stand-ins' time."""
    _time.now = START
    return _time


@pytest.fixture
def xero(clock: Clock, _checked: XeroServer, openapi: OpenApiCheck | None) -> Iterator[XeroServer]:
    """An empty stand-in; the test fails if an exchange breaks Xero's document."""
    _checked.clear()
    _checked.access.limits.minute = 100_000
    with allowed(openapi):
        yield _checked


@pytest.fixture
def bulk(clock: Clock, _plain: XeroServer) -> XeroServer:
    """An empty stand-in for many records, without the check, which would take its time."""
    _plain.clear()
    _plain.access.limits.minute = 100_000
    return _plain


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to a stand-in, with settings to taste."""
    opened: list[Xero] = []

    def make(server: XeroServer, **settings: Any) -> Xero:
        values: dict[str, Any] = {
            "client_id": server.client_id,
            "client_secret": server.client_secret,
            "tenant_id": server.access.tenant_id,
            "base_url": server.base_url,
            "token_url": server.token_url,
            "calls_per_minute": 1_000_000,
            **settings,
        }
        opened.append(Xero(XeroConfig(**values)))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with retry.no_waiting():
        yield


def add_contact(server: XeroServer, name: str = "上海仪表有限公司") -> Contact:
    """A customer."""
    contact = Contact(f"00000000-0000-4000-8000-{len(server.books.contacts):012x}", name, server.books.clock())
    server.books.add(contact)
    return contact


def add_invoice(server: XeroServer, number: str = "INV-00001", amount: str = "100", **fields: Any) -> Document:
    """An invoice of one line with 13 % tax."""
    if not server.books.contacts:
        add_contact(server)
    contact = next(iter(server.books.contacts))
    line = Line(f"00000000-0000-4000-9000-{len(server.books.documents):012x}", "Gauge", Decimal(1), Decimal(amount))
    line.tax_rate, line.item_code = Decimal("0.13"), "PT-100"
    values = {"type_": "ACCREC", "issued": date(2026, 10, 1), "due": date(2026, 10, 31), "reference": "SO-00001"}
    return server.books.create(number=number, contact_id=contact, lines=[line], **{**values, **fields})


def add_many(server: XeroServer, count: int, updated: Callable[[int], datetime]) -> list[Document]:
    """Many small invoices; ``updated`` gives the change time of each."""
    contact = add_contact(server)
    made = [
        Document(
            f"{number * 2654435761 % 2**32:08x}-0000-4000-8000-{number:012x}",
            "ACCREC",
            f"INV-{number:05d}",
            contact.id,
            date(2026, 10, 1),
            date(2026, 10, 31),
            "CNY",
            updated(number),
        )
        for number in range(count)
    ]
    server.books.add(*made)
    return made


def window(server: XeroServer, **fields: Any) -> Window:
    """A pull's window up to the stand-in's now."""
    return Window(until=server.books.clock() - timedelta(seconds=5), **fields)


def pull(
    connector: Xero, server: XeroServer, cursor: Cursor | None = None, stream: str = "invoice", **fields: Any
) -> tuple[list[RawRecord], Cursor]:
    """Everything that a pull delivers, and its last cursor; proves that it ended as the contract says."""
    pages: list[Page] = list(connector.pull(stream, cursor, window(server, **fields)))
    assert [page.complete for page in pages] == [False] * (len(pages) - 1) + [True]
    return [record for page in pages for record in page.records], pages[-1].cursor


def answered(server: XeroServer, where: str = "/api.xro/") -> list[str]:
    """The requests that were answered with 200 (not those that a token had grown too old for)."""
    return [request.line for request in server.requests(where) if request.status == 200]


def push_one(connector: Xero, document: Document, values: dict[str, Any], expected: dict[str, Any]) -> PushResult:
    """Push one change of an invoice."""
    (result,) = connector.push("invoice", [Change(document.id, values, expected, f"ltc-{document.number.lower()}")])
    return result
