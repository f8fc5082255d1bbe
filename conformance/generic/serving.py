"""The HTTP side of a generic stand-in: finds out what a request asks for, and answers in the manifest's shape."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from conformance.generic.documents import document
from conformance.generic.entry import Entry
from conformance.generic.inverse import in_path, unify
from conformance.generic.paging import CURSOR, Cut, Pages, in_window
from conformance.generic.saying import Sayings
from conformance.generic.table import Row, Table, last_modified
from conformance.world import Answer
from connectors.declarative.expressions import Expression
from connectors.declarative.manifest import Manifest
from connectors.declarative.requests import Request as Said
from connectors.declarative.rules import Deletes
from connectors.declarative.times import TimeFormat

REFUSED = "a value that is refused"
"""No system takes it."""
_json = msgspec.json.Encoder(decimal_format="number")
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)

Holes = dict[str, Any]


class Desk:
    """The tables of all streams, and who answers for them."""

    def __init__(self, manifest: Manifest, base_path: str, now: Callable[[], datetime]) -> None:
        self.manifest = manifest
        self.base_path = base_path
        self.tables = {name: Table(name, stream, now) for name, stream in manifest.streams.items()}
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
        if not self.entry.admits(request):
            return _said(self.sayings.answer("auth"))
        path = path.removeprefix(self.base_path)
        for table in self.tables.values():
            found = self._of(table, request, path, body)
            if found is not None:
                return found
        return _said(self.sayings.answer("missing"))

    def _of(self, table: Table, request: Request, path: str, body: bytes) -> Response | None:
        stream = table.stream
        deletes = stream.deletes
        if stream.update is not None and (holes := self._holes(stream.update, request, path, body)) is not None:
            return self._update(table, request, holes)
        if stream.create is not None:
            if (holes := self._holes(stream.create, request, path, body)) is not None:
                return self._create(table, holes)
            found = self._holes(stream.create.find, request, path, body)
            if found is not None and "key" in found:
                return self._find(table, str(found["key"]))
        if (holes := self._holes(stream.list, request, path, body)) is not None:
            return self._list(table, request, holes)
        if stream.one is not None and (holes := self._holes(stream.one, request, path, body)) is not None:
            return self._one(table, str(holes["id"]))
        if isinstance(deletes, Deletes) and deletes.list is not None:
            holes = self._holes(deletes.list, request, path, body)
            return None if holes is None else self._deleted(table, deletes, request, holes)
        return None

    def _holes(self, said: Said, request: Request, path: str, body: bytes) -> Holes | None:
        """What stood in the holes of a request of this kind; ``None`` if it is of another kind."""
        template = said.get or said.post or said.put or said.patch or ""
        found = in_path(template, path) if request.method == said.method else None
        if found is None:
            return None
        query: dict[str, Any] = {
            name: items if len(items := request.query_params.getlist(name)) > 1 else items[0]
            for name in request.query_params
        }
        if CURSOR in query:
            found["cursor"] = query.pop(CURSOR)
        fits = unify(said.query, query, found)
        if said.form is not None:
            fits = fits and unify(said.form, _form(body), found)
        elif said.body is not None:
            fits = fits and unify(said.body, _table(body), found)
        for name, item in said.headers.items():
            value = request.headers.get(name)
            if value is not None:
                fits = unify(item, value, found) and fits
        return found if fits else None

    def _times(self, table: Table) -> tuple[TimeFormat | None, str]:
        rule, version = table.stream.incremental, table.stream.version
        if rule is None:
            return None, ">="
        if rule.times is not None:
            return rule.times.reading, rule.boundary
        dated = version is not None and version.format != "number"
        return (version.reading if dated and version is not None else self.manifest.times.reading), rule.boundary

    def _list(self, table: Table, request: Request, holes: Holes) -> Response:
        rows = in_window(table, *self._times(table), holes)
        pages = Pages(self.manifest.paging_of(table.stream), table)
        cut = pages.cut(rows, holes)
        items = [table.json(row) for _, row in cut.rows]
        return self._page(pages, table.stream.records, items, cut, request)

    def _deleted(self, table: Table, deletes: Deletes, request: Request, holes: Holes) -> Response:
        times, boundary = self._times(table)
        gone = Table(table.name, table.stream, lambda: _NEVER)
        gone.rows = {key: _as_deleted(row) for key, row in table.rows.items() if row.deleted}
        rows = in_window(gone, times, boundary, holes)
        pages = Pages(deletes.paging, gone)
        cut = pages.cut(rows, holes)
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

    def _update(self, table: Table, request: Request, holes: Holes) -> Response:
        source_id = str(holes["id"])
        row = table.rows.get(source_id)
        if row is None or row.deleted:
            return _said(self.sayings.answer("missing"))
        once = holes.get("idempotency_key")
        if once is not None and once in self._made:
            return self._one(table, source_id)
        for hole, value in holes.items():
            try:
                current = table.current(row, hole)
            except KeyError:
                continue
            if str(current) != str(value):
                return self._conflict(request)
        values = self._values(table, holes)
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

    def _values(self, table: Table, holes: Holes) -> dict[str, Any]:
        """The fields that a write sets: a table of them, or some by name."""
        values: dict[str, Any] = {}
        for hole, value in holes.items():
            if hole == "values" and isinstance(value, Mapping):
                values |= value
            elif hole.startswith("values."):
                values[hole.removeprefix("values.").strip('"')] = value
            elif isinstance(value, Mapping) and "values" in Expression(hole).names:
                values |= {name: item for name, item in value.items() if name in table.fields}
        return values

    def _create(self, table: Table, holes: Holes) -> Response:
        create = table.stream.create
        assert create is not None  # noqa: S101 - it was asked for
        values = {**self._values(table, holes), **({create.key: holes["key"]} if "key" in holes else {})}
        once = holes.get("idempotency_key")
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


def _form(body: bytes) -> dict[str, Any]:

    return {name: values if len(values) > 1 else values[0] for name, values in parse_qs(body.decode()).items()}


def _table(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None


def _response(content: Any, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(_json.encode(content), status, dict(headers or {}), "application/json")


def _said(answer: Answer | None) -> Response:
    if answer is None:
        return Response(status_code=500)
    return _response(answer.body, answer.status, answer.headers)
