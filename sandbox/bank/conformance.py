"""A folder of bank statements as the conformance kit plays on it: three accounts, each in a format of its own.

What is booked stays; so nothing is changed or deleted here. A statement holds a day's entries, a hundred at most.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any, ClassVar

from conformance.needs import Need
from conformance.offline import FolderWorld
from conformance.world import Stage, Wish, decoded, known_fields
from connectors.bank.memory import key_of
from connectors.bank.statement import Transaction
from sandbox.bank.statements import CURRENCY, FORMATS, Entry, Sheet

_PAGE = 100
_SETTLE_SECONDS = 25.0
"""Long enough for a slow machine, and still waited for within a pull."""
_ACCOUNTS = {"xml": "DE02120300000000202051", "sta": "CN6222020000001234", "ofx": "102/6222020000005678"}
_MOST_DECIMALS, _MOST_DIGITS = 5, 18
"""Of an amount in CAMT (``ActiveOrHistoricCurrencyAndAmount_SimpleType``)."""
TRANSACTION = Stage(
    "transaction",
    list="*",
    text="remittance",
    page=_PAGE,
    large=_PAGE,
    number="amount",
    can=frozenset({Need.PAGES, Need.TIMES, Need.EMPTY}),
)


class BankWorld(FolderWorld):
    """A bank that delivers statements of three accounts by turns."""

    connector: ClassVar[str] = "bank"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.empty()

    def empty(self) -> None:
        """Begin anew with three empty accounts."""
        super().empty()
        self._booked: dict[str, dict[str, Any]] = {}
        self._balances = dict.fromkeys(_ACCOUNTS, Decimal(0))
        self._statements = 0
        self._turn = cycle(_ACCOUNTS)

    def stages(self) -> Sequence[Stage]:
        """There is one stream."""
        return [TRANSACTION]

    def config(self, wish: Wish) -> dict[str, Any]:
        """The folder; there is nothing to be wished for."""
        return {"folder": str(self.folder), "settle_seconds": _SETTLE_SECONDS}

    def insert(
        self, stage: Stage, number: int = 1, *, at: datetime | None = None, values: Mapping[str, Any] | None = None
    ) -> list[str]:
        """Money comes in; special values come in CAMT, which has fields for them."""
        given = _checked(values or {})
        day = (at or self._now).astimezone(UTC).date()
        made: list[str] = []
        for first in range(0, number, _PAGE):
            entries = [self._entry(given) for _ in range(min(_PAGE, number - first))]
            made += self._delivered("xml" if given else next(self._turn), day, entries, at)
        return made

    def _entry(self, given: Mapping[str, Any]) -> Entry:
        self._made += 1
        usual = {"remittance": f"货款 {self._made}", "amount": Decimal(self._made)}
        told = {**usual, **given}
        return Entry(f"KIT{self._made:08d}", told["amount"], told["remittance"])

    def _delivered(self, ending: str, day: date, entries: Sequence[Entry], at: datetime | None) -> list[str]:
        self._statements += 1
        sheet = Sheet(_ACCOUNTS[ending], self._statements, day, self._balances[ending], entries)
        self._balances[ending] = sheet.closing
        self.write(self.folder / f"{self._statements:06d}.{ending}", FORMATS[ending](sheet), at=at)
        ids = []
        for entry in entries:
            booked = Transaction(
                sheet.account, CURRENCY, f"{entry.amount:f}", "in", False, day.isoformat(), None, entry.reference
            )
            ids.append(f"{booked.booked_on}-{key_of(booked)}")
            self._booked[ids[-1]] = {"remittance": entry.text, "amount": entry.amount}
        return ids

    def shown(self, stage: Stage) -> dict[str, dict[str, Any]]:
        """The truth."""
        return dict(self._booked)

    def fields(self, stage: Stage, body: bytes) -> dict[str, Any]:
        """The same out of a record, whose amounts are texts."""
        record = decoded(body)
        told = {name: record[name] for name in known_fields(stage)}
        return {**told, "amount": Decimal(told["amount"])}


def _checked(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Raises ``ValueError`` for what a statement does not hold."""
    text, amount = values.get("remittance"), values.get("amount", Decimal(1))
    if text is not None and (not text or text != " ".join(text.split()) or "\0" in text):
        raise ValueError("A text for the payee is words with single spaces between them.")
    exponent = amount.as_tuple().exponent
    if amount <= 0 or -int(exponent) > _MOST_DECIMALS or len(amount.as_tuple().digits) > _MOST_DIGITS:
        raise ValueError("It is no amount of a statement.")
    return values
