"""An order is the right customer's, and the customer may still order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.comparing import OTHER_CUSTOMER
from reconciliation.checks.registry import check
from reconciliation.hops import ENTERED, RUNNING


@check(
    "order_party_differs",
    stage="order",
    department="sales_operations",
    severity="warning",
    title=("Order for another customer", "订单客户与报价客户不同"),
    fires=(
        (
            "a live order is for another customer than the quote or opportunity that it follows from, and "
            "both customers are known in both systems"
        ),
        "有效订单的客户与其报价或商机的客户不同，且两个客户在两个系统中均已识别",
    ),
    sentence=(
        "Order {order} over {amount_money} is for {customer}; {origins} is for {other_customer}.",
        "订单 {order}（{amount_money}）的客户为 {customer}，而 {origins} 的客户为 {other_customer}。",
    ),
    action=(
        "Find out who orders, and correct the customer in the ERP or the CRM.",
        "请核实订货方，并更正 ERP 或 CRM 中的客户。",
    ),
    needs="crm.opportunity crm.quote erp.order",
)
def order_party_differs(_: Mapping[str, Any]) -> str:
    """A customer without a counterpart in the other system may be anybody there."""
    return f"""
        WITH origins AS (
            SELECT qo.order_id, qo.quote_id AS origin_id FROM quote_order qo JOIN quotes q ON q.record_id = qo.quote_id
            WHERE q.crm AND NOT q.deleted
            UNION
            SELECT l.order_id, l.opportunity_id FROM opportunity_order l
            JOIN opportunities p ON p.record_id = l.opportunity_id WHERE p.crm AND NOT p.deleted
        ),
        wrong AS (
            SELECT o.record_id AS order_id, g.origin_id, a.party_id, b.party_id AS other_id
            FROM orders o JOIN origins g ON g.order_id = o.record_id
            JOIN party_of a ON a.record_id = o.record_id JOIN party_of b ON b.record_id = g.origin_id
            WHERE o.erp AND NOT o.deleted AND o.status IN {ENTERED} AND {OTHER_CUSTOMER}
        )
        SELECT [o.record_id] AS keys, list_concat([o.record_id], list(DISTINCT w.origin_id ORDER BY w.origin_id))
            AS records, o.net_amount AS amount, o.currency, o.order_date AS since,
            struct_pack("order" := label(o.number, NULL, o.source_id), amount_money := o.net_amount,
                customer := any_value(c.label), origins := list(DISTINCT s.label ORDER BY s.label),
                other_customer := list(DISTINCT d.label ORDER BY d.label)) AS params
        FROM wrong w JOIN orders o ON o.record_id = w.order_id JOIN subjects s ON s.record_id = w.origin_id
        JOIN party_subjects c ON c.record_id = w.party_id JOIN party_subjects d ON d.record_id = w.other_id
        GROUP BY o.record_id, o.number, o.source_id, o.net_amount, o.currency, o.order_date
        """


@check(
    "order_over_credit_limit",
    stage="order",
    department="finance",
    severity="error",
    title=("Credit limit exceeded", "超出信用额度"),
    fires=(
        (
            "a customer has a credit limit, and its open invoices and running orders that are not billed yet "
            "together exceed it, in base currency; one finding per customer"
        ),
        "客户设有信用额度，其未收发票与未开票的执行中订单折合本位币合计超出额度；每个客户一个问题",
    ),
    sentence=(
        "{customer} owes {owed_money} and has running orders over {ordered_money}; its limit is {limit_money}.",
        "客户 {customer} 未付发票 {owed_money}，执行中未开票订单 {ordered_money}，信用额度为 {limit_money}。",
    ),
    action=(
        "Hold what is not shipped yet, collect what is due, or have the limit raised by whoever is entitled to.",
        "请暂停未交付部分、催收到期款项，或由有权限的人员调整额度。",
    ),
    needs="erp.order accounting.invoice",
)
def order_over_credit_limit(_: Mapping[str, Any]) -> str:
    """Gross. Where several systems keep a limit, the lowest counts; amounts without a rate cannot be counted."""
    return f"""
        WITH limits AS (
            SELECT k.cluster, min(in_base(p.credit_limit, p.currency)) AS allowed,
                first(p.record_id ORDER BY in_base(p.credit_limit, p.currency), p.record_id) AS party_id
            FROM parties p JOIN party_key k ON k.system = p.system AND k.party_ref = 'id:' || p.source_id
            WHERE NOT p.deleted AND p.credit_limit > 0 GROUP BY ALL
        ),
        owed AS (
            SELECT o.cluster, sum(in_base(i.still_open, i.currency))::BIGINT AS owed
            FROM open_invoices i JOIN party_of o USING (record_id) WHERE i.still_open > 0 GROUP BY ALL
        ),
        unbilled AS (
            SELECT s.billing_group, min(o.cluster) AS cluster, list(s.order_id ORDER BY s.order_id) AS ids,
                in_base(greatest(any_value(s.group_gross) - any_value(s.billed_gross), 0), any_value(s.currency))
                    AS left
            FROM order_states s JOIN party_of o ON o.record_id = s.order_id
            WHERE s.status IN {RUNNING} GROUP BY s.billing_group, s.currency
        ),
        ordered AS (
            SELECT cluster, sum(u.left)::BIGINT AS ordered, list_sort(flatten(list(ids))) AS ids
            FROM unbilled u WHERE u.left > 0 GROUP BY ALL
        )
        SELECT [l.party_id] AS keys, list_concat([l.party_id], coalesce(o.ids, [])) AS records,
            coalesce(w.owed, 0) + coalesce(o.ordered, 0) - l.allowed AS amount,
            getvariable('base_currency') AS currency, NULL::DATE AS since,
            struct_pack(customer := s.label, owed_money := coalesce(w.owed, 0), ordered_money := coalesce(o.ordered, 0),
                limit_money := l.allowed) AS params
        FROM limits l JOIN party_subjects s ON s.record_id = l.party_id
        LEFT JOIN owed w USING (cluster) LEFT JOIN ordered o USING (cluster)
        WHERE coalesce(w.owed, 0) + coalesce(o.ordered, 0) > l.allowed
        """
