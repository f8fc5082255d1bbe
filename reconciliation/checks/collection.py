"""What was billed is paid: in time, in full, once, and only against a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check


@check(
    "invoice_overdue",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Invoice overdue", "发票逾期未收款"),
    fires=(
        (
            "an issued invoice with nothing paid on it has an open amount and its due date is past; bucket "
            "1–30, 31–60, 61–90, over 90 days"
        ),
        "已开票、分文未收且已过到期日；账龄区间 1–30、31–60、61–90、90 天以上",
    ),
    silent=(
        "the invoice is partly paid (`payment_underpaid`), or a case stands in its way (`service_case_blocks_payment`)",
        "发票已部分收款（`payment_underpaid`），或因工单未结（`service_case_blocks_payment`）",
    ),
    sentence=(
        "Invoice {invoice} was due on {due_on} ({bucket} days); {amount_money} are open and nothing has been paid.",
        "发票 {invoice} 于 {due_on} 到期（逾期 {bucket} 天），未收金额 {amount_money}，尚未收到任何款项。",
    ),
    action=("Remind the customer; agree a date or pass it on to collection.", "请向客户催款，约定付款日期或转交催收。"),
    needs="accounting.invoice",
)
def invoice_overdue(_: Mapping[str, Any]) -> str:
    """Past due and nothing paid; a partly paid one is ``payment_underpaid``."""
    return """
        SELECT [record_id] AS keys, [record_id] AS records, still_open AS amount, currency, due_date AS since,
            struct_pack(invoice := label(number, NULL, source_id), due_on := due_date, amount_money := still_open,
                bucket := CASE WHEN late <= 30 THEN '1–30' WHEN late <= 60 THEN '31–60' WHEN late <= 90 THEN '61–90'
                          ELSE '> 90' END) AS params
        FROM (SELECT *, getvariable('today') - due_date AS late FROM open_invoices)
        WHERE late > 0 AND still_open > tolerance(gross_amount, currency)
          AND paid <= tolerance(gross_amount, currency)
          AND record_id NOT IN (SELECT record_id FROM found WHERE check_id = 'service_case_blocks_payment')
        """


@check(
    "payment_underpaid",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Underpaid invoice", "发票付款不足"),
    fires=(
        "money came in on an invoice and the rest, above tolerance, is open",
        "发票已收部分款项，剩余未收金额超过容差",
    ),
    sentence=(
        "Invoice {invoice} over {gross_money} was paid with {paid_money}; {amount_money} are left open.",
        "发票 {invoice}（{gross_money}）已收 {paid_money}，尚欠 {amount_money}。",
    ),
    action=(
        "Ask the customer about the difference; collect it, credit it or write it off.",
        "请与客户核对差额，补收、红冲或核销。",
    ),
    needs="accounting.invoice accounting.payment",
)
def payment_underpaid(_: Mapping[str, Any]) -> str:
    """Money came in and the rest, above tolerance, is open."""
    return """
        SELECT [record_id] AS keys, list_concat([record_id], coalesce(p.ids, [])) AS records, still_open AS amount,
            currency,
            coalesce(p.last_on, due_date) AS since,
            struct_pack(invoice := label(number, NULL, source_id), gross_money := gross_amount,
                paid_money := paid, amount_money := still_open) AS params
        FROM open_invoices i
        LEFT JOIN (SELECT t.invoice_id, list(t.payment_id ORDER BY t.payment_id) AS ids, max(m.received_on) AS last_on
                   FROM settlements t JOIN money m USING (payment_id) WHERE NOT t.is_out GROUP BY ALL) p
            ON p.invoice_id = i.record_id
        WHERE still_open > tolerance(gross_amount, currency) AND paid > tolerance(gross_amount, currency)
        """


@check(
    "payment_overpaid",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Overpayment", "客户多付款"),
    fires=(
        "a received payment of kind overpayment has an unapplied amount above tolerance",
        "多付款类型的收款有超过容差的未核销金额",
    ),
    sentence=(
        "Payment {payment} of {received_on} left {amount_money} over that belong to the customer.",
        "{received_on} 的收款 {payment} 多出 {amount_money}，应归还客户或抵扣。",
    ),
    action=(
        "Set it off against another invoice in agreement with the customer, or pay it back.",
        "请与客户协商抵扣其他发票，或退还。",
    ),
    needs="accounting.payment",
)
def payment_overpaid(_: Mapping[str, Any]) -> str:
    """Received, of kind overpayment, and not used up."""
    return """
        SELECT [m.payment_id] AS keys, [m.payment_id] AS records, m.unapplied AS amount, m.currency, m.received_on
            AS since,
            struct_pack(payment := p.label, received_on := m.received_on, amount_money := m.unapplied) AS params
        FROM money m JOIN payment_labels p USING (payment_id)
        WHERE m.kind = 'overpayment' AND NOT m.is_out AND m.unapplied > tolerance(m.amount, m.currency)
        """


@check(
    "payment_duplicate",
    stage="collection",
    department="finance",
    severity="error",
    title=("Duplicate payment", "重复付款"),
    fires=(
        (
            "two received payments of one party have equal amount, currency and order within {days}, and "
            "the second one is unapplied"
        ),
        "同一客户 {days} 天内两笔收款的金额、币种和订单相同，且后一笔未核销",
    ),
    sentence=(
        "Payment {payment} of {amount_money} on {received_on} repeats the one of {first_on}.",
        "{received_on} 的收款 {payment}（{amount_money}）与 {first_on} 的收款重复。",
    ),
    action=(
        "Pay the second one back, or set it off with the customer's consent.",
        "请退还第二笔款项，或经客户同意后抵扣。",
    ),
    needs="accounting.payment",
    days=7,
)
def payment_duplicate(parameters: Mapping[str, Any]) -> str:
    """Same party, amount, currency and order within some days, and the later one settles nothing."""
    return f"""
        WITH named AS (
            SELECT op.payment_id, 'o' || op.order_id AS key FROM order_payment op
            UNION
            SELECT ip.payment_id, 'o' || ob.order_id FROM invoice_payment ip JOIN order_bill ob USING (invoice_id)
            UNION
            SELECT m.counted_id, 't' || upper(trim(substr(ref, 4)))
            FROM (SELECT record_id, unnest(string_split(order_refs, chr(10))) AS ref FROM payments)
            JOIN payment_members m USING (record_id) WHERE starts_with(ref, 'no:')
        ),
        coming AS (
            SELECT m.*, n.key FROM money m JOIN named n USING (payment_id) WHERE NOT m.is_out AND n.key IS NOT NULL
        ),
        pairs AS (
            SELECT b.payment_id AS second_id, a.payment_id AS first_id, a.received_on AS first_on
            FROM coming a JOIN coming b ON a.key = b.key AND a.system = b.system AND a.amount = b.amount
                AND a.currency IS NOT DISTINCT FROM b.currency AND a.party_ref IS NOT DISTINCT FROM b.party_ref
                AND a.payment_id <> b.payment_id
            WHERE b.unapplied > tolerance(b.amount, b.currency)
              AND b.received_on - a.received_on BETWEEN 0 AND {int(parameters["days"])}
              AND (a.received_on < b.received_on OR a.unapplied <= tolerance(a.amount, a.currency)
                   OR a.payment_id < b.payment_id)
        ),
        earliest AS (
            SELECT second_id, first(first_id ORDER BY first_on, first_id) AS first_id, min(first_on) AS first_on
            FROM pairs GROUP BY ALL
        )
        SELECT [e.second_id] AS keys, [e.second_id, e.first_id] AS records, m.amount, m.currency, m.received_on
            AS since,
            struct_pack(payment := p.label, amount_money := m.amount, received_on := m.received_on,
                first_on := e.first_on) AS params
        FROM earliest e JOIN money m ON m.payment_id = e.second_id
        JOIN payment_labels p ON p.payment_id = e.second_id
        """


@check(
    "payment_without_invoice",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Payment without invoice", "收款无对应发票"),
    fires=(
        "a received payment or advance is not allocated to any invoice (unapplied amount above tolerance); one that "
        "only a bank has seen, {bank_days} days after it came in",
        "收款或预收款未核销到任何发票（未核销金额超过容差）；仅见于银行的，自入账起满 {bank_days} 天",
    ),
    silent=(
        (
            "the payment is a `payment_duplicate`, only a bank has seen it and it names nothing "
            "(`bank_line_unexplained`), or somebody said what it is for (`receipt_matched_not_booked`; what that "
            "leaves stays here)"
        ),
        "该收款属于 `payment_duplicate`，或仅见于银行且未注明任何单据（`bank_line_unexplained`），"
        "或已有人说明用途（`receipt_matched_not_booked`；余额仍在此列出）",
    ),
    sentence=(
        "Payment {payment} of {received_on}: {amount_money} are allocated to no invoice.",
        "{received_on} 的收款 {payment}：{amount_money} 未核销到任何发票。",
    ),
    action=(
        "Find the invoice with the customer and allocate the payment, or pay it back.",
        "请与客户核对后核销到对应发票，或退还。",
    ),
    needs="accounting.payment",
    bank_days=5,
)
def payment_without_invoice(parameters: Mapping[str, Any]) -> str:
    """Received, of kind payment or advance, not used up; a duplicate payment is a finding of its own.

    What people said money is for at the matching desk is another; what they left of it is this one.
    """
    return f"""
        SELECT [m.payment_id] AS keys, [m.payment_id] AS records, m.unapplied - coalesce(t.amount, 0) AS amount,
            m.currency, m.received_on AS since, struct_pack(payment := p.label, received_on := m.received_on,
                amount_money := m.unapplied - coalesce(t.amount, 0)) AS params
        FROM money m JOIN payment_labels p USING (payment_id) LEFT JOIN told_receipts t USING (payment_id)
        WHERE coalesce(m.kind, 'payment') IN ('payment', 'advance') AND NOT m.is_out
          AND m.unapplied - coalesce(t.amount, 0) > tolerance(m.amount, m.currency)
          AND NOT EXISTS (FROM unknown_receipts u WHERE u.payment_id = m.payment_id)
          AND NOT EXISTS (FROM payments b WHERE b.record_id = m.payment_id AND b.bank AND NOT b.accounting
              AND NOT b.payments AND getvariable('today') - m.received_on < {int(parameters["bank_days"])})
          AND NOT EXISTS (FROM found f WHERE f.check_id = 'payment_duplicate' AND f.n = 1
              AND f.record_id = m.payment_id)
        """


@check(
    "refund_without_credit_note",
    stage="collection",
    department="finance",
    severity="error",
    title=("Refund without credit note", "退款无红字发票"),
    fires=(
        "money went out to a customer, not as a chargeback, and no credit note is linked to it",
        "向客户付出款项（非拒付），但没有关联的红字发票",
    ),
    sentence=(
        "{amount_money} went out to a customer on {paid_on} ({payment}); no credit note stands behind it.",
        "{paid_on} 向客户退款 {amount_money}（{payment}），但没有对应的红字发票。",
    ),
    action=(
        "Issue the credit note and allocate the refund to it, or find out who ordered the payment.",
        "请补开红字发票并核销该退款，或查明付款依据。",
    ),
    needs="accounting.invoice accounting.payment",
)
def refund_without_credit_note(_: Mapping[str, Any]) -> str:
    """Money out, other than a chargeback, that is linked to no credit note."""
    return """
        SELECT [m.payment_id] AS keys, [m.payment_id] AS records, m.amount, m.currency, m.received_on AS since,
            struct_pack(payment := p.label, paid_on := m.received_on, amount_money := m.amount) AS params
        FROM money m JOIN payment_labels p USING (payment_id)
        WHERE m.is_out AND coalesce(m.kind, 'refund') NOT IN ('chargeback', 'write_off')
          AND NOT EXISTS (FROM invoice_payment ip JOIN invoices i ON i.record_id = ip.invoice_id
                          WHERE ip.payment_id = m.payment_id AND i.kind = 'credit_note' AND NOT i.deleted
                            AND i.status NOT IN ('draft', 'in_review', 'void'))
        """
