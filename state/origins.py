"""What new records are made of: origins that a hand-off may apply to, what they are linked to, who is who elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, and_, cast, exists, func, or_, select
from sqlalchemy.engine import Connection

from state import bulk, history, schema
from state.creations import closed_origins
from state.writes import RecordState

SURE = ("auto", "confirmed")
_MANY = 500
_INSTANTS = {"lead": ("received_at", "source_created_at")}
_DAYS = {"delivery": ("shipped_on", "delivered_on", "planned_date")}
_READY = {"lead": None, "opportunity": "won", "delivery": "delivered"}


class Origin(NamedTuple):
    """A live record of an origin stream: its number with us, its version and its canonical row as stored."""

    record_id: int
    seq: int
    row: dict[str, Any]


class Since(NamedTuple):
    """The first day that counts: its first instant (microseconds), and the day itself."""

    instant: int
    day: str


def ready(
    connection: Connection, rule: str, origin: tuple[str, str, str], target: str, since: Since
) -> Iterator[Origin]:
    """The records of a stream (system, stream, entity) that a rule may make something of in the system ``target``.

    They are alive, understood, neither locked nor of an erased person, created on or after ``since`` by the source's
    own word, in the status that the hand-off waits for, and nothing has been made of them yet.
    """
    system, stream, entity = origin
    table, record, known = schema.canonical[entity], schema.record, schema.stream
    locked, erased = schema.record_lock, schema.erased_record
    query = (
        select(record.c.id, record.c.seq)
        .join(known, known.c.id == record.c.stream_id)
        .join(table, table.c.record_id == record.c.id)
        .where(known.c.system == system, known.c.name == stream, record.c.state == RecordState.LIVE.value)
        .where(table.c.deleted == 0, _is_new(entity, since))
        .where(record.c.id.not_in(select(locked.c.record_id)), record.c.id.not_in(select(erased.c.record_id)))
    )
    if _READY[entity] is not None:
        query = query.where(table.c.status == _READY[entity])
    if entity == "lead":
        query = query.where(~_has_twin(record.c.id, target))
    done = closed_origins(connection, rule, target)
    found = {row.id: row.seq for row in connection.execute(query.order_by(record.c.id)) if row.id not in done}
    ids = list(found)
    for start in range(0, len(ids), _MANY):
        rows = history.rows(connection, entity, ids[start : start + _MANY])
        for record_id in sorted(rows):
            yield Origin(record_id, found[record_id], rows[record_id])


def _is_new(entity: str, since: Since) -> ColumnElement[bool]:
    """A record that does not say when it was created is never new: it may be years old."""
    table = schema.canonical[entity]
    names = _INSTANTS.get(entity, ("source_created_at",))
    created = func.coalesce(*(table.c[name] for name in names), cast(None, BigInteger))
    if entity not in _DAYS:
        return created >= since.instant
    day = func.coalesce(*(table.c[name] for name in _DAYS[entity]))
    return or_(created >= since.instant, and_(created.is_(None), day >= since.day))


def _has_twin(record_id: Any, target: str) -> ColumnElement[bool]:
    """Whether a record is linked for sure to one in the target system, be that deleted."""
    link, record, known = schema.link, schema.record, schema.stream
    sides = []
    for one, other in ((link.c.left_id, link.c.right_id), (link.c.right_id, link.c.left_id)):
        joined = link.join(record, record.c.id == other).join(known, known.c.id == record.c.stream_id)
        partner = select(link.c.kind).select_from(joined)
        partner = partner.where(one == record_id, link.c.kind == "same_as", link.c.decision.in_(SURE))
        sides.append(exists(partner.where(known.c.system == target).correlate_except(link, record, known)))
    return or_(*sides)


class Linked(NamedTuple):
    """The other end of a link."""

    record_id: int
    entity: str
    decision: str


def following(connection: Connection, record_ids: Iterable[int]) -> list[Linked]:
    """What follows from these records; not what people have cut."""
    return _ends(connection, "left_id", "right", record_ids)


def followed(connection: Connection, record_ids: Iterable[int]) -> list[Linked]:
    """What these records follow from; not what people have cut."""
    return _ends(connection, "right_id", "left", record_ids)


def _ends(connection: Connection, near: str, far: str, record_ids: Iterable[int]) -> list[Linked]:
    link = schema.link
    query = (
        select(link.c[f"{far}_id"], link.c[f"{far}_entity"], link.c.decision)
        .where(link.c.kind == "follows", link.c[near].in_(list(record_ids)), link.c.decision != "cut")
        .order_by(link.c[f"{far}_id"])
    )
    return [Linked(*row) for row in connection.execute(query)]


def twins(connection: Connection, record_id: int) -> dict[int, str]:
    """All records that mean the same, over other systems too, and whether that is sure or ``suggested``."""
    link = schema.link
    found = {record_id: "auto"}
    ahead = [record_id]
    while ahead:
        query = select(link.c.left_id, link.c.right_id, link.c.decision).where(
            link.c.kind == "same_as",
            link.c.decision != "cut",
            or_(link.c.left_id.in_(ahead), link.c.right_id.in_(ahead)),
        )
        reached = []
        for left, right, decision in connection.execute(query).all():
            for other in (left, right):
                if other in found and (found[other] in SURE or decision not in SURE):
                    continue
                found[other] = decision
                if decision in SURE:
                    reached.append(other)
        ahead = reached
    del found[record_id]
    return found


class Place(NamedTuple):
    """Where a record is, what it is called, and whether it is alive."""

    record_id: int
    system: str
    source_id: str
    entity: str
    state: int
    row: dict[str, Any]

    @property
    def alive(self) -> bool:
        """Whether the source has it and it is understood."""
        return self.state == RecordState.LIVE.value and bool(self.row) and not self.row["deleted"]

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self.row.get("number") or self.row.get("name") or self.source_id)


def places(connection: Connection, record_ids: Iterable[int]) -> list[Place]:
    """These records with their canonical rows, in the order of their numbers."""
    record, known = schema.record, schema.stream
    query = (
        select(record.c.id, known.c.system, record.c.source_id, known.c.entity, record.c.state)
        .join(known, known.c.id == record.c.stream_id)
        .where(record.c.id.in_(list(record_ids)))
        .order_by(record.c.id)
    )
    found = connection.execute(query).all()
    rows: dict[int, dict[str, Any]] = {}
    for entity in {row.entity for row in found}:
        rows |= history.rows(connection, entity, [row.id for row in found if row.entity == entity])
    return [Place(row.id, row.system, row.source_id, row.entity, row.state, rows.get(row.id, {})) for row in found]


def named(connection: Connection, system: str, entity: str, ref: str | None) -> list[Place]:
    """The records of an entity that a reference of a record of ``system`` names (``id:``, ``no:``, ``ext:``)."""
    scheme, _, value = (ref or "").partition(":")
    if not value:
        return []
    table = schema.canonical[entity]
    query = select(table.c.record_id)
    if scheme == "id":
        query = query.where(table.c.system == system, table.c.source_id == value)
    elif scheme == "no":
        query = query.where(table.c.number == value)
    else:
        query = query.where(table.c.system != system, table.c.source_id == value)
    return places(connection, connection.execute(query).scalars())


def with_value(connection: Connection, system: str, entity: str, field: str, value: str) -> list[Place]:
    """The records of a system, deleted ones too, that show a text in a field, in any case."""
    table = schema.canonical[entity]
    query = select(table.c.record_id).where(table.c.system == system, func.lower(table.c[field]) == value.lower())
    return places(connection, connection.execute(query).scalars())


def lines(connection: Connection, entity: str, record_id: int) -> list[dict[str, Any]]:
    """A document's lines as stored, in their order."""
    table = schema.lines[entity]
    names = [column.name for column in table.columns]
    rows = [dict(zip(names, row, strict=True)) for row in bulk.select(connection, table, "record_id", [record_id])]
    return sorted(rows, key=lambda row: int(row["line_no"]))


def suggested(found: Sequence[Linked]) -> list[int]:
    """Those that are only suggested."""
    return [item.record_id for item in found if item.decision not in SURE]
