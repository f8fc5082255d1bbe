"""Cash application from inputs to outputs: the rules in their order, each on what those before it left.

Pure in its inputs: the same items, receipts, rules and decisions give the same outputs, in whatever order they stand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from reconciliation.cash import currencies, readings, references, residue, tables
from reconciliation.cash.accounts import account
from reconciliation.cash.amounts import party_amount
from reconciliation.cash.currencies import currency
from reconciliation.cash.explained import discount, fee, rounding, surcharge, withholding_tax
from reconciliation.cash.instalments import instalment
from reconciliation.cash.months import period
from reconciliation.cash.named import overpayment, partial, reference
from reconciliation.cash.named_sets import named_and_others, some_of_named
from reconciliation.cash.on_account import on_account
from reconciliation.cash.pointers import ending, namesake
from reconciliation.cash.reversals import reversal
from reconciliation.cash.sets import balance, subset_sum
from reconciliation.cash.withheld import withheld
from reconciliation.session import Session
from settings.cash import CashRule, shipped

KINDS: dict[str, Callable[[Session, CashRule], int]] = {
    "reference": reference,
    "account": account,
    "rounding": rounding,
    "discount": discount,
    "fee": fee,
    "withholding_tax": withholding_tax,
    "withheld": withheld,
    "surcharge": surcharge,
    "credit_note": named_and_others,
    "some_of_named": some_of_named,
    "reversal": reversal,
    "currency": currency,
    "ending": ending,
    "namesake": namesake,
    "party_amount": party_amount,
    "instalment": instalment,
    "period": period,
    "partial": partial,
    "overpayment": overpayment,
    "balance": balance,
    "on_account": on_account,
    "subset_sum": subset_sum,
}
"""Kind of rule → what applies it; each returns how many receipts it settled."""

_ROUNDS = 3
_NO_DISCOUNT = -36500
"""Days of grace where no rule knows of discounts: none was ever in time."""


@dataclass(frozen=True, slots=True)
class Summary:
    """What one application came to."""

    receipts: int
    settled: int
    """Receipts of which nothing is left."""
    suggested: int
    """Receipts with suggestions."""
    by_rule: dict[str, int]
    """Rule → receipts that it settled, wholly or in part."""
    by_class: dict[str, int]
    """Class of what is left → receipts."""


def apply(session: Session, rules: Sequence[CashRule] | None = None, base_currency: str = "CNY") -> Summary:
    """Match ``receipts`` with ``open_items`` and make ``applications``, ``differences``, ``residue`` and ``gain``.

    For the inputs see ``reconciliation.cash.tables``; without ``rules`` those that are shipped. Amounts are minor
    units. ``applications``: receipt_id, item_id, applied (of the item, in its currency), spent (of the receipt, in
    its), rule, score (per mille), decision (auto, suggested, pinned), rank (1 is best), evidence (JSON).
    ``differences``: receipt_id, item_id, kind, amount, so that of each receipt amount = spent + differences + residue.
    Raises ``UnusableInputError``, and ``NotConservedError`` instead of giving out what does not add up.
    """
    wanted = [rule for rule in (shipped() if rules is None else rules) if rule.enabled]
    references.define(session)
    tables.prepare(session)
    currencies.prepare(session, base_currency)
    references.prepare(session)
    grace = next((rule.grace_days for rule in wanted if rule.kind == "discount"), None)
    session.run(f"SET VARIABLE grace_days = {_NO_DISCOUNT if grace is None else int(grace)}")
    tables.pin(session)
    for turn in range(_ROUNDS):
        settled = reopened = 0
        for place, rule in enumerate(wanted):
            if not session.value("SELECT count(*) FROM rest_receipt"):
                break
            touched = KINDS[rule.kind](session, rule)
            settled += touched
            if touched and rule.kind == "reversal":
                reopened += touched
                settled += _read_again(session, wanted[:place])
        if turn and not (settled and reopened):  # the second turn sees numbers that only the first one read
            break
    currencies.gains(session, base_currency)
    residue.suggest(session, wanted)
    residue.classify(session)
    tables.verify(session)
    return _give_out(session)


def _read_again(session: Session, before: Sequence[CashRule]) -> int:
    """Let what names an item that is open again go before what names nothing; how many receipts were settled."""
    readings.forget(session)
    return sum(reference(session, rule) for rule in before if rule.kind == "reference")


def _give_out(session: Session) -> Summary:
    session.run(
        """
        CREATE OR REPLACE TABLE applications AS
            SELECT receipt_id, item_id, applied, spent, rule, score, decision, 1::SMALLINT AS rank, evidence
            FROM application
            UNION ALL
            SELECT receipt_id, item_id, applied, spent, rule, score, 'suggested', rank, evidence FROM option_row;
        CREATE OR REPLACE TABLE differences AS SELECT receipt_id, item_id, kind, amount FROM difference;
        """
    )
    rows = dict(session.rows("SELECT rule, count(DISTINCT receipt_id) FROM application GROUP BY ALL ORDER BY ALL"))
    classes = dict(session.rows("SELECT class, count(*) FROM residue GROUP BY ALL ORDER BY ALL"))
    count: Any = session.value("SELECT count(*) FROM receipt")
    return Summary(
        receipts=count,
        settled=count - sum(classes.values()),
        suggested=session.value("SELECT count(DISTINCT receipt_id) FROM option_row"),
        by_rule=rows,
        by_class=classes,
    )
