"""What was delivered in a period is billed in it: cut-off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import RUNNING

_FIRST = """
    SELECT g.billing_group, min(g.issue_date) AS first_on, list(g.invoice_id ORDER BY g.invoice_id) AS ids,
        list(g.number ORDER BY g.invoice_id) AS labels
    FROM group_bills g JOIN invoices i ON i.record_id = g.invoice_id
    WHERE NOT g.is_credit AND i.kind IS DISTINCT FROM 'deposit' GROUP BY ALL"""
# Orders that share invoices are one position: what was delivered last, and what was billed first.
_POSITIONS = f"""
    SELECT s.billing_group, list(s.order_id ORDER BY s.order_id) AS ids, max(s.last_delivered_on) AS delivered_on,
        any_value(b.first_on) AS billed_on, any_value(b.ids) AS bills, any_value(s.billed_net) AS billed_net,
        any_value(s.currency) AS currency,
            list(label(o.number, NULL, o.source_id) ORDER BY o.system, o.source_id) AS labels,
        any_value(b.labels) AS invoices
    FROM order_states s JOIN orders o ON o.record_id = s.order_id
    JOIN ({_FIRST}) b USING (billing_group)
    WHERE s.status IN {RUNNING} AND s.foreign_currency IS NULL AND s.has_done
    GROUP BY s.billing_group, s.currency HAVING bool_and(s.delivery_state = 'delivered')"""


def _crossing(earlier: str, later: str, parameters: Mapping[str, Any]) -> str:
    """Positions of which one day is in an earlier month than the other, and the days apart are no routine."""
    return f"""
        SELECT ids AS keys, list_concat(ids, bills) AS records, billed_net AS amount, currency, {later} AS since,
            struct_pack("order" := labels, invoices := invoices, amount_money := billed_net,
                delivered_on := delivered_on, billed_on := billed_on) AS params
        FROM ({_POSITIONS})
        WHERE date_trunc('month', {earlier}) < date_trunc('month', {later})
          AND {later} - {earlier} > {int(parameters["days"])} AND billed_net > 0
          AND {later} >= date_trunc('month', getvariable('today')) - INTERVAL {int(parameters["months"])} MONTH
        """


@check(
    "invoice_in_later_period",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Billed in a later month than delivered", "开票晚于交付所属期间"),
    fires=(
        (
            "an order was fully delivered in one month and first billed in a later one, more than {days} "
            "days after, in this month or the {months} before it"
        ),
        "订单在某月全部交付，超过 {days} 天后才在以后月份首次开票（限本月及之前 {months} 个月）",
    ),
    sentence=(
        (
            "Order {order} was delivered by {delivered_on} and billed on {billed_on} ({invoices}): "
            "{amount_money} net fall into the month before."
        ),
        "订单 {order} 已于 {delivered_on} 交付，{billed_on} 才开票（{invoices}）：不含税 {amount_money} 属于之前期间。",
    ),
    action=(
        "Accrue the revenue in the month of delivery if it matters, and bill sooner.",
        "如金额重大，请在交付当月预提收入，并及时开票。",
    ),
    needs="erp.order erp.delivery accounting.invoice",
    days=5,
    months=2,
)
def invoice_in_later_period(parameters: Mapping[str, Any]) -> str:
    """An invoice of the first days of the next month is routine; what is not billed at all has checks of its own."""
    return _crossing("delivered_on", "billed_on", parameters)


@check(
    "invoice_in_earlier_period",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Billed in an earlier month than delivered", "开票早于交付所属期间"),
    fires=(
        (
            "an order was first billed in one month, other than by a deposit, and fully delivered in a later "
            "one, more than {days} days after, in this month or the {months} before it"
        ),
        "订单在某月首次开票（预收款发票除外），超过 {days} 天后才在以后月份全部交付（限本月及之前 {months} 个月）",
    ),
    sentence=(
        (
            "Order {order} was billed on {billed_on} ({invoices}) and delivered by {delivered_on}: "
            "{amount_money} net were not earned yet."
        ),
        "订单 {order} 于 {billed_on} 开票（{invoices}），{delivered_on} 才交付：不含税 {amount_money} 当时尚未实现。",
    ),
    action=(
        "Defer the revenue to the month of delivery if it matters, and bill when goods go out.",
        "如金额重大，请将收入递延至交付当月，并在交付时开票。",
    ),
    needs="erp.order erp.delivery accounting.invoice",
    days=5,
    months=2,
)
def invoice_in_earlier_period(parameters: Mapping[str, Any]) -> str:
    """As before, the other way round."""
    return _crossing("billed_on", "delivered_on", parameters)


@check(
    "invoice_before_delivery",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Billed, not delivered", "已开票未交付"),
    fires=(
        (
            "a running order of goods was first billed {days} or more days ago, other than by a deposit, and "
            "nothing of it is delivered"
        ),
        "执行中的货物订单首次开票（预收款发票除外）已满 {days} 天，仍完全未交付",
    ),
    silent=("the order is late (`delivery_late`)", "订单已逾期交付（`delivery_late`）"),
    sentence=(
        "Order {order} was billed on {billed_on} with {amount_money} net; nothing of it is delivered.",
        "订单 {order} 已于 {billed_on} 开票（不含税 {amount_money}），但完全未交付。",
    ),
    action=(
        "Deliver, or defer the revenue, or credit the invoice until the goods go out.",
        "请安排交付，或递延收入，或先红冲发票待交付后再开。",
    ),
    needs="erp.order erp.delivery accounting.invoice",
    days=30,
)
def invoice_before_delivery(parameters: Mapping[str, Any]) -> str:
    """An order with a planned or shipped delivery that has not arrived counts as not delivered."""
    return f"""
        SELECT [o.record_id] AS keys, [o.record_id] AS records, s.billed_net AS amount, o.currency,
            b.first_on AS since, struct_pack("order" := label(o.number, NULL, o.source_id), billed_on := b.first_on,
                amount_money := s.billed_net) AS params
        FROM orders o JOIN order_states s ON s.order_id = o.record_id JOIN ({_FIRST}) b USING (billing_group)
        WHERE s.status IN {RUNNING} AND s.delivery_state = 'not_delivered' AND s.billed_net > 0
          AND s.delivery_group IN (SELECT delivery_group FROM ordered_keys)
          AND getvariable('today') - b.first_on >= {int(parameters["days"])}
          AND o.record_id NOT IN (SELECT record_id FROM found WHERE check_id = 'delivery_late')
        """
