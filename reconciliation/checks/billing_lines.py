"""What was billed is what was ordered, line by line, and taxed alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.comparing import difference, products
from reconciliation.checks.registry import check
from reconciliation.hops import RUNNING

# Fully billed positions whose sums agree; what does not is told of by other checks.
_JUDGED = f"""
    judged AS (
        SELECT s.billing_group AS group_id, any_value(s.currency) AS currency, list(s.order_id ORDER BY s.order_id)
            AS ids, any_value(s.group_net) AS net,
            list(label(o.number, NULL, o.source_id) ORDER BY o.system, o.source_id) AS labels,
            CASE WHEN count(o.gross_amount - o.net_amount) = count(*) THEN sum(o.gross_amount - o.net_amount)
                END::BIGINT AS tax
        FROM order_states s JOIN orders o ON o.record_id = s.order_id
        WHERE s.status IN {RUNNING} AND s.billing_state = 'invoiced' AND s.invoices > 0
          AND s.foreign_currency IS NULL GROUP BY s.billing_group, s.currency
    ),
    bills AS (
        SELECT g.billing_group AS group_id, list(g.invoice_id ORDER BY g.invoice_id) AS ids, min(g.issue_date)
            AS first_on, list(g.number ORDER BY g.invoice_id) FILTER (NOT g.is_credit) AS numbers,
            CASE WHEN count(i.gross_amount - i.net_amount) = count(*) THEN sum(g.sign * (i.gross_amount - i.net_amount))
                END::BIGINT AS tax
        FROM group_bills g JOIN invoices i ON i.record_id = g.invoice_id GROUP BY ALL
    ),
    told AS (
        SELECT g.billing_group AS group_id FROM found f JOIN group_bills g ON g.invoice_id = f.record_id
        WHERE f.check_id IN
            ('invoice_duplicate', 'order_invoice_amount', 'order_invoice_lines', 'invoice_total_differs')
    )"""


@check(
    "order_invoice_lines",
    stage="billing",
    department="finance",
    severity="warning",
    title=("Order lines ≠ invoice lines", "订单明细与发票明细不一致"),
    fires=(
        (
            "an order is fully billed and the sums agree, but per product the quantity, unit price, "
            "discount, unit of measure or tax, or the set of products, do not; one finding per order, the "
            "differences are in its parameters"
        ),
        (
            "订单已全额开票且金额一致，但按产品的数量、单价、折扣、计量单位、税额或产品本身不同；"
            "每个订单一个问题，差异在参数中"
        ),
    ),
    silent=(
        "the sums differ (`order_invoice_amount`) or an invoice is an `invoice_duplicate`",
        "金额不一致（`order_invoice_amount`），或发票属于 `invoice_duplicate`",
    ),
    sentence=(
        "Invoice {invoices} of order {order} ({amount_money}) has other lines than the order: {differences}.",
        "订单 {order}（{amount_money}）的发票 {invoices} 明细与订单不同：{differences}。",
    ),
    action=(
        "Correct the invoice if the customer has to see what was ordered, or the order if that is wrong.",
        "如客户须看到所订明细，请更正发票；如订单有误，请更正订单。",
    ),
    needs="erp.order accounting.invoice",
)
def order_invoice_lines(_: Mapping[str, Any]) -> str:
    """The amount is what the differing products of the order come to. Bills without codes are not compared."""
    return f"""
        WITH {_JUDGED},
        left_side AS (SELECT group_id, unnest(ids) AS order_id FROM judged),
        right_side AS (
            SELECT b.group_id, g.invoice_id, g.sign FROM (SELECT DISTINCT group_id FROM judged) b
            JOIN group_bills g ON g.billing_group = b.group_id
        ),
        without_code AS (
            SELECT group_id FROM right_side JOIN invoice_items USING (invoice_id) WHERE key IS NULL
            UNION SELECT group_id FROM left_side JOIN order_items USING (order_id) WHERE key IS NULL
        ),
        ordered AS ({products("left_side", "order_items", "order_id")}),
        billed AS (
            FROM ({products("right_side", "invoice_items", "invoice_id", "sign")}) WHERE quantity <> 0 OR value <> 0
        ),
        comparable AS (
            (SELECT group_id FROM ordered INTERSECT SELECT group_id FROM billed)
            EXCEPT (SELECT group_id FROM without_code UNION SELECT group_id FROM told)
        ),
        compared AS (
            SELECT group_id, key, coalesce(a.value, b.value) AS value,
                {difference("ordered", "billed", "j.currency", "billed_")} AS difference
            FROM ordered a FULL JOIN billed b USING (group_id, key) JOIN judged j USING (group_id)
            SEMI JOIN comparable USING (group_id)
        ),
        differences AS (
            SELECT group_id, list(difference ORDER BY key) AS found, sum(value)::BIGINT AS value FROM compared
            WHERE difference IS NOT NULL GROUP BY ALL
        )
        SELECT j.ids AS keys, list_concat(j.ids, b.ids) AS records, d.value AS amount, j.currency, b.first_on AS since,
            struct_pack(invoices := b.numbers, "order" := j.labels, amount_money := j.net,
                differences_lines := d.found) AS params
        FROM differences d JOIN judged j USING (group_id) JOIN bills b USING (group_id)
        """


@check(
    "order_invoice_tax",
    stage="billing",
    department="finance",
    severity="error",
    title=("Order tax ≠ invoiced tax", "订单税额与发票税额不一致"),
    fires=(
        (
            "an order is fully billed, the net sums agree, and the tax on it and on its invoices does not, "
            "beyond one minor unit a line"
        ),
        "订单已全额开票且不含税金额一致，但订单与发票的税额不同（每行允许一个最小货币单位的舍入）",
    ),
    silent=(
        "it has `order_invoice_lines`, or an invoice does not add up (`invoice_total_differs`)",
        "已有 `order_invoice_lines`，或发票金额不平（`invoice_total_differs`）",
    ),
    sentence=(
        "Order {order} says {ordered_money} tax; invoice {invoices} charges {billed_money}.",
        "订单 {order} 的税额为 {ordered_money}，而发票 {invoices} 的税额为 {billed_money}。",
    ),
    action=(
        "Find out which tax applies, and correct the order or credit and bill anew.",
        "请确认适用的税率，更正订单或红冲重开。",
    ),
    needs="erp.order accounting.invoice",
)
def order_invoice_tax(_: Mapping[str, Any]) -> str:
    """Tax is what gross exceeds net by; where a side knows no gross amount there is nothing to compare."""
    return f"""
        WITH {_JUDGED},
        counted AS (
            SELECT g.billing_group AS group_id, count(*) AS lines FROM order_items x
            JOIN grouped_orders g USING (order_id) GROUP BY ALL
        )
        SELECT j.ids AS keys, list_concat(j.ids, b.ids) AS records, abs(j.tax - b.tax) AS amount, j.currency,
            b.first_on AS since, struct_pack("order" := j.labels, ordered_money := j.tax, invoices := b.numbers,
                billed_money := b.tax) AS params
        FROM judged j JOIN bills b USING (group_id) LEFT JOIN counted c USING (group_id)
        WHERE abs(j.tax - b.tax) > tolerance(greatest(abs(j.tax), abs(b.tax)), j.currency) + coalesce(c.lines, 1)
          AND group_id NOT IN (SELECT group_id FROM told)
        """
