"""Money that several systems have seen counts once: which payment stands for it, and whose references count.

The same payment may be in the accounting system, at the processor and on the bank's statement. Linked as the same they
are one cluster, and the first of them that was received stands for it: accounting, then payments, then bank. A bank's
line for a payout is no payment of a customer's at all.

``payment_seen``: record_id, counted_id (what stands for its cluster), speaker_id (whose invoices and orders count),
for payments in clusters only. ``payment_members``: the same for all payments. ``payout_receipt``: payout_id, payment_id
(the bank's line), payment_system. ``payout_like``: record_id, payout_system, mark: bank lines whose text shows what
statements show of payouts. ``payout_line_at_bank``: record_id of those that are taken for payouts.
``payment_left_out``: record_id of what no figure counts.
"""

from __future__ import annotations

from reconciliation.frame import Frame
from reconciliation.groups import components

TIER = "CASE WHEN {0}.accounting THEN 'accounting' WHEN {0}.payments THEN 'payments' WHEN {0}.bank THEN 'bank' END"
"""SQL: in which of its roles a system shows a payment, the first of them in which it may stand for others."""

_RANK = "CASE WHEN p.accounting THEN 0 WHEN p.payments THEN 1 ELSE 2 END"
MARK_LENGTH = 10
"""What ACH leaves of a descriptor (docs.stripe.com/payouts/statement-descriptors)."""
_SHORTEST_MARK = 5
_MOST_MARKS = 20
"""Marks that are looked for; a processor whose descriptor changes with each payout has none that says anything."""


def prepare(frame: Frame) -> None:
    """Make the tables from ``edges`` and ``twins``; does nothing the second time."""
    if "seen" in frame.stages:
        return
    frame.stages.add("seen")
    mark_payouts(frame)
    frame.run(
        """
        -- Which of the payments name a document that the books know.
        CREATE OR REPLACE TEMP TABLE naming AS
            SELECT right_id AS record_id FROM edges WHERE kind = 'follows' AND left_entity = 'order'
                AND right_entity = 'payment'
            UNION
            SELECT e.right_id FROM edges e JOIN invoices i ON i.record_id = e.left_id AND i.accounting
            WHERE e.kind = 'follows' AND e.left_entity = 'invoice' AND e.right_entity = 'payment';
        CREATE OR REPLACE TABLE payout_receipt AS
            SELECT e.payout_id, e.payment_id, p.system AS payment_system FROM (
                SELECT left_id AS payout_id, right_id AS payment_id FROM edges
                WHERE kind = 'follows' AND left_entity = 'payout' AND right_entity = 'payment'
                UNION
                SELECT right_id, left_id FROM edges
                WHERE kind = 'follows' AND left_entity = 'payment' AND right_entity = 'payout') e
            JOIN payments p ON p.record_id = e.payment_id JOIN payouts o ON o.record_id = e.payout_id
            WHERE p.system <> o.system AND p.bank;
        CREATE OR REPLACE TABLE payout_line_at_bank AS
            SELECT payment_id AS record_id FROM payout_receipt
            UNION
            SELECT DISTINCT l.record_id FROM payout_like l ANTI JOIN twins USING (record_id)
            ANTI JOIN naming USING (record_id);
        """
    )
    same = "SELECT left_id AS a, right_id AS b FROM edges WHERE kind = 'same_as' AND left_entity = 'payment'"
    components(frame, "payment_groups", same)
    frame.run(
        f"""
        -- Members in the order in which they stand for their cluster.
        CREATE OR REPLACE TEMP TABLE member AS
            SELECT g.group_id, p.record_id, p.unapplied_amount, n.record_id IS NOT NULL AS names_document,
                row_number() OVER (PARTITION BY g.group_id ORDER BY p.deleted, p.status IS DISTINCT FROM 'received',
                    {_RANK}, p.system, p.source_id) AS place
            FROM payment_groups g JOIN payments p ON p.record_id = g.id LEFT JOIN naming n ON n.record_id = g.id
            ANTI JOIN payout_line_at_bank b ON b.record_id = g.id
            WHERE p.accounting OR p.payments OR p.bank;
        -- A source that says what of its payment is applied is believed; else the first that names a document speaks.
        CREATE OR REPLACE TABLE payment_seen AS
        WITH counted AS (SELECT group_id, record_id, unapplied_amount FROM member WHERE place = 1),
        speaking AS (SELECT group_id, first(record_id ORDER BY place) AS record_id FROM member WHERE names_document
            GROUP BY ALL)
        SELECT m.record_id, c.record_id AS counted_id, CASE WHEN c.unapplied_amount IS NULL
            THEN coalesce(s.record_id, c.record_id) ELSE c.record_id END AS speaker_id
        FROM member m JOIN counted c USING (group_id) LEFT JOIN speaking s USING (group_id);
        CREATE OR REPLACE VIEW payment_members AS
            SELECT record_id, counted_id, speaker_id FROM payment_seen
            UNION ALL SELECT record_id, record_id, record_id FROM payments ANTI JOIN payment_seen USING (record_id);
        CREATE OR REPLACE TABLE payment_left_out AS
            SELECT record_id FROM payment_seen WHERE record_id <> counted_id
            UNION SELECT record_id FROM payout_line_at_bank;
        """
    )


def mark_payouts(frame: Frame) -> None:
    """Make ``payout_like``; does nothing the second time."""
    if "payout marks" in frame.stages:
        return
    frame.stages.add("payout marks")
    words = r"upper(trim(regexp_replace({0}, '[^\p{{L}}\p{{N}}]+', ' ', 'g')))"
    mark, shown = words.format("descriptor"), words.format("concat_ws(' ', reference_text, payer_name)")
    frame.run(
        f"""
        CREATE OR REPLACE TEMP TABLE payout_mark AS
            SELECT system, mark FROM (SELECT system, {mark} AS mark FROM payouts WHERE NOT deleted)
            WHERE length(mark) >= {_SHORTEST_MARK}
            GROUP BY ALL ORDER BY count(*) DESC, system, mark LIMIT {_MOST_MARKS};
        -- Whole words, or the part of a longer mark that banks leave of it.
        CREATE OR REPLACE TABLE payout_like AS
            SELECT record_id, m.system AS payout_system, m.mark FROM (
                SELECT record_id, ' ' || {shown} || ' ' AS shown
                FROM payments WHERE bank AND NOT deleted AND (SELECT count(*) FROM payout_mark) > 0) b
            JOIN payout_mark m ON contains(b.shown, ' ' || m.mark || ' ')
                OR (length(m.mark) > {MARK_LENGTH} AND contains(b.shown, ' ' || left(m.mark, {MARK_LENGTH})));
        """
    )
