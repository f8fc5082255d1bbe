"""The same product in several systems, by the code people use."""

from __future__ import annotations

from reconciliation.frame import Frame
from reconciliation.linking import candidates


def products(frame: Frame) -> None:
    """Link products whose SKU is unique in both systems."""
    candidates.same_as(
        frame,
        "product",
        """
        WITH keyed AS (
            SELECT record_id, system, sku_key(sku) AS sku FROM products
            WHERE NOT deleted AND sku_key(sku) IS NOT NULL
            QUALIFY count(*) OVER (PARTITION BY system, sku_key(sku)) = 1
        )
        SELECT a.record_id AS a_id, b.record_id AS b_id, 'sku' AS method, 1000 AS score,
            to_json({'sku': a.sku})::VARCHAR AS evidence, 'auto' AS decision
        FROM keyed a JOIN keyed b ON a.sku = b.sku AND a.record_id < b.record_id AND a.system <> b.system
        """,
    )
