"""Above the river's table: the hand-offs at which most of a period's money is lost, open or not linked."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from html import unescape

from console.i18n import texts
from console.web import worst_leaks
from console.web.rivers import Asides
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


def figures(page: str, name: str) -> list[str]:
    """The sums of a row: the one that ranks it, and what is due."""
    table = page[page.index('id="worst"') :].partition("</table>")[0]
    [row] = re.findall(rf'<tr><th scope="row">{re.escape(name)}</th>(.*?)</tr>', table, re.DOTALL)
    cells = re.findall(r'<td class="number"[^>]*>(.*?)</td>', row, re.DOTALL)
    return [re.sub(r"<[^>]+>", "", cell.partition("<br>")[0]) for cell in cells][1:]


def of(
    amounts: dict[str, dict[str, Handoff]],
    rates: dict[str, Decimal],
    compared: dict[tuple[str, str, str], tuple[int, int]] | None = None,
    before: dict[str, list[Handoff]] | None = None,
) -> Ranking:
    """The ranking of hand-offs by currency; all documents of open ones are known, and what is not due and missing of
    those in ``compared``."""
    currencies = {currency: list(items.values()) for currency, items in amounts.items()}
    known = {
        (item.name, side, currency): Known(
            "/documents" if side == "open" else "", *(compared or {}).get((item.name, side, currency), (0, None))
        )
        for currency, items in currencies.items()
        for item in items
        for side in worst_leaks.SIDES
    }
    about = {"order_invoice": ("billing", 3)}
    return worst_leaks.ranking(currencies, before, known, about, {"base_currency": "CNY"}, rates, texts("en"))


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
        "Invoice → payment (with tax): Open",
        "Ordered goods → delivery: Open",
        "Order → invoice: Open",
    ]
    for (_, addresses), number in zip(found, ("INV-1", "INV-2", "SO-1", "SO-1"), strict=True):
        assert number in viewer.get(addresses[0]).text
    assert "Each amount leads to its documents." in page
    assert "Findings now, all currencies" in page
    viewer.post("/language", locale="zh-CN")
    assert ranked(viewer.get("/?period=all").text)[2][0] == "订购产品 → 交付：未清"


def test_a_row_says_what_is_missing_of_what_is_due_beside_what_is_due_and_the_whole(
    as_role: Callable[[Role], Browser],
) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get("/?period=all").text
    assert figures(page, "Order → invoice: Not linked or different") == ["250.00", "1,250.00"]
    assert figures(page, "Ordered goods → delivery: Open") == ["0.00", "0.00"]
    assert "in full 1,000.00" in page.partition('id="worst"')[2].partition("</table>")[0]
    listed = viewer.get("/tie-outs?name=order_invoice&side=right&currency=CNY&part=unmatched").text
    assert "missing on the other side of what is due: 250.00" in listed


def test_of_an_earlier_period_it_is_said_that_nobody_keeps_which_documents_stood_so(
    as_role: Callable[[Role], Browser],
) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get("/?period=2026-08").text
    assert "Which documents stood so when an earlier period ended is not kept." in page
    assert "Each amount leads to its documents." not in page
    assert "known of now alone" in page
    assert dict(ranked(page))["Order → invoice: Not linked or different"] == ["/findings?stage=billing"]
    assert "Findings about this hand-off today: 2<" in page
    assert "before 50.00" in viewer.get("/?period=2026-09").text.partition('id="worst"')[2].partition("</table>")[0]
    viewer.post("/language", locale="zh-CN")
    assert "没有保留" in viewer.get("/?period=2026-08").text


def test_currencies_are_summed_in_the_base_currency_and_the_sum_decides() -> None:
    found = of(
        {
            "CNY": {"a": handoff("order_invoice", 100_00), "b": handoff("invoice_payment", 500_00)},
            "USD": {"a": handoff("order_invoice", 100_00)},
        },
        {"USD": Decimal("7")},
    )
    assert [(row.name, row.side, row.whole, row.count) for row in found.rows] == [
        ("Order → invoice", "Open", "800.00", "2"),
        ("Invoice → payment (with tax)", "Open", "500.00", "1"),
    ]
    assert [part.amount for part in found.rows[0].parts] == ["100.00 CNY", "100.00 USD"]
    assert not found.unknown


def test_money_without_a_rate_is_named_and_in_no_sum() -> None:
    found = of({"CNY": {"a": handoff("order_invoice", 100_00)}, "JPY": {"a": handoff("order_invoice", 5000)}}, {})
    assert [(row.whole, row.count) for row in found.rows] == [("100.00", "1")]
    assert found.unknown == ["5,000 JPY"]


def test_what_has_no_list_of_documents_leads_to_the_findings_about_it() -> None:
    found = of({"CNY": {"a": handoff("order_invoice", 0, 100_00), "b": handoff("quote_order", 200_00)}}, {})
    assert [(row.side, row.parts[0].address, row.findings) for row in found.rows] == [
        ("Open", "/documents", ""),
        ("Not linked or different", "", "/findings?stage=billing"),
    ]


def test_what_is_not_due_or_there_already_does_not_make_a_hand_off_rank_high() -> None:
    orders, invoices = handoff("order_invoice", 9_000_00), handoff("invoice_payment", 500_00)
    compared = {("order_invoice", "open", "CNY"): (7_000_00, 50_00), ("invoice_payment", "open", "CNY"): (0, 500_00)}
    before = {"CNY": [handoff("order_invoice", 8_000_00)]}
    found = of({"CNY": {"a": orders, "b": invoices}}, {}, compared, before)
    assert [(row.name, row.missing, row.due, row.whole, row.before) for row in found.rows] == [
        ("Invoice → payment (with tax)", "500.00", "500.00", "500.00", "0.00"),
        ("Order → invoice", "50.00", "2,000.00", "9,000.00", "8,000.00"),
    ]


def test_what_is_not_compared_ranks_with_the_whole_of_its_documents() -> None:
    compared = {("order_invoice", "open", "CNY"): (0, 100_00)}
    amounts = {"a": handoff("order_invoice", 900_00), "b": handoff("quote_accepted", 300_00)}
    found = of({"CNY": amounts}, {}, compared)
    assert [(row.name, row.missing, row.whole) for row in found.rows] == [
        ("Quote → accepted", "", "300.00"),
        ("Order → invoice", "100.00", "900.00"),
    ]


def test_money_that_came_in_and_is_matched_is_named_beside_what_is_missing_and_does_not_rank() -> None:
    asides = Asides(
        waits={},
        missing={"invoice_payment right CNY unmatched": 500_00},
        matched={"invoice_payment right CNY unmatched": {"count": 2, "amount": 480_00}},
    )
    key = "invoice_payment right CNY unmatched"
    known = {
        ("invoice_payment", "unlinked", "CNY"): asides.known("/documents", key, past=False),
        ("order_invoice", "unlinked", "CNY"): Known("/documents", 0, 100_00),
    }
    items = [handoff("invoice_payment", 0, 500_00), handoff("order_invoice", 0, 900_00)]
    found = worst_leaks.ranking({"CNY": items}, None, known, {}, {"base_currency": "CNY"}, {}, texts("en"))
    assert [(row.name, row.missing) for row in found.rows] == [
        ("Order → invoice", "100.00"),
        ("Invoice → payment (with tax)", "20.00"),
    ]
    assert found.matched == "480.00"
    past = asides.known("/documents", key, past=True)
    assert (past.missing, past.matched) == (None, 0)
