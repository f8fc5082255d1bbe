"""Invoices: of an order, to the right customer, by the agreed terms, adding up, numbered without a gap."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.comparing import OTHER_CUSTOMER
from reconciliation.checks.registry import check
from reconciliation.hops import OWED

_LABEL = "label(i.number, NULL, i.source_id)"
_BILLS = (
    "i.accounting AND NOT i.deleted AND coalesce(i.kind, 'invoice') IN ('invoice', 'debit_note') "
    f"AND i.status IN {OWED}"
)


@check(
    "invoice_without_order",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Invoice without order", "发票无订单"),
    fires=(
        "an issued invoice bills no order, in an accounting system where at least {share} % of the invoices bill one",
        "已开出的发票没有对应订单（该财务系统中至少 {share} % 的发票有对应订单）",
    ),
    sentence=(
        "Invoice {invoice} over {amount_money} of {issued_on} bills no order.",
        "{issued_on} 的发票 {invoice}（{amount_money}）没有对应订单。",
    ),
    action=(
        "Put the order's number into the invoice's reference, or find out what was billed and why.",
        "请在发票参考号中填写订单号，或查明开票依据。",
    ),
    needs="erp.order accounting.invoice",
    share=80,
)
def invoice_without_order(parameters: Mapping[str, Any]) -> str:
    """Where much is billed without orders, an invoice without one is no oddity."""
    return f"""
        WITH bills AS (
            SELECT i.*, EXISTS (FROM order_invoice oi WHERE oi.invoice_id = i.record_id) AS has_order
            FROM invoices i WHERE {_BILLS}
        )
        SELECT [record_id] AS keys, [record_id] AS records, gross_amount AS amount, currency, issue_date AS since,
            struct_pack(invoice := {_LABEL}, amount_money := gross_amount, issued_on := issue_date) AS params
        FROM bills i
        WHERE NOT has_order AND system IN (
            SELECT system FROM bills GROUP BY system
            HAVING count(*) FILTER (has_order) * 100 >= count(*) * {int(parameters["share"])})
        """


@check(
    "invoice_party_differs",
    stage="billing",
    department="finance",
    severity="error",
    title=("Invoice to another customer", "发票客户与订单客户不同"),
    fires=(
        (
            "an issued invoice is to another customer than the order that it bills, and both customers are "
            "known in both systems"
        ),
        "已开出的发票客户与其订单的客户不同，且两个客户在两个系统中均已识别",
    ),
    sentence=(
        "Invoice {invoice} over {amount_money} is to {customer}; order {orders} is of {other_customer}.",
        "发票 {invoice}（{amount_money}）的客户为 {customer}，而订单 {orders} 的客户为 {other_customer}。",
    ),
    action=(
        "Credit the invoice and bill the customer who ordered, or note who pays for whom.",
        "请红冲并对订货客户重新开票，或注明代付关系。",
    ),
    needs="erp.order accounting.invoice",
)
def invoice_party_differs(_: Mapping[str, Any]) -> str:
    """A customer without a counterpart in the other system may be anybody there."""
    return f"""
        SELECT [i.record_id] AS keys, list_concat([i.record_id],
            list(o.record_id ORDER BY o.system, o.source_id)) AS records,
            i.gross_amount AS amount, i.currency, i.issue_date AS since,
            struct_pack(invoice := {_LABEL}, amount_money := i.gross_amount, customer := any_value(c.label),
                orders := list(label(o.number, NULL, o.source_id) ORDER BY o.system, o.source_id),
                other_customer := list(DISTINCT d.label ORDER BY d.label)) AS params
        FROM invoices i JOIN order_invoice l ON l.invoice_id = i.record_id JOIN orders o ON o.record_id = l.order_id
        JOIN party_of a ON a.record_id = i.record_id JOIN party_of b ON b.record_id = o.record_id
        JOIN party_subjects c ON c.record_id = a.party_id JOIN party_subjects d ON d.record_id = b.party_id
        WHERE {_BILLS} AND NOT o.deleted AND {OTHER_CUSTOMER}
        GROUP BY i.record_id, i.number, i.source_id, i.gross_amount, i.currency, i.issue_date
        """


@check(
    "invoice_terms_differ",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Due date is not by the terms", "到期日与付款条件不符"),
    fires=(
        (
            "an invoice with an open amount is due more than {days} days earlier or later than the days to "
            "pay say that the ERP or CRM, else accounting, has for the customer"
        ),
        "未结清发票的到期日与 ERP 或 CRM（否则财务系统）中该客户的付款天数相差 {days} 天以上",
    ),
    sentence=(
        "Invoice {invoice} ({amount_money} open) is due {due_on}, {given} days after its date; {terms} were agreed.",
        "发票 {invoice}（未收 {amount_money}）到期日为 {due_on}，即开票后 {given} 天；约定为 {terms} 天。",
    ),
    action=(
        "Correct the due date, or the customer's terms in the system that has the wrong ones.",
        "请更正到期日，或更正相应系统中该客户的付款条件。",
    ),
    needs="accounting.invoice",
    days=3,
)
def invoice_terms_differ(parameters: Mapping[str, Any]) -> str:
    """Where systems of one kind disagree about the terms, nothing is said here: that is ``party_terms_differ``."""
    return f"""
        WITH agreed AS (
            SELECT k.cluster, coalesce(
                    CASE WHEN min(p.payment_terms_days) FILTER (p.erp OR p.crm)
                        = max(p.payment_terms_days) FILTER (p.erp OR p.crm)
                        THEN min(p.payment_terms_days) FILTER (p.erp OR p.crm) END,
                    CASE WHEN count(p.payment_terms_days) FILTER (p.erp OR p.crm) = 0
                        AND min(p.payment_terms_days) = max(p.payment_terms_days) THEN min(p.payment_terms_days) END)
                    AS terms
            FROM parties p JOIN party_key k ON k.system = p.system AND k.party_ref = 'id:' || p.source_id
            WHERE NOT p.deleted AND p.payment_terms_days IS NOT NULL GROUP BY ALL
        )
        SELECT [i.record_id] AS keys, [i.record_id] AS records, i.still_open AS amount, i.currency,
            i.issue_date AS since,
            struct_pack(invoice := {_LABEL}, amount_money := i.still_open, due_on := i.due_date,
                given := i.due_date - i.issue_date, terms := a.terms) AS params
        FROM open_invoices i JOIN party_of o USING (record_id) JOIN agreed a USING (cluster)
        WHERE i.still_open > tolerance(i.gross_amount, i.currency)
          AND abs(i.due_date - i.issue_date - a.terms) > {int(parameters["days"])}
        """


@check(
    "invoice_total_differs",
    stage="billing",
    department="finance",
    severity="error",
    title=("Invoice does not add up", "发票金额不平"),
    fires=(
        "net and tax of an invoice or credit note that was issued do not come to its gross amount",
        "已开出的发票或红字发票的不含税金额与税额之和不等于含税金额",
    ),
    sentence=(
        "Invoice {invoice}: {net_money} net and {tax_money} tax do not make {gross_money}.",
        "发票 {invoice}：不含税 {net_money} 加税额 {tax_money} 不等于 {gross_money}。",
    ),
    action=(
        "Look at the invoice in accounting; credit it and bill anew if it went out like that.",
        "请在财务系统中核对该发票；如已发出，请红冲后重开。",
    ),
    needs="accounting.invoice",
)
def invoice_total_differs(_: Mapping[str, Any]) -> str:
    """Beyond the tolerance."""
    return f"""
        SELECT [i.record_id] AS keys, [i.record_id] AS records, abs(net_amount + tax_amount - gross_amount) AS amount,
            currency, issue_date AS since, struct_pack(invoice := {_LABEL}, net_money := net_amount,
                tax_money := tax_amount, gross_money := gross_amount) AS params
        FROM invoices i
        WHERE accounting AND NOT deleted AND coalesce(kind, 'invoice') <> 'proforma' AND status IN {OWED}
          AND NOT agree(net_amount + tax_amount, gross_amount, currency)
        """


@check(
    "invoice_number_gap",
    stage="billing",
    department="finance",
    severity="error",
    title=("Gap in invoice numbers", "发票号码不连续"),
    fires=(
        (
            "between two invoice numbers that follow each other in one system and series, at most {most} "
            "numbers are missing, and the later one was issued within {days} days; a larger jump is a new "
            "series"
        ),
        (
            "同一系统、同一系列中前后相接的两个发票号之间缺少不超过 {most} 个号码，且后一张在 {days} "
            "天内开出；更大的跳号视为新系列"
        ),
    ),
    silent=(
        (
            "invoices of the system wait in quarantine, or were discarded from it: their numbers are not known "
            "(`quarantined_records_open`, `quarantined_records_discarded`)"
        ),
        "该系统有发票在隔离区或已从中丢弃，其号码未知（`quarantined_records_open`、`quarantined_records_discarded`）",
    ),
    sentence=(
        "{count} numbers between invoice {before} and {after} are missing: {first_missing} to {last_missing}.",
        "发票 {before} 与 {after} 之间缺少 {count} 个号码：{first_missing} 至 {last_missing}。",
    ),
    action=(
        (
            "Find the missing invoices in accounting, or write down why the numbers were not used: auditors "
            "and tax offices ask."
        ),
        "请在财务系统中查找缺失的发票，或记录号码未使用的原因：审计和税务机关会询问。",
    ),
    needs="accounting.invoice",
    most=20,
    days=400,
)
def invoice_number_gap(parameters: Mapping[str, Any]) -> str:
    """A series is what stands before the last digits; void and deleted invoices fill their place."""
    return f"""
        WITH numbered AS (
            SELECT record_id, system, source_id, number, issue_date,
                regexp_extract(trim(number), '^(.*?)([0-9]+)$', 1) AS series,
                regexp_extract(trim(number), '^(.*?)([0-9]+)$', 2) AS digits
            FROM invoices
            WHERE accounting AND coalesce(kind, 'invoice') <> 'proforma'
              AND regexp_matches(trim(number), '^.*?[0-9]{{1,15}}$')
        ),
        placed AS (
            SELECT record_id, system, series, number, issue_date, length(digits) AS width, digits::BIGINT AS n
            FROM numbered WHERE length(digits) <= 15
            QUALIFY row_number() OVER (PARTITION BY system, series, digits::BIGINT ORDER BY system, source_id) = 1
        ),
        steps AS (
            SELECT *, lag(n) OVER one AS before_n, lag(number) OVER one AS before, lag(record_id) OVER one AS before_id
            FROM placed WINDOW one AS (PARTITION BY system, series ORDER BY n)
        )
        SELECT [before_id, record_id] AS keys, [record_id, before_id] AS records, NULL::BIGINT AS amount,
            NULL AS currency, issue_date AS since,
            struct_pack(count := n - before_n - 1, "before" := "before", "after" := number,
                first_missing := series || lpad((before_n + 1)::VARCHAR, width::INT, '0'),
                last_missing := series || lpad((n - 1)::VARCHAR, width::INT, '0')) AS params
        FROM steps
        WHERE n - before_n BETWEEN 2 AND {int(parameters["most"])} + 1
          AND getvariable('today') - issue_date <= {int(parameters["days"])}
          AND system NOT IN (SELECT q.system FROM quarantined q JOIN coverage c
                             ON c.system = q.system AND c.stream = q.stream WHERE c.entity = 'invoice')
        """
