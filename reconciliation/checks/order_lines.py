"""An order is what the quote said, line by line, and adds up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.comparing import difference, lines_differ, products
from reconciliation.checks.registry import check
from reconciliation.hops import ACCEPTED, ENTERED


@check(
    "quote_order_lines",
    stage="order",
    department="sales_operations",
    severity="error",
    title=("Quote lines ≠ order lines", "报价明细与订单明细不一致"),
    fires=(
        (
            "an accepted quote and its order differ in currency or, per product, in quantity, unit price, "
            "discount, unit of measure or tax, or in the set of products; one finding per order, the "
            "differences are in its parameters"
        ),
        (
            "已接受的报价与订单的币种不同，或按产品的数量、单价、折扣、计量单位、税额不同，或产品不同；"
            "每个订单一个问题，差异在参数中"
        ),
    ),
    silent=("one of the orders is an `order_duplicate`", "其中有订单属于 `order_duplicate`"),
    sentence=(
        "Order {orders} ({order_money}) is not what quote {quotes} ({quote_money}) says: {differences}.",
        "订单 {orders}（{order_money}）与报价单 {quotes}（{quote_money}）不一致：{differences}。",
    ),
    action=(
        "Ask sales which is right, then correct the order in the ERP or the quote in the CRM.",
        "请与销售确认以哪一方为准，然后更正 ERP 中的订单或 CRM 中的报价单。",
    ),
    needs="crm.quote erp.order",
)
def quote_order_lines(_: Mapping[str, Any]) -> str:
    """Quotes and orders that belong together are compared as a whole."""
    return f"""
        WITH pairs AS (
            SELECT DISTINCT coalesce(g.group_id, qo.quote_id) AS group_id, qo.quote_id, qo.order_id
            FROM quote_order qo
            JOIN quotes q ON q.record_id = qo.quote_id JOIN orders o ON o.record_id = qo.order_id
            LEFT JOIN quote_groups g ON g.id = qo.quote_id
            WHERE q.crm AND NOT q.deleted AND q.status IN {ACCEPTED} AND o.erp AND NOT o.deleted
              AND o.status IN {ENTERED}
        ),
        left_side AS (SELECT DISTINCT group_id, quote_id FROM pairs),
        right_side AS (SELECT DISTINCT group_id, order_id FROM pairs),
        heads AS (
            SELECT l.group_id, quote_net, order_net, quote_currency, order_currency,
                one_quoted AND one_ordered AND quote_currency IS NOT DISTINCT FROM order_currency AS same_currency
            FROM (SELECT s.group_id, sum(q.net_amount)::BIGINT AS quote_net, min(q.currency) AS quote_currency,
                      min(q.currency) IS NOT DISTINCT FROM max(q.currency) AS one_quoted
                  FROM left_side s JOIN quotes q ON q.record_id = s.quote_id GROUP BY ALL) l
            JOIN (SELECT s.group_id, sum(o.net_amount)::BIGINT AS order_net, min(o.currency) AS order_currency,
                      min(o.currency) IS NOT DISTINCT FROM max(o.currency) AS one_ordered
                  FROM right_side s JOIN orders o ON o.record_id = s.order_id GROUP BY ALL) r USING (group_id)
        ),
        quoted AS ({products("left_side", "quote_items", "quote_id")}),
        ordered AS ({products("right_side", "order_items", "order_id")}),
        comparable AS (
            SELECT group_id FROM quoted INTERSECT SELECT group_id FROM ordered
        ),
        told AS (
            SELECT r.group_id FROM right_side r JOIN found f ON f.record_id = r.order_id
            WHERE f.check_id = 'order_duplicate'
        ),
        compared AS (
            SELECT group_id, key, abs(a.tax - b.tax) AS tax_gap,
                {difference("quoted", "ordered", "h.order_currency")} AS difference
            FROM quoted a FULL JOIN ordered b USING (group_id, key)
            JOIN heads h USING (group_id) SEMI JOIN comparable USING (group_id)
        ),
        differences AS (
            SELECT group_id, list(difference ORDER BY key) AS found,
                sum(tax_gap) FILTER (difference.what = 'tax')::BIGINT AS tax_gap
            FROM compared WHERE difference IS NOT NULL GROUP BY ALL
        ),
        wrong AS (
            SELECT * FROM heads WHERE (NOT same_currency OR group_id IN (SELECT group_id FROM differences))
              AND group_id NOT IN (SELECT group_id FROM told)
        )
        SELECT o.ids AS keys, list_concat(o.ids, q.ids) AS records,
            CASE WHEN same_currency THEN coalesce(nullif(abs(h.order_net - h.quote_net), 0), d.tax_gap, 0)
                ELSE h.order_net END AS amount,
            h.order_currency AS currency, o.since,
            struct_pack(orders := o.labels, quotes := q.labels, order_money := h.order_net,
                quote_money := h.quote_net, quote_money_currency := h.quote_currency,
                differences_lines := list_concat(
                    CASE WHEN same_currency THEN [] ELSE [struct_pack(what := 'currency', sku := NULL::VARCHAR,
                        quoted := h.quote_currency, ordered := h.order_currency)] END,
                    coalesce(d.found, []))) AS params
        FROM wrong h LEFT JOIN differences d USING (group_id)
        JOIN (SELECT s.group_id, list(r.record_id ORDER BY r.system, r.source_id) AS ids, min(r.order_date) AS since,
                  list(label(r.number, NULL, r.source_id) ORDER BY r.system, r.source_id) AS labels
              FROM right_side s SEMI JOIN wrong USING (group_id) JOIN orders r ON r.record_id = s.order_id
              GROUP BY s.group_id) o USING (group_id)
        JOIN (SELECT s.group_id, list(r.record_id ORDER BY r.system, r.source_id) AS ids,
                  list(label(r.number, NULL, r.source_id) ORDER BY r.system, r.source_id) AS labels
              FROM left_side s SEMI JOIN wrong USING (group_id) JOIN quotes r ON r.record_id = s.quote_id
              GROUP BY s.group_id) q USING (group_id)
        """


@check(
    "order_total_differs",
    stage="order",
    department="sales_operations",
    severity="error",
    title=("Order does not add up", "订单金额与明细不符"),
    fires=(
        "a live order has a net amount other than the sum of its lines",
        "有效订单的不含税金额与其明细合计不符",
    ),
    silent=("its lines are not those of the quote (`quote_order_lines`)", "其明细与报价不同（`quote_order_lines`）"),
    sentence=(
        "Order {order} says {total_money} net; its lines come to {lines_money}.",
        "订单 {order} 的不含税金额为 {total_money}，而明细合计 {lines_money}。",
    ),
    action=(
        "Correct the order's lines or its total in the ERP before it is billed.",
        "请在开票前更正 ERP 中订单的明细或总额。",
    ),
    needs="erp.order",
)
def order_total_differs(_: Mapping[str, Any]) -> str:
    """Each line may be rounded by itself."""
    told = "record_id NOT IN (SELECT record_id FROM found WHERE check_id = 'quote_order_lines')"
    return lines_differ("order", f"erp AND NOT deleted AND status IN {ENTERED} AND {told}", "order_date")
