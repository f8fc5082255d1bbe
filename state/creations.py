"""Records that we create downstream: one row ever for each rule, target system and origin; what became of each.

The row guards against a second one: it stays when the record was made, when a person decided against it, and when the
record was deleted since. Its values follow the origin until they are sent, and never change while nobody knows whether
what was sent was carried out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Select, bindparam, func, or_, select, update
from sqlalchemy.engine import Connection, Row

from state import audit, bulk, exact, runs, schema
from state.chains import Identity
from state.changes import IN_DOUBT, OPEN, STUCK, OutboxStatus, PlanError
from state.clock import now_us
from state.externalkeys import external_key
from state.writes import RecordState

MAX_ATTEMPTS = 8
_MANY = 500
SETTLED = (OutboxStatus.APPLIED, OutboxStatus.UNCHANGED)
"""The record is there: made by us, or found by its key."""
_DONE = (*SETTLED, OutboxStatus.DISCARDED)
ERASED_NOTE = "a person in it was erased"

# Every run asks these, so they are built once.
_table = schema.creation
_AT_WORK = select(_table.c.system).where(_table.c.status.in_((*OPEN, *STUCK))).distinct()
_TO_CREATE = (
    select(_table).where(_table.c.system == bindparam("of_system"), _table.c.status.in_(OPEN)).order_by(_table.c.id)
)
_UNLINKED = (
    select(_table)
    .where(_table.c.system == bindparam("of_system"), _table.c.made_id.is_(None))
    .where(_table.c.status.in_((*OPEN, *STUCK, *SETTLED, OutboxStatus.SUPERSEDED)))
    .order_by(_table.c.id)
)

_COLUMNS = (
    *("rule", "system", "stream", "entity", "origin_id", "origin_system", "origin_stream", "origin_entity"),
    *("origin_source_id", "origin_seq", "number", "key", "content", "reason", "round", "status", "attempts"),
    *("message", "run_id", "created_at"),
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A record that should exist. Without ``values`` it cannot be made, and ``message`` says why and what to do."""

    rule: str
    system: str
    stream: str
    entity: str
    origin: Identity
    number: str | None
    seq: int
    """Version of the origin."""
    reason: str
    values: Mapping[str, Any] | None = None
    message: str = ""

    @property
    def key(self) -> str:
        """Its external key."""
        origin = self.origin
        return external_key(self.rule, (self.system, self.stream), (origin.system, origin.stream, origin.source_id))


@dataclass(frozen=True, slots=True)
class Creation:
    """A row; instants are microseconds."""

    id: int
    rule: str
    system: str
    stream: str
    entity: str
    origin: Identity
    seq: int
    number: str | None
    key: str
    values: Mapping[str, Any]
    """Source field → value; empty if it cannot be made, or once they were pruned or erased."""
    reason: str
    round: int
    status: OutboxStatus
    attempts: int
    message: str
    unsure: bool
    """An attempt was not answered: the record may have been made."""
    wanted: bool
    large_approved_by: str | None
    created_at: int
    sent_at: int | None
    done_at: int | None
    made_source_id: str | None
    made_id: int | None
    became: OutboxStatus | None = None
    """What it was when a person discarded it."""
    became_said: str = ""

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt with the same values; another one after a refusal, which is final."""
        content = exact.dump([self.key, dict(self.values), self.round]).encode()
        return hashlib.blake2b(content, digest_size=20).hexdigest()

    @property
    def letter(self) -> str:
        """Its id as a dead letter, eight hex digits."""
        return hashlib.blake2b(self.key.encode(), digest_size=4).hexdigest()

    @property
    def doubtful(self) -> bool:
        """Whether the source must be asked before anything is sent."""
        return self.unsure or self.status in IN_DOUBT


@dataclass(frozen=True, slots=True)
class CreationPlan:
    """What is to be created in one system; ``id`` is a digest of it."""

    id: str
    system: str
    items: tuple[Creation, ...]


def save(connection: Connection, system: str, wished: Sequence[Wanted], run_id: str) -> None:
    """Make ``wished`` what is to be created in a system: new rows, rows that follow their origins, rows given up."""
    table = schema.creation
    query = select(table).where(table.c.system == system, table.c.status.not_in([item.value for item in _DONE]))
    known = {(item.rule, item.origin.record_id): item for item in map(_item, connection.execute(query))}
    closed = _closed_among(connection, system, [wish.origin.record_id for wish in wished])
    fresh = []
    for wish in wished:
        if (wish.rule, wish.origin.record_id) in closed:
            continue  # somebody else has made it since
        item = known.pop((wish.rule, wish.origin.record_id), None)
        if item is None:
            fresh.append(_new(wish, run_id))
        else:
            _follow(connection, item, wish)
    for item in known.values():
        _give_up(connection, item)
    bulk.insert(connection, table, _COLUMNS, fresh)


def _new(wish: Wanted, run_id: str) -> bulk.Row:
    origin, status = wish.origin, _status(wish)
    place = (wish.rule, wish.system, wish.stream, wish.entity)
    where = (origin.record_id, origin.system, origin.stream, origin.entity, origin.source_id)
    what = (wish.seq, wish.number, wish.key, exact.dump(dict(wish.values or {})), wish.reason)
    return (*place, *where, *what, 0, status.value, 0, wish.message, run_id, now_us())


def _status(wish: Wanted) -> OutboxStatus:
    return OutboxStatus.PLANNED if wish.values is not None else OutboxStatus.REJECTED


def _follow(connection: Connection, item: Creation, wish: Wanted) -> None:
    """Let a row show what its origin says now, unless that has been sent and nobody knows what became of it."""
    if item.doubtful:
        if not item.wanted:
            _set(connection, item.id, wanted=1)
        if item.status is OutboxStatus.SUPERSEDED and item.values:
            _set(connection, item.id, status=OutboxStatus.UNKNOWN.value, done_at=None)
        return
    values = dict(wish.values or {})
    stuck = item.status in STUCK
    same = values == dict(item.values) and item.stream == wish.stream
    if stuck and same and (wish.values is not None or item.message == wish.message):
        return  # it was refused as it is
    if item.status is OutboxStatus.PLANNED and wish.values is not None and same and item.reason == wish.reason:
        return
    status = _status(wish)
    changed: dict[str, Any] = {"stream": wish.stream, "key": wish.key, "number": wish.number, "origin_seq": wish.seq}
    changed |= {"content": exact.dump(values), "reason": wish.reason, "message": wish.message, "wanted": 1}
    changed |= {"status": status.value, "done_at": None, "attempts": item.attempts if same and not stuck else 0}
    _set(connection, item.id, **changed, round=item.round + int(stuck), large_approved_by=None)


def _give_up(connection: Connection, item: Creation) -> None:
    if item.status in IN_DOUBT:
        if item.wanted:
            _set(connection, item.id, wanted=0)
    elif item.status is not OutboxStatus.SUPERSEDED:
        _set(connection, item.id, status=OutboxStatus.SUPERSEDED.value, done_at=now_us(), message="not wanted any more")


def plan(connection: Connection, system: str) -> CreationPlan | None:
    """What is to be created in a system, what is in doubt first; ``None`` if it is nothing."""
    found = map(_item, connection.execute(_TO_CREATE, {"of_system": system}))
    items = sorted(found, key=lambda item: not item.doubtful)
    if not items:
        return None
    content = "\n".join(("create", system, *sorted(item.idempotency_key for item in items)))
    return CreationPlan(hashlib.blake2b(content.encode(), digest_size=8).hexdigest(), system, tuple(items))


def systems_at_work(connection: Connection) -> set[str]:
    """Systems for which a row is open or stuck, whatever the rules say now."""
    return set(connection.execute(_AT_WORK).scalars())


def of_ids(connection: Connection, ids: Iterable[int]) -> list[Creation]:
    """Rows by number."""
    table = schema.creation
    return [_item(row) for row in connection.execute(select(table).where(table.c.id.in_(list(ids))))]


def unlinked(connection: Connection, system: str) -> list[Creation]:
    """Rows that a landed record may settle: in doubt, planned, or made without the record having been read."""
    return [_item(row) for row in connection.execute(_UNLINKED, {"of_system": system})]


def sending(connection: Connection, items: Sequence[Creation], fence: int) -> set[int]:
    """Note that these are about to be sent; commit before the call. Returns the ids of those that may be.

    Left out are those that another planning has changed or withdrawn meanwhile, and those that were sent under a later
    lease than the one with the token ``fence``.
    """
    table = schema.creation
    now, noted = now_us(), set()
    for item in items:
        change = update(table).where(table.c.id == item.id, table.c.status == item.status.value)
        change = change.where(table.c.fence <= fence, table.c.content == exact.dump(dict(item.values)))
        values = {"status": OutboxStatus.SENDING.value, "unsure": 1, "sent_at": now, "message": "", "fence": fence}
        if connection.execute(change.values(**values, attempts=table.c.attempts + 1)).rowcount:
            noted.add(item.id)
    return noted


def outcome(
    connection: Connection, item: Creation, status: OutboxStatus, message: str, *, fence: int, unsure: bool
) -> None:
    """Note what became of an attempt; raises ``LeaseHeld`` if another worker has taken it over since."""
    table = schema.creation
    values: dict[str, Any] = {"status": status.value, "message": message, "unsure": int(unsure)}
    values["done_at"] = None if status in OPEN else now_us()
    change = update(table).where(table.c.id == item.id, table.c.fence <= fence)
    if connection.execute(change.values(**values, fence=fence)).rowcount != 1:
        raise runs.taken_over("this new record")


def uncounted(connection: Connection, item: Creation, *, keep_sent: bool) -> None:
    """An attempt did not count; without ``keep_sent`` the source was not even asked about this record."""
    values = {"attempts": item.attempts} if keep_sent else {"attempts": item.attempts, "sent_at": item.sent_at}
    _set(connection, item.id, **values)


def settle(connection: Connection, item: Creation, made_source_id: str, made_id: int | None, message: str) -> None:
    """Note that the record is there: made by us if we ever sent it, else found."""
    status = OutboxStatus.APPLIED if item.doubtful or item.status is OutboxStatus.APPLIED else OutboxStatus.UNCHANGED
    values: dict[str, Any] = {"status": status.value, "unsure": 0, "made_source_id": made_source_id, "made_id": made_id}
    if item.status not in SETTLED:
        values |= {"message": message, "done_at": now_us()}
    _set(connection, item.id, **values)


def approve_large(connection: Connection, items: Sequence[Creation], actor: str, plan_id: str, said: str) -> None:
    """Note who let more records be created at once than ltc.yaml allows; it holds until they are."""
    ids = [item.id for item in items]
    table = schema.creation
    connection.execute(update(table).where(table.c.id.in_(ids)).values(large_approved_by=actor))
    detail = {"plan": plan_id, "system": items[0].system, "exceeds": [said]}
    audit.append(connection, actor, "large plan approved", detail)


def dead_letters(connection: Connection, system: str | None = None) -> list[Creation]:
    """Those that need a person: refused, tried too often, or made by us and deleted since."""
    table, record = schema.creation, schema.record
    stuck = select(table).where(table.c.status.in_([status.value for status in STUCK]))
    gone = (
        select(table)
        .join(record, record.c.id == table.c.made_id)
        .where(table.c.status.in_([status.value for status in SETTLED]), record.c.state == RecordState.DELETED.value)
    )
    found = []
    for query, is_gone in ((stuck, False), (gone, True)):
        chosen = query if system is None else query.where(table.c.system == system)
        for row in connection.execute(chosen.order_by(table.c.system, table.c.id)):
            found.append(replace(_item(row), message=GONE) if is_gone else _item(row))
    return found


GONE = "it was created and has been deleted there since; it is not created again"


def letter(connection: Connection, letter_id: str) -> Creation | None:
    """The dead letter with this id, also one that was discarded; ``None`` if there is none."""
    wanted = letter_id.lower()
    for item in dead_letters(connection):
        if item.letter == wanted:
            return item
    table = schema.creation
    query = select(table).where(table.c.status == OutboxStatus.DISCARDED.value)
    return next((item for item in map(_item, connection.execute(query)) if item.letter == wanted), None)


def retry(connection: Connection, item: Creation, actor: str) -> None:
    """Let the next plan take it up again, if it is still wanted; raises ``PlanError`` for what was made already."""
    if item.status in SETTLED:
        raise PlanError(
            f"The {item.entity} {item.made_source_id} was created in {item.system} and deleted there: not made again.",
            f"Restore it in {item.system}, create it there by hand, or `ltc dead-letters discard {item.letter}`.",
        )
    status = OutboxStatus.UNKNOWN if item.unsure and item.values else OutboxStatus.SUPERSEDED
    values = {"status": status.value, "attempts": 0, "message": "taken up again by hand", "done_at": None}
    _set(connection, item.id, **values, round=item.round + int(not item.unsure))
    audit.append(connection, actor, "dead letter retried", named(item))


def discard(connection: Connection, item: Creation, reason: str, actor: str) -> None:
    """Never create it: the row stays, and guards. Raises ``PlanError`` without a reason."""
    if not reason.strip():
        raise PlanError("A dead letter is discarded with a reason.", "Add `--reason TEXT`.")
    was = {"became": item.status.value, "became_said": item.message}
    _set(connection, item.id, status=OutboxStatus.DISCARDED.value, message=reason.strip(), done_at=now_us(), **was)
    audit.append(connection, actor, "dead letter discarded", {**named(item), "reason": reason.strip()})


def put_back(connection: Connection, item: Creation, reason: str, actor: str) -> None:
    """Put a discarded one back on the list, as it was before; raises ``PlanError`` if it is none, or was emptied."""
    if item.status is not OutboxStatus.DISCARDED or item.became is None:
        raise PlanError("It is no discarded dead letter.", "Run `ltc dead-letters list --discarded`.")
    if item.attempts and not item.values:
        raise PlanError("Its values were removed since it was discarded.", "Create the record by hand.")
    status = {"status": item.became.value, "message": item.became_said, "became": None, "became_said": None}
    _set(connection, item.id, done_at=now_us(), **status)
    audit.append(connection, actor, "dead letter put back", {**named(item), "reason": reason.strip()})


def named(item: Creation) -> dict[str, Any]:
    """The row in the audit: which record, made of which."""
    origin = item.origin
    target = {"system": item.system, "stream": item.stream, "key": item.key}
    return {"id": item.letter, "rule": item.rule, **target, "origin": [origin.system, origin.stream, origin.source_id]}


def forget(connection: Connection, record_ids: Sequence[int]) -> int:
    """Empty the rows about the records of an erased person; returns how many.

    What was not sent never is. Of what is in doubt the key is left, by which the source is asked. The rows guard on.
    """
    table = schema.creation
    about = or_(table.c.origin_id.in_(record_ids), table.c.made_id.in_(record_ids))
    items = [_item(row) for row in connection.execute(select(table).where(about))]
    for item in items:
        _set(connection, item.id, content="{}", reason="", number=None)
        if item.status in _DONE:
            continue
        status = OutboxStatus.UNKNOWN if item.doubtful else OutboxStatus.DISCARDED
        done = None if item.doubtful else now_us()
        _set(connection, item.id, status=status.value, message=ERASED_NOTE, done_at=done)
    return len(items)


def prunable(before: int) -> Select[Any]:
    """Rows that had their outcome before an instant and still hold values."""
    table = schema.creation
    over = [status.value for status in (*_DONE, OutboxStatus.SUPERSEDED)]
    chosen = select(table.c.id).where(table.c.status.in_(over), table.c.unsure == 0, table.c.done_at < before)
    return chosen.where(table.c.content != "{}")


def prune(connection: Connection, before: int) -> int:
    """Take the values out of those rows; the rows stay, or their records would be made again. Returns how many."""
    emptied = update(schema.creation).where(schema.creation.c.id.in_(prunable(before)))
    return connection.execute(emptied.values(content="{}")).rowcount


def counts(connection: Connection) -> dict[str, int]:
    """How many rows there are in each status."""
    table = schema.creation
    query = select(table.c.status, func.count()).group_by(table.c.status)
    return {status: int(number) for status, number in connection.execute(query)}


def closed_origins(rule: str, system: str) -> Select[tuple[int]]:
    """Selects the origins of which nothing is made any more: it was, or a person decided against it."""
    table = schema.creation
    done = [status.value for status in _DONE]
    return select(table.c.origin_id).where(table.c.rule == rule, table.c.system == system, table.c.status.in_(done))


def _closed_among(connection: Connection, system: str, origin_ids: Sequence[int]) -> set[tuple[str, int]]:
    """Rule and origin of those that are closed."""
    table = schema.creation
    done = [status.value for status in _DONE]
    found: set[tuple[str, int]] = set()
    for start in range(0, len(origin_ids), _MANY):
        query = select(table.c.rule, table.c.origin_id)
        query = query.where(table.c.system == system, table.c.status.in_(done))
        query = query.where(table.c.origin_id.in_(origin_ids[start : start + _MANY]))
        found.update((row.rule, row.origin_id) for row in connection.execute(query))
    return found


def _set(connection: Connection, item_id: int, **values: Any) -> None:
    connection.execute(update(schema.creation).where(schema.creation.c.id == item_id).values(**values))


def _item(row: Row[Any]) -> Creation:
    origin = Identity(row.origin_id, row.origin_system, row.origin_stream, row.origin_entity, row.origin_source_id)
    return Creation(
        *(row.id, row.rule, row.system, row.stream, row.entity, origin, row.origin_seq, row.number, row.key),
        *(exact.load(row.content), row.reason, row.round, OutboxStatus(row.status), row.attempts, row.message),
        *(bool(row.unsure), bool(row.wanted), row.large_approved_by, row.created_at, row.sent_at, row.done_at),
        *(row.made_source_id, row.made_id),
        *(None if row.became is None else OutboxStatus(row.became), row.became_said or ""),
    )
