"""How far delivery, billing and payment of each order are, as the last reconciliation came to it.

What it came to holds for an order for as long as nothing has changed that it depends on; ``hold`` tells. Otherwise
whoever asks computes it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, or_, select, text
from sqlalchemy.engine import Connection

from state import bulk, news
from state.clock import now_us
from state.schema import audit, counter, landing, run, stream, stream_run
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
_MARK = select(marks.c.horizon, marks.c.activity, marks.c.last, marks.c.inputs, marks.c.remapped)
_AT_WORK = select(run.c.id).where(run.c.started_at > bindparam("since"), run.c.status == "running").limit(1)
_REMAPPED = "records mapped again"
_ONCE_MORE = text(
    f"INSERT INTO counter (name, value) VALUES ('{_REMAPPED}', 1) "
    "ON CONFLICT (name) DO UPDATE SET value = counter.value + 1"
)
_TIMES_REMAPPED = select(counter.c.value).where(counter.c.name == _REMAPPED)
_PRODUCTS = (
    select(stream_run.c.direction, stream_run.c.status, stream_run.c.counts)
    .join(stream, (stream.c.system == stream_run.c.system) & (stream.c.name == stream_run.c.stream))
    .where(
        stream.c.entity == "product",
        stream_run.c.started_at > bindparam("since"),
        or_(stream_run.c.ended_at.is_(None), stream_run.c.ended_at >= bindparam("horizon")),
    )
)
_NEWER = (
    select(landing.c.record_id)
    .where(
        landing.c.record_id.in_(bindparam("records", expanding=True)), landing.c.first_seen_at > bindparam("horizon")
    )
    .limit(1)
)
_STATES = select(table).where(table.c.record_id.in_(bindparam("orders", expanding=True)))


class Seen(NamedTuple):
    """What a reconciliation had seen of the store; see ``news.Mark``."""

    horizon: int
    activity: str
    last: int
    """Number of the last audit row."""
    inputs: str
    remapped: int
    """How often records had been mapped again without a new version."""


def seen(connection: Connection, inputs: str) -> Seen:
    """What ``connection`` sees; take it in a transaction that begins before the records are read.

    ``inputs`` stands for what the states depend on beside the store: rules and code.
    """
    mark = news.take(connection, inputs)
    return Seen(mark.horizon, mark.activity, connection.execute(_LAST).scalar_one(), inputs, _remapped(connection))


def hold(connection: Connection, inputs: str, record_ids: Collection[int]) -> bool:
    """Whether computing the states now of the orders among these records would give what is kept.

    ``record_ids`` are all records that links connect. While a run is at work, or after one that has brought news, they
    hold for records of which no version has come that the reconciliation may have missed: new links come with the next
    one only, and what is mapped again without a new version is counted.
    """
    row = _noted(connection, inputs)
    if row is None:
        return False
    since = {"since": now_us() - _LATE_US}
    if connection.execute(_AT_WORK, since).first() is None and row.activity == news.activity(connection, row.horizon):
        return True
    if row.remapped != _remapped(connection) or _products_changed(connection, row.horizon, since):
        return False
    asked = {"records": sorted(record_ids), "horizon": row.horizon}
    return connection.execute(_NEWER, asked).first() is None


def _noted(connection: Connection, inputs: str) -> Any:
    """What is noted, if it is of these rules and this code and of all that people have decided, else ``None``."""
    row = connection.execute(_MARK).first()
    if row is None or row.inputs != inputs or connection.execute(_DECIDED_SINCE, {"last": row.last}).first():
        return None
    return row


def _products_changed(connection: Connection, horizon: int, since: Mapping[str, int]) -> bool:
    """Whether any product may have: which ones a line names, or has named before, no link tells."""
    return any(
        row.status == "running" or news.changed_something(row.direction, row.status, row.counts)
        for row in connection.execute(_PRODUCTS, {"horizon": horizon, **since})
    )


def note_remapped(connection: Connection) -> None:
    """Count that records are mapped again in this transaction, of which no version tells."""
    connection.execute(_ONCE_MORE)


def _remapped(connection: Connection) -> int:
    return int(connection.execute(_TIMES_REMAPPED).scalar() or 0)


def forget(connection: Connection) -> None:
    """Nothing that is kept is of any moment until the next ``mark``: links change in this transaction."""
    connection.execute(marks.delete())


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
    row = _noted(connection, moment.inputs)
    same = row is not None and row.remapped == moment.remapped
    if same and row.activity == news.activity(connection, row.horizon):
        return
    values: Mapping[str, int | str] = moment._asdict()
    bulk.upsert(connection, marks, ("id", *values), [(1, *values.values())], ("id",))
