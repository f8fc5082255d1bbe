"""A won opportunity needs an accepted quote and an order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check

_PARAMS = "struct_pack(opportunity := label, amount_money := expected_amount, won_on := won_on"


@check(
    "opportunity_won_without_quote",
    stage="opportunity",
    department="sales",
    severity="error",
    title=("Won without accepted quote", "赢单但无已接受的报价"),
    fires=(
        "a CRM opportunity is won and has no accepted (or ordered) quote",
        "CRM 商机已赢单，但没有已接受（或已转订单）的报价",
    ),
    silent=(
        "the quote has `status_quote_order`, or it was deleted (`deleted_elsewhere`)",
        "报价已有 `status_quote_order`，或已被删除（`deleted_elsewhere`）",
    ),
    sentence=(
        "Opportunity {opportunity} ({amount_money}) was won on {won_on} and has no accepted quote.",
        "商机 {opportunity}（{amount_money}）于 {won_on} 赢单，但没有客户已接受的报价单。",
    ),
    action=(
        "Record the customer's acceptance on the quote, or reopen the opportunity.",
        "请在报价单上登记客户的接受，或重新打开该商机。",
    ),
    needs="crm.opportunity crm.quote",
)
def opportunity_won_without_quote(_: Mapping[str, Any]) -> str:
    """Not where its quote disagrees with a running order or was deleted: those are findings of their own."""
    return f"""
        SELECT [o.record_id] AS keys, [o.record_id] AS records, expected_amount AS amount, currency, won_on AS since,
            {_PARAMS}) AS params
        FROM won_opportunities o
        WHERE accepted_quotes = 0
          AND NOT EXISTS (FROM opportunity_quote oq JOIN found f ON f.record_id = oq.quote_id
                          WHERE oq.opportunity_id = o.record_id
                            AND f.check_id IN ('status_quote_order', 'deleted_elsewhere'))
        """


@check(
    "opportunity_won_without_order",
    stage="opportunity",
    department="sales",
    severity="error",
    title=("Won without order", "赢单但无订单"),
    fires=(
        (
            "an opportunity was won {days} or more ago, has an accepted quote, and no live ERP order is "
            "linked to its quote or itself"
        ),
        "商机赢单已满 {days} 天且报价已接受，但其报价或商机本身均无有效的 ERP 订单",
    ),
    silent=(
        "the opportunity has `opportunity_won_without_quote`",
        "商机已有 `opportunity_won_without_quote`",
    ),
    sentence=(
        "Opportunity {opportunity} ({amount_money}) was won on {won_on}; the ERP has no order for it.",
        "商机 {opportunity}（{amount_money}）于 {won_on} 赢单，但 ERP 中没有对应订单。",
    ),
    action=(
        "Enter the order in the ERP with the quote's number as its reference.",
        "请在 ERP 中录入订单，并在参考号中填写报价单号。",
    ),
    needs="crm.opportunity crm.quote erp.order",
    days=3,
)
def opportunity_won_without_order(parameters: Mapping[str, Any]) -> str:
    """Won some days ago, accepted quote, and no order that is not deleted, cancelled or rejected."""
    return f"""
        SELECT [o.record_id] AS keys, list_concat([o.record_id], quotes) AS records, expected_amount AS amount,
            currency,
            won_on AS since, {_PARAMS}) AS params
        FROM won_opportunities o
        WHERE accepted_quotes > 0 AND getvariable('today') - won_on >= {int(parameters["days"])}
          AND NOT EXISTS (FROM opportunity_order oo JOIN orders r ON r.record_id = oo.order_id
                          WHERE oo.opportunity_id = o.record_id AND r.erp AND NOT r.deleted
                            AND r.status NOT IN ('cancelled', 'rejected'))
        """
