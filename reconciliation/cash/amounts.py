"""Rule for receipts that name no item: one item of just the amount, or the oldest of several.

What else might explain the amount raises doubts: other sets of items, other receipts that may have had the item.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from math import comb

from reconciliation.cash.groups import AHEAD, Group, Item, Proposals, Receipt, is_billed, load
from reconciliation.cash.habits import Habit, habits, likeliest
from reconciliation.cash.months import month_of, named_months
from reconciliation.cash.subsets import SubsetSums
from reconciliation.cash.unnamed import Signs, Waiting, prepare_misnamed, prepare_unnamed, signs_of, waiting_receipts
from reconciliation.session import Session
from settings.cash import CashRule

PRIORS = (0.6, 0.2, 0.1, 0.05, 0.03, 0.02)
"""How often a payment that names nothing is for one item, for two … for six; ours, by the order of magnitude."""
_LARGEST = 4


@dataclass(frozen=True)
class Texts:
    """What the texts of open receipts say beside naming items."""

    signs: Signs
    months: dict[int, list[int]]
    """Receipt → months that its text names."""


@dataclass(frozen=True)
class Around:
    """What else is known of a payer when one of his receipts is looked at."""

    waiting: list[Waiting]
    """What else of his is open."""
    habit: Habit | None
    texts: Callable[[], Texts]

    def forget(self, receipt: Receipt) -> None:
        """Let a receipt no longer wait: it is settled."""
        entry = (receipt.received_on, receipt.receipt_id, receipt.rest)
        if entry in self.waiting:
            self.waiting.remove(entry)


def arounds(session: Session) -> Callable[[Group], Around]:
    """Make ``unnamed``, and find what else is known of the payer of a group; its texts are read when asked for."""
    prepare_unnamed(session)
    waiting, usual = waiting_receipts(session), habits(session)

    @cache
    def texts() -> Texts:
        prepare_misnamed(session)
        months = named_months(session)
        return Texts(signs_of(session), months)

    def of(group: Group) -> Around:
        payer = (group.receipts[0].party, group.receipts[0].currency)
        return Around(waiting.get(payer, []), usual.get(payer), texts)

    return of


def party_amount(session: Session, rule: CashRule) -> int:
    """The payer's customer has one item over exactly what is left of the receipt, or several: then the oldest.

    Exactly: the whole amount, or less the discount that was still allowed. A payment that fits an item exactly chooses
    it, and of equal items the oldest is paid first (§ 366 BGB; article 560 of the Civil Code of the People's Republic
    of China). Other sets that come to the same amount raise doubts: each counts as likely as payments of its size are,
    shared among all sets of that size. Above ``doubt`` it is a suggestion; and so is the choice among equal items while
    an earlier receipt of the payer is open that may have paid one of them, where another over the amount names a month
    with one of them, where a discount was taken, or if the text says of which month it is or has a number that nobody
    could read; and where another item would come to it less the discount that it still allows. Where just as many equal
    items are open as receipts of just their amount, no other receipt can have had one. Nor is it sure where another
    open receipt names one of several: it was not enough for that one, and its number may be wrong. Where the text has
    last digits of numbers, it is for one of these; and not sure where these end the number of what is settled. A
    receipt that names only what was paid before is for the one item of its amount.
    """
    around_of = arounds(session)
    prepare_misnamed(session)
    proposals = Proposals()
    for group in load(session, "FROM unnamed UNION ALL FROM misnamed"):
        amounts = {item.rest for item in group.items} | {item.rest - item.discount for item in group.items}
        around = around_of(group)
        for receipt in group.receipts:
            if receipt.rest in amounts and _of_amount(rule, group, receipt, around, proposals):
                around.forget(receipt)
    return proposals.settle(session, rule.name, rule.decision)


def _of_amount(rule: CashRule, group: Group, receipt: Receipt, around: Around, proposals: Proposals) -> bool:
    """Propose the oldest item of the amount; whether it is sure."""
    texts = around.texts()
    signs, months = texts.signs, texts.months.get(receipt.receipt_id)
    items = group.eligible(receipt)
    fitting = [item for item in items if item.rest == receipt.rest]
    less = [item for item in items if item.deduction(receipt) and item.rest - item.deduction(receipt) == receipt.rest]
    deducted = [] if fitting else less
    others = less if fitting else []
    fitting = fitting or deducted
    if months:
        fitting = [item for item in fitting if month_of(item) in months]
    if not fitting:
        _discounted_late(receipt, items, proposals)
        return False
    unsaid = bool(deducted) and receipt.receipt_id in signs.unread and _lapsed(items, fitting)
    doubt = doubt_of(receipt, items, fitting)
    pointed = signs.pointed.get(receipt.receipt_id, set())
    meant = [item for item in fitting if item.item_id in pointed]
    others_say = signs.named | signs.ordered if len(fitting) > 1 else signs.named
    free = [item for item in fitting if item.item_id not in others_say]
    contested = any(item.item_id in others_say for item in fitting) and len(fitting) > 1
    fitting = meant or free or fitting
    alike = len(fitting) > 1
    before = [
        entry
        for entry in around.waiting
        if entry[1] != receipt.receipt_id and is_before(entry, receipt) and may_pay(entry, fitting, group.items, signs)
    ]
    for_a_month = any(
        entry[2] == receipt.rest and entry[1] != receipt.receipt_id and month_of(item) in texts.months.get(entry[1], ())
        for entry in around.waiting
        for item in fitting
    )
    open_choice = alike and bool(before or months or for_a_month or deducted or receipt.receipt_id in signs.unread)
    turn = _turn(group, receipt, around) if open_choice and not (deducted or meant) else None
    sure = (
        doubt < (rule.doubt or 0)
        and not (others or unsaid)
        and bool(free or meant)
        and bool(meant or not (pointed or contested))
        and all(item.ends_with(signs.digits.get(receipt.receipt_id, "")) for item in fitting)
        and (not open_choice or turn in fitting)
        and not (receipt.receipt_id in signs.misnamed and (alike or deducted))
        and receipt.receipt_id not in signs.settled
    )
    evidence = {"amount": "discounted" if deducted else "equal", "doubt": float(f"{doubt:.1e}")}
    if alike:
        evidence |= {"equal_items": len(fitting), "chosen": "oldest" if sure else "usual day first"}
    if alike and not sure:
        place = sum(entry[2] // receipt.rest for entry in before if entry[2] % receipt.rest == 0)
        older = fitting[: min(place, len(fitting) - 1)]  # for what came before and is for just so many of them
        fitting = [*likeliest(receipt, fitting[len(older) :], around.habit, deducted=bool(deducted)), *older]
    elif turn and sure:
        fitting = [turn]
    for option, item in enumerate(fitting[:1] if sure else [*fitting, *others][:5], 1):
        differences = [(item.item_id, "discount", receipt.rest - item.rest)]
        score = 850 if sure else 700
        proposals.add(receipt, [item], score, evidence, sure=sure, option=option, differences=differences)
    if sure:
        group.taken.add(fitting[0].item_id)
    return sure


def _discounted_late(receipt: Receipt, items: list[Item], proposals: Proposals) -> None:
    """Suggest the one item that comes to the amount less a discount that it no longer allowed."""
    late = [item for item in items if item.discount and item.rest - item.discount == receipt.rest]
    if len(late) == 1:
        differences = [(late[0].item_id, "discount", -late[0].discount)]
        proposals.add(receipt, late, 690, {"amount": "discounted_late"}, sure=False, differences=differences)


def _lapsed(items: list[Item], fitting: list[Item]) -> bool:
    """Whether others equal what fits less its discount but for the time that they allowed it: it may be taken late."""
    owed = {(item.rest, item.discount) for item in fitting}
    return sum((item.rest, item.discount) in owed for item in items) > len(fitting)


def _turn(group: Group, receipt: Receipt, around: Around) -> Item | None:
    """The item whose turn it is where as many equal items are open as receipts of just their amount; or none.

    Each of these receipts needs one of the items, so that no other receipt can have had one. Each item must have been
    billed when its receipt came in, no two may come on one day, and no text may say more.
    """
    signs, months, each = around.texts().signs, around.texts().months, receipt.rest
    equals = [
        item
        for item in group.items
        if item.rest == each
        and item.item_id not in group.taken
        and item.item_id not in signs.named
        and (receipt.receipt_id, item.item_id) not in group.forbidden
    ]
    asking = [entry for entry in around.waiting if entry[2] == each]
    theirs = {one.receipt_id: one for one in group.receipts}
    if len(asking) != len(equals) or any(
        entry[0] is None or entry[1] not in theirs or entry[1] in signs.unread or entry[1] in months for entry in asking
    ):
        return None
    asking.sort(key=lambda entry: (entry[0] or date.max, entry[1]))
    if len({entry[0] for entry in asking}) < len(asking) or not all(
        is_billed(item, theirs[entry[1]]) for item, entry in zip(equals, asking, strict=True)
    ):
        return None
    return equals[[entry[1] for entry in asking].index(receipt.receipt_id)]


def is_free_choice(receipt: Receipt, equals: Sequence[Item], group: Group, around: Around) -> bool:
    """Whether of items that equal each other the oldest are surely paid first: nothing says or has had another.

    No earlier receipt of the payer may have paid one, none names one or its month, and the receipt's own text has no
    month and no number that nobody could read.
    """
    signs, months = around.texts().signs, around.texts().months
    if receipt.receipt_id in signs.unread or receipt.receipt_id in months or signs.pointed.get(receipt.receipt_id):
        return False
    if any(item.item_id in signs.named for item in equals):
        return False
    by_amount: dict[int, list[Item]] = {}
    for item in equals:
        by_amount.setdefault(item.rest, []).append(item)
    return not any(
        (is_before(entry, receipt) and may_pay(entry, alike, group.items, signs))
        or any(month_of(item) in months.get(entry[1], ()) for item in alike)
        for entry in around.waiting
        if entry[1] != receipt.receipt_id
        for alike in by_amount.values()
    )


def is_before(entry: Waiting, receipt: Receipt) -> bool:
    """Whether an open receipt (see ``waiting_receipts``) came in no later than another."""
    return entry[0] is None or receipt.received_on is None or entry[0] <= receipt.received_on


def may_pay(entry: Waiting, equals: list[Item], items: list[Item], signs: Signs) -> bool:
    """Whether an open receipt (see ``waiting_receipts``) may have paid one of some equal items.

    Not where it names others, where it is for less than an item less what credit notes and a fifth (discounts, fees,
    taxes) may take off, or where it came before all of them. One that names something nobody could read may be for a
    part of one.
    """
    day, receipt, rest = entry
    owed = equals[0].rest
    named = signs.naming.get(receipt)
    if rest * owed <= 0 or (named is not None and not any(item.item_id in named for item in equals)):
        return False
    credit = sum(abs(item.rest) for item in items if item.rest * owed < 0)
    unclear = receipt in signs.unread or receipt in signs.unsaid
    if not unclear and (abs(rest) + credit) * 5 < abs(owed) * 4:
        return False
    return day is None or any(item.issued_on is None or (item.issued_on - day).days <= AHEAD for item in equals)


def doubt_of(receipt: Receipt, items: list[Item], fitting: list[Item]) -> float:
    """How likely, against one item of the amount, it is that one of the other sets of that sum is meant.

    Their items count as they are, and again less the discounts that they still allow.
    """
    fits = {item.item_id for item in fitting}
    others = [item for item in items if item.item_id not in fits]
    count = len(items)
    one = PRIORS[0] / count
    weight = _weight(receipt.rest, [item.rest for item in others], count)
    if any(item.deduction(receipt) for item in others):
        weight += _weight(receipt.rest, [item.rest - item.deduction(receipt) for item in others], count)
    return weight / (weight + one)


def _weight(target: int, amounts: list[int], count: int) -> float:
    """How likely it is that some set of these amounts is meant, of ``count`` items in all."""
    smaller = [amount for amount in amounts if (amount > 0) != (target > 0) or abs(amount) < abs(target)]
    if len(smaller) < 2:
        return 0.0
    found = SubsetSums(smaller).find(target, largest=_LARGEST, most=50)
    return sum(PRIORS[solution.size - 1] / comb(count, solution.size) * solution.ways for solution in found.solutions)
