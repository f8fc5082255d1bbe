"""The workbench as one ASGI application."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DataError
from starlette.responses import PlainTextResponse, Response

from console import sentences, telemetry
from console.i18n import texts
from console.web import (
    account,
    assets,
    astray,
    audit,
    audit_export,
    cash,
    cash_matched,
    conflicts,
    customer_named,
    customers,
    dead_letters,
    findings,
    health,
    leaks,
    links,
    logs,
    metrics,
    monitoring,
    overview,
    people,
    periods,
    plans,
    provided,
    quarantine,
    runs,
    signing_in,
    splitting,
    streams,
    systems,
    tracing,
    tracking,
)
from console.web.access import Right
from console.web.admin import drift, history, kit, mappings, ownership, reopening, samples, schedule, uploads
from console.web.admin import systems as settings_of_systems
from console.web.admin.files import Files
from console.web.admin.verdicts import Verdicts
from console.web.api import application as rest
from console.web.counting import Counting
from console.web.desk import RIGHTS, Desk, SignInFirst, see
from console.web.guard import HEADERS, Guard
from console.web.listings import Listings
from console.web.problems import API
from console.web.work import Worker
from reconciliation.tieouts import DoesNotFootError
from state.failures import StoreError

if TYPE_CHECKING:
    from console.i18n import Texts
    from settings.model import Settings
    from state.store import Store

_ROOMS = (
    *(assets, signing_in, provided, people, overview, findings, cash, cash_matched, splitting),
    *(links, tracing, customers, customer_named, tracking, periods),
    *(systems, streams, runs, plans, conflicts, dead_letters, quarantine, audit, audit_export),
    *(leaks, account, health, metrics, monitoring, mappings, drift, kit),
    *(settings_of_systems, uploads, ownership, reopening, schedule, history),
)
LOOPBACK = ("127.0.0.1", "::1", "localhost")


def workbench(
    store: Store, settings: Settings, *, secure: bool = False, proxied: bool = False, hosts: tuple[str, ...] = LOOPBACK
) -> FastAPI:
    """The application over one store.

    ``secure``: people reach it over TLS; ``proxied``: through a proxy that we trust. ``hosts``: the names that they
    call it by, without ports.
    """
    quiet = telemetry.NOTHING_BY_FASTAPI
    app = FastAPI(title="LTC Sync", docs_url=None, redoc_url=None, openapi_url=None, telemetry=quiet)
    app.state.desk = desk = Desk(store, settings, secure, proxied)
    app.state.attempts = signing_in.attempts()
    app.state.counting, app.state.listings = Counting(store), Listings(store)
    app.state.providers = provided.Providers()
    app.state.worker = Worker(store, desk.present)
    app.state.latest = overview.Latest(store, desk.present)
    app.state.files = Files(store, settings.path)
    app.state.live_samples = samples.Live()
    app.state.verdicts = Verdicts()
    app.state.kit = kit.Kit(store)
    app.state.forms = astray.Forms(app)
    app.state.metrics = metrics.Metrics(app.state.desk)
    app.middleware("http")(Guard(frozenset(hosts), secure))
    app.add_middleware(metrics.Timed, metrics=app.state.metrics)
    if (tracer := telemetry.tracer()) is not None:
        app.add_middleware(telemetry.TracedRequests, tracer=tracer, trusting=proxied)
    app.add_middleware(logs.Requests, trusting=proxied)
    for room in _ROOMS:
        app.include_router(room.router)
    app.mount(rest.PATH, rest.api(app.state.desk, app.state.worker))
    app.add_exception_handler(SignInFirst, _sign_in_first)
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(404, _refused)
    app.add_exception_handler(405, _refused)
    app.add_exception_handler(RequestValidationError, _refused)
    app.add_exception_handler(DataError, _refused)  # PostgreSQL is asked for a text that it cannot hold
    app.add_exception_handler(Exception, _failed)
    app.add_exception_handler(StoreError, _store_failed)
    app.add_exception_handler(DoesNotFootError, _store_failed)
    return app


def _sign_in_first(request: Request, _error: Exception) -> Response:
    if request.method != "GET":
        return see("/sign-in")
    address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return see("/sign-in" if address == "/" else f"/sign-in?next={quote(address, safe='')}")


def _refused(request: Request, error: Exception) -> Response:
    if request.url.path.startswith(API):  # one with a line break, at which a mount gives up
        return rest.refused(request, error)
    status = getattr(error, "status_code", 400)
    if status in (404, 405) and request.method == "GET" and (page := _forms(request).page_of(request.url.path)):
        return see(page)
    known = status if status in (403, 404, 405) else 400
    answer = RIGHTS[Right.OPEN](request).page("refused", status, what=str(known))
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


def _forms(request: Request) -> astray.Forms:
    found: astray.Forms = request.app.state.forms
    return found


def _failed(request: Request, _error: Exception) -> Response:
    """A fault of ours: what it was stands in the log of the server, not on the page."""
    t = _words(request)
    return PlainTextResponse(f"{t('fault.ours')}\n", 500, HEADERS)


def _store_failed(request: Request, error: Exception) -> Response:
    """The store is what all pages need, so this one does without it."""
    said = f"{getattr(error, 'message', error)} {getattr(error, 'remedy', '')}".strip()
    told = sentences.plain(said, _words(request).locale)
    return PlainTextResponse(f"{told}\n", 503, {"Retry-After": "10"})


def _words(request: Request) -> Texts:
    """The language of a browser without asking the store whose it is."""
    return texts(request.cookies.get("lang") or request.app.state.desk.settings.locale)
