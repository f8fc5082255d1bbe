"""What the outbox and the log of our writes know of error texts that are shown in fields of source records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from mappings.definition import ERROR_NOTE
from state import exact, outbox, schema
from state.changes import STUCK, Base, Item, OutboxStatus

_MANY = 500
_SETTLED = (OutboxStatus.APPLIED, OutboxStatus.UNCHANGED, OutboxStatus.DISCARDED, *STUCK)
_STANDS = (OutboxStatus.DISCARDED, *STUCK)


class Shown(NamedTuple):
    """The text that we last wrote to a record; ``shown`` is what the source made of it, as JSON text."""

    record_id: int
    stream: str
    entity: str
    source_id: str
    sent: Any
    sent_hash: str
    shown: str | None


def is_note(item: Item) -> bool:
    """Whether a write-back writes nothing but such a text."""
    return all(change.field == ERROR_NOTE for change in item.changes)


def last_texts(connection: Connection, system: str) -> dict[int, Shown]:
    """The texts that were last written, by record."""
    log, record, stream = schema.write_log, schema.record, schema.stream
    last = select(func.max(log.c.id)).where(log.c.field == ERROR_NOTE).group_by(log.c.record_id)
    query = (
        select(
            record.c.id, stream.c.name, stream.c.entity, record.c.source_id, log.c.sent, log.c.sent_hash, log.c.shown
        )
        .join(record, record.c.id == log.c.record_id)
        .join(stream, stream.c.id == record.c.stream_id)
        .where(log.c.id.in_(last), stream.c.system == system)
    )
    return {row[0]: Shown(*row)._replace(sent=exact.load(row.sent)) for row in connection.execute(query)}


def settled(connection: Connection, keys: Sequence[str]) -> set[str]:
    """Those of the wishes (by idempotency key) that had their outcome: nothing of them is sent."""
    table = schema.outbox
    found: set[str] = set()
    for start in range(0, len(keys), _MANY):
        some = list(keys[start : start + _MANY])
        query = select(table.c.idempotency_key).where(table.c.idempotency_key.in_(some), table.c.status.in_(_SETTLED))
        found.update(connection.execute(query).scalars())
    return found


def stand(connection: Connection, item: Item, base: Base, fingerprint: str) -> None:
    """Let refusals and discards of the record hold for the version that the text has made: it is no news.

    Otherwise each of them would be sent again because of its own error text.
    """
    table = schema.outbox
    query = select(table).where(
        table.c.record_id == item.record_id, table.c.status.in_(_STANDS), table.c.base_seq == item.base_seq
    )
    for other in [outbox.item_of(row) for row in connection.execute(query)]:
        known = (0, b"")
        key = _key(other, known, ((f"brake {change.source_field}", change.source_new) for change in other.changes))
        if not is_note(other) and other.idempotency_key != key:
            values = (
                (change.source_field, change.source_new)
                if change.source_field
                else (f"{fingerprint} {change.field}", change.new)
                for change in other.changes
            )
            key = _key(other, (base.seq, base.hash), values)
            outbox.rebase(connection, other.id, base.seq, key)


def _key(item: Item, base: tuple[int, bytes], values: Iterable[tuple[str, Any]]) -> str:
    return outbox.idempotency_key(item.system, item.stream, item.source_id, base, list(values))
