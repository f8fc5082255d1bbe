"""Look up records by anything people call them, walk their links, and read what they are called; indexed, no scans
but for names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import String, cast, func, select
from sqlalchemy.engine import Connection

from state import schema
from state.links import Link
from state.schema import link, record, stream

_MANY = 500
_COUNTING = ("auto", "confirmed")
_NAMES = {"party": "name", "opportunity": "name", "lead": "email", "payment": "reference_text"}
_NOT_CHAINED = ("party", "product", "contact")


class Identity(NamedTuple):
    """A record's address: system, stream, entity and the source's own id."""

    record_id: int
    system: str
    stream: str
    entity: str
    source_id: str


def identities(connection: Connection, record_ids: Iterable[int]) -> dict[int, Identity]:
    """The addresses of records, by record id."""
    found: dict[int, Identity] = {}
    for some in _chunks(record_ids):
        query = (
            select(record.c.id, stream.c.system, stream.c.name, stream.c.entity, record.c.source_id)
            .join(stream, stream.c.id == record.c.stream_id)
            .where(record.c.id.in_(some))
        )
        found |= {row[0]: Identity(*row) for row in connection.execute(query)}
    return found


def find(connection: Connection, needle: str) -> list[int]:
    """Records with this number or source id, in any case; failing that, with this name, e-mail or payment reference."""
    exact = sorted({needle, needle.strip(), needle.strip().upper(), needle.strip().lower()} - {""})
    if not exact:
        return []
    found: set[int] = set()
    streams = list(connection.execute(select(stream.c.id)).scalars())
    query = select(record.c.id).where(record.c.stream_id.in_(streams), record.c.source_id.in_(exact))
    found |= set(connection.execute(query).scalars())
    for table in schema.canonical.values():
        found |= set(connection.execute(select(table.c.record_id).where(table.c.number.in_(exact))).scalars())
    if found:
        return sorted(found)
    for entity, column in _NAMES.items():
        table = schema.canonical[entity]
        query = select(table.c.record_id).where(func.lower(cast(table.c[column], String)) == needle.strip().lower())
        found |= set(connection.execute(query).scalars())
    return sorted(found)


def walk(connection: Connection, start: Sequence[int], limit: int) -> tuple[set[int], list[Link]]:
    """All records that counting links connect with ``start``, at most about ``limit``, and the links between them.

    A payout that is not asked for is an end: what else is in it has nothing to do with the chain.
    """
    reached, frontier = set(start), set(start)
    links: dict[tuple[str, int, int], Link] = {}
    columns = [link.c[name] for name in Link.__dataclass_fields__]
    while frontier and len(reached) < limit:
        ends: set[int] = set()
        for some in _chunks(sorted(frontier)):
            for side in (link.c.left_id, link.c.right_id):
                query = select(*columns).where(side.in_(some), link.c.decision.in_(_COUNTING))
                if side is link.c.left_id:
                    query = query.where(link.c.kind.in_(("same_as", "follows")))  # lets the primary key find them
                elif len(reached) > len(frontier):
                    query = query.where(link.c.right_entity != "payout")
                for row in connection.execute(query):
                    found = Link(*row)
                    links[found.kind, found.left_id, found.right_id] = found
                    ends |= {found.left_id, found.right_id}
        frontier = ends - reached
        reached |= frontier
    return reached, sorted(links.values(), key=lambda item: (item.kind, item.left_id, item.right_id))


def documents_of(connection: Connection, system: str, party_source_id: str, limit: int) -> list[int]:
    """Documents of a customer in one system, newest records first."""
    found: list[int] = []
    ref = f"id:{party_source_id}"
    for entity, table in schema.canonical.items():
        if entity in _NOT_CHAINED or "party_ref" not in table.c:
            continue
        query = select(table.c.record_id).where(table.c.system == system, table.c.party_ref == ref)
        found += connection.execute(query.order_by(table.c.record_id.desc()).limit(limit)).scalars()
    return found[:limit]


def rows(connection: Connection, record_ids: Iterable[int]) -> dict[int, dict[str, Any]]:
    """Canonical rows by record id, each with its ``entity``."""
    by_entity: dict[str, list[int]] = {}
    for identity in identities(connection, record_ids).values():
        by_entity.setdefault(identity.entity, []).append(identity.record_id)
    found: dict[int, dict[str, Any]] = {}
    for entity, ids in by_entity.items():
        table = schema.canonical[entity]
        for some in _chunks(ids):
            for row in connection.execute(table.select().where(table.c.record_id.in_(some))).mappings():
                found[row["record_id"]] = {**row, "entity": entity}
    return found


def party_names(connection: Connection, refs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Names of parties by (system, source id)."""
    party = schema.canonical["party"]
    found: dict[tuple[str, str], str] = {}
    by_system: dict[str, set[str]] = {}
    for system, source_id in refs:
        by_system.setdefault(system, set()).add(source_id)
    for system, source_ids in by_system.items():
        for some in _chunks(sorted(source_ids)):
            query = (
                select(party.c.source_id, party.c.name)
                .join(record, record.c.id == party.c.record_id)
                .join(stream, stream.c.id == record.c.stream_id)
                .where(stream.c.system == system, stream.c.entity == "party", record.c.source_id.in_(some))
            )
            found |= {(system, row[0]): row[1] for row in connection.execute(query) if row[1]}
    return found


def _chunks(items: Iterable[Any]) -> Iterable[list[Any]]:
    iterator = iter(items)
    while some := list(islice(iterator, _MANY)):
        yield some
