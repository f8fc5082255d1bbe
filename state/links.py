"""Links between records: what linking found, and what people decided about it.

``decision``: ``auto`` (sure), ``suggested`` (possible; does not count until confirmed), ``confirmed`` or ``cut`` by a
person. Only automatic and suggested links are ever replaced by a run.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, bindparam, func, or_, select, update
from sqlalchemy.engine import Connection

from state import audit, bulk, schema
from state.clock import now_us
from state.decisions import DecisionError
from state.schema import LINK_SUGGESTED, linker_memory
from state.schema import audit as audited
from state.schema import link as table

_FOUND = ("kind", "left_id", "right_id", "left_entity", "right_entity", "method", "score", "evidence", "decision")
_COLUMNS = (*_FOUND, "run_id")
_KEY = ("kind", "left_id", "right_id")
_BY_PEOPLE = ("confirmed", "cut")


class LinkError(DecisionError):
    """A decision on a link that cannot be taken."""


@dataclass(frozen=True, slots=True)
class Link:
    """One link as stored; ``score`` in per mille, ``evidence`` JSON text, ``decided_at`` microseconds."""

    kind: str
    left_id: int
    right_id: int
    left_entity: str
    right_entity: str
    method: str
    score: int
    evidence: str
    decision: str
    decided_by: str | None
    decided_at: int | None


def replace(
    connection: Connection,
    *,
    added: Sequence[bulk.Row],
    changed: Sequence[bulk.Row],
    removed: Sequence[bulk.Row],
    run_id: str,
) -> None:
    """Write the differences that linking found; rows as in ``link`` up to ``decision``, removed ones by key.

    A decision that a person took since the links were read is left alone.
    """
    decided = {
        tuple(row)
        for row in connection.execute(
            select(table.c.kind, table.c.left_id, table.c.right_id).where(table.c.decision.in_(_BY_PEOPLE))
        )
    }
    bulk.insert(connection, table, _COLUMNS, [(*row, run_id) for row in added if tuple(row[:3]) not in decided])
    bulk.update(connection, table, _COLUMNS, [(*row, run_id) for row in changed if tuple(row[:3]) not in decided], _KEY)
    gone = [dict(zip(("k", "l", "r"), row, strict=True)) for row in removed if tuple(row[:3]) not in decided]
    if gone:
        connection.execute(
            table.delete().where(
                table.c.kind == bindparam("k"), table.c.left_id == bindparam("l"), table.c.right_id == bindparam("r")
            ),
            gone,
        )


def remembered(connection: Connection, linker: str) -> tuple[str, str] | None:
    """Digests of what a linker last read and of the links that it left, ``None`` before its first run."""
    query = select(linker_memory.c.inputs, linker_memory.c.results).where(linker_memory.c.name == linker)
    row = connection.execute(query).first()
    return None if row is None else (row.inputs, row.results)


def remember(connection: Connection, linker: str, inputs: str, results: str) -> None:
    """Keep them, in the transaction that writes the links."""
    bulk.upsert(connection, linker_memory, ("name", "inputs", "results"), [(linker, inputs, results)], ("name",))


def decide(
    connection: Connection, kind: str, left_id: int, right_id: int, decision: str, actor: str, reason: str = ""
) -> None:
    """Confirm or cut a link, known or not; it then survives every run. ``decision``: ``confirmed`` or ``cut``.

    The audit keeps the reason. For ``same_as`` the order of the two does not matter. Raises ``LinkError``.
    """
    if decision not in _BY_PEOPLE:
        raise LinkError(f"A link cannot be {decision}.", "Confirm it or cut it.")
    if kind == "same_as":
        left_id, right_id = sorted((left_id, right_id))
    ends = _entities(connection, (left_id, right_id))
    missing = [number for number in (left_id, right_id) if number not in ends]
    if missing or left_id == right_id:
        raise LinkError(
            "A link needs two different records that are in the store.", "Look them up with `ltc trace`.", "two_records"
        )
    if kind == "same_as" and ends[left_id] != ends[right_id]:
        what = f"A {ends[left_id]} and a {ends[right_id]} cannot be the same thing."
        raise LinkError(what, "Link them as follows.", "other_kind")
    now = now_us()
    match = and_(table.c.kind == kind, table.c.left_id == left_id, table.c.right_id == right_id)
    values = {"decision": decision, "decided_by": actor, "decided_at": now}
    if not connection.execute(update(table).where(match).values(values)).rowcount:
        row = (kind, left_id, right_id, ends[left_id], ends[right_id], "person", 1000, "{}", decision, actor, now, "")
        bulk.insert(connection, table, (*_FOUND, "decided_by", "decided_at", "run_id"), [row])
    detail: dict[str, Any] = {"kind": kind, "left": left_id, "right": right_id}
    if reason:
        detail["reason"] = reason
    audit.append(connection, actor, f"link {decision}", detail)


def made(connection: Connection, kind: str, left_id: int, right_id: int, key: str) -> None:
    """Link a record that we created to what it was made of, for good: ``evidence`` is its external key.

    What a person decided about the two stands.
    """
    if kind == "same_as":
        left_id, right_id = sorted((left_id, right_id))
    ends = _entities(connection, (left_id, right_id))
    match = and_(table.c.kind == kind, table.c.left_id == left_id, table.c.right_id == right_id)
    if connection.execute(select(table.c.kind).where(match, table.c.decision.in_(_BY_PEOPLE))).first() is not None:
        return
    evidence = json.dumps({"created by us": key})
    found = (kind, left_id, right_id, ends[left_id], ends[right_id], "created", 1000, evidence, "confirmed")
    columns = (*_FOUND, "decided_by", "decided_at", "run_id")
    bulk.upsert(connection, table, columns, [(*found, "ltc", now_us(), "")], _KEY)


def undecide(connection: Connection, kind: str, left_id: int, right_id: int, actor: str) -> bool:
    """Take a person's decision back: the next run judges the pair anew. Returns whether there was one."""
    if kind == "same_as":
        left_id, right_id = sorted((left_id, right_id))
    match = and_(table.c.kind == kind, table.c.left_id == left_id, table.c.right_id == right_id)
    gone = connection.execute(table.delete().where(match, table.c.decision.in_(_BY_PEOPLE))).rowcount
    if gone:
        audit.append(connection, actor, "link undecided", {"kind": kind, "left": left_id, "right": right_id})
    return bool(gone)


def of_records(connection: Connection, record_ids: Sequence[int], with_suggestions: bool = True) -> list[Link]:
    """All links of these records, cut ones included."""
    wanted = [*record_ids]
    query = select(*(table.c[name] for name in (*_FOUND, "decided_by", "decided_at"))).where(
        or_(table.c.left_id.in_(wanted), table.c.right_id.in_(wanted))
    )
    if not with_suggestions:
        query = query.where(table.c.decision != "suggested")
    rows: list[Any] = list(connection.execute(query.order_by(table.c.kind, table.c.left_id, table.c.right_id)))
    return [Link(*row) for row in rows]


def listing(
    connection: Connection,
    *,
    decision: str | None = None,
    entity: str | None = None,
    method: str | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[Link]:
    """Links, the least certain first."""
    query = select(*(table.c[name] for name in (*_FOUND, "decided_by", "decided_at")))
    query = (
        query.where(*_wanted(decision, entity, method))
        .order_by(table.c.score, table.c.kind, table.c.left_id, table.c.right_id)
        .limit(limit)
        .offset(offset)
    )
    return [Link(*row) for row in connection.execute(query)]


def decided(connection: Connection, *, limit: int, offset: int = 0) -> list[Link]:
    """What people said about links, the last first."""
    query = (
        select(*(table.c[name] for name in (*_FOUND, "decided_by", "decided_at")))
        .where(table.c.decision.in_(_BY_PEOPLE), table.c.method != "created")
        .order_by(table.c.decided_at.desc(), table.c.kind, table.c.left_id, table.c.right_id)
        .limit(limit)
        .offset(offset)
    )
    return [Link(*row) for row in connection.execute(query)]


def reasons(connection: Connection, found: Sequence[Link]) -> dict[tuple[str, int, int], str]:
    """Why people decided so about these links, by kind and records, as the audit tells it, where they said so."""
    at = [item.decided_at for item in found if item.decided_at is not None]
    if not at:
        return {}
    rows = connection.execute(
        select(audited.c.detail)
        .where(audited.c.action.in_([f"link {decision}" for decision in _BY_PEOPLE]), audited.c.at >= min(at))
        .order_by(audited.c.id)
    )
    told = [json.loads(detail) for detail in rows.scalars() if detail]
    newest = {(item["kind"], item["left"], item["right"]): str(item.get("reason") or "") for item in told}
    wanted = {(item.kind, item.left_id, item.right_id) for item in found}
    return {pair: reason for pair, reason in newest.items() if reason and pair in wanted}


def count(
    connection: Connection, *, decision: str | None = None, entity: str | None = None, method: str | None = None
) -> int:
    """How many there are."""
    query = select(func.count()).select_from(table).where(*_wanted(decision, entity, method))
    return connection.execute(query).scalar_one()


def _wanted(decision: str | None, entity: str | None, method: str | None) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if decision:
        wanted.append(LINK_SUGGESTED if decision == "suggested" else table.c.decision == decision)
    if entity:
        wanted.append(or_(table.c.left_entity == entity, table.c.right_entity == entity))
    if method:
        wanted.append(table.c.method == method)
    return wanted


def _entities(connection: Connection, record_ids: Sequence[int]) -> dict[int, str]:
    record, stream = schema.record, schema.stream
    query = (
        select(record.c.id, stream.c.entity)
        .join(stream, stream.c.id == record.c.stream_id)
        .where(record.c.id.in_([*record_ids]))
    )
    return {row.id: row.entity for row in connection.execute(query)}
