"""One line of JSON for each request and each fault of ``ltc serve``, for what gathers logs.

A request's line has its id, method, the template of its route, status and duration; no address, path, query or name. A
fault is told by its kind and the places in our code that it went through: its text may hold data.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from console.telemetry import METHODS, route_of
from state.clock import now

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADER = "x-request-id"
_KNOWN = re.compile(r"[0-9A-Za-z._-]{8,64}")
_log = logging.getLogger("ltc.requests")
_request: ContextVar[str | None] = ContextVar("request", default=None)


class Requests:
    """Gives each request an id, which its answer carries (``X-Request-ID``), and logs it when it has been answered.

    ``trusting``: the id that a proxy of ours has given it is kept.
    """

    def __init__(self, app: ASGIApp, trusting: bool) -> None:
        self._app, self._trusting = app, trusting

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, and log it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = _given(scope) if self._trusting else None
        id, status = given or secrets.token_hex(8), 500

        async def marked(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (HEADER.encode(), id.encode())]
            await send(message)

        _request.set(id)  # for the rest of the server's task for this request, which logs faults as well
        began = time.perf_counter()
        try:
            await self._app(scope, receive, marked)
        finally:
            method = scope["method"] if scope["method"] in METHODS else "other"
            took = round(time.perf_counter() - began, 4)
            told = {"method": method, "route": route_of(scope), "status": status, "seconds": took}
            _log.info("answered", extra={"told": told})


def _given(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == HEADER.encode() and _KNOWN.fullmatch(text := value.decode("latin-1")):
            return str(text)
    return None


class Json(logging.Formatter):
    """A record as one line of JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """The line; of an exception its kind and where it went through."""
        line: dict[str, Any] = {
            "at": now().isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
        }
        if (id := _request.get()) is not None:
            line["request"] = id
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["where"] = [
                f"{frame.filename}:{frame.lineno}" for frame in traceback.extract_tb(record.exc_info[2])[-8:]
            ]
        else:
            line["message"] = record.getMessage()
        line |= getattr(record, "told", {})
        return json.dumps(line, ensure_ascii=False)


def to_json() -> None:
    """Let the process log so, on standard error; requests, too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Json())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    _log.setLevel(logging.INFO)
