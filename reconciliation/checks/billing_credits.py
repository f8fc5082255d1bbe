"""Bills above the order, credit notes and write-offs: what reduces or inflates revenue has a reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import ENTERED, OWED

_LABEL = "label(n.number, NULL, n.source_id)"
_NOTES = f"n.accounting AND NOT n.deleted AND n.kind = 'credit_note' AND n.status IN {OWED}"


@check(
    "invoice_exceeds_order",
    stage="billing",
    department="finance",
    severity="error",
    title=("Billed more than ordered", "开票超过订单金额"),
    fires=(
        "a live order that is not fully delivered is billed with more than its net amount, less credit notes",
        "未全部交付的有效订单，其开票净额（扣除红字发票）超过订单不含税金额",
    ),
    silent=(
        "one of the invoices is an `invoice_duplicate`; fully delivered orders have `order_invoice_amount`",
        "其中有发票属于 `invoice_duplicate`；已全部交付的订单见 `order_invoice_amount`",
    ),
    sentence=(
        "Order {order} comes to {ordered_money} net; {billed_money} net were invoiced before it is delivered.",
        "订单 {order} 不含税金额 {ordered_money}，尚未全部交付，已开票 {billed_money}。",
    ),
    action=(
        "Credit what was billed too much, or have the order raised to what the customer agreed to.",
        "请红冲多开部分，或将订单更正为客户同意的金额。",
    ),
    needs="erp.order erp.delivery accounting.invoice",
)
def invoice_exceeds_order(_: Mapping[str, Any]) -> str:
    """Orders that share an invoice are judged as a whole."""
    return f"""
        WITH judged AS (
            SELECT s.billing_group, list(s.order_id ORDER BY s.order_id) AS ids, any_value(s.currency) AS currency,
                any_value(s.group_net) AS ordered, any_value(s.billed_net) AS billed,
                list(label(o.number, NULL, o.source_id) ORDER BY s.order_id) AS labels
            FROM order_states s JOIN orders o ON o.record_id = s.order_id
            WHERE s.status IN {ENTERED} AND s.billing_state = 'over_invoiced' AND s.foreign_currency IS NULL
            GROUP BY s.billing_group, s.currency HAVING NOT bool_and(s.delivery_state = 'delivered')
        ),
        bills AS (
            SELECT billing_group, list(invoice_id ORDER BY invoice_id) AS ids, max(issue_date) AS last_on
            FROM group_bills GROUP BY ALL
        ),
        told AS (
            SELECT g.billing_group FROM found f JOIN group_bills g ON g.invoice_id = f.record_id
            WHERE f.check_id IN ('invoice_duplicate', 'status_order_invoice')
        )
        SELECT j.ids AS keys, list_concat(j.ids, b.ids) AS records, j.billed - j.ordered AS amount, j.currency,
            b.last_on AS since, struct_pack("order" := j.labels, ordered_money := j.ordered, billed_money := j.billed)
                AS params
        FROM judged j JOIN bills b USING (billing_group)
        WHERE billing_group NOT IN (SELECT billing_group FROM told)
        """


@check(
    "credit_note_without_invoice",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Credit note without invoice", "红字发票无对应发票"),
    fires=(
        "a credit note was issued {days} or more days ago, and it corrects no invoice and bills back no order",
        "红字发票开出已满 {days} 天，既未对应任何发票也未对应任何订单",
    ),
    sentence=(
        "Credit note {credit_note} over {amount_money} of {issued_on} corrects no invoice.",
        "{issued_on} 的红字发票 {credit_note}（{amount_money}）没有对应的发票。",
    ),
    action=(
        "Set the credit note off against the invoice it corrects, or find out who ordered it.",
        "请将红字发票与其更正的发票核销，或查明开具依据。",
    ),
    needs="accounting.invoice",
    days=7,
)
def credit_note_without_invoice(parameters: Mapping[str, Any]) -> str:
    """Gross. One that names an order at least says what it is about."""
    return f"""
        SELECT [n.record_id] AS keys, [n.record_id] AS records, n.gross_amount AS amount, n.currency,
            n.issue_date AS since, struct_pack(credit_note := {_LABEL}, amount_money := n.gross_amount,
                issued_on := n.issue_date) AS params
        FROM invoices n
        WHERE {_NOTES} AND getvariable('today') - n.issue_date >= {int(parameters["days"])}
          AND n.record_id NOT IN (SELECT credit_id FROM credit_links)
          AND n.record_id NOT IN (SELECT invoice_id FROM order_invoice)
        """


@check(
    "credit_note_exceeds_invoice",
    stage="billing",
    department="finance",
    severity="error",
    title=("Credited more than billed", "红冲金额超过发票金额"),
    fires=(
        "the credit notes that correct an invoice come to more than the invoice, gross",
        "更正某张发票的红字发票含税合计超过该发票",
    ),
    sentence=(
        "Invoice {invoice} over {invoice_money} was credited with {credited_money} ({credit_notes}).",
        "发票 {invoice}（{invoice_money}）被红冲 {credited_money}（{credit_notes}）。",
    ),
    action=(
        "Take back what was credited too much before it is paid out.",
        "请在付出款项前更正多红冲的部分。",
    ),
    needs="accounting.invoice",
)
def credit_note_exceeds_invoice(_: Mapping[str, Any]) -> str:
    """A credit note that corrects several invoices is spread over them and not judged here."""
    return f"""
        WITH single AS (SELECT credit_id FROM credit_links GROUP BY ALL HAVING count(*) = 1)
        SELECT [i.record_id] AS keys, list_concat([i.record_id],
            list(n.record_id ORDER BY n.system, n.source_id)) AS records,
            (sum(n.gross_amount) - i.gross_amount)::BIGINT AS amount, i.currency, max(n.issue_date) AS since,
            struct_pack(invoice := label(i.number, NULL, i.source_id), invoice_money := i.gross_amount,
                credited_money := sum(n.gross_amount)::BIGINT,
                credit_notes := list({_LABEL} ORDER BY n.system, n.source_id)) AS params
        FROM invoices i JOIN credit_links c ON c.invoice_id = i.record_id JOIN single USING (credit_id)
        JOIN invoices n ON n.record_id = c.credit_id
        WHERE i.accounting AND NOT i.deleted AND {_NOTES} AND n.currency IS NOT DISTINCT FROM i.currency
        GROUP BY i.record_id, i.number, i.source_id, i.gross_amount, i.currency
        HAVING sum(n.gross_amount) > i.gross_amount
           AND NOT agree(sum(n.gross_amount), i.gross_amount, i.currency)
        """


@check(
    "credit_note_unused",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Credit left unused", "红字发票余额未使用"),
    fires=(
        (
            "a credit note of {days} or more days ago has an open amount, and the customer has open invoices "
            "in the same currency"
        ),
        "红字发票开出已满 {days} 天仍有余额，而该客户有同币种的未付发票",
    ),
    sentence=(
        "Credit note {credit_note} of {issued_on} has {amount_money} left, while {customer} owes {owed_money}.",
        "{issued_on} 的红字发票 {credit_note} 尚余 {amount_money}，而客户 {customer} 欠款 {owed_money}。",
    ),
    action=(
        "Set the credit off against the open invoices, so that nobody is reminded of what is settled.",
        "请用红字发票余额抵扣未付发票，避免催收已结清的款项。",
    ),
    needs="accounting.invoice",
    days=60,
)
def credit_note_unused(parameters: Mapping[str, Any]) -> str:
    """The amount is what can be set off: the smaller of the two."""
    return f"""
        WITH owing AS (
            SELECT p.cluster, i.currency, sum(i.still_open)::BIGINT AS owed FROM open_invoices i
            JOIN party_of p USING (record_id) WHERE i.still_open > tolerance(i.gross_amount, i.currency) GROUP BY ALL
        )
        SELECT [n.record_id] AS keys, [n.record_id] AS records, least(n.open_amount, w.owed) AS amount, n.currency,
            n.issue_date AS since, struct_pack(credit_note := {_LABEL}, issued_on := n.issue_date,
                amount_money := n.open_amount, customer := s.label, owed_money := w.owed) AS params
        FROM invoices n JOIN party_of p USING (record_id) JOIN owing w ON w.cluster = p.cluster
            AND w.currency IS NOT DISTINCT FROM n.currency
        JOIN party_subjects s ON s.record_id = p.party_id
        WHERE {_NOTES} AND n.status IN ('issued', 'partly_paid')
          AND n.open_amount > tolerance(n.gross_amount, n.currency)
          AND getvariable('today') - n.issue_date >= {int(parameters["days"])}
        """


@check(
    "write_off_large",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Large write-off", "大额坏账核销"),
    fires=(
        "an invoice was written off, or money was, for {amount} or more in base currency, in the last {days} days",
        "最近 {days} 天内核销发票或款项，折合本位币达到 {amount}",
    ),
    sentence=(
        "{amount_money} were written off ({document}, {written_on}): have it signed off by whoever is entitled to.",
        "已核销 {amount_money}（{document}，{written_on}）：请由有权限的人员确认。",
    ),
    action=(
        "Have the write-off signed off; explain the finding with who did and why.",
        "请由有权限的人员确认该核销，并在问题说明中注明人员和原因。",
    ),
    needs="accounting.invoice",
    amount=10000,
    days=90,
)
def write_off_large(parameters: Mapping[str, Any]) -> str:
    """What is left open on the invoice, else its gross amount; by its last change, as no source tells the day."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, lost AS amount, currency, written_on AS since,
            struct_pack(amount_money := lost, document := label, written_on := written_on) AS params
        FROM (
            SELECT record_id, coalesce(nullif(open_amount, 0), gross_amount) AS lost, currency,
                label(number, NULL, source_id) AS label,
                coalesce(local_day(source_updated_at), issue_date) AS written_on
            FROM invoices WHERE accounting AND NOT deleted AND status = 'written_off'
            UNION ALL
            SELECT p.record_id, p.amount, p.currency, l.label, p.received_on
            FROM payments p JOIN payment_labels l ON l.payment_id = p.record_id
            WHERE p.accounting AND NOT p.deleted AND p.kind = 'write_off' AND p.status = 'received'
        )
        WHERE in_base(lost, currency) >= {int(parameters["amount"])}::BIGINT
                * minor_units(getvariable('base_currency'))
          AND getvariable('today') - written_on <= {int(parameters["days"])}
        """
