"""The closed set of canonical statuses of each entity, their rank, legal order and names in both languages.

Ranks and transitions follow ``docs/concepts.md`` (vocabulary). A change to a lower rank is legal only where ``nexts``
lists it; anything else is shown as a finding, never refused.
"""

from __future__ import annotations

from typing import NamedTuple


class Status(NamedTuple):
    """One status: sort rank, statuses that may follow, name in Chinese."""

    rank: int
    nexts: frozenset[str]
    zh: str


def _status(rank: int, nexts: str, zh: str) -> Status:
    return Status(rank, frozenset(nexts.split()), zh)


_FINAL = 90
"""From this rank on a status is meant to stay."""


def is_out_of_order(entity: str, before: str | None, after: str | None) -> bool:
    """Whether a status went back, or on from a final one, to where its legal order does not lead.

    Steps that were passed over between two looks at a source are in order: draft, then completed.
    """
    known = STATUSES.get(entity, {})
    if before == after or before not in known or after not in known:
        return False
    one, other = known[before], known[after]
    return after not in one.nexts and (other.rank < one.rank or one.rank >= _FINAL)


STATUSES: dict[str, dict[str, Status]] = {
    "party": {
        "active": _status(10, "archived merged", "有效"),
        "archived": _status(90, "active", "已归档"),
        "merged": _status(95, "", "已合并"),
    },
    "contact": {"active": _status(10, "archived", "有效"), "archived": _status(90, "active", "已归档")},
    "product": {"active": _status(10, "archived", "有效"), "archived": _status(90, "active", "已归档")},
    "lead": {
        "new": _status(10, "marketing_qualified working nurturing sales_qualified converted disqualified", "新线索"),
        "nurturing": _status(15, "new marketing_qualified working disqualified", "培育中"),
        "marketing_qualified": _status(20, "working nurturing sales_qualified converted disqualified", "市场合格"),
        "working": _status(30, "sales_qualified converted nurturing disqualified", "跟进中"),
        "sales_qualified": _status(40, "converted nurturing disqualified", "销售合格"),
        "disqualified": _status(90, "working", "无效"),
        "converted": _status(100, "", "已转化"),
    },
    "opportunity": {
        "open": _status(10, "on_hold won lost cancelled", "进行中"),
        "on_hold": _status(15, "open won lost cancelled", "暂停"),
        "lost": _status(90, "open", "输单"),
        "cancelled": _status(90, "open", "取消"),
        "won": _status(100, "open", "赢单"),
    },
    "quote": {
        "draft": _status(10, "in_review approved sent cancelled", "草稿"),
        "in_review": _status(20, "draft approved rejected cancelled", "审批中"),
        "approved": _status(30, "sent draft cancelled expired", "已审批"),
        "sent": _status(40, "accepted rejected expired superseded cancelled", "已发送"),
        "accepted": _status(50, "ordered cancelled", "客户接受"),
        "rejected": _status(90, "draft", "被拒绝"),
        "expired": _status(90, "sent", "已过期"),
        "superseded": _status(90, "", "已被新版替代"),
        "cancelled": _status(95, "draft", "已取消"),
        "ordered": _status(100, "", "已转订单"),
    },
    "order": {
        "draft": _status(10, "submitted confirmed cancelled", "草稿"),
        "submitted": _status(20, "confirmed draft rejected cancelled", "待确认"),
        "confirmed": _status(30, "in_progress on_hold completed cancelled", "已确认"),
        "on_hold": _status(35, "confirmed in_progress cancelled", "暂挂"),
        "in_progress": _status(40, "on_hold completed cancelled", "执行中"),
        "rejected": _status(90, "", "已拒绝"),
        "cancelled": _status(95, "draft", "已取消"),
        "completed": _status(100, "in_progress", "已完成"),
    },
    "delivery": {
        "planned": _status(10, "ready shipped cancelled", "待发货"),
        "ready": _status(20, "shipped planned cancelled", "已备货"),
        "shipped": _status(30, "delivered failed returned", "运输中"),
        "failed": _status(60, "shipped returned cancelled", "配送失败"),
        "returned": _status(90, "", "已退货"),
        "cancelled": _status(95, "planned", "已取消"),
        "delivered": _status(100, "returned", "已签收"),
    },
    "invoice": {
        "draft": _status(10, "in_review issued void", "草稿"),
        "in_review": _status(20, "draft issued void", "审核中"),
        "issued": _status(30, "partly_paid paid disputed written_off void reversed", "已开票"),
        "partly_paid": _status(40, "issued paid disputed written_off reversed", "部分收款"),
        "disputed": _status(45, "issued partly_paid paid reversed written_off", "争议中"),
        "reversed": _status(90, "", "已红冲"),
        "written_off": _status(92, "paid", "坏账核销"),
        "void": _status(95, "", "作废"),
        "paid": _status(100, "partly_paid issued", "已结清"),
    },
    "payment": {
        "pending": _status(10, "authorised received failed cancelled", "待处理"),
        "authorised": _status(20, "received cancelled failed", "已授权"),
        "failed": _status(90, "pending", "失败"),
        "cancelled": _status(90, "", "已取消"),
        "reversed": _status(95, "", "已冲销"),
        "received": _status(100, "reversed failed", "已到账"),
    },
    "payout": {
        "pending": _status(10, "in_transit paid failed cancelled", "待结算"),
        "in_transit": _status(20, "paid failed cancelled", "在途"),
        "failed": _status(90, "", "失败"),
        "cancelled": _status(95, "", "已取消"),
        "paid": _status(100, "failed", "已到账"),
    },
    "service_case": {
        "new": _status(10, "open waiting_customer resolved cancelled", "新建"),
        "open": _status(20, "waiting_customer on_hold resolved cancelled", "处理中"),
        "waiting_customer": _status(25, "open resolved closed", "待客户回复"),
        "on_hold": _status(25, "open cancelled", "挂起"),
        "resolved": _status(90, "open closed", "已解决"),
        "cancelled": _status(95, "", "已取消"),
        "closed": _status(100, "open", "已关闭"),
    },
}
