"""An order is what the quote said, has one, and rests when it is cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import ACCEPTED, ENTERED


@check(
    "quote_order_lines",
    stage="order",
    department="sales_operations",
    severity="error",
    title=("Quote lines ≠ order lines", "报价明细与订单明细不一致"),
    fires=(
        (
            "an accepted quote and its order differ in currency or, per product, in quantity, unit price, "
            "discount, unit of measure or tax rate, or in the set of products; one finding per order, the "
            "differences are in its parameters"
        ),
        (
            "已接受的报价与订单的币种不同，或按产品的数量、单价、折扣、计量单位、税率不同，或产品不同；"
            "每个订单一个问题，差异在参数中"
        ),
    ),
    sentence=(
        "Order {orders} ({order_money}) is not what quote {quotes} ({quote_money}) says: {differences}.",
        "订单 {orders}（{order_money}）与报价单 {quotes}（{quote_money}）不一致：{differences}。",
    ),
    action=(
        "Ask sales which is right, then correct the order in the ERP or the quote in the CRM.",
        "请与销售确认以哪一方为准，然后更正 ERP 中的订单或 CRM 中的报价单。",
    ),
    needs="crm.quote erp.order",
)
def quote_order_lines(_: Mapping[str, Any]) -> str:
    """Currency, products, quantities and prices; quotes and orders that belong together are compared as a whole."""
    return f"""
        WITH pairs AS (
            SELECT DISTINCT coalesce(g.group_id, qo.quote_id) AS group_id, qo.quote_id, qo.order_id
            FROM quote_order qo
            JOIN quotes q ON q.record_id = qo.quote_id JOIN orders o ON o.record_id = qo.order_id
            LEFT JOIN quote_groups g ON g.id = qo.quote_id
            WHERE q.crm AND NOT q.deleted AND q.status IN {ACCEPTED} AND o.erp AND NOT o.deleted
              AND o.status IN {ENTERED}
        ),
        left_side AS (SELECT DISTINCT group_id, quote_id FROM pairs),
        right_side AS (SELECT DISTINCT group_id, order_id FROM pairs),
        heads AS (
            SELECT l.group_id, quote_net, order_net, quote_currency, order_currency,
                one_quoted AND one_ordered AND quote_currency IS NOT DISTINCT FROM order_currency AS same_currency
            FROM (SELECT s.group_id, sum(q.net_amount)::BIGINT AS quote_net, min(q.currency) AS quote_currency,
                      min(q.currency) IS NOT DISTINCT FROM max(q.currency) AS one_quoted
                  FROM left_side s JOIN quotes q ON q.record_id = s.quote_id GROUP BY ALL) l
            JOIN (SELECT s.group_id, sum(o.net_amount)::BIGINT AS order_net, min(o.currency) AS order_currency,
                      min(o.currency) IS NOT DISTINCT FROM max(o.currency) AS one_ordered
                  FROM right_side s JOIN orders o ON o.record_id = s.order_id GROUP BY ALL) r USING (group_id)
        ),
        quoted AS (
            SELECT group_id, key, sum(quantity) AS quantity, sum(value)::BIGINT AS value,
                min(price::DECIMAL(24,6)) AS low, max(price::DECIMAL(24,6)) AS high
            FROM left_side JOIN quote_items USING (quote_id) WHERE key IS NOT NULL GROUP BY ALL
        ),
        ordered AS (
            SELECT group_id, key, sum(quantity) AS quantity, sum(value)::BIGINT AS value,
                min(price::DECIMAL(24,6)) AS low, max(price::DECIMAL(24,6)) AS high
            FROM right_side JOIN order_items USING (order_id) WHERE key IS NOT NULL GROUP BY ALL
        ),
        comparable AS (
            SELECT group_id FROM quoted INTERSECT SELECT group_id FROM ordered
        ),
        compared AS (
            SELECT group_id, key, CASE
                    WHEN a.key IS NULL THEN struct_pack(what := 'added', sku := key, quoted := NULL::VARCHAR,
                        ordered := plain(b.quantity))
                    WHEN b.key IS NULL THEN struct_pack(what := 'missing', sku := key, quoted := plain(a.quantity),
                        ordered := NULL::VARCHAR)
                    WHEN a.quantity <> b.quantity THEN struct_pack(what := 'quantity', sku := key,
                        quoted := plain(a.quantity), ordered := plain(b.quantity))
                    WHEN (a.low <> b.low OR a.high <> b.high) AND NOT agree(a.value, b.value, h.order_currency) THEN
                        struct_pack(what := 'price', sku := key, quoted := plain(a.low),
                            ordered := plain(b.low))
                    END AS difference
            FROM quoted a FULL JOIN ordered b USING (group_id, key)
            JOIN heads h USING (group_id) SEMI JOIN comparable USING (group_id)
        ),
        differences AS (
            SELECT group_id, list(difference ORDER BY key) AS found FROM compared
            WHERE difference IS NOT NULL GROUP BY ALL
        )
        SELECT o.ids AS keys, list_concat(o.ids, q.ids) AS records,
            CASE WHEN same_currency THEN abs(h.order_net - h.quote_net) ELSE h.order_net END AS amount,
            h.order_currency AS currency, o.since,
            struct_pack(orders := o.labels, quotes := q.labels, order_money := h.order_net,
                quote_money := h.quote_net, quote_money_currency := h.quote_currency,
                differences_lines := list_concat(
                    CASE WHEN same_currency THEN [] ELSE [struct_pack(what := 'currency', sku := NULL::VARCHAR,
                        quoted := h.quote_currency, ordered := h.order_currency)] END,
                    coalesce(d.found, []))) AS params
        FROM heads h LEFT JOIN differences d USING (group_id),
        LATERAL (SELECT list(r.record_id ORDER BY r.record_id) AS ids, min(r.order_date) AS since,
                     list(label(r.number, NULL, r.source_id) ORDER BY r.record_id) AS labels
                 FROM right_side s JOIN orders r ON r.record_id = s.order_id WHERE s.group_id = h.group_id) o,
        LATERAL (SELECT list(r.record_id ORDER BY r.record_id) AS ids,
                     list(label(r.number, NULL, r.source_id) ORDER BY r.record_id) AS labels
                 FROM left_side s JOIN quotes r ON r.record_id = s.quote_id WHERE s.group_id = h.group_id) q
        WHERE NOT same_currency OR d.found IS NOT NULL
        """


@check(
    "order_without_quote",
    stage="order",
    department="sales_operations",
    severity="warning",
    title=("Order without quote", "订单无报价"),
    fires=(
        "a confirmed, running or completed ERP order follows from no quote",
        "已确认、执行中或已完成的 ERP 订单没有对应报价",
    ),
    silent=(
        "the order is cancelled, or its quote was deleted (`deleted_elsewhere`)",
        "订单已取消，或其报价已被删除（`deleted_elsewhere`）",
    ),
    sentence=(
        "Order {order} over {amount_money} of {ordered_on} follows from no quote.",
        "{ordered_on} 的订单 {order}（{amount_money}）没有对应的报价单。",
    ),
    action=(
        "Put the quote's number into the order's reference, or have sales confirm that the order needs none.",
        "请在订单的参考号中填写报价单号，或由销售确认该订单无需报价。",
    ),
    needs="crm.quote erp.order",
)
def order_without_quote(_: Mapping[str, Any]) -> str:
    """A confirmed, running or completed order; one whose quote was deleted has a finding of its own."""
    return """
        SELECT [record_id] AS keys, [record_id] AS records, net_amount AS amount, currency, order_date AS since,
            struct_pack("order" := label(number, NULL, source_id), amount_money := net_amount,
                ordered_on := order_date) AS params
        FROM orders o
        WHERE erp AND NOT deleted AND status IN ('confirmed', 'in_progress', 'completed')
          AND NOT EXISTS (FROM quote_order qo WHERE qo.order_id = o.record_id)
        """


@check(
    "order_cancelled_but_active",
    stage="order",
    department="sales_operations",
    severity="error",
    title=("Cancelled order still active", "订单已取消但仍有业务"),
    fires=(
        "a cancelled ERP order has a done delivery, a live invoice that is not fully credited, or a received payment",
        "ERP 订单已取消，但已发货、仍有未全额红冲的发票或已收款",
    ),
    sentence=(
        "Order {order} over {amount_money} is cancelled, yet it was {happened}.",
        "订单 {order}（{amount_money}）已取消，但仍{happened}。",
    ),
    action=(
        "Find out which is true: reinstate the order, or take the goods back, credit the invoice and return the money.",
        "请核实实际情况：恢复订单，或安排退货、红冲发票并退款。",
    ),
    needs="erp.order erp.delivery accounting.invoice",
)
def order_cancelled_but_active(_: Mapping[str, Any]) -> str:
    """Goods went out, an invoice stands that was not fully credited, or money came in and was not given back."""
    return """
        WITH related AS (
            SELECT od.order_id, d.record_id, 'delivered' AS what FROM order_delivery od
            JOIN deliveries d ON d.record_id = od.delivery_id WHERE NOT d.deleted AND d.status = 'delivered'
                AND coalesce(d.kind, 'outbound') <> 'return'
            UNION ALL
            SELECT ob.order_id, w.invoice_id, 'invoiced' FROM order_bill ob JOIN owed w USING (invoice_id)
            JOIN order_states s ON s.order_id = ob.order_id
            WHERE NOT w.is_credit AND (s.foreign_currency IS NOT NULL OR s.billed_gross > tolerance(s.billed_gross,
                s.currency))
            UNION ALL
            SELECT ob.order_id, t.payment_id, 'paid' FROM order_bill ob JOIN settlements t USING (invoice_id)
            JOIN order_states s ON s.order_id = ob.order_id
            WHERE NOT t.is_out AND s.settled > tolerance(s.settled, s.currency)
            UNION ALL
            SELECT op.order_id, m.payment_id, 'paid' FROM order_payment op JOIN money m USING (payment_id)
            WHERE m.unapplied > tolerance(m.amount, m.currency)
        )
        SELECT [o.record_id] AS keys, list_concat([o.record_id], list_sort(list_distinct(list(r.record_id))))
            AS records,
            o.net_amount AS amount, o.currency, o.order_date AS since,
            struct_pack("order" := label(o.number, NULL, o.source_id), amount_money := o.net_amount,
                happened_words := list_sort(list_distinct(list(r.what)))) AS params
        FROM orders o JOIN related r ON r.order_id = o.record_id
        WHERE o.erp AND NOT o.deleted AND o.status = 'cancelled'
        GROUP BY o.record_id, o.net_amount, o.currency, o.order_date, o.number, o.source_id
        """
