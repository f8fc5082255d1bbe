"""The web server that takes webhooks in: ``POST /webhooks/SYSTEM``, answered as soon as what it tells is committed.

What it tells is read in the background, a few seconds later (``sync.job.run_fetch``).
"""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.contract import Connector, Inbound, Webhooks
from connectors.errors import WebhookRefused
from state.store import Store, StoreError
from sync import job, systems, webhooks
from sync.result import SyncResult

if TYPE_CHECKING:
    from settings.model import Settings

LARGEST_BODY = 1_000_000
"""Bytes; no system sends more in one request."""

_GATHER_SECONDS = 5.0
"""What comes within so long is read together: each reading is a run of its own, and a busy day must not be all runs."""

_AGAIN_SECONDS = 60.0

Told = Callable[[str], None]


class Receiver:
    """Takes requests of the systems whose connectors offer webhooks, and reads what they tell of.

    ``told`` gets a line for a person whenever something was read, or a request was refused.
    """

    def __init__(self, store: Store, settings: Settings, told: Told) -> None:
        self._store = store
        self._settings = settings
        self._told = told
        self._waiting = threading.Event()
        self._stop = threading.Event()
        self._connectors: dict[str, tuple[Connector[Any], set[str]]] = {}
        self.app = Starlette(
            routes=[Route("/webhooks/{system}", self._received, methods=["POST"])], lifespan=self._life
        )

    def open(self) -> list[str]:
        """Open the systems that tell by webhook, and return their names; raises ``SystemUnusable``."""
        for name in self._settings.systems:
            connector = systems.open_connector(self._settings, name)
            specs = systems.ordered_streams(self._settings, name, connector)
            streams = {spec.name for spec in specs if spec.webhooks is not Webhooks.NONE}
            if streams:
                self._connectors[name] = (connector, streams)
            else:
                connector.close()
        return list(self._connectors)

    def close(self) -> None:
        """Close what ``open`` opened."""
        for connector, _ in self._connectors.values():
            connector.close()

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        reader = threading.Thread(target=self._read, name="ltc webhooks", daemon=True)
        self._waiting.set()  # what was noted before this process began
        reader.start()
        yield
        self._stop.set()
        self._waiting.set()
        await run_in_threadpool(reader.join)

    async def _received(self, request: Request) -> Response:
        system = request.path_params["system"]
        if system not in self._connectors:
            return Response(status_code=404)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:
                return Response(status_code=413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        inbound = Inbound(headers, dict(request.query_params), body, request.method, str(request.url))
        return Response(status_code=await run_in_threadpool(self._take_in, system, inbound))

    def _take_in(self, system: str, request: Inbound) -> int:
        """The status to answer with: 200 once it is committed, 401 if it is none of theirs, 503 to be sent it again."""
        connector, streams = self._connectors[system]
        try:
            received = webhooks.receive(self._store, connector, system, streams, request)
        except WebhookRefused as error:
            self._told(f"{system}: refused a request: {error}")
            return 401
        except StoreError as error:
            self._told(f"{system}: {error}")
            return 503
        if received.noted:
            self._waiting.set()
        return 200

    def _read(self) -> None:
        """Read what was noted, for as long as the server runs; what fails is tried again."""
        failed = False
        while True:
            self._waiting.wait(_AGAIN_SECONDS if failed else None)
            if self._stop.wait(_GATHER_SECONDS):
                return
            self._waiting.clear()
            try:
                result = job.run_fetch(self._store, self._settings)
            except StoreError as error:
                failed = True
                self._told(str(error))
            else:
                failed = result.status != "done"
                self._tell(result)

    def _tell(self, result: SyncResult) -> None:
        for outcome in result.outcomes:
            name = f"{outcome.system}.{outcome.stream}"
            if outcome.error is not None:
                self._told(f"{name}: {outcome.error.message} {outcome.error.remedy}".strip())
            else:
                counts = {word: number for word, number in outcome.counts.items() if number and word != "calls"}
                self._told(f"{name}: " + ", ".join(f"{number} {word}" for word, number in counts.items()))
