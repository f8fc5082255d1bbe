"""Rules that look for sets of items: with the named ones, the whole balance, any sum.

A sum proves nothing by itself. Each is held against the number of sets that would equal the receipt by accident
(``reconciliation.cash.chance``): where that is not small enough, or there are several sets, they are suggestions.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from reconciliation.cash import cases, references
from reconciliation.cash.cases import RELATED, UNKNOWN
from reconciliation.cash.chance import Chance
from reconciliation.cash.groups import Group, Item, Proposals, Receipt, is_billed, load
from reconciliation.cash.habits import Habit, habits, likeliest, likely_set
from reconciliation.cash.subsets import Solution, SubsetSums
from reconciliation.cash.unnamed import prepare_unnamed, waiting_receipts
from reconciliation.session import Session
from settings.cash import CashRule

_MEANINGLESS = 0.05
"""Sets of a size with more expected accidental hits than this are not looked for: a hit would say nothing."""
_SHOWN = 5


def named_and_others(session: Session, rule: CashRule) -> int:
    """The receipt names some items; with other items of the customer's it comes to exactly its amount.

    Less than is named: credit notes were netted that the text does not name. More: items were paid that it does not
    name. With the discounts of the named items that were still allowed, or without.
    """
    cases.prepare(session, references.CLEANED)
    sure = f"relation >= {RELATED} AND gap <> 0 AND sign(rest) = sign(total) AND party IS NOT NULL"
    named = _named(session, sure)
    proposals = Proposals()
    for group in load(session, f"SELECT * FROM cases WHERE {sure}"):
        for receipt in group.receipts:
            _with_others(rule, group, receipt, named[receipt.receipt_id], proposals)
    return proposals.settle(session, rule.name, rule.decision)


def some_of_named(session: Session, rule: CashRule) -> int:
    """The receipt names an order with several items, and some of them come to exactly its amount.

    With the discounts that were still allowed, or without. Of equal items the oldest is paid first (§ 366 BGB; article
    560 of the Civil Code of the People's Republic of China), unless another open receipt of the payer may be for one.
    """
    cases.prepare(session, references.CLEANED)
    sure = f"NOT own AND items > 1 AND gap <> 0 AND relation >= {UNKNOWN} AND one_customer AND sign(rest) = 1"
    named = _named(session, sure)
    receipts = [
        Receipt(*row)
        for row in session.rows(
            "SELECT receipt_id, coalesce(party, ''), currency, rest, received_on FROM cases "
            f"WHERE {sure} ORDER BY received_on, receipt_id"
        )
    ]
    proposals = Proposals()
    taken: set[int] = set()
    waiting, usual = waiting_receipts(session), habits(session)
    theirs = {receipt.receipt_id: {item.item_id for item in named[receipt.receipt_id]} for receipt in receipts}
    settled: set[int] = set()
    for receipt in receipts:
        items = [item for item in named[receipt.receipt_id] if item.item_id not in taken]
        alike = [item for item in items if item.rest == receipt.rest]
        if not alike:
            taken |= _propose_sums(rule, receipt, items, proposals, "of_order")
            continue
        billed = [item for item in alike if is_billed(item, receipt)]
        others = [
            entry
            for entry in waiting.get((receipt.party, receipt.currency), [])
            if entry[1] not in settled | {receipt.receipt_id}
            and not (receipt.received_on and entry[0] and entry[0] > receipt.received_on and entry[1] in theirs)
            and 0 < receipt.rest <= entry[2] * 2
        ]
        certain = bool(receipt.party and billed and not others)
        evidence: dict[str, Any] = {"equal_items": len(billed or alike)}
        if certain:
            evidence["chosen"] = "oldest"
        possible = (
            billed[:1]
            if certain
            else likeliest(receipt, billed or alike, usual.get((receipt.party, receipt.currency)))[:_SHOWN]
        )
        for option, item in enumerate(possible, 1):
            proposals.add(receipt, [item], 850 if certain else 700, evidence, sure=certain, option=option)
        if certain:
            settled.add(receipt.receipt_id)
            taken.add(billed[0].item_id)
    return proposals.settle(session, rule.name, rule.decision)


def _named(session: Session, where: str) -> dict[int, list[Item]]:
    """What the receipts of cases name, oldest first."""
    found: dict[int, list[Item]] = {}
    for receipt_id, *item in session.rows(
        "SELECT n.receipt_id, n.item_id, n.item_rest, x.issued_on, x.due_on, n.deduction, "
        "x.discount_until + getvariable('grace_days')::INTEGER, x.number FROM named n JOIN item x USING (item_id) "
        f"SEMI JOIN (SELECT receipt_id FROM cases WHERE {where}) c ON c.receipt_id = n.receipt_id "
        "ORDER BY n.receipt_id, n.age, x.issued_on, x.number, n.item_id"
    ):
        found.setdefault(receipt_id, []).append(Item(*item))
    return found


def balance(session: Session, rule: CashRule) -> int:
    """Everything that was open when the receipt came in, all that was due by some day, or all of one month.

    Or all of that among what the payer usually pays by then: see ``subset_sum``.
    """
    usual = habits(session)

    def find(rule: CashRule, group: Group, receipt: Receipt, proposals: Proposals) -> None:
        _of_balance(rule, group, receipt, usual.get((receipt.party, receipt.currency)), proposals)

    return _for_unnamed(session, rule, find)


def subset_sum(session: Session, rule: CashRule) -> int:
    """Any set of up to ``largest`` items, with the discounts that were still allowed or without.

    Where only few of the items are due by when the payer usually pays, the accidental hits of sets of these count.
    """
    usual = habits(session)

    def find(rule: CashRule, group: Group, receipt: Receipt, proposals: Proposals) -> None:
        _of_sums(rule, group, receipt, usual.get((receipt.party, receipt.currency)), proposals)

    return _for_unnamed(session, rule, find)


def _for_unnamed(session: Session, rule: CashRule, find: Any) -> int:
    prepare_unnamed(session)
    proposals = Proposals()
    for group in load(session, "SELECT * FROM unnamed"):
        if len(group.items) > 1:
            for receipt in group.receipts:
                find(rule, group, receipt, proposals)
    return proposals.settle(session, rule.name, rule.decision)


def _with_others(rule: CashRule, group: Group, receipt: Receipt, named: list[Item], proposals: Proposals) -> None:
    if any(item.item_id in group.taken for item in named):
        return
    ours = {item.item_id for item in named}
    eligible = [item for item in group.eligible(receipt) if item.item_id not in ours]
    found = []
    for deducted in (False, True):
        gap = receipt.rest - sum(item.rest - (item.deduction(receipt) if deducted else 0) for item in named)
        others = [item for item in eligible if (item.rest > 0) == (gap > 0)]
        if not gap or not others or (deducted and not any(item.deduction(receipt) for item in named)):
            continue
        amounts = [item.rest for item in others]
        solutions = SubsetSums(amounts).find(gap, largest=rule.largest, most=_SHOWN).solutions
        if solutions:
            chances = Chance(amounts).expected(gap, rule.largest or 1)
            found += [
                (chances[one.size - 1], deducted, one, [others[place] for place in one.members]) for one in solutions
            ]
    found.sort(key=lambda entry: (entry[0], entry[1], entry[2]))
    several = len(found) > 1 or any(entry[2].ways > 1 for entry in found)
    for option, (chance, deducted, solution, members) in enumerate(found[:_SHOWN], 1):
        sure = not several and chance < (rule.chance or 0)
        evidence = {"named": len(named), "others": _numbers(members), **_odds(chance, len(found), solution)}
        differences = [(item.item_id, "discount", -item.deduction(receipt)) for item in named if deducted]
        score = 900 if sure else 680 if several else 860
        proposals.add(receipt, [*named, *members], score, evidence, sure=sure, option=option, differences=differences)
        if sure:
            group.taken.update(item.item_id for item in (*named, *members))


def _of_balance(rule: CashRule, group: Group, receipt: Receipt, habit: Habit | None, proposals: Proposals) -> None:
    items = group.eligible(receipt)
    fitting, chance = _whole(receipt, items)
    if habit and chance >= (rule.chance or 0) and len(fitting) <= 1:
        usually, less = _whole(receipt, habit.due_now(receipt, items, deducted=False))
        if usually and (not fitting or usually[0][0] == fitting[0][0]):
            fitting, chance = usually, less
    for option, (some, what) in enumerate(fitting[:_SHOWN], 1):
        others = {item.rest for item in items if item not in some}
        exchangeable = any(item.rest in others for item in some)
        sure = len(fitting) == 1 and not exchangeable and chance < (rule.chance or 0)
        evidence = {"set": what, "items": len(some), "chance": float(f"{chance:.1e}")}
        proposals.add(receipt, some, 820 if sure else 650, evidence, sure=sure, option=option)
        if sure:
            group.taken.update(item.item_id for item in some)


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


def _of_sums(rule: CashRule, group: Group, receipt: Receipt, habit: Habit | None, proposals: Proposals) -> None:
    items = group.eligible(receipt)
    if len(items) > 1:
        group.taken |= _propose_sums(rule, receipt, items, proposals, "of_customer", habit)


def _propose_sums(
    rule: CashRule,
    receipt: Receipt,
    items: list[Item],
    proposals: Proposals,
    among: str,
    habit: Habit | None = None,
) -> set[int]:
    """Propose the sets of items that come to the receipt; the items of the one that is sure.

    Sets of what the payer usually pays then are part of all sets, so that whichever of the two bounds holds, an
    accidental hit stays as unlikely as ``chance`` says.
    """
    ordered = among == "of_order"
    options = _payable(receipt, items, rule)
    if habit and len(options) == 1 and options[0][2] >= (rule.chance or 0):
        options = [_usually(receipt, items, habit, options[0])]
    if not options:
        return set()
    several = len(options) > 1 or options[0][1].ways > 1
    for option, (deducted, solution, chance) in enumerate(options[:_SHOWN], 1):
        if solution.size == 1 and not (ordered and deducted):
            continue  # one item of just that amount is for the rule about that
        sure = not several and chance < (rule.chance or 0)
        members = [items[place] for place in solution.members]
        evidence = {"sum": among, **_odds(chance, len(options), solution)}
        if not sure and solution.ways > 1:
            members = likely_set(receipt, members, items, habit, deducted=deducted)
            evidence["equal_amounts"] = "usual day first"
        evidence["items"] = _numbers(members)
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
        for solution in SubsetSums(amounts).find(receipt.rest, largest=largest, most=_SHOWN).solutions:
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


def _odds(chance: float, sets: int, solution: Solution) -> dict[str, Any]:
    """What the evidence says of how sure a set is, and of the other sets."""
    said: dict[str, Any] = {"chance": float(f"{chance:.1e}")}
    if sets > 1:
        said["other_sets"] = sets - 1
    if solution.ways > 1:
        said["equal_amounts"] = "oldest first"
    return said


def _numbers(items: Sequence[Item]) -> list[str]:
    return [item.number or str(item.item_id) for item in items]
