"""A tap's catalog: which streams it has, and the copy of it that selects one of them.

As singer-io/getting-started describes it (docs/DISCOVERY_MODE.md, docs/SYNC_MODE.md): selection and replication stand
in the metadata of each stream, under a breadcrumb that names the field. The Singer SDK reads replication and keys from
the stream's entry itself, and taps from before metadata read ``selected`` in the schema, so they are written there too.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Sequence
from typing import Any

import msgspec

from connectors.errors import ContractError
from connectors.rawjson import shape
from connectors.singer.config import StreamConfig

_MOST_NAMED = 20
_EACH_FIELD = ("properties",)


class Entry:
    """One stream of a catalog."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.id = str(document.get("tap_stream_id") or document.get("stream") or "")
        names = {self.id, document.get("stream"), document.get("stream_alias")}
        self.names = frozenset(name for name in names if isinstance(name, str) and name)
        """What the tap may call it in its messages."""
        schema = document.get("schema")
        properties = schema.get("properties") if isinstance(schema, dict) else None
        self.fields: tuple[str, ...] = tuple(properties) if isinstance(properties, dict) else ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Fields that name a record, as the tap says; empty if it does not."""
        about = self.about(())
        for found in (
            self.document.get("key_properties"),
            about.get("table-key-properties"),
            about.get("view-key-properties"),
        ):
            if isinstance(found, list) and found:
                return tuple(str(name) for name in found)
        return ()

    @property
    def replication_key(self) -> str | None:
        """The field an incremental pull goes by, as far as the tap says."""
        about = self.about(())
        found = self.document.get("replication_key") or about.get("replication-key")
        valid = about.get("valid-replication-keys")
        if not found and isinstance(valid, list) and len(valid) == 1:
            found = valid[0]
        return found if isinstance(found, str) else None

    def about(self, breadcrumb: Sequence[str]) -> dict[str, Any]:
        """The metadata at a breadcrumb, to read or to change; made if there is none."""
        entries = self.document.setdefault("metadata", [])
        if not isinstance(entries, list):
            raise ContractError(f"The catalog's metadata of {self.id} are no list.", sample=shape(_encoded(entries)))
        for item in entries:
            if isinstance(item, dict) and list(item.get("breadcrumb") or ()) == list(breadcrumb):
                found = item.setdefault("metadata", {})
                return found if isinstance(found, dict) else {}
        made: dict[str, Any] = {}
        entries.append({"breadcrumb": list(breadcrumb), "metadata": made})
        return made


class Catalog:
    """All streams of a tap."""

    def __init__(self, body: bytes, source: str) -> None:
        """Read what ``source`` (a file, or the tap) gave; raises ``ContractError`` if it is no catalog."""
        try:
            document = msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            document = None
        entries = document.get("streams") if isinstance(document, dict) else None
        if not isinstance(entries, list) or not all(isinstance(item, dict) for item in entries):
            raise ContractError(
                f"{source} gave no catalog of streams.",
                remedy="It must be JSON with a list `streams`. Taps without discovery need `catalog`, or "
                "`catalog_argument: none`.",
                sample=shape(body),
            )
        self._document: dict[str, Any] = document
        self.entries = {entry.id: entry for entry in map(Entry, entries) if entry.id}

    def entry(self, name: str) -> Entry:
        """The stream of that id; raises ``ContractError`` with those that are like it."""
        try:
            return self.entries[name]
        except KeyError:
            raise ContractError(f"The tap has no stream {name}.", remedy=self._instead(name)) from None

    def selecting(self, stream: StreamConfig, *, legacy: bool) -> bytes:
        """The catalog with this stream and its parents selected, and no other. Raises ``ContractError``.

        The others stay in it: taps of the Singer SDK look up each of their streams there.
        """
        for name in (stream.stream, *stream.parents):
            self.entry(name)
        document = copy.deepcopy(self._document)
        for entry in map(Entry, document["streams"]):
            wanted = entry.id == stream.stream
            _select(entry, wanted or entry.id in stream.parents, legacy=legacy)
            if wanted:
                _replicate(entry, stream)
                _choose_fields(entry, stream, legacy=legacy)
        return _encoded(document)

    def _instead(self, name: str) -> str:
        near = difflib.get_close_matches(name, self.entries, 3, 0.5)
        if near:
            return f"Did you mean {' or '.join(near)}?"
        known = list(self.entries)
        more = f" and {len(known) - _MOST_NAMED} more" if len(known) > _MOST_NAMED else ""
        return f"It has: {', '.join(known[:_MOST_NAMED])}{more}." if known else "It has no streams at all."


def _select(entry: Entry, selected: bool, *, legacy: bool) -> None:
    entry.about(())["selected"] = selected
    if legacy and isinstance(entry.document.get("schema"), dict):
        entry.document["schema"]["selected"] = selected


def _replicate(entry: Entry, stream: StreamConfig) -> None:
    if stream.replication_method is not None:
        entry.about(())["replication-method"] = stream.replication_method
        entry.document["replication_method"] = stream.replication_method
    if stream.replication_key is not None:
        entry.about(())["replication-key"] = stream.replication_key
        entry.document["replication_key"] = stream.replication_key


def _choose_fields(entry: Entry, stream: StreamConfig, *, legacy: bool) -> None:
    """Select the wanted fields, or all that the catalog does not leave out by itself."""
    cursor = stream.cursor_field or stream.replication_key or entry.replication_key
    needed = {*(stream.key or entry.keys), *([cursor] if cursor else [])}
    wanted = None if stream.fields is None else {*stream.fields, *needed}
    for name in stream.fields or ():
        if name not in entry.fields:
            near = difflib.get_close_matches(name, entry.fields, 3, 0.5)
            raise ContractError(
                f"The tap's stream {entry.id} has no field {name}.",
                remedy=f"Did you mean {' or '.join(near)}?" if near else "Correct `fields`.",
            )
    for name in entry.fields:
        about = entry.about((*_EACH_FIELD, name))
        if wanted is not None:
            about["selected"] = name in wanted
        elif "selected" not in about and about.get("selected-by-default") is not False:
            about["selected"] = about.get("inclusion") != "unsupported"
        if legacy and isinstance(entry.document["schema"]["properties"][name], dict):
            entry.document["schema"]["properties"][name]["selected"] = about.get("selected", False)


def _encoded(document: Any) -> bytes:
    return msgspec.json.encode(document)
