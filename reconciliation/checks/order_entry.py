"""Orders are entered once, and confirmed or dropped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import ENTERED

_HEAD = "[record_id] AS keys, [record_id] AS records, net_amount AS amount, currency"
_LABEL = "label(number, NULL, source_id)"


@check(
    "order_duplicate",
    stage="order",
    department="sales_operations",
    severity="error",
    title=("Duplicate order", "重复订单"),
    fires=(
        (
            "two or more live orders of one customer, in one ERP or in two, have the same net amount and "
            "currency, are of the same quote or the same purchase order number, and were made within {days} "
            "days; one finding per group"
        ),
        (
            "同一客户的两个或以上有效订单（同一 ERP 或不同 ERP）不含税金额和币种相同，"
            "对应同一报价或同一客户采购单号，且在 {days} 天内录入；每组一个问题"
        ),
    ),
    sentence=(
        "Orders {orders} of one customer are over {each_money} each and name the same {named}.",
        "同一客户的订单 {orders} 金额均为 {each_money}，且对应同一{named}。",
    ),
    action=(
        "Ask the customer whether it is one order; cancel the other before it is delivered and billed.",
        "请向客户确认是否为同一订单；在交付和开票前取消重复的订单。",
    ),
    needs="erp.order",
    days=30,
)
def order_duplicate(parameters: Mapping[str, Any]) -> str:
    """One quote may be split into several orders, but hardly into equal ones."""
    return f"""
        WITH live AS (
            SELECT o.record_id, o.number, o.source_id, o.net_amount, o.currency, o.order_date, p.cluster,
                upper(trim(o.customer_po_number)) AS po
            FROM orders o JOIN party_of p USING (record_id)
            WHERE o.erp AND NOT o.deleted AND o.status IN {ENTERED} AND o.net_amount > 0
        ),
        named AS (
            SELECT l.*, 'quote' AS what, 'q' || q.quote_id AS name, 1 AS rank
            FROM live l JOIN quote_order q ON q.order_id = l.record_id
            UNION ALL
            SELECT l.*, 'purchase_order', 'p' || po, 2 FROM live l WHERE po <> ''
        ),
        grouped AS (
            SELECT list(record_id ORDER BY order_date, record_id) AS ids,
                list({_LABEL} ORDER BY order_date, record_id) AS labels, what, rank, net_amount, currency,
                max(order_date) AS last_on
            FROM named GROUP BY cluster, currency, net_amount, what, name, rank
            HAVING count(*) > 1 AND max(order_date) - min(order_date) <= {int(parameters["days"])}
        )
        SELECT [ids[1]] AS keys, ids AS records, net_amount * (len(ids) - 1) AS amount, currency, last_on AS since,
            struct_pack(orders := labels, each_money := net_amount, named_words := [what]) AS params
        FROM grouped QUALIFY row_number() OVER (PARTITION BY ids[1] ORDER BY rank) = 1
        """


@check(
    "order_draft_stale",
    stage="order",
    department="sales_operations",
    severity="warning",
    title=("Order never confirmed", "订单迟迟未确认"),
    fires=(
        "an ERP order was made {days} or more days ago and is still draft or submitted",
        "ERP 订单录入已满 {days} 天，仍为草稿或待确认",
    ),
    silent=(
        "it was delivered (`status_delivery_order`) or billed (`status_order_invoice`) all the same",
        "该订单已交付（`status_delivery_order`）或已开票（`status_order_invoice`）",
    ),
    sentence=(
        "Order {order} over {amount_money} of {ordered_on} is still {order_status}.",
        "{ordered_on} 的订单 {order}（{amount_money}）仍为“{order_status}”。",
    ),
    action=("Confirm the order in the ERP, or cancel it.", "请在 ERP 中确认该订单，或将其取消。"),
    needs="erp.order",
    days=60,
)
def order_draft_stale(parameters: Mapping[str, Any]) -> str:
    """By the order's date, else by its last change."""
    return f"""
        SELECT {_HEAD}, made_on AS since, struct_pack("order" := {_LABEL}, amount_money := net_amount,
            ordered_on := made_on, order_status := status) AS params
        FROM (SELECT *, coalesce(order_date, local_day(source_updated_at)) AS made_on FROM orders)
        WHERE erp AND NOT deleted AND status IN ('draft', 'submitted')
          AND getvariable('today') - made_on >= {int(parameters["days"])}
          AND record_id NOT IN (
              SELECT record_id FROM found WHERE check_id IN ('status_order_invoice', 'status_delivery_order'))
        """


@check(
    "order_on_hold",
    stage="order",
    department="sales_operations",
    severity="warning",
    title=("Order on hold for long", "订单长期暂挂"),
    fires=(
        "an order is on hold and was last changed {days} or more days ago",
        "订单处于暂挂状态，且已满 {days} 天没有变动",
    ),
    sentence=(
        "Order {order} over {amount_money} is on hold since {held_since}.",
        "订单 {order}（{amount_money}）自 {held_since} 起暂挂。",
    ),
    action=(
        "Find out what holds the order up; release it or agree with the customer to cancel it.",
        "请查明暂挂原因；放行订单，或与客户商定取消。",
    ),
    needs="erp.order",
    days=30,
)
def order_on_hold(parameters: Mapping[str, Any]) -> str:
    """The last change is the latest day on which it can have been put on hold."""
    return f"""
        SELECT {_HEAD}, held_since AS since, struct_pack("order" := {_LABEL}, amount_money := net_amount,
            held_since := held_since) AS params
        FROM (SELECT *, local_day(source_updated_at) AS held_since FROM orders)
        WHERE erp AND NOT deleted AND status = 'on_hold'
          AND getvariable('today') - held_since >= {int(parameters["days"])}
        """
