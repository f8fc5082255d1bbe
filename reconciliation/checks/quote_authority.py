"""A quote is within what its seller may offer, adds up, and offers what can be ordered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.comparing import lines_differ
from reconciliation.checks.registry import check
from reconciliation.frame import quoted

_OFFERED = "crm AND NOT deleted AND status IN ('sent', 'accepted', 'ordered')"
_TOLD = "record_id NOT IN (SELECT record_id FROM found WHERE check_id IN ({0}))"


@check(
    "quote_over_authority",
    stage="quote",
    department="sales",
    severity="error",
    title=("Quote over the seller's limit", "报价超出审批权限"),
    fires=(
        (
            "a quote was sent or accepted, it is not approved, and it comes to more in base currency "
            "than its owner may "
            "offer alone: {owners}, else {limit}; 0: no limit is set"
        ),
        "报价已发送或被接受但未经审批，且折合本位币超出负责人的权限：{owners}，否则为 {limit}；0 表示未设限额",
    ),
    silent=("it has `quote_without_approval`", "已有 `quote_without_approval`"),
    sentence=(
        "Quote {quote} over {amount_money} went out without approval; its owner may offer up to {limit_money} alone.",
        "报价单 {quote}（{amount_money}）未经审批即已发出；其负责人的权限为 {limit_money}。",
    ),
    action=(
        "Have the quote approved by whoever is entitled to, or withdraw it.",
        "请由有权限的人员审批，或撤回该报价。",
    ),
    needs="crm.quote",
    limit=0,
    owners={},
)
def quote_over_authority(parameters: Mapping[str, Any]) -> str:
    """Limits are in whole units of the base currency; quotes in currencies without a rate cannot be judged."""
    own = " ".join(f"WHEN {quoted(name)} THEN {int(limit)}" for name, limit in sorted(parameters["owners"].items()))
    limit = f"CASE owner_ref {own} ELSE {int(parameters['limit'])} END" if own else str(int(parameters["limit"]))
    return f"""
        SELECT [record_id] AS keys, [record_id] AS records, net_amount AS amount, currency, issue_date AS since,
            struct_pack(quote := label(number, NULL, source_id), amount_money := net_amount, limit_money := allowed,
                limit_money_currency := getvariable('base_currency')) AS params
        FROM (SELECT *, ({limit})::BIGINT * minor_units(getvariable('base_currency')) AS allowed FROM quotes)
        WHERE {_OFFERED} AND approval_state IS DISTINCT FROM 'approved' AND allowed > 0
          AND in_base(net_amount, currency) > allowed AND {_TOLD.format("'quote_without_approval'")}
        """


@check(
    "quote_discount_over_limit",
    stage="quote",
    department="sales",
    severity="warning",
    title=("Discount without approval", "折扣未经审批"),
    fires=(
        (
            "a quote that was sent or accepted gives more than {percent} % discount on a line, and the "
            "CRM says that it "
            "is not approved"
        ),
        "已发送或被接受的报价中有一行折扣超过 {percent} %，而 CRM 显示未经审批",
    ),
    silent=(
        "it has `quote_without_approval` or `quote_over_authority`",
        "已有 `quote_without_approval` 或 `quote_over_authority`",
    ),
    sentence=(
        "Quote {quote} over {amount_money} gives {discount} % on {skus}; its approval is {approval_state}.",
        "报价单 {quote}（{amount_money}）对 {skus} 给予 {discount} % 折扣；审批状态为{approval_state}。",
    ),
    action=(
        "Have the discount approved by whoever is entitled to, or take it back.",
        "请由有权限的人员审批该折扣，或予以撤回。",
    ),
    needs="crm.quote",
    percent=30,
)
def quote_discount_over_limit(parameters: Mapping[str, Any]) -> str:
    """The amount is what was given away on these lines. A CRM that knows no approval is left alone."""
    return f"""
        WITH given AS (
            SELECT quote_id, max(discount_rate) AS most, list(key ORDER BY line_no) AS skus,
                sum(money_of(quantity, unit_price, 0, q.currency) - value)::BIGINT AS given
            FROM quote_items i JOIN quotes q ON q.record_id = i.quote_id
            WHERE discount_rate * 100 > {int(parameters["percent"])} GROUP BY ALL
        )
        SELECT [record_id] AS keys, [record_id] AS records, g.given AS amount, currency, issue_date AS since,
            struct_pack(quote := label(number, NULL, source_id), amount_money := net_amount,
                discount := plain(g.most * 100), skus := g.skus, approval_state := approval_state) AS params
        FROM quotes q JOIN given g ON g.quote_id = q.record_id
        WHERE {_OFFERED} AND approval_state <> 'approved'
          AND {_TOLD.format("'quote_without_approval', 'quote_over_authority'")}
        """


@check(
    "quote_product_unknown",
    stage="quote",
    department="sales_operations",
    severity="warning",
    title=("Quoted product is not in the ERP", "报价产品不在 ERP 中"),
    fires=(
        "a quote was sent or accepted, has no order yet, and a product code on it is that of no ERP product",
        "报价已发送或被接受且尚无订单，其中有产品编码在 ERP 中不存在",
    ),
    sentence=(
        "Quote {quote} offers {skus} for {amount_money}; the ERP knows no such product.",
        "报价单 {quote} 中的 {skus}（{amount_money}）在 ERP 中没有对应产品。",
    ),
    action=(
        "Create the product in the ERP, or correct the code in the CRM, before the order is entered.",
        "请在录入订单前在 ERP 中建立该产品，或更正 CRM 中的编码。",
    ),
    needs="crm.quote erp.product",
)
def quote_product_unknown(_: Mapping[str, Any]) -> str:
    """Codes are compared without case and blanks. Lines without a code say nothing, nor an ERP without products."""
    return f"""
        WITH unknown AS (
            SELECT quote_id, list(DISTINCT key ORDER BY key) AS skus, sum(value)::BIGINT AS value
            FROM quote_items
            WHERE NOT starts_with(key, 'id:')
              AND key NOT IN (SELECT sku_key(sku) FROM products WHERE erp AND NOT deleted AND sku_key(sku) IS NOT NULL)
            GROUP BY ALL
        )
        SELECT [record_id] AS keys, [record_id] AS records, u.value AS amount, currency, issue_date AS since,
            struct_pack(quote := label(number, NULL, source_id), skus := u.skus, amount_money := u.value) AS params
        FROM quotes q JOIN unknown u ON u.quote_id = q.record_id
        WHERE {_OFFERED} AND record_id NOT IN (SELECT quote_id FROM quote_order)
          AND EXISTS (FROM products WHERE erp AND NOT deleted)
        """


@check(
    "quote_total_differs",
    stage="quote",
    department="sales",
    severity="error",
    title=("Quote does not add up", "报价金额与明细不符"),
    fires=(
        "a quote that was sent or accepted has a net amount other than the sum of its lines",
        "已发送或被接受的报价不含税金额与其明细合计不符",
    ),
    sentence=(
        "Quote {quote} says {total_money} net; its lines come to {lines_money}.",
        "报价单 {quote} 的不含税金额为 {total_money}，而明细合计 {lines_money}。",
    ),
    action=(
        "Correct the quote's lines or total in the CRM and send it anew.",
        "请在 CRM 中更正报价明细或总额并重新发送。",
    ),
    needs="crm.quote",
)
def quote_total_differs(_: Mapping[str, Any]) -> str:
    """Each line may be rounded by itself."""
    return lines_differ("quote", f"{_OFFERED}", "issue_date")
