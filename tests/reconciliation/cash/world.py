"""Small worlds of open items and receipts, in major units; ``Outcome`` says what became of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from mappings.currencies import EXPONENTS
from reconciliation.cash import engine
from reconciliation.session import Database
from settings.cash import CashRule

DAY = date(2026, 3, 1)
_ITEMS = (
    "item_id BIGINT, kind VARCHAR, party VARCHAR, currency VARCHAR, amount BIGINT, open BIGINT, number VARCHAR, "
    "other_references VARCHAR[], issued_on DATE, due_on DATE, discount_rate DECIMAL(9,6), discount_until DATE"
)
_RECEIPTS = (
    "receipt_id BIGINT, source VARCHAR, party VARCHAR, payer_name VARCHAR, payer_account VARCHAR, currency VARCHAR, "
    "amount BIGINT, fee BIGINT, fee_is_netted BOOLEAN, received_on DATE, text VARCHAR"
)
_DIFFERENCES = "receipt_id BIGINT, item_id BIGINT, kind VARCHAR, amount BIGINT"


def minor(amount: Any, currency: str = "EUR") -> int:
    """Major units as minor ones."""
    return int(Decimal(str(amount)).scaleb(EXPONENTS[currency]))


class World:
    """Collects items and receipts; days are counted from the first of March 2026."""

    def __init__(self) -> None:
        self.items: list[tuple[Any, ...]] = []
        self.receipts: list[tuple[Any, ...]] = []
        self.related: list[tuple[str, str, str]] = []
        self.parties: list[tuple[str, str | None, str]] = []
        self.rates: list[tuple[str, date, str]] = []
        self.pins: list[tuple[int, int, int, int]] = []
        self.pinned_differences: list[tuple[int, int | None, str, int]] = []
        self.forbidden: list[tuple[int, int]] = []

    def item(
        self,
        number: str | None,
        amount: Any,
        *,
        party: str = "A",
        currency: str = "EUR",
        open: Any = None,
        kind: str | None = None,
        day: int = 0,
        due: int | None = None,
        other: Sequence[str] = (),
        discount: str | None = None,
        until: int | None = None,
        item_id: int | None = None,
    ) -> int:
        """An open item; its id."""
        made = item_id or len(self.items) + 1
        whole = minor(amount, currency)
        issued = DAY + timedelta(day)
        self.items.append(
            (
                made,
                kind or ("credit_note" if whole < 0 else "invoice"),
                party,
                currency,
                whole,
                whole if open is None else minor(open, currency),
                number,
                list(other),
                issued,
                issued + timedelta(30) if due is None else DAY + timedelta(due),
                discount,
                None if until is None else DAY + timedelta(until),
            )
        )
        return made

    def receipt(
        self,
        amount: Any,
        text: str = "",
        *,
        party: str | None = "A",
        currency: str = "EUR",
        fee: Any = 0,
        netted: bool = True,
        day: int = 20,
        account: str | None = None,
        name: str | None = None,
        receipt_id: int | None = None,
    ) -> int:
        """A receipt; its id."""
        made = receipt_id or 1001 + len(self.receipts)
        self.receipts.append(
            (
                made,
                "bank",
                party,
                name,
                account,
                currency,
                minor(amount, currency),
                minor(fee, currency),
                netted,
                DAY + timedelta(day),
                text,
            )
        )
        return made

    def rate(self, currency: str, day: int, rate: str) -> None:
        """Units of the base currency for one, on a day."""
        self.rates.append((currency, DAY + timedelta(day), rate))

    def load(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Make the input tables."""
        for name, columns, rows in (
            ("open_items", _ITEMS, self.items),
            ("receipts", _RECEIPTS, self.receipts),
            ("related", "payer VARCHAR, customer VARCHAR, why VARCHAR", self.related),
            ("parties", "party VARCHAR, number VARCHAR, name VARCHAR", self.parties),
            ("rates", "currency VARCHAR, day DATE, rate DECIMAL(28,10)", self.rates),
            ("pinned", "receipt_id BIGINT, item_id BIGINT, applied BIGINT, spent BIGINT", self.pins),
            ("pinned_differences", _DIFFERENCES, self.pinned_differences),
            ("forbidden", "receipt_id BIGINT, item_id BIGINT", self.forbidden),
        ):
            connection.execute(f"CREATE TABLE {name} ({columns})")
            if rows:
                connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})", rows)

    def apply(self, rules: Sequence[CashRule] | None = None, base: str = "EUR") -> Outcome:
        """Run the engine over all of it."""
        with duckdb.connect(":memory:", config={"threads": 1}) as connection:
            self.load(connection)
            session = Database(connection)
            return Outcome(session, engine.apply(session, rules, base))


class Outcome:
    """What the engine gave out, as plain values in minor units."""

    def __init__(self, session: Database, summary: engine.Summary) -> None:
        self.summary = summary
        self.rows = session.rows(
            "SELECT receipt_id, item_id, applied, spent, rule, score, decision, rank, evidence FROM applications "
            "ORDER BY ALL"
        )
        self.difference_rows = session.rows("SELECT * FROM differences ORDER BY ALL")
        self.residue_rows = session.rows("SELECT * FROM residue ORDER BY ALL")
        self.gains = {(row[0], row[1]): row[2] for row in session.rows("SELECT * FROM gain")}

    def settled(self, receipt: int | None = None) -> dict[Any, int]:
        """Item → what is applied to it for sure; without a receipt by (receipt, item)."""
        return {
            (row[1] if receipt else (row[0], row[1])): row[2]
            for row in self.rows
            if row[6] != "suggested" and receipt in (None, row[0])
        }

    def rule(self, receipt: int) -> str | None:
        """The rule that settled a receipt, if just one did."""
        rules = {row[4] for row in self.rows if row[0] == receipt and row[6] != "suggested"}
        return rules.pop() if len(rules) == 1 else None

    def suggestions(self, receipt: int) -> list[dict[int, int]]:
        """The suggestions for a receipt, best first: item → what would be applied."""
        found: dict[int, dict[int, int]] = {}
        for row in self.rows:
            if row[0] == receipt and row[6] == "suggested":
                found.setdefault(row[7], {})[row[1]] = row[2]
        return [found[rank] for rank in sorted(found)]

    def evidence(self, receipt: int) -> list[dict[str, Any]]:
        """The evidence of what is applied for sure."""
        return [json.loads(row[8]) for row in self.rows if row[0] == receipt and row[6] != "suggested"]

    def differences(self, receipt: int) -> dict[str, int]:
        """Kind → amount."""
        found: dict[str, int] = {}
        for row in self.difference_rows:
            if row[0] == receipt:
                found[row[2]] = found.get(row[2], 0) + row[3]
        return found

    def left(self, receipt: int) -> tuple[int, str] | None:
        """What is left of a receipt, and its class."""
        return next(((row[1], row[2]) for row in self.residue_rows if row[0] == receipt), None)
