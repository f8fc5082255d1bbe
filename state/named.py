"""What records are called and where people find them, many at a time: what reports say of a document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import chains, schema

_MANY = 500


def records(connection: Connection, record_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """By record id: ``system``, ``entity``, ``source_id``, ``number`` and ``url`` (both may be missing)."""
    found: dict[int, dict[str, Any]] = {}
    by_entity: dict[str, list[int]] = {}
    for record_id, item in chains.identities(connection, sorted({*record_ids})).items():
        found[record_id] = {"system": item.system, "entity": item.entity, "source_id": item.source_id}
        found[record_id] |= {"number": None, "url": None}
        by_entity.setdefault(item.entity, []).append(record_id)
    for entity, ids in by_entity.items():
        table = schema.canonical[entity]
        for start in range(0, len(ids), _MANY):
            some = ids[start : start + _MANY]
            query = select(table.c.record_id, table.c.number, table.c.url).where(table.c.record_id.in_(some))
            for row in connection.execute(query):
                found[row.record_id] |= {"number": row.number, "url": row.url}
    return found


def titles(connection: Connection, entities: Mapping[int, str]) -> dict[int, str]:
    """The names of records, given by id with their entity; none for records and entities that have no name."""
    found: dict[int, str] = {}
    by_entity: dict[str, list[int]] = {}
    for record_id, entity in entities.items():
        by_entity.setdefault(entity, []).append(record_id)
    for entity, ids in by_entity.items():
        table = schema.canonical.get(entity)
        if table is None or "name" not in table.c:
            continue
        for start in range(0, len(ids), _MANY):
            some = ids[start : start + _MANY]
            for row in connection.execute(select(table.c.record_id, table.c.name).where(table.c.record_id.in_(some))):
                if row.name:
                    found[row.record_id] = row.name
    return found
