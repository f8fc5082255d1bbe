"""What a receipt settles, said by a person: the open items that it may settle, and keeping what adds up."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from console import cash as shown
from console import reserved
from reconciliation import money
from reconciliation.linking import alike
from reconciliation.linking.names import Name, company
from state import cash, cash_standing, chains, figures

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy.engine import Connection

    from console.i18n import Texts
    from console.reserved import Taken

Figure = dict[str, Any]

_ALIKE = frozenset({"same", "short", "near", "translated", "part"})
"""How alike a customer's name must be to the payer's for its items to be offered (``alike.LEVELS``)."""


class Wrong(Exception):
    """What cannot be kept: the key of a sentence under ``split.wrong``, and what stands in it.

    ``item`` is the record id of the item that it is about, ``called`` what that is called; ``difference`` the place of
    a difference among those that were given.
    """

    def __init__(self, key: str, values: dict[str, str], *, difference: int | None = None) -> None:
        super().__init__(key)
        self.key = key
        self.values = values
        self.item = ""
        self.called = ""
        self.difference = difference

    def of_item(self, key: str, called: str) -> Wrong:
        """The same, about an item."""
        self.item, self.called = key, called
        return self

    def told(self, texts: Texts) -> str:
        """It in words, with the item in front."""
        said = texts(f"split.wrong.{self.key}", **self.values)
        return texts.pair(self.called, said) if self.called else said


class Doubtful(Exception):
    """What is only kept if somebody has seen it: keys of sentences under ``split.doubt``, and what stands in them."""

    def __init__(self, doubts: list[tuple[str, dict[str, str]]]) -> None:
        super().__init__(doubts)
        self.doubts = doubts


@dataclass(frozen=True)
class Found:
    """A receipt, the items in its currency that are open, and what other receipts have of them, by record id."""

    receipt: int
    figure: Figure
    owed: Mapping[str, Figure]
    taken: Mapping[str, list[Taken]]
    payer: str
    """Who paid, as the bank calls him; empty if it does not say."""
    said: Mapping[str, int]
    """What people had it settle before, by record id, in minor units, if all of that may be said again."""
    beside: Sequence[tuple[str, int]]
    """What they said beside it: kind and minor units."""

    def free(self, key: str) -> int:
        """What no other receipt has of an item, in minor units."""
        return reserved.free(self.owed[key]["amount"], self.taken.get(key, ()))

    def left_by_decisions(self, key: str) -> int:
        """What no decision gave to another receipt of an item, in minor units: what rules matched can be taken."""
        decided = [one for one in self.taken.get(key, ()) if one.decided_by is not None]
        return reserved.free(self.owed[key]["amount"], decided)

    @property
    def suggested(self) -> list[str]:
        """The items that the suggestions are about."""
        entries = [entry for option in self.figure["suggestions"] for entry in option["applied"]]
        return [key for key in dict.fromkeys(str(entry["item"]) for entry in entries) if key in self.owed]


class Fitting(NamedTuple):
    """Record ids of items, and whether some are there only because who owes them has a name like the payer's."""

    keys: list[str]
    alike: bool


def found(connection: Connection, receipt: int) -> Found | None:
    """What there is to say it about; ``None`` if there is no such receipt."""
    figure = figures.some(connection, cash.KIND, {str(receipt)}).get(str(receipt))
    if figure is None:
        return None
    owed = figures.standing(connection, "receivable")
    same = {key: item for key, item in owed.items() if item["currency"] == figure["currency"]}
    open_ones = {key: item for key, item in same.items() if item["kind"] != "payment"}
    payer = str(chains.rows(connection, [receipt]).get(receipt, {}).get("payer_name") or "")
    said, beside = _said(connection, receipt, figure, open_ones)
    return Found(receipt, figure, open_ones, reserved.taken(connection, receipt), payer, said, beside)


def _said(
    connection: Connection, receipt: int, figure: Figure, owed: Mapping[str, Figure]
) -> tuple[dict[str, int], list[tuple[str, int]]]:
    """What is decided of a receipt: amounts by item, and kinds with amounts; nothing where it does not fit any more."""
    pinned = [one for one in cash.of_receipts(connection, [receipt]) if one.decision == "pinned"]
    items = {str(one.item_id): one.applied for one in pinned if not one.settles_nothing}
    fits = items.keys() <= owed.keys() and all(one.applied == one.spent for one in pinned)
    if not pinned or not fits or cash_standing.stage(pinned, figure, cash_standing.began(connection)) == "outdated":
        return {}, []
    return items, [(kind, amount) for one in pinned for _, kind, amount in one.differences]


def fitting(of: Found, text: str, first: Iterable[str] = ()) -> Fitting:
    """The items that may be meant, those of ``first`` before the others, the oldest first.

    Without a text what the payer owes, or customers with a name like the payer's, if nothing is known of a payer called
    just so; with one, what has it in its number, its customer or its amount.
    """
    needle, leading = text.strip()[:200].casefold(), frozenset(first)
    is_guess = False
    if needle:
        fits = {key for key, item in of.owed.items() if _has(item, needle)}
    else:
        fits = {key for key, item in of.owed.items() if _same_customer(item, of)}
        is_guess = not fits
        fits = fits or _of_similar_names(of)
    wanted = sorted(
        fits | (leading & of.owed.keys()),
        key=lambda key: (key not in leading, of.owed[key]["due_on"] or of.owed[key]["issued_on"] or "", key),
    )
    return Fitting(wanted, is_guess and bool(fits - leading))


def keep(
    connection: Connection,
    of: Found,
    items: Mapping[str, str],
    differences: Sequence[tuple[str, str]],
    actor: str,
    reason: str,
    *,
    accepted: bool = False,
) -> int:
    """Keep how much of which item (by record id) a receipt settles, and what explains the rest; returns how many.

    It takes the place of what was decided of the receipt before.
    Without items it says what the money is: a deposit, to be refunded, or no customer's payment (``cash.WHOLE``).
    Amounts are major units as people write them, ``differences`` kinds and amounts. Raises ``Wrong`` if it does not
    add up, has no reason or takes what another decision has; unless ``accepted``, ``Doubtful`` if it takes what a
    rule gave to another receipt, or settles what somebody else owes than the one who paid.
    """
    rows = [_row(key, amount, of.figure, of.owed) for key, amount in items.items()]
    told = [_difference(kind, amount, of.figure["currency"], n) for n, (kind, amount) in enumerate(differences)]
    if not rows and not any(kind in shown.WHOLE and amount for _, kind, amount in told):
        raise Wrong("nothing", {})
    wrong = shown.misfit(rows, told, of.figure)
    if wrong is not None:
        error = Wrong(wrong.key, wrong.values)
        raise error if wrong.item is None else error.of_item(str(wrong.item), _called(of.owed[str(wrong.item)]))
    other = reserved.decided_elsewhere(rows, of.taken)
    if other is not None:
        item, by = other
        names = {"item": _called(of.owed[str(item)]), "receipt": shown.called(by.record), "who": by.decided_by or ""}
        raise Wrong("decided", names).of_item(str(item), "")
    if not reason:
        raise Wrong("reason", {})
    doubts = list(_doubts(rows, of))
    if doubts and not accepted:
        raise Doubtful(doubts)
    cash.pin(connection, of.receipt, [(item, amount, amount) for item, amount, _ in rows], told, actor, reason)
    return len(rows)


def rest(figure: Figure, amounts: Iterable[str]) -> int:
    """What is left of the money when these are taken from it, in minor units; what is no amount does not count."""
    left = int(figure["amount"])
    for text in amounts:
        try:
            left -= _minor(text, figure["currency"])
        except Wrong:
            continue
    return left


def fill(of: Found, key: str, amounts: Iterable[str]) -> int:
    """How much of an item to settle at most beside these amounts: what is free of it, and no more than is left."""
    left, free = rest(of.figure, amounts), of.free(key)
    if left * of.figure["amount"] <= 0:
        return 0
    return free if free * left < 0 or abs(free) <= abs(left) else left


def _doubts(rows: Sequence[tuple[int, int, int]], of: Found) -> Iterator[tuple[str, dict[str, str]]]:
    """What speaks against it: who owes the items, and who has them."""
    for item, amount, _ in rows:
        key = str(item)
        owed = of.owed[key]
        said = {"item": _called(owed), "customer": owed["customer"] or owed["customer_number"] or "–"}
        if not _same_customer(owed, of):
            payer = of.figure["customer"] or of.payer
            yield ("other_customer", {**said, "payer": payer}) if payer else ("unknown_payer", said)
        if abs(amount) > abs(of.free(key)):
            for one in of.taken[key]:
                whose = {"receipt": shown.called(one.record), "payer": one.customer or "–"}
                yield "taken", {**said, **whose, "amount": shown.money(one.applied, owed["currency"])}


def _same_customer(owed: Figure, of: Found) -> bool:
    """Whether the one who paid owes it: by the customer's number, or by the name where that is all there is."""
    if owed["customer_number"] is not None and owed["customer_number"] == of.figure["customer_number"]:
        return True
    paid_by = (of.figure["customer"] or of.payer or "").strip().casefold()
    return bool(paid_by) and paid_by == (owed["customer"] or "").strip().casefold()


def _called(item: Figure) -> str:
    return shown.called(item["record"])


def _has(item: Figure, needle: str) -> bool:
    amount = money.text(abs(item["amount"]), item["currency"]) or ""
    names = (item["record"].get("number"), item["record"].get("source_id"), item["customer"], item["customer_number"])
    return needle.replace(",", "") == amount or any(needle in str(name or "").casefold() for name in names)


def _of_similar_names(of: Found) -> set[str]:
    """What customers owe whose name differs from the payer's only in what links of customers overlook, or a slip."""
    payer = of.figure["customer"] or of.payer
    if not payer:
        return set()
    paid_by = _taken_apart(payer)
    names = {str(item["customer"]) for item in of.owed.values() if item["customer"]}
    similar = {name for name in names if _is_like(paid_by, _taken_apart(name))}
    return {key for key, item in of.owed.items() if item["customer"] in similar}


def _is_like(one: Name, other: Name) -> bool:
    found = alike.names(one, other, lambda _: 1.0)  # how rare their words are matters to links, not to a look
    return found is not None and found.level in _ALIKE


@lru_cache(20_000)
def _taken_apart(name: str) -> Name:
    return company(name)


def _row(key: str, amount: str, figure: Figure, owed: Mapping[str, Figure]) -> tuple[int, int, int]:
    """Item, minor units to apply, minor units open."""
    if key not in owed:
        raise Wrong("gone", {})
    try:
        return int(key), _minor(amount, figure["currency"]), owed[key]["amount"]
    except Wrong as wrong:
        raise wrong.of_item(key, _called(owed[key])) from None


def _difference(kind: str, amount: str, currency: str, place: int) -> tuple[None, str, int]:
    """No item, kind and minor units; ``place`` is where it stands among the differences."""
    if kind not in shown.KINDS:
        raise Wrong("kind", {}, difference=place)
    try:
        return None, kind, _minor(amount, currency)
    except Wrong as wrong:
        raise Wrong(wrong.key, wrong.values, difference=place) from None


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
