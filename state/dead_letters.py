"""Dead letters a page at a time: write-backs and new records that need a person, and how many of them there are."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import ColumnElement, exists, func, literal, select, union_all
from sqlalchemy.engine import Connection

from state import creations
from state.changes import Item, OutboxStatus, PlanError
from state.creations import Creation
from state.outbox import item_of
from state.schema import STUCK_CREATION, STUCK_WRITE, creation, outbox, record
from state.writes import RecordState

_GONE = (
    creation.c.status.in_([status.value for status in creations.SETTLED]),
    exists().where(record.c.id == creation.c.made_id, record.c.state == RecordState.DELETED.value),
)
"""Made, and deleted since."""


class Which(NamedTuple):
    """Which dead letters; by default all of them."""

    system: str | None = None
    systems: Iterable[str] | None = None
    """Only of these."""


_DISCARDED = OutboxStatus.DISCARDED.value
_EVERY_ONE = 1_000_000
EVERY = Which()


class NoneDiscarded(PlanError):
    """No discarded dead letter has that id."""


_Reads = Callable[[Connection, Which, int, int], Sequence[Item | Creation]]


def count(connection: Connection, which: Which = EVERY) -> int:
    """How many there are."""
    return sum(_counts(connection, which))


def page(
    connection: Connection, which: Which = EVERY, *, limit: int, offset: int = 0
) -> tuple[list[Item | Creation], int]:
    """Some of them, and how many there are: write-backs first, then new records, each by system and number.

    Last come records that were made and deleted since.
    """
    counts = _counts(connection, which)
    found: list[Item | Creation] = []
    parts: tuple[_Reads, ...] = (_writes, _refused, _gone)
    for read, number in zip(parts, counts, strict=True):
        left = limit - len(found)
        if left > 0 and offset < number:
            found += read(connection, which, left, offset)
        offset = max(offset - number, 0)
    return found, sum(counts)


def discarded(
    connection: Connection, which: Which = EVERY, *, limit: int, offset: int = 0
) -> tuple[list[Item | Creation], int]:
    """Those that people have discarded and that can be put back, the last first, and how many there are."""
    of_writes = [outbox.c.status == _DISCARDED, outbox.c.became.is_not(None), *_of(outbox.c.system, which)]
    of_made = [creation.c.status == _DISCARDED, creation.c.became.is_not(None), *_of(creation.c.system, which)]
    writes = select(outbox.c.id, outbox.c.done_at.label("at"), literal(0).label("made")).where(*of_writes)
    made = select(creation.c.id, creation.c.done_at.label("at"), literal(1).label("made")).where(*of_made)
    both = union_all(writes, made).subquery()
    order = (both.c.at.desc(), both.c.made, both.c.id.desc())
    rows = connection.execute(select(both.c.id, both.c.made).order_by(*order).limit(limit).offset(offset)).all()
    count = connection.execute(select(func.count()).select_from(both)).scalar_one()
    ids = [row.id for row in rows if not row.made]
    of_ids = connection.execute(select(outbox).where(outbox.c.id.in_(ids)))
    found: dict[tuple[int, int], Item | Creation] = {(0, row.id): item_of(row) for row in of_ids}
    found |= {(1, item.id): item for item in creations.of_ids(connection, [row.id for row in rows if row.made])}
    return [found[row.made, row.id] for row in rows], count


def discarded_one(connection: Connection, letter_id: str, which: Which = EVERY) -> Item | Creation:
    """The discarded one with this id, of several the last; raises ``NoneDiscarded``."""
    found, _ = discarded(connection, which, limit=_EVERY_ONE)
    for item in found:
        if item.letter == letter_id.lower():
            return item
    raise NoneDiscarded(f"There is no discarded dead letter {letter_id}.", "Run `ltc dead-letters list --discarded`.")


def _counts(connection: Connection, which: Which) -> tuple[int, int, int]:
    to_change, to_make = _of(outbox.c.system, which), _of(creation.c.system, which)
    writes = select(func.count()).select_from(outbox).where(STUCK_WRITE, *to_change)
    made = select(func.count()).select_from(creation)
    each = (writes, made.where(STUCK_CREATION, *to_make), made.where(*_GONE, *to_make))
    row = connection.execute(select(*(query.scalar_subquery() for query in each))).one()
    return row[0], row[1], row[2]


def _writes(connection: Connection, which: Which, limit: int, offset: int) -> list[Item]:
    query = select(outbox).where(STUCK_WRITE, *_of(outbox.c.system, which)).order_by(outbox.c.system, outbox.c.id)
    return [item_of(row) for row in connection.execute(query.limit(limit).offset(offset))]


def _refused(connection: Connection, which: Which, limit: int, offset: int) -> list[Creation]:
    return _creations(connection, [STUCK_CREATION, *_of(creation.c.system, which)], limit, offset)


def _gone(connection: Connection, which: Which, limit: int, offset: int) -> list[Creation]:
    found = _creations(connection, [*_GONE, *_of(creation.c.system, which)], limit, offset)
    return [replace(item, message=creations.GONE) for item in found]


def _creations(connection: Connection, wanted: list[ColumnElement[bool]], limit: int, offset: int) -> list[Creation]:
    query = select(creation.c.id).where(*wanted).order_by(creation.c.system, creation.c.id)
    ids = connection.execute(query.limit(limit).offset(offset)).scalars().all()
    found = {item.id: item for item in creations.of_ids(connection, ids)}
    return [found[id] for id in ids]


def _of(column: ColumnElement[str], which: Which) -> list[ColumnElement[bool]]:
    chosen = [] if which.system is None else [column == which.system]
    return chosen if which.systems is None else [*chosen, column.in_(sorted(which.systems))]
