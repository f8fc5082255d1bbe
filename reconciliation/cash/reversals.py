"""Money that goes out again: chargebacks, returned debits and refunds, against what they take back.

A refund gives back what a receipt has too much; if no receipt has, it takes a payment back with all that it settled, so
that the items are open again. Refunds of credit notes are no reversals: they settle the credit note by the other rules.
"""

from __future__ import annotations

from reconciliation.cash import references
from reconciliation.cash.tables import settle
from reconciliation.session import Session
from settings.cash import CashRule


def reversal(session: Session, rule: CashRule) -> int:
    """A negative receipt takes back, within ``days``, an earlier one of the same payer that it equals or names.

    First what is unapplied of just that amount; then a payment of just that amount that settled what the text names, or
    that is the payer's only one if the text names nothing; then so much of the one item that it names. Of several
    payments of that amount the last, if they were for the same: for equal items of one order, nobody knows which.
    """
    touched = 0
    for step in (_unapplied, _whole, _part):
        _prepare(session, int(rule.days or 0))
        step(session)
        touched += settle(session, rule.name, rule.decision)
    return touched


def _prepare(session: Session, days: int) -> None:
    """``out``: what went out and is left; ``before``: earlier receipts of its payer; ``back``: what they settled."""
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE out AS
        SELECT r.receipt_id, s.rest, r.party, r.account, r.currency, r.received_on,
            r.receipt_id IN (SELECT receipt_id FROM hit WHERE level >= {references.CLEANED}) AS names
        FROM rest_receipt s JOIN receipt r USING (receipt_id) WHERE s.rest < 0;
        CREATE OR REPLACE TEMP TABLE before AS
        SELECT DISTINCT o.receipt_id, o.rest, o.names, p.receipt_id AS payment_id, p.gross, p.received_on
        FROM out o JOIN receipt p ON p.currency = o.currency AND p.gross > 0
            AND (p.party = o.party OR (p.account <> '' AND p.account = o.account))
            AND p.received_on <= o.received_on AND p.received_on + {days} >= o.received_on
        ANTI JOIN taken_back t ON t.payment_id = p.receipt_id;
        CREATE OR REPLACE TEMP TABLE back AS
        SELECT item_id, sum(applied)::BIGINT AS applied FROM application WHERE item_id IN (
            SELECT item_id FROM hit SEMI JOIN out USING (receipt_id)) GROUP BY ALL
        """
    )


def _unapplied(session: Session) -> None:
    """Refunds of what a receipt of the payer has too much, of just that amount: nothing is applied to any item.

    Where both name something it is the same: a payment that names another item may still find it.
    """
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE pair AS
        WITH named AS (SELECT DISTINCT receipt_id, item_id FROM hit WHERE level >= {references.CLEANED}),
        alike AS (
            SELECT b.receipt_id, b.payment_id FROM before b
            JOIN named o ON o.receipt_id = b.receipt_id
            JOIN named p ON p.receipt_id = b.payment_id AND p.item_id = o.item_id GROUP BY ALL
        )
        SELECT b.receipt_id, b.payment_id, b.rest FROM before b
        JOIN (FROM rest_receipt UNION ALL FROM kept_receipt) p ON p.receipt_id = b.payment_id
        WHERE p.rest = -b.rest AND (
            NOT b.names OR b.payment_id NOT IN (SELECT receipt_id FROM named)
            OR (b.receipt_id, b.payment_id) IN (SELECT (receipt_id, payment_id) FROM alike)
        )
        QUALIFY count(*) OVER (PARTITION BY b.receipt_id) = 1 AND count(*) OVER (PARTITION BY b.payment_id) = 1;
        INSERT INTO taken_back SELECT payment_id, receipt_id FROM pair;
        INSERT INTO proposed_difference BY NAME
            SELECT receipt_id, NULL::BIGINT AS item_id, 'refund' AS kind, rest AS amount FROM pair
            UNION ALL SELECT payment_id, NULL, 'refund', -rest FROM pair
        """
    )


def _whole(session: Session) -> None:
    """Payments taken back with everything that they settled, and with their discounts and other differences."""
    session.run(
        f"""
        CREATE OR REPLACE TEMP TABLE pair AS
        WITH settled AS (
            SELECT b.* FROM before b
            WHERE b.payment_id NOT IN (SELECT receipt_id FROM rest_receipt UNION SELECT receipt_id FROM kept_receipt)
                AND b.gross = -b.rest AND b.payment_id IN (SELECT receipt_id FROM application)
        ),
        paid AS (
            SELECT s.receipt_id, s.payment_id, list_sort(list(DISTINCT a.item_id)) AS items
            FROM settled s JOIN hit h ON h.receipt_id = s.receipt_id AND h.level >= {references.CLEANED}
            JOIN application a ON a.item_id = h.item_id AND a.receipt_id = s.payment_id
            WHERE s.names GROUP BY ALL
        ),
        named AS (
            SELECT s.* FROM settled s JOIN paid p USING (receipt_id, payment_id)
            QUALIFY row_number() OVER (PARTITION BY receipt_id ORDER BY s.received_on DESC, s.payment_id DESC) = 1
                AND min(p.items) OVER (PARTITION BY receipt_id) = max(p.items) OVER (PARTITION BY receipt_id)
        ),
        alone AS (
            SELECT * FROM settled WHERE NOT names QUALIFY count(*) OVER (PARTITION BY receipt_id) = 1
        ),
        either AS (SELECT * FROM named UNION ALL SELECT * FROM alone)
        SELECT receipt_id, payment_id, names FROM either QUALIFY count(*) OVER (PARTITION BY payment_id) = 1;
        INSERT INTO taken_back SELECT payment_id, receipt_id FROM pair;
        INSERT INTO proposal BY NAME
            SELECT p.receipt_id, a.item_id, -a.applied AS applied, -a.spent AS spent,
                CASE WHEN names THEN 980 ELSE 900 END AS score,
                '{{"takes_back":' || p.payment_id || ',"named":' || names || '}}' AS evidence
            FROM pair p JOIN application a ON a.receipt_id = p.payment_id;
        INSERT INTO proposed_difference BY NAME
            SELECT p.receipt_id, d.item_id, d.kind, -d.amount AS amount
            FROM pair p JOIN difference d ON d.receipt_id = p.payment_id
        """
    )


def _part(session: Session) -> None:
    """So much of the one item that the text names as was paid before, where it names no open credit note to pay out."""
    session.run(
        f"""
        INSERT INTO proposal BY NAME
        WITH found AS (
            SELECT o.receipt_id, o.rest, o.received_on, h.item_id, b.applied, b.applied = -o.rest AS whole
            FROM out o JOIN hit h USING (receipt_id) JOIN back b ON b.item_id = h.item_id
            JOIN item x ON x.item_id = h.item_id AND x.currency = o.currency
            LEFT JOIN payer p ON p.payer = o.party AND p.customer = x.party
            WHERE h.level >= {references.CLEANED} AND x.open > 0 AND b.applied >= -o.rest
              AND (p.payer IS NOT NULL OR o.party IS NULL)
              AND NOT EXISTS (SELECT 1 FROM hit c JOIN rest_item i USING (item_id)
                  WHERE c.receipt_id = o.receipt_id AND i.rest < 0)
        ),
        one AS (
            SELECT * FROM found QUALIFY count(*) OVER (PARTITION BY receipt_id) = 1
                OR whole AND count(*) FILTER (WHERE whole) OVER (PARTITION BY receipt_id) = 1
        )
        SELECT receipt_id, item_id, rest AS applied, rest AS spent, 940 AS score, '{{"takes_back":null,"named":true}}'
            AS evidence
        FROM one QUALIFY sum(-rest) OVER (PARTITION BY item_id ORDER BY received_on, receipt_id) <= applied
        """
    )
