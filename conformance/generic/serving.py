"""The HTTP side of a generic stand-in: finds out what a request asks for, and answers in the manifest's shape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from conformance.generic.documents import document
from conformance.generic.entry import Entry
from conformance.generic.inverse import Asked, holes
from conformance.generic.paging import CURSOR, Cut, Pages, in_window
from conformance.generic.saying import Sayings
from conformance.generic.table import Row, Table, last_modified
from conformance.world import Answer
from connectors.declarative.manifest import Manifest
from connectors.declarative.rules import Deletes
from connectors.declarative.times import TimeFormat
from connectors.expressions import Expression

REFUSED = "a value that is refused"
"""No system takes it."""
_json = msgspec.json.Encoder(decimal_format="number")
_APART = 1_000_000
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

Holes = dict[str, Any]


class Desk:
    """The tables of all streams, and who answers for them."""

    def __init__(self, manifest: Manifest, base_path: str, now: Callable[[], datetime]) -> None:
        self.manifest = manifest
        self.base_path = base_path
        # Several streams may be parts of one list, so a number is given once.
        self.tables = {
            name: Table(name, stream, now, place * _APART + 1)
            for place, (name, stream) in enumerate(manifest.streams.items())
        }
        self.entry = Entry(manifest)
        self.sayings = Sayings(manifest)
        self.lock = threading.RLock()
        self._made: dict[str, str] = {}
        """Idempotency key → the id of what it made, or changed."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        body = await request.body()
        with self.lock:
            response = self._answer(request, body)
        await response(scope, receive, send)

    def _answer(self, request: Request, body: bytes) -> Response:
        path = _raw_path(request)
        if path == self.entry.token_path:
            answer, status = self.entry.grant(request.headers, body)
            return _response(answer, status)
        if not self.entry.admits(request, body):
            return _said(self.sayings.answer("auth"))
        query: dict[str, Any] = {
            name: items if len(items := request.query_params.getlist(name)) > 1 else items[0]
            for name in request.query_params
        }
        cursor = query.pop(CURSOR, None)
        asked = Asked(request.method, path.removeprefix(self.base_path), query, request.headers, body)
        for table in self.tables.values():
            found = self._of(table, request, asked, cursor)
            if found is not None:
                return found
        return _said(self.sayings.answer("missing"))

    def _of(self, table: Table, request: Request, asked: Asked, cursor: str | None) -> Response | None:
        """The answer if the request is about this stream; records of others are looked for in theirs."""
        stream, deletes = table.stream, table.stream.deletes
        for said, answer in ((stream.update, self._update), (stream.one, self._single)):
            found = holes(said, asked) if said is not None else None
            if found is not None and str(found.get("id")) in table.rows:
                return answer(table, request, found)
        if stream.create is not None:
            if (found := holes(stream.create, asked)) is not None:
                return self._create(table, found)
            found = holes(stream.create.find, asked)
            if found is not None and "key" in found:
                return self._find(table, str(found["key"]))
        if (found := holes(stream.list, asked)) is not None:
            return self._list(table, request, {**found, "cursor": cursor} if cursor else found)
        if isinstance(deletes, Deletes) and deletes.list is not None:
            found = holes(deletes.list, asked)
            return None if found is None else self._deleted(table, deletes, request, found)
        return None

    def _single(self, table: Table, _request: Request, found: Holes) -> Response:
        return self._one(table, str(found["id"]))

    def _times(self, table: Table) -> tuple[TimeFormat | None, str]:
        rule, version = table.stream.incremental, table.stream.version
        if rule is None:
            return None, ">="
        if rule.times is not None:
            return rule.times.reading, rule.boundary
        dated = version is not None and version.format != "number"
        return (version.reading if dated and version is not None else self.manifest.times.reading), rule.boundary

    def _list(self, table: Table, request: Request, found: Holes) -> Response:
        rows = in_window(table, *self._times(table), found)
        pages = Pages(self.manifest.paging_of(table.stream), table)
        cut = pages.cut(rows, found)
        items = [table.json(row) for _, row in cut.rows]
        return self._page(pages, table.stream.records, items, cut, request)

    def _deleted(self, table: Table, deletes: Deletes, request: Request, found: Holes) -> Response:
        times, boundary = self._times(table)
        gone = Table(table.name, table.stream, lambda: _NEVER)
        gone.rows = {key: _as_deleted(row) for key, row in table.rows.items() if row.deleted}
        rows = in_window(gone, times, boundary, found)
        pages = Pages(deletes.paging, gone)
        cut = pages.cut(rows, found)
        items: list[Any] = [self._mark(deletes.key, key) for key, _ in cut.rows]
        return self._page(pages, deletes.records, items, cut, request)

    def _mark(self, place: str, key: str) -> Any:
        return document(place, int(key) if key.isdigit() else key)

    def _page(self, pages: Pages, records: str, items: list[Any], cut: Cut, request: Request) -> Response:
        query = [(name, value) for name, value in request.query_params.multi_items() if name != CURSOR]
        address = f"{request.url.path}?{urlencode([*query, (CURSOR, cut.next or '')])}"
        return _response(pages.document(records, items, cut, address), 200, pages.headers(cut, address))

    def _one(self, table: Table, source_id: str) -> Response:
        row = dict(table.listed()).get(source_id)
        one = table.stream.one
        if row is None or one is None:
            return _said(self.sayings.answer("missing"))
        headers = {"etag": table.etag(row), "last-modified": last_modified(row)}
        return _response(document(one.record, table.json(row)), 200, headers)

    def _update(self, table: Table, request: Request, found: Holes) -> Response:
        source_id = str(found["id"])
        row = table.rows.get(source_id)
        if row is None or row.deleted:
            return _said(self.sayings.answer("missing"))
        once = found.get("idempotency_key")
        if once is not None and once in self._made:
            return self._one(table, source_id)
        for hole, value in found.items():
            try:
                current = table.current(row, hole)
            except KeyError:
                continue
            if str(current) != str(value):
                return self._conflict(request)
        values = self._values(table, found)
        if REFUSED in values.values():
            return _said(self.sayings.answer("record"))
        table.change(row, values, applied=1)
        if once is not None:
            self._made[once] = source_id
        return self._one(table, source_id) if table.stream.one is not None else _response({}, 200)

    def _conflict(self, request: Request) -> Response:
        if "if-match" in request.headers or "if-unmodified-since" in request.headers:
            return Response(status_code=412)
        return _said(self.sayings.answer("conflict"))

    def _values(self, table: Table, found: Holes) -> dict[str, Any]:
        """The fields that a write sets: a table of them, or some by name."""
        values: dict[str, Any] = {}
        for hole, value in found.items():
            if hole == "values" and isinstance(value, Mapping):
                values |= value
            elif hole.startswith("values."):
                values[hole.removeprefix("values.").strip('"')] = value
            elif isinstance(value, Mapping) and "values" in Expression(hole).names:
                values |= {name: item for name, item in value.items() if name in table.fields}
        return values

    def _create(self, table: Table, found: Holes) -> Response:
        create = table.stream.create
        assert create is not None  # noqa: S101 - it was asked for
        values = {**self._values(table, found), **({create.key: found["key"]} if "key" in found else {})}
        once = found.get("idempotency_key")
        if once is not None and once in self._made:
            return self._one(table, self._made[once])
        if REFUSED in values.values():
            return _said(self.sayings.answer("record"))
        if create.unique and self._carrying(table, str(values.get(create.key))):
            return _said(self.sayings.answer("conflict"))
        known = {name: value for name, value in values.items() if name in table.fields}
        source_id, row = table.add(known, applied=1)
        row.created = values
        if once is not None:
            self._made[once] = source_id
        return _response(table.json(row), 201)

    def _find(self, table: Table, key: str) -> Response:
        create = table.stream.create
        assert create is not None  # noqa: S101 - it was asked for
        items = [table.json(row) for row in self._carrying(table, key)]
        return _response(document(create.records, items), 200)

    def _carrying(self, table: Table, key: str) -> list[Row]:
        create = table.stream.create
        assert create is not None  # noqa: S101 - it was asked for
        return [row for _, row in table.listed() if str(row.values.get(create.key)) == key]


def _as_deleted(row: Row) -> Row:
    return Row(row.number, row.deleted_at, row.changes, values=row.values)


def _raw_path(request: Request) -> str:
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    return raw.decode("latin-1").partition("?")[0]


def _response(content: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_json.encode(content), status, dict(headers or {}), "application/json")


def _said(answer: Answer | None) -> Response:
    if answer is None:
        return Response(status_code=500)
    return _response(answer.body, answer.status, answer.headers)
