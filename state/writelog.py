"""The log of our own writes, field by field: how an echo is told from an edit, and how a quarrel is noticed.

A row is made before a value is sent. It is used once: the first rewritten form of it (spaces, case, rounding) that the
source shows, at once or later, is noted in the row, and from then on only exactly that form is ours.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import Connection

from state import bulk, exact
from state.clock import now_us
from state.schema import write_log as table

_MANY = 500
_COLUMNS = ("record_id", "field", "outbox_id", "sent", "sent_hash", "shown", "at")
KEPT_US = 30 * 86_400 * 1_000_000
"""How long rows are kept that are not the last of their field."""


class Written(NamedTuple):
    """One value that we wrote; ``shown`` is what the source made of it, as JSON text, ``None`` if nothing else."""

    id: int
    record_id: int
    field: str
    sent: Any
    sent_hash: str
    shown: str | None
    at: int


_OF_RECORDS = (
    select(*(table.c[name] for name in Written._fields))
    .where(table.c.record_id.in_(bindparam("ids", expanding=True)))
    .order_by(table.c.id.desc())
)
_OURS = table.c.record_id.in_(bindparam("ids", expanding=True))
_FORGET_OLD = table.delete().where(
    _OURS,
    table.c.at < bindparam("before"),
    table.c.id.not_in(select(func.max(table.c.id)).where(_OURS).group_by(table.c.record_id, table.c.field)),
)


def digest(value: Any) -> str:
    """16 hex digits of a source value."""
    return hashlib.blake2b(exact.dump(value).encode(), digest_size=8).hexdigest()


def note(connection: Connection, rows: Sequence[tuple[int, str, int, Any]]) -> None:
    """Note what is about to be sent: record, field, outbox row, source value. Another attempt replaces the row."""
    if not rows:
        return
    now = now_us()
    bulk.delete(connection, table, "outbox_id", {row[2] for row in rows})
    made = [(record, field, item, exact.dump(sent), digest(sent), None, now) for record, field, item, sent in rows]
    bulk.insert(connection, table, _COLUMNS, made)
    _forget_old(connection, sorted({row[0] for row in rows}), now - KEPT_US)


def _forget_old(connection: Connection, record_ids: Sequence[int], before: int) -> None:
    for start in range(0, len(record_ids), _MANY):
        connection.execute(_FORGET_OLD, {"ids": record_ids[start : start + _MANY], "before": before})


def withdraw(connection: Connection, outbox_id: int) -> None:
    """The write did not happen: nothing to be recognised."""
    bulk.delete(connection, table, "outbox_id", [outbox_id])


def seen(connection: Connection, row_id: int, shown: Any) -> None:
    """Use a row up: the source shows this of what it was sent."""
    connection.execute(update(table).where(table.c.id == row_id).values(shown=exact.dump(shown)))


def seen_as(connection: Connection, outbox_id: int, shown: Sequence[tuple[str, Any]]) -> None:
    """Use up the rows of one write: this is what the source made of the values, by field."""
    rows = [(outbox_id, name, exact.dump(value)) for name, value in shown]
    bulk.update(connection, table, ("outbox_id", "field", "shown"), rows, ("outbox_id", "field"))


def forget(connection: Connection, record_id: int, fields: Iterable[str]) -> None:
    """Begin anew with some fields of a record: earlier writes neither count nor are recognised."""
    connection.execute(table.delete().where(table.c.record_id == record_id, table.c.field.in_(list(fields))))


def of_records(connection: Connection, record_ids: Iterable[int]) -> dict[tuple[int, str], list[Written]]:
    """What we wrote to these records, by record and field, the last write first."""
    found: dict[tuple[int, str], list[Written]] = {}
    ids = sorted(set(record_ids))
    for start in range(0, len(ids), _MANY):
        for row in connection.execute(_OF_RECORDS, {"ids": ids[start : start + _MANY]}):
            written = Written(*row)._replace(sent=exact.load(row.sent))
            found.setdefault((row.record_id, row.field), []).append(written)
    return found
