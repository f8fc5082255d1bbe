"""The hops of the chain as narrow tables of record ids, and which documents belong together."""

from __future__ import annotations

from reconciliation import seen
from reconciliation.frame import Frame
from reconciliation.groups import components, shared

_PAIRS = (
    ("lead", "opportunity"),
    ("opportunity", "quote"),
    ("quote", "order"),
    ("order", "delivery"),
    ("order", "invoice"),
    ("payment", "payout"),
)

# Orders are judged by what was agreed, not by what is on paper only.
RUNNING = "('confirmed', 'on_hold', 'in_progress', 'completed')"
ENTERED = "('submitted', 'confirmed', 'on_hold', 'in_progress', 'completed')"
ACCEPTED = "('accepted', 'ordered')"
OWED = "('issued', 'partly_paid', 'disputed', 'paid', 'written_off')"
"""An invoice that was sent out and stands; a reversed one stands together with the credit note that reversed it."""


def prepare(frame: Frame) -> None:
    """Make the tables of hops and groups from ``links``; does nothing the second time."""
    if "hops" in frame.stages:
        return
    frame.stages.add("hops")
    frame.run(
        """
        CREATE OR REPLACE VIEW edges AS SELECT * FROM links WHERE decision IN ('auto', 'confirmed');
        CREATE OR REPLACE TABLE credit_links AS
            SELECT left_id AS invoice_id, right_id AS credit_id FROM edges
            WHERE kind = 'follows' AND left_entity = 'invoice' AND right_entity = 'invoice';
        CREATE OR REPLACE TABLE twins AS
            SELECT left_id AS record_id, right_id AS twin_id, left_entity AS entity FROM edges WHERE kind = 'same_as'
            UNION ALL
            SELECT right_id, left_id, left_entity FROM edges WHERE kind = 'same_as';
        """
    )
    for left, right in _PAIRS:
        frame.run(
            f"""
            CREATE OR REPLACE TABLE {left}_{right} AS
                SELECT left_id AS {left}_id, right_id AS {right}_id FROM edges
                WHERE kind = 'follows' AND left_entity = '{left}' AND right_entity = '{right}'
            """
        )
    seen.prepare(frame)
    for left in ("order", "invoice"):
        frame.run(
            f"""
            -- Of what several systems have seen, one payment stands here, with the documents that one of them names.
            CREATE OR REPLACE TABLE {left}_payment AS
                SELECT DISTINCT e.left_id AS {left}_id, m.counted_id AS payment_id, e.right_id AS speaker_id
                FROM edges e JOIN payment_members m ON m.record_id = e.right_id AND m.speaker_id = e.right_id
                ANTI JOIN payout_line_at_bank b ON b.record_id = e.right_id
                WHERE e.kind = 'follows' AND e.left_entity = '{left}' AND e.right_entity = 'payment'
            """
        )
    frame.run(
        f"""
        -- Through its quotes, or directly.
        CREATE OR REPLACE TABLE opportunity_order AS
            SELECT left_id AS opportunity_id, right_id AS order_id FROM edges
            WHERE kind = 'follows' AND left_entity = 'opportunity' AND right_entity = 'order'
            UNION
            SELECT oq.opportunity_id, qo.order_id FROM opportunity_quote oq JOIN quote_order qo USING (quote_id)
            JOIN quotes q ON q.record_id = oq.quote_id WHERE NOT q.deleted;
        -- Invoices, and the credit notes that correct them.
        CREATE OR REPLACE TABLE order_bill AS
            SELECT order_id, invoice_id FROM order_invoice
            UNION
            SELECT oi.order_id, c.credit_id FROM order_invoice oi JOIN credit_links c USING (invoice_id);
        CREATE OR REPLACE TABLE owed AS
            SELECT i.record_id AS invoice_id, i.system, i.currency, i.kind = 'credit_note' AS is_credit,
                CASE WHEN i.kind = 'credit_note' THEN -1 ELSE 1 END AS sign,
                coalesce(i.net_amount, i.gross_amount, 0) AS net, coalesce(i.gross_amount, i.net_amount, 0) AS gross,
                i.status, i.party_ref, i.issue_date, i.number
            FROM invoices i
            WHERE i.accounting AND NOT i.deleted AND coalesce(i.kind, 'invoice') <> 'proforma'
              AND (i.status IN {OWED}
                   OR (i.status = 'reversed' AND (i.kind = 'credit_note' OR EXISTS (
                       FROM credit_links c JOIN invoices n ON n.record_id = c.credit_id
                       WHERE c.invoice_id = i.record_id AND NOT n.deleted AND n.status IN {OWED}))));
        """
    )
    components(frame, "quote_groups", shared("quote_order", "quote_id", "order_id"))
    components(frame, "delivery_groups", shared("order_delivery", "order_id", "delivery_id"))
    components(frame, "billing_groups", shared("order_bill", "order_id", "invoice_id"))
    paid_together = shared("invoice_payment", "invoice_id", "payment_id")
    both = f"{paid_together} UNION ALL SELECT invoice_id, credit_id FROM credit_links"
    components(frame, "settlement_groups", both)
