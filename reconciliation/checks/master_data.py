"""What is gone in one system is gone in the others, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciliation.checks.registry import check


@check(
    "deleted_elsewhere",
    stage="master_data",
    department="it",
    severity="error",
    title=("Deleted in one system, alive in another", "一处已删除、另一处仍有效"),
    fires=(
        (
            "a record was deleted in one system while a record linked to it (same-as, or the order of a "
            "deleted quote) is alive in another"
        ),
        "记录在一个系统中已删除，而关联记录（同一对象，或已删除报价的订单）在另一系统中仍有效",
    ),
    silent=(
        "the record was made anew in the system where it was deleted",
        "该记录在被删除的系统中已重新建立",
    ),
    sentence=(
        "{entity_name} {record} was deleted in {system}, but {alive} lives on in {systems}.",
        "{entity_name} {record} 已在 {system} 中删除，但 {alive} 在 {systems} 中仍有效。",
    ),
    action=(
        "Restore the record, or close its counterparts in the other systems as well.",
        "请恢复该记录，或同时关闭其他系统中的对应记录。",
    ),
    needs="",
)
def deleted_elsewhere(_: Mapping[str, Any]) -> str:
    """A deleted record with a living same-as, or a deleted quote with a living order; not where it was made anew."""
    return """
        WITH gone AS (
            SELECT t.record_id, t.twin_id AS alive_id, t.entity FROM twins t
            JOIN subjects g ON g.record_id = t.record_id JOIN subjects a ON a.record_id = t.twin_id
            WHERE g.deleted AND NOT a.deleted AND a.system <> g.system
              AND coalesce(a.status, '') NOT IN ('archived', 'merged', 'disqualified')
              AND NOT EXISTS (FROM twins other JOIN subjects o ON o.record_id = other.twin_id
                              WHERE other.record_id = t.twin_id AND o.system = g.system AND NOT o.deleted)
            UNION
            SELECT q.record_id, o.record_id, 'quote' FROM quote_order qo
            JOIN quotes q ON q.record_id = qo.quote_id JOIN orders o ON o.record_id = qo.order_id
            WHERE q.deleted AND NOT o.deleted AND q.system <> o.system AND o.status NOT IN ('cancelled', 'rejected')
              AND NOT EXISTS (FROM quote_order other JOIN quotes n ON n.record_id = other.quote_id
                              WHERE other.order_id = o.record_id AND NOT n.deleted)
        )
        SELECT [g.record_id] AS keys, list_concat([g.record_id], list(a.record_id ORDER BY a.system, a.record_id))
            AS records,
            CASE WHEN count(DISTINCT a.currency) <= 1 THEN sum(a.amount) END::BIGINT AS amount,
                any_value(a.currency ORDER BY a.system, a.source_id) AS currency, NULL::DATE AS since,
            struct_pack(entity_name := g.entity, record := s.label, system := s.system,
                alive := list(DISTINCT a.label ORDER BY a.label),
                    systems := list(DISTINCT a.system ORDER BY a.system)) AS params
        FROM gone g JOIN subjects s ON s.record_id = g.record_id JOIN subjects a ON a.record_id = g.alive_id
        GROUP BY g.record_id, g.entity, s.label, s.system
        """
