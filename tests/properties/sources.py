"""The four systems as a property test needs them: people edit at any time, visible at once or late; we read pages."""

from __future__ import annotations

import json
import operator
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import httpx

from connectors.contract import Connector, Cursor, Page, Window
from connectors.jiandaoyun.connector import Jiandaoyun
from connectors.salesforce.connector import Salesforce
from connectors.tryton.connector import Tryton
from connectors.xero.connector import Xero
from sandbox.jiandaoyun import JiandaoyunServer
from sandbox.salesforce import SalesforceServer, salesforce_id
from sandbox.salesforce.clock import Clock
from sandbox.xero import XeroServer
from sandbox.xero.records import Contact

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


class Source(Protocol):
    """A system under edit. Records have keys 0, 1, 2 …; every edit writes a new number into its record."""

    latest: int
    """Seconds after its stamp within which a change becomes visible."""

    def edit(self, key: int, number: int, stamp: datetime) -> None:
        """Show ``number`` in a record from now on, changed at ``stamp``."""

    def read(self, body: bytes) -> int:
        """The number in a record that was pulled."""

    def source_id(self, key: int) -> str:
        """The record's id."""

    def pull(self, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        """The pages of a pull."""

    def settle(self) -> float:
        """Seconds before now at which a window ends."""

    def at(self, now: datetime) -> None:
        """Set the server's clock."""


class _Read:
    """What is read through a connector."""

    stream: str
    connector: Connector[Any]

    def pull(self, cursor: Cursor | None, window: Window) -> Iterator[Page]:
        return iter(self.connector.pull(self.stream, cursor, window))

    def settle(self) -> float:
        return self.connector.settle_seconds


class Forms(_Read):
    """Jiandaoyun: no list of changes, only the time of the last one; new rows may get any id."""

    stream, latest = "lead", 0

    def __init__(self, server: JiandaoyunServer, page_size: int) -> None:
        self._server = server
        form = server.form()
        form.rows.clear()
        form.order.clear()
        form.modified_at = ""
        config = {**server.config, "page_size": page_size, "limits": dict.fromkeys(("company", "read", "write"), 1e9)}
        self.connector = Jiandaoyun(Jiandaoyun.Config.model_validate(config))  # type: ignore[arg-type]

    def edit(self, key: int, number: int, stamp: datetime) -> None:
        values = {"contact_name": str(number)}
        if self.source_id(key) in self._server.form().rows:
            self._server.people.edit(self.source_id(key), values, at=stamp)
        else:
            self._server.people.submit(values, at=stamp, data_id=self.source_id(key))

    def read(self, body: bytes) -> int:
        return int(json.loads(body)["contact_name"])

    def source_id(self, key: int) -> str:
        return f"{key:024x}"

    def at(self, now: datetime) -> None:
        self._server.clock = lambda: now


class _Clock(Clock):
    """The stand-in's clock, set by the test."""

    time = BEGIN

    def now(self) -> datetime:
        return self.time

    def stamp(self) -> datetime:
        return self.time.replace(microsecond=0)


class Crm(_Read):
    """Salesforce: stamps of whole seconds, visible up to ten minutes later (the overlap)."""

    stream, latest = "account", 595

    def __init__(self, server: SalesforceServer, page_size: int) -> None:
        self._server = server
        server.empty()
        self._clock = _Clock()
        server.org.clock = self._clock
        config = {**server.config, "page_size": page_size, "calls_per_second": 1000}
        self.connector = Salesforce(Salesforce.Config.model_validate(config))  # type: ignore[arg-type]

    def edit(self, key: int, number: int, stamp: datetime) -> None:
        given = {"Id": self.source_id(key), "Name": str(number)}
        self._server.org.load("Account", given, modified=stamp.replace(microsecond=0))

    def read(self, body: bytes) -> int:
        return int(json.loads(body)["Name"])

    def source_id(self, key: int) -> str:
        return salesforce_id("account", str(key))

    def at(self, now: datetime) -> None:
        self._clock.time = now


class Books(_Read):
    """Xero: stamps of milliseconds, compared by whole seconds, visible up to five minutes later (the overlap)."""

    stream, latest = "contact", 295

    def __init__(self, server: XeroServer, page_size: int) -> None:
        self._server = server
        self._now = BEGIN
        server.clear()
        server.access.limits.minute = 10**9
        server.books.clock = lambda: self._now
        values = {"client_id": server.client_id, "client_secret": server.client_secret}
        values |= {"base_url": server.base_url, "token_url": server.token_url, "tenant_id": server.access.tenant_id}
        config = {**values, "page_size": page_size, "calls_per_minute": 10**9}
        self.connector = Xero(Xero.Config.model_validate(config))  # type: ignore[arg-type]

    def edit(self, key: int, number: int, stamp: datetime) -> None:
        self._server.books.add(Contact(self.source_id(key), str(number), stamp))

    def read(self, body: bytes) -> int:
        return int(json.loads(body)["Name"])

    def source_id(self, key: int) -> str:
        return f"{key * 2654435761 % 2**32:08x}-0000-4000-8000-000000000000"

    def at(self, now: datetime) -> None:
        self._now = now


class Erp(_Read):
    """Tryton, of which only what a pull asks is acted out: a row carries the time its transaction began."""

    stream, latest = "party", 295

    def __init__(self, page_size: int) -> None:
        self._rows: dict[int, tuple[datetime, int]] = {}
        address = {"base_url": "http://127.0.0.1:9", "database": "d", "user": "u", "password": "p"}
        config = {**address, "page_size": page_size, "calls_per_second": 1e9}
        self.connector = Tryton(Tryton.Config.model_validate(config))  # type: ignore[arg-type]

    def edit(self, key: int, number: int, stamp: datetime) -> None:
        self._rows[key + 1] = (stamp, number)

    def read(self, body: bytes) -> int:
        return int(json.loads(body)["name"])

    def source_id(self, key: int) -> str:
        return str(key + 1)

    def at(self, now: datetime) -> None:
        pass

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What Tryton answers to a call."""
        call = json.loads(request.read())
        method, params = call["method"], call["params"]
        if method == "common.db.login":
            result: Any = [1, "key", []]
        elif method.endswith("get_preferences"):
            result = {"company": 1}
        else:
            result = self._search(params[0], params[2])
        return httpx.Response(200, content=json.dumps({"id": 1, "result": result}).encode(), request=request)

    def _search(self, domain: Any, limit: int) -> list[dict[str, Any]]:
        found = sorted((stamp, number) for number, (stamp, _) in self._rows.items())
        shown = [number for stamp, number in found if _holds(domain, stamp, number)]
        return [
            {"id": number, "name": str(self._rows[number][1]), "last_modified_at": _parts(self._rows[number][0])}
            for number in shown[:limit]
        ]


def _parts(stamp: datetime) -> dict[str, int]:
    names = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    return {name: getattr(stamp, name) for name in names}


_TESTS = {"<": operator.lt, ">": operator.gt, ">=": operator.ge, "=": operator.eq}


def _holds(domain: Any, stamp: datetime, number: int) -> bool:
    """Whether a row meets a domain of ours: rows of other models, which may move a record as well, there are none."""
    if domain and domain[0] == "OR":
        return any(_holds(part, stamp, number) for part in domain[1:])
    if domain and isinstance(domain[0], str):
        name, sign, wanted = domain
        if sign == "where":
            return False
        if name == "id":
            return bool(_TESTS[sign](number, wanted))
        wanted_parts = {key: value for key, value in wanted.items() if key != "__class__"}
        moment = datetime(**wanted_parts, tzinfo=UTC)
        return bool(_TESTS[sign](stamp, moment))
    return all(_holds(part, stamp, number) for part in domain)


LATER = timedelta(seconds=1_000)
