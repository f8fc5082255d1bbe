"""Rules for receipts that name what they pay over another amount, where something explains all of the difference.

The limit of each is on what is left over, never on the whole amount. Where the terms allowed a discount and no more
than the discounted amount came in, the discount is taken off first; the other rules explain what is still missing.
"""

from __future__ import annotations

from decimal import Decimal

from reconciliation.cash import cases, limits, references
from reconciliation.cash.cases import OTHER, RELATED, SAME, UNKNOWN
from reconciliation.cash.named import SCORE
from reconciliation.cash.tables import settle
from reconciliation.session import Session
from settings.cash import CashRule

_FEE = "FEE|CHARGE|SPESEN|GEBÜHR|GEBUEHR|FRAIS|COMISI|COMMISSION|手续费|费用|扣费"
_TAX = "WITHH|WHT|TDS|QUELLENSTEUER|ABZUGSTEUER|RETENCI|RITENUT|RETENUE|预提|代扣|扣税|源泉"
_KNOWN = f"(relation >= {RELATED} OR relation = {UNKNOWN} AND level = {references.EXACT} AND one_customer)"
"""The payer pays for the customer, or nobody knows him and the numbers are exact."""
_TO_THE_CENT = f"relation = {OTHER} AND own AND level = {references.EXACT} AND deducted > 0 AND explanation.gap = 0"
"""Another customer names the exact numbers, and all that is missing is the discount that their terms allow."""
_NETTED = "SELECT receipt_id FROM named WHERE item_rest < 0 AND NOT own"
"""With a credit note taken off of which the text names only the order."""
_TIMES = "CASE WHEN payer IS NULL THEN 1 ELSE count(*) OVER (PARTITION BY {0}) END"
"""How often something comes back with a payer; what those have in common of whom nobody knows the name is no habit."""
_UNSURE_SURCHARGE = 295
"""Taken from the score of a surcharge that nothing says: it comes behind other items that come to just the amount."""
_SURCHARGE = "INTEREST|ZINS|MAHN|LATE FEE|SURCHARGE|ZUSCHLAG|INTÉRÊT|INTERET|INTERES|INTERESSI|利息|滞纳|附加"


def discount(session: Session, rule: CashRule) -> int:
    """What is missing is the early-payment discount of the items' terms, within the tolerance for each item.

    Paid in time; with ``grace_days`` up to so many days late. Later than that, it is a suggestion, and where something
    is left over besides a credit note of which the text names only the order: that may be a discount that is over. A
    damaged number is enough: it is read only where the item less its discount is the amount.
    """
    tolerance = limits.sql(rule.tolerance or {}, "currency")
    return _both_ways(
        session,
        rule,
        f"""
        SELECT receipt_id, discount > 0 AND abs(gap + discount) <= {tolerance} * items AS allowed,
            allowed AND (gap + discount = 0 OR receipt_id NOT IN ({_NETTED})) AS sure,
            CASE WHEN allowed THEN discount ELSE discount + late_discount END AS deducted, gap + deducted AS gap
        FROM cases WHERE gap < 0 AND total > 0 AND (discount > 0 AND abs(gap + discount) <= {tolerance} * items
            OR late_discount > 0 AND abs(gap + discount + late_discount) <= {tolerance} * items)
        """,
        references.DAMAGED,
    )


def rounding(session: Session, rule: CashRule) -> int:
    """What is left over is within the tolerance and a small share of the whole: a rounding difference.

    It is a suggestion where another item of the payer's explains the amount to the minor unit, and where a credit note
    is taken off of which the text names only the order: a part of an invoice may be about as much by accident.
    """
    tolerance = limits.sql(rule.tolerance or {}, "currency")
    return _both_ways(
        session,
        rule,
        f"""
        SELECT receipt_id, receipt_id NOT IN (FROM rival) AND receipt_id NOT IN ({_NETTED}) AS sure,
            CASE WHEN abs(gap) <= abs(gap + discount) THEN 0 ELSE discount END AS deducted,
            gap + deducted AS gap
        FROM cases WHERE gap <> 0 AND least(abs(gap), abs(gap + discount)) <= {tolerance}
            AND least(abs(gap), abs(gap + discount)) <= floor(abs(total) * {_share(rule)})
        """,
        references.WEAK,
    )


def withholding_tax(session: Session, rule: CashRule) -> int:
    """What is missing is a rate that customers withhold, of the gross amount or of the amount before a sales tax.

    ``rates`` are the rates, ``taxes`` the sales taxes that may be in the gross amount. The text says so, or the payer
    withholds by the same rate in at least ``payments`` payments.
    """
    _prepare(session)
    taxes = rule.taxes or [Decimal(0)]
    combinations = ", ".join(
        f"({rate}::DECIMAL(9,6), {tax}::DECIMAL(9,6))" for rate in rule.rates or () for tax in taxes
    )
    if not combinations:
        return 0
    return _explain(
        session,
        rule,
        f"""
        WITH short AS (
            SELECT c.*, r.text, unnest([0, c.discount]) AS deducted FROM cases c JOIN receipt r USING (receipt_id)
            WHERE c.gap < 0 AND c.total > 0
        ),
        fitting AS (
            SELECT receipt_id, gap + deducted AS gap, deducted, payer, s.currency, w.rate, w.tax,
                regexp_matches(s.text, '{_TAX}') AS said
            FROM short s CROSS JOIN (VALUES {combinations}) w(rate, tax)
            WHERE gap + deducted < 0 AND abs(gap + deducted + round(total * w.rate / (1 + w.tax))::BIGINT)
                <= {limits.sql(rule.tolerance or {}, "s.currency")}
        ),
        often AS (
            SELECT payer, currency, rate, tax FROM fitting GROUP BY ALL
            HAVING count(DISTINCT receipt_id) >= {int(rule.payments or 1)}
        )
        SELECT receipt_id, said OR o.rate IS NOT NULL AS sure, deducted, gap
        FROM fitting f LEFT JOIN often o
            ON o.payer = f.payer AND o.currency = f.currency AND o.rate = f.rate AND o.tax = f.tax
        QUALIFY row_number() OVER (PARTITION BY receipt_id ORDER BY sure DESC, f.deducted, f.tax, f.rate) = 1
        """,
        "withholding_tax",
        20,
    )


def fee(session: Session, rule: CashRule) -> int:
    """A little is missing: at most ``most`` and ``share``, or by the same share in at least ``payments`` payments.

    It is a fee that a bank or a factor kept if the text says so or the payer's payments lack the same amount or share
    again, else a short payment whose reason nobody knows. Not where another item of the payer has just that amount. The
    last digits of a number are enough for a little of one item of the payer's own. Of several items it is a little of
    the smallest as well, or a fee below it: else that one, or a part of it, may be left. A suggestion where the text
    lists more numbers than were read: a small credit note would be missing as well; and where an earlier receipt of the
    payer is open over just what the one item that is named comes to: that number was paid then, and is wrong here.
    """
    _prepare(session)
    references.listed(session)
    cases.rivals(session, "gap < 0")
    cases.paid_by_another(session)
    limit = limits.sql(rule.most or {}, "s.currency")
    again = int(rule.payments or 1)
    return _explain(
        session,
        rule,
        f"""
        WITH short AS (
            SELECT receipt_id, gap + deducted AS gap, deducted, total, level, relation, own, items, said, smallest,
                {_TIMES.format("payer, s.currency, gap + deducted")} AS times,
                {_TIMES.format("payer, s.currency, round((gap + deducted) * -1000 / (total - deducted), 1)")}
                    AS rate_times,
                -(gap + deducted) <= {limit} AND -(gap + deducted) <= floor(total * {_share(rule)}) AS little
            FROM (
                SELECT c.*, CASE WHEN c.gap + c.discount <= 0 THEN c.discount ELSE 0 END AS deducted,
                    regexp_matches(r.text, '{_FEE}') AS said
                FROM cases c JOIN receipt r USING (receipt_id) ANTI JOIN rival v ON v.receipt_id = c.receipt_id
                WHERE c.gap < 0 AND c.total > 0
            ) s
        )
        SELECT receipt_id,
            CASE WHEN said OR times >= {again} OR rate_times >= {again} THEN 'fee' ELSE 'short_payment' END AS kind,
            coalesce(members, 1) <= items AND receipt_id NOT IN (FROM paid_by_another)
                AND (items = 1 OR -gap < smallest AND (kind = 'fee' OR -gap <= floor(smallest * {_share(rule)})))
                AND (level >= {references.CLEANED} AND (little AND relation >= {RELATED} AND (own OR items = 1)
                OR rate_times >= {again} AND -gap <= floor(total * {_share(rule)}))
                OR little AND relation = {SAME} AND own AND items = 1) AS sure, deducted, gap
        FROM short LEFT JOIN listing USING (receipt_id)
        WHERE little OR rate_times >= {again} AND -gap <= floor(total * {_share(rule)})
        """,
        "fee",
        20,
        strangers=True,
    )


def surcharge(session: Session, rule: CashRule) -> int:
    """What came in beyond the items is interest or a surcharge: the text says so, or it comes back with each payment.

    The same amount, or the same share of the items to a thousandth, at most ``share`` of them. Where the text names
    orders only, it has to say so: of an order's items others may be meant; and no credit note of an order is taken off,
    without which less would be left over.
    """
    _prepare(session)
    again = int(rule.payments or 1)
    return _explain(
        session,
        rule,
        f"""
        SELECT receipt_id, 0 AS deducted, gap,
            level >= {references.CLEANED} AND receipt_id NOT IN ({_NETTED})
                AND (said OR own AND (times >= {again} OR rate > 0 AND rate_times >= {again})) AS sure
        FROM (
            SELECT c.receipt_id, c.gap, c.level, c.own, regexp_matches(r.text, '{_SURCHARGE}') AS said,
                c.gap * 1000 // c.total AS rate,
                {_TIMES.format("payer, c.currency, c.gap")} AS times,
                {_TIMES.format("payer, c.currency, round(c.gap * 1000 / c.total)")} AS rate_times
            FROM cases c JOIN receipt r USING (receipt_id)
            WHERE c.gap > 0 AND c.total > 0 AND c.gap <= floor(c.total * {_share(rule)}))
        """,
        "surcharge",
        20,
        unsure=_UNSURE_SURCHARGE,
    )


def _prepare(session: Session) -> None:
    cases.prepare(session, references.WEAK)


def _both_ways(session: Session, rule: CashRule, found: str, least: int) -> int:
    """Explain with rounding what is read best, down to the level ``least``, then with all that a receipt may name."""
    touched = 0
    for mixed in (False, True):
        if mixed and not cases.mixes(session, least):
            continue
        cases.prepare(session, least, mixed=mixed)
        cases.rivals(session, "gap <> 0")
        touched += _explain(session, rule, found, "rounding", 5)
    return touched


def _share(rule: CashRule) -> str:
    return f"{rule.share if rule.share is not None else Decimal(1):f}"


def _explain(
    session: Session,
    rule: CashRule,
    found: str,
    kind: str,
    less: int,
    *,
    strangers: bool = False,
    unsure: int = 150,
) -> int:
    """Settle what ``found`` (receipt_id, sure, deducted, gap, kind if it varies; SQL over ``cases``) is sure of.

    The rest is suggested. ``deducted`` is put down as discounts of the items, ``gap`` as a difference of the kind;
    ``less`` is taken from the score, and ``unsure`` of what is suggested. With ``strangers`` what is sure may be paid
    by somebody else.
    """
    session.run(f"CREATE OR REPLACE TEMP TABLE explanation AS {found}")
    if not session.value("SELECT count(*) FROM explanation"):
        return 0
    relation = "true" if strangers else f"({_KNOWN} OR {_TO_THE_CENT})"
    cases.first_come(
        session,
        "SELECT receipt_id FROM explanation JOIN cases USING (receipt_id) "
        f"WHERE sure AND {relation} AND sign(rest) = sign(total)",
    )
    _propose(session, kind, f"{SCORE} - {less}", strangers)
    touched = settle(session, rule.name, rule.decision)
    session.run(
        """
        CREATE OR REPLACE TEMP TABLE accepted AS
        SELECT receipt_id FROM explanation SEMI JOIN rest_receipt USING (receipt_id) JOIN cases USING (receipt_id)
        WHERE sign(cases.rest) = sign(total)
        """
    )
    _propose(session, kind, f"{SCORE} - {unsure}", strangers)
    settle(session, rule.name, "suggest")
    return touched


def _propose(session: Session, kind: str, score: str, varies: bool) -> None:
    session.run(
        f"""
        INSERT INTO proposed_difference BY NAME
        SELECT receipt_id, CASE WHEN c.items = 1 THEN c.item_id END AS item_id,
            {"e.kind" if varies else f"'{kind}'"} AS kind, e.gap AS amount
        FROM accepted JOIN explanation e USING (receipt_id) JOIN cases c USING (receipt_id) WHERE e.gap <> 0
        UNION ALL
        SELECT receipt_id, n.item_id, 'discount', -n.deduction
        FROM accepted JOIN explanation e USING (receipt_id) JOIN cases c USING (receipt_id)
        JOIN named n USING (receipt_id)
        WHERE e.deducted > 0 AND n.deduction > 0 AND (n.in_time OR e.deducted > c.discount)
        """
    )
    cases.propose_whole(session, score)
