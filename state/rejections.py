"""Reject a part of a plan: what is left becomes a plan of its own in the same transaction, to be carried out as it is.

What a rejected change would have overwritten stays (``state.held``: a decision to keep it) for as long as its owner
wants the same value. The next planning therefore makes exactly the plan that was left.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.engine import Connection

from mappings.definition import ERROR_NOTE
from state import audit, bulk, errornotes, held, outbox, plannings, runs, schema
from state.changes import FieldChange, Item, OutboxStatus, Plan, PlanError, PlanStatus
from state.clock import now_us
from state.held import Decision, Held

LONGEST_REASON = 1000
_COLUMNS = ("id", "system", "status", "created_at", "approved_by", "applied_at", "run_id", "large_approved_by")


class Rejected(NamedTuple):
    """A field that a person does not want written; ``decided_at`` in microseconds."""

    held: Held
    decided_by: str
    decided_at: int
    reason: str


def reject(connection: Connection, plan_id: str, item_ids: Collection[int], reason: str, actor: str) -> str | None:
    """Take items out of a plan for good; returns the plan of what is left, ``None`` if nothing is.

    Raises ``PlanError`` without a reason, and if the plan or one of the items is no longer as it was seen;
    ``LeaseHeld`` while something is written to the system.
    """
    said = reason.strip()
    if not said or len(said) > LONGEST_REASON:
        raise PlanError(f"Say why they are not to be written, in at most {LONGEST_REASON} characters.")
    system = outbox.load(connection, plan_id).system
    lease = runs.acquire(connection, f"push to {system}")
    outbox.take_turns(connection, system)
    seen = plannings.number(connection, plannings.WRITES, system)
    plannings.keep(connection, plannings.WRITES, system, seen)
    plan = outbox.load(connection, plan_id)
    rejected = _chosen(plan, item_ids)
    for item in rejected:
        _keep_what_is_there(connection, item, said, actor)
    left = _split(connection, plan, {item.id for item in rejected})
    named = [[item.stream, item.source_id, [change.field for change in item.changes]] for item in rejected]
    detail = {"plan": plan_id, "system": system, "records": named, "left": left, "reason": said}
    audit.append(connection, actor, "write-backs rejected", detail)
    lease.release(connection)
    return left


def _chosen(plan: Plan, item_ids: Collection[int]) -> list[Item]:
    found = [item for item in plan.items if item.id in item_ids and item.status is OutboxStatus.PLANNED]
    if plan.status in (PlanStatus.SUPERSEDED, PlanStatus.APPLIED) or len(found) != len(set(item_ids)):
        raise PlanError(f"Plan {plan.id} for {plan.system} is no longer what you have seen.", "Look at it again.")
    if not found:
        raise PlanError("None of it was rejected.", "Choose what is not to be written.")
    return found


def _keep_what_is_there(connection: Connection, item: Item, reason: str, actor: str) -> None:
    if errornotes.is_note(item):  # nobody owns such a text: the row itself says that it is not wanted
        outbox.outcome(connection, item.id, OutboxStatus.DISCARDED, reason)
        return
    outbox.outcome(connection, item.id, OutboxStatus.SUPERSEDED, reason)
    decided = held.decided(connection, [item.record_id])
    rows = []
    for change in item.changes:
        if change.field == ERROR_NOTE:
            continue
        wanted = _wanted(change, decided.get((item.record_id, change.field)))
        made = Decision(item.record_id, change.field, "keep", change.old, wanted, None, actor, reason)
        held.keep_decision(connection, made)
        named = (item.system, item.stream, item.entity, item.source_id, item.number)
        rows.append(
            Held(item.record_id, change.field, *named, "decided", change.old, wanted, None, change.reason, now_us())
        )
    held.add(connection, rows)


def _wanted(change: FieldChange, before: Decision | None) -> object:
    """What its owner wants; the change shows what a person has put in its place, if somebody has."""
    instead = before is not None and before.choice == "instead" and before.value == change.new
    return before.new if before is not None and instead else change.new


def _split(connection: Connection, plan: Plan, rejected: Collection[int]) -> str | None:
    """Let the open items that are left be a plan of their own."""
    left = [item for item in plan.open_items if item.id not in rejected]
    table = schema.plan
    closed = update(table).where(table.c.id == plan.id).values(status=PlanStatus.SUPERSEDED.value)
    connection.execute(closed)
    if not left:
        return None
    made = outbox.plan_digest(plan.system, [item.idempotency_key for item in left])
    bulk.update(connection, schema.outbox, ("id", "plan_id"), [(item.id, made) for item in left], ("id",))
    row = (made, plan.system, PlanStatus.PLANNED.value, now_us(), None, None, plan.run_id, None)
    bulk.upsert(connection, table, _COLUMNS, [row], ("id",))
    return made


def listing(connection: Connection) -> list[Rejected]:
    """What people do not want written although its owner still wants it, the last decision first."""
    table = schema.decision
    found = held.listing(connection, why=("decided",))
    kept = select(table.c.record_id, table.c.field, table.c.decided_by, table.c.decided_at, table.c.reason)
    rows = connection.execute(kept.where(table.c.choice == "keep"))
    decided = {(row.record_id, row.field): (row.decided_by, row.decided_at, row.reason) for row in rows}
    known = [Rejected(item, *decided[key]) for item in found if (key := (item.record_id, item.field)) in decided]
    return sorted(known, key=lambda item: -item.decided_at)
