"""Above the river's table: the hand-offs at which most of a period's money is lost, open or not linked."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape

from console.i18n import texts
from console.web import worst_leaks
from console.web.worst_leaks import Known, Ranking
from reconciliation.river import Flow, Handoff
from state.members import Role
from tests.web.conftest import Browser

NOTHING = Flow()


def ranked(page: str) -> list[tuple[str, list[str]]]:
    """The rows of the ranking: what each is about, and the addresses that its amounts lead to."""
    table = page[page.index('id="worst"') :].partition("</table>")[0]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>(.*?)</tr>', table, re.DOTALL)
    return [(name, [unescape(found) for found in re.findall(r'href="([^"]+)"', row)]) for name, row in rows]


def of(amounts: dict[str, dict[str, Handoff]], rates: dict[str, Decimal]) -> Ranking:
    """The ranking of hand-offs by currency; all documents of open ones are known."""
    currencies = {currency: list(items.values()) for currency, items in amounts.items()}
    known = {
        (item.name, side, currency): Known("/documents" if side == "open" else "", 0)
        for currency, items in currencies.items()
        for item in items
        for side in worst_leaks.SIDES
    }
    stages = {"order_invoice": "billing"}
    return worst_leaks.ranking(currencies, known, stages, {"base_currency": "CNY"}, rates, texts("en"))


def handoff(name: str, open_: int = 0, unlinked: int = 0) -> Handoff:
    return Handoff(name, NOTHING, NOTHING, None, Flow(1, open_), Flow(1, unlinked))


def test_the_most_money_of_the_period_stands_first_and_leads_to_its_documents(
    as_role: Callable[[Role], Browser],
) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get("/?period=all").text
    assert page.index('id="worst"') < page.index('class="tabs"')
    found = ranked(page)
    assert [name for name, _ in found] == [
        "Order → invoice: Not linked or different",
        "Ordered goods → delivery: Open",
        "Order → invoice: Open",
        "Invoice → payment (with tax): Open",
    ]
    for (_, addresses), number in zip(found, ("INV-1", "SO-1", "SO-1", "INV-2"), strict=True):
        assert number in viewer.get(addresses[0]).text
    assert "of this not due yet: 1,000.00" in page
    assert "Findings now, all currencies" in page
    viewer.post("/language", locale="zh-CN")
    assert ranked(viewer.get("/?period=all").text)[1][0] == "订购产品 → 交付：未清"


def test_currencies_are_summed_in_the_base_currency_and_the_sum_decides() -> None:
    found = of(
        {
            "CNY": {"a": handoff("order_invoice", 100_00), "b": handoff("invoice_payment", 500_00)},
            "USD": {"a": handoff("order_invoice", 100_00)},
        },
        {"USD": Decimal("7")},
    )
    assert [(row.name, row.side, row.base, row.count) for row in found.rows] == [
        ("Order → invoice", "Open", "800.00", "2"),
        ("Invoice → payment (with tax)", "Open", "500.00", "1"),
    ]
    assert [part.amount for part in found.rows[0].parts] == ["100.00 CNY", "100.00 USD"]
    assert not found.unknown


def test_money_without_a_rate_is_named_and_in_no_sum() -> None:
    found = of({"CNY": {"a": handoff("order_invoice", 100_00)}, "JPY": {"a": handoff("order_invoice", 5000)}}, {})
    assert [(row.base, row.count) for row in found.rows] == [("100.00", "1")]
    assert found.unknown == ["5,000 JPY"]


def test_what_has_no_list_of_documents_leads_to_the_findings_about_it() -> None:
    found = of({"CNY": {"a": handoff("order_invoice", 0, 100_00), "b": handoff("quote_order", 200_00)}}, {})
    assert [(row.side, row.parts[0].address, row.findings) for row in found.rows] == [
        ("Open", "/documents", ""),
        ("Not linked or different", "", "/findings?stage=billing"),
    ]
