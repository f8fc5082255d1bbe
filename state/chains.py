"""Look up records by anything people call them, walk their links, and read what they are called; indexed, no scans
but for names."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import LargeBinary, String, and_, bindparam, case, cast, func, literal, or_, select, union_all
from sqlalchemy.engine import Connection

from state import schema
from state.links import Link
from state.schema import link, record, stream

_MANY = 500
_COUNTING = ("auto", "confirmed")
_NAMES = {"party": "name", "opportunity": "name", "lead": "email", "payment": "reference_text"}
_NOT_CHAINED = ("party", "product", "contact")


class Named(NamedTuple):
    """A party and what it is called."""

    record_id: int
    name: str


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


_CALLED = union_all(
    select(record.c.id).where(
        record.c.stream_id.in_(bindparam("streams", expanding=True)),  # lets the index find them
        record.c.source_id.in_(bindparam("called", expanding=True)),
    ),
    *(
        select(table.c.record_id).where(table.c.number.in_(bindparam("called", expanding=True)))
        for table in schema.canonical.values()
    ),
)


def find(connection: Connection, needle: str) -> list[int]:
    """Records with this number or source id, in any case; failing that, with this name, e-mail or payment reference."""
    exact = sorted({needle, needle.strip(), needle.strip().upper(), needle.strip().lower()} - {""})
    if not exact:
        return []
    streams = list(connection.execute(select(stream.c.id)).scalars())
    found = set(connection.execute(_CALLED, {"streams": streams, "called": exact}).scalars())
    if found:
        return sorted(found)
    for entity, column in _NAMES.items():
        table = schema.canonical[entity]
        query = select(table.c.record_id).where(func.lower(cast(table.c[column], String)) == needle.strip().lower())
        found |= set(connection.execute(query).scalars())
    return sorted(found)


_reached = select(record.c.id, literal(1).label("asked")).where(record.c.id == bindparam("start")).cte(recursive=True)
_NEXT = (
    select(case((link.c.left_id == _reached.c.id, link.c.right_id), else_=link.c.left_id), literal(0))
    .join_from(
        _reached,
        link,
        or_(
            # the kinds let the primary key find them
            and_(link.c.left_id == _reached.c.id, link.c.kind.in_(("same_as", "follows"))),
            and_(link.c.right_id == _reached.c.id, or_(_reached.c.asked == 1, link.c.right_entity != "payout")),
        ),
    )
    .where(link.c.decision.in_(_COUNTING))
)
_reached = _reached.union(_NEXT)
_WALKED = select(*(link.c[name] for name in Link.__dataclass_fields__)).where(
    link.c.left_id.in_(select(_reached.c.id).limit(bindparam("most"))),
    link.c.kind.in_(("same_as", "follows")),
    link.c.decision.in_(_COUNTING),
)
"""The links of all that is reached: what has a link to the right has been followed."""


def walk(connection: Connection, start: int, limit: int) -> tuple[set[int], list[Link]]:
    """All records that counting links connect with ``start``, at most about ``limit``, and the links between them.

    A payout that is not asked for is an end: what else is in it has nothing to do with the chain.
    """
    links = [Link(*row) for row in connection.execute(_WALKED, {"start": start, "most": limit})]
    reached = {start}.union(*((item.left_id, item.right_id) for item in links))
    return reached, sorted(links, key=lambda item: (item.kind, item.left_id, item.right_id))


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
    return rows_of(connection, identities(connection, record_ids).values())


def rows_of(connection: Connection, records: Iterable[Identity]) -> dict[int, dict[str, Any]]:
    """Canonical rows of known records, as ``rows``."""
    by_entity: dict[str, list[int]] = {}
    for identity in records:
        by_entity.setdefault(identity.entity, []).append(identity.record_id)
    found: dict[int, dict[str, Any]] = {}
    for entity, ids in by_entity.items():
        table = schema.canonical[entity]
        for some in _chunks(ids):
            for row in connection.execute(table.select().where(table.c.record_id.in_(some))).mappings():
                found[row["record_id"]] = {**row, "entity": entity}
    return found


def lines(connection: Connection, entity: str, record_ids: Iterable[int]) -> list[dict[str, Any]]:
    """The lines of records of one entity."""
    table = schema.lines[entity]
    found: list[dict[str, Any]] = []
    for some in _chunks(record_ids):
        query = table.select().where(table.c.record_id.in_(some)).order_by(table.c.record_id, table.c.line_no)
        found += (dict(row) for row in connection.execute(query).mappings())
    return found


def products(connection: Connection, refs: Iterable[str | None], skus: Iterable[str | None]) -> list[dict[str, Any]]:
    """The products that lines name by reference (``id:…``) or by SKU, whatever its case and the blanks around it.

    There may be some among them that no line names: what only Unicode holds for equal is left to the reader.
    """
    table = schema.canonical["product"]
    ids = sorted({ref.removeprefix("id:") for ref in refs if ref and ref.startswith("id:")})
    named = sorted({form for sku in skus if sku for form in (sku.strip().upper(), sku.strip().lower(), sku)})
    if not ids and not named:
        return []
    shown = func.upper(func.trim(table.c.sku))
    is_sqlite = connection.dialect.name == "sqlite"
    bytes_ = func.length(cast(table.c.sku, LargeBinary)) if is_sqlite else func.octet_length(table.c.sku)
    found: dict[int, dict[str, Any]] = {}
    for some in _chunks(ids):
        query = table.select().where(table.c.source_id.in_(some))
        found |= {row["record_id"]: dict(row) for row in connection.execute(query).mappings()}
    for some in _chunks(named):
        query = table.select().where(or_(shown.in_(some), bytes_ > func.length(table.c.sku)))
        found |= {row["record_id"]: dict(row) for row in connection.execute(query).mappings()}
    return [found[record_id] for record_id in sorted(found)]


_PARTY = schema.canonical["party"]
_PARTIES = (
    select(stream.c.system, record.c.source_id, record.c.id, _PARTY.c.name)
    .join(record, record.c.stream_id == stream.c.id)
    .join(_PARTY, _PARTY.c.record_id == record.c.id)
    .where(
        stream.c.system.in_(bindparam("systems", expanding=True)),
        stream.c.entity == "party",
        record.c.source_id.in_(bindparam("called", expanding=True)),
    )
)


def parties(connection: Connection, refs: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Named]:
    """Parties that have a name, by (system, source id)."""
    asked = set(refs)
    systems = sorted({system for system, _ in asked})
    found: dict[tuple[str, str], Named] = {}
    for some in _chunks(sorted({source_id for _, source_id in asked})):
        for row in connection.execute(_PARTIES, {"systems": systems, "called": some}):
            if row.name and (row.system, row.source_id) in asked:
                found[row.system, row.source_id] = Named(row.id, row.name)
    return found


def _chunks(items: Iterable[Any]) -> Iterable[list[Any]]:
    iterator = iter(items)
    while some := list(islice(iterator, _MANY)):
        yield some
