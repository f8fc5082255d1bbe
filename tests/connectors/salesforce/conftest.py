"""An empty stand-in org for each test, and connectors to it that never sleep."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors import retry
from connectors.contract import Change, Window
from connectors.salesforce.config import SalesforceConfig
from connectors.salesforce.connector import Salesforce
from sandbox.salesforce import SalesforceServer, salesforce_id
from sandbox.salesforce.org import Org

OLD = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
Make = Callable[..., Salesforce]


@pytest.fixture(autouse=True)
def _no_waiting() -> Iterator[None]:
    with retry.no_waiting():
        yield


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One certificate authority for all stand-ins of the run."""
    return tmp_path_factory.mktemp("authority")


@pytest.fixture(scope="session")
def _running(authority: Path) -> Iterator[SalesforceServer]:
    with SalesforceServer(directory=authority) as running:
        yield running


@pytest.fixture
def server(_running: SalesforceServer) -> SalesforceServer:
    """An empty org; the tests share one server."""
    _running.empty()
    return _running


@pytest.fixture
def own_server(authority: Path) -> Iterator[SalesforceServer]:
    """An empty org on a server of its own, to be stopped."""
    with SalesforceServer(directory=authority) as running:
        yield running


@pytest.fixture
def org(server: SalesforceServer) -> Org:
    """What people see and change."""
    return server.org


@pytest.fixture
def connect(server: SalesforceServer) -> Iterator[Make]:
    """Make connectors to the org, with other settings where given."""
    made: list[Salesforce] = []

    def make(**settings: Any) -> Salesforce:
        config = SalesforceConfig(**{**server.config, "calls_per_second": 1000, **settings})
        made.append(Salesforce(config))
        return made[-1]

    yield make
    for connector in made:
        connector.close()


def until(server: SalesforceServer, ahead: float = 1.0) -> Window:
    """A window that ends a little after the org's now, so that what just happened is in it."""
    return Window(until=server.org.clock.now() + timedelta(seconds=ahead))


def add_account(org: Org, key: str = "A1", *, modified: datetime = OLD, **values: Any) -> str:
    """An account that was last changed long ago."""
    record_id = salesforce_id("account", key)
    org.load("Account", {"Id": record_id, "Name": f"Company {key}", **values}, modified=modified)
    return record_id


def add_opportunity(org: Org, key: str = "D1", *, modified: datetime = OLD, **values: Any) -> str:
    """A won deal that was last changed long ago."""
    record_id = salesforce_id("opportunity", key)
    given = {
        "Id": record_id,
        "Name": f"Deal {key}",
        "StageName": "Closed Won",
        "Amount": Decimal("1200.50"),
        "CurrencyIsoCode": "EUR",
        "CloseDate": modified.date(),
        "Probability": Decimal(100),
        **values,
    }
    org.load("Opportunity", given, modified=modified)
    return record_id


def add_quote(org: Org, key: str = "Q1", *, lines: int = 2, modified: datetime = OLD, **values: Any) -> str:
    """A quote with lines of 2 pieces at 10.25, last changed long ago."""
    product = salesforce_id("product", "PT-100")
    org.load("Product2", {"Id": product, "Name": "Transmitter", "ProductCode": "PT-100"}, modified=modified)
    record_id = salesforce_id("quote", key)
    given = {
        "Id": record_id,
        "OpportunityId": add_opportunity(org, f"of {key}", modified=modified),
        "QuoteNumber": key,
        "Name": key,
        "Status": "Accepted",
        "CurrencyIsoCode": "EUR",
        **values,
    }
    org.load("Quote", given, modified=modified)
    for number in range(1, lines + 1):
        line = {
            "Id": line_id(key, number),
            "QuoteId": record_id,
            "Product2Id": product,
            "Quantity": Decimal(2),
            "UnitPrice": Decimal("10.25"),
            "SortOrder": Decimal(number),
        }
        org.load("QuoteLineItem", line, modified=modified)
    return record_id


def line_id(key: str, number: int) -> str:
    """The id of a quote's line."""
    return salesforce_id("quote_line", f"{key}-{number}")


def change(source_id: str, values: dict[str, Any], expected: dict[str, Any] | None = None) -> Change:
    """A planned change; by default the fields were empty when they were read."""
    return Change(source_id, values, dict.fromkeys(values) if expected is None else expected, "key-1")


def error(code: str, message: str = "said in words") -> list[dict[str, Any]]:
    """Salesforce's error body."""
    return [{"message": message, "errorCode": code, "fields": []}]
