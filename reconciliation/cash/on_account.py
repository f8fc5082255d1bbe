"""Payments on account: round sums that name nothing, from payers who pay nothing else."""

from __future__ import annotations

from reconciliation.cash.groups import Group, Proposals, load
from reconciliation.cash.unnamed import prepare_unnamed, waiting_receipts
from reconciliation.money import places
from reconciliation.session import Session
from settings.cash import CashRule

_ROUND = 100
"""Major units; of currencies without decimals ten times as many."""


def on_account(session: Session, rule: CashRule) -> int:
    """All that is open of a payer are at least ``payments`` round sums that name nothing: they pay the oldest debts.

    The law gives that order where the payer gives none: § 366 (2) BGB and article 560 of the Civil Code of the People's
    Republic of China. Not where credit notes are open, where most of the customer's items are round themselves, or
    where others have paid for him and nobody knows what.
    """
    prepare_unnamed(session)
    waiting = waiting_receipts(session)
    proposals = Proposals()
    for group in load(session, "SELECT * FROM unnamed"):
        first = group.receipts[0]
        unit = _ROUND * 10 ** (places(first.currency) or 1)
        known = {receipt.receipt_id for receipt in group.receipts}
        if (
            len(group.receipts) >= int(rule.payments or 1)
            and all(receipt.rest > 0 and receipt.rest % unit == 0 for receipt in group.receipts)
            and {entry[1] for entry in waiting.get((first.party, first.currency), [])} <= known
            and all(item.rest > 0 for item in group.items)
            and 2 * sum(item.rest % unit == 0 for item in group.items) <= len(group.items)
        ):
            _oldest_first(group, proposals)
    return proposals.settle(session, rule.name, rule.decision)


def _oldest_first(group: Group, proposals: Proposals) -> None:
    """Spend each receipt, in the order of the days, on the oldest items that were there."""
    left = {item.item_id: item.rest for item in group.items}
    for receipt in group.receipts:
        money, parts = receipt.rest, []
        for item in group.eligible(receipt):
            part = min(left[item.item_id], money)
            if part:
                parts.append(item._replace(rest=part))
                left[item.item_id] -= part
                money -= part
        if parts:
            evidence = {"chosen": "oldest first", "items": [part.number or str(part.item_id) for part in parts]}
            proposals.add(receipt, parts, 750, evidence, sure=True)
