"""Does a statement come out: opening balance plus entries is closing balance, all in one currency."""

from __future__ import annotations

from connectors.bank.statement import Statement


def flaw(statement: Statement, *, required: bool) -> str | None:
    """Why the statement cannot be believed, as a sentence; ``None`` if it can.

    ``required``: one whose format has balances must have both.
    """
    name = statement.label[:1].upper() + statement.label[1:]
    if statement.flaws:
        return f"{name} {statement.flaws[0]}."
    foreign = sorted({item.currency for item in statement.transactions} - {statement.currency})
    if foreign:
        return f"{name} is in {statement.currency} but holds entries in {', '.join(foreign)}."
    if statement.opening is None or statement.closing is None:
        if required and statement.has_opening:
            missing = "opening" if statement.opening is None else "closing"
            return f"{name} has no {missing} balance, so it cannot be checked."
        return None
    reached = statement.opening + statement.total
    if reached != statement.closing:
        return (
            f"{name} does not foot: {statement.opening:f} {statement.currency} at its opening and entries of "
            f"{statement.total:f} make {reached:f}, but it closes with {statement.closing:f} "
            f"(difference {statement.closing - reached:f})."
        )
    return None
