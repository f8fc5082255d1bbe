"""The HTTP side of the stand-in: ``POST /json/2/MODEL/METHOD`` of Odoo 19, keys, and the errors it answers with."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.http import Server
from sandbox.odoo.buttons import press
from sandbox.odoo.database import Database
from sandbox.odoo.errors import OdooError
from sandbox.odoo.reading import by_specification, shown
from sandbox.odoo.schema import MODELS

API_KEY = "odoo-demo-key-00000000000000000000"


class OdooServer:
    """A running stand-in over ``database``."""

    def __init__(self, *, port: int = 0) -> None:
        self.database = Database()
        self.keys: dict[str, datetime | None] = {API_KEY: None}
        """API key → when it expires; the vendor's live three months at most."""
        self.before_page: Callable[[int], None] = lambda _number: None
        """Called before each list is read, with how many were asked for so far."""
        self.after_read: Callable[[], None] = lambda: None
        """Called once the answer about a single record is made, before it is sent."""
        self._lists = 0
        routes = [Route("/json/2/{model}/{method}", self._called, methods=["POST"])]
        self._server = Server(Starlette(routes=routes), port=port)
        self.faults = self._server.faults
        self.requests = self._server.requests
        self.forget = self._server.forget

    def __enter__(self) -> OdooServer:
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
        return {"base_url": self._server.base_url, "api_key": API_KEY}

    async def _called(self, request: Request) -> Response:
        raw = await request.body()
        try:
            with self.database.lock:
                answer = self._answer(request, raw)
            status = 200
        except OdooError as error:
            answer, status = error.body, error.status
        if self._single(request, raw):
            self.after_read()
        return Response(json.dumps(answer), status, media_type="application/json; charset=utf-8")

    def _single(self, request: Request, raw: bytes) -> bool:
        return request.path_params["method"] == "web_search_read" and b'"limit"' not in raw

    def _answer(self, request: Request, raw: bytes) -> Any:
        self._authorise(request)
        try:
            body = json.loads(raw)
        except ValueError:
            raise OdooError("werkzeug.exceptions.BadRequest", "could not parse the body as json") from None
        model, method = request.path_params["model"], request.path_params["method"]
        if model not in MODELS:
            raise OdooError("werkzeug.exceptions.NotFound", f"the model {model!r} does not exist")
        ids, context = body.pop("ids", []), body.pop("context", {})
        return self._call(model, method, ids, context, body)

    def _authorise(self, request: Request) -> None:
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or key not in self.keys:
            raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey")
        expires = self.keys[key]
        if expires is not None and expires <= self.database.clock():
            raise OdooError("werkzeug.exceptions.Unauthorized", "Invalid apikey")

    def _call(self, model: str, method: str, ids: list[int], context: dict[str, Any], given: dict[str, Any]) -> Any:
        match method:
            case "web_search_read" | "search_read" | "search":
                if ids:
                    raise OdooError("werkzeug.exceptions.UnprocessableEntity", f"cannot call {model}.{method} with ids")
                return self._search(model, method, context, given)
            case "read":
                named = given.get("load", "_classic_read") is not None
                rows = [row for key in ids if (row := self.database.row(model, key)) is not None]
                return [shown(self.database, model, row, given["fields"], names=named) for row in rows]
            case "write":
                for key in ids:
                    self.database.set(model, key, given["vals"])
                    self.database.writes[model, key] += 1
                return True
            case "create":
                listed = given["vals_list"] if isinstance(given["vals_list"], list) else [given["vals_list"]]
                return [self.database.add(model, **values) for values in listed]
            case "unlink":
                for key in ids:
                    self.database.remove(model, key)
                return True
        try:
            result = press(self.database, model, method, ids, given, context)
        except KeyError:
            message = f"The method '{model}.{method}' does not exist"
            raise OdooError("werkzeug.exceptions.NotFound", message) from None
        for key in ids:
            self.database.writes[model, key] += 1
        return result

    def _search(self, model: str, method: str, context: dict[str, Any], given: dict[str, Any]) -> Any:
        if "limit" in given:
            self._lists += 1
            self.before_page(self._lists)
        if given.get("order", "id") not in ("id", "id asc"):
            raise OdooError("builtins.ValueError", "Only the order `id` is played here.")
        rows = self.database.search(model, given.get("domain", []), archived=context.get("active_test") is False)
        total, begin, limit = len(rows), given.get("offset", 0), given.get("limit")
        rows = rows[begin : begin + limit] if limit else rows[begin:]
        if method == "search":
            return [row["id"] for row in rows]
        if method == "search_read":
            named = given.get("load", "_classic_read") is not None
            return [shown(self.database, model, row, given["fields"], names=named) for row in rows]
        records = [by_specification(self.database, model, row, given["specification"]) for row in rows]
        counted = min(total, given.get("count_limit") or total)
        return {"length": max(counted, begin + len(records)), "records": records}


def start(*, port: int = 0) -> OdooServer:
    """Start the stand-in, empty but for stages and the company's currency."""
    return OdooServer(port=port)
