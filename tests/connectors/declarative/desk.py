"""A made-up order desk that pages in every way there is, tells times in epoch milliseconds, and errors inside a 200."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.http import Server

TOKEN = "desk-token-7f3a"
BEGIN_MS = 1_790_000_000_000


class Desk:
    """Its orders, and what happens while somebody reads them. ``now`` is in milliseconds."""

    def __init__(self) -> None:
        self.now = BEGIN_MS
        self.orders: dict[int, dict[str, Any]] = {}
        self.deleted: list[tuple[int, int]] = []
        """Time and id."""
        self.largest_page = 1000
        self.before_page: Callable[[int], None] = lambda _number: None
        """Called before each page of the list, with how many were asked for so far."""
        self.after_read: Callable[[], None] = lambda: None
        """Called once a single record's answer is made, before it is sent."""
        self.lists = 0
        self.lagging: dict[int, dict[str, Any]] = {}
        """What reads of one order still show."""
        self.etags = False
        self.token = TOKEN

    def add(self, number: int = 1, at: int | None = None, **fields: Any) -> list[int]:
        """New orders; their ids."""
        made = []
        for _ in range(number):
            key = len(self.orders) + len(self.deleted) + 1
            self.orders[key] = {
                "id": key,
                "changed": self.now if at is None else at,
                "lock": 1,
                "status": "open",
                "note": None,
                "amount": "0.30",
                **fields,
            }
            made.append(key)
        return made

    def edit(self, key: int, at: int | None = None, **fields: Any) -> None:
        """A person changes an order."""
        order = self.orders[key]
        order.update(fields, changed=self.now if at is None else at, lock=order["lock"] + 1)

    def remove(self, key: int) -> None:
        """A person deletes an order."""
        del self.orders[key]
        self.deleted.append((self.now, key))

    async def listing(self, request: Request) -> Response:
        """``GET /orders``: by the parameters that are there."""
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return JSONResponse({"error": {"code": "login"}}, 401)
        self.lists += 1
        self.before_page(self.lists)
        asked = dict(request.query_params)
        rows = [row for row in self.orders.values() if row["changed"] >= int(asked.get("since", 0))]
        rows = [row for row in rows if row["changed"] < int(asked.get("until", 10**15))]
        rows.sort(key=lambda row: row["id"])
        if "after_time" in asked:
            edge = (int(asked["after_time"]), int(asked["after_id"]))
            rows = sorted((row for row in rows if _edge(row) > edge), key=_edge)
        elif "newest" in asked:
            rows.sort(key=_edge, reverse=True)
        elif "by_time" in asked:
            rows.sort(key=_edge)
        size = min(int(asked.get("size", 20)), self.largest_page)
        begin = int(asked.get("offset", 0))
        if "page" in asked:
            begin = (int(asked["page"]) - 1) * size
        if "cursor" in asked:
            begin = int(base64.b64decode(asked["cursor"]))
        if "after" in asked:
            rows = [row for row in rows if row["id"] > int(asked["after"])]
        return self._page(request, rows, begin, size)

    def _page(self, request: Request, rows: list[dict[str, Any]], begin: int, size: int) -> Response:
        shown, more = rows[begin : begin + size], begin + size < len(rows)
        if "parts" in request.query_params:
            shown = [{name: row.get(name) for name in ("id", "changed", "ref")} for row in shown]
        token = base64.b64encode(str(begin + size).encode()).decode()
        headers = {}
        if more:
            query = urlencode({**request.query_params, "cursor": token})
            headers["link"] = f'<{request.url.path}?{query}>; rel="next"'
        answer = {"result": {"rows": shown, "more": more, "next": token if more else None}}
        return Response(json.dumps(answer), headers=headers, media_type="application/json")

    async def one(self, request: Request) -> Response:
        """``GET /orders/{id}``."""
        key = int(request.path_params["id"])
        order = self.lagging.get(key) or self.orders.get(key)
        if order is None:
            return JSONResponse({"error": {"code": "gone", "text": "No such order"}})
        headers = {"etag": f'"{order["lock"]}"'} if self.etags else {}
        answer = JSONResponse({"result": order}, headers=headers)
        self.after_read()
        return answer

    async def write(self, request: Request) -> Response:
        """``POST /orders/{id}``: ``{set: {…}, lock: …}``, or under If-Match."""
        order = self.orders.get(int(request.path_params["id"]))
        told = await request.json()
        if order is None:
            return JSONResponse({"error": {"code": "gone", "text": "No such order"}})
        if self.etags and request.headers.get("if-match") != f'"{order["lock"]}"':
            return Response(status_code=412)
        if not self.etags and told.get("lock") != order["lock"]:
            return JSONResponse({"error": {"code": "stale", "text": "Somebody was faster"}})
        if told["set"].get("status") == "impossible":
            return JSONResponse({"error": {"code": "value", "text": "Status of Wang Fang is not allowed"}})
        self.edit(order["id"], **told["set"])
        return JSONResponse({"result": order})

    async def create(self, request: Request) -> Response:
        """``POST /orders``."""
        made = self.add(**await request.json())
        return JSONResponse({"result": self.orders[made[0]]})

    async def gone(self, request: Request) -> Response:
        """``GET /deleted``: ids by the time of deletion."""
        since = int(request.query_params.get("since", 0))
        return JSONResponse({"ids": [key for at, key in self.deleted if at >= since]})

    async def lines(self, request: Request) -> Response:
        """``GET /orders/{id}/lines``: two of each order."""
        key = int(request.path_params["id"])
        return JSONResponse([{"no": number, "sku": f"P{key}-{number}"} for number in (1, 2)])

    @contextmanager
    def open(self) -> Iterator[Server]:
        """Serve it."""
        routes = [
            Route("/api/orders", self.listing, methods=["GET"]),
            Route("/api/orders", self.create, methods=["POST"]),
            Route("/api/orders/{id}", self.one, methods=["GET"]),
            Route("/api/orders/{id}", self.write, methods=["POST"]),
            Route("/api/orders/{id}/lines", self.lines, methods=["GET"]),
            Route("/api/deleted", self.gone, methods=["GET"]),
        ]
        with Server(Starlette(routes=routes)) as server:
            yield server


def _edge(row: dict[str, Any]) -> tuple[int, int]:
    return row["changed"], row["id"]
