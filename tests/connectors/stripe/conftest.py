"""A running stand-in, checked against Stripe's own document where that is at hand, and a connector to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest

from connectors import retry
from connectors.contract import Change, Cursor, Page, PushResult, RawRecord, Window
from connectors.stripe.config import StripeConfig
from connectors.stripe.connector import Stripe
from sandbox.stripe import StripeServer
from sandbox.stripe.store import Json
from tests.connectors.published import START, Clock, allowed, at_hand, wrapped
from tests.connectors.stripe.openapi_check import OpenApiCheck

Connect = Callable[..., Stripe]
EVERY_STREAM = ("customer", "invoice", "credit_note", "payment", "refund", "dispute", "payout")


@pytest.fixture(scope="session")
def openapi() -> OpenApiCheck | None:
    """The check, or ``None`` where Stripe's document is not beside this checkout."""
    return at_hand(OpenApiCheck, "stripe", "spec3.ltc.json")


@pytest.fixture(scope="session")
def _time() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def _checked(_time: Clock, openapi: OpenApiCheck | None) -> Iterator[StripeServer]:
    with StripeServer(clock=_time, wrap=wrapped(openapi)) as server:
        yield server


@pytest.fixture(scope="session")
def _plain(_time: Clock) -> Iterator[StripeServer]:
    with StripeServer(clock=_time) as server:
        yield server


@pytest.fixture
def clock(_time: Clock) -> Clock:
    """The stand-ins' time."""
    _time.now = START
    return _time


@pytest.fixture
def stripe(clock: Clock, _checked: StripeServer, openapi: OpenApiCheck | None) -> Iterator[StripeServer]:
    """An empty stand-in; the test fails if an exchange breaks Stripe's document."""
    _checked.clear()
    with allowed(openapi):
        yield _checked


@pytest.fixture
def bulk(clock: Clock, _plain: StripeServer) -> StripeServer:
    """An empty stand-in for many objects, without the check, which would take its time."""
    _plain.clear()
    return _plain


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connect to a stand-in, with settings to taste."""
    opened: list[Stripe] = []

    def make(server: StripeServer, **settings: Any) -> Stripe:
        values: dict[str, Any] = {
            "api_key": server.api_key,
            "base_url": server.base_url,
            "reads_per_second": 1_000_000,
            "writes_per_second": 1_000_000,
            "concurrency": 1,
            **settings,
        }
        opened.append(Stripe(StripeConfig(**values)))
        return opened[-1]

    yield make
    for connector in opened:
        connector.close()


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with retry.no_waiting():
        yield


def window(server: StripeServer, **fields: Any) -> Window:
    """A pull's window up to the stand-in's now."""
    return Window(until=server.account.clock() - timedelta(seconds=5), **fields)


def pages(
    connector: Stripe, server: StripeServer, cursor: Cursor | None = None, stream: str = "payment", **fields: Any
) -> list[Page]:
    """The pages of one pull; proves that it ended as the contract says."""
    found = list(connector.pull(stream, cursor, window(server, **fields)))
    assert [page.complete for page in found] == [False] * (len(found) - 1) + [True]
    return found


def pull(
    connector: Stripe, server: StripeServer, cursor: Cursor | None = None, stream: str = "payment", **fields: Any
) -> tuple[list[RawRecord], Cursor]:
    """Everything that a pull delivers, and its last cursor."""
    found = pages(connector, server, cursor, stream, **fields)
    return [record for page in found for record in page.records], found[-1].cursor


def ids(records: list[RawRecord]) -> list[str]:
    """The records' ids, in their order."""
    return [record.source_id for record in records]


def record_of(connector: Stripe, stream: str, key: str) -> RawRecord:
    """One record as it is now."""
    (found,) = [record for batch in connector.fetch(stream, [key]) for record in batch]
    return found


def push_one(
    connector: Stripe,
    target: Json,
    values: dict[str, Any],
    expected: dict[str, Any] | None = None,
    stream: str = "payment",
    **fields: Any,
) -> PushResult:
    """Push one change of an object."""
    change = Change(target["id"], values, expected or {}, "ltc-change-1", **fields)
    (result,) = connector.push(stream, [change])
    return result


def busy_account(server: StripeServer) -> dict[str, Any]:
    """One object of every stream."""
    account = server.account
    customer = account.customer("Wang", "wang@example.com")
    invoice = account.invoice(customer["id"], [("Gauge", 10_000, 1)])
    note = account.credit(invoice["id"], 1_000)
    charge = account.pay(invoice["id"])
    refund = account.refund(charge["id"], 500)
    dispute = account.dispute(account.charge(7_000)["id"])
    payout = account.pay_out()
    return {
        "customer": customer,
        "invoice": invoice,
        "credit_note": note,
        "payment": charge,
        "refund": refund,
        "dispute": dispute,
        "payout": payout,
    }
