"""Start the stand-in, fill it, keep it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from sandbox.http import Application, Faults, Request, Server, Tls
from sandbox.world.records import World
from sandbox.xero import books as _books
from sandbox.xero import loader
from sandbox.xero.access import Access
from sandbox.xero.app import API, Api
from sandbox.xero.books import Books
from sandbox.xero.records import Snapshot


class XeroServer:
    """A running stand-in. ``books`` is what people see and do; ``api`` and ``access`` hold the server's switches."""

    def __init__(
        self,
        *,
        port: int = 0,
        tls: Tls | None = None,
        clock: Callable[[], datetime] = _books.now,
        wrap: Callable[[Application], Application] = lambda application: application,
    ) -> None:
        self.books = Books(clock)
        self.access = Access(clock)
        self.api = Api(self.books, self.access)
        self._server = Server(wrap(self.api.application), port=port, tls=tls)

    def __enter__(self) -> XeroServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._server.port

    @property
    def base_url(self) -> str:
        """The Accounting API, as in the connector's settings."""
        return self._server.base_url + API

    @property
    def token_url(self) -> str:
        """Where tokens are issued, as in the connector's settings."""
        return self._server.base_url + "/connect/token"

    @property
    def client_id(self) -> str:
        """The demo connection's client id."""
        return self.access.client_id

    @property
    def client_secret(self) -> str:
        """The demo connection's client secret."""
        return self.access.client_secret

    @property
    def faults(self) -> Faults:
        """Requests to be broken on purpose."""
        return self._server.faults

    def requests(self, where: str = "") -> list[Request]:
        """The requests so far whose line matches a regular expression."""
        return self._server.requests(where)

    def forget(self) -> None:
        """Empty the log of requests."""
        self._server.forget()

    def clear(self) -> None:
        """As if just started: empty books, no tokens, keys, faults or requests, Xero's own limits."""
        self.books.restore(Snapshot([], [], [], [], []))
        self.access.reset()
        self.api.reset()
        self.faults.clear()
        self.forget()

    def stop(self) -> None:
        """Stop serving; safe to call twice."""
        self._server.stop()

    def save(self, path: Path) -> None:
        """Write the books to a file."""
        path.write_bytes(msgspec.json.format(msgspec.json.encode(self.books.snapshot()), indent=1))

    def load(self, path: Path) -> None:
        """Replace the books by those of a file."""
        self.books.restore(msgspec.json.decode(path.read_bytes(), type=Snapshot))


def seed(server: XeroServer, world: World) -> None:
    """Put the demo company's accounting into an empty stand-in."""
    loader.fill(server.books, world)


def start(world: World | None = None, port: int = 0, **options: Any) -> XeroServer:
    """A running stand-in, filled with the world if one is given; ``options`` as for ``XeroServer``."""
    server = XeroServer(port=port, **options)
    if world is not None:
        seed(server, world)
    return server
