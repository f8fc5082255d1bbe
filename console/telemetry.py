"""Traces by OpenTelemetry: of runs with their streams, pages and calls, and of requests; off unless asked for.

The standard environment variables switch it on: ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or ``…_TRACES_ENDPOINT``), or
``OTEL_TRACES_EXPORTER=otlp``; ``OTEL_SDK_DISABLED=true`` and ``OTEL_TRACES_EXPORTER=none`` off. Until then nothing is
imported for it.

Spans name systems, streams, hosts and templates of routes. No path, no query and no header is in them: those hold
numbers of records, what people look for, and secrets (``/welcome/TOKEN``). The provider is our own, not the process's,
so that what other libraries tell of themselves goes nowhere.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from contextvars import Token

    from fastapi.telemetry import TelemetryConfig
    from opentelemetry.context import Context
    from opentelemetry.trace import Span, Tracer
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sync.outcome import StreamOutcome
    from sync.progress import Progress

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_UNTRACED = ("/healthz", "/readyz", "/metrics", "/assets/")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""Those that are told as they are; of others only that they were others."""
_MISSING = (
    "Traces are asked for by OTEL_… in the environment, and cannot be sent: `pip install 'ltc-sync[telemetry]'` brings "
    "what sends them."
)


def is_on(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment asks for traces."""
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environment.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    if exporter == "none":
        return False
    return exporter == "otlp" or any(environment.get(name, "").strip() for name in _ENDPOINTS)


def tracer() -> Tracer | None:
    """What makes spans; ``None`` if traces are off."""
    return _provided() if is_on() else None


@cache
def _provided() -> Tracer | None:
    """Made once in a process; its spans are sent when it ends, at the latest."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        print(_MISSING, file=sys.stderr)
        return None
    named = {"service.version": version("ltc-sync")}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        named["service.name"] = "ltc-sync"
    logging.getLogger("opentelemetry.exporter").setLevel(logging.ERROR)  # that it failed, once, not each of its tries
    provider = TracerProvider(resource=Resource.create(named))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    made = provider.get_tracer("ltc", version("ltc-sync"))
    _trace_calls(made)
    return made


# -- runs

Ended = Callable[[Any], None]
"""Takes the ``SyncResult``."""


@contextmanager
def run(kind: str, progress: Progress, engine: str = "local") -> Iterator[tuple[Progress, Ended]]:
    """A span for the run in the block: do it with the progress that is given, and then say what came of it.

    With traces off that is the progress as it is, and nobody listens.
    """
    made = tracer()
    if made is None:
        yield progress, _nobody
        return
    from opentelemetry.trace import StatusCode

    attributes = {"ltc.run.kind": kind, "ltc.run.engine": engine}
    traced = TracedProgress(progress, made)
    with made.start_as_current_span(f"ltc {kind}", attributes=attributes, record_exception=False) as span:

        def ended(result: Any) -> None:
            span.set_attributes({"ltc.run.id": result.run_id, "ltc.run.status": result.status})
            if result.status in ("failed", "partial"):
                span.set_status(StatusCode.ERROR)

        try:
            yield traced, ended
        finally:
            traced.close()


def _nobody(_result: Any) -> None:
    """Listens to nothing."""


@dataclass(slots=True)
class _Stream:
    """A stream in work: its span, what makes it the current one, and since when it is at its page (nanoseconds)."""

    span: Span
    token: Token[Context]
    since: int


class TracedProgress:
    """Passes progress on, and makes a span of each stream and page.

    A stream is told of in the thread that works on it, so that its calls are made within its span.
    """

    def __init__(self, inner: Progress, tracer: Tracer) -> None:
        self._inner, self._tracer = inner, tracer
        self._open: dict[tuple[str, str], _Stream] = {}

    def stream_started(self, system: str, stream: str, direction: str) -> None:
        """Begin a span."""
        from opentelemetry import context, trace

        attributes = {"ltc.system": system, "ltc.stream": stream, "ltc.direction": direction}
        span = self._tracer.start_span(f"{direction} {system}.{stream}", attributes=attributes)
        token = context.attach(trace.set_span_in_context(span))
        self._open[system, stream] = _Stream(span, token, time.time_ns())
        self._inner.stream_started(system, stream, direction)

    def page(self, system: str, stream: str, counts: dict[str, int]) -> None:
        """A span for what has passed since the last page."""
        from opentelemetry import trace

        at = self._open.get((system, stream))
        if at is not None:
            within = trace.set_span_in_context(at.span)
            page = self._tracer.start_span("page", within, attributes=_numbers(counts), start_time=at.since)
            at.since = time.time_ns()
            page.end(at.since)
        self._inner.page(system, stream, counts)

    def stream_done(self, outcome: StreamOutcome) -> None:
        """End the span. Of an error only its kind is told: its message may hold what a source said."""
        from opentelemetry import context
        from opentelemetry.trace import StatusCode

        at = self._open.pop((outcome.system, outcome.stream), None)
        if at is not None:
            at.span.set_attributes({"ltc.status": outcome.status, **_numbers(outcome.counts)})
            if outcome.error is not None:
                at.span.set_attribute("error.type", outcome.error.kind)
                at.span.set_status(StatusCode.ERROR)
            at.span.end()
            context.detach(at.token)
        self._inner.stream_done(outcome)

    def close(self) -> None:
        """End what nobody ended."""
        for at in self._open.values():
            at.span.end()
        self._open.clear()


def _numbers(counts: Mapping[str, Any]) -> dict[str, int]:
    return {f"ltc.count.{name}": number for name, number in counts.items() if isinstance(number, int)}


def _trace_calls(tracer: Tracer) -> None:
    """Let every call that httpx sends within a span have one of its own, until the head of the answer is there.

    httpx offers no hook for all clients of a process; OpenTelemetry's own instrumentation wraps the same method. No
    header is added: a trace is none of a vendor's business.
    """
    import httpx
    from opentelemetry.trace import SpanKind, StatusCode, get_current_span

    plain = httpx.HTTPTransport.handle_request

    def handle_request(self: httpx.HTTPTransport, request: httpx.Request) -> httpx.Response:
        if not get_current_span().is_recording():
            return plain(self, request)
        method = request.method if request.method in METHODS else "_OTHER"
        attributes: dict[str, str | int] = {"http.request.method": method, "server.address": request.url.host}
        if request.url.port is not None:
            attributes["server.port"] = request.url.port
        span = tracer.start_span(method, kind=SpanKind.CLIENT, attributes=attributes)
        try:
            response = plain(self, request)
        except BaseException as error:
            span.set_attribute("error.type", type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
        else:
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 400:
                span.set_attribute("error.type", str(response.status_code))
                span.set_status(StatusCode.ERROR)
            return response
        finally:
            span.end()

    setattr(httpx.HTTPTransport, "handle_request", handle_request)  # noqa: B010 - not an assignment to mypy


# -- requests


def _everything(_scope: MutableMapping[str, Any]) -> bool:
    return True


NOTHING_BY_FASTAPI: TelemetryConfig = {"exclude": _everything}
"""FastAPI traces by itself once anything in the process has set a provider up, and would tell paths and queries."""


class TracedRequests:
    """A span for each request to the workbench but those for health, metrics and assets.

    ``trusting``: who calls us may say which trace a request belongs to. That is for a proxy of ours: strangers must not
    decide what is kept.
    """

    def __init__(self, app: ASGIApp, tracer: Tracer, trusting: bool) -> None:
        self._app, self._tracer, self._trusting = app, tracer, trusting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer within a span."""
        if scope["type"] != "http" or scope["path"].startswith(_UNTRACED):
            await self._app(scope, receive, send)
            return
        from opentelemetry.trace import SpanKind, StatusCode, use_span

        method = scope["method"] if scope["method"] in METHODS else "_OTHER"
        attributes = {"http.request.method": method, "url.scheme": scope["scheme"]}
        parent = _parent(scope) if self._trusting else None
        span = self._tracer.start_span(method, parent, SpanKind.SERVER, attributes)
        status = 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            with use_span(span, record_exception=False, set_status_on_exception=False):
                await self._app(scope, receive, noting)
        except Exception as error:
            span.set_attribute("error.type", type(error).__name__)
            raise
        finally:
            if (route := route_of(scope)) is not None:
                span.update_name(f"{method} {route}")
                span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", status)
            if status >= 500:
                span.set_status(StatusCode.ERROR)
            span.end()


def _parent(scope: Scope) -> Context:
    from opentelemetry.context import Context
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return TraceContextTextMapPropagator().extract(headers, Context())


def route_of(scope: Scope) -> str | None:
    """The template of the route that answered, such as ``/findings/{id}``; ``None`` if there was none."""
    path = getattr(scope.get("route"), "path", None)
    return None if path is None else f"{scope.get('root_path', '')}{path}"
