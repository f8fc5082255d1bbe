"""Money that does not settle what it seems to: other currencies, chargebacks, failures, too much given back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check

_PAYMENT = "[p.record_id] AS keys"


@check(
    "payment_currency_differs",
    stage="collection",
    department="finance",
    severity="error",
    title=("Paid in another currency", "付款币种与发票不同"),
    fires=(
        "a received payment is allocated to an invoice in another currency",
        "收款核销到了其他币种的发票",
    ),
    sentence=(
        "Payment {payment} of {amount_money} is allocated to invoice {invoices} in {invoice_currency}.",
        "收款 {payment}（{amount_money}）核销到币种为 {invoice_currency} 的发票 {invoices}。",
    ),
    action=(
        "Convert the payment in accounting, book the difference, and allocate it anew.",
        "请在财务系统中换算该收款、登记汇兑差额并重新核销。",
    ),
    needs="accounting.invoice accounting.payment",
)
def payment_currency_differs(_: Mapping[str, Any]) -> str:
    """What was paid does not reduce what is owed, as amounts of two currencies cannot be compared."""
    return f"""
        SELECT {_PAYMENT}, list_concat([p.record_id], list(i.record_id ORDER BY i.system, i.source_id)) AS records,
            p.amount, p.currency, p.received_on AS since,
            struct_pack(payment := any_value(l.label), amount_money := p.amount,
                invoices := list(label(i.number, NULL, i.source_id) ORDER BY i.system, i.source_id),
                invoice_currency := list(DISTINCT i.currency ORDER BY i.currency)) AS params
        FROM payments p JOIN money m ON m.payment_id = p.record_id JOIN invoice_payment ip USING (payment_id)
        JOIN invoices i ON i.record_id = ip.invoice_id JOIN payment_labels l USING (payment_id)
        WHERE i.accounting AND NOT i.deleted AND i.currency <> p.currency
        GROUP BY p.record_id, p.amount, p.currency, p.received_on
        """


@check(
    "payment_over_allocated",
    stage="collection",
    department="finance",
    severity="error",
    title=("More allocated than received", "核销金额超过收款金额"),
    fires=(
        "the allocations of a received payment come to more than the payment",
        "一笔收款的核销金额合计超过收款金额",
    ),
    sentence=(
        "Payment {payment} is over {amount_money}; {allocated_money} of it are allocated.",
        "收款 {payment} 金额为 {amount_money}，已核销 {allocated_money}。",
    ),
    action=(
        "Undo the allocations of the payment and allocate it anew.",
        "请撤销该收款的核销并重新核销。",
    ),
    needs="accounting.payment",
)
def payment_over_allocated(_: Mapping[str, Any]) -> str:
    """Both ways: money out can be allocated too far as well."""
    return f"""
        SELECT {_PAYMENT}, [p.record_id] AS records, a.allocated - p.amount AS amount, p.currency,
            p.received_on AS since,
            struct_pack(payment := l.label, amount_money := p.amount, allocated_money := a.allocated) AS params
        FROM payments p
        JOIN (SELECT record_id, sum(amount)::BIGINT AS allocated FROM payment_allocations GROUP BY ALL) a
            USING (record_id)
        JOIN payment_labels l ON l.payment_id = p.record_id
        WHERE p.accounting AND NOT p.deleted AND p.status = 'received'
          AND a.allocated > p.amount AND NOT agree(a.allocated, p.amount, p.currency)
        """


@check(
    "payment_failed",
    stage="collection",
    department="finance",
    severity="warning",
    title=("Payment failed", "付款失败"),
    fires=(
        "a payment for an invoice or order failed in the last {days} days, and no payment for it was received since",
        "最近 {days} 天内针对发票或订单的付款失败，此后没有收到相应款项",
    ),
    silent=("the invoice is overdue (`invoice_overdue`)", "发票已逾期（`invoice_overdue`）"),
    sentence=(
        "The customer tried to pay {amount_money} for {documents} on {tried_on} and failed.",
        "客户于 {tried_on} 为 {documents} 付款 {amount_money} 失败。",
    ),
    action=(
        "Tell the customer that the payment did not arrive, and send a new way to pay.",
        "请告知客户付款未成功，并提供新的付款方式。",
    ),
    needs="accounting.payment",
    days=30,
)
def payment_failed(parameters: Mapping[str, Any]) -> str:
    """Of several tries the last one counts."""
    return f"""
        WITH tried AS (
            SELECT p.record_id, ip.invoice_id AS document_id FROM payments p
            JOIN invoice_payment ip ON ip.payment_id = p.record_id
            WHERE (p.accounting OR p.payments) AND NOT p.deleted AND p.status = 'failed'
              AND coalesce(p.direction, 'in') = 'in'
            UNION
            SELECT p.record_id, op.order_id FROM payments p JOIN order_payment op ON op.payment_id = p.record_id
            WHERE (p.accounting OR p.payments) AND NOT p.deleted AND p.status = 'failed'
              AND coalesce(p.direction, 'in') = 'in'
              AND p.record_id NOT IN (SELECT payment_id FROM invoice_payment)
        ),
        came AS (
            SELECT ip.invoice_id AS document_id, m.received_on FROM money m JOIN invoice_payment ip USING (payment_id)
            WHERE NOT m.is_out
            UNION ALL
            SELECT op.order_id, m.received_on FROM money m JOIN order_payment op USING (payment_id) WHERE NOT m.is_out
        )
        SELECT {_PAYMENT}, list_concat([p.record_id],
            list(s.record_id ORDER BY s.system, s.source_id)) AS records, p.amount,
            p.currency, p.received_on AS since,
            struct_pack(amount_money := p.amount, tried_on := p.received_on,
                documents := list(s.label ORDER BY s.system, s.source_id)) AS params
        FROM payments p JOIN tried t USING (record_id) JOIN subjects s ON s.record_id = t.document_id
        WHERE getvariable('today') - p.received_on <= {int(parameters["days"])}
          AND NOT EXISTS (FROM came c WHERE c.document_id = t.document_id AND c.received_on >= p.received_on)
          AND NOT EXISTS (FROM tried u JOIN payments q ON q.record_id = u.record_id
                          WHERE u.document_id = t.document_id AND q.record_id <> p.record_id
                            AND (q.received_on, q.record_id) > (p.received_on, p.record_id))
          AND t.document_id NOT IN (SELECT record_id FROM found WHERE check_id = 'invoice_overdue')
        GROUP BY p.record_id, p.amount, p.currency, p.received_on
        """


@check(
    "refund_exceeds_payment",
    stage="collection",
    department="finance",
    severity="error",
    title=("More paid back than received", "退款超过收款"),
    fires=(
        "more money went out on invoices and credit notes that belong together than came in on them",
        "同一组发票和红字发票上付出的款项超过收到的款项",
    ),
    silent=(
        "there is no credit note for it (`refund_without_credit_note`)",
        "没有对应的红字发票（`refund_without_credit_note`）",
    ),
    sentence=(
        "On {documents} {in_money} came in and {out_money} went out.",
        "{documents} 共收到 {in_money}，付出 {out_money}。",
    ),
    action=(
        "Find out why more was paid back, and ask the customer to return it.",
        "请查明多退的原因，并请客户返还。",
    ),
    needs="accounting.invoice accounting.payment",
)
def refund_exceeds_payment(_: Mapping[str, Any]) -> str:
    """A refund of money that was received for another invoice of the customer has to be allocated there."""
    return """
        WITH moved AS (
            SELECT coalesce(g.group_id, s.invoice_id) AS group_id, s.currency,
                sum(s.amount) FILTER (NOT s.is_out)::BIGINT AS came, -sum(s.amount) FILTER (s.is_out)::BIGINT AS went,
                list(DISTINCT s.payment_id ORDER BY s.payment_id) FILTER (s.is_out) AS payments,
                list(DISTINCT s.invoice_id ORDER BY s.invoice_id) AS documents,
                list(DISTINCT label(i.number, NULL, i.source_id)) AS labels, count(f.record_id) AS told
            FROM settlements s JOIN invoices i ON i.record_id = s.invoice_id
            LEFT JOIN settlement_groups g ON g.id = s.invoice_id
            LEFT JOIN found f ON f.record_id = s.payment_id AND f.check_id = 'refund_without_credit_note'
            GROUP BY ALL
        )
        SELECT payments AS keys, list_concat(payments, documents) AS records, went - coalesce(came, 0) AS amount,
            currency, NULL::DATE AS since,
            struct_pack(documents := list_sort(labels), in_money := coalesce(came, 0), out_money := went) AS params
        FROM moved WHERE told = 0 AND went > coalesce(came, 0) AND NOT agree(went, coalesce(came, 0), currency)
        """


@check(
    "chargeback_open",
    stage="collection",
    department="finance",
    severity="error",
    title=("Chargeback waits for an answer", "拒付待应诉"),
    fires=(
        "a customer's bank takes a payment back and the dispute is not decided, for more than {days} days",
        "客户银行发起拒付，争议超过 {days} 天仍未裁定",
    ),
    sentence=(
        "{amount_money} are disputed since {disputed_on} ({payment}); the dispute is open.",
        "{amount_money} 自 {disputed_on} 起被拒付（{payment}），争议尚未裁定。",
    ),
    action=(
        "Send the evidence to the processor before its deadline, or accept the chargeback.",
        "请在支付机构的期限前提交证据，或接受拒付。",
    ),
    needs="payments.payment",
    days=0,
)
def chargeback_open(parameters: Mapping[str, Any]) -> str:
    """Processors decide against whoever does not answer."""
    return f"""
        SELECT {_PAYMENT}, [p.record_id] AS records, p.amount, p.currency, p.received_on AS since,
            struct_pack(amount_money := p.amount, disputed_on := p.received_on, payment := l.label) AS params
        FROM payments p JOIN payment_labels l ON l.payment_id = p.record_id
        WHERE p.payments AND NOT p.deleted AND p.kind = 'chargeback' AND p.status = 'pending'
          AND getvariable('today') - p.received_on > {int(parameters["days"])}
        """


@check(
    "chargeback_not_booked",
    stage="collection",
    department="finance",
    severity="error",
    title=("Chargeback lost, invoice still paid", "拒付败诉但发票仍显示已付"),
    fires=(
        "a chargeback was lost, and an invoice that its payment settled is still shown as paid",
        "拒付已败诉，但其收款所结清的发票仍显示为已结清",
    ),
    sentence=(
        "{amount_money} were taken back on {disputed_on}; invoice {invoices} is still shown as paid.",
        "{disputed_on} 被拒付 {amount_money}，但发票 {invoices} 仍显示为已结清。",
    ),
    action=(
        "Book the chargeback in accounting, so that the invoice is open again, and collect it or write it off.",
        "请在财务系统中登记拒付，使发票恢复未结清，然后催收或核销。",
    ),
    needs="payments.payment accounting.invoice",
)
def chargeback_not_booked(_: Mapping[str, Any]) -> str:
    """Through the invoice that the chargeback names, or through its orders."""
    return f"""
        WITH named AS (
            SELECT ip.payment_id, ip.invoice_id FROM invoice_payment ip
            UNION
            SELECT op.payment_id, oi.invoice_id FROM order_payment op JOIN order_invoice oi USING (order_id)
        )
        SELECT {_PAYMENT}, list_concat([p.record_id],
            list(i.record_id ORDER BY i.system, i.source_id)) AS records, p.amount,
            p.currency, p.received_on AS since,
            struct_pack(amount_money := p.amount, disputed_on := p.received_on,
                invoices := list(label(i.number, NULL, i.source_id) ORDER BY i.system, i.source_id)) AS params
        FROM payments p JOIN named n ON n.payment_id = p.record_id JOIN invoices i ON i.record_id = n.invoice_id
        WHERE p.payments AND NOT p.deleted AND p.kind = 'chargeback' AND p.status = 'received'
          AND i.accounting AND NOT i.deleted AND i.status = 'paid' AND coalesce(i.open_amount, 0) = 0
        GROUP BY p.record_id, p.amount, p.currency, p.received_on
        """
