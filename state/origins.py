"""What new records are made of: the origins that a hand-off may apply to, as they were first read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, ColumnElement, and_, cast, exists, func, or_, select
from sqlalchemy.engine import Connection

from state import history, schema
from state.creations import closed_origins
from state.surroundings import SURE
from state.writes import RecordState

CHUNK = 500
_INSTANTS = {"lead": ("received_at", "source_created_at")}
_DAYS = {"delivery": ("shipped_on", "delivered_on", "planned_date")}
_READY = {"lead": None, "opportunity": "won", "delivery": "delivered"}
_FOLLOWED_BY = {"opportunity": "order", "delivery": "invoice"}


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
) -> Iterator[list[Origin]]:
    """The records of a stream (system, stream, entity) that a rule may make something of in the system ``target``.

    They are alive, understood, neither locked nor of an erased person, created on or after ``since`` by the source's
    own word, in the status that the hand-off waits for, nothing has been made of them yet, and they are not linked for
    sure to what would be made. In chunks of at most ``CHUNK``.
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
        .where(record.c.id.not_in(closed_origins(rule, target)))
    )
    if _READY[entity] is not None:
        query = query.where(table.c.status == _READY[entity])
    has = _has_twin(record.c.id, target) if entity == "lead" else _has_follower(record.c.id, entity, target)
    found = connection.execute(query.where(~has).order_by(record.c.id)).all()
    for start in range(0, len(found), CHUNK):
        part = found[start : start + CHUNK]
        rows = history.rows(connection, entity, [row.id for row in part])
        yield [Origin(row.id, row.seq, rows[row.id]) for row in part if row.id in rows]


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


def _has_follower(record_id: Any, entity: str, target: str) -> ColumnElement[bool]:
    """Whether what would be made follows for sure from a record, be it deleted; an order from its quote, too."""
    record, known = schema.record.alias("made"), schema.stream.alias("made_in")
    last, quote = schema.link.alias("made_by"), schema.link.alias("quoted_by")

    def follower(before: Any) -> Any:
        joined = last.join(record, record.c.id == last.c.right_id).join(known, known.c.id == record.c.stream_id)
        found = select(last.c.kind).select_from(joined)
        found = found.where(last.c.kind == "follows", last.c.left_id == before, last.c.decision.in_(SURE))
        found = found.where(last.c.right_entity == _FOLLOWED_BY[entity], known.c.system == target)
        return exists(found.correlate_except(last, record, known))

    direct = follower(record_id)
    if entity != "opportunity":
        return direct  # type: ignore[no-any-return]
    quotes = select(quote.c.kind).where(quote.c.kind == "follows", quote.c.left_id == record_id)
    quotes = quotes.where(quote.c.right_entity == "quote", quote.c.decision.in_(SURE), follower(quote.c.right_id))
    return or_(direct, exists(quotes.correlate_except(quote)))
