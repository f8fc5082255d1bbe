"""Payments in their payout, and payouts at the bank: by reference, then by the bank's text with amount and day."""

from __future__ import annotations

from reconciliation import seen
from reconciliation.frame import Frame
from reconciliation.linking.pairing import COMMON, Pairs, is_number, pair, words
from reconciliation.linking.references import Hop, resolve

_TAKEN = """
    SELECT c.left_id AS record_id, 'bank' AS side FROM candidate c JOIN bank_key k ON k.record_id = c.right_id
    WHERE c.left_entity = 'payout' AND c.right_entity = 'payment' AND c.decision <> 'suggested'
    UNION ALL
    SELECT c.right_id, 'payout' FROM candidate c JOIN bank_key k ON k.record_id = c.right_id
    WHERE c.left_entity = 'payout' AND c.right_entity = 'payment' AND c.decision <> 'suggested'
"""
_PAIRS = Pairs("follows", ("payout", "payment"), _TAKEN)
_SIDES = "'payout' AS a_side, 'bank' AS b_side"


def payouts(frame: Frame) -> None:
    """Link payments to the payouts whose lines name them, and payouts to the bank's lines."""
    resolve(frame, Hop("payout", "payment_ref", "payment", lines="payout_lines"))
    _keys(frame)
    if frame.value("SELECT (SELECT count(*) FROM payout_key) * (SELECT count(*) FROM bank_key)"):
        _by_reference(frame)
        _by_text(frame)
        _by_amount(frame)


def _keys(frame: Frame) -> None:
    seen.mark_payouts(frame)
    bank = "concat_ws(' ', number, end_to_end_id, reference_text)"
    own = "concat_ws(' ', bank_reference, source_id, number)"
    frame.run(
        f"""
        CREATE OR REPLACE TABLE payout_key AS
            SELECT record_id, system, currency, abs(amount) AS amount, CASE WHEN amount < 0 THEN 'out' ELSE 'in' END
                AS direction, arrival_date AS day, {words(own)} AS words
            FROM payouts WHERE payments AND NOT deleted AND status IS DISTINCT FROM 'cancelled' AND amount <> 0;
        -- The statements' lines that nobody has said to be another system's payment.
        CREATE OR REPLACE TABLE bank_key AS
            SELECT record_id, currency, amount, coalesce(direction, 'in') AS direction, received_on AS day,
                {words(bank)} AS words
            FROM payments ANTI JOIN (SELECT left_id AS record_id FROM candidate WHERE left_entity = 'payment'
                AND kind = 'same_as' UNION SELECT right_id FROM candidate WHERE left_entity = 'payment'
                AND kind = 'same_as') c USING (record_id)
            WHERE bank AND NOT deleted AND status = 'received'
              AND (SELECT count(*) FROM payout_key) > 0;
        """
    )


def _by_reference(frame: Frame) -> None:
    """What names one payout alone; the bank's line may be of another amount, which is then a finding."""
    pair(
        frame,
        _PAIRS,
        "payout_reference",
        1000,
        f"""
        WITH named AS (
            FROM (SELECT record_id, unnest(words) AS ref FROM payout_key) WHERE {is_number("ref")}
            QUALIFY count(DISTINCT record_id) OVER (PARTITION BY ref) = 1
        ),
        shown AS (
            FROM (SELECT record_id, unnest(words) AS ref FROM bank_key)
            QUALIFY count(DISTINCT record_id) OVER (PARTITION BY ref) <= {COMMON}
        ),
        hits AS (
            SELECT a.*, b.record_id AS b_id, b.amount AS b_amount, b.currency AS b_currency, b.direction AS b_direction,
                b.day AS b_day, n.ref FROM named n JOIN shown s USING (ref)
            JOIN payout_key a ON a.record_id = n.record_id JOIN bank_key b ON b.record_id = s.record_id
        )
        SELECT record_id AS a_id, b_id, {_SIDES}, abs(b_day - day) AS days,
            amount = b_amount AND currency IS NOT DISTINCT FROM b_currency AND direction = b_direction
                OR count(*) OVER (PARTITION BY record_id) = 1 AND count(*) OVER (PARTITION BY b_id) = 1 AS equal,
            ref AS reference
        FROM hits
        """,
    )


def _near(extra: str, join: str = "") -> str:
    return f"""
        SELECT a.record_id AS a_id, b.record_id AS b_id, {_SIDES}, abs(b.day - a.day) AS days, true AS equal,
            {extra} AS reference
        FROM payout_key a JOIN bank_key b ON a.amount = b.amount AND a.currency = b.currency
            AND a.direction = b.direction AND abs(b.day - a.day) <= getvariable('same_payment_days') {join}
    """


def _by_text(frame: Frame) -> None:
    """The bank's text shows what statements show of this processor's payouts; amount and day agree."""
    like = "JOIN payout_like l ON l.record_id = b.record_id AND l.payout_system = a.system"
    pair(frame, _PAIRS, "payout_text", 900, _near("l.mark", like))


def _by_amount(frame: Frame) -> None:
    pair(frame, _PAIRS, "amount_and_day", 400, _near("NULL"), sure=False)
