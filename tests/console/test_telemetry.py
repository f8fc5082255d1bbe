"""Traces as a collector gets them: runs with streams, pages and calls, requests by route, and nothing secret."""

# ruff: noqa: F811 - fixtures of another folder are imported

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from connectors import retry
from console import telemetry
from console.web.app import workbench
from settings.model import Settings
from state.store import Store
from sync import job
from sync.progress import Silent
from tests.console import deal
from tests.jobs.conftest import crm, erp, settings, systems, toys  # noqa: F401 - fixtures
from tests.jobs.toy import ToySystem
from tests.web.conftest import served

pytest.importorskip("opentelemetry.sdk")
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

Attributes = dict[str, str | int]


class Collector:
    """An OTLP receiver on loopback that keeps what it was sent."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        kept = self.requests

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if self.path == "/v1/traces":
                    kept.append(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self._thread = Thread(target=self.server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def of(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]


def attributes(span: Span) -> Attributes:
    found: Attributes = {}
    for item in span.attributes:
        kind = item.value.WhichOneof("value")
        assert kind in ("string_value", "int_value")
        found[item.key] = getattr(item.value, kind)
    return found


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    yield made
    made.close()


@pytest.fixture
def traced(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Traces are on, and go to the collector; ``flush`` sends them."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", httpx.HTTPTransport.handle_request)  # put back after
    telemetry._provided.cache_clear()
    yield collector
    provided: Any = telemetry._provided()
    provided.span_processor.shutdown()
    telemetry._provided.cache_clear()


def flush() -> None:
    provided: Any = telemetry.tracer()
    assert provided.span_processor.force_flush()


def sync(store: Store, settings: Settings) -> Any:
    with retry.no_waiting(), telemetry.run("sync", Silent()) as (progress, ended):
        result = job.run_sync(store, settings, progress=progress)
        ended(result)
    return result


def test_a_run_is_a_tree_of_its_streams_their_pages_and_calls(
    traced: Collector, sqlite_store: Store, settings: Settings
) -> None:
    result = sync(sqlite_store, settings)
    flush()
    (run,) = traced.of("ltc sync")
    assert attributes(run) == {
        "ltc.run.kind": "sync",
        "ltc.run.engine": "local",
        "ltc.run.id": result.run_id,
        "ltc.run.status": "done",
    }
    assert not run.parent_span_id
    (stream,) = traced.of("pull crm.deal")
    assert stream.parent_span_id == run.span_id
    told = attributes(stream)
    assert (told["ltc.system"], told["ltc.stream"], told["ltc.direction"]) == ("crm", "deal", "pull")
    assert (told["ltc.status"], told["ltc.count.new"]) == ("done", 7)
    within = [span for span in traced.spans if span.parent_span_id == stream.span_id]
    pages = [span for span in within if span.name == "page"]
    calls = [span for span in within if span.kind == Span.SPAN_KIND_CLIENT]
    assert pages
    assert attributes(pages[-1])["ltc.count.new"] == 7
    assert len(calls) == told["ltc.count.calls"]
    assert attributes(calls[0])["http.response.status_code"] == 200
    assert attributes(calls[0])["server.address"] == "127.0.0.1"
    assert len({span.trace_id for span in traced.spans}) == 1


def test_a_stream_that_fails_is_marked_with_the_kind_of_its_error_alone(
    traced: Collector, sqlite_store: Store, settings: Settings, crm: ToySystem
) -> None:
    crm.server.faults.answer("/deal", 401, {"error": "maria.rossi@acme.example is locked"}, times=9)
    sync(sqlite_store, settings)
    flush()
    (stream,) = traced.of("pull crm.deal")
    assert stream.status.code == Status.STATUS_CODE_ERROR
    assert attributes(stream)["error.type"] == "auth"
    assert b"maria" not in b"".join(request.SerializeToString() for request in traced.requests)


def test_requests_are_told_by_route_without_paths_queries_or_headers(
    traced: Collector, sqlite_store: Store, settings: Settings
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with served(workbench(sqlite_store, settings)) as address, httpx.Client(base_url=address) as client:
        for path in ("/welcome/secret-of-a-link", "/sign-in?next=secret-place", "/nothing-secret", "/healthz"):
            client.get(path, headers={"traceparent": parent, "user-agent": "secret-agent", "cookie": "ltc=secret"})
    flush()
    assert sorted(span.name for span in traced.spans) == ["GET", "GET /sign-in", "GET /welcome/{token}"]
    (span,) = traced.of("GET /sign-in")
    assert attributes(span) == {
        "http.request.method": "GET",
        "url.scheme": "http",
        "http.route": "/sign-in",
        "http.response.status_code": 200,
    }
    assert not span.parent_span_id, "a stranger chose the trace"
    assert b"secret" not in b"".join(request.SerializeToString() for request in traced.requests)


def test_a_proxy_of_ours_may_say_which_trace_a_request_belongs_to(
    traced: Collector, sqlite_store: Store, settings: Settings
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with served(workbench(sqlite_store, settings, proxied=True)) as address:
        httpx.get(f"{address}/sign-in", headers={"traceparent": parent})
    flush()
    (span,) = traced.of("GET /sign-in")
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"


@pytest.mark.parametrize(
    ("environment", "on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:4318/v1/traces"}, True),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_TRACES_EXPORTER": "none"}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318", "OTEL_SDK_DISABLED": "TRUE"}, False),
    ],
)
def test_the_usual_variables_switch_it_on_and_off(environment: dict[str, str], on: bool) -> None:
    assert telemetry.is_on(environment) is on


def test_nothing_is_imported_for_traces_that_nobody_asked_for() -> None:
    code = (
        "import sys; from console import jobs, telemetry; from sync.progress import Silent\n"
        "with telemetry.run('sync', Silent()) as (progress, _): assert type(progress) is Silent\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_command_sends_its_trace_before_it_ends(collector: Collector, sqlite_template: Path, tmp_path: Path) -> None:
    deal.filled(sqlite_template, tmp_path)
    command = [str(Path(sys.executable).with_name("ltc")), "--config", str(tmp_path / "ltc.yaml"), "reconcile"]
    asked = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_RESOURCE_ATTRIBUTES": "site=here"}
    done = subprocess.run(command, env={**os.environ, **asked}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (run,) = collector.of("ltc reconcile")
    assert [span.parent_span_id for span in collector.of("reconcile all.reconciliation")] == [run.span_id]
    told = {
        item.key: item.value.string_value
        for resource in collector.requests[0].resource_spans
        for item in resource.resource.attributes
    }
    assert (told["service.name"], told["site"]) == ("ltc-sync", "here")
