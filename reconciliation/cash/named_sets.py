"""Rules for receipts that name something and come to a set of items: the named ones with others, some of an order's.

A sum proves nothing by itself: see ``reconciliation.cash.sets``.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Any

from reconciliation.cash import cases, references
from reconciliation.cash.cases import RELATED, UNKNOWN
from reconciliation.cash.chance import Chance
from reconciliation.cash.groups import Group, Item, Proposals, Receipt, is_billed, load
from reconciliation.cash.habits import habits, likeliest
from reconciliation.cash.sets import SHOWN, numbers, odds, propose_sums
from reconciliation.cash.subsets import SubsetSums
from reconciliation.cash.unnamed import waiting_receipts
from reconciliation.session import Session
from settings.cash import CashRule


def named_and_others(session: Session, rule: CashRule) -> int:
    """The receipt names some items; with other items of the customer's it comes to exactly its amount.

    Less than is named: credit notes were netted that the text does not name. More: items were paid that it does not
    name. With the discounts that were still allowed, or without. What is not named was issued by then; and where an
    item that is not named by its number has an equal, nobody knows which of them is meant.
    """
    cases.prepare(session, references.CLEANED)
    sure = f"relation >= {RELATED} AND gap <> 0 AND sign(rest) = sign(total) AND party IS NOT NULL"
    named = named_items(session, sure)
    sure_of: dict[int, set[int]] = {}
    for receipt_id, item_id in session.rows("SELECT receipt_id, item_id FROM named WHERE own"):
        sure_of.setdefault(receipt_id, set()).add(item_id)
    proposals = Proposals()
    for group in load(session, f"SELECT * FROM cases WHERE {sure}"):
        for receipt in group.receipts:
            theirs = sure_of.get(receipt.receipt_id, set())
            _with_others(rule, group, receipt, named[receipt.receipt_id], theirs, proposals)
    return proposals.settle(session, rule.name, rule.decision)


def some_of_named(session: Session, rule: CashRule) -> int:
    """The receipt names an order with several items, and some of them come to exactly its amount.

    With the discounts that were still allowed, or without. Of equal items the oldest is paid first (§ 366 BGB; article
    560 of the Civil Code of the People's Republic of China), unless another open receipt of the payer may be for one.
    Not sure where the text names several orders and the customer owes an older item that equals one of the set: one of
    the numbers may be wrong.
    """
    cases.prepare(session, references.CLEANED)
    sure = f"NOT own AND items > 1 AND gap <> 0 AND relation >= {UNKNOWN} AND one_customer AND sign(rest) = 1"
    named = named_items(session, sure)
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
    older = _older_equals(session)

    def may_be_older(members: Sequence[Item]) -> bool:
        return any(item.item_id in older for item in members)

    for receipt in receipts:
        items = [item for item in named[receipt.receipt_id] if item.item_id not in taken]
        alike = [item for item in items if item.rest == receipt.rest]
        if not alike:
            taken |= propose_sums(rule, receipt, items, proposals, "of_order", has_equal=may_be_older)
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
            else likeliest(receipt, billed or alike, usual.get((receipt.party, receipt.currency)))[:SHOWN]
        )
        for option, item in enumerate(possible, 1):
            proposals.add(receipt, [item], 850 if certain else 700, evidence, sure=certain, option=option)
        if certain:
            settled.add(receipt.receipt_id)
            taken.add(billed[0].item_id)
    return proposals.settle(session, rule.name, rule.decision)


def _older_equals(session: Session) -> set[int]:
    """Named items of receipts that name several orders where the customer owes an older one of the amount."""
    rows = session.rows(
        """
        WITH orders AS (
            SELECT n.receipt_id FROM named n JOIN item_key k ON k.item_id = n.item_id AND NOT k.own
            JOIN token t ON t.receipt_id = n.receipt_id AND ends_with(k.key, t.key) GROUP BY n.receipt_id
            HAVING count(DISTINCT k.key) > 1
        )
        SELECT DISTINCT n.item_id FROM named n SEMI JOIN orders o ON o.receipt_id = n.receipt_id
        JOIN item x ON x.item_id = n.item_id JOIN item y ON y.party = x.party AND y.currency = x.currency
            AND y.item_id <> x.item_id AND y.issued_on < x.issued_on
        JOIN rest_item i ON i.item_id = y.item_id AND i.rest = n.item_rest
        ANTI JOIN named m ON m.receipt_id = n.receipt_id AND m.item_id = y.item_id
        WHERE NOT n.own
        """
    )
    return {row[0] for row in rows}


def named_items(session: Session, where: str) -> dict[int, list[Item]]:
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


def _has_equal(some: Sequence[Item], items: Sequence[Item], sure_of: Set[int]) -> bool:
    """Whether an item outside a set equals one of it that the text does not name by its number."""
    ours = {item.item_id for item in some}
    amounts = {item.rest for item in some if item.item_id not in sure_of}
    return any(item.rest in amounts for item in items if item.item_id not in ours)


def _with_others(
    rule: CashRule, group: Group, receipt: Receipt, named: list[Item], sure_of: Set[int], proposals: Proposals
) -> None:
    if any(item.item_id in group.taken for item in named):
        return
    ours = {item.item_id for item in named}
    eligible = [
        item
        for item in group.eligible(receipt)
        if item.item_id not in ours
        and (item.issued_on is None or receipt.received_on is None or item.issued_on <= receipt.received_on)
    ]
    found = []
    for deducted in (False, True):
        off = {item.item_id: item.deduction(receipt) if deducted else 0 for item in (*named, *eligible)}
        gap = receipt.rest - sum(item.rest - off[item.item_id] for item in named)
        others = [item for item in eligible if (item.rest > 0) == (gap > 0)]
        if not gap or not others or (deducted and not any(off.values())):
            continue
        amounts = [item.rest - off[item.item_id] for item in others]
        solutions = SubsetSums(amounts).find(gap, largest=rule.largest, most=SHOWN).solutions
        if solutions:
            chances = Chance(amounts).expected(gap, rule.largest or 1)
            for one in solutions:
                members = [others[place] for place in one.members]
                if not deducted or any(off[item.item_id] for item in (*named, *members)):
                    found.append((chances[one.size - 1], deducted, one, members))
    found.sort(key=lambda entry: (entry[0], entry[1], entry[2]))
    several = len(found) > 1 or any(entry[2].ways > 1 for entry in found)
    for option, (chance, deducted, solution, members) in enumerate(found[:SHOWN], 1):
        sure = not several and chance < (rule.chance or 0) and not _has_equal([*named, *members], eligible, sure_of)
        evidence = {"named": len(named), "others": numbers(members), **odds(chance, len(found), solution)}
        differences = [(item.item_id, "discount", -item.deduction(receipt)) for item in (*named, *members) if deducted]
        score = 900 if sure else 710 if several else 860
        proposals.add(receipt, [*named, *members], score, evidence, sure=sure, option=option, differences=differences)
        if sure:
            group.taken.update(item.item_id for item in (*named, *members))
