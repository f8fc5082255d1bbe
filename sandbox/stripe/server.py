"""Start the stand-in."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.http import Application, Faults, Request, Server, Tls
from sandbox.stripe import access as _access
from sandbox.stripe import loader
from sandbox.stripe import store as _store
from sandbox.stripe.access import Access
from sandbox.stripe.account import Account
from sandbox.stripe.app import Api
from sandbox.stripe.webhooks import Endpoint
from sandbox.world.records import World


class StripeServer:
    """A running stand-in. ``account`` is what people and Stripe do; ``api`` and ``access`` hold the switches."""

    def __init__(
        self,
        *,
        port: int = 0,
        tls: Tls | None = None,
        clock: Callable[[], datetime] = _store.real_time,
        wrap: Callable[[Application], Application] = lambda application: application,
    ) -> None:
        self.account = Account(clock)
        self.access = Access()
        self.api = Api(self.account, self.access)
        self._server = Server(wrap(self.api.application), port=port, tls=tls, clock=clock)

    def __enter__(self) -> StripeServer:
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return self._server.port

    @property
    def base_url(self) -> str:
        """The API, as in the connector's settings."""
        return self._server.base_url

    @property
    def api_key(self) -> str:
        """The demo account's secret key."""
        return _access.KEY

    @property
    def faults(self) -> Faults:
        """Requests to be broken on purpose."""
        return self._server.faults

    def endpoint(self, url: str, *secrets: str, connected: str | None = None) -> Endpoint:
        """Send events to an address from now on; see ``Endpoint.deliver``."""
        return Endpoint(self.account, url, list(secrets), connected)

    def requests(self, where: str = "") -> list[Request]:
        """The requests so far whose line matches a regular expression."""
        return self._server.requests(where)

    def forget(self) -> None:
        """Empty the log of requests."""
        self._server.forget()

    def clear(self) -> None:
        """As if just started: an empty account, no keys kept, faults or requests."""
        self.account.clear()
        self.account.endpoints = 0
        self.account.tells_of_refunds = True
        self.access.reset()
        self.api.reset()
        self.faults.clear()
        self.forget()

    def stop(self) -> None:
        """Stop serving; safe to call twice."""
        self._server.stop()

    def save(self, path: Path) -> None:
        """Write the account to a file."""
        path.write_text(json.dumps(self.account.snapshot(), indent=1, ensure_ascii=False), encoding="utf-8")

    def load(self, path: Path) -> None:
        """Replace the account by that of a file."""
        self.account.restore(json.loads(path.read_text(encoding="utf-8")))


def start(world: World | None = None, port: int = 0, **options: Any) -> StripeServer:
    """A running stand-in, filled with the world if one is given; ``options`` as for ``StripeServer``."""
    server = StripeServer(port=port, **options)
    if world is not None:
        loader.fill(server.account, world)
    return server
