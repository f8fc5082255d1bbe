"""What is left of a customer's items and of what his payers paid, for rules that look at sets of items."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from reconciliation.cash.tables import settle
from reconciliation.session import Session

AHEAD = 5
"""Days that a payment may come before the day of a document that it pays."""


class Item(NamedTuple):
    """An open item; ``rest`` in minor units, negative for a credit note."""

    item_id: int
    rest: int
    issued_on: date | None
    due_on: date | None
    discount: int
    """The early-payment discount on the rest, minor units."""
    discount_until: date | None
    """With the days of grace."""
    number: str | None

    def ends_with(self, digits: str) -> bool:
        """Whether its number ends with some digits, whatever stands between them."""
        return not digits or "".join(filter(str.isalnum, self.number or "")).endswith(digits)

    def deduction(self, receipt: Receipt) -> int:
        """The discount that its payer may take off on the receipt's day, minor units."""
        if self.rest <= 0 or self.discount_until is None or receipt.received_on is None:
            return 0
        return self.discount if receipt.received_on <= self.discount_until else 0


class Receipt(NamedTuple):
    """What is left of a receipt."""

    receipt_id: int
    party: str
    currency: str
    rest: int
    received_on: date | None


def is_billed(item: Item, receipt: Receipt) -> bool:
    """Whether an item was there when a receipt came in, or nearly so."""
    day = receipt.received_on
    return day is None or item.issued_on is None or (item.issued_on - day).days <= AHEAD


@dataclass
class Group:
    """The receipts of one payer in one currency and the items of those whom he pays for; oldest first."""

    receipts: list[Receipt]
    items: list[Item]
    taken: set[int]
    """Items that a receipt took in this rule."""
    forbidden: set[tuple[int, int]]
    """Receipts and items that people have cut."""

    def eligible(self, receipt: Receipt) -> list[Item]:
        """The items that were there when the receipt came in and are not taken."""
        return [
            item
            for item in self.items
            if item.item_id not in self.taken
            and (receipt.receipt_id, item.item_id) not in self.forbidden
            and is_billed(item, receipt)
        ]


def load(session: Session, receipts: str) -> Iterator[Group]:
    """The groups of the receipts that a query gives (receipt_id, party, currency, rest, received_on)."""
    asked = [
        Receipt(*row)
        for row in session.rows(
            f"SELECT receipt_id, party, currency, rest, received_on FROM ({receipts}) "
            "ORDER BY party, currency, received_on NULLS LAST, receipt_id"
        )
    ]
    if not asked:
        return
    session.run(f"CREATE OR REPLACE TEMP TABLE asking AS SELECT DISTINCT party, currency FROM ({receipts})")
    items: dict[tuple[str, str], list[Item]] = {}
    for party, currency, *rest in session.rows(
        """
        SELECT a.party, a.currency, x.item_id, i.rest, x.issued_on, x.due_on,
            round(i.rest * x.discount_rate)::BIGINT,
            x.discount_until + getvariable('grace_days')::INTEGER, x.number
        FROM asking a JOIN payer p ON p.payer = a.party JOIN item x ON x.party = p.customer AND x.currency = a.currency
        JOIN rest_item i ON i.item_id = x.item_id
        ORDER BY a.party, a.currency, coalesce(x.due_on, x.issued_on), x.issued_on, x.number, i.rest, x.item_id
        """
    ):
        items.setdefault((party, currency), []).append(Item(*rest))
    taken: set[int] = set()
    forbidden = {(row[0], row[1]) for row in session.rows("SELECT receipt_id, item_id FROM forbidden")}
    start = 0
    for place, receipt in enumerate(asked):
        following = asked[place + 1] if place + 1 < len(asked) else None
        if following is None or (following.party, following.currency) != (receipt.party, receipt.currency):
            yield Group(asked[start : place + 1], items.get((receipt.party, receipt.currency), []), taken, forbidden)
            start = place + 1


@dataclass
class Proposals:
    """What a rule found for receipts; ``sure`` is settled, ``possible`` suggested."""

    sure: list[tuple[Any, ...]] = field(default_factory=list)
    possible: list[tuple[Any, ...]] = field(default_factory=list)
    sure_differences: list[tuple[Any, ...]] = field(default_factory=list)
    possible_differences: list[tuple[Any, ...]] = field(default_factory=list)

    def add(
        self,
        receipt: Receipt,
        items: list[Item],
        score: int,
        evidence: dict[str, Any],
        *,
        sure: bool,
        option: int = 1,
        differences: Sequence[tuple[int | None, str, int]] = (),
    ) -> None:
        """One set of items that the receipt settles whole; ``differences``: item, kind, amount."""
        rows = self.sure if sure else self.possible
        said = json.dumps(evidence, ensure_ascii=False, separators=(",", ":"))
        rows += [(receipt.receipt_id, option, item.item_id, item.rest, item.rest, score, said) for item in items]
        kept = self.sure_differences if sure else self.possible_differences
        kept += [(receipt.receipt_id, option, *difference) for difference in differences if difference[-1]]

    def settle(self, session: Session, rule: str, decision: str) -> int:
        """Settle what is sure by the rule's decision, suggest the rest; how many receipts were settled."""
        _put(session, self.sure, self.sure_differences)
        touched = settle(session, rule, decision)
        _put(session, self.possible, self.possible_differences)
        settle(session, rule, "suggest")
        return touched


def _put(session: Session, rows: list[tuple[Any, ...]], differences: list[tuple[Any, ...]]) -> None:
    import pyarrow as pa

    for table, columns, values in (
        ("proposal", "receipt_id option item_id applied spent score evidence", rows),
        ("proposed_difference", "receipt_id option item_id kind amount", differences),
    ):
        if values:
            names = columns.split()
            data = pa.table(dict(zip(names, zip(*values, strict=True), strict=True)))
            casts = ", ".join(
                f"{name}::{'VARCHAR' if name in ('evidence', 'kind') else 'BIGINT'} AS {name}" for name in names
            )
            session.take(table, data, f"SELECT {casts} FROM incoming")
