"""Texts that people have put in the place of values which kept records in quarantine, beside what was received.

The received body is never altered. A correction holds for the version it was made of: once the source sends another
one, that counts as it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select
from sqlalchemy.engine import Connection

from mappings import paths
from mappings.engine import decode
from mappings.personal import encode
from state import audit, bulk, schema
from state.clock import now_us

CORRECTED, TAKEN_BACK = "quarantine edited", "quarantine edit taken back"
"""What the audit says of it; it holds no value."""

_table, _record, _stream = schema.correction, schema.record, schema.stream
_COLUMNS = ("record_id", "path", "seq", "value", "corrected_by", "corrected_at", "reason")
_OF = select(_table.c.record_id, _table.c.seq, _table.c.path, _table.c.value).where(
    _table.c.record_id.between(bindparam("first"), bindparam("last"))
)
_STANDING = (
    select(
        *(_table.c.record_id, _stream.c.system, _stream.c.name, _record.c.source_id, _table.c.path),
        *(_table.c.corrected_by, _table.c.corrected_at, _table.c.reason),
    )
    .join(_record, (_record.c.id == _table.c.record_id) & (_record.c.seq == _table.c.seq))
    .join(_stream, _stream.c.id == _record.c.stream_id)
    .order_by(_table.c.corrected_at.desc(), _table.c.record_id, _table.c.path)
)


class CannotCorrect(ValueError):
    """There is no such place in the record, or it is no place for one text; the message is a sentence's end."""


class Correction(NamedTuple):
    """One that stands; without its value, which may be personal. ``corrected_at`` in microseconds."""

    record_id: int
    system: str
    stream: str
    source_id: str
    path: str
    """Of the source's field."""
    corrected_by: str
    corrected_at: int
    reason: str


Texts = Mapping[str, str]
"""By the path of the source's field."""


def corrected(body: bytes, texts: Texts) -> bytes:
    """The record as JSON with these texts in it; raises ``CannotCorrect``, and what ``decode`` raises."""
    document = decode(body)
    for path, text in texts.items():
        _put(document, path, text)
    return encode(document)


def between(connection: Connection, first: int, last: int) -> dict[tuple[int, int], dict[str, str]]:
    """The corrections of records with ids from ``first`` to ``last``, by record and version."""
    found: dict[tuple[int, int], dict[str, str]] = {}
    for row in connection.execute(_OF, {"first": first, "last": last}):
        found.setdefault((row.record_id, row.seq), {})[row.path] = row.value
    return found


def standing(connection: Connection, systems: Iterable[str] | None = None, limit: int = 200) -> list[Correction]:
    """Those of versions that are still the newest, the last made first; with ``systems`` of these only."""
    query = _STANDING if systems is None else _STANDING.where(_stream.c.system.in_(list(systems)))
    return [Correction(*row) for row in connection.execute(query.limit(limit))]


def texts(connection: Connection, record_ids: Collection[int]) -> dict[tuple[int, str], str]:
    """The texts that are kept for some records, by record and path; they may be personal."""
    query = select(_table.c.record_id, _table.c.path, _table.c.value)
    rows = connection.execute(query.where(_table.c.record_id.in_(sorted(set(record_ids)))))
    return {(row.record_id, row.path): row.value for row in rows}


def of_record(connection: Connection, record_id: int) -> list[Correction]:
    """Those of one record that stand."""
    return [Correction(*row) for row in connection.execute(_STANDING.where(_table.c.record_id == record_id))]


def keep(connection: Connection, record_id: int, texts: Texts, actor: str, reason: str) -> None:
    """Keep texts for the newest version of a record; those of earlier versions go."""
    row = connection.execute(
        select(_record.c.seq, _record.c.source_id, _stream.c.system, _stream.c.name)
        .join(_stream, _stream.c.id == _record.c.stream_id)
        .where(_record.c.id == record_id)
    ).one()
    connection.execute(delete(_table).where(_table.c.record_id == record_id, _table.c.seq != row.seq))
    now = now_us()
    rows = [(record_id, path, row.seq, text, actor, now, reason) for path, text in texts.items()]
    bulk.upsert(connection, _table, _COLUMNS, rows, ("record_id", "path"))
    named = {"system": row.system, "stream": row.name, "source_id": row.source_id}
    audit.append(connection, actor, CORRECTED, {**named, "fields": sorted(texts), "reason": reason})


def take_back(connection: Connection, record_id: int, actor: str, reason: str = "") -> list[Correction]:
    """Let a record count as it was received; returns what stood. It has to be mapped again."""
    found = of_record(connection, record_id)
    connection.execute(delete(_table).where(_table.c.record_id == record_id))
    if found:
        named = {"system": found[0].system, "stream": found[0].stream, "source_id": found[0].source_id}
        audit.append(
            connection, actor, TAKEN_BACK, {**named, "fields": [item.path for item in found], "reason": reason}
        )
    return found


def _put(document: object, path: str, text: str) -> None:
    steps = paths.parse(path)
    place: object = document
    for step in steps[:-1]:
        place = paths.walk(place, (step,)) if step not in ("*", paths.ROOT) else None
    last = steps[-1]
    if type(place) is dict and last not in ("*", "", paths.ROOT, paths.SOURCE_ID):
        place[str(last)] = text
    elif type(place) is list and isinstance(last, int) and last < len(place):
        place[last] = text
    else:
        raise CannotCorrect(f"`{path}` is no single place in this record")
