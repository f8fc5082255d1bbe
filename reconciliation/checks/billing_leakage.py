"""What was done is billed, and bills reach the customer: where revenue leaks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import RUNNING

_ORDER = 'struct_pack("order" := label(o.number, NULL, o.source_id)'
_INVOICE = "accounting AND NOT deleted AND coalesce(kind, 'invoice') NOT IN ('credit_note', 'proforma')"
_LABEL = "label(number, NULL, source_id)"


@check(
    "order_partly_delivered_not_invoiced",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Part delivered, not invoiced", "部分交付未开票"),
    fires=(
        (
            "an order is partly delivered, the last part {days} or more days ago, and less was billed than "
            "was delivered, both net"
        ),
        "订单已部分交付，最后一次交付已满 {days} 天，而开票不含税金额少于已交付价值",
    ),
    sentence=(
        "Of order {order} goods worth {delivered_money} were delivered by {delivered_on}; {billed_money} were billed.",
        "订单 {order} 截至 {delivered_on} 已交付 {delivered_money}，已开票 {billed_money}。",
    ),
    action=(
        "Bill what was delivered, or agree with the customer to bill at the end.",
        "请就已交付部分开票，或与客户约定最后统一开票。",
    ),
    needs="erp.order erp.delivery accounting.invoice",
    days=30,
)
def order_partly_delivered_not_invoiced(parameters: Mapping[str, Any]) -> str:
    """Orders that share a delivery or an invoice with others are judged when they are complete."""
    return f"""
        SELECT [o.record_id] AS keys, [o.record_id] AS records, s.delivered_value - s.billed_net AS amount, o.currency,
            s.last_delivered_on AS since, {_ORDER}, delivered_money := s.delivered_value,
                delivered_on := s.last_delivered_on, billed_money := s.billed_net) AS params
        FROM orders o JOIN order_states s ON s.order_id = o.record_id
        WHERE s.status IN {RUNNING} AND s.delivery_state = 'partly_delivered' AND s.foreign_currency IS NULL
          AND getvariable('today') - s.last_delivered_on >= {int(parameters["days"])}
          AND s.delivered_value > s.billed_net AND NOT agree(s.delivered_value, s.billed_net, s.currency)
          AND s.delivery_group NOT IN (SELECT group_id FROM delivery_groups GROUP BY ALL HAVING count(*) > 1)
          AND s.billing_group NOT IN (SELECT group_id FROM billing_groups GROUP BY ALL HAVING count(*) > 1)
        """


@check(
    "order_service_not_invoiced",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Service not invoiced", "服务订单未开票"),
    fires=(
        "a running or completed order of services alone was made {days} or more days ago, and no live invoice bills it",
        "仅含服务的订单（执行中或已完成）录入已满 {days} 天，仍没有有效发票",
    ),
    silent=("it has `order_delivered_not_invoiced`", "已有 `order_delivered_not_invoiced`"),
    sentence=(
        "Order {order} over {amount_money} of {ordered_on} is for services; no invoice bills it.",
        "{ordered_on} 的服务订单 {order}（{amount_money}）尚未开票。",
    ),
    action=(
        "Ask whether the service or its milestone is done, and bill it; else note when it is due.",
        "请确认服务或里程碑是否已完成并开票；否则注明应开票日期。",
    ),
    needs="erp.order accounting.invoice",
    days=45,
)
def order_service_not_invoiced(parameters: Mapping[str, Any]) -> str:
    """Nothing is shipped for a service, so no delivery ever calls for its invoice."""
    return f"""
        SELECT [o.record_id] AS keys, [o.record_id] AS records, s.net AS amount, o.currency, o.order_date AS since,
            {_ORDER}, amount_money := s.net, ordered_on := o.order_date) AS params
        FROM orders o JOIN order_states s ON s.order_id = o.record_id
        JOIN (SELECT order_id FROM order_items GROUP BY ALL HAVING bool_and(is_service)) i ON i.order_id = o.record_id
        WHERE s.status IN {RUNNING} AND s.invoices = 0 AND s.foreign_currency IS NULL AND s.net > 0
          AND getvariable('today') - o.order_date >= {int(parameters["days"])}
          AND o.record_id NOT IN (SELECT record_id FROM found WHERE check_id = 'order_delivered_not_invoiced')
        """


@check(
    "invoice_draft_stale",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Invoice never issued", "发票草稿长期未开出"),
    fires=(
        "an invoice has been a draft or in review for {days} days, by its date, else by its last change",
        "发票处于草稿或审核状态已满 {days} 天（按发票日期，否则按最后变动）",
    ),
    silent=(
        "its order has `order_delivered_not_invoiced` or `order_service_not_invoiced`",
        "其订单已有 `order_delivered_not_invoiced` 或 `order_service_not_invoiced`",
    ),
    sentence=(
        "Invoice {invoice} over {amount_money} of {made_on} is still {invoice_status}.",
        "{made_on} 的发票 {invoice}（{amount_money}）仍为“{invoice_status}”。",
    ),
    action=("Issue the invoice, or delete the draft.", "请开出该发票，或删除草稿。"),
    needs="accounting.invoice",
    days=14,
)
def invoice_draft_stale(parameters: Mapping[str, Any]) -> str:
    """Gross; credit notes, too, wait for nobody."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, gross_amount AS amount, currency, made_on AS since,
            struct_pack(invoice := {_LABEL}, amount_money := gross_amount, made_on := made_on,
                invoice_status := status) AS params
        FROM (SELECT *, coalesce(issue_date, local_day(source_updated_at)) AS made_on FROM invoices) i
        WHERE accounting AND NOT deleted AND coalesce(kind, 'invoice') <> 'proforma'
          AND status IN ('draft', 'in_review') AND getvariable('today') - made_on >= {int(parameters["days"])}
          AND NOT EXISTS (FROM order_bill ob JOIN found f ON f.record_id = ob.order_id
                          WHERE ob.invoice_id = i.record_id
                            AND f.check_id IN ('order_delivered_not_invoiced', 'order_service_not_invoiced'))
        """


@check(
    "invoice_not_sent",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Invoice not sent", "发票未发送给客户"),
    fires=(
        (
            "an invoice was issued {days} or more days ago, nothing is paid on it, and accounting says that "
            "it was not sent to the customer, where accounting says of most of its invoices that they were"
        ),
        "发票开出已满 {days} 天、尚未收款，财务系统显示未发送给客户（该系统的多数发票显示已发送）",
    ),
    silent=(
        "the CRM shows on which day it was sent: that is a write-back",
        "CRM 显示了发送日期：这属于回写",
    ),
    sentence=(
        "Invoice {invoice} over {amount_money} of {issued_on} was not sent to the customer.",
        "{issued_on} 的发票 {invoice}（{amount_money}）尚未发送给客户。",
    ),
    action=(
        "Send the invoice: the customer will not pay what it does not have.",
        "请发送该发票：客户不会为未收到的发票付款。",
    ),
    needs="accounting.invoice",
    days=5,
)
def invoice_not_sent(parameters: Mapping[str, Any]) -> str:
    """Where invoices are sent by other means, the mark says nothing, and most are without it."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, still_open AS amount, currency, issue_date AS since,
            struct_pack(invoice := {_LABEL}, amount_money := still_open, issued_on := issue_date) AS params
        FROM open_invoices i
        WHERE sent_to_customer = false AND paid <= tolerance(gross_amount, currency)
          AND still_open > tolerance(gross_amount, currency)
          AND getvariable('today') - issue_date >= {int(parameters["days"])}
          AND system IN (
              SELECT system FROM invoices WHERE {_INVOICE} AND status NOT IN ('draft', 'in_review', 'void')
              GROUP BY system HAVING count(*) FILTER (sent_to_customer) * 2 > count(*))
          AND NOT EXISTS (FROM order_invoice oi JOIN opportunity_order l ON l.order_id = oi.order_id
                          JOIN opportunities p ON p.record_id = l.opportunity_id
                          WHERE oi.invoice_id = i.record_id AND p.invoice_sent_on IS NOT NULL)
        """


@check(
    "invoice_without_due_date",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Invoice without due date", "发票无到期日"),
    fires=(
        "an invoice was issued {days} or more days ago, has an open amount and no due date",
        "发票开出已满 {days} 天，仍有未收金额且没有到期日",
    ),
    sentence=(
        "Invoice {invoice} of {issued_on} has no due date; {amount_money} are open and will never be overdue.",
        "{issued_on} 的发票 {invoice} 没有到期日；未收金额 {amount_money} 不会被视为逾期。",
    ),
    action=(
        "Enter the due date that was agreed with the customer.",
        "请填写与客户约定的到期日。",
    ),
    needs="accounting.invoice",
    days=14,
)
def invoice_without_due_date(parameters: Mapping[str, Any]) -> str:
    """Paid ones need none any more."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, still_open AS amount, currency, issue_date AS since,
            struct_pack(invoice := {_LABEL}, issued_on := issue_date, amount_money := still_open) AS params
        FROM open_invoices
        WHERE due_date IS NULL AND still_open > tolerance(gross_amount, currency)
          AND getvariable('today') - issue_date >= {int(parameters["days"])}
        """
