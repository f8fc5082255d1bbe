"""Goods go out for an order, no more than was ordered, arrive, and are credited when they come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import ENTERED

_DONE = "d.erp AND NOT d.deleted AND d.status IN ('shipped', 'delivered')"
_OUT = "coalesce(d.kind, 'outbound') = 'outbound'"
_LABEL = "label(d.number, NULL, d.source_id)"


@check(
    "delivery_without_order",
    stage="delivery",
    department="logistics",
    severity="error",
    title=("Delivery without order", "发货单无订单"),
    fires=(
        (
            "goods went out on a delivery that belongs to no order, in an ERP where at least {share} % of "
            "the deliveries belong to one"
        ),
        "货物已发出但发货单没有对应订单（该 ERP 中至少 {share} % 的发货单有对应订单）",
    ),
    sentence=(
        "Delivery {delivery} of {shipped_on} belongs to no order: nobody will bill it.",
        "{shipped_on} 的发货单 {delivery} 没有对应订单，将无人开票。",
    ),
    action=(
        "Put the order's number on the delivery, or enter the order; samples and replacements need a note.",
        "请在发货单上填写订单号，或补录订单；样品和换货请注明。",
    ),
    needs="erp.order erp.delivery",
    share=80,
)
def delivery_without_order(parameters: Mapping[str, Any]) -> str:
    """An ERP whose deliveries name no orders, or whose mapping does not read them, is left alone."""
    return f"""
        WITH gone_out AS (
            SELECT d.*, EXISTS (FROM order_delivery od WHERE od.delivery_id = d.record_id) AS has_order
            FROM deliveries d WHERE {_DONE} AND {_OUT}
        )
        SELECT [record_id] AS keys, [record_id] AS records, NULL::BIGINT AS amount, NULL AS currency,
            coalesce(shipped_on, delivered_on) AS since,
            struct_pack(delivery := {_LABEL}, shipped_on := coalesce(shipped_on, delivered_on)) AS params
        FROM gone_out d
        WHERE NOT has_order AND system IN (
            SELECT system FROM gone_out GROUP BY system
            HAVING count(*) FILTER (has_order) * 100 >= count(*) * {int(parameters["share"])})
        """


@check(
    "delivery_exceeds_order",
    stage="delivery",
    department="logistics",
    severity="error",
    title=("More delivered than ordered", "交付数量超过订货数量"),
    fires=(
        (
            "of a product more was delivered, less returns, than the live orders of the delivery say, or the "
            "product is on none of them"
        ),
        "某产品的交付数量（扣除退货）超过对应有效订单的数量，或订单中没有该产品",
    ),
    sentence=(
        "More was delivered than order {orders} says: {differences}.",
        "交付数量超过订单 {orders}：{differences}。",
    ),
    action=(
        "Take the surplus back, or have the customer order it, so that it is billed.",
        "请收回多发的货物，或由客户补下订单以便开票。",
    ),
    needs="erp.order erp.delivery",
)
def delivery_exceeds_order(_: Mapping[str, Any]) -> str:
    """The surplus is worth what the order's price makes it; a product that was not ordered has none."""
    return f"""
        WITH live AS (
            SELECT g.delivery_group, list(g.order_id ORDER BY g.order_id) AS ids,
                list(label(o.number, NULL, o.source_id) ORDER BY g.order_id) AS labels
            FROM grouped_orders g JOIN orders o ON o.record_id = g.order_id
            GROUP BY ALL HAVING bool_and(g.status IN {ENTERED})
        ),
        surplus AS (
            SELECT d.delivery_group, sum(share(o.value, d.delivered - o.ordered, o.ordered))::BIGINT AS value,
                any_value(o.currency) AS currency,
                list(struct_pack(what := CASE WHEN o.key IS NULL THEN 'delivered_added' ELSE 'delivered_quantity' END,
                    sku := d.key, ordered := plain(o.ordered), delivered := plain(d.delivered)) ORDER BY d.key) AS found
            FROM delivered_keys d LEFT JOIN ordered_keys o USING (delivery_group, key)
            WHERE d.key IS NOT NULL AND d.delivered > coalesce(o.ordered, 0)
              AND d.delivery_group IN (SELECT delivery_group FROM ordered_keys)
            GROUP BY ALL
        )
        SELECT l.ids AS keys, list_concat(l.ids, d.ids) AS records, s.value AS amount, s.currency,
            c.last_done_on AS since, struct_pack(orders := l.labels, differences_lines := s.found) AS params
        FROM surplus s JOIN live l USING (delivery_group) JOIN delivery_lines_count c USING (delivery_group)
        JOIN (SELECT delivery_group, list(delivery_id ORDER BY delivery_id) AS ids FROM group_deliveries
              WHERE status = 'delivered' GROUP BY ALL) d USING (delivery_group)
        """


@check(
    "delivery_return_not_credited",
    stage="delivery",
    department="finance",
    severity="error",
    title=("Return without credit note", "退货未开红字发票"),
    fires=(
        "goods of a billed order came back {days} or more days ago, and no credit note was issued since for the order",
        "已开票订单的货物退回已满 {days} 天，此后没有为该订单开具红字发票",
    ),
    sentence=(
        (
            "Goods of order {orders} worth {amount_money} came back on {returned_on} ({delivery}); no credit "
            "note was issued."
        ),
        "订单 {orders} 价值 {amount_money} 的货物已于 {returned_on} 退回（{delivery}），但未开具红字发票。",
    ),
    action=(
        "Issue a credit note for what came back, or bill the replacement against it.",
        "请就退回的货物开具红字发票，或用于抵换货。",
    ),
    needs="erp.order erp.delivery accounting.invoice",
    days=14,
)
def delivery_return_not_credited(parameters: Mapping[str, Any]) -> str:
    """Worth by the order's prices."""
    return f"""
        WITH back AS (
            SELECT d.record_id, any_value({_LABEL}) AS label, any_value(coalesce(d.delivered_on, d.shipped_on))
                AS returned_on, any_value(g.delivery_group) AS delivery_group,
                list(g.order_id ORDER BY g.order_id) AS ids, min(g.billing_group) AS billing_group,
                list(label(o.number, NULL, o.source_id) ORDER BY g.order_id) AS labels
            FROM deliveries d JOIN order_delivery od ON od.delivery_id = d.record_id
            JOIN grouped_orders g ON g.order_id = od.order_id JOIN orders o ON o.record_id = od.order_id
            WHERE d.erp AND NOT d.deleted AND d.kind = 'return' AND d.status IN ('returned', 'delivered')
            GROUP BY d.record_id
        ),
        worth AS (
            SELECT b.record_id, sum(share(k.value, l.quantity, k.ordered))::BIGINT AS value,
                any_value(k.currency) AS currency
            FROM back b JOIN deliveries d ON d.record_id = b.record_id
            JOIN delivery_lines l ON l.record_id = b.record_id
            LEFT JOIN product_keys p ON p.system = d.system AND p.product_ref = l.product_ref
            JOIN ordered_keys k ON k.delivery_group = b.delivery_group
                AND k.key = coalesce(sku_key(l.sku), p.sku, l.product_ref)
            GROUP BY ALL
        )
        SELECT [b.record_id] AS keys, list_concat([b.record_id], b.ids) AS records, w.value AS amount, w.currency,
            b.returned_on AS since,
            struct_pack(orders := b.labels, amount_money := w.value, returned_on := b.returned_on,
                delivery := b.label) AS params
        FROM back b LEFT JOIN worth w USING (record_id)
        WHERE getvariable('today') - b.returned_on >= {int(parameters["days"])}
          AND EXISTS (FROM group_bills g WHERE g.billing_group = b.billing_group AND NOT g.is_credit)
          AND NOT EXISTS (FROM group_bills g WHERE g.billing_group = b.billing_group AND g.is_credit
                              AND coalesce(g.issue_date, b.returned_on) >= b.returned_on)
        """


@check(
    "delivery_in_transit_long",
    stage="delivery",
    department="logistics",
    severity="warning",
    title=("Delivery under way for long", "货物在途过久"),
    fires=(
        "a delivery was shipped {days} or more days ago and has not arrived",
        "货物发出已满 {days} 天仍未签收",
    ),
    sentence=(
        "Delivery {delivery} was shipped on {shipped_on} and is not known to have arrived.",
        "发货单 {delivery} 于 {shipped_on} 发出，至今未签收。",
    ),
    action=(
        "Ask the carrier; record the arrival, or send the goods again.",
        "请向承运商查询；登记签收，或重新发货。",
    ),
    needs="erp.delivery",
    days=30,
)
def delivery_in_transit_long(parameters: Mapping[str, Any]) -> str:
    """For systems that tell shipped from delivered."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, NULL::BIGINT AS amount, NULL AS currency,
            shipped_on AS since, struct_pack(delivery := {_LABEL}, shipped_on := shipped_on) AS params
        FROM deliveries d
        WHERE erp AND NOT deleted AND status = 'shipped' AND {_OUT}
          AND getvariable('today') - shipped_on >= {int(parameters["days"])}
        """


@check(
    "delivery_unscheduled",
    stage="delivery",
    department="logistics",
    severity="warning",
    title=("Order without promised date", "订单无承诺交付日"),
    fires=(
        (
            "a confirmed or running order of goods has no promised date, was made {days} or more days ago, "
            "and is not fully delivered"
        ),
        "已确认或执行中的货物订单没有承诺交付日，录入已满 {days} 天仍未全部交付",
    ),
    sentence=(
        "Order {order} of {ordered_on} has no promised date and is {delivery_state}; {amount_money} are outstanding.",
        "{ordered_on} 的订单 {order} 没有承诺交付日，目前{delivery_state}，未交付金额 {amount_money}。",
    ),
    action=(
        "Agree a date with the customer and enter it in the order: without one it is never late.",
        "请与客户商定交付日期并填入订单；没有日期的订单不会被视为逾期。",
    ),
    needs="erp.order erp.delivery",
    days=45,
)
def delivery_unscheduled(parameters: Mapping[str, Any]) -> str:
    """Orders of services alone are not delivered; with a promised date it is ``delivery_late``."""
    return f"""
        SELECT [o.record_id] AS keys, [o.record_id] AS records, s.outstanding AS amount, o.currency,
            o.order_date AS since, struct_pack("order" := label(o.number, NULL, o.source_id),
                ordered_on := o.order_date, delivery_state := s.delivery_state, amount_money := s.outstanding) AS params
        FROM (SELECT *, greatest(net - delivered_value, 0)::BIGINT AS outstanding FROM order_states) s
        JOIN orders o ON o.record_id = s.order_id
        WHERE o.status IN ('confirmed', 'in_progress') AND s.delivery_state <> 'delivered'
          AND o.promised_delivery_date IS NULL AND getvariable('today') - o.order_date >= {int(parameters["days"])}
          AND s.delivery_group IN (SELECT delivery_group FROM ordered_keys)
        """
