"""A quote is decided on while it is valid, and an order is made of a quote that is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import ACCEPTED, ENTERED

_CLOSED = """
    EXISTS (FROM opportunity_quote oq JOIN opportunities p ON p.record_id = oq.opportunity_id
            WHERE oq.quote_id = q.record_id AND p.status IN ('won', 'lost', 'cancelled'))"""
_TOLD = "q.record_id NOT IN (SELECT record_id FROM found WHERE check_id IN ({0}))"


@check(
    "quote_expired_open",
    stage="quote",
    department="sales",
    severity="warning",
    title=("Expired quote still open", "报价已过期仍未关闭"),
    fires=(
        "a quote is approved or was sent, it was valid until more than {days} days ago, and its opportunity is open",
        "报价已批准或已发送，有效期已过 {days} 天以上，而商机仍在进行",
    ),
    silent=("its order runs (`status_quote_order`)", "其订单已在执行（`status_quote_order`）"),
    sentence=(
        "Quote {quote} over {amount_money} was valid until {valid_until} and is still {quote_status}.",
        "报价单 {quote}（{amount_money}）有效期至 {valid_until}，状态仍为“{quote_status}”。",
    ),
    action=(
        "Renew the quote with the customer, or set it to expired.",
        "请与客户续签报价，或将其设为已过期。",
    ),
    needs="crm.quote",
    days=7,
)
def quote_expired_open(parameters: Mapping[str, Any]) -> str:
    """The quotes of a deal that is decided are left alone."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, net_amount AS amount, currency, valid_until AS since,
            struct_pack(quote := label(number, NULL, source_id), amount_money := net_amount,
                valid_until := valid_until, quote_status := status) AS params
        FROM quotes q
        WHERE crm AND NOT deleted AND status IN ('approved', 'sent')
          AND getvariable('today') - valid_until > {int(parameters["days"])}
          AND NOT {_CLOSED} AND {_TOLD.format("'status_quote_order'")}
        """


@check(
    "quote_stale",
    stage="quote",
    department="sales",
    severity="warning",
    title=("Quote never sent", "报价迟迟未发送"),
    fires=(
        "a quote was made {days} or more days ago, is still draft, in review or approved, and its opportunity is open",
        "报价编制已满 {days} 天，仍为草稿、审批中或已审批，而商机仍在进行",
    ),
    silent=(
        "it has `quote_expired_open`, or its order runs (`status_quote_order`)",
        "已有 `quote_expired_open`，或其订单已在执行（`status_quote_order`）",
    ),
    sentence=(
        "Quote {quote} over {amount_money} of {issued_on} is still {quote_status}; the customer does not have it.",
        "{issued_on} 的报价单 {quote}（{amount_money}）仍为“{quote_status}”，尚未发送给客户。",
    ),
    action=("Send the quote, or cancel it.", "请发送该报价，或将其取消。"),
    needs="crm.quote",
    days=60,
)
def quote_stale(parameters: Mapping[str, Any]) -> str:
    """An alternative that was not needed any more is no fault once the deal is decided."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, net_amount AS amount, currency, issue_date AS since,
            struct_pack(quote := label(number, NULL, source_id), amount_money := net_amount, issued_on := issue_date,
                quote_status := status) AS params
        FROM quotes q
        WHERE crm AND NOT deleted AND status IN ('draft', 'in_review', 'approved')
          AND getvariable('today') - issue_date >= {int(parameters["days"])}
          AND NOT {_CLOSED} AND {_TOLD.format("'status_quote_order', 'quote_expired_open'")}
        """


@check(
    "quote_order_expired",
    stage="order",
    department="sales_operations",
    severity="warning",
    title=("Order on an expired quote", "订单依据已过期的报价"),
    fires=(
        "an order was made more than {days} days after the quote it follows from had expired",
        "订单日期晚于其报价有效期 {days} 天以上",
    ),
    sentence=(
        "Order {order} over {amount_money} is of {ordered_on}; quote {quotes} was valid until {valid_until}.",
        "订单 {order}（{amount_money}）日期为 {ordered_on}，而报价单 {quotes} 有效期至 {valid_until}。",
    ),
    action=(
        "Confirm that the prices still hold, and renew the quote, or quote anew.",
        "请确认价格仍然有效并续签报价，或重新报价。",
    ),
    needs="crm.quote erp.order",
    days=0,
)
def quote_order_expired(parameters: Mapping[str, Any]) -> str:
    """Of several quotes the one that was valid longest counts."""
    return f"""
        SELECT [o.record_id] AS keys, list_concat([o.record_id],
            list(q.record_id ORDER BY q.system, q.source_id)) AS records,
            o.net_amount AS amount, o.currency, o.order_date AS since,
            struct_pack("order" := label(o.number, NULL, o.source_id), amount_money := o.net_amount,
                ordered_on := o.order_date, valid_until := max(q.valid_until),
                quotes := list(label(q.number, NULL, q.source_id) ORDER BY q.system, q.source_id)) AS params
        FROM orders o JOIN quote_order l ON l.order_id = o.record_id JOIN quotes q ON q.record_id = l.quote_id
        WHERE o.erp AND NOT o.deleted AND o.status IN {ENTERED} AND q.crm AND NOT q.deleted AND q.status IN {ACCEPTED}
        GROUP BY o.record_id, o.number, o.source_id, o.net_amount, o.currency, o.order_date
        HAVING count(q.valid_until) = count(*) AND o.order_date - max(q.valid_until) > {int(parameters["days"])}
        """
