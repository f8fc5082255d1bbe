"""What is remembered of the statements of each account from file to file, and what is concluded from it.

Two things need more than one statement. **Gaps:** a statement that opens with a balance that no statement before it
closed with. **Equal transactions:** without a reference of the bank's, two equal transactions on one day are told
apart by counting them. Statements that overlap count from the same beginning, so what both hold is one; statements
that follow one another go on counting, so what looks alike in them is two.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from connectors.bank.statement import Statement, Transaction, digest, masked

_MOST_STATEMENTS = 120
_SHORT = 12
_DAYS = 10
"""Only statements as near as this can share a day."""


@dataclass(slots=True)
class Past:
    """A statement that was read."""

    identity: str
    number: int | None
    opened_on: str
    closed_on: str
    opening: str | None
    closing: str | None
    counts: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Short key of transactions without a reference of the bank's → where counting them began, how many there are."""

    def follows(self, other: Past) -> bool:
        """Whether its opening balance is the closing balance of the other."""
        return self.opening is not None and self.opening == other.closing and other.closed_on <= self.closed_on

    def overlaps(self, other: Past) -> bool:
        """Whether each begins before the other ends."""
        return self.opened_on < other.closed_on and other.opened_on < self.closed_on

    def is_apart_from(self, other: Past) -> bool:
        """Whether the two cannot hold one and the same transaction."""
        if self.identity == other.identity:
            return False
        numbered = self.number is not None and other.number is not None
        if numbered and self.number == other.number and self.closed_on == other.closed_on:
            return True  # pages
        if self.overlaps(other):
            return False
        if numbered and self.number != other.number:
            return True
        same = (self.opening, self.closing) == (other.opening, other.closing)
        return not same and (self.follows(other) or other.follows(self))


@dataclass(slots=True)
class Memory:
    """All accounts; ``as_json`` is kept in the cursor."""

    accounts: dict[str, list[Past]] = field(default_factory=dict)
    gaps: dict[str, list[str]] = field(default_factory=dict)
    """Account → ids of the gaps that were reported."""

    @classmethod
    def of(cls, kept: Any) -> Memory:
        """From what ``as_json`` made."""
        kept = kept or {}
        return cls(
            {account: [_past(values) for values in items] for account, items in kept.get("accounts", {}).items()},
            {account: list(ids) for account, ids in kept.get("gaps", {}).items()},
        )

    def as_json(self) -> Any:
        """What goes into the cursor; account numbers are not in it."""
        return {
            "accounts": {
                account: [
                    [
                        past.identity,
                        past.number,
                        past.opened_on,
                        past.closed_on,
                        past.opening,
                        past.closing,
                        {key: list(count) for key, count in past.counts.items()},
                    ]
                    for past in items
                ]
                for account, items in self.accounts.items()
            },
            "gaps": self.gaps,
        }

    def add(self, statement: Statement) -> list[str]:
        """Remember a statement; the ids of its transactions, in their order."""
        account = account_key(statement)
        items = self.accounts.setdefault(account, [])
        past = Past(
            statement.identity,
            statement.number,
            statement.opened_on,
            statement.closed_on,
            _text(statement.opening),
            _text(statement.closing),
        )
        known = next((item for item in items if item.identity == past.identity), None)
        begun = {key: at for key, (at, _) in known.counts.items()} if known is not None else {}
        others = [item for item in items if item is not known]
        apart = [item for item in others if past.is_apart_from(item)]
        shared = [item for item in others if past.overlaps(item)]
        numbers: Counter[str] = Counter()
        ids = []
        for transaction in statement.transactions:
            key = key_of(transaction)
            at = 0
            if transaction.reference is None:
                short = key[:_SHORT]
                if short not in begun:
                    begun[short] = _beginning(short, shared, apart)
                at = begun[short]
            numbers[key] += 1
            number = at + numbers[key]
            ids.append(f"{transaction.booked_on}-{key}{f'-{number}' if number > 1 else ''}")
        counted = {key[:_SHORT]: number for key, number in numbers.items()}
        past.counts = {short: (at, counted[short]) for short, at in begun.items() if short in counted}
        if known is not None:
            items.remove(known)
        items.append(past)
        self._shorten(account)
        return ids

    def _shorten(self, account: str) -> None:
        items = sorted(self.accounts[account], key=_order)[-_MOST_STATEMENTS:]
        latest = max((item.closed_on for item in items), default="")
        try:
            earliest = (date.fromisoformat(latest) - timedelta(days=_DAYS)).isoformat()
        except ValueError:
            earliest = ""
        for item in items:
            if item.closed_on < earliest:
                item.counts = {}
        self.accounts[account] = items

    def missing_before(self, statement: Statement) -> list[tuple[str, str]]:
        """Id and sentence of each gap in the statements of this account, as things stand."""
        return gaps(self.accounts.get(account_key(statement), []), statement.currency, statement.account)


def _beginning(key: str, shared: Iterable[Past], apart: Iterable[Past]) -> int:
    """How many come before those of a statement: as an overlapping one counted, else all of those apart from it."""
    begun = [item.counts[key][0] for item in shared if key in item.counts]
    return min(begun) if begun else max((sum(item.counts[key]) for item in apart if key in item.counts), default=0)


def _past(values: list[Any]) -> Past:
    identity, number, opened_on, closed_on, opening, closing, counts = values
    kept = {key: (at, count) for key, (at, count) in counts.items()}
    return Past(identity, number, opened_on, closed_on, opening, closing, kept)


def account_key(statement: Statement) -> str:
    """What stands for an account, so that its number need not."""
    return digest(statement.account.upper(), statement.currency)


def gaps(items: Iterable[Past], currency: str, account: str) -> list[tuple[str, str]]:
    """Id and sentence of each place where a statement opens with a balance that none before it closed with.

    A statement that begins before an earlier one ends overlaps it, and nothing is missing between them.
    """
    found = []
    ordered = sorted((item for item in items if item.opening is not None), key=_order)
    for place, past in enumerate(ordered[1:], 1):
        before = ordered[place - 1]
        if any(past.follows(other) for other in ordered if other is not past) or past.opened_on < before.closed_on:
            continue
        missing = ""
        if past.number is not None and before.number is not None and past.number > before.number + 1:
            missing = f" ({', '.join(map(str, range(before.number + 1, min(past.number, before.number + 6))))})"
        reason = (
            f"The statement {_name(past)} of account {masked(account)} opens with {past.opening} {currency}, but the "
            f"one before it, {_name(before)}, closed with {before.closing}: statements between them{missing} are "
            "missing."
        )
        found.append((f"gap before {past.identity} of {digest(account.upper(), currency)}", reason))
    return found


def _name(past: Past) -> str:
    return f"{past.number} ({past.closed_on})" if past.number is not None else past.closed_on


def _order(past: Past) -> tuple[str, str, int]:
    return past.closed_on, past.opened_on, past.number or 0


def key_of(transaction: Transaction) -> str:
    """Equal for what is one transaction, as far as a statement tells."""
    reference = transaction.reference or transaction.end_to_end_id or transaction.customer_reference or ""
    return digest(
        transaction.account.upper(),
        transaction.currency,
        f"{transaction.signed.normalize():f}",
        transaction.booked_on,
        reference,
    )


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else f"{amount.normalize():f}"
