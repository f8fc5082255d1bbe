"""Which requests of a manifest a generic stand-in understands: those whose holes it finds again when filled in."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec

from conformance.generic.documents import Impossible, document
from conformance.generic.inverse import Asked, holes
from conformance.generic.table import Row, Table
from connectors.declarative.manifest import Manifest, Stream
from connectors.declarative.requests import Request
from connectors.expressions import UNSET, ExpressionError

_json = msgspec.json.Encoder(decimal_format="number")


class Playable:
    """What can be played of one stream."""

    def __init__(self, manifest: Manifest, stream: Stream, table: Table) -> None:
        row = Row(7, 1_790_000_000_000_000, values=dict.fromkeys(table.fields, "kit"))
        values = {name: f"kit {name}" for name in stream.fields}
        known: dict[str, Any] = {
            "config": dict.fromkeys(manifest.settings, "kit"),
            "size": 11,
            "page": 3,
            "offset": 22,
            "cursor": "kit-cursor",
            "last_id": "5",
            "after_time": table.written_version(row),
            "after_id": "5",
            "id": "12",
            "key": "ltc-kit-1",
            "values": values,
            "record": msgspec.json.decode(table.json(row)),
            "version": table.written_version(row),
            "etag": '"kit"',
            "last_modified": "Sat, 01 Jan 2022 00:00:00 GMT",
            "idempotency_key": "kit-key",
        }
        paging = manifest.paging_of(stream)
        newest_first = stream.incremental is not None and stream.incremental.newest_first
        self.list = (
            not newest_first
            and _shown(stream)
            and _found_again(stream.list, known, paging.variables & stream.list.names)
        )
        self.one = stream.one is not None and _found_again(stream.one, known, {"id"})
        self.update = self.one and stream.update is not None and _writes(stream.update, known, {"id"}, values)
        create = stream.create
        made = {**values, create.key: "ltc-kit-1"} if create else {}
        self.create = (
            self.one
            and create is not None
            and _writes(create, {**known, "values": made}, set(), made)
            and _found_again(create.find, known, {"key"})
        )


def _shown(stream: Stream) -> bool:
    """Whether answers can be made in which the manifest finds the records."""
    try:
        document(stream.records, [{"kit": 1}])
        if stream.one is not None:
            document(stream.one.record, {"kit": 1})
    except Impossible:
        return False
    return True


def _found_again(said: Request, known: Mapping[str, Any], wanted: Collection[str]) -> bool:
    found = _round_trip(said, known)
    return found is not None and all(str(found.get(name)) == str(known[name]) for name in wanted)


def _writes(said: Request, known: Mapping[str, Any], wanted: Collection[str], values: Mapping[str, Any]) -> bool:
    """Whether every value that is written is found again, in one table or by its name."""
    found = _round_trip(said, known)
    if found is None or any(str(found.get(name)) != str(known[name]) for name in wanted):
        return False
    whole = found.get("values")
    told = dict(whole) if isinstance(whole, Mapping) else {}
    for hole, value in found.items():
        if hole.startswith("values."):
            told[hole.removeprefix("values.").strip('"')] = value
        elif isinstance(value, Mapping) and hole != "values":
            told.update(value)
    return all(told.get(name) == value for name, value in values.items())


def _round_trip(said: Request, known: Mapping[str, Any]) -> dict[str, Any] | None:
    try:
        path, rest = said.path.path(known), said.rest.fill(known)
    except ExpressionError:
        return None
    query = {name: _parameter(value) for name, value in rest.get("query", {}).items()}
    headers = {name: str(value) for name, value in rest.get("headers", {}).items()}
    body = rest.get("body", UNSET)
    content = b"" if said.body is None or body is UNSET else _json.encode(body)
    if said.form is not None:
        content = urlencode(rest.get("form", {})).encode()
    return holes(said, Asked(said.method, path, query, headers, content))


def _parameter(value: Any) -> Any:
    if isinstance(value, list):
        return [_parameter(item) for item in value]
    if isinstance(value, dict):
        return _json.encode(value["json"] if set(value) == {"json"} else value).decode()
    return str(value)
