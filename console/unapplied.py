"""Money that waits at the matching desk: what a text finds of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from console import cash as shown
from reconciliation import money
from state import cash

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy.engine import Connection

Figure = dict[str, Any]


def containing(connection: Connection, waiting: Sequence[tuple[int, Figure]], text: str) -> list[tuple[int, Figure]]:
    """Those of these receipts that have a text in number, customer, payer or bank text; or an amount in what is left.

    Amounts are found as people write them: ``10,800`` is 10800.00, of what came in and of what is left.
    """
    word = text.casefold()
    named = cash.naming(connection, [id for id, _ in waiting], text)
    amount = word.replace(",", "").replace("，", "")
    return [
        (id, figure) for id, figure in waiting if id in named or word in _said(figure) or amount in _amounts(figure)
    ]


def _said(figure: Figure) -> str:
    names = (shown.called(figure["record"]), figure["record"].get("source_id"), figure["customer"])
    return "\n".join(str(name) for name in (*names, figure["customer_number"]) if name).casefold()


def _amounts(figure: Figure) -> set[str]:
    """What came in and what is left, with and without decimals that say nothing."""
    found = set()
    for name in ("amount", "left"):
        text = (money.text(figure[name], figure["currency"]) or "").lstrip("-")
        whole, _, decimals = text.partition(".")
        found |= {text} if decimals.strip("0") else {text, whole}
    return found
