"""How the records of one system were linked, and which of the keys they are linked by are not unique."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Subquery, func, select
from sqlalchemy.engine import Connection

from state import schema
from state.writes import RecordState

_KEYED = ("quote", "order", "delivery", "invoice")
"""Entities whose number is what other systems call them by."""
_COUNTED = ("auto", "confirmed")


class Double(NamedTuple):
    """A key that stands for several live records of one system."""

    entity: str
    key: str
    records: tuple[str, ...]
    """Their ids in the source."""

    def __str__(self) -> str:
        return f"{self.entity} number {self.key} (records {', '.join(self.records)})"


def records(connection: Connection, system: str) -> dict[str, int]:
    """Live records of a system by entity."""
    record, stream = schema.record, schema.stream
    query = (
        select(stream.c.entity, func.count())
        .join(record, record.c.stream_id == stream.c.id)
        .where(stream.c.system == system, record.c.state != RecordState.DELETED.value)
        .group_by(stream.c.entity)
    )
    return {entity: int(count) for entity, count in connection.execute(query)}


def methods(connection: Connection, system: str) -> dict[str, dict[str, int]]:
    """Entity → method → how many records of the system were linked by it."""
    ends = _ends(system)
    query = select(ends.c.entity, ends.c.method, func.count(func.distinct(ends.c.record_id)))
    found: dict[str, dict[str, int]] = {}
    for entity, method, count in connection.execute(query.group_by(ends.c.entity, ends.c.method)):
        found.setdefault(entity, {})[method] = int(count)
    return found


def linked(connection: Connection, system: str) -> dict[str, int]:
    """Entity → how many records of the system are linked at all."""
    ends = _ends(system)
    query = select(ends.c.entity, func.count(func.distinct(ends.c.record_id))).group_by(ends.c.entity)
    return {entity: int(count) for entity, count in connection.execute(query)}


def doubles(connection: Connection, system: str) -> list[Double]:
    """Document numbers that several live records of the system carry, locked records left out."""
    found = []
    for entity in _KEYED:
        table, lock = schema.canonical[entity], schema.record_lock
        ours = (table.c.system == system, table.c.deleted == 0, table.c.number.is_not(None))
        free = table.c.record_id.not_in(select(lock.c.record_id))
        twice = select(table.c.number).where(*ours, free).group_by(table.c.number).having(func.count() > 1)
        query = select(table.c.number, table.c.source_id).where(*ours, free, table.c.number.in_(twice))
        groups: dict[str, list[str]] = {}
        for number, source_id in connection.execute(query.order_by(table.c.number, table.c.source_id)):
            groups.setdefault(number, []).append(source_id)
        found += [Double(entity, number, tuple(ids)) for number, ids in groups.items()]
    return found


def _ends(system: str) -> Subquery:
    """The ends of the links that count: each with the entity and the method, only records of this system."""
    link, record, stream = schema.link, schema.record, schema.stream
    sides = [
        select(side.label("record_id"), entity.label("entity"), link.c.method)
        .select_from(link.join(record, record.c.id == side).join(stream, stream.c.id == record.c.stream_id))
        .where(stream.c.system == system, link.c.decision.in_(_COUNTED), record.c.state != RecordState.DELETED.value)
        for side, entity in ((link.c.left_id, link.c.left_entity), (link.c.right_id, link.c.right_entity))
    ]
    return sides[0].union_all(sides[1]).subquery()
