"""Orders are delivered when promised."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check


@check(
    "delivery_late",
    stage="delivery",
    department="logistics",
    severity="warning",
    title=("Delivery late", "交付延迟"),
    fires=(
        "an order is more than {grace_days} past its promised date and not fully delivered",
        "订单超过承诺交付日 {grace_days} 天以上仍未全部交付",
    ),
    silent=(
        "the order is cancelled",
        "订单已取消",
    ),
    sentence=(
        "Order {order} was promised for {promised_on} and is {delivery_state}; {amount_money} are outstanding.",
        "订单 {order} 承诺于 {promised_on} 交付，目前{delivery_state}，未交付金额 {amount_money}。",
    ),
    action=(
        "Ship what is missing, or agree a new date with the customer and enter it in the order.",
        "请尽快发出未交付部分，或与客户商定新日期并更新订单。",
    ),
    needs="erp.order erp.delivery",
    grace_days=2,
)
def delivery_late(parameters: Mapping[str, Any]) -> str:
    """More than the days of grace past the promised date, and not fully delivered."""
    return f"""
        SELECT [o.record_id] AS keys, [o.record_id] AS records, outstanding AS amount, o.currency,
            o.promised_delivery_date AS since,
            struct_pack("order" := label(o.number, NULL, o.source_id), promised_on := o.promised_delivery_date,
                delivery_state := s.delivery_state, amount_money := outstanding) AS params
        FROM (SELECT *, greatest(net - delivered_value, 0)::BIGINT AS outstanding FROM order_states) s
        JOIN orders o ON o.record_id = s.order_id
        WHERE o.status IN ('confirmed', 'in_progress') AND s.delivery_state <> 'delivered'
          AND o.promised_delivery_date + {int(parameters["grace_days"])} < getvariable('today')
        """
