"""A customer over all systems: the records linked as the same, their documents, what is owed and what was found."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.engine import Connection

from state import bulk, cash, chains, figures, findings, links, schema
from state.chains import Identity
from state.findings import STANDING, Finding
from state.links import Link

MOST_RECORDS = 50
"""Records of one customer; more are a fault of linking."""
COUNTING = ("auto", "confirmed")
AMOUNTS = {
    "lead": None,
    "opportunity": "expected_amount",
    "quote": "net_amount",
    "order": "net_amount",
    "delivery": None,
    "invoice": "gross_amount",
    "payment": "amount",
}
"""The documents of a customer, in the order of lead to cash, and the amount that is added up of each."""
DAYS = {
    "lead": "received_at",
    "opportunity": "source_created_at",
    "quote": "issue_date",
    "order": "order_date",
    "delivery": "delivered_on",
    "invoice": "issue_date",
    "payment": "received_on",
}
ENDED = {
    "lead": ("disqualified",),
    "opportunity": ("lost", "cancelled"),
    "quote": ("rejected", "expired", "superseded", "cancelled"),
    "order": ("rejected", "cancelled"),
    "delivery": ("cancelled", "failed"),
    "invoice": ("void",),
    "payment": ("failed", "cancelled"),
}
"""Documents that came to nothing: they are counted by themselves, and their amounts are not added up."""
_OPEN = {"invoice": "open_amount", "payment": "unapplied_amount"}
_NAMING = tuple(entity for entity, table in schema.canonical.items() if "party_ref" in table.c)
"""All records that name a customer, documents or not."""
_RANKS = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Customer:
    """The records of one customer, by system; how they are linked; what else may be the same and nobody has decided."""

    records: tuple[Identity, ...]
    rows: dict[int, dict[str, Any]]
    links: tuple[Link, ...]
    suggested: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents of one kind and currency in one system; ``amount`` and ``open`` in minor units, of those that count."""

    entity: str
    kind: str | None
    system: str
    currency: str | None
    count: int
    ended: int
    """How many of them came to nothing."""
    amount: int | None
    open: int | None
    again: int | None = None
    """Of payments what of it is the same money as payments of a system that comes before."""


class Matched(NamedTuple):
    """What a receipt settles of an open document by cash application, while no source has allocated it."""

    item: dict[str, Any]
    """The document, as ``owed`` has it."""
    receipt: dict[str, Any]
    """What became of the receipt, as ``state.cash.KIND`` keeps it."""
    applied: dict[str, Any]
    """What of it settles the document: amount, rule, decision, evidence."""


class Document(NamedTuple):
    """One document of a list; ``amount`` in minor units of ``currency``."""

    record_id: int
    entity: str
    kind: str | None
    system: str
    source_id: str
    number: str | None
    status: str | None
    day: str | int | None
    """A day, or an instant in microseconds."""
    currency: str | None
    amount: int | None
    url: str | None


def customer(connection: Connection, record_id: int) -> Customer | None:
    """Everything that is the same customer as this record; ``None`` if it is no customer's, or not there."""
    walked, _ = chains.walk(connection, record_id, MOST_RECORDS)
    known = chains.identities(connection, sorted(walked | {record_id}))
    if record_id not in known or known[record_id].entity != "party":
        return None
    ids = sorted(id for id, item in known.items() if item.entity == "party")[: MOST_RECORDS * 2]
    rows = chains.rows_of(connection, [known[id] for id in ids])
    if record_id not in rows:
        return None
    parties = [known[id] for id in ids if id in rows]
    about = [link for link in links.of_records(connection, ids) if link.kind == "same_as"]
    inside = {item.record_id for item in parties}
    return Customer(
        records=tuple(sorted(parties, key=lambda item: (item.system, item.source_id))),
        rows=rows,
        links=tuple(link for link in about if link.decision in COUNTING and {link.left_id, link.right_id} <= inside),
        suggested=tuple(link for link in about if link.decision == "suggested"),
    )


def named_by(connection: Connection, rows: Iterable[Mapping[str, Any]]) -> int | None:
    """The record of the customer that the first of these rows names which names any; a customer's row names itself."""
    record, stream = schema.record, schema.stream
    for row in rows:
        if row["entity"] == "party":
            return int(row["record_id"])
        kind, _, called = (row.get("party_ref") or "").partition(":")
        if kind == "id":
            whose = (
                select(record.c.id)
                .join(stream, record.c.stream_id == stream.c.id)
                .join(schema.canonical["party"], schema.canonical["party"].c.record_id == record.c.id)
            )
            in_its_system = and_(stream.c.system == row["system"], stream.c.entity == "party")
            return connection.execute(whose.where(in_its_system, record.c.source_id == called).limit(1)).scalar()
        if row.get("company_name"):
            return None
    return None


def of_findings(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """By finding the record of the customer that the first of its records names which names one; of those that do.

    Few, as a page shows them: the customers of all are looked up together.
    """
    about = schema.finding_record
    query = select(about.c.finding_id, about.c.record_id, about.c.system, about.c.entity)
    rows = connection.execute(query.where(about.c.finding_id.in_(ids)).order_by(about.c.finding_id, about.c.n)).all()
    named: dict[int, tuple[str, str]] = {}
    for entity in sorted({row.entity for row in rows} & set(_NAMING)):
        records = sorted({row.record_id for row in rows if row.entity == entity})
        columns = ("record_id", "system", "party_ref")
        found = bulk.select(connection, schema.canonical[entity], "record_id", records, columns)
        named |= {record_id: (system, ref) for record_id, system, ref in found if ref}
    known = _of_refs(connection, set(named.values()))
    result: dict[str, int] = {}
    for row in rows:
        whose = row.record_id if row.entity == "party" else known.get(named.get(row.record_id, ("", "")))
        if whose is not None:
            result.setdefault(row.finding_id, int(whose))
    return result


def _of_refs(connection: Connection, refs: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """The records of customers by system and reference, ``id:…`` or ``no:…``."""
    record, stream, party = schema.record, schema.stream, schema.canonical["party"]
    ids, numbers = ({(system, ref[3:]) for system, ref in refs if ref[:3] == kind} for kind in ("id:", "no:"))
    by_id = (
        select(stream.c.system, record.c.source_id, record.c.id)
        .join(record, record.c.stream_id == stream.c.id)
        .join(party, party.c.record_id == record.c.id)
        .where(stream.c.entity == "party", stream.c.system.in_({system for system, _ in ids}))
        .where(record.c.source_id.in_({called for _, called in ids}))
    )
    by_number = select(party.c.system, party.c.number, party.c.record_id).where(
        party.c.number.in_({called for _, called in numbers})
    )
    found: dict[tuple[str, str], int] = {}
    for kind, wanted, query in (("id:", ids, by_id), ("no:", numbers, by_number)):
        for system, called, record_id in connection.execute(query) if wanted else ():
            if (system, called) in wanted:
                found.setdefault((system, f"{kind}{called}"), int(record_id))
    return found


GIVEN_BACK = ("refund", "chargeback")
"""Kinds of payments that go out again."""


def received(found: Iterable[Documents]) -> dict[str, tuple[int, int]]:
    """By currency what came in of a customer, and what was given back or charged back, in minor units.

    What systems have of the same money counts once. Each is positive.
    """
    sums: dict[str, tuple[int, int]] = {}
    for item in found:
        if item.entity == "payment" and item.currency:
            came, back = sums.get(item.currency, (0, 0))
            amount = (item.amount or 0) - (item.again or 0)
            is_back = item.kind in GIVEN_BACK
            sums[item.currency] = (came, back + abs(amount)) if is_back else (came + amount, back)
    return sums


def documents(connection: Connection, parties: Sequence[Identity], systems: Sequence[str] = ()) -> list[Documents]:
    """What each system has of a customer, in one statement; deleted documents are left out.

    ``systems`` are in the order in which they stand for money that several of them have.

    Only the tables are read in which the systems of its records keep anything: no index leads from a customer to its
    documents, so each table is read whole.
    """
    by_entity = _where_to_look(connection, parties, AMOUNTS)
    if not by_entity:
        return []
    parts = [_added_up(entity, by_entity[entity], systems) for entity in AMOUNTS if entity in by_entity]
    found = [Documents(*row) for row in connection.execute(union_all(*parts))]
    order = list(AMOUNTS)
    return sorted(found, key=lambda item: (order.index(item.entity), item.kind or "", item.system, item.currency or ""))


def listed(connection: Connection, parties: Sequence[Identity], entity: str, limit: int) -> list[Document]:
    """The newest documents of one kind, by their own day; deleted ones are left out."""
    wanted = _where_to_look(connection, parties, [entity]).get(entity)
    if not wanted:
        return []
    table = schema.canonical[entity]
    amount, day = AMOUNTS[entity], table.c[DAYS[entity]]
    query = (
        select(
            table.c.record_id,
            literal(entity),
            _kind(entity),
            *(table.c.system, table.c.source_id, table.c.number, table.c.status),
            day,
            table.c.currency,
            table.c[amount] if amount else null(),
            table.c.url,
        )
        .where(_of(entity, wanted))
        .order_by(day.is_(None), day.desc(), table.c.record_id.desc())
        .limit(limit)
    )
    return [Document(*row) for row in connection.execute(query)]


def owed(connection: Connection, parties: Sequence[Identity]) -> list[dict[str, Any]] | None:
    """What is open of a customer by the last reconciliation, document by document, as ``reconciliation.receivables``.

    ``None`` before the first reconciliation.
    """
    if not figures.some(connection, "basis", [""]):
        return None
    wanted = {(item.system, item.source_id) for item in parties}
    texts = [f'"customer_id":{json.dumps(source_id, ensure_ascii=False)}' for _, source_id in sorted(wanted)]
    found = figures.containing(connection, "receivable", texts)
    return [item for item in found if (item["system"], item["customer_id"]) in wanted]


def matched(connection: Connection, items: Sequence[Mapping[str, Any]], most: int) -> list[Matched]:
    """What receipts settle of these open documents, by the last reconciliation; of more than ``most`` the largest."""
    pairs = [(item, key, amount) for item in items for key, amount in item.get("matched", ())]
    pairs.sort(key=lambda pair: (pair[0]["currency"], -abs(pair[2]), pair[1]))
    receipts = figures.some(connection, cash.KIND, {str(key) for _, key, _ in pairs[:most]})
    found = []
    for item, key, _ in pairs[:most]:
        receipt = receipts.get(str(key), {"applied": ()})
        found += [Matched(dict(item), receipt, one) for one in receipt["applied"] if one["record"] == item["record"]]
    return found


def found_about(connection: Connection, parties: Sequence[Identity]) -> list[Finding]:
    """The outstanding findings about a customer's records and all that name one of them, deleted or not.

    The gravest first, of these the largest. It goes from what is outstanding to the records, each looked up by its id.
    """
    finding, about = schema.finding, schema.finding_record
    ways: list[ColumnElement[bool]] = [about.c.record_id.in_([item.record_id for item in parties])]
    for entity, wanted in _where_to_look(connection, parties, _NAMING).items():
        table = schema.canonical[entity]
        theirs = exists(select(1).where(table.c.record_id == about.c.record_id, _naming(entity, wanted)))
        ways.append(and_(about.c.entity == entity, theirs))
    chosen = select(finding.c.id).join(about, about.c.finding_id == finding.c.id)
    ids = connection.execute(chosen.where(finding.c.status.in_(STANDING), or_(*ways)).distinct()).scalars().all()
    return sorted(
        findings.of_ids(connection, ids),
        key=lambda item: (_RANKS[item.severity], -abs(item.base_amount or 0), item.check_id, item.id),
    )


def _where_to_look(
    connection: Connection, parties: Sequence[Identity], entities: Iterable[str]
) -> dict[str, list[Identity]]:
    """Of these kinds of records those that a customer can have, each with its records in the systems that keep such."""
    stream = schema.stream
    known = {(row.system, row.entity) for row in connection.execute(select(stream.c.system, stream.c.entity))}
    of = {entity: [item for item in parties if (item.system, entity) in known] for entity in entities}
    return {entity: wanted for entity, wanted in of.items() if wanted}


def _added_up(entity: str, parties: Sequence[Identity], systems: Sequence[str]) -> Select[Any]:
    table = schema.canonical[entity]
    amount, is_open = AMOUNTS[entity], _OPEN.get(entity)
    ended = func.coalesce(table.c.status, "").in_(ENDED[entity])
    kind = _kind(entity)
    return (
        select(
            literal(entity),
            kind,
            table.c.system,
            table.c.currency,
            func.count(),
            func.sum(case((ended, 1), else_=0)),
            func.sum(case((ended, None), else_=table.c[amount])) if amount else _no_amount(),
            func.sum(case((ended, None), else_=table.c[is_open])) if is_open else _no_amount(),
            _again(parties, ended, systems) if entity == "payment" else _no_amount(),
        )
        .where(_of(entity, parties))
        .group_by(kind, table.c.system, table.c.currency)
    )


def _again(parties: Sequence[Identity], ended: ColumnElement[bool], systems: Sequence[str]) -> ColumnElement[Any]:
    """The money of payments that are linked as the same as one of the customer in a system that comes before."""
    table, link, other = schema.canonical["payment"], schema.link, schema.canonical["payment"].alias()
    ours = {item.system for item in parties}
    order = [name for name in systems if name in ours] + sorted(ours - set(systems))
    earlier = [
        and_(table.c.system == name, other.c.system.in_(order[:place])) for place, name in enumerate(order) if place
    ]
    if not earlier:
        return _no_amount()
    counts = and_(link.c.kind == "same_as", link.c.left_entity == "payment", link.c.decision.in_(COUNTING))
    stands = and_(
        other.c.deleted == 0,
        func.coalesce(other.c.status, "").not_in(ENDED["payment"]),
        _refers(other, parties),
        or_(*earlier),
    )
    ends = ((link.c.left_id, link.c.right_id), (link.c.right_id, link.c.left_id))
    ways = [
        exists(select(1).where(mine == table.c.record_id, its == other.c.record_id, counts, stands))
        for mine, its in ends
    ]
    return func.sum(case((and_(not_(ended), or_(*ways)), table.c.amount), else_=0))


def _no_amount() -> ColumnElement[Any]:
    """A column of a union that has no amounts; as a sum, so that both databases know its type."""
    return func.sum(case((literal(1) == literal(0), 0), else_=None))


def _kind(entity: str) -> ColumnElement[Any]:
    """The kind of an invoice or payment; what goes out and does not say as what is a refund."""
    table = schema.canonical[entity]
    if entity == "payment":
        plain = or_(table.c.kind.is_(None), table.c.kind == "payment")
        return case((and_(table.c.direction == "out", plain), "refund"), else_=table.c.kind)
    return table.c.kind if entity == "invoice" else func.nullif(literal(""), "")


def _of(entity: str, parties: Sequence[Identity]) -> ColumnElement[bool]:
    """A customer's documents that are not deleted."""
    return and_(schema.canonical[entity].c.deleted == 0, _naming(entity, parties))


def _naming(entity: str, parties: Sequence[Identity]) -> ColumnElement[bool]:
    """What refers to one of a customer's records in the system of that record."""
    return _refers(schema.canonical[entity], parties)


def _refers(table: FromClause, parties: Sequence[Identity]) -> ColumnElement[bool]:
    of_system: dict[str, list[str]] = {}
    for item in parties:
        of_system.setdefault(item.system, []).append(f"id:{item.source_id}")
    return or_(*(and_(table.c.system == name, table.c.party_ref.in_(refs)) for name, refs in of_system.items()))
