"""The page of a finding says what its amount is: the whole of a record, or a difference."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from console.i18n import texts
from console.web import amount_told
from console.web.desk import Visit
from state.findings import Finding
from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_pages import of_check

VISIT = cast(Visit, SimpleNamespace(texts=texts("en")))
ROWS = {1: {"net_amount": 1000_00, "currency": "CNY"}}


def said(amount: int | None, currency: str = "CNY", **params: int) -> str:
    record = SimpleNamespace(record_id=1, entity="order", number="SO-1", source_id="o1")
    found = SimpleNamespace(amount=amount, currency=currency, params=params, records=[record])
    return amount_told.told(cast(Finding, found), ROWS, VISIT)


@pytest.mark.parametrize(
    ("check", "told", "chinese"),
    [
        ("invoice_overdue", "The whole of: Invoice INV-2", "全额：发票 INV-2"),
        ("invoice_exceeds_order", "The difference of: Ordered, Billed", "订货金额与开票金额的差额"),
    ],
)
def test_the_page_says_what_the_amount_is(
    as_role: Callable[[Role], Browser], desk: Store, check: str, told: str, chinese: str
) -> None:
    viewer, address = as_role(Role.VIEWER), f"/findings/{of_check(desk, check)}"

    def amount() -> str:
        found = re.search(r"<dt>(?:Amount|金额)</dt><dd>(.*?)</dd>", viewer.get(address).text)
        assert found is not None
        return found[1]

    assert told in amount()
    viewer.post("/language", locale="zh-CN")
    assert chinese in amount()


def test_a_difference_is_told_from_a_whole_and_what_may_be_either_is_not_said() -> None:
    assert said(1000_00) == "The whole of: Order SO-1"
    assert said(1000_00, "EUR") == "", "the same number in another currency is not the same amount"
    assert said(200_00, ordered_money=1000_00, billed_money=1200_00) == "The difference of: Ordered, Billed"
    assert said(1200_00, ordered_money=1000_00, billed_money=1200_00) == "The whole of: Billed"
    assert said(1000_00, ordered_money=1000_00, billed_money=2000_00) == ""
    assert said(1000_00, ordered_money=1000_00, billed_money=1200_00, difference_money=1000_00) == "The difference"
    assert said(None) == said(7) == ""
