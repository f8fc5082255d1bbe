"""Which receipts have open items for themselves: by what the last run matched, and by what people decided since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from state import cash, cash_standing, figures, named

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy.engine import Connection

    from state.cash import Decision


class Taken(NamedTuple):
    """How much of an item a receipt has for itself, in minor units of the item's currency."""

    receipt: int
    record: dict[str, Any]
    customer: str | None
    applied: int
    decided_by: str | None
    """Who decided it; ``None`` if a rule matched it."""


def taken(connection: Connection, receipt: int) -> dict[str, list[Taken]]:
    """By the record id of the item, what receipts other than this one have of it; decisions first.

    A decision that no run has taken up stands for all that its receipt settles, whatever the last run made of it.
    """
    found = figures.standing(connection, cash.KIND)
    pinned = [one for one in cash.decisions(connection) if one.decision == "pinned" and one.receipt_id != receipt]
    decided = _not_taken_up(connection, pinned, found)
    known = named.records(connection, {one.receipt_id for one in pinned})
    held: dict[str, list[Taken]] = {}
    for one in pinned:
        if one.settles_nothing:
            continue
        customer = found.get(str(one.receipt_id), {}).get("customer")
        entry = Taken(one.receipt_id, known.get(one.receipt_id, {}), customer, one.applied, one.decided_by)
        held.setdefault(str(one.item_id), []).append(entry)
    for key, figure in found.items():
        if key in decided or int(key) == receipt:
            continue
        for entry in figure["applied"]:
            if entry["decision"] != "pinned":  # else it was taken back since, and nobody has it any more
                matched = Taken(int(key), figure["record"], figure["customer"], entry["applied"], None)
                held.setdefault(str(entry["item"]), []).append(matched)
    return held


def _not_taken_up(connection: Connection, pinned: Sequence[Decision], found: Mapping[str, Any]) -> set[str]:
    """The receipts of which the last run does not know yet what people decided: what it matched gives way to that."""
    said: dict[str, list[Decision]] = {}
    for one in pinned:
        said.setdefault(str(one.receipt_id), []).append(one)
    began = cash_standing.began(connection) if said else 0
    stages = {key: cash_standing.stage(some, found[key], began) for key, some in said.items() if key in found}
    return {key for key in said if stages.get(key) != "counts"}


def free(open_amount: int, held: Sequence[Taken]) -> int:
    """What is left of an item for a receipt to settle."""
    left = open_amount - sum(one.applied for one in held)
    return left if left * open_amount > 0 else 0


def decided_elsewhere(
    rows: Sequence[tuple[int, int, int]], held: Mapping[str, Sequence[Taken]]
) -> tuple[int, Taken] | None:
    """The first item of which decisions leave less than is wanted, and the receipt that has it.

    ``rows`` are item, minor units wanted and open. Two decisions that take more than there is would both be void.
    """
    for item, wanted, open_amount in rows:
        decided = [one for one in held.get(str(item), ()) if one.decided_by is not None]
        if decided and abs(wanted) > abs(free(open_amount, decided)):
            return item, decided[0]
    return None
