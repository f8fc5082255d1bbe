"""What the states of a document may be, whoever tells them, with their names in Chinese.

A status says where a document is in its own life (``mappings.statuses``); a state how far others have come with it.
"""

from __future__ import annotations

STATES: dict[str, dict[str, str]] = {
    "delivery_state": {
        "none": "无",
        "not_delivered": "未交付",
        "partly_delivered": "部分交付",
        "delivered": "已全部交付",
        "returned": "已退货",
    },
    "billing_state": {
        "none": "无",
        "not_invoiced": "未开票",
        "partly_invoiced": "部分开票",
        "invoiced": "已开票",
        "over_invoiced": "超额开票",
    },
    "payment_state": {
        "none": "无",
        "unpaid": "未付款",
        "partly_paid": "部分付款",
        "paid": "已付清",
        "overpaid": "多付款",
        "refunded": "已退款",
    },
    "approval_state": {
        "not_required": "无需审批",
        "pending": "待审批",
        "approved": "已批准",
        "rejected": "已驳回",
    },
}
"""Canonical field → each word that may stand in it → its Chinese name. A mapping without a table writes the words as
they are."""


def listed(field: str) -> str:
    """What a state may be, in one line."""
    return ", ".join(STATES[field])
