"""The HTTPS side of the stand-in: tokens, versions, call counting; start, stop, save, load."""

from __future__ import annotations

import base64
import re
import secrets
import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from sandbox.http import Server, Tls
from sandbox.salesforce import snapshot
from sandbox.salesforce.failures import ApiError, not_found
from sandbox.salesforce.org import ORGANIZATION_ID, USER_ID, Org
from sandbox.salesforce.queries import Locators
from sandbox.salesforce.rest import Call, Reply, Rest
from sandbox.salesforce.seed import fill
from sandbox.salesforce.values import encode
from sandbox.world.records import World

CLIENT_ID = "3MVG9.demo.connected.app.ltc"
CLIENT_SECRET = "demo-client-secret-0000000000000000"  # noqa: S105  the stand-in's own
_VERSIONS = range(31, 69)
_DATA = re.compile(r"/services/data/v(?P<version>\d+)\.0(?P<rest>/.*|)")


class SalesforceServer:
    """A running stand-in.

    ``org`` is what people see and change; ``daily_limit`` and ``used`` count API calls as ``Sforce-Limit-Info`` shows
    them; tokens end after ``token_seconds`` (never if ``None``) or with ``expire_tokens``.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        directory: Path | None = None,
        multi_currency: bool = True,
        daily_limit: int = 100_000,
        token_seconds: float | None = None,
    ) -> None:
        self.client_id, self.client_secret = CLIENT_ID, CLIENT_SECRET
        self._settings = multi_currency, daily_limit, token_seconds
        self._begin()
        self._temporary = None if directory else Path(tempfile.mkdtemp(prefix="ltc-salesforce-"))
        tls = Tls.create(directory or self._temporary or Path())
        self.ca_file = tls.ca_file
        self._server = Server(self._serve, port=port, tls=tls)
        self.port = self._server.port
        self.base_url = self._server.base_url
        self.faults = self._server.faults
        self.requests = self._server.requests
        self.forget = self._server.forget

    def __enter__(self) -> SalesforceServer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def config(self) -> dict[str, Any]:
        """A connector's configuration for this server."""
        return {
            "instance_url": self.base_url,
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "ca_bundle": str(self.ca_file),
        }

    def _begin(self) -> None:
        multi_currency, self.daily_limit, self._token_seconds = self._settings
        self.org = Org(multi_currency=multi_currency)
        self.locators = Locators(self.org)
        self._rest = Rest(self.org, self.locators, lambda: (self.used, self.daily_limit))
        self._tokens: dict[str, datetime | None] = {}
        self.used = 0

    def empty(self) -> None:
        """Begin anew with an empty org: no records, sessions, faults or logged requests."""
        self._begin()
        self.faults.clear()
        self.forget()

    def stop(self) -> None:
        """Stop serving; the data stays in memory."""
        self._server.stop()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)

    def save(self, path: Path) -> None:
        """Write all records to a JSON file."""
        snapshot.save(self.org, path)

    def load(self, path: Path) -> None:
        """Replace all records by what ``save`` wrote."""
        snapshot.load(self.org, path)

    def issue_token(self) -> str:
        """A fresh access token, as the token endpoint gives out."""
        token = f"{ORGANIZATION_ID[:15]}!{secrets.token_urlsafe(32)}"
        ends = None if self._token_seconds is None else timedelta(seconds=self._token_seconds)
        self._tokens[token] = None if ends is None else self.org.clock.now() + ends
        return token

    def expire_tokens(self) -> None:
        """End every session."""
        self._tokens.clear()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        body = await request.body()
        reply = self._answer(request, body)
        content = b"" if reply.content is None else encode(reply.content)
        response = Response(content, reply.status, reply.headers, "application/json;charset=UTF-8")
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Reply:
        path = request.url.path
        if path == "/services/oauth2/token":
            return self._token(request, body)
        if path.rstrip("/") == "/services/data":
            listed = [{"label": f"v{n}", "url": f"/services/data/v{n}.0", "version": f"{n}.0"} for n in _VERSIONS]
            return Reply(listed)
        try:
            reply = self._data(request, path, body)
        except ApiError as error:
            reply = Reply(error.body(), error.status)
        usage = {"Sforce-Limit-Info": f"api-usage={self.used}/{self.daily_limit}"}
        reply.headers = {**(reply.headers or {}), **usage}
        return reply

    def _data(self, request: Request, path: str, body: bytes) -> Reply:
        found = _DATA.fullmatch(path)
        if found is None or int(found["version"]) not in _VERSIONS:
            raise not_found()
        self._authorise(request)
        if self.used >= self.daily_limit:
            raise ApiError("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", status=403)
        self.used += 1
        base = f"/services/data/v{found['version']}.0"
        query = dict(request.query_params)
        return self._rest.answer(Call(request.method, found["rest"].rstrip("/"), base, query, request.headers, body))

    def _authorise(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        ends = self._tokens.get(token)
        if scheme not in ("Bearer", "OAuth") or token not in self._tokens or (ends and ends <= self.org.clock.now()):
            raise ApiError("INVALID_SESSION_ID", "Session expired or invalid", status=401)

    def _token(self, request: Request, body: bytes) -> Reply:
        if request.method != "POST":
            return _denied("invalid_request", "must use HTTP POST")
        form = {key: values[0] for key, values in parse_qs(body.decode()).items()}
        client_id, client_secret = form.get("client_id"), form.get("client_secret")
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            client_id, _, client_secret = base64.b64decode(encoded).decode().partition(":")
        if form.get("grant_type") != "client_credentials":
            return _denied("unsupported_grant_type", "grant type not supported")
        if client_id != self.client_id:
            return _denied("invalid_client_id", "client identifier invalid")
        if client_secret != self.client_secret:
            return _denied("invalid_client", "invalid client credentials")
        return Reply(
            {
                "access_token": self.issue_token(),
                "instance_url": self.base_url,
                "id": f"{self.base_url}/id/{ORGANIZATION_ID}/{USER_ID}",
                "token_type": "Bearer",
                "issued_at": str(int(self.org.clock.now().timestamp() * 1000)),
                "signature": secrets.token_urlsafe(32),
            }
        )


def _denied(error: str, description: str) -> Reply:
    return Reply({"error": error, "error_description": description}, 400)


def start(
    world: World | None = None,
    port: int = 0,
    *,
    directory: Path | None = None,
    multi_currency: bool = True,
    daily_limit: int = 100_000,
    token_seconds: float | None = None,
) -> SalesforceServer:
    """Serve an org, filled from ``world`` if one is given, on 127.0.0.1; stop it with ``stop`` or as a context.

    ``directory`` keeps the certificate authority for the next start; without it a new one is made each time.
    """
    server = SalesforceServer(
        port=port,
        directory=directory,
        multi_currency=multi_currency,
        daily_limit=daily_limit,
        token_seconds=token_seconds,
    )
    if world is not None:
        fill(server.org, world)
    return server


def seed(server: SalesforceServer, world: World) -> None:
    """Fill a running stand-in with the CRM's part of the world."""
    fill(server.org, world)
