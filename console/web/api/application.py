"""The API as one ASGI application, which the workbench mounts at ``/api/v1``, and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response

from console.telemetry import NOTHING_BY_FASTAPI
from console.web import problems
from console.web.access import Right
from console.web.api import (
    attending,
    audit,
    callers,
    cash,
    chains,
    customers,
    finding_bulk,
    finding_files,
    finding_lists,
    finding_views,
    findings,
    letters,
    links,
    me,
    orders,
    periods,
    plans,
    quarantine,
    report,
    runs,
    systems,
    tie_outs,
)
from console.web.problems import MEDIA_TYPE, Refusal, problem
from reconciliation.tieouts import DoesNotFootError
from state.failures import StoreError
from state.runs import LeaseHeld

if TYPE_CHECKING:
    from console.web.desk import Desk
    from console.web.work import Worker

PATH = f"{problems.API}v1"
_ROOMS = (
    me,
    *(finding_lists, finding_bulk, finding_views, findings, finding_files),  # `/findings/{id}` after other names
    *(report, tie_outs, chains, customers, orders, cash, links, periods),
    *(systems, attending, runs, plans, letters, quarantine, audit),
)
_ABOUT = """What the workbench of LTC Sync shows and decides, for programs. See docs/api.md.

Money is exact decimal text in the currency beside it; instants are ISO 8601, UTC. Errors are problem details (RFC 9457)
with a sentence in `detail` and what to do in `remedy`."""


class Problem(BaseModel):
    """Why something was refused: problem details by RFC 9457."""

    type: str = Field(examples=["about:blank"])
    title: str
    status: int
    detail: str = Field(description="A sentence")
    remedy: str = Field(description="What to do about it")
    errors: list[WrongPart] = Field(default_factory=list, description="What is wrong in the request, piece by piece")


class WrongPart(BaseModel):
    """A piece of a request that is not as the document says."""

    where: str = Field(examples=["body.reason"])
    what: str


_SAID = {
    "400": "The request cannot be read, or was sent by another site's page",
    "401": "No token and no session, or one that is not good (any more)",
    "403": "The member's roles, or the token's scopes, do not allow it",
    "404": "There is no such thing",
    "409": "The state of things does not allow it",
    "422": "The request is not as this document says",
    "429": "Too many wrong tokens from this address, or too many calls with this token; see `Retry-After`",
    "500": "A fault of ours; what it was stands in the log of the server",
    "503": "The database cannot be used now; see `Retry-After`",
}
_CONFLICTS = (
    "/report",
    "/report/{form}",
    "/findings",
    "/findings/groups",
    "/findings/{id}/attachments/{digest}",
    "/systems/{name}/backfill",
)
"""What is only read and can be refused with 409 all the same."""
_ALWAYS = ("400", "401", "403", "422", "429", "500", "503")
_SCHEMES = {
    "token": {"type": "http", "scheme": "bearer", "description": "A token of a member: `ltc_…`"},
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "ltc",
        "description": "The session of a browser (`__Host-ltc` over TLS)",
    },
    "mark": {"type": "apiKey", "in": "header", "name": "X-CSRF-Token", "description": "The mark of the session"},
}


def api(desk: Desk, worker: Worker) -> FastAPI:
    """The application over one workbench."""
    app = _empty()
    app.state.desk, app.state.worker = desk, worker
    app.state.wrong_tokens, app.state.calls = callers.wrong_tokens(), callers.calls()
    app.openapi = document  # type: ignore[method-assign]  # FastAPI's own way of adding to it
    for kind, handler in _HANDLERS.items():
        app.add_exception_handler(kind, handler)
    return app


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document: FastAPI's, with every refusal and with who may do what."""
    app = _empty()
    made = get_openapi(
        title=app.title,
        version=app.version,
        description=app.description,
        routes=app.routes,
        servers=[{"url": PATH}],
        tags=[{"name": name, "description": said} for name, said in _subjects().items()],
    )
    parts = made["components"]
    parts["securitySchemes"] = _SCHEMES
    for unused in ("HTTPValidationError", "ValidationError"):
        parts["schemas"].pop(unused, None)
    for model in (WrongPart, Problem):
        shape = model.model_json_schema(ref_template="#/components/schemas/{model}")
        shape.pop("$defs", None)
        parts["schemas"][model.__name__] = shape
    for route, method in operations():
        _complete(made["paths"][route.path_format][method.lower()], method, route)
    return made


def _subjects() -> dict[str, str]:
    """Each tag with the sentence of the first room of this tag."""
    found: dict[str, str] = {}
    for room in _ROOMS:
        found.setdefault(str(room.router.tags[0]), room.__doc__ or "")
    return found


def _empty() -> FastAPI:
    app = FastAPI(
        title="LTC Sync",
        version="1",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        telemetry=NOTHING_BY_FASTAPI,
        openapi_url="/openapi.json",  # for everybody: it is the same everywhere and tells nothing of this company
        generate_unique_id_function=lambda route: route.name,
    )
    for room in _ROOMS:
        app.include_router(room.router)
    return app


def operations() -> Iterator[tuple[APIRoute, str]]:
    """Every operation: its route and method."""
    for room in _ROOMS:
        for route in room.router.routes:
            if isinstance(route, APIRoute):
                for method in sorted(route.methods or ()):
                    yield route, method


def right_of(route: APIRoute) -> Right:
    """The right that an operation needs."""
    [found] = [right for right in map(_right, route.dependant.dependencies) if right is not None]
    return found


def scope_of(route: APIRoute) -> Right:
    """What a token has to let for an operation."""
    [found] = [part.call.scope for part in route.dependant.dependencies if _right(part) is not None]  # type: ignore[union-attr]
    return Right(found)


def _right(part: Dependant) -> Right | None:
    return getattr(part.call, "right", None)


def _complete(operation: dict[str, Any], method: str, route: APIRoute) -> None:
    right, changes = right_of(route), method != "GET"
    by_session: dict[str, list[str]] = {"session": [], "mark": []} if changes else {"session": []}
    operation["security"] = [by_session] if right is Right.APPROVE else [{"token": []}, by_session]
    operation["x-right"] = right.value
    if right is not Right.APPROVE:
        operation["x-scope"] = scope_of(route).value
    statuses = {
        *_ALWAYS,
        *(("409",) if changes or route.path in _CONFLICTS else ()),
        *(("404",) if "{" in route.path else ()),
    }
    for status in sorted(statuses):
        answer: dict[str, Any] = {
            "description": _SAID[status],
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        operation["responses"][status] = answer


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)  # noqa: S101 - registered for nothing else
    locale = callers.language_of(request)
    return problem(error.status, error.told(locale), error.remedy, headers=error.headers, locale=locale)


def refused(request: Request, error: Exception) -> Response:
    """What the framework refuses, as a problem."""
    status = getattr(error, "status_code", 400)
    headers = getattr(error, "headers", None)
    if status == 405:  # the framework names the methods of one of its routes only
        path = request.url.path.removeprefix(PATH)
        known = _exactly(path) or {method for route, method in operations() if route.path_regex.match(path)}
        headers = {"Allow": ", ".join(sorted(known))} if known else headers
    said = {
        400: ("The body cannot be read.", "Send JSON, with `Content-Type: application/json`."),
        404: ("There is no such address.", f"GET {PATH}/openapi.json lists the ones there are."),
        405: ("This address does not know that method.", f"GET {PATH}/openapi.json lists the ones there are."),
    }
    sentence, remedy = said.get(status, ("That did not work.", ""))
    return problem(status, sentence, remedy, headers=headers, locale=callers.language_of(request))


def _exactly(path: str) -> set[str]:
    """The methods of just this address, which is no id of a record, as in ``/quarantine/discard``."""
    return {method for route, method in operations() if route.path == path}


def _invalid(request: Request, error: Exception) -> Response:
    """What is wrong and where, without what was sent: it may be personal or secret."""
    known = _exactly(request.url.path.removeprefix(PATH))
    if known and request.method not in known:  # it was taken for the id of a record
        return refused(request, HTTPException(405))
    found = error.errors() if isinstance(error, RequestValidationError) else []
    wrong = [{"where": ".".join(map(str, item["loc"])), "what": _sentence(item)} for item in found[:20]]
    remedy = f"See `errors`, and {PATH}/openapi.json."
    return problem(
        422, "The request is not as the document says.", remedy, errors=wrong, locale=callers.language_of(request)
    )


def _sentence(item: dict[str, Any]) -> str:
    return str(item["msg"]).removeprefix("Value error, ")


def _busy(request: Request, error: Exception) -> Response:
    sentence, remedy = getattr(error, "message", str(error)), getattr(error, "remedy", "")
    return problem(409, sentence, remedy, locale=callers.language_of(request))


def _store(request: Request, error: Exception) -> Response:
    sentence, remedy = getattr(error, "message", str(error)), getattr(error, "remedy", "")
    return problem(503, sentence, remedy, headers={"Retry-After": "10"}, locale=callers.language_of(request))


def _failed(request: Request, _error: Exception) -> Response:
    remedy = "Try again; if it stays, please report it."
    return problem(500, "Something went wrong here.", remedy, locale=callers.language_of(request))


_HANDLERS: dict[type[Exception], Callable[[Request, Exception], Response]] = {
    Refusal: _refused,
    HTTPException: refused,
    RequestValidationError: _invalid,
    LeaseHeld: _busy,
    StoreError: _store,
    DoesNotFootError: _store,
    Exception: _failed,
}
