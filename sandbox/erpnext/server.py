"""The HTTP side of the stand-in: ``/api/resource`` of Frappe, its filters, its errors, and signed webhooks."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from types import TracebackType
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.erpnext.doctypes import DOCTYPES
from sandbox.erpnext.errors import FrappeError
from sandbox.erpnext.site import Doc, Site
from sandbox.http import Server

API_KEY = "erpnext-key-0001"
API_SECRET = "erpnext-secret-0001"  # noqa: S105 - made up
WEBHOOK_SECRET = "frappe-test-secret"  # noqa: S105 - made up


class ErpnextServer:
    """A running stand-in over ``site``."""

    def __init__(self, *, port: int = 0, zone: str = "Asia/Kolkata") -> None:
        self.site = Site(zone)
        self.forbidden: set[str] = set()
        """DocTypes that the key's user may not read."""
        self.before_page: Callable[[int], None] = lambda _number: None
        """Called before each list is read, with how many were asked for so far."""
        self.after_read: Callable[[], None] = lambda: None
        """Called once the answer about a single document is made, before it is sent."""
        self._lists = 0
        routes = [
            Route("/api/resource/{doctype}", self._endpoint(self._list), methods=["GET"]),
            Route("/api/resource/{doctype}", self._endpoint(self._create), methods=["POST"]),
            Route("/api/resource/{doctype}/{name:path}", self._endpoint(self._read), methods=["GET"]),
            Route("/api/resource/{doctype}/{name:path}", self._endpoint(self._update), methods=["PUT"]),
        ]
        self._server = Server(Starlette(routes=routes), port=port)
        self.faults = self._server.faults
        self.requests = self._server.requests
        self.forget = self._server.forget

    def __enter__(self) -> ErpnextServer:
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
        keys = {"api_key": API_KEY, "api_secret": API_SECRET}
        return {"base_url": self._server.base_url, **keys, "time_zone": self.site.zone.key}

    def webhook(self, doctype: str, name: str, event: str = "on_update") -> tuple[dict[str, str], bytes]:
        """Headers and body of the request that tells of a document, by the JSON of the connector's page."""
        doc = self.site.docs[doctype].get(name, {})
        told = {"event": event, "doctype": doctype, "name": name, "modified": doc.get("modified", self.site.now)}
        body = json.dumps(told).encode()
        return {"content-type": "application/json", "x-frappe-webhook-signature": signed(WEBHOOK_SECRET, body)}, body

    def _endpoint(self, handler: Callable[[str, Request, bytes], Any]) -> Callable[[Request], Any]:
        async def endpoint(request: Request) -> Response:
            raw = await request.body()
            try:
                with self.site.lock:
                    answer, status = {"data": self._handled(handler, request, raw)}, 200
            except FrappeError as error:
                answer, status = error.body, error.status
            if handler == self._read:
                self.after_read()
            text = json.dumps(answer, separators=(",", ":"))
            return Response(text, status, media_type="application/json")

        return endpoint

    def _handled(self, handler: Callable[[str, Request, bytes], Any], request: Request, raw: bytes) -> Any:
        if request.headers.get("authorization") != f"token {API_KEY}:{API_SECRET}":
            raise FrappeError("AuthenticationError", "Invalid API Key or Secret")
        doctype = unquote(request.path_params["doctype"])
        if doctype not in DOCTYPES:
            raise FrappeError("DoesNotExistError", f"DocType {doctype} not found")
        if doctype in self.forbidden:
            raise FrappeError("PermissionError", f"No permission for {doctype}")
        return handler(doctype, request, raw)

    def _list(self, doctype: str, request: Request, _raw: bytes) -> list[Doc]:
        asked = request.query_params
        self._lists += 1
        self.before_page(self._lists)
        filters = json.loads(asked.get("filters", "[]"))
        for name, *_ in filters:
            if name.startswith("custom_") and name not in self.site.columns:
                raise FrappeError("OperationalError", f"(1054, \"Unknown column '{name}' in 'where clause'\")")
        docs = [doc for doc in self.site.listed(doctype) if all(_fits(doc, item) for item in filters)]
        field, _, way = asked.get("order_by", "modified desc").partition(" ")
        docs.sort(key=lambda doc: str(doc.get(field)), reverse=way == "desc")
        begin = int(asked.get("limit_start", 0))
        limit = int(asked.get("limit_page_length", asked.get("limit", 20))) or len(docs)
        fields = json.loads(asked.get("fields", '["name"]'))
        return [_row(doctype, doc, fields) for doc in docs[begin : begin + limit]]

    def _read(self, doctype: str, request: Request, _raw: bytes) -> Doc:
        return _whole(doctype, self.site.get(doctype, unquote(request.path_params["name"])))

    def _update(self, doctype: str, request: Request, raw: bytes) -> Doc:
        name = unquote(request.path_params["name"])
        saved = self.site.save(doctype, name, json.loads(raw))
        self.site.writes[doctype, name] += 1
        return _whole(doctype, saved)

    def _create(self, doctype: str, _request: Request, raw: bytes) -> Doc:
        return _whole(doctype, self.site.get(doctype, self.site.add(doctype, **json.loads(raw))))


def _fits(doc: Doc, condition: list[Any]) -> bool:
    field, operator, value = condition
    found = doc.get(field)
    if operator == "=":
        return bool(found == value)
    if operator not in (">", ">=", "<", "<="):
        raise FrappeError("ValidationError", f"Operator must be one of =, >, >=, <, <=, not {operator}")
    left, right = _comparable(found), _comparable(value)
    return {">": left > right, ">=": left >= right, "<": left < right, "<=": left <= right}[operator]


def _comparable(value: Any) -> str:
    """Times with and without microseconds compare as the database does, not as text."""
    text = str(value or "")
    return f"{text}.000000" if len(text) == 19 and text[4:5] == "-" and text[10:11] == " " else text


def _row(doctype: str, doc: Doc, fields: list[str]) -> Doc:
    """A row of a list: columns only, empty ones as null, no child tables."""
    tables = DOCTYPES[doctype].tables
    if fields == ["*"]:
        return {name: value for name, value in doc.items() if name not in tables}
    return {name: doc.get(name) for name in fields}


def _whole(doctype: str, doc: Doc) -> Doc:
    """A document as it is read alone: with its child tables, without what is empty."""
    return {"doctype": doctype, **{name: value for name, value in doc.items() if value is not None}}


def signed(secret: str, body: bytes) -> str:
    """The value of ``X-Frappe-Webhook-Signature``."""
    return base64.b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()


def start(*, port: int = 0, zone: str = "Asia/Kolkata") -> ErpnextServer:
    """Start the stand-in, empty; ``zone`` is where the site's clock hangs."""
    return ErpnextServer(port=port, zone=zone)
