"""A quote agrees with its opportunity and was approved before the customer accepted it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check
from reconciliation.hops import ACCEPTED


@check(
    "opportunity_quote_amount",
    stage="quote",
    department="sales",
    severity="warning",
    title=("Opportunity amount ≠ accepted quote", "商机金额与已接受报价不一致"),
    fires=(
        (
            "a won opportunity's amount differs from the sum of its accepted quotes, both net (or both "
            "gross), or the currency does"
        ),
        "赢单商机的金额与其已接受报价之和（同为不含税或同为含税）不一致，或币种不同",
    ),
    sentence=(
        "Won opportunity {opportunity} shows {amount_money}, its accepted quotes come to {quoted_money}.",
        "赢单商机 {opportunity} 的金额为 {amount_money}，而已接受的报价合计 {quoted_money}。",
    ),
    action=(
        "Correct the opportunity's amount in the CRM to the accepted quote, net of tax.",
        "请在 CRM 中将商机金额更正为已接受报价的不含税金额。",
    ),
    needs="crm.opportunity crm.quote",
)
def opportunity_quote_amount(_: Mapping[str, Any]) -> str:
    """Net against net, or gross against gross where the opportunity's amount includes tax; or another currency."""
    return """
        SELECT [record_id] AS keys, list_concat([record_id], quotes) AS records,
            CASE WHEN currency IS NOT DISTINCT FROM quoted_currency THEN abs(expected_amount - quoted)
                 ELSE expected_amount END AS amount, currency, won_on AS since,
            struct_pack(opportunity := label, amount_money := expected_amount, quoted_money := quoted,
                quoted_money_currency := quoted_currency) AS params
        FROM won_opportunities
        WHERE accepted_quotes > 0 AND quoted IS NOT NULL AND expected_amount IS NOT NULL
          AND (currencies > 1 OR currency IS DISTINCT FROM quoted_currency
               OR NOT agree(expected_amount, quoted, currency))
        """


@check(
    "quote_without_approval",
    stage="quote",
    department="sales",
    severity="error",
    title=("Accepted without approval", "报价未经审批即被接受"),
    fires=(
        "a quote is accepted (or ordered) and its approval is pending or was refused",
        "报价已被接受（或已转订单），但审批仍待处理或已被驳回",
    ),
    sentence=(
        "Quote {quote} over {amount_money} was accepted; its approval is {approval_state}.",
        "报价单 {quote}（{amount_money}）已被客户接受，但审批状态为{approval_state}。",
    ),
    action=(
        "Have the quote approved afterwards by whoever is entitled to, or withdraw it.",
        "请由有权限的人员补办审批，或撤回该报价。",
    ),
    needs="crm.quote",
)
def quote_without_approval(_: Mapping[str, Any]) -> str:
    """The approval is pending or was refused."""
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, net_amount AS amount, currency, issue_date AS since,
            struct_pack(quote := label(number, NULL, source_id), amount_money := net_amount,
                approval_state := approval_state) AS params
        FROM quotes
        WHERE crm AND NOT deleted AND status IN {ACCEPTED} AND approval_state IN ('pending', 'rejected')
        """
