"""What a generated year consists of while it is made: payers, items, receipts."""

from __future__ import annotations

from dataclasses import dataclass, field

IDENTIFYING = frozenset({"numbers", "tail", "purchase_order", "order", "delivery", "instruction"})
"""Habits of text that tell which item is meant; ``period`` tells its month, the others nothing."""


@dataclass(slots=True)
class Reference:
    """An order or a delivery, which several items may share; its number is given when all of a year are made."""

    day: int
    number: str = ""


@dataclass(slots=True)
class Item:
    """An open item; amounts in minor units, days as ordinals of ``date``. Its number is given when all are made."""

    kind: str
    party: str
    currency: str
    amount: int
    open: int
    issued: int
    due: int
    order: Reference | None = None
    purchase_order: str = ""
    delivery: Reference | None = None
    discount: int = 0
    """Early-payment discount in hundredths of a per cent; 0 for none."""
    until: int = 0
    number: str = ""
    item_id: int = 0
    rows: int = 0
    """How many rows of truth are about it."""
    settled: int = 0
    last: int = 0
    """The day of the last row."""

    @property
    def remaining(self) -> int:
        """What is still to settle after the rows of truth so far."""
        return self.open - self.settled


@dataclass(slots=True)
class Difference:
    """Money that is missing (negative) or more than was owed, in the receipt's currency."""

    item: Item | None
    kind: str
    amount: int
    by_terms: bool = False
    """Taken by the terms of the invoice, in time or late."""


@dataclass(slots=True)
class Row:
    """A row of truth: what of a receipt settles an item, in the item's currency."""

    item: Item
    applied: int
    alternatives: int = 0
    """Group of items of which any is as right; 0 where only this one is."""


@dataclass(slots=True)
class Receipt:
    """A receipt with its truth. ``gross`` is what the payer gave; the fee is kept by bank or processor."""

    source: str
    party: str | None
    name: str
    account: str
    currency: str
    gross: int
    day: int
    habit: str
    kind: str = "settles"
    segment: str = ""
    rows: list[Row] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    fee: int = 0
    netted: bool = True
    rest: int = 0
    """What of it settles nothing."""
    payer: Payer | None = None
    named: list[Item] | None = None
    """What the text names where that is not what is settled."""
    extra: str = ""
    """What the text says besides."""
    first: Receipt | None = None
    """The receipt that this one repeats."""
    offset: Receipt | None = None
    """The receipt that this one sends back; booking both on the items named comes to the same as booking neither."""
    text: str = ""
    receipt_id: int = 0

    @property
    def amount(self) -> int:
        """What arrived."""
        return self.gross - self.fee if self.netted else self.gross

    def settle(self, item: Item, applied: int) -> None:
        """Add a row of truth, and the money for it."""
        self.rows.append(Row(item, applied))
        self.gross += applied
        item.rows += 1
        item.settled += applied
        item.last = max(item.last, self.day)

    def differ(self, item: Item | None, kind: str, amount: int, by_terms: bool = False) -> None:
        """Add a difference, and its money."""
        self.differences.append(Difference(item, kind, amount, by_terms))
        self.gross += amount


@dataclass(slots=True)
class Payer:
    """Who pays: one customer for itself, or somebody for one or several customers."""

    parties: list[str]
    """Whom it pays for."""
    party: str
    known: bool
    name: str
    account: str
    habit: str
    customer_number: str
    market: str
    why: str = ""
    """Why it pays for others: parent, factor, personal_account; empty where it pays for itself."""
