"""What was written to the systems: each write-back that was sent, what became of it, and who let it go."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ColumnElement, and_, false, func, or_, select
from sqlalchemy.engine import Connection

from state import overwritten, schema
from state.changes import Item, OutboxStatus
from state.outbox import item_of

if TYPE_CHECKING:
    from state.queries import Attempt

_outbox, _plan = schema.outbox, schema.plan


class Written(NamedTuple):
    """A write-back, who approved its plan, and who did so although it was large."""

    item: Item
    by: str | None
    large_by: str | None


class Wanted(NamedTuple):
    """Which write-backs; ``text`` is a number, the beginning of one, or the source's id of a record."""

    systems: Collection[str]
    text: str = ""
    parts: tuple[Attempt, ...] | None = None
    """Only what these parts of a run have done."""
    records: Collection[int] | None = None
    """Only to these records."""
    by: str = ""
    """Only what this person let go, or let go although it was large."""
    since: int | None = None
    """Sent then or later (microseconds); ``before`` likewise."""
    before: int | None = None
    replaced: bool = False
    """Only those that replaced what somebody else had written, or may have."""
    conflicts: bool = False
    """Only those that were not written because the record had changed, and that were not planned anew since."""


def listing(connection: Connection, wanted: Wanted, limit: int, offset: int = 0) -> list[Written]:
    """The last first."""
    query = (
        select(_outbox, _plan.c.approved_by, _plan.c.large_approved_by)
        .outerjoin(_plan, _plan.c.id == _outbox.c.plan_id)
        .where(*_which(wanted))
        .order_by(func.coalesce(_outbox.c.sent_at, _outbox.c.done_at).desc(), _outbox.c.id.desc())
    )
    rows = connection.execute(query.limit(limit).offset(offset))
    return [Written(item_of(row), row.approved_by, row.large_approved_by) for row in rows]


def count(connection: Connection, wanted: Wanted) -> int:
    """How many there are."""
    return connection.execute(select(func.count()).select_from(_outbox).where(*_which(wanted))).scalar_one()


def conflicts(connection: Connection, systems: Collection[str]) -> dict[str, int]:
    """How many write-backs to each of these systems met a changed record, and were not planned anew since."""
    query = select(_outbox.c.system, func.count()).where(_outbox.c.system.in_(list(systems)))
    query = query.where(_outbox.c.status == OutboxStatus.CONFLICT.value).group_by(_outbox.c.system)
    return {system: int(number) for system, number in connection.execute(query.order_by(_outbox.c.system))}


def _which(wanted: Wanted) -> list[ColumnElement[bool]]:
    once_more = or_(schema.TRIED_AGAIN, _outbox.c.became.is_not(None))  # waits to be sent again
    sent = or_(_outbox.c.status != OutboxStatus.PLANNED.value, once_more)
    found = [_outbox.c.system.in_(list(wanted.systems)), sent]
    if wanted.text:
        named = _outbox.c.number.startswith(wanted.text, autoescape=True)
        found.append(or_(named, _outbox.c.source_id == wanted.text))
    if wanted.records is not None:
        found.append(_outbox.c.record_id.in_(wanted.records))
    if wanted.by:
        theirs = select(_plan.c.id).where(or_(_plan.c.approved_by == wanted.by, _plan.c.large_approved_by == wanted.by))
        found.append(_outbox.c.plan_id.in_(theirs))
    if wanted.since is not None:
        found.append(_outbox.c.sent_at >= wanted.since)
    if wanted.before is not None:
        found.append(_outbox.c.sent_at < wanted.before)
    if wanted.replaced:
        found.append(overwritten.REPLACING)
    if wanted.conflicts:
        found.append(_outbox.c.status == OutboxStatus.CONFLICT.value)
    if wanted.parts is None:
        found.append(_outbox.c.sent_at.is_not(None))
    else:
        found.append(or_(false(), *_within(wanted.parts)))
    return found


def _within(parts: Iterable[Attempt]) -> list[ColumnElement[bool]]:
    """Nobody else writes to a system while a run does, so what was sent or settled then is of that run."""
    found = []
    for part in parts:
        if part.direction == "push":
            times = [column >= part.started_at for column in (_outbox.c.sent_at, _outbox.c.done_at)]
            if part.ended_at is not None:
                ends = [column <= part.ended_at for column in (_outbox.c.sent_at, _outbox.c.done_at)]
                times = [and_(*both) for both in zip(times, ends, strict=True)]
            found.append(and_(_outbox.c.system == part.system, _outbox.c.stream == part.stream, or_(*times)))
    return found
