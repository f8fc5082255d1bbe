"""Two systems tell the same story about one deal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check

_AGREED = "('confirmed', 'in_progress', 'completed')"


@check(
    "status_opportunity_order",
    stage="order",
    department="sales_operations",
    severity="error",
    title=("Order runs, opportunity not won", "订单执行中而商机未赢单"),
    fires=(
        "an opportunity is lost, cancelled or open {days} or more after its linked order was made",
        "关联订单生成已满 {days} 天，商机仍为输单、取消或进行中",
    ),
    sentence=(
        "Opportunity {opportunity} is {opportunity_status}; its order {order} of {ordered_on} is {order_status}.",
        "商机 {opportunity} 在 CRM 中为“{opportunity_status}”，而其 {ordered_on} 的订单 {order} 为“{order_status}”。",
    ),
    action=(
        "Set the opportunity to won in the CRM, or stop the order if the customer has not ordered.",
        "请在 CRM 中将商机改为赢单；如客户并未下单，请停止该订单。",
    ),
    needs="crm.opportunity erp.order",
    days=3,
)
def status_opportunity_order(parameters: Mapping[str, Any]) -> str:
    """Lost, cancelled or still open some days after the order was confirmed."""
    return f"""
        SELECT [p.record_id] AS keys, list_concat([p.record_id], list(o.record_id ORDER BY o.order_date,
            o.record_id)) AS records,
            CASE WHEN count(DISTINCT o.currency) <= 1 THEN sum(o.net_amount) END::BIGINT AS amount,
                any_value(o.currency ORDER BY o.system, o.source_id) AS currency,
            min(o.order_date) AS since,
            struct_pack(opportunity := label(p.number, p.name, p.source_id), opportunity_status := p.status,
                "order" := list(label(o.number, NULL, o.source_id) ORDER BY o.order_date, o.record_id),
                order_status := any_value(o.status ORDER BY o.order_date, o.record_id),
                ordered_on := min(o.order_date)) AS params
        FROM opportunities p JOIN opportunity_order l ON l.opportunity_id = p.record_id
        JOIN orders o ON o.record_id = l.order_id
        WHERE p.crm AND NOT p.deleted AND p.status IN ('open', 'on_hold', 'lost', 'cancelled')
          AND o.erp AND NOT o.deleted AND o.status IN {_AGREED}
          AND getvariable('today') - o.order_date >= {int(parameters["days"])}
        GROUP BY p.record_id, p.number, p.name, p.source_id, p.status
        """


@check(
    "status_quote_order",
    stage="order",
    department="sales_operations",
    severity="error",
    title=("Order runs, quote not accepted", "订单执行中而报价未被接受"),
    fires=(
        (
            "a quote is rejected, expired, cancelled or still draft while its linked order is confirmed, in "
            "progress or completed"
        ),
        "报价为被拒绝、已过期、已取消或草稿，而其订单已确认、执行中或已完成",
    ),
    sentence=(
        "Quote {quote} is {quote_status} in the CRM; its order {order} is {order_status}.",
        "报价单 {quote} 在 CRM 中为“{quote_status}”，而其订单 {order} 为“{order_status}”。",
    ),
    action=(
        "Correct the quote's status in the CRM, or stop the order if the customer has not accepted.",
        "请更正 CRM 中的报价状态；如客户并未接受，请停止该订单。",
    ),
    needs="crm.quote erp.order",
)
def status_quote_order(_: Mapping[str, Any]) -> str:
    """Rejected, expired, cancelled or draft, and the order runs."""
    return f"""
        SELECT [q.record_id] AS keys, list_concat([q.record_id], list(o.record_id ORDER BY o.order_date,
            o.record_id)) AS records,
            CASE WHEN count(DISTINCT o.currency) <= 1 THEN sum(o.net_amount) END::BIGINT AS amount,
                any_value(o.currency ORDER BY o.system, o.source_id) AS currency,
            min(o.order_date) AS since,
            struct_pack(quote := label(q.number, NULL, q.source_id), quote_status := q.status,
                "order" := list(label(o.number, NULL, o.source_id) ORDER BY o.order_date, o.record_id),
                order_status := any_value(o.status ORDER BY o.order_date, o.record_id)) AS params
        FROM quotes q JOIN quote_order l ON l.quote_id = q.record_id JOIN orders o ON o.record_id = l.order_id
        WHERE q.crm AND NOT q.deleted AND q.status IN ('draft', 'rejected', 'expired', 'cancelled')
          AND o.erp AND NOT o.deleted AND o.status IN {_AGREED}
        GROUP BY q.record_id, q.number, q.source_id, q.status
        """


@check(
    "status_order_invoice",
    stage="billing",
    department="finance",
    severity="error",
    title=("Billed before the order was confirmed", "订单未确认即已开票"),
    fires=(
        "an order is still draft or submitted while an issued or paid invoice bills it",
        "订单仍为草稿或待确认，但已对其开具发票",
    ),
    sentence=(
        "Order {order} is {order_status} in the ERP; invoice {invoices} over {amount_money} bills it already.",
        "订单 {order} 在 ERP 中为“{order_status}”，但发票 {invoices}（{amount_money}）已对其开具。",
    ),
    action=(
        "Confirm the order in the ERP if the customer has ordered, else credit the invoice.",
        "如客户已下单请在 ERP 中确认订单，否则请红冲发票。",
    ),
    needs="erp.order accounting.invoice",
)
def status_order_invoice(_: Mapping[str, Any]) -> str:
    """Draft or submitted, and an invoice that was sent out bills it."""
    return """
        SELECT [o.record_id] AS keys, list_concat([o.record_id], list(w.invoice_id ORDER BY w.issue_date,
            w.invoice_id)) AS records,
            CASE WHEN count(DISTINCT w.currency) <= 1 THEN sum(w.net) END::BIGINT AS amount,
                any_value(w.currency ORDER BY w.invoice_id) AS currency,
            min(w.issue_date) AS since,
            struct_pack("order" := label(o.number, NULL, o.source_id), order_status := o.status,
                invoices := list(w.number ORDER BY w.issue_date, w.invoice_id), amount_money := CASE
                    WHEN count(DISTINCT w.currency) <= 1 THEN sum(w.net) END::BIGINT) AS params
        FROM orders o JOIN order_invoice l ON l.order_id = o.record_id JOIN owed w ON w.invoice_id = l.invoice_id
        WHERE o.erp AND NOT o.deleted AND o.status IN ('draft', 'submitted') AND NOT w.is_credit
          AND w.status IN ('issued', 'partly_paid', 'disputed', 'paid')
        GROUP BY o.record_id, o.number, o.source_id, o.status
        """
