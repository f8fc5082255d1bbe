"""What the books say was received is at the bank, and what is at the bank is known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.payouts import statements_reach


@check(
    "payment_not_in_bank",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Payment not in the bank", "收款未见于银行"),
    fires=(
        "a payment in accounting by bank transfer, {days} or more old, has no line of the bank's, though statements in "
        "its currency go beyond its day; where a system tells of no method, all its payments count as bank transfers; "
        "not where a processor has the payment",
        "财务系统中的银行转账收款已满 {days} 天，银行对账单中仍无对应流水，且该币种的对账单已覆盖该日；"
        "系统不提供支付方式的，其收款均视为银行转账；支付机构已有该笔收款的除外",
    ),
    sentence=(
        "Payment {payment} of {amount_money} was booked as received on {received_on}; no line of the bank's shows it.",
        "收款 {payment}（{amount_money}）已于 {received_on} 入账，银行对账单中没有对应流水。",
    ),
    action=(
        "Find the line and confirm the link (`ltc links list --decision suggested`), or correct the booking.",
        "请找到对应流水并确认关联（`ltc links list --decision suggested`），或更正入账。",
    ),
    needs="accounting.payment bank.payment",
    days=5,
)
def payment_not_in_bank(parameters: Mapping[str, Any]) -> str:
    """Booked for some days and seen neither by a bank nor by a processor."""
    return f"""
        WITH tells AS (SELECT DISTINCT system FROM payments WHERE method IS NOT NULL),
        elsewhere AS (SELECT m.counted_id FROM payment_members m JOIN payments p USING (record_id)
            WHERE (p.bank OR p.payments) AND NOT p.deleted)
        SELECT [m.payment_id] AS keys, [m.payment_id] AS records, m.amount, m.currency, m.received_on AS since,
            struct_pack(payment := l.label, amount_money := m.amount, received_on := m.received_on) AS params
        FROM money m JOIN payments p ON p.record_id = m.payment_id JOIN payment_labels l USING (payment_id)
        ANTI JOIN elsewhere e ON e.counted_id = m.payment_id LEFT JOIN tells t ON t.system = p.system
        WHERE p.accounting AND NOT m.is_out AND m.amount > 0 AND coalesce(m.kind, 'payment') <> 'write_off'
          AND (p.method = 'bank_transfer' OR t.system IS NULL)
          AND getvariable('today') - m.received_on >= {int(parameters["days"])}
          AND {statements_reach("m.currency", "m.received_on")}
        """


@check(
    "bank_line_unexplained",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Unexplained money at the bank", "银行来款不明"),
    fires=(
        "money came in at the bank {days} or more ago and is neither a payout nor a payment that accounting or a "
        "processor knows, and names no invoice and no order",
        "银行来款已满 {days} 天，既不是结算，也不是财务系统或支付机构已知的收款，且未注明发票或订单",
    ),
    silent=(
        "somebody said at the matching desk what the money is for (`receipt_matched_not_booked`); of what is left the "
        "rest stays here",
        "已有人在收款核销页说明用途（`receipt_matched_not_booked`）；仅说明部分的，余额仍在此列出",
    ),
    sentence=(
        "{amount_money} came in at the bank on {received_on} ({payment}), and nobody knows what for.",
        "银行于 {received_on} 收到 {amount_money}（{payment}），用途不明。",
    ),
    action=(
        "Find out who paid and enter the payment; if it is entered already, confirm the link.",
        "请查明付款方并登记收款；如已登记，请确认关联。",
    ),
    needs="accounting.invoice bank.payment",
    days=5,
)
def bank_line_unexplained(parameters: Mapping[str, Any]) -> str:
    """Seen by the bank alone, or like a payout that there is not; so much of it as nobody has said what it is for."""
    return f"""
        WITH unknown AS (
            SELECT payment_id FROM unknown_receipts
            UNION
            SELECT record_id FROM payout_line_at_bank ANTI JOIN payout_receipt r ON r.payment_id = record_id
        )
        SELECT [p.record_id] AS keys, [p.record_id] AS records, p.amount - coalesce(t.amount, 0) AS amount, p.currency,
            p.received_on AS since, struct_pack(payment := l.label, amount_money := p.amount - coalesce(t.amount, 0),
                received_on := p.received_on) AS params
        FROM unknown u JOIN payments p ON p.record_id = u.payment_id JOIN payment_labels l ON l.payment_id = p.record_id
        LEFT JOIN told_receipts t ON t.payment_id = p.record_id
        WHERE (t.amount IS NULL OR p.amount - t.amount > tolerance(p.amount, p.currency))
          AND p.status = 'received' AND NOT p.deleted AND p.direction IS DISTINCT FROM 'out'
          AND getvariable('today') - p.received_on >= {int(parameters["days"])}
        """


@check(
    "receipt_matched_not_booked",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Matched money, not booked yet", "已匹配收款尚未入账"),
    fires=(
        "somebody said at the matching desk what money is for, {days} or more days after it came in accounting has not "
        "allocated it, and the decision counts in every reconciliation",
        "已有人在收款核销页说明收款用途且该决定有效，但自收款起满 {days} 天财务系统仍未核销",
    ),
    sentence=(
        "Of {amount_money} that came in on {received_on} ({payment}), {matched_money} are matched by {who} ({meant}); "
        "accounting has not booked it yet.",
        "{received_on} 收到 {amount_money}（{payment}），其中 {matched_money} 已由 {who} 匹配（{meant}），"
        "财务系统尚未入账。",
    ),
    action=(
        "Enter the receipt in accounting and allocate it as it was matched; the next reconciliation clears this.",
        "请在财务系统中登记该收款并按匹配结果核销；下次对账后本问题自动消除。",
    ),
    needs="accounting.invoice",
    days=5,
)
def receipt_matched_not_booked(parameters: Mapping[str, Any]) -> str:
    """A person has said what it is for, and the books do not show it."""
    return f"""
        WITH meant AS (
            SELECT t.payment_id, list(i.record_id ORDER BY i.system, i.source_id) AS ids,
                list(label(i.number, NULL, i.source_id) ORDER BY i.system, i.source_id) AS labels
            FROM (SELECT payment_id, unnest(items) AS record_id FROM told_receipts) t JOIN invoices i USING (record_id)
            GROUP BY ALL
        )
        SELECT [m.payment_id] AS keys, list_concat([m.payment_id], coalesce(i.ids, [])) AS records,
            least(t.amount, m.unapplied) AS amount, m.currency, m.received_on AS since,
            struct_pack(payment := l.label, received_on := m.received_on, amount_money := m.unapplied, who := t.who,
                matched_money := t.amount, meant_kinds := t.kinds, meant := coalesce(i.labels, [])) AS params
        FROM told_receipts t JOIN money m USING (payment_id) JOIN payment_labels l USING (payment_id)
        LEFT JOIN meant i USING (payment_id)
        WHERE NOT m.is_out AND m.unapplied > tolerance(m.amount, m.currency)
          AND getvariable('today') - m.received_on >= {int(parameters["days"])}
        """
