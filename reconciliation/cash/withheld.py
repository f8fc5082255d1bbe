"""Rule for receipts of payers who withhold a tax from every payment, that name no item or several of one order.

What a payer always withholds is known from his other payments; then an amount less just that names its item as well as
the whole amount would.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from itertools import product

from reconciliation.cash import cases, limits
from reconciliation.cash.amounts import Around, arounds, doubt_of
from reconciliation.cash.cases import RELATED
from reconciliation.cash.groups import Group, Item, Proposals, Receipt, load
from reconciliation.cash.habits import likeliest
from reconciliation.cash.months import month_of
from reconciliation.cash.named_sets import named_items
from reconciliation.cash.references import CLEANED
from reconciliation.session import Session
from settings.cash import CashRule

_SELDOM = 4
"""One in so many whole payments without it is no exception any more."""
_UNNAMED = 5
"""Payments that name nothing, over as many amounts, which only a share that is withheld explains, make it a habit."""
_SHOWN = 5


def withheld(session: Session, rule: CashRule) -> int:
    """One item comes to the receipt less the share that its payer withholds from every payment, to the tolerance.

    The share (``rates`` of the gross amount or of that before sales ``taxes``) is known from at least ``payments``
    payments that name what they pay, and from nearly all of them; or from more that name nothing and fit one item each.
    Not sure where an item has the whole amount, or less its discount, where several fit, or where other sets of items
    less that share come to it (``doubt``); nor where the text has a number that nobody could read, or the last digits
    of another item.
    """
    of, proposals = arounds(session), Proposals()
    named = "NOT own AND items > 1 AND gap < 0 AND rest > 0"
    shares = _known(session, rule)
    for group in load(session, "FROM unnamed"):
        payer = (group.receipts[0].party, group.receipts[0].currency)
        tolerance = limits.minor(rule.tolerance or {}, payer[1])
        share = shares.get(payer) or _guessed(group, rule, tolerance)
        if share:
            for receipt in group.receipts:
                _one(rule, group, receipt, group.eligible(receipt), share, tolerance, of(group), proposals)
    cases.prepare(session, CLEANED)
    theirs = named_items(session, named)
    for group in load(session, f"SELECT * FROM cases WHERE {named} AND relation >= {RELATED} AND party IS NOT NULL"):
        payer = (group.receipts[0].party, group.receipts[0].currency)
        tolerance = limits.minor(rule.tolerance or {}, payer[1])
        for receipt in group.receipts:
            if payer in shares:
                ours = {item.item_id for item in theirs[receipt.receipt_id]}
                items = [item for item in group.eligible(receipt) if item.item_id in ours]
                _one(rule, group, receipt, items, shares[payer], tolerance, of(group), proposals)
    return proposals.settle(session, rule.name, rule.decision)


def _one(
    rule: CashRule,
    group: Group,
    receipt: Receipt,
    items: list[Item],
    share: Fraction,
    tolerance: int,
    around: Around,
    proposals: Proposals,
) -> None:
    """Propose the item of which the share is missing."""
    if any(receipt.rest in (item.rest, item.rest - item.deduction(receipt)) for item in items):
        return
    texts = around.texts()
    signs, months = texts.signs, texts.months.get(receipt.receipt_id)
    fitting = [
        item
        for item in items
        if item.rest > 0
        and abs(_less(item.rest, share) - receipt.rest) <= tolerance
        and (not months or month_of(item) in months)
    ]
    if not fitting:
        return
    pointed = signs.pointed.get(receipt.receipt_id, set())
    less = [item._replace(rest=_less(item.rest, share)) for item in items]
    doubt = doubt_of(receipt._replace(rest=_less(fitting[0].rest, share)), less, fitting)
    sure = (
        len(fitting) == 1
        and doubt < (rule.doubt or 0)
        and fitting[0].item_id not in signs.named | signs.ordered
        and pointed <= {fitting[0].item_id}
        and fitting[0].ends_with(signs.digits.get(receipt.receipt_id, ""))
        and receipt.receipt_id not in signs.unread | signs.settled
    )
    evidence = {"withheld": f"{float(100 * share):.4g} %", "doubt": float(f"{doubt:.1e}")}
    if len(fitting) > 1:
        evidence |= {"equal_items": len(fitting)}
    for option, item in enumerate(likeliest(receipt, fitting, around.habit)[:_SHOWN], 1):
        differences = [(item.item_id, "withholding_tax", receipt.rest - item.rest)]
        proposals.add(
            receipt, [item], 840 if sure else 690, evidence, sure=sure, option=option, differences=differences
        )
    if sure:
        group.taken.add(fitting[0].item_id)


def _less(amount: int, share: Fraction) -> int:
    return amount - (2 * amount * share.numerator + share.denominator) // (2 * share.denominator)


def _shares(rule: CashRule) -> list[Fraction]:
    """What may be withheld of a gross amount, each once, the largest rates last."""
    found = (
        Fraction(rate) / (1 + Fraction(tax)) for rate, tax in product(rule.rates or (), rule.taxes or (Decimal(0),))
    )
    return list(dict.fromkeys(found))


def _known(session: Session, rule: CashRule) -> dict[tuple[str, str], Fraction]:
    """Payer and currency → the share that nearly all of his payments lacked so far."""
    rows = session.rows(
        """
        WITH withheld AS (
            SELECT receipt_id, item_id, sum(amount) AS amount FROM difference
            WHERE kind = 'withholding_tax' GROUP BY ALL
        )
        SELECT r.party, r.currency, r.receipt_id, x.open, coalesce(w.amount, 0)::BIGINT
        FROM application a JOIN receipt r USING (receipt_id) JOIN item x ON x.item_id = a.item_id
        LEFT JOIN withheld w ON w.receipt_id = a.receipt_id AND w.item_id = a.item_id
        WHERE r.party IS NOT NULL AND a.applied > 0 AND a.applied = x.open
          AND r.party IN (SELECT party FROM receipt SEMI JOIN withheld USING (receipt_id))
        ORDER BY ALL
        """
    )
    lacking: dict[tuple[str, str], Counter[Fraction]] = {}
    whole: Counter[tuple[str, str]] = Counter()
    shares = _shares(rule)
    for party, currency, _, amount, missing in rows:
        payer, tolerance = (party, currency), limits.minor(rule.tolerance or {}, currency)
        if not missing:
            whole[payer] += 1
        fitting = [share for share in shares if abs(amount - _less(amount, share) + missing) <= tolerance]
        lacking.setdefault(payer, Counter()).update(fitting if missing else ())
    found = {}
    for payer, counts in lacking.items():
        share, times = max(counts.items(), key=lambda entry: (entry[1], entry[0]), default=(Fraction(0), 0))
        if times >= int(rule.payments or 1) and whole[payer] * _SELDOM <= times:
            found[payer] = share
    return found


def _guessed(group: Group, rule: CashRule, tolerance: int) -> Fraction | None:
    """The share that would explain most of a payer's receipts that name nothing, if no other nearly does."""
    receipts = [receipt for receipt in group.receipts if receipt.rest > 0]
    if len(receipts) < _UNNAMED:
        return None
    counts = {share: _explained(receipts, group.items, share, tolerance) for share in _shares(rule)}
    most = max(counts, key=lambda share: (counts[share], share), default=None)
    if most is None or counts[most] < max(_UNNAMED, len(receipts) // 2):
        return None
    others = (times for share, times in counts.items() if share != most)
    return most if 2 * max(others, default=0) <= counts[most] else None


def _explained(receipts: Sequence[Receipt], items: Sequence[Item], share: Fraction, tolerance: int) -> int:
    """How many different amounts of receipts one item less the share comes to."""
    less = {
        _less(item.rest, share) + off for item in items if item.rest > 0 for off in range(-tolerance, tolerance + 1)
    }
    return len({receipt.rest for receipt in receipts} & less)
