"""What a trace says of the records of a chain."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest

from console.chains import Tree, View, details
from console.i18n import texts
from reconciliation.trace import Chain, ChainRecord

ORDER = ChainRecord(
    record_id=1,
    system="erp",
    entity="order",
    source_id="o1",
    number="SO-1",
    name=None,
    party=None,
    party_id=None,
    kind=None,
    status="completed",
    source_status=None,
    deleted=False,
    currency=None,
    amounts={},
    dates={},
    states={"delivery_state": "delivered", "billing_state": "not_invoiced"},
    shown={},
    url=None,
    pruned_versions=0,
)
NOTE = replace(ORDER, record_id=2, entity="delivery", source_id="d1", status="delivered", states={})


def said(locale: str, *records: ChainRecord) -> list[str]:
    """The lines about the first record."""
    lang = "zh" if locale == "zh-CN" else "en"
    tree = Tree(Chain(records, (), (), ()))
    return list(details(records[0], tree, View(texts(locale), lang, UTC, ("erp",))))


@pytest.mark.parametrize(
    ("locale", "own", "computed"),
    [
        ("en", "By the order's own status, not by documents: ", "delivered"),
        ("zh-CN", "按订单自身的状态（没有发货单据）：", "交付"),
    ],
)
def test_delivery_without_any_delivery_note_is_said_to_be_by_the_orders_own_status(
    locale: str, own: str, computed: str
) -> None:
    first, second, *_ = said(locale, ORDER)
    assert first.startswith(own)
    assert computed in first
    assert computed not in second
    assert not any(line.startswith(own) for line in said(locale, ORDER, NOTE))
    assert any(line.startswith(own) for line in said(locale, ORDER, replace(NOTE, deleted=True)))
    assert not any(line.startswith(own) for line in said(locale, replace(ORDER, status="confirmed")))
