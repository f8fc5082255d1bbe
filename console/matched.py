"""Receipts that rules have matched by themselves: which a text finds, and undoing what was matched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import cash as shown
from state import cash, cash_matched, chains, lookup

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

Figure = dict[str, Any]
_NAMED = 100
"""Records that a text names, at most."""
_SIFTED = 500
"""Receipts that a text finds, at most."""


def found(connection: Connection, text: str) -> list[int]:
    """The receipts that rules have matched, received last first; with a text those that it is in, as people see them.

    Of many only ``cash_matched.LOOKED_AT`` are looked at, and what is called just so; a text finds at most 500.
    """
    text = text.strip()
    if not text:
        return cash_matched.keys(connection)
    named = [item.record_id for item in lookup.named(connection, text)[:_NAMED] if item.entity == "payment"]
    keys = cash_matched.keys(connection, text, named)[:_SIFTED]
    figures, sources = cash_matched.figures(connection, keys), chains.rows(connection, keys)
    word = text.casefold()
    return [key for key in keys if key in named or word in _said(figures[key], sources.get(key, {}))]


def by_rule(figure: Figure) -> list[Figure]:
    """What of a receipt's items a rule has matched by itself."""
    return [entry for entry in figure["applied"] if entry["decision"] == "auto"]


def undo(connection: Connection, receipt: int, actor: str, reason: str) -> int:
    """Decide that a receipt does not settle what rules have matched it with; how many items that is.

    None where a rule has matched nothing, or somebody has decided about the receipt since.
    """
    figure = cash_matched.figures(connection, [receipt]).get(receipt)
    if figure is None or any(item.receipt_id == receipt for item in cash.decisions(connection, [receipt])):
        return 0
    items = [int(entry["item"]) for entry in by_rule(figure)]
    cash.cut(connection, receipt, items, actor, reason)
    return len(items)


def _said(figure: Figure, source: Figure) -> str:
    """What people read of a receipt, to look for a text in it."""
    items = [shown.called(entry["record"]) for entry in figure["applied"]]
    names: Sequence[Any] = [shown.called(figure["record"], source), figure["customer"], figure["customer_number"]]
    texts = [source.get(name) for name in ("payer_name", "reference_text", "external_ref")]
    return "\n".join(str(text) for text in (*names, *texts, *items) if text).casefold()
