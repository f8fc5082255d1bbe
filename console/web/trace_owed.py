"""What the figures say is open of the invoices of a trace, beside what their system says, and what is matched here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from console.report import figures as shown
from console.web import outstanding
from reconciliation import money
from state import chains, figures

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

    from console.web.desk import Visit
    from reconciliation.trace import Chain, ChainRecord
    from state.figures import Value

_OWED = "receivable"
"""The kind of the figures of open documents, by their record ids."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """Money that is matched with an invoice here and not booked yet; ``amount`` in words, of the invoice."""

    called: str
    system: str
    day: str
    amount: str


@dataclass(frozen=True, slots=True)
class Owed:
    """What is open of an invoice: ``ours`` where its system says something else (``theirs``), else empty."""

    ours: str
    theirs: str
    receipts: tuple[Receipt, ...]
    finding: tuple[str, str] | None
    """One that stands about an invoice of which the two differ, the gravest: its id and title."""


def of_invoices(visit: Visit, connection: Connection, found: Sequence[Chain], most: int) -> dict[int, Owed]:
    """By record id, of the invoices of which there is something to say; of ``most`` invoices at the most."""
    invoices = [record for chain in found for record in chain.records if record.entity == "invoice"][:most]
    if not invoices:
        return {}
    owed = figures.some(connection, _OWED, [str(record.record_id) for record in invoices])
    ids = {int(key) for item in owed.values() for key, _ in item.get("matched", ())}
    rows = chains.rows(connection, sorted(ids)[:most]) if ids else {}
    told = {}
    for record in invoices:
        figure = owed.get(str(record.record_id))
        one = None if figure is None else _of(record, figure, rows)
        if one is not None:
            told[record.record_id] = one
    why = outstanding.about(visit, connection, [key for key, one in told.items() if one.ours], "title")
    return {key: replace(one, finding=next(iter(why.get(key, ())), None)) for key, one in told.items()}


def _of(record: ChainRecord, figure: Value, rows: Mapping[int, dict[str, Any]]) -> Owed | None:
    currency = figure["currency"]
    ours, theirs = money.text(abs(figure["amount"]), currency) or "0", record.amounts.get("open_amount")
    differs = theirs is not None and Decimal(theirs) != Decimal(ours)
    receipts = tuple(
        Receipt(
            str(row.get("number") or row["source_id"]),
            row["system"],
            row.get("received_on") or "",
            f"{currency} {shown.money(money.text(amount, currency), currency)}",
        )
        for key, amount in figure.get("matched", ())
        if (row := rows.get(int(key)))
    )
    if not differs and not receipts:
        return None
    return Owed(
        f"{currency} {shown.money(ours, currency)}" if differs else "",
        f"{currency} {shown.money(theirs, currency)}" if differs else "",
        receipts,
        None,
    )
