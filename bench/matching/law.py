"""What is right where the payer did not say: the oldest of equal debts, and either of two that nobody can tell apart.

§ 366 BGB and article 560 of the Civil Code of the People's Republic of China let the debtor choose; a payment that fits
an item exactly chooses it. Among items of the same party, currency and open amount, what was due first is paid first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from datetime import date

from bench.matching.model import IDENTIFYING, Difference, Item, Receipt, Row
from bench.matching.office import Office

Slot = tuple[Receipt, Row]


def obey(office: Office) -> None:
    """Make the truth of one office obey, and note the sets of equally right answers."""
    owned: dict[str, list[Item]] = defaultdict(list)
    for item in office.items:
        owned[item.party].append(item)
    paid: dict[int, list[Receipt]] = defaultdict(list)
    for receipt in office.receipts:
        if receipt.payer is not None and receipt.kind in ("settles", "deposit"):
            paid[id(receipt.payer)].append(receipt)
    for receipts in paid.values():
        payer = receipts[0].payer
        assert payer is not None
        items = [item for party in payer.parties for item in owned[party]]
        shared = Counter(name for item in items for name in _references(item))
        _apart(receipts, shared)
        _say_so(items, receipts, shared)
        _oldest_first(items, receipts, shared)
        _alternatives(office, items, receipts, shared)


def _references(item: Item) -> Iterable[Hashable]:
    """What may name an item besides its number."""
    yield from (("order", id(item.order)), ("purchase_order", item.purchase_order))


def _told(receipt: Receipt, item: Item, shared: Counter[Hashable]) -> bool:
    """Whether the text tells this item from the payer's others."""
    if receipt.habit not in IDENTIFYING:
        return False
    if receipt.habit == "order":
        return shared["order", id(item.order)] == 1
    if receipt.habit == "purchase_order":
        return shared["purchase_order", item.purchase_order] == 1
    return True


def _say_so(items: list[Item], receipts: list[Receipt], shared: Counter[Hashable]) -> None:
    """Let payments for one of several equal items name it where one of these was paid out of the ordinary.

    No law says which of them a part or too much would be for, or whether what was taken back is paid again.
    """
    equals = Counter(_worth(item) for item in items)
    disturbed = {_worth(item) for item in items if item.rows > 1}
    for receipt in receipts:
        if "rolling" in receipt.events:
            continue
        for row in receipt.rows:
            worth = _worth(row.item)
            if equals[worth] == 1 or _told(receipt, row.item, shared):
                continue
            if worth in disturbed or not _plain(receipt, row):
                receipt.habit = "numbers" if row.item.issued <= receipt.day or row.item.order is None else "order"


def _plain(receipt: Receipt, row: Row) -> bool:
    """Whether a row settles a billed item at once and in full, with no difference but the discount it allows."""
    item = row.item
    differences = [one for one in receipt.differences if one.item is item]
    return (
        item.rows == 1
        and row.applied == item.open
        and item.issued <= receipt.day
        and (not differences or (len(differences) == 1 and differences[0].by_terms and receipt.day <= item.until))
    )


def _apart(receipts: list[Receipt], shared: Counter[Hashable]) -> None:
    """No two payments that do not tell their items come on one day with one amount; so each has its place in time."""
    taken: set[tuple[int, int, str]] = set()
    for receipt in sorted(receipts, key=lambda one: one.day):
        while (receipt.day, receipt.gross, receipt.source) in taken:
            receipt.day += 1
        if not all(_told(receipt, row.item, shared) for row in receipt.rows):
            taken.add((receipt.day, receipt.gross, receipt.source))


def _oldest_first(items: list[Item], receipts: list[Receipt], shared: Counter[Hashable]) -> None:
    """Give payments that do not tell their item the oldest item of that amount, of the month if they name one."""
    slots: dict[tuple[Hashable, int, bool], list[Slot]] = defaultdict(list)
    for receipt in receipts:
        for row in receipt.rows:
            item = row.item
            if _plain(receipt, row) and not _told(receipt, item, shared):
                less = any(one.item is item for one in receipt.differences)
                slots[_worth(item), receipt.habit == "period" and _month(item), less].append((receipt, row))
    for (worth, month, less), group in slots.items():
        free = [one for one in items if one.rows == 0 and _worth(one) == worth and month in (False, _month(one))]
        if len(group) + len(free) > 1:
            _assign(group, free + [row.item for _, row in group], less)


def _month(item: Item) -> int:
    return date.fromordinal(item.issued).month


def _worth(item: Item) -> Hashable:
    return item.party, item.currency, item.open, item.kind, item.discount


def _assign(slots: list[Slot], candidates: list[Item], less: bool) -> None:
    """The earliest payment takes what was due first of what is billed; less a discount, of what still allows it."""
    slots.sort(key=lambda one: one[0].day)
    candidates.sort(key=lambda one: (one.due, one.issued))
    chosen: list[Item] = []
    for receipt, _ in slots:
        billed = [one for one in candidates if one.issued <= receipt.day]
        if not billed:
            return  # a debt not yet billed has no place in this order
        item = next((one for one in billed if less and one.until >= receipt.day), billed[0])
        candidates.remove(item)
        chosen.append(item)
    for _, row in slots:
        row.item.rows -= 1
        row.item.settled -= row.applied
    taken = [next((one for one in receipt.differences if one.item is row.item), None) for receipt, row in slots]
    for (receipt, row), item, difference in zip(slots, chosen, taken, strict=True):
        row.item = item
        item.rows += 1
        item.settled += row.applied
        if difference is not None:
            _discounted(receipt, difference, item)


def _discounted(receipt: Receipt, difference: Difference, item: Item) -> None:
    """Let a discount be of another item, in time or late."""
    receipt.events.remove("discount" if difference.kind == "discount" else "discount_late")
    difference.item = item
    difference.kind = "discount" if receipt.day <= item.until else "short_payment"
    receipt.events.append("discount" if difference.kind == "discount" else "discount_late")


def _alternatives(office: Office, items: list[Item], receipts: list[Receipt], shared: Counter[Hashable]) -> None:
    """Note items that equal each other in all that the data show, where the text does not tell which is meant."""
    twins: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        twins[_looks(item)].append(item)
    groups: dict[Hashable, int] = {}
    for receipt in receipts:
        for row in receipt.rows:
            same = twins[_looks(row.item)]
            if len(same) > 1 and not _told(receipt, row.item, shared):
                looks = _looks(row.item)
                if looks not in groups:
                    groups[looks] = office.key()
                    office.alternatives.extend((groups[looks], item) for item in same)
                row.alternatives = groups[looks]


def _looks(item: Item) -> Hashable:
    return item.party, item.kind, item.currency, item.open, item.issued, item.due, item.discount, item.until
