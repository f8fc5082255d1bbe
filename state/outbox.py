"""Plans and the outbox: every write to a source is a row here before it is sent, and keeps what became of it.

A row is one record's change. Its idempotency key is made of the record, the new source values and the version of the
record the change is based on, so that the same wish is the same row however often it is planned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.engine import Connection, Row

from state import audit, bulk, exact, runs, schema, writelog
from state.bodies import unpack
from state.changes import (
    IN_DOUBT,
    OPEN,
    STUCK,
    Base,
    FieldChange,
    Item,
    OutboxStatus,
    Plan,
    PlanError,
    PlanStatus,
)
from state.clock import now_us
from state.sealing import keys_of
from state.writes import RecordState

__all__ = [
    "IN_DOUBT",
    "MAX_ATTEMPTS",
    "OPEN",
    "STUCK",
    "Base",
    "FieldChange",
    "Item",
    "OutboxStatus",
    "Plan",
    "PlanError",
    "PlanStatus",
    "approve_large",
    "bases",
    "begin",
    "counts",
    "dead_letters",
    "discard",
    "end",
    "has_loose_doubts",
    "idempotency_key",
    "in_doubt",
    "is_usable",
    "item_of",
    "leave_unsettled",
    "letter",
    "load",
    "open_plans",
    "outcome",
    "plan_digest",
    "put_back",
    "rebase",
    "resolve",
    "retry",
    "save_plan",
    "sending",
    "take_turns",
    "unsent",
]

MAX_ATTEMPTS = 8
"""After so many attempts without an outcome a change is dead: a person decides."""

RETRIED = "taken up again by hand"
"""Message of a dead letter that somebody has tried again, until it is sent (``schema.TRIED_AGAIN``)."""
_MANY = 500
_LATEST = 300_000_000
"""Microseconds after which a request that was sent without an answer is not carried out any more."""

_REOPENED = (OutboxStatus.CONFLICT, OutboxStatus.SUPERSEDED)

# Every run asks these, so they are built once.
_table, _plans, _record, _landing, _cursor = schema.outbox, schema.plan, schema.record, schema.landing, schema.cursor
_of_system = _table.c.system == bindparam("of_system")
_BASES = (
    select(_record.c.id, _record.c.seq, _record.c.state, _record.c.hash, _record.c.version, _landing.c.body)
    .join(_landing, (_landing.c.record_id == _record.c.id) & (_landing.c.seq == _record.c.seq))
    .where(_record.c.id.in_(bindparam("ids", expanding=True)))
)
_WAITING = select(_table.c.id, _table.c.idempotency_key).where(
    _of_system, _table.c.status.in_((OutboxStatus.PLANNED, *STUCK, OutboxStatus.CONFLICT))
)
_SUPERSEDE = (
    update(_plans)
    .where(_plans.c.system == bindparam("of_system"), _plans.c.id != bindparam("but"))
    .where(_plans.c.status.in_((PlanStatus.PLANNED, PlanStatus.APPLYING)))
    .values(status=PlanStatus.SUPERSEDED.value)
)
_DOUBTS = select(_table).where(_of_system, _table.c.status.in_(IN_DOUBT)).order_by(_table.c.id)
_NOT_SEEN = (
    select(_table.c.id, _table.c.idempotency_key)
    .join(_record, _record.c.id == _table.c.record_id)
    .join(_cursor, _cursor.c.stream_id == _record.c.stream_id)
    .where(_of_system, _table.c.status.in_(IN_DOUBT), _table.c.base_seq == _record.c.seq)
    .where(_cursor.c.covered_until > _table.c.sent_at + _LATEST)
)
_LOOSE = (
    select(_table.c.id)
    .where(_table.c.system.in_(bindparam("of_systems", expanding=True)), _table.c.status.in_(IN_DOUBT))
    .where(
        ~select(_plans.c.id)
        .where(_plans.c.id == _table.c.plan_id, _plans.c.status.in_((PlanStatus.PLANNED, PlanStatus.APPLYING)))
        .exists()
    )
    .limit(1)
)
_PLAN = select(_plans).where(_plans.c.id == bindparam("plan"))
_ITEMS = select(_table).where(_table.c.plan_id == bindparam("plan")).order_by(_table.c.id)
_LEFT = select(func.count()).select_from(_table).where(_table.c.plan_id == bindparam("plan"), _table.c.status.in_(OPEN))
_OPEN_PLANS = (
    select(_plans).where(_plans.c.status.in_((PlanStatus.PLANNED, PlanStatus.APPLYING))).order_by(_plans.c.system)
)
_OPEN_PLANS_OF = _OPEN_PLANS.where(_plans.c.system.in_(bindparam("of_systems", expanding=True)))
_PLAN_OF_ITEM = (
    select(_plans.c.status).join(_table, _table.c.plan_id == _plans.c.id).where(_table.c.id == bindparam("item"))
)
_BY_KEY = select(_table).where(_table.c.idempotency_key.in_(bindparam("keys", expanding=True)))
_STUCK_OF_RECORD = select(_table).where(
    _table.c.record_id == bindparam("record"), _table.c.status.in_(STUCK), _table.c.id != bindparam("but")
)
_SENDING = (
    update(_table)
    .where(_table.c.id.in_(bindparam("ids", expanding=True)), _table.c.status.in_(OPEN))
    .where(_table.c.fence <= bindparam("token"))
    .values(status=OutboxStatus.SENDING.value, sent_at=bindparam("now"), message="", fence=bindparam("token"))
    .values(attempts=_table.c.attempts + 1, became=None, became_said=None)
    .returning(_table.c.id)
)
_OUTCOME = (
    update(_table)
    .where(_table.c.id == bindparam("item"))
    .values(status=bindparam("reached"), message=bindparam("said"), done_at=bindparam("done"))
)
_TRY_AGAIN = (
    update(_table)
    .where(_table.c.id == bindparam("item"))
    .values(status=OutboxStatus.SUPERSEDED.value, message=RETRIED, done_at=bindparam("now"))
    .values(tried_before=_table.c.tried_before + _table.c.attempts, attempts=0)
)
_KEEP = (
    update(_table)
    .where(_table.c.id.in_(bindparam("ids", expanding=True)))
    .where(_table.c.sent_at.is_not(None), _table.c.became.is_(None))
    .values(became=_table.c.status, became_said=_table.c.message)
)
_KEEP_DEAD = (
    update(_table).where(_table.c.id == bindparam("item")).values(became=_table.c.status, became_said=_table.c.message)
)
_PUT_BACK = (
    update(_table)
    .where(_table.c.id == bindparam("item"))
    .values(status=_table.c.became, message=_table.c.became_said, done_at=bindparam("now"))
    .values(became=None, became_said=None)
)
_OUTCOME_OF_OURS = _OUTCOME.where(_table.c.fence == bindparam("token"))


def idempotency_key(
    system: str, stream: str, source_id: str, base: tuple[int, bytes], values: Sequence[tuple[str, Any]]
) -> str:
    """40 hex digits: the same for the same new source values of the same version (``seq``, ``hash``) of a record."""
    content = [system, stream, source_id, base[0], base[1].hex(), sorted(values, key=lambda pair: pair[0])]
    return hashlib.blake2b(exact.dump(content).encode(), digest_size=20).hexdigest()


def plan_digest(system: str, keys: Iterable[str]) -> str:
    """A plan's id: 16 hex digits over its items."""
    content = "\n".join((system, *sorted(keys)))
    return hashlib.blake2b(content.encode(), digest_size=8).hexdigest()


def is_whole(plan: Plan) -> bool:
    """Whether its id is still the one of what is open in it: not once a part of it has come to an end."""
    return plan.id == plan_digest(plan.system, [item.idempotency_key for item in plan.open_items])


def bases(connection: Connection, record_ids: Iterable[int]) -> Iterator[tuple[int, Base]]:
    """The current versions of records, a batch in memory at a time; deleted records have no body."""
    opened = keys_of(connection).hash_in
    for ids in _batches(sorted(set(record_ids))):
        for row in connection.execute(_BASES, {"ids": ids}):
            body = unpack(connection, row.id, row.seq, row.body)
            yield row.id, Base(row.seq, row.state, opened(row.hash), row.version, body)


def is_usable(base: Base) -> bool:
    """Whether a change may be based on this version: alive and understood."""
    return base.state == RecordState.LIVE.value


def take_turns(connection: Connection, system: str) -> None:
    """Let plannings for one system go one after the other, to the end of the transaction; on SQLite they do."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"ltc plan {system}",))


def save_plan(connection: Connection, system: str, wished: Sequence[Item], run_id: str) -> Plan | None:
    """Make ``wished`` the system's plan and return it, or ``None`` if there is nothing to send.

    Rows that exist are kept: what is in flight stays, what had an outcome is not sent again, what was superseded or in
    conflict comes back; those that are to be sent tell what is wished now. Items given as ``rejected`` (they have no
    counterpart in the source) are kept for people to see. Everything else that was open or stuck is superseded.
    """
    known = {item.idempotency_key: item for item in _by_key(connection, [item.idempotency_key for item in wished])}
    active, fresh, reopened = _sorted_out(wished, known)
    _bury(connection, known.values())
    keys = [item.idempotency_key for item in active]
    plan_id = plan_digest(system, keys)
    wanted = {item.idempotency_key for item in wished}
    _supersede(connection, system, wanted, plan_id if keys else "")
    _give_up_doubts(connection, system, wanted)
    refused = [item for item in wished if item.status is OutboxStatus.REJECTED]
    _insert(connection, plan_id, [item for item in refused if item.idempotency_key not in known])
    for item in refused:
        row = known.get(item.idempotency_key)
        if row is not None and row.status is OutboxStatus.SUPERSEDED:
            outcome(connection, row.id, OutboxStatus.REJECTED, item.message)
    if not keys:
        return None
    _insert(connection, plan_id, fresh)
    _tell_anew(connection, wished, known)
    moved = [(item.id, plan_id) for item in active if item.id and item.plan_id != plan_id]
    bulk.update(connection, schema.outbox, ("id", "plan_id"), moved, ("id",))
    _keep(connection, [item.id for item in reopened])
    again = [(item.id, OutboxStatus.PLANNED.value, None) for item in reopened]
    bulk.update(connection, schema.outbox, ("id", "status", "done_at"), again, ("id",))
    _open(connection, plan_id, system, run_id)
    return load(connection, plan_id)


def _tell_anew(connection: Connection, wished: Sequence[Item], known: dict[str, Item]) -> None:
    """Let rows that were not sent yet tell what is wished now: the same source values may be read otherwise since.

    A mapping that was changed calls what the source shows something else, and the reason may be another one.
    """
    rows = []
    for item in wished:
        row = known.get(item.idempotency_key)
        if row is None or item.status is not OutboxStatus.PLANNED or row.attempts >= MAX_ATTEMPTS:
            continue
        if row.status in (OutboxStatus.PLANNED, *_REOPENED):
            said = _changes(item)
            if said != _changes(row):
                rows.append((row.id, said))
    bulk.update(connection, schema.outbox, ("id", "changes"), rows, ("id",))


def _changes(item: Item) -> str:
    return exact.dump({"entity": item.entity, "fields": [asdict(change) for change in item.changes]})


def _sorted_out(wished: Sequence[Item], known: dict[str, Item]) -> tuple[list[Item], list[Item], list[Item]]:
    """Of the wished items: those in the plan, of these the new ones, and those taken up again."""
    active: list[Item] = []
    fresh: list[Item] = []
    reopened: list[Item] = []
    for item in wished:
        if item.status is not OutboxStatus.PLANNED:
            continue  # it has no counterpart in the source, or somebody undoes it: nothing to send
        row = known.get(item.idempotency_key)
        if row is None:
            active.append(item)
            fresh.append(item)
        elif row.status in OPEN:
            active.append(row)
        elif row.status in _REOPENED and row.attempts < MAX_ATTEMPTS:
            active.append(row)
            reopened.append(row)
    return active, fresh, reopened


def _bury(connection: Connection, known: Iterable[Item]) -> None:
    """A change that met a conflict every time, though the record is as it was, needs a person."""
    for item in known:
        if item.status is OutboxStatus.CONFLICT and item.attempts >= MAX_ATTEMPTS:
            outcome(connection, item.id, OutboxStatus.DEAD, item.message)


def _supersede(connection: Connection, system: str, wished: set[str], plan_id: str) -> None:
    """Close what is not wished any more, and plans that are not ``plan_id``."""
    now = now_us()
    rows = [
        (row.id, OutboxStatus.SUPERSEDED.value, now)
        for row in connection.execute(_WAITING, {"of_system": system})
        if row.idempotency_key not in wished
    ]
    _keep(connection, [row[0] for row in rows])
    bulk.update(connection, schema.outbox, ("id", "status", "done_at"), rows, ("id",))
    connection.execute(_SUPERSEDE, {"of_system": system, "but": plan_id})


def _give_up_doubts(connection: Connection, system: str, wished: set[str]) -> None:
    """Close changes in doubt that nobody wishes any more, once a later pull has not shown their records changed.

    They may have been carried out all the same: a pull does not show a record that was deleted after that.
    """
    for row in connection.execute(_NOT_SEEN, {"of_system": system}).all():
        if row.idempotency_key not in wished:
            outcome(connection, row.id, OutboxStatus.SUPERSEDED, "not wanted any more, and not found in the source")
            leave_unsettled(connection, row.id)


def _open(connection: Connection, plan_id: str, system: str, run_id: str) -> None:
    known = connection.execute(_PLAN, {"plan": plan_id}).first()
    if known is not None and known.status in (PlanStatus.PLANNED, PlanStatus.APPLYING):
        return
    columns = ("id", "system", "status", "created_at", "approved_by", "applied_at", "run_id", "large_approved_by")
    row = (plan_id, system, PlanStatus.PLANNED.value, now_us(), None, None, run_id, None)
    bulk.upsert(connection, schema.plan, columns, [row], ("id",))


def load(connection: Connection, plan_id: str) -> Plan:
    """A plan with its items in the order they are sent; raises ``PlanError`` if there is none."""
    row = connection.execute(_PLAN, {"plan": plan_id}).first()
    if row is None:
        raise PlanError(f"There is no plan {plan_id}.", "Run `ltc push --plan` to see the plans there are.")
    return _plan(connection, row)


def open_plans(connection: Connection, systems: Iterable[str] | None = None) -> list[Plan]:
    """The plans that are not carried out yet, by system."""
    if systems is None:
        found = connection.execute(_OPEN_PLANS)
    else:
        found = connection.execute(_OPEN_PLANS_OF, {"of_systems": list(systems)})
    return [_plan(connection, row) for row in found.all()]


def _plan(connection: Connection, row: Row[Any]) -> Plan:
    items = tuple(item_of(item) for item in connection.execute(_ITEMS, {"plan": row.id}))
    status = PlanStatus(row.status)
    return Plan(
        row.id,
        row.system,
        status,
        row.created_at,
        row.run_id,
        row.approved_by,
        row.applied_at,
        row.large_approved_by,
        items,
    )


def begin(connection: Connection, plan_id: str, actor: str) -> Plan:
    """Approve a plan and take it up (again); raises ``PlanError`` if it is no longer the current one."""
    plan = load(connection, plan_id)
    if plan.status is PlanStatus.SUPERSEDED:
        raise PlanError(
            f"Plan {plan_id} for {plan.system} is out of date: things have changed since it was made.",
            "Run `ltc push --plan` and look at the new plan.",
        )
    if plan.status is PlanStatus.APPLIED:
        raise PlanError(f"Plan {plan_id} for {plan.system} has been carried out already.")
    _set_plan(connection, plan_id, status=PlanStatus.APPLYING.value, approved_by=actor)
    return replace(plan, status=PlanStatus.APPLYING, approved_by=actor)


def approve_large(
    connection: Connection, plan: Plan, actor: str, exceeded: Sequence[str], *, whole: bool = True
) -> None:
    """Note who approved a plan although it is larger than allowed; it holds until the plan is carried out.

    Of a part of it, not the ``whole``, it holds for nothing else.
    """
    if whole:
        _set_plan(connection, plan.id, large_approved_by=actor)
    detail = {"plan": plan.id, "system": plan.system, "exceeds": list(exceeded)}
    audit.append(connection, actor, "large plan approved", detail)


def end(connection: Connection, plan_id: str) -> PlanStatus:
    """Close a plan as applied, or leave it open if some of it could not be sent now; a superseded one stays that."""
    if load(connection, plan_id).status is PlanStatus.SUPERSEDED:
        return PlanStatus.SUPERSEDED
    left = connection.execute(_LEFT, {"plan": plan_id}).scalar_one()
    status = PlanStatus.PLANNED if left else PlanStatus.APPLIED
    _set_plan(connection, plan_id, status=status.value, applied_at=None if left else now_us())
    return status


def _set_plan(connection: Connection, plan_id: str, **values: Any) -> None:
    bulk.update(connection, schema.plan, ("id", *values), [(plan_id, *values.values())], ("id",))


def in_doubt(connection: Connection, system: str) -> list[Item]:
    """Changes that may or may not have reached the source."""
    return [item_of(row) for row in connection.execute(_DOUBTS, {"of_system": system})]


def has_loose_doubts(connection: Connection, systems: Iterable[str]) -> bool:
    """Whether a change in doubt is in no open plan: only planning anew settles it."""
    return connection.execute(_LOOSE, {"of_systems": list(systems)}).first() is not None


def sending(connection: Connection, items: Sequence[Item], fence: int) -> set[int]:
    """Note that these are about to be sent; commit before the call. Returns the ids of those that may be.

    Left out are those that another planning has withdrawn meanwhile, and those that were sent under a later lease than
    the one with the token ``fence``.
    """
    noted: set[int] = set()
    now = now_us()
    for batch in _batches([item.id for item in items]):
        noted.update(connection.execute(_SENDING, {"ids": batch, "token": fence, "now": now}).scalars())
    return noted


def outcome(
    connection: Connection, item_id: int, status: OutboxStatus, message: str = "", *, fence: int | None = None
) -> None:
    """Note what became of a change; one to be sent again is not, if its plan was withdrawn meanwhile.

    ``fence``: the token under which it was sent; raises ``LeaseHeld`` if another worker has taken it over since.
    """
    if status is OutboxStatus.PLANNED and _is_withdrawn(connection, item_id):
        status = OutboxStatus.SUPERSEDED
    done = None if status in OPEN else now_us()
    values = {"item": item_id, "reached": status.value, "said": message, "done": done}
    if fence is None:
        connection.execute(_OUTCOME, values)
    elif connection.execute(_OUTCOME_OF_OURS, {**values, "token": fence}).rowcount != 1:
        raise runs.taken_over("this write-back")


def leave_unsettled(connection: Connection, item_id: int) -> None:
    """Note that nobody can tell any more whether a change that was in doubt had been carried out."""
    bulk.update(connection, schema.outbox, ("id", "unsettled"), [(item_id, 1)], ("id",))


def unsent(connection: Connection, item: Item, status: OutboxStatus, message: str) -> None:
    """Note that an attempt did not count: the source was not asked about this change."""
    outcome(connection, item.id, status, message)
    bulk.update(connection, schema.outbox, ("id", "attempts"), [(item.id, item.attempts)], ("id",))


def _is_withdrawn(connection: Connection, item_id: int) -> bool:
    """Whether another planning has superseded the plan of this change, and not taken the change over."""
    return connection.execute(_PLAN_OF_ITEM, {"item": item_id}).scalar() == PlanStatus.SUPERSEDED


def rebase(connection: Connection, item_id: int, base_seq: int, key: str) -> None:
    """Let a row stand for the same wish on a newer version of the record."""
    row = (item_id, base_seq, key)
    bulk.update(connection, schema.outbox, ("id", "base_seq", "idempotency_key"), [row], ("id",))


def resolve(connection: Connection, done: Item) -> None:
    """Close the dead letters of a record that a later write has made pointless: all their fields are written now."""
    written = {change.field for change in done.changes}
    stuck = connection.execute(_STUCK_OF_RECORD, {"record": done.record_id, "but": done.id})
    for letter in [item_of(row) for row in stuck]:
        if written.issuperset(change.field for change in letter.changes):
            _keep(connection, [letter.id])
            outcome(connection, letter.id, OutboxStatus.SUPERSEDED, f"resolved by a later write ({done.id})")


def dead_letters(connection: Connection, system: str | None = None) -> list[Item]:
    """Changes that need a person: refused by the source, or tried too often."""
    table = schema.outbox
    query = select(table).where(table.c.status.in_(STUCK)).order_by(table.c.system, table.c.id)
    if system is not None:
        query = query.where(table.c.system == system)
    return [item_of(row) for row in connection.execute(query)]


def letter(connection: Connection, letter_id: str) -> Item:
    """The dead letter with this id; raises ``PlanError``."""
    found = [item for item in dead_letters(connection) if item.letter == letter_id.lower()]
    if not found:
        raise PlanError(f"There is no dead letter {letter_id}.", "Run `ltc dead-letters list`.")
    return found[-1]


def retry(connection: Connection, item_id: int, actor: str) -> Item:
    """Let the next plan take a dead letter up again, if it is still wanted; raises ``PlanError``.

    What was written to its fields before does not count any more: a brake is released.
    """
    item = _stuck(connection, item_id)
    writelog.forget(connection, item.record_id, [change.field for change in item.changes])
    _keep(connection, [item.id])
    connection.execute(_TRY_AGAIN, {"item": item.id, "now": now_us()})
    audit.append(connection, actor, "dead letter retried", _named(item))
    return item


def discard(connection: Connection, item_id: int, reason: str, actor: str) -> Item:
    """Take a dead letter off the list for good; it is planned anew only if the wish or the record changes.

    Raises ``PlanError`` without a reason, or if the row is no dead letter.
    """
    if not reason.strip():
        raise PlanError("A dead letter is discarded with a reason.", "Add `--reason TEXT`.")
    item = _stuck(connection, item_id)
    connection.execute(_KEEP_DEAD, {"item": item.id})
    outcome(connection, item.id, OutboxStatus.DISCARDED, reason.strip())
    audit.append(connection, actor, "dead letter discarded", {**_named(item), "reason": reason.strip()})
    return item


def put_back(connection: Connection, item_id: int, reason: str, actor: str) -> Item:
    """Put a discarded dead letter back on the list, as it was before; raises ``PlanError`` if it is none.

    Nothing is sent by it; the next planning closes it if it is not wanted any more.
    """
    row = connection.execute(select(_table).where(_table.c.id == item_id)).first()
    if row is None or row.status != OutboxStatus.DISCARDED or row.became not in STUCK:
        raise PlanError("It is no discarded dead letter.", "Run `ltc dead-letters list --discarded`.")
    item = item_of(row)
    stuck = connection.execute(_STUCK_OF_RECORD, {"record": item.record_id, "but": item.id})
    if any(item_of(other).letter == item.letter for other in stuck):
        raise PlanError("Another dead letter for the same fields is on the list.", "Take care of that one.")
    connection.execute(_PUT_BACK, {"item": item.id, "now": now_us()})
    audit.append(connection, actor, "dead letter put back", {**_named(item), "reason": reason.strip()})
    return item


def _keep(connection: Connection, item_ids: Sequence[int]) -> None:
    """Keep what the last attempt of each of these came to, before something else is noted of it."""
    for ids in _batches(item_ids):
        connection.execute(_KEEP, {"ids": ids})


def _named(item: Item) -> dict[str, Any]:
    record = {"system": item.system, "stream": item.stream, "source_id": item.source_id}
    return {"id": item.letter, **record, "fields": [change.field for change in item.changes]}


def _stuck(connection: Connection, item_id: int) -> Item:
    row = connection.execute(select(schema.outbox).where(schema.outbox.c.id == item_id)).first()
    if row is None or row.status not in STUCK:
        raise PlanError(f"There is no dead letter {item_id}.", "Run `ltc dead-letters list`.")
    return item_of(row)


def counts(connection: Connection, system: str | None = None) -> dict[str, int]:
    """How many outbox rows there are in each status."""
    table = schema.outbox
    query = select(table.c.status, func.count()).group_by(table.c.status)
    if system is not None:
        query = query.where(table.c.system == system)
    return {status: int(number) for status, number in connection.execute(query)}


_COLUMNS = (
    *("plan_id", "system", "stream", "record_id", "source_id", "number", "changes", "base_seq", "idempotency_key"),
    *("status", "attempts", "message", "created_at", "done_at"),
)


def _insert(connection: Connection, plan_id: str, items: Sequence[Item]) -> None:
    now = now_us()
    rows = []
    for item in items:
        record = (plan_id, item.system, item.stream, item.record_id, item.source_id, item.number)
        change = (_changes(item), item.base_seq, item.idempotency_key)
        done = None if item.status in OPEN else now
        rows.append((*record, *change, item.status.value, item.attempts, item.message, now, done))
    bulk.insert(connection, schema.outbox, _COLUMNS, rows)


def _by_key(connection: Connection, keys: Sequence[str]) -> Iterator[Item]:
    for batch in _batches(keys):
        for row in connection.execute(_BY_KEY, {"keys": batch}):
            yield item_of(row)


def item_of(row: Row[Any]) -> Item:
    """An outbox row as an item."""
    written = exact.load(row.changes)
    return Item(
        row.system,
        row.stream,
        written["entity"],
        row.record_id,
        row.source_id,
        row.number,
        row.base_seq,
        tuple(FieldChange(**change) for change in written["fields"]),
        row.idempotency_key,
        OutboxStatus(row.status),
        row.attempts,
        row.message,
        row.id,
        row.plan_id,
        row.created_at,
        row.sent_at,
        row.done_at,
        bool(row.unsettled) and row.status != OutboxStatus.APPLIED,
        None if row.became is None else OutboxStatus(row.became),
        row.became_said or "",
    )


def _batches(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]
