"""Complaints are answered, and a customer who waits for an answer is not pressed for money."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check

_OPEN = "c.service AND NOT c.deleted AND c.status IN ('new', 'open', 'waiting_customer', 'on_hold')"
_LABEL = "label(c.number, NULL, c.source_id)"
_OPENED = "local_day(coalesce(c.opened_at, c.source_created_at))"
_TOUCHED = "local_day(coalesce(c.source_updated_at, c.opened_at, c.source_created_at))"
_URGENT = "lower(trim(c.priority)) IN ('high', 'urgent', 'critical', 'p1', '高', '紧急')"


def _names(table: str) -> str:
    """How a case may refer to the rows of a table: by number, by the id in another system, by the id in its own."""
    return " UNION ALL ".join(
        f"SELECT record_id, '{scheme}:' || {value} AS ref, {system} AS system FROM {table}"
        for scheme, value, system in (
            ("no", "number", "NULL"),
            ("ext", "source_id", "NULL"),
            ("id", "source_id", "system"),
        )
    )


@check(
    "service_case_blocks_payment",
    stage="service",
    department="customer_service",
    severity="error",
    title=("Open case blocks payment", "未结工单影响收款"),
    fires=(
        (
            "an open case is about an invoice that is overdue and unpaid, about its order, or, where it "
            "names neither, of its customer and opened before the invoice was due; one finding per case"
        ),
        "未结工单涉及逾期未付的发票或其订单；如两者均未注明，则为该客户在发票到期前提出的工单；每个工单一个问题",
    ),
    sentence=(
        (
            "Case {case} is {case_status}; {amount_money} of the customer are overdue ({invoices}) and may "
            "wait for an answer."
        ),
        "工单 {case} 为“{case_status}”；该客户逾期 {amount_money}（{invoices}）可能因此未付。",
    ),
    action=(
        "Settle the case first, and tell the customer; then collect.",
        "请先解决工单并告知客户，然后再催收。",
    ),
    needs="service.service_case accounting.invoice",
)
def service_case_blocks_payment(_: Mapping[str, Any]) -> str:
    """These invoices are not also ``invoice_overdue``."""
    return f"""
        WITH late AS (
            SELECT i.record_id, i.system, i.source_id, i.number, i.still_open, i.currency, i.due_date, o.cluster
            FROM open_invoices i LEFT JOIN party_of o USING (record_id)
            WHERE i.due_date < getvariable('today') AND i.still_open > tolerance(i.gross_amount, i.currency)
              AND i.paid <= tolerance(i.gross_amount, i.currency)
        ),
        ordered AS (
            SELECT l.record_id, o.system, o.source_id, o.number FROM late l
            JOIN order_invoice oi ON oi.invoice_id = l.record_id JOIN orders o ON o.record_id = oi.order_id
        ),
        about AS (
            SELECT c.record_id, n.record_id AS invoice_id FROM service_cases c
            JOIN ({_names("late")}) n ON n.ref = c.invoice_ref AND coalesce(n.system, c.system) = c.system
            WHERE {_OPEN}
            UNION
            SELECT c.record_id, n.record_id FROM service_cases c
            JOIN ({_names("ordered")}) n ON n.ref = c.order_ref AND coalesce(n.system, c.system) = c.system
            WHERE {_OPEN}
            UNION
            SELECT c.record_id, l.record_id FROM service_cases c JOIN party_of p USING (record_id)
            JOIN late l ON l.cluster = p.cluster
            WHERE {_OPEN} AND c.invoice_ref IS NULL AND c.order_ref IS NULL AND {_OPENED} <= l.due_date
        )
        SELECT [c.record_id] AS keys, list_concat([c.record_id], list(l.record_id ORDER BY l.due_date, l.record_id))
            AS records, CASE WHEN count(DISTINCT l.currency) <= 1 THEN sum(l.still_open) END::BIGINT AS amount,
            any_value(l.currency) AS currency, {_OPENED} AS since,
            struct_pack("case" := {_LABEL}, case_status := c.status,
                amount_money := CASE WHEN count(DISTINCT l.currency) <= 1 THEN sum(l.still_open) END::BIGINT,
                invoices := list(label(l.number, NULL, l.source_id) ORDER BY l.due_date, l.record_id)) AS params
        FROM service_cases c JOIN about a USING (record_id) JOIN late l ON l.record_id = a.invoice_id
        GROUP BY c.record_id, c.number, c.source_id, c.status, c.opened_at, c.source_created_at
        """


@check(
    "service_case_urgent",
    stage="service",
    department="customer_service",
    severity="warning",
    title=("Urgent case open", "紧急工单未解决"),
    fires=(
        "a case of high or urgent priority is open for more than {days} days",
        "高优先级或紧急工单超过 {days} 天仍未解决",
    ),
    silent=("it has `service_case_blocks_payment`", "已有 `service_case_blocks_payment`"),
    sentence=(
        "Case {case} has priority {priority}, was opened on {opened_on} and is {case_status}.",
        "工单 {case} 优先级为 {priority}，于 {opened_on} 提出，目前为“{case_status}”。",
    ),
    action=("Settle the case, or lower its priority.", "请解决该工单，或调整其优先级。"),
    needs="service.service_case",
    days=3,
)
def service_case_urgent(parameters: Mapping[str, Any]) -> str:
    """Where the source does not tell when it was opened, since its last change."""
    return f"""
        SELECT [c.record_id] AS keys, [c.record_id] AS records, NULL::BIGINT AS amount, NULL AS currency,
            coalesce({_OPENED}, {_TOUCHED}) AS since,
            struct_pack("case" := {_LABEL}, priority := c.priority, opened_on := coalesce({_OPENED}, {_TOUCHED}),
                case_status := c.status) AS params
        FROM service_cases c
        WHERE {_OPEN} AND {_URGENT}
          AND getvariable('today') - coalesce({_OPENED}, {_TOUCHED}) > {int(parameters["days"])}
          AND c.record_id NOT IN (SELECT record_id FROM found WHERE check_id = 'service_case_blocks_payment')
        """


@check(
    "service_case_stale",
    stage="service",
    department="customer_service",
    severity="warning",
    title=("Case lies idle", "工单长期未处理"),
    fires=(
        "an open case was last changed more than {days} days ago",
        "未结工单超过 {days} 天没有变动",
    ),
    silent=(
        "it has `service_case_blocks_payment` or `service_case_urgent`",
        "已有 `service_case_blocks_payment` 或 `service_case_urgent`",
    ),
    sentence=(
        "Case {case} is {case_status} and was last changed on {touched_on}.",
        "工单 {case} 为“{case_status}”，最后一次变动在 {touched_on}。",
    ),
    action=(
        "Answer the customer, or close the case.",
        "请答复客户，或关闭该工单。",
    ),
    needs="service.service_case",
    days=14,
)
def service_case_stale(parameters: Mapping[str, Any]) -> str:
    """Whoever is waited for."""
    return f"""
        SELECT [c.record_id] AS keys, [c.record_id] AS records, NULL::BIGINT AS amount, NULL AS currency,
            {_TOUCHED} AS since, struct_pack("case" := {_LABEL}, case_status := c.status, touched_on := {_TOUCHED})
                AS params
        FROM service_cases c
        WHERE {_OPEN} AND getvariable('today') - {_TOUCHED} > {int(parameters["days"])}
          AND c.record_id NOT IN (SELECT record_id FROM found
                                  WHERE check_id IN ('service_case_blocks_payment', 'service_case_urgent'))
        """
