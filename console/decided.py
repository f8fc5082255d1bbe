"""Receipts about which somebody decided: what, who, when and why, and whether a run has taken it up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import cash as shown
from reconciliation import money
from state import cash, cash_standing, chains, figures, named

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from sqlalchemy.engine import Connection

    from state.cash import Decision, Undone

Figure = dict[str, Any]

UNDONE = 50
"""So many decisions that were taken back stay in the list, the last ones; the audit has all."""


def newest(connection: Connection, about: Collection[int] | None = None) -> list[list[Decision]]:
    """What is decided, a list for each receipt, the last decision first.

    With ``about`` everything that is decided of these receipts, and of receipts that settle one of these items.
    """
    by_receipt: dict[int, list[Decision]] = {}
    found = cash.decisions(connection, about)
    if about is not None and found:  # one item of several is half a decision: what became of it shows only as a whole
        receipts = {item.receipt_id for item in found}
        found = [item for item in cash.decisions(connection, receipts) if item.receipt_id in receipts]
    for item in found:
        by_receipt.setdefault(item.receipt_id, []).append(item)
    return sorted(by_receipt.values(), key=lambda items: -max(item.decided_at for item in items))


def of_receipt(connection: Connection, receipt: int) -> Figure | None:
    """What is decided about one receipt; ``None`` if nothing is."""
    found = [item for item in cash.decisions(connection, [receipt]) if item.receipt_id == receipt]
    return told(connection, [found])[0] if found else None


def listing(connection: Connection, skip: int, most: int) -> tuple[list[Figure], int, int]:
    """What is decided and the last of what was taken back, as ``told``, the last first; how many stand, and were not.

    What was taken back has its time there.
    """
    standing, undone = newest(connection), cash.undone(connection, UNDONE)
    both: list[tuple[int, list[Decision], Undone | None]] = [
        *((max(item.decided_at for item in items), items, None) for items in standing),
        *((item.at, item.decisions, item) for item in undone),
    ]
    both.sort(key=lambda entry: -entry[0])
    shown_here = [(items, gone) for _, items, gone in both[skip : skip + most]]
    return _told(connection, shown_here), len(standing), len(undone)


def told(connection: Connection, groups: Sequence[list[Decision]]) -> list[Figure]:
    """Receipts with what is decided about them: ``receipt``, ``called``, ``system``, ``received_on``, ``customer``,

    ``payer`` (as the bank calls him), ``amount``, ``entries`` (called, amount, decision), ``differences`` (kind and
    amount), ``left`` (amount, or ``None`` where nothing is), ``who``, ``at`` (microseconds), ``reason``, ``state``
    (``waits`` for the next run, ``counts``, ``outdated``, ``undone``) and ``undone``: who took it back, when and why,
    or ``None``.
    """
    return _told(connection, [(items, None) for items in groups])


def _told(connection: Connection, groups: Sequence[tuple[list[Decision], Undone | None]]) -> list[Figure]:
    if not groups:
        return []
    every = [item for items, _ in groups for item in items]
    receipts = {items[0].receipt_id for items, _ in groups}
    known = named.records(connection, receipts | {item.item_id for item in every})
    standing = figures.some(connection, cash.KIND, {str(receipt) for receipt in receipts})
    sources = chains.rows(connection, sorted(receipts))
    currencies = cash.currencies(connection, sorted({item.item_id for item in every} | receipts))
    reasons = cash.reasons(connection, [item for items, gone in groups if gone is None for item in items])
    began = cash_standing.began(connection)
    found = []
    for items, gone in groups:
        receipt = items[0].receipt_id
        record, figure, source = known.get(receipt, {}), standing.get(str(receipt)), sources.get(receipt, {})
        last = max(items, key=lambda item: item.decided_at)
        amount = figure["amount"] if figure else source.get("amount")
        currency = str(currencies.get(receipt) or "")
        state = "undone" if gone else _state(items, figure, began)
        found.append(
            {
                "receipt": receipt,
                "called": shown.called(record, source),
                "system": record.get("system") or "",
                "received_on": figure["received_on"] if figure else source.get("received_on"),
                "customer": figure["customer"] if figure else None,
                "payer": source.get("payer_name") or "",
                "amount": None if amount is None else money.text(amount, currency),
                "currency": currency,
                "entries": [_item(item, known, currencies) for item in items if not item.settles_nothing],
                "differences": list(_differences(items, currency)),
                "who": last.decided_by,
                "at": last.decided_at,
                "reason": gone.why if gone else reasons.get(receipt, ""),
                "state": state,
                "left": None if gone else _left(items, figure, state, currency),
                "undone": {"who": gone.by, "at": gone.at, "reason": gone.reason} if gone else None,
            }
        )
    return found


def _item(item: Decision, known: dict[int, Figure], currencies: dict[int, str | None]) -> Figure:
    currency = str(currencies.get(item.item_id) or "")
    amount = money.text(item.applied, currency) if item.decision == "pinned" else None
    called = shown.called(known.get(item.item_id, {}))
    return {"called": called, "amount": amount, "currency": currency, "decision": item.decision}


def _differences(items: Sequence[Decision], currency: str) -> Iterator[Figure]:
    """What was kept beside the items, by kind; in the receipt's currency."""
    sums: dict[str, int] = {}
    for _, kind, amount in (entry for item in items for entry in item.differences):
        sums[kind] = sums.get(kind, 0) + amount
    for kind, amount in sums.items():
        yield {"kind": kind, "amount": money.text(amount, currency), "currency": currency}


def _state(items: Sequence[Decision], figure: Figure | None, began: int) -> str:
    """What the last run made of what is pinned; what is only cut leaves nothing to see."""
    pinned = [item for item in items if item.decision == "pinned"]
    if figure is None or not pinned:
        return "counts"
    return cash_standing.stage(pinned, figure, began)


def _left(items: Sequence[Decision], figure: Figure | None, state: str, currency: str) -> str | None:
    """What is left of a receipt by a decision that holds; ``None`` where nothing is, or no run knows the receipt."""
    pinned = [item for item in items if item.decision == "pinned"]
    if figure is None or not pinned or state == "outdated":
        return None
    left = figure["left"] if state == "counts" else figure["amount"] - cash_standing.used(pinned)
    return money.text(left, currency) if left else None
