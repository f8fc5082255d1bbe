"""An order has a quote, and rests when it is cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check


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
        SELECT [record_id] AS keys, [record_id] AS records, worth AS amount, currency, order_date AS since,
            struct_pack("order" := label(number, NULL, source_id), amount_money := worth,
                ordered_on := order_date) AS params
        FROM (SELECT *, coalesce(net_amount, gross_amount) AS worth FROM orders) o
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
        "ERP 订单已取消，但已交付、仍有未全额红冲的发票或已收款",
    ),
    sentence=(
        "Order {order} over {amount_money} is cancelled, yet it was {happened}.",
        "订单 {order}（{amount_money}）已取消，但仍{happened}。",
    ),
    action=(
        "Find out which is true: reinstate the order, or take back goods that were delivered, credit what was invoiced "
        "and return what was paid.",
        "请核实实际情况：恢复订单，或对已交付的货物安排退货、对已开的发票红冲、对已收的款项退款。",
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
