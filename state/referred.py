"""Which records references mean: by their id in the same system, by a number, by an id in another system."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.engine import Connection

from state import schema
from state.schema import record, stream
from state.writes import RecordState

_MANY = 500
OF_THE_SYSTEM = frozenset({"party", "product"})
"""What documents name by its id in the same system alone; a number does not lead there."""


def has_any(connection: Connection, system: str, entity: str) -> bool:
    """Whether there is any record that references of the system could mean."""
    where = stream.c.entity == entity
    if entity in OF_THE_SYSTEM:
        where &= stream.c.system == system
    query = select(record.c.id).join(stream, stream.c.id == record.c.stream_id).where(where).limit(1)
    return connection.execute(query).first() is not None


def found(connection: Connection, system: str, entity: str, refs: Iterable[str]) -> dict[str, str]:
    """Reference → what the record that it means is called, its number or else its id; those that mean none are left
    out."""
    by_kind: dict[str, list[str]] = {}
    for ref in refs:
        kind, _, value = ref.partition(":")
        by_kind.setdefault(kind, []).append(value)
    means: dict[str, str] = {}
    for kind, values in by_kind.items():
        for start in range(0, len(values), _MANY):
            some = values[start : start + _MANY]
            query = _query(kind, system, entity, some)
            for value, number, source_id in connection.execute(query) if query is not None else ():
                means.setdefault(f"{kind}:{value}", number or source_id)
    return means


def _query(kind: str, system: str, entity: str, values: list[str]) -> Select[tuple[str, str, str]] | None:
    table = schema.canonical[entity]
    if kind == "no":
        if entity in OF_THE_SYSTEM:
            return None
        columns = select(table.c.number, table.c.number, table.c.source_id)
        return columns.where(table.c.number.in_(values), table.c.deleted == 0).order_by(table.c.record_id)
    here: ColumnElement[bool] = stream.c.system == system
    return (
        select(record.c.source_id, table.c.number, record.c.source_id)
        .join(stream, stream.c.id == record.c.stream_id)
        .join(table, table.c.record_id == record.c.id, isouter=True)
        .where(stream.c.entity == entity, here if kind == "id" else ~here, record.c.source_id.in_(values))
        .where(record.c.state != RecordState.DELETED.value)
        .order_by(record.c.id)
    )
