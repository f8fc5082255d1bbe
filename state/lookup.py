"""Find the records that a person names, and read the newest raw records of a stream."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from state import chains, schema
from state.bodies import unpack
from state.chains import Identity
from state.schema import landing, record, stream
from state.writes import RecordState

_MANY = 500


class Sample(NamedTuple):
    """One raw record as we hold it."""

    source_id: str
    body: bytes


def named(connection: Connection, text: str) -> list[Identity]:
    """The records meant by ``system:stream:source_id``, ``system:NUMBER`` or any number or id; by system and stream."""
    system, _, rest = text.strip().partition(":")
    known = connection.execute(select(stream.c.system).where(stream.c.system == system).limit(1)).first()
    if not rest or known is None:
        return _sorted(chains.identities(connection, chains.find(connection, text.strip())).values())
    name, _, source_id = rest.partition(":")
    query = (
        select(record.c.id)
        .join(stream, stream.c.id == record.c.stream_id)
        .where(stream.c.system == system, stream.c.name == name, record.c.source_id == source_id)
    )
    exact = list(connection.execute(query).scalars())
    if exact:
        return _sorted(chains.identities(connection, exact).values())
    found = chains.identities(connection, chains.find(connection, rest))
    return _sorted(item for item in found.values() if item.system == system)


def numbers(connection: Connection, identities: Iterable[Identity]) -> dict[int, str]:
    """What people call these records on paper, by record id; those without a number are left out."""
    by_entity: dict[str, list[int]] = {}
    for item in identities:
        by_entity.setdefault(item.entity, []).append(item.record_id)
    found: dict[int, str] = {}
    for entity, record_ids in by_entity.items():
        table = schema.canonical[entity]
        for start in range(0, len(record_ids), _MANY):
            some = record_ids[start : start + _MANY]
            query = select(table.c.record_id, table.c.number).where(table.c.record_id.in_(some))
            found |= {row[0]: row[1] for row in connection.execute(query) if row[1]}
    return found


def newest(connection: Connection, system: str, name: str, limit: int, source_id: str | None = None) -> list[Sample]:
    """Raw records of a stream as last received, the newest first; deleted ones are left out."""
    query = (
        select(record.c.id, record.c.seq, record.c.source_id, landing.c.body)
        .join(stream, stream.c.id == record.c.stream_id)
        .join(landing, (landing.c.record_id == record.c.id) & (landing.c.seq == record.c.seq))
        .where(stream.c.system == system, stream.c.name == name, record.c.state != RecordState.DELETED.value)
    )
    if source_id is not None:
        query = query.where(record.c.source_id == source_id)
    rows = connection.execute(query.order_by(record.c.id.desc()).limit(limit))
    return [Sample(row.source_id, unpack(connection, row.id, row.seq, row.body)) for row in rows]


def bodies(connection: Connection, record_ids: Iterable[int], largest: int) -> dict[int, bytes]:
    """Records as last received, by record id, of those that are kept in ``largest`` bytes; deleted ones are left out.

    Raises ``StoreError`` if one was sealed with a key that is not at hand.
    """
    ids, found = list(record_ids), dict[int, bytes]()
    newest = (landing.c.record_id == record.c.id) & (landing.c.seq == record.c.seq)
    for start in range(0, len(ids), _MANY):
        some = record.c.id.in_(ids[start : start + _MANY])
        wanted = (some, record.c.state != RecordState.DELETED.value, func.length(landing.c.body) <= largest)
        query = select(record.c.id, record.c.seq, landing.c.body).join(landing, newest).where(*wanted)
        for row in connection.execute(query):
            found[row.id] = unpack(connection, row.id, row.seq, row.body)
    return found


def _sorted(found: Iterable[Identity]) -> list[Identity]:
    return sorted(found, key=lambda item: (item.system, item.stream, item.source_id))
