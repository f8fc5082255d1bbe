"""What people decided about cash: which receipt settles which item, and which it does not.

``pinned``: the receipt settles so much of the item, whatever the rules find; ``cut``: it does not settle it. What only
says what the money is, and settles nothing, is ``pinned`` with the receipt as its own item and nothing applied.
Decisions hold in every run until they are undone. What the rules found is kept with the figures, see ``state.figures``.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.engine import Connection

from state import audit, bulk
from state.clock import now_us
from state.schema import CASH_UNDONE, canonical, figure
from state.schema import audit as audited
from state.schema import cash_decision as table

KIND = "cash"
"""The figures that hold what became of each receipt."""
_COLUMNS = ("receipt_id", "item_id", "decision", "applied", "spent", "differences", "decided_by", "decided_at")
_KEY = ("receipt_id", "item_id")
_AT_ONCE = 500
_NOTED = ("cash pinned", "cash cut")
"""What the audit calls these decisions."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision; ``applied`` in minor units of the item's currency, ``spent`` in those of the receipt's."""

    receipt_id: int
    item_id: int
    decision: str
    applied: int
    spent: int
    differences: list[tuple[int | None, str, int]]
    """Item (or none), kind, minor units of the receipt's currency."""
    decided_by: str
    decided_at: int

    @property
    def settles_nothing(self) -> bool:
        """Whether it only says what the money is; such a decision is kept under the receipt itself."""
        return self.item_id == self.receipt_id


@dataclass(frozen=True, slots=True)
class Undone:
    """What was decided about a receipt until somebody took it back."""

    decisions: list[Decision]
    why: str
    """Why it was decided so."""
    by: str
    at: int
    reason: str
    """Why it was taken back; empty if nobody said it."""


def decisions(connection: Connection, about: Collection[int] | None = None) -> list[Decision]:
    """All decisions that hold, by receipt and item; or those ``about`` these receipts and items."""
    return _decisions(connection, None if about is None else or_(*(table.c[key].in_(about) for key in _KEY)))


def of_receipts(connection: Connection, receipts: Collection[int]) -> list[Decision]:
    """The decisions that hold about these receipts, few, by receipt and item."""
    return _decisions(connection, table.c.receipt_id.in_(receipts))


def _decisions(connection: Connection, which: ColumnElement[bool] | None) -> list[Decision]:
    query = select(*(table.c[name] for name in _COLUMNS)).order_by(table.c.receipt_id, table.c.item_id)
    if which is not None:
        query = query.where(which)
    return [
        Decision(**{**row._mapping, "differences": [tuple(entry) for entry in json.loads(row.differences)]})
        for row in connection.execute(query)
    ]


def unsettled(connection: Connection) -> list[int]:
    """The receipts of which the last run left something; whatever was decided since."""
    newest = select(func.max(figure.c.id)).where(figure.c.kind == KIND).group_by(figure.c.key)
    left = and_(figure.c.value != "", not_(figure.c.value.contains('"left":0,"next_step":', autoescape=True)))
    return [int(key) for key in connection.execute(select(figure.c.key).where(figure.c.id.in_(newest), left)).scalars()]


def naming(connection: Connection, receipts: Sequence[int], text: str) -> set[int]:
    """Those of these receipts whose payer, bank text or reference has a text in it."""
    payments = canonical["payment"]
    columns = (payments.c[name] for name in ("payer_name", "reference_text", "external_ref"))
    said = or_(*(column.icontains(text, autoescape=True) for column in columns))
    found: set[int] = set()
    for start in range(0, len(receipts), _AT_ONCE):
        query = select(payments.c.record_id).where(payments.c.record_id.in_(receipts[start : start + _AT_ONCE]), said)
        found |= {*connection.execute(query).scalars()}
    return found


def reasons(connection: Connection, found: Sequence[Decision]) -> dict[int, str]:
    """Why these were decided so, by receipt, as the audit tells it; without those that gave no reason."""
    if not found:
        return {}
    decided = {item.receipt_id for item in found}
    rows = connection.execute(
        select(audited.c.detail)
        .where(audited.c.action.in_(_NOTED), audited.c.at >= min(item.decided_at for item in found))
        .order_by(audited.c.id)
    )
    told = [json.loads(detail) for detail in rows.scalars() if detail]
    newest = {int(detail["receipt"]): str(detail.get("reason") or "") for detail in told}
    return {receipt: reason for receipt, reason in newest.items() if reason and receipt in decided}


def pin(
    connection: Connection,
    receipt_id: int,
    rows: Sequence[tuple[int, int, int]],
    differences: Sequence[tuple[int | None, str, int]],
    actor: str,
    reason: str = "",
) -> None:
    """Decide what a receipt settles: item, applied and spent, and what explains the rest; without ``rows`` what it is.

    Takes the place of what was pinned of that receipt before; what was cut of these items is no longer. The audit keeps
    the reason.
    """
    ours = and_(table.c.receipt_id == receipt_id, table.c.decision == "pinned")
    connection.execute(table.delete().where(ours))
    now = now_us()
    made = [
        (receipt_id, item, "pinned", applied, spent, json.dumps(_of(differences, item, place)), actor, now)
        for place, (item, applied, spent) in enumerate(rows or [(receipt_id, 0, 0)])
    ]
    bulk.upsert(connection, table, _COLUMNS, made, _KEY)
    detail: dict[str, Any] = {"receipt": receipt_id, "items": [list(row) for row in rows]}
    if differences:
        detail["differences"] = [list(entry) for entry in differences]
    _note(connection, actor, "cash pinned", detail, reason)


def cut(connection: Connection, receipt_id: int, item_ids: Sequence[int], actor: str, reason: str) -> None:
    """Decide that a receipt does not settle these items. The audit keeps the reason."""
    now = now_us()
    rows = [(receipt_id, item, "cut", 0, 0, "[]", actor, now) for item in item_ids]
    bulk.upsert(connection, table, _COLUMNS, rows, _KEY)
    _note(connection, actor, "cash cut", {"receipt": receipt_id, "items": list(item_ids)}, reason)


def undo(connection: Connection, receipt_id: int, actor: str, reason: str = "") -> int:
    """Take back what was decided about a receipt; the number of its items that it was about.

    The audit keeps what was decided, and the reason.
    """
    gone = [item for item in decisions(connection, [receipt_id]) if item.receipt_id == receipt_id]
    if not gone:
        return 0
    last = max(gone, key=lambda item: item.decided_at)
    was = {"by": last.decided_by, "at": last.decided_at, "reason": reasons(connection, gone).get(receipt_id, "")}
    detail: dict[str, Any] = {"receipt": receipt_id, "was": was}
    detail["items"] = [_as_noted(item) for item in gone if not item.settles_nothing]
    differences = [list(entry) for item in gone for entry in item.differences]
    if differences:
        detail["differences"] = differences
    connection.execute(table.delete().where(table.c.receipt_id == receipt_id))
    _note(connection, actor, "cash undecided", detail, reason)
    return len(gone)


def undone(connection: Connection, most: int) -> list[Undone]:
    """The last decisions that were taken back, the last first, as the audit tells them; none whose row was erased."""
    query = select(audited.c.at, audited.c.actor, audited.c.detail).where(CASH_UNDONE)
    rows = connection.execute(query.order_by(audited.c.id.desc()).limit(most))
    return [_undone(row.at, row.actor, json.loads(row.detail)) for row in rows if row.detail]


def _undone(at: int, actor: str, detail: dict[str, Any]) -> Undone:
    receipt, was = int(detail["receipt"]), detail["was"]
    told = [tuple(entry) for entry in detail.get("differences", ())]
    found = []
    for place, noted in enumerate(detail["items"] or [[receipt, 0, 0]]):
        is_pinned = isinstance(noted, list)
        item, applied, spent = noted if is_pinned else (noted, 0, 0)
        beside = told if place == 0 else []  # of which item they are is of no use any more
        decision = "pinned" if is_pinned else "cut"
        found.append(Decision(receipt, item, decision, applied, spent, beside, was["by"], was["at"]))
    return Undone(found, was["reason"], actor, at, str(detail.get("reason") or ""))


def _as_noted(item: Decision) -> int | list[int]:
    """An item as the audit tells it: what is cut by its id, what is pinned with how much."""
    return item.item_id if item.decision == "cut" else [item.item_id, item.applied, item.spent]


def currencies(connection: Connection, record_ids: Sequence[int]) -> dict[int, str | None]:
    """The currencies of invoices and payments, by record id; of those that are there."""
    found: dict[int, str | None] = {}
    for entity in ("invoice", "payment"):
        rows = canonical[entity]
        query = select(rows.c.record_id, rows.c.currency).where(rows.c.record_id.in_([*record_ids]))
        found |= {row.record_id: row.currency for row in connection.execute(query)}
    return found


def _of(differences: Sequence[tuple[int | None, str, int]], item: int, place: int) -> list[list[Any]]:
    """The differences of an item; those of no item in particular go with the first."""
    return [list(entry) for entry in differences if entry[0] == item or (entry[0] is None and place == 0)]


def _note(connection: Connection, actor: str, action: str, detail: dict[str, Any], reason: str) -> None:
    audit.append(connection, actor, action, {**detail, "reason": reason} if reason else detail)
