"""Wishes that are not planned, each with the reason; and what people decided about them.

``why``: ``locked``, ``not_eligible``, ``create_only`` (settings and locks forbid it), ``ask`` (somebody else wrote the
field: a person decides), ``newer`` (what somebody else wrote is newer), ``decided`` (a person keeps what is there),
``brake`` (somebody undoes our write again and again).
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.engine import Connection

from state import audit, bulk, exact, schema
from state.clock import now_us
from state.outbox import Item, PlanError
from state.schema import decision as decisions
from state.schema import held as table

_MANY = 500
_SINCE = select(table.c.id, table.c.since).where(table.c.system == bindparam("of_system"))
_DECIDED = select(decisions).where(decisions.c.record_id.in_(bindparam("ids", expanding=True)))
_TO_RESTORE = (
    select(decisions, schema.stream.c.name, schema.stream.c.entity, schema.record.c.source_id)
    .join(schema.record, schema.record.c.id == decisions.c.record_id)
    .join(schema.stream, schema.stream.c.id == schema.record.c.stream_id)
    .where(schema.stream.c.system == bindparam("of_system"), decisions.c.choice == "restore")
    .order_by(decisions.c.record_id, decisions.c.field)
)
_KEEP = (
    update(decisions)
    .where(decisions.c.record_id == bindparam("record"), decisions.c.choice == "restore")
    .where(decisions.c.field.in_(bindparam("fields", expanding=True)))
    .values(choice="keep")
)
_COLUMNS = ("record_id", "field", "id", "system", "stream", "entity", "source_id", "number", "why", "detail", "since")


class Held(NamedTuple):
    """One wish that is not planned; ``old`` is what the target shows, ``new`` what its owner wants, both canonical."""

    record_id: int
    field: str
    system: str
    stream: str
    entity: str
    source_id: str
    number: str | None
    why: str
    old: Any
    new: Any
    agreed: Any
    """The value both had last; ``None`` if they never had one."""
    reason: str
    since: int = 0

    @property
    def id(self) -> str:
        """Ten hex digits: the same for the same two values of one field of one record."""
        content = exact.dump([self.system, self.stream, self.source_id, self.field, self.old, self.new])
        return hashlib.blake2b(content.encode(), digest_size=5).hexdigest()


class Decision(NamedTuple):
    """What a person decided about a field, for as long as its owner wants ``new``.

    ``choice``: ``write`` the owner's value over ``old``; ``keep`` what is there; write ``value`` ``instead``;
    ``restore`` ``old``, which we had overwritten (``value``: a table of number, source_field and source_value).
    """

    record_id: int
    field: str
    choice: str
    old: Any
    new: Any
    value: Any
    decided_by: str
    reason: str


def replace(connection: Connection, system: str, found: Sequence[Held]) -> None:
    """Make these the system's wishes that are not planned; those that were there keep their ``since``."""
    since = {row.id: row.since for row in connection.execute(_SINCE, {"of_system": system})}
    if since:
        bulk.delete(connection, table, "system", [system])
    now = now_us()
    bulk.insert(connection, table, _COLUMNS, [_row(item, since.get(item.id, now)) for item in found])


def add(connection: Connection, found: Sequence[Held]) -> None:
    """Let these be among the wishes that are not planned, at once; the next planning tells it anew."""
    rows = [_row(item, item.since) for item in found]
    bulk.upsert(connection, table, _COLUMNS, rows, ("record_id", "field"))


def _row(item: Held, since: int) -> tuple[Any, ...]:
    detail = {"old": item.old, "new": item.new, "agreed": item.agreed, "reason": item.reason}
    named = (item.system, item.stream, item.entity, item.source_id, item.number)
    return (item.record_id, item.field, item.id, *named, item.why, exact.dump(detail), since)


def listing(connection: Connection, system: str | None = None, why: Sequence[str] = ()) -> list[Held]:
    """Those of a system, or of all, for these reasons, or any."""
    query = select(table).order_by(table.c.system, table.c.stream, table.c.source_id, table.c.field)
    if system is not None:
        query = query.where(table.c.system == system)
    if why:
        query = query.where(table.c.why.in_(why))
    return [_held(row) for row in connection.execute(query)]


def some(connection: Connection, systems: Collection[str], why: Sequence[str], most: int) -> list[Held]:
    """At most so many of these systems for these reasons."""
    query = select(table).where(table.c.system.in_(systems), table.c.why.in_(why)).limit(most)
    return [_held(row) for row in connection.execute(query)]


def _held(row: Any) -> Held:
    detail = exact.load(row.detail)
    named = (row.record_id, row.field, row.system, row.stream, row.entity, row.source_id, row.number, row.why)
    return Held(*named, detail["old"], detail["new"], detail["agreed"], detail["reason"], row.since)


def counts(connection: Connection, system: str) -> dict[str, int]:
    """How many wishes of a system are not planned, by reason."""
    found: dict[str, int] = {}
    for why in connection.execute(select(table.c.why).where(table.c.system == system)).scalars():
        found[why] = found.get(why, 0) + 1
    return found


def one(connection: Connection, held_id: str) -> Held:
    """The one with this id, which may be shortened; raises ``PlanError``."""
    rows = connection.execute(select(table).where(table.c.id.startswith(held_id, autoescape=True))).all()
    if len(rows) != 1 or not held_id:
        raise PlanError(f"There is no conflict {held_id}.", "`ltc conflicts list` shows the ones there are.")
    return _held(rows[0])


def decide(connection: Connection, item: Held, choice: str, actor: str, reason: str = "") -> None:
    """Decide about a wish: ``write`` the owner's value, or ``keep`` what is there."""
    keep_decision(connection, Decision(item.record_id, item.field, choice, item.old, item.new, None, actor, reason))
    named = {"system": item.system, "stream": item.stream, "source_id": item.source_id, "field": item.field}
    audit.append(connection, actor, "conflict decided", {**named, "choice": choice, "reason": reason})


def instead(connection: Connection, made: Decision, item: Item) -> None:
    """Have another value written in place of the one that a dead letter was to write."""
    keep_decision(connection, made)
    named = {"id": item.letter, "system": item.system, "stream": item.stream, "source_id": item.source_id}
    audit.append(
        connection, made.decided_by, "dead letter edited", {**named, "field": made.field, "reason": made.reason}
    )


def keep_decision(connection: Connection, made: Decision) -> None:
    """Keep a decision; it replaces an earlier one about the field."""
    values = (exact.dump(made.old), exact.dump(made.new), exact.dump(made.value))
    row = (made.record_id, made.field, made.choice, *values, made.decided_by, now_us(), made.reason)
    columns = ("record_id", "field", "choice", "old", "new", "value", "decided_by", "decided_at", "reason")
    bulk.upsert(connection, decisions, columns, [row], ("record_id", "field"))


def decided(connection: Connection, record_ids: Iterable[int]) -> dict[tuple[int, str], Decision]:
    """What people decided about fields of these records."""
    found: dict[tuple[int, str], Decision] = {}
    ids = sorted(set(record_ids))
    for start in range(0, len(ids), _MANY):
        for row in connection.execute(_DECIDED, {"ids": ids[start : start + _MANY]}):
            values = (exact.load(row.old), exact.load(row.new), exact.load(row.value))
            made = Decision(row.record_id, row.field, row.choice, *values, row.decided_by, row.reason)
            found[row.record_id, row.field] = made
    return found


class Restore(NamedTuple):
    """A value that a person wants shown again: ``old`` it is, ``new`` is what we had put in its place."""

    record_id: int
    field: str
    stream: str
    entity: str
    source_id: str
    number: str | None
    old: Any
    new: Any
    reason: str
    source_field: str
    source_value: Any


def to_restore(connection: Connection, system: str) -> list[Restore]:
    """What people want restored in a system and is not yet."""
    found = []
    for row in connection.execute(_TO_RESTORE, {"of_system": system}):
        kept = exact.load(row.value)
        named = (row.record_id, row.field, row.name, row.entity, row.source_id, kept["number"])
        source = (kept["source_field"], kept["source_value"])
        found.append(Restore(*named, exact.load(row.old), exact.load(row.new), row.reason, *source))
    return found


def restored(connection: Connection, record_id: int, fields: Sequence[str]) -> None:
    """The values are shown again: from now on they are kept, as long as the owner does not want anything new."""
    connection.execute(_KEEP, {"record": record_id, "fields": list(fields)})
