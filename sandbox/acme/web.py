"""Acme's API: sheets from 0 for pages, milliseconds for times, errors inside a 200, a revision for every write.

GET  /api/orders?modified_from=&modified_to=&sheet=&rows= {"ok": true, "result": {"orders": […], "sheets_left": 2}}
GET  /api/orders/{id}                                        {"ok": true, "result": {…}}
POST /api/orders/{id}   {"rev": 3, "set": {…}}              {"ok": true, "result": {…}}
any error                                                    {"ok": false, "error": {"code": "STALE", "text": "…"}}
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.acme.desk import Acme, Refused
from sandbox.http import Server

TOKEN = "acme-sandbox-token"  # noqa: S105 - of the stand-in alone
_MOST_ROWS = 50
_FOR_EVER = 10**15


def application(acme: Acme, token: str = TOKEN) -> Starlette:
    """The API as an ASGI application."""
    handle = Callable[[Request], Awaitable[Any]]

    def answering(carry_out: handle) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            if request.headers.get("x-acme-token") != token:
                return _refused("BAD_TOKEN", "The token is not known.")
            try:
                return JSONResponse({"ok": True, "result": await carry_out(request)})
            except Refused as error:
                return _refused(error.code, error.text)
            except (ValueError, TypeError, KeyError):
                return _refused("INVALID", "The request cannot be read.")

        return answer

    async def orders(request: Request) -> Any:
        asked = request.query_params
        rows = min(max(int(asked.get("rows", _MOST_ROWS)), 1), _MOST_ROWS)
        begin, end = int(asked.get("modified_from", 0)), int(asked.get("modified_to", _FOR_EVER))
        found, left = acme.listed(begin, end, int(asked.get("sheet", 0)), rows)
        return {"orders": found, "sheets_left": left}

    async def one(request: Request) -> Any:
        return acme.shown(int(request.path_params["id"]))

    async def write(request: Request) -> Any:
        told = json.loads(await request.body())
        return acme.write(int(request.path_params["id"]), int(told["rev"]), dict(told["set"]))

    return Starlette(
        routes=[
            Route("/api/orders", answering(orders), methods=["GET"]),
            Route("/api/orders/{id}", answering(one), methods=["GET"]),
            Route("/api/orders/{id}", answering(write), methods=["POST"]),
        ]
    )


def start(acme: Acme, port: int = 0) -> Server:
    """Serve it on 127.0.0.1 in a thread."""
    return Server(application(acme), port=port)


def _refused(code: str, text: str) -> Response:
    return JSONResponse({"ok": False, "error": {"code": code, "text": text}})
