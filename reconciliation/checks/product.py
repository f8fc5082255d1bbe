"""A product has one code, one unit, and is sold only while it is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check

_LIVE = "NOT p.deleted AND coalesce(p.status, 'active') = 'active' AND sku_key(p.sku) IS NOT NULL"
_SHOWN = """
    NULL::BIGINT AS amount, NULL AS currency, NULL::DATE AS since"""


@check(
    "product_duplicate_sku",
    stage="master_data",
    department="sales_operations",
    severity="warning",
    title=("Product code used twice", "产品编码重复"),
    fires=(
        "two or more active products of one system have the same code, without case and blanks",
        "同一系统中两个或以上有效产品编码相同（忽略大小写和空格）",
    ),
    sentence=(
        "{system} has {count} products with the code {sku}: {products}.",
        "{system} 中有 {count} 个产品编码均为 {sku}：{products}。",
    ),
    action=(
        "Give each product a code of its own, or archive the copies.",
        "请为每个产品设置唯一编码，或归档重复的产品。",
    ),
    needs="",
)
def product_duplicate_sku(_: Mapping[str, Any]) -> str:
    """Documents of other systems that name the code could mean either."""
    return f"""
        SELECT [first(p.record_id ORDER BY p.system, p.source_id)] AS keys,
            list(p.record_id ORDER BY p.system, p.source_id) AS records,
            {_SHOWN}, struct_pack(system := p.system, count := count(*), sku := min(sku_key(p.sku)),
                products := list(label(p.name, NULL, p.source_id) ORDER BY p.system, p.source_id)) AS params
        FROM products p WHERE {_LIVE} GROUP BY p.system, sku_key(p.sku) HAVING count(*) > 1
        """


@check(
    "product_unit_differs",
    stage="master_data",
    department="sales_operations",
    severity="warning",
    title=("Unit of measure differs", "计量单位不一致"),
    fires=(
        "one product code has units of measure in two systems that are known to be different ones",
        "同一产品编码在两个系统中的计量单位明确不同",
    ),
    sentence=(
        "Product {sku} is counted differently: {variants}.",
        "产品 {sku} 的计量单位不一致：{variants}。",
    ),
    action=(
        "Use one unit in both systems: quantities and prices are compared as they stand.",
        "请在两个系统中使用相同的单位：数量和单价按原值比较。",
    ),
    needs="",
)
def product_unit_differs(_: Mapping[str, Any]) -> str:
    """Words that nobody knows differ from nothing."""
    return f"""
        SELECT [first(p.record_id ORDER BY p.system, p.record_id)] AS keys,
            list(p.record_id ORDER BY p.system, p.record_id) AS records, {_SHOWN},
            struct_pack(sku := min(sku_key(p.sku)),
                variants := list_sort(list_distinct(list(p.system || ': ' || p.unit)))) AS params
        FROM products p WHERE {_LIVE} AND unit_code(p.unit) IS NOT NULL
        GROUP BY sku_key(p.sku) HAVING count(DISTINCT unit_code(p.unit)) > 1 AND count(DISTINCT p.system) > 1
        """


@check(
    "product_archived_sold",
    stage="order",
    department="sales_operations",
    severity="warning",
    title=("Archived product ordered", "已归档产品被订购"),
    fires=(
        (
            "an order is confirmed or running, not fully delivered, and has a product that is archived or "
            "deleted in its ERP and active nowhere there"
        ),
        "订单已确认或执行中且未全部交付，其中产品在 ERP 中已归档或删除",
    ),
    sentence=(
        "Order {order} has {skus} for {amount_money}, which the ERP does not sell any more.",
        "订单 {order} 中的 {skus}（{amount_money}）在 ERP 中已停售。",
    ),
    action=(
        "Bring the product back, or agree on a replacement with the customer.",
        "请恢复该产品，或与客户商定替代品。",
    ),
    needs="erp.product erp.order",
)
def product_archived_sold(_: Mapping[str, Any]) -> str:
    """By code; an order of the past may keep what was sold then."""
    return """
        WITH sold AS (
            SELECT system, sku_key(sku) AS key FROM products WHERE erp AND sku_key(sku) IS NOT NULL
            GROUP BY ALL HAVING bool_and(deleted OR status IS NOT DISTINCT FROM 'archived')
        )
        SELECT [o.record_id] AS keys, [o.record_id] AS records, sum(i.value)::BIGINT AS amount, o.currency,
            o.order_date AS since, struct_pack("order" := label(o.number, NULL, o.source_id),
                skus := list_sort(list_distinct(list(i.key))), amount_money := sum(i.value)::BIGINT) AS params
        FROM orders o JOIN order_states s ON s.order_id = o.record_id JOIN order_items i ON i.order_id = o.record_id
        JOIN sold x ON x.system = o.system AND x.key = i.key
        WHERE o.status IN ('confirmed', 'in_progress') AND s.delivery_state <> 'delivered'
        GROUP BY o.record_id, o.number, o.source_id, o.currency, o.order_date
        """
