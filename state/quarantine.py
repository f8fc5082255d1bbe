"""Records that could not be mapped, with the field, the value (redacted where personal) and the reason.

One that somebody discarded stays here as it is and is on no list but that of discarded ones (``state.discards``).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import Connection
from sqlalchemy.sql import ColumnElement

from state import schema
from state.schema import quarantine as table

_MANY = 500
_COUNTS = (
    select(table.c.system, func.count().label("number"))
    .where(table.c.system.in_(bindparam("of_systems", expanding=True)), table.c.discarded_at.is_(None))
    .group_by(table.c.system)
)


@dataclass(frozen=True, slots=True)
class Refused:
    """One quarantined record; instants in microseconds."""

    system: str
    stream: str
    source_id: str
    field: str
    value: str
    reason: str
    run_id: str
    first_at: int
    last_at: int
    attempts: int
    record_id: int
    mapping: str
    """Fingerprint of the mapping that refused it, or ``REFUSED_BY_CONNECTOR``."""
    discarded_by: str | None
    """Who took it off the list; ``None`` if it is on it."""
    discarded_at: int | None
    discard_reason: str | None


def listing(
    connection: Connection,
    *,
    system: str | None = None,
    stream: str | None = None,
    systems: Sequence[str] | None = None,
    discarded: bool = False,
    limit: int = 100,
    offset: int = 0,
) -> list[Refused]:
    """Quarantined records, the newest first; with ``systems`` of these only; ``discarded``: those off the list."""
    columns = [table.c[name] for name in Refused.__dataclass_fields__]
    query = select(*columns).where(*_wanted(system, stream, systems, discarded))
    rows = connection.execute(query.order_by(table.c.last_at.desc(), table.c.record_id).limit(limit).offset(offset))
    return [Refused(*row) for row in rows]


def one(connection: Connection, record_id: int) -> Refused | None:
    """The one of a record, discarded or not; ``None`` if it is not in quarantine."""
    columns = [table.c[name] for name in Refused.__dataclass_fields__]
    row = connection.execute(select(*columns).where(table.c.record_id == record_id)).first()
    return None if row is None else Refused(*row)


def waits_since_its_version(connection: Connection, record_id: int) -> None:
    """Let one that was taken for understood for a while count as waiting since its newest version came."""
    versions = schema.landing
    came = (
        select(versions.c.first_seen_at)
        .where(versions.c.record_id == record_id)
        .order_by(versions.c.seq.desc())
        .limit(1)
        .scalar_subquery()
    )
    connection.execute(update(table).where(table.c.record_id == record_id).values(first_at=came))


def of_records(connection: Connection, record_ids: Iterable[int]) -> list[Refused]:
    """Those of these records that are in quarantine, discarded or not, by record id."""
    columns = [table.c[name] for name in Refused.__dataclass_fields__]
    ids, found = sorted(record_ids), []
    for start in range(0, len(ids), _MANY):
        query = select(*columns).where(table.c.record_id.in_(ids[start : start + _MANY]))
        found += [Refused(*row) for row in connection.execute(query.order_by(table.c.record_id))]
    return found


def count(
    connection: Connection,
    *,
    system: str | None = None,
    stream: str | None = None,
    systems: Sequence[str] | None = None,
    discarded: bool = False,
) -> int:
    """How many there are on the list, or ``discarded``."""
    query = select(func.count()).select_from(table).where(*_wanted(system, stream, systems, discarded))
    return connection.execute(query).scalar_one()


def named(connection: Connection, system: str, stream: str, source_ids: Iterable[str]) -> list[Refused]:
    """Those of a stream's records with these ids in the source, discarded or not, by record id."""
    columns = [table.c[name] for name in Refused.__dataclass_fields__]
    ids, found = sorted(set(source_ids)), []
    for start in range(0, len(ids), _MANY):
        mine = (table.c.system == system, table.c.stream == stream, table.c.source_id.in_(ids[start : start + _MANY]))
        found += [
            Refused(*row) for row in connection.execute(select(*columns).where(*mine).order_by(table.c.record_id))
        ]
    return found


def next_ids(
    connection: Connection,
    *,
    system: str | None,
    stream: str | None,
    systems: Sequence[str] | None,
    discarded: bool,
    until: int,
    limit: int,
) -> list[int]:
    """Record ids of some on the list that were refused last, or ``discarded``, up to ``until`` (microseconds)."""
    since = table.c.discarded_at if discarded else table.c.last_at
    query = select(table.c.record_id).where(*_wanted(system, stream, systems, discarded), since <= until)
    return list(connection.execute(query.order_by(table.c.record_id).limit(limit)).scalars())


def counts(connection: Connection, systems: Sequence[str]) -> dict[str, int]:
    """How many there are on the list of each of these systems; those without any are left out."""
    return {row.system: row.number for row in connection.execute(_COUNTS, {"of_systems": list(systems)})}


def _wanted(
    system: str | None, stream: str | None, systems: Sequence[str] | None, discarded: bool
) -> list[ColumnElement[bool]]:
    given = ((table.c.system, system), (table.c.stream, stream))
    chosen = [column == value for column, value in given if value is not None]
    chosen.append(table.c.discarded_at.is_not(None) if discarded else table.c.discarded_at.is_(None))
    return chosen if systems is None else [*chosen, table.c.system.in_(systems)]
