"""Run a stand-in server in a thread, break it on purpose, and see what it was asked.

    with Server(app) as server:                      # any ASGI app, on 127.0.0.1, a free port
        server.faults.answer("POST /orders", 502)    # the next matching request is answered 502, the app is not asked
        server.faults.cut("/orders", act=True)       # the one after that is carried out, then the connection is cut
        httpx.post(f"{server.base_url}/orders", ...)
        server.requests("/orders")[-1].json()

A rule's ``where`` is a regular expression searched in ``"METHOD /path?decoded=query"``. Rules are tried in the order
they were added, each for its next ``times`` matching requests after letting ``skip`` pass. ``act=True`` lets the
application carry the request out before the answer is lost or replaced.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import unquote_plus

import uvicorn

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Any, Any, Any], Awaitable[None]]
Body = bytes | str | dict[str, Any] | list[Any]

_STOP_SECONDS = 10.0
_TICK_SECONDS = 0.1  # uvicorn counts ten to a second


@dataclass(slots=True)
class Request:
    """One request a server received; ``status`` is what it was answered, 0 if the connection was cut."""

    method: str
    path: str
    query: str
    """Decoded, without the question mark."""
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes
    status: int = 0
    label: str = ""
    """What the body asks for, where all requests have one address."""

    @property
    def line(self) -> str:
        """``METHOD /path?query label``: what rules and ``Server.requests`` search."""
        query = f"?{self.query}" if self.query else ""
        return f"{self.method} {self.path}{query}" + (f" {self.label}" if self.label else "")

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass(slots=True)
class _Rule:
    where: re.Pattern[str]
    kind: str  # answer, cut, hang, corrupt, break, drip, meanwhile
    times: int
    skip: int
    act: bool
    status: int = 0
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    change: Callable[[bytes], bytes] | None = None
    happens: Callable[[], None] = lambda: None
    seconds: float = 0.0


def half(body: bytes) -> bytes:
    """The first half of a body: JSON that ends in the middle."""
    return body[: len(body) // 2]


class Faults:
    """What goes wrong next; safe to call from any thread."""

    def __init__(self) -> None:
        self._rules: list[_Rule] = []
        self._lock = threading.Lock()

    def answer(
        self,
        where: str,
        status: int,
        body: Body = b"",
        *,
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        skip: int = 0,
        act: bool = False,
    ) -> None:
        """Answer with this status and body instead of the application's (429, 502, a vendor's error JSON)."""
        raw, kind = _encoded(body)
        sent = {"content-type": kind, **(headers or {})}
        self._add(_Rule(re.compile(where), "answer", times, skip, act, status=status, body=raw, headers=sent))

    def cut(self, where: str, *, times: int = 1, skip: int = 0, act: bool = False) -> None:
        """Close the connection without an answer; the client sees a broken connection at once."""
        self._add(_Rule(re.compile(where), "cut", times, skip, act))

    def hang(self, where: str, *, times: int = 1, skip: int = 0, act: bool = False) -> None:
        """Never answer: give the client under test a short time-out."""
        self._add(_Rule(re.compile(where), "hang", times, skip, act))

    def corrupt(self, where: str, *, times: int = 1, skip: int = 0, change: Callable[[bytes], bytes] = half) -> None:
        """Carry the request out, keep status and headers, and send ``change(body)``; by default half of the body."""
        self._add(_Rule(re.compile(where), "corrupt", times, skip, True, change=change))

    def break_off(self, where: str, *, times: int = 1, skip: int = 0) -> None:
        """Carry the request out, send status, headers and half of the body, and close the connection."""
        self._add(_Rule(re.compile(where), "break", times, skip, True))

    def drip(self, where: str, seconds: float, *, times: int = 1, skip: int = 0) -> None:
        """Carry the request out, and send the body byte by byte with this pause between two."""
        self._add(_Rule(re.compile(where), "drip", times, skip, True, seconds=seconds))

    def meanwhile(self, where: str, happens: Callable[[], None], *, times: int = 1, skip: int = 0) -> None:
        """Let something happen between a request's arrival and its being carried out."""
        self._add(_Rule(re.compile(where), "meanwhile", times, skip, False, happens=happens))

    def clear(self) -> None:
        """Drop every rule."""
        with self._lock:
            self._rules.clear()

    @property
    def armed(self) -> int:
        """How many requests are still to be broken; 0 proves that a test met every fault it set."""
        with self._lock:
            return sum(rule.times for rule in self._rules)

    def _add(self, rule: _Rule) -> None:
        with self._lock:
            self._rules.append(rule)

    def take(self, line: str) -> _Rule | None:
        """The rule that applies to this request, used up once."""
        with self._lock:
            for rule in self._rules:
                if not rule.where.search(line):
                    continue
                if rule.skip:
                    rule.skip -= 1
                    continue
                rule.times -= 1
                if not rule.times:
                    self._rules.remove(rule)
                return rule
        return None


@dataclass(frozen=True, slots=True)
class Tls:
    """A throw-away certificate authority and a server certificate it signed, as PEM files."""

    ca_file: Path
    cert_file: Path
    key_file: Path

    @classmethod
    def create(cls, directory: Path, *hosts: str) -> Tls:
        """Make (or reuse) them in ``directory`` for 127.0.0.1, localhost and ``hosts``."""
        files = cls(directory / "ca.pem", directory / "server.pem", directory / "server.key")
        if not files.key_file.exists():
            import trustme

            directory.mkdir(parents=True, exist_ok=True)
            authority = trustme.CA()
            certificate = authority.issue_cert("127.0.0.1", "localhost", *hosts)
            authority.cert_pem.write_to_path(str(files.ca_file))
            for number, pem in enumerate(certificate.cert_chain_pems):
                pem.write_to_path(str(files.cert_file), append=number > 0)
            certificate.private_key_pem.write_to_path(str(files.key_file))
        return files


class Server:
    """An ASGI application served from a thread on 127.0.0.1 until ``stop``.

    ``base_url`` has no slash at its end. ``faults`` breaks requests, ``requests`` shows them (the last ``remember``).
    ``clock`` tells the time in the ``Date`` of answers, if it is not the machine's. ``label`` tells a body's ``label``.
    """

    def __init__(
        self,
        application: Application,
        *,
        port: int = 0,
        tls: Tls | None = None,
        remember: int = 5000,
        clock: Callable[[], datetime] | None = None,
        label: Callable[[bytes], str] = lambda _body: "",
    ) -> None:
        self.faults = Faults()
        self._log: deque[Request] = deque(maxlen=remember)
        config = uvicorn.Config(
            _Front(application if clock is None else _dated(application, clock), self.faults, self._log, label),
            loop="asyncio",
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="error",
            access_log=False,
            server_header=False,
            date_header=clock is None,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            ssl_certfile=tls.cert_file if tls else None,
            ssl_keyfile=tls.key_file if tls else None,
        )
        self._socket = _listen(port)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"{'https' if tls else 'http'}://127.0.0.1:{self.port}"
        self._server = PromptServer(config)
        self._thread = threading.Thread(
            target=self._server.run, args=([self._socket],), name=f"sandbox-{self.port}", daemon=True
        )
        self._thread.start()
        if not self._server.up.wait(_STOP_SECONDS):
            raise RuntimeError(f"The stand-in server on port {self.port} did not start.")

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Stop serving and free the port; safe to call twice."""
        self._server.leave()
        self._thread.join(_STOP_SECONDS)
        self._socket.close()

    def requests(self, where: str = "") -> list[Request]:
        """The requests so far whose line matches ``where`` (a regular expression), oldest first."""
        return [request for request in list(self._log) if re.search(where, request.line)]

    def forget(self) -> None:
        """Empty the log of requests."""
        self._log.clear()


def _dated(application: Application, clock: Callable[[], datetime]) -> Application:
    """The application with the ``Date`` of another clock in its answers."""

    async def dated(scope: Any, receive: Receive, send: Send) -> None:
        async def stamped(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(clock().astimezone(UTC), usegmt=True).encode()
                message = {**message, "headers": [*message["headers"], (b"date", date)]}
            await send(message)

        await application(scope, receive, stamped)

    return dated


def _listen(port: int) -> socket.socket:
    """A listening socket that names its protocol; otherwise asyncio leaves Nagle's algorithm on: 40 ms a request."""
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.listen(128)
    except OSError:
        made.close()
        raise
    return made


class PromptServer(uvicorn.Server):
    """Tells when it accepts connections, and stops at once instead of at its next tick."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.up = threading.Event()
        self._leave = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say so."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)
        self.up.set()

    async def main_loop(self) -> None:
        """Tick until somebody leaves."""
        ticks = 0
        while not await self.on_tick(ticks):
            ticks += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._leave.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop idle connections first: over TLS a client that does not say goodbye would be waited for."""
        for connection in list(self.server_state.connections):
            cycle = getattr(connection, "cycle", None)
            if cycle is None or cycle.response_complete:
                connection.transport.abort()
        await asyncio.sleep(0)  # what was dropped is noted
        if self.server_state.connections or self.server_state.tasks:
            await super().shutdown(sockets)
            return
        for server in self.servers:  # uvicorn's own way out waits a tenth of a second for nobody
            server.close()
        for listening in sockets or []:
            listening.close()

    def leave(self) -> None:
        """Stop serving; safe to call from any thread and twice."""
        self.should_exit = True
        with contextlib.suppress(RuntimeError):  # the loop is closed: it has stopped
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._leave.set)


class _Front:
    """Stands before the application: logs the request and lets a rule break it."""

    def __init__(
        self, application: Application, faults: Faults, log: deque[Request], label: Callable[[bytes], str]
    ) -> None:
        self._application = application
        self._label = label
        self._faults = faults
        self._log = log

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request = await _read(scope, receive)
        request.label = self._label(request.body)
        self._log.append(request)
        answer = _Answer(request, send)
        rule = self._faults.take(request.line)
        if rule is not None and rule.kind == "meanwhile":
            rule.happens()
            rule = None
        if rule is None:
            await self._application(scope, _replay(request.body, receive), answer.pass_on)
            return
        if rule.act:
            await self._application(scope, _replay(request.body, receive), answer.keep)
        match rule.kind:
            case "answer":
                await answer.send(rule.status, rule.headers, rule.body)
            case "corrupt":
                assert rule.change is not None
                await answer.send(answer.status, answer.headers, rule.change(answer.body))
            case "cut":
                await _hang_up(receive, send)
            case "hang":
                await _until_gone(receive)
            case "break":
                await answer.begin(answer.status, answer.headers, len(answer.body))
                await send({"type": "http.response.body", "body": half(answer.body), "more_body": True})
                await _hang_up(receive, send)
            case "drip":
                await answer.begin(answer.status, answer.headers, len(answer.body))
                await _drip(answer.body, rule.seconds, receive, send)


class _Answer:
    """The application's answer, passed on or kept back."""

    def __init__(self, request: Request, send: Send) -> None:
        self._request = request
        self._send = send
        self.status = 0
        self.headers: dict[str, str] = {}
        self.body = b""

    async def pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._request.status = message["status"]
        await self._send(message)

    async def keep(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")

    async def send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        await self.begin(status, headers, len(body))
        await self._send({"type": "http.response.body", "body": body})

    async def begin(self, status: int, headers: Mapping[str, str], length: int) -> None:
        self._request.status = status
        lines = {**headers, "content-length": str(length)}
        encoded = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()]
        await self._send({"type": "http.response.start", "status": status, "headers": encoded})


async def _read(scope: MutableMapping[str, Any], receive: Receive) -> Request:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = unquote_plus(scope["query_string"].decode("latin-1"))
    return Request(scope["method"], scope["path"], query, headers, body)


def _replay(body: bytes, receive: Receive) -> Receive:
    sent = False

    async def again() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _hang_up(receive: Receive, send: Send) -> None:
    """Close the connection under the request; uvicorn keeps it in the object that ``send`` is a method of."""
    cycle: Any = send.__self__  # type: ignore[attr-defined]
    cycle.transport.abort()
    await _until_gone(receive)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        await asyncio.sleep(0)


async def _drip(body: bytes, seconds: float, receive: Receive, send: Send) -> None:
    gone = asyncio.ensure_future(_until_gone(receive))
    for at in range(len(body)):
        if gone.done():
            return
        await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": at + 1 < len(body)})
        await asyncio.wait({gone}, timeout=seconds)
    gone.cancel()


def _encoded(body: Body) -> tuple[bytes, str]:
    if isinstance(body, bytes):
        return body, "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), "text/html; charset=utf-8"
    return json.dumps(body, ensure_ascii=False).encode(), "application/json; charset=utf-8"
