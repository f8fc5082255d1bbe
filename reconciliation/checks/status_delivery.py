"""What orders say about their delivery is what the deliveries say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check


@check(
    "status_delivery_order",
    stage="delivery",
    department="sales_operations",
    severity="error",
    title=("Delivered before the order was confirmed", "订单未确认即已交付"),
    fires=(
        "an order is still draft or submitted while goods were handed over for it",
        "订单仍为草稿或待确认，但已为其交付",
    ),
    silent=("it was billed, too (`status_order_invoice`)", "该订单也已开票（`status_order_invoice`）"),
    sentence=(
        "Order {order} is {order_status} in the ERP; {deliveries} handed over goods worth {amount_money} for it.",
        "订单 {order} 在 ERP 中为“{order_status}”，但发货单 {deliveries} 已为其交付价值 {amount_money} 的货物。",
    ),
    action=(
        "Confirm the order in the ERP if the customer has ordered, else take the goods back.",
        "如客户已下单请在 ERP 中确认订单，否则请收回货物。",
    ),
    needs="erp.order erp.delivery",
)
def status_delivery_order(_: Mapping[str, Any]) -> str:
    """Worth by the order's prices."""
    return """
        SELECT [o.record_id] AS keys, list_concat([o.record_id],
            list(d.record_id ORDER BY d.system, d.source_id)) AS records,
            s.delivered_value AS amount, o.currency, s.last_delivered_on AS since,
            struct_pack("order" := label(o.number, NULL, o.source_id), order_status := o.status,
                deliveries := list(label(d.number, NULL, d.source_id) ORDER BY d.system, d.source_id),
                amount_money := s.delivered_value) AS params
        FROM orders o JOIN order_states s ON s.order_id = o.record_id
        JOIN order_delivery od ON od.order_id = o.record_id JOIN deliveries d ON d.record_id = od.delivery_id
        WHERE o.status IN ('draft', 'submitted') AND NOT d.deleted AND d.status = 'delivered'
          AND coalesce(d.kind, 'outbound') <> 'return'
          AND o.record_id NOT IN (SELECT record_id FROM found WHERE check_id = 'status_order_invoice')
        GROUP BY o.record_id, o.number, o.source_id, o.status, o.currency, s.delivered_value, s.last_delivered_on
        """


@check(
    "status_order_delivery",
    stage="delivery",
    department="logistics",
    severity="warning",
    title=("Order completed, delivery is not", "订单已完成但未全部交付"),
    fires=(
        "an order is completed and its deliveries handed over less than was ordered",
        "订单已完成，但其发货单交付的数量少于订货数量",
    ),
    sentence=(
        "Order {order} is completed; goods worth {amount_money} were not delivered.",
        "订单 {order} 已完成，但价值 {amount_money} 的货物未交付。",
    ),
    action=(
        "Deliver the rest, or have the order shortened to what was delivered.",
        "请补发剩余货物，或将订单数量更正为实际交付数量。",
    ),
    needs="erp.order erp.delivery",
)
def status_order_delivery(_: Mapping[str, Any]) -> str:
    """Only where there are deliveries: an ERP may keep none."""
    return """
        SELECT [o.record_id] AS keys, [o.record_id] AS records, greatest(s.net - s.delivered_value, 0)::BIGINT
            AS amount, o.currency, s.last_delivered_on AS since,
            struct_pack("order" := label(o.number, NULL, o.source_id),
                amount_money := greatest(s.net - s.delivered_value, 0)::BIGINT) AS params
        FROM orders o JOIN order_states s ON s.order_id = o.record_id
        WHERE o.status = 'completed' AND s.delivery_state = 'partly_delivered' AND s.has_done
        """
