"""One payment in several systems: by what a source keeps of another's key, by id, by a reference with amount and day.

Only systems of different roles are compared (accounting, payments, bank), and each payment is one in each of them.
Amount, currency and day alone are never enough.
"""

from __future__ import annotations

from reconciliation import seen
from reconciliation.frame import Frame
from reconciliation.linking import candidates
from reconciliation.linking.pairing import COMMON, Pairs, bare, is_reference, pair, words
from reconciliation.linking.references import Hop, resolve

_TAKEN = """
    SELECT c.left_id AS record_id, k.tier AS side FROM candidate c JOIN money_key k ON k.record_id = c.right_id
    WHERE c.kind = 'same_as' AND c.left_entity = 'payment' AND c.decision <> 'suggested'
    UNION
    SELECT c.right_id, k.tier FROM candidate c JOIN money_key k ON k.record_id = c.left_id
    WHERE c.kind = 'same_as' AND c.left_entity = 'payment' AND c.decision <> 'suggested'
"""
_PAIRS = Pairs("same_as", ("payment", "payment"), _TAKEN)
_ID_LENGTH = 8
"""A shorter id of a source's own is a number like any other."""
_SAME = "a.tier < b.tier AND a.amount = b.amount AND a.currency = b.currency AND a.direction = b.direction"
_HIT = "a.record_id AS a_id, b.record_id AS b_id, a.tier AS a_side, b.tier AS b_side, abs(a.day - b.day) AS days"


def payments(frame: Frame) -> None:
    """Link payments of systems of different roles, after documents and payouts are linked."""
    resolve(frame, Hop("payment", "external_ref", "payment", "same_as"))
    tiers = f"SELECT count(DISTINCT {seen.TIER.format('systems')}) FROM systems"
    if frame.value(f"{tiers} WHERE system IN (SELECT DISTINCT system FROM payments)") < 2:
        return
    _keys(frame)
    _by_end_to_end_id(frame)
    _by_id(frame)
    _by_reference(frame)
    _by_amount(frame)


def _keys(frame: Frame) -> None:
    """What is left when payouts are found: ``money_key``, and the references of each in ``money_ref``."""
    text = "concat_ws(' ', p.number, p.end_to_end_id, p.reference_text)"
    frame.run(
        f"""
        CREATE OR REPLACE TABLE money_key AS
            SELECT p.record_id, {seen.TIER.format("p")} AS tier, coalesce(p.direction, 'in') AS direction, p.currency,
                p.amount, p.received_on AS day, p.end_to_end_id, p.source_id, {words(text)} AS words
            FROM payments p
            ANTI JOIN (SELECT c.right_id AS record_id FROM candidate c JOIN payments x ON x.record_id = c.right_id
                JOIN payouts o ON o.record_id = c.left_id WHERE c.left_entity = 'payout'
                AND c.right_entity = 'payment' AND c.decision <> 'suggested' AND o.system <> x.system) t
                USING (record_id)
            WHERE (p.accounting OR p.payments OR p.bank) AND NOT p.deleted AND p.amount IS NOT NULL
              AND p.status IN ('received', 'pending', 'authorised');
        CREATE OR REPLACE TABLE money_ref AS
            SELECT record_id, ref FROM (
                SELECT record_id, ref FROM (SELECT record_id, unnest(words) AS ref FROM money_key)
                WHERE {is_reference("ref")}
                UNION
                -- A document that both settle, and its number, whoever writes it into a text.
                SELECT c.right_id, unnest([c.left_entity || ':' || c.left_id, {bare("d.number")}])
                FROM candidate c JOIN (SELECT record_id, number FROM invoices UNION ALL
                    SELECT record_id, number FROM orders) d ON d.record_id = c.left_id
                WHERE c.kind = 'follows' AND c.left_entity IN ('invoice', 'order') AND c.right_entity = 'payment'
                  AND c.decision <> 'suggested')
            JOIN money_key USING (record_id)
            WHERE ref IS NOT NULL
              AND ltrim(ref, '0') NOT IN (amount::VARCHAR, (amount // minor_units(currency))::VARCHAR)
            QUALIFY count(*) OVER (PARTITION BY tier, ref) <= {COMMON};
        """
    )


def _by_end_to_end_id(frame: Frame) -> None:
    """The payer's own id, which every bank on the way passes on."""
    pair(
        frame,
        _PAIRS,
        "end_to_end_id",
        1000,
        f"""
        WITH keyed AS (SELECT *, upper(trim(end_to_end_id)) AS ref FROM money_key WHERE length(trim(end_to_end_id)) > 3
            QUALIFY count(*) OVER (PARTITION BY tier, upper(trim(end_to_end_id))) <= {COMMON})
        SELECT {_HIT}, a.amount = b.amount AND a.currency = b.currency AS equal, a.ref AS reference
        FROM keyed a JOIN keyed b ON a.ref = b.ref AND a.tier < b.tier AND a.direction = b.direction
        """,
    )


def _by_id(frame: Frame) -> None:
    """One of them shows the other's id in its own system: however late it was entered there."""
    pair(
        frame,
        _PAIRS,
        "reference",
        1000,
        f"""
        WITH own AS (
            FROM (SELECT record_id, {bare("source_id")} AS ref FROM money_key)
            WHERE length(ref) >= {_ID_LENGTH} AND regexp_matches(ref, '[0-9]')
        ),
        shown AS (SELECT o.record_id AS of_id, r.record_id AS by_id, ref FROM own o
            JOIN (SELECT record_id, unnest(words) AS ref FROM money_key) r USING (ref)),
        ends AS (SELECT of_id AS x, by_id AS y, ref FROM shown UNION SELECT by_id, of_id, ref FROM shown)
        SELECT {_HIT}, a.amount = b.amount AND a.currency = b.currency AS equal, ref AS reference
        FROM ends JOIN money_key a ON a.record_id = x JOIN money_key b ON b.record_id = y
        WHERE a.tier < b.tier AND a.direction = b.direction
        """,
    )


def _by_reference(frame: Frame) -> None:
    """A reference in both texts, or a document that both settle; amount, currency and day agree."""
    pair(
        frame,
        _PAIRS,
        "reference_text",
        950,
        f"""
        WITH a AS (SELECT k.*, r.ref FROM money_ref r JOIN money_key k USING (record_id))
        SELECT {_HIT}, true AS equal, a.ref AS reference
        FROM a JOIN a AS b ON a.ref = b.ref AND {_SAME} AND abs(a.day - b.day) <= getvariable('same_payment_days')
        """,
    )


def _by_amount(frame: Frame) -> None:
    """Only suggested, and only where few payments come into question: equal amounts are common."""
    most = candidates.MOST_SUGGESTIONS
    pair(
        frame,
        _PAIRS,
        "amount_and_day",
        400,
        f"""
        WITH placed AS (
            SELECT *, (day - DATE '2000-01-01') // (getvariable('same_payment_days') + 1) AS span FROM money_key
            ANTI JOIN (SELECT left_id AS record_id FROM candidate WHERE left_entity = 'payment' AND kind = 'same_as'
                UNION SELECT right_id FROM candidate WHERE left_entity = 'payment' AND kind = 'same_as') x
                USING (record_id)
            WHERE day IS NOT NULL
            QUALIFY count(*) OVER (PARTITION BY tier, direction, currency, amount, span) <= {most}
        ),
        spread AS (SELECT *, unnest([span - 1, span, span + 1]) AS near FROM placed)
        SELECT {_HIT}, true AS equal, NULL AS reference
        FROM placed a JOIN spread b ON {_SAME} AND a.span = b.near
            AND abs(a.day - b.day) <= getvariable('same_payment_days')
        WHERE 'accounting' IN (a.tier, b.tier)
        """,
        sure=False,
    )
