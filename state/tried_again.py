"""Dead letters that people have tried again: which were not sent since, and how often each was tried in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import bindparam, exists, select
from sqlalchemy.engine import Connection

from state import schema
from state.changes import Item, OutboxStatus
from state.outbox import item_of

_MANY = 500
_table = schema.outbox
_later = _table.alias()
_HOLDS = exists().where(
    _later.c.record_id == _table.c.record_id, _later.c.id >= _table.c.id, _later.c.status == OutboxStatus.PLANNED.value
)
_WAS_PLANNED_FOR = exists().where(
    schema.run.c.started_at >= _table.c.done_at,
    schema.run.c.kind.in_(("sync", "push")),
    schema.run.c.status.in_(("done", "partial")),
    schema.run_system.c.run_id == schema.run.c.id,
    schema.run_system.c.system == _table.c.system,
)
_TRIED_AGAIN = (
    select(_table, _HOLDS.label("holds"), _WAS_PLANNED_FOR.label("was_planned_for"))
    .where(_table.c.system.in_(bindparam("of_systems", expanding=True)), schema.TRIED_AGAIN)
    .where(_table.c.status.in_((OutboxStatus.SUPERSEDED, OutboxStatus.PLANNED)))
    .order_by(_table.c.id.desc())
    .limit(100)
)
_TRIED_BEFORE = select(_table).where(
    _table.c.record_id.in_(bindparam("records", expanding=True)), _table.c.tried_before > 0
)


def waiting(connection: Connection, systems: Sequence[str]) -> list[tuple[Item, bool]]:
    """Dead letters of these systems that people have tried again and that were not sent since, the newest first.

    At most 100, each with whether a plan holds it. One that the systems were planned for since without it is wanted
    no more, and left out.
    """
    found = connection.execute(_TRIED_AGAIN, {"of_systems": list(systems)}).all()
    return [(item_of(row), bool(row.holds)) for row in found if row.holds or not row.was_planned_for]


def counted(connection: Connection, items: Sequence[Item]) -> list[Item]:
    """The same dead letters, each with all its tries as ``attempts``."""
    found = tries(connection, items)
    return [replace(item, attempts=found[item.id]) for item in items]


def tries(connection: Connection, items: Sequence[Item]) -> dict[int, int]:
    """How often each of these dead letters was tried, before people had it tried again as well; by ``Item.id``."""
    before: dict[tuple[int, str], int] = {}
    ids = sorted({item.record_id for item in items})
    for start in range(0, len(ids), _MANY):
        for row in connection.execute(_TRIED_BEFORE, {"records": ids[start : start + _MANY]}):
            earlier = item_of(row)
            key = (earlier.record_id, earlier.letter)
            before[key] = before.get(key, 0) + row.tried_before
    return {item.id: item.attempts + before.get((item.record_id, item.letter), 0) for item in items}
