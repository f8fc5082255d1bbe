"""The records of one stream of a generic stand-in, in the shape that the manifest's expressions look for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from email.utils import formatdate
from typing import Any

import msgspec

from conformance.generic.documents import document, merged
from connectors.declarative.manifest import Stream
from connectors.declarative.rules import Deletes
from connectors.declarative.times import to_us
from connectors.expressions import Expression

TEXT, NUMBER = "kit_text", "kit_number"
"""Fields that every record has besides those of the manifest."""
_RECORD = re.compile(r"record\.([A-Za-z_][A-Za-z0-9_.]*)")
_json = msgspec.json.Encoder(decimal_format="number")


@dataclass(slots=True)
class Row:
    """One record."""

    number: int
    stamp: int
    """Microseconds since the epoch of its last change."""
    changes: int = 1
    """How often it was written; a counter that locks and versions are made of."""
    applied: int = 0
    """How often through the API."""
    values: dict[str, Any] = field(default_factory=dict)
    """Of the fields that the kit knows."""
    created: dict[str, Any] = field(default_factory=dict)
    """What it was made of through the API."""
    deleted: bool = False
    deleted_at: int = 0
    written: tuple[int, bytes] = (0, b"")
    """Its JSON after so many changes, once it was asked for."""


class Table:
    """One stream's records. ``now`` gives the time of a change."""

    def __init__(self, name: str, stream: Stream, now: Callable[[], datetime], first: int = 1) -> None:
        self.name = name
        self.stream = stream
        self.rows: dict[str, Row] = {}
        self.page_cap: int | None = None
        self.unseen = frozenset(self._locks())
        self._now = now
        self._numbers = first - 1
        self._gone = stream.deletes.when if isinstance(stream.deletes, Deletes) else None
        self.fields: dict[str, str] = {TEXT: TEXT, NUMBER: NUMBER, **stream.fields}
        if stream.create is not None:
            self.fields.setdefault(stream.create.key, f'"{stream.create.key}"')

    def add(self, values: Mapping[str, Any], *, at: datetime | None = None, applied: int = 0) -> tuple[str, Row]:
        """A new record; its id and itself."""
        self._numbers += 1
        stamp = to_us(at or self._now())
        row = Row(self._numbers, stamp, applied=applied, values={**self._usual(self._numbers), **values})
        source_id = self.key_of(row)
        self.rows[source_id] = row
        return source_id, row

    def change(self, row: Row, values: Mapping[str, Any], *, at: datetime | None = None, applied: int = 0) -> None:
        """Write fields of a record."""
        row.values = {**row.values, **values}
        row.stamp = to_us(at or self._now())
        row.changes += 1
        row.applied += applied

    def remove(self, row: Row) -> None:
        """Delete a record."""
        row.deleted, row.deleted_at = True, to_us(self._now())
        row.stamp, row.changes = row.deleted_at, row.changes + 1

    def restore(self, row: Row) -> None:
        """Bring it back."""
        row.deleted = False
        row.stamp, row.changes = to_us(self._now()), row.changes + 1

    def listed(self) -> Iterator[tuple[str, Row]]:
        """What lists and single calls show: deleted ones only where a flag says so."""
        return ((key, row) for key, row in list(self.rows.items()) if not row.deleted or self._gone is not None)

    def key_of(self, row: Row) -> str:
        """The id that the connector gives it: the parts of its key, joined if there are several."""
        return ":".join(str(part) for part in self.parts_of(row))

    def parts_of(self, row: Row) -> list[int]:
        """The parts of its key."""
        return [row.number + place for place in range(len(self.stream.keys))]

    def written_version(self, row: Row) -> Any:
        """Its version as the manifest says it is written; ``None`` without one."""
        version = self.stream.version
        if version is None:
            return None
        if version.format == "number":
            return row.changes
        return version.reading.write(row.stamp)

    def shape(self, row: Row) -> dict[str, Any]:
        """The record as it is sent. Raises ``Impossible`` if no record fits the manifest."""
        parts: list[Any] = [
            document(text, part) for text, part in zip(self.stream.keys, self.parts_of(row), strict=True)
        ]
        parts += [{name: value} for name, value in row.created.items() if name not in self.fields]
        parts += [document(place, row.values[name]) for name, place in self.fields.items()]
        for place in self._locks():
            parts.append(document(place, row.changes))
        if self.stream.version is not None:
            parts.append(document(self.stream.version.field, self.written_version(row)))
        if self._gone is not None:
            parts.append(document(self._gone, row.deleted))
        made: dict[str, Any] = merged(*parts)
        return made

    def json(self, row: Row) -> msgspec.Raw:
        """The same as JSON."""
        if row.written[0] != row.changes:
            row.written = row.changes, _json.encode(self.shape(row))
        return msgspec.Raw(row.written[1])

    def etag(self, row: Row) -> str:
        """Changes with every change."""
        return f'"{row.number}-{row.changes}"'

    def current(self, row: Row, hole: str) -> Any:
        """What the template of a write would be filled with now; raises ``KeyError`` for what is no condition."""
        if hole == "etag":
            return self.etag(row)
        if hole == "version":
            return self.written_version(row)
        if hole == "last_modified":
            return last_modified(row)
        if hole.startswith("record."):
            return Expression(hole.removeprefix("record.")).of(self.shape(row))
        raise KeyError(hole)

    def _usual(self, number: int) -> dict[str, Any]:
        values: dict[str, Any] = {name: f"first {name} {number}" for name in self.fields}
        return {**values, TEXT: f"text {number}", NUMBER: Decimal(number)}

    def _locks(self) -> list[str]:
        """Fields of the record that its writes refer to and that nothing else is known of: counters of changes."""
        update = self.stream.update
        if update is None:
            return []
        known = {*self.stream.keys, *self.stream.fields.values()}
        if self.stream.version is not None:
            known.add(self.stream.version.field)
        places = set(_RECORD.findall(repr(update.model_dump(mode="json"))))
        return sorted(place for place in places if place not in known)


def last_modified(row: Row) -> str:
    """The HTTP date of its last change."""
    return formatdate(row.stamp / 1_000_000, usegmt=True)
