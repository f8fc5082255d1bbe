"""What was delivered is billed: once, completely, in the agreed currency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check


@check(
    "order_delivered_not_invoiced",
    stage="billing",
    department="finance",
    severity="error",
    title=("Delivered, not invoiced", "已交付未开票"),
    fires=(
        "an order's last delivery was {days} or more ago, it is fully delivered, and no live invoice is linked",
        "订单最后一次交付已满 {days} 天且已全部交付，但没有有效发票",
    ),
    silent=(
        "the order is cancelled",
        "订单已取消",
    ),
    sentence=(
        "Order {order} over {amount_money} was fully delivered by {delivered_on}; no invoice bills it.",
        "订单 {order}（{amount_money}）已于 {delivered_on} 全部交付，但尚未开票。",
    ),
    action=("Issue the invoice with the order's number as its reference.", "请开具发票，并在参考号中填写订单号。"),
    needs="erp.order erp.delivery accounting.invoice",
    days=5,
)
def order_delivered_not_invoiced(parameters: Mapping[str, Any]) -> str:
    """Fully delivered some days ago, and no live invoice."""
    return f"""
        SELECT [s.order_id] AS keys, list_concat([s.order_id], coalesce(d.ids, [])) AS records, s.net AS amount,
            s.currency,
            s.last_delivered_on AS since,
            struct_pack("order" := label(o.number, NULL, o.source_id), amount_money := s.net,
                delivered_on := s.last_delivered_on) AS params
        FROM order_states s JOIN orders o ON o.record_id = s.order_id
        LEFT JOIN (SELECT delivery_group, list(delivery_id ORDER BY delivery_id) AS ids FROM group_deliveries
                   WHERE status = 'delivered' GROUP BY ALL) d USING (delivery_group)
        WHERE s.status IN ('confirmed', 'on_hold', 'in_progress', 'completed') AND s.delivery_state = 'delivered'
          AND s.invoices = 0 AND s.foreign_currency IS NULL
          AND getvariable('today') - s.last_delivered_on >= {int(parameters["days"])}
        """


@check(
    "invoice_duplicate",
    stage="billing",
    department="finance",
    severity="error",
    title=("Duplicate invoice", "重复开票"),
    fires=(
        (
            "two live invoices of one customer in one system bill the same orders with the same gross "
            "amount, and together more than was ordered"
        ),
        "同一系统中同一客户的两张有效发票对相同订单开具相同含税金额，且合计超过订单金额",
    ),
    sentence=(
        "Invoices {invoices} bill order {orders} {count} times with {amount_each_money} each.",
        "发票 {invoices} 对订单 {orders} 重复开具 {count} 次，每张 {amount_each_money}。",
    ),
    action=(
        "Void or credit all but one of them, and tell the customer which one is to be paid.",
        "请仅保留一张，其余作废或红冲，并告知客户应付的发票。",
    ),
    needs="erp.order accounting.invoice",
)
def invoice_duplicate(_: Mapping[str, Any]) -> str:
    """Same party, orders, currency and gross amount, and together they bill more than the orders."""
    return """
        WITH bill AS (
            SELECT w.invoice_id, w.system, w.party_ref, w.currency, w.gross, w.issue_date, w.number,
                list_sort(list(DISTINCT oi.order_id)) AS order_ids, any_value(s.group_net) AS ordered,
                any_value(s.billed_net) AS billed,
                list_sort(list(DISTINCT label(o.number, NULL, o.source_id))) AS orders
            FROM owed w JOIN order_invoice oi USING (invoice_id) JOIN order_states s USING (order_id)
            JOIN orders o ON o.record_id = oi.order_id
            WHERE NOT w.is_credit AND w.status <> 'reversed' AND s.status <> 'cancelled'
              AND s.currency IS NOT DISTINCT FROM w.currency
            GROUP BY ALL
        )
        SELECT [first(invoice_id ORDER BY issue_date, invoice_id)] AS keys,
            list_concat(list(invoice_id ORDER BY issue_date, invoice_id), order_ids) AS records,
            (gross * (count(*) - 1))::BIGINT AS amount, currency,
            list_sort(list(issue_date))[2] AS since,
            struct_pack(invoices := list(number ORDER BY issue_date, invoice_id), orders := orders, count := count(*),
                amount_each_money := gross) AS params
        FROM bill
        WHERE billed > ordered AND NOT agree(billed, ordered, currency)
        GROUP BY system, party_ref, currency, gross, order_ids, orders HAVING count(*) > 1
        """


@check(
    "order_invoice_amount",
    stage="billing",
    department="finance",
    severity="error",
    title=("Order ≠ invoiced amount", "订单金额与开票金额不一致"),
    fires=(
        (
            "a fully delivered order's invoices, less credit notes, differ from its net amount, or the "
            "currency does; orders without any are `order_delivered_not_invoiced`"
        ),
        (
            "已全部交付订单的发票（扣除红字发票）与订单不含税金额或币种不一致；完全未开票的见 "
            "`order_delivered_not_invoiced`"
        ),
    ),
    silent=(
        "one of the invoices is an `invoice_duplicate`",
        "其中有发票属于 `invoice_duplicate`",
    ),
    sentence=(
        "Order {order} comes to {ordered_money} net and is delivered; {billed_money} net were invoiced: "
        "a difference of {difference}.",
        "订单 {order} 不含税金额 {ordered_money}，已全部交付；实际开票不含税金额 {billed_money}，差额 {difference}。",
    ),
    action=(
        "Issue the missing invoice or a credit note over the difference; with a wrong currency, credit and bill again.",
        "请就差额补开发票或开具红字发票；如币种有误，请红冲后重新开票。",
    ),
    needs="erp.order erp.delivery accounting.invoice",
)
def order_invoice_amount(_: Mapping[str, Any]) -> str:
    """Net of credit notes, orders that share an invoice as a whole; not where the same invoice was sent twice.

    The amount is the difference: of two currencies in the base currency, at the rates of the first invoice's day;
    without a rate it is the larger side.
    """
    return """
        WITH judged AS (
            SELECT billing_group, first(order_id ORDER BY order_id) AS first_id, any_value(currency) AS currency,
                any_value(group_net) AS ordered, any_value(billed_net) AS billed, any_value(invoices) AS invoices,
                any_value(foreign_currency) AS foreign_currency, max(last_delivered_on) AS since,
                list(order_id ORDER BY order_id) AS order_ids
            FROM order_states WHERE status IN ('confirmed', 'on_hold', 'in_progress', 'completed')
            GROUP BY billing_group, order_states.currency HAVING bool_and(delivery_state = 'delivered')
        ),
        foreign_net AS (
            SELECT billing_group, currency, net FROM billed
        ),
        bills AS (
            SELECT g.billing_group, list(g.invoice_id ORDER BY g.invoice_id) AS ids, min(i.issue_date) AS issued_on
            FROM group_bills g JOIN invoices i ON i.record_id = g.invoice_id GROUP BY ALL
        ),
        sides AS (
            SELECT j.*, b.ids, coalesce(f.net, j.billed) AS invoiced,
                coalesce(j.foreign_currency, j.currency) AS invoiced_in,
                j.foreign_currency IS NULL AS same,
                abs(in_base_on(j.ordered, j.currency, b.issued_on) - in_base_on(f.net, f.currency, b.issued_on))
                    AS worth
            FROM judged j JOIN bills b USING (billing_group)
            LEFT JOIN foreign_net f ON f.billing_group = j.billing_group AND f.currency = j.foreign_currency
        )
        SELECT j.order_ids AS keys, list_concat(j.order_ids, j.ids) AS records,
            CASE WHEN j.same THEN abs(j.ordered - j.billed)
                ELSE coalesce(j.worth, greatest(j.ordered, j.invoiced)) END AS amount,
            CASE WHEN j.same THEN j.currency WHEN j.worth IS NOT NULL THEN getvariable('base_currency')
                WHEN j.invoiced > j.ordered THEN j.invoiced_in ELSE j.currency END AS currency,
            j.since, struct_pack(
                "order" := (SELECT list(label(o.number, NULL, o.source_id) ORDER BY o.system, o.source_id) FROM orders o
                            WHERE list_contains(j.order_ids, o.record_id)),
                ordered_money := j.ordered, ordered_money_currency := j.currency,
                billed_money := j.invoiced, billed_money_currency := j.invoiced_in,
                difference_money := CASE WHEN j.same THEN abs(j.ordered - j.billed) ELSE j.worth END,
                difference_words := CASE WHEN j.same OR j.worth IS NOT NULL THEN [] ELSE ['no_rate'] END) AS params
        FROM sides j
        WHERE (NOT j.same OR (j.invoices > 0 AND NOT agree(j.ordered, j.billed, j.currency)))
          AND NOT EXISTS (FROM found f WHERE f.check_id = 'invoice_duplicate' AND list_contains(j.ids, f.record_id))
        """
