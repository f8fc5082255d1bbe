"""``/metrics``: what Prometheus is told of the store, of this process and of the requests it answered."""

from __future__ import annotations

import hmac
import time
from typing import TYPE_CHECKING, Literal

from fastapi import APIRouter, Request
from prometheus_client import (
    CollectorRegistry,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder
from starlette.responses import PlainTextResponse, Response

from console.metrics import StoreCollector
from console.telemetry import METHODS, route_of
from console.web.guard import host_of
from settings import secrets
from settings.errors import SecretMissing

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from console.web.desk import Desk
    from settings.model import Settings

router = APIRouter()

SHORTEST_TOKEN = 16
"""Characters; a token is sent with every scrape and no try is counted."""
UNMATCHED = "unmatched"
"""The route of requests for what we do not have."""
_LOOPBACK = ("127.0.0.1", "::1", "::ffff:127.0.0.1")
_NAMES = ("127.0.0.1", "::1", "localhost")
_FORWARDED = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.3, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Seconds; 0.15 and 0.3 are what pages are measured by."""


class Metrics:
    """The metrics of one workbench. Raises ``SecretMissing`` if the token that ltc.yaml names cannot be used."""

    def __init__(self, desk: Desk) -> None:
        self.registry = CollectorRegistry()
        self.store = StoreCollector(desk.store, lambda: desk.settings)
        self.registry.register(self.store)
        for own in (ProcessCollector, PlatformCollector, GCCollector):
            own(registry=self.registry)
        disable_created_metrics()  # type: ignore[no-untyped-call] # series of which Prometheus makes nothing
        labels = ("method", "route", "status")
        self.durations = Histogram(
            "ltc_http_request_duration_seconds",
            "How long requests took, by the template of their route.",
            labels,
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.in_progress = Gauge(
            "ltc_http_requests_in_progress", "Requests that are being answered.", registry=self.registry
        )
        self._token = _token(desk.settings)
        self._proxied = desk.proxied

    @property
    def readers(self) -> Literal["token", "machine", "nobody"]:
        """Who may read them: whoever has the token, this machine, or nobody because a proxy hides who asks."""
        if self._token is not None:
            return "token"
        return "nobody" if self._proxied else "machine"

    def refusal(self, request: Request) -> Response | None:
        """Why somebody may not read them.

        Without a token they are for this machine: not for what came through a proxy, nor for a page whose name was made
        to point here.
        """
        if self._token is not None:
            scheme, _, sent = request.headers.get("authorization", "").partition(" ")
            if scheme.lower() == "bearer" and hmac.compare_digest(sent.strip().encode(), self._token):
                return None
            asks = {"WWW-Authenticate": 'Bearer realm="metrics"'}
            return PlainTextResponse("Send the token: Authorization: Bearer …\n", 401, asks)
        here = request.client is not None and request.client.host in _LOOPBACK and not self._proxied
        forwarded = any(name in request.headers for name in _FORWARDED)
        if here and not forwarded and host_of(request) in _NAMES:
            return None
        return PlainTextResponse(
            "Metrics are shown to this machine alone. For others set in ltc.yaml:\n"
            "workbench: {metrics: {token: '${env:LTC_METRICS_TOKEN}'}}\n",
            403,
        )


def _token(settings: Settings) -> bytes | None:
    named = settings.workbench.metrics.token
    if named is None:
        return None
    token = str(secrets.resolve(named)).strip()
    if len(token) < SHORTEST_TOKEN:
        remedy = f"Take at least {SHORTEST_TOKEN} characters, for example of `openssl rand -hex 32`."
        raise SecretMissing(named, "is too short for the token of /metrics", remedy)
    return token.encode()


@router.get("/metrics")
def metrics(request: Request) -> Response:
    """Everything, in the format that is asked for: that of Prometheus, or OpenMetrics."""
    found: Metrics = request.app.state.metrics
    refusal = found.refusal(request)
    if refusal is not None:
        return refusal
    encode, kind = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(found.registry), headers={"Content-Type": kind})


class Timed:
    """Notes how long each request took. Its labels are few whatever is asked for: routes, known methods, statuses."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and note it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        began = time.perf_counter()
        self._metrics.in_progress.inc()
        try:
            await self._app(scope, receive, noting)
        finally:
            self._metrics.in_progress.dec()
            method = scope["method"] if scope["method"] in METHODS else "other"
            took = time.perf_counter() - began
            self._metrics.durations.labels(method, route_of(scope) or UNMATCHED, str(status)).observe(took)
