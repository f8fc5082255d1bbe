"""The HTTP side of the stand-in: responses by token, newest first, two requests a second, and signed webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.http import Server
from sandbox.typeform.responses import Reply

TOKEN = "tfp-demo-token-0000000000000000"  # noqa: S105 - made up
FORM_ID = "lT4Z3j"
SECRET = "tf-demo-secret"  # noqa: S105 - made up
"""What the demo's webhook is signed with."""
_LARGEST_PAGE = 1000


class TypeformServer:
    """A running stand-in. ``clock`` is its idea of now; ``lock`` guards the responses."""

    def __init__(self, *, port: int = 0, per_second: int | None = None) -> None:
        self.lock = threading.RLock()
        self.clock: Callable[[], datetime] = lambda: datetime.now(UTC)
        self.forms: dict[str, list[Reply]] = {FORM_ID: []}
        """Form → its responses in the order they came in."""
        self.tokens = {TOKEN}
        self.before_page: Callable[[int], None] = lambda _number: None
        """Called before each list is read, with how many were asked for so far."""
        self._per_second = per_second
        self._recent: deque[float] = deque()
        self._lists = 0
        self._events = 0
        self._server = Server(Starlette(routes=[Route("/forms/{form_id}/responses", self._listed)]), port=port)
        self.faults = self._server.faults
        self.requests = self._server.requests
        self.forget = self._server.forget

    def __enter__(self) -> TypeformServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop serving."""
        self._server.stop()

    @property
    def config(self) -> dict[str, Any]:
        """The connector's settings for this server."""
        return {"base_url": self._server.base_url, "token": TOKEN, "form_id": FORM_ID, "calls_per_second": 100_000}

    def submit(
        self,
        answers: Mapping[str, tuple[str, Any]] | None = None,
        *,
        at: datetime | None = None,
        visible: datetime | None = None,
        hidden: Mapping[str, str] | None = None,
    ) -> str:
        """Somebody answers the form; the response's token. The list shows it from ``visible`` on."""
        with self.lock:
            replies = self.forms[FORM_ID]
            token = hashlib.md5(f"{len(replies)}".encode(), usedforsecurity=False).hexdigest()
            told = answers if answers is not None else {"email": ("email", f"{len(replies)}@example.com")}
            replies.append(Reply(token, at or self.clock(), dict(told), dict(hidden or {}), visible))
            return token

    def remove(self, token: str) -> None:
        """Somebody deletes a response."""
        with self.lock:
            replies = self.forms[FORM_ID]
            replies[:] = [item for item in replies if item.token != token]

    def webhook(self, token: str, *, secret: str = SECRET, form_id: str = FORM_ID) -> tuple[dict[str, str], bytes]:
        """Headers and body of the request that tells of a response."""
        self._events += 1
        reply = next(item for item in self.forms[FORM_ID] if item.token == token)
        body = json.dumps(reply.pushed(form_id, f"01EVENT{self._events:08d}"), separators=(",", ":")).encode()
        return {"content-type": "application/json", "typeform-signature": signed(secret, body)}, body

    def _listed(self, request: Request) -> Response:
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.tokens:
            return _error(403, "AUTHENTICATION_FAILED", "Authentication credentials not found on the Request Headers")
        if self._is_too_fast():
            return _error(429, "TOO_MANY_REQUESTS", "Too many requests")
        with self.lock:
            replies = self.forms.get(request.path_params["form_id"])
            if replies is None:
                return _error(404, "FORM_NOT_FOUND", "form not found")
            asked = dict(request.query_params)
            if "included_response_ids" not in asked:
                self._lists += 1
                self.before_page(self._lists)
            return self._page(replies, asked)

    def _is_too_fast(self) -> bool:
        if self._per_second is None:
            return False
        now = time.monotonic()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= self._per_second:
            return True
        self._recent.append(now)
        return False

    def _page(self, replies: list[Reply], asked: dict[str, str]) -> Response:
        size = int(asked.get("page_size", 25))
        if not 1 <= size <= _LARGEST_PAGE:
            return _error(400, "VALIDATION_ERROR", "page_size must be between 1 and 1000")
        now = self.clock()
        shown = [item for item in replies if item.visible is None or item.visible <= now]
        shown.sort(key=lambda item: item.submitted)
        if "included_response_ids" in asked:
            wanted = set(asked["included_response_ids"].split(","))
            shown = [item for item in shown if item.token in wanted]
        if "before" in asked:
            place = next((number for number, item in enumerate(shown) if item.token == asked["before"]), None)
            if place is None:
                return _error(400, "VALIDATION_ERROR", "before is not a response of this form")
            shown = shown[:place]
        page = [item.listed() for item in reversed(shown)][:size]
        return JSONResponse({"total_items": len(shown), "page_count": math.ceil(len(shown) / size), "items": page})


def signed(secret: str, body: bytes) -> str:
    """The value of ``Typeform-Signature``."""
    return "sha256=" + base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def _error(status: int, code: str, description: str) -> Response:
    return JSONResponse({"code": code, "description": description}, status)


def start(*, port: int = 0, per_second: int | None = None) -> TypeformServer:
    """Start the stand-in with an empty form; ``per_second`` turns the vendor's limit on, which is 2."""
    return TypeformServer(port=port, per_second=per_second)
