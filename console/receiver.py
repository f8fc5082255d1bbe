"""The web server that takes webhooks in at ``/webhooks/SYSTEM``: answered as soon as what a request tells is committed.

Every answer comes within the time that the source waits. What the store cannot take by then is answered 503, which
every source takes for *send it again*; it is kept once, however often it comes.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import threading
import time
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.contract import Connector, Inbound, Reply, Webhooks
from connectors.errors import WebhookRefused
from console.reader import Reader, Told
from state.store import Store, StoreError
from sync import systems, webhooks

if TYPE_CHECKING:
    from settings.model import Settings

LARGEST_BODY = 1_000_000
"""Bytes; no system sends more in one request."""
_IN_TIME = 0.8
"""The part of the time that the source waits after which we say that it shall come again."""
_BODY_SECONDS = 10.0
"""So long a request may take to arrive."""
_WORKERS = 8
"""Requests that are taken in at once; the store takes them one after the other anyway."""
_MOST_WAITING = 256
"""Requests that may wait for a worker; more would not be answered in time."""
_RETRY_SECONDS = "30"
_REFUSALS_SECONDS = 60.0
"""A stranger who sends without end must not fill the log: one line a system in so long says how many there were."""
_SECRET_PATH = re.compile("[0-9A-Za-z_-]{16,200}")
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


@dataclass(frozen=True, slots=True)
class _Door:
    """A system that tells by webhook: its connector, the streams it tells of, the secret end of its address."""

    connector: Connector[Any]
    streams: frozenset[str]
    path: str | None

    def is_at(self, path: str | None) -> bool:
        """Whether an address with this end is the system's."""
        if self.path is None or path is None:
            return self.path is path
        return hmac.compare_digest(self.path.encode(), path.encode(errors="replace"))


class Receiver:
    """Takes requests of the systems whose connectors offer webhooks, and has read what they tell of.

    ``told`` gets a line for a person whenever something was read, or requests were refused. ``public_url`` is how the
    sources call us, for signatures over the address; without it the address is taken to be as it arrives.
    """

    def __init__(self, store: Store, settings: Settings, told: Told, public_url: str = "") -> None:
        self._store = store
        self._settings = settings
        self._public_url = public_url.rstrip("/")
        self._doors: dict[str, _Door] = {}
        self._reader = Reader(store, settings, told)
        self._refusals = _Refusals(told)
        self._pool = ThreadPoolExecutor(_WORKERS, "ltc webhook")
        self._waiting = 0
        either = [("/webhooks/{system}", "webhook"), ("/webhooks/{system}/{path}", "secret webhook")]
        routes = [Route(path, self._received, methods=["GET", "POST"], name=name) for path, name in either]
        self.app = Starlette(routes=routes, lifespan=self._life)
        self.app.router.redirect_slashes = False  # sources do not follow

    def open(self) -> dict[str, str]:
        """Open the systems that tell by webhook; returns their paths, without secrets. Raises ``SystemUnusable``."""
        for name in self._settings.systems:
            connector = systems.open_connector(self._settings, name)
            specs = systems.ordered_streams(self._settings, name, connector)
            streams = frozenset(spec.name for spec in specs if spec.webhooks is not Webhooks.NONE)
            if streams:
                self._doors[name] = _Door(connector, streams, _secret_path(self._settings, name))
            else:
                connector.close()
        return {name: f"/webhooks/{name}" + ("/…" if door.path else "") for name, door in self._doors.items()}

    def close(self) -> None:
        """Close what ``open`` opened."""
        self._pool.shutdown()
        for door in self._doors.values():
            door.connector.close()

    @asynccontextmanager
    async def _life(self, _app: Starlette) -> AsyncIterator[None]:
        self._reader.start()
        yield
        await asyncio.to_thread(self._reader.stop)

    async def _received(self, request: Request) -> Response:
        began = time.monotonic()
        system = request.path_params["system"]
        door = self._doors.get(system)
        if door is None or not door.is_at(request.path_params.get("path")):
            return _answer(404)
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                body = await _body(request)
        except TimeoutError:
            return _answer(408)
        except ClientDisconnect:
            return _answer(400)
        if body is None:
            return _answer(413)
        headers = {name.lower(): value for name, value in request.headers.items()}
        inbound = Inbound(headers, dict(request.query_params), body, request.method, self._address(request))
        return await self._in_time(system, door, inbound, began)

    def _address(self, request: Request) -> str:
        """The address as the source called it, escapes and all."""
        query = request.scope["query_string"].decode("latin-1")
        path = request.scope.get("raw_path", request.scope["path"].encode()).decode("latin-1")
        base = self._public_url or f"{request.url.scheme}://{request.headers.get('host', '')}"
        return f"{base}{path}" + (f"?{query}" if query else "")

    async def _in_time(self, system: str, door: _Door, inbound: Inbound, began: float) -> Response:
        if self._waiting >= _MOST_WAITING:
            return _answer(503)
        left = door.connector.answer_seconds * _IN_TIME - (time.monotonic() - began)
        self._waiting += 1
        try:
            async with asyncio.timeout(max(left, 0.1)):
                loop = asyncio.get_running_loop()
                return await loop.run_in_executor(self._pool, self._take_in, system, door, inbound)
        except TimeoutError:
            return _answer(503)  # what was begun is kept all the same, and known again when it is repeated
        finally:
            self._waiting -= 1

    def _take_in(self, system: str, door: _Door, request: Inbound) -> Response:
        """200 once it is committed, 401 if it is none of theirs, 503 to be sent it again."""
        try:
            asked = door.connector.challenge(request)
            if asked is not None:
                return _answer(200, asked)
            if request.method != "POST":
                return _answer(405)
            received = webhooks.receive(self._store, door.connector, system, door.streams, request)
        except WebhookRefused as error:
            self._refusals.note(system, error)
            return _answer(401)
        except StoreError as error:
            self._refusals.note(system, error)
            return _answer(503)
        if received.noted:
            self._reader.noted()
        return _answer(200, received.reply)


class _Refusals:
    """Says what was refused, and of many in a row only how many."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._lock = threading.Lock()
        self._last: dict[tuple[str, str], tuple[float, int]] = {}
        """System and reason → when it was told last, and how often it was not told since."""

    def note(self, system: str, error: WebhookRefused | StoreError) -> None:
        """One request was not taken in."""
        key, now = (system, str(error)), time.monotonic()
        with self._lock:
            at, passed = self._last.get(key, (-_REFUSALS_SECONDS, 0))
            if now - at < _REFUSALS_SECONDS:
                self._last[key] = (at, passed + 1)
                return
            self._last[key] = (now, 0)
        refused = "refused a request: " if isinstance(error, WebhookRefused) else ""
        self._told(f"{system}: {refused}{error}" + (f" ({passed} more since the last time)" if passed else ""))


def _secret_path(settings: Settings, system: str) -> str | None:
    """The end of a system's address that only the source knows. Raises ``SystemUnusable``."""
    from settings import SecretMissing, secrets

    reference = settings.systems[system].webhook_path
    if reference is None:
        return None
    try:
        path = str(secrets.resolve(reference))
    except SecretMissing as error:
        raise systems.SystemUnusable(f"systems.{system}.webhook_path: {error.message}", error.remedy) from None
    if _SECRET_PATH.fullmatch(path) is None:
        raise systems.SystemUnusable(
            f"systems.{system}.webhook_path is no part of an address that cannot be guessed.",
            "Use 16 letters and digits or more; `openssl rand -hex 16` makes some.",
        )
    return path


async def _body(request: Request) -> bytes | None:
    """The body; ``None`` if it is too large."""
    told = request.headers.get("content-length", "")
    if told.isdecimal() and int(told[:20]) > LARGEST_BODY:
        return None
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > LARGEST_BODY:
            return None
    return b"".join(parts)


def _answer(status: int, reply: Reply | None = None) -> Response:
    headers = dict(_HEADERS)
    if status == 503:
        headers["Retry-After"] = _RETRY_SECONDS
    if status == 405:
        headers["Allow"] = "POST"
    if reply is None:
        return Response(status_code=status, headers=headers)
    return Response(reply.body, status, headers, reply.media_type)
