"""Rules for receipts that name no item and come to a set of items: the whole balance, any sum.

A sum proves nothing by itself. Each is held against the number of sets that would equal the receipt by accident
(``reconciliation.cash.chance``): where that is not small enough, or there are several sets, they are suggestions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from reconciliation.cash.amounts import Around, arounds, is_free_choice
from reconciliation.cash.chance import Chance
from reconciliation.cash.groups import Group, Item, Proposals, Receipt, load
from reconciliation.cash.habits import Habit, likely_set
from reconciliation.cash.subsets import Solution, SubsetSums
from reconciliation.session import Session
from settings.cash import CashRule

_MEANINGLESS = 0.05
"""Sets of a size with more expected accidental hits than this are not looked for: a hit would say nothing."""
SHOWN = 5
"""Sets that are suggested at most."""


def balance(session: Session, rule: CashRule) -> int:
    """Everything that was open when the receipt came in, all that was due by some day, or all of one month.

    Or all of that among what the payer usually pays by then: see ``subset_sum``. Of equal items in the set and beside
    it the oldest are paid first, as ``party_amount`` says.
    """
    return _for_unnamed(session, rule, _of_balance)


def subset_sum(session: Session, rule: CashRule) -> int:
    """Any set of up to ``largest`` items, with the discounts that were still allowed or without.

    Where only few of the items are due by when the payer usually pays, the accidental hits of sets of these count. Of
    equal items the oldest are paid first, as ``party_amount`` says.
    """
    return _for_unnamed(session, rule, _of_sums)


def _for_unnamed(
    session: Session, rule: CashRule, find: Callable[[CashRule, Group, Receipt, Around, Proposals], bool]
) -> int:
    around = arounds(session)
    proposals = Proposals()
    for group in load(session, "SELECT * FROM unnamed"):
        if len(group.items) > 1:
            its = around(group)
            for receipt in group.receipts:
                if find(rule, group, receipt, its, proposals):
                    its.forget(receipt)
    return proposals.settle(session, rule.name, rule.decision)


def _of_balance(rule: CashRule, group: Group, receipt: Receipt, around: Around, proposals: Proposals) -> bool:
    """Propose what people pay as a whole; whether one is sure."""
    items, habit = group.eligible(receipt), around.habit
    fitting, chance = _whole(receipt, items)
    if habit and chance >= (rule.chance or 0) and len(fitting) <= 1:
        usually, less = _whole(receipt, habit.due_now(receipt, items, deducted=False))
        if usually and (not fitting or usually[0][0] == fitting[0][0]):
            fitting, chance = usually, less
    for option, (some, what) in enumerate(fitting[:SHOWN], 1):
        evidence = {"set": what, "items": len(some), "chance": float(f"{chance:.1e}")}
        sure = len(fitting) == 1 and chance < (rule.chance or 0)
        equals = _equals(some, items)
        if sure and equals:
            sure = is_free_choice(receipt, equals, group, around)
            if sure:
                some = _oldest(some, items)
                evidence["equal_amounts"] = "oldest first"
        if equals and not sure:
            some = likely_set(receipt, some, items, habit, deducted=False)
            evidence["equal_amounts"] = "usual day first"
        proposals.add(receipt, some, 820 if sure else 650, evidence, sure=sure, option=option)
        if sure:
            group.taken.update(item.item_id for item in some)
            return True
    return False


def _equals(some: Sequence[Item], items: Sequence[Item]) -> list[Item]:
    """The items, in a set or not, that equal one of it, where there are more than it has."""
    others = {item.rest for item in items if item not in some}
    wanted = {item.rest for item in some} & others
    return [item for item in items if item.rest in wanted]


def _oldest(some: Sequence[Item], items: Sequence[Item]) -> list[Item]:
    """A set of the same amounts out of ``items``, of equal ones the oldest."""
    found: list[Item] = []
    for item in some:
        found.append(next(other for other in items if other.rest == item.rest and other not in found))
    return found


def _whole(receipt: Receipt, items: list[Item]) -> tuple[list[tuple[list[Item], str]], float]:
    """Sets that people pay as a whole and that come to the receipt, and their expected accidental hits."""
    if len(items) < 2:
        return [], 1.0
    families = {tuple(item.item_id for item in some): (some, what) for what, some in _families(items)}
    fitting = [(some, what) for some, what in families.values() if sum(item.rest for item in some) == receipt.rest]
    if not fitting:
        return [], 1.0
    sums = [sum(item.rest for item in some) for some, _ in families.values()]
    return fitting, Chance([item.rest for item in items]).of_sums(sums, receipt.rest)


def _families(items: Sequence[Item]) -> Iterator[tuple[str, list[Item]]]:
    """Sets that people pay as a whole: a name for each, and its items."""
    yield "everything", list(items)
    for name, days in (
        ("due", [item.due_on for item in items]),
        ("issued", [item.issued_on for item in items]),
    ):
        for day in sorted({day for day in days if day}):
            some = [item for item, its in zip(items, days, strict=True) if its and its <= day]
            if len(some) > 1:
                yield name, some
    months = sorted({(item.issued_on.year, item.issued_on.month) for item in items if item.issued_on})
    for month in months:
        some = [item for item in items if item.issued_on and (item.issued_on.year, item.issued_on.month) == month]
        if len(some) > 1:
            yield "month", some


def _of_sums(rule: CashRule, group: Group, receipt: Receipt, around: Around, proposals: Proposals) -> bool:
    """Propose sets that come to the receipt; whether one is sure."""
    items = group.eligible(receipt)
    if len(items) < 2:
        return False

    def is_free(members: Sequence[Item]) -> bool:
        return is_free_choice(receipt, _equals(members, items), group, around)

    taken = propose_sums(rule, receipt, items, proposals, "of_customer", around.habit, is_free)
    group.taken |= taken
    return bool(taken)


def propose_sums(
    rule: CashRule,
    receipt: Receipt,
    items: list[Item],
    proposals: Proposals,
    among: str,
    habit: Habit | None = None,
    is_free: Callable[[Sequence[Item]], bool] = lambda _: False,
    has_equal: Callable[[Sequence[Item]], bool] = lambda _: False,
) -> set[int]:
    """Propose the sets of items that come to the receipt; the items of the one that is sure.

    ``is_free`` says of a set out of several with equal amounts whether the oldest of these are surely meant,
    ``has_equal`` whether an item that is not among ``items`` may be meant in place of one of the set.

    Sets of what the payer usually pays then are part of all sets, so that whichever of the two bounds holds, an
    accidental hit stays as unlikely as ``chance`` says.
    """
    ordered = among == "of_order"
    options = _payable(receipt, items, rule)
    if habit and len(options) == 1 and options[0][2] >= (rule.chance or 0):
        options = [_usually(receipt, items, habit, options[0])]
    if not options:
        return set()
    for option, (deducted, solution, chance) in enumerate(options[:SHOWN], 1):
        if solution.size == 1 and not (ordered and deducted):
            continue  # one item of just that amount is for the rule about that
        members = [items[place] for place in solution.members]
        sure = len(options) == 1 and chance < (rule.chance or 0)
        sure = sure and (solution.ways == 1 or (not deducted and is_free(members))) and not has_equal(members)
        evidence = {"sum": among, **odds(chance, len(options), solution)}
        if not sure and solution.ways > 1:
            members = likely_set(receipt, members, items, habit, deducted=deducted)
            evidence["equal_amounts"] = "usual day first"
        evidence["items"] = numbers(members)
        differences = [(item.item_id, "discount", -item.deduction(receipt)) for item in members if deducted]
        score = (900 if ordered else 800) if sure else max(300, 640 - 40 * solution.size)
        proposals.add(receipt, members, score, evidence, sure=sure, option=option, differences=differences)
        if sure:
            return {item.item_id for item in members}
    return set()


def _payable(receipt: Receipt, items: Sequence[Item], rule: CashRule) -> list[tuple[bool, Solution, float]]:
    """Sets that come to the receipt without and with discount, with their expected accidental hits; best first."""
    found = []
    for deducted in (False, True):
        amounts = [item.rest - (item.deduction(receipt) if deducted else 0) for item in items]
        if deducted and not any(item.deduction(receipt) for item in items):
            continue
        chances = Chance(amounts).expected(receipt.rest, rule.largest or 1)
        largest = sum(chance < _MEANINGLESS for chance in chances)
        if not largest:
            continue
        for solution in SubsetSums(amounts).find(receipt.rest, largest=largest, most=SHOWN).solutions:
            changed = any(items[place].deduction(receipt) for place in solution.members)
            if not deducted or changed:
                found.append((deducted, solution, chances[solution.size - 1]))
    return sorted(found, key=lambda entry: (entry[2], entry[0], entry[1]))


def _usually(
    receipt: Receipt, items: list[Item], habit: Habit, option: tuple[bool, Solution, float]
) -> tuple[bool, Solution, float]:
    """The same set, with the accidental hits among what the payer usually pays then if all of it is of that."""
    deducted, solution, chance = option
    usual = habit.due_now(receipt, items, deducted=deducted)
    if not {items[place].item_id for place in solution.members} <= {item.item_id for item in usual}:
        return option
    amounts = [item.rest - (item.deduction(receipt) if deducted else 0) for item in usual]
    return deducted, solution, min(chance, Chance(amounts).expected(receipt.rest, solution.size)[-1])


def odds(chance: float, sets: int, solution: Solution) -> dict[str, Any]:
    """What the evidence says of how sure a set is, and of the other sets."""
    said: dict[str, Any] = {"chance": float(f"{chance:.1e}")}
    if sets > 1:
        said["other_sets"] = sets - 1
    if solution.ways > 1:
        said["equal_amounts"] = "oldest first"
    return said


def numbers(items: Sequence[Item]) -> list[str]:
    """What items are called in evidence."""
    return [item.number or str(item.item_id) for item in items]
