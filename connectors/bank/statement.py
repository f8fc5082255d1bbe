"""A bank statement, whichever format it came in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import blake2b

import msgspec

_NO_REFERENCE = frozenset({"", "NONREF", "NOTPROVIDED", "NOT PROVIDED", "NOREF", "NONE", "N/A", "0"})
_LONGEST = 4000
_AMOUNT = re.compile(r"[+-]?\d{1,20}(?:[.,]\d{0,10})?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Party:
    """The other side of a transaction."""

    name: str | None = None
    account: str | None = None
    bank: str | None = None


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in another currency, or a charge; ``direction`` as seen from our account, where it is told."""

    amount: str | None
    currency: str | None
    direction: str | None = None


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction on the account, as it is kept: every field is always there, ``None`` where nothing is told.

    It does not say which statement it is from: two statements may both hold it.
    """

    account: str
    currency: str
    amount: str
    """Plain decimal text without a sign."""
    direction: str
    """``in`` or ``out``: what it does to the balance, for reversals too."""
    reversal: bool
    booked_on: str
    value_on: str | None
    reference: str | None
    """The bank's own."""
    end_to_end_id: str | None = None
    customer_reference: str | None = None
    """The payer's, the payee's, or the number of a cheque."""
    mandate_id: str | None = None
    other_references: dict[str, str] = field(default_factory=dict)
    counterparty: Party = Party()
    ultimate_counterparty: str | None = None
    remittance: str | None = None
    """All free text and references for the payee, as one text of at most 4000 characters."""
    remittance_lines: list[str] = field(default_factory=list)
    structured_references: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    """Numbers of invoices that the payer names in a field of their own."""
    has_remittance: bool = False
    code: str | None = None
    """What kind of transaction it is, in the bank's code."""
    charges: list[Money] = field(default_factory=list)
    instructed: Money | None = None
    """What the payer instructed, in the payer's currency."""
    exchange_rate: str | None = None
    return_reason: str | None = None
    note: str | None = None
    part_of_batch: bool = False

    @property
    def signed(self) -> Decimal:
        """What it adds to the balance."""
        return Decimal(self.amount) if self.direction == "in" else -Decimal(self.amount)


@dataclass(slots=True)
class Statement:
    """A statement: its account, its balances, its transactions."""

    account: str
    currency: str
    identification: str = ""
    number: int | None = None
    page: int | None = None
    opened_on: str = ""
    """The first day, or that of the opening balance."""
    closed_on: str = ""
    opening: Decimal | None = None
    """Balances have a sign: below zero the account is overdrawn."""
    closing: Decimal | None = None
    total: Decimal = Decimal(0)
    """What the booked entries come to, batches as one."""
    transactions: list[Transaction] = field(default_factory=list)
    flaws: list[str] = field(default_factory=list)
    """What of it could not be understood; one is enough to refuse it."""
    has_opening: bool = True
    """Whether statements of its format have an opening balance at all."""

    @property
    def label(self) -> str:
        """How people find it; with the end of the account's number only."""
        account = masked(self.account)
        if not self.number:
            return (
                f"the statement of {self.closed_on} of account {account}"
                if self.closed_on
                else f"the statement of account {account}"
            )
        number = f"{self.number}/{self.page}" if self.page else self.number
        return (
            f"statement {number} of {self.closed_on} of account {account}"
            if self.closed_on
            else f"statement {number} of account {account}"
        )

    @property
    def identity(self) -> str:
        """The same for every delivery of it."""
        if self.number:
            return f"{self.closed_on}/{self.number}/{self.page or 1}"
        if self.identification:
            return f"id {digest(self.identification)}"
        return f"{self.opened_on}/{self.closed_on}/{self.opening}/{self.closing}"


def masked(account: str) -> str:
    """An account's number, all but its end."""
    return f"…{account[-4:]}"


def digest(*parts: str) -> str:
    """A short text that is equal for equal parts."""
    return blake2b("\x1f".join(parts).encode(), digest_size=10).hexdigest()


def told(text: str | None) -> str | None:
    """A reference, or ``None`` if it is one of the words that stand for none."""
    plain = " ".join((text or "").split())
    return None if plain.upper() in _NO_REFERENCE else plain


def joined(texts: Iterable[str]) -> str | None:
    """Texts as one that rules can search; what is beyond any honest length is left to ``remittance_lines``."""
    return " ".join(texts)[:_LONGEST] or None


def decimal(text: str) -> Decimal:
    """An amount with a point or a comma before its decimals. Raises ``ValueError``."""
    if not _AMOUNT.fullmatch(text.strip()):
        raise ValueError("is no amount")
    try:
        return Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        raise ValueError("is no amount") from None


def plain(amount: Decimal) -> str:
    """An amount without its sign, in plain notation."""
    return f"{abs(amount):f}"


def as_json(transaction: Transaction) -> bytes:
    """What is kept of it."""
    return msgspec.json.encode(transaction)
