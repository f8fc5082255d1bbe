"""What a receipt settles, said by a person: the open items that it may settle, and keeping what adds up."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from console import cash as shown
from reconciliation import money
from state import cash, figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy.engine import Connection

Figure = dict[str, Any]


class Wrong(Exception):
    """What cannot be kept: the key of a sentence under ``split.wrong``, and what stands in it."""

    def __init__(self, key: str, values: dict[str, str]) -> None:
        super().__init__(key)
        self.key = key
        self.values = values


def found(connection: Connection, receipt: int) -> tuple[Figure, dict[str, Figure]] | None:
    """The receipt, and the items in its currency that are open, by record id; ``None`` if there is no such receipt."""
    figure = figures.standing(connection, cash.KIND).get(str(receipt))
    if figure is None:
        return None
    owed = figures.standing(connection, "receivable")
    same = {key: item for key, item in owed.items() if item["currency"] == figure["currency"]}
    return figure, {key: item for key, item in same.items() if item["kind"] != "payment"}


def fitting(figure: Figure, owed: Mapping[str, Figure], text: str, first: Iterable[str] = ()) -> list[str]:
    """The record ids of the items that may be meant, those of ``first`` before the others, the oldest first.

    Without a text the customer's; with one, what has it in its number, its customer or its amount.
    """
    needle, leading = text.strip()[:200].casefold(), frozenset(first)
    fits = [key for key, item in owed.items() if key in leading or _fits(item, figure, needle)]
    return sorted(fits, key=lambda key: (key not in leading, owed[key]["due_on"] or owed[key]["issued_on"] or "", key))


def keep(
    connection: Connection,
    receipt: int,
    of: tuple[Figure, Mapping[str, Figure]],
    items: Mapping[str, str],
    differences: Sequence[tuple[str, str]],
    actor: str,
    reason: str,
) -> int:
    """Keep how much of which item (by record id) a receipt settles, and what explains the rest; returns how many.

    ``of`` is what ``found`` has found. Amounts are major units as people write them, ``differences`` kinds and
    amounts. Raises ``Wrong`` if it does not add up.
    """
    figure, owed = of
    rows = [_row(key, amount, figure, owed) for key, amount in items.items()]
    told = [_difference(kind, amount, figure["currency"]) for kind, amount in differences]
    if not rows:
        raise Wrong("nothing", {})
    wrong = shown.misfit(rows, told, figure)
    if wrong is not None:
        raise Wrong(*wrong)
    cash.pin(connection, receipt, [(item, amount, amount) for item, amount, _ in rows], told, actor, reason)
    return len(rows)


def _fits(item: Figure, figure: Figure, needle: str) -> bool:
    if not needle:
        return figure["customer_number"] is not None and item["customer_number"] == figure["customer_number"]
    amount = money.text(abs(item["amount"]), item["currency"]) or ""
    names = (item["record"].get("number"), item["record"].get("source_id"), item["customer"], item["customer_number"])
    return needle.replace(",", "") == amount or any(needle in str(name or "").casefold() for name in names)


def _row(key: str, amount: str, figure: Figure, owed: Mapping[str, Figure]) -> tuple[int, int, int]:
    """Item, minor units to apply, minor units open."""
    if key not in owed:
        raise Wrong("gone", {})
    return int(key), _minor(amount, figure["currency"]), owed[key]["amount"]


def _difference(kind: str, amount: str, currency: str) -> tuple[None, str, int]:
    if kind not in shown.KINDS:
        raise Wrong("kind", {})
    return None, kind, _minor(amount, currency)


def _minor(text: str, currency: str) -> int:
    """Major units as people write them, in minor units; groups of thousands may be parted by commas."""
    try:
        value = Decimal(text.strip().replace(",", "").replace("，", ""))
        minor = value.scaleb(money.places(currency))
    except ArithmeticError:
        raise Wrong("amount", {"text": text.strip()[:40]}) from None
    if not value.is_finite() or abs(value) >= Decimal(10) ** 15:
        raise Wrong("amount", {"text": text.strip()[:40]})
    if minor != minor.to_integral_value():
        raise Wrong("decimals", {"text": text.strip()[:40], "currency": currency})
    return int(minor)
