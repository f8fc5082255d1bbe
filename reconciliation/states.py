"""What each order's delivery, billing and payment come to: one table for checks, tie-outs, write-backs and traces.

``order_states`` has one row for each live ERP order: order_id, group ids, amounts in minor units of the order's
currency, ``delivery_state``, ``billing_state``, ``payment_state``. Orders that share a delivery or an invoice are
judged together: each has the state of its group.
"""

from __future__ import annotations

from reconciliation import hops, units, widths
from reconciliation.frame import Frame
from reconciliation.hops import RUNNING

_SERVICES = "('service', 'shipping', 'discount', 'fee', 'subscription')"


def prepare(frame: Frame) -> None:
    """Make the tables from the hops; does nothing the second time."""
    if "states" in frame.stages:
        return
    frame.stages.add("states")
    hops.prepare(frame)
    widths.define(frame)
    units.define(frame)
    _items(frame)
    _settlements(frame)
    _deliveries(frame)
    _bills(frame)
    _states(frame)


def _items(frame: Frame) -> None:
    """Lines with the key by which products are compared: the SKU, or the source's own product where it has none."""
    frame.run(
        """
        CREATE OR REPLACE TABLE product_keys AS
            SELECT system, 'id:' || source_id AS product_ref, min(sku_key(sku)) AS sku, min(kind) AS kind
            FROM products GROUP BY ALL;
        CREATE OR REPLACE TABLE sku_kinds AS
            SELECT system, sku_key(sku) AS sku, min(kind) AS kind FROM products
            WHERE sku_key(sku) IS NOT NULL GROUP BY ALL;
        """
    )
    value = "coalesce(l.net_amount, money_of(l.quantity, l.unit_price, l.discount_rate, r.currency))"
    tax = f"coalesce(l.tax_amount, round(({value})::DECIMAL(18,0) * l.tax_rate::DECIMAL(9,6)))::BIGINT"
    for entity, table in (("quote", "quotes"), ("order", "orders"), ("invoice", "invoices")):
        frame.run(
            f"""
            CREATE OR REPLACE TABLE {entity}_items AS
            SELECT l.record_id AS {entity}_id, l.line_no,
                coalesce(sku_key(l.sku), p.sku, l.product_ref) AS key, l.quantity,
                l.unit_price * (1 - coalesce(l.discount_rate, 0)) AS price, l.unit_price, l.discount_rate,
                {value} AS value, unit_code(l.unit) AS unit, {tax} AS tax,
                coalesce(k.kind, p.kind, 'goods') IN {_SERVICES} AS is_service
            FROM {entity}_lines l JOIN {table} r USING (record_id)
            LEFT JOIN product_keys p ON p.system = r.system AND p.product_ref = l.product_ref
            LEFT JOIN sku_kinds k ON k.system = r.system AND k.sku = sku_key(l.sku)
            """
        )


def _settlements(frame: Frame) -> None:
    """Which payment settles how much of which invoice or credit note; ``amount`` is negative where money went out."""
    frame.run(
        """
        CREATE OR REPLACE TABLE allocation AS
            SELECT ip.payment_id, ip.invoice_id, sum(a.amount) AS amount
            FROM invoice_payment ip JOIN invoices i ON i.record_id = ip.invoice_id
            JOIN payment_allocations a ON a.record_id = ip.speaker_id
            WHERE a.invoice_ref IN ('id:' || i.source_id, 'no:' || i.number, 'ext:' || i.source_id)
            GROUP BY ALL;
        CREATE OR REPLACE TABLE money AS
            SELECT p.record_id AS payment_id, p.system, p.currency, p.kind, p.party_ref, p.received_on,
                coalesce(p.direction, 'in') = 'out' AS is_out, coalesce(p.amount, 0) AS amount,
                CASE WHEN coalesce(p.direction, 'in') = 'in' THEN
                    coalesce(p.unapplied_amount, s.unapplied_amount, greatest(p.amount - coalesce(a.amount, 0), 0), 0)
                    ELSE 0 END AS unapplied
            FROM payments p ANTI JOIN payment_left_out USING (record_id)
            LEFT JOIN (SELECT m.counted_id, m.speaker_id, q.unapplied_amount FROM payment_seen m
                JOIN payments q ON q.record_id = m.speaker_id WHERE m.record_id = m.counted_id) s
                ON s.counted_id = p.record_id
            LEFT JOIN (SELECT record_id, sum(amount) AS amount FROM payment_allocations
                GROUP BY ALL) a ON a.record_id = coalesce(s.speaker_id, p.record_id)
            WHERE (p.accounting OR p.payments OR p.bank) AND NOT p.deleted AND p.status = 'received';
        CREATE OR REPLACE TABLE settlements AS
            SELECT m.payment_id, ip.invoice_id, m.currency, m.is_out,
                (CASE WHEN m.is_out THEN -1 ELSE 1 END) * coalesce(a.amount,
                    CASE WHEN count(*) OVER (PARTITION BY m.payment_id) = 1 THEN m.amount - m.unapplied END, 0)
                        AS amount
            FROM money m JOIN invoice_payment ip USING (payment_id)
            LEFT JOIN allocation a USING (payment_id, invoice_id);
        CREATE OR REPLACE TABLE invoice_settled AS
            SELECT s.invoice_id, sum(s.amount)::BIGINT AS settled,
                coalesce(sum(s.amount) FILTER (WHERE NOT s.is_out), 0)::BIGINT AS received
            FROM settlements s JOIN invoices i ON i.record_id = s.invoice_id
            WHERE s.currency IS NOT DISTINCT FROM i.currency
            GROUP BY ALL;
        CREATE OR REPLACE TABLE invoice_credited AS
            SELECT c.invoice_id, sum(n.gross)::BIGINT AS credited
            FROM credit_links c JOIN owed n ON n.invoice_id = c.credit_id JOIN invoices i ON i.record_id = c.invoice_id
            WHERE n.is_credit AND n.currency IS NOT DISTINCT FROM i.currency GROUP BY ALL;
        """
    )


def _deliveries(frame: Frame) -> None:
    frame.run(
        """
        CREATE OR REPLACE TABLE grouped_orders AS
            SELECT o.record_id AS order_id, o.system, o.status, o.currency, coalesce(o.net_amount, o.gross_amount,
                0) AS net,
                coalesce(o.gross_amount, o.net_amount, 0) AS gross, o.updated_on,
                coalesce(d.group_id, o.record_id) AS delivery_group, coalesce(b.group_id, o.record_id) AS billing_group
            FROM orders o
            LEFT JOIN delivery_groups d ON d.id = o.record_id LEFT JOIN billing_groups b ON b.id = o.record_id
            WHERE o.erp AND NOT o.deleted;
        CREATE OR REPLACE TABLE group_deliveries AS
            SELECT DISTINCT g.delivery_group, d.record_id AS delivery_id, d.status,
                CASE WHEN d.kind = 'return' THEN -1 ELSE 1 END AS sign, coalesce(d.delivered_on, d.shipped_on)
                    AS done_on
            FROM order_delivery od JOIN grouped_orders g USING (order_id)
            JOIN deliveries d ON d.record_id = od.delivery_id WHERE NOT d.deleted AND d.status <> 'cancelled';
        CREATE OR REPLACE TABLE delivered_keys AS
            SELECT gd.delivery_group, coalesce(sku_key(l.sku), p.sku, l.product_ref) AS key,
                sum(gd.sign * l.quantity) AS delivered
            FROM group_deliveries gd JOIN delivery_lines l ON l.record_id = gd.delivery_id
            JOIN deliveries d ON d.record_id = gd.delivery_id
            LEFT JOIN product_keys p ON p.system = d.system AND p.product_ref = l.product_ref
            WHERE gd.status = 'delivered' GROUP BY ALL;
        CREATE OR REPLACE TABLE ordered_keys AS
            SELECT g.delivery_group, i.key, sum(i.quantity) AS ordered, sum(i.value)::BIGINT AS value,
                min(g.currency) AS currency
            FROM grouped_orders g JOIN order_items i USING (order_id)
            WHERE i.key IS NOT NULL AND NOT i.is_service GROUP BY ALL;
        CREATE OR REPLACE TABLE delivery_lines_count AS
            SELECT delivery_group, count(*) AS deliveries, count(*) FILTER (WHERE status = 'delivered') AS done,
                max(done_on) FILTER (WHERE status = 'delivered') AS last_done_on
            FROM group_deliveries WHERE sign > 0 GROUP BY ALL;
        -- By quantity where there are goods on the order and lines on the deliveries, else by the documents.
        CREATE OR REPLACE TABLE delivery_states AS
            WITH by_key AS (
                SELECT o.delivery_group, bool_and(coalesce(d.delivered, 0) >= o.ordered) AS all_done,
                    bool_or(coalesce(d.delivered, 0) > 0) AS any_done,
                    sum(share(o.value, greatest(coalesce(d.delivered, 0), 0), o.ordered))::BIGINT AS delivered_value
                FROM ordered_keys o LEFT JOIN delivered_keys d USING (delivery_group, key) GROUP BY ALL
            ),
            with_lines AS (SELECT DISTINCT delivery_group FROM group_deliveries gd
                           SEMI JOIN delivery_lines l ON l.record_id = gd.delivery_id),
            by_order AS (
                SELECT delivery_group, bool_and(status = 'completed') AS completed,
                    max(updated_on) AS changed_on FROM grouped_orders GROUP BY ALL
            )
            SELECT o.delivery_group, c.last_done_on IS NOT NULL AS has_done,
                CASE WHEN k.delivery_group IS NOT NULL
                    AND (w.delivery_group IS NOT NULL OR c.delivery_group IS NULL) THEN
                        CASE WHEN k.all_done THEN 'delivered' WHEN k.any_done THEN 'partly_delivered'
                             ELSE 'not_delivered' END
                    WHEN c.deliveries IS NOT NULL THEN
                        CASE WHEN c.done = c.deliveries THEN 'delivered' WHEN c.done > 0 THEN 'partly_delivered'
                             ELSE 'not_delivered' END
                    WHEN o.completed THEN 'delivered' ELSE 'not_delivered' END AS delivery_state,
                coalesce(c.last_done_on, CASE WHEN o.completed THEN o.changed_on END) AS last_delivered_on,
                coalesce(k.delivered_value, 0) AS delivered_value
            FROM by_order o LEFT JOIN by_key k USING (delivery_group)
            LEFT JOIN delivery_lines_count c USING (delivery_group) LEFT JOIN with_lines w USING (delivery_group)
        """
    )


def _bills(frame: Frame) -> None:
    frame.run(
        f"""
        CREATE OR REPLACE TABLE group_bills AS
            SELECT DISTINCT g.billing_group, w.* FROM order_bill ob
            JOIN grouped_orders g USING (order_id) JOIN owed w USING (invoice_id);
        CREATE OR REPLACE TABLE billed AS
            SELECT b.billing_group, b.currency, sum(b.sign * b.net)::BIGINT AS net, sum(b.sign * b.gross)::BIGINT
                AS gross,
                count(*) FILTER (WHERE NOT b.is_credit) AS invoices, sum(coalesce(s.settled, 0))::BIGINT AS settled,
                sum(coalesce(s.received, 0))::BIGINT AS received,
                bool_and(b.status = 'paid') FILTER (WHERE NOT b.is_credit) AS all_paid
            FROM group_bills b LEFT JOIN invoice_settled s USING (invoice_id) GROUP BY ALL;
        CREATE OR REPLACE TABLE ordered AS
            SELECT billing_group, currency,
                coalesce(sum(net) FILTER (WHERE status IN {RUNNING}), sum(net))::BIGINT AS net,
                coalesce(sum(gross) FILTER (WHERE status IN {RUNNING}), sum(gross))::BIGINT AS gross
            FROM grouped_orders GROUP BY ALL;
        CREATE OR REPLACE TABLE foreign_bills AS
            SELECT b.billing_group, any_value(b.currency ORDER BY b.currency) AS currency, bool_and(b.all_paid)
                AS all_paid,
                sum(b.received) > 0 AS any_paid
            FROM billed b ANTI JOIN ordered o
                ON o.billing_group = b.billing_group AND o.currency IS NOT DISTINCT FROM b.currency
            WHERE b.invoices > 0 GROUP BY ALL;
        -- Money that names the order and settles no invoice (yet).
        CREATE OR REPLACE TABLE loose AS
            SELECT g.billing_group, m.currency, sum(m.unapplied)::BIGINT AS amount
            FROM (SELECT DISTINCT billing_group, payment_id FROM order_payment JOIN grouped_orders USING (order_id)) g
            JOIN money m USING (payment_id) WHERE m.unapplied > 0 GROUP BY ALL;
        """
    )


def _states(frame: Frame) -> None:
    frame.run(
        """
        CREATE OR REPLACE TABLE order_states AS
        WITH sums AS (
            SELECT g.*, o.net AS group_net, o.gross AS group_gross, coalesce(b.net, 0) AS billed_net,
                coalesce(b.gross, 0) AS billed_gross, coalesce(b.invoices, 0) AS invoices,
                coalesce(b.settled, 0) AS settled, coalesce(b.received, 0) AS received, coalesce(l.amount, 0) AS loose,
                f.currency AS foreign_currency, f.all_paid AS foreign_all_paid, coalesce(f.any_paid, false)
                    AS foreign_any_paid
            FROM grouped_orders g
            JOIN ordered o ON o.billing_group = g.billing_group AND o.currency IS NOT DISTINCT FROM g.currency
            LEFT JOIN billed b ON b.billing_group = g.billing_group AND b.currency IS NOT DISTINCT FROM g.currency
            LEFT JOIN loose l ON l.billing_group = g.billing_group AND l.currency IS NOT DISTINCT FROM g.currency
            LEFT JOIN foreign_bills f ON f.billing_group = g.billing_group
        ),
        billing AS (
            SELECT *, CASE
                WHEN invoices = 0 AND foreign_currency IS NULL THEN 'not_invoiced'
                WHEN foreign_currency IS NOT NULL AND invoices = 0 THEN 'partly_invoiced'
                WHEN billed_net > group_net AND NOT agree(billed_net, group_net, currency) THEN 'over_invoiced'
                WHEN agree(billed_net, group_net, currency) THEN 'invoiced'
                WHEN billed_net <= 0 THEN 'not_invoiced'
                ELSE 'partly_invoiced' END AS billing_state
            FROM sums
        ),
        due AS (
            SELECT *, CASE WHEN billing_state IN ('invoiced', 'over_invoiced') THEN billed_gross
                ELSE group_gross END AS due
            FROM billing
        )
        SELECT due.*, d.delivery_state, d.last_delivered_on, d.delivered_value, d.has_done, CASE
            WHEN foreign_currency IS NOT NULL AND invoices = 0 THEN
                CASE WHEN foreign_all_paid THEN 'paid' WHEN foreign_any_paid THEN 'partly_paid' ELSE 'unpaid' END
            WHEN settled + loose <= 0 THEN CASE WHEN received > 0 THEN 'refunded' ELSE 'unpaid' END
            WHEN agree(settled + loose, due, currency) THEN 'paid'
            WHEN settled + loose > due THEN 'overpaid'
            ELSE 'partly_paid' END AS payment_state
        FROM due JOIN delivery_states d USING (delivery_group)
        """
    )
