"""Receipts as they stand: what the last run made of each, and over it what people have decided since.

A decision takes effect with the next reconciliation. Until then what it leaves of a receipt would be nowhere: not with
what waits, since somebody has decided, nor with what the run left, since that knows nothing of it yet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.engine import Connection

from state import activity, cash, figures, named
from state.cash import Decision
from state.schema import cash_decision as table

Figure = dict[str, Any]

OUTDATED = "decision_outdated"
"""The class of a receipt whose decision the last run could not take up."""
REST = "left_by_decision", "decide_rest"
"""Class and next step of what people left of a receipt, and for which nothing is suggested."""
_CHOOSE = "to_decide", "choose"
_KEPT = ("money_out", "taken_by_decision")
"""Classes that hold for what is left of a receipt as for the whole."""
_AT_ONCE = 200
_LATELY = 500
"""Receipts decided since the last run of which something may be left that the run did not leave; the last ones."""


def stage(said: Sequence[Decision], figure: Mapping[str, Any], began: int) -> str:
    """What the last run made of a receipt's ``pinned`` decisions: ``counts``, ``outdated``, or ``waits`` for the next.

    ``began``: when that run began, in microseconds.
    """
    wanted = {(item.item_id, item.applied) for item in said if not item.settles_nothing}
    held = {(entry["item"], entry["applied"]) for entry in figure["applied"] if entry["decision"] == "pinned"}
    beside = Counter((kind, amount) for item in said for _, kind, amount in item.differences if amount)
    known = Counter((entry["kind"], entry["amount"]) for entry in figure["differences"])
    of_rules = any(entry["decision"] != "pinned" for entry in figure["applied"])
    if held == wanted and (beside <= known if of_rules else beside == known):
        return "counts"
    if figure["class"] == OUTDATED and max(item.decided_at for item in said) <= began:
        return "outdated"
    return "waits"


def used(said: Iterable[Decision]) -> int:
    """What decisions take of a receipt, in its minor units."""
    return sum(item.spent + sum(amount for _, _, amount in item.differences) for item in said)


def began(connection: Connection) -> int:
    """When the last reconciliation began, in microseconds: what was decided before, it has seen; 0 before the first."""
    return activity.last_reconciliation_began(connection) or 0


def some(connection: Connection, receipts: Collection[int]) -> dict[int, Figure]:
    """These receipts as they stand, of those that the last run saw; few, as a page shows them."""
    found = figures.some(connection, cash.KIND, {str(receipt) for receipt in receipts})
    return _over(connection, found, cash.of_receipts(connection, receipts))


def every(connection: Connection) -> dict[int, Figure]:
    """All receipts as they stand, of those that the last run saw."""
    return _over(connection, figures.standing(connection, cash.KIND), cash.decisions(connection))


def undecided(connection: Connection, unsettled: Collection[int], most: int) -> int:
    """How many receipts wait for somebody to say what is left of them, counted until there are ``most``.

    ``unsettled``: those of which the last run left something (``state.cash.unsettled``).
    """
    receipts, count = list(unsettled), 0
    for start in range(0, len(receipts), _AT_ONCE):
        part = receipts[start : start + _AT_ONCE]
        known = {*connection.execute(_pinned().where(table.c.receipt_id.in_(part))).scalars()}
        count += len(part) - len(known) + _with_a_rest(connection, known)
        if count >= most:
            return most
    lately = _pinned().where(table.c.decided_at > began(connection)).order_by(table.c.decided_at.desc())
    others = {*connection.execute(lately.limit(_LATELY)).scalars()} - {*unsettled}
    return min(count + _with_a_rest(connection, others), most)


def _pinned() -> Any:
    return select(table.c.receipt_id).where(table.c.decision == "pinned")


def _with_a_rest(connection: Connection, receipts: Collection[int]) -> int:
    return sum(bool(figure["left"]) for figure in some(connection, receipts).values()) if receipts else 0


def _over(connection: Connection, found: Mapping[str, Figure], decisions: Iterable[Decision]) -> dict[int, Figure]:
    """The figures, with the decisions that wait for the next run laid over them."""
    pinned: dict[int, list[Decision]] = {}
    for item in decisions:
        if item.decision == "pinned" and str(item.receipt_id) in found:
            pinned.setdefault(item.receipt_id, []).append(item)
    since = began(connection) if pinned else 0
    new = {key: said for key, said in pinned.items() if stage(said, found[str(key)], since) == "waits"}
    items = {item.item_id for said in new.values() for item in said if not item.settles_nothing}
    records, currencies = named.records(connection, items), _currencies(connection, items)
    standing = {int(key): figure for key, figure in found.items()}
    return standing | {key: _decided(standing[key], said, records, currencies) for key, said in new.items()}


def _currencies(connection: Connection, items: Collection[int]) -> dict[int, str]:
    known: dict[int, str] = {}
    wanted = sorted(items)
    for start in range(0, len(wanted), _AT_ONCE):
        part = cash.currencies(connection, wanted[start : start + _AT_ONCE])
        known |= {item: currency or "" for item, currency in part.items()}
    return known


def _decided(
    figure: Figure, said: Sequence[Decision], records: Mapping[int, Figure], currencies: Mapping[int, str]
) -> Figure:
    """A receipt as a decision makes it that no run has taken up: what rules had matched gives way to it."""
    left = figure["amount"] - used(said)
    settled = {item.item_id for item in said}
    options = [option for option in figure["suggestions"] if _fits(option, left, settled)]
    kind, step = (None, None) if not left else _CHOOSE if options else REST
    if left and figure["class"] in _KEPT:
        kind, step = figure["class"], figure["next_step"]
    applied = [
        {
            "item": item.item_id,
            "applied": item.applied,
            "spent": item.spent,
            "rule": "person",
            "score": 1000,
            "currency": currencies.get(item.item_id, figure["currency"]),
            "decision": "pinned",
            "evidence": {"decided_by": item.decided_by},
            "record": records.get(item.item_id, {}),
        }
        for item in said
        if not item.settles_nothing
    ]
    beside = [{"item": of, "kind": kind_, "amount": amount} for item in said for of, kind_, amount in item.differences]
    return {
        **figure,
        "left": left,
        "class": kind,
        "next_step": step,
        "applied": applied,
        "differences": beside,
        "suggestions": options,
    }


def _fits(option: Figure, left: int, settled: Collection[int]) -> bool:
    """Whether a suggestion for the whole receipt is one for what is left of it, too."""
    taken = sum(entry["spent"] for entry in option["applied"]) + sum(one["amount"] for one in option["differences"])
    within = left != 0 and 0 <= taken * (1 if left > 0 else -1) <= abs(left)
    return within and not any(entry["item"] in settled for entry in option["applied"])
