"""How far delivery, billing and payment of each order are, as the last reconciliation came to it.

What it came to holds for as long as nothing has changed that it depends on; ``are_current`` tells. Otherwise whoever
asks computes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.engine import Connection

from state import bulk, news
from state.clock import now_us
from state.schema import audit, run
from state.schema import order_state as table
from state.schema import order_state_mark as marks

NAMES = ("delivery_state", "billing_state", "payment_state")
QUERY = f"SELECT record_id, {', '.join(NAMES)} FROM {table.name}"
"""Reads all of them."""

_LATE_US = 2 * 86_400_000_000
"""A run that began so long ago has ended, whatever is noted of it."""
_NOTHING_TO_ORDERS = (*("finding ", "period ", "cash ", "plan "), *("dead letter ", "conflict ", "write-backs "))
"""How decisions begin that change what people think of orders, not what they came to."""
_LAST = select(func.coalesce(func.max(audit.c.id), 0))
_DECIDED_SINCE = (
    select(audit.c.id)
    .where(
        audit.c.id > bindparam("last"),
        audit.c.action.not_in(news.NO_DECISIONS),
        *(~audit.c.action.startswith(name) for name in _NOTHING_TO_ORDERS),
    )
    .limit(1)
)
_MARK = select(marks.c.horizon, marks.c.activity, marks.c.last, marks.c.inputs)
_AT_WORK = select(run.c.id).where(run.c.started_at > bindparam("since"), run.c.status == "running").limit(1)
_STATES = select(table).where(table.c.record_id.in_(bindparam("orders", expanding=True)))


class Seen(NamedTuple):
    """What a reconciliation had seen of the store; see ``news.Mark``."""

    horizon: int
    activity: str
    last: int
    """Number of the last audit row."""
    inputs: str


def seen(connection: Connection, inputs: str) -> Seen:
    """What ``connection`` sees; take it in a transaction that begins before the records are read.

    ``inputs`` stands for what the states depend on beside the store: rules and code.
    """
    mark = news.take(connection, inputs)
    return Seen(mark.horizon, mark.activity, connection.execute(_LAST).scalar_one(), inputs)


def are_current(connection: Connection, inputs: str) -> bool:
    """Whether computing them now would give what is kept; never while a run is at work."""
    if connection.execute(_AT_WORK, {"since": now_us() - _LATE_US}).first():
        return False
    return _hold(connection, inputs)


def _hold(connection: Connection, inputs: str) -> bool:
    """Whether nothing that is known to have ended has changed since what is noted."""
    row = connection.execute(_MARK).first()
    if row is None or row.inputs != inputs or connection.execute(_DECIDED_SINCE, {"last": row.last}).first():
        return False
    return bool(row.activity == news.activity(connection, row.horizon))


def read(connection: Connection, record_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """The states of these orders by record id and name; one that is not live has none."""
    rows = connection.execute(_STATES, {"orders": sorted(record_ids)}).mappings()
    return {row["record_id"]: {name: row[name] for name in NAMES} for row in rows}


def write(connection: Connection, changed: Iterable[tuple[int, str, str, str]], gone: Iterable[int]) -> None:
    """Keep states that are new or others than before, and forget those of orders that are not live any more."""
    bulk.upsert(connection, table, ("record_id", *NAMES), list(changed), ("record_id",))
    bulk.delete(connection, table, "record_id", gone)


def mark(connection: Connection, moment: Seen) -> None:
    """All that is kept is of this moment now; nothing is written where what is noted holds, as it says the same."""
    if _hold(connection, moment.inputs):
        return
    values: Mapping[str, int | str] = moment._asdict()
    bulk.upsert(connection, marks, ("id", *values), [(1, *values.values())], ("id",))
